//! Imports against a hub that is played here.

use super::*;
use flate2::{Compression, write::GzEncoder};
use model::{Detail, Event};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Mutex;

/// What a hub does with batches: it stores each (sensor, sequence) once.
#[derive(Default)]
struct FakeHub {
    stored: Mutex<HashMap<SensorId, BTreeMap<u64, Event>>>,
    /// Answers to give before the ordinary one.
    troubles: Mutex<Vec<DeliveryError>>,
    batch_bytes_max: Option<usize>,
}

impl FakeHub {
    fn events(&self) -> usize {
        self.stored.lock().unwrap().values().map(BTreeMap::len).sum()
    }

    fn trouble(&self) -> Result<(), DeliveryError> {
        self.troubles.lock().unwrap().pop().map_or(Ok(()), Err)
    }
}

impl Delivery for FakeHub {
    async fn deliver(&self, info: BatchInfo, records: Bytes) -> Result<model::wire::Ack, DeliveryError> {
        self.trouble()?;
        if self.batch_bytes_max.is_some_and(|max| records.len() > max) {
            return Err(DeliveryError::TooLarge("too large".to_owned()));
        }
        let mut stored = self.stored.lock().unwrap();
        let events = stored.entry(info.sensor).or_default();
        let before = events.last_key_value().map_or(0, |(&sequence, _)| sequence);
        let mut ack = model::wire::Ack { through: before, stored: 0, duplicates: 0, rejected: 0 };
        let mut rest = &records[..];
        while let Some(record) = wire::decode(rest).unwrap() {
            rest = &rest[HEADER_BYTES + record.payload.len()..];
            if record.sequence <= before {
                ack.duplicates += 1;
            } else {
                assert!(events.insert(record.sequence, wire::decode_event(record.payload).unwrap()).is_none());
                ack.stored += 1;
                ack.through = record.sequence;
            }
        }
        Ok(ack)
    }

    async fn position(&self, sensor: SensorId) -> Result<u64, DeliveryError> {
        self.trouble()?;
        Ok(self.stored.lock().unwrap().get(&sensor).and_then(|events| events.keys().next_back().copied()).unwrap_or(0))
    }
}

const LOG: &str = include_str!("../../testdata/cowrie/sessions.json");

fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

async fn import(hub: &FakeHub, content: &[u8]) -> Result<Summary, ImportError> {
    cowrie(file(content).path(), "old-pot", hub, |_| {}).await
}

#[tokio::test]
async fn every_line_is_an_event_or_a_counted_reason() {
    let hub = FakeHub::default();
    let log = file(LOG.as_bytes());
    let mut seen = Vec::new();
    let summary = cowrie(log.path(), "old-pot", &hub, |progress| seen.push(progress)).await.unwrap();
    let lines = LOG.lines().count() as u64;
    assert_eq!(summary.lines, lines);
    assert_eq!(summary.events, hub.events() as u64);
    assert_eq!(summary.repeated, 0);
    let lines_with_events: std::collections::HashSet<u64> =
        hub.stored.lock().unwrap().values().flat_map(|events| events.keys().map(|sequence| sequence / SEQUENCES_PER_LINE)).collect();
    assert_eq!(lines_with_events.len() as u64 + summary.skipped.values().sum::<u64>(), lines);
    let end = seen.last().unwrap();
    assert_eq!((end.bytes, end.bytes_total, end.lines, end.events), (LOG.len() as u64, LOG.len() as u64, lines, summary.events));
}

#[tokio::test]
async fn again_grown_and_compressed_counts_nothing_twice() {
    let hub = FakeHub::default();
    let lines: Vec<&str> = LOG.split_inclusive('\n').collect();
    let half = lines[..lines.len() / 2].concat();
    // The first import meets a log whose last line is still being written.
    let first = import(&hub, format!("{half}{}", &lines[lines.len() / 2][..20]).as_bytes()).await.unwrap();
    assert_eq!(first.skipped.get("not a Cowrie event").copied().unwrap_or(0) % 2, 1, "the half line is counted: {first:?}");
    let whole = import(&hub, LOG.as_bytes()).await.unwrap();
    assert_eq!((whole.repeated, hub.events() as u64), (first.events, whole.events));
    // Compressed in two members, as concatenated logs are.
    let (a, b) = LOG.as_bytes().split_at(LOG.len() / 3);
    let mut gzip = Vec::new();
    for part in [a, b] {
        let mut encoder = GzEncoder::new(&mut gzip, Compression::fast());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap();
    }
    let again = import(&hub, &gzip).await.unwrap();
    assert_eq!((again.repeated, hub.events() as u64), (whole.events, whole.events));
    assert_eq!(hub.stored.lock().unwrap().len(), 1, "one log is one sensor");
    // Another name is another sensor.
    cowrie(file(LOG.as_bytes()).path(), "other-pot", &hub, |_| {}).await.unwrap();
    assert_eq!(hub.events() as u64, 2 * whole.events);
}

