//! What a peer sends to a command, on its way there.

use shell::Input;
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// Inputs that may wait, whatever their size; a terminal's keystrokes come one by one.
const INPUTS_MAX: usize = 4096;

/// The sending end of a command's standard input. It never waits: the transport has one task for a connection, and while that waited for one
/// channel's reader, nothing that the reader may itself be waiting for could move.
pub(super) struct Stdin {
    sender: mpsc::Sender<Input>,
    /// The sizes of the inputs last sent; as many as have not been read yet, after [`Stdin::waiting_bytes`].
    sizes: VecDeque<usize>,
    waiting_bytes: usize,
}

impl Stdin {
    /// Both ends.
    pub(super) fn channel() -> (Stdin, mpsc::Receiver<Input>) {
        let (sender, receiver) = mpsc::channel(INPUTS_MAX);
        (Stdin { sender, sizes: VecDeque::new(), waiting_bytes: 0 }, receiver)
    }

    /// Bytes that wait to be read.
    pub(super) fn waiting_bytes(&mut self) -> usize {
        let unread = self.sender.max_capacity() - self.sender.capacity();
        while self.sizes.len() > unread {
            self.waiting_bytes -= self.sizes.pop_front().unwrap_or(0);
        }
        self.waiting_bytes
    }

    /// Passes input on; false when it was dropped because too much is waiting. Input for a command that has ended is quietly lost, as in a pipe.
    pub(super) fn push(&mut self, input: Input, stdin_bytes_max: usize) -> bool {
        let size = match &input {
            Input::Bytes(bytes) => bytes.len(),
            Input::Resize(..) => 0,
        };
        if self.waiting_bytes() + size > stdin_bytes_max {
            return false;
        }
        match self.sender.try_send(input) {
            Ok(()) => {
                self.sizes.push_back(size);
                self.waiting_bytes += size;
                true
            }
            Err(mpsc::error::TrySendError::Full(_)) => false,
            Err(mpsc::error::TrySendError::Closed(_)) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_and_counted() {
        let (mut stdin, mut receiver) = Stdin::channel();
        let bytes = |n| Input::Bytes(vec![0; n]);
        assert!(stdin.push(bytes(60), 100));
        assert!(!stdin.push(bytes(60), 100));
        assert!(stdin.push(Input::Resize(80, 24), 100));
        assert!(stdin.push(bytes(40), 100));
        assert_eq!(stdin.waiting_bytes(), 100);
        receiver.try_recv().unwrap();
        assert_eq!(stdin.waiting_bytes(), 40);
        assert!(stdin.push(bytes(60), 100));
        drop(receiver);
        assert!(stdin.push(bytes(1), 1000), "the reader has gone");
    }

    #[test]
    fn tiny_inputs_are_bounded_too() {
        let (mut stdin, _receiver) = Stdin::channel();
        let accepted = (0..INPUTS_MAX + 10).filter(|_| stdin.push(Input::Bytes(vec![0]), usize::MAX)).count();
        assert_eq!(accepted, INPUTS_MAX);
    }
}
