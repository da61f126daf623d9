//! `gzip`, `gunzip`, `zcat` and `tar`.

use super::accounts::Accounts;
use super::options::{Spec, Takes, parse, parse_args};
use super::source::{Source, WHOLE_BYTES_MAX, complain};
use super::time::strftime;
use crate::command::{Outcome, Process, Stop};
use crate::{Errno, Kind, Metadata};
use flate2::Compression;
use std::io::{Read, Write};

/// Unpacks, at most so much: a bomb ends as a full disk.
fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, ()> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).take(WHOLE_BYTES_MAX as u64).read_to_end(&mut out).map_err(|_| ())?;
    Ok(out)
}

fn gzip_bytes(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::new(level));
    // Writing to a vector cannot fail.
    _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

pub(super) async fn gzip(process: &mut Process) -> Outcome {
    const GZIP: Spec = Spec {
        short: "acdfhklLnNqrS:tvV123456789",
        long: &[
            ("stdout", 'c', Takes::Nothing),
            ("to-stdout", 'c', Takes::Nothing),
            ("decompress", 'd', Takes::Nothing),
            ("force", 'f', Takes::Nothing),
            ("keep", 'k', Takes::Nothing),
            ("quiet", 'q', Takes::Nothing),
            ("test", 't', Takes::Nothing),
            ("verbose", 'v', Takes::Nothing),
        ],
        usage: "[OPTION]... [FILE]...\nCompress or uncompress FILEs (by default, compress FILES in-place).",
        error: 1,
    };
    let given = parse(process, &GZIP).await?;
    let unpack = given.has('d') || matches!(process.name(), b"gunzip" | b"zcat");
    let to_stdout = given.has('c') || process.name() == b"zcat";
    let level = given.last_of("123456789").and_then(|digit| digit.to_digit(10)).unwrap_or(6);
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
    let mut status = 0;
    for name in names {
        let bytes = match Source::open(process, &name) {
            Ok(mut source) => source.rest(process, WHOLE_BYTES_MAX).await?,
            Err(Errno::Eisdir) => {
                process.complain([&name[..], b" is a directory -- ignored"].concat()).await?;
                status = 2;
                continue;
            }
            Err(errno) => {
                let alternative = [&name[..], b".gz"].concat();
                let shown = if unpack && process.files().stat(&alternative).is_err() && !name.ends_with(b".gz") {
                    alternative
                } else {
                    name.clone()
                };
                complain(process, &shown, errno).await?;
                status = 1;
                continue;
            }
        };
        process.charge(1 + bytes.len() as u64 / 1024).await?;
        let result = if unpack {
            match gunzip(&bytes) {
                Ok(result) => result,
                Err(()) => {
                    let shown = if name == b"-" { b"stdin".to_vec() } else { name.clone() };
                    process.err([b"\ngzip: ", &shown[..], b": not in gzip format\n"].concat()).await?;
                    status = 1;
                    continue;
                }
            }
        } else {
            gzip_bytes(&bytes, level)
        };
        if name == b"-" || to_stdout {
            process.out(result).await?;
            continue;
        }
        let target = if unpack {
            let Some(stem) = name.strip_suffix(b".gz").or_else(|| name.strip_suffix(b".z")) else {
                process.complain([&name[..], b": unknown suffix -- ignored"].concat()).await?;
                status = 2;
                continue;
            };
            stem.to_vec()
        } else {
            [&name[..], b".gz"].concat()
        };
        let files = process.files();
        let mode = files.stat(&name).map_or(0o644, |metadata| metadata.mode);
        match files.open(&target, crate::OpenOptions { mode, ..crate::OpenOptions::CREATE }).and_then(|node| node.write_at(0, &result)) {
            Ok(()) if !given.has('k') => _ = files.remove(&name),
            Ok(()) => {}
            Err(errno) => {
                complain(process, &target, errno).await?;
                status = 1;
            }
        }
    }
    Ok(status)
}