#[tokio::test]
async fn passing_troubles_are_waited_for_and_lasting_ones_told() {
    let hub = FakeHub { batch_bytes_max: Some(1_500), ..FakeHub::default() };
    hub.troubles.lock().unwrap().extend([
        DeliveryError::Failed("connection reset".to_owned()),
        DeliveryError::Busy { message: "full".to_owned(), retry_after: Some(Duration::from_millis(10)) },
    ]);
    let summary = import(&hub, LOG.as_bytes()).await.unwrap();
    assert_eq!(summary.events, hub.events() as u64);

    let refusing = FakeHub::default();
    refusing.troubles.lock().unwrap().push(DeliveryError::Refused("the key".to_owned()));
    assert!(matches!(import(&refusing, LOG.as_bytes()).await, Err(ImportError::Delivery { lines: 0, source: DeliveryError::Refused(_) })));

    // Not even one record fits.
    let tiny = FakeHub { batch_bytes_max: Some(10), ..FakeHub::default() };
    assert!(matches!(import(&tiny, LOG.as_bytes()).await, Err(ImportError::Delivery { source: DeliveryError::TooLarge(_), .. })));
}

#[tokio::test]
async fn damaged_compression_keeps_what_came_before_it() {
    let hub = FakeHub::default();
    let long = LOG.repeat(200);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(long.as_bytes()).unwrap();
    let mut gzip = encoder.finish().unwrap();
    gzip.truncate(gzip.len() / 2);
    let Err(ImportError::Read { lines, .. }) = import(&hub, &gzip).await else { panic!("a cut file is an error") };
    assert!(lines > 0);
    assert!(hub.events() > 0);
    let missing = cowrie(Path::new("no-such-file"), "old-pot", &hub, |_| {}).await;
    assert!(matches!(missing, Err(ImportError::Read { lines: 0, .. })));
}

#[tokio::test]
async fn nonsense_is_counted_within_bounds() {
    let hub = FakeHub::default();
    let mut log = String::new();
    for n in 0..500 {
        log.push_str(&format!(
            r#"{{"eventid":"made.up.{n}","session":"s","timestamp":"2026-01-01T00:00:00Z","src_ip":"192.0.2.7","protocol":"ssh"}}"#
        ));
        log.push('\n');
    }
    log.push_str(&"x".repeat(LINE_BYTES_MAX + 1));
    let summary = import(&hub, log.as_bytes()).await.unwrap();
    assert_eq!((summary.lines, summary.events, summary.sessions), (501, 0, 0));
    assert_eq!(summary.skipped.values().sum::<u64>(), 501);
    assert!(summary.skipped.len() <= REASONS_MAX + 1);
}

#[test]
fn halves_are_whole_records() {
    let mut records = Vec::new();
    for sequence in 1..=5 {
        wire::encode(sequence, &[0; 10], &mut records);
    }
    let mut waiting = vec![Bytes::from(records)];
    let mut singles = Vec::new();
    while let Some(records) = waiting.pop() {
        match halve(&records) {
            Some((first, second)) => waiting.extend([second, first]),
            None => singles.push(wire::decode(&records).unwrap().unwrap().sequence),
        }
    }
    assert_eq!(singles, [1, 2, 3, 4, 5]);
}

/// Not only the summary: what each kind of line becomes.
#[tokio::test]
async fn what_the_attacker_sent_arrives_byte_for_byte() {
    let hub = FakeHub::default();
    import(&hub, LOG.as_bytes()).await.unwrap();
    let stored = hub.stored.lock().unwrap();
    let details: Vec<&Detail> = stored.values().flat_map(|events| events.values().map(|event| &event.detail)).collect();
    assert!(details.iter().any(|d| matches!(d, Detail::Auth { secret, .. } if secret.0 == b"caf\xe9")), "surrogate escapes");
    assert!(details.iter().any(|d| matches!(d, Detail::Tunnel { data, .. } if data.0 == b"GET / HTTP/1.1\r\n\x00\xff")), "bytes literals");
}
