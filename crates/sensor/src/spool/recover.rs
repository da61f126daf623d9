//! Opening a spool that was left in any state.

use super::disk::{self, Disk};
use super::log::{self, Log};
use super::marker::{Marker, State};
use super::segment::{self, Segment};
use super::trouble::Trouble;
use super::{SpoolConfig, SpoolError};
use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

/// Reads every segment, repairs what is damaged, counts what is gone, and finds where to go on. `boot` names the machine's current boot.
pub(super) fn open(config: SpoolConfig, disk: Box<dyn Disk>, boot: String) -> Result<Log, SpoolError> {
    let at = |error| SpoolError::new(&config.directory, error);
    let (mut marker, found) = Marker::open(&log::state_path(&config)).map_err(at)?;
    let recovered = recover(&config.directory, &mut marker.state).map_err(at)?;
    if !found && !recovered.segments.is_empty() {
        // The state file is gone but the records are here: they were numbered in agreement with the hub.
        marker.state.joined = true;
    }
    let last = recovered.last.max(marker.state.acked).max(marker.state.floor);
    let state = &mut marker.state;
    if state.reported {
        state.unsynced = 0;
    }
    let mut next = last + 1;
    if !boot.is_empty() && state.boot == boot {
        // Whatever was written before the process died is still in the page cache: nothing can be missing.
    } else if found && state.reserved > last {
        let unsynced = state.reserved - last;
        tracing::warn!(unsynced, "the last stop was not clean: at most this many events that were not yet on the medium may be gone");
        state.unsynced += unsynced;
        state.reported = false;
        next = state.reserved + 1;
    }
    state.floor = next - 1;
    state.boot = boot;
    state.reserved = next.saturating_add(63);
    marker.save_synced().map_err(at)?;
    let reserved = marker.state.reserved;
    let bytes = recovered.segments.iter().map(|s| s.bytes).sum();
    Ok(Log {
        config,
        disk,
        marker,
        segments: recovered.segments,
        bytes,
        active: None,
        retired: Vec::new(),
        directory_changed: true,
        dirty: false,
        appended_since_sync: 0,
        next,
        reserved,
        cursor: None,
        handed: None,
        torn_tails: recovered.torn_tails,
        read_failures: 0,
        trouble: Trouble::default(),
        buffer: Vec::new(),
    })
}

struct Recovered {
    segments: VecDeque<Segment>,
    last: u64,
    torn_tails: u64,
}

fn recover(directory: &Path, state: &mut State) -> io::Result<Recovered> {
    let mut firsts: Vec<u64> = Vec::new();
    for entry in fs::read_dir(directory)? {
        firsts.extend(entry?.file_name().to_str().and_then(segment::first_of).filter(|&first| (1..log::SEQUENCE_MAX).contains(&first)));
    }
    firsts.sort_unstable();
    let mut recovered = Recovered { segments: VecDeque::new(), last: 0, torn_tails: 0 };
    for (index, &first) in firsts.iter().enumerate() {
        let path = segment::path(directory, first);
        let Repaired { segment, missing, torn } = repair(&path, first, recovered.last)?;
        for gap in &missing {
            state.lost += unacked(gap, state.acked);
        }
        if torn {
            recovered.torn_tails += 1;
            // The end of the last segment is torn by a write that never returned. Anywhere else it is damage.
            if let Some(&next) = firsts.get(index + 1) {
                state.lost += unacked(&(segment.last + 1..next), state.acked);
            }
        }
        recovered.last = recovered.last.max(segment.last);
        if segment.records == 0 || segment.last <= state.acked {
            fs::remove_file(&path)?;
        } else {
            recovered.segments.push_back(segment);
        }
    }
    Ok(recovered)
}

/// How many of `sequences` come after `acked`.
pub(super) fn unacked(sequences: &Range<u64>, acked: u64) -> u64 {
    sequences.end.saturating_sub(sequences.start.max(acked + 1))
}

/// What is left of a segment.
pub(super) struct Repaired {
    pub segment: Segment,
    /// Sequences that damage took from the middle.
    pub missing: Vec<Range<u64>>,
    /// Whether its end was cut off.
    pub torn: bool,
}

/// Reads a segment whole and leaves only its sound records with sequences above `after` in the file.
pub(super) fn repair(path: &Path, first: u64, after: u64) -> io::Result<Repaired> {
    let bytes = fs::read(path)?;
    let scan = segment::scan(&bytes, after.max(first - 1));
    let good_bytes: usize = scan.good.iter().map(ExactSizeIterator::len).sum();
    let torn = scan.tail_bytes > 0;
    if good_bytes + scan.tail_bytes < bytes.len() {
        tracing::error!(path = %path.display(), missing = ?scan.missing, "a spool segment is damaged; its sound records are kept");
        let whole: Vec<u8> = scan.good.iter().filter_map(|range| bytes.get(range.clone())).flatten().copied().collect();
        let temporary = path.with_extension("repair");
        let mut file = disk::private(OpenOptions::new().write(true).create(true).truncate(true)).open(&temporary)?;
        file.write_all(&whole)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
    } else if torn {
        tracing::warn!(path = %path.display(), tail_bytes = scan.tail_bytes, "the torn end of a spool segment is cut off");
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(good_bytes as u64)?;
        file.sync_all()?;
    }
    let segment = Segment { first, last: scan.last.max(first - 1), records: scan.records, bytes: good_bytes as u64 };
    Ok(Repaired { segment, missing: scan.missing, torn })
}
