//! Telling of losses: at once when they begin, then at most once a minute, and when recording works again.

use super::log::Lost;
use std::error::Error;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(60);

/// The losses that were not told of yet.
#[derive(Default)]
pub(super) struct Trouble {
    /// Whether the last write to the disk failed.
    failing: bool,
    /// Losses since the last line.
    untold: u64,
    /// Losses since recording stopped working.
    since_failing: u64,
    last_told: Option<Instant>,
    last_sync: Option<Instant>,
    last_marker: Option<Instant>,
}

impl Trouble {
    /// Whether the disk refuses writes.
    pub fn failing(&self) -> bool {
        self.failing
    }

    /// Events were lost.
    pub fn lost(&mut self, why: &Lost, events: u64, directory: &Path) {
        metrics::counter!("honeyguide_spool_lost_total").increment(events);
        self.untold += events;
        let begins = matches!(why, Lost::Write(_)) && !self.failing;
        self.failing |= begins;
        if self.failing {
            self.since_failing += events;
        }
        if !begins && self.last_told.is_some_and(|told| told.elapsed() < INTERVAL) {
            return;
        }
        self.last_told = Some(Instant::now());
        let lost = std::mem::take(&mut self.untold);
        let cause = why.source().map(ToString::to_string).unwrap_or_default();
        let remedy = match why {
            Lost::Write(_) => "make space or repair the disk; recording goes on by itself",
            Lost::Full => "the hub is away or too slow, or spool_bytes_max is too small",
            Lost::TooLarge { .. } | Lost::Damaged | Lost::Renumbered | Lost::Refused | Lost::SequencesUsedUp => "",
        };
        tracing::error!(directory = %directory.display(), lost, cause, remedy, "events are lost, and counted: {why}");
    }

    /// An event was written.
    pub fn written(&mut self, directory: &Path) {
        if std::mem::take(&mut self.failing) {
            let lost = std::mem::take(&mut self.since_failing);
            self.untold = 0;
            tracing::info!(directory = %directory.display(), lost, "the spool can be written again");
        }
    }

    /// A sync failed: what was written since the last one may not be on the medium, and the system may not try it again.
    pub fn sync(&mut self, error: &io::Error) {
        metrics::counter!("honeyguide_spool_sync_failures_total").increment(1);
        if self.last_sync.is_none_or(|told| told.elapsed() >= INTERVAL) {
            self.last_sync = Some(Instant::now());
            tracing::error!(%error, "the spool cannot be synced; a power cut could now take more than the last 100 ms");
        }
    }

    /// The state file could not be written.
    pub fn marker(&mut self, error: &io::Error, directory: &Path) {
        if self.last_marker.is_none_or(|told| told.elapsed() >= INTERVAL) {
            self.last_marker = Some(Instant::now());
            tracing::error!(directory = %directory.display(), %error, "the spool's state file cannot be written; after a restart some events may be sent again");
        }
    }
}