/// Files in one archive.
const ENTRIES_MAX: usize = 5_000;

const BLOCK: usize = 512;

struct Member {
    name: Vec<u8>,
    mode: u32,
    uid: u32,
    gid: u32,
    modified: i64,
    kind: u8,
    link: Vec<u8>,
    content: Vec<u8>,
}

pub(super) async fn tar(process: &mut Process) -> Outcome {
    const TAR: Spec = Spec {
        short: "cxtvzjJf:C:pOkmorhPT:X:WaA",
        long: &[
            ("create", 'c', Takes::Nothing),
            ("extract", 'x', Takes::Nothing),
            ("get", 'x', Takes::Nothing),
            ("list", 't', Takes::Nothing),
            ("verbose", 'v', Takes::Nothing),
            ("gzip", 'z', Takes::Nothing),
            ("file", 'f', Takes::Value),
            ("directory", 'C', Takes::Value),
            ("strip-components", '\u{1}', Takes::Value),
            ("to-stdout", 'O', Takes::Nothing),
            ("no-same-owner", 'o', Takes::Nothing),
            ("exclude", '\u{2}', Takes::Value),
            ("overwrite", '\u{3}', Takes::Nothing),
        ],
        usage: "[OPTION...] [FILE]...",
        error: 2,
    };
    // The dash of the first word is optional: `tar xzf a.tgz`.
    let mut args = process.operands().to_vec();
    if let Some(first) = args.first_mut()
        && !first.starts_with(b"-")
    {
        first.insert(0, b'-');
    }
    let given = parse_args(process, &TAR, args).await?;
    let archive = given.value('f').unwrap_or(b"-").to_vec();
    if let Some(directory) = given.value('C') {
        match process.files().real_path(directory).and_then(|path| process.files().stat(&path).map(|_| path)) {
            Ok(path) => {
                // The archive's own name is meant from where tar was started.
                let full = if archive.starts_with(b"/") || archive == b"-" {
                    archive.clone()
                } else {
                    [&process.directory[..], b"/", &archive].concat()
                };
                process.directory = path.into();
                return act(process, &given, full).await;
            }
            Err(errno) => {
                let message = [directory, b": Cannot open: ", errno.message().as_bytes()].concat();
                process.complain(message).await?;
                process.complain("Error is not recoverable: exiting now").await?;
                return Ok(2);
            }
        }
    }
    act(process, &given, archive).await
}

async fn act(process: &mut Process, given: &super::options::Given, archive: Vec<u8>) -> Outcome {
    if given.has('c') {
        return create(process, given, &archive).await;
    }
    if !given.has('x') && !given.has('t') {
        process.complain("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options").await?;
        process.err("Try 'tar --help' or 'tar --usage' for more information.\n").await?;
        return Ok(2);
    }
    let bytes = match Source::open(process, &archive) {
        Ok(mut source) => source.rest(process, WHOLE_BYTES_MAX).await?,
        Err(errno) => {
            process.complain([&archive[..], b": Cannot open: ", errno.message().as_bytes()].concat()).await?;
            process.complain("Error is not recoverable: exiting now").await?;
            return Ok(2);
        }
    };
    let zipped = bytes.starts_with(&[0x1f, 0x8b]);
    let bytes = match (zipped, given.has('z')) {
        (true, _) => gunzip(&bytes),
        (false, true) => Err(()),
        (false, false) => Ok(bytes),
    };
    let members = bytes.ok().and_then(|bytes| members(&bytes));
    let Some(members) = members else {
        if given.has('z') || zipped {
            process.err("\ngzip: stdin: not in gzip format\n").await?;
            process.complain("Child returned status 1").await?;
        } else {
            process.complain("This does not look like a tar archive").await?;
            process.complain("Exiting with failure status due to previous errors").await?;
            return Ok(2);
        }
        process.complain("Error is not recoverable: exiting now").await?;
        return Ok(2);
    };
    let strip = given.value('\u{1}').and_then(super::options::number).map_or(0, |n| usize::try_from(n).unwrap_or(0));
    let mut status = 0;
    for member in members {
        process.charge(1 + member.content.len() as u64 / 4096).await?;
        if !given.operands.is_empty()
            && !given.operands.iter().any(|wanted| member.name == *wanted || member.name.starts_with(&[&wanted[..], b"/"].concat()))
        {
            continue;
        }
        if given.has('t') || given.has('v') {
            let line = if given.has('v') && given.has('t') { long(process, &member) } else { [&member.name[..], b"\n"].concat() };
            process.out(line).await?;
        }
        if given.has('O') {
            process.out(&member.content).await?;
        } else if given.has('x') {
            let parts: Vec<&[u8]> =
                member.name.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b"." && *part != b"..").skip(strip).collect();
            let path = parts.join(&b'/');
            if path.is_empty() {
                continue;
            }
            if let Err(errno) = extract(process, &member, &path) {
                process.complain([&path[..], b": Cannot open: ", errno.message().as_bytes()].concat()).await?;
                status = 2;
            }
        }
    }
    if status != 0 {
        process.complain("Exiting with failure status due to previous errors").await?;
    }
    Ok(status)
}

