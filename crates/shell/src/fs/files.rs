//! The files of a machine as one process sees them.

use super::filler;
use super::inode::{Body, Entries, Ino, Inode};
use super::open::{Handle, Node, OpenOptions, Program};
use super::overlay::Overlay;
use super::resolve::{Caller, Found};
use super::types::{Credentials, Kind, Metadata};
use crate::Errno;
use crate::Machine;
use model::Timestamp;
use std::sync::{Arc, MutexGuard};

/// The most bytes [`Files::read`] returns; longer files are read through a [`Handle`].
const READ_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most bytes it returns of a device, which may be endless.
const DEVICE_BYTES_MAX: usize = 64 * 1024;

/// One entry of a directory: its name and what `lstat` says of it.
pub type Entry = (Vec<u8>, Metadata);

/// The files of a machine, with one identity's permissions. Paths are absolute, or relative to a working directory.
#[derive(Clone)]
pub struct Files {
    pub(crate) machine: Machine,
    pub(crate) credentials: Credentials,
    /// The working directory; absolute.
    pub(crate) directory: Arc<[u8]>,
    pub(crate) umask: u32,
    /// The process that looks, for `/proc/self`.
    pub(crate) pid: u32,
}

impl Files {
    pub(super) fn overlay(&self) -> MutexGuard<'_, Overlay> {
        self.machine.overlay()
    }

    pub(super) fn caller(&self) -> Caller<'_> {
        Caller { who: &self.credentials, pid: self.pid, cwd: &self.directory }
    }

    fn find(&self, overlay: &Overlay, path: &[u8], follow: bool) -> Result<Found, Errno> {
        overlay.resolve(&self.caller(), path, follow)
    }

    fn metadata(&self, path: &[u8], follow: bool) -> Result<Metadata, Errno> {
        let overlay = self.overlay();
        let ino = self.find(&overlay, path, follow)?.existing()?;
        overlay.inode(ino).map(|node| node.metadata(ino)).ok_or(Errno::Enoent)
    }

    /// What executing the path would run. `Eacces` when it may not be executed or is a directory.
    pub fn program(&self, path: &[u8]) -> Result<Program, Errno> {
        let overlay = self.overlay();
        let ino = self.find(&overlay, path, true)?.existing()?;
        let inode = overlay.inode(ino).ok_or(Errno::Enoent)?;
        let executable = inode.kind == Kind::File && self.credentials.allows(1, inode.kind, inode.mode, inode.uid, inode.gid);
        if !executable {
            return Err(Errno::Eacces);
        }
        match &inode.body {
            Body::Listed { origin, .. } => Ok(Program::Tool(tool_name(base_name(origin)).to_vec())),
            body => {
                let bytes = match body {
                    Body::Own(bytes) => bytes.as_slice().into(),
                    Body::Shared(bytes) => bytes.clone(),
                    _ => return Err(Errno::Eacces),
                };
                drop(inode);
                let captured = { overlay }.take_uncaptured(Some(ino));
                self.machine.capture(captured);
                Ok(Program::Bytes(bytes))
            }
        }
    }

    /// Follows symbolic links.
    pub fn stat(&self, path: &[u8]) -> Result<Metadata, Errno> {
        self.metadata(path, true)
    }

    /// Does not follow the last component.
    pub fn lstat(&self, path: &[u8]) -> Result<Metadata, Errno> {
        self.metadata(path, false)
    }

    /// Whether all of `wanted` (4 read, 2 write, 1 execute) is allowed, as `access(2)` answers it.
    pub fn access(&self, path: &[u8], wanted: u32) -> Result<(), Errno> {
        let overlay = self.overlay();
        let found = self.find(&overlay, path, true)?;
        let node = overlay.inode(found.existing()?).ok_or(Errno::Enoent)?;
        if wanted & 2 != 0 && node.kind != Kind::CharacterDevice && overlay.image().mount(&found.path).is_some_and(|m| m.readonly) {
            return Err(Errno::Erofs);
        }
        if self.credentials.allows(wanted, node.kind, node.mode, node.uid, node.gid) { Ok(()) } else { Err(Errno::Eacces) }
    }

    /// The canonical absolute path, whether or not the last component exists.
    pub fn real_path(&self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        Ok(self.find(&self.overlay(), path, true)?.path)
    }

    /// Names and what `lstat` says of each, in directory order, without `.` and `..`.
    pub fn list(&self, path: &[u8]) -> Result<Vec<Entry>, Errno> {
        let overlay = self.overlay();
        let ino = self.find(&overlay, path, true)?.existing()?;
        let node = overlay.inode(ino).ok_or(Errno::Enoent)?;
        if node.kind != Kind::Directory {
            return Err(Errno::Enotdir);
        }
        if !self.credentials.allows(4, node.kind, node.mode, node.uid, node.gid) {
            return Err(Errno::Eacces);
        }
        let entries = overlay.entries(ino);
        Ok(entries.into_iter().filter_map(|(name, ino)| Some((name, overlay.inode(ino)?.metadata(ino)))).collect())
    }

    /// A whole file.
    pub fn read(&self, path: &[u8]) -> Result<Arc<[u8]>, Errno> {
        let handle = self.handle(path, OpenOptions::READ)?;
        if let Some(content) = handle.snapshot() {
            return Ok(content);
        }
        let bytes_max = if handle.kind() == Kind::File { READ_BYTES_MAX } else { DEVICE_BYTES_MAX };
        Ok(handle.read_at(0, bytes_max)?.into())
    }

    /// Creates or replaces a file; `mode` applies when it is created. What is written this way is not captured here: the caller does.
    pub fn write(&self, path: &[u8], content: Vec<u8>, mode: u32) -> Result<(), Errno> {
        self.handle(path, OpenOptions { mode, ..OpenOptions::CREATE })?.replace(content)
    }

    /// Opens a file or device.
    pub fn open(&self, path: &[u8], options: OpenOptions) -> Result<Arc<dyn Node>, Errno> {
        Ok(Arc::new(self.handle(path, options)?))
    }

    fn handle(&self, path: &[u8], options: OpenOptions) -> Result<Handle, Errno> {
        let now = self.machine.now();
        let mut overlay = self.overlay();
        let caller = self.caller();
        let found = self.find(&overlay, path, true)?;
        let ino = match found.ino {
            Some(_) if options.exclusive => return Err(Errno::Eexist),
            Some(ino) => ino,
            None if !options.create => return Err(Errno::Enoent),
            None if found.slash => return Err(Errno::Eisdir),
            None => {
                overlay.may_change_entry(&caller, &found)?;
                let owner = self.owner(&overlay, &found);
                let inode = Inode::new(Kind::File, options.mode & !self.umask & 0o7777, owner, now, Body::Own(Vec::new()));
                overlay.create(&found, inode, now)?
            }
        };
        let inode = overlay.inode(ino).ok_or(Errno::Enoent)?;
        let (kind, body, size) = (inode.kind, inode.body.clone_for_reading(), inode.size());
        if found.ino.is_some() {
            if options.read && !self.credentials.allows(4, inode.kind, inode.mode, inode.uid, inode.gid) {
                return Err(Errno::Eacces);
            }
            if options.write {
                overlay.may_write(&caller, &found, !options.truncate)?;
            }
        }
        if kind == Kind::Socket {
            return Err(Errno::Enxio);
        }
        let mut captured = Vec::new();
        if kind == Kind::File && overlay.is_written(ino) && (options.read || options.truncate) {
            captured = overlay.take_uncaptured(Some(ino));
        }
        if options.write && options.truncate && size > 0 && body.is_stored() {
            overlay.replace(ino, Body::Own(Vec::new()), now)?;
        }
        overlay.handle_opened(ino);
        drop(overlay);
        self.machine.capture(captured);
        Ok(Handle::new(self, ino, found.path, kind, body, options, size == 0 || options.truncate))
    }

    /// The owner of a file made here: a set-group-id directory hands on its group.
    fn owner(&self, overlay: &Overlay, found: &Found) -> (u32, u32) {
        let gid = overlay.inode(found.parent).filter(|parent| parent.mode & 0o2000 != 0).map_or(self.credentials.gid, |parent| parent.gid);
        (self.credentials.uid, gid)
    }

    fn create(&self, path: &[u8], follow_slash: bool, make: impl FnOnce((u32, u32), Timestamp) -> Inode) -> Result<(), Errno> {
        let now = self.machine.now();
        let mut overlay = self.overlay();
        let trimmed = if follow_slash { trim_slashes(path) } else { path };
        let found = self.find(&overlay, trimmed, false)?;
        if found.ino.is_some() {
            return Err(Errno::Eexist);
        }
        overlay.may_change_entry(&self.caller(), &found)?;
        let owner = self.owner(&overlay, &found);
        overlay.create(&found, make(owner, now), now).map(|_| ())
    }

    /// Creates a directory.
    pub fn make_directory(&self, path: &[u8], mode: u32) -> Result<(), Errno> {
        self.create(path, true, |owner, now| {
            Inode::new(Kind::Directory, mode & !self.umask & 0o7777, owner, now, Body::Directory(Entries::new()))
        })
    }

    /// Creates a FIFO, a socket or a device node.
    pub fn make_node(&self, path: &[u8], kind: Kind, mode: u32, device: (u32, u32)) -> Result<(), Errno> {
        let body = match kind {
            Kind::CharacterDevice | Kind::BlockDevice if self.credentials.uid != 0 => return Err(Errno::Eperm),
            Kind::CharacterDevice | Kind::BlockDevice => Body::Device(device.0, device.1),
            Kind::File => Body::Own(Vec::new()),
            _ => Body::Endpoint,
        };
        self.create(path, false, |owner, now| Inode::new(kind, mode & !self.umask & 0o7777, owner, now, body))
    }

    /// Makes a symbolic link.
    pub fn symlink(&self, target: &[u8], path: &[u8]) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::Enoent);
        }
        self.create(path, false, |owner, now| Inode::new(Kind::Symlink, 0o777, owner, now, Body::Symlink(target.into())))
    }

    /// Makes a hard link.
    pub fn link(&self, existing: &[u8], path: &[u8]) -> Result<(), Errno> {
        let now = self.machine.now();
        let mut overlay = self.overlay();
        let source = self.find(&overlay, existing, false)?;
        let ino = source.existing()?;
        let found = self.find(&overlay, path, false)?;
        if found.ino.is_some() {
            return Err(Errno::Eexist);
        }
        if overlay.inode(ino).is_some_and(|node| node.kind == Kind::Directory) {
            return Err(Errno::Eperm);
        }
        let mount = |found: &Found| overlay.image().mount(&found.path).map(|m| m.path.clone());
        if mount(&source) != mount(&found) {
            return Err(Errno::Exdev);
        }
        overlay.may_change_entry(&self.caller(), &found)?;
        overlay.inode_mut(ino)?.links += 1;
        overlay.enter(&found, ino, false, now)
    }

    /// Removes a file or link.
    pub fn remove(&self, path: &[u8]) -> Result<(), Errno> {
        let now = self.machine.now();
        let mut overlay = self.overlay();
        let found = self.find(&overlay, path, false)?;
        let ino = found.existing()?;
        if overlay.inode(ino).is_some_and(|node| node.kind == Kind::Directory) {
            return Err(Errno::Eisdir);
        }
        overlay.may_change_entry(&self.caller(), &found)?;
        let captured = overlay.take_uncaptured(Some(ino));
        let removed = overlay.unlink(&found, now);
        drop(overlay);
        self.machine.capture(captured);
        removed
    }

    /// Removes an empty directory.
    pub fn remove_directory(&self, path: &[u8]) -> Result<(), Errno> {
        let now = self.machine.now();
        let mut overlay = self.overlay();
        let found = self.find(&overlay, trim_slashes(path), false)?;
        let ino = found.existing()?;
        if overlay.inode(ino).is_some_and(|node| node.kind != Kind::Directory) {
            return Err(Errno::Enotdir);
        }
        if found.name.is_empty() {
            return Err(if found.path == b"/" { Errno::Ebusy } else { Errno::Einval });
        }
        if overlay.image().is_mount_point(&found.path) {
            return Err(Errno::Ebusy);
        }
        overlay.may_change_entry(&self.caller(), &found)?;
        if !overlay.entries(ino).is_empty() {
            return Err(Errno::Enotempty);
        }
        overlay.unlink(&found, now)
    }

    /// Renames, replacing a file or an empty directory of the new name.
    pub fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), Errno> {
        let now = self.machine.now();
        let mut overlay = self.overlay();
        let source = self.find(&overlay, trim_slashes(from), false)?;
        let ino = source.existing()?;
        let target = self.find(&overlay, trim_slashes(to), false)?;
        if source.name.is_empty() || target.name.is_empty() {
            return Err(Errno::Ebusy);
        }
        let directory = overlay.inode(ino).is_some_and(|node| node.kind == Kind::Directory);
        let mut inside = source.path.clone();
        inside.push(b'/');
        if directory && target.path.starts_with(&inside) {
            return Err(Errno::Einval);
        }
        overlay.may_change_entry(&self.caller(), &source)?;
        overlay.may_change_entry(&self.caller(), &target)?;
        let mount = |found: &Found| overlay.image().mount(&found.path).map(|m| m.path.clone());
        if mount(&source) != mount(&target) {
            return Err(Errno::Exdev);
        }
        let mut captured = overlay.take_uncaptured(Some(ino));
        if let Some(old) = target.ino {
            if old == ino {
                return Ok(());
            }
            let replaced_directory = overlay.inode(old).is_some_and(|node| node.kind == Kind::Directory);
            match (directory, replaced_directory) {
                (true, false) => return Err(Errno::Enotdir),
                (false, true) => return Err(Errno::Eisdir),
                (true, true) if !overlay.entries(old).is_empty() => return Err(Errno::Enotempty),
                _ => {}
            }
            captured.extend(overlay.take_uncaptured(Some(old)));
            overlay.unlink(&target, now)?;
        }
        overlay.leave(&source, directory, now)?;
        let renamed = overlay.enter(&target, ino, directory, now);
        drop(overlay);
        self.machine.capture(captured);
        renamed
    }

    /// The target of a symbolic link.
    pub fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let overlay = self.overlay();
        let ino = self.find(&overlay, path, false)?.existing()?;
        let node = overlay.inode(ino).ok_or(Errno::Enoent)?;
        if overlay.is_of_process(ino) && self.credentials.uid != 0 && self.credentials.uid != node.uid {
            return Err(Errno::Eacces);
        }
        match &node.body {
            Body::Symlink(target) if target.is_empty() => Err(Errno::Enoent),
            Body::Symlink(target) => Ok(target.to_vec()),
            Body::SelfLink => Ok(self.pid.to_string().into_bytes()),
            _ => Err(Errno::Einval),
        }
    }

    /// Changes an inode; `owner_only` when its owner may, else only root.
    fn change(&self, path: &[u8], follow: bool, owner_may: bool, change: impl FnOnce(&mut Inode, Timestamp)) -> Result<(), Errno> {
        let now = self.machine.now();
        let mut overlay = self.overlay();
        let found = self.find(&overlay, path, follow)?;
        let ino = found.existing()?;
        let node = overlay.inode(ino).ok_or(Errno::Enoent)?;
        if overlay.image().mount(&found.path).is_some_and(|mount| mount.readonly) && overlay.may_change_mount(&found) == Err(Errno::Erofs) {
            return Err(Errno::Erofs);
        }
        if self.credentials.uid != 0 && !(owner_may && self.credentials.uid == node.uid) {
            return Err(Errno::Eperm);
        }
        let captured = if owner_may { overlay.take_uncaptured(Some(ino)) } else { Vec::new() };
        let node = overlay.inode_mut(ino).map_err(|_| Errno::Eperm)?;
        change(node, now);
        node.changed = now;
        drop(overlay);
        self.machine.capture(captured);
        Ok(())
    }

    fn attributes_allow(&self, path: &[u8]) -> Result<(), Errno> {
        use super::overlay::{APPEND_ONLY, IMMUTABLE};
        let metadata = self.stat(path)?;
        if metadata.attributes & (IMMUTABLE | APPEND_ONLY) != 0 { Err(Errno::Eperm) } else { Ok(()) }
    }

    /// Changes permission bits.
    pub fn set_mode(&self, path: &[u8], mode: u32) -> Result<(), Errno> {
        self.attributes_allow(path)?;
        self.change(path, true, true, |node, _| node.mode = mode & 0o7777)
    }

    /// Changes the owner, the group or both; `follow` says whether a link itself is meant.
    pub fn set_owner(&self, path: &[u8], uid: Option<u32>, gid: Option<u32>, follow: bool) -> Result<(), Errno> {
        if follow {
            self.attributes_allow(path)?;
        }
        // The owner may give a file to a group it is in; everything else is root's.
        let owner_may = uid.is_none_or(|uid| uid == self.credentials.uid) && gid.is_none_or(|gid| self.credentials.in_group(gid));
        self.change(path, follow, owner_may, |node, _| {
            node.uid = uid.unwrap_or(node.uid);
            node.gid = gid.unwrap_or(node.gid);
        })
    }

    /// Changes the modification time.
    pub fn set_modified(&self, path: &[u8], time: Timestamp) -> Result<(), Errno> {
        self.set_times(path, None, Some(time))
    }

    /// Changes the access time, the modification time or both.
    pub fn set_times(&self, path: &[u8], accessed: Option<Timestamp>, modified: Option<Timestamp>) -> Result<(), Errno> {
        self.change(path, true, true, |node, _| {
            node.accessed = accessed.unwrap_or(node.accessed);
            node.modified = modified.unwrap_or(node.modified);
        })
    }

    /// Sets the flags of `chattr(1)`, in [`Metadata::attributes`]' bits.
    pub fn set_attributes(&self, path: &[u8], attributes: u32) -> Result<(), Errno> {
        self.change(path, true, false, |node, _| node.attributes = attributes)
    }

    /// Puts a file of our own making in place, as a download does: never captured, because no byte of it is the attacker's.
    pub fn place(&self, path: &[u8], content: Vec<u8>, mode: u32) -> Result<(), Errno> {
        self.write(path, content, mode)
    }

    /// Copies a file's contents onto another path, sharing them where they are shared already. `mode` applies when it is created.
    pub fn copy(&self, from: &[u8], to: &[u8], mode: u32) -> Result<(), Errno> {
        let source = self.handle(from, OpenOptions::READ)?;
        if source.kind() == Kind::Directory {
            return Err(Errno::Eisdir);
        }
        let attackers = self.overlay().is_written(source.inode());
        let body = match source.body() {
            body @ (Body::Listed { .. } | Body::Shared(_)) => body.clone(),
            _ => Body::Own(self.read(from)?.to_vec()),
        };
        let target = self.handle(to, OpenOptions { mode, ..OpenOptions::CREATE })?;
        if target.kind() != Kind::File {
            return target.write_at(0, &self.read(from)?);
        }
        let now = self.machine.now();
        let mut overlay = self.overlay();
        overlay.replace(target.inode(), body, now)?;
        if attackers {
            overlay.mark_written(target.inode(), target.path());
            overlay.take_uncaptured(Some(target.inode()));
        }
        Ok(())
    }

    /// The first bytes of a file, for telling what it is; fewer when it is shorter.
    pub fn magic(&self, path: &[u8], count: usize) -> Result<Vec<u8>, Errno> {
        self.handle(path, OpenOptions::READ)?.read_at(0, count)
    }

    pub(super) fn listed_range(&self, origin: &[u8], size: u64, offset: u64, count: usize) -> Vec<u8> {
        let machine = &self.machine.host().persona().host.kernel.machine;
        filler::range(&filler::Subject { path: origin, size, machine }, offset, count)
    }

    pub(super) fn inode_bytes(&self, ino: Ino, offset: u64, count: usize) -> Vec<u8> {
        let overlay = self.overlay();
        let Some(node) = overlay.inode(ino) else { return Vec::new() };
        let content: &[u8] = match &node.body {
            Body::Own(content) => content,
            Body::Shared(content) => content,
            _ => return Vec::new(),
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        content[start..start.saturating_add(count).min(content.len())].to_vec()
    }
}

/// The command behind a program that Debian installs under a longer name and an alternative's link.
fn tool_name(program: &[u8]) -> &[u8] {
    match program {
        b"mawk" => b"awk",
        b"nc.openbsd" => b"nc",
        b"vim.basic" => b"vim",
        b"which.debianutils" => b"which",
        b"iptables-nft" | b"xtables-nft-multi" => b"iptables",
        b"php8.1" => b"php",
        name if name.starts_with(b"python3.") => b"python3",
        other => other,
    }
}

/// The last component of a path.
pub(crate) fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or(path)
}

fn trim_slashes(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(path.len().min(1), |at| at + 1);
    &path[..end]
}
