//! `file`, `stat`, `readlink`, `realpath`, `basename`, `dirname`, `which`, `whereis`, `pwd`, `sync`: about files.

use super::accounts::Accounts;
use super::options::{Spec, Takes, parse, usage_error};
use super::source::{complain, quoted};
use super::time::strftime;
use crate::command::{Outcome, Process};
use crate::fs::base_name;
use crate::{Errno, Kind};

pub(super) async fn file(process: &mut Process) -> Outcome {
    const FILE: Spec = Spec {
        short: "bchikLf:F:m:NnpPrsSvzZ0e:",
        long: &[
            ("brief", 'b', Takes::Nothing),
            ("mime-type", 'i', Takes::Nothing),
            ("mime", 'i', Takes::Nothing),
            ("dereference", 'L', Takes::Nothing),
        ],
        usage: "[-bcCdEhikLlNnprsSvzZ0] [--apple] [--extension] [--mime-encoding]\n            [--mime-type] [-e <testname>] [-F <separator>]  [-f <namefile>]\n            [-m <magicfiles>] [-P <parameter=value>] [--exclude-quiet]\n            <file> ...",
        error: 1,
    };
    let given = parse(process, &FILE).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &FILE, "no files").await?);
    }
    let width = given.operands.iter().map(Vec::len).max().unwrap_or(0);
    for name in &given.operands {
        let text = describe(process, name, given.has('L'));
        if given.has('b') {
            process.out(text + "\n").await?;
        } else {
            let pad = " ".repeat(width - name.len() + 1);
            process.out([&name[..], b":", pad.as_bytes(), text.as_bytes(), b"\n"].concat()).await?;
        }
    }
    Ok(0)
}

fn describe(process: &Process, path: &[u8], follow: bool) -> String {
    let files = process.files();
    let shown = String::from_utf8_lossy(path).into_owned();
    let metadata = match if follow { files.stat(path) } else { files.lstat(path) } {
        Ok(metadata) => metadata,
        Err(errno) => return format!("cannot open `{shown}' ({errno})"),
    };
    match metadata.kind {
        Kind::Directory if metadata.mode & 0o1000 != 0 => "sticky, directory".to_owned(),
        Kind::Directory => "directory".to_owned(),
        Kind::Symlink => {
            let target = String::from_utf8_lossy(&files.read_link(path).unwrap_or_default()).into_owned();
            if files.stat(path).is_ok() { format!("symbolic link to {target}") } else { format!("broken symbolic link to {target}") }
        }
        Kind::CharacterDevice => format!("character special ({}/{})", metadata.device.0, metadata.device.1),
        Kind::BlockDevice => format!("block special ({}/{})", metadata.device.0, metadata.device.1),
        Kind::Fifo => "fifo (named pipe)".to_owned(),
        Kind::Socket => "socket".to_owned(),
        Kind::File => match files.magic(path, 4096) {
            Ok(bytes) => contents(&bytes),
            Err(errno) => format!("regular file, no read permission ({errno})").replace(" (Permission denied)", ""),
        },
    }
}

fn contents(bytes: &[u8]) -> String {
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    if bytes.is_empty() {
        "empty".to_owned()
    } else if bytes.starts_with(b"\x7fELF") {
        elf(bytes)
    } else if let Some(interpreter) = first.strip_prefix(b"#!") {
        let interpreter = String::from_utf8_lossy(interpreter.trim_ascii()).into_owned();
        let kind = match base_name(interpreter.split(' ').next().unwrap_or_default().as_bytes()) {
            b"sh" | b"dash" => "POSIX shell script".to_owned(),
            b"bash" => "Bourne-Again shell script".to_owned(),
            b"perl" => "Perl script text executable".to_owned(),
            _ if interpreter.contains("python") => "Python script".to_owned(),
            _ => format!("a {interpreter} script"),
        };
        if kind.ends_with("executable") { kind } else { format!("{kind}, ASCII text executable") }
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        "gzip compressed data, from Unix".to_owned()
    } else if bytes.starts_with(b"PK\x03\x04") {
        "Zip archive data, at least v2.0 to extract".to_owned()
    } else if bytes.starts_with(b"\x89PNG") {
        "PNG image data".to_owned()
    } else if bytes.starts_with(b"BZh") {
        "bzip2 compressed data, block size = 900k".to_owned()
    } else if bytes.starts_with(b"\xfd7zXZ") {
        "XZ compressed data".to_owned()
    } else if bytes.get(257..262) == Some(b"ustar") {
        "POSIX tar archive (GNU)".to_owned()
    } else if bytes.starts_with(b"<?php") {
        "PHP script, ASCII text".to_owned()
    } else if bytes.trim_ascii_start().to_ascii_lowercase().starts_with(b"<!doctype html") {
        "HTML document, ASCII text".to_owned()
    } else if bytes.starts_with(b"-----BEGIN OPENSSH PRIVATE KEY") {
        "OpenSSH private key".to_owned()
    } else if bytes.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) {
        match (bytes.contains(&b'\n'), bytes.windows(2).any(|pair| pair == b"\r\n")) {
            (_, true) => "ASCII text, with CRLF line terminators",
            (true, _) => "ASCII text",
            (false, _) => "ASCII text, with no line terminators",
        }
        .to_owned()
    } else if std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0) {
        "UTF-8 Unicode text".to_owned()
    } else {
        "data".to_owned()
    }
}

