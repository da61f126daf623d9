//! The line discipline: Linux's N_TTY as far as programs and clients can tell.

use crate::task::signal;
use std::collections::VecDeque;

/// The longest line in canonical mode, in bytes; what is typed beyond it is lost, as in N_TTY (termios(3)).
const LINE_BYTES_MAX: usize = 4095;

/// What of termios(3) matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// `ICANON` and `ICRNL`: input comes in edited lines.
    pub canonical: bool,
    /// `ECHO`.
    pub echo: bool,
    /// `ISIG`: Ctrl-C, Ctrl-\ and Ctrl-Z are signals.
    pub signals: bool,
    /// `OPOST` and `ONLCR`: a newline is printed as CR LF.
    pub output: bool,
}

impl Default for Mode {
    fn default() -> Mode {
        Mode { canonical: true, echo: true, signals: true, output: true }
    }
}

impl Mode {
    /// As a line editor sets it: every byte as typed; newlines are still mapped on output.
    pub const EDITOR: Mode = Mode { canonical: false, echo: false, signals: false, output: true };
}

/// What a step of the discipline causes outside it.
#[derive(Default)]
pub(super) struct Effect {
    /// To be printed.
    pub echo: Vec<u8>,
    /// To be sent to the foreground process group.
    pub signals: Vec<u8>,
}

/// Input on its way from the client to a reader.
#[derive(Default)]
pub(super) struct Discipline {
    mode: Mode,
    /// Bytes as typed: all of them in raw mode; in canonical mode what arrived before the mode was set, edited only when somebody reads.
    raw: VecDeque<u8>,
    /// The line being edited.
    line: Vec<u8>,
    /// Lines to be read; an empty one is an end of file.
    lines: VecDeque<Vec<u8>>,
}

const INTR: u8 = 0x03;
const EOF: u8 = 0x04;
const KILL: u8 = 0x15;
const WERASE: u8 = 0x17;
const SUSP: u8 = 0x1a;
const QUIT: u8 = 0x1c;

impl Discipline {
    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn set_mode(&mut self, mode: Mode) {
        if self.mode.canonical && !mode.canonical {
            let typed: Vec<u8> = self.lines.drain(..).flatten().chain(std::mem::take(&mut self.line)).collect();
            for byte in typed.into_iter().rev() {
                self.raw.push_front(byte);
            }
        }
        self.mode = mode;
    }

    pub fn held_bytes(&self) -> usize {
        self.raw.len() + self.line.len() + self.lines.iter().map(|line| line.len() + 1).sum::<usize>()
    }

    pub fn has_input(&self) -> bool {
        !self.raw.is_empty() || !self.lines.is_empty()
    }

    /// Bytes arrive from the client.
    pub fn typed(&mut self, bytes: &[u8], effect: &mut Effect) {
        if !self.mode.canonical || !self.raw.is_empty() {
            let mut rest = bytes;
            if self.mode.signals
                && let Some(at) = memchr::memrchr(INTR, bytes)
            {
                self.raw.clear();
                self.edit(INTR, effect);
                rest = &bytes[at + 1..];
            }
            self.raw.extend(rest);
            return;
        }
        for byte in bytes {
            self.edit(*byte, effect);
        }
    }

    /// What a reader gets: `None` while there is nothing, an empty vector at the end of file.
    pub fn read(&mut self, bytes_max: usize, until: Option<u8>, effect: &mut Effect) -> Option<Vec<u8>> {
        if !self.mode.canonical {
            if self.raw.is_empty() {
                return None;
            }
            let mut count = bytes_max.min(self.raw.len());
            if let Some(end) = until.and_then(|byte| self.raw.iter().take(count).position(|b| *b == byte)) {
                count = end + 1;
            }
            return Some(self.raw.drain(..count).collect());
        }
        while self.lines.is_empty() {
            let byte = self.raw.pop_front()?;
            self.edit(byte, effect);
        }
        let line = self.lines.front_mut()?;
        let mut count = bytes_max.min(line.len());
        if let Some(end) = until.and_then(|byte| memchr::memchr(byte, &line[..count])) {
            count = end + 1;
        }
        let rest = line.split_off(count);
        let taken = std::mem::replace(line, rest);
        if line.is_empty() {
            self.lines.pop_front();
        }
        Some(taken)
    }

