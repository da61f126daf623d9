//! What one session changed.

use super::image::Image;
use super::inode::{Body, Entries, Ino, Inode};
use super::proc_pid;
use super::resolve::{Caller, Found};
use super::types::Kind;
use crate::Errno;
use crate::machine::WeakMachine;
use model::Timestamp;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Bytes a session may keep in files it writes; beyond it the disk is full.
pub(crate) const WRITTEN_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Files, directories and links a session may make; beyond it the disk is full.
pub(crate) const CREATED_FILES_MAX: u64 = 10_000;
/// Inode attributes of `chattr(1)`.
pub(crate) const IMMUTABLE: u32 = 0x10;
pub(crate) const APPEND_ONLY: u32 = 0x20;

/// A copy-on-write view of an [`Image`].
pub(crate) struct Overlay {
    image: Arc<Image>,
    machine: WeakMachine,
    changed: HashMap<Ino, Inode>,
    next: Ino,
    written_bytes: u64,
    created_files: u64,
    /// How many handles are open on a file this session has: it outlives its last name as long as one is.
    open: HashMap<Ino, u32>,
    /// Files whose bytes came from the attacker.
    written: BTreeSet<Ino>,
    /// Those of them that changed since they were last captured, with the path they were written by.
    uncaptured: BTreeMap<Ino, Vec<u8>>,
}

impl Overlay {
    pub fn new(image: Arc<Image>, machine: WeakMachine) -> Overlay {
        let next = image.len();
        let (changed, open, written, uncaptured) = Default::default();
        Overlay { image, machine, changed, next, written_bytes: 0, created_files: 0, open, written, uncaptured }
    }

