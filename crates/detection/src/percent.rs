//! Percent-decoding of what attackers put in URLs.

use std::borrow::Cow;

/// `%XX` replaced by its byte (RFC 3986 section 2.1), everything else kept, broken escapes too. Borrowed when there is nothing to decode.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = match (byte, tail) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        match escape {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    if out == bytes { Cow::Borrowed(bytes) } else { Cow::Owned(out) }
}

/// The value of one hexadecimal digit.
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_are_decoded_and_broken_ones_kept() {
        for (text, want) in [
            ("/a/b", "/a/b"),
            ("/%2e%2E/%2fetc", "/..//etc"),
            ("%252e", "%2e"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%+1", "%+1"),
            ("", ""),
        ] {
            assert_eq!(decode(text.as_bytes()).as_ref(), want.as_bytes(), "{text}");
        }
        assert_eq!(decode(b"%ff").as_ref(), b"\xff");
    }
}
