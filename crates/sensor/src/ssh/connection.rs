//! What the parts of one connection share.

use super::{Profile, SshLimits};
use crate::recorder::Recorder;
use emulation::CredentialPolicy;
use model::{Blob, Detail};
use russh::server::Handle;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) struct Connection {
    pub recorder: Recorder,
    pub policy: Arc<CredentialPolicy>,
    pub profile: Arc<Profile>,
    pub limits: SshLimits,
    /// Set once the transport runs.
    pub handle: OnceLock<Handle>,
    /// Ends the stream, and with it the transport.
    pub stop: CancellationToken,
    /// Ends the commands.
    pub halt: CancellationToken,
    /// Ends those on a terminal, which is sooner.
    pub hangup: CancellationToken,
    /// The commands.
    pub tasks: TaskTracker,
    pub authenticated: AtomicBool,
    /// Whether the server hung up, rather than the peer.
    pub hung_up: AtomicBool,
    malformed: AtomicBool,
    rx: Allowance,
    tx: Allowance,
    tunnel: Allowance,
    requests: Allowance,
    /// Bytes of the files being uploaded at this moment.
    pub upload_bytes: AtomicUsize,
    /// The same of all connections.
    pub all_upload_bytes: Arc<AtomicUsize>,
    /// Which limits have been recorded, so that each is once.
    pub stdin_dropped: AtomicBool,
    pub upload_refused: AtomicBool,
}

impl Connection {
    pub(super) fn new(
        recorder: Recorder,
        policy: Arc<CredentialPolicy>,
        profile: Arc<Profile>,
        limits: SshLimits,
        all_upload_bytes: Arc<AtomicUsize>,
    ) -> Connection {
        let halt = CancellationToken::new();
        Connection {
            recorder,
            policy,
            profile,
            limits,
            handle: OnceLock::new(),
            stop: CancellationToken::new(),
            hangup: halt.child_token(),
            halt,
            tasks: TaskTracker::new(),
            authenticated: AtomicBool::new(false),
            hung_up: AtomicBool::new(false),
            malformed: AtomicBool::new(false),
            rx: Allowance::new("recorded_rx_bytes_max", limits.recorded_rx_bytes_max),
            tx: Allowance::new("recorded_tx_bytes_max", limits.recorded_tx_bytes_max),
            tunnel: Allowance::new("tunnel_bytes_max", limits.tunnel_bytes_max),
            requests: Allowance::new("requests_recorded_max", u64::from(limits.requests_recorded_max)),
            upload_bytes: AtomicUsize::new(0),
            all_upload_bytes,
            stdin_dropped: AtomicBool::new(false),
            upload_refused: AtomicBool::new(false),
        }
    }

    /// Records that the peer broke the protocol: once, for what follows the first breach is its consequence.
    pub(super) fn malformed(&self, reason: &'static str, data: &[u8]) {
        if !self.malformed.swap(true, Ordering::Relaxed) {
            let data = &data[..data.len().min(self.limits.malformed_bytes_max)];
            self.recorder.record(Detail::Malformed { reason: reason.into(), data: data.into() });
        }
    }

    /// Records bytes a channel received, as far as the limit allows.
    pub(super) fn rx(&self, data: &[u8]) {
        let data = self.rx.take_bytes(&self.recorder, data);
        if !data.is_empty() {
            self.recorder.record(Detail::Rx { data: data.into() });
        }
    }

    /// Records bytes a channel is about to send, as far as the limit allows.
    pub(super) fn tx(&self, data: &[u8]) {
        let data = self.tx.take_bytes(&self.recorder, data);
        if !data.is_empty() {
            self.recorder.record(Detail::Tx { data: data.into() });
        }
    }

    /// Records bytes sent into a tunnel, as far as the limit allows.
    pub(super) fn tunnelled(&self, host: &[u8], port: u32, data: &[u8]) {
        let data = self.tunnel.take_bytes(&self.recorder, data);
        if !data.is_empty() {
            self.recorder.record(Detail::Tunnel { host: host.into(), port: port_number(port), data: data.into() });
        }
    }

    /// Records a request, unless there were too many; whether it was recorded (what is not recorded must not be granted).
    pub(super) fn request(&self, detail: impl FnOnce() -> Detail) -> bool {
        let recorded = self.requests.take(&self.recorder, 1) == 1;
        if recorded {
            self.recorder.record(detail());
        }
        recorded
    }

    /// Records something that tells the attacker's software apart, as a request.
    pub(super) fn fingerprint(&self, method: &'static str, value: impl Into<Blob>, raw: impl Into<Blob>) -> bool {
        self.request(|| Detail::Fingerprint { method: method.into(), value: value.into(), raw: raw.into() })
    }

    /// Records a limit, the first time that `flag` is raised.
    pub(super) fn limit_once(&self, flag: &AtomicBool, name: &'static str, value: u64) {
        if !flag.swap(true, Ordering::Relaxed) {
            self.recorder.record(Detail::Limit { name: name.into(), value });
        }
    }
}

/// SSH carries ports as 32 bits; what does not fit was never a port.
pub(super) fn port_number(port: u32) -> u16 {
    u16::try_from(port).unwrap_or(0)
}

/// A quantity that is used up; that it is, is recorded once.
struct Allowance {
    name: &'static str,
    whole: u64,
    left: AtomicU64,
    told: AtomicBool,
}

impl Allowance {
    fn new(name: &'static str, whole: u64) -> Allowance {
        Allowance { name, whole, left: AtomicU64::new(whole), told: AtomicBool::new(false) }
    }

    /// Takes up to `wanted`.
    fn take(&self, recorder: &Recorder, wanted: u64) -> u64 {
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(wanted))).unwrap_or(0);
        if before < wanted && !self.told.swap(true, Ordering::Relaxed) {
            recorder.record(Detail::Limit { name: self.name.into(), value: self.whole });
        }
        before.min(wanted)
    }

    fn take_bytes<'a>(&self, recorder: &Recorder, data: &'a [u8]) -> &'a [u8] {
        let count = self.take(recorder, data.len() as u64);
        &data[..usize::try_from(count).unwrap_or(data.len()).min(data.len())]
    }
}