fn elf(bytes: &[u8]) -> String {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let (wide, big) = (byte(4) == 2, byte(5) == 2);
    let machine = if big { u16::from_be_bytes([byte(18), byte(19)]) } else { u16::from_le_bytes([byte(18), byte(19)]) };
    let kind = if big { byte(17) } else { byte(16) };
    let (order, bits) = (if big { "MSB" } else { "LSB" }, if wide { 64 } else { 32 });
    let architecture = match machine {
        62 => "x86-64",
        3 => "Intel 80386",
        8 => "MIPS, MIPS32 rel2",
        40 => "ARM, EABI5",
        183 => "ARM aarch64",
        20 => "PowerPC or cisco 4500",
        _ => "*unknown arch*",
    };
    let interpreter = bytes
        .get(0x238..)
        .map(|rest| rest.iter().take(64).take_while(|b| **b != 0).copied().collect::<Vec<u8>>())
        .filter(|text| text.starts_with(b"/lib"));
    match interpreter {
        Some(path) => {
            let what = if kind == 3 { "pie executable" } else { "executable" };
            format!(
                "ELF {bits}-bit {order} {what}, {architecture}, version 1 (SYSV), dynamically linked, interpreter {}, stripped",
                String::from_utf8_lossy(&path)
            )
        }
        None => format!("ELF {bits}-bit {order} executable, {architecture}, version 1 (SYSV), statically linked, stripped"),
    }
}

