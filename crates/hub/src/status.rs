//! What the hub's threads say of themselves, for `/healthz` and `/metrics`.

use model::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// Shared by all threads of one hub.
#[derive(Debug, Default)]
pub struct Status {
    /// Events made durable since the start.
    pub stored: AtomicU64,
    /// Events that the pipeline has taken in since the start, those read from the log again included.
    pub processed: AtomicU64,
    /// Events handed to the pipeline, likewise.
    pub handed: AtomicU64,
    /// Records rejected since the start.
    pub rejected: AtomicU64,
    /// Events that came again since the start.
    pub duplicates: AtomicU64,
    /// Events that came after their session was judged, since the start.
    pub late: AtomicU64,
    /// Judged sessions remembered.
    pub sessions: AtomicU64,
    /// Sessions under way.
    pub open_sessions: AtomicU64,
    /// When the batch in the pipeline's hands was received, in microseconds; 0 when it has none.
    pub working_on_us: AtomicI64,
    /// Whether the last write to the event log failed.
    pub log_failing: AtomicBool,
    /// Whether the last commit of the state failed.
    pub state_failing: AtomicBool,
}

impl Status {
    /// Events stored that the pipeline has not taken in yet.
    pub fn backlog_events(&self) -> u64 {
        let processed = self.processed.load(Relaxed);
        self.handed.load(Relaxed).saturating_sub(processed)
    }

    /// How far the pipeline is behind, in milliseconds.
    pub fn lag_ms(&self, now: Timestamp) -> u64 {
        match self.working_on_us.load(Relaxed) {
            0 => 0,
            received => u64::try_from(now.since(Timestamp(received)).as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Now, by this machine's clock.
pub fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}
