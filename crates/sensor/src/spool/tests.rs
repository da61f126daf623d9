//! The spool against crashes, damage and full disks.

use super::disk::{Disk, FileSystem, Segment};
use super::*;
use model::wire::{self, HEADER_BYTES};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

const BOOT: &str = "11111111-2222-3333-4444-555555555555";

fn open_at(directory: &Path, config: impl FnOnce(&mut SpoolConfig)) -> Spool {
    open_on(directory, Box::new(FileSystem), BOOT, config)
}

fn open_on(directory: &Path, disk: Box<dyn Disk>, boot: &str, config: impl FnOnce(&mut SpoolConfig)) -> Spool {
    let mut chosen = SpoolConfig::new(directory);
    config(&mut chosen);
    Spool::open_with(chosen, disk, boot.to_owned()).unwrap()
}

/// Everything in the spool, acknowledging as a hub would; fails when sequences do not ascend.
fn drain(spool: &Spool) -> BTreeMap<u64, Vec<u8>> {
    let mut read = BTreeMap::new();
    let mut last = 0;
    while let Some(batch) = spool.next_batch(1000, 7).unwrap() {
        let mut rest = &batch.records[..];
        let mut count = 0;
        while let Some(record) = wire::decode(rest).unwrap() {
            assert!(record.sequence > last, "{} after {last}", record.sequence);
            last = record.sequence;
            assert!(read.insert(record.sequence, record.payload.to_vec()).is_none());
            rest = &rest[HEADER_BYTES + record.payload.len()..];
            count += 1;
        }
        assert_eq!((batch.count, batch.last), (count, last));
        spool.acknowledge(batch.last);
    }
    read
}

/// A copy of the directory as it is at this moment: what a killed process leaves.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
    paths.sort();
    paths
}

fn payload(n: u64, bytes: usize) -> Vec<u8> {
    let mut payload = n.to_le_bytes().to_vec();
    payload.resize(bytes.max(8), n as u8);
    payload
}

#[test]
fn what_was_appended_comes_out_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |_| {});
    let payloads: BTreeMap<u64, Vec<u8>> = (1..=500).map(|n| (n, payload(n, (n as usize * 37) % 400))).collect();
    for bytes in payloads.values() {
        spool.append_payload(bytes);
    }
    assert_eq!(spool.stats().backlog_records, 500);
    assert_eq!(drain(&spool), payloads);
    let stats = spool.stats();
    assert_eq!((stats.backlog_records, stats.acked, stats.lost, stats.next_sequence), (0, 500, 0, 501));
}

#[test]
fn a_batch_is_the_same_until_it_is_acknowledged_and_halves_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |_| {});
    for n in 1..=10 {
        spool.append_payload(&payload(n, 84)); // 100 bytes each on disk
    }
    let batch = spool.next_batch(450, 100).unwrap().unwrap();
    assert_eq!((batch.first, batch.last, batch.count, batch.records.len()), (1, 4, 4, 400));
    assert_eq!(spool.next_batch(450, 100).unwrap().unwrap().records, batch.records);
    assert_eq!(spool.next_batch(225, 100).unwrap().unwrap().last, 2);
    spool.acknowledge(2);
    assert_eq!(spool.next_batch(450, 3).unwrap().unwrap().first, 3);
    // A batch is never too small for one record.
    assert_eq!(spool.next_batch(1, 3).unwrap().unwrap().count, 1);
    // The hub may know more than the batch just handed out.
    spool.acknowledge(9);
    assert_eq!(spool.next_batch(450, 3).unwrap().unwrap().first, 10);
}

#[test]
fn a_large_record_behind_acknowledged_ones_is_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |_| {});
    for n in 1..=50 {
        spool.append_payload(&payload(n, 100));
    }
    spool.append_payload(&payload(51, 300_000));
    spool.acknowledge(50); // without a batch: the reader has to step over fifty records
    let batch = spool.next_batch(1000, 10).unwrap().unwrap();
    assert_eq!((batch.first, batch.count, batch.records.len()), (51, 1, 300_016));
}

