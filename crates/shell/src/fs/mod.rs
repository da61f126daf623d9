//! The files of a machine: a copy-on-write view over the persona's image.

use crate::{Errno, Machine};
use std::sync::Arc;

/// Whose permissions apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Arc<[u32]>,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    File,
    Directory,
    Symlink,
    CharacterDevice,
    BlockDevice,
    Fifo,
    Socket,
}

/// What `stat` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Metadata {
    pub kind: Kind,
    /// Permission bits, without the type.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub links: u32,
    pub modified: model::Timestamp,
}

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

/// What executing a path would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// One of the image's programs (or a copy of it): the name under which it is found in [`crate::COMMANDS`], else the file's own name.
    Tool(Vec<u8>),
    /// Bytes that the attacker put there.
    Bytes(Arc<[u8]>),
}

/// The files of a machine as one process sees them. Paths are absolute or relative to its working directory.
#[derive(Clone)]
#[allow(dead_code)]
pub struct Files {
    pub(crate) machine: Machine,
    pub(crate) credentials: Credentials,
    /// Absolute.
    pub(crate) directory: Arc<[u8]>,
    pub(crate) umask: u32,
    /// The process that looks, for `/proc/self`.
    pub(crate) pid: u32,
}

impl Files {
    /// Opens a file or device.
    pub fn open(&self, _path: &[u8], _options: OpenOptions) -> Result<Arc<dyn Node>, Errno> {
        Err(Errno::Enoent)
    }
    /// What executing the path would run. `Eacces` when it may not be executed or is a directory.
    pub fn program(&self, _path: &[u8]) -> Result<Program, Errno> {
        Err(Errno::Enoent)
    }
    /// Whether the process may read (4), write (2), execute (1) the path.
    pub fn access(&self, _path: &[u8], _bits: u32) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Follows symbolic links.
    pub fn stat(&self, _path: &[u8]) -> Result<Metadata, Errno> {
        Err(Errno::Enoent)
    }
    /// Does not follow the last component.
    pub fn lstat(&self, _path: &[u8]) -> Result<Metadata, Errno> {
        Err(Errno::Enoent)
    }
    /// The canonical absolute path, whether or not the last component exists.
    pub fn real_path(&self, _path: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::Enoent)
    }
    /// Names and what `lstat` says of each, in directory order.
    pub fn list(&self, _path: &[u8]) -> Result<Vec<(Vec<u8>, Metadata)>, Errno> {
        Err(Errno::Enoent)
    }
    /// A whole file.
    pub fn read(&self, _path: &[u8]) -> Result<Arc<[u8]>, Errno> {
        Err(Errno::Enoent)
    }
    /// Creates or replaces a file; `mode` applies when it is created.
    pub fn write(&self, _path: &[u8], _content: Vec<u8>, _mode: u32) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Creates a directory.
    pub fn make_directory(&self, _path: &[u8], _mode: u32) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Removes a file or link.
    pub fn remove(&self, _path: &[u8]) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Removes an empty directory.
    pub fn remove_directory(&self, _path: &[u8]) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Renames.
    pub fn rename(&self, _from: &[u8], _to: &[u8]) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Makes a symbolic link.
    pub fn symlink(&self, _target: &[u8], _path: &[u8]) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// The target of a symbolic link.
    pub fn read_link(&self, _path: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::Enoent)
    }
    /// Changes permission bits.
    pub fn set_mode(&self, _path: &[u8], _mode: u32) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Changes the modification time.
    pub fn set_modified(&self, _path: &[u8], _time: model::Timestamp) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
}
