//! One segment: a file of records named after its first sequence, and the finding of good records in a damaged one.

use model::wire::{self, Damage, HEADER_BYTES};
use std::ops::Range;
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".segment";

/// What is known of a segment without reading it. Its sequences are contiguous but for records that were lost to damage.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The sequence in its name: of its first record, when it has one.
    pub first: u64,
    /// The sequence of its last record; `first - 1` when it has none.
    pub last: u64,
    /// Records it holds.
    pub records: u64,
    /// Bytes of whole records; what lies behind them in the file is not ours.
    pub bytes: u64,
}

impl Segment {
    /// A segment that holds nothing yet.
    pub fn empty(first: u64) -> Segment {
        Segment { first, last: first.saturating_sub(1), records: 0, bytes: 0 }
    }

    /// How many of its records come after `acked`; exact unless damage made holes before `acked`.
    pub fn records_after(&self, acked: u64) -> u64 {
        self.records.min(self.last.saturating_sub(acked))
    }
}

/// The path of the segment that starts at `first`; names sort as sequences do.
pub(super) fn path(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:020}{SUFFIX}"))
}

/// The first sequence in a segment's file name; `None` for other files.
pub(super) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    if digits.len() == 20 { digits.parse().ok() } else { None }
}

/// What is good in a segment's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// The bytes of whole records, ascending; more than one range, or one that does not start at 0, means damage in the middle.
    pub good: Vec<Range<usize>>,
    /// The sequence of the last good record, or `after` when there is none.
    pub last: u64,
    /// Good records.
    pub records: u64,
    /// Records that damage took from before or between good ones, as the sequences tell. Gaps without damage were counted when they came to be.
    pub missing: Vec<Range<u64>>,
    /// Bytes after the last good record.
    pub tail_bytes: usize,
}

/// Reads every record with a sequence above `after`, stepping over damage.
pub(super) fn scan(bytes: &[u8], after: u64) -> Scan {
    let mut scan = Scan { good: Vec::new(), last: after, records: 0, missing: Vec::new(), tail_bytes: 0 };
    let mut at = 0;
    let mut start = 0;
    let mut stepped_over = false;
    while at < bytes.len() {
        if let Some((sequence, length)) = record_at(bytes, at, scan.last) {
            if std::mem::take(&mut stepped_over) && sequence > scan.last + 1 {
                scan.missing.push(scan.last + 1..sequence);
            }
            scan.last = sequence;
            scan.records += 1;
            at += length;
            continue;
        }
        if start < at {
            scan.good.push(start..at);
        }
        match next_record(bytes, at, scan.last) {
            Some(next) => {
                at = next;
                start = next;
                stepped_over = true;
            }
            None => {
                scan.tail_bytes = bytes.len() - at;
                return scan;
            }
        }
    }
    if start < at {
        scan.good.push(start..at);
    }
    scan
}

/// The sequence and the whole length of the record at `at`, when it is sound and follows `last`.
fn record_at(bytes: &[u8], at: usize, last: u64) -> Option<(u64, usize)> {
    match wire::decode(bytes.get(at..)?) {
        Ok(Some(record)) if record.sequence > last => Some((record.sequence, HEADER_BYTES + record.payload.len())),
        _ => None,
    }
}

/// Where the next sound record after the damage at `at` starts. The damaged record's own length is believed first, when it leads to the
/// very next record; only otherwise is every offset tried, because an attacker's bytes inside a payload could look like a record.
fn next_record(bytes: &[u8], at: usize, last: u64) -> Option<usize> {
    if let Some(Err(Damage::Checksum { skip })) = bytes.get(at..).map(wire::decode) {
        let next = at + skip;
        if record_at(bytes, next, last).is_some_and(|(sequence, _)| sequence - last == 2) {
            return Some(next);
        }
    }
    (at + 1..=bytes.len().saturating_sub(HEADER_BYTES)).find(|&next| plausible(bytes, next, last) && record_at(bytes, next, last).is_some())
}

/// Whether the sequence at `at` is one this segment could hold next: cheap, so that a checksum is computed for few offsets only.
fn plausible(bytes: &[u8], at: usize, last: u64) -> bool {
    let Some(field) = bytes.get(at + 8..at + 16).and_then(|field| <[u8; 8]>::try_from(field).ok()) else { return false };
    let sequence = u64::from_le_bytes(field);
    let records_before_max = (at / HEADER_BYTES) as u64 + 1;
    sequence > last && sequence - last <= records_before_max
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(sequences: Range<u64>, payload_bytes: usize) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut starts = Vec::new();
        for sequence in sequences {
            starts.push(bytes.len());
            wire::encode(sequence, &vec![sequence as u8; payload_bytes], &mut bytes);
        }
        (bytes, starts)
    }

    #[test]
    fn names_sort_as_sequences_and_read_back() {
        let name = path(Path::new(""), 42).to_string_lossy().into_owned();
        assert_eq!(first_of(&name), Some(42));
        for other in ["state", "lock", "42.segment", "0000000000000000004x.segment", ""] {
            assert_eq!(first_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_sound_segment_is_one_range() {
        let (bytes, _) = segment(7..12, 30);
        let scan = scan(&bytes, 6);
        assert_eq!((scan.records, scan.last, scan.tail_bytes), (5, 11, 0));
        assert_eq!((scan.good.len(), scan.good.first()), (1, Some(&(0..bytes.len()))));
        assert!(scan.missing.is_empty());
    }

    #[test]
    fn a_damaged_length_costs_one_record() {
        let (mut bytes, starts) = segment(1..6, 30);
        bytes[starts[2] + 1] ^= 0xff; // the length of the third record now reaches beyond the segment
        let scan = scan(&bytes, 0);
        assert_eq!((scan.missing.len(), scan.missing.first()), (1, Some(&(3..4))));
        assert_eq!((scan.records, scan.last, scan.tail_bytes), (4, 5, 0));
    }

    proptest! {
        #[test]
        fn one_flipped_bit_costs_at_most_one_record(at in any::<prop::sample::Index>(), bit in 0..8u8, payload_bytes in 0..60usize) {
            let (mut bytes, starts) = segment(1..20, payload_bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let hit = starts.partition_point(|&start| start <= at) as u64;
            let scan = scan(&bytes, 0);
            prop_assert_eq!(scan.records, 18);
            if hit == 19 {
                prop_assert!(scan.tail_bytes > 0, "the last record's damage is a torn tail");
            } else {
                prop_assert_eq!(scan.missing, vec![hit..hit + 1]);
            }
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), after in any::<u64>()) {
            let scan = scan(&bytes, after.min(u64::MAX - 1));
            let good: usize = scan.good.iter().map(|range| range.len()).sum();
            prop_assert!(good + scan.tail_bytes <= bytes.len());
        }
    }
}
