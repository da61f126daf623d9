//! Standard input as the file transfer protocols read it.

use shell::Input;
use tokio::sync::mpsc;

/// Bytes received and not read yet.
pub(super) struct Pipe {
    receiver: mpsc::Receiver<Input>,
    buffer: Vec<u8>,
    start: usize,
}

impl Pipe {
    pub(super) fn new(receiver: mpsc::Receiver<Input>) -> Pipe {
        Pipe { receiver, buffer: Vec::new(), start: 0 }
    }

    /// Between 1 and `count_max` bytes; `None` at the end of file.
    pub(super) async fn some(&mut self, count_max: usize) -> Option<&[u8]> {
        if self.unread().is_empty() && !self.fill().await {
            return None;
        }
        let start = self.start;
        self.start += count_max.min(self.unread().len());
        Some(&self.buffer[start..self.start])
    }

    /// Exactly `count` bytes; `None` when the file ends before. The caller bounds `count`.
    pub(super) async fn exactly(&mut self, count: usize) -> Option<&[u8]> {
        while self.unread().len() < count {
            if !self.fill().await {
                return None;
            }
        }
        let start = self.start;
        self.start += count;
        Some(&self.buffer[start..self.start])
    }

    /// A line without its LF; what there is when the file ends, or the line is longer than `line_bytes_max`. `None` at the end of file.
    pub(super) async fn line(&mut self, line_bytes_max: usize) -> Option<Vec<u8>> {
        loop {
            let unread = self.unread();
            let end = unread.iter().take(line_bytes_max).position(|&b| b == b'\n');
            if let Some(end) = end {
                let line = unread[..end].to_vec();
                self.start += end + 1;
                return Some(line);
            }
            if unread.len() >= line_bytes_max || !self.fill().await {
                let rest = self.unread().iter().take(line_bytes_max).copied().collect::<Vec<u8>>();
                self.start += rest.len();
                return (!rest.is_empty()).then_some(rest);
            }
        }
    }

    fn unread(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Waits for more; false at the end of file.
    async fn fill(&mut self) -> bool {
        loop {
            match self.receiver.recv().await {
                None => return false,
                Some(Input::Resize(..)) => {}
                Some(Input::Bytes(bytes)) => {
                    if self.unread().is_empty() {
                        (self.buffer, self.start) = (bytes, 0);
                    } else {
                        self.buffer.drain(..self.start);
                        self.start = 0;
                        self.buffer.extend_from_slice(&bytes);
                    }
                    return true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_arrive_in_any_shape() {
        let (sender, receiver) = mpsc::channel(16);
        for piece in ["ab\nc", "d", "", "e\n12", "345", "tail"] {
            sender.try_send(Input::Bytes(piece.into())).unwrap();
        }
        drop(sender);
        let mut pipe = Pipe::new(receiver);
        assert_eq!(pipe.line(100).await.unwrap(), b"ab");
        assert_eq!(pipe.line(100).await.unwrap(), b"cde");
        assert_eq!(pipe.exactly(4).await.unwrap(), b"1234");
        assert_eq!(pipe.some(100).await.unwrap(), b"5");
        assert_eq!(pipe.line(3).await.unwrap(), b"tai");
        assert_eq!(pipe.exactly(2).await, None);
        assert_eq!(pipe.line(100).await.unwrap(), b"l");
        assert_eq!(pipe.line(100).await, None);
    }
}
