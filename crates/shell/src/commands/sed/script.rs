//! A sed script as a list of commands (POSIX `sed`, with GNU's additions).

use crate::commands::pattern::{Syntax, compile};
use regex::bytes::{Captures, Regex};
use std::borrow::Cow;
use std::collections::HashMap;

/// Commands of one script.
const COMMANDS_MAX: usize = 2_000;

#[derive(Clone)]
pub(super) enum Address {
    Line(u64),
    /// `FIRST~STEP`
    Step(u64, u64),
    Last,
    /// `None` is the empty pattern: the last one used.
    Pattern(Option<Regex>),
    /// `,+N`
    Plus(u64),
    /// `,~N`
    Multiple(u64),
}

pub(super) struct Command {
    pub first: Option<Address>,
    pub second: Option<Address>,
    pub negated: bool,
    pub function: Function,
    /// Of a `{`: the command after its `}`.
    pub block_end: Option<usize>,
}

#[derive(Clone)]
pub(super) enum Function {
    Open,
    Close,
    Label,
    Substitute(Box<Substitution>),
    Translate(Box<[u8; 256]>),
    Delete,
    DeleteFirst,
    Print,
    PrintFirst,
    Next,
    NextAppend,
    Hold,
    HoldAppend,
    Get,
    GetAppend,
    Exchange,
    Append(Vec<u8>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    Number,
    List,
    Read(Vec<u8>),
    Write(Vec<u8>),
    Quit(u8, bool),
    Branch(usize),
    BranchIf(usize, bool),
    Execute(Vec<u8>),
    Zap,
}

#[derive(Clone)]
pub(super) struct Substitution {
    pub regex: Option<Regex>,
    pub replacement: Replacement,
    pub global: bool,
    pub print: bool,
    pub execute: bool,
    pub nth: usize,
    pub write: Option<Vec<u8>>,
}

/// The right side of `s`.
#[derive(Clone)]
pub(super) struct Replacement(Vec<Piece>);

#[derive(Clone)]
enum Piece {
    Text(Vec<u8>),
    Group(usize),
    /// `\U`, `\L`, `\u`, `\l`, `\E`.
    Case(u8),
}

impl Replacement {
    pub fn expand(&self, captures: &Captures<'_>, out: &mut Vec<u8>) {
        let (mut lasting, mut once) = (0u8, 0u8);
        let mut add = |text: &[u8], lasting: u8, once: &mut u8| {
            for byte in text {
                let byte = match (std::mem::take(once), lasting) {
                    (b'u', _) => byte.to_ascii_uppercase(),
                    (b'l', _) => byte.to_ascii_lowercase(),
                    (_, b'U') => byte.to_ascii_uppercase(),
                    (_, b'L') => byte.to_ascii_lowercase(),
                    _ => *byte,
                };
                out.push(byte);
            }
        };
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => add(text, lasting, &mut once),
                Piece::Group(number) => add(captures.get(*number).map_or(&b""[..], |group| group.as_bytes()), lasting, &mut once),
                Piece::Case(letter @ (b'u' | b'l')) => once = *letter,
                Piece::Case(letter) => lasting = *letter,
            }
        }
    }
}

/// What is wrong with a script, and after how many of its characters (`usize::MAX` when it is no one place).
pub(super) struct Wrong {
    pub at: usize,
    pub message: Cow<'static, str>,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    extended: bool,
}

