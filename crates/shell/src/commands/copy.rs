//! `cp`, `mv`, `ln` and `install`.

use super::options::{Given, Spec, Takes, parse, usage_error};
use super::source::quoted;
use crate::command::{Outcome, Process, Stop};
use crate::fs::base_name;
use crate::{Errno, Kind};

const CP: Spec = Spec {
    short: "abdfHiLlnPpRrsS:t:TuvxZ",
    long: &[
        ("archive", 'a', Takes::Nothing),
        ("force", 'f', Takes::Nothing),
        ("interactive", 'i', Takes::Nothing),
        ("link", 'l', Takes::Nothing),
        ("dereference", 'L', Takes::Nothing),
        ("no-clobber", 'n', Takes::Nothing),
        ("no-dereference", 'P', Takes::Nothing),
        ("preserve", 'p', Takes::Optional),
        ("recursive", 'R', Takes::Nothing),
        ("symbolic-link", 's', Takes::Nothing),
        ("target-directory", 't', Takes::Value),
        ("no-target-directory", 'T', Takes::Nothing),
        ("update", 'u', Takes::Nothing),
        ("verbose", 'v', Takes::Nothing),
    ],
    usage: "[OPTION]... [-T] SOURCE DEST\n  or:  cp [OPTION]... SOURCE... DIRECTORY\n  or:  cp [OPTION]... -t DIRECTORY SOURCE...\nCopy SOURCE to DEST, or multiple SOURCE(s) to DIRECTORY.",
    error: 1,
};

const MV: Spec = Spec {
    short: "bfinS:t:Tuv",
    long: &[
        ("force", 'f', Takes::Nothing),
        ("interactive", 'i', Takes::Nothing),
        ("no-clobber", 'n', Takes::Nothing),
        ("target-directory", 't', Takes::Value),
        ("no-target-directory", 'T', Takes::Nothing),
        ("update", 'u', Takes::Nothing),
        ("verbose", 'v', Takes::Nothing),
    ],
    usage: "[OPTION]... [-T] SOURCE DEST\n  or:  mv [OPTION]... SOURCE... DIRECTORY\n  or:  mv [OPTION]... -t DIRECTORY SOURCE...\nRename SOURCE to DEST, or move SOURCE(s) to DIRECTORY.",
    error: 1,
};

const LN: Spec = Spec {
    short: "bdfFiLnPrsS:t:Tv",
    long: &[
        ("force", 'f', Takes::Nothing),
        ("no-dereference", 'n', Takes::Nothing),
        ("symbolic", 's', Takes::Nothing),
        ("target-directory", 't', Takes::Value),
        ("verbose", 'v', Takes::Nothing),
    ],
    usage: "[OPTION]... [-T] TARGET LINK_NAME\n  or:  ln [OPTION]... TARGET\n  or:  ln [OPTION]... TARGET... DIRECTORY",
    error: 1,
};

/// Files one recursive copy touches.
const FILES_MAX: usize = 20_000;

/// Sources, and the directory they go into or the one name they get.
struct Plan {
    sources: Vec<Vec<u8>>,
    target: Vec<u8>,
    into: bool,
}

async fn plan(process: &mut Process, spec: &Spec, given: &Given) -> Result<Plan, Stop> {
    let mut sources = given.operands.clone();
    if let Some(target) = given.value('t') {
        return Ok(Plan { sources, target: target.to_vec(), into: true });
    }
    let Some(target) = sources.pop() else {
        return Err(usage_error(process, spec, "missing file operand").await?);
    };
    if sources.is_empty() {
        let message = [b"missing destination file operand after ", &quoted(&target)[..]].concat();
        return Err(usage_error(process, spec, message).await?);
    }
    let directory = !given.has('T') && process.files().stat(&target).is_ok_and(|metadata| metadata.kind == Kind::Directory);
    if sources.len() > 1 && !directory {
        let message = [b"target ", &quoted(&target)[..], b" is not a directory"].concat();
        process.complain(message).await?;
        return Err(Stop::Exit(1));
    }
    Ok(Plan { sources, target, into: directory })
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
    [directory, slash, name].concat()
}

fn last_name(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
    base_name(&path[..end])
}

