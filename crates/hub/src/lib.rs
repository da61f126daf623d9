//! The hub: it takes events in, makes sense of them, and answers.
//!
//! ```text
//! sensor ──batch──► ingest ──► event log (durable) ──► ack
//!                                  │
//!                                  ▼ in order, in memory; from the log after a restart
//!                               pipeline: session → primitives → one behavior → reputation
//!                                  │ commit: effects + cursors, at most 200 ms apart
//!                                  ▼
//!                               state ──at start──► index in memory ──► check, blacklist
//! ```
//!
//! The event log is the write-ahead log of everything after it. A batch is acknowledged when it is durable there; what the pipeline makes of
//! it is committed together with the position it has read to, so a process that dies at any moment goes on without counting twice.
//!
//! Four kinds of threads work: the tokio runtime (HTTP; decoding on its blocking threads), one *writer* (group commit of batches), one
//! *pipeline*, and readers of SQLite on blocking threads. `check` touches none of them: it reads the index.
//!
//! The hub never speaks an attacked protocol, and needs no sensor to be in the same process.

pub mod admin;
mod auth;
mod config;
mod data;
mod error;
mod http;
mod hub;
mod ingest;
mod listener;
mod pipeline;
mod reputation;
mod secret;
mod status;
mod telemetry;
#[cfg(test)]
mod testing;
mod tls;
mod upkeep;

pub use config::{Config, Tls, TlsFiles, TlsMode};
pub use error::{IngestError, StartError};
pub use hub::Hub;
pub use ingest::Ingest;
pub use telemetry::prometheus;