pub(super) fn parse(text: &[u8], extended: bool) -> Result<Vec<Command>, Wrong> {
    let mut parser = Parser { text, at: 0, extended };
    let mut commands: Vec<Command> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut labels: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut jumps: Vec<(usize, Vec<u8>)> = Vec::new();
    loop {
        parser.skip(|b| b.is_ascii_whitespace() || b == b';');
        let Some(byte) = parser.peek() else { break };
        if byte == b'#' {
            parser.skip(|b| b != b'\n');
            continue;
        }
        if commands.len() >= COMMANDS_MAX {
            return Err(parser.wrong("too many commands"));
        }
        let command = parser.command(commands.len(), &mut open, &mut labels, &mut jumps)?;
        let closes = matches!(command.function, Function::Close);
        commands.push(command);
        if closes {
            let Some(start) = open.pop() else { return Err(parser.wrong("unexpected `}'")) };
            let after = commands.len();
            commands[start].block_end = Some(after);
        }
    }
    if !open.is_empty() {
        return Err(Wrong { at: 0, message: "unmatched `{'".into() });
    }
    let end = commands.len();
    for (at, label) in jumps {
        let to = match labels.get(&label) {
            Some(to) => *to,
            None if label.is_empty() => end,
            None => {
                return Err(Wrong {
                    at: usize::MAX,
                    message: format!("can't find label for jump to `{}'", String::from_utf8_lossy(&label)).into(),
                });
            }
        };
        match &mut commands[at].function {
            Function::Branch(target) | Function::BranchIf(target, _) => *target = to,
            _ => {}
        }
    }
    Ok(commands)
}

