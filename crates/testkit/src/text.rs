//! Bytes as readable text, and back.

use std::fmt::Write;

/// Printable ASCII as it is; `\\`, `\r`, `\n`, `\t` and `\xNN` for the rest, and for a final space, which editors like to drop.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b' ' if at + 1 == bytes.len() => text.push_str("\\x20"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text
}

/// The bytes of an escaped text; an error names the broken escape.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let (value, used) = match tail {
            [b'\\', ..] => (b'\\', 1),
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'x', high, low, ..] => {
                let digit = |d: u8| char::from(d).to_digit(16).ok_or_else(|| format!("broken escape in: {text}"));
                ((digit(*high)? * 16 + digit(*low)?) as u8, 3)
            }
            _ => return Err(format!("broken escape in: {text}")),
        };
        bytes.push(value);
        rest = &tail[used..];
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).chain([b' ']).collect();
        assert_eq!(unescape(&escape(&all)).unwrap(), all);
        assert!(unescape("a\\").is_err() && unescape("\\xg0").is_err() && unescape("\\q").is_err());
    }
}
