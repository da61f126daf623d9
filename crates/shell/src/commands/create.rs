//! `mkdir`, `touch`, `mkfifo`, `mknod`, `mktemp` and `truncate`.

use super::options::{Spec, Takes, number, parse, size, usage_error};
use super::source::quoted;
use super::time::parse_date;
use crate::command::{Outcome, Process};
use crate::fs::OpenOptions;
use crate::{Errno, Kind};

const MKDIR: Spec = Spec {
    short: "m:pvZ",
    long: &[("mode", 'm', Takes::Value), ("parents", 'p', Takes::Nothing), ("verbose", 'v', Takes::Nothing)],
    usage: "[OPTION]... DIRECTORY...\nCreate the DIRECTORY(ies), if they do not already exist.",
    error: 1,
};

pub(super) async fn mkdir(process: &mut Process) -> Outcome {
    let given = parse(process, &MKDIR).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &MKDIR, "missing operand").await?);
    }
    let mode = given.value('m').and_then(|text| super::modes::apply_mode(text, 0o777, true, 0));
    let mut status = 0;
    for name in &given.operands {
        let files = process.files();
        let mut made = Ok(());
        if given.has('p') {
            let ends = name.iter().enumerate().skip(1).filter(|(_, b)| **b == b'/').map(|(at, _)| at).chain([name.len()]);
            for end in ends {
                made = match files.make_directory(&name[..end], 0o777) {
                    Err(Errno::Eexist) if files.stat(&name[..end]).is_ok_and(|metadata| metadata.kind == Kind::Directory) => Ok(()),
                    Err(Errno::Erofs | Errno::Eacces | Errno::Enoent) if files.stat(&name[..end]).is_ok() => Ok(()),
                    other => other,
                };
                if made.is_err() {
                    break;
                }
            }
        } else {
            made = files.make_directory(name, 0o777);
        }
        if made.is_ok()
            && let Some(mode) = mode
        {
            _ = files.set_mode(name, mode);
        }
        match made {
            Ok(()) if given.has('v') => process.out([b"mkdir: created directory ", &quoted(name)[..], b"\n"].concat()).await?,
            Ok(()) => {}
            Err(errno) => {
                status = 1;
                let message = if process.busybox() {
                    [b"can't create directory '", &name[..], b"': ", errno.message().as_bytes()].concat()
                } else {
                    [b"cannot create directory \xe2\x80\x98", &name[..], b"\xe2\x80\x99: ", errno.message().as_bytes()].concat()
                };
                process.complain(message).await?;
            }
        }
    }
    Ok(status)
}

const TOUCH: Spec = Spec {
    short: "acd:fhmr:t:",
    long: &[
        ("no-create", 'c', Takes::Nothing),
        ("date", 'd', Takes::Value),
        ("reference", 'r', Takes::Value),
        ("no-dereference", 'h', Takes::Nothing),
    ],
    usage: "[OPTION]... FILE...\nUpdate the access and modification times of each FILE to the current time.",
    error: 1,
};

/// `[[CC]YY]MMDDhhmm[.ss]`.
fn stamp(text: &[u8], now: model::Timestamp) -> Option<model::Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let (digits, seconds) = text.split_once('.').unwrap_or((text, "00"));
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year = super::time::strftime("%Y", now);
    let full = match digits.len() {
        8 => format!("{year}{digits}"),
        10 => format!("{}{digits}", if &digits[..2] < "69" { "20" } else { "19" }),
        12 => digits.to_owned(),
        _ => return None,
    };
    model::Timestamp::parse(&format!("{}-{}-{}T{}:{}:{seconds}Z", &full[..4], &full[4..6], &full[6..8], &full[8..10], &full[10..12]))
}

