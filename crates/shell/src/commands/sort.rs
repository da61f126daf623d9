//! `sort` and `uniq`.

use super::options::{Given, Spec, Takes, number, parse};
use super::source::{Source, WHOLE_BYTES_MAX, chomp, complain};
use crate::command::{Outcome, Process};
use std::cmp::Ordering;

const SORT: Spec = Spec {
    short: "bcdfghik:Mmno:rRsS:t:T:uVz",
    long: &[
        ("ignore-leading-blanks", 'b', Takes::Nothing),
        ("dictionary-order", 'd', Takes::Nothing),
        ("ignore-case", 'f', Takes::Nothing),
        ("general-numeric-sort", 'g', Takes::Nothing),
        ("human-numeric-sort", 'h', Takes::Nothing),
        ("key", 'k', Takes::Value),
        ("numeric-sort", 'n', Takes::Nothing),
        ("output", 'o', Takes::Value),
        ("random-sort", 'R', Takes::Nothing),
        ("reverse", 'r', Takes::Nothing),
        ("stable", 's', Takes::Nothing),
        ("field-separator", 't', Takes::Value),
        ("unique", 'u', Takes::Nothing),
        ("version-sort", 'V', Takes::Nothing),
        ("zero-terminated", 'z', Takes::Nothing),
        ("check", 'c', Takes::Optional),
    ],
    usage: "[OPTION]... [FILE]...\nWrite sorted concatenation of all FILE(s) to standard output.",
    error: 2,
};

/// How one key compares.
#[derive(Clone, Copy, Default)]
struct Order {
    numeric: bool,
    general: bool,
    human: bool,
    version: bool,
    fold: bool,
    dictionary: bool,
    blanks: bool,
    reverse: bool,
}

impl Order {
    fn add(&mut self, letter: char) {
        match letter {
            'n' => self.numeric = true,
            'g' => self.general = true,
            'h' => self.human = true,
            'V' => self.version = true,
            'f' => self.fold = true,
            'd' => self.dictionary = true,
            'b' => self.blanks = true,
            'r' => self.reverse = true,
            _ => {}
        }
    }
}

/// A `-k START[,END]`; fields and characters count from 1, a character of 0 is the end of the field.
struct Key {
    start: (usize, usize),
    end: Option<(usize, usize)>,
    order: Order,
}

fn key(text: &[u8], inherited: Order) -> Option<Key> {
    let text = std::str::from_utf8(text).ok()?;
    let (start, end) = text.split_once(',').map_or((text, None), |(start, end)| (start, Some(end)));
    let mut order = Order::default();
    let mut own = false;
    let mut position = |part: &str| -> Option<(usize, usize)> {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        for letter in part[digits.len()..].chars() {
            order.add(letter);
            own = true;
        }
        let (field, character) = digits.split_once('.').unwrap_or((digits, "0"));
        Some((field.parse().ok()?, character.parse().ok()?))
    };
    let start = position(start)?;
    let end = match end {
        Some(end) => Some(position(end)?),
        None => None,
    };
    (start.0 > 0).then_some(Key { start, end, order: if own { order } else { inherited } })
}

/// Where each field of a line begins and ends: by the separator, or each with the blanks before it.
fn fields(line: &[u8], separator: Option<u8>) -> Vec<(usize, usize)> {
    let mut fields = Vec::new();
    let mut start = 0;
    match separator {
        Some(separator) => {
            for end in memchr::memchr_iter(separator, line).chain(std::iter::once(line.len())) {
                fields.push((start, end));
                start = end + 1;
            }
        }
        None => {
            while start < line.len() {
                let blanks = line[start..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                let word = line[start + blanks..].iter().take_while(|b| !matches!(b, b' ' | b'\t')).count();
                fields.push((start, start + blanks + word));
                start += blanks + word;
            }
        }
    }
    fields
}

impl Key {
    fn of<'a>(&self, line: &'a [u8], separator: Option<u8>) -> &'a [u8] {
        let fields = fields(line, separator);
        let skip = |start: usize, end: usize| {
            if self.order.blanks { start + line[start..end].iter().take_while(|b| matches!(b, b' ' | b'\t')).count() } else { start }
        };
        let Some(&(start, end)) = fields.get(self.start.0 - 1) else { return b"" };
        let from = (skip(start, end) + self.start.1.saturating_sub(1)).min(line.len());
        let to = match self.end {
            None => line.len(),
            Some((field, character)) => match fields.get(field.wrapping_sub(1)) {
                None => line.len(),
                Some(&(_, end)) if character == 0 => end,
                Some(&(start, end)) => (skip(start, end) + character).min(end),
            },
        };
        if from < to { &line[from..to] } else { b"" }
    }
}

