//! Expansions inside words: `$x`, `${…}`, `$(…)`, `` `…` ``, `$((…))`.

use super::ast::{Index, List, Operation, Parameter, Part, Word};
use super::error::ErrorKind;
use super::word::{is_name_byte, push_quoted};
use super::{Dialect, Parsed, Parser, SyntaxError, TokenKind};
use std::sync::Arc;

impl Parser {
    /// An expansion, or a dollar sign that begins none.
    pub(super) fn expansion(&mut self, parts: &mut Vec<Part>) -> Parsed<()> {
        if self.byte() == Some(b'`') {
            let list = self.backquoted()?;
            parts.push(Part::Command(Arc::new(list)));
            return Ok(());
        }
        let plain = |name: &[u8]| {
            Part::Parameter(Arc::new(Parameter { name: name.to_vec(), index: None, indirect: false, operation: Operation::Plain }))
        };
        match self.byte_at(1) {
            Some(b'(') => {
                if self.byte_at(2) == Some(b'(')
                    && let Some(length) = self.arithmetic_length(3)
                {
                    let inner = self.text[self.at + 3..self.at + 3 + length].to_vec();
                    let word = self.inner(inner, self.line)?.double_quoted_until(&[])?;
                    self.skip(length + 5);
                    parts.push(Part::Arithmetic(Arc::new(Word(word))));
                    return Ok(());
                }
                self.at += 2;
                let list = self.list_until_parenthesis()?;
                parts.push(Part::Command(Arc::new(list)));
            }
            Some(b'[') if self.dialect == Dialect::Bash => {
                let start = (self.line, self.at);
                let Some(length) = self.bracket_length(2) else { return Err(self.unterminated("]", start)) };
                let inner = self.text[self.at + 2..self.at + 2 + length].to_vec();
                let word = self.inner(inner, self.line)?.double_quoted_until(&[])?;
                self.skip(length + 3);
                parts.push(Part::Arithmetic(Arc::new(Word(word))));
            }
            Some(b'{') => {
                let part = self.nested(Parser::braced)?;
                parts.push(part);
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?-$!".contains(&byte) => {
                self.at += 2;
                parts.push(plain(&[byte]));
            }
            Some(byte) if is_name_byte(byte) => {
                let length = self.text[self.at + 1..].iter().take_while(|b| is_name_byte(**b)).count();
                parts.push(plain(&self.text[self.at + 1..self.at + 1 + length]));
                self.at += 1 + length;
            }
            _ => {
                self.at += 1;
                push_quoted(parts, b"$");
            }
        }
        Ok(())
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.bump();
        }
    }

    /// The commands up to the parenthesis that closes them, which is taken.
    pub(super) fn list_until_parenthesis(&mut self) -> Parsed<List> {
        let start = (self.line, self.at);
        let outer = self.token.take();
        let list = self.nested(|p| {
            let list = p.compound_list()?;
            match p.peek()?.kind {
                TokenKind::Operator(b")") => Ok(list),
                TokenKind::End => Err(SyntaxError { kind: ErrorKind::Unterminated(")"), line: start.0, at: start.1 }),
                _ => Err(p.unexpected()),
            }
        });
        let list = list.map_err(|error| match error.kind {
            ErrorKind::End(_) => SyntaxError { kind: ErrorKind::Unterminated(")"), ..error },
            ErrorKind::Unterminated(")") if error.at == start.1 => SyntaxError { line: self.end_line(), ..error },
            _ => error,
        })?;
        // The parenthesis stands right before the offset: nothing after it has been looked at.
        self.token = outer;
        Ok(list)
    }

    fn backquoted(&mut self) -> Parsed<List> {
        let start = (self.line, self.at);
        let mut inner = Vec::new();
        self.at += 1;
        loop {
            match self.byte() {
                None => return Err(self.unterminated("`", start)),
                Some(b'`') => break,
                Some(b'\\') => {
                    match self.byte_at(1) {
                        Some(escaped) if b"`$\\".contains(&escaped) => inner.push(escaped),
                        Some(other) => inner.extend([b'\\', other]),
                        None => return Err(self.unterminated("`", start)),
                    }
                    self.skip(2);
                }
                Some(byte) => {
                    inner.push(byte);
                    self.bump();
                }
            }
        }
        self.at += 1;
        self.inner(inner, start.0)?.all()
    }

    /// Length of the expression that begins `ahead` and is closed by `))`; `None` when it is no arithmetic.
    pub(super) fn arithmetic_length(&self, ahead: usize) -> Option<usize> {
        let rest = self.text.get(self.at + ahead..)?;
        let mut open = 0usize;
        let mut at = 0;
        while let Some(&byte) = rest.get(at) {
            match byte {
                b'(' => open += 1,
                b')' if open > 0 => open -= 1,
                b')' => return (rest.get(at + 1) == Some(&b')')).then_some(at),
                b'\\' => at += 1,
                b'\'' | b'"' => at += 1 + memchr::memchr(byte, &rest[at + 1..])?,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Length of what begins `ahead` and is closed by `]`.
    fn bracket_length(&self, ahead: usize) -> Option<usize> {
        let rest = self.text.get(self.at + ahead..)?;
        let mut open = 0usize;
        for (at, byte) in rest.iter().take(4096).enumerate() {
            match byte {
                b'[' => open += 1,
                b']' if open > 0 => open -= 1,
                b']' => return Some(at),
                b'\n' => return None,
                _ => {}
            }
        }
        None
    }

    /// `${…}`.
    fn braced(&mut self) -> Parsed<Part> {
        let start = (self.line, self.at);
        self.at += 2;
        let parameter = self.braced_inside()?;
        if let Some(parameter) = parameter
            && self.byte() == Some(b'}')
        {
            self.at += 1;
            return Ok(Part::Parameter(Arc::new(parameter)));
        }
        // Bash finds the end and complains when the word is expanded.
        loop {
            match self.byte() {
                None => return Err(self.unterminated("}", start)),
                Some(b'}') => break,
                Some(b'\\') => self.skip(2),
                Some(_) => self.bump(),
            }
        }
        self.at += 1;
        Ok(Part::Bad(self.text[start.1..self.at].to_vec()))
    }

    /// Up to the closing brace (not taken); `None` when it makes no sense.
    fn braced_inside(&mut self) -> Parsed<Option<Parameter>> {
        let after = |p: &Parser, ahead| p.byte_at(ahead).unwrap_or(b'}');
        let length = self.byte() == Some(b'#') && after(self, 1) != b'}' && (is_name_byte(after(self, 1)) || b"@*#?-$!".contains(&after(self, 1)))
            // `${#-x}` is `$#` with a default; `${#-}` is the length of `$-`.
            && (is_name_byte(after(self, 1)) || after(self, 2) == b'}');
        let indirect = !length && self.byte() == Some(b'!') && self.dialect == Dialect::Bash && is_name_byte(after(self, 1));
        if length || indirect {
            self.at += 1;
        }
        let Some(name) = self.parameter_name() else { return Ok(None) };
        let mut parameter = Parameter { name, index: None, indirect, operation: Operation::Plain };
        if self.byte() == Some(b'[') && self.dialect == Dialect::Bash {
            let Some(size) = self.bracket_length(1) else { return Ok(None) };
            let inner = self.text[self.at + 1..self.at + 1 + size].to_vec();
            parameter.index = Some(match &inner[..] {
                b"@" => Index::All,
                b"*" => Index::Joined,
                _ => Index::At(self.subscript(inner)?),
            });
            self.skip(size + 2);
        }
        if length {
            parameter.operation = Operation::Length;
            return Ok(Some(parameter));
        }
        let many = matches!(parameter.index, Some(Index::All | Index::Joined));
        match self.byte() {
            None | Some(b'}') => {
                if indirect && many {
                    parameter.operation = Operation::Keys;
                }
            }
            Some(kind @ (b'*' | b'@')) if indirect && self.byte_at(1) == Some(b'}') => {
                self.at += 1;
                parameter.operation = Operation::Names(kind == b'@');
            }
            Some(_) => match self.operation()? {
                Some(operation) => parameter.operation = operation,
                None => return Ok(None),
            },
        }
        Ok(Some(parameter))
    }

    /// An array's subscript as a word.
    pub(super) fn subscript(&mut self, text: Vec<u8>) -> Parsed<Word> {
        let line = self.line;
        let mut inner = self.inner(text, line)?;
        let mut parts = Vec::new();
        while let Some(byte) = inner.byte() {
            inner.unquoted(byte, &mut parts)?;
        }
        Ok(Word(parts))
    }

    fn parameter_name(&mut self) -> Option<Vec<u8>> {
        let first = self.byte()?;
        let length = if first.is_ascii_digit() {
            self.text[self.at..].iter().take_while(|b| b.is_ascii_digit()).count()
        } else if is_name_byte(first) {
            self.text[self.at..].iter().take_while(|b| is_name_byte(**b)).count()
        } else if b"@*#?-$!".contains(&first) {
            1
        } else {
            return None;
        };
        let name = self.text[self.at..self.at + length].to_vec();
        self.at += length;
        Some(name)
    }

    fn operation(&mut self) -> Parsed<Option<Operation>> {
        let Some(byte) = self.byte() else { return Ok(None) };
        let bash = self.dialect == Dialect::Bash;
        let ash = self.dialect != Dialect::Dash;
        self.at += 1;
        Ok(Some(match byte {
            b'-' | b'=' | b'?' | b'+' => Operation::Default { kind: byte, colon: false, word: self.operand(b"}")? },
            b':' if self.byte().is_some_and(|b| b"-=?+".contains(&b)) => {
                let kind = self.byte().unwrap_or_default();
                self.at += 1;
                Operation::Default { kind, colon: true, word: self.operand(b"}")? }
            }
            b':' if ash => {
                let offset = self.operand(b":}")?;
                let length = if self.byte() == Some(b':') {
                    self.at += 1;
                    Some(self.operand(b"}")?)
                } else {
                    None
                };
                Operation::Slice { offset, length }
            }
            b'#' | b'%' => {
                let longest = self.byte() == Some(byte);
                self.at += usize::from(longest);
                Operation::Trim { suffix: byte == b'%', longest, pattern: self.operand(b"}")? }
            }
            b'/' if ash => {
                let (all, anchor) = match self.byte() {
                    Some(b'/') => (true, None),
                    Some(anchor @ (b'#' | b'%')) if bash => (false, Some(anchor)),
                    _ => (false, None),
                };
                self.at += usize::from(all || anchor.is_some());
                let pattern = self.operand(b"/}")?;
                let with = if self.byte() == Some(b'/') {
                    self.at += 1;
                    self.operand(b"}")?
                } else {
                    Word::default()
                };
                Operation::Replace { all, anchor, pattern, with }
            }
            b'^' | b',' if bash => {
                let all = self.byte() == Some(byte);
                self.at += usize::from(all);
                let pattern = if self.byte() == Some(b'}') { None } else { Some(self.operand(b"}")?) };
                Operation::Case { upper: byte == b'^', all, pattern }
            }
            b'@' if bash && self.byte().is_some_and(|b| b"QEPAaUuLKk".contains(&b)) && self.byte_at(1) == Some(b'}') => {
                let kind = self.byte().unwrap_or_default();
                self.at += 1;
                Operation::Transform(kind)
            }
            _ => return Ok(None),
        }))
    }

    /// The word after an operator, up to one of `stops` outside quotes and expansions.
    fn operand(&mut self, stops: &[u8]) -> Parsed<Word> {
        let mut parts = Vec::new();
        while let Some(byte) = self.byte() {
            if stops.contains(&byte) {
                return Ok(Word(parts));
            }
            self.unquoted(byte, &mut parts)?;
        }
        Err(SyntaxError { kind: ErrorKind::Unterminated("}"), line: self.line, at: self.at })
    }
}