    /// The bytes this session's files take.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    pub fn inode(&self, ino: Ino) -> Option<Cow<'_, Inode>> {
        if let Some(node) = self.changed.get(&ino).or_else(|| self.image.inode(ino)) {
            return Some(Cow::Borrowed(node));
        }
        proc_pid::owns(ino).then(|| proc_pid::inode(&self.machine.upgrade()?, ino, self.image.boot))?.map(Cow::Owned)
    }

    pub fn child(&self, directory: Ino, name: &[u8]) -> Option<Ino> {
        if let Some(Body::Directory(changes)) = self.changed.get(&directory).map(|node| &node.body)
            && let Some(change) = changes.get(name)
        {
            return *change;
        }
        let found = self.image.child(directory, name);
        match found {
            None if directory == self.image.proc => proc_pid::directory(&self.machine.upgrade()?, name),
            None => proc_pid::child(directory, name),
            found => found,
        }
    }

    /// The names in a directory, in directory order.
    pub fn entries(&self, directory: Ino) -> Vec<(Vec<u8>, Ino)> {
        let mut entries: BTreeMap<Vec<u8>, Ino> = BTreeMap::new();
        for layer in [self.image.inode(directory), self.changed.get(&directory)].into_iter().flatten() {
            let Body::Directory(names) = &layer.body else { continue };
            for (name, ino) in names {
                match ino {
                    Some(ino) => _ = entries.insert(name.to_vec(), *ino),
                    None => _ = entries.remove(&name[..]),
                }
            }
        }
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.extend(proc_pid::entries(directory));
        if directory == self.image.proc {
            entries.extend(self.machine.upgrade().map(|machine| proc_pid::directories(&machine)).unwrap_or_default());
        }
        entries
    }

    /// An inode to change; copied from the image the first time.
    pub fn inode_mut(&mut self, ino: Ino) -> Result<&mut Inode, Errno> {
        if !self.changed.contains_key(&ino) {
            let mut node = self.image.inode(ino).ok_or(Errno::Eacces)?.clone();
            if let Body::Directory(entries) = &mut node.body {
                *entries = Entries::new();
            }
            self.changed.insert(ino, node);
        }
        self.changed.get_mut(&ino).ok_or(Errno::Enoent)
    }

    /// Whether anything may be made, removed or renamed at this place.
    pub fn may_change_entry(&self, caller: &Caller<'_>, found: &Found) -> Result<(), Errno> {
        self.may_change_mount(found)?;
        let parent = self.inode(found.parent).ok_or(Errno::Enoent)?;
        if !caller.who.allows(3, parent.kind, parent.mode, parent.uid, parent.gid) {
            return Err(Errno::Eacces);
        }
        if parent.attributes & IMMUTABLE != 0 {
            return Err(Errno::Eperm);
        }
        let Some(ino) = found.ino else { return Ok(()) };
        let node = self.inode(ino).ok_or(Errno::Enoent)?;
        if node.attributes & (IMMUTABLE | APPEND_ONLY) != 0 {
            return Err(Errno::Eperm);
        }
        let uid = caller.who.uid;
        if parent.mode & 0o1000 != 0 && uid != 0 && uid != parent.uid && uid != node.uid {
            return Err(Errno::Eperm);
        }
        Ok(())
    }

    /// Whether the file system at this place takes changes at all.
    pub fn may_change_mount(&self, found: &Found) -> Result<(), Errno> {
        let Some(mount) = self.image.mount(&found.path) else { return Ok(()) };
        match (&mount.kind[..], found.ino) {
            ("proc", None) => Err(Errno::Enoent),
            ("sysfs" | "cgroup2" | "securityfs" | "debugfs", None) => Err(Errno::Eacces),
            ("proc" | "sysfs" | "cgroup2" | "securityfs" | "debugfs", Some(_)) => Err(Errno::Eperm),
            _ if mount.readonly => Err(Errno::Erofs),
            _ => Ok(()),
        }
    }

    /// Whether the contents of what is at this place may be written.
    pub fn may_write(&self, caller: &Caller<'_>, found: &Found, append: bool) -> Result<(), Errno> {
        let node = self.inode(found.existing()?).ok_or(Errno::Enoent)?;
        if node.kind == Kind::Directory {
            return Err(Errno::Eisdir);
        }
        let readonly = self.image.mount(&found.path).is_some_and(|mount| mount.readonly && mount.kind != "proc" && mount.kind != "sysfs");
        if readonly && node.kind == Kind::File {
            return Err(Errno::Erofs);
        }
        if !caller.who.allows(2, node.kind, node.mode, node.uid, node.gid) {
            return Err(Errno::Eacces);
        }
        if node.attributes & IMMUTABLE != 0 || (node.attributes & APPEND_ONLY != 0 && !append) {
            return Err(Errno::Eperm);
        }
        Ok(())
    }

    /// Puts a new inode at a place that [`Overlay::may_change_entry`] allowed.
    pub fn create(&mut self, found: &Found, node: Inode, now: Timestamp) -> Result<Ino, Errno> {
        if self.created_files >= CREATED_FILES_MAX {
            return Err(Errno::Enospc);
        }
        self.charge(owned_bytes(&node.body, true), 0)?;
        let ino = self.next;
        let is_directory = node.kind == Kind::Directory;
        self.enter(found, ino, is_directory, now)?;
        self.next += 1;
        self.created_files += 1;
        self.changed.insert(ino, node);
        Ok(ino)
    }

    /// Gives an inode one more name.
    pub fn enter(&mut self, found: &Found, ino: Ino, is_directory: bool, now: Timestamp) -> Result<(), Errno> {
        let parent = self.inode_mut(found.parent)?;
        let Body::Directory(entries) = &mut parent.body else { return Err(Errno::Enotdir) };
        entries.insert(found.name.as_slice().into(), Some(ino));
        parent.links += u32::from(is_directory);
        (parent.modified, parent.changed) = (now, now);
        Ok(())
    }

    /// Takes a name away.
    pub fn leave(&mut self, found: &Found, is_directory: bool, now: Timestamp) -> Result<(), Errno> {
        let in_image = self.image.child(found.parent, &found.name).is_some();
        let parent = self.inode_mut(found.parent)?;
        let Body::Directory(entries) = &mut parent.body else { return Err(Errno::Enotdir) };
        if in_image {
            entries.insert(found.name.as_slice().into(), None);
        } else {
            entries.remove(&found.name[..]);
        }
        parent.links = parent.links.saturating_sub(u32::from(is_directory));
        (parent.modified, parent.changed) = (now, now);
        Ok(())
    }

    /// Takes a name away and, with the last one, the inode.
    pub fn unlink(&mut self, found: &Found, now: Timestamp) -> Result<(), Errno> {
        let ino = found.existing()?;
        let is_directory = self.inode(ino).is_some_and(|node| node.kind == Kind::Directory);
        self.leave(found, is_directory, now)?;
        let node = self.inode_mut(ino)?;
        node.changed = now;
        node.links = node.links.saturating_sub(if is_directory { 2 } else { 1 });
        self.reap(ino);
        Ok(())
    }

    /// Frees an inode that has neither a name nor an open handle.
    fn reap(&mut self, ino: Ino) {
        if self.open.contains_key(&ino) || self.changed.get(&ino).is_none_or(|node| node.links > 0) {
            return;
        }
        // An inode of the image leaves an empty shell behind, because the image below it cannot forget it.
        let created = ino >= self.image.len();
        let size = self.changed.get(&ino).map_or(0, |node| owned_bytes(&node.body, created));
        self.written_bytes = self.written_bytes.saturating_sub(size);
        if created {
            self.changed.remove(&ino);
            self.created_files = self.created_files.saturating_sub(1);
        } else if let Some(node) = self.changed.get_mut(&ino) {
            node.body = Body::Endpoint;
        }
        self.written.remove(&ino);
        self.uncaptured.remove(&ino);
    }

    /// Accounts for `added` bytes in exchange for `freed` ones.
    fn charge(&mut self, added: u64, freed: u64) -> Result<(), Errno> {
        let after = self.written_bytes.saturating_sub(freed).saturating_add(added);
        if after > WRITTEN_BYTES_MAX && added > freed {
            return Err(Errno::Enospc);
        }
        self.written_bytes = after;
        Ok(())
    }

    /// Replaces a file's contents.
    pub fn replace(&mut self, ino: Ino, content: Body, now: Timestamp) -> Result<(), Errno> {
        let created = ino >= self.image.len();
        let before = self.changed.get(&ino).map_or(0, |node| owned_bytes(&node.body, created));
        self.charge(owned_bytes(&content, created), before)?;
        let node = self.inode_mut(ino)?;
        node.body = content;
        (node.modified, node.changed) = (now, now);
        Ok(())
    }

    /// Writes into a file whose contents are the session's own ([`Body::Own`]).
    pub fn write_at(&mut self, ino: Ino, offset: u64, bytes: &[u8], now: Timestamp) -> Result<(), Errno> {
        let size = self.inode(ino).ok_or(Errno::Ebadf)?.size();
        let end = offset.checked_add(bytes.len() as u64).ok_or(Errno::Enospc)?;
        self.charge(end.saturating_sub(size), 0)?;
        let inode = self.inode_mut(ino)?;
        (inode.modified, inode.changed) = (now, now);
        let Body::Own(own) = &mut inode.body else { return Err(Errno::Ebadf) };
        // `charge` has bounded `end` by the session's budget, so that it fits.
        if (own.len() as u64) < end {
            own.resize(end as usize, 0);
        }
        own[offset as usize..end as usize].copy_from_slice(bytes);
        Ok(())
    }

    /// Cuts or extends a file whose contents are the session's own.
    pub fn truncate(&mut self, ino: Ino, size: u64, now: Timestamp) -> Result<(), Errno> {
        let before = self.inode(ino).ok_or(Errno::Ebadf)?.size();
        self.charge(size, before)?;
        let inode = self.inode_mut(ino)?;
        (inode.modified, inode.changed) = (now, now);
        let Body::Own(own) = &mut inode.body else { return Err(Errno::Ebadf) };
        own.resize(size as usize, 0);
        Ok(())
    }

    /// Notes that the attacker's bytes are in a file.
    pub fn mark_written(&mut self, ino: Ino, path: &[u8]) {
        self.written.insert(ino);
        self.uncaptured.insert(ino, path.to_vec());
    }

    /// Whether it is a file of `/proc/PID`.
    pub fn is_of_process(&self, ino: Ino) -> bool {
        proc_pid::owns(ino)
    }

    pub fn is_written(&self, ino: Ino) -> bool {
        self.written.contains(&ino)
    }

    /// Takes a file, or all, off the list of those to capture: path and contents of each that has any.
    pub fn take_uncaptured(&mut self, only: Option<Ino>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let inos: Vec<Ino> = match only {
            Some(ino) => vec![ino],
            None => self.uncaptured.keys().copied().collect(),
        };
        let mut taken = Vec::new();
        for ino in inos {
            let Some(path) = self.uncaptured.remove(&ino) else { continue };
            match self.changed.get(&ino).map(|node| &node.body) {
                Some(Body::Own(content)) if !content.is_empty() => taken.push((path, content.clone())),
                Some(Body::Shared(content)) if !content.is_empty() => taken.push((path, content.to_vec())),
                _ => {}
            }
        }
        taken
    }

    pub fn handle_opened(&mut self, ino: Ino) {
        *self.open.entry(ino).or_insert(0) += 1;
    }

    pub fn handle_closed(&mut self, ino: Ino) {
        match self.open.get_mut(&ino) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.open.remove(&ino);
                self.reap(ino);
            }
        }
    }

    pub fn image(&self) -> &Image {
        &self.image
    }
}

/// What a body costs the session: what it wrote itself, not what it shares with the image.
fn owned_bytes(body: &Body, created: bool) -> u64 {
    match body {
        Body::Own(content) => content.len() as u64,
        Body::Shared(content) if created => content.len() as u64,
        Body::Symlink(target) if created => target.len() as u64,
        Body::Listed { size, .. } if created => *size,
        _ => 0,
    }
}