pub(super) async fn cp(process: &mut Process) -> Outcome {
    let given = parse(process, &CP).await?;
    let plan = plan(process, &CP, &given).await?;
    let recursive = ['a', 'r', 'R'].iter().any(|letter| given.has(*letter));
    let mut status = 0;
    for source in plan.sources {
        let target = if plan.into { join(&plan.target, last_name(&source)) } else { plan.target.clone() };
        // Depth first, parents before children; directories get their modes at once, which only read-only trees would notice.
        let mut pending = vec![(source, target)];
        let mut touched = 0;
        while let Some((from, to)) = pending.pop() {
            process.charge(1).await?;
            touched += 1;
            if touched > FILES_MAX {
                break;
            }
            if let Err((what, errno)) = copy_one(process, &given, recursive, &from, &to, &mut pending) {
                status = 1;
                let reason = errno.map_or(String::new(), |errno| format!(": {errno}"));
                process.complain([&what[..], reason.as_bytes()].concat()).await?;
            } else if given.has('v') {
                process.out([&quoted(&from)[..], b" -> ", &quoted(&to), b"\n"].concat()).await?;
            }
        }
    }
    Ok(status)
}

type Failure = (Vec<u8>, Option<Errno>);

fn copy_one(
    process: &Process,
    given: &Given,
    recursive: bool,
    from: &[u8],
    to: &[u8],
    pending: &mut Vec<(Vec<u8>, Vec<u8>)>,
) -> Result<(), Failure> {
    let files = process.files();
    let busybox = process.busybox();
    let cannot = |verb: &str, path: &[u8], errno| {
        if busybox {
            ([format!("can't {verb} '").as_bytes(), path, b"'"].concat(), Some(errno))
        } else {
            ([format!("cannot {verb} ").as_bytes(), &quoted(path)].concat(), Some(errno))
        }
    };
    let keep_links = given.has('d') || given.has('P') || (recursive && !given.has('L'));
    let metadata = if keep_links { files.lstat(from) } else { files.stat(from) };
    let metadata = metadata.map_err(|errno| cannot("stat", from, errno))?;
    let existing = files.stat(to).ok();
    if existing.as_ref().is_some_and(|e| e.inode == metadata.inode) && metadata.kind != Kind::Directory {
        return Err(([&quoted(from)[..], b" and ", &quoted(to), b" are the same file"].concat(), None));
    }
    if given.has('n') && existing.is_some() && metadata.kind != Kind::Directory {
        return Ok(());
    }
    let preserve = given.has('p') || given.has('a');
    let mode = if preserve { metadata.mode } else { metadata.mode & 0o777 };
    match metadata.kind {
        Kind::Directory if !recursive => {
            let text = if busybox {
                [b"omitting directory '", from, b"'"].concat()
            } else {
                [b"-r not specified; omitting directory ", &quoted(from)[..]].concat()
            };
            return Err((text, None));
        }
        Kind::Directory => {
            match existing {
                Some(e) if e.kind != Kind::Directory => {
                    return Err(([b"cannot overwrite non-directory ", &quoted(to)[..], b" with directory ", &quoted(from)].concat(), None));
                }
                Some(_) => {}
                None => files.make_directory(to, mode).map_err(|errno| cannot("create directory", to, errno))?,
            }
            let entries = files.list(from).map_err(|errno| cannot("access", from, errno))?;
            pending.extend(entries.into_iter().rev().map(|(name, _)| (join(from, &name), join(to, &name))));
            return Ok(());
        }
        Kind::Symlink => {
            let target = files.read_link(from).map_err(|errno| cannot("read symbolic link", from, errno))?;
            if files.lstat(to).is_ok() {
                _ = files.remove(to);
            }
            return files.symlink(&target, to).map_err(|errno| cannot("create symbolic link", to, errno));
        }
        _ if given.has('l') => return files.link(from, to).map_err(|errno| cannot("create hard link", to, errno)),
        _ if given.has('s') => return files.symlink(from, to).map_err(|errno| cannot("create symbolic link", to, errno)),
        Kind::Fifo | Kind::Socket if recursive => {
            return files.make_node(to, metadata.kind, mode, (0, 0)).map_err(|errno| cannot("create fifo", to, errno));
        }
        _ => {}
    }
    if given.has('f') && existing.is_some() && files.access(to, 2).is_err() {
        _ = files.remove(to);
    }
    files.access(from, 4).map_err(|errno| {
        if busybox { cannot("open", from, errno) } else { ([b"cannot open ", &quoted(from)[..], b" for reading"].concat(), Some(errno)) }
    })?;
    files.copy(from, to, mode).map_err(|errno| {
        if busybox {
            cannot("create", to, errno)
        } else if existing.is_none() || to.ends_with(b"/") {
            ([b"cannot create regular file ", &quoted(to)[..]].concat(), Some(errno))
        } else if errno == Errno::Enospc {
            ([b"error writing ", &quoted(to)[..]].concat(), Some(errno))
        } else {
            cannot("create regular file", to, errno)
        }
    })?;
    if preserve {
        _ = files.set_mode(to, mode);
        _ = files.set_owner(to, Some(metadata.uid), Some(metadata.gid), true);
        _ = files.set_times(to, Some(metadata.accessed), Some(metadata.modified));
    }
    Ok(())
}