impl Parser<'_> {
    fn wrong(&self, message: impl Into<Cow<'static, str>>) -> Wrong {
        Wrong { at: self.at, message: message.into() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn skip(&mut self, which: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&which) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        self.skip(|b| b.is_ascii_digit());
        crate::commands::options::number(&self.text[start..self.at])
    }

    fn address(&mut self) -> Result<Option<Address>, Wrong> {
        Ok(Some(match self.peek() {
            Some(b'0'..=b'9') => {
                let line = self.number().unwrap_or(0);
                if self.peek() == Some(b'~') {
                    self.at += 1;
                    Address::Step(line, self.number().unwrap_or(0))
                } else {
                    Address::Line(line)
                }
            }
            Some(b'$') => {
                self.at += 1;
                Address::Last
            }
            Some(b'/' | b'\\') => {
                let delimiter = if self.next() == Some(b'\\') { self.next().unwrap_or(b'/') } else { b'/' };
                let pattern = self.delimited(delimiter, true).ok_or_else(|| self.wrong("unterminated address regex"))?;
                let mut fold = false;
                while let Some(b'I' | b'M') = self.peek() {
                    fold |= self.next() == Some(b'I');
                }
                Address::Pattern(self.regex(&pattern, fold)?)
            }
            _ => return Ok(None),
        }))
    }

    /// Up to a delimiter; an escaped one stands for itself. In a pattern, brackets protect it and `\n` is left to the pattern.
    fn delimited(&mut self, delimiter: u8, pattern: bool) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut bracket = false;
        while let Some(byte) = self.next() {
            match byte {
                b'\\' if !bracket || !pattern => {
                    let next = self.next()?;
                    if next == delimiter {
                        // In a pattern whose delimiter is special, `\,` is the plain character.
                        out.push(next);
                    } else if next == b'\n' && pattern {
                        out.extend_from_slice(b"\\n");
                    } else {
                        out.extend([b'\\', next]);
                    }
                }
                byte if byte == delimiter && !bracket => return Some(out),
                b'[' if pattern && !bracket => {
                    bracket = true;
                    out.push(byte);
                    if self.peek() == Some(b'^') {
                        out.extend(self.next());
                    }
                    if self.peek() == Some(b']') {
                        out.extend(self.next());
                    }
                }
                b'[' if bracket && matches!(self.peek(), Some(b':' | b'.' | b'=')) => {
                    let kind = self.next()?;
                    out.extend([b'[', kind]);
                    while let Some(inner) = self.next() {
                        out.push(inner);
                        if inner == kind && self.peek() == Some(b']') {
                            out.extend(self.next());
                            break;
                        }
                    }
                }
                b']' if bracket => {
                    bracket = false;
                    out.push(byte);
                }
                b'\n' if !pattern || bracket => out.push(byte),
                byte => out.push(byte),
            }
        }
        None
    }

    fn regex(&self, pattern: &[u8], fold: bool) -> Result<Option<Regex>, Wrong> {
        if pattern.is_empty() {
            return Ok(None);
        }
        // Inside brackets sed still knows `\n` and `\t`.
        let syntax = if self.extended { Syntax::Extended } else { Syntax::Basic };
        compile(&unescape_brackets(pattern), syntax, fold).map(Some).map_err(|message| self.wrong(message))
    }

    fn command(
        &mut self,
        index: usize,
        open: &mut Vec<usize>,
        labels: &mut HashMap<Vec<u8>, usize>,
        jumps: &mut Vec<(usize, Vec<u8>)>,
    ) -> Result<Command, Wrong> {
        let blank = |b: u8| matches!(b, b' ' | b'\t');
        let first = self.address()?;
        let mut second = None;
        self.skip(blank);
        if first.is_some() && self.peek() == Some(b',') {
            self.at += 1;
            self.skip(blank);
            second = match self.peek() {
                Some(b'+') => {
                    self.at += 1;
                    Some(Address::Plus(self.number().unwrap_or(0)))
                }
                Some(b'~') => {
                    self.at += 1;
                    Some(Address::Multiple(self.number().unwrap_or(0)))
                }
                _ => Some(self.address()?.ok_or_else(|| self.wrong("unexpected `,'"))?),
            };
        }
        if matches!(first, Some(Address::Line(0))) && !matches!(second, Some(Address::Pattern(_))) {
            self.at += 1;
            return Err(self.wrong("invalid usage of line address 0"));
        }
        self.skip(blank);
        let mut negated = false;
        while self.peek() == Some(b'!') {
            negated = true;
            self.at += 1;
            self.skip(blank);
        }
        let Some(letter) = self.next() else { return Err(self.wrong("missing command")) };
        let function = match letter {
            b'{' => {
                open.push(index);
                Function::Open
            }
            b'}' => Function::Close,
            b's' => Function::Substitute(Box::new(self.substitution()?)),
            b'y' => Function::Translate(Box::new(self.translation()?)),
            b'd' => Function::Delete,
            b'D' => Function::DeleteFirst,
            b'p' => Function::Print,
            b'P' => Function::PrintFirst,
            b'n' => Function::Next,
            b'N' => Function::NextAppend,
            b'h' => Function::Hold,
            b'H' => Function::HoldAppend,
            b'g' => Function::Get,
            b'G' => Function::GetAppend,
            b'x' => Function::Exchange,
            b'=' => Function::Number,
            b'l' => Function::List,
            b'z' => Function::Zap,
            b'F' => Function::Insert(b"-\n".to_vec()),
            b'q' | b'Q' => {
                self.skip(blank);
                Function::Quit(self.number().unwrap_or(0) as u8, letter == b'q')
            }
            b'a' | b'i' | b'c' => {
                let text = self.text_argument()?;
                match letter {
                    b'a' => Function::Append(text),
                    b'i' => Function::Insert(text),
                    _ => Function::Change(text),
                }
            }
            b'r' | b'w' | b'e' | b'R' | b'W' => {
                let path = self.rest_of_line();
                match letter {
                    b'r' | b'R' => Function::Read(path),
                    b'e' => Function::Execute(path),
                    _ => Function::Write(path),
                }
            }
            b':' => {
                let label = self.label();
                if label.is_empty() {
                    return Err(self.wrong("\":\" lacks a label"));
                }
                labels.insert(label, index);
                Function::Label
            }
            b'b' | b't' | b'T' => {
                let label = self.label();
                jumps.push((index, label));
                match letter {
                    b'b' => Function::Branch(0),
                    letter => Function::BranchIf(0, letter == b't'),
                }
            }
            _ => return Err(self.wrong(format!("unknown command: `{}'", char::from(letter)))),
        };
        if !matches!(letter, b'{' | b'}' | b'a' | b'i' | b'c' | b'r' | b'w' | b'e' | b'R' | b'W' | b':' | b'b' | b't' | b'T') {
            self.skip(blank);
            match self.peek() {
                None | Some(b'\n' | b';' | b'}' | b'#') => {}
                Some(_) => {
                    self.at += 1;
                    return Err(self.wrong("extra characters after command"));
                }
            }
        }
        Ok(Command { first, second, negated, function, block_end: None })
    }

    fn label(&mut self) -> Vec<u8> {
        self.skip(|b| matches!(b, b' ' | b'\t'));
        let start = self.at;
        self.skip(|b| !matches!(b, b'\n' | b';' | b'}'));
        self.text[start..self.at].trim_ascii_end().to_vec()
    }

    fn rest_of_line(&mut self) -> Vec<u8> {
        self.skip(|b| matches!(b, b' ' | b'\t'));
        let start = self.at;
        self.skip(|b| b != b'\n');
        self.text[start..self.at].to_vec()
    }

    /// The text of `a`, `i`, `c`: on the next lines after `\`, or, as GNU has it, on the same.
    fn text_argument(&mut self) -> Result<Vec<u8>, Wrong> {
        self.skip(|b| matches!(b, b' ' | b'\t'));
        if self.peek() == Some(b'\\') {
            let mut ahead = self.at + 1;
            while matches!(self.text.get(ahead), Some(b' ' | b'\t')) {
                ahead += 1;
            }
            if self.text.get(ahead) == Some(&b'\n') {
                self.at = ahead + 1;
            } else {
                // `a\text` keeps the text's leading blanks.
                self.at += 1;
            }
        }
        if self.peek().is_none() {
            return Err(self.wrong("expected \\ after `a', `c' or `i'"));
        }
        let mut text = Vec::new();
        while let Some(byte) = self.next() {
            match byte {
                b'\n' => break,
                b'\\' => text.extend(self.next()),
                byte => text.push(byte),
            }
        }
        text.push(b'\n');
        Ok(text)
    }

    fn substitution(&mut self) -> Result<Substitution, Wrong> {
        const UNTERMINATED: &str = "unterminated `s' command";
        let Some(delimiter) = self.next().filter(|b| !matches!(b, b'\n' | b'\\')) else { return Err(self.wrong(UNTERMINATED)) };
        let pattern = self.delimited(delimiter, true).ok_or_else(|| self.wrong(UNTERMINATED))?;
        let right = self.delimited(delimiter, false).ok_or_else(|| self.wrong(UNTERMINATED))?;
        let mut s = Substitution {
            regex: None,
            replacement: replacement(&right),
            global: false,
            print: false,
            execute: false,
            nth: 1,
            write: None,
        };
        let mut fold = false;
        loop {
            match self.peek() {
                Some(b'g') => s.global = true,
                Some(b'p') => s.print = true,
                Some(b'i' | b'I') => fold = true,
                Some(b'e') => s.execute = true,
                Some(b'm' | b'M') => {}
                Some(b'0'..=b'9') => {
                    let nth = self.number().unwrap_or(0);
                    if nth == 0 {
                        return Err(self.wrong("number option to `s' command may not be zero"));
                    }
                    s.nth = usize::try_from(nth).unwrap_or(usize::MAX);
                    continue;
                }
                Some(b'w') => {
                    self.at += 1;
                    s.write = Some(self.rest_of_line());
                    break;
                }
                Some(b' ' | b'\t' | b'\n' | b';' | b'}' | b'#') | None => break,
                Some(_) => {
                    self.at += 1;
                    return Err(self.wrong("unknown option to `s'"));
                }
            }
            self.at += 1;
        }
        s.regex = self.regex(&pattern, fold)?;
        let groups = s.regex.as_ref().map_or(9, |regex| regex.captures_len() - 1);
        let highest = s.replacement.0.iter().filter_map(|piece| if let Piece::Group(number) = piece { Some(*number) } else { None }).max();
        match highest {
            Some(number) if number > groups => Err(self.wrong(format!("invalid reference \\{number} on `s' command's RHS"))),
            _ => Ok(s),
        }
    }

    fn translation(&mut self) -> Result<[u8; 256], Wrong> {
        const UNTERMINATED: &str = "unterminated `y' command";
        let delimiter = self.next().ok_or_else(|| self.wrong(UNTERMINATED))?;
        let mut side = || self.delimited(delimiter, false).map(|text| plain(&text));
        let (from, to) = (side(), side());
        let (Some(from), Some(to)) = (from, to) else { return Err(self.wrong(UNTERMINATED)) };
        if from.len() != to.len() {
            return Err(self.wrong("strings for `y' command are different lengths"));
        }
        let mut map: [u8; 256] = std::array::from_fn(|index| index as u8);
        for (from, to) in from.iter().zip(to) {
            map[usize::from(*from)] = to;
        }
        Ok(map)
    }
}

