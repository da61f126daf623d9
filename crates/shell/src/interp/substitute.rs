//! What `${x#…}`, `${x/…}`, `${x^}` and `${x@Q}` do to a value.

use super::{Flow, Shell, Variable};
use crate::glob::Pattern;
use crate::parse::ast::Operation;

/// A change, with its words expanded.
pub(super) enum Change {
    Trim { suffix: bool, longest: bool, pattern: Pattern },
    Replace { all: bool, anchor: Option<u8>, pattern: Pattern, with: Vec<u8> },
    Case { upper: bool, all: bool, pattern: Option<Pattern> },
    Transform(u8),
}

impl Shell {
    pub(super) async fn change_of(&mut self, operation: &Operation) -> Result<Change, Flow> {
        let extended = self.options.shopt("extglob").unwrap_or(false);
        Ok(match operation {
            Operation::Trim { suffix, longest, pattern } => {
                let pattern = self.expand_field(pattern).await?.pattern(extended);
                Change::Trim { suffix: *suffix, longest: *longest, pattern }
            }
            Operation::Replace { all, anchor, pattern, with } => {
                let pattern = self.expand_field(pattern).await?.pattern(extended);
                let with = self.expand_value(with).await?;
                Change::Replace { all: *all, anchor: *anchor, pattern, with }
            }
            Operation::Case { upper, all, pattern } => {
                let pattern = match pattern {
                    Some(pattern) => Some(self.expand_field(pattern).await?.pattern(extended)),
                    None => None,
                };
                Change::Case { upper: *upper, all: *all, pattern }
            }
            Operation::Transform(kind) => Change::Transform(*kind),
            _ => Change::Transform(0),
        })
    }
}

impl Change {
    pub(super) fn apply(&self, value: Vec<u8>, name: &[u8], variable: Option<&Variable>) -> Vec<u8> {
        match self {
            Change::Trim { suffix: false, longest, pattern } => match pattern.prefix(&value, *longest) {
                Some(end) => value[end..].to_vec(),
                None => value,
            },
            Change::Trim { suffix: true, longest, pattern } => match pattern.suffix(&value, *longest) {
                Some(start) => value[..start].to_vec(),
                None => value,
            },
            Change::Replace { anchor: Some(b'#'), pattern, with, .. } => match pattern.prefix(&value, true) {
                Some(end) => [with, &value[end..]].concat(),
                None => value,
            },
            Change::Replace { anchor: Some(_), pattern, with, .. } => match pattern.suffix(&value, true) {
                Some(start) => [&value[..start], with].concat(),
                None => value,
            },
            Change::Replace { all, pattern, with, .. } => replace(&value, pattern, with, *all),
            Change::Case { upper, all, pattern } => change_case(&value, *upper, *all, pattern.as_ref()),
            Change::Transform(kind) => transform(*kind, value, name, variable),
        }
    }
}

/// Bytes a replacement may grow to.
const REPLACED_BYTES_MAX: usize = 4 * 1024 * 1024;

fn replace(value: &[u8], pattern: &Pattern, with: &[u8], all: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some((start, end)) = pattern.find(value, at) {
        if end == start {
            break;
        }
        out.extend_from_slice(&value[at..start]);
        out.extend_from_slice(with);
        at = end;
        if !all || out.len() > REPLACED_BYTES_MAX {
            break;
        }
    }
    out.extend_from_slice(&value[at..]);
    out
}

fn change_case(value: &[u8], upper: bool, all: bool, pattern: Option<&Pattern>) -> Vec<u8> {
    let change = |byte: u8| if upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
    let fits = |byte: u8| pattern.is_none_or(|p| p.matches(&[byte]));
    let count = if all { value.len() } else { 1 };
    value.iter().enumerate().map(|(n, byte)| if n < count && fits(*byte) { change(*byte) } else { *byte }).collect()
}

fn transform(kind: u8, value: Vec<u8>, name: &[u8], variable: Option<&Variable>) -> Vec<u8> {
    match kind {
        b'Q' | b'K' | b'k' => quote(&value),
        b'E' => crate::escape::ansi(&value),
        b'U' => value.to_ascii_uppercase(),
        b'L' => value.to_ascii_lowercase(),
        b'u' => change_case(&value, true, false, None),
        b'A' => [name, b"=", &quote(&value)].concat(),
        b'a' => variable.map_or_else(Vec::new, |v| super::arrays::attribute_letters(v).into_bytes()),
        _ => value,
    }
}

/// A text quoted so that a shell reads it back: `'it'\''s'`, or `$'a\nb'` where there are control characters.
pub(crate) fn quote(text: &[u8]) -> Vec<u8> {
    if text.iter().any(|b| *b < 0x20 || *b == 0x7f) {
        return ansi_quote(text);
    }
    let mut out = vec![b'\''];
    for byte in text {
        match byte {
            b'\'' => out.extend(b"'\\''"),
            _ => out.push(*byte),
        }
    }
    out.push(b'\'');
    out
}

/// The same only where it is needed, as `set` and `xtrace` do.
pub(crate) fn quote_if_needed(text: &[u8]) -> Vec<u8> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-+=./:@%,^".contains(b) || *b >= 0x80;
    if !text.is_empty() && text.iter().all(plain) { text.to_vec() } else { quote(text) }
}

/// `$'…'`
fn ansi_quote(text: &[u8]) -> Vec<u8> {
    let mut out = b"$'".to_vec();
    for byte in text {
        match byte {
            b'\n' => out.extend(b"\\n"),
            b'\t' => out.extend(b"\\t"),
            b'\r' => out.extend(b"\\r"),
            0x07 => out.extend(b"\\a"),
            0x08 => out.extend(b"\\b"),
            0x0b => out.extend(b"\\v"),
            0x0c => out.extend(b"\\f"),
            0x1b => out.extend(b"\\E"),
            b'\\' | b'\'' => out.extend([b'\\', *byte]),
            0..=0x1f | 0x7f => out.extend(format!("\\{byte:03o}").into_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'\'');
    out
}

/// The characters of a text; bytes that are no UTF-8 are one each.
pub(super) fn characters(text: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid();
        all.extend(valid.char_indices().map(|(at, c)| &valid.as_bytes()[at..at + c.len_utf8()]));
        all.extend(chunk.invalid().iter().map(std::slice::from_ref));
    }
    all
}