pub(super) async fn mv(process: &mut Process) -> Outcome {
    let given = parse(process, &MV).await?;
    let plan = plan(process, &MV, &given).await?;
    let mut status = 0;
    for source in plan.sources {
        let target = if plan.into { join(&plan.target, last_name(&source)) } else { plan.target.clone() };
        let files = process.files();
        if given.has('n') && files.lstat(&target).is_ok() {
            continue;
        }
        let same = || Some(files.lstat(&source).ok()?.inode == files.lstat(&target).ok()?.inode);
        let message = if let Err(errno) = files.lstat(&source) {
            Some(if process.busybox() {
                [b"can't rename '", &source[..], b"': ", errno.message().as_bytes()].concat()
            } else {
                [b"cannot stat ", &quoted(&source)[..], b": ", errno.message().as_bytes()].concat()
            })
        } else if same() == Some(true) {
            Some([&quoted(&source)[..], b" and ", &quoted(&target), b" are the same file"].concat())
        } else {
            match files.rename(&source, &target) {
                Ok(()) => None,
                Err(Errno::Exdev) => across(process, &source, &target).await?,
                Err(Errno::Einval) => {
                    Some([b"cannot move ", &quoted(&source)[..], b" to a subdirectory of itself, ", &quoted(&target)].concat())
                }
                Err(errno) if process.busybox() => Some([b"can't rename '", &source[..], b"': ", errno.message().as_bytes()].concat()),
                Err(errno) => {
                    Some([b"cannot move ", &quoted(&source)[..], b" to ", &quoted(&target), b": ", errno.message().as_bytes()].concat())
                }
            }
        };
        match message {
            Some(message) => {
                status = 1;
                process.complain(message).await?;
            }
            None if given.has('v') => process.out([b"renamed ", &quoted(&source)[..], b" -> ", &quoted(&target), b"\n"].concat()).await?,
            None => {}
        }
    }
    Ok(status)
}

/// Moves between file systems: a copy, then a removal.
async fn across(process: &mut Process, source: &[u8], target: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    let status = process.run(vec![b"/bin/cp".to_vec(), b"-a".to_vec(), b"--".to_vec(), source.to_vec(), target.to_vec()]).await;
    if status.is_ok_and(|status| status.code() == 0) {
        _ = process.run(vec![b"/bin/rm".to_vec(), b"-rf".to_vec(), b"--".to_vec(), source.to_vec()]).await;
    }
    Ok(None)
}

pub(super) async fn ln(process: &mut Process) -> Outcome {
    let given = parse(process, &LN).await?;
    let mut targets = given.operands.clone();
    let symbolic = given.has('s');
    let (link, into) = match (given.value('t'), targets.len()) {
        (_, 0) => return Err(usage_error(process, &LN, "missing file operand").await?),
        (Some(directory), _) => (directory.to_vec(), true),
        (None, 1) => (b".".to_vec(), true),
        (None, _) => {
            let link = targets.pop().unwrap_or_default();
            let metadata = if given.has('n') { process.files().lstat(&link) } else { process.files().stat(&link) };
            let into = !given.has('T') && metadata.is_ok_and(|metadata| metadata.kind == Kind::Directory);
            (link, into)
        }
    };
    let mut status = 0;
    for target in targets {
        let path = if into { join(&link, last_name(&target)) } else { link.clone() };
        let files = process.files();
        if given.has('f') && files.lstat(&path).is_ok() {
            _ = files.remove(&path);
        }
        let (made, kind) = if symbolic { (files.symlink(&target, &path), "symbolic") } else { (files.link(&target, &path), "hard") };
        match made {
            Ok(()) if given.has('v') => process.out([&quoted(&path)[..], b" -> ", &quoted(&target), b"\n"].concat()).await?,
            Ok(()) => {}
            Err(errno) => {
                status = 1;
                let message = if process.busybox() {
                    [&path[..], b": ", errno.message().as_bytes()].concat()
                } else if !symbolic && errno == Errno::Enoent {
                    [b"failed to access ", &quoted(&target)[..], b": ", errno.message().as_bytes()].concat()
                } else {
                    [format!("failed to create {kind} link ").as_bytes(), &quoted(&path), b": ", errno.message().as_bytes()].concat()
                };
                process.complain(message).await?;
            }
        }
    }
    Ok(status)
}