fn escape(letter: u8) -> Option<u8> {
    Some(match letter {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'a' => 7,
        b'f' => 12,
        b'v' => 11,
        _ => return None,
    })
}

/// Text with its escapes resolved.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                let next = bytes.next().unwrap_or(b'\\');
                out.push(escape(next).unwrap_or(next));
            }
            byte => out.push(byte),
        }
    }
    out
}

fn replacement(text: &[u8]) -> Replacement {
    let mut pieces = Vec::new();
    let mut held = Vec::new();
    let mut bytes = text.iter().copied();
    let flush = |held: &mut Vec<u8>, pieces: &mut Vec<Piece>, piece: Option<Piece>| {
        if !held.is_empty() {
            pieces.push(Piece::Text(std::mem::take(held)));
        }
        pieces.extend(piece);
    };
    while let Some(byte) = bytes.next() {
        match byte {
            b'&' => flush(&mut held, &mut pieces, Some(Piece::Group(0))),
            b'\\' => match bytes.next() {
                Some(digit @ b'0'..=b'9') => flush(&mut held, &mut pieces, Some(Piece::Group(usize::from(digit - b'0')))),
                Some(letter @ (b'U' | b'L' | b'u' | b'l' | b'E')) => flush(&mut held, &mut pieces, Some(Piece::Case(letter))),
                Some(other) => held.push(escape(other).unwrap_or(other)),
                None => held.push(b'\\'),
            },
            byte => held.push(byte),
        }
    }
    flush(&mut held, &mut pieces, None);
    Replacement(pieces)
}

