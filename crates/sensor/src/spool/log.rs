//! The spool's state behind its lock: appending, rotating, dropping and forgetting.

use super::disk::{self, Disk};
use super::marker::Marker;
use super::segment::{self, Segment};
use super::trouble::Trouble;
use super::{FullPolicy, SpoolConfig, SpoolStats};
use model::wire::{self, HEADER_BYTES, PAYLOAD_BYTES_MAX};
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Sequences reserved ahead on the medium when little happens: what a power cut on a quiet sensor may be said to have taken.
const RESERVE_RECORDS_MIN: u64 = 64;
/// And on the busiest one.
const RESERVE_RECORDS_MAX: u64 = 1 << 20;
/// Sequences beyond this are never used or believed: what stores them may have signed integers.
pub(super) const SEQUENCE_MAX: u64 = i64::MAX as u64;

pub(super) struct Log {
    pub config: SpoolConfig,
    pub disk: Box<dyn Disk>,
    pub marker: Marker,
    /// Ascending; the last is the active one when `active` is set.
    pub segments: VecDeque<Segment>,
    /// Bytes of all segments.
    pub bytes: u64,
    /// The file of the last segment, open for appending.
    pub active: Option<Arc<dyn disk::Segment>>,
    /// Files that are full but perhaps not yet on the medium.
    pub retired: Vec<Arc<dyn disk::Segment>>,
    /// Whether a file was created or removed since the directory was synced.
    pub directory_changed: bool,
    /// Whether anything was written since the last sync.
    pub dirty: bool,
    /// Records appended since the last sync.
    pub appended_since_sync: u64,
    /// The sequence of the next record.
    pub next: u64,
    /// Up to where sequences may be used: `marker.state.reserved` as far as it is on the medium.
    pub reserved: u64,
    /// Where the reader goes on: everything in that segment before the offset is acknowledged.
    pub cursor: Option<Cursor>,
    /// The end of the batch that was last handed out and is not acknowledged.
    pub handed: Option<Cursor>,
    pub torn_tails: u64,
    /// Reads of the oldest segment that failed in a row.
    pub read_failures: u32,
    pub trouble: Trouble,
    pub buffer: Vec<u8>,
}

/// A place behind a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// The segment, by its first sequence.
    pub segment: u64,
    /// Bytes from its start.
    pub offset: u64,
    /// The record's sequence.
    pub through: u64,
}

impl Log {
    /// After so many failed reads a segment is given up.
    pub const READ_FAILURES_MAX: u32 = 5;

    /// Writes one record; counts it as lost when that cannot be.
    pub fn append(&mut self, payload: &[u8]) {
        if let Err(error) = self.try_append(payload) {
            self.count_lost(&error, 1);
        } else {
            self.trouble.written(&self.config.directory);
        }
    }

    fn try_append(&mut self, payload: &[u8]) -> Result<(), Lost> {
        let bytes = (HEADER_BYTES + payload.len()) as u64;
        if payload.len() > PAYLOAD_BYTES_MAX || bytes > self.config.spool_bytes_max / 2 {
            return Err(Lost::TooLarge { bytes });
        }
        if self.next >= SEQUENCE_MAX {
            return Err(Lost::SequencesUsedUp);
        }
        if self.next > self.reserved {
            self.reserve_now();
        }
        self.make_room(bytes)?;
        if self.segments.back().is_some_and(|s| self.active.is_some() && s.bytes + bytes > self.config.segment_bytes()) {
            self.retire();
        }
        let file = match &self.active {
            Some(file) => Arc::clone(file),
            None => self.create()?,
        };
        self.buffer.clear();
        wire::encode(self.next, payload, &mut self.buffer);
        if let Err(error) = write_whole(&*file, &self.buffer) {
            self.undo_partial(&*file);
            return Err(Lost::Write(error));
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes += bytes;
            segment.records += 1;
            segment.last = self.next;
        }
        self.bytes += bytes;
        self.next += 1;
        self.dirty = true;
        self.appended_since_sync += 1;
        Ok(())
    }

