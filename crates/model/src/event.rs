//! What happened in a session, byte for byte.

use crate::{Blob, Protocol, SessionId, Sha256, Timestamp, Transport};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

/// A word of ours (never the attacker's), usually a literal: the name of a method, of a limit, of a reason.
pub type Name = Cow<'static, str>;

/// One thing that happened in one session.
///
/// `session`, `source` and `protocol` are set by the sensor's runtime when the connection is accepted; nothing an attacker sends
/// changes them. An event stands alone: it can be attributed even when the session's other events were lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the sensor's clock.
    pub time: Timestamp,
    /// The session it belongs to.
    pub session: SessionId,
    /// The peer's address, canonical ([`crate::canonical`]).
    pub source: IpAddr,
    /// What the session speaks.
    pub protocol: Protocol,
    /// What happened.
    pub detail: Detail,
}

/// The kinds of event. Each is described, field by field, in [`crate::catalogue`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // `catalogue` documents every field, and a test holds the two together
pub enum Detail {
    Connect { peer: SocketAddr, local: SocketAddr, transport: Transport, tls: bool, via: Option<SocketAddr> },
    Fingerprint { method: Name, value: Blob, raw: Blob },
    Auth { method: Name, username: Blob, secret: Blob, accepted: bool },
    Command { line: Blob },
    Request { method: Blob, target: Blob, version: Blob, headers: Vec<(Blob, Blob)>, body: Blob, body_bytes: u64 },
    Query { text: Blob },
    Message { sender: Blob, recipients: Vec<Blob>, body: Blob },
    Fetch { url: Blob, tool: Name },
    File { path: Blob, sha256: Sha256, bytes: u64, stored_bytes: u64, method: Name },
    Tunnel { host: Blob, port: u16, data: Blob },
    Malformed { reason: Name, data: Blob },
    Limit { name: Name, value: u64 },
    Rx { data: Blob },
    Tx { data: Blob },
    Close { reason: Name, duration_us: u64, rx_bytes: u64, tx_bytes: u64 },
}

impl Detail {
    /// The kind's name, as in the catalogue and in the serialized form.
    pub const fn kind(&self) -> &'static str {
        match self {
            Detail::Connect { .. } => "connect",
            Detail::Fingerprint { .. } => "fingerprint",
            Detail::Auth { .. } => "auth",
            Detail::Command { .. } => "command",
            Detail::Request { .. } => "request",
            Detail::Query { .. } => "query",
            Detail::Message { .. } => "message",
            Detail::Fetch { .. } => "fetch",
            Detail::File { .. } => "file",
            Detail::Tunnel { .. } => "tunnel",
            Detail::Malformed { .. } => "malformed",
            Detail::Limit { .. } => "limit",
            Detail::Rx { .. } => "rx",
            Detail::Tx { .. } => "tx",
            Detail::Close { .. } => "close",
        }
    }
}
