//! One batch, decoded once: damaged records are set aside, and never keep the others from being taken.

use crate::error::IngestError;
use bytes::Bytes;
use model::Event;
use model::wire::{self, Damage, HEADER_BYTES};
use std::io::Read as _;
use std::ops::Range;
use store::SEQUENCE_MAX;

/// Bytes of a rejected record that are kept.
const REJECTED_BYTES_MAX: usize = 4096;

/// A batch's records in order, with the bytes that they were read from.
pub struct Batch {
    /// All of it.
    pub bytes: Bytes,
    /// In the order received.
    pub records: Vec<Record>,
}

/// One record.
pub enum Record {
    /// A good one.
    Event {
        /// As the sensor gave it.
        sequence: u64,
        /// Its payload in the batch's bytes.
        payload: Range<usize>,
        /// Its payload's meaning; taken out when it is handed on.
        event: Option<Box<Event>>,
    },
    /// One that cannot be read.
    Rejected {
        /// Its place among the others.
        sequence: Sequence,
        /// What is wrong.
        reason: &'static str,
        /// Its bytes, up to a cap.
        bytes: Range<usize>,
    },
}

/// The sequence of a rejected record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// Its checksum holds.
    Known(u64),
    /// Its checksum does not hold.
    Unsure {
        /// What its header says; `u64::MAX` where that cannot be read.
        claimed: u64,
        /// The next sequence of the batch that is known.
        next: Option<u64>,
    },
}

impl Sequence {
    /// The sequence that it counts as: the lowest that it can have, so that no good record is taken for a duplicate of it, and the sender,
    /// told that it is done with, does not send it for ever. A resend of the same batch comes to the same result. `previous` is the record
    /// before it in the batch, `position` what is durable already.
    pub fn settle(self, previous: Option<u64>, position: u64) -> u64 {
        let (claimed, next) = match self {
            Sequence::Known(sequence) => return sequence,
            Sequence::Unsure { claimed, next } => (claimed, next),
        };
        let lowest = match previous {
            Some(previous) => previous + 1,
            None if claimed <= position => claimed,
            None => position + 1,
        };
        next.map_or(lowest, |next| lowest.min(next.saturating_sub(1)))
    }
}

/// Decompresses one zstd frame, up to so many bytes.
pub fn decompress(frame: &[u8], bytes_max: usize) -> Result<Bytes, IngestError> {
    let decoder = zstd::stream::read::Decoder::new(frame).map_err(|_| IngestError::NotCompressed)?;
    let mut records = Vec::with_capacity(frame.len().saturating_mul(4).min(bytes_max));
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(limit).read_to_end(&mut records).map_err(|_| IngestError::NotCompressed)?;
    if records.len() > bytes_max {
        return Err(IngestError::TooLarge { bytes_max });
    }
    Ok(records.into())
}

/// Reads the records. Where the framing is lost the rest is one rejected record if it is the first of the batch; otherwise it is left unread,
/// so that the sender, acknowledged up to there, sends it again as the first of a batch.
pub fn parse(bytes: Bytes) -> Batch {
    let mut records = Vec::with_capacity(bytes.len() / 128);
    let mut at = 0;
    while let Some(rest) = bytes.get(at..) {
        let (record, length) = match wire::decode(rest) {
            Ok(None) => break,
            Ok(Some(record)) => {
                let payload = at + HEADER_BYTES..at + HEADER_BYTES + record.payload.len();
                let length = payload.end - at;
                (read(record, payload), length)
            }
            Err(Damage::Checksum { skip }) => (rejected(unsure(claimed(rest)), "its checksum does not hold", at..at + skip), skip),
            Err(Damage::Torn | Damage::Length) if records.is_empty() => {
                (rejected(unsure(u64::MAX), "its length is impossible", at..bytes.len()), rest.len())
            }
            Err(Damage::Torn | Damage::Length) => break,
        };
        records.push(record);
        at += length;
    }
    let mut known = None;
    for record in records.iter_mut().rev() {
        match record {
            Record::Event { sequence, .. } | Record::Rejected { sequence: Sequence::Known(sequence), .. } => known = Some(*sequence),
            Record::Rejected { sequence: Sequence::Unsure { next, .. }, .. } => *next = known,
        }
    }
    Batch { bytes, records }
}

fn unsure(claimed: u64) -> Sequence {
    Sequence::Unsure { claimed, next: None }
}