/// The number a text begins with, as `-n` reads it.
fn leading_number(text: &[u8]) -> f64 {
    let text = text.trim_ascii_start();
    let length =
        text.iter().enumerate().take_while(|(at, b)| b.is_ascii_digit() || **b == b'.' || (*at == 0 && matches!(b, b'-' | b'+'))).count();
    std::str::from_utf8(&text[..length]).ok().and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

fn general_number(text: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(text.trim_ascii());
    (1..=text.len().min(40)).rev().filter(|n| text.is_char_boundary(*n)).find_map(|n| text[..n].parse().ok()).unwrap_or(f64::NEG_INFINITY)
}

fn human_number(text: &[u8]) -> f64 {
    let digits = text.trim_ascii_start().iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-')).count();
    let power = match text.trim_ascii_start().get(digits) {
        Some(b'k' | b'K') => 1,
        Some(b'M') => 2,
        Some(b'G') => 3,
        Some(b'T') => 4,
        _ => 0,
    };
    leading_number(text) * 1024f64.powi(power)
}

/// Digits compare as numbers, all else as bytes.
fn by_version(a: &[u8], b: &[u8]) -> Ordering {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].is_ascii_digit() && b[j].is_ascii_digit() {
            let run = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
            let (x, y) = (&a[i..i + run(&a[i..])], &b[j..j + run(&b[j..])]);
            i += x.len();
            j += y.len();
            let strip = |digits: &[u8]| digits.iter().copied().skip_while(|d| *d == b'0').collect::<Vec<u8>>();
            let (x, y) = (strip(x), strip(y));
            match x.len().cmp(&y.len()).then_with(|| x.cmp(&y)) {
                Ordering::Equal => {}
                other => return other,
            }
        } else {
            match a[i].cmp(&b[j]) {
                Ordering::Equal => {}
                other => return other,
            }
            i += 1;
            j += 1;
        }
    }
    (a.len() - i).cmp(&(b.len() - j))
}

fn compare(a: &[u8], b: &[u8], order: Order) -> Ordering {
    let floats = |f: fn(&[u8]) -> f64| f(a).partial_cmp(&f(b)).unwrap_or(Ordering::Equal);
    let result = if order.numeric {
        floats(leading_number)
    } else if order.general {
        floats(general_number)
    } else if order.human {
        floats(human_number)
    } else if order.version {
        by_version(a, b)
    } else if order.fold || order.dictionary || order.blanks {
        let prepare = |text: &[u8]| -> Vec<u8> {
            let text = if order.blanks { text.trim_ascii_start() } else { text };
            text.iter()
                .filter(|b| !order.dictionary || b.is_ascii_alphanumeric() || matches!(b, b' ' | b'\t'))
                .map(|b| if order.fold { b.to_ascii_uppercase() } else { *b })
                .collect()
        };
        prepare(a).cmp(&prepare(b))
    } else {
        a.cmp(b)
    };
    if order.reverse { result.reverse() } else { result }
}

