//! Where the hub keeps things: the event log, the state that is derived from it, and the accounts; each a trait and its embedded engine.
//!
//! - The **event log** ([`EventLog`], [`EventReader`]) is the truth: every event as it was received, keyed by (sensor, sequence), one file a day
//!   so that retention is the deletion of a file.
//! - The **state** ([`State`], [`StateReader`]) is what the pipeline made of the log: sessions, reputations, and how far it has read. One
//!   [`Commit`] carries a set of effects *and* the cursors that they bring the reader to, so that an effect is applied exactly once whatever
//!   moment the process dies. It may lag behind the log or be deleted: it is rebuilt by reading on.
//! - The **accounts** ([`Accounts`]) are small and precious: keys, tokens, sensors.
//!
//! No method needs a transaction across two of them, all writes are batches, and repeating one is harmless, so that other engines (a columnar
//! cluster, a replicated SQL database) fit behind the same traits. Nothing here knows HTTP, and nothing reads the clock.

mod error;
mod events;
mod reputation;
mod sqlite;
mod state;

pub use error::StoreError;
pub use events::{EventLog, EventReader, EventRow, RejectedRow, SEQUENCE_MAX, SensorNumber, StoredEvent};
pub use reputation::{NameId, ProtocolCount, Reputation};
pub use sqlite::accounts::{Accounts, Enrolment, KeyOwner, SensorRow, TokenError};
pub use sqlite::events::{SqliteEventLog, SqliteEventReader};
pub use sqlite::state::{SqliteState, SqliteStateReader};
pub use state::{
    Commit, Cursor, LateEvents, OpenRow, ReputationRow, SessionFilter, SessionKey, SessionPosition, SessionRow, State, StateReader,
};

/// A day of storage: days since 1970-01-01 in UTC, as [`model::Timestamp::day`] gives them.
pub type Day = i64;
