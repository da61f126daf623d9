//! Conversations over UDP: the datagrams of one peer with one port of ours, until it falls silent.

use crate::CloseReason;
use crate::core::Core;
use crate::decoy::{Decoy, Service};
use crate::tcp::{Ends, Open, PAUSE, begin, caught, refuse};
use crate::watch::Watch;
use emulation::{Action, Context, Done, Input, Next, Session};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{self, error::TrySendError};

/// The largest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Datagrams that wait for a conversation; more are dropped, as a busy server's kernel would.
const WAITING_MAX: usize = 16;

/// Receives until the sensor stops.
pub(crate) async fn listen(decoy: Arc<Decoy>, socket: UdpSocket, local: SocketAddr) {
    let shared = decoy.shared.clone();
    let socket = Arc::new(socket);
    let mut conversations: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let received = tokio::select! {
            biased;
            () = shared.shutdown.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        let (datagram, peer) = match received {
            Ok((bytes, peer)) => (buffer[..bytes].to_vec(), peer),
            Err(error) => {
                // Rare, and most likely lasting: memory is short, an interface is down.
                tracing::debug!(%error, decoy = decoy.name, "receiving failed");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let datagram = match conversations.get(&peer) {
            None => datagram,
            Some(conversation) => match conversation.try_send(datagram) {
                Ok(()) => continue,
                Err(TrySendError::Full(_)) => {
                    metrics::counter!("honeyguide_sensor_datagrams_dropped_total").increment(1);
                    continue;
                }
                Err(TrySendError::Closed(datagram)) => datagram,
            },
        };
        if conversations.len() >= shared.limits.udp_conversations_max {
            conversations.retain(|_, conversation| !conversation.is_closed());
        }
        let ends = Ends { peer: SocketAddr::new(model::canonical(peer.ip()), peer.port()), local, via: None };
        if conversations.len() >= shared.limits.udp_conversations_max {
            metrics::counter!("honeyguide_sensor_sessions_refused_total", "limit" => "udp_conversations_max").increment(1);
            continue;
        }
        let permit = match shared.admission.admit(ends.peer.ip()) {
            Ok(permit) => permit,
            Err(refusal) => {
                refuse(&decoy, ends, refusal);
                continue;
            }
        };
        let (sender, datagrams) = mpsc::channel(WAITING_MAX);
        let _ = sender.try_send(datagram); // an empty channel has room
        conversations.insert(peer, sender);
        let (decoy, socket) = (decoy.clone(), socket.clone());
        shared.tasks.spawn(async move {
            converse(decoy, socket, ends, peer, datagrams).await;
            drop(permit);
        });
    }
}

async fn converse(decoy: Arc<Decoy>, socket: Arc<UdpSocket>, ends: Ends, to: SocketAddr, datagrams: mpsc::Receiver<Vec<u8>>) {
    let Service::Session(factory) = &decoy.service else { return }; // SSH has no datagrams
    let (recorder, meter) = begin(&decoy, ends);
    let open = Open::new();
    let watch = Watch::new(meter.clone(), &decoy.shared.shutdown);
    let core = Core::new(decoy.clone(), factory(), recorder, meter.clone(), ends.peer, ends.local);
    let conversation = Conversation { core, socket, to, datagrams, watch, throttled: false };
    let reason = caught(&decoy, conversation.run()).await;
    meter.close(decoy.protocol, reason);
    drop(open);
}

struct Conversation {
    core: Core,
    socket: Arc<UdpSocket>,
    to: SocketAddr,
    datagrams: mpsc::Receiver<Vec<u8>>,
    watch: Watch,
    throttled: bool,
}

impl Conversation {
    async fn run(mut self) -> CloseReason {
        let reason = match self.drive().await {
            Ok(never) => match never {},
            Err(reason) => reason,
        };
        // What came while the session was ending is recorded, if not answered. Later datagrams begin a conversation of their own.
        self.datagrams.close();
        while let Ok(datagram) = self.datagrams.try_recv() {
            self.core.meter.received(&datagram);
        }
        reason
    }

    async fn drive(&mut self) -> Result<std::convert::Infallible, CloseReason> {
        // The first datagram is counted before anything may be said, or nothing could be.
        let mut waiting = Some(self.datagram().await?);
        let mut next = self.call(|session, cx| session.open(cx)).await?;
        loop {
            next = match next {
                Next::More => {
                    let datagram = match waiting.take() {
                        Some(datagram) => datagram,
                        None => self.datagram().await?,
                    };
                    let mut input = Input::default();
                    input.extend(&datagram);
                    self.call(|session, cx| session.receive(&mut input, cx)).await?
                }
                Next::Close => return Err(CloseReason::Server),
                Next::Wait(time) => {
                    tokio::select! {
                        biased;
                        reason = &mut self.watch => return Err(reason),
                        () = tokio::time::sleep(time) => {}
                    }
                    self.call(|session, cx| session.resume(Done::Waited, cx)).await?
                }
                Next::Run(command) => {
                    let done = tokio::select! {
                        biased;
                        reason = &mut self.watch => return Err(reason),
                        done = Box::pin(self.core.run(command)) => done,
                    };
                    self.call(|session, cx| session.resume(done, cx)).await?
                }
                Next::StartTls | Next::Terminal(_) | Next::Listen => {
                    tracing::error!(decoy = self.core.decoy.name, "a session asked for something datagrams do not have");
                    return Err(CloseReason::Error);
                }
            };
        }
    }

    async fn datagram(&mut self) -> Result<Vec<u8>, CloseReason> {
        let limits = &self.core.decoy.shared.limits;
        let silence = Duration::from_secs(limits.udp_idle_seconds_max);
        let datagram = tokio::select! {
            biased;
            reason = &mut self.watch => return Err(reason),
            datagram = tokio::time::timeout(silence, self.datagrams.recv()) => datagram,
        };
        // Datagrams have no end of conversation but silence; that is no limit reached.
        let Ok(Some(mut datagram)) = datagram else { return Err(CloseReason::Idle) };
        self.core.meter.received(&datagram);
        if self.core.meter.is_exhausted() {
            return Err(self.core.meter.exhausted());
        }
        datagram.truncate(limits.input_bytes_max);
        Ok(datagram)
    }

    async fn call(&mut self, call: impl FnOnce(&mut dyn Session, &mut Context<'_>) -> Next) -> Result<Next, CloseReason> {
        let (next, actions) = self.core.call(call);
        for action in actions {
            match action {
                Action::Emit(detail) => self.core.recorder.record(detail),
                Action::Capture(file) => self.core.recorder.capture(&file.path, &file.content, file.method),
                Action::Reply(bytes) => self.send(&bytes).await,
                // Silence has a limit of its own here.
                Action::TerminalInput(_) | Action::TerminalSize(..) | Action::DataReply(_) | Action::Deadline(_) => {}
            }
        }
        Ok(next)
    }

    /// Sends one datagram, unless it would make us an amplifier: the sender's address may be forged.
    async fn send(&mut self, bytes: &[u8]) {
        let meter = &self.core.meter;
        let factor = self.core.decoy.shared.limits.udp_amplification_max;
        if meter.tx_bytes().saturating_add(bytes.len() as u64) > meter.rx_bytes().saturating_mul(factor) {
            if !std::mem::replace(&mut self.throttled, true) {
                meter.limit("udp_amplification_max", factor);
            }
            return;
        }
        meter.sending(bytes);
        let _ = self.socket.send_to(bytes, self.to).await; // a lost datagram is nobody's concern
    }
}
