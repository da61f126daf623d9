//! A stream that counts what it moves and ends when its session must: what a transport that reads and writes by itself (SSH) is given.

use crate::CloseReason;
use crate::meter::Meter;
use crate::watch::Watch;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The stream. When the session must end, reading gives end of file and writing fails.
pub(crate) struct Link<S> {
    stream: S,
    meter: Arc<Meter>,
    watch: Watch,
    ended: Arc<OnceLock<CloseReason>>,
}

impl<S> Link<S> {
    /// Wraps a stream; the second value is why the link ended it, once it has.
    pub(crate) fn new(stream: S, meter: Arc<Meter>, watch: Watch) -> (Link<S>, Arc<OnceLock<CloseReason>>) {
        let ended = Arc::new(OnceLock::new());
        (Link { stream, meter, watch, ended: ended.clone() }, ended)
    }

    fn has_ended(&mut self, cx: &mut Context<'_>) -> bool {
        if self.ended.get().is_some() {
            return true;
        }
        let reason = match Pin::new(&mut self.watch).poll(cx) {
            Poll::Ready(reason) => reason,
            Poll::Pending if self.meter.is_exhausted() => self.meter.exhausted(),
            Poll::Pending => return false,
        };
        let _ = self.ended.set(reason);
        true
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Link<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.has_ended(cx) {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let result = Pin::new(&mut this.stream).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        if read > 0 {
            this.meter.count_received(read);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Link<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.has_ended(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let result = Pin::new(&mut this.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = result {
            this.meter.count_sent(written);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
