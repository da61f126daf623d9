//! Lists, pipelines and simple commands.

use super::ast::{
    AndOr, Assigned, Assignment, Command, Descriptor, Item, Kind, List, Part, Pipeline, Redirect, RedirectKind, Target, Word,
};
use super::error::ErrorKind;
use super::word::{is_name, is_name_byte};
use super::{Dialect, Parsed, Parser, SyntaxError, TokenKind};
use std::sync::Arc;

/// Words that end the list before them.
const CLOSING: [&[u8]; 8] = [b"then", b"else", b"elif", b"fi", b"do", b"done", b"esac", b"}"];

impl Parser {
    /// The error of a token that does not belong where it stands.
    pub(super) fn unexpected(&mut self) -> SyntaxError {
        self.expected(None)
    }

    /// The same, with what would have belonged there.
    pub(super) fn expected(&mut self, expecting: Option<&'static str>) -> SyntaxError {
        let token = match self.peek() {
            Ok(token) => token.clone(),
            Err(error) => return error,
        };
        let kind = match token.kind {
            TokenKind::End => ErrorKind::End(expecting),
            TokenKind::Newline => ErrorKind::Unexpected(b"newline".to_vec(), expecting),
            TokenKind::Operator(operator) => ErrorKind::Unexpected(operator.to_vec(), expecting),
            TokenKind::Word(_) | TokenKind::Descriptor(_) => {
                ErrorKind::Unexpected(self.text[token.start..self.at.min(self.text.len())].to_vec(), expecting)
            }
        };
        let line = if matches!(kind, ErrorKind::End(_)) { self.end_line() } else { token.line };
        SyntaxError { kind, line, at: token.start }
    }

    /// Where the text ends: bash gives each text a last newline.
    pub(super) fn end_line(&self) -> u32 {
        self.line + u32::from(self.dialect == Dialect::Bash && !self.text.ends_with(b"\n"))
    }

    /// The error where not even a line may end: bash does not wait for more.
    pub(super) fn unexpected_newline(&mut self) -> SyntaxError {
        let error = self.unexpected();
        match error.kind {
            ErrorKind::End(_) if self.dialect == Dialect::Bash => {
                SyntaxError { kind: ErrorKind::Unexpected(b"newline".to_vec(), None), line: self.line, at: error.at }
            }
            _ => error,
        }
    }

    /// The token's text, when it is an unquoted word.
    pub(super) fn literal(&mut self) -> Parsed<Option<&[u8]>> {
        Ok(match &self.peek()?.kind {
            TokenKind::Word(word) => word.literal(),
            _ => None,
        })
    }

    pub(super) fn at_operator(&mut self, operator: &[u8]) -> Parsed<bool> {
        Ok(matches!(self.peek()?.kind, TokenKind::Operator(found) if found == operator))
    }

    pub(super) fn at_word(&mut self, word: &[u8]) -> Parsed<bool> {
        Ok(self.literal()? == Some(word))
    }

    /// Whether no command can begin here.
    pub(super) fn at_list_end(&mut self) -> Parsed<bool> {
        let closing = self.literal()?.is_some_and(|word| CLOSING.contains(&word));
        Ok(closing
            || matches!(
                self.peek()?.kind,
                TokenKind::End | TokenKind::Operator(b")" | b";;" | b";&" | b";;&" | b"|" | b"||" | b"&&" | b"|&" | b";" | b"&")
            ))
    }

    pub(super) fn skip_newlines(&mut self) -> Parsed<()> {
        while matches!(self.peek()?.kind, TokenKind::Newline) {
            self.advance()?;
        }
        Ok(())
    }

    /// Commands between two reserved words: newlines separate them too.
    pub(super) fn compound_list(&mut self) -> Parsed<List> {
        let mut list = List::default();
        loop {
            self.skip_newlines()?;
            if self.at_list_end()? {
                return Ok(list);
            }
            let item = self.item()?;
            list.0.push(item);
        }
    }

