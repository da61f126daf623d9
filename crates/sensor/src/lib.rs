//! A sensor: it accepts connections, drives the emulated protocols, records every byte and event to its spool, and delivers them to its hub.
//!
//! A sensor never connects to an address an attacker named, never runs anything an attacker sent, and judges nothing.

mod admission;
mod bind;
pub mod captures;
mod close;
mod config;
mod core;
mod decoy;
mod driver;
mod files;
mod instance;
mod limits;
mod link;
mod meter;
mod metric;
mod personas;
pub mod proxy;
pub mod recorder;
mod sensor;
pub mod spool;
pub mod ssh;
mod start_error;
mod tcp;
pub mod tls;
mod udp;
pub mod uplink;
mod watch;
mod wire;

pub use close::CloseReason;
pub use config::{CapturesOptions, Config, DecoyConfig, Ports, ProxyProtocol, SpoolOptions};
pub use limits::Limits;
pub use sensor::{DecoyAddress, Sensor};
pub use start_error::StartError;
