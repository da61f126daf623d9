//! Accepts connections, and takes each from its first byte to its `close` event.

use crate::CloseReason;
use crate::admission::{Permit, Refusal};
use crate::core::Core;
use crate::decoy::{Decoy, Service};
use crate::driver::Driver;
use crate::link::Link;
use crate::meter::Meter;
use crate::proxy::{self, Parsed, Route};
use crate::recorder::Recorder;
use crate::ssh::{SshConnection, SshServer};
use crate::tls::Rewind;
use crate::watch::Watch;
use crate::wire::Wire;
use futures::FutureExt;
use futures::future::BoxFuture;
use model::Detail;
use rustix::io::Errno;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// How long accepting pauses when this machine cannot give another connection: sessions must end first.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);
const COMPLAINTS_EVERY: Duration = Duration::from_secs(60);

/// The ends of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    /// The balancer between them.
    pub(crate) via: Option<SocketAddr>,
}

/// Accepts until the sensor stops.
pub(crate) async fn listen(decoy: Arc<Decoy>, listener: TcpListener) {
    let shutdown = decoy.shared.shutdown.clone();
    let mut complained: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let peer = SocketAddr::new(model::canonical(peer.ip()), peer.port());
                admit(&decoy, stream, peer);
            }
            // A connection that was gone before it was accepted does not concern the next.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            // Everything else lasts, most of all a lack of descriptors: trying again at once would only spin.
            Err(error) => {
                metrics::counter!("honeyguide_sensor_accept_pauses_total").increment(1);
                if complained.is_none_or(|at| at.elapsed() >= COMPLAINTS_EVERY) {
                    complained = Some(Instant::now());
                    let remedy =
                        if is_exhaustion(&error) { "; raise the limit of open files (ulimit -n) or lower sessions_max" } else { "" };
                    tracing::warn!(%error, decoy = decoy.name, "connections cannot be accepted{remedy}");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_exhaustion(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

fn admit(decoy: &Arc<Decoy>, stream: TcpStream, peer: SocketAddr) {
    let shared = &decoy.shared;
    let Ok(local) = stream.local_addr() else { return }; // the peer is gone already
    let local = SocketAddr::new(model::canonical(local.ip()), local.port());
    // A reply leaves when it is written, as the real servers' do.
    let _ = stream.set_nodelay(true);
    if shared.proxy_protocol.trusts(peer.ip()) {
        match shared.admission.admit_balancer() {
            Some(permit) => drop(shared.tasks.spawn(relayed(decoy.clone(), stream, peer, local, permit))),
            None => metrics::counter!("honeyguide_sensor_sessions_refused_total", "limit" => "sessions_max").increment(1),
        }
        return;
    }
    let ends = Ends { peer, local, via: None };
    match shared.admission.admit(peer.ip()) {
        Ok(permit) => drop(shared.tasks.spawn(serve(decoy.clone(), stream, ends, Vec::new(), permit))),
        Err(refusal) => refuse(decoy, ends, refusal),
    }
}

/// A connection from a trusted balancer: its header says whose it is.
async fn relayed(decoy: Arc<Decoy>, mut stream: TcpStream, balancer: SocketAddr, local: SocketAddr, permit: Permit) {
    let shared = &decoy.shared;
    let time = Duration::from_secs(shared.limits.proxy_header_seconds_max);
    let read = tokio::select! {
        biased;
        () = shared.shutdown.cancelled() => return,
        read = tokio::time::timeout(time, read_header(&mut stream)) => read,
    };
    drop(permit); // the client's own takes its place
    let (reason, bytes) = match read {
        Ok(Ok((Some(Route { peer, local }), rest))) => {
            let peer = SocketAddr::new(model::canonical(peer.ip()), peer.port());
            let ends = Ends { peer, local, via: Some(balancer) };
            return match shared.admission.admit(peer.ip()) {
                Ok(permit) => Box::pin(serve(decoy, stream, ends, rest, permit)).await,
                Err(refusal) => refuse(&decoy, ends, refusal),
            };
        }
        // The balancer speaks for itself: a health check, not an attack.
        Ok(Ok((None, _))) => return metrics::counter!("honeyguide_sensor_balancer_checks_total").increment(1),
        Ok(Err(invalid)) => invalid,
        Err(_) => ("the balancer sent no whole PROXY header in time", Vec::new()),
    };
    let Ok(_permit) = shared.admission.admit(balancer.ip()) else { return };
    let (recorder, meter) = begin(&decoy, Ends { peer: balancer, local, via: None });
    let data = &bytes[..bytes.len().min(shared.limits.malformed_bytes_max)];
    recorder.record(Detail::Malformed { reason: reason.into(), data: data.into() });
    meter.close(decoy.protocol, CloseReason::Server);
}

type Header = (Option<Route>, Vec<u8>);

/// Reads a header; the bytes after it are returned with it, or all bytes with the reason why it is none.
async fn read_header(stream: &mut TcpStream) -> Result<Header, (&'static str, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        match proxy::parse(&bytes) {
            Parsed::Header(header) => return Ok((header.route, bytes.split_off(header.bytes))),
            Parsed::Invalid(reason) => return Err((reason, bytes)),
            Parsed::Incomplete => {}
        }
        let room = proxy::HEADER_BYTES_MAX.saturating_sub(bytes.len());
        match stream.take(room as u64).read_buf(&mut bytes).await {
            // A balancer that only tries whether the port is open.
            Ok(0) if bytes.is_empty() => return Ok((None, bytes)),
            Ok(0) | Err(_) => return Err(("the connection ended inside the PROXY header", bytes)),
            Ok(_) => {}
        }
    }
}

/// Makes a session's recorder and meter, and records its beginning.
pub(crate) fn begin(decoy: &Decoy, ends: Ends) -> (Recorder, Arc<Meter>) {
    let shared = &decoy.shared;
    let recorder = Recorder::new(shared.spool.clone(), shared.captures.clone(), ends.peer.ip(), decoy.protocol);
    let Ends { peer, local, via } = ends;
    recorder.record(Detail::Connect { peer, local, transport: decoy.transport, tls: decoy.tls, via });
    metrics::counter!("honeyguide_sensor_sessions_total", "decoy" => decoy.name).increment(1);
    let meter = Arc::new(Meter::new(recorder.clone(), &shared.limits));
    (recorder, meter)
}

/// Notes a session that was not let in.
pub(crate) fn refuse(decoy: &Decoy, ends: Ends, refusal: Refusal) {
    metrics::counter!("honeyguide_sensor_sessions_refused_total", "limit" => refusal.limit).increment(1);
    if refusal.record {
        let (_, meter) = begin(decoy, ends);
        meter.limit(refusal.limit, refusal.value);
        meter.close(decoy.protocol, CloseReason::Limit);
    }
}

/// Serves one connection to its end. `input` was read behind a PROXY header.
async fn serve(decoy: Arc<Decoy>, stream: TcpStream, ends: Ends, input: Vec<u8>, permit: Permit) {
    let (recorder, meter) = begin(&decoy, ends);
    let watch = Watch::new(meter.clone(), &decoy.shared.shutdown);
    let open = Open::new();
    let (reason, wire) = match &decoy.service {
        Service::Ssh(server) => {
            let stream = Rewind::new(input, stream);
            (caught(&decoy, Box::pin(ssh(server, &decoy, stream, ends, recorder, meter.clone(), watch))).await, None)
        }
        Service::Session(factory) => {
            let core = Core::new(decoy.clone(), factory(), recorder, meter.clone(), ends.peer, ends.local);
            drive(&decoy, core, stream, watch, input).await
        }
    };
    meter.close(decoy.protocol, reason);
    drop((open, meter));
    if let Some(wire) = wire.filter(|wire| !matches!(wire, Wire::Gone)) {
        wire.close().await;
    }
    drop(permit);
}

/// Boxed, as the SSH transport is: whichever runs must not pay for the larger of the two.
fn drive<'a>(
    decoy: &'a Decoy,
    core: Core,
    stream: TcpStream,
    watch: Watch,
    input: Vec<u8>,
) -> BoxFuture<'a, (CloseReason, Option<Wire<TcpStream>>)> {
    let driver = Driver::new(core, stream, watch, &input);
    Box::pin(async move {
        let mut wire = None;
        let run = async {
            let (reason, left) = driver.run().await;
            wire = Some(left);
            reason
        };
        (caught(decoy, run).await, wire)
    })
}