fn extract(process: &Process, member: &Member, path: &[u8]) -> Result<(), Errno> {
    let files = process.files();
    for (at, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
        match files.make_directory(&path[..at], 0o755) {
            Ok(()) | Err(Errno::Eexist) => {}
            Err(errno) => return Err(errno),
        }
    }
    match member.kind {
        b'5' => match files.make_directory(path, member.mode) {
            Err(Errno::Eexist) => Ok(()),
            other => other,
        },
        b'2' => {
            _ = files.remove(path);
            files.symlink(&member.link, path)
        }
        b'1' => files.link(&member.link, path),
        _ => {
            if files.lstat(path).is_ok() {
                _ = files.remove(path);
            }
            files.open(path, crate::OpenOptions { mode: member.mode, ..crate::OpenOptions::CREATE })?.write_at(0, &member.content)?;
            if process.credentials.uid == 0 {
                _ = files.set_owner(path, Some(member.uid), Some(member.gid), true);
            }
            files.set_modified(path, model::Timestamp::from_seconds(member.modified))
        }
    }
}

fn long(process: &Process, member: &Member) -> Vec<u8> {
    let accounts = Accounts::read(process);
    let kind = match member.kind {
        b'5' => Kind::Directory,
        b'2' => Kind::Symlink,
        _ => Kind::File,
    };
    let time = model::Timestamp::from_seconds(member.modified);
    let metadata = Metadata { kind, mode: member.mode, ..Metadata::of_nothing(Kind::File) };
    let owner = [&accounts.user_name(member.uid)[..], b"/", &accounts.group_name(member.gid)].concat();
    let link = if member.kind == b'2' { [b" -> ", &member.link[..]].concat() } else { Vec::new() };
    let head = format!(
        "{} {} {:>9} {} ",
        metadata.mode_text(),
        String::from_utf8_lossy(&owner),
        member.content.len(),
        strftime("%Y-%m-%d %H:%M", time)
    );
    [head.as_bytes(), &member.name, &link, b"\n"].concat()
}

