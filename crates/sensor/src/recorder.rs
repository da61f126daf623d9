//! What one session's code may write: its identity is bound here, once, at connect.

use crate::captures::Captures;
use crate::spool::Spool;
use model::event::Name;
use model::{Detail, Event, Protocol, SessionId, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
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
    /// How many events were recorded.
    events: AtomicU64,
    progressed: AtomicBool,
    closed: AtomicBool,
}

impl Recorder {
    /// Binds a new session to its peer. `source` is made canonical.
    pub fn new(spool: Spool, captures: Captures, source: IpAddr, protocol: Protocol) -> Recorder {
        let session = SessionId(uuid::Uuid::now_v7());
        let source = model::canonical(source);
        Recorder(Arc::new(Identity {
            spool,
            captures,
            session,
            source,
            protocol,
            events: AtomicU64::new(0),
            progressed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }))
    }

    /// The session's id.
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// Records an event, now. Nothing is recorded after [`Recorder::close`]: what still runs then belongs to no session.
    pub fn record(&self, detail: Detail) {
        if self.0.closed.load(Relaxed) {
            metrics::counter!("honeyguide_sensor_events_after_close_total").increment(1);
            return;
        }
        if is_progress(&detail) {
            self.0.progressed.store(true, Relaxed);
        }
        self.append(detail);
    }

    /// Records the session's last event.
    pub(crate) fn close(&self, detail: Detail) {
        if !self.0.closed.swap(true, Relaxed) {
            self.append(detail);
        }
    }

    /// Whether the peer has got anywhere: logged in, asked something, run something. Until then its time is short.
    pub(crate) fn has_progressed(&self) -> bool {
        self.0.progressed.load(Relaxed)
    }

    /// How many events the session has recorded.
    pub(crate) fn events(&self) -> u64 {
        self.0.events.load(Relaxed)
    }

    fn append(&self, detail: Detail) {
        let Identity { spool, session, source, protocol, events, .. } = &*self.0;
        events.fetch_add(1, Relaxed);
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

fn is_progress(detail: &Detail) -> bool {
    matches!(
        detail,
        Detail::Auth { accepted: true, .. }
            | Detail::Command { .. }
            | Detail::Request { .. }
            | Detail::Query { .. }
            | Detail::Message { .. }
            | Detail::File { .. }
            | Detail::Tunnel { .. }
    )
}

impl shell::Observer for Recorder {
    fn observe(&self, detail: Detail) {
        self.record(detail);
    }

    fn capture(&self, path: &[u8], content: &[u8], method: Name) {
        Recorder::capture(self, path, content, method);
    }
}
