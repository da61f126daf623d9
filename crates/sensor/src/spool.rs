//! The durable queue between what happened and the hub.
//!
//! A spool is a directory of segments: files of records in the wire format ([`model::wire`]), so that a batch leaves as it lies on disk.
//! - *The death of the process loses nothing:* [`Spool::append`] has written when it returns.
//! - *A power cut loses at most the last 100 ms:* one thread syncs what was written. How many events that may have been is known afterwards,
//!   because sequences are reserved on the medium before they are used; reserved ones that were never found again are never used again.
//! - *No loss goes uncounted:* what the full policy drops, what the disk refuses and what is damaged is counted, kept across restarts, and
//!   told to the hub with every batch.
//!
//! Beside the segments lie `state` (what is acknowledged, lost, reserved) and `lock` (held while a process uses the spool).

mod disk;
mod log;
mod marker;
mod reader;
mod recover;
mod segment;
mod sync;
#[cfg(test)]
mod tests;
mod trouble;

pub(crate) use disk::private;

use bytes::Bytes;
use log::Log;
use model::wire::{self, BatchInfo};
use model::{Event, SensorId};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::Notify;

/// Where a spool lies and how large it may grow.
#[derive(Clone, Debug)]
pub struct SpoolConfig {
    /// The directory, created when missing. Its files are readable by their owner only.
    pub directory: PathBuf,
    /// Bytes of all segments together; at least [`SpoolConfig::SPOOL_BYTES_MIN`].
    pub spool_bytes_max: u64,
    /// What to drop beyond that.
    pub full: FullPolicy,
}

impl SpoolConfig {
    /// The smallest spool that can be asked for.
    pub const SPOOL_BYTES_MIN: u64 = 1 << 20;
    /// The size when none is configured.
    pub const SPOOL_BYTES_DEFAULT: u64 = 1 << 30;

    /// A spool in `directory` with the default size and policy.
    pub fn new(directory: impl Into<PathBuf>) -> SpoolConfig {
        SpoolConfig { directory: directory.into(), spool_bytes_max: Self::SPOOL_BYTES_DEFAULT, full: FullPolicy::DropOldest }
    }

    /// A segment's size: large enough to be few, small enough that dropping one drops little.
    fn segment_bytes(&self) -> u64 {
        (self.spool_bytes_max / 16).clamp(64 << 10, 8 << 20)
    }
}

/// What a full spool drops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FullPolicy {
    /// The oldest segment, again and again: the newest attacks are kept.
    #[default]
    DropOldest,
    /// Each new event: the beginning of what happened is kept.
    DropNewest,
}

/// Why a spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The file system refused.
    #[error("the spool at {} cannot be opened", directory.display())]
    Io {
        /// The spool's directory.
        directory: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process uses it.
    #[error("the spool at {} is in use by another process; stop that one, or choose another data directory", .0.display())]
    InUse(PathBuf),
    /// The configured size is too small to hold anything.
    #[error("spool_bytes_max is {0}; it must be at least {min}", min = SpoolConfig::SPOOL_BYTES_MIN)]
    TooSmall(u64),
}

impl SpoolError {
    fn new(directory: &Path, source: io::Error) -> SpoolError {
        SpoolError::Io { directory: directory.to_owned(), source }
    }
}

/// The spool; clones share it.
#[derive(Clone)]
pub struct Spool(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Held for as long as the spool is used.
    _lock: File,
}

struct Shared {
    log: Mutex<Log>,
    control: Mutex<Control>,
    wake: Condvar,
    appended: Notify,
}

/// What the syncing thread is told.
#[derive(Default)]
struct Control {
    dirty: bool,
    stop: bool,
}

/// Records for the hub.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whole records with ascending sequences, as on disk.
    pub records: Bytes,
    /// The first record's sequence.
    pub first: u64,
    /// The last record's sequence.
    pub last: u64,
    /// How many records.
    pub count: u64,
}

/// The spool in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolStats {
    /// Records the hub has not acknowledged.
    pub backlog_records: u64,
    /// Their bytes, near enough: acknowledged ones that share their segment may be in it.
    pub backlog_bytes: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// The sequence of the next event.
    pub next_sequence: u64,
    /// The hub has everything up to this sequence.
    pub acked: u64,
    /// Events ever lost here.
    pub lost: u64,
    /// Events that power cuts may have taken, an upper bound, until a hub was told.
    pub unsynced: u64,
    /// Segments whose torn end was cut off when this spool was opened.
    pub torn_tails: u64,
    /// Whether the disk refuses writes at the moment.
    pub failing: bool,
}

