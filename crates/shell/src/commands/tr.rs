//! `tr`: translate or delete characters.

use super::options::{Spec, Takes, parse, usage_error};
use crate::command::{Outcome, Process};

const SPEC: Spec = Spec {
    short: "+cCdst",
    long: &[
        ("complement", 'c', Takes::Nothing),
        ("delete", 'd', Takes::Nothing),
        ("squeeze-repeats", 's', Takes::Nothing),
        ("truncate-set1", 't', Takes::Nothing),
    ],
    usage: "[OPTION]... SET1 [SET2]\nTranslate, squeeze, and/or delete characters from standard input,\nwriting to standard output.",
    error: 1,
};

pub(super) async fn run(process: &mut Process) -> Outcome {
    let given = parse(process, &SPEC).await?;
    let (delete, squeeze) = (given.has('d'), given.has('s'));
    let complement = given.has('c') || given.has('C');
    let [first, rest @ ..] = &given.operands[..] else { return Err(usage_error(process, &SPEC, "missing operand").await?) };
    let second = rest.first();
    if second.is_none() && delete == squeeze {
        let message = [b"missing operand after \xe2\x80\x98", &first[..], b"\xe2\x80\x99"].concat();
        process.complain(message).await?;
        let why = if delete {
            "Two strings must be given when both deleting and squeezing repeats."
        } else {
            "Two strings must be given when translating."
        };
        let name = String::from_utf8_lossy(process.name()).into_owned();
        process.err(format!("{why}\nTry '{name} --help' for more information.\n")).await?;
        return Ok(1);
    }
    if let Some(extra) = rest.get(if delete && !squeeze { 0 } else { 1 }) {
        let message = [b"extra operand \xe2\x80\x98", &extra[..], b"\xe2\x80\x99"].concat();
        return Err(usage_error(process, &SPEC, message).await?);
    }
    let mut from = expand(first, usize::MAX);
    if complement {
        from = (0..=255).filter(|byte| !from.contains(byte)).collect();
    }
    let to = second.map(|set| expand(set, from.len()));
    let mut map: [u8; 256] = std::array::from_fn(|index| index as u8);
    let mut deleted = [false; 256];
    if delete {
        from.iter().for_each(|byte| deleted[usize::from(*byte)] = true);
    } else if let Some(to) = &to {
        if given.has('t') {
            from.truncate(to.len());
        }
        if to.is_empty() && !from.is_empty() {
            process.complain("when not truncating set1, string2 must be non-empty").await?;
            return Ok(1);
        }
        for (index, byte) in from.iter().enumerate() {
            map[usize::from(*byte)] = to[index.min(to.len() - 1)];
        }
    }
    let squeezed: Vec<u8> = match (squeeze, &to) {
        (false, _) => Vec::new(),
        (true, Some(to)) => to.clone(),
        (true, None) => from.clone(),
    };
    let mut last = None;
    loop {
        let chunk = process.read().await?;
        if chunk.is_empty() {
            return Ok(0);
        }
        let mut out = Vec::with_capacity(chunk.len());
        for byte in chunk {
            if deleted[usize::from(byte)] {
                continue;
            }
            let byte = map[usize::from(byte)];
            if last == Some(byte) && squeezed.contains(&byte) {
                continue;
            }
            last = Some(byte);
            out.push(byte);
        }
        process.out(out).await?;
    }
}

/// A set's bytes in order. `[x*]` fills up to `length`.
fn expand(set: &[u8], length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut at = 0;
    while at < set.len() {
        if let Some(rest) = set[at..].strip_prefix(b"[:")
            && let Some(end) = memchr::memmem::find(rest, b":]")
            && let Some(class) = class(&rest[..end])
        {
            bytes.extend((0..=255u8).filter(class));
            at += end + 4;
            continue;
        }
        if let [b'[', byte, b'*', rest @ ..] = &set[at..]
            && let Some(end) = rest.iter().position(|b| *b == b']')
        {
            let count = super::options::number(&rest[..end]).map_or(length.min(256).saturating_sub(bytes.len()), |n| n.min(256) as usize);
            bytes.extend(std::iter::repeat_n(*byte, count));
            at += end + 4;
            continue;
        }
        let (low, width) = one(&set[at..]);
        at += width;
        if set.get(at) == Some(&b'-') && at + 1 < set.len() {
            let (high, width) = one(&set[at + 1..]);
            at += 1 + width;
            bytes.extend(low..=high);
        } else {
            bytes.push(low);
        }
        if bytes.len() > 4096 {
            break;
        }
    }
    bytes
}

fn class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alpha" => u8::is_ascii_alphabetic,
        b"digit" => u8::is_ascii_digit,
        b"alnum" => u8::is_ascii_alphanumeric,
        b"upper" => u8::is_ascii_uppercase,
        b"lower" => u8::is_ascii_lowercase,
        b"punct" => u8::is_ascii_punctuation,
        b"xdigit" => u8::is_ascii_hexdigit,
        b"cntrl" => u8::is_ascii_control,
        b"graph" => u8::is_ascii_graphic,
        b"print" => |byte| (0x20..0x7f).contains(byte),
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"space" => |byte| byte.is_ascii_whitespace() || *byte == 0x0b,
        _ => return None,
    })
}

/// One byte of a set and how long its notation is.
fn one(set: &[u8]) -> (u8, usize) {
    match set {
        [b'\\', digit @ b'0'..=b'7', rest @ ..] => {
            let more = rest.iter().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let value = rest[..more].iter().fold(u32::from(digit - b'0'), |value, b| value * 8 + u32::from(b - b'0'));
            (value as u8, 2 + more)
        }
        [b'\\', letter, ..] => (
            match letter {
                b'a' => 7,
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                other => *other,
            },
            2,
        ),
        [byte, ..] => (*byte, 1),
        [] => (0, 1),
    }
}
