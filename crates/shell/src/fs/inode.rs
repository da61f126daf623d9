//! One inode, in the image or in a session's overlay.

use super::types::{Kind, Metadata};
use crate::Machine;
use model::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An inode number; those of the image come first.
pub(crate) type Ino = u64;

/// A directory's entries. In the image each is `Some`; in an overlay they are what changed, `None` for a name that was removed.
pub(crate) type Entries = BTreeMap<Box<[u8]>, Option<Ino>>;

/// An inode.
#[derive(Clone)]
pub(crate) struct Inode {
    pub kind: Kind,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub links: u32,
    pub modified: Timestamp,
    pub accessed: Timestamp,
    pub changed: Timestamp,
    pub attributes: u32,
    pub body: Body,
}

/// What an inode holds.
#[derive(Clone)]
pub(crate) enum Body {
    Directory(Entries),
    Symlink(Arc<[u8]>),
    /// Contents shared with the image or with a copy.
    Shared(Arc<[u8]>),
    /// Contents this session is writing.
    Own(Vec<u8>),
    /// A file known by its size and its path in the image only; its contents are made up when they are read (see `filler`). A copy keeps
    /// the path, and with it the contents.
    Listed {
        size: u64,
        origin: Arc<[u8]>,
    },
    /// Made anew at each reading, as in `/proc`; its size shows as 0.
    Generated(fn(&Machine) -> Vec<u8>),
    /// Made anew for one process of `/proc`.
    OfProcess(u32, fn(&Machine, u32) -> Vec<u8>),
    /// `/proc/self`.
    SelfLink,
    Device(u32, u32),
    /// A socket or FIFO nobody serves.
    Endpoint,
}

impl Inode {
    pub fn new(kind: Kind, mode: u32, (uid, gid): (u32, u32), time: Timestamp, body: Body) -> Inode {
        let links = if kind == Kind::Directory { 2 } else { 1 };
        Inode { kind, mode, uid, gid, links, modified: time, accessed: time, changed: time, attributes: 0x80000, body }
    }

    pub fn size(&self) -> u64 {
        match &self.body {
            Body::Directory(_) => 4096,
            Body::Symlink(target) => target.len() as u64,
            Body::Shared(content) => content.len() as u64,
            Body::Own(content) => content.len() as u64,
            Body::Listed { size, .. } => *size,
            Body::Generated(_) | Body::OfProcess(..) | Body::SelfLink | Body::Device(..) | Body::Endpoint => 0,
        }
    }

    pub fn metadata(&self, inode: Ino) -> Metadata {
        Metadata {
            kind: self.kind,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            size: self.size(),
            links: self.links,
            modified: self.modified,
            accessed: self.accessed,
            changed: self.changed,
            inode,
            device: if let Body::Device(major, minor) = self.body { (major, minor) } else { (0, 0) },
            attributes: self.attributes,
        }
    }
}

impl Body {
    /// What a reader needs of it; a directory's entries and a session's own bytes are read where they are.
    pub fn clone_for_reading(&self) -> Body {
        match self {
            Body::Own(_) => Body::Own(Vec::new()),
            Body::Directory(_) => Body::Directory(Entries::new()),
            other => other.clone(),
        }
    }

    /// Whether it is contents on a disk.
    pub fn is_stored(&self) -> bool {
        matches!(self, Body::Shared(_) | Body::Own(_) | Body::Listed { .. })
    }
}
