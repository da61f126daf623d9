//! What an operator may decide about a hub.

use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The hub's configuration. Every field has a default; every limit has its unit last in its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// `"off"`, `"self-signed"` (a certificate made at first start and pinned by enrolment tokens), or `{ certificate = "…", key = "…" }`
    /// with PEM files.
    pub tls: Tls,
    /// How long raw events and sessions are kept; at least one day.
    pub retention_days: u32,
    /// A session without an event for so long, by its sensor's clock, is judged without having been closed.
    pub session_idle_seconds: u32,
    /// Sessions under way at once; beyond it those silent longest are judged.
    pub sessions_open_max: usize,
    /// The largest batch, decompressed.
    pub batch_bytes_max: usize,
    /// Batches read, decoded or waiting for the disk at once; others wait their turn.
    pub batches_in_flight_max: usize,
    /// Connections to the API at once; others wait.
    pub connections_max: usize,
    /// A request that is not answered by then is given up.
    pub request_timeout_seconds: u32,
    /// A connection on which nothing moves for so long is closed.
    pub connection_idle_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8600)),
            tls: Tls::Mode(TlsMode::SelfSigned),
            retention_days: 30,
            session_idle_seconds: 30 * 60,
            sessions_open_max: 100_000,
            batch_bytes_max: 32 * 1024 * 1024,
            batches_in_flight_max: 8,
            connections_max: 4096,
            request_timeout_seconds: 60,
            connection_idle_seconds: 90,
        }
    }
}

/// How the API is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"off\", \"self-signed\" or { certificate = \"FILE\", key = \"FILE\" }")]
pub enum Tls {
    /// Without files of the operator's.
    Mode(TlsMode),
    /// With the operator's certificate.
    Files(TlsFiles),
}

/// The operator's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// The ways that need no files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Plain HTTP: for this machine alone, or behind a proxy that encrypts.
    Off,
    /// A certificate of our own, made once.
    SelfSigned,
}

impl Tls {
    /// Plain HTTP.
    pub const OFF: Tls = Tls::Mode(TlsMode::Off);
}
