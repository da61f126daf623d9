//! Serving the API's connections: bounded in number, TLS handshakes apart from the accept loop, and a time limit on everything a peer can be
//! slow at: the handshake, a request's head, and silence. (A request's body is under the request's own time limit.)

use crate::config::Config;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A TLS handshake that takes longer is given up.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// A request whose head is not complete by then is given up. It also ends a connection kept open without a next request.
const HEAD_WAIT: Duration = Duration::from_secs(30);
/// The largest request head, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The peer's address, as handlers see it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Accepts connections and answers their requests until `stop`; then no new requests, and it returns when the open ones are answered.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, config: &Config, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(config.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
    let idle = Duration::from_secs(config.connection_idle_seconds.max(1).into());
    let connections = TaskTracker::new();
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let (place, (stream, address)) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accepted => match accepted {
                None => break,
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
        let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
        connections.spawn(async move {
            let stream: Box<dyn Stream> = match tls {
                None => Box::new(stream),
                // A peer that speaks no TLS is closed without a word; it is no event of ours.
                Some(tls) => match tokio::time::timeout(HANDSHAKE_WAIT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => Box::new(stream),
                    Ok(Err(_)) | Err(_) => return,
                },
            };
            let connection = Connection { stream, idle, deadline: Box::pin(tokio::time::sleep(idle)), _place: place };
            converse(connection, Peer(address), router, HEAD_WAIT.min(idle), stop).await;
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Answers the requests of one connection.
async fn converse(connection: Connection, peer: Peer, router: Router, head_wait: Duration, stop: CancellationToken) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_wait).max_buf_size(HEAD_BYTES_MAX);
    let mut conversation = pin!(http.serve_connection(TokioIo::new(connection), service));
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = stop.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the API was broken off");
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
