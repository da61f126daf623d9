//! The vocabulary of Honeyguide: what happened ([`Event`]), to whom ([`SessionId`], [`SensorId`]), when ([`Timestamp`]) and
//! how it travels from a sensor to the hub ([`wire`]).
//!
//! Nothing here does I/O or reads the clock; every other crate depends on this one and it depends on none of them.

mod address;
mod blob;
pub mod catalogue;
pub mod event;
mod id;
mod protocol;
mod severity;
mod time;
pub mod wire;

pub use address::{canonical, is_public};
pub use blob::Blob;
pub use event::{Detail, Event};
pub use id::{SensorId, SessionId, Sha256};
pub use protocol::{Protocol, Transport, UnknownProtocol};
pub use severity::{Severity, UnknownSeverity};
pub use time::Timestamp;