/// The sequence in a record's header, believed or not.
fn claimed(record: &[u8]) -> u64 {
    record.get(8..16).and_then(|bytes| bytes.try_into().ok()).map_or(u64::MAX, u64::from_le_bytes)
}

fn read(record: wire::Record<'_>, payload: Range<usize>) -> Record {
    let sequence = record.sequence;
    if sequence == 0 || sequence > SEQUENCE_MAX {
        return rejected(unsure(u64::MAX), "its sequence is impossible", payload);
    }
    match wire::decode_event(record.payload) {
        Ok(mut event) => {
            event.source = model::canonical(event.source);
            Record::Event { sequence, payload, event: Some(Box::new(event)) }
        }
        Err(_) => rejected(Sequence::Known(sequence), "it is no event that this hub knows", payload),
    }
}

fn rejected(sequence: Sequence, reason: &'static str, bytes: Range<usize>) -> Record {
    let end = bytes.end.min(bytes.start + REJECTED_BYTES_MAX);
    Record::Rejected { sequence, reason, bytes: bytes.start..end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(bytes: Vec<u8>) -> Vec<(Option<u64>, &'static str)> {
        let records = parse(bytes.into()).records;
        records
            .iter()
            .map(|record| match record {
                Record::Event { sequence, .. } => (Some(*sequence), "event"),
                Record::Rejected { sequence: Sequence::Known(sequence), reason, .. } => (Some(*sequence), *reason),
                Record::Rejected { reason, .. } => (None, *reason),
            })
            .collect()
    }

    fn three() -> (Vec<u8>, usize) {
        let payload = wire::encode_event(&crate::testing::command(1, "uname -a"));
        let mut bytes = Vec::new();
        for sequence in 1..=3 {
            wire::encode(sequence, &payload, &mut bytes);
        }
        (bytes, HEADER_BYTES + payload.len())
    }

    #[test]
    fn a_damaged_record_does_not_keep_the_others_out() {
        let (mut bytes, size) = three();
        bytes[size + HEADER_BYTES + 3] ^= 0x40;
        assert_eq!(shape(bytes), [(Some(1), "event"), (None, "its checksum does not hold"), (Some(3), "event")]);
    }

    #[test]
    fn a_payload_that_is_no_event_is_rejected_by_its_sequence() {
        let mut bytes = Vec::new();
        wire::encode(9, b"\xc1nonsense", &mut bytes);
        wire::encode(u64::MAX, b"\xc0", &mut bytes);
        assert_eq!(shape(bytes), [(Some(9), "it is no event that this hub knows"), (None, "its sequence is impossible")]);
    }

    #[test]
    fn lost_framing_is_left_to_a_resend_and_then_rejected() {
        let (mut bytes, size) = three();
        bytes[size + 3] = 0xff; // the highest byte of the second record's length
        assert_eq!(shape(bytes.clone()), [(Some(1), "event")]);
        assert_eq!(shape(bytes.split_off(size)), [(None, "its length is impossible")]);
    }

    #[test]
    fn a_rejected_record_counts_as_the_lowest_sequence_that_it_can_have() {
        let settle = |claimed, next, previous, position| Sequence::Unsure { claimed, next }.settle(previous, position);
        assert_eq!(settle(2, Some(3), Some(1), 0), 2, "between two good ones");
        assert_eq!(settle(2, Some(3), Some(1), 3), 2, "the same again, resent");
        assert_eq!(settle(9, Some(3), None, 1), 2, "first, with a false claim");
        assert_eq!(settle(9, Some(3), None, 3), 2, "the same again, resent");
        assert_eq!(settle(9, None, None, 1), 2, "alone, with a false claim");
        assert_eq!(settle(2, None, None, 1), 2, "alone");
        assert_eq!(settle(2, None, None, 2), 2, "the same again, resent: no later record is lost by it");
        assert_eq!(settle(7, None, Some(3), 9), 4, "last, resent");
        assert_eq!(Sequence::Known(8).settle(Some(1), 3), 8);
    }

    #[test]
    fn decompression_is_bounded() {
        let bomb = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap();
        assert!(bomb.len() < 1000);
        assert_eq!(decompress(&bomb, 1 << 19), Err(IngestError::TooLarge { bytes_max: 1 << 19 }));
        assert_eq!(decompress(&bomb, 1 << 20).unwrap().len(), 1 << 20);
        assert_eq!(decompress(b"not zstd at all", 100), Err(IngestError::NotCompressed));
        assert_eq!(decompress(&bomb[..20], 1 << 20), Err(IngestError::NotCompressed));
    }
}
