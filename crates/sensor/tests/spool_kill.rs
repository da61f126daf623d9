//! kill -9 at random moments: what `append` had returned from is in the spool.
//!
//! The test runs itself as the process to be killed; that one appends numbered events and tells each number when it is written.

#![cfg(unix)]

use model::wire::{self, HEADER_BYTES};
use model::{Detail, Event, Protocol, SessionId, Timestamp};
use sensor::spool::{Spool, SpoolConfig};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use uuid::Uuid;

const DIRECTORY: &str = "HONEYGUIDE_TEST_SPOOL";
const ROUNDS: u64 = 20;

fn event(n: u64) -> Event {
    Event {
        time: Timestamp(0),
        session: SessionId(Uuid::nil()),
        source: [192, 0, 2, 1].into(),
        protocol: Protocol::Ssh,
        detail: Detail::Command { line: n.to_string().into() },
    }
}

/// In the child only: appends until it is killed.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let spool = Spool::open(SpoolConfig::new(&directory)).unwrap();
    let mut told = std::io::stderr().lock();
    let mut n = spool.stats().next_sequence;
    loop {
        spool.append(&event(n));
        writeln!(told, "{n}").unwrap();
        n += 1;
    }
}

/// The sequences in the spool, each checked against its event.
fn drain(directory: &Path) -> Vec<u64> {
    let spool = Spool::open(SpoolConfig::new(directory)).unwrap();
    assert_eq!((spool.stats().lost, spool.stats().unsynced), (0, 0));
    let mut sequences = Vec::new();
    while let Some(batch) = spool.next_batch(1 << 20, 10_000).unwrap() {
        let mut rest = &batch.records[..];
        while let Some(record) = wire::decode(rest).unwrap() {
            assert_eq!(wire::decode_event(record.payload).unwrap(), event(record.sequence));
            sequences.push(record.sequence);
            rest = &rest[HEADER_BYTES + record.payload.len()..];
        }
        spool.acknowledge(batch.last);
    }
    sequences
}

#[test]
fn what_was_told_as_written_is_there_once_after_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let mut expected_first = 1;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while line.trim().parse::<u64>().is_err() {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the child has ended");
        }
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            lines.read_to_end(&mut text).unwrap();
            text
        });
        std::thread::sleep(Duration::from_millis(1 + round * 7 % 60));
        child.kill().unwrap();
        child.wait().unwrap();
        let text = reader.join().unwrap();
        // The last line may have been cut by the kill.
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(&[][..], |end| &text[..end]);
        let told: u64 = String::from_utf8_lossy(whole).lines().last().unwrap_or(line.trim()).trim().parse().unwrap();

        let found = drain(directory.path());
        let last = *found.last().unwrap();
        assert_eq!(found, (expected_first..=last).collect::<Vec<_>>());
        assert!(last >= told, "told {told}, found {last}");
        assert!(last <= told + 1, "one append may have been under way");
        expected_first = last + 1;
    }
}