    /// One and-or list with what ends it.
    pub(super) fn item(&mut self) -> Parsed<Item> {
        let start = self.peek()?.start;
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let and = self.at_operator(b"&&")?;
            if !and && !self.at_operator(b"||")? {
                break;
            }
            self.advance()?;
            self.skip_newlines()?;
            rest.push((and, self.pipeline()?));
        }
        let end = self.peek()?.start.min(self.text.len());
        let background = self.at_operator(b"&")?;
        if background || self.at_operator(b";")? {
            self.advance()?;
        }
        let text = self.text.get(start..end).unwrap_or_default().trim_ascii().into();
        Ok(Item { and_or: Arc::new(AndOr { first, rest, text }), background })
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut pipeline = Pipeline { negated: false, timed: None, commands: Vec::new() };
        loop {
            if self.at_word(b"!")? {
                pipeline.negated = !pipeline.negated;
                self.advance()?;
            } else if self.dialect == Dialect::Bash && pipeline.timed.is_none() && self.at_word(b"time")? {
                self.advance()?;
                let portable = self.at_word(b"-p")?;
                if portable {
                    self.advance()?;
                }
                pipeline.timed = Some(portable);
                if self.at_timed_end()? {
                    return Ok(pipeline);
                }
            } else {
                break;
            }
        }
        loop {
            let command = self.nested(Parser::command)?;
            let both = self.at_operator(b"|&")?;
            let more = both || self.at_operator(b"|")?;
            let mut command = command;
            if both {
                let target = Target::Word(Word::text(b"1"));
                command.redirects.push(Redirect { descriptor: Descriptor::Number(2), kind: RedirectKind::DuplicateOutput, target });
            }
            pipeline.commands.push(Arc::new(command));
            if !more {
                return Ok(pipeline);
            }
            self.advance()?;
            self.skip_newlines()?;
        }
    }

    fn at_timed_end(&mut self) -> Parsed<bool> {
        Ok(matches!(self.peek()?.kind, TokenKind::End | TokenKind::Newline | TokenKind::Operator(b";" | b"&" | b"&&" | b"||" | b")")))
    }

    fn command(&mut self) -> Parsed<Command> {
        self.expand_alias()?;
        if self.literal()?.is_some_and(|word| CLOSING.contains(&word)) {
            return Err(self.unexpected());
        }
        let line = self.peek()?.line;
        let mut command = match self.compound()? {
            Some(kind) => Command { kind, redirects: Vec::new(), line },
            None => return self.simple(line),
        };
        if !matches!(command.kind, Kind::Function { .. }) {
            while let Some(redirect) = self.redirect()? {
                command.redirects.push(redirect);
            }
        }
        Ok(command)
    }

    /// Replaces an alias at the start of a command by what it stands for.
    fn expand_alias(&mut self) -> Parsed<()> {
        loop {
            let Some(aliases) = self.syntax.aliases.clone() else { return Ok(()) };
            let Some(name) = self.literal()?.map(<[u8]>::to_vec) else { return Ok(()) };
            let Some(token) = &self.token else { return Ok(()) };
            let start = token.start;
            self.expanding.retain(|(_, end)| start < *end);
            let Some(value) = aliases.get(&name).filter(|_| !self.expanding.iter().any(|(open, _)| *open == name)) else { return Ok(()) };
            let end = start + name.len();
            if self.text.get(start..end) != Some(&name[..]) {
                return Ok(());
            }
            self.unread();
            self.text.splice(start..end, value.iter().copied());
            for (_, limit) in &mut self.expanding {
                *limit = (*limit + value.len()).saturating_sub(name.len());
            }
            self.expanding.push((name, start + value.len().max(1)));
        }
    }

    fn simple(&mut self, line: u32) -> Parsed<Command> {
        let mut assignments = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut redirects = Vec::new();
        loop {
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            let TokenKind::Word(word) = &self.peek()?.kind else { break };
            // `declare a=(1 2)` takes arrays as arguments; they are kept as assignments that the builtin is given.
            if words.is_empty() || is_declaration(&words) {
                let word = word.clone();
                if let Some(assignment) = self.assignment(&word)? {
                    match (words.is_empty(), assignment) {
                        (true, assignment) => assignments.push(assignment),
                        (false, Assignment { value: Assigned::Word(_), .. }) => words.push(word),
                        (false, assignment) => {
                            words.push(Word::text(&assignment.name));
                            assignments.push(assignment);
                        }
                    }
                    continue;
                }
            }
            let TokenKind::Word(word) = &self.peek()?.kind else { break };
            words.push(word.clone());
            self.advance()?;
            if words.len() == 1 && assignments.is_empty() && redirects.is_empty() && self.at_operator(b"(")? {
                return self.function_after_name(&words[0], line);
            }
        }
        if words.is_empty() && assignments.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command { kind: Kind::Simple { assignments, words }, redirects, line })
    }

    /// An assignment, when the word at hand is one; an array's words are read here. A scalar assignment after a command word is not taken.
    fn assignment(&mut self, word: &Word) -> Parsed<Option<Assignment>> {
        let Some(token) = &self.token else { return Ok(None) };
        let (start, line) = (token.start, token.line);
        let text = &self.text[start..];
        let length = text.iter().take_while(|b| is_name_byte(**b)).count();
        if length == 0 || !is_name(&text[..length]) {
            return Ok(None);
        }
        let name = text[..length].to_vec();
        let mut at = length;
        let mut index = None;
        if text.get(at) == Some(&b'[') && self.dialect == Dialect::Bash {
            let Some(close) = closing_bracket(&text[at..]) else { return Ok(None) };
            index = Some(text[at + 1..at + close].to_vec());
            at += close + 1;
        }
        let append = text.get(at) == Some(&b'+') && text.get(at + 1) == Some(&b'=') && self.dialect == Dialect::Bash;
        at += usize::from(append);
        if text.get(at) != Some(&b'=') {
            return Ok(None);
        }
        at += 1;
        let array = self.dialect == Dialect::Bash && text.get(at) == Some(&b'(') && index.is_none();
        if !array {
            let index = index.map(|text| self.subscript(text)).transpose()?;
            let value = without_prefix(word, at);
            self.token = None;
            return Ok(Some(Assignment { name, index, append, value: Assigned::Word(value) }));
        }
        self.token = None;
        (self.at, self.line) = (start + at + 1, line);
        let elements = self.nested(|p| p.array_elements((line, start)))?;
        Ok(Some(Assignment { name, index: None, append, value: Assigned::Array(elements) }))
    }

    fn array_elements(&mut self, start: (u32, usize)) -> Parsed<Vec<(Option<Word>, bool, Word)>> {
        let mut elements = Vec::new();
        loop {
            self.skip_newlines()?;
            match &self.peek()?.kind {
                TokenKind::Operator(b")") => {
                    self.advance()?;
                    return Ok(elements);
                }
                TokenKind::End => return Err(self.unterminated(")", start)),
                TokenKind::Word(word) => {
                    let word = word.clone();
                    let start = self.peek()?.start;
                    let text = &self.text[start..];
                    let keyed = (text.first() == Some(&b'[')).then(|| closing_bracket(text)).flatten().filter(|close| {
                        text.get(close + 1) == Some(&b'=') || (text.get(close + 1) == Some(&b'+') && text.get(close + 2) == Some(&b'='))
                    });
                    let Some(close) = keyed else {
                        elements.push((None, false, word));
                        self.advance()?;
                        continue;
                    };
                    let key = text[1..close].to_vec();
                    let append = text.get(close + 1) == Some(&b'+');
                    let key = self.subscript(key)?;
                    self.token = None;
                    elements.push((Some(key), append, without_prefix(&word, close + 2 + usize::from(append))));
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// A redirection, when one begins here.
    pub(super) fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let mut descriptor = Descriptor::Default;
        if let TokenKind::Descriptor(text) = &self.peek()?.kind {
            descriptor = match std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()) {
                Some(number) => Descriptor::Number(number),
                None if text[0] == b'{' => Descriptor::Variable(text[1..text.len() - 1].to_vec()),
                None => Descriptor::Number(u32::MAX),
            };
            self.advance()?;
        }
        let TokenKind::Operator(operator) = self.peek()?.kind else { return Ok(None) };
        let kind = match operator {
            b"<" => RedirectKind::Read,
            b">" => RedirectKind::Write,
            b">|" => RedirectKind::Clobber,
            b">>" => RedirectKind::Append,
            b"<>" => RedirectKind::ReadWrite,
            b"<&" => RedirectKind::DuplicateInput,
            b">&" => RedirectKind::DuplicateOutput,
            b"&>" => RedirectKind::Both,
            b"&>>" => RedirectKind::BothAppend,
            b"<<" | b"<<-" => RedirectKind::Document,
            b"<<<" => RedirectKind::String,
            _ => return Ok(None),
        };
        self.advance()?;
        let TokenKind::Word(word) = &self.peek()?.kind else { return Err(self.unexpected_newline()) };
        let word = word.clone();
        let target = if kind == RedirectKind::Document {
            Target::Document(self.begin_document(&word, operator == b"<<-"))
        } else {
            Target::Word(word)
        };
        self.advance()?;
        Ok(Some(Redirect { descriptor, kind, target }))
    }
}

/// The word after the first `count` bytes of its source, which end in an unquoted `=`. Never parsed again: that would double the work at
/// every level of nesting.
fn without_prefix(word: &Word, count: usize) -> Word {
    let mut parts = word.0.clone();
    match parts.first_mut() {
        Some(Part::Text(text)) if text.len() >= count => {
            text.drain(..count);
            if text.is_empty() {
                parts.remove(0);
            }
        }
        _ => {
            // The subscript holds quotes or expansions: the value begins after the first `]=` of plain text.
            let split = parts.iter().enumerate().find_map(|(n, part)| match part {
                Part::Text(text) => {
                    let at = text.windows(2).position(|w| w == b"]=").map(|at| at + 2);
                    at.or_else(|| text.windows(3).position(|w| w == b"]+=").map(|at| at + 3)).map(|at| (n, at))
                }
                _ => None,
            });
            if let Some((n, at)) = split {
                parts.drain(..n);
                if let Some(Part::Text(text)) = parts.first_mut() {
                    text.drain(..at);
                }
            }
        }
    }
    Word(parts)
}

/// The longest subscript looked for, in bytes.
const SUBSCRIPT_BYTES_MAX: usize = 1024;

/// Offset of the bracket that closes the one at the start.
fn closing_bracket(text: &[u8]) -> Option<usize> {
    let mut open = 0usize;
    for (at, byte) in text.iter().take(SUBSCRIPT_BYTES_MAX).enumerate() {
        match byte {
            b'[' => open += 1,
            b']' if open == 1 => return Some(at),
            b']' => open -= 1,
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

/// Whether a command takes assignments as arguments.
fn is_declaration(words: &[Word]) -> bool {
    words.first().and_then(Word::literal).is_some_and(|w| matches!(w, b"declare" | b"typeset" | b"local" | b"export" | b"readonly"))
}
