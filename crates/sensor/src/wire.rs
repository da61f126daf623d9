//! A connection's bytes, before and after TLS begins.

use crate::tls::Rewind;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::server::TlsStream;

/// Bytes read at once. One buffer a thread serves every session, so that an idle session holds none.
const READ_BYTES_MAX: usize = 16 * 1024;

/// What is thrown away after our side is closed, so that the peer sees our last bytes and not a reset (RFC 9112 section 9.6).
const LINGER_BYTES_MAX: usize = 64 * 1024;
const LINGER: Duration = Duration::from_secs(1);

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES_MAX]);
}

/// The connection.
pub(crate) enum Wire<S> {
    /// As it came.
    Plain(S),
    /// Inside TLS.
    Tls(Box<TlsStream<Rewind<S>>>),
    /// Given away, or lost in a failed handshake.
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Waits for bytes and hands at most `bytes_max` (not 0) of them to `take`; 0 is the end. Can be dropped without losing any.
    pub(crate) async fn read(&mut self, bytes_max: usize, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        poll_fn(|cx| {
            SCRATCH.with_borrow_mut(|scratch| {
                let room = scratch.len().min(bytes_max);
                let mut buffer = ReadBuf::new(&mut scratch[..room]);
                let polled = match self {
                    Wire::Plain(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
                    Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, &mut buffer),
                    Wire::Gone => Poll::Ready(Ok(())),
                };
                polled.map_ok(|()| {
                    let bytes = buffer.filled();
                    if !bytes.is_empty() {
                        take(bytes);
                    }
                    bytes.len()
                })
            })
        })
        .await
    }

    /// Sends all of it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.write_all(bytes).await,
            Wire::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Wire::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Closes our side, then waits a little for the peer to close its own.
    pub(crate) async fn close(mut self) {
        let closing = async {
            let shut = match &mut self {
                Wire::Plain(stream) => stream.shutdown().await,
                Wire::Tls(stream) => stream.shutdown().await,
                Wire::Gone => return,
            };
            let mut left = LINGER_BYTES_MAX;
            while shut.is_ok() && left > 0 {
                match self.read(left, |_| {}).await {
                    Ok(0) | Err(_) => return,
                    Ok(read) => left -= read,
                }
            }
        };
        let _ = tokio::time::timeout(LINGER, closing).await;
    }
}
