//! The stream the transport gets: the peer's, with the identification strings already exchanged, watched until the KEXINIT, and with a way
//! to end it from outside.

use super::connection::Connection;
use super::kexinit::{Found, Scanner};
use model::Detail;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::WaitForCancellationFutureOwned;

pub(super) struct Tap<S> {
    stream: S,
    connection: Arc<Connection>,
    /// What was read with the identification string; given to the transport first.
    replay: Vec<u8>,
    replayed: usize,
    /// How many bytes of the transport's own identification string are dropped: the peer has it already.
    unwritten: usize,
    /// Bytes of the client's identification string still to pass the scanner by.
    before_packets: usize,
    scanner: Option<Scanner>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S> Tap<S> {
    /// `read` begins with the client's identification line of `line_bytes` bytes, line end included; ours had `sent` bytes.
    pub(super) fn new(stream: S, connection: Arc<Connection>, read: Vec<u8>, line_bytes: usize, sent: usize) -> Tap<S> {
        let stop = Box::pin(connection.stop.clone().cancelled_owned());
        Tap {
            stream,
            connection,
            replay: read,
            replayed: 0,
            unwritten: sent,
            before_packets: line_bytes,
            scanner: Some(Scanner::default()),
            stop,
        }
    }

    /// Shows the scanner what the transport is about to see, and records what it finds: before the transport can answer.
    fn watch(&mut self, bytes: &[u8]) {
        let Some(scanner) = &mut self.scanner else { return };
        let skip = self.before_packets.min(bytes.len());
        self.before_packets -= skip;
        match scanner.feed(&bytes[skip..]) {
            Found::More => return,
            Found::Hassh(hassh) => self.connection.recorder.record(Detail::Fingerprint {
                method: "hassh".into(),
                value: hassh.value.into(),
                raw: hassh.raw.into(),
            }),
            Found::Malformed(reason, data) => self.connection.malformed(reason, &data),
        }
        self.scanner = None;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if this.replayed < this.replay.len() {
            let rest = &this.replay[this.replayed..];
            let count = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..count]);
            this.replayed += count;
            if this.replayed == this.replay.len() {
                this.replay = Vec::new();
                this.replayed = 0;
            }
        } else {
            std::task::ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        }
        this.watch(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.unwritten > 0 {
            let count = this.unwritten.min(bytes.len());
            this.unwritten -= count;
            return Poll::Ready(Ok(count));
        }
        match Pin::new(&mut this.stream).poll_write(cx, bytes) {
            // A peer that reads nothing must not keep a stopped connection.
            Poll::Pending if this.stop.as_mut().poll(cx).is_ready() => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            written => written,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