pub(super) async fn sort(process: &mut Process) -> Outcome {
    let given = parse(process, &SORT).await?;
    let mut order = Order::default();
    given.all().filter(|(letter, _)| "nghVfdbr".contains(*letter)).for_each(|(letter, _)| order.add(letter));
    let separator = match given.value('t') {
        None => None,
        Some(b"\\0") => Some(0),
        Some([byte]) => Some(*byte),
        Some([]) => {
            process.complain("empty tab").await?;
            return Ok(2);
        }
        Some(other) => {
            let message = [b"multi-character tab \xe2\x80\x98", other, b"\xe2\x80\x99"].concat();
            process.complain(message).await?;
            return Ok(2);
        }
    };
    let mut keys = Vec::new();
    for (_, text) in given.all().filter(|(letter, _)| *letter == 'k') {
        match key(text, order) {
            Some(key) => keys.push(key),
            None => {
                let message = [b"invalid number at field start: invalid count at start of \xe2\x80\x98", text, b"\xe2\x80\x99"].concat();
                process.complain(message).await?;
                return Ok(2);
            }
        }
    }
    let end = if given.has('z') { 0 } else { b'\n' };
    let Some(mut lines) = gather(process, &given, end).await? else { return Ok(2) };
    process.charge(lines.len() as u64 / 4).await?;
    let by_keys = |a: &[u8], b: &[u8]| {
        if keys.is_empty() {
            return compare(a, b, order);
        }
        keys.iter().map(|key| compare(key.of(a, separator), key.of(b, separator), key.order)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    let full = |a: &[u8], b: &[u8]| {
        let last = || if order.reverse { b.cmp(a) } else { a.cmp(b) };
        if given.has('s') || given.has('u') { by_keys(a, b) } else { by_keys(a, b).then_with(last) }
    };
    if given.has('c') {
        let at = lines.windows(2).position(|pair| by_keys(&pair[0], &pair[1]).is_gt());
        if let Some(at) = at {
            let name = given.operands.first().map_or_else(|| "-".to_owned(), |name| String::from_utf8_lossy(name).into_owned());
            let message = [format!("{name}:{}: disorder: ", at + 2).as_bytes(), &lines[at + 1]].concat();
            process.complain(message).await?;
        }
        return Ok(u8::from(at.is_some()));
    }
    lines.sort_by(|a, b| full(a, b));
    if given.has('u') {
        lines.dedup_by(|b, a| by_keys(a, b).is_eq());
    }
    let text: Vec<u8> = lines
        .into_iter()
        .flat_map(|mut line| {
            line.push(end);
            line
        })
        .collect();
    match given.value('o') {
        None => process.out(text).await?,
        Some(path) => {
            if let Err(errno) = process.files().write(path, text, 0o666) {
                let message = [b"open failed: ", path, b": ", errno.message().as_bytes()].concat();
                process.complain(message).await?;
                return Ok(2);
            }
        }
    }
    Ok(0)
}

async fn gather(process: &mut Process, given: &Given, end: u8) -> Result<Option<Vec<Vec<u8>>>, crate::Stop> {
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
    let (mut lines, mut bytes) = (Vec::new(), 0);
    for name in names {
        match Source::open(process, &name) {
            Ok(mut source) => {
                while let Some(mut line) = source.until(process, end).await? {
                    if line.last() == Some(&end) {
                        line.pop();
                    }
                    bytes += line.len() + 24;
                    if bytes > WHOLE_BYTES_MAX {
                        break;
                    }
                    lines.push(line);
                }
            }
            Err(errno) => {
                let verb = if errno == crate::Errno::Eisdir { "read failed" } else { "cannot read" };
                let message = if process.busybox() {
                    [&name[..], b": ", errno.message().as_bytes()].concat()
                } else {
                    [verb.as_bytes(), b": ", &name, b": ", errno.message().as_bytes()].concat()
                };
                process.complain(message).await?;
                return Ok(None);
            }
        }
    }
    Ok(Some(lines))
}

const UNIQ: Spec = Spec {
    short: "cdDf:is:uw:z",
    long: &[
        ("count", 'c', Takes::Nothing),
        ("repeated", 'd', Takes::Nothing),
        ("ignore-case", 'i', Takes::Nothing),
        ("skip-fields", 'f', Takes::Value),
        ("skip-chars", 's', Takes::Value),
        ("unique", 'u', Takes::Nothing),
        ("check-chars", 'w', Takes::Value),
    ],
    usage: "[OPTION]... [INPUT [OUTPUT]]\nFilter adjacent matching lines from INPUT (or standard input),\nwriting to OUTPUT (or standard output).",
    error: 1,
};

pub(super) async fn uniq(process: &mut Process) -> Outcome {
    let given = parse(process, &UNIQ).await?;
    let name = given.operands.first().cloned().unwrap_or_else(|| b"-".to_vec());
    let mut source = match Source::open(process, &name) {
        Ok(source) => source,
        Err(errno) => {
            complain(process, &name, errno).await?;
            return Ok(1);
        }
    };
    let limit = |letter| given.value(letter).and_then(number).and_then(|n| usize::try_from(n).ok());
    let compared = |line: &[u8]| -> Vec<u8> {
        let mut text = line;
        for _ in 0..limit('f').unwrap_or(0).min(line.len()) {
            text = text.trim_ascii_start();
            text = &text[text.iter().take_while(|b| !b.is_ascii_whitespace()).count()..];
        }
        text = text.get(limit('s').unwrap_or(0)..).unwrap_or_default();
        text = &text[..text.len().min(limit('w').unwrap_or(usize::MAX))];
        if given.has('i') { text.to_ascii_lowercase() } else { text.to_vec() }
    };
    let mut group: Option<(Vec<u8>, Vec<u8>, u64)> = None;
    let mut out = Vec::new();
    loop {
        let line = source.line(process).await?.map(|line| chomp(&line).to_vec());
        let key = line.as_deref().map(&compared);
        if let (Some((_, held, count)), Some(key)) = (&mut group, &key)
            && held == key
        {
            *count += 1;
            continue;
        }
        if let Some((text, _, count)) = group.take()
            && !(given.has('d') && count < 2)
            && !(given.has('u') && count > 1)
        {
            if given.has('c') {
                out.extend_from_slice(format!("{count:>7} ").as_bytes());
            }
            out.extend_from_slice(&text);
            out.push(b'\n');
            if given.operands.len() < 2 {
                process.out(std::mem::take(&mut out)).await?;
            }
        }
        match (line, key) {
            (Some(line), Some(key)) => group = Some((line, key, 1)),
            _ => break,
        }
    }
    if let Some(path) = given.operands.get(1)
        && let Err(errno) = process.files().write(path, out, 0o666)
    {
        complain(process, path, errno).await?;
        return Ok(1);
    }
    Ok(0)
}
