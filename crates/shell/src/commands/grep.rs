//! `grep`, `egrep` and `fgrep`.

use super::options::{Given, Spec, Takes, number, parse};
use super::pattern::{Syntax, compile};
use super::source::{Source, chomp, complain};
use crate::Kind;
use crate::command::{Outcome, Process, Stop};
use regex::bytes::Regex;
use std::collections::VecDeque;

const SPEC: Spec = Spec {
    short: "A:B:C:EFGHILPTUVZabce:f:hilm:noqrRsvwxyz0123456789",
    long: &[
        ("after-context", 'A', Takes::Value),
        ("before-context", 'B', Takes::Value),
        ("context", 'C', Takes::Value),
        ("extended-regexp", 'E', Takes::Nothing),
        ("fixed-strings", 'F', Takes::Nothing),
        ("basic-regexp", 'G', Takes::Nothing),
        ("perl-regexp", 'P', Takes::Nothing),
        ("with-filename", 'H', Takes::Nothing),
        ("no-filename", 'h', Takes::Nothing),
        ("files-without-match", 'L', Takes::Nothing),
        ("files-with-matches", 'l', Takes::Nothing),
        ("text", 'a', Takes::Nothing),
        ("byte-offset", 'b', Takes::Nothing),
        ("count", 'c', Takes::Nothing),
        ("regexp", 'e', Takes::Value),
        ("file", 'f', Takes::Value),
        ("ignore-case", 'i', Takes::Nothing),
        ("max-count", 'm', Takes::Value),
        ("line-number", 'n', Takes::Nothing),
        ("only-matching", 'o', Takes::Nothing),
        ("quiet", 'q', Takes::Nothing),
        ("silent", 'q', Takes::Nothing),
        ("recursive", 'r', Takes::Nothing),
        ("dereference-recursive", 'R', Takes::Nothing),
        ("no-messages", 's', Takes::Nothing),
        ("invert-match", 'v', Takes::Nothing),
        ("word-regexp", 'w', Takes::Nothing),
        ("line-regexp", 'x', Takes::Nothing),
        ("null-data", 'z', Takes::Nothing),
        ("color", '\u{1}', Takes::Optional),
        ("colour", '\u{1}', Takes::Optional),
        ("include", '\u{2}', Takes::Value),
        ("exclude", '\u{3}', Takes::Value),
        ("exclude-dir", '\u{4}', Takes::Value),
        ("line-buffered", '\u{5}', Takes::Nothing),
        ("binary-files", '\u{6}', Takes::Value),
    ],
    usage: "[OPTION]... PATTERNS [FILE]...\nSearch for PATTERNS in each FILE.",
    error: 2,
};

/// Files looked into by one recursive search.
const FILES_MAX: usize = 5_000;

struct Search {
    patterns: Vec<Regex>,
    given: Given,
    named: bool,
    before: usize,
    after: usize,
    count_max: u64,
    whole_line: bool,
    whole_word: bool,
    found: bool,
    failed: bool,
}