#[test]
fn acknowledged_segments_go_and_positions_survive() {
    let directory = tempfile::tempdir().unwrap();
    let config = |c: &mut SpoolConfig| c.spool_bytes_max = SpoolConfig::SPOOL_BYTES_MIN;
    {
        let spool = open_at(directory.path(), config);
        for n in 1..=100 {
            spool.append_payload(&payload(n, 5_000));
        }
        assert!(segments(directory.path()).len() > 5);
        spool.acknowledge(90);
        assert!(segments(directory.path()).len() <= 2);
    }
    let spool = open_at(directory.path(), config);
    assert_eq!(drain(&spool).into_keys().collect::<Vec<_>>(), (91..=100).collect::<Vec<_>>());
    spool.append_payload(b"next");
    assert_eq!(drain(&spool).into_keys().collect::<Vec<_>>(), [101]);
}

#[test]
fn only_one_process_may_use_a_spool() {
    let directory = tempfile::tempdir().unwrap();
    let first = open_at(directory.path(), |_| {});
    assert!(matches!(Spool::open(SpoolConfig::new(directory.path())), Err(SpoolError::InUse(_))));
    drop(first);
    assert!(Spool::open(SpoolConfig::new(directory.path())).is_ok());
    let mut small = SpoolConfig::new(directory.path());
    small.spool_bytes_max = 1000;
    assert!(matches!(Spool::open(small), Err(SpoolError::TooSmall(1000))));
}

#[test]
fn a_full_spool_drops_by_its_policy_and_counts() {
    for (full, oldest_survives) in [(FullPolicy::DropOldest, false), (FullPolicy::DropNewest, true)] {
        let directory = tempfile::tempdir().unwrap();
        let config = |c: &mut SpoolConfig| (c.spool_bytes_max, c.full) = (SpoolConfig::SPOOL_BYTES_MIN, full);
        let spool = open_at(directory.path(), config);
        let appended = 400;
        for n in 1..=appended {
            spool.append_payload(&payload(n, 8_000));
        }
        let stats = spool.stats();
        assert!(stats.bytes <= SpoolConfig::SPOOL_BYTES_MIN);
        assert!(stats.bytes > SpoolConfig::SPOOL_BYTES_MIN / 2, "the policy wastes the spool: {stats:?}");
        assert!(stats.lost > 200);
        drop(spool);
        let reopened = open_at(directory.path(), config);
        assert_eq!(reopened.stats().lost, stats.lost, "the count survives a restart");
        let kept: Vec<u64> = drain(&reopened).into_values().map(|p| u64::from_le_bytes(p[..8].try_into().unwrap())).collect();
        assert_eq!(kept.len() as u64 + stats.lost, appended, "{full:?}");
        assert_eq!(kept.contains(&1), oldest_survives, "{full:?}");
        assert_eq!(kept.contains(&appended), !oldest_survives, "{full:?}");
    }
}

#[test]
fn a_batch_on_its_way_is_neither_dropped_nor_counted() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |c| c.spool_bytes_max = SpoolConfig::SPOOL_BYTES_MIN);
    for n in 1..=5 {
        spool.append_payload(&payload(n, 8_000));
    }
    let batch = spool.next_batch(20_000, 100).unwrap().unwrap();
    for n in 6..=400 {
        spool.append_payload(&payload(n, 8_000));
    }
    spool.acknowledge(batch.last);
    let kept = drain(&spool);
    assert_eq!(batch.count + kept.len() as u64 + spool.stats().lost, 400);
}

#[test]
fn a_damaged_record_costs_itself_only_and_is_counted_once() {
    let directory = tempfile::tempdir().unwrap();
    {
        let spool = open_at(directory.path(), |_| {});
        for n in 1..=20 {
            spool.append_payload(&payload(n, 84));
        }
    }
    let path = segments(directory.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[7 * 100 + 50] ^= 1;
    fs::write(&path, bytes).unwrap();
    for _ in 0..2 {
        let spool = open_at(directory.path(), |_| {});
        assert_eq!(spool.stats().lost, 1);
    }
    let spool = open_at(directory.path(), |_| {});
    assert_eq!(drain(&spool).into_keys().collect::<Vec<_>>(), (1..=20).filter(|&n| n != 8).collect::<Vec<_>>());
}

#[test]
fn damage_while_running_is_stepped_over_and_counted_once() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |_| {});
    for n in 1..=20 {
        spool.append_payload(&payload(n, 84));
    }
    let path = segments(directory.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 0x40; // the first record's length
    bytes[15 * 100 + 50] ^= 1;
    fs::write(&path, bytes).unwrap();
    let read = drain(&spool);
    spool.append_payload(b"after");
    let after = drain(&spool);
    assert_eq!(read.into_keys().chain(after.into_keys()).collect::<Vec<_>>(), (2..=21).filter(|&n| n != 16).collect::<Vec<_>>());
    assert_eq!(spool.stats().lost, 2);
}

