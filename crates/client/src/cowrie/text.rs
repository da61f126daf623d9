//! Values of a log line, as bytes and numbers.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// A JSON string as the bytes that were logged: borrowed from the line when it has no escapes. A lone low surrogate U+DC80 to U+DCFF, Python's
/// `surrogateescape` (PEP 383), is the byte it stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(pub Cow<'a, [u8]>);

impl Text<'_> {
    /// For our own words (identifiers, addresses, times) only.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes, because as a string a lone surrogate would be refused.
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(bytes)))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(unescape_surrogates(bytes))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Text<'de>, A::Error> {
        Err(A::Error::custom("a list where a string is expected"))
    }
}

/// U+DC80 to U+DCFF are `ED B2 80` to `ED B3 BF` in the generalized UTF-8 that the parser gives.
fn unescape_surrogates(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        match rest {
            [0xed, high @ 0xb2..=0xb3, low @ 0x80..=0xbf, behind @ ..] => {
                out.push(0x80 | ((high & 1) << 6) | (low & 0x3f));
                rest = behind;
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

/// A number, or the text of one: Cowrie has logged durations both ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
        Ok(Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Number, E> {
        value.trim().parse().map(Number).map_err(E::custom)
    }
}

impl Number {
    /// As a whole number; what does not fit becomes the nearest that does.
    pub fn whole(self) -> u64 {
        self.0 as u64
    }

    /// As a port; `None` when it is none.
    pub fn port(self) -> Option<u16> {
        let whole = self.0 as u16;
        (f64::from(whole) == self.0).then_some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_the_bytes_that_were_logged() {
        for (json, bytes) in [
            (r#""plain""#, &b"plain"[..]),
            ("\"gr\u{fc}n\"", "gr\u{fc}n".as_bytes()),
            (r#""tab\t\u00e9""#, "tab\té".as_bytes()),
            (r#""\udcff\udc80x\udcbf\udcc0""#, &[0xff, 0x80, b'x', 0xbf, 0xc0]),
            (r#""\ud83d\ude00""#, "😀".as_bytes()),
            (r#""""#, b""),
        ] {
            assert_eq!(serde_json::from_str::<Text>(json).unwrap().0, bytes, "{json}");
        }
        for json in ["1", "[1]", "{}", "true"] {
            assert!(serde_json::from_str::<Text>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn numbers_come_in_two_forms() {
        for (json, whole, port) in
            [("22", 22, Some(22)), ("\"7.8\"", 7, None), ("65536", 65536, None), ("-1", 0, None), ("1e300", u64::MAX, None)]
        {
            let number: Number = serde_json::from_str(json).unwrap();
            assert_eq!((number.whole(), number.port()), (whole, port), "{json}");
        }
        assert!(serde_json::from_str::<Number>("\"soon\"").is_err());
    }
}