/// `[\n]` means a newline to sed, though not to POSIX.
fn unescape_brackets(pattern: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    let (mut bracket, mut at) = (false, 0);
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        match byte {
            b'\\' if !bracket => {
                out.push(byte);
                out.extend(pattern.get(at));
                at += 1;
            }
            b'\\' => match pattern.get(at).and_then(|next| escape(*next)) {
                Some(resolved) => {
                    out.push(resolved);
                    at += 1;
                }
                None => out.push(byte),
            },
            b'[' if !bracket => {
                bracket = true;
                out.push(byte);
                for special in [b'^', b']'] {
                    if pattern.get(at) == Some(&special) {
                        out.push(special);
                        at += 1;
                    }
                }
            }
            b']' if bracket => {
                bracket = false;
                out.push(byte);
            }
            byte => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mistakes_are_placed_where_sed_places_them() {
        for (text, at, message) in [
            ("s/x/y", 5, "unterminated `s' command"),
            ("s/(/y", 5, "unterminated `s' command"),
            ("s/\\(/y/", 7, "Unmatched ( or \\("),
            ("k", 1, "unknown command: `k'"),
            ("s/a/b/k", 7, "unknown option to `s'"),
            ("y/ab/c/", 7, "strings for `y' command are different lengths"),
            ("}", 1, "unexpected `}'"),
            ("p p", 3, "extra characters after command"),
        ] {
            let wrong = parse(text.as_bytes(), false).err().unwrap_or_else(|| panic!("{text} is accepted"));
            assert_eq!((wrong.at, &*wrong.message), (at, message), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_script_panics(text in prop::collection::vec(any::<u8>(), 0..60), extended in any::<bool>()) {
            let _ = parse(&text, extended);
        }

        #[test]
        fn no_plausible_script_panics(text in r"[0-9$/\\,!{}sypdDnNhHgGxqlabt:;ic \n&-]{0,40}") {
            let _ = parse(text.as_bytes(), true);
        }
    }
}
