//! What the peer has sent and the session has not taken yet.

/// Received bytes waiting to be taken. The runtime bounds it to `Limits::input_bytes_max` and stops reading from the socket when it is full.
#[derive(Debug, Default)]
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
}

/// What [`Input::take_line`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without its end (CRLF or LF).
    Whole(Vec<u8>),
    /// No line end within the limit: these are the first bytes of an overlong line, taken from the input.
    Overlong(Vec<u8>),
    /// No line end yet.
    Incomplete,
}

impl Input {
    /// The bytes not yet taken.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds bytes at the end.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.start >= self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Takes up to `count` bytes from the front.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let end = self.start + count.min(self.len());
        let taken = self.buffer[self.start..end].to_vec();
        self.skip(count);
        taken
    }

    /// Takes everything.
    pub fn take_all(&mut self) -> Vec<u8> {
        self.take(self.len())
    }

    /// Drops up to `count` bytes from the front.
    pub fn skip(&mut self, count: usize) {
        self.start += count.min(self.len());
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            // An idle session must not keep the room of its largest message.
            if self.buffer.capacity() > 16 * 1024 {
                self.buffer.shrink_to(4096);
            }
        }
    }

    /// Takes one line ended by LF, or by CRLF, of at most `line_bytes_max` bytes without its end.
    pub fn take_line(&mut self, line_bytes_max: usize) -> Line {
        let bytes = self.bytes();
        let window = &bytes[..bytes.len().min(line_bytes_max.saturating_add(2))];
        match memchr::memchr(b'\n', window) {
            Some(at) => {
                let mut line = self.take(at + 1);
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                Line::Whole(line)
            }
            None if bytes.len() > line_bytes_max.saturating_add(1) => Line::Overlong(self.take(line_bytes_max)),
            None => Line::Incomplete,
        }
    }
}
