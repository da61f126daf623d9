//! What device nodes give and take, by their numbers (`admin-guide/devices.txt` of the kernel).

use super::types::Kind;
use crate::Errno;
use rand::RngExt;

/// Bytes one read of an endless device gives at most.
const CHUNK_BYTES_MAX: usize = 128 * 1024;

/// Reads from a device.
pub(super) fn read(major: u32, minor: u32, kind: Kind, offset: u64, count: usize) -> Result<Vec<u8>, Errno> {
    let count = count.min(CHUNK_BYTES_MAX);
    match (kind, major, minor) {
        (Kind::CharacterDevice, 1, 3) => Ok(Vec::new()),
        (Kind::CharacterDevice, 1, 5 | 7) => Ok(vec![0; count]),
        (Kind::CharacterDevice, 1, 8 | 9) => {
            let mut bytes = vec![0; count];
            rand::rng().fill(&mut bytes[..]);
            Ok(bytes)
        }
        (Kind::CharacterDevice, 1, 1) => Err(Errno::Eperm),
        // A boot sector, then a mebibyte of nothing up to the first partition: enough for `head`, `file` and `dd count=1`.
        (Kind::BlockDevice, _, 0) if offset < 512 => {
            let mut sector = vec![0; 512];
            sector[..3].copy_from_slice(&[0xeb, 0x63, 0x90]);
            sector[0x1b8..0x1bc].copy_from_slice(&[0x5c, 0x1f, 0xa3, 0x9d]);
            sector[510..].copy_from_slice(&[0x55, 0xaa]);
            let start = offset as usize;
            Ok(sector[start..start.saturating_add(count).min(512)].to_vec())
        }
        (Kind::BlockDevice, ..) if offset < 1 << 20 => Ok(vec![0; count.min((1 << 20) - offset as usize)]),
        (Kind::CharacterDevice, 4 | 5 | 204 | 136, _) => Err(Errno::Eio),
        _ => Ok(Vec::new()),
    }
}

/// Writes to a device: everything is taken and forgotten, but `/dev/full` is full.
pub(super) fn write(major: u32, minor: u32) -> Result<(), Errno> {
    if (major, minor) == (1, 7) { Err(Errno::Enospc) } else { Ok(()) }
}
