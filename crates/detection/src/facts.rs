//! What a session has shown so far.

use model::{Detail, Event, Protocol, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The facts of one session that judging it needs: counts, times and the ids of the primitives found. Small (no attacker bytes), and
/// meant to be stored while the session is open: primitives are kept by id, so that it survives a new catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionFacts {
    /// What the session speaks; `None` before its first event.
    pub protocol: Option<Protocol>,
    /// The earliest event's time.
    pub first: Option<Timestamp>,
    /// The latest event's time.
    pub last: Option<Timestamp>,
    /// Events of every kind.
    pub events: u64,
    /// Fingerprints: the client spoke the protocol's first words.
    pub fingerprints: u64,
    /// Credentials presented; asking without any (`none`) does not count.
    pub attempts: u64,
    /// Those that were let in.
    pub accepted: u64,
    /// Command lines that are not blank.
    pub commands: u64,
    /// Requests of HTTP-like protocols.
    pub requests: u64,
    /// Those of them that any browser or monitor makes: GET or HEAD of `/`, `/favicon.ico` or `/robots.txt`, and OPTIONS.
    pub plain_requests: u64,
    /// Database statements.
    pub queries: u64,
    /// Mails.
    pub messages: u64,
    /// URLs the host was asked to get.
    pub fetches: u64,
    /// Files left.
    pub files: u64,
    /// Connections asked for through the host.
    pub tunnels: u64,
    /// Breaches of the protocol.
    pub malformed: u64,
    /// Limits reached.
    pub limits: u64,
    /// Whether the close event was seen.
    pub closed: bool,
    /// The primitives found, by id, with the number of events that held each.
    pub primitives: BTreeMap<Arc<str>, u64>,
}

impl SessionFacts {
    /// Counts an event by its kind. Order does not matter: the facts of a set of events are the same however they arrive.
    pub(crate) fn count(&mut self, event: &Event) {
        self.protocol = Some(event.protocol);
        self.first = Some(self.first.map_or(event.time, |first| first.min(event.time)));
        self.last = Some(self.last.map_or(event.time, |last| last.max(event.time)));
        let one = |counter: &mut u64| *counter = counter.saturating_add(1);
        one(&mut self.events);
        match &event.detail {
            Detail::Connect { .. } | Detail::Rx { .. } | Detail::Tx { .. } => {}
            Detail::Fingerprint { .. } => one(&mut self.fingerprints),
            Detail::Auth { method, accepted, .. } => {
                if method != "none" {
                    one(&mut self.attempts);
                }
                if *accepted {
                    one(&mut self.accepted);
                }
            }
            Detail::Command { line } => {
                if !line.0.trim_ascii().is_empty() {
                    one(&mut self.commands);
                }
            }
            Detail::Request { method, target, .. } => {
                one(&mut self.requests);
                if is_plain(&method.0, &target.0) {
                    one(&mut self.plain_requests);
                }
            }
            Detail::Query { .. } => one(&mut self.queries),
            Detail::Message { .. } => one(&mut self.messages),
            Detail::Fetch { .. } => one(&mut self.fetches),
            Detail::File { .. } => one(&mut self.files),
            Detail::Tunnel { .. } => one(&mut self.tunnels),
            Detail::Malformed { .. } => one(&mut self.malformed),
            Detail::Limit { .. } => one(&mut self.limits),
            Detail::Close { .. } => self.closed = true,
        }
    }

    /// Counts an event that held a primitive.
    pub(crate) fn hit(&mut self, id: &Arc<str>) {
        match self.primitives.get_mut(id) {
            Some(count) => *count = count.saturating_add(1),
            None => {
                self.primitives.insert(id.clone(), 1);
            }
        }
    }
}

fn is_plain(method: &[u8], target: &[u8]) -> bool {
    match method {
        b"GET" | b"HEAD" => matches!(target, b"/" | b"/favicon.ico" | b"/robots.txt"),
        b"OPTIONS" => matches!(target, b"/" | b"*"),
        _ => false,
    }
}
