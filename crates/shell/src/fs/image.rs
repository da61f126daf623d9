//! The files every session of a sensor starts with: built once, then only read.

use super::inode::{Body, Entries, Ino, Inode};
use super::types::Kind;
use model::Timestamp;
use std::sync::Arc;

/// The root directory's inode number.
pub(crate) const ROOT: Ino = 0;

/// The immutable tree.
pub(crate) struct Image {
    inodes: Vec<Inode>,
    mounts: Vec<Mount>,
    /// When the host booted: the time of what the kernel makes.
    pub boot: Timestamp,
    /// The inode of `/proc`, whose numbered directories are the processes.
    pub proc: Ino,
}

/// What the file system needs to know of a mount.
pub(crate) struct Mount {
    pub path: Vec<u8>,
    pub kind: String,
    pub readonly: bool,
}

impl Image {
    /// A tree with nothing but its root.
    pub fn new(boot: Timestamp, mounts: &[persona::Mount]) -> Image {
        let root = Inode::new(Kind::Directory, 0o755, (0, 0), boot, Body::Directory(Entries::new()));
        let mut mounts: Vec<Mount> = mounts
            .iter()
            .map(|mount| Mount {
                path: mount.path.clone().into_bytes(),
                kind: mount.kind.clone(),
                readonly: mount.options.split(',').any(|option| option == "ro"),
            })
            .collect();
        // The innermost mount of a path is then the first that holds it.
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.path.len()));
        Image { inodes: vec![root], mounts, boot, proc: Ino::MAX }
    }

    /// The mount that holds a canonical path.
    pub fn mount(&self, path: &[u8]) -> Option<&Mount> {
        self.mounts.iter().find(|mount| {
            mount.path == b"/" || path.strip_prefix(&mount.path[..]).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
    }

    pub fn is_mount_point(&self, path: &[u8]) -> bool {
        self.mounts.iter().any(|mount| mount.path == path)
    }

    pub fn len(&self) -> Ino {
        self.inodes.len() as Ino
    }

    pub fn inode(&self, ino: Ino) -> Option<&Inode> {
        self.inodes.get(usize::try_from(ino).ok()?)
    }

    pub fn child(&self, directory: Ino, name: &[u8]) -> Option<Ino> {
        match &self.inode(directory)?.body {
            Body::Directory(entries) => *entries.get(name)?,
            _ => None,
        }
    }

    /// The inode of an absolute path, without following symbolic links.
    pub fn lookup(&self, path: &[u8]) -> Option<Ino> {
        path.split(|b| *b == b'/').filter(|name| !name.is_empty()).try_fold(ROOT, |at, name| self.child(at, name))
    }

    /// A directory of the image, through symbolic links as of `/bin` to `usr/bin`.
    pub fn follow(&self, path: &[u8]) -> Option<Ino> {
        let ino = self.lookup(path)?;
        match &self.inode(ino)?.body {
            Body::Directory(_) => Some(ino),
            Body::Symlink(target) => self.lookup(target).filter(|ino| self.inode(*ino).is_some_and(|inode| inode.kind == Kind::Directory)),
            _ => None,
        }
    }

    /// Whether there is something at a path behind all its symbolic links.
    pub fn leads_somewhere(&self, path: &[u8]) -> bool {
        let mut pending: Vec<Vec<u8>> = Vec::new();
        let push = |pending: &mut Vec<Vec<u8>>, path: &[u8]| {
            pending.extend(path.rsplit(|b| *b == b'/').filter(|n| !n.is_empty()).map(<[u8]>::to_vec))
        };
        push(&mut pending, path);
        let (mut stack, mut links) = (vec![ROOT], 0);
        while let Some(name) = pending.pop() {
            let at = stack.last().copied().unwrap_or(ROOT);
            match &name[..] {
                b"." => continue,
                b".." => {
                    stack.pop();
                    continue;
                }
                _ => {}
            }
            let Some(ino) = self.child(at, &name) else { return false };
            match self.inode(ino).map(|inode| &inode.body) {
                Some(Body::Symlink(target)) if links < 40 => {
                    links += 1;
                    if target.first() == Some(&b'/') {
                        stack.clear();
                    }
                    push(&mut pending, target);
                }
                Some(Body::Symlink(_)) | None => return false,
                Some(_) => stack.push(ino),
            }
        }
        true
    }

    /// Adds a node to a directory.
    pub fn put_in(&mut self, directory: Ino, name: &[u8], inode: Inode) {
        _ = self.attach(directory, name, inode);
    }

    /// Puts a node at an absolute path, with directories (755, root) above it as needed. What is there already is replaced, but a
    /// directory keeps its entries.
    pub fn put(&mut self, path: &[u8], inode: Inode) {
        let mut at = ROOT;
        let mut names = path.split(|b| *b == b'/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            let existing = self.child(at, name);
            if names.peek().is_some() {
                at = existing.unwrap_or_else(|| {
                    let directory = Inode::new(Kind::Directory, 0o755, (0, 0), inode.modified, Body::Directory(Entries::new()));
                    self.attach(at, name, directory)
                });
            } else {
                match existing {
                    Some(ino) => self.replace(ino, inode),
                    None => _ = self.attach(at, name, inode),
                }
                return;
            }
        }
        self.replace(ROOT, inode);
    }

    /// Makes `path` another name of the inode at `of`, which must exist.
    pub fn hard_link(&mut self, of: &[u8], path: &[u8]) {
        let (Some(ino), Some(cut)) = (self.lookup(of), path.iter().rposition(|b| *b == b'/')) else { return };
        let (parent, name) = (self.lookup(&path[..cut]), &path[cut + 1..]);
        if let Some(Body::Directory(entries)) = parent.and_then(|p| self.inodes.get_mut(p as usize)).map(|n| &mut n.body) {
            entries.insert(name.into(), Some(ino));
            self.inodes[ino as usize].links += 1;
        }
    }

    /// Gives a listed file its contents; keeps owner, mode and time. A path not listed yet becomes root's, mode 644, of the given time.
    pub fn fill(&mut self, path: &[u8], content: Arc<[u8]>, time: Timestamp) {
        match self.lookup(path).and_then(|ino| self.inodes.get_mut(ino as usize)) {
            Some(node) if node.kind == Kind::File => node.body = Body::Shared(content),
            Some(_) => {}
            None => self.put(path, Inode::new(Kind::File, 0o644, (0, 0), time, Body::Shared(content))),
        }
    }

    fn attach(&mut self, parent: Ino, name: &[u8], inode: Inode) -> Ino {
        let ino = self.len();
        let is_directory = inode.kind == Kind::Directory;
        self.inodes.push(inode);
        if let Some(parent) = self.inodes.get_mut(parent as usize) {
            parent.links += u32::from(is_directory);
            if let Body::Directory(entries) = &mut parent.body {
                entries.insert(name.into(), Some(ino));
            }
        }
        ino
    }

    fn replace(&mut self, ino: Ino, mut inode: Inode) {
        let Some(old) = self.inodes.get_mut(ino as usize) else { return };
        if let (Body::Directory(kept), Body::Directory(entries)) = (&mut old.body, &mut inode.body) {
            entries.append(kept);
            inode.links = old.links;
        }
        *old = inode;
    }
}
