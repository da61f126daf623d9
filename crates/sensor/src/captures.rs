//! Files attackers left, by content.
//!
//! A file lies in `<directory>/<first two hex digits>/<sha256>`, or with `.part` behind its name when only its beginning was kept. It is
//! readable by its owner only and never executable. Files appear whole, by renaming; they are not synced one by one, so after a power cut one
//! may be missing or short, which its name betrays: it is the digest of the content.

use crate::spool::private;
use model::Sha256;
use sha2::Digest;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where captured files lie and how much of them is kept.
#[derive(Clone, Debug)]
pub struct CapturesConfig {
    /// The directory, created when missing.
    pub directory: PathBuf,
    /// Bytes kept of one file; the digest is of all of it.
    pub file_bytes_max: u64,
    /// Bytes kept of all files together; beyond it, files are hashed and not kept.
    pub captures_bytes_max: u64,
}

impl CapturesConfig {
    /// Captures in `directory`: 16 MiB a file, 1 GiB in all.
    pub fn new(directory: impl Into<PathBuf>) -> CapturesConfig {
        CapturesConfig { directory: directory.into(), file_bytes_max: 16 << 20, captures_bytes_max: 1 << 30 }
    }
}

/// The content-addressed store; clones share it.
#[derive(Clone)]
pub struct Captures(Arc<Inner>);

struct Inner {
    config: CapturesConfig,
    held: Mutex<Held>,
}

/// What is held, and what could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureStats {
    /// Bytes on disk.
    pub bytes: u64,
    /// Files on disk.
    pub files: u64,
    /// Files of which nothing was kept since the start: the store is full, or the disk refused.
    pub not_kept: u64,
}

#[derive(Default)]
struct Held {
    stats: CaptureStats,
    temporaries: u64,
    refused: bool,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Digest of the whole content.
    pub sha256: Sha256,
    /// Bytes kept.
    pub stored_bytes: u64,
}

impl Captures {
    /// Opens or creates the store and counts what it holds.
    ///
    /// # Errors
    /// When the directory cannot be created or read.
    pub fn open(config: CapturesConfig) -> io::Result<Captures> {
        fs::create_dir_all(&config.directory)?;
        let mut stats = CaptureStats::default();
        for shard in fs::read_dir(&config.directory)? {
            let shard = shard?;
            if !shard.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(shard.path())? {
                let file = file?;
                if file.path().extension().is_some_and(|extension| extension == "tmp") {
                    // Left by a process that died while writing it.
                    fs::remove_file(file.path())?;
                } else {
                    stats.files += 1;
                    stats.bytes += file.metadata()?.len();
                }
            }
        }
        Ok(Captures(Arc::new(Inner { config, held: Mutex::new(Held { stats, ..Held::default() }) })))
    }

    /// Hashes and keeps a file (once per content, up to the size cap and the store's cap).
    pub fn store(&self, content: &[u8]) -> Stored {
        let mut incoming = self.incoming();
        incoming.write(content);
        incoming.finish()
    }

    /// A file that arrives piece by piece: the cap bounds what is held in memory, the digest is of everything.
    pub fn incoming(&self) -> Incoming {
        Incoming { captures: self.clone(), digest: sha2::Sha256::new(), kept: Vec::new(), bytes: 0 }
    }

    /// What is held, and what could not be.
    pub fn stats(&self) -> CaptureStats {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).stats
    }

    /// Keeps `kept`, the beginning of a content of `bytes`; returns how many bytes are kept.
    fn keep(&self, sha256: Sha256, kept: &[u8], bytes: u64) -> u64 {
        let config = &self.0.config;
        let hex = sha256.to_string();
        let Some(shard) = hex.get(..2).map(|shard| config.directory.join(shard)) else { return 0 };
        let whole = shard.join(&hex);
        let path = if (kept.len() as u64) < bytes { shard.join(format!("{hex}.part")) } else { whole.clone() };
        // One writer at a time: captures are rare, and this makes the accounts and "once per content" exact.
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        for present in [&whole, &path] {
            if let Ok(metadata) = fs::metadata(present) {
                return metadata.len();
            }
        }
        if held.stats.bytes.saturating_add(kept.len() as u64) > config.captures_bytes_max {
            held.not_kept("the store of captured files is full (captures_bytes_max): new ones are only hashed");
            return 0;
        }
        held.temporaries += 1;
        let temporary = shard.join(format!("{}.tmp", held.temporaries));
        if let Err(error) = write_whole(&shard, &temporary, kept).and_then(|()| fs::rename(&temporary, &path)) {
            // Best effort: what cannot be removed now is removed at the next start.
            let _ = fs::remove_file(&temporary);
            held.not_kept(&format!("captured files cannot be written to {}: {error}", config.directory.display()));
            return 0;
        }
        held.refused = false;
        held.stats.files += 1;
        held.stats.bytes += kept.len() as u64;
        kept.len() as u64
    }
}

