//! Why a hub does not start, and why a batch is not taken.

use std::net::SocketAddr;
use std::path::PathBuf;
use store::StoreError;

/// Why a hub does not start: one sentence, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made or written.
    #[error("the data folder {} cannot be used ({source}): choose another with --data, or make it writable for this user", path.display())]
    Data {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another hub has it.
    #[error("the data folder {} is in use by another running hub: stop that one, or choose another folder with --data", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The address cannot be listened on.
    #[error("the hub cannot listen on {address} ({source}): stop what uses it, or choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate or key is not good.
    #[error("the TLS certificate {} cannot be used ({reason}): check hub.tls in the configuration", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A database cannot be opened or read.
    #[error("the database cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The built-in catalog does not load.
    #[error("the detection catalog does not load: {0}")]
    Catalog(String),
    /// The operating system gives no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// Why a batch is not taken. Nothing of it needs to be forgotten by the sender, who tries again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// No room on the hub's disk.
    #[error("the hub's disk is full: nothing of this batch was acknowledged; it is taken as soon as there is room again")]
    Full,
    /// The hub cannot keep up, or its database failed.
    #[error("the hub cannot store the batch now: {0}")]
    Unavailable(String),
    /// The batch is larger than the hub takes.
    #[error("the batch has more than {bytes_max} bytes when decompressed: send smaller ones")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The batch is not one zstd frame.
    #[error("the body cannot be decompressed: expected one zstd frame of records")]
    NotCompressed,
    /// The sensor is not known here.
    #[error("this sensor is not known to the hub: enrol it with \"honeyguide sensor --hub URL --token TOKEN\"")]
    UnknownSensor,
    /// The hub is stopping.
    #[error("the hub is stopping")]
    Stopping,
}

impl From<StoreError> for IngestError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => IngestError::Full,
            other => IngestError::Unavailable(other.to_string()),
        }
    }
}
