//! Importing the logs of other honeypots as sessions of a named sensor, so that importing again counts nothing twice.
//!
//! A hub knows events by sensor and sequence. The sensor's identity is made from its name and the log's first line (which carries a time in
//! microseconds and a session name, so no two logs begin alike), and an event's sequence from the number of its line. The same log again, the same
//! log when it has grown, and an import that was interrupted therefore continue where the hub stands. A piece cut out of the middle of a log
//! is another log.

mod lines;
mod source;

use crate::cowrie::{Mapper, digest};
use crate::{Delivery, DeliveryError};
use bytes::Bytes;
use lines::Line;
use model::wire::{self, BatchInfo, HEADER_BYTES};
use model::{SensorId, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Builder;

/// Longer lines are skipped, and counted; Cowrie's longest carry a forwarded buffer of some kilobytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// A batch is sent when it has so many bytes,
const BATCH_BYTES: usize = 1 << 20;
/// or so many records.
const BATCH_RECORDS: u64 = 8192;
/// Batches that wait while one is on its way.
const BATCHES_WAITING_MAX: usize = 3;
/// The sequences of a line; no line gives as many events.
const SEQUENCES_PER_LINE: u64 = 16;
/// Reasons that are counted apart; a log full of nonsense shares one more.
const REASONS_MAX: usize = 64;
/// How often a batch is tried before an import gives up.
const ATTEMPTS_MAX: u32 = 8;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines read.
    pub lines: u64,
    /// Events they gave.
    pub events: u64,
    /// Of those, events that the hub had already.
    pub repeated: u64,
    /// Sessions they belong to.
    pub sessions: u64,
    /// Lines that gave no event, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The time of the first event.
    pub first: Option<Timestamp>,
    /// The time of the last.
    pub last: Option<Timestamp>,
}

