//! Attackers' bytes on a defender's terminal.

use std::fmt::Write;

/// Bytes as text that cannot move a cursor, change a title or hide itself: printable characters stay, everything else is escaped.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == ' ' || (!c.is_control() && !c.is_whitespace() && !is_deceptive(c)) {
                out.push(c);
            } else {
                out.extend(c.escape_default());
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Characters that reorder or hide text (Unicode Annex 9 controls, zero-width characters, the byte order mark).
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        let cases: [(&[u8], &str); 5] = [
            (b"uname -a", "uname -a"),
            (b"\x1b]0;owned\x07", "\\u{1b}]0;owned\\u{7}"),
            (b"a\xff\x9bb", "a\\xff\\x9bb"),
            ("grün \u{202e}txt.exe".as_bytes(), "grün \\u{202e}txt.exe"),
            (b"one\r\ntwo", "one\\r\\ntwo"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(printable(bytes), expected);
        }
    }
}
