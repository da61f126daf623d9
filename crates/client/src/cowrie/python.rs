//! Python's text for bytes.

use std::borrow::Cow;

/// The bytes of a bytes literal as `repr()` writes it (`b'GET /\r\n\x00'`); anything else is returned as it is.
pub(super) fn bytes(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match literal(&text) {
        Some(bytes) => Cow::Owned(bytes),
        None => text,
    }
}

fn literal(text: &[u8]) -> Option<Vec<u8>> {
    let (quote, inner) = match text {
        [b'b', quote @ (b'\'' | b'"'), inner @ .., end] if quote == end => (*quote, inner),
        _ => return None,
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        rest = match rest {
            [] => return Some(out),
            [b'\\', b'x', high, low, after @ ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                out.push((digit(high)? * 16 + digit(low)?) as u8);
                after
            }
            [b'\\', escaped, after @ ..] => {
                out.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'\\' | b'\'' | b'"' => *escaped,
                    _ => return None,
                });
                after
            }
            // A quote of its own kind would have ended the literal: this is not one.
            [byte, after @ ..] if *byte != quote && *byte != b'\\' && byte.is_ascii() => {
                out.push(*byte);
                after
            }
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_are_undone_and_nothing_else() {
        for (text, bytes) in [
            (r"b'GET / HTTP/1.1\r\n\x00\xff'", &b"GET / HTTP/1.1\r\n\x00\xff"[..]),
            (r#"b"it's""#, b"it's"),
            (r"b'both \' and \\'", br"both ' and \"),
            ("b''", b""),
        ] {
            assert_eq!(literal(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
        for text in ["", "b", "b'", "GET /", r"b'\q'", r"b'\x0'", "b'a'b'", "b'a\"", "b'é'"] {
            assert_eq!(literal(text.as_bytes()), None, "{text}");
            assert_eq!(super::bytes(text.as_bytes().into()), text.as_bytes());
        }
    }

    proptest! {
        /// `escape_ascii` writes what `repr` writes, but for escaping both quotes.
        #[test]
        fn every_literal_is_undone(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = format!("b'{}'", bytes.escape_ascii());
            prop_assert_eq!(literal(text.as_bytes()), Some(bytes));
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = literal(&bytes);
        }
    }
}
