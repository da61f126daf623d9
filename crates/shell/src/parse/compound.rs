//! Compound commands and function definitions.

use super::ast::{Arm, ArmEnd, Command, Function, Kind, List, Word};
use super::error::ErrorKind;
use super::word::is_name;
use super::{Dialect, Parsed, Parser, SyntaxError, TokenKind};
use std::sync::Arc;

impl Parser {
    /// A compound command, when one begins here.
    pub(super) fn compound(&mut self) -> Parsed<Option<Kind>> {
        if self.at_operator(b"(")? {
            return self.parenthesis().map(Some);
        }
        let bash = self.dialect == Dialect::Bash;
        let Some(word) = self.literal()? else { return Ok(None) };
        Ok(Some(match word {
            b"{" => {
                self.advance()?;
                let body = self.non_empty(None)?;
                self.closing(b"}", "}")?;
                Kind::Brace(body)
            }
            b"if" => self.if_command()?,
            b"while" | b"until" => {
                let until = word == b"until";
                self.advance()?;
                let condition = self.non_empty(None)?;
                let body = self.do_group()?;
                Kind::Loop { until, condition, body }
            }
            b"for" => self.for_command()?,
            b"select" if bash => {
                self.advance()?;
                let (name, words) = self.loop_header()?;
                let body = self.do_group()?;
                Kind::Select { name, words, body }
            }
            b"case" => self.case_command()?,
            b"[[" if bash => self.condition_command()?,
            b"function" if bash => {
                let start = self.peek()?.start;
                self.advance()?;
                let TokenKind::Word(name) = &self.peek()?.kind else { return Err(self.unexpected()) };
                let Some(name) = name.literal().map(<[u8]>::to_vec) else { return Err(self.unexpected()) };
                self.advance()?;
                if self.at_operator(b"(")? {
                    self.advance()?;
                    if !self.at_operator(b")")? {
                        return Err(self.unexpected());
                    }
                    self.advance()?;
                }
                self.function_body(name, start)?
            }
            _ => return Ok(None),
        }))
    }

    fn parenthesis(&mut self) -> Parsed<Kind> {
        let start = (self.line, self.peek()?.start);
        // `((` is arithmetic when it is closed by `))`, else two subshells.
        if self.dialect == Dialect::Bash
            && self.byte() == Some(b'(')
            && let Some(length) = self.arithmetic_length(1)
        {
            let text = self.text[self.at + 1..self.at + 1 + length].to_vec();
            let word = self.inner(text, start.0)?.double_quoted_until(&[])?;
            for _ in 0..length + 3 {
                self.bump();
            }
            self.token = None;
            return Ok(Kind::Arithmetic(Word(word)));
        }
        self.advance()?;
        let body = self.non_empty(Some(")"))?;
        if !self.at_operator(b")")? {
            return Err(self.expected(Some(")")));
        }
        self.advance()?;
        Ok(Kind::Subshell(Arc::new(body)))
    }

    /// A list that must hold something.
    fn non_empty(&mut self, expecting: Option<&'static str>) -> Parsed<List> {
        let list = self.compound_list()?;
        if list.0.is_empty() { Err(self.expected(expecting)) } else { Ok(list) }
    }

    fn closing(&mut self, word: &[u8], expecting: &'static str) -> Parsed<()> {
        if !self.at_word(word)? {
            return Err(self.expected(Some(expecting)));
        }
        self.advance()
    }

    fn do_group(&mut self) -> Parsed<List> {
        self.closing(b"do", "do")?;
        let body = self.non_empty(None)?;
        self.closing(b"done", "done")?;
        Ok(body)
    }

    fn if_command(&mut self) -> Parsed<Kind> {
        let mut arms = Vec::new();
        loop {
            self.advance()?;
            let condition = self.non_empty(None)?;
            self.closing(b"then", "then")?;
            let body = self.non_empty(None)?;
            arms.push((condition, body));
            if !self.at_word(b"elif")? {
                break;
            }
        }
        let otherwise = if self.at_word(b"else")? {
            self.advance()?;
            Some(self.non_empty(None)?)
        } else {
            None
        };
        self.closing(b"fi", "fi")?;
        Ok(Kind::If { arms, otherwise })
    }

    fn for_command(&mut self) -> Parsed<Kind> {
        self.advance()?;
        if self.dialect == Dialect::Bash && self.at_operator(b"(")? && self.byte() == Some(b'(') {
            return self.arithmetic_for();
        }
        let (name, words) = self.loop_header()?;
        let body = self.loop_body()?;
        Ok(Kind::For { name, words, body })
    }

    /// `do … done`, or bash's `{ … }`.
    fn loop_body(&mut self) -> Parsed<List> {
        if self.dialect == Dialect::Bash && self.at_word(b"{")? {
            self.advance()?;
            let body = self.non_empty(None)?;
            self.closing(b"}", "}")?;
            return Ok(body);
        }
        self.do_group()
    }

