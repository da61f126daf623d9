//! One pattern: an operator, a text and a case rule, compiled.

use crate::literal;
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Bytes of a pattern's text.
pub(crate) const PATTERN_BYTES_MAX: usize = 4096;
/// Bytes a compiled expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Bytes of an expression's cache of states while it runs.
const REGEX_CACHE_BYTES_MAX: usize = 1 << 20;
/// Groups inside one another in an expression.
const REGEX_NEST_MAX: u32 = 50;

/// How a pattern is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operator {
    /// The whole value is the pattern.
    Equals,
    /// The pattern occurs in the value.
    Contains,
    /// The whole value is the pattern, in which `*` stands for any bytes and `?` for any one byte; `\*`, `\?` and `\\` for themselves.
    Wildcard,
    /// The expression (Rust `regex` syntax, on bytes, ASCII classes) matches somewhere in the value.
    Regex,
}

impl Operator {
    /// The operator by its name in the catalog.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "EQUALS" => Some(Operator::Equals),
            "CONTAINS" => Some(Operator::Contains),
            "WILDCARD" => Some(Operator::Wildcard),
            "REGEX" => Some(Operator::Regex),
            _ => None,
        }
    }
}

/// Whether upper and lower case differ. Insensitive folds ASCII letters only: attackers' bytes have no other alphabet to rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Case {
    /// They differ. The default.
    #[default]
    Sensitive,
    /// They do not.
    Insensitive,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) operator: Operator,
    pub(crate) case: Case,
    /// The text; of an insensitive EQUALS or CONTAINS in lower case.
    pub(crate) text: Box<[u8]>,
    /// Of a WILDCARD or REGEX.
    regex: Option<Regex>,
    /// In lower case: one of them occurs, in any case, in every value that matches; `None` when every value must be verified.
    pub(crate) literals: Option<Vec<Vec<u8>>>,
}

impl Pattern {
    /// Compiles; the error says what is wrong with the text.
    pub(crate) fn compile(operator: Operator, case: Case, text: &str) -> Result<Pattern, String> {
        if text.is_empty() {
            return Err("is empty: it would match every value".to_owned());
        }
        if text.len() > PATTERN_BYTES_MAX {
            return Err(format!("has {} bytes; at most {PATTERN_BYTES_MAX} are allowed", text.len()));
        }
        match operator {
            Operator::Equals | Operator::Contains => {
                let lower = text.as_bytes().to_ascii_lowercase();
                let text = if case == Case::Insensitive { lower.clone() } else { text.as_bytes().to_vec() };
                Ok(Pattern { operator, case, text: text.into(), regex: None, literals: Some(vec![lower]) })
            }
            Operator::Wildcard => Self::expression(operator, case, text, &wildcard_expression(text)?),
            Operator::Regex => Self::expression(operator, case, text, text),
        }
    }

    fn expression(operator: Operator, case: Case, text: &str, expression: &str) -> Result<Pattern, String> {
        let regex = RegexBuilder::new(expression)
            .unicode(false)
            .case_insensitive(case == Case::Insensitive)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_CACHE_BYTES_MAX)
            .nest_limit(REGEX_NEST_MAX)
            .build()
            .map_err(|error| error.to_string())?;
        if regex.is_match(b"") {
            return Err("matches the empty value, and so every value".to_owned());
        }
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).nest_limit(REGEX_NEST_MAX).build().parse(expression);
        let literals = hir.ok().and_then(|hir| literal::required(&hir));
        Ok(Pattern { operator, case, text: text.as_bytes().into(), regex: Some(regex), literals })
    }

    /// Whether the pattern holds for a value by itself; the matcher gives the same answer for all patterns at once.
    pub(crate) fn holds(&self, value: &[u8]) -> bool {
        match (&self.regex, self.operator, self.case) {
            (Some(regex), _, _) => regex.is_match(value),
            (None, Operator::Equals, Case::Sensitive) => *self.text == *value,
            (None, Operator::Equals, Case::Insensitive) => self.text.eq_ignore_ascii_case(value),
            (None, _, Case::Sensitive) => memchr::memmem::find(value, &self.text).is_some(),
            (None, _, Case::Insensitive) => value.windows(self.text.len()).any(|window| window.eq_ignore_ascii_case(&self.text)),
        }
    }
}

/// A wildcard as an expression over the whole value.
fn wildcard_expression(text: &str) -> Result<String, String> {
    let mut out = String::from(r"(?s)\A");
    let mut literal = String::new();
    let mut characters = text.chars();
    let flush = |literal: &mut String, out: &mut String| {
        let _ = write!(out, "{}", regex::escape(literal)); // writing to a string cannot fail
        literal.clear();
    };
    while let Some(character) = characters.next() {
        match character {
            '*' | '?' => {
                flush(&mut literal, &mut out);
                out.push_str(if character == '*' { ".*" } else { "." });
            }
            '\\' => match characters.next() {
                Some(escaped @ ('*' | '?' | '\\')) => literal.push(escaped),
                _ => return Err(r"has a `\` that is not followed by `*`, `?` or `\`".to_owned()),
            },
            other => literal.push(other),
        }
    }
    flush(&mut literal, &mut out);
    out.push_str(r"\z");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_hold_as_documented() {
        use Case::{Insensitive, Sensitive};
        use Operator::{Contains, Equals, Regex, Wildcard};
        let cases = [
            (Equals, Sensitive, "ab", "ab", true),
            (Equals, Sensitive, "ab", "Ab", false),
            (Equals, Insensitive, "aB", "Ab", true),
            (Equals, Sensitive, "ab", "abc", false),
            (Contains, Sensitive, "b", "abc", true),
            (Contains, Sensitive, "B", "abc", false),
            (Contains, Insensitive, "B", "abc", true),
            (Contains, Insensitive, "abcd", "abc", false),
            (Wildcard, Sensitive, "a*c", "a\nbc", true),
            (Wildcard, Sensitive, "a*c", "abcd", false),
            (Wildcard, Sensitive, "a?c", "abc", true),
            (Wildcard, Sensitive, "a?c", "ac", false),
            (Wildcard, Sensitive, r"a\*c.", "a*c.", true),
            (Wildcard, Sensitive, r"a\*c.", "abc.", false),
            (Wildcard, Insensitive, "A*C", "abc", true),
            (Regex, Sensitive, "^b", "abc", false),
            (Regex, Sensitive, "B", "abc", false),
            (Regex, Insensitive, "B", "abc", true),
            (Regex, Sensitive, r"\x7fELF", "\u{7f}ELF", true),
        ];
        for (operator, case, pattern, value, want) in cases {
            let compiled = Pattern::compile(operator, case, pattern).unwrap();
            assert_eq!(compiled.holds(value.as_bytes()), want, "{operator:?} {case:?} {pattern} on {value}");
        }
    }

    #[test]
    fn useless_and_dangerous_patterns_are_refused() {
        for (operator, pattern) in [
            (Operator::Contains, ""),
            (Operator::Wildcard, "*"),
            (Operator::Wildcard, r"a\b"),
            (Operator::Regex, "a*"),
            (Operator::Regex, "("),
            (Operator::Regex, r"(?:a{1000}){1000}"),
        ] {
            assert!(Pattern::compile(operator, Case::Sensitive, pattern).is_err(), "{pattern}");
        }
        assert!(Pattern::compile(Operator::Contains, Case::Sensitive, &"x".repeat(PATTERN_BYTES_MAX + 1)).is_err());
    }
}