pub(super) async fn stat(process: &mut Process) -> Outcome {
    const STAT: Spec = Spec {
        short: "Lfc:t",
        long: &[
            ("dereference", 'L', Takes::Nothing),
            ("file-system", 'f', Takes::Nothing),
            ("format", 'c', Takes::Value),
            ("printf", '\u{1}', Takes::Value),
            ("terse", 't', Takes::Nothing),
        ],
        usage: "[OPTION]... FILE...\nDisplay file or file system status.",
        error: 1,
    };
    let given = parse(process, &STAT).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &STAT, "missing operand").await?);
    }
    let accounts = Accounts::read(process);
    let name_of = |text: Vec<u8>| String::from_utf8_lossy(&text).into_owned();
    let mut status = 0;
    for path in &given.operands {
        let files = process.files();
        let metadata = match if given.has('L') { files.stat(path) } else { files.lstat(path) } {
            Ok(metadata) => metadata,
            Err(errno) => {
                let verb = if process.busybox() { "can't stat" } else { "cannot statx" };
                process.complain([verb.as_bytes(), b" ", &quoted(path)[..], b": ", errno.message().as_bytes()].concat()).await?;
                status = 1;
                continue;
            }
        };
        let shown = name_of(path.clone());
        let kind = match metadata.kind {
            Kind::File if metadata.size == 0 => "regular empty file",
            Kind::File => "regular file",
            Kind::Directory => "directory",
            Kind::Symlink => "symbolic link",
            Kind::CharacterDevice => "character special file",
            Kind::BlockDevice => "block special file",
            Kind::Fifo => "fifo",
            Kind::Socket => "socket",
        };
        let blocks = super::ls::blocks_kb(&metadata) * 2;
        let (user, group) = (name_of(accounts.user_name(metadata.uid)), name_of(accounts.group_name(metadata.gid)));
        let time = |time| strftime("%Y-%m-%d %H:%M:%S.%N %z", time);
        if let Some(format) = given.value('c').or_else(|| given.value('\u{1}')) {
            let mut out = String::new();
            let mut chars = String::from_utf8_lossy(format).into_owned().chars().collect::<Vec<_>>().into_iter();
            while let Some(c) = chars.next() {
                if c == '\\' && given.has('\u{1}') {
                    match chars.next() {
                        Some('n') => out.push('\n'),
                        Some('t') => out.push('\t'),
                        other => out.extend(other),
                    }
                    continue;
                }
                if c != '%' {
                    out.push(c);
                    continue;
                }
                out.push_str(&match chars.next() {
                    Some('a') => format!("{:o}", metadata.mode),
                    Some('A') => metadata.mode_text(),
                    Some('b') => blocks.to_string(),
                    Some('B') => "512".to_owned(),
                    Some('d') => "64513".to_owned(),
                    Some('f') => format!("{:x}", metadata.kind.bits() | metadata.mode),
                    Some('F') => kind.to_owned(),
                    Some('g') => metadata.gid.to_string(),
                    Some('G') => group.clone(),
                    Some('h') => metadata.links.to_string(),
                    Some('i') => metadata.inode.to_string(),
                    Some('n') => shown.clone(),
                    Some('N') => format!("'{shown}'"),
                    Some('o') => "4096".to_owned(),
                    Some('s') => metadata.size.to_string(),
                    Some('u') => metadata.uid.to_string(),
                    Some('U') => user.clone(),
                    Some('x') => time(metadata.accessed),
                    Some('X') => metadata.accessed.seconds().to_string(),
                    Some('y') => time(metadata.modified),
                    Some('Y') => metadata.modified.seconds().to_string(),
                    Some('z') => time(metadata.changed),
                    Some('Z') => metadata.changed.seconds().to_string(),
                    Some('w') => "-".to_owned(),
                    Some('W') => "0".to_owned(),
                    Some('%') => "%".to_owned(),
                    Some(other) => format!("%{other}"),
                    None => "%".to_owned(),
                });
            }
            if given.has('c') {
                out.push('\n');
            }
            process.out(out).await?;
            continue;
        }
        let link = if metadata.kind == Kind::Symlink {
            format!(" -> {}", name_of(files.read_link(path).unwrap_or_default()))
        } else {
            String::new()
        };
        let device = if matches!(metadata.kind, Kind::CharacterDevice | Kind::BlockDevice) {
            format!("     Device type: {:x},{:x}", metadata.device.0, metadata.device.1)
        } else {
            String::new()
        };
        let birth = if process.busybox() { String::new() } else { format!(" Birth: {}\n", time(metadata.changed.min(metadata.modified))) };
        process
            .out(format!(
                "  File: {shown}{link}\n  Size: {:<15} Blocks: {blocks:<10} IO Block: 4096   {kind}\nDevice: fc01h/64513d\tInode: {:<11} Links: {}{device}\nAccess: ({:04o}/{})  Uid: ({:>5}/{user:>8})   Gid: ({:>5}/{group:>8})\nAccess: {}\nModify: {}\nChange: {}\n{birth}",
                metadata.size,
                metadata.inode,
                metadata.links,
                metadata.mode,
                metadata.mode_text(),
                metadata.uid,
                metadata.gid,
                time(metadata.accessed),
                time(metadata.modified),
                time(metadata.changed)
            ))
            .await?;
    }
    Ok(status)
}

pub(super) async fn readlink(process: &mut Process) -> Outcome {
    const READLINK: Spec = Spec {
        short: "femnqsvz",
        long: &[
            ("canonicalize", 'f', Takes::Nothing),
            ("canonicalize-existing", 'e', Takes::Nothing),
            ("canonicalize-missing", 'm', Takes::Nothing),
            ("no-newline", 'n', Takes::Nothing),
        ],
        usage: "[OPTION]... FILE...\nPrint value of a symbolic link or canonical file name",
        error: 1,
    };
    let given = parse(process, &READLINK).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &READLINK, "missing operand").await?);
    }
    let real = process.name() == b"realpath";
    let canonical = real || given.has('f') || given.has('e') || given.has('m');
    let mut status = 0;
    for path in &given.operands {
        let files = process.files();
        let result = if canonical {
            files.real_path(path).and_then(|real| if given.has('e') && files.stat(path).is_err() { Err(Errno::Enoent) } else { Ok(real) })
        } else {
            files.read_link(path)
        };
        match result {
            Ok(text) => process.out([&text[..], if given.has('n') { b"" } else { b"\n" }].concat()).await?,
            Err(errno) => {
                status = 1;
                if real {
                    complain(process, path, errno).await?;
                }
            }
        }
    }
    Ok(status)
}