impl Summary {
    fn skip(&mut self, reason: &str) {
        let reason = if self.skipped.len() >= REASONS_MAX && !self.skipped.contains_key(reason) { "other reasons" } else { reason };
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// Bytes it has.
    pub bytes_total: u64,
    /// Lines whose events the hub has.
    pub lines: u64,
    /// Those events.
    pub events: u64,
}

/// Why an import ended early. What was acknowledged stays; importing again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read, or its compression is damaged.
    #[error("{} cannot be read{}", path.display(), match lines { 0 => String::new(), lines => format!(" beyond line {lines}") })]
    Read {
        /// The file.
        path: PathBuf,
        /// Lines that were read before.
        lines: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The hub did not take a batch.
    #[error("the hub did not take the events after line {lines}; import again to go on from there")]
    Delivery {
        /// Lines whose events it has.
        lines: u64,
        /// Why.
        #[source]
        source: DeliveryError,
    },
}

/// What the reading half tells the sending half.
enum Message {
    /// The log's first line was read.
    Sensor(SensorId),
    Batch(Batch),
    End(Result<Summary, ImportError>),
}

struct Batch {
    records: Vec<u8>,
    count: u64,
    last: u64,
    lines: u64,
    bytes_read: u64,
}

/// Imports a Cowrie log, plain or gzip, under the name `sensor_name`. Lines are parsed while batches are on their way.
///
/// # Errors
/// When the file cannot be read, or the hub refuses or stays away.
pub async fn cowrie<D: Delivery>(
    path: &Path,
    sensor_name: &str,
    delivery: &D,
    mut progress: impl FnMut(Progress),
) -> Result<Summary, ImportError> {
    let (sender, mut receiver) = mpsc::channel(BATCHES_WAITING_MAX);
    let (owned_path, name) = (path.to_owned(), sensor_name.to_owned());
    tokio::task::spawn_blocking(move || {
        let end = read(&owned_path, &name, &sender);
        // When nobody listens any more, the import has failed already.
        let _ = sender.blocking_send(Message::End(end));
    });
    let bytes_total = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut done = Progress { bytes_total, ..Progress::default() };
    let (mut sensor, mut through, mut repeated) = (None, 0, 0);
    while let Some(message) = receiver.recv().await {
        let failed = |source| ImportError::Delivery { lines: done.lines, source };
        match message {
            Message::Sensor(id) => {
                through = persist(async || delivery.position(id).await).await.map_err(failed)?;
                sensor = Some(id);
            }
            Message::Batch(batch) => {
                let Some(sensor) = sensor else { continue };
                let info = BatchInfo { sensor, lost: 0, unsynced: 0 };
                repeated += if batch.last <= through {
                    batch.count
                } else {
                    deliver(delivery, info, Bytes::from(batch.records)).await.map_err(failed)?
                };
                done = Progress { bytes: batch.bytes_read, lines: batch.lines, events: done.events + batch.count, ..done };
                progress(done);
            }
            Message::End(end) => {
                let mut summary = end?;
                summary.repeated = repeated;
                progress(Progress { bytes: bytes_total, lines: summary.lines, events: summary.events, ..done });
                return Ok(summary);
            }
        }
    }
    let source = io::Error::other("the reading of the file ended unexpectedly");
    Err(ImportError::Read { path: path.to_owned(), lines: done.lines, source })
}

/// Delivers, in halves when the hub says it is too much; returns how many events the hub had already.
async fn deliver<D: Delivery>(delivery: &D, info: BatchInfo, records: Bytes) -> Result<u64, DeliveryError> {
    let mut waiting = vec![records];
    let mut repeated = 0;
    while let Some(records) = waiting.pop() {
        match persist(async || delivery.deliver(info, records.clone()).await).await {
            Ok(ack) => repeated += ack.duplicates,
            Err(error @ DeliveryError::TooLarge(_)) => match halve(&records) {
                Some((first, second)) => waiting.extend([second, first]),
                None => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
    Ok(repeated)
}

/// Cuts a batch between two records, near its middle; `None` when it has one record only.
fn halve(records: &Bytes) -> Option<(Bytes, Bytes)> {
    let mut at = 0;
    while let Ok(Some(record)) = wire::decode(records.get(at..)?) {
        let next = at + HEADER_BYTES + record.payload.len();
        if at > 0 && next > records.len() / 2 {
            break;
        }
        at = next;
    }
    (at < records.len()).then(|| (records.slice(..at), records.slice(at..)))
}

/// Tries again what may pass later: half a second at first, then twice as long each time up to ten, or as long as the hub asks.
async fn persist<T>(mut attempt: impl AsyncFnMut() -> Result<T, DeliveryError>) -> Result<T, DeliveryError> {
    let mut pause = Duration::from_millis(500);
    let mut attempts = 1;
    loop {
        let asked = match attempt().await {
            Err(DeliveryError::Busy { retry_after, .. }) if attempts < ATTEMPTS_MAX => retry_after,
            Err(DeliveryError::Failed(_)) if attempts < ATTEMPTS_MAX => None,
            result => return result,
        };
        attempts += 1;
        tokio::time::sleep(asked.unwrap_or(pause).min(Duration::from_secs(60))).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// The reading half: lines to events to batches, until the file ends or nobody listens.
fn read(path: &Path, sensor_name: &str, sender: &mpsc::Sender<Message>) -> Result<Summary, ImportError> {
    let failed = |lines, source| ImportError::Read { path: path.to_owned(), lines, source };
    let (mut reader, bytes_read) = source::open(path).map_err(|source| failed(0, source))?;
    let mut summary = Summary::default();
    let mut mapper = Mapper::new();
    let mut named = false;
    let mut batch = Batch { records: Vec::new(), count: 0, last: 0, lines: 0, bytes_read: 0 };
    let mut buffer = Vec::new();
    let mut broken = None;
    loop {
        let line = match lines::next(&mut reader, &mut buffer, LINE_BYTES_MAX) {
            Ok(Line::End) => break,
            Ok(line) => line,
            Err(source) => {
                // What came before the damage is good: it is delivered first.
                broken = Some(failed(summary.lines, source));
                break;
            }
        };
        summary.lines += 1;
        if line == Line::TooLong {
            summary.skip("line too long");
            continue;
        }
        if !named && !buffer.is_empty() {
            named = true;
            if sender.blocking_send(Message::Sensor(sensor_id(sensor_name, &buffer))).is_err() {
                return Ok(summary);
            }
        }
        let mapped = mapper.line(&buffer);
        summary.sessions += u64::from(mapped.new_session);
        if let Some(skip) = mapped.skip {
            summary.skip(&skip.reason());
        }
        for (sequence, event) in (summary.lines * SEQUENCES_PER_LINE..).zip(&mapped.events) {
            summary.events += 1;
            summary.first = Some(summary.first.map_or(event.time, |first| first.min(event.time)));
            summary.last = summary.last.max(Some(event.time));
            wire::encode(sequence, &wire::encode_event(event), &mut batch.records);
            batch.count += 1;
            batch.last = sequence;
        }
        if batch.records.len() >= BATCH_BYTES || batch.count >= BATCH_RECORDS {
            batch.lines = summary.lines;
            batch.bytes_read = bytes_read.get();
            let full = std::mem::replace(&mut batch, Batch { records: Vec::new(), count: 0, last: 0, lines: 0, bytes_read: 0 });
            if sender.blocking_send(Message::Batch(full)).is_err() {
                return Ok(summary);
            }
        }
    }
    if batch.count > 0 {
        batch.lines = summary.lines;
        batch.bytes_read = bytes_read.get();
        // A receiver that is gone has failed by itself.
        let _ = sender.blocking_send(Message::Batch(batch));
    }
    broken.map_or(Ok(summary), Err)
}

/// The identity of a log: its sensor's name and its first line that is not empty. A UUIDv8, whose bits are the application's (RFC 9562 section 5.8).
fn sensor_id(name: &str, first_line: &[u8]) -> SensorId {
    let digest = digest(&[b"honeyguide import", name.as_bytes(), first_line]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    SensorId(Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests;
