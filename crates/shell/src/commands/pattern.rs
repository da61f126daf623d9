//! POSIX regular expressions (IEEE Std 1003.1, chapter 9), with GNU's extensions, as expressions of the `regex` crate.
//!
//! The crate matches in linear time, so that no pattern of an attacker's can hang us; what it cannot do, back-references, is refused.

use regex::bytes::{Regex, RegexBuilder};

/// Which of POSIX's two notations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Basic,
    Extended,
    /// `grep -F`: no notation at all.
    Fixed,
}

/// The memory one compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Why a pattern is none, in glibc's words.
pub(super) type Invalid = &'static str;

/// Compiles a pattern.
pub(super) fn compile(pattern: &[u8], syntax: Syntax, ignore_case: bool) -> Result<Regex, Invalid> {
    let text = translate(pattern, syntax)?;
    RegexBuilder::new(&text)
        .unicode(false)
        .case_insensitive(ignore_case)
        .multi_line(false)
        .dot_matches_new_line(true)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .nest_limit(100)
        .build()
        .map_err(|_| "Invalid regular expression")
}

/// The pattern in the crate's notation.
pub(super) fn translate(pattern: &[u8], syntax: Syntax) -> Result<String, Invalid> {
    let mut out = String::with_capacity(pattern.len() + 8);
    if syntax == Syntax::Fixed {
        pattern.iter().for_each(|byte| literal(*byte, &mut out));
        return Ok(out);
    }
    let extended = syntax == Syntax::Extended;
    let mut open = 0usize;
    // Where a repetition has nothing to repeat it is a literal (basic) or ignored.
    let mut start = true;
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        let escaped = byte == b'\\';
        let (byte, special) = if escaped {
            let Some(&next) = pattern.get(at) else { return Err("Trailing backslash") };
            at += 1;
            (next, !extended && matches!(next, b'(' | b')' | b'{' | b'}' | b'|' | b'+' | b'?'))
        } else {
            (
                byte,
                matches!(byte, b'.' | b'[' | b'*' | b'^' | b'$') || (extended && matches!(byte, b'(' | b')' | b'{' | b'|' | b'+' | b'?')),
            )
        };
        if escaped && !special {
            match byte {
                b'1'..=b'9' => return Err("Invalid back reference"),
                b'w' | b'W' | b's' | b'S' | b'b' | b'B' => out.extend(['\\', char::from(byte)]),
                b'<' => out.push_str(r"\b(?-u:\b)"),
                b'>' => out.push_str(r"\b"),
                b'`' => out.push_str(r"\A"),
                b'\'' => out.push_str(r"\z"),
                b'n' => out.push_str(r"\n"),
                b't' => out.push_str(r"\t"),
                other => literal(other, &mut out),
            }
            start = false;
            continue;
        }
        if !special {
            literal(byte, &mut out);
            start = false;
            continue;
        }
        match byte {
            b'[' => {
                at = bracket(pattern, at, &mut out)?;
                start = false;
            }
            b'.' => {
                out.push_str(r"[^\x00]");
                start = false;
            }
            b'(' => {
                out.push('(');
                open += 1;
                start = true;
            }
            b')' if open > 0 => {
                out.push(')');
                open -= 1;
                start = false;
            }
            b')' if extended => {
                out.push_str(r"\)");
                start = false;
            }
            b')' => return Err("Unmatched ) or \\)"),
            b'|' => {
                out.push('|');
                start = true;
            }
            b'^' if extended || start => out.push('^'),
            b'^' => out.push_str(r"\^"),
            b'$' => {
                let last = at == pattern.len() || (!extended && matches!(pattern.get(at..at + 2), Some(b"\\)" | b"\\|")));
                out.push_str(if extended || last { "$" } else { r"\$" });
                start = false;
            }
            b'*' | b'+' | b'?' if start => {
                if !extended {
                    literal(byte, &mut out);
                }
                start = false;
            }
            b'*' | b'+' | b'?' => {
                // `a**` repeats a repetition: the crate would read `*?` as lazy.
                if matches!(out.as_bytes().last(), Some(b'*' | b'+' | b'?'))
                    && !out.ends_with("\\*")
                    && !out.ends_with("\\+")
                    && !out.ends_with("\\?")
                {
                    continue;
                }
                out.push(char::from(byte));
            }
            b'{' => at = interval(pattern, at, extended, start, &mut out)?,
            other => literal(other, &mut out),
        }
    }
    if open > 0 { Err("Unmatched ( or \\(") } else { Ok(out) }
}

/// `{2,5}`, from after its brace to after its end.
fn interval(pattern: &[u8], from: usize, extended: bool, start: bool, out: &mut String) -> Result<usize, Invalid> {
    let end: &[u8] = if extended { b"}" } else { b"\\}" };
    let rest = &pattern[from..];
    let Some(length) = memchr::memmem::find(rest, end) else {
        if extended {
            out.push_str(r"\{");
            return Ok(from);
        }
        return Err("Unmatched \\{");
    };
    let inner = &rest[..length];
    let plausible =
        !inner.is_empty() && inner.iter().all(|b| b.is_ascii_digit() || *b == b',') && inner.iter().filter(|b| **b == b',').count() <= 1;
    if !plausible || start {
        if extended {
            out.push_str(r"\{");
            return Ok(from);
        }
        return Err("Invalid content of \\{\\}");
    }
    let text = String::from_utf8_lossy(inner);
    let (low, high) = text.split_once(',').map_or((&*text, None), |(low, high)| (low, Some(high)));
    let low = if low.is_empty() { "0" } else { low };
    let too_big = |number: &str| number.parse::<u32>().map_or(!number.is_empty(), |value| value > 32_767);
    if too_big(low) || high.is_some_and(too_big) {
        return Err("Regular expression too big");
    }
    match high {
        None => out.push_str(&format!("{{{low}}}")),
        Some(high) => out.push_str(&format!("{{{low},{high}}}")),
    }
    Ok(from + length + end.len())
}