pub(super) async fn run(process: &mut Process) -> Outcome {
    let mut given = parse(process, &SPEC).await?;
    let syntax = match (process.name(), given.last_of("EFGP")) {
        (_, Some('F')) | (b"fgrep", None) => Syntax::Fixed,
        (_, Some('E' | 'P')) | (b"egrep", None) => Syntax::Extended,
        _ => Syntax::Basic,
    };
    let mut texts: Vec<Vec<u8>> = given.all().filter(|(letter, _)| *letter == 'e').map(|(_, value)| value.to_vec()).collect();
    if let Some(file) = given.value('f').map(<[u8]>::to_vec) {
        match Source::open(process, &file) {
            Ok(mut source) => texts.push(chomp(&source.rest(process, 1 << 20).await?).to_vec()),
            Err(errno) => {
                complain(process, &file, errno).await?;
                return Ok(2);
            }
        }
    }
    if texts.is_empty() {
        if given.operands.is_empty() {
            if process.busybox() {
                return Err(super::options::usage_error(process, &SPEC, "missing pattern").await?);
            }
            let name = String::from_utf8_lossy(process.name()).into_owned();
            process.err(format!("Usage: {name} [OPTION]... PATTERNS [FILE]...\nTry '{name} --help' for more information.\n")).await?;
            return Ok(2);
        }
        texts.push(given.operands.remove(0));
    }
    let mut patterns = Vec::new();
    for text in texts.iter().flat_map(|text| text.split(|b| *b == b'\n')) {
        match compile(text, syntax, given.has('i') || given.has('y')) {
            Ok(regex) => patterns.push(regex),
            Err(message) => {
                process.complain(message).await?;
                return Ok(2);
            }
        }
    }
    let recursive = given.has('r') || given.has('R');
    let operands = std::mem::take(&mut given.operands);
    let named = given.last_of("Hh").map_or(operands.len() > 1 || recursive, |letter| letter == 'H');
    let context = |letter| given.value(letter).or_else(|| given.value('C')).and_then(number);
    let digits: String = given.all().filter(|(letter, _)| letter.is_ascii_digit()).map(|(letter, _)| letter).collect();
    let near = digits.parse().ok();
    let window = |letter| usize::try_from(context(letter).or(near).unwrap_or(0)).unwrap_or(usize::MAX).min(100_000);
    let mut search = Search {
        before: window('B'),
        after: window('A'),
        count_max: given.value('m').and_then(number).unwrap_or(u64::MAX),
        whole_line: given.has('x'),
        whole_word: given.has('w'),
        patterns,
        named,
        found: false,
        failed: false,
        given,
    };
    let mut names = match (operands.is_empty(), recursive) {
        (true, true) => vec![b".".to_vec()],
        (true, false) => vec![b"-".to_vec()],
        _ => operands,
    };
    if recursive {
        names = spread(process, names, &search.given).await?;
    }
    for name in names {
        search.file(process, &name).await?;
        if search.found && search.given.has('q') {
            return Ok(0);
        }
    }
    Ok(if search.failed {
        2
    } else if search.found {
        0
    } else {
        1
    })
}

/// The files below directories.
async fn spread(process: &mut Process, names: Vec<Vec<u8>>, given: &Given) -> Result<Vec<Vec<u8>>, Stop> {
    let matches = |letter: char, name: &[u8]| {
        let globs: Vec<_> = given.all().filter(|(l, _)| *l == letter).map(|(_, glob)| glob.to_vec()).collect();
        (!globs.is_empty()).then(|| globs.iter().any(|glob| super::glob::matches(glob, name)))
    };
    let mut pending: Vec<(Vec<u8>, bool)> = names.into_iter().rev().map(|name| (name, true)).collect();
    let mut files = Vec::new();
    while let Some((name, top)) = pending.pop() {
        process.charge(1).await?;
        let metadata = if top || given.has('R') { process.files().stat(&name) } else { process.files().lstat(&name) };
        let base = crate::fs::base_name(&name).to_vec();
        match metadata {
            Ok(metadata) if metadata.kind == Kind::Directory => {
                if matches('\u{4}', &base) == Some(true) {
                    continue;
                }
                let mut entries = process.files().list(&name).unwrap_or_default();
                entries.reverse();
                let slash: &[u8] = if name.ends_with(b"/") { b"" } else { b"/" };
                pending.extend(entries.into_iter().map(|(entry, _)| ([&name[..], slash, &entry].concat(), false)));
            }
            Ok(metadata) if !top && metadata.kind != Kind::File => {}
            Ok(_) if matches('\u{2}', &base) == Some(false) || matches('\u{3}', &base) == Some(true) => {}
            _ => files.push(name),
        }
        if files.len() >= FILES_MAX {
            break;
        }
    }
    Ok(files)
}