/// The members of a ustar or GNU archive; `None` when it is none.
fn members(bytes: &[u8]) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    let mut at = 0;
    let mut long_name: Option<Vec<u8>> = None;
    while let Some(header) = bytes.get(at..at + BLOCK) {
        if header.iter().all(|b| *b == 0) {
            break;
        }
        let text = |from: usize, to: usize| header[from..to].split(|b| *b == 0).next().unwrap_or_default().to_vec();
        let octal = |from: usize, to: usize| {
            header[from..to]
                .iter()
                .filter(|b| (b'0'..=b'7').contains(*b))
                .fold(0u64, |value, b| value.saturating_mul(8).saturating_add(u64::from(b - b'0')))
        };
        let sum: u64 = header.iter().enumerate().map(|(index, b)| if (148..156).contains(&index) { 32 } else { u64::from(*b) }).sum();
        if sum != octal(148, 156) {
            return if members.is_empty() { None } else { Some(members) };
        }
        let size = usize::try_from(octal(124, 136)).ok()?;
        let start = at + BLOCK;
        let end = start.checked_add(size)?.min(bytes.len());
        let content = bytes.get(start..end).unwrap_or_default().to_vec();
        at = start.checked_add(size.div_ceil(BLOCK).checked_mul(BLOCK)?)?;
        let kind = header[156];
        if kind == b'L' {
            long_name = Some(content.split(|b| *b == 0).next().unwrap_or_default().to_vec());
            continue;
        }
        if matches!(kind, b'x' | b'g') {
            continue;
        }
        let prefix = if &header[257..262] == b"ustar" && header[262] == 0 { text(345, 500) } else { Vec::new() };
        let short = if prefix.is_empty() { text(0, 100) } else { [&prefix[..], b"/", &text(0, 100)].concat() };
        members.push(Member {
            name: long_name.take().unwrap_or(short),
            mode: octal(100, 108) as u32 & 0o7777,
            uid: octal(108, 116) as u32,
            gid: octal(116, 124) as u32,
            modified: i64::try_from(octal(136, 148)).unwrap_or(0),
            kind,
            link: text(157, 257),
            content,
        });
        if members.len() >= ENTRIES_MAX {
            break;
        }
    }
    if members.is_empty() && bytes.len() < BLOCK { None } else { Some(members) }
}

