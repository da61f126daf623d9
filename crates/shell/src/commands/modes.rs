//! `chmod`, `chown`, `chgrp`, `chattr` and `lsattr`.

use super::accounts::Accounts;
use super::options::{Spec, Takes, number, parse, parse_args, usage_error};
use super::source::quoted;
use crate::command::{Outcome, Process, Stop};
use crate::{Errno, Kind};

const CHMOD: Spec = Spec {
    short: "cfvRrwxXstugoa",
    long: &[
        ("changes", 'c', Takes::Nothing),
        ("quiet", 'f', Takes::Nothing),
        ("silent", 'f', Takes::Nothing),
        ("verbose", 'v', Takes::Nothing),
        ("recursive", 'R', Takes::Nothing),
        ("reference", '\u{1}', Takes::Value),
        ("preserve-root", '\u{2}', Takes::Nothing),
        ("no-preserve-root", '\u{3}', Takes::Nothing),
    ],
    usage: "[OPTION]... MODE[,MODE]... FILE...\n  or:  chmod [OPTION]... OCTAL-MODE FILE...\nChange the mode of each FILE to MODE.",
    error: 1,
};

/// Files one recursive change touches.
const FILES_MAX: usize = 20_000;

/// The mode after applying `755`, `+x`, `u=rwx,go-w`, …; `None` when it is no mode.
pub(super) fn apply_mode(text: &[u8], old: u32, directory: bool, umask: u32) -> Option<u32> {
    if text.first().is_some_and(u8::is_ascii_digit) {
        let digits =
            text.iter().try_fold(0u32, |value, b| matches!(b, b'0'..=b'7').then(|| value.saturating_mul(8) + u32::from(b - b'0')))?;
        return (digits <= 0o7777).then_some(digits);
    }
    let mut mode = old;
    for clause in text.split(|b| *b == b',') {
        let who_count = clause.iter().take_while(|b| b"ugoa".contains(b)).count();
        let (who, mut actions) = clause.split_at(who_count);
        if actions.is_empty() {
            return None;
        }
        let all = who.is_empty() || who.contains(&b'a');
        let classes = (if all || who.contains(&b'u') { 0o4700 } else { 0 })
            | (if all || who.contains(&b'g') { 0o2070 } else { 0 })
            | (if all || who.contains(&b'o') { 0o1007 } else { 0 });
        while let Some((operator, rest)) = actions.split_first() {
            if !b"+-=".contains(operator) {
                return None;
            }
            let count = rest.iter().take_while(|b| !b"+-=".contains(b)).count();
            let (permissions, next) = rest.split_at(count);
            actions = next;
            let mut bits = 0;
            for permission in permissions {
                bits |= match permission {
                    b'r' => 0o444,
                    b'w' => 0o222,
                    b'x' => 0o111,
                    b'X' if directory || mode & 0o111 != 0 => 0o111,
                    b'X' => 0,
                    b's' => 0o6000,
                    b't' => 0o1000,
                    b'u' => ((mode >> 6) & 7) * 0o111,
                    b'g' => ((mode >> 3) & 7) * 0o111,
                    b'o' => (mode & 7) * 0o111,
                    _ => return None,
                };
            }
            let classes = if who.is_empty() { classes & !umask } else { classes };
            mode = match operator {
                b'+' => mode | (bits & classes),
                b'-' => mode & !(bits & classes),
                _ => (mode & !classes) | (bits & classes),
            };
        }
    }
    Some(mode)
}

/// The operands, with everything below those that are directories when recursive.
async fn targets(process: &mut Process, names: &[Vec<u8>], recursive: bool) -> Result<Vec<Vec<u8>>, Stop> {
    if !recursive {
        return Ok(names.to_vec());
    }
    let mut pending: Vec<Vec<u8>> = names.iter().rev().cloned().collect();
    let mut all = Vec::new();
    while let Some(path) = pending.pop() {
        process.charge(1).await?;
        if all.len() < FILES_MAX && process.files().lstat(&path).is_ok_and(|metadata| metadata.kind == Kind::Directory) {
            let slash: &[u8] = if path.ends_with(b"/") { b"" } else { b"/" };
            let entries = process.files().list(&path).unwrap_or_default();
            let below = entries.into_iter().rev().filter(|(_, metadata)| metadata.kind != Kind::Symlink);
            pending.extend(below.map(|(name, _)| [&path[..], slash, &name].concat()));
        }
        all.push(path);
    }
    Ok(all)
}

