//! Line editing at the prompt, as far as readline's emacs keys are used by people.

use super::Terminal;
use std::future::poll_fn;

/// The longest line, in bytes; what is typed beyond it is not taken.
pub(crate) const LINE_BYTES_MAX: usize = 32 * 1024;

/// How reading a line ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Edited {
    Line(Vec<u8>),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D on an empty line.
    End,
    /// The client is gone.
    HungUp,
}

/// What is kept from line to line.
#[derive(Default)]
pub(crate) struct Editor {
    killed: Vec<u8>,
    overlong: bool,
}

/// What completes the word before the cursor: its length and whole words that it could be.
pub(crate) type Complete<'a> = dyn Fn(&[u8]) -> (usize, Vec<Vec<u8>>) + Send + Sync + 'a;

/// A line being edited.
struct Line<'a> {
    prompt: &'a [u8],
    text: Vec<u8>,
    cursor: usize,
    /// To be printed.
    out: Vec<u8>,
    /// Which line of history is shown; its length for the line being typed.
    shown: usize,
    typed: Vec<u8>,
}

impl Editor {
    /// Whether a line was cut since this was last asked.
    pub fn take_overlong(&mut self) -> bool {
        std::mem::take(&mut self.overlong)
    }

    /// Reads one line behind a prompt; the terminal is in [`super::Mode::EDITOR`].
    pub async fn read(&mut self, terminal: &Terminal, prompt: &[u8], history: &[Vec<u8>], complete: &Complete<'_>) -> Edited {
        let last = prompt.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let mut line = Line { prompt: last, text: Vec::new(), cursor: 0, out: prompt.to_vec(), shown: history.len(), typed: Vec::new() };
        let mut tabs = 0;
        loop {
            if !line.out.is_empty() && !terminal.has_input() && terminal.write(&std::mem::take(&mut line.out)).await.is_err() {
                return Edited::HungUp;
            }
            let Some(byte) = next(terminal).await else { return Edited::HungUp };
            tabs = if byte == b'\t' { tabs + 1 } else { 0 };
            match byte {
                b'\r' | b'\n' => {
                    line.end();
                    line.out.push(b'\n');
                    let _ = terminal.write(&line.out).await;
                    return Edited::Line(line.text);
                }
                0x03 => {
                    line.end();
                    line.out.extend(b"^C\n");
                    let _ = terminal.write(&line.out).await;
                    return Edited::Interrupt;
                }
                0x04 if line.text.is_empty() => {
                    let _ = terminal.write(&line.out).await;
                    return Edited::End;
                }
                0x04 => line.delete(),
                0x01 => line.home(),
                0x05 => line.end(),
                0x02 => line.left(),
                0x06 => line.right(),
                0x08 | 0x7f => {
                    if line.cursor > 0 {
                        line.left();
                        line.delete();
                    }
                }
                0x0b => self.killed = line.kill(line.cursor, line.text.len()),
                0x15 => self.killed = line.kill(0, line.cursor),
                0x17 => {
                    let start = line.word_start(|b| !b.is_ascii_whitespace());
                    self.killed = line.kill(start, line.cursor);
                }
                0x19 => {
                    let killed = self.killed.clone();
                    self.insert(&mut line, &killed);
                }
                0x0c => {
                    line.out.extend(b"\x1b[H\x1b[2J");
                    line.redraw();
                }
                0x10 => line.recall(history, -1),
                0x0e => line.recall(history, 1),
                b'\t' => self.complete(&mut line, tabs, complete),
                0x1b => match escape(terminal).await {
                    None => return Edited::HungUp,
                    Some(Key::Up) => line.recall(history, -1),
                    Some(Key::Down) => line.recall(history, 1),
                    Some(Key::Left) => line.left(),
                    Some(Key::Right) => line.right(),
                    Some(Key::Home) => line.home(),
                    Some(Key::End) => line.end(),
                    Some(Key::Delete) => line.delete(),
                    Some(Key::WordLeft) => line.go(line.word_start(u8::is_ascii_alphanumeric)),
                    Some(Key::WordRight) => line.go(line.word_end()),
                    Some(Key::KillWord) => self.killed = line.kill(line.cursor, line.word_end()),
                    Some(Key::Other) => {}
                },
                0..=0x1f => {}
                byte => self.insert(&mut line, &[byte]),
            }
        }
    }

    fn insert(&mut self, line: &mut Line<'_>, bytes: &[u8]) {
        if line.text.len() + bytes.len() > LINE_BYTES_MAX {
            self.overlong = true;
            line.out.push(0x07);
            return;
        }
        line.insert(bytes);
    }

    fn complete(&mut self, line: &mut Line<'_>, tabs: usize, complete: &Complete<'_>) {
        let (length, words) = complete(&line.text[..line.cursor]);
        let Some(first) = words.first() else { return line.out.push(0x07) };
        let common = words.iter().fold(first.len(), |common, word| word.iter().zip(first).take(common).take_while(|(a, b)| a == b).count());
        let mut addition = first.get(length..common).unwrap_or_default().to_vec();
        if words.len() == 1 && !first.ends_with(b"/") {
            addition.push(b' ');
        }
        if !addition.is_empty() {
            return self.insert(line, &addition);
        }
        if tabs < 2 {
            return line.out.push(0x07);
        }
        line.out.push(b'\n');
        for word in words.iter().take(200) {
            let shown = word.strip_suffix(b"/").unwrap_or(word);
            let name = &word[shown.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1)..];
            line.out.extend_from_slice(name);
            line.out.extend(b"  ");
        }
        line.out.push(b'\n');
        line.redraw();
    }
}

