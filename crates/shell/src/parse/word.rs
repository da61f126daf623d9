//! Tokens and words: quoting, and where expansions begin.

use super::ast::{Part, Word};
use super::error::ErrorKind;
use super::{Dialect, Parsed, Parser, SyntaxError, Token, TokenKind};
use std::sync::Arc;

/// Operators, longest first.
const OPERATORS: [&[u8]; 24] = [
    b";;&", b"&>>", b"<<-", b"<<<", b"&&", b"||", b";;", b";&", b"<<", b">>", b"<&", b">&", b"<>", b">|", b"&>", b"|&", b"|", b"&", b";",
    b"<", b">", b"(", b")", b"\n",
];

/// Operators that only bash has; elsewhere they are two.
const BASH_ONLY: [&[u8]; 6] = [b";;&", b";&", b"&>>", b"&>", b"<<<", b"|&"];

impl Parser {
    /// The token at hand.
    pub(super) fn peek(&mut self) -> Parsed<&Token> {
        if self.token.is_none() {
            let token = self.lex()?;
            self.token = Some(token);
        }
        Ok(self.token.as_ref().expect("just set"))
    }

    /// Goes past the token at hand; past a newline, the here-documents begun on its line are read.
    pub(super) fn advance(&mut self) -> Parsed<()> {
        if matches!(self.peek()?.kind, TokenKind::Newline) {
            self.read_documents();
        }
        self.token = None;
        Ok(())
    }

    /// Forgets the token at hand: what follows is read from its start in another way.
    pub(super) fn unread(&mut self) {
        if let Some(token) = self.token.take() {
            self.at = token.start;
            self.line = token.line;
        }
    }