    /// Starts the segment of the next sequence.
    fn create(&mut self) -> Result<Arc<dyn disk::Segment>, Lost> {
        let path = segment::path(&self.config.directory, self.next);
        let file = match self.disk.create(&path) {
            // A segment that was started and never got a record: nothing of it is ours.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(&path).and_then(|()| self.disk.create(&path))
            }
            other => other,
        };
        let file = file.map_err(Lost::Write)?;
        self.segments.push_back(Segment::empty(self.next));
        self.active = Some(Arc::clone(&file));
        self.directory_changed = true;
        Ok(file)
    }

    /// After a write that failed: what it left behind is cut off, so that the next record follows the last whole one. Where even that
    /// fails the segment is left as it is, and its tail is repaired when it is next opened.
    fn undo_partial(&mut self, file: &dyn disk::Segment) {
        let whole_bytes = self.segments.back().map_or(0, |s| s.bytes);
        if file.truncate(whole_bytes).is_err() {
            self.retire();
        }
    }

    /// Ends the active segment; the next record starts a new one.
    pub fn retire(&mut self) {
        let Some(file) = self.active.take() else { return };
        if self.segments.back().is_some_and(|s| s.records == 0) {
            if let Some(empty) = self.segments.pop_back() {
                self.remove_file(&empty);
            }
        } else {
            self.retired.push(file);
        }
    }

    /// Makes room for a record by the full policy.
    fn make_room(&mut self, bytes: u64) -> Result<(), Lost> {
        while self.bytes + bytes > self.config.spool_bytes_max {
            if self.config.full == FullPolicy::DropNewest {
                return Err(Lost::Full);
            }
            self.drop_oldest()?;
        }
        Ok(())
    }

    /// Drops the oldest segment that holds nothing of a batch on its way: what the hub may be storing right now must not be counted as lost.
    fn drop_oldest(&mut self) -> Result<(), Lost> {
        let pinned = self.handed.map(|handed| handed.segment);
        let index = self.segments.iter().position(|s| Some(s.first) != pinned).ok_or(Lost::Full)?;
        if index + 1 == self.segments.len() {
            self.retire();
        }
        let Some(dropped) = self.segments.remove(index) else { return Err(Lost::Full) };
        self.remove_file(&dropped);
        let lost = dropped.records_after(self.marker.state.acked);
        self.count_lost(&Lost::Full, lost);
        Ok(())
    }

    /// The hub has everything through `through`: forgets it.
    pub fn acknowledge(&mut self, through: u64) {
        if through > SEQUENCE_MAX {
            tracing::error!(through, "the hub acknowledged a sequence that cannot exist; ignored");
            return;
        }
        if through >= self.next {
            self.raise(through);
        }
        if let Some(handed) = self.handed.take()
            && handed.through <= through
        {
            self.cursor = Some(handed);
        }
        self.marker.state.acked = self.marker.state.acked.max(through);
        self.marker.state.reported = true;
        while let Some(oldest) = self.segments.front() {
            let is_active = self.segments.len() == 1 && self.active.is_some();
            if is_active || oldest.last > self.marker.state.acked {
                break;
            }
            if let Some(done) = self.segments.pop_front() {
                self.remove_file(&done);
            }
        }
        self.save_marker();
    }

    /// Forgets everything through `through` as lost.
    pub fn abandon(&mut self, through: u64) {
        let lost = self.unacked_through(through);
        self.count_lost(&Lost::Refused, lost);
        self.acknowledge(through.min(self.next - 1));
    }

    /// Records that are not acknowledged and not after `through`.
    fn unacked_through(&self, through: u64) -> u64 {
        let acked = self.marker.state.acked;
        self.segments.iter().map(|s| s.records_after(acked) - s.records_after(acked.max(through))).sum()
    }

    /// Compares our position with the hub's, at the first contact after a start. A spool that was wiped (or set back to a snapshot) while its
    /// sensor kept its identity uses sequences again that the hub has, and takes for repetitions: the next sequence is raised above them, and
    /// what was recorded below before that contact is counted as lost, because it will not be stored.
    pub fn reconcile(&mut self, through: u64) {
        if through > SEQUENCE_MAX {
            tracing::error!(through, "the hub reported a sequence that cannot exist; ignored");
            return;
        }
        let acked = self.marker.state.acked;
        if !self.marker.state.joined || through >= self.next {
            let lost = self.unacked_through(through);
            self.count_lost(&Lost::Renumbered, lost);
        }
        self.marker.state.joined = true;
        if through > acked {
            self.acknowledge(through);
        } else {
            self.save_marker();
        }
    }

    /// Goes on above `through`, in a new segment: within one, sequences are contiguous.
    fn raise(&mut self, through: u64) {
        tracing::warn!(through, next = self.next, "the hub is ahead of this spool; sequences go on above the hub's");
        self.retire();
        self.next = through + 1;
    }

    pub fn stats(&self) -> SpoolStats {
        let acked = self.marker.state.acked;
        let waiting = self.segments.iter().filter(|s| s.last > acked);
        SpoolStats {
            backlog_records: waiting.clone().map(|s| s.records_after(acked)).sum(),
            backlog_bytes: waiting
                .map(|s| s.bytes - self.cursor.filter(|c| c.segment == s.first).map_or(0, |c| c.offset.min(s.bytes)))
                .sum(),
            bytes: self.bytes,
            next_sequence: self.next,
            acked,
            lost: self.marker.state.lost,
            unsynced: self.marker.state.unsynced,
            torn_tails: self.torn_tails,
            failing: self.trouble.failing(),
        }
    }

    /// Removes the file of a segment that was taken out of `segments`.
    pub fn remove_file(&mut self, segment: &Segment) {
        self.bytes = self.bytes.saturating_sub(segment.bytes);
        let path = segment::path(&self.config.directory, segment.first);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(path = %path.display(), %error, "a spool segment that is no longer needed cannot be removed");
            }
            _ => self.directory_changed = true,
        }
        self.dirty = true;
    }

    /// Counts events as lost, durably against the death of the process, and tells of them.
    pub fn count_lost(&mut self, why: &Lost, events: u64) {
        if events > 0 {
            self.marker.state.lost += events;
            self.save_marker();
            self.trouble.lost(why, events, &self.config.directory);
        }
    }

    pub fn save_marker(&mut self) {
        self.dirty = true;
        if let Err(error) = self.marker.save() {
            self.trouble.marker(&error, &self.config.directory);
        }
    }

    /// How many sequences to reserve, from what was appended in the last sync interval.
    fn reserve_records(&self) -> u64 {
        self.appended_since_sync.saturating_mul(4).clamp(RESERVE_RECORDS_MIN, RESERVE_RECORDS_MAX)
    }

    /// Reserves before the sync thread came to it: a burst has begun. Waits for the medium, but only as often as the burst doubles.
    fn reserve_now(&mut self) {
        self.marker.state.reserved = self.next.saturating_add(self.reserve_records());
        // When the medium refuses, recording goes on: better a count that may be too small after a power cut than no record.
        if let Err(error) = self.marker.save_synced() {
            self.trouble.marker(&error, &self.config.directory);
        }
        self.reserved = self.marker.state.reserved;
    }

    /// Everything is on the medium and nothing more comes: nothing is reserved, so the next start knows that nothing is missing.
    pub fn mark_clean(&mut self) {
        self.marker.state.reserved = self.next - 1;
        self.reserved = self.next - 1;
        if let Err(error) = self.marker.save_synced() {
            self.trouble.marker(&error, &self.config.directory);
        }
    }

    /// Before a sync: moves the reservation when little of it is left, or when a burst is over and it is far too large.
    pub fn plan_reserve(&mut self) {
        let wanted = self.reserve_records();
        let last = self.next - 1;
        let left = self.reserved.saturating_sub(last);
        if left < wanted / 2 || left > wanted.saturating_mul(4) {
            self.marker.state.reserved = last.saturating_add(wanted);
            // A smaller one holds at once, a larger one when it is on the medium.
            self.reserved = self.reserved.min(self.marker.state.reserved);
        }
        self.appended_since_sync = 0;
    }
}

/// The directory a log lives in.
pub(super) fn state_path(config: &SpoolConfig) -> PathBuf {
    config.directory.join("state")
}

fn write_whole(file: &dyn disk::Segment, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.append(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Why an event was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("the spool is full (spool_bytes_max)")]
    Full,
    #[error("an event of {bytes} bytes is too large for the spool")]
    TooLarge { bytes: u64 },
    #[error("the spool cannot be written")]
    Write(#[source] io::Error),
    #[error("records are damaged on disk")]
    Damaged,
    #[error("the spool was wiped and its numbers were used before")]
    Renumbered,
    #[error("the hub does not take an event")]
    Refused,
    #[error("the sequence numbers are used up")]
    SequencesUsedUp,
}