impl Line<'_> {
    fn redraw(&mut self) {
        self.out.extend_from_slice(self.prompt);
        self.out.extend_from_slice(&self.text);
        self.back(self.text.len() - self.cursor);
    }

    /// Moves the terminal's cursor left; continuation bytes of UTF-8 take no column.
    fn back(&mut self, bytes: usize) {
        let from = self.text.len().saturating_sub(bytes);
        let columns = self.text[from..].iter().filter(|b| **b & 0xc0 != 0x80).count();
        self.out.extend(std::iter::repeat_n(0x08, columns));
    }

    fn insert(&mut self, bytes: &[u8]) {
        self.text.splice(self.cursor..self.cursor, bytes.iter().copied());
        self.out.extend_from_slice(&self.text[self.cursor..]);
        self.cursor += bytes.len();
        self.back(self.text.len() - self.cursor);
    }

    fn go(&mut self, to: usize) {
        while self.cursor > to {
            self.left();
        }
        while self.cursor < to {
            self.right();
        }
        // Bytes that are no UTF-8 have no borders to keep to.
        self.cursor = to;
    }

    fn left(&mut self) {
        while self.cursor > 0 {
            self.cursor -= 1;
            if self.text[self.cursor] & 0xc0 != 0x80 {
                self.out.push(0x08);
                return;
            }
        }
    }

    fn right(&mut self) {
        let Some(first) = self.text.get(self.cursor) else { return };
        self.out.push(*first);
        self.cursor += 1;
        while let Some(more) = self.text.get(self.cursor).filter(|b| **b & 0xc0 == 0x80) {
            self.out.push(*more);
            self.cursor += 1;
        }
    }

    fn home(&mut self) {
        self.go(0);
    }

    fn end(&mut self) {
        self.out.extend_from_slice(&self.text[self.cursor..]);
        self.cursor = self.text.len();
    }

    /// Removes the character under the cursor.
    fn delete(&mut self) {
        let mut end = self.cursor + 1;
        while self.text.get(end).is_some_and(|b| b & 0xc0 == 0x80) {
            end += 1;
        }
        if self.cursor < self.text.len() {
            self.kill(self.cursor, end.min(self.text.len()));
        }
    }

    /// Removes a part and returns it.
    fn kill(&mut self, from: usize, to: usize) -> Vec<u8> {
        self.go(from);
        let killed: Vec<u8> = self.text.drain(from..to).collect();
        if killed.is_empty() {
            return killed;
        }
        self.out.extend_from_slice(&self.text[from..]);
        self.out.extend(b"\x1b[K");
        self.back(self.text.len() - from);
        killed
    }

    fn word_start(&self, is_word: impl Fn(&u8) -> bool) -> usize {
        let before = &self.text[..self.cursor];
        let end = before.iter().rposition(&is_word).map_or(0, |at| at + 1);
        before[..end].iter().rposition(|b| !is_word(b)).map_or(0, |at| at + 1)
    }

    fn word_end(&self) -> usize {
        let after = &self.text[self.cursor..];
        let start = after.iter().position(u8::is_ascii_alphanumeric).unwrap_or(after.len());
        let length = after[start..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        self.cursor + start + length
    }

    /// Shows an older or newer line.
    fn recall(&mut self, history: &[Vec<u8>], step: isize) {
        let Some(to) = self.shown.checked_add_signed(step).filter(|to| *to <= history.len()) else { return self.out.push(0x07) };
        if self.shown == history.len() {
            self.typed = self.text.clone();
        }
        self.shown = to;
        let text = history.get(to).unwrap_or(&self.typed).clone();
        self.kill(0, self.text.len());
        self.insert(&text);
    }
}

/// A key that sends an escape sequence.
enum Key {
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    Delete,
    WordLeft,
    WordRight,
    KillWord,
    Other,
}

/// The longest escape sequence, in bytes.
const SEQUENCE_BYTES_MAX: usize = 16;

async fn escape(terminal: &Terminal) -> Option<Key> {
    let key = match next(terminal).await? {
        b'[' | b'O' => {
            let mut parameters = Vec::new();
            loop {
                let byte = next(terminal).await?;
                if (0x40..=0x7e).contains(&byte) {
                    break match (byte, &parameters[..]) {
                        (b'C', b"1;5") => Key::WordRight,
                        (b'D', b"1;5") => Key::WordLeft,
                        (b'A', _) => Key::Up,
                        (b'B', _) => Key::Down,
                        (b'C', _) => Key::Right,
                        (b'D', _) => Key::Left,
                        (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
                        (b'F', _) | (b'~', b"4" | b"8") => Key::End,
                        (b'~', b"3") => Key::Delete,
                        _ => Key::Other,
                    };
                }
                parameters.push(byte);
                if parameters.len() >= SEQUENCE_BYTES_MAX {
                    break Key::Other;
                }
            }
        }
        b'b' => Key::WordLeft,
        b'f' => Key::WordRight,
        b'd' => Key::KillWord,
        _ => Key::Other,
    };
    Some(key)
}

async fn next(terminal: &Terminal) -> Option<u8> {
    poll_fn(|cx| terminal.poll_read(1, None, cx)).await.ok()?.first().copied()
}