    fn lex(&mut self) -> Parsed<Token> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.byte_at(1) == Some(b'\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                Some(b'#') => self.at = memchr::memchr(b'\n', &self.text[self.at..]).map_or(self.text.len(), |n| self.at + n),
                _ => break,
            }
        }
        let (start, line) = (self.at, self.line);
        let token = |kind| Token { kind, start, line };
        let Some(byte) = self.byte() else { return Ok(token(TokenKind::End)) };
        if byte == b'\n' {
            self.bump();
            return Ok(token(TokenKind::Newline));
        }
        if let Some(descriptor) = self.descriptor_before_redirect() {
            return Ok(token(TokenKind::Descriptor(descriptor)));
        }
        // `<(` and `>(` begin words.
        let process = matches!(byte, b'<' | b'>') && self.byte_at(1) == Some(b'(') && self.dialect != Dialect::Dash;
        if !process && let Some(operator) = self.operator() {
            self.at += operator.len();
            return Ok(token(TokenKind::Operator(operator)));
        }
        let word = self.word()?;
        Ok(token(TokenKind::Word(word)))
    }

    fn operator(&self) -> Option<&'static [u8]> {
        let bash_only = |operator: &[u8]| {
            BASH_ONLY.contains(&operator)
                && (self.dialect == Dialect::Dash || (self.dialect == Dialect::Ash && operator[0] != b'&' && operator != b"<<<"))
        };
        OPERATORS.into_iter().find(|operator| self.starts(operator) && !bash_only(operator))
    }

    /// `2` of `2>`, or `{name}` of `{name}>`.
    fn descriptor_before_redirect(&mut self) -> Option<Vec<u8>> {
        let rest = &self.text[self.at..];
        let digits = rest.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
        let length = if digits > 0 {
            digits
        } else if rest.first() == Some(&b'{') && self.dialect == Dialect::Bash {
            let name = rest[1..].iter().take(256).take_while(|b| is_name_byte(**b)).count();
            (name > 0 && rest.get(1 + name) == Some(&b'}')).then_some(name + 2)?
        } else {
            return None;
        };
        let taken = matches!(rest.get(length), Some(b'<' | b'>')) && !(rest.get(length + 1) == Some(&b'(') && digits == 0);
        if !taken {
            return None;
        }
        let text = rest[..length].to_vec();
        self.at += length;
        Some(text)
    }

    /// One word from here; the caller has made sure that one begins.
    pub(super) fn word(&mut self) -> Parsed<Word> {
        let mut parts = Vec::new();
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'<' | b'>' if self.byte_at(1) == Some(b'(') && self.dialect != Dialect::Dash => {
                    self.at += 2;
                    let list = self.list_until_parenthesis()?;
                    parts.push(Part::Process(byte == b'<', Arc::new(list)));
                }
                b'<' | b'>' => break,
                b'(' => {
                    if !self.extended_glob(&mut parts)? {
                        break;
                    }
                }
                _ => self.unquoted(byte, &mut parts)?,
            }
        }
        Ok(Word(parts))
    }

    /// One unquoted character or quoted piece.
    pub(super) fn unquoted(&mut self, byte: u8, parts: &mut Vec<Part>) -> Parsed<()> {
        match byte {
            b'\\' => {
                self.at += 1;
                match self.byte() {
                    Some(b'\n') => self.bump(),
                    Some(escaped) => {
                        self.at += 1;
                        push_quoted(parts, &[escaped]);
                    }
                    None => push_quoted(parts, b"\\"),
                }
            }
            b'\'' => {
                let start = (self.line, self.at);
                let rest = &self.text[self.at + 1..];
                let Some(end) = memchr::memchr(b'\'', rest) else { return Err(self.unterminated("'", start)) };
                let text = rest[..end].to_vec();
                self.line += memchr::memchr_iter(b'\n', &text).count() as u32;
                self.at += end + 2;
                push_quoted(parts, &text);
            }
            b'"' => {
                let start = (self.line, self.at);
                self.at += 1;
                let inner = self.nested(|p| p.double_quoted_until(b"\""))?;
                if self.byte() != Some(b'"') {
                    return Err(self.unterminated("\"", start));
                }
                self.at += 1;
                parts.push(Part::Double(inner));
            }
            b'$' if self.byte_at(1) == Some(b'\'') && self.dialect != Dialect::Dash => {
                let start = (self.line, self.at);
                self.at += 2;
                let text = self.ansi_quoted(start)?;
                push_quoted(parts, &text);
            }
            b'$' if self.byte_at(1) == Some(b'"') && self.dialect == Dialect::Bash => self.at += 1,
            b'$' | b'`' => self.expansion(parts)?,
            _ => {
                self.bump();
                push_text(parts, byte);
            }
        }
        Ok(())
    }

    /// What is between double quotes, up to one of `stops` (not taken) or the end of the text.
    pub(super) fn double_quoted_until(&mut self, stops: &[u8]) -> Parsed<Vec<Part>> {
        let mut parts = Vec::new();
        while let Some(byte) = self.byte() {
            if stops.contains(&byte) {
                break;
            }
            match byte {
                b'\\' => {
                    match self.byte_at(1) {
                        Some(b'\n') => self.line += 1,
                        Some(escaped) if b"$`\"\\".contains(&escaped) || (stops.contains(&escaped) && escaped != b'"') => {
                            push_quoted(&mut parts, &[escaped]);
                        }
                        Some(other) => push_quoted(&mut parts, &[b'\\', other]),
                        None => {
                            push_quoted(&mut parts, b"\\");
                            self.at += 1;
                            break;
                        }
                    }
                    self.at += 2;
                }
                b'$' | b'`' => self.expansion(&mut parts)?,
                _ => {
                    self.bump();
                    push_quoted(&mut parts, &[byte]);
                }
            }
        }
        Ok(parts)
    }

    /// `?(…)` and its like: the character before the parenthesis is the last of `parts`.
    fn extended_glob(&mut self, parts: &mut Vec<Part>) -> Parsed<bool> {
        let Some(Part::Text(text)) = parts.last_mut() else { return Ok(false) };
        if !self.syntax.extended_globs || self.dialect != Dialect::Bash || !text.last().is_some_and(|b| b"?*+@!".contains(b)) {
            return Ok(false);
        }
        let mut pattern = vec![text.pop().unwrap_or_default()];
        if text.is_empty() {
            parts.pop();
        }
        let start = (self.line, self.at);
        let mut open = 0usize;
        loop {
            let Some(byte) = self.byte() else { return Err(self.unterminated(")", start)) };
            match byte {
                b'(' => open += 1,
                b')' => open -= 1,
                b'\\' | b'\'' | b'"' | b'$' | b'`' => {
                    let mut inner = Vec::new();
                    self.unquoted(byte, &mut inner)?;
                    parts.push(Part::Pattern(std::mem::take(&mut pattern)));
                    parts.append(&mut inner);
                    continue;
                }
                _ => {}
            }
            pattern.push(byte);
            self.bump();
            if open == 0 {
                parts.push(Part::Pattern(pattern));
                return Ok(true);
            }
        }
    }

    /// `$'…'` after its opening (bash(1), QUOTING).
    fn ansi_quoted(&mut self, start: (u32, usize)) -> Parsed<Vec<u8>> {
        let from = self.at;
        loop {
            match self.byte() {
                None => return Err(self.unterminated("'", start)),
                Some(b'\'') => break,
                Some(b'\\') => {
                    self.bump();
                    self.bump();
                }
                Some(_) => self.bump(),
            }
        }
        let end = self.at.min(self.text.len());
        let text = crate::escape::ansi(&self.text[from..end]);
        self.at = end + 1;
        Ok(text)
    }

    pub(super) fn unterminated(&mut self, mark: &'static str, start: (u32, usize)) -> SyntaxError {
        self.at = self.text.len();
        SyntaxError { kind: ErrorKind::Unterminated(mark), line: start.0, at: start.1 }
    }
}

pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a text is a variable's name.
pub(crate) fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(|b| !b.is_ascii_digit()) && text.iter().all(|b| is_name_byte(*b))
}

pub(super) fn push_text(parts: &mut Vec<Part>, byte: u8) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.push(byte),
        _ => parts.push(Part::Text(vec![byte])),
    }
}

pub(super) fn push_quoted(parts: &mut Vec<Part>, bytes: &[u8]) {
    match parts.last_mut() {
        Some(Part::Quoted(text)) => text.extend_from_slice(bytes),
        _ => parts.push(Part::Quoted(bytes.to_vec())),
    }
}