pub(super) async fn chmod(process: &mut Process) -> Outcome {
    // `-x`, `-rwx` and `-w` are modes, not options.
    let args = process.operands().to_vec();
    let at = args
        .iter()
        .position(|arg| arg.len() > 1 && arg[0] == b'-' && arg[1..].iter().all(|b| b"rwxXstugoa,=+-".contains(b)) && arg != b"--");
    let mut rest = args.clone();
    let negative = at.map(|at| rest.remove(at));
    let given = parse_args(process, &CHMOD, rest).await?;
    let mut names = given.operands.clone();
    let reference =
        given.value('\u{1}').and_then(|path| process.files().stat(path).ok()).map(|metadata| format!("{:o}", metadata.mode).into_bytes());
    let mode = match negative.or(reference) {
        Some(mode) => mode,
        None if names.is_empty() => return Err(usage_error(process, &CHMOD, "missing operand").await?),
        None => names.remove(0),
    };
    if names.is_empty() {
        let message = [b"missing operand after \xe2\x80\x98", &mode[..], b"\xe2\x80\x99"].concat();
        return Err(usage_error(process, &CHMOD, message).await?);
    }
    if apply_mode(&mode, 0, false, 0).is_none() {
        let message = if process.busybox() {
            [b"invalid mode '", &mode[..], b"'"].concat()
        } else {
            [b"invalid mode: \xe2\x80\x98", &mode[..], b"\xe2\x80\x99"].concat()
        };
        if process.busybox() {
            process.complain(message).await?;
            return Ok(1);
        }
        return Err(usage_error(process, &CHMOD, message).await?);
    }
    let mut status = 0;
    for path in targets(process, &names, given.has('R')).await? {
        let files = process.files();
        let result = files.stat(&path).map_err(|errno| ("cannot access", errno)).and_then(|metadata| {
            let mode = apply_mode(&mode, metadata.mode, metadata.kind == Kind::Directory, process.umask).unwrap_or(metadata.mode);
            files.set_mode(&path, mode).map_err(|errno| ("changing permissions of", errno)).map(|()| (metadata.mode, mode))
        });
        match result {
            Ok((old, new)) if given.has('v') || (given.has('c') && old != new) => {
                let text = if old == new {
                    format!(" retained as {new:04o} ({})\n", letters(new))
                } else {
                    format!(" changed from {old:04o} ({}) to {new:04o} ({})\n", letters(old), letters(new))
                };
                process.out([b"mode of ", &quoted(&path)[..], text.as_bytes()].concat()).await?;
            }
            Ok(_) => {}
            Err((verb, errno)) => {
                status = 1;
                if !given.has('f') {
                    let message = if process.busybox() {
                        [&path[..], b": ", errno.message().as_bytes()].concat()
                    } else {
                        [verb.as_bytes(), b" ", &quoted(&path), b": ", errno.message().as_bytes()].concat()
                    };
                    process.complain(message).await?;
                }
            }
        }
    }
    Ok(status)
}

fn letters(mode: u32) -> String {
    (0..9).map(|bit| if mode & (0o400 >> bit) != 0 { ['r', 'w', 'x'][bit % 3] } else { '-' }).collect()
}

const CHOWN: Spec = Spec {
    short: "cfhRvHLP",
    long: &[
        ("changes", 'c', Takes::Nothing),
        ("dereference", '\u{1}', Takes::Nothing),
        ("no-dereference", 'h', Takes::Nothing),
        ("quiet", 'f', Takes::Nothing),
        ("recursive", 'R', Takes::Nothing),
        ("verbose", 'v', Takes::Nothing),
        ("reference", '\u{2}', Takes::Value),
    ],
    usage: "[OPTION]... [OWNER][:[GROUP]] FILE...\nChange the owner and/or group of each FILE to OWNER and/or GROUP.",
    error: 1,
};