pub(super) async fn basename(process: &mut Process) -> Outcome {
    const BASENAME: Spec = Spec {
        short: "+as:z",
        long: &[("multiple", 'a', Takes::Nothing), ("suffix", 's', Takes::Value)],
        usage: "NAME [SUFFIX]\n  or:  basename OPTION... NAME...",
        error: 1,
    };
    let given = parse(process, &BASENAME).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &BASENAME, "missing operand").await?);
    }
    let many = given.has('a') || given.has('s');
    if !many && given.operands.len() > 2 {
        let message = [b"extra operand \xe2\x80\x98", &given.operands[2][..], b"\xe2\x80\x99"].concat();
        return Err(usage_error(process, &BASENAME, message).await?);
    }
    let suffix = given.value('s').or_else(|| given.operands.get(1).filter(|_| !many).map(Vec::as_slice)).unwrap_or_default().to_vec();
    let names = if many { given.operands.clone() } else { given.operands[..1].to_vec() };
    for name in names {
        let end = name.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
        let base = if end == 0 && !name.is_empty() { b"/" } else { base_name(&name[..end]) };
        let base = base.strip_suffix(&suffix[..]).filter(|rest| !rest.is_empty()).unwrap_or(base);
        process.out([base, b"\n"].concat()).await?;
    }
    Ok(0)
}

pub(super) async fn dirname(process: &mut Process) -> Outcome {
    const DIRNAME: Spec = Spec { short: "z", long: &[("zero", 'z', Takes::Nothing)], usage: "[OPTION] NAME...", error: 1 };
    let given = parse(process, &DIRNAME).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &DIRNAME, "missing operand").await?);
    }
    for name in &given.operands {
        let end = name.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
        let slash = name[..end].iter().rposition(|b| *b == b'/');
        let parent = match slash {
            None if end == 0 && !name.is_empty() => &b"/"[..],
            None => b".",
            Some(at) => match name[..at].iter().rposition(|b| *b != b'/') {
                None => b"/",
                Some(last) => &name[..=last],
            },
        };
        process.out([parent, b"\n"].concat()).await?;
    }
    Ok(0)
}

/// The executables of a name along `$PATH`.
fn along_path(process: &Process, name: &[u8]) -> Vec<Vec<u8>> {
    if name.contains(&b'/') {
        let runs = process.files().access(name, 1).is_ok() && process.files().stat(name).is_ok_and(|m| m.kind == Kind::File);
        return if runs { vec![name.to_vec()] } else { Vec::new() };
    }
    let path = process.variable(b"PATH").unwrap_or(b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").to_vec();
    path.split(|b| *b == b':')
        .map(|directory| [directory, b"/", name].concat())
        .filter(|candidate| {
            process.files().access(candidate, 1).is_ok() && process.files().stat(candidate).is_ok_and(|m| m.kind == Kind::File)
        })
        .collect()
}

pub(super) async fn which(process: &mut Process) -> Outcome {
    const WHICH: Spec = Spec { short: "as", long: &[("all", 'a', Takes::Nothing)], usage: "[-a] args", error: 2 };
    let given = parse(process, &WHICH).await?;
    let mut status = u8::from(given.operands.is_empty());
    for name in &given.operands {
        let found = along_path(process, name);
        if found.is_empty() {
            status = 1;
        }
        let shown = if given.has('a') { found.len() } else { 1 };
        for path in found.into_iter().take(shown) {
            process.out([&path[..], b"\n"].concat()).await?;
        }
    }
    Ok(status)
}

pub(super) async fn whereis(process: &mut Process) -> Outcome {
    let names: Vec<Vec<u8>> = process.operands().iter().filter(|arg| !arg.starts_with(b"-")).cloned().collect();
    for name in names {
        let mut line = [base_name(&name), b":"].concat();
        for directory in ["/usr/bin", "/usr/sbin", "/usr/lib", "/etc", "/usr/local/bin", "/usr/share"] {
            let path = [directory.as_bytes(), b"/", base_name(&name)].concat();
            if process.files().stat(&path).is_ok() {
                line.push(b' ');
                line.extend_from_slice(&path);
            }
        }
        line.push(b'\n');
        process.out(line).await?;
    }
    Ok(0)
}

pub(super) async fn pwd(process: &mut Process) -> Outcome {
    let directory = process.directory.clone();
    process.out([&directory[..], b"\n"].concat()).await?;
    Ok(0)
}

pub(super) async fn succeed(_: &mut Process) -> Outcome {
    Ok(0)
}

pub(super) async fn fail(_: &mut Process) -> Outcome {
    Ok(1)
}
