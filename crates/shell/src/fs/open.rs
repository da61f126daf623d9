//! Open files.

use super::files::Files;
use super::inode::{Body, Ino};
use super::types::{Kind, Metadata};
use crate::Errno;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a file is opened, as `open(2)` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct OpenOptions {
    pub read: bool,
    pub write: bool,
    pub create: bool,
    pub truncate: bool,
    pub exclusive: bool,
    /// Permission bits of a file that is created, before the umask.
    pub mode: u32,
}

impl OpenOptions {
    /// For reading.
    pub const READ: OpenOptions = OpenOptions { read: true, write: false, create: false, truncate: false, exclusive: false, mode: 0 };
    /// For writing from the start, emptied or created.
    pub const CREATE: OpenOptions = OpenOptions { read: false, write: true, create: true, truncate: true, exclusive: false, mode: 0o666 };
}

/// An open file or device, without an offset: [`crate::Descriptors`] keep those. Dropping the last reference closes it, which is when what
/// was written to it may be captured.
pub trait Node: Send + Sync {
    /// Up to `bytes_max` bytes from `offset`; empty at the end.
    fn read_at(&self, offset: u64, bytes_max: usize) -> Result<Vec<u8>, Errno>;
    /// Writes all of `bytes` at `offset`, filling a gap with zeros.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno>;
    /// Bytes in the file now; 0 for devices. Appending writes at this offset.
    fn size(&self) -> u64;
    /// Cuts or extends.
    fn truncate(&self, size: u64) -> Result<(), Errno>;
    /// What `fstat` tells.
    fn metadata(&self) -> Metadata;
}

/// A file or device of the machine that is open. What was written is captured when it is closed, unless it went behind something that was
/// there already: droppers append thousands of times, so an appended file is captured when it is next read, renamed, removed or has its
/// mode changed, or when the session ends.
pub(super) struct Handle {
    files: Files,
    ino: Ino,
    path: Vec<u8>,
    kind: Kind,
    /// What the inode held when it was opened; a session's own bytes are read where they are.
    body: Body,
    /// The whole contents, where they do not change under the reader.
    snapshot: Option<Arc<[u8]>>,
    options: OpenOptions,
    fresh: bool,
    wrote: AtomicBool,
}

impl Handle {
    pub fn new(files: &Files, ino: Ino, path: Vec<u8>, kind: Kind, body: Body, options: OpenOptions, fresh: bool) -> Handle {
        let snapshot = match &body {
            Body::Shared(content) if !options.write => Some(content.clone()),
            Body::Generated(make) if options.read => Some(make(&files.machine).into()),
            Body::OfProcess(pid, make) if options.read => Some(make(&files.machine, *pid).into()),
            _ => None,
        };
        Handle { files: files.clone(), ino, path, kind, body, snapshot, options, fresh, wrote: AtomicBool::new(false) }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn inode(&self) -> Ino {
        self.ino
    }

    pub fn path(&self) -> &[u8] {
        &self.path
    }

    pub fn body(&self) -> &Body {
        &self.body
    }

    pub fn snapshot(&self) -> Option<Arc<[u8]>> {
        self.snapshot.clone()
    }

    /// Replaces the whole contents without marking them as the attacker's.
    pub fn replace(&self, content: Vec<u8>) -> Result<(), Errno> {
        match self.kind {
            Kind::File => self.files.overlay().replace(self.ino, Body::Own(content), self.files.machine.now()),
            Kind::Directory => Err(Errno::Eisdir),
            _ => self.write_at(0, &content),
        }
    }

    /// Makes the contents the session's own, so that they can be changed in place.
    fn own(&self, overlay: &mut super::overlay::Overlay) -> Result<(), Errno> {
        let content = match overlay.inode(self.ino).ok_or(Errno::Ebadf)?.body {
            Body::Own(_) => return Ok(()),
            Body::Shared(ref content) => content.to_vec(),
            Body::Listed { size, ref origin } => self.files.listed_range(origin, size.min(LISTED_BYTES_MAX), 0, LISTED_BYTES_MAX as usize),
            _ => Vec::new(),
        };
        overlay.replace(self.ino, Body::Own(content), self.files.machine.now())
    }
}

/// Of a file known by its size only, the bytes that become the session's own when it is changed in place.
const LISTED_BYTES_MAX: u64 = 1 << 20;

impl Node for Handle {
    fn read_at(&self, offset: u64, bytes_max: usize) -> Result<Vec<u8>, Errno> {
        if !self.options.read {
            return Err(Errno::Ebadf);
        }
        if let Some(content) = &self.snapshot {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
            return Ok(content[start..start.saturating_add(bytes_max).min(content.len())].to_vec());
        }
        match &self.body {
            Body::Directory(_) => Err(Errno::Eisdir),
            Body::Device(major, minor) => super::device::read(*major, *minor, self.kind, offset, bytes_max),
            Body::Endpoint => Ok(Vec::new()),
            Body::Listed { size, origin } if !self.wrote.load(Ordering::Relaxed) => {
                Ok(self.files.listed_range(origin, *size, offset, bytes_max))
            }
            _ => Ok(self.files.inode_bytes(self.ino, offset, bytes_max)),
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        if !self.options.write {
            return Err(Errno::Ebadf);
        }
        match &self.body {
            Body::Device(major, minor) => return super::device::write(*major, *minor),
            // Kernel interfaces take what they are given.
            Body::Generated(_) | Body::OfProcess(..) | Body::Endpoint => return Ok(()),
            _ if bytes.is_empty() => return Ok(()),
            _ => {}
        }
        let mut overlay = self.files.overlay();
        self.own(&mut overlay)?;
        overlay.write_at(self.ino, offset, bytes, self.files.machine.now())?;
        overlay.mark_written(self.ino, &self.path);
        self.wrote.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn size(&self) -> u64 {
        self.files.overlay().inode(self.ino).map_or(0, |inode| inode.size())
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        if self.kind != Kind::File {
            return Err(Errno::Einval);
        }
        let mut overlay = self.files.overlay();
        self.own(&mut overlay)?;
        overlay.truncate(self.ino, size, self.files.machine.now())
    }

    fn metadata(&self) -> Metadata {
        self.files.overlay().inode(self.ino).map_or_else(|| Metadata::of_nothing(self.kind), |inode| inode.metadata(self.ino))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let captured = {
            let mut overlay = self.files.overlay();
            let due = self.fresh && self.wrote.load(Ordering::Relaxed);
            let captured = if due { overlay.take_uncaptured(Some(self.ino)) } else { Vec::new() };
            overlay.handle_closed(self.ino);
            captured
        };
        self.files.machine.capture(captured);
    }
}

/// What executing a path would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// One of the image's programs (or a copy of it): the name under which it is found in [`crate::COMMANDS`], else the file's own name.
    Tool(Vec<u8>),
    /// Bytes that the attacker put there, or a script of the persona's.
    Bytes(Arc<[u8]>),
}