pub(super) async fn touch(process: &mut Process) -> Outcome {
    let given = parse(process, &TOUCH).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &TOUCH, "missing file operand").await?);
    }
    let now = process.now();
    let mut time = (now, now);
    let invalid = |text: &[u8]| [b"invalid date format \xe2\x80\x98", text, b"\xe2\x80\x99"].concat();
    if let Some(path) = given.value('r').map(<[u8]>::to_vec) {
        match process.files().stat(&path) {
            Ok(metadata) => time = (metadata.accessed, metadata.modified),
            Err(errno) => {
                let message = [b"failed to get attributes of ", &quoted(&path)[..], b": ", errno.message().as_bytes()].concat();
                process.complain(message).await?;
                return Ok(1);
            }
        }
    } else if let Some(text) = given.value('t').or(given.value('d')) {
        let parsed = if given.has('t') { stamp(text, now) } else { parse_date(&String::from_utf8_lossy(text), now) };
        match parsed {
            Some(parsed) => time = (parsed, parsed),
            None => {
                let message = invalid(text);
                process.complain(message).await?;
                return Ok(1);
            }
        }
    }
    let mut status = 0;
    for name in &given.operands {
        let files = process.files();
        let exists = files.stat(name).is_ok();
        let mut result = Ok(());
        if !exists {
            if given.has('c') {
                continue;
            }
            result = files.open(name, OpenOptions { truncate: false, ..OpenOptions::CREATE }).map(|_| ());
        }
        let explicit = given.has('r') || given.has('t') || given.has('d');
        if result.is_ok() && (exists || explicit) {
            let accessed = (!given.has('m') || given.has('a')).then_some(time.0);
            let modified = (!given.has('a') || given.has('m')).then_some(time.1);
            result = files.set_times(name, accessed, modified).or_else(|errno| {
                // Whoever may write a file may set its times to now.
                if errno == Errno::Eperm && !explicit { files.access(name, 2) } else { Err(errno) }
            });
        }
        if let Err(errno) = result {
            status = 1;
            let message = if process.busybox() {
                [&name[..], b": ", errno.message().as_bytes()].concat()
            } else if exists {
                [b"setting times of ", &quoted(name)[..], b": ", errno.message().as_bytes()].concat()
            } else {
                [b"cannot touch ", &quoted(name)[..], b": ", errno.message().as_bytes()].concat()
            };
            process.complain(message).await?;
        }
    }
    Ok(status)
}

pub(super) async fn mkfifo(process: &mut Process) -> Outcome {
    const MKFIFO: Spec = Spec { short: "m:", long: &[("mode", 'm', Takes::Value)], usage: "[OPTION]... NAME...", error: 1 };
    let given = parse(process, &MKFIFO).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &MKFIFO, "missing operand").await?);
    }
    let mut status = 0;
    for name in &given.operands {
        if let Err(errno) = process.files().make_node(name, Kind::Fifo, 0o666, (0, 0)) {
            let message = [b"cannot create fifo ", &quoted(name)[..], b": ", errno.message().as_bytes()].concat();
            process.complain(message).await?;
            status = 1;
        }
    }
    Ok(status)
}

pub(super) async fn mknod(process: &mut Process) -> Outcome {
    const MKNOD: Spec = Spec { short: "m:", long: &[("mode", 'm', Takes::Value)], usage: "[OPTION]... NAME TYPE [MAJOR MINOR]", error: 1 };
    let given = parse(process, &MKNOD).await?;
    let value = |at: usize| given.operands.get(at).and_then(|text| number(text)).and_then(|n| u32::try_from(n).ok());
    let (Some(name), Some(kind)) = (given.operands.first(), given.operands.get(1)) else {
        return Err(usage_error(process, &MKNOD, "missing operand").await?);
    };
    let (kind, device) = match (&kind[..], value(2), value(3)) {
        (b"p", ..) => (Kind::Fifo, (0, 0)),
        (b"c" | b"u", Some(major), Some(minor)) => (Kind::CharacterDevice, (major, minor)),
        (b"b", Some(major), Some(minor)) => (Kind::BlockDevice, (major, minor)),
        _ => return Err(usage_error(process, &MKNOD, "Special files require major and minor device numbers.").await?),
    };
    match process.files().make_node(name, kind, 0o666, device) {
        Ok(()) => Ok(0),
        Err(errno) => {
            let message = [&name[..], b": ", errno.message().as_bytes()].concat();
            process.complain(message).await?;
            Ok(1)
        }
    }
}

