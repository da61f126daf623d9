//! `rm`, `rmdir`, `unlink` and `shred`.

use super::options::{Spec, Takes, parse, usage_error};
use super::source::quoted;
use crate::command::{Outcome, Process, Stop};
use crate::{Errno, Kind};

const RM: Spec = Spec {
    short: "dfiIrRv",
    long: &[
        ("dir", 'd', Takes::Nothing),
        ("force", 'f', Takes::Nothing),
        ("interactive", 'i', Takes::Optional),
        ("one-file-system", '\u{1}', Takes::Nothing),
        ("no-preserve-root", '\u{2}', Takes::Nothing),
        ("preserve-root", '\u{3}', Takes::Optional),
        ("recursive", 'r', Takes::Nothing),
        ("verbose", 'v', Takes::Nothing),
    ],
    usage: "[OPTION]... [FILE]...\nRemove (unlink) the FILE(s).",
    error: 1,
};

pub(super) async fn rm(process: &mut Process) -> Outcome {
    let given = parse(process, &RM).await?;
    let force = given.has('f');
    if given.operands.is_empty() {
        if force {
            return Ok(0);
        }
        return Err(usage_error(process, &RM, "missing operand").await?);
    }
    let recursive = given.has('r') || given.has('R');
    let mut status = 0;
    for name in &given.operands {
        let last = crate::fs::base_name(name.strip_suffix(b"/").unwrap_or(name));
        if recursive && (last == b"." || last == b"..") {
            let message = [b"refusing to remove '.' or '..' directory: skipping ", &quoted(name)[..]].concat();
            process.complain(message).await?;
            status = 1;
            continue;
        }
        if recursive && !process.busybox() && !given.has('\u{2}') && process.files().real_path(name).is_ok_and(|path| path == b"/") {
            process.complain("it is dangerous to operate recursively on '/'").await?;
            process.complain("use --no-preserve-root to override this failsafe").await?;
            status = 1;
            continue;
        }
        status = status.max(remove(process, name, recursive, force, given.has('d'), given.has('v')).await?);
    }
    Ok(status)
}

/// Removes one operand and what is below it, without recursion: a directory is met twice, before and after its entries.
async fn remove(process: &mut Process, name: &[u8], recursive: bool, force: bool, empty: bool, verbose: bool) -> Outcome {
    let mut status = 0;
    let mut pending = vec![(name.to_vec(), false)];
    while let Some((path, emptied)) = pending.pop() {
        process.charge(1).await?;
        let files = process.files();
        let metadata = match files.lstat(&path) {
            Ok(metadata) => metadata,
            Err(Errno::Enoent | Errno::Enotdir) if force => continue,
            Err(errno) => {
                complain(process, &path, errno).await?;
                status = 1;
                continue;
            }
        };
        let removed = if metadata.kind != Kind::Directory {
            files.remove(&path)
        } else if emptied || (empty && !recursive) {
            files.remove_directory(&path)
        } else if recursive {
            let entries = files.list(&path).unwrap_or_default();
            pending.push((path.clone(), true));
            let slash: &[u8] = if path.ends_with(b"/") { b"" } else { b"/" };
            pending.extend(entries.into_iter().rev().map(|(entry, _)| ([&path[..], slash, &entry].concat(), false)));
            continue;
        } else {
            Err(Errno::Eisdir)
        };
        match removed {
            Ok(()) if verbose => {
                let what: &[u8] = if metadata.kind == Kind::Directory { b"removed directory " } else { b"removed " };
                process.out([what, &quoted(&path), b"\n"].concat()).await?;
            }
            Ok(()) => {}
            // What could not be removed has been complained of already.
            Err(Errno::Enotempty) if emptied && status != 0 => {}
            Err(errno) => {
                complain(process, &path, errno).await?;
                status = 1;
            }
        }
    }
    Ok(status)
}

async fn complain(process: &mut Process, path: &[u8], errno: Errno) -> Result<(), Stop> {
    let message = if process.busybox() {
        match errno {
            Errno::Eisdir => [b"'", path, b"' is a directory"].concat(),
            _ => [b"can't remove '", path, b"': ", errno.message().as_bytes()].concat(),
        }
    } else {
        [b"cannot remove ", &quoted(path)[..], b": ", errno.message().as_bytes()].concat()
    };
    process.complain(message).await
}

const RMDIR: Spec = Spec {
    short: "pv",
    long: &[("parents", 'p', Takes::Nothing), ("verbose", 'v', Takes::Nothing), ("ignore-fail-on-non-empty", '\u{1}', Takes::Nothing)],
    usage: "[OPTION]... DIRECTORY...\nRemove the DIRECTORY(ies), if they are empty.",
    error: 1,
};

pub(super) async fn rmdir(process: &mut Process) -> Outcome {
    let given = parse(process, &RMDIR).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &RMDIR, "missing operand").await?);
    }
    let mut status = 0;
    for name in &given.operands {
        let mut path = &name[..];
        loop {
            match process.files().remove_directory(path) {
                Ok(()) if given.has('v') => {
                    process.out([b"rmdir: removing directory, ", &quoted(path)[..], b"\n"].concat()).await?;
                }
                Ok(()) => {}
                Err(Errno::Enotempty) if given.has('\u{1}') => break,
                Err(errno) => {
                    let message = if process.busybox() {
                        [b"'", path, b"': ", errno.message().as_bytes()].concat()
                    } else {
                        [b"failed to remove ", &quoted(path)[..], b": ", errno.message().as_bytes()].concat()
                    };
                    process.complain(message).await?;
                    status = 1;
                    break;
                }
            }
            match path.iter().rposition(|b| *b == b'/') {
                Some(at) if given.has('p') && at > 0 => path = &path[..at],
                _ => break,
            }
        }
    }
    Ok(status)
}

pub(super) async fn unlink(process: &mut Process) -> Outcome {
    const UNLINK: Spec = Spec { short: "", long: &[], usage: "FILE", error: 1 };
    let given = parse(process, &UNLINK).await?;
    let Some(path) = given.operands.first() else { return Err(usage_error(process, &UNLINK, "missing operand").await?) };
    match process.files().remove(path) {
        Ok(()) => Ok(0),
        Err(errno) => {
            let message = [b"cannot unlink ", &quoted(path)[..], b": ", errno.message().as_bytes()].concat();
            process.complain(message).await?;
            Ok(1)
        }
    }
}

pub(super) async fn shred(process: &mut Process) -> Outcome {
    const SHRED: Spec = Spec {
        short: "fn:s:uvxz",
        long: &[
            ("force", 'f', Takes::Nothing),
            ("iterations", 'n', Takes::Value),
            ("remove", 'u', Takes::Optional),
            ("zero", 'z', Takes::Nothing),
        ],
        usage: "[OPTION]... FILE...",
        error: 1,
    };
    let given = parse(process, &SHRED).await?;
    let mut status = 0;
    for path in &given.operands {
        let files = process.files();
        let result = files.stat(path).and_then(|metadata| match metadata.kind {
            Kind::Directory => Err(Errno::Eisdir),
            Kind::File if given.has('u') => files.remove(path),
            Kind::File => files.write(path, vec![0; usize::try_from(metadata.size.min(1 << 20)).unwrap_or(0)], 0o644),
            _ => Ok(()),
        });
        if let Err(errno) = result {
            let message = [&path[..], b": failed to open for writing: ", errno.message().as_bytes()].concat();
            process.complain(message).await?;
            status = 1;
        }
    }
    Ok(status)
}
