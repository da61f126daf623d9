//! What the spool must remember beside its records, in one small file of two slots.
//!
//! A slot is one record ([`model::wire`]) padded to a sector, with the generation as its sequence and JSON as its payload. A write goes to
//! the slot that is not known to be on the medium, so a write that a power cut tears leaves the older one; and it never needs new disk
//! space, so acknowledgements and losses are still kept when the disk is full.

use model::wire::{self, HEADER_BYTES};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

const SLOT_BYTES: usize = 512;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// The hub has everything up to and including this sequence.
    pub acked: u64,
    /// Events ever lost: dropped by policy, not written for lack of space, or damaged.
    pub lost: u64,
    /// No sequence above this one may be used before a larger value is on the medium; so after a power cut, everything between the last
    /// record found and this is what may be gone. Equal to the last sequence after a clean stop.
    pub reserved: u64,
    /// Sequences up to this one are accounted for, found or not: reserved ones that a power cut took are not used again.
    pub floor: u64,
    /// Events that power cuts may have taken and that were not reported yet.
    pub unsynced: u64,
    /// Whether a hub has answered since `unsynced` was last added to.
    pub reported: bool,
    /// Whether the hub's position was ever compared with ours.
    pub joined: bool,
    /// The boot of the machine that last opened this spool: in the same boot, the page cache still holds whatever was written.
    pub boot: String,
}

/// The file.
pub(super) struct Marker {
    file: File,
    generation: u64,
    synced_slot: u64,
    /// What the next [`Marker::save`] writes.
    pub state: State,
}

impl Marker {
    /// Opens or creates the file; the second value tells whether a state was found.
    pub fn open(path: &Path) -> io::Result<(Marker, bool)> {
        let mut options = OpenOptions::new();
        let mut file = super::disk::private(options.read(true).write(true).create(true).truncate(false)).open(path)?;
        let mut bytes = Vec::new();
        (&mut file).take(2 * SLOT_BYTES as u64).read_to_end(&mut bytes)?;
        let newest =
            (0..2).filter_map(|slot| read_slot(&bytes, slot).map(|(generation, state)| (generation, slot, state))).max_by_key(|s| s.0);
        let found = newest.is_some();
        let (generation, slot, state) = newest.unwrap_or((0, 1, State::default()));
        let mut marker = Marker { file, generation, synced_slot: slot as u64, state };
        if bytes.len() < 2 * SLOT_BYTES {
            // Both sectors are allocated while there is space.
            marker.file.seek(SeekFrom::Start(bytes.len() as u64))?;
            marker.file.write_all(&vec![0; 2 * SLOT_BYTES - bytes.len()])?;
        }
        Ok((marker, found))
    }

    /// Writes the state to the page cache: enough to survive the death of the process.
    pub fn save(&mut self) -> io::Result<()> {
        self.generation += 1;
        let payload = serde_json::to_vec(&self.state)?;
        let mut slot = Vec::with_capacity(SLOT_BYTES);
        wire::encode(self.generation, &payload, &mut slot);
        if slot.len() > SLOT_BYTES {
            return Err(io::Error::other("the spool's state has outgrown its slot"));
        }
        slot.resize(SLOT_BYTES, 0);
        self.file.seek(SeekFrom::Start((1 - self.synced_slot) * SLOT_BYTES as u64))?;
        self.file.write_all(&slot)
    }

    /// A second handle, for syncing without holding a lock. Call [`Marker::synced`] when that has worked.
    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Tells that what was last saved is on the medium.
    pub fn synced(&mut self) {
        self.synced_slot = 1 - self.synced_slot;
    }

    /// Saves, and returns when the state is on the medium.
    pub fn save_synced(&mut self) -> io::Result<()> {
        self.save()?;
        self.file.sync_data()?;
        self.synced();
        Ok(())
    }
}

fn read_slot(bytes: &[u8], slot: usize) -> Option<(u64, State)> {
    let bytes = bytes.get(slot * SLOT_BYTES..)?;
    let bytes = &bytes[..bytes.len().min(SLOT_BYTES)];
    // A slot of zeros decodes as an empty record whose checksum does not hold.
    let record = wire::decode(bytes).ok().flatten()?;
    Some((record.sequence, serde_json::from_slice(record.payload).ok()?))
}

/// Identifies the machine's current boot; empty where the system does not tell, which then counts as another boot each time.
pub(super) fn current_boot() -> String {
    let mut text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.truncate(text.trim_end().len());
    if text.len() > 64 || text.len() < HEADER_BYTES { String::new() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_slot_wins() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        {
            let (mut marker, found) = Marker::open(&path).unwrap();
            assert!(!found);
            marker.state.acked = 5;
            marker.save_synced().unwrap();
            marker.state.acked = 9;
            marker.save().unwrap();
            marker.state.acked = 10;
            marker.save().unwrap();
        }
        let (marker, found) = Marker::open(&path).unwrap();
        assert!(found);
        assert_eq!(marker.state.acked, 10);

        // A power cut tears the unsynced slot: the synced one still holds.
        let mut bytes = std::fs::read(&path).unwrap();
        let torn = bytes.windows(12).position(|w| w == b"\"acked\":10,\"").unwrap();
        bytes[torn + 8] = 0;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Marker::open(&path).unwrap().0.state.acked, 5);
    }

    #[test]
    fn the_largest_state_fits_its_slot() {
        let directory = tempfile::tempdir().unwrap();
        let (mut marker, _) = Marker::open(&directory.path().join("state")).unwrap();
        let max = u64::MAX;
        marker.state =
            State { acked: max, lost: max, reserved: max, floor: max, unsynced: max, reported: false, joined: false, boot: "b".repeat(64) };
        marker.save().unwrap();
    }
}