pub(super) async fn mktemp(process: &mut Process) -> Outcome {
    const MKTEMP: Spec = Spec {
        short: "dup:qt",
        long: &[
            ("directory", 'd', Takes::Nothing),
            ("dry-run", 'u', Takes::Nothing),
            ("quiet", 'q', Takes::Nothing),
            ("tmpdir", 'p', Takes::Optional),
        ],
        usage: "[OPTION]... [TEMPLATE]\nCreate a temporary file or directory, safely, and print its name.",
        error: 1,
    };
    let given = parse(process, &MKTEMP).await?;
    let template = given.operands.first().cloned();
    let in_directory = template.is_none() || given.has('t') || given.has('p');
    let template = template.unwrap_or_else(|| if process.busybox() { b"tmp.XXXXXX".to_vec() } else { b"tmp.XXXXXXXXXX".to_vec() });
    let marks = template.iter().rev().take_while(|b| **b == b'X').count();
    if marks < 3 {
        let message = [b"too few X's in template \xe2\x80\x98", &template[..], b"\xe2\x80\x99"].concat();
        process.complain(message).await?;
        return Ok(1);
    }
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut name = template;
    let start = name.len() - marks;
    for byte in &mut name[start..] {
        *byte = LETTERS[rand::random_range(0..LETTERS.len())];
    }
    if in_directory {
        let directory = given.value('p').filter(|d| !d.is_empty()).or_else(|| process.variable(b"TMPDIR")).unwrap_or(b"/tmp");
        name = [directory, b"/", &name].concat();
    }
    let files = process.files();
    let made = if given.has('u') {
        Ok(())
    } else if given.has('d') {
        files.make_directory(&name, 0o700)
    } else {
        files.open(&name, OpenOptions { exclusive: true, mode: 0o600, ..OpenOptions::CREATE }).map(|_| ())
    };
    match made {
        Ok(()) => {
            process.out([&name[..], b"\n"].concat()).await?;
            Ok(0)
        }
        Err(errno) => {
            let what = if given.has('d') { "directory" } else { "file" };
            let message =
                [format!("failed to create {what} via template \u{2018}").as_bytes(), &name, b"\xe2\x80\x99: ", errno.message().as_bytes()]
                    .concat();
            process.complain(message).await?;
            Ok(1)
        }
    }
}

pub(super) async fn truncate(process: &mut Process) -> Outcome {
    const TRUNCATE: Spec = Spec {
        short: "cs:r:o",
        long: &[("size", 's', Takes::Value), ("no-create", 'c', Takes::Nothing)],
        usage: "OPTION... FILE...",
        error: 1,
    };
    let given = parse(process, &TRUNCATE).await?;
    let Some(bytes) = given.value('s').and_then(size) else {
        return Err(usage_error(process, &TRUNCATE, "you must specify either \u{2018}--size\u{2019} or \u{2018}--reference\u{2019}").await?);
    };
    let mut status = 0;
    for name in &given.operands {
        let files = process.files();
        let result = files
            .open(name, OpenOptions { truncate: false, create: !given.has('c'), ..OpenOptions::CREATE })
            .and_then(|node| node.truncate(bytes));
        match result {
            Err(Errno::Enoent) if given.has('c') => {}
            Err(errno) => {
                let message = [b"cannot open ", &quoted(name)[..], b" for writing: ", errno.message().as_bytes()].concat();
                process.complain(message).await?;
                status = 1;
            }
            Ok(()) => {}
        }
    }
    Ok(status)
}