#[test]
fn a_power_cut_is_told_by_an_upper_bound_and_its_sequences_are_not_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |_| {});
    for n in 1..=30 {
        spool.append_payload(&payload(n, 84));
    }
    let killed = copy(directory.path());
    let cut = copy(directory.path());

    let same_boot = open_at(killed.path(), |_| {});
    assert_eq!((same_boot.stats().unsynced, same_boot.stats().next_sequence), (0, 31), "killed: nothing is missing");

    // The medium lost the last ten records.
    let path = segments(cut.path()).remove(0);
    File::options().write(true).open(&path).unwrap().set_len(20 * 100 + 3).unwrap();
    let other_boot = open_on(cut.path(), Box::new(FileSystem), "another", |_| {});
    let stats = other_boot.stats();
    assert!((10..1000).contains(&stats.unsynced), "{stats:?}");
    assert!(stats.next_sequence > 30, "{stats:?}");
    assert_eq!(stats.torn_tails, 1);
    assert_eq!(drain(&other_boot).len(), 20);

    spool.close();
    let clean = copy(directory.path());
    let after_clean = open_on(clean.path(), Box::new(FileSystem), "another", |_| {});
    assert_eq!((after_clean.stats().unsynced, after_clean.stats().next_sequence), (0, 31));
}

#[test]
fn a_power_cut_is_told_until_a_hub_has_answered() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |_| {});
    spool.append_payload(b"one");
    let cut = copy(directory.path());
    let unsynced = open_on(cut.path(), Box::new(FileSystem), "b", |_| {}).stats().unsynced;
    assert!(unsynced > 0);
    {
        let spool = open_on(cut.path(), Box::new(FileSystem), "c", |_| {});
        assert_eq!(spool.stats().unsynced, unsynced);
        drain(&spool);
    }
    assert_eq!(open_on(cut.path(), Box::new(FileSystem), "d", |_| {}).stats().unsynced, 0);
}

#[test]
fn a_wiped_spool_goes_on_above_the_hub_and_counts_what_it_could_not_number() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |_| {});
    for n in 1..=3 {
        spool.append_payload(&payload(n, 20));
    }
    spool.reconcile(1000);
    spool.append_payload(b"first above");
    assert_eq!(drain(&spool).into_keys().collect::<Vec<_>>(), [1001]);
    assert_eq!(spool.stats().lost, 3);
    // Later contacts with the same hub change nothing.
    spool.reconcile(1001);
    assert_eq!(spool.stats().lost, 3);
}

#[test]
fn a_lost_acknowledgement_is_not_a_loss() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open_at(directory.path(), |_| {});
    spool.reconcile(0);
    for n in 1..=10 {
        spool.append_payload(&payload(n, 20));
    }
    spool.reconcile(6);
    assert_eq!(drain(&spool).into_keys().collect::<Vec<_>>(), (7..=10).collect::<Vec<_>>());
    assert_eq!(spool.stats().lost, 0);
    // Nor does an impossible number from a broken hub do harm.
    spool.acknowledge(u64::MAX);
    spool.reconcile(u64::MAX);
    spool.append_payload(b"still here");
    assert_eq!(drain(&spool).into_keys().collect::<Vec<_>>(), [11]);
}

/// A disk with room for so many bytes; a write that does not fit is written in part, as write(2) does.
struct Limited(Arc<AtomicU64>);

struct LimitedSegment(File, Arc<AtomicU64>);

impl Disk for Limited {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Segment>> {
        Ok(Arc::new(LimitedSegment(File::options().append(true).create_new(true).open(path)?, Arc::clone(&self.0))))
    }
}

