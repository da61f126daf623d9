//! A file that a peer is sending: kept in memory until it is whole, then recorded and put among the fake host's files.

use super::connection::Connection;
use shell::{Errno, Files};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file open for writing. One that is dropped unfinished (the peer hung up) is recorded as far as it came.
pub(super) struct Upload {
    connection: Arc<Connection>,
    files: Arc<Files>,
    path: Vec<u8>,
    content: Vec<u8>,
    mode: u32,
    method: &'static str,
    stored: bool,
}

impl Upload {
    /// Begins with `content` (empty for a new file); `mode` is the file's when it is new.
    pub(super) fn new(
        connection: &Arc<Connection>,
        files: &Arc<Files>,
        path: Vec<u8>,
        content: Vec<u8>,
        mode: u32,
        method: &'static str,
    ) -> Result<Upload, Errno> {
        let mut upload =
            Upload { connection: connection.clone(), files: files.clone(), path, content: Vec::new(), mode, method, stored: true };
        upload.reserve(content.len())?;
        upload.content = content;
        upload.stored = false;
        Ok(upload)
    }

    /// Writes at an offset; a gap before it reads as zeros. Fails with `ENOSPC` when uploads have used up their limit.
    pub(super) fn write_at(&mut self, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let start = usize::try_from(offset).map_err(|_| Errno::Enospc)?;
        let end = start.checked_add(data.len()).ok_or(Errno::Enospc)?;
        if end > self.content.len() {
            self.reserve(end - self.content.len())?;
            self.content.resize(end, 0);
        }
        self.content[start..end].copy_from_slice(data);
        Ok(())
    }

    /// Cuts the file, or fills it up with zeros.
    pub(super) fn set_size(&mut self, size: u64) -> Result<(), Errno> {
        let size = usize::try_from(size).map_err(|_| Errno::Enospc)?;
        match size.checked_sub(self.content.len()) {
            Some(growth) => self.reserve(growth)?,
            None => self.release(self.content.len() - size),
        }
        self.content.resize(size, 0);
        Ok(())
    }

    /// What there is so far.
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// The file's path.
    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Records the file and puts it in its place.
    pub(super) fn finish(mut self) -> Result<(), Errno> {
        self.store()
    }

    fn store(&mut self) -> Result<(), Errno> {
        self.stored = true;
        self.connection.recorder.capture(&self.path, &self.content, self.method.into());
        self.release(self.content.len());
        self.files.write(&self.path, std::mem::take(&mut self.content), self.mode)
    }

    fn reserve(&self, bytes: usize) -> Result<(), Errno> {
        let Connection { limits, upload_bytes, all_upload_bytes, upload_refused, .. } = &*self.connection;
        let refuse = |name, max| {
            self.connection.limit_once(upload_refused, name, max as u64);
            Err(Errno::Enospc)
        };
        if !take(upload_bytes, bytes, limits.upload_bytes_max) {
            return refuse("upload_bytes_max", limits.upload_bytes_max);
        }
        // A few bytes at a far offset make a large file: many peers at once must not be able to use up the sensor's memory with them.
        if !take(all_upload_bytes, bytes, limits.all_upload_bytes_max) {
            upload_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return refuse("all_upload_bytes_max", limits.all_upload_bytes_max);
        }
        Ok(())
    }

    fn release(&self, bytes: usize) {
        self.connection.upload_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.connection.all_upload_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Adds to what is used, unless that is more than `max`.
fn take(used: &AtomicUsize, bytes: usize, max: usize) -> bool {
    used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| used.checked_add(bytes).filter(|&sum| sum <= max)).is_ok()
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.stored {
            // There is nobody left to tell that it did not fit.
            let _ = self.store();
        }
    }
}
