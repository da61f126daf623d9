//! `[[ … ]]`.

use super::ast::{Condition, Kind, Part, Word};
use super::word::push_text;
use super::{Parsed, Parser, TokenKind};

/// Operators between two words.
const BINARY: [&[u8]; 14] = [b"=", b"==", b"!=", b"=~", b"-eq", b"-ne", b"-lt", b"-le", b"-gt", b"-ge", b"-nt", b"-ot", b"-ef", b"<"];

/// Letters of operators before one word.
const UNARY: &[u8] = b"abcdefghknoprstuvwxzGLNORS";

impl Parser {
    pub(super) fn condition_command(&mut self) -> Parsed<Kind> {
        self.advance()?;
        let globs = std::mem::replace(&mut self.syntax.extended_globs, true);
        let condition = self.nested(Parser::condition_or);
        self.syntax.extended_globs = globs;
        let condition = condition?;
        if !self.at_word(b"]]")? {
            return Err(match self.peek()?.kind {
                TokenKind::End => self.expected(None),
                _ => {
                    let near = self.token_text()?;
                    self.message([b"syntax error near `", &near[..], b"'"].concat(), "")
                }
            });
        }
        self.advance()?;
        Ok(Kind::Condition(condition))
    }

    fn token_text(&mut self) -> Parsed<Vec<u8>> {
        let start = self.peek()?.start;
        Ok(self.text[start.min(self.text.len())..self.at.min(self.text.len())].to_vec())
    }

    fn condition_or(&mut self) -> Parsed<Condition> {
        let mut left = self.condition_and()?;
        while self.at_operator(b"||")? {
            self.advance()?;
            self.skip_newlines()?;
            left = Condition::Or(Box::new(left), Box::new(self.condition_and()?));
        }
        Ok(left)
    }

    fn condition_and(&mut self) -> Parsed<Condition> {
        let mut left = self.condition_not()?;
        while self.at_operator(b"&&")? {
            self.advance()?;
            self.skip_newlines()?;
            left = Condition::And(Box::new(left), Box::new(self.condition_not()?));
        }
        Ok(left)
    }

    fn condition_not(&mut self) -> Parsed<Condition> {
        self.skip_newlines()?;
        if self.at_word(b"!")? {
            self.advance()?;
            return Ok(Condition::Not(Box::new(self.nested(Parser::condition_not)?)));
        }
        if self.at_operator(b"(")? {
            self.advance()?;
            let inner = self.nested(Parser::condition_or)?;
            self.skip_newlines()?;
            if !self.at_operator(b")")? {
                return Err(self.unexpected());
            }
            self.advance()?;
            self.skip_newlines()?;
            return Ok(inner);
        }
        self.condition_primary()
    }

    fn condition_primary(&mut self) -> Parsed<Condition> {
        let unary = match self.literal()? {
            Some([b'-', letter]) if UNARY.contains(letter) => Some(*letter),
            _ => None,
        };
        let TokenKind::Word(first) = &self.peek()?.kind else { return Err(self.unexpected()) };
        let first = first.clone();
        if first.literal() == Some(b"]]") {
            return Err(self.unexpected());
        }
        self.advance()?;
        if let Some(letter) = unary {
            let alone = match self.literal()? {
                Some(b"]]") => true,
                Some(word) => BINARY.contains(&word),
                None => !matches!(self.peek()?.kind, TokenKind::Word(_)),
            };
            if !alone {
                let TokenKind::Word(operand) = &self.peek()?.kind else { return Err(self.unexpected()) };
                let operand = operand.clone();
                self.advance()?;
                return Ok(Condition::Unary(letter, operand));
            }
        }
        self.condition_rest(first)
    }

    fn condition_rest(&mut self, first: Word) -> Parsed<Condition> {
        let operator = match &self.peek()?.kind {
            TokenKind::Operator(operator @ (b"<" | b">")) => Some(operator.to_vec()),
            TokenKind::Word(word) => word.literal().filter(|w| BINARY.contains(w)).map(<[u8]>::to_vec),
            _ => None,
        };
        let Some(operator) = operator else {
            if matches!(&self.peek()?.kind, TokenKind::Word(word) if word.literal() != Some(b"]]")) {
                return Err(self.message(b"conditional binary operator expected".to_vec(), ""));
            }
            return Ok(Condition::Word(first));
        };
        if operator == b"=~" {
            self.token = None;
            let second = self.nested(Parser::regular_expression)?;
            return Ok(Condition::Binary(operator, first, second));
        }
        self.advance()?;
        let TokenKind::Word(second) = &self.peek()?.kind else {
            let near = match self.peek()?.kind {
                TokenKind::Newline | TokenKind::End => b"newline".to_vec(),
                _ => self.token_text()?,
            };
            return Err(self.message([b"unexpected argument `", &near[..], b"' to conditional binary operator"].concat(), ""));
        };
        let second = second.clone();
        self.advance()?;
        Ok(Condition::Binary(operator, first, second))
    }

    /// The right side of `=~`: parentheses and bars belong to it.
    fn regular_expression(&mut self) -> Parsed<Word> {
        while matches!(self.byte(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut open = 0usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'(' => open += 1,
                b')' if open == 0 => break,
                b')' => open -= 1,
                b' ' | b'\t' | b'\n' | b';' | b'&' if open == 0 => break,
                b'|' | b'<' | b'>' | b' ' => {}
                // A dollar sign that begins no expansion is the end of the text.
                b'$' if !self.byte_at(1).is_some_and(|b| super::word::is_name_byte(b) || b"({'\"@*#?-$!".contains(&b)) => {}
                _ => {
                    self.unquoted(byte, &mut parts)?;
                    continue;
                }
            }
            push_text(&mut parts, byte);
            self.bump();
        }
        Ok(Word(parts))
    }
}
