//! What one session's code may write: its identity is bound here, once, at connect.

use crate::captures::Captures;
use crate::spool::Spool;
use model::event::Name;
use model::{Detail, Event, Protocol, SessionId, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

/// Writes the events of one session; clones share it. Every call has written to the spool when it returns.
#[derive(Clone)]
pub struct Recorder(Arc<Identity>);

struct Identity {
    spool: Spool,
    captures: Captures,
    session: SessionId,
    source: IpAddr,
    protocol: Protocol,
}

impl Recorder {
    /// Binds a new session to its peer. `source` is made canonical.
    pub fn new(spool: Spool, captures: Captures, source: IpAddr, protocol: Protocol) -> Recorder {
        let session = SessionId(uuid::Uuid::now_v7());
        Recorder(Arc::new(Identity { spool, captures, session, source: model::canonical(source), protocol }))
    }

    /// The session's id.
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// Records an event, now.
    pub fn record(&self, detail: Detail) {
        let Identity { spool, session, source, protocol, .. } = &*self.0;
        spool.append(&Event { time: Timestamp::from(SystemTime::now()), session: *session, source: *source, protocol: *protocol, detail });
    }

    /// Stores a file and records it.
    pub fn capture(&self, path: &[u8], content: &[u8], method: Name) {
        let stored = self.0.captures.store(content);
        self.record(Detail::File {
            path: path.into(),
            sha256: stored.sha256,
            bytes: content.len() as u64,
            stored_bytes: stored.stored_bytes,
            method,
        });
    }
}

impl shell::Observer for Recorder {
    fn observe(&self, detail: Detail) {
        self.record(detail);
    }

    fn capture(&self, path: &[u8], content: &[u8], method: Name) {
        Recorder::capture(self, path, content, method);
    }
}
