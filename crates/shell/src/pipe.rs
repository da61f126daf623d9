//! Pipes between the processes of one session.

use crate::Errno;
use crate::task::lock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What a pipe holds before its writer waits: Linux's default (pipe(7)).
const PIPE_BYTES_MAX: usize = 64 * 1024;

#[derive(Default)]
struct State {
    buffer: VecDeque<u8>,
    readers: usize,
    writers: usize,
    waiting: Vec<Waker>,
}

impl State {
    fn wake(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }

    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|w| w.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }
}

/// The state both ends share; also what a FIFO in the file system leads to.
#[derive(Default)]
pub(crate) struct Pipe(Mutex<State>);

impl Pipe {
    pub(crate) fn reader(self: &Arc<Pipe>) -> Reader {
        let mut state = lock(&self.0);
        state.readers += 1;
        state.wake();
        Reader { pipe: self.clone(), awaits_writer: AtomicBool::new(state.writers == 0) }
    }

    pub(crate) fn writer(self: &Arc<Pipe>) -> Writer {
        let mut state = lock(&self.0);
        state.writers += 1;
        state.wake();
        Writer(self.clone())
    }

    /// A FIFO's `open(2)` waits for the other side.
    pub(crate) fn poll_peer(&self, as_reader: bool, cx: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0);
        if (if as_reader { state.writers } else { state.readers }) > 0 {
            return Poll::Ready(());
        }
        state.wait(cx);
        Poll::Pending
    }
}

/// The reading end.
pub(crate) struct Reader {
    pipe: Arc<Pipe>,
    /// Set until there has been a writer: a FIFO that nobody writes to yet is not at its end.
    awaits_writer: AtomicBool,
}

/// The writing end.
pub(crate) struct Writer(Arc<Pipe>);

/// A new pipe.
pub(crate) fn pipe() -> (Reader, Writer) {
    let pipe = Arc::new(Pipe::default());
    let writer = pipe.writer();
    (pipe.reader(), writer)
}

impl Reader {
    /// Up to `bytes_max` bytes, up to and including `until` where that comes first; empty at the end.
    pub(crate) fn poll_read(&self, bytes_max: usize, until: Option<u8>, cx: &Context<'_>) -> Poll<Vec<u8>> {
        let mut state = lock(&self.pipe.0);
        if state.writers > 0 || !state.buffer.is_empty() {
            self.awaits_writer.store(false, Ordering::Relaxed);
        }
        if state.buffer.is_empty() {
            if state.writers == 0 && !self.awaits_writer.load(Ordering::Relaxed) {
                return Poll::Ready(Vec::new());
            }
            state.wait(cx);
            return Poll::Pending;
        }
        let mut count = state.buffer.len().min(bytes_max);
        if let Some(end) = until.and_then(|byte| state.buffer.iter().take(count).position(|b| *b == byte)) {
            count = end + 1;
        }
        let bytes = state.buffer.drain(..count).collect();
        if state.buffer.is_empty() {
            state.buffer.shrink_to(4096);
        }
        state.wake();
        Poll::Ready(bytes)
    }
}

impl Writer {
    /// How many bytes were taken, at least one; `Epipe` when nobody reads any more.
    pub(crate) fn poll_write(&self, bytes: &[u8], cx: &Context<'_>) -> Poll<Result<usize, Errno>> {
        let mut state = lock(&self.0.0);
        if state.readers == 0 {
            return Poll::Ready(Err(Errno::Epipe));
        }
        let room = PIPE_BYTES_MAX.saturating_sub(state.buffer.len());
        if room == 0 {
            state.wait(cx);
            return Poll::Pending;
        }
        let count = room.min(bytes.len());
        state.buffer.extend(&bytes[..count]);
        state.wake();
        Poll::Ready(Ok(count))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = lock(&self.pipe.0);
        state.readers -= 1;
        state.wake();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        state.writers -= 1;
        state.wake();
    }
}