    /// One byte in canonical mode.
    fn edit(&mut self, byte: u8, effect: &mut Effect) {
        let signal = match byte {
            INTR => Some(signal::INT),
            QUIT => Some(signal::QUIT),
            SUSP => Some(signal::TSTP),
            _ => None,
        };
        if let Some(signal) = signal.filter(|_| self.mode.signals) {
            self.line.clear();
            self.lines.clear();
            effect.signals.push(signal);
            if self.mode.echo {
                effect.echo.extend([b'^', byte + 0x40]);
            }
            return;
        }
        match byte {
            b'\r' | b'\n' => {
                self.line.push(b'\n');
                self.lines.push_back(std::mem::take(&mut self.line));
                if self.mode.echo {
                    effect.echo.extend(b"\r\n");
                }
            }
            EOF => self.lines.push_back(std::mem::take(&mut self.line)),
            0x7f | 0x08 => self.erase(1, effect),
            KILL => self.erase(self.line.len(), effect),
            WERASE => {
                let blank = |byte: &u8| byte.is_ascii_whitespace();
                let word_end = self.line.iter().rposition(|b| !blank(b)).map_or(0, |at| at + 1);
                let word = self.line[..word_end].iter().rposition(blank).map_or(0, |at| at + 1);
                self.erase(self.line.len() - word, effect);
            }
            _ if self.line.len() >= LINE_BYTES_MAX => effect.echo.push(0x07),
            _ => {
                self.line.push(byte);
                if self.mode.echo {
                    match byte {
                        0..=0x1f if byte != b'\t' => effect.echo.extend([b'^', byte + 0x40]),
                        _ => effect.echo.push(byte),
                    }
                }
            }
        }
    }

    fn erase(&mut self, count: usize, effect: &mut Effect) {
        for _ in 0..count {
            // One character is erased: continuation bytes of UTF-8 take no column of their own.
            while self.line.last().is_some_and(|b| b & 0xc0 == 0x80) && self.line.len() > 1 {
                self.line.pop();
            }
            let Some(byte) = self.line.pop() else { return };
            if self.mode.echo {
                let columns = if byte < 0x20 && byte != b'\t' { 2 } else { 1 };
                for _ in 0..columns {
                    effect.echo.extend(b"\x08 \x08");
                }
            }
        }
    }
}

/// `ONLCR`.
pub(super) fn with_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    for byte in bytes {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types, then reads everything that can be read; `$` marks an end of file.
    fn typed(mode: Mode, input: &[u8]) -> (String, String, Vec<u8>) {
        let mut discipline = Discipline::default();
        discipline.set_mode(mode);
        let mut effect = Effect::default();
        discipline.typed(input, &mut effect);
        let mut read = Vec::new();
        while let Some(bytes) = discipline.read(1024, None, &mut effect) {
            if bytes.is_empty() {
                read.push(b'$');
            }
            read.extend(bytes);
        }
        (String::from_utf8_lossy(&read).into_owned(), effect.echo.escape_ascii().to_string(), effect.signals)
    }

    #[test]
    fn lines_are_edited_and_echoed() {
        let cases: [(&[u8], &str, &str, &[u8]); 8] = [
            (b"hello\r", "hello\n", "hello\\r\\n", &[]),
            (b"helxx\x7f\x7flo\n", "hello\n", "helxx\\x08 \\x08\\x08 \\x08lo\\r\\n", &[]),
            (b"one two\x17x\n", "one x\n", "one two\\x08 \\x08\\x08 \\x08\\x08 \\x08x\\r\\n", &[]),
            (b"ab\x15c\n", "c\n", "ab\\x08 \\x08\\x08 \\x08c\\r\\n", &[]),
            (b"part\x04", "part", "part", &[]),
            (b"\x04", "$", "", &[]),
            (b"junk\x03ok\n", "ok\n", "junk^Cok\\r\\n", &[signal::INT]),
            (b"a\x1a", "", "a^Z", &[signal::TSTP]),
        ];
        for (input, read, echo, signals) in cases {
            let expected = (read.to_owned(), echo.to_owned(), signals.to_vec());
            assert_eq!(typed(Mode::default(), input), expected, "{}", input.escape_ascii());
        }
    }

    #[test]
    fn a_line_that_never_ends_is_bounded() {
        let mut discipline = Discipline::default();
        let mut effect = Effect::default();
        for _ in 0..1000 {
            discipline.typed(&[b'a'; 1000], &mut effect);
        }
        assert_eq!(discipline.held_bytes(), LINE_BYTES_MAX);
    }

    #[test]
    fn what_was_typed_ahead_waits_for_the_next_reader() {
        let mut discipline = Discipline::default();
        let mut effect = Effect::default();
        discipline.set_mode(Mode::EDITOR);
        discipline.typed(b"cat\rtext\r\x04exit\r", &mut effect);
        assert_eq!(discipline.read(100, Some(b'\r'), &mut effect).as_deref(), Some(&b"cat\r"[..]));
        discipline.set_mode(Mode::default());
        assert_eq!(discipline.read(100, None, &mut effect).as_deref(), Some(&b"text\n"[..]));
        assert_eq!(discipline.read(100, None, &mut effect).as_deref(), Some(&b""[..]));
        discipline.set_mode(Mode::EDITOR);
        assert_eq!(discipline.read(100, None, &mut effect).as_deref(), Some(&b"exit\r"[..]));
    }
}
