//! What one session has moved and when: the counts of its `close` event, its `rx` and `tx` events, and the limits that follow from them.

use crate::recorder::Recorder;
use crate::{CloseReason, Limits};
use model::{Detail, Protocol};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// The meter of one session. Shared by what reads, what writes and what watches.
pub(crate) struct Meter {
    recorder: Recorder,
    started: Instant,
    /// Microseconds from `started` to the last byte.
    active_us: AtomicU64,
    rx: AtomicU64,
    tx: AtomicU64,
    limits: MeterLimits,
}

struct MeterLimits {
    session_seconds_max: u64,
    idle_seconds_max: u64,
    login_seconds_max: u64,
    session_bytes_max: u64,
    session_events_max: u64,
    recorded_rx_bytes_max: u64,
    recorded_tx_bytes_max: u64,
}

impl Meter {
    pub(crate) fn new(recorder: Recorder, limits: &Limits) -> Meter {
        Meter {
            recorder,
            started: Instant::now(),
            active_us: AtomicU64::new(0),
            rx: AtomicU64::new(0),
            tx: AtomicU64::new(0),
            limits: MeterLimits {
                session_seconds_max: limits.session_seconds_max,
                idle_seconds_max: limits.idle_seconds_max,
                login_seconds_max: limits.login_seconds_max,
                session_bytes_max: limits.session_bytes_max,
                session_events_max: limits.session_events_max,
                recorded_rx_bytes_max: limits.recorded_rx_bytes_max,
                recorded_tx_bytes_max: limits.recorded_tx_bytes_max,
            },
        }
    }

    /// Counts received bytes and records them up to the cap.
    pub(crate) fn received(&self, data: &[u8]) {
        let before = self.count_received(data.len());
        let cap = self.limits.recorded_rx_bytes_max;
        self.tape(before, data, cap, "recorded_rx_bytes_max", |data| Detail::Rx { data });
    }

    /// Counts bytes about to be sent and records them up to the cap.
    pub(crate) fn sending(&self, data: &[u8]) {
        let before = self.count_sent(data.len());
        let cap = self.limits.recorded_tx_bytes_max;
        self.tape(before, data, cap, "recorded_tx_bytes_max", |data| Detail::Tx { data });
    }

    fn tape(&self, before: u64, data: &[u8], cap: u64, name: &'static str, detail: fn(model::Blob) -> Detail) {
        let room = usize::try_from(cap.saturating_sub(before)).unwrap_or(usize::MAX);
        let kept = &data[..data.len().min(room)];
        if !kept.is_empty() {
            self.recorder.record(detail(kept.into()));
        }
        if kept.len() < data.len() && before <= cap {
            self.limit(name, cap);
        }
    }

    /// Counts received bytes whose content is recorded elsewhere; returns the count before.
    pub(crate) fn count_received(&self, bytes: usize) -> u64 {
        self.touch();
        self.rx.fetch_add(bytes as u64, Relaxed)
    }

    /// Counts sent bytes whose content is recorded elsewhere; returns the count before.
    pub(crate) fn count_sent(&self, bytes: usize) -> u64 {
        self.touch();
        self.tx.fetch_add(bytes as u64, Relaxed)
    }

    pub(crate) fn rx_bytes(&self) -> u64 {
        self.rx.load(Relaxed)
    }

    pub(crate) fn tx_bytes(&self) -> u64 {
        self.tx.load(Relaxed)
    }

    /// Whether the session has moved all the bytes, or recorded all the events, that it may.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.has_moved_all() || self.recorder.events() >= self.limits.session_events_max
    }

    /// Records which of the two it was.
    pub(crate) fn exhausted(&self) -> CloseReason {
        if self.has_moved_all() {
            self.limit("session_bytes_max", self.limits.session_bytes_max);
        } else {
            self.limit("session_events_max", self.limits.session_events_max);
        }
        CloseReason::Limit
    }

    fn has_moved_all(&self) -> bool {
        self.rx_bytes().saturating_add(self.tx_bytes()) >= self.limits.session_bytes_max
    }

    /// Records that a limit was reached.
    pub(crate) fn limit(&self, name: &'static str, value: u64) {
        self.recorder.record(Detail::Limit { name: name.into(), value });
    }

    fn touch(&self) {
        self.active_us.store(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Ends the session if its time is up, recording which limit that was; else says when to look again.
    pub(crate) fn expire(&self, now: Instant) -> Result<Instant, CloseReason> {
        let limits = &self.limits;
        let after = |seconds| self.started.checked_add(Duration::from_secs(seconds)).unwrap_or(now + FAR);
        let idle_from = self.started + Duration::from_micros(self.active_us.load(Relaxed));
        let idle = idle_from.checked_add(Duration::from_secs(limits.idle_seconds_max)).unwrap_or(now + FAR);
        let mut deadlines = vec![
            (after(limits.session_seconds_max), "session_seconds_max", limits.session_seconds_max, CloseReason::Limit),
            (idle, "idle_seconds_max", limits.idle_seconds_max, CloseReason::Idle),
        ];
        if !self.recorder.has_progressed() {
            deadlines.push((after(limits.login_seconds_max), "login_seconds_max", limits.login_seconds_max, CloseReason::Limit));
        }
        let Some((at, name, value, reason)) = deadlines.into_iter().min_by_key(|deadline| deadline.0) else { return Ok(now + FAR) };
        if at > now {
            return Ok(at);
        }
        self.limit(name, value);
        Err(reason)
    }

    /// Writes the session's last event and its metrics.
    pub(crate) fn close(&self, protocol: Protocol, reason: CloseReason) {
        let (rx_bytes, tx_bytes) = (self.rx_bytes(), self.tx_bytes());
        let duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.recorder.close(Detail::Close { reason: reason.name(), duration_us, rx_bytes, tx_bytes });
        metrics::counter!("honeyguide_sensor_rx_bytes_total", "protocol" => protocol.name()).increment(rx_bytes);
        metrics::counter!("honeyguide_sensor_tx_bytes_total", "protocol" => protocol.name()).increment(tx_bytes);
        metrics::counter!("honeyguide_sensor_sessions_closed_total", "protocol" => protocol.name(), "reason" => reason.name()).increment(1);
    }
}

/// Later than any session lasts; for limits so large that an instant cannot hold them.
const FAR: Duration = Duration::from_secs(86_400);
