//! From bytes to commands, for bash and the two ash dialects.
//!
//! A parser is fed text as it comes and takes one complete line's commands at a time, as a shell does: what follows a line is not looked at
//! before the line has run. Nesting is bounded, so that hostile input cannot exhaust the stack.

pub(crate) mod ast;
mod compound;
mod condition;
mod document;
mod error;
mod grammar;
mod parameter;
mod word;

pub(crate) use error::{ErrorKind, SyntaxError};
pub(crate) use word::is_name;

use crate::depth::with_room;
use ast::{List, Word};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// How deep commands, substitutions and expansions may nest in each other.
pub(crate) const NESTING_MAX: usize = 60;

/// Which shell is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Bash,
    /// BusyBox's shell.
    Ash,
    /// Debian's `/bin/sh`.
    Dash,
}

/// Alias names and what they stand for.
pub(crate) type Aliases = BTreeMap<Vec<u8>, Vec<u8>>;

/// Options of the shell that change what is parsed.
#[derive(Clone, Default)]
pub(crate) struct Syntax {
    /// `shopt -s extglob`
    pub extended_globs: bool,
    /// Set while aliases are expanded.
    pub aliases: Option<Arc<Aliases>>,
}

/// The state of parsing one stream of commands.
pub(crate) struct Parser {
    text: Vec<u8>,
    at: usize,
    line: u32,
    depth: usize,
    dialect: Dialect,
    pub(crate) syntax: Syntax,
    token: Option<Token>,
    documents: Vec<document::Pending>,
    /// Aliases being expanded, and the offset up to which their text goes.
    expanding: Vec<(Vec<u8>, usize)>,
    /// `$(` being read: what ends its list.
    pub(crate) warnings: Vec<(u32, u32, Vec<u8>)>,
}

/// What the grammar looks at: a word, an operator, or the end of a line.
#[derive(Clone, Debug)]
struct Token {
    kind: TokenKind,
    start: usize,
    line: u32,
}

#[derive(Clone, Debug)]
enum TokenKind {
    Word(Word),
    /// `;`, `&&`, `<<-`, …
    Operator(&'static [u8]),
    /// The descriptor written directly before a redirection: `2` or `{name}`.
    Descriptor(Vec<u8>),
    Newline,
    End,
}

type Parsed<T> = Result<T, SyntaxError>;

impl Parser {
    /// A parser for a text that begins at a line number.
    pub(crate) fn new(text: Vec<u8>, line: u32, dialect: Dialect, syntax: Syntax) -> Parser {
        Parser {
            text,
            at: 0,
            line,
            depth: 0,
            dialect,
            syntax,
            token: None,
            documents: Vec::new(),
            expanding: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The line of text in which an error was found, without its end: what bash prints below the message.
    pub(crate) fn line_around(&self, at: usize) -> &[u8] {
        let at = at.min(self.text.len());
        let start = memchr::memrchr(b'\n', &self.text[..at]).map_or(0, |n| n + 1);
        let end = memchr::memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |n| at + n);
        &self.text[start..end]
    }

    /// The next line's commands; `None` at the end of the text.
    pub(crate) fn next(&mut self) -> Parsed<Option<List>> {
        loop {
            match self.peek()?.kind {
                TokenKind::End => return Ok(None),
                TokenKind::Newline => self.advance()?,
                _ => break,
            }
        }
        let mut list = List::default();
        loop {
            let item = self.item()?;
            list.0.push(item);
            match self.peek()?.kind {
                TokenKind::End => break,
                TokenKind::Newline => {
                    self.advance()?;
                    break;
                }
                _ => {}
            }
            if self.at_list_end()? {
                return Err(self.unexpected());
            }
        }
        self.finish_documents_at_end();
        Ok(Some(list))
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn byte_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn starts(&self, prefix: &[u8]) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(prefix))
    }

    /// Takes one byte, counting lines.
    fn bump(&mut self) {
        if self.byte() == Some(b'\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_MAX {
            return Err(SyntaxError::too_deep(self.line, self.at));
        }
        self.depth += 1;
        let result = with_room(|| inner(self));
        self.depth -= 1;
        result
    }

    /// Parses another text one level deeper, as of a backquoted command.
    fn inner(&mut self, text: Vec<u8>, line: u32) -> Parsed<Parser> {
        if self.depth >= NESTING_MAX {
            return Err(SyntaxError::too_deep(line, self.at));
        }
        let mut inner = Parser::new(text, line, self.dialect, self.syntax.clone());
        inner.depth = self.depth + 1;
        Ok(inner)
    }

    /// Everything left, as one list.
    fn all(&mut self) -> Parsed<List> {
        let mut list = List::default();
        while let Some(next) = self.next()? {
            list.0.extend(next.0);
        }
        Ok(list)
    }
}

/// A word's parts from a text that is treated as between double quotes, as a prompt's or an arithmetic expression's.
pub(crate) fn quoted_text(text: &[u8], dialect: Dialect) -> Parsed<Word> {
    let mut parser = Parser::new(text.to_vec(), 1, dialect, Syntax::default());
    parser.double_quoted_until(&[]).map(Word)
}

/// A text as one word, as `${x}` in an array's subscript given to `unset` or `read`.
pub(crate) type Document = Arc<OnceLock<Word>>;
