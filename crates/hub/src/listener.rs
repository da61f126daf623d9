//! Accepting connections to the API: bounded in number, TLS handshakes apart from the accept loop, silent connections closed.

use crate::config::Config;
use axum::serve::{IncomingStream, Listener};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A TLS handshake that takes longer is given up.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// Connections ready for HTTP.
pub struct Connections {
    ready: mpsc::Receiver<(Connection, SocketAddr)>,
    local: SocketAddr,
}

/// The peer's address, as handlers see it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl axum::extract::connect_info::Connected<IncomingStream<'_, Connections>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        Peer(*stream.remote_addr())
    }
}

impl Connections {
    /// Starts accepting on a bound listener until `stop`.
    pub fn start(listener: TcpListener, tls: Option<TlsAcceptor>, config: &Config, stop: CancellationToken) -> io::Result<Connections> {
        let local = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(64);
        let places = Arc::new(Semaphore::new(config.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
        let idle = Duration::from_secs(config.connection_idle_seconds.max(1).into());
        tokio::spawn(accept(listener, tls, places, idle, sender, stop));
        Ok(Connections { ready, local })
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
    idle: Duration,
    ready: mpsc::Sender<(Connection, SocketAddr)>,
    stop: CancellationToken,
) {
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let (place, (stream, address)) = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accepted => match accepted {
                None => return,
                Some((place, Ok(accepted))) => (place, accepted),
                Some((_, Err(error))) => {
                    // Out of file descriptors, mostly: wait for others to end instead of spinning.
                    tracing::warn!(%error, "a connection to the API could not be accepted");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            },
        };
        let _ = stream.set_nodelay(true);
        let (tls, ready) = (tls.clone(), ready.clone());
        tokio::spawn(async move {
            let stream: Box<dyn Stream> = match tls {
                None => Box::new(stream),
                // A peer that speaks no TLS is closed without a word; it is no event of ours.
                Some(tls) => match tokio::time::timeout(HANDSHAKE_WAIT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => Box::new(stream),
                    Ok(Err(_)) | Err(_) => return,
                },
            };
            let connection = Connection { stream, idle, deadline: Box::pin(tokio::time::sleep(idle)), _place: place };
            let _ = ready.send((connection, address)).await;
        });
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            // The hub is stopping; `axum::serve` is told so by its own signal.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl Stream for TcpStream {}
impl Stream for tokio_rustls::server::TlsStream<TcpStream> {}

/// One connection; reading fails when nothing has moved for the idle time.
pub struct Connection {
    stream: Box<dyn Stream>,
    idle: Duration,
    deadline: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn moved(&mut self) {
        let later = Instant::now() + self.idle;
        self.deadline.as_mut().reset(later);
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut *self.stream).poll_read(cx, buffer);
        if result.is_ready() {
            self.moved();
        } else if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        result
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut *self.stream).poll_write(cx, bytes);
        if result.is_ready() {
            self.moved();
        } else if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}
