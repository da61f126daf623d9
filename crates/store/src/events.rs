//! The event log's interface.

use crate::{Day, StoreError};
use model::{SessionId, Timestamp};
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// A sensor's small number inside this hub, given by [`crate::Accounts`]; from 1, below 2²³.
pub type SensorNumber = u32;

/// The largest sequence that can be stored: with a sensor's number it must fit one signed 64-bit key. A sensor that records a thousand
/// events a second reaches it after 34 years.
pub const SEQUENCE_MAX: u64 = (1 << 40) - 1;

/// One event to be stored.
#[derive(Clone, Copy, Debug)]
pub struct EventRow<'a> {
    /// Who recorded it.
    pub sensor: SensorNumber,
    /// Its sequence there; at most [`SEQUENCE_MAX`].
    pub sequence: u64,
    /// When, by the sensor's clock.
    pub time: Timestamp,
    /// The session that it belongs to.
    pub session: SessionId,
    /// The event as it was received, in MessagePack.
    pub body: &'a [u8],
}

/// A record that could not be read, kept for whoever wants to know why.
#[derive(Clone, Debug)]
pub struct RejectedRow {
    /// Who sent it.
    pub sensor: SensorNumber,
    /// The sequence that is thereby done with.
    pub sequence: u64,
    /// When it was received.
    pub received: Timestamp,
    /// What is wrong with it.
    pub reason: String,
    /// The bytes, up to a cap of the caller's.
    pub body: Vec<u8>,
}

/// One event as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Who recorded it.
    pub sensor: SensorNumber,
    /// Its sequence there.
    pub sequence: u64,
    /// The day that it is filed under.
    pub day: Day,
    /// The event in MessagePack.
    pub body: Vec<u8>,
}

/// The writing side of the event log; there is one.
pub trait EventLog: Send {
    /// Stores rows and rejects under one day, all or none, and returns when they are durable. A row that is already there stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Full`] and others; then nothing of this call was kept.
    fn append(&mut self, day: Day, rows: &mut dyn Iterator<Item = EventRow<'_>>, rejected: &[RejectedRow]) -> Result<(), StoreError>;

    /// Drops every day before `day` and returns which.
    ///
    /// # Errors
    /// When a file cannot be removed.
    fn drop_before(&mut self, day: Day) -> Result<Vec<Day>, StoreError>;
}

/// The reading side of the event log; any number may read while one writes.
pub trait EventReader: Send + Sync {
    /// The days that are there, ascending.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn days(&self) -> Result<Vec<Day>, StoreError>;

    /// The highest sequence stored or rejected, of each sensor that has one.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn high_water(&self) -> Result<HashMap<SensorNumber, u64>, StoreError>;

    /// Up to about `limit` events of one sensor after the given sequence, ascending by sequence whatever day each is filed under. Empty at
    /// the end.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn after(&self, sensor: SensorNumber, sequence: u64, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// The events of one session filed under the given days, ascending by sequence, at most `limit`.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn session(
        &self,
        sensor: SensorNumber,
        session: SessionId,
        days: RangeInclusive<Day>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError>;
}
