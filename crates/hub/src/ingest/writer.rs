//! The one thread that writes the event log.
//!
//! Batches that wait are stored together with one sync (group commit) and then acknowledged. Events are filed under the day of their own
//! time, unless that is in the future or older than what is kept: then under today. Inside a batch the day never goes back, so that a sensor
//! whose clock jumps about cannot make every record a transaction of its own.
//!
//! Days are separate files, so a group that spans two is two transactions. They are written in the order of the sequences: whatever moment
//! the process dies, what is in the log of a sensor is a prefix of what it sent, and its highest sequence is its position.

use super::batch::{Batch, Record};
use crate::error::IngestError;
use crate::pipeline::Work;
use crate::status::Status;
use model::wire::Ack;
use model::{Event, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Day, EventLog, EventRow, RejectedRow, SensorNumber, StoreError};
use tokio::sync::{mpsc, oneshot};

/// Records after which a group is closed.
const GROUP_RECORDS_MAX: usize = 50_000;

/// What the writer is told to do.
pub enum Order {
    /// Store a batch.
    Store(Delivery),
    /// Drop the days before this one.
    Drop(Day),
    /// Store what is waiting, and end.
    Stop,
}

/// One batch and who waits for it.
pub struct Delivery {
    /// Who sent it.
    pub sensor: SensorNumber,
    /// When it came.
    pub received: Timestamp,
    /// Its records.
    pub batch: Batch,
    /// Told when it is durable, or that it is not.
    pub reply: oneshot::Sender<Result<Ack, IngestError>>,
}

/// Durable events of one sensor, handed on to the pipeline in order.
pub struct Handed {
    /// Whose.
    pub sensor: SensorNumber,
    /// When they came.
    pub received: Timestamp,
    /// Sequence, the day it is filed under, and the event.
    pub events: Vec<(u64, Day, Box<Event>)>,
}

/// How far each sensor's records are durable.
#[derive(Default)]
pub struct Positions(Mutex<HashMap<SensorNumber, u64>>);

impl Positions {
    /// As the log says at the start.
    pub fn new(positions: HashMap<SensorNumber, u64>) -> Positions {
        Positions(Mutex::new(positions))
    }

