//! The record format shared by the sensor's spool and the uplink, so that a batch leaves as it lies on disk.
//!
//! A record is, little-endian: `length u32` (of the payload) · `crc u32` (CRC-32C of sequence and payload) · `sequence u64` · payload.
//! The payload is one [`Event`] in MessagePack with named fields. A batch is any number of records with ascending sequences, compressed
//! as one zstd frame.

use crate::{Event, SensorId};
use serde::{Deserialize, Serialize};

/// Bytes of a record before its payload.
pub const HEADER_BYTES: usize = 16;

/// The largest payload: a length beyond it is corruption, not an event.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One framed record, borrowed from a batch or a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Per sensor, from 1, ascending. A gap is a counted loss.
    pub sequence: u64,
    /// The encoded event.
    pub payload: &'a [u8],
}

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The bytes end inside a record: a torn tail.
    #[error("the record is cut short")]
    Torn,
    /// The length is impossible; what follows cannot be framed.
    #[error("the record's length is impossible")]
    Length,
    /// The checksum does not hold; the next record can still be found.
    #[error("the record's checksum does not hold")]
    Checksum {
        /// Bytes from the start of the damaged record to the start of the next.
        skip: usize,
    },
}

/// Appends one record to `out`.
pub fn encode(sequence: u64, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.reserve(HEADER_BYTES + payload.len());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(sequence, payload).to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(payload);
}

/// Reads the record at the start of `bytes`; `Ok(None)` at the end. The record occupies [`HEADER_BYTES`] and its payload.
pub fn decode(bytes: &[u8]) -> Result<Option<Record<'_>>, Damage> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES) else { return Err(Damage::Torn) };
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let length = word(0) as usize;
    if length > PAYLOAD_BYTES_MAX {
        return Err(Damage::Length);
    }
    let Some(payload) = rest.get(..length) else { return Err(Damage::Torn) };
    let sequence = u64::from(word(8)) | u64::from(word(12)) << 32;
    if checksum(sequence, payload) != word(4) {
        return Err(Damage::Checksum { skip: HEADER_BYTES + length });
    }
    Ok(Some(Record { sequence, payload }))
}

fn checksum(sequence: u64, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&sequence.to_le_bytes()), payload)
}

/// Encodes an event as a payload.
pub fn encode_event(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    // Writing to a vector cannot fail, and every field of an event has a MessagePack form.
    event.serialize(&mut rmp_serde::Serializer::new(&mut out).with_struct_map()).expect("events always encode");
    out
}

/// Decodes a payload.
pub fn decode_event(payload: &[u8]) -> Result<Event, rmp_serde::decode::Error> {
    rmp_serde::from_slice(payload)
}

/// What accompanies a batch, in the request's headers or beside it in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchInfo {
    /// Who sends.
    pub sensor: SensorId,
    /// Events this sensor ever dropped because its spool was full or damaged, cumulative.
    pub lost: u64,
    /// Events it wrote that a power cut may have taken since the last start, an upper bound; 0 when the last stop was clean.
    pub unsynced: u64,
}

/// The hub's answer to a batch, given only when the batch is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Every record up to and including this sequence is durable or was rejected for good; the sensor may forget them.
    pub through: u64,
    /// Records stored by this batch.
    pub stored: u64,
    /// Records that had been stored before.
    pub duplicates: u64,
    /// Records whose checksum or payload did not hold: counted, kept aside, never asked for again.
    pub rejected: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_survive_the_frame(records in prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20)) {
            let mut bytes = Vec::new();
            for (sequence, payload) in &records {
                encode(*sequence, payload, &mut bytes);
            }
            let mut rest = &bytes[..];
            let mut read = Vec::new();
            while let Some(record) = decode(rest).unwrap() {
                rest = &rest[HEADER_BYTES + record.payload.len()..];
                read.push((record.sequence, record.payload.to_vec()));
            }
            prop_assert_eq!(read, records);
        }

        #[test]
        fn any_flipped_bit_is_noticed(payload in prop::collection::vec(any::<u8>(), 1..100), at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut bytes = Vec::new();
            encode(7, &payload, &mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
            let _ = decode_event(&bytes);
        }
    }
}
