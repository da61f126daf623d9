//! `base64`, `base32`, the checksum tools, `cksum`, `od`, `xxd`, `hexdump` and `strings`: bytes as text.

use super::options::{Spec, Takes, parse, size};
use super::source::{Source, WHOLE_BYTES_MAX, complain};
use crate::command::{Outcome, Process, Stop};
use base64::Engine;
use md5::Digest;

pub(super) async fn base64(process: &mut Process) -> Outcome {
    const BASE64: Spec = Spec {
        short: "diw:D",
        long: &[("decode", 'd', Takes::Nothing), ("ignore-garbage", 'i', Takes::Nothing), ("wrap", 'w', Takes::Value)],
        usage: "[OPTION]... [FILE]\nBase64 encode or decode FILE, or standard input, to standard output.",
        error: 1,
    };
    let given = parse(process, &BASE64).await?;
    let name = given.operands.first().cloned().unwrap_or_else(|| b"-".to_vec());
    let mut source = match Source::open(process, &name) {
        Ok(source) => source,
        Err(errno) => {
            complain(process, &name, errno).await?;
            return Ok(1);
        }
    };
    let content = source.rest(process, WHOLE_BYTES_MAX).await?;
    if given.has('d') || given.has('D') {
        let (decoded, whole) = decode(&content, given.has('i'));
        process.out(decoded).await?;
        if !whole {
            process.flush().await?;
            process.complain(if process.busybox() { "truncated input" } else { "invalid input" }).await?;
            return Ok(1);
        }
        return Ok(0);
    }
    let width = given.value('w').and_then(super::options::number).map_or(76, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let text = base64::engine::general_purpose::STANDARD.encode(&content);
    if width == 0 {
        process.out(text).await?;
    } else {
        for line in text.as_bytes().chunks(width) {
            process.out([line, b"\n"].concat()).await?;
        }
    }
    Ok(0)
}

/// As much as can be decoded, and whether that was all. Newlines are skipped; padding may be followed by more.
fn decode(text: &[u8], lenient: bool) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut padding) = (0u32, 0, 0);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\n' | b'\r' => continue,
            b'=' if count >= 2 => {
                padding += 1;
                if count + padding == 4 {
                    bits <<= 6 * padding;
                    out.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
                    (bits, count, padding) = (0, 0, 0);
                }
                continue;
            }
            _ if lenient => continue,
            _ => return (out, false),
        };
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count, padding) = (0, 0, 0);
        }
    }
    // What a cut text still holds is given out all the same.
    if count >= 2 {
        bits <<= 6 * (4 - count);
        out.extend_from_slice(&bits.to_be_bytes()[1..count]);
    }
    (out, count == 0)
}

fn digest(name: &[u8], content: &[u8]) -> String {
    match name {
        b"sha1sum" => hex::encode(sha1::Sha1::digest(content)),
        b"sha224sum" => hex::encode(sha2::Sha224::digest(content)),
        b"sha256sum" => hex::encode(sha2::Sha256::digest(content)),
        b"sha384sum" => hex::encode(sha2::Sha384::digest(content)),
        b"sha512sum" => hex::encode(sha2::Sha512::digest(content)),
        _ => hex::encode(md5::Md5::digest(content)),
    }
}

pub(super) async fn checksum(process: &mut Process) -> Outcome {
    const SUM: Spec = Spec {
        short: "bctwsz",
        long: &[
            ("check", 'c', Takes::Nothing),
            ("quiet", 'q', Takes::Nothing),
            ("status", 's', Takes::Nothing),
            ("binary", 'b', Takes::Nothing),
            ("tag", '\u{1}', Takes::Nothing),
        ],
        usage: "[OPTION]... [FILE]...\nPrint or check checksums.",
        error: 1,
    };
    let given = parse(process, &SUM).await?;
    let tool = process.name().to_vec();
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
    let mut status = 0;
    for name in names {
        let content = match Source::open(process, &name) {
            Ok(mut source) => source.rest(process, WHOLE_BYTES_MAX * 4).await?,
            Err(errno) => {
                complain(process, &name, errno).await?;
                status = 1;
                continue;
            }
        };
        process.charge(content.len() as u64 / 4096).await?;
        if given.has('c') {
            for line in content.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                let Some(at) = line.iter().position(|b| *b == b' ') else { continue };
                let path = line[at + 1..].strip_prefix(b" ").or_else(|| line[at + 1..].strip_prefix(b"*")).unwrap_or(&line[at + 1..]);
                let good = process.files().read(path).is_ok_and(|content| digest(&tool, &content).as_bytes() == &line[..at]);
                process.out([path, if good { b": OK\n" } else { b": FAILED\n" }].concat()).await?;
                status = status.max(u8::from(!good));
            }
        } else {
            process.out([digest(&tool, &content).as_bytes(), b"  ", &name, b"\n"].concat()).await?;
        }
    }
    Ok(status)
}

