//! What the spool asks of a disk, apart from it so that tests can have one that fails.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Where segments are created.
pub(super) trait Disk: Send + Sync {
    /// Creates the file at `path`, which must not exist, for appending.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Segment>>;
}

/// A segment open for appending; shared with the thread that syncs it.
pub(super) trait Segment: Send + Sync {
    /// One write at the end; like write(2), it may take fewer bytes than given.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts the segment to `bytes`.
    fn truncate(&self, bytes: u64) -> io::Result<()>;
    /// Returns when everything appended is on the medium.
    fn sync(&self) -> io::Result<()>;
}

/// The operating system's file system.
pub(super) struct FileSystem;

impl Disk for FileSystem {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Segment>> {
        Ok(Arc::new(private(OpenOptions::new().append(true).create_new(true)).open(path)?))
    }
}

impl Segment for File {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self;
        file.write(bytes)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Makes the files that are created readable by their owner only: a spool holds credentials.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Syncs a directory, so that files created, renamed or removed in it stay so after a power cut. Where directories cannot be opened
/// (Windows) the file system's journal is trusted.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}