fn header(name: &[u8], metadata: &Metadata, kind: u8, link: &[u8], size: usize) -> Vec<u8> {
    let mut block = vec![0u8; BLOCK];
    let mut put =
        |from: usize, text: &[u8], room: usize| block[from..from + text.len().min(room)].copy_from_slice(&text[..text.len().min(room)]);
    put(0, name, 100);
    put(100, format!("{:07o}", metadata.mode).as_bytes(), 8);
    put(108, format!("{:07o}", metadata.uid).as_bytes(), 8);
    put(116, format!("{:07o}", metadata.gid).as_bytes(), 8);
    put(124, format!("{size:011o}").as_bytes(), 12);
    put(136, format!("{:011o}", metadata.modified.seconds().max(0)).as_bytes(), 12);
    put(148, b"        ", 8);
    put(156, &[kind], 1);
    put(157, link, 100);
    put(257, b"ustar  \0", 8);
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

async fn create(process: &mut Process, given: &super::options::Given, archive: &[u8]) -> Outcome {
    if given.operands.is_empty() {
        process.complain("Cowardly refusing to create an empty archive").await?;
        process.err("Try 'tar --help' or 'tar --usage' for more information.\n").await?;
        return Ok(2);
    }
    let mut bytes = Vec::new();
    let mut status = 0;
    if given.operands.iter().any(|name| name.starts_with(b"/")) && !given.has('P') {
        process.complain("Removing leading `/' from member names").await?;
    }
    let mut pending: Vec<Vec<u8>> = given.operands.iter().rev().cloned().collect();
    let mut count = 0;
    while let Some(path) = pending.pop() {
        count += 1;
        if count > ENTRIES_MAX || bytes.len() > WHOLE_BYTES_MAX {
            break;
        }
        process.charge(1).await?;
        let files = process.files();
        let metadata = match files.lstat(&path) {
            Ok(metadata) => metadata,
            Err(errno) => {
                process.complain([&path[..], b": Cannot stat: ", errno.message().as_bytes()].concat()).await?;
                status = 2;
                continue;
            }
        };
        let stored = path.strip_prefix(b"/").unwrap_or(&path).to_vec();
        member(process, &mut bytes, &path, &stored, &metadata, &mut pending).await?;
        if given.has('v') {
            let slash: &[u8] = if metadata.kind == Kind::Directory && !stored.ends_with(b"/") { b"/" } else { b"" };
            let line = [&path[..], slash, b"\n"].concat();
            if archive == b"-" {
                process.err(line).await?
            } else {
                process.out(line).await?
            };
        }
    }
    bytes.resize((bytes.len() + 2 * BLOCK).div_ceil(20 * BLOCK) * 20 * BLOCK, 0);
    let bytes = if given.has('z') || archive.ends_with(b".tgz") && given.has('a') { gzip_bytes(&bytes, 6) } else { bytes };
    if archive == b"-" {
        process.out(bytes).await?;
    } else if let Err(errno) = process.files().open(archive, crate::OpenOptions::CREATE).and_then(|node| node.write_at(0, &bytes)) {
        process.complain([archive, b": Cannot open: ", errno.message().as_bytes()].concat()).await?;
        process.complain("Error is not recoverable: exiting now").await?;
        return Ok(2);
    }
    if status != 0 {
        process.complain("Exiting with failure status due to previous errors").await?;
    }
    Ok(status)
}

async fn member(
    process: &mut Process,
    bytes: &mut Vec<u8>,
    path: &[u8],
    stored: &[u8],
    metadata: &Metadata,
    pending: &mut Vec<Vec<u8>>,
) -> Result<(), Stop> {
    let files = process.files();
    let (kind, link, content) = match metadata.kind {
        Kind::Directory => {
            let slash: &[u8] = if path.ends_with(b"/") { b"" } else { b"/" };
            let entries = files.list(path).unwrap_or_default();
            pending.extend(entries.into_iter().rev().map(|(name, _)| [path, slash, &name].concat()));
            (b'5', Vec::new(), Vec::new())
        }
        Kind::Symlink => (b'2', files.read_link(path).unwrap_or_default(), Vec::new()),
        Kind::File => match files.read(path) {
            Ok(content) => (b'0', Vec::new(), content.to_vec()),
            Err(errno) => {
                process.complain([path, b": Cannot open: ", errno.message().as_bytes()].concat()).await?;
                return Ok(());
            }
        },
        _ => return Ok(()),
    };
    let name = if kind == b'5' && !stored.ends_with(b"/") { [stored, b"/"].concat() } else { stored.to_vec() };
    if name.len() > 99 {
        bytes.extend(header(b"././@LongLink", metadata, b'L', b"", name.len() + 1));
        bytes.extend_from_slice(&name);
        bytes.resize((bytes.len() + 1).div_ceil(BLOCK) * BLOCK, 0);
    }
    bytes.extend(header(&name, metadata, kind, &link, content.len()));
    bytes.extend_from_slice(&content);
    bytes.resize(bytes.len().div_ceil(BLOCK) * BLOCK, 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_member_survives_its_archive() {
        let metadata = Metadata {
            mode: 0o640,
            uid: 7,
            gid: 8,
            modified: model::Timestamp::from_seconds(1_700_000_000),
            ..Metadata::of_nothing(Kind::File)
        };
        let mut bytes = header(b"a/b", &metadata, b'0', b"", 5);
        bytes.extend_from_slice(b"hello");
        bytes.resize(3 * BLOCK, 0);
        let read = members(&bytes).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(
            (&read[0].name[..], &read[0].content[..], read[0].mode, read[0].uid, read[0].modified),
            (&b"a/b"[..], &b"hello"[..], 0o640, 7, 1_700_000_000)
        );
    }

    proptest! {
        #[test]
        fn no_archive_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..2000), fixed in any::<bool>()) {
            if fixed && bytes.len() >= BLOCK {
                let sum: u64 = bytes[..BLOCK].iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u64::from(*b) }).sum();
                bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
            let _ = members(&bytes);
            let _ = gunzip(&bytes);
        }
    }
}