pub(super) async fn xxd(process: &mut Process) -> Outcome {
    const XXD: Spec = Spec { short: "abc:EehiIl:o:prs:uv", long: &[], usage: "[options] [infile [outfile]]", error: 1 };
    let given = parse(process, &XXD).await?;
    let name = given.operands.first().cloned().unwrap_or_else(|| b"-".to_vec());
    let mut source = match Source::open(process, &name) {
        Ok(source) => source,
        Err(errno) => {
            complain(process, &name, errno).await?;
            return Ok(2);
        }
    };
    let limit = given.value('l').and_then(size).map_or(WHOLE_BYTES_MAX, |n| usize::try_from(n).unwrap_or(usize::MAX).min(WHOLE_BYTES_MAX));
    let skip = given.value('s').and_then(size).map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let content = source.rest(process, limit.saturating_add(skip)).await?;
    let content = content.get(skip..).unwrap_or_default();
    if given.has('r') {
        let digits: Vec<u8> = if given.has('p') {
            content.iter().copied().filter(u8::is_ascii_hexdigit).collect()
        } else {
            let lines = content.split(|b| *b == b'\n');
            lines
                .flat_map(|line| {
                    line.splitn(2, |b| *b == b':')
                        .nth(1)
                        .unwrap_or_default()
                        .iter()
                        .take(41)
                        .copied()
                        .filter(u8::is_ascii_hexdigit)
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        let even = &digits[..digits.len() & !1];
        process.out(hex::decode(even).unwrap_or_default()).await?;
        return Ok(0);
    }
    let columns = given
        .value('c')
        .and_then(super::options::number)
        .map_or(if given.has('p') { 30 } else { 16 }, |n| usize::try_from(n).unwrap_or(16).clamp(1, 256));
    for (index, row) in content.chunks(columns).enumerate() {
        if given.has('p') {
            process.out(hex::encode(row) + "\n").await?;
            continue;
        }
        let mut text = format!("{:08x}: ", skip + index * columns);
        for pair in 0..columns.div_ceil(2) {
            for offset in [2 * pair, 2 * pair + 1].into_iter().filter(|offset| *offset < columns) {
                text.push_str(&row.get(offset).map_or_else(|| "  ".to_owned(), |byte| format!("{byte:02x}")));
            }
            text.push(' ');
        }
        text.push(' ');
        text.extend(row.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }));
        process.out(text + "\n").await?;
    }
    Ok(0)
}

pub(super) async fn hexdump(process: &mut Process) -> Outcome {
    const DUMP: Spec = Spec {
        short: "A:bcCdovxt:N:n:s:j:w::e:",
        long: &[
            ("canonical", 'C', Takes::Nothing),
            ("address-radix", 'A', Takes::Value),
            ("format", 't', Takes::Value),
            ("read-bytes", 'N', Takes::Value),
            ("length", 'n', Takes::Value),
            ("width", 'w', Takes::Optional),
        ],
        usage: "[options] [file...]",
        error: 1,
    };
    let given = parse(process, &DUMP).await?;
    let od = process.name() == b"od";
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
    let limit = given
        .value('N')
        .or_else(|| given.value('n'))
        .and_then(size)
        .map_or(WHOLE_BYTES_MAX, |n| usize::try_from(n).unwrap_or(usize::MAX).min(WHOLE_BYTES_MAX));
    let skip = given
        .value('j')
        .or_else(|| given.value('s'))
        .and_then(size)
        .map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX).min(WHOLE_BYTES_MAX));
    let mut content = Vec::new();
    for name in names {
        match Source::open(process, &name) {
            Ok(mut source) => content.extend(source.rest(process, limit.saturating_add(skip).saturating_sub(content.len())).await?),
            Err(errno) => {
                complain(process, &name, errno).await?;
                return Ok(1);
            }
        }
    }
    let content = content.get(skip..).unwrap_or_default();
    let radix = if od { given.value('A').and_then(|a| a.first().copied()).unwrap_or(b'o') } else { b'x' };
    let canonical = given.has('C');
    let kind = match given.value('t') {
        Some(kind) => kind.to_vec(),
        None if given.has('c') => b"c".to_vec(),
        None if given.has('b') => b"o1".to_vec(),
        None if od && given.has('x') => b"x2".to_vec(),
        None if od => b"o2".to_vec(),
        None => b"x2".to_vec(),
    };
    let mut previous: Option<&[u8]> = None;
    let mut starred = false;
    for (index, row) in content.chunks(16).enumerate() {
        let at = skip + index * 16;
        if previous == Some(row) && row.len() == 16 && !given.has('v') {
            if !starred {
                process.out("*\n").await?;
            }
            starred = true;
            continue;
        }
        (starred, previous) = (false, Some(row));
        let text = if canonical { canonical_row(at, row) } else { dump_row(at, radix, row, &kind, od) };
        process.out(text).await?;
    }
    if radix != b'n' && (od || !content.is_empty()) {
        let end = skip + content.len();
        process.out(if canonical { format!("{end:08x}\n") } else { address(end, radix, od) + "\n" }).await?;
    }
    Ok(0)
}

