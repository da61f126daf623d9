//! The line discipline a login prompt sits behind: echo, erase, kill, and the line that comes out.

/// What a typed byte did.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// It became part of the line, or changed it.
    Edited,
    /// It did not fit any more.
    Full,
    /// It ended the line, which is this.
    Line(Vec<u8>),
    /// Ctrl-C, Ctrl-\ or Ctrl-D on an empty line: the login program ends.
    Ended,
}

/// A line being typed.
#[derive(Debug, Default)]
pub struct Line {
    bytes: Vec<u8>,
    full: bool,
    after_cr: bool,
}

impl Line {
    /// What was typed of a line not ended yet.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the last byte was a CR, so that an LF or NUL after it still belongs to the line's end.
    pub fn is_after_cr(&self) -> bool {
        self.after_cr
    }

    /// Takes one byte as a terminal in canonical mode does; what is echoed goes to `echo`.
    pub fn push(&mut self, byte: u8, line_bytes_max: usize, echo: &mut Vec<u8>) -> Typed {
        // RFC 854 has CR LF and CR NUL for the line end, so what follows CR is part of it.
        if std::mem::take(&mut self.after_cr) && matches!(byte, b'\n' | 0) {
            return Typed::Edited;
        }
        match byte {
            b'\r' | b'\n' => {
                self.after_cr = byte == b'\r';
                self.full = false;
                echo.extend(b"\r\n");
                return Typed::Line(std::mem::take(&mut self.bytes));
            }
            0x08 | 0x7f => {
                if self.bytes.pop().is_some() {
                    echo.extend(b"\x08 \x08");
                }
            }
            0x15 => {
                for _ in 0..self.bytes.len() {
                    echo.extend(b"\x08 \x08");
                }
                self.bytes.clear();
            }
            0x03 | 0x1c => return Typed::Ended,
            0x04 if self.bytes.is_empty() => return Typed::Ended,
            0x04 => {}
            _ if self.bytes.len() >= line_bytes_max => {
                // The terminal driver drops what does not fit, silently; only the first time is worth an event.
                return if std::mem::replace(&mut self.full, true) { Typed::Edited } else { Typed::Full };
            }
            _ => {
                self.bytes.push(byte);
                match byte {
                    0..0x20 if byte != b'\t' => echo.extend([b'^', byte + 0x40]),
                    _ => echo.push(byte),
                }
            }
        }
        Typed::Edited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (mut line, mut echo, mut lines) = (Line::default(), Vec::new(), Vec::new());
        for &byte in bytes {
            if let Typed::Line(done) = line.push(byte, 8, &mut echo) {
                lines.push(done);
            }
        }
        (lines, echo)
    }

    #[test]
    fn every_line_end_ends_one_line() {
        let (lines, _) = typed(b"a\r\nb\r\0c\nd\re\r\n\r\n");
        let expected: [&[u8]; 6] = [b"a", b"b", b"c", b"d", b"e", b""];
        assert_eq!(lines, expected);
    }

    #[test]
    fn erase_and_kill_work_and_show() {
        assert_eq!(typed(b"rx\x7foot\r"), (vec![b"root".to_vec()], b"rx\x08 \x08oot\r\n".to_vec()));
        assert_eq!(typed(b"ab\x15c\r"), (vec![b"c".to_vec()], b"ab\x08 \x08\x08 \x08c\r\n".to_vec()));
    }

    #[test]
    fn what_does_not_fit_is_dropped() {
        let (mut line, mut echo) = (Line::default(), Vec::new());
        let results: Vec<Typed> = b"0123456789".iter().map(|&b| line.push(b, 8, &mut echo)).collect();
        assert_eq!(results.iter().filter(|r| **r == Typed::Full).count(), 1);
        assert_eq!(line.push(b'\n', 8, &mut echo), Typed::Line(b"01234567".to_vec()));
    }
}
