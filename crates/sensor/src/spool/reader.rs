//! Taking batches out of the spool, as they lie on disk.

use super::log::{Cursor, Log, Lost};
use super::segment::{self, Segment};
use super::{Batch, Shared, lock, recover};
use bytes::Bytes;
use model::wire::{self, Damage, HEADER_BYTES, PAYLOAD_BYTES_MAX};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// What to read, decided under the lock; the reading itself holds up no writer.
struct Plan {
    segment: Segment,
    path: PathBuf,
    offset: u64,
    acked: u64,
}

/// What reading found.
enum Found {
    Batch(Batch, Cursor),
    /// Only acknowledged records.
    Nothing,
    Damage,
}

/// The records after the acknowledged ones, from one segment: at most `records_max`, at most `bytes_max` unless the first alone is larger.
pub(super) fn next_batch(shared: &Shared, bytes_max: usize, records_max: usize) -> io::Result<Option<Batch>> {
    loop {
        let Some(plan) = plan(&mut lock(&shared.log)) else { return Ok(None) };
        match read(&plan, bytes_max.max(HEADER_BYTES), records_max.max(1)) {
            Ok(Found::Batch(batch, end)) => {
                let mut log = lock(&shared.log);
                if log.segments.iter().any(|s| s.first == plan.segment.first) {
                    log.handed = Some(end);
                    return Ok(Some(batch));
                }
                // The full policy dropped it while it was read: it is counted as lost and must not arrive after all.
            }
            Ok(Found::Nothing) => return Ok(None),
            Ok(Found::Damage) => mend(&mut lock(&shared.log), &plan)?,
            Err(error) => {
                let mut log = lock(&shared.log);
                if log.segments.iter().any(|s| s.first == plan.segment.first) {
                    log.read_failures += 1;
                    if log.read_failures >= Log::READ_FAILURES_MAX {
                        abandon(&mut log, plan.segment.first);
                    }
                    return Err(error);
                }
            }
        }
    }
}

fn plan(log: &mut Log) -> Option<Plan> {
    let acked = log.marker.state.acked;
    let segment = log.segments.iter().find(|s| s.last > acked && s.records > 0)?.clone();
    let offset = log.cursor.filter(|c| c.segment == segment.first && c.through <= acked).map_or(0, |c| c.offset);
    Some(Plan { path: segment::path(&log.config.directory, segment.first), segment, offset, acked })
}

fn read(plan: &Plan, bytes_max: usize, records_max: usize) -> io::Result<Found> {
    let mut file = File::open(&plan.path)?;
    file.seek(SeekFrom::Start(plan.offset))?;
    let available = plan.segment.bytes.saturating_sub(plan.offset);
    let mut bytes = Vec::new();
    fill(&mut file, &mut bytes, bytes_max, available)?;
    let (mut start, mut end, mut records) = (0, 0, 0);
    let (mut first, mut last) = (0, plan.acked);
    while records < records_max {
        match wire::decode(bytes.get(end..).unwrap_or_default()) {
            Ok(Some(record)) if record.sequence <= plan.acked => {
                end += HEADER_BYTES + record.payload.len();
                start = end;
            }
            Ok(Some(record)) => {
                let next = end + HEADER_BYTES + record.payload.len();
                if next - start > bytes_max && records > 0 {
                    break;
                }
                if records == 0 {
                    first = record.sequence;
                }
                last = record.sequence;
                records += 1;
                end = next;
            }
            Ok(None) | Err(Damage::Torn) if records > 0 => break,
            Ok(None) | Err(Damage::Torn) if (bytes.len() as u64) < available => {
                // Only acknowledged records so far, or one that is larger than a batch.
                let more = bytes.len().max(HEADER_BYTES + PAYLOAD_BYTES_MAX);
                let before = bytes.len();
                fill(&mut file, &mut bytes, more, available)?;
                if bytes.len() == before {
                    return Ok(Found::Damage);
                }
            }
            Ok(None) => break,
            Err(_) if records > 0 => break,
            Err(_) => return Ok(Found::Damage),
        }
    }
    if records == 0 {
        return Ok(Found::Nothing);
    }
    let cursor = Cursor { segment: plan.segment.first, offset: plan.offset + end as u64, through: last };
    Ok(Found::Batch(Batch { records: Bytes::from(bytes).slice(start..end), first, last, count: records as u64 }, cursor))
}

/// Appends up to `more` bytes of the file, but not beyond `available` in all.
fn fill(file: &mut File, bytes: &mut Vec<u8>, more: usize, available: u64) -> io::Result<()> {
    let left = available.saturating_sub(bytes.len() as u64);
    file.take(left.min(more as u64)).read_to_end(bytes)?;
    Ok(())
}

/// The segment went bad after it was written: keeps its sound records, counts the others.
fn mend(log: &mut Log, plan: &Plan) -> io::Result<()> {
    let first = plan.segment.first;
    if log.segments.back().is_some_and(|s| s.first == first) {
        log.retire();
    }
    let Some(index) = log.segments.iter().position(|s| s.first == first) else { return Ok(()) };
    let repaired = recover::repair(&plan.path, first, first - 1)?;
    let Some(segment) = log.segments.get_mut(index) else { return Ok(()) };
    let acked = log.marker.state.acked;
    let lost = segment.records_after(acked).saturating_sub(repaired.segment.records_after(acked));
    log.bytes = log.bytes.saturating_sub(segment.bytes) + repaired.segment.bytes;
    *segment = repaired.segment;
    log.cursor = None;
    log.count_lost(&Lost::Damaged, lost);
    if log.segments.get(index).is_some_and(|s| s.records == 0)
        && let Some(empty) = log.segments.remove(index)
    {
        log.remove_file(&empty);
    }
    Ok(())
}

/// Gives up a segment that cannot be read, so that the ones behind it get through.
fn abandon(log: &mut Log, first: u64) {
    log.read_failures = 0;
    if log.segments.back().is_some_and(|s| s.first == first) {
        log.retire();
    }
    let Some(index) = log.segments.iter().position(|s| s.first == first) else { return };
    if let Some(segment) = log.segments.remove(index) {
        let lost = segment.records_after(log.marker.state.acked);
        log.remove_file(&segment);
        log.count_lost(&Lost::Damaged, lost);
    }
}