pub(super) async fn chown(process: &mut Process) -> Outcome {
    let given = parse(process, &CHOWN).await?;
    let only_group = process.name() == b"chgrp";
    let [owner, names @ ..] = &given.operands[..] else { return Err(usage_error(process, &CHOWN, "missing operand").await?) };
    if names.is_empty() {
        let message = [b"missing operand after \xe2\x80\x98", &owner[..], b"\xe2\x80\x99"].concat();
        return Err(usage_error(process, &CHOWN, message).await?);
    }
    let accounts = Accounts::read(process);
    let number = |text: &[u8]| number(text).and_then(|n| u32::try_from(n).ok());
    let (user, group) = match owner.iter().position(|b| matches!(b, b':' | b'.')) {
        _ if only_group => (&b""[..], Some(&owner[..])),
        Some(at) => (&owner[..at], Some(&owner[at + 1..])),
        None => (&owner[..], None),
    };
    let invalid = |what: &str, name: &[u8]| {
        if process.busybox() {
            [format!("unknown {what} ").as_bytes(), name].concat()
        } else {
            [format!("invalid {what}: \u{2018}").as_bytes(), name, b"\xe2\x80\x99"].concat()
        }
    };
    let (mut uid, mut gid) = (None, None);
    if !user.is_empty() {
        uid = accounts.user(user).map(|user| user.uid).or_else(|| number(user));
        if uid.is_none() {
            let message = invalid("user", owner);
            process.complain(message).await?;
            return Ok(1);
        }
    }
    match group {
        Some([]) => gid = accounts.user(user).map(|user| user.gid),
        Some(name) => {
            gid = accounts.group(name).map(|group| group.gid).or_else(|| number(name));
            if gid.is_none() {
                let message = invalid("group", owner);
                process.complain(message).await?;
                return Ok(1);
            }
        }
        None => {}
    }
    let mut status = 0;
    for path in targets(process, names, given.has('R')).await? {
        let result = process.files().set_owner(&path, uid, gid, !given.has('h'));
        if let Err(errno) = result {
            status = 1;
            if given.has('f') {
                continue;
            }
            let what = if only_group { "group" } else { "ownership" };
            let message = if process.busybox() {
                [&path[..], b": ", errno.message().as_bytes()].concat()
            } else if errno == Errno::Enoent {
                [b"cannot access ", &quoted(&path)[..], b": ", errno.message().as_bytes()].concat()
            } else {
                [format!("changing {what} of ").as_bytes(), &quoted(&path), b": ", errno.message().as_bytes()].concat()
            };
            process.complain(message).await?;
        }
    }
    Ok(status)
}

/// Attribute letters in the order of `lsattr`, with their bits (`ext2_fs.h`).
#[rustfmt::skip] // a table
const ATTRIBUTES: &[(char, u32)] = &[
    ('s', 0x1), ('u', 0x2), ('S', 0x8), ('D', 0x10000), ('i', 0x10), ('a', 0x20), ('d', 0x40), ('A', 0x80), ('c', 0x4), ('B', 0x400), ('Z', 0x100),
    ('X', 0x200), ('E', 0x800), ('j', 0x4000), ('I', 0x1000), ('t', 0x8000), ('T', 0x20000), ('e', 0x80000), ('C', 0x80_0000), ('x', 0x200_0000),
    ('F', 0x4000_0000), ('N', 0x1000_0000), ('V', 0x10_0000), ('m', 0x400_0000),
];

