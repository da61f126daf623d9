//! From a path to an inode, with the permissions and errors of `path_resolution(7)`.

use super::image::ROOT;
use super::inode::{Body, Ino};
use super::overlay::Overlay;
use super::types::{Credentials, Kind};
use crate::Errno;

/// Symbolic links followed in one resolution; Linux allows as many.
const LINKS_MAX: usize = 40;
/// The longest path, with its final NUL (`PATH_MAX`).
const PATH_BYTES_MAX: usize = 4096;
/// The longest name of one file (`NAME_MAX`).
const NAME_BYTES_MAX: usize = 255;

/// Who asks, and from where.
pub(crate) struct Caller<'a> {
    pub who: &'a Credentials,
    /// The asking process: what `/proc/self` is.
    pub pid: u32,
    /// Where relative paths start; absolute.
    pub cwd: &'a [u8],
}

/// Where a path leads.
pub(crate) struct Found {
    /// What is there; `None` when only the directory above exists.
    pub ino: Option<Ino>,
    /// The directory it is in.
    pub parent: Ino,
    /// Its name in there; empty for `/`, `.` and `..`.
    pub name: Vec<u8>,
    /// The canonical path.
    pub path: Vec<u8>,
    /// Whether the path ended in a slash, so that only a directory will do.
    pub slash: bool,
}

impl Found {
    pub fn existing(&self) -> Result<Ino, Errno> {
        self.ino.ok_or(Errno::Enoent)
    }
}

impl Overlay {
    /// Resolves a path; `follow` says whether a symbolic link at its end is followed.
    pub fn resolve(&self, caller: &Caller<'_>, path: &[u8], follow: bool) -> Result<Found, Errno> {
        if path.is_empty() {
            return Err(Errno::Enoent);
        }
        if path.len() >= PATH_BYTES_MAX {
            return Err(Errno::Enametoolong);
        }
        let slash = path.ends_with(b"/");
        let follow = follow || slash;
        let mut pending: Vec<Vec<u8>> = Vec::new();
        push(&mut pending, path);
        if path[0] != b'/' {
            push(&mut pending, caller.cwd);
        }
        let mut stack: Vec<(Ino, Vec<u8>)> = Vec::new();
        let mut links = 0;
        let mut last_is_name = false;
        while let Some(name) = pending.pop() {
            let at = stack.last().map_or(ROOT, |(ino, _)| *ino);
            let node = self.inode(at).ok_or(Errno::Enoent)?;
            if node.kind != Kind::Directory {
                return Err(Errno::Enotdir);
            }
            if !caller.who.allows(1, node.kind, node.mode, node.uid, node.gid) {
                return Err(Errno::Eacces);
            }
            last_is_name = false;
            match &name[..] {
                b"." => continue,
                b".." => {
                    stack.pop();
                    continue;
                }
                name if name.len() > NAME_BYTES_MAX => return Err(Errno::Enametoolong),
                _ => {}
            }
            let Some(ino) = self.child(at, &name) else {
                if pending.is_empty() {
                    let path = join(&stack, Some(&name));
                    return Ok(Found { ino: None, parent: at, name, path, slash });
                }
                return Err(Errno::Enoent);
            };
            let target = match self.inode(ino).ok_or(Errno::Enoent)?.body {
                Body::Symlink(ref target) if follow || !pending.is_empty() => Some(target.to_vec()),
                Body::SelfLink if follow || !pending.is_empty() => Some(caller.pid.to_string().into_bytes()),
                _ => None,
            };
            let Some(target) = target else {
                stack.push((ino, name));
                last_is_name = true;
                continue;
            };
            links += 1;
            if links > LINKS_MAX || target.len() >= PATH_BYTES_MAX {
                return Err(Errno::Eloop);
            }
            if target.first() == Some(&b'/') {
                stack.clear();
            }
            push(&mut pending, &target);
        }
        let path = join(&stack, None);
        let ino = stack.last().map_or(ROOT, |(ino, _)| *ino);
        if slash && self.inode(ino).is_none_or(|node| node.kind != Kind::Directory) {
            return Err(Errno::Enotdir);
        }
        let parent = if stack.len() > 1 { stack[stack.len() - 2].0 } else { ROOT };
        let name = if last_is_name { stack.pop().map(|(_, name)| name).unwrap_or_default() } else { Vec::new() };
        Ok(Found { ino: Some(ino), parent, name, path, slash })
    }
}

/// Puts a path's names on the stack, the first on top.
fn push(pending: &mut Vec<Vec<u8>>, path: &[u8]) {
    pending.extend(path.rsplit(|b| *b == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec));
}

fn join(stack: &[(Ino, Vec<u8>)], last: Option<&[u8]>) -> Vec<u8> {
    let mut path = Vec::new();
    for name in stack.iter().map(|(_, name)| &name[..]).chain(last) {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    if path.is_empty() {
        path.push(b'/');
    }
    path
}
