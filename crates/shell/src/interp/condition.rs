//! `[[ … ]]`, and the file tests that `[` shares with it.

use super::expand::Quoting;
use super::fields::Fields;
use super::{Flow, Ran, Shell, Value};
use crate::depth::Roomy;
use crate::fs::Kind;
use crate::parse::ast::Condition;
use crate::session::BoxFuture;
use std::collections::BTreeMap;

/// What a compiled regular expression may take, in bytes.
const REGEX_BYTES_MAX: usize = 256 * 1024;

impl Shell {
    pub(super) fn run_condition<'a>(&'a mut self, condition: &'a Condition) -> BoxFuture<'a, Ran> {
        Roomy::boxed(async move {
            Ok(match condition {
                Condition::Not(inner) => match self.run_condition(inner).await? {
                    0 => 1,
                    1 => 0,
                    other => other,
                },
                Condition::And(left, right) => match self.run_condition(left).await? {
                    0 => self.run_condition(right).await?,
                    other => other,
                },
                Condition::Or(left, right) => match self.run_condition(left).await? {
                    0 => 0,
                    _ => self.run_condition(right).await?,
                },
                Condition::Word(word) => u8::from(self.expand_word(word).await?.is_empty()),
                Condition::Unary(letter, word) => {
                    let operand = self.expand_word(word).await?;
                    u8::from(!self.test_unary(*letter, &operand))
                }
                Condition::Binary(operator, left, right) => {
                    let left = self.expand_word(left).await?;
                    match &operator[..] {
                        b"=~" => {
                            let expression = self.expand_regex(&right.0).await?;
                            return self.match_regex(&left, &expression).await;
                        }
                        b"=" | b"==" | b"!=" => {
                            let pattern = self.expand_field(right).await?.pattern(true);
                            let folds = self.options.shopt("nocasematch") == Some(true);
                            let fits = if folds { pattern.matches(&left.to_ascii_lowercase()) } else { pattern.matches(&left) };
                            u8::from(fits == (operator == b"!="))
                        }
                        b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" => {
                            let right = self.expand_word(right).await?;
                            let a = self.arithmetic(&left, Some("[[")).await?;
                            let b = self.arithmetic(&right, Some("[[")).await?;
                            u8::from(!compare(operator, a, b))
                        }
                        _ => {
                            let right = self.expand_word(right).await?;
                            u8::from(!self.test_binary_text(operator, &left, &right))
                        }
                    }
                }
            })
        })
    }

    /// The right side of `=~`: what is quoted stands for itself.
    async fn expand_regex(&mut self, parts: &[crate::parse::ast::Part]) -> Result<Vec<u8>, Flow> {
        let mut fields = Fields::default();
        self.expand_parts(parts, Quoting::None, true, &mut fields).await?;
        let field = fields.join(b" ");
        let mut expression = Vec::new();
        for (n, byte) in field.text.iter().enumerate() {
            if field.quoted.get(n).copied().unwrap_or(false) && byte.is_ascii_punctuation() {
                expression.push(b'\\');
            }
            expression.push(*byte);
        }
        Ok(expression)
    }

    async fn match_regex(&mut self, text: &[u8], expression: &[u8]) -> Ran {
        self.process.charge(20 + text.len() as u64 / 64).await?;
        let Ok(expression) = std::str::from_utf8(expression) else { return Ok(2) };
        let regex = regex::bytes::RegexBuilder::new(expression)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .nest_limit(50)
            .unicode(false)
            .case_insensitive(self.options.shopt("nocasematch") == Some(true))
            .build();
        let Ok(regex) = regex else { return Ok(2) };
        let groups: BTreeMap<i64, Vec<u8>> = match regex.captures(text) {
            Some(captures) => {
                captures.iter().enumerate().map(|(n, m)| (n as i64, m.map_or_else(Vec::new, |m| m.as_bytes().to_vec()))).collect()
            }
            None => BTreeMap::new(),
        };
        let matched = !groups.is_empty();
        let changed = self.variables.change(b"BASH_REMATCH", text.len() * 2, |variable| variable.value = Value::Indexed(groups));
        self.assigned(b"BASH_REMATCH", changed).await?;
        Ok(u8::from(!matched))
    }

    /// A test of one operand, by the letter of its operator.
    pub(crate) fn test_unary(&self, letter: u8, operand: &[u8]) -> bool {
        let files = self.process.files();
        match letter {
            b'n' => return !operand.is_empty(),
            b'z' => return operand.is_empty(),
            b'v' => {
                return match operand.iter().position(|b| *b == b'[').filter(|_| operand.ends_with(b"]")) {
                    Some(open) => {
                        let key = operand[open + 1..operand.len() - 1].to_vec();
                        self.keys(&operand[..open]).contains(&key)
                    }
                    None => self.lookup(operand).is_some(),
                };
            }
            b'o' => return std::str::from_utf8(operand).is_ok_and(|name| self.options.on(name)),
            b'R' => return self.variables.get(operand).is_some_and(|v| v.reference),
            b't' => {
                let number = std::str::from_utf8(operand).ok().and_then(|t| t.parse().ok());
                return number.is_some_and(|n| self.process.is_terminal(n));
            }
            b'r' => return files.access(operand, 4).is_ok(),
            b'w' => return files.access(operand, 2).is_ok(),
            b'x' => return files.access(operand, 1).is_ok(),
            _ => {}
        }
        let follows = !matches!(letter, b'h' | b'L');
        let Ok(metadata) = (if follows { files.stat(operand) } else { files.lstat(operand) }) else { return false };
        let who = &self.process.credentials;
        match letter {
            b'e' | b'a' => true,
            b'f' => metadata.kind == Kind::File,
            b'd' => metadata.kind == Kind::Directory,
            b'h' | b'L' => metadata.kind == Kind::Symlink,
            b'b' => metadata.kind == Kind::BlockDevice,
            b'c' => metadata.kind == Kind::CharacterDevice,
            b'p' => metadata.kind == Kind::Fifo,
            b'S' => metadata.kind == Kind::Socket,
            b's' => metadata.size > 0,
            b'g' => metadata.mode & 0o2000 != 0,
            b'u' => metadata.mode & 0o4000 != 0,
            b'k' => metadata.mode & 0o1000 != 0,
            b'O' => metadata.uid == who.uid,
            b'G' => metadata.gid == who.gid,
            b'N' => metadata.modified > metadata.accessed,
            _ => false,
        }
    }

    /// A test of two operands that are texts or files.
    pub(crate) fn test_binary_text(&self, operator: &[u8], left: &[u8], right: &[u8]) -> bool {
        let files = self.process.files();
        let modified = |path: &[u8]| files.stat(path).ok().map(|m| m.modified);
        match operator {
            b"=" | b"==" => left == right,
            b"!=" => left != right,
            b"<" => left < right,
            b">" => left > right,
            b"-nt" => modified(left) > modified(right),
            b"-ot" => modified(left) < modified(right),
            b"-ef" => files.stat(left).is_ok() && files.real_path(left) == files.real_path(right),
            _ => false,
        }
    }
}

/// A comparison of two numbers, by its operator.
pub(crate) fn compare(operator: &[u8], a: i64, b: i64) -> bool {
    match operator {
        b"-eq" => a == b,
        b"-ne" => a != b,
        b"-lt" => a < b,
        b"-le" => a <= b,
        b"-gt" => a > b,
        _ => a >= b,
    }
}