pub(super) async fn chattr(process: &mut Process) -> Outcome {
    const USAGE: &str = "Usage: chattr [-pRVf] [-+=aAcCdDeijPsStTuFx] [-v version] files...\n";
    let (mut add, mut remove, mut set) = (0, 0, None);
    let (mut recursive, mut quiet, mut names) = (false, false, Vec::new());
    for arg in process.operands().to_vec() {
        let bits =
            |letters: &[u8]| ATTRIBUTES.iter().filter(|(letter, _)| letters.contains(&(*letter as u8))).fold(0, |all, (_, bit)| all | bit);
        match arg.split_first() {
            Some((b'+', letters)) if !letters.is_empty() => add |= bits(letters),
            Some((b'=', letters)) => set = Some(set.unwrap_or(0) | bits(letters)),
            Some((b'-', letters)) if !letters.is_empty() && names.is_empty() => {
                recursive |= letters.contains(&b'R');
                quiet |= letters.contains(&b'f');
                remove |= bits(letters);
            }
            _ => names.push(arg),
        }
    }
    if names.is_empty() || (add == 0 && remove == 0 && set.is_none()) {
        if names.is_empty() {
            process.err(USAGE).await?;
        } else {
            process.err("Must use '-v', =, - or +\n").await?;
        }
        return Ok(1);
    }
    let mut status = 0;
    for path in targets(process, &names, recursive).await? {
        let files = process.files();
        let result = files.stat(&path).map_err(|errno| ("stat", errno)).and_then(|metadata| {
            let attributes = (set.unwrap_or(metadata.attributes) | add) & !remove;
            files.set_attributes(&path, attributes).map_err(|errno| ("setting flags on", errno))
        });
        if let Err((verb, errno)) = result {
            status = 1;
            if !quiet {
                let message = if verb == "stat" {
                    [errno.message().as_bytes(), b" while trying to stat ", &path].concat()
                } else {
                    [errno.message().as_bytes(), b" while setting flags on ", &path].concat()
                };
                process.complain(message).await?;
            }
        }
    }
    Ok(status)
}

pub(super) async fn lsattr(process: &mut Process) -> Outcome {
    const LSATTR: Spec = Spec { short: "adlRvpV", long: &[], usage: "[-RVadlpv] [files...]", error: 1 };
    let given = parse(process, &LSATTR).await?;
    let names = if given.operands.is_empty() { vec![b".".to_vec()] } else { given.operands.clone() };
    let mut status = 0;
    for name in names {
        let files = process.files();
        let rows = match files.stat(&name) {
            Err(errno) => {
                status = 1;
                let message = [errno.message().as_bytes(), b" while trying to stat ", &name].concat();
                process.complain(message).await?;
                continue;
            }
            Ok(metadata) if metadata.kind == Kind::Directory && !given.has('d') => files
                .list(&name)
                .unwrap_or_default()
                .into_iter()
                .filter(|(entry, metadata)| {
                    matches!(metadata.kind, Kind::File | Kind::Directory) && (given.has('a') || !entry.starts_with(b"."))
                })
                .map(|(entry, metadata)| ([&name[..], b"/", &entry].concat(), metadata.attributes))
                .collect(),
            Ok(metadata) => vec![(name, metadata.attributes)],
        };
        for (path, attributes) in rows {
            let shown: String = ATTRIBUTES.iter().take(22).map(|(letter, bit)| if attributes & bit != 0 { *letter } else { '-' }).collect();
            process.out([shown.as_bytes(), b" ", &path, b"\n"].concat()).await?;
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::apply_mode;

    #[test]
    fn modes_apply_as_chmod_says() {
        for (text, old, directory, expected) in [
            ("755", 0, false, Some(0o755)),
            ("+x", 0o644, false, Some(0o755)),
            ("u+s", 0o755, false, Some(0o4755)),
            ("go=", 0o777, false, Some(0o700)),
            ("a=r", 0o777, false, Some(0o444)),
            ("u=rwx,g=rx,o=", 0, false, Some(0o750)),
            ("g=u", 0o640, false, Some(0o660)),
            ("-w", 0o666, false, Some(0o466)),
            ("+X", 0o644, true, Some(0o755)),
            ("zz", 0, false, None),
            ("9", 0, false, None),
            ("", 0, false, None),
        ] {
            assert_eq!(apply_mode(text.as_bytes(), old, directory, 0o022), expected, "{text}");
        }
    }
}