impl Search {
    async fn file(&mut self, process: &mut Process, name: &[u8]) -> Result<(), Stop> {
        let mut source = match Source::open(process, name) {
            Ok(source) => source,
            Err(errno) => {
                self.failed = true;
                if !self.given.has('s') {
                    process.flush().await?;
                    complain(process, name, errno).await?;
                }
                return Ok(());
            }
        };
        let shown: &[u8] = if name == b"-" { b"(standard input)" } else { name };
        let (mut number, mut matched, mut offset, mut trailing, mut last_shown) = (0u64, 0u64, 0u64, 0usize, 0u64);
        let mut held: VecDeque<(u64, u64, Vec<u8>)> = VecDeque::new();
        let end = if self.given.has('z') { 0 } else { b'\n' };
        let silent = ['q', 'c', 'l', 'L'].iter().any(|letter| self.given.has(*letter));
        let contexts = self.before > 0 || self.after > 0;
        while let Some(line) = source.until(process, end).await? {
            number += 1;
            process.charge(u64::from(number.is_multiple_of(8))).await?;
            let text = line.strip_suffix(&[end]).unwrap_or(&line);
            let spans = self.spans(text);
            let here = offset;
            offset += line.len() as u64;
            if spans.is_empty() != self.given.has('v') {
                if !silent && trailing > 0 {
                    trailing -= 1;
                    self.print(process, shown, number, here, b'-', text).await?;
                    last_shown = number;
                } else if self.before > 0 {
                    held.push_back((number, here, text.to_vec()));
                    if held.len() > self.before {
                        held.pop_front();
                    }
                }
                continue;
            }
            matched += 1;
            self.found = true;
            if !silent {
                if memchr::memchr(0, text).is_some() && end != 0 && !self.given.has('a') {
                    process.flush().await?;
                    let line = if process.busybox() {
                        [b"Binary file ", shown, b" matches\n"].concat()
                    } else {
                        [b"grep: ", shown, b": binary file matches\n"].concat()
                    };
                    process.out(line).await?;
                    return Ok(());
                }
                let first = held.front().map_or(number, |(number, ..)| *number);
                if contexts && last_shown > 0 && first > last_shown + 1 {
                    process.out("--\n").await?;
                }
                for (number, offset, text) in std::mem::take(&mut held) {
                    self.print(process, shown, number, offset, b'-', &text).await?;
                }
                if self.given.has('o') {
                    for (start, stop) in spans.iter().filter(|(start, stop)| start < stop) {
                        self.print(process, shown, number, here + *start as u64, b':', &text[*start..*stop]).await?;
                    }
                } else {
                    self.print(process, shown, number, here, b':', text).await?;
                }
                last_shown = number;
                trailing = self.after;
            }
            if matched >= self.count_max || ['q', 'l', 'L'].iter().any(|letter| self.given.has(*letter)) {
                break;
            }
        }
        if self.given.has('c') {
            let prefix = if self.named { [shown, b":"].concat() } else { Vec::new() };
            process.out([&prefix[..], format!("{matched}\n").as_bytes()].concat()).await?;
        }
        if (self.given.has('l') && matched > 0) || (self.given.has('L') && matched == 0) {
            process.out([shown, b"\n"].concat()).await?;
        }
        Ok(())
    }

    async fn print(&self, process: &mut Process, name: &[u8], number: u64, offset: u64, mark: u8, text: &[u8]) -> Result<(), Stop> {
        let mut line = Vec::with_capacity(text.len() + 16);
        if self.named {
            line.extend_from_slice(name);
            line.push(mark);
        }
        if self.given.has('n') {
            line.extend_from_slice(number.to_string().as_bytes());
            line.push(mark);
        }
        if self.given.has('b') {
            line.extend_from_slice(offset.to_string().as_bytes());
            line.push(mark);
        }
        line.extend_from_slice(text);
        line.push(if self.given.has('z') { 0 } else { b'\n' });
        process.out(line).await
    }

    /// Where the patterns match in a line.
    fn spans(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let fits = |start: usize, end: usize| {
            (!self.whole_line || (start == 0 && end == text.len()))
                && (!self.whole_word || (!word(start.checked_sub(1).and_then(|at| text.get(at))) && !word(text.get(end))))
        };
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for pattern in &self.patterns {
            let found = pattern.find_iter(text).map(|m| (m.start(), m.end())).filter(|(start, end)| fits(*start, *end));
            if self.given.has('o') {
                spans.extend(found);
            } else if let Some(first) = { found }.next() {
                return vec![first];
            }
        }
        spans.sort_unstable();
        spans
    }
}
