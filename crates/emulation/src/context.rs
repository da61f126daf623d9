//! What a session may see of the world, and what it may do to it.

use crate::{Captured, CredentialPolicy, Credentials};
use model::{Blob, Detail, Timestamp};
use persona::{Instance, Persona};
use rand::rngs::SmallRng;
use std::net::SocketAddr;
use std::time::Duration;

/// Limits a protocol applies itself. All are per session; the runtime's own limits (connections, seconds, bytes recorded) are not here.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest line of a line-based protocol.
    pub line_bytes_max: usize,
    /// The most bytes that wait untaken.
    pub input_bytes_max: usize,
    /// The largest message, request body or upload kept.
    pub body_bytes_max: usize,
    /// The most header lines of a request.
    pub headers_max: usize,
    /// The most login attempts before the server hangs up.
    pub auth_attempts_max: u32,
    /// The longest data quoted in a `malformed` event.
    pub malformed_bytes_max: usize,
    /// The most option commands recorded of a protocol that negotiates options (Telnet).
    pub negotiations_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            line_bytes_max: 8 * 1024,
            input_bytes_max: 256 * 1024,
            body_bytes_max: 8 * 1024 * 1024,
            headers_max: 100,
            auth_attempts_max: 6,
            malformed_bytes_max: 1024,
            negotiations_max: 128,
        }
    }
}

/// What the runtime has to do for a session, in order: events before the replies that follow them.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Record an event.
    Emit(Detail),
    /// Store a file, then record it as a `file` event.
    Capture(Captured),
    /// Send bytes to the peer.
    Reply(Vec<u8>),
    /// Type bytes into the session's terminal.
    TerminalInput(Vec<u8>),
    /// Tell the terminal its new size: columns, rows.
    TerminalSize(u16, u16),
    /// Send bytes on the data channel and close it.
    DataReply(Vec<u8>),
    /// Wait so long, from now, for what the session wants of the peer next; `None` as long as the sensor's limits allow.
    Deadline(Option<Duration>),
}

/// A session's window on the world for the duration of one call.
pub struct Context<'a> {
    /// The time.
    pub now: Timestamp,
    /// The only source of randomness; seeded by the runtime (or a test).
    pub rng: &'a mut SmallRng,
    /// Who the decoy pretends to be.
    pub persona: &'a Persona,
    /// Which one of those it is.
    pub instance: &'a Instance,
    /// The limits.
    pub limits: &'a Limits,
    /// Which credentials are let in.
    pub policy: &'a CredentialPolicy,
    /// The peer.
    pub peer: SocketAddr,
    /// Our own address, as the peer sees it.
    pub local: SocketAddr,
    /// Whether the bytes travel inside TLS.
    pub tls: bool,
    /// What is to be done.
    pub actions: Vec<Action>,
}

impl Context<'_> {
    /// Sends bytes to the peer, after every event emitted so far is recorded.
    pub fn reply(&mut self, bytes: impl AsRef<[u8]>) {
        // Neighbouring replies leave as one segment, as a real server's would.
        match self.actions.last_mut() {
            Some(Action::Reply(last)) => last.extend_from_slice(bytes.as_ref()),
            _ => self.actions.push(Action::Reply(bytes.as_ref().to_vec())),
        }
    }

    /// Records an event.
    pub fn emit(&mut self, detail: Detail) {
        self.actions.push(Action::Emit(detail));
    }

    /// Records that the peer broke the protocol, quoting `data` up to the limit.
    pub fn malformed(&mut self, reason: &'static str, data: &[u8]) {
        let data = Blob::from(&data[..data.len().min(self.limits.malformed_bytes_max)]);
        self.emit(Detail::Malformed { reason: reason.into(), data });
    }

    /// Records that a limit was reached.
    pub fn limit(&mut self, name: &'static str, value: u64) {
        self.emit(Detail::Limit { name: name.into(), value });
    }

    /// Keeps a file the attacker left.
    pub fn capture(&mut self, captured: Captured) {
        self.actions.push(Action::Capture(captured));
    }

    /// Judges credentials by the policy and records the `auth` event. `attempt` counts this session's attempts from 1.
    pub fn authenticate(&mut self, method: &'static str, username: &[u8], secret: &[u8], attempt: u32) -> bool {
        let accepted = self.policy.accepts(&Credentials { username, secret, attempt });
        self.emit(Detail::Auth { method: method.into(), username: username.into(), secret: secret.into(), accepted });
        accepted
    }

    /// Says how long to wait, from now, before [`crate::Session::lapse`] is called; `None` to wait as long as the sensor's limits allow. It
    /// counts only while the session wants more bytes.
    pub fn expect_within(&mut self, time: Option<Duration>) {
        self.actions.push(Action::Deadline(time));
    }

    /// Types bytes into the terminal asked for with [`crate::Next::Terminal`].
    pub fn terminal_input(&mut self, bytes: impl AsRef<[u8]>) {
        match self.actions.last_mut() {
            Some(Action::TerminalInput(last)) => last.extend_from_slice(bytes.as_ref()),
            _ => self.actions.push(Action::TerminalInput(bytes.as_ref().to_vec())),
        }
    }

    /// Tells that terminal its new size.
    pub fn terminal_size(&mut self, columns: u16, rows: u16) {
        self.actions.push(Action::TerminalSize(columns, rows));
    }

    /// Sends bytes on the data channel asked for with [`crate::Next::Listen`], and closes it.
    pub fn data_reply(&mut self, bytes: impl Into<Vec<u8>>) {
        self.actions.push(Action::DataReply(bytes.into()));
    }
}
