//! Files and directories a client holds open.

use crate::ssh::upload::Upload;
use shell::Metadata;
use std::sync::Arc;

/// As many as OpenSSH's server can hold under the usual limit of open files would be memory for nothing.
const HANDLES_MAX: usize = 128;

/// What a handle stands for.
pub(super) enum Open {
    /// A file that is only read.
    Read { path: Vec<u8>, content: Arc<[u8]> },
    /// A file that is written.
    Write { upload: Upload, append: bool },
    /// A directory: what is still to be listed, last first.
    Directory { entries: Vec<(Vec<u8>, Metadata)> },
}

/// The open ones. A handle is its number in four bytes, the lowest that is free, as OpenSSH's server gives them.
#[derive(Default)]
pub(super) struct Handles(Vec<Option<Open>>);

impl Handles {
    /// Opens; `None` when there are too many.
    pub(super) fn insert(&mut self, open: Open) -> Option<[u8; 4]> {
        let index = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if index >= HANDLES_MAX {
            return None;
        }
        if index == self.0.len() {
            self.0.push(None);
        }
        self.0[index] = Some(open);
        u32::try_from(index).ok().map(u32::to_be_bytes)
    }

    /// What a handle stands for.
    pub(super) fn get(&mut self, handle: &[u8]) -> Option<&mut Open> {
        self.0.get_mut(index(handle)?)?.as_mut()
    }

    /// Closes.
    pub(super) fn remove(&mut self, handle: &[u8]) -> Option<Open> {
        self.0.get_mut(index(handle)?)?.take()
    }
}

fn index(handle: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(handle.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_is_given_and_there_are_only_so_many() {
        let directory = || Open::Directory { entries: Vec::new() };
        let mut handles = Handles::default();
        assert_eq!(handles.insert(directory()), Some([0, 0, 0, 0]));
        assert_eq!(handles.insert(directory()), Some([0, 0, 0, 1]));
        assert!(handles.remove(&[0, 0, 0, 0]).is_some());
        assert!(handles.get(&[0, 0, 0, 0]).is_none() && handles.get(b"").is_none() && handles.get(&[255; 4]).is_none());
        assert_eq!(handles.insert(directory()), Some([0, 0, 0, 0]));
        while handles.insert(directory()).is_some() {}
        assert_eq!(handles.0.len(), HANDLES_MAX);
    }
}
