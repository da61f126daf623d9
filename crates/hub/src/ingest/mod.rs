//! Taking batches in: decode, make durable, acknowledge, hand to the pipeline.

mod batch;
mod writer;

#[cfg(test)]
mod tests;

pub use writer::{Handed, Order, Positions, Writer};

use crate::config::Config;
use crate::error::IngestError;
use crate::status::now;
use bytes::Bytes;
use model::wire::{Ack, BatchInfo};
use model::{SensorId, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use store::{Accounts, SensorNumber, SensorRow, StoreError};
use tokio::sync::{Semaphore, mpsc, oneshot};
use writer::Delivery;

/// How long a batch waits for the disk and the pipeline before its sender is told to come again.
const DURABLE_WAIT: Duration = Duration::from_secs(30);

/// What a sensor said with its latest delivery.
#[derive(Clone, Copy, Debug)]
struct Said {
    at: Timestamp,
    lost: u64,
    unsynced: u64,
}

/// The way in; clones share it. In-process sensors and the HTTP surface use the same.
#[derive(Clone)]
pub struct Ingest(Arc<Shared>);

struct Shared {
    accounts: Arc<Accounts>,
    sensors: RwLock<HashMap<SensorId, SensorNumber>>,
    positions: Arc<Positions>,
    said: Mutex<HashMap<SensorNumber, Said>>,
    orders: mpsc::Sender<Order>,
    places: Semaphore,
    batch_bytes_max: usize,
}

impl Ingest {
    pub(crate) fn new(
        accounts: Arc<Accounts>,
        config: &Config,
        orders: mpsc::Sender<Order>,
        positions: Arc<Positions>,
    ) -> Result<Ingest, StoreError> {
        let sensors = accounts.sensors()?.into_iter().map(|sensor| (sensor.id, sensor.number)).collect();
        Ok(Ingest(Arc::new(Shared {
            accounts,
            sensors: RwLock::new(sensors),
            positions,
            said: Mutex::default(),
            orders,
            places: Semaphore::new(config.batches_in_flight_max.clamp(1, Semaphore::MAX_PERMITS)),
            batch_bytes_max: config.batch_bytes_max,
        })))
    }

    /// The number of a sensor that may deliver.
    pub(crate) fn number(&self, sensor: SensorId) -> Option<SensorNumber> {
        self.0.sensors.read().unwrap_or_else(PoisonError::into_inner).get(&sensor).copied()
    }

    /// Lets a sensor that was just registered deliver.
    pub(crate) fn admit(&self, sensor: &SensorRow) {
        self.0.sensors.write().unwrap_or_else(PoisonError::into_inner).insert(sensor.id, sensor.number);
    }

    /// Every record of this sensor up to and including this sequence is durable or was rejected for good; 0 when there is none.
    pub fn position(&self, sensor: SensorId) -> u64 {
        self.number(sensor).map_or(0, |number| self.0.positions.of(number))
    }

    /// Stores the records of one batch ([`model::wire`], not compressed); answers when they are durable.
    ///
    /// A sensor has at most one batch under way: its records are taken in ascending order, and one at or below its position is a duplicate.
    ///
    /// # Errors
    /// When nothing was acknowledged; the same batch can be sent again.
    pub async fn ingest(&self, sensor: SensorId, info: BatchInfo, records: Bytes) -> Result<Ack, IngestError> {
        self.deliver(sensor, info, records, false).await
    }

    /// As [`Ingest::ingest`], for records in one zstd frame.
    pub(crate) async fn ingest_compressed(&self, sensor: SensorId, info: BatchInfo, frame: Bytes) -> Result<Ack, IngestError> {
        self.deliver(sensor, info, frame, true).await
    }

    async fn deliver(&self, sensor: SensorId, info: BatchInfo, bytes: Bytes, compressed: bool) -> Result<Ack, IngestError> {
        let shared = &*self.0;
        let number = self.number(sensor).ok_or(IngestError::UnknownSensor)?;
        let _place = shared.places.acquire().await.map_err(|_| IngestError::Stopping)?;
        let received = now();
        let bytes_max = shared.batch_bytes_max;
        let parse = move || {
            let records = if compressed { batch::decompress(&bytes, bytes_max)? } else { bytes };
            if records.len() > bytes_max {
                return Err(IngestError::TooLarge { bytes_max });
            }
            Ok(batch::parse(records))
        };
        let batch = tokio::task::spawn_blocking(parse).await.map_err(|_| IngestError::Unavailable("decoding failed".to_owned()))??;
        let (reply, answer) = oneshot::channel();
        let delivery = Delivery { sensor: number, received, batch, reply };
        shared.orders.send(Order::Store(delivery)).await.map_err(|_| IngestError::Stopping)?;
        let ack = match tokio::time::timeout(DURABLE_WAIT, answer).await {
            Ok(Ok(result)) => result?,
            Ok(Err(_)) => return Err(IngestError::Stopping),
            Err(_) => return Err(IngestError::Unavailable("it is too far behind".to_owned())),
        };
        let said = Said { at: received, lost: info.lost, unsynced: info.unsynced };
        shared.said.lock().unwrap_or_else(PoisonError::into_inner).insert(number, said);
        Ok(ack)
    }

    /// Drops the days before this one, in the writer's turn.
    pub(crate) async fn drop_before(&self, day: store::Day) {
        // When the writer is gone the hub is stopping.
        let _ = self.0.orders.send(Order::Drop(day)).await;
    }

    /// Writes down what sensors said since the last call.
    pub(crate) fn note_deliveries(&self) -> Result<(), StoreError> {
        let said = std::mem::take(&mut *self.0.said.lock().unwrap_or_else(PoisonError::into_inner));
        if said.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = said.into_iter().map(|(number, said)| (number, said.at, said.lost, said.unsynced)).collect();
        self.0.accounts.note_deliveries(&rows)
    }
}