    /// `NAME [in WORD…] ;`
    fn loop_header(&mut self) -> Parsed<(Vec<u8>, Option<Vec<Word>>)> {
        let TokenKind::Word(word) = &self.peek()?.kind else {
            return Err(match self.dialect {
                Dialect::Bash => self.unexpected_newline(),
                _ => self.message(Vec::new(), "Bad for loop variable"),
            });
        };
        let name = word.literal().unwrap_or_default().to_vec();
        if !is_name(&name) && self.dialect != Dialect::Bash {
            return Err(self.message(Vec::new(), "Bad for loop variable"));
        }
        self.advance()?;
        if self.at_operator(b";")? {
            self.advance()?;
            self.skip_newlines()?;
            return Ok((name, None));
        }
        self.skip_newlines()?;
        if !self.at_word(b"in")? {
            return Ok((name, None));
        }
        self.advance()?;
        let mut words = Vec::new();
        while let TokenKind::Word(word) = &self.peek()?.kind {
            words.push(word.clone());
            self.advance()?;
        }
        if self.at_operator(b";")? {
            self.advance()?;
        } else if !matches!(self.peek()?.kind, TokenKind::Newline) {
            return Err(self.expected(Some("do")));
        }
        self.skip_newlines()?;
        Ok((name, Some(words)))
    }

    pub(super) fn message(&mut self, bash: Vec<u8>, other: &'static str) -> SyntaxError {
        SyntaxError { kind: ErrorKind::Message(bash, other), line: self.line, at: self.at }
    }

    fn arithmetic_for(&mut self) -> Parsed<Kind> {
        let start = (self.line, self.at);
        let Some(length) = self.arithmetic_length(1) else { return Err(self.unterminated(")", start)) };
        let text = self.text[self.at + 1..self.at + 1 + length].to_vec();
        let pieces: Vec<&[u8]> = text.split(|b| *b == b';').collect();
        let [first, second, third] = pieces[..] else {
            return Err(self.message(b"syntax error: arithmetic expression required".to_vec(), "Bad for loop variable"));
        };
        let mut words = Vec::new();
        for piece in [first, second, third] {
            words.push(Word(self.inner(piece.trim_ascii().to_vec(), start.0)?.double_quoted_until(&[])?));
        }
        for _ in 0..length + 3 {
            self.bump();
        }
        self.token = None;
        if self.at_operator(b";")? {
            self.advance()?;
        }
        self.skip_newlines()?;
        let body = self.loop_body()?;
        let mut words = words.into_iter();
        let mut next = || words.next().unwrap_or_default();
        Ok(Kind::ArithmeticFor { start: next(), condition: next(), step: next(), body })
    }

    fn case_command(&mut self) -> Parsed<Kind> {
        self.advance()?;
        let TokenKind::Word(word) = &self.peek()?.kind else { return Err(self.unexpected_newline()) };
        let word = word.clone();
        self.advance()?;
        self.skip_newlines()?;
        self.closing(b"in", "in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.at_word(b"esac")? {
                self.advance()?;
                return Ok(Kind::Case { word, arms });
            }
            if self.at_operator(b"(")? {
                self.advance()?;
            }
            let mut patterns = Vec::new();
            loop {
                let TokenKind::Word(pattern) = &self.peek()?.kind else { return Err(self.expected(Some(")"))) };
                patterns.push(pattern.clone());
                self.advance()?;
                if !self.at_operator(b"|")? {
                    break;
                }
                self.advance()?;
            }
            if !self.at_operator(b")")? {
                return Err(self.expected(Some(")")));
            }
            self.advance()?;
            let body = self.compound_list()?;
            let operator = match self.peek()?.kind {
                TokenKind::Operator(operator) => operator,
                _ => b"",
            };
            let end = match operator {
                b";;" => ArmEnd::Break,
                b";&" => ArmEnd::FallThrough,
                b";;&" => ArmEnd::TestNext,
                _ if self.at_word(b"esac")? => {
                    arms.push(Arm { patterns, body, end: ArmEnd::Break });
                    continue;
                }
                _ => return Err(self.expected(Some(";;"))),
            };
            self.advance()?;
            arms.push(Arm { patterns, body, end });
        }
    }

    /// `NAME ()` has been read up to the parenthesis.
    pub(super) fn function_after_name(&mut self, name: &Word, line: u32) -> Parsed<Command> {
        let start = self.peek()?.start;
        self.advance()?;
        if !self.at_operator(b")")? {
            return Err(self.unexpected_newline());
        }
        let Some(name) = name.literal().map(<[u8]>::to_vec) else { return Err(self.unexpected()) };
        self.advance()?;
        let start = start.saturating_sub(name.len());
        let kind = self.function_body(name, start)?;
        Ok(Command { kind, redirects: Vec::new(), line })
    }

    fn function_body(&mut self, name: Vec<u8>, start: usize) -> Parsed<Kind> {
        self.skip_newlines()?;
        let line = self.peek()?.line;
        let Some(kind) = self.nested(Parser::compound)? else { return Err(self.unexpected()) };
        let mut redirects = Vec::new();
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
        }
        let end = self.peek()?.start.min(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default().trim_ascii().into();
        let command = Arc::new(Command { kind, redirects, line });
        Ok(Kind::Function { name, body: Arc::new(Function { command, text }) })
    }
}
