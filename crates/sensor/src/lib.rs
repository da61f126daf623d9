//! A sensor: it accepts connections, drives the emulated protocols, records every byte and event to its spool, and delivers them to its hub.
//!
//! A sensor never connects to an address an attacker named, never runs anything an attacker sent, and judges nothing.

pub mod captures;
mod close;
pub mod recorder;
pub mod spool;
pub mod ssh;

pub use close::CloseReason;
