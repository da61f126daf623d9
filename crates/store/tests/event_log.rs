//! The event log: what it keeps, in what order it gives it back, and what a full disk does to it.

use model::{SessionId, Timestamp};
use proptest::prelude::*;
use store::{EventLog, EventReader, EventRow, RejectedRow, SqliteEventLog, SqliteEventReader, StoreError};

const TODAY: i64 = 20_600;

fn session(n: u8) -> SessionId {
    SessionId(uuid::Uuid::from_bytes([n; 16]))
}

fn append(log: &mut SqliteEventLog, day: i64, sensor: u32, sequences: &[u64]) -> Result<(), StoreError> {
    let body = vec![7; 200];
    let mut rows = sequences.iter().map(|sequence| EventRow {
        sensor,
        sequence: *sequence,
        time: Timestamp(1),
        session: session((*sequence % 3) as u8),
        body: &body,
    });
    log.append(day, &mut rows, &[])
}

fn sequences(events: &[store::StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.sequence).collect()
}

#[test]
fn events_come_back_by_sequence_whatever_day_they_are_filed_under() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SqliteEventLog::open(folder.path()).unwrap();
    append(&mut log, TODAY, 1, &[1, 2, 3, 7, 8]).unwrap();
    append(&mut log, TODAY - 1, 1, &[4, 5, 6]).unwrap();
    append(&mut log, TODAY, 2, &[1, 2]).unwrap();
    let reader = SqliteEventReader::new(folder.path());

    assert_eq!(reader.days().unwrap(), [TODAY - 1, TODAY]);
    assert_eq!(sequences(&reader.after(1, 0, 100).unwrap()), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(sequences(&reader.after(2, 1, 100).unwrap()), [2]);
    assert_eq!(reader.after(1, 8, 100).unwrap(), []);
    assert_eq!(reader.high_water().unwrap(), [(1, 8), (2, 2)].into());

    // Small pages give the same.
    for page in 1..5 {
        let mut all = Vec::new();
        let mut last = 0;
        loop {
            let events = reader.after(1, last, page).unwrap();
            let Some(event) = events.last() else { break };
            last = event.sequence;
            all.extend(sequences(&events));
        }
        assert_eq!(all, [1, 2, 3, 4, 5, 6, 7, 8], "in pages of {page}");
    }
    assert_eq!(sequences(&reader.session(1, session(2), TODAY - 1..=TODAY, 100).unwrap()), [2, 5, 8]);
    assert_eq!(sequences(&reader.session(2, session(2), TODAY - 1..=TODAY, 100).unwrap()), [2]);
}

#[test]
fn a_resend_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SqliteEventLog::open(folder.path()).unwrap();
    append(&mut log, TODAY, 1, &[1, 2, 3]).unwrap();
    append(&mut log, TODAY, 1, &[2, 3, 4]).unwrap();
    assert_eq!(SqliteEventReader::new(folder.path()).counts(TODAY).unwrap(), (4, 0));
}

#[test]
fn a_rejected_record_is_kept_and_done_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SqliteEventLog::open(folder.path()).unwrap();
    let rejected = RejectedRow { sensor: 3, sequence: 9, received: Timestamp(1), reason: "torn".into(), body: vec![1, 2] };
    log.append(TODAY, &mut std::iter::empty(), &[rejected]).unwrap();
    let reader = SqliteEventReader::new(folder.path());
    assert_eq!(reader.counts(TODAY).unwrap(), (0, 1));
    assert_eq!(reader.high_water().unwrap(), [(3, 9)].into());
}

#[test]
fn a_full_disk_keeps_nothing_of_the_batch_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SqliteEventLog::open(folder.path()).unwrap();
    append(&mut log, TODAY, 1, &[1]).unwrap();
    log.limit_pages(Some(16));
    let many: Vec<u64> = (2..2000).collect();
    assert!(matches!(append(&mut log, TODAY, 1, &many), Err(StoreError::Full)));
    let reader = SqliteEventReader::new(folder.path());
    assert_eq!(reader.counts(TODAY).unwrap(), (1, 0));
    // A smaller one still fits: the failed one left no rubbish.
    append(&mut log, TODAY, 1, &[2]).unwrap();
    log.limit_pages(None);
    append(&mut log, TODAY, 1, &many).unwrap();
    assert_eq!(reader.counts(TODAY).unwrap(), (1999, 0));
}

#[test]
fn old_days_are_dropped_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SqliteEventLog::open(folder.path()).unwrap();
    for day in TODAY - 6..=TODAY {
        append(&mut log, day, 1, &[day as u64]).unwrap();
    }
    assert_eq!(log.drop_before(TODAY - 1).unwrap(), (TODAY - 6..TODAY - 1).collect::<Vec<_>>());
    drop(log);
    let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["events-2026-05-26.sqlite", "events-2026-05-27.sqlite"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_what_attackers_typed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mut log = SqliteEventLog::open(folder.path()).unwrap();
    append(&mut log, TODAY, 1, &[1]).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_event_is_read_exactly_once_in_order(days in prop::collection::vec(0..4i64, 1..120), page in 1..40usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut log = SqliteEventLog::open(folder.path()).unwrap();
        for (index, day) in days.iter().enumerate() {
            append(&mut log, TODAY + day, 5, &[index as u64 + 1]).unwrap();
        }
        let reader = SqliteEventReader::new(folder.path());
        let mut all = Vec::new();
        while let Some(events) = Some(reader.after(5, all.last().copied().unwrap_or(0), page).unwrap()).filter(|e| !e.is_empty()) {
            all.extend(sequences(&events));
        }
        prop_assert_eq!(all, (1..=days.len() as u64).collect::<Vec<_>>());
    }
}
