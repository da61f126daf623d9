//! What the file system says about files, in the terms of `stat(2)`.

use model::Timestamp;
use std::sync::Arc;

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

impl Kind {
    /// The first letter of `ls -l`.
    pub const fn letter(self) -> char {
        match self {
            Kind::File => '-',
            Kind::Directory => 'd',
            Kind::Symlink => 'l',
            Kind::CharacterDevice => 'c',
            Kind::BlockDevice => 'b',
            Kind::Fifo => 'p',
            Kind::Socket => 's',
        }
    }

    /// The type bits of `st_mode`.
    pub const fn bits(self) -> u32 {
        match self {
            Kind::Fifo => 0o010000,
            Kind::CharacterDevice => 0o020000,
            Kind::Directory => 0o040000,
            Kind::BlockDevice => 0o060000,
            Kind::File => 0o100000,
            Kind::Symlink => 0o120000,
            Kind::Socket => 0o140000,
        }
    }
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
    pub modified: Timestamp,
    pub accessed: Timestamp,
    pub changed: Timestamp,
    pub inode: u64,
    /// Major and minor number of a device, else zero.
    pub device: (u32, u32),
    /// The flags of `lsattr(1)`, as the letters' bits of `ext2_fs.h`: 0x10 is `i`, 0x20 is `a`, 0x80000 is `e`.
    pub attributes: u32,
}

impl Metadata {
    /// What is left of a file that vanished under an open handle.
    pub(crate) fn of_nothing(kind: Kind) -> Metadata {
        let time = Timestamp::default();
        Metadata {
            kind,
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            links: 0,
            modified: time,
            accessed: time,
            changed: time,
            inode: 0,
            device: (0, 0),
            attributes: 0,
        }
    }

    /// The ten characters with which `ls -l` begins.
    pub fn mode_text(&self) -> String {
        let bit = |mask: u32, letter: char| if self.mode & mask != 0 { letter } else { '-' };
        let special = |mask: u32, execute: u32, set: char, unset: char| match (self.mode & mask != 0, self.mode & execute != 0) {
            (true, true) => set,
            (true, false) => unset,
            (false, true) => 'x',
            (false, false) => '-',
        };
        [
            self.kind.letter(),
            bit(0o400, 'r'),
            bit(0o200, 'w'),
            special(0o4000, 0o100, 's', 'S'),
            bit(0o040, 'r'),
            bit(0o020, 'w'),
            special(0o2000, 0o010, 's', 'S'),
            bit(0o004, 'r'),
            bit(0o002, 'w'),
            special(0o1000, 0o001, 't', 'T'),
        ]
        .iter()
        .collect()
    }
}

/// Whose permissions apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Effective user id; 0 passes every check.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: Arc<[u32]>,
}

impl Credentials {
    /// Whether this identity is in a group.
    pub fn in_group(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }

    /// Whether all of `wanted` (4 read, 2 write, 1 execute) is allowed on something with these owners and mode.
    pub fn allows(&self, wanted: u32, kind: Kind, mode: u32, uid: u32, gid: u32) -> bool {
        if self.uid == 0 {
            // Even root may execute only what somebody may execute; directories are always open to it.
            return wanted & 1 == 0 || kind == Kind::Directory || mode & 0o111 != 0;
        }
        let shift = if self.uid == uid {
            6
        } else if self.in_group(gid) {
            3
        } else {
            0
        };
        (mode >> shift) & wanted == wanted
    }
}
