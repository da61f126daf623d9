//! The image of a persona.

use super::manifest::{self, Names};
use super::{Body, Entries, Image, Inode, Kind, generated, procfs};
use persona::{Instance, Persona, PersonaError, Userland};
use std::collections::HashMap;
use std::sync::Arc;

/// Builds the tree: what `files.txt` lists, a file for every command, the contents under `content/`, and what follows from the host's facts.
pub(crate) fn build(persona: &Persona, instance: &Instance) -> Result<Image, PersonaError> {
    let host = &persona.host;
    let mut image = Image::new(instance.booted, &host.mounts);
    let names = Names {
        users: host.users.iter().map(|user| (user.name.clone(), user.uid)).collect(),
        groups: generated::groups(host).into_iter().map(|group| (group.name, group.gid)).collect::<HashMap<_, _>>(),
    };
    if let Some(text) = persona.files.get("files.txt") {
        let invalid = |message| PersonaError::Invalid { name: host.hostname.clone(), message };
        let text = std::str::from_utf8(text).map_err(|e| invalid(format!("files.txt: {e}")))?;
        manifest::load(&mut image, text, &names).map_err(|message| invalid(format!("files.txt: {message}")))?;
    }
    add_commands(&mut image, host.userland);
    for mount in &host.mounts {
        if image.lookup(mount.path.as_bytes()).is_none() {
            image.put(mount.path.as_bytes(), Inode::new(Kind::Directory, 0o755, (0, 0), instance.booted, Body::Directory(Entries::new())));
        }
    }
    for (path, content) in generated::files(host, instance) {
        image.fill(path.as_bytes(), content.into(), instance.booted);
    }
    for (path, content) in &persona.files {
        if let Some(path) = path.strip_prefix("content/") {
            image.fill(format!("/{path}").as_bytes(), content.clone(), instance.booted);
        }
    }
    procfs::fill(&mut image, host);
    image.proc = image.lookup(b"/proc").unwrap_or(u64::MAX);
    Ok(image)
}

/// Bytes of a program that `files.txt` does not list.
const PROGRAM_BYTES: u64 = 43_432;

/// Every command lies where it says, also when a persona's list forgets it: one that runs must be found.
fn add_commands(image: &mut Image, userland: Userland) {
    let time = image.lookup(b"/bin").and_then(|ino| image.inode(ino)).map_or(image.boot, |inode| inode.modified);
    for command in crate::COMMANDS.iter().filter(|command| command.on(userland)) {
        for directory in command.directories {
            let path = format!("{directory}/{}", command.name);
            // `/bin` may be a link to `usr/bin`; what it leads to is what is listed.
            let Some(real) = image.follow(directory.as_bytes()) else { continue };
            // A link whose target a persona leaves out is as good as nothing.
            if image.child(real, command.name.as_bytes()).is_some() && image.leads_somewhere(path.as_bytes()) {
                continue;
            }
            let body = match userland {
                Userland::Gnu => Body::Listed { size: PROGRAM_BYTES, origin: Arc::from(path.as_bytes()) },
                Userland::Busybox if command.name == "busybox" => Body::Listed { size: 743_528, origin: Arc::from(path.as_bytes()) },
                Userland::Busybox => Body::Symlink(Arc::from(if *directory == "/bin" { &b"busybox"[..] } else { b"/bin/busybox" })),
            };
            let (kind, mode) = if matches!(body, Body::Symlink(_)) { (Kind::Symlink, 0o777) } else { (Kind::File, 0o755) };
            image.put_in(real, command.name.as_bytes(), Inode::new(kind, mode, (0, 0), time, body));
        }
    }
}