/// A bracket expression, from after its `[` to after its `]`.
fn bracket(pattern: &[u8], mut at: usize, out: &mut String) -> Result<usize, Invalid> {
    const UNMATCHED: Invalid = "Unmatched [, [^, [:, [., or [=";
    // GNU grep says this of a bracket that is never closed.
    let unclosed = if memchr::memchr(b':', pattern).is_some() { UNMATCHED } else { "Invalid regular expression" };
    out.push('[');
    if pattern.get(at) == Some(&b'^') {
        out.push('^');
        at += 1;
    }
    let mut first = true;
    loop {
        let Some(&byte) = pattern.get(at) else { return Err(unclosed) };
        match byte {
            b']' if !first => {
                out.push(']');
                return Ok(at + 1);
            }
            b'[' if matches!(pattern.get(at + 1), Some(b':' | b'.' | b'=')) => {
                let kind = pattern[at + 1];
                let rest = &pattern[at + 2..];
                let Some(length) = memchr::memmem::find(rest, &[kind, b']']) else { return Err(UNMATCHED) };
                let name = &rest[..length];
                at += 2 + length + 2;
                if kind == b':' {
                    match name {
                        b"alpha" | b"digit" | b"alnum" | b"upper" | b"lower" | b"space" | b"punct" | b"print" | b"graph" | b"cntrl"
                        | b"xdigit" | b"blank" => {
                            out.push_str("[:");
                            out.push_str(&String::from_utf8_lossy(name));
                            out.push_str(":]");
                        }
                        _ => return Err("Invalid character class name"),
                    }
                } else {
                    name.iter().for_each(|byte| literal(*byte, out));
                }
            }
            b'-' if !first && pattern.get(at + 1).is_some_and(|next| *next != b']') => {
                at += 1;
                let &end = pattern.get(at).ok_or(unclosed)?;
                if pattern.get(at.wrapping_sub(2)).is_some_and(|low| *low > end) {
                    return Err("Invalid range end");
                }
                out.push('-');
                literal(end, out);
                at += 1;
            }
            other => {
                literal(other, out);
                at += 1;
            }
        }
        first = false;
    }
}

/// One byte that stands for itself.
fn literal(byte: u8, out: &mut String) {
    if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b' ' || byte == b'/' {
        out.push(char::from(byte));
    } else {
        out.push_str(&format!("\\x{byte:02x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_notations_match_as_posix_says() {
        for (syntax, pattern, yes, no) in [
            (Syntax::Basic, "a\\+b", "aab", "a+b"),
            (Syntax::Basic, "a+b", "a+b", "aab"),
            (Syntax::Basic, "\\(ab\\)\\{2\\}", "abab", "ab"),
            (Syntax::Basic, "*x", "*x", "ax"),
            (Syntax::Basic, "^[]x]$", "]", "y"),
            (Syntax::Basic, "a$b", "a$b", "ab"),
            (Syntax::Extended, "(a|b)+c", "abac", "c"),
            (Syntax::Extended, "[[:digit:]]{3}", "a123", "12"),
            (Syntax::Extended, "^[^:]*:x", "root:x", ":a:x"),
            (Syntax::Extended, "a.c", "a.c", "ac"),
            (Syntax::Fixed, "a.c", "a.c", "abc"),
            (Syntax::Basic, "[[]", "[", "]"),
            (Syntax::Basic, "[\\.]", "\\", "a"),
        ] {
            let regex = compile(pattern.as_bytes(), syntax, false).unwrap();
            assert!(regex.is_match(yes.as_bytes()), "{pattern} should match {yes}");
            assert!(!regex.is_match(no.as_bytes()), "{pattern} should not match {no}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (syntax, pattern, message) in [
            (Syntax::Basic, "[", "Invalid regular expression"),
            (Syntax::Basic, "\\(", "Unmatched ( or \\("),
            (Syntax::Extended, "(", "Unmatched ( or \\("),
            (Syntax::Basic, "a\\", "Trailing backslash"),
            (Syntax::Basic, "[[:foo:]]", "Invalid character class name"),
        ] {
            assert_eq!(compile(pattern.as_bytes(), syntax, false).err(), Some(message), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in prop::collection::vec(any::<u8>(), 0..40), basic in any::<bool>()) {
            let _ = compile(&pattern, if basic { Syntax::Basic } else { Syntax::Extended }, false);
        }

        #[test]
        fn what_is_translated_compiles(pattern in r"[a-c().*+?\[\]{}0-9,|^$\\-]{0,12}") {
            if let Ok(text) = translate(pattern.as_bytes(), Syntax::Extended) {
                // A repetition of an assertion or of nothing may still be refused; it must not be another language.
                let _ = regex::bytes::Regex::new(&text);
            }
        }
    }
}