async fn ssh(
    server: &SshServer,
    decoy: &Arc<Decoy>,
    stream: Rewind<TcpStream>,
    ends: Ends,
    recorder: Recorder,
    meter: Arc<Meter>,
    watch: Watch,
) -> CloseReason {
    let (link, ended) = Link::new(stream, meter, watch);
    let connection = SshConnection {
        recorder,
        host: decoy.shared.host.clone(),
        policy: decoy.policy.clone(),
        peer: ends.peer,
        local: ends.local,
        shutdown: decoy.shared.shutdown.clone(),
    };
    let reason = server.serve(link, connection).await;
    ended.get().copied().unwrap_or(reason)
}

/// Runs one session's code; when it panics, only that session ends.
pub(crate) async fn caught(decoy: &Decoy, session: impl Future<Output = CloseReason>) -> CloseReason {
    match AssertUnwindSafe(session).catch_unwind().await {
        Ok(reason) => reason,
        Err(_) => {
            metrics::counter!("honeyguide_sensor_panics_total", "protocol" => decoy.protocol.name()).increment(1);
            tracing::error!(decoy = decoy.name, "a session's code panicked; the session is closed, the sensor goes on");
            CloseReason::Error
        }
    }
}

/// Counts a session as open for as long as it lives.
pub(crate) struct Open;

impl Open {
    pub(crate) fn new() -> Open {
        metrics::gauge!("honeyguide_sensor_sessions_open").increment(1.0);
        Open
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("honeyguide_sensor_sessions_open").decrement(1.0);
    }
}