    /// A sensor's; 0 when it has sent nothing.
    pub fn of(&self, sensor: SensorNumber) -> u64 {
        self.lock().get(&sensor).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SensorNumber, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's state.
pub struct Writer {
    log: Box<dyn EventLog>,
    orders: mpsc::Receiver<Order>,
    /// `None` once the pipeline is gone: the log goes on alone.
    pipeline: Option<SyncSender<Work>>,
    positions: Arc<Positions>,
    status: Arc<Status>,
    retention_days: Day,
}

/// Where one record of one delivery goes.
struct Place {
    delivery: usize,
    record: usize,
    sequence: u64,
}

/// Records that go into one file in one transaction.
struct Run {
    day: Day,
    places: Vec<Place>,
}

/// What becomes of a delivery when the runs are written.
struct Outcome {
    ack: Ack,
    /// How many of the first runs must be written for it.
    runs: usize,
}

impl Writer {
    /// Over this log; `positions` is kept up to date.
    pub fn new(
        log: Box<dyn EventLog>,
        orders: mpsc::Receiver<Order>,
        pipeline: SyncSender<Work>,
        positions: Arc<Positions>,
        status: Arc<Status>,
        retention_days: u32,
    ) -> Writer {
        Writer { log, orders, pipeline: Some(pipeline), positions, status, retention_days: retention_days.into() }
    }

    /// Works until it is told to stop, or everybody who could give orders is gone.
    pub fn run(mut self) {
        let mut stop = false;
        while !stop {
            let mut next = self.orders.blocking_recv();
            if next.is_none() {
                break;
            }
            let mut group = Vec::new();
            let mut records = 0;
            while let Some(order) = next.take() {
                match order {
                    Order::Store(delivery) => {
                        records += delivery.batch.records.len();
                        group.push(delivery);
                    }
                    Order::Drop(day) => self.drop_before(day),
                    Order::Stop => stop = true,
                }
                if records < GROUP_RECORDS_MAX {
                    next = self.orders.try_recv().ok();
                }
            }
            if !group.is_empty() {
                self.store(group);
            }
        }
    }

    fn drop_before(&mut self, day: Day) {
        match self.log.drop_before(day) {
            Ok(days) if days.is_empty() => {}
            Ok(days) => tracing::info!(days = days.len(), "raw events past their retention were dropped"),
            Err(error) => tracing::error!(%error, "raw events past their retention could not be dropped"),
        }
        if let Some(pipeline) = &self.pipeline {
            // It forgets the sessions of those days in its own time; when it is gone the next start does.
            let _ = pipeline.send(Work::Drop(day));
        }
    }

    fn store(&mut self, mut group: Vec<Delivery>) {
        let (runs, outcomes) = self.plan(&group);
        let mut written = 0;
        let mut failure = None;
        for run in &runs {
            if let Err(error) = self.write(run, &group) {
                failure = Some(error);
                break;
            }
            written += 1;
        }
        if !runs.is_empty() {
            self.report(failure.as_ref());
        }
        let mut handed = Vec::new();
        for run in runs.into_iter().take(written) {
            self.advance(run, &mut group, &mut handed);
        }
        let failure = failure.map(IngestError::from);
        for (delivery, outcome) in group.into_iter().zip(outcomes) {
            let result = match &failure {
                Some(error) if outcome.runs > written => Err(error.clone()),
                _ => {
                    self.status.duplicates.fetch_add(outcome.ack.duplicates, Relaxed);
                    self.status.rejected.fetch_add(outcome.ack.rejected, Relaxed);
                    Ok(outcome.ack)
                }
            };
            // The sender may have given up waiting; it learns by its resend.
            let _ = delivery.reply.send(result);
        }
        for handed in handed {
            self.hand_on(handed);
        }
    }

    /// Sorts the group's records into runs, leaving out what the log has already.
    fn plan(&self, group: &[Delivery]) -> (Vec<Run>, Vec<Outcome>) {
        let mut positions: HashMap<SensorNumber, u64> =
            group.iter().map(|delivery| (delivery.sensor, self.positions.of(delivery.sensor))).collect();
        let mut runs: Vec<Run> = Vec::new();
        let mut outcomes = Vec::with_capacity(group.len());
        for (at, delivery) in group.iter().enumerate() {
            let position = positions.entry(delivery.sensor).or_insert(0);
            let mut ack = Ack { through: 0, stored: 0, duplicates: 0, rejected: 0 };
            let mut day_min = Day::MIN;
            let mut previous = None;
            for (index, record) in delivery.batch.records.iter().enumerate() {
                let sequence = match record {
                    Record::Event { sequence, .. } => *sequence,
                    Record::Rejected { sequence, .. } => sequence.settle(previous, *position),
                };
                previous = Some(sequence);
                if sequence <= *position {
                    ack.duplicates += 1;
                    continue;
                }
                *position = sequence;
                let day = match record {
                    Record::Event { event: Some(event), .. } => {
                        ack.stored += 1;
                        self.day(event.time, delivery.received)
                    }
                    Record::Event { event: None, .. } => continue,
                    Record::Rejected { .. } => {
                        ack.rejected += 1;
                        delivery.received.day()
                    }
                };
                day_min = day_min.max(day);
                let place = Place { delivery: at, record: index, sequence };
                match runs.last_mut() {
                    Some(run) if run.day == day_min => run.places.push(place),
                    _ => runs.push(Run { day: day_min, places: vec![place] }),
                }
            }
            ack.through = *position;
            // Even a delivery of duplicates waits for the runs so far: its records may be in one of them.
            outcomes.push(Outcome { ack, runs: runs.len() });
        }
        (runs, outcomes)
    }

    fn day(&self, time: Timestamp, received: Timestamp) -> Day {
        let (day, today) = (time.day(), received.day());
        // One day ahead is believed: around midnight a clock need not be wrong by much.
        if day > today + 1 || day <= today - self.retention_days { today } else { day }
    }

    fn write(&mut self, run: &Run, group: &[Delivery]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(run.places.len());
        let mut rejected = Vec::new();
        for place in &run.places {
            let Some(delivery) = group.get(place.delivery) else { continue };
            let body = |range: &std::ops::Range<usize>| delivery.batch.bytes.get(range.clone()).unwrap_or_default();
            match delivery.batch.records.get(place.record) {
                Some(Record::Event { payload, event: Some(event), .. }) => rows.push(EventRow {
                    sensor: delivery.sensor,
                    sequence: place.sequence,
                    time: event.time,
                    session: event.session,
                    body: body(payload),
                }),
                Some(Record::Rejected { reason, bytes, .. }) => rejected.push(RejectedRow {
                    sensor: delivery.sensor,
                    sequence: place.sequence,
                    received: delivery.received,
                    reason: (*reason).to_owned(),
                    body: body(bytes).to_vec(),
                }),
                Some(Record::Event { event: None, .. }) | None => {}
            }
        }
        self.log.append(run.day, &mut rows.into_iter(), &rejected)
    }

    /// Moves positions forward over a run that is durable, and takes its events out for the pipeline.
    fn advance(&self, run: Run, group: &mut [Delivery], handed: &mut Vec<Handed>) {
        let mut positions = self.positions.lock();
        let mut last = None;
        for place in run.places {
            let Some(delivery) = group.get_mut(place.delivery) else { continue };
            positions.insert(delivery.sensor, place.sequence);
            let Some(Record::Event { event, .. }) = delivery.batch.records.get_mut(place.record) else { continue };
            let Some(event) = event.take() else { continue };
            if last != Some(place.delivery) {
                last = Some(place.delivery);
                handed.push(Handed { sensor: delivery.sensor, received: delivery.received, events: Vec::new() });
            }
            if let Some(handed) = handed.last_mut() {
                handed.events.push((place.sequence, run.day, event));
            }
        }
    }

    /// Waits while the pipeline is behind, so that memory stays bounded; later batches then wait for their acknowledgement.
    fn hand_on(&mut self, handed: Handed) {
        let events = handed.events.len() as u64;
        self.status.stored.fetch_add(events, Relaxed);
        metrics::counter!("honeyguide_hub_events_stored_total").increment(events);
        let Some(pipeline) = &self.pipeline else { return };
        self.status.handed.fetch_add(events, Relaxed);
        if pipeline.send(Work::Events(handed)).is_err() {
            tracing::error!("the pipeline has ended: events are stored, and judged after the next start");
            self.pipeline = None;
        }
    }

    /// One line when writing begins to fail, and one when it works again.
    fn report(&self, failure: Option<&StoreError>) {
        let failed_before = self.status.log_failing.swap(failure.is_some(), Relaxed);
        match failure {
            Some(error) if !failed_before => {
                tracing::error!(%error, "events cannot be stored; sensors keep them and send them again");
            }
            None if failed_before => tracing::info!("events are stored again"),
            _ => {}
        }
    }
}
