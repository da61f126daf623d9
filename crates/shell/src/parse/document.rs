//! Here-documents.

use super::ast::{Part, Word};
use super::{Document, Parser};

/// A here-document whose body has not been reached.
pub(super) struct Pending {
    delimiter: Vec<u8>,
    /// Whether the delimiter was quoted: nothing in the body is expanded.
    quoted: bool,
    /// `<<-`: leading tabs go.
    strip: bool,
    line: u32,
    body: Document,
}

impl Parser {
    /// Notes a here-document begun on this line.
    pub(super) fn begin_document(&mut self, delimiter: &Word, strip: bool) -> Document {
        let body = Document::default();
        let mut text = Vec::new();
        let quoted = flatten(&delimiter.0, &mut text);
        self.documents.push(Pending { delimiter: text, quoted, strip, line: self.line, body: body.clone() });
        body
    }

    /// Reads the bodies of those begun on the line that has just ended.
    pub(super) fn read_documents(&mut self) {
        for pending in std::mem::take(&mut self.documents) {
            let mut body = Vec::new();
            let mut ended = false;
            while self.at < self.text.len() {
                let end = memchr::memchr(b'\n', &self.text[self.at..]).map_or(self.text.len(), |n| self.at + n);
                let mut line = &self.text[self.at..end];
                if pending.strip {
                    line = &line[line.iter().take_while(|b| **b == b'\t').count()..];
                }
                let closing = line == pending.delimiter;
                if !closing {
                    body.extend_from_slice(line);
                    if end < self.text.len() || self.dialect == super::Dialect::Bash {
                        body.push(b'\n');
                    }
                }
                if end < self.text.len() {
                    self.line += 1;
                }
                self.at = (end + 1).min(self.text.len());
                if closing {
                    ended = true;
                    break;
                }
            }
            if !ended {
                self.warnings.push((self.line, pending.line, pending.delimiter));
            }
            let parts = if pending.quoted { vec![Part::Quoted(body)] } else { self.document_parts(body) };
            let _ = pending.body.set(Word(parts));
        }
    }

    /// At the end of the text, documents that were begun are empty.
    pub(super) fn finish_documents_at_end(&mut self) {
        if self.at >= self.text.len() && self.token.as_ref().is_none_or(|t| matches!(t.kind, super::TokenKind::End)) {
            self.read_documents();
        }
    }

    /// Whether the text ended before a here-document did: an interactive shell asks for more.
    pub(crate) fn document_open(&self) -> bool {
        !self.warnings.is_empty()
    }

    fn document_parts(&mut self, body: Vec<u8>) -> Vec<Part> {
        // What is no expansion stays as it is: a body cannot make a syntax error of its own.
        let whole = body.clone();
        match self.inner(body, self.line).and_then(|mut inner| inner.document_body()) {
            Ok(parts) => parts,
            Err(_) => vec![Part::Quoted(whole)],
        }
    }

    /// As between double quotes, except that these are ordinary characters.
    fn document_body(&mut self) -> super::Parsed<Vec<Part>> {
        let mut parts = Vec::new();
        loop {
            parts.append(&mut self.double_quoted_until(b"\\")?);
            if self.byte().is_none() {
                return Ok(parts);
            }
            match self.byte_at(1) {
                Some(b'\n') => {
                    self.bump();
                    self.bump();
                }
                Some(escaped) if b"$`\\".contains(&escaped) => {
                    super::word::push_quoted(&mut parts, &[escaped]);
                    self.at += 2;
                }
                _ => {
                    super::word::push_quoted(&mut parts, b"\\");
                    self.at += 1;
                }
            }
        }
    }
}

/// A delimiter's text without its quotes; whether it had any.
fn flatten(parts: &[Part], out: &mut Vec<u8>) -> bool {
    let mut quoted = false;
    for part in parts {
        match part {
            Part::Text(text) | Part::Pattern(text) | Part::Bad(text) => out.extend(text),
            Part::Quoted(text) => {
                // A lone dollar sign is kept as quoted text, but quotes nothing.
                quoted |= text != b"$";
                out.extend(text);
            }
            Part::Double(inner) => {
                flatten(inner, out);
                quoted = true;
            }
            Part::Parameter(parameter) => {
                out.push(b'$');
                out.extend(&parameter.name);
            }
            Part::Command(_) | Part::Arithmetic(_) | Part::Process(..) => {}
        }
    }
    quoted
}