impl Segment for LimitedSegment {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let fits = self.1.load(Ordering::Relaxed).min(bytes.len() as u64);
        if fits == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.1.fetch_sub(fits, Ordering::Relaxed);
        self.0.append(&bytes[..fits as usize])
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        let freed = self.0.metadata()?.len().saturating_sub(bytes);
        self.0.truncate(bytes)?;
        // What a partial write took is free again, and just too little for a whole record.
        self.1.fetch_add(freed, Ordering::Relaxed);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

#[test]
fn a_full_disk_is_counted_and_overcome_without_help() {
    let directory = tempfile::tempdir().unwrap();
    let room = Arc::new(AtomicU64::new(1_050));
    let spool = open_on(directory.path(), Box::new(Limited(Arc::clone(&room))), BOOT, |_| {});
    for n in 1..=30 {
        spool.append_payload(&payload(n, 84));
    }
    assert!(spool.stats().failing);
    assert_eq!((spool.stats().lost, spool.stats().backlog_records), (20, 10));
    room.store(u64::MAX, Ordering::Relaxed);
    for n in 31..=40 {
        spool.append_payload(&payload(n, 84));
    }
    assert!(!spool.stats().failing);
    drop(spool);
    let spool = open_at(directory.path(), |_| {});
    assert_eq!((spool.stats().lost, spool.stats().torn_tails), (20, 0));
    let kept: Vec<u64> = drain(&spool).into_values().map(|p| u64::from_le_bytes(p[..8].try_into().unwrap())).collect();
    assert_eq!(kept, (1..=10).chain(31..=40).collect::<Vec<_>>());
}

#[test]
fn everything_is_synced_within_the_window() {
    struct Counting(Arc<AtomicU64>);
    struct CountingSegment(File, Arc<AtomicU64>, AtomicU64);
    impl Disk for Counting {
        fn create(&self, path: &Path) -> io::Result<Arc<dyn Segment>> {
            let file = File::options().append(true).create_new(true).open(path)?;
            Ok(Arc::new(CountingSegment(file, Arc::clone(&self.0), AtomicU64::new(0))))
        }
    }
    impl Segment for CountingSegment {
        fn append(&self, bytes: &[u8]) -> io::Result<usize> {
            self.2.fetch_add(bytes.len() as u64, Ordering::SeqCst);
            self.0.append(bytes)
        }
        fn truncate(&self, bytes: u64) -> io::Result<()> {
            self.0.truncate(bytes)
        }
        fn sync(&self) -> io::Result<()> {
            self.1.fetch_add(self.2.swap(0, Ordering::SeqCst), Ordering::SeqCst);
            Ok(())
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let synced = Arc::new(AtomicU64::new(0));
    let spool = open_on(directory.path(), Box::new(Counting(Arc::clone(&synced))), BOOT, |c| c.spool_bytes_max = 1 << 20);
    for n in 1..=50 {
        spool.append_payload(&payload(n, 5_000)); // over several segments
    }
    // Generous, because test machines stall; that it comes by itself is the point.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while synced.load(Ordering::SeqCst) < 50 * 5_016 && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(synced.load(Ordering::SeqCst), 50 * 5_016);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Appends, acknowledgements, restarts and crashes in any order: a record is there exactly once unless it was cut off.
    #[test]
    fn nothing_is_lost_or_doubled_by_crashes(
        rounds in prop::collection::vec((prop::collection::vec(8..3_000usize, 0..40), 0..30u64, any::<prop::sample::Index>(), any::<bool>()), 1..6),
    ) {
        let mut directory = tempfile::tempdir().unwrap();
        let mut expected: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for (sizes, acknowledge, cut, crash) in rounds {
            let spool = open_at(directory.path(), |c| c.spool_bytes_max = SpoolConfig::SPOOL_BYTES_MIN);
            let mut sequence = spool.stats().next_sequence;
            for bytes in sizes {
                expected.insert(sequence, payload(sequence, bytes));
                spool.append_payload(&expected[&sequence]);
                sequence += 1;
            }
            let through = spool.stats().acked + acknowledge;
            if through < sequence && spool.next_batch(2_000, 10).unwrap().is_some() {
                spool.acknowledge(through);
                expected.retain(|&sequence, _| sequence > through);
            }
            if crash {
                let left = copy(directory.path());
                drop(spool);
                if let Some(path) = segments(left.path()).pop() {
                    let bytes = fs::read(&path).unwrap();
                    let cut = cut.index(bytes.len() + 1);
                    let mut at = 0;
                    while let Ok(Some(record)) = wire::decode(&bytes[at..]) {
                        at += HEADER_BYTES + record.payload.len();
                        if at > cut {
                            expected.remove(&record.sequence);
                        }
                    }
                    File::options().write(true).open(&path).unwrap().set_len(cut as u64).unwrap();
                }
                directory = left;
            }
        }
        let spool = open_at(directory.path(), |c| c.spool_bytes_max = SpoolConfig::SPOOL_BYTES_MIN);
        prop_assert_eq!(spool.stats().lost, 0);
        prop_assert_eq!(drain(&spool), expected);
    }
}