fn dump_row(at: usize, radix: u8, row: &[u8], kind: &[u8], od: bool) -> String {
    let text = address(at, radix, od) + &cells(row, kind, od);
    // hexdump fills a short row up to where a full one ends.
    let width = if od { 0 } else { 7 + cells(&[0; 16], kind, od).len() };
    format!("{text:<width$}\n")
}

fn canonical_row(at: usize, row: &[u8]) -> String {
    let mut text = format!("{at:08x} ");
    for offset in 0..16 {
        if offset % 8 == 0 {
            text.push(' ');
        }
        text.push_str(&row.get(offset).map_or_else(|| "   ".to_owned(), |byte| format!("{byte:02x} ")));
    }
    text.push_str(" |");
    text.extend(row.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }));
    text + "|\n"
}

fn address(at: usize, radix: u8, od: bool) -> String {
    match radix {
        b'n' => String::new(),
        b'd' => format!("{at:07}"),
        b'x' if od => format!("{at:06x}"),
        b'x' => format!("{at:07x}"),
        _ => format!("{at:07o}"),
    }
}

fn cells(row: &[u8], kind: &[u8], od: bool) -> String {
    let width = kind
        .get(1)
        .map_or(if matches!(kind.first(), Some(b'c' | b'a')) { 1 } else { 4 }, |digit| usize::from(digit.saturating_sub(b'0')).clamp(1, 8));
    row.chunks(width)
        .map(|cell| {
            let value = cell.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
            match kind.first() {
                Some(b'c' | b'a') => {
                    let byte = cell[0];
                    let shown = match byte {
                        0 => "\\0".to_owned(),
                        7 => "\\a".to_owned(),
                        8 => "\\b".to_owned(),
                        9 => "\\t".to_owned(),
                        10 => "\\n".to_owned(),
                        11 => "\\v".to_owned(),
                        12 => "\\f".to_owned(),
                        13 => "\\r".to_owned(),
                        0x20..0x7f => char::from(byte).to_string(),
                        _ => format!("{byte:03o}"),
                    };
                    format!(" {shown:>3}")
                }
                Some(b'x') => format!(" {value:0digits$x}", digits = width * 2),
                Some(b'd' | b'u') => format!(" {value:>digits$}", digits = [0, 3, 5, 8, 10, 13, 15, 18, 20][width]),
                _ if width == 1 => format!(" {value:03o}"),
                _ => format!(
                    "{}{value:0digits$o}",
                    if od || kind.first() == Some(&b'o') { " " } else { "" },
                    digits = [0, 3, 6, 8, 11, 14, 16, 19, 22][width]
                ),
            }
        })
        .collect()
}

pub(super) async fn strings(process: &mut Process) -> Outcome {
    const STRINGS: Spec = Spec {
        short: "afo:n:t:d",
        long: &[("bytes", 'n', Takes::Value), ("all", 'a', Takes::Nothing)],
        usage: "[option(s)] [file(s)]",
        error: 1,
    };
    let given = parse(process, &STRINGS).await?;
    let least = given.value('n').and_then(super::options::number).map_or(4, |n| usize::try_from(n).unwrap_or(usize::MAX).max(1));
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
    let mut status = 0;
    for name in names {
        let Ok(mut source) = Source::open(process, &name) else {
            process.complain([b"'", &name[..], b"': No such file"].concat()).await?;
            status = 1;
            continue;
        };
        let mut text = Vec::new();
        loop {
            let chunk = source.chunk(process).await?;
            for byte in &chunk {
                if (0x20..0x7f).contains(byte) || *byte == b'\t' {
                    if text.len() < 64 * 1024 {
                        text.push(*byte);
                    }
                } else {
                    found(process, &mut text, least).await?;
                }
            }
            if chunk.is_empty() {
                break;
            }
        }
        found(process, &mut text, least).await?;
    }
    Ok(status)
}

async fn found(process: &mut Process, text: &mut Vec<u8>, least: usize) -> Result<(), Stop> {
    if text.len() >= least {
        text.push(b'\n');
        process.out(&*text).await?;
    }
    text.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_agree_with_the_standards() {
        for (tool, expected) in [
            ("md5sum", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1sum", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("sha256sum", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(digest(tool.as_bytes(), b"abc"), expected, "{tool}");
        }
    }

    #[test]
    fn base64_gives_what_it_can() {
        assert_eq!(decode(b"aGVsbG8=\n", false), (b"hello".to_vec(), true));
        assert_eq!(decode(b"aGVs\nbG8gd29ybGQ=", false), (b"hello world".to_vec(), true));
        assert_eq!(decode(b"aGVsbG8", false), (b"hello".to_vec(), false));
        assert!(!decode(b"aG!Vs", false).1);
        assert_eq!(decode(b"aG!Vs", true), (b"hel".to_vec(), true));
    }
}