impl Held {
    /// Counts a file that is not kept, and says why once until one is kept again.
    fn not_kept(&mut self, why: &str) {
        self.stats.not_kept += 1;
        metrics::counter!("honeyguide_captures_not_kept_total").increment(1);
        if !std::mem::replace(&mut self.refused, true) {
            tracing::error!("{why}");
        }
    }
}

fn write_whole(shard: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(shard)?;
    private(OpenOptions::new().write(true).create(true).truncate(true)).open(path)?.write_all(content)
}

/// A file on its way into the store. Dropped without [`Incoming::finish`], it leaves nothing.
pub struct Incoming {
    captures: Captures,
    digest: sha2::Sha256,
    kept: Vec<u8>,
    bytes: u64,
}

impl Incoming {
    /// The next piece.
    pub fn write(&mut self, piece: &[u8]) {
        self.digest.update(piece);
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        let cap = usize::try_from(self.captures.0.config.file_bytes_max).unwrap_or(usize::MAX);
        let room = cap.saturating_sub(self.kept.len()).min(piece.len());
        self.kept.extend_from_slice(piece.get(..room).unwrap_or_default());
    }

    /// Bytes that have come so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The end: keeps the file.
    pub fn finish(self) -> Stored {
        let sha256 = Sha256(self.digest.finalize().into());
        Stored { sha256, stored_bytes: self.captures.keep(sha256, &self.kept, self.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &Path, file_bytes_max: u64, captures_bytes_max: u64) -> Captures {
        Captures::open(CapturesConfig { directory: directory.to_owned(), file_bytes_max, captures_bytes_max }).unwrap()
    }

    #[test]
    fn one_content_is_one_private_file() {
        let directory = tempfile::tempdir().unwrap();
        let captures = open(directory.path(), 100, 1000);
        let stored = captures.store(b"abc");
        // The digest of "abc", FIPS 180-4's own example.
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((stored.sha256.to_string().as_str(), stored.stored_bytes), (hex, 3));
        assert_eq!(captures.store(b"abc"), stored);
        assert_eq!(captures.stats(), CaptureStats { bytes: 3, files: 1, not_kept: 0 });
        let path = directory.path().join("ba").join(hex);
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    }

    #[test]
    fn a_long_file_keeps_its_beginning_under_the_digest_of_all() {
        let directory = tempfile::tempdir().unwrap();
        let captures = open(directory.path(), 4, 1000);
        let mut incoming = captures.incoming();
        for piece in [&b"ab"[..], b"cde", b"f"] {
            incoming.write(piece);
        }
        assert_eq!(incoming.bytes(), 6);
        let stored = incoming.finish();
        assert_eq!(stored.sha256, Sha256(sha2::Sha256::digest(b"abcdef").into()));
        assert_eq!(stored.stored_bytes, 4);
        let hex = stored.sha256.to_string();
        assert_eq!(fs::read(directory.path().join(&hex[..2]).join(format!("{hex}.part"))).unwrap(), b"abcd");
    }

    #[test]
    fn a_full_store_hashes_and_counts() {
        let directory = tempfile::tempdir().unwrap();
        {
            let captures = open(directory.path(), 100, 5);
            assert_eq!(captures.store(b"four").stored_bytes, 4);
            assert_eq!(captures.store(b"more").stored_bytes, 0);
            assert_eq!(captures.store(b"four").stored_bytes, 4);
            assert_eq!(captures.stats(), CaptureStats { bytes: 4, files: 1, not_kept: 1 });
        }
        let reopened = open(directory.path(), 100, 5);
        assert_eq!(reopened.stats(), CaptureStats { bytes: 4, files: 1, not_kept: 0 });
    }

    #[test]
    fn a_half_written_file_is_gone_at_the_next_start() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("ab")).unwrap();
        fs::write(directory.path().join("ab/7.tmp"), b"half").unwrap();
        assert_eq!(open(directory.path(), 100, 100).stats(), CaptureStats::default());
        assert!(!directory.path().join("ab/7.tmp").exists());
    }
}
