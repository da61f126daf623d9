//! `cut`: parts of lines.

use super::options::{Spec, Takes, parse, usage_error};
use super::source::{Source, chomp, complain};
use crate::command::{Outcome, Process};

const SPEC: Spec = Spec {
    short: "b:c:d:f:nsz",
    long: &[
        ("bytes", 'b', Takes::Value),
        ("characters", 'c', Takes::Value),
        ("delimiter", 'd', Takes::Value),
        ("fields", 'f', Takes::Value),
        ("only-delimited", 's', Takes::Nothing),
        ("complement", '\u{1}', Takes::Nothing),
        ("output-delimiter", '\u{2}', Takes::Value),
        ("zero-terminated", 'z', Takes::Nothing),
    ],
    usage: "OPTION... [FILE]...\nPrint selected parts of lines from each FILE to standard output.",
    error: 1,
};

pub(super) async fn run(process: &mut Process) -> Outcome {
    let given = parse(process, &SPEC).await?;
    let lists = given.all().filter(|(letter, _)| "bcf".contains(*letter)).count();
    let Some((mode, list)) = given.last_of("bcf").and_then(|letter| Some((letter, given.value(letter)?.to_vec()))) else {
        let message = if process.busybox() {
            "expected a list of bytes, characters, or fields"
        } else {
            "you must specify a list of bytes, characters, or fields"
        };
        return Err(usage_error(process, &SPEC, message).await?);
    };
    if lists > 1 {
        return Err(usage_error(process, &SPEC, "only one list may be specified").await?);
    }
    let delimiter = match given.value('d') {
        None => b'\t',
        Some([]) => 0,
        Some([byte]) => *byte,
        Some(_) => return Err(usage_error(process, &SPEC, "the delimiter must be a single character").await?),
    };
    if given.value('d').is_some() && mode != 'f' {
        return Err(usage_error(process, &SPEC, "an input delimiter may be specified only when operating on fields").await?);
    }
    let ranges = match ranges(&list) {
        Ok(ranges) => ranges,
        Err(what) => {
            let kind = if mode == 'f' { "fields" } else { "byte/character positions" };
            let message = match what {
                Bad::Zero => format!("{kind} are numbered from 1"),
                Bad::Decreasing => "invalid decreasing range".to_owned(),
                Bad::Value => format!(
                    "invalid {} value \u{2018}{}\u{2019}",
                    if mode == 'f' { "field" } else { "byte or character position" },
                    String::from_utf8_lossy(&list)
                ),
            };
            return Err(usage_error(process, &SPEC, message).await?);
        }
    };
    let chosen = |index: usize| ranges.iter().any(|(low, high)| (*low..=*high).contains(&index)) != given.has('\u{1}');
    let joiner = given.value('\u{2}').map_or_else(|| if mode == 'f' { vec![delimiter] } else { Vec::new() }, <[u8]>::to_vec);
    let end = if given.has('z') { 0 } else { b'\n' };
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
    let mut status = 0;
    for name in names {
        let mut source = match Source::open(process, &name) {
            Ok(source) => source,
            Err(errno) => {
                complain(process, &name, errno).await?;
                status = 1;
                continue;
            }
        };
        while let Some(line) = source.until(process, end).await? {
            let text = if end == 0 { line.strip_suffix(b"\0").unwrap_or(&line) } else { chomp(&line) };
            let mut out = Vec::with_capacity(line.len());
            if mode == 'f' {
                if !text.contains(&delimiter) {
                    if given.has('s') {
                        continue;
                    }
                    out.extend_from_slice(text);
                } else {
                    let fields: Vec<&[u8]> = text
                        .split(|b| *b == delimiter)
                        .enumerate()
                        .filter(|(index, _)| chosen(index + 1))
                        .map(|(_, field)| field)
                        .collect();
                    out = fields.join(&joiner[..]);
                }
            } else {
                let mut gap = false;
                for (index, byte) in text.iter().enumerate() {
                    if !chosen(index + 1) {
                        gap = !out.is_empty();
                        continue;
                    }
                    if gap {
                        out.extend_from_slice(&joiner);
                        gap = false;
                    }
                    out.push(*byte);
                }
            }
            out.push(end);
            process.out(out).await?;
        }
    }
    Ok(status)
}

enum Bad {
    Zero,
    Decreasing,
    Value,
}

/// `1,3-5,7-` as pairs.
fn ranges(list: &[u8]) -> Result<Vec<(usize, usize)>, Bad> {
    list.split(|b| matches!(b, b',' | b' '))
        .map(|item| {
            let value = |text: &[u8]| super::options::number(text).map(|n| usize::try_from(n).unwrap_or(usize::MAX)).ok_or(Bad::Value);
            let (low, high) = match item.iter().position(|b| *b == b'-') {
                None => {
                    let value = value(item)?;
                    (value, value)
                }
                Some(_) if item.len() == 1 => return Err(Bad::Value),
                Some(at) => {
                    (if at == 0 { 1 } else { value(&item[..at])? }, if at + 1 == item.len() { usize::MAX } else { value(&item[at + 1..])? })
                }
            };
            match (low, high) {
                (0, _) => Err(Bad::Zero),
                (low, high) if high < low => Err(Bad::Decreasing),
                pair => Ok(pair),
            }
        })
        .collect()
}