impl Spool {
    /// Opens or creates a spool and repairs what is damaged. Reads every segment once; call it before serving.
    pub fn open(config: SpoolConfig) -> Result<Spool, SpoolError> {
        Spool::open_with(config, Box::new(disk::FileSystem), marker::current_boot())
    }

    fn open_with(config: SpoolConfig, disk: Box<dyn disk::Disk>, boot: String) -> Result<Spool, SpoolError> {
        if config.spool_bytes_max < SpoolConfig::SPOOL_BYTES_MIN {
            return Err(SpoolError::TooSmall(config.spool_bytes_max));
        }
        let at = |error| SpoolError::new(&config.directory, error);
        fs::create_dir_all(&config.directory).map_err(at)?;
        let lock_file =
            private(File::options().create(true).truncate(false).write(true)).open(config.directory.join("lock")).map_err(at)?;
        match lock_file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SpoolError::InUse(config.directory)),
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        let directory = config.directory.clone();
        let shared = Arc::new(Shared {
            log: Mutex::new(recover::open(config, disk, boot)?),
            control: Mutex::default(),
            wake: Condvar::new(),
            appended: Notify::new(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("spool-sync".to_owned())
            .spawn(move || sync::run(&for_thread))
            .map_err(|error| SpoolError::new(&directory, error))?;
        Ok(Spool(Arc::new(Handle { shared, thread: Mutex::new(Some(thread)), _lock: lock_file })))
    }

    /// Writes an event to disk (page cache; synced by group commit within 100 ms) before returning. Never waits for the hub. When the spool is
    /// full its policy decides what is dropped, and the loss is counted; so is an event the disk refuses.
    pub fn append(&self, event: &Event) {
        self.append_payload(&wire::encode_event(event));
    }

    fn append_payload(&self, payload: &[u8]) {
        self.change(|log| log.append(payload));
        self.0.shared.appended.notify_one();
    }

    /// The records after the acknowledged ones: at most `records_max` of them, at most `bytes_max` bytes unless the first alone is larger;
    /// `None` when there are none. The same ones again until they are acknowledged. Reads from disk. One reader at a time.
    ///
    /// # Errors
    /// When the disk cannot be read. A segment that fails again and again is given up and counted as lost.
    pub fn next_batch(&self, bytes_max: usize, records_max: usize) -> io::Result<Option<Batch>> {
        reader::next_batch(&self.0.shared, bytes_max, records_max)
    }

    /// Returns when something was appended since the last call returned (or at once, when that was before this call). For one waiter.
    pub async fn appended(&self) {
        self.0.shared.appended.notified().await;
    }

    /// The hub has everything through this sequence: forgets it. Kept across the death of the process.
    pub fn acknowledge(&self, through: u64) {
        self.change(|log| log.acknowledge(through));
    }

    /// Gives up everything through this sequence, because no hub will ever take it: counted as lost.
    pub fn abandon(&self, through: u64) {
        self.change(|log| log.abandon(through));
    }

    /// Takes note of the hub's position at the first contact after a start, so that no sequence is used that the hub already has.
    /// A spool that was wiped while its sensor kept its identity goes on above that position; what it recorded below is counted as lost.
    pub fn reconcile(&self, through: u64) {
        self.change(|log| log.reconcile(through));
    }

    /// What goes with every batch.
    pub fn info(&self, sensor: SensorId) -> BatchInfo {
        let log = lock(&self.0.shared.log);
        BatchInfo { sensor, lost: log.marker.state.lost, unsynced: log.marker.state.unsynced }
    }

    /// The spool in figures.
    pub fn stats(&self) -> SpoolStats {
        lock(&self.0.shared.log).stats()
    }

    /// Syncs everything and marks the stop as clean. Appending afterwards still works, but then the stop is no longer clean and nothing
    /// syncs any more. Dropping the last clone does the same.
    pub fn close(&self) {
        self.0.close();
    }

    /// Runs `work` on the log and wakes the syncing thread when it wrote something.
    fn change(&self, work: impl FnOnce(&mut Log)) {
        let shared = &self.0.shared;
        let became_dirty = {
            let mut log = lock(&shared.log);
            let before = log.dirty;
            work(&mut log);
            log.dirty && !before
        };
        if became_dirty {
            lock(&shared.control).dirty = true;
            shared.wake.notify_one();
        }
    }
}

impl Handle {
    fn close(&self) {
        let Some(thread) = lock(&self.thread).take() else { return };
        lock(&self.shared.control).stop = true;
        self.shared.wake.notify_one();
        if thread.join().is_err() {
            tracing::error!("the spool's syncing thread had panicked");
        }
        sync::sync(&self.shared);
        lock(&self.shared.log).mark_clean();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// Locks even when a panic poisoned the mutex: the log is consistent between statements, and recording must go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
