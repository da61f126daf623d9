//! Backslash escapes, of `$'…'`, `echo -e` and `printf`.

/// Which escapes are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// `$'…'`: `\nnn`, `\cx`, `\'`, `\"`, `\?`.
    Ansi,
    /// `echo -e` and `%b`: `\0nnn`, `\c` ends the output.
    Echo,
    /// A format of `printf`: `\nnn`.
    Printf,
}

/// The text of a `$'…'` without its quotes.
pub(crate) fn ansi(text: &[u8]) -> Vec<u8> {
    unescape(text, Escapes::Ansi).0
}

/// The text with its escapes replaced, and whether `\c` ended it.
pub(crate) fn unescape(text: &[u8], escapes: Escapes) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&kind, after)) = rest.split_first() else {
            out.push(b'\\');
            break;
        };
        rest = after;
        match kind {
            b'a' => out.push(0x07),
            b'b' => out.push(0x08),
            b'e' | b'E' => out.push(0x1b),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(0x0b),
            b'\\' => out.push(b'\\'),
            b'\'' | b'"' | b'?' if escapes == Escapes::Ansi => out.push(kind),
            b'"' if escapes == Escapes::Printf => out.push(kind),
            b'c' if escapes == Escapes::Echo => return (out, true),
            b'c' if escapes == Escapes::Ansi => match rest.split_first() {
                Some((control, after)) => {
                    out.push(control.to_ascii_uppercase() & 0x1f);
                    rest = after;
                }
                None => out.extend(b"\\c"),
            },
            b'0' if escapes == Escapes::Echo => out.push(number(&mut rest, 8, 3).unwrap_or(0) as u8),
            b'0'..=b'7' => {
                let mut digits = &text[text.len() - rest.len() - 1..];
                out.push(number(&mut digits, 8, 3).unwrap_or(0) as u8);
                rest = digits;
            }
            b'x' => match number(&mut rest, 16, 2) {
                Some(value) => out.push(value as u8),
                None => out.extend(b"\\x"),
            },
            b'u' | b'U' => match number(&mut rest, 16, if kind == b'u' { 4 } else { 8 }) {
                Some(value) => {
                    let text = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                    out.extend(text.encode_utf8(&mut [0; 4]).as_bytes());
                }
                None => out.extend([b'\\', kind]),
            },
            _ => out.extend([b'\\', kind]),
        }
    }
    (out, false)
}

/// Up to `digits_max` digits from the front.
fn number(rest: &mut &[u8], radix: u32, digits_max: usize) -> Option<u32> {
    let count = rest.iter().take(digits_max).take_while(|b| (**b as char).is_digit(radix)).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_bash_has_them() {
        let cases: [(&[u8], Escapes, &[u8], bool); 9] = [
            (br"a\nb\x41\101", Escapes::Ansi, b"a\nbAA", false),
            (br"\x7f\x45\x4c\x46", Escapes::Echo, b"\x7fELF", false),
            (br"\0101\101", Escapes::Echo, b"AA", false),
            (br"\u20ac", Escapes::Ansi, "€".as_bytes(), false),
            (br"\ca\'", Escapes::Ansi, b"\x01'", false),
            (br"ab\cd", Escapes::Echo, b"ab", true),
            (br"\q\", Escapes::Echo, br"\q\", false),
            (br"\xzz", Escapes::Printf, br"\xzz", false),
            (br"\777", Escapes::Printf, b"\xff", false),
        ];
        for (text, escapes, expected, ended) in cases {
            assert_eq!(unescape(text, escapes), (expected.to_vec(), ended), "{}", text.escape_ascii());
        }
    }
}
