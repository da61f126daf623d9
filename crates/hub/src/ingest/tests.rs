//! The writer over a log that fails on demand.

use super::batch::parse;
use super::*;
use crate::pipeline::Work;
use crate::status::Status;
use crate::testing::{TIME, command, event};
use model::{Detail, Event, wire};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::Receiver;
use store::{Day, EventLog, EventRow, RejectedRow};

/// What was appended: day, sequences, rejected sequences.
type Written = Arc<Mutex<Vec<(Day, Vec<u64>, Vec<u64>)>>>;

#[derive(Clone, Default)]
struct Log {
    written: Written,
    /// Appends that succeed before all others fail.
    good: Arc<AtomicUsize>,
}

impl EventLog for Log {
    fn append(&mut self, day: Day, rows: &mut dyn Iterator<Item = EventRow<'_>>, rejected: &[RejectedRow]) -> Result<(), StoreError> {
        self.good.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).map_err(|_| StoreError::Full)?;
        let sequences = rows.map(|row| row.sequence).collect();
        self.written.lock().unwrap().push((day, sequences, rejected.iter().map(|row| row.sequence).collect()));
        Ok(())
    }

    fn drop_before(&mut self, _: Day) -> Result<Vec<Day>, StoreError> {
        Ok(Vec::new())
    }
}

struct Bench {
    log: Log,
    orders: mpsc::Sender<Order>,
    work: Receiver<Work>,
    positions: Arc<Positions>,
    status: Arc<Status>,
}

fn bench() -> Bench {
    let log = Log::default();
    log.good.store(usize::MAX, Relaxed);
    let (orders, received) = mpsc::channel(8);
    let (sender, work) = std::sync::mpsc::sync_channel(64);
    let positions = Arc::new(Positions::default());
    let status = Arc::new(Status::default());
    let writer = Writer::new(Box::new(log.clone()), received, sender, positions.clone(), status.clone(), 30);
    std::thread::spawn(move || writer.run());
    Bench { log, orders, work, positions, status }
}

impl Bench {
    fn send(&self, first: u64, events: &[Event]) -> Result<Ack, IngestError> {
        let mut bytes = Vec::new();
        for (sequence, event) in (first..).zip(events) {
            wire::encode(sequence, &wire::encode_event(event), &mut bytes);
        }
        self.send_bytes(bytes)
    }

    fn send_bytes(&self, bytes: Vec<u8>) -> Result<Ack, IngestError> {
        let (reply, answer) = oneshot::channel();
        // Two hours after the events.
        let received = Timestamp(TIME + 7_200_000_000);
        let delivery = Delivery { sensor: 1, received, batch: parse(bytes.into()), reply };
        assert!(self.orders.blocking_send(Order::Store(delivery)).is_ok());
        answer.blocking_recv().unwrap()
    }

    fn handed(&self) -> Vec<u64> {
        let mut sequences = Vec::new();
        while let Ok(Work::Events(handed)) = self.work.recv_timeout(Duration::from_millis(100)) {
            sequences.extend(handed.events.iter().map(|(sequence, _, _)| *sequence));
        }
        sequences
    }
}

fn ack(through: u64, stored: u64, duplicates: u64, rejected: u64) -> Result<Ack, IngestError> {
    Ok(Ack { through, stored, duplicates, rejected })
}

#[test]
fn a_resend_is_acknowledged_and_not_handed_on_again() {
    let bench = bench();
    let events: Vec<_> = (1..=3).map(|n| command(n, "id")).collect();
    assert_eq!(bench.send(1, &events), ack(3, 3, 0, 0));
    assert_eq!(bench.send(1, &events), ack(3, 0, 3, 0));
    assert_eq!(bench.send(2, &events), ack(4, 1, 2, 0));
    // A gap is a loss that the sensor has counted.
    assert_eq!(bench.send(9, &events), ack(11, 3, 0, 0));
    assert_eq!(bench.handed(), [1, 2, 3, 4, 9, 10, 11]);
}

#[test]
fn a_full_disk_acknowledges_nothing_and_heals() {
    let bench = bench();
    let events: Vec<_> = (1..=3).map(|n| command(n, "id")).collect();
    bench.log.good.store(0, Relaxed);
    assert_eq!(bench.send(1, &events), Err(IngestError::Full));
    assert!(bench.status.log_failing.load(Relaxed));
    assert_eq!(bench.positions.of(1), 0);
    bench.log.good.store(usize::MAX, Relaxed);
    assert_eq!(bench.send(1, &events), ack(3, 3, 0, 0));
    assert!(!bench.status.log_failing.load(Relaxed));
    assert_eq!(bench.handed(), [1, 2, 3]);
}

#[test]
fn a_corrupt_record_is_set_aside_and_its_resend_is_no_new_one() {
    let bench = bench();
    let mut bytes = Vec::new();
    for sequence in 1..=3 {
        wire::encode(sequence, &wire::encode_event(&command(1, "id")), &mut bytes);
    }
    let third = bytes.len() / 3;
    bytes[third + 20] ^= 1;
    assert_eq!(bench.send_bytes(bytes.clone()), ack(3, 2, 0, 1));
    assert_eq!(bench.send_bytes(bytes), ack(3, 0, 3, 0));
    assert_eq!(bench.send(4, &[command(1, "id")]), ack(4, 1, 0, 0));
    assert_eq!(bench.log.written.lock().unwrap()[0].2, [2]);
    assert_eq!(bench.handed(), [1, 3, 4]);
}

#[test]
fn days_are_files_and_a_wrong_clock_does_not_scatter_events() {
    let bench = bench();
    let today = Timestamp(TIME).day();
    let at = |seconds: i64| event(1, seconds, Detail::Command { line: "id".into() });
    const DAY: i64 = 86_400;
    // Yesterday, today, yesterday again (stays with today), a year ahead, a year ago: today by receipt.
    let events = [at(-DAY), at(0), at(-DAY), at(365 * DAY), at(-365 * DAY)];
    assert_eq!(bench.send(1, &events), ack(5, 5, 0, 0));
    let written = bench.log.written.lock().unwrap().clone();
    assert_eq!(written, [(today - 1, vec![1], vec![]), (today, vec![2, 3, 4, 5], vec![])]);
}

#[test]
fn what_is_durable_is_always_a_prefix() {
    let bench = bench();
    let yesterday = event(1, -86_400, Detail::Command { line: "id".into() });
    let today = command(1, "id");
    bench.log.good.store(1, Relaxed);
    let events = [yesterday.clone(), yesterday, today.clone(), today];
    assert_eq!(bench.send(1, &events), Err(IngestError::Full));
    assert_eq!(bench.positions.of(1), 2, "the first file was written");
    bench.log.good.store(usize::MAX, Relaxed);
    assert_eq!(bench.send(1, &events), ack(4, 2, 2, 0));
    assert_eq!(bench.handed(), [1, 2, 3, 4]);
}
