//! Where a command's input comes from: a file by name, or standard input.

use crate::command::{Process, Stop};
use crate::fs::{Node, OpenOptions};
use crate::{Errno, Kind, OpenFile};
use std::sync::Arc;

/// Bytes read from a file at a time.
const CHUNK_BYTES: usize = 32 * 1024;
/// The longest line a command looks at as one; the rest is the next.
pub(super) const LINE_BYTES_MAX: usize = 1024 * 1024;
/// The most a command holds of its input where it must have all of it.
pub(super) const WHOLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An input being read.
pub(super) struct Source {
    file: Option<(Arc<dyn Node>, u64)>,
    /// A descriptor or FIFO that was named as a file.
    special: Option<Arc<OpenFile>>,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
}

impl Source {
    /// Standard input.
    pub fn stdin() -> Source {
        Source { file: None, special: None, buffer: Vec::new(), start: 0, ended: false }
    }

    /// A file, or standard input for `-` and the names the kernel has for it.
    pub fn open(process: &Process, path: &[u8]) -> Result<Source, Errno> {
        if matches!(path, b"-" | b"/dev/stdin" | b"/proc/self/fd/0" | b"/dev/fd/0") {
            return Ok(Source::stdin());
        }
        Source::open_file(process, path)
    }

    /// A file, whatever its name.
    pub fn open_file(process: &Process, path: &[u8]) -> Result<Source, Errno> {
        if let Some(special) = process.open_special(path) {
            return Ok(Source { special: Some(special), ..Source::stdin() });
        }
        let node = process.files().open(path, OpenOptions::READ)?;
        if node.metadata().kind == Kind::Directory {
            return Err(Errno::Eisdir);
        }
        Ok(Source { file: Some((node, 0)), special: None, buffer: Vec::new(), start: 0, ended: false })
    }

    /// The file behind it, when it is one whose end can be reached directly.
    pub fn node(&self) -> Option<&Arc<dyn Node>> {
        self.file.as_ref().map(|(node, _)| node).filter(|node| node.metadata().kind == Kind::File && node.size() > 0)
    }

    /// Goes to an offset of a file.
    pub fn seek(&mut self, to: u64) {
        if let Some((_, offset)) = &mut self.file {
            *offset = to;
        }
    }

    /// The next bytes; empty at the end.
    pub async fn chunk(&mut self, process: &mut Process) -> Result<Vec<u8>, Stop> {
        if self.start < self.buffer.len() {
            let rest = self.buffer.split_off(self.start);
            self.buffer.clear();
            self.start = 0;
            return Ok(rest);
        }
        if self.ended {
            return Ok(Vec::new());
        }
        let bytes = match &mut self.file {
            None => match &self.special {
                None => process.read().await?,
                Some(special) => {
                    process.flush().await?;
                    process.charge(1 + CHUNK_BYTES as u64 / 4096).await?;
                    special.read(CHUNK_BYTES).await.unwrap_or_default()
                }
            },
            Some((node, offset)) => {
                process.charge(1 + CHUNK_BYTES as u64 / 4096).await?;
                let bytes = node.read_at(*offset, CHUNK_BYTES).unwrap_or_default();
                *offset += bytes.len() as u64;
                bytes
            }
        };
        self.ended = bytes.is_empty();
        Ok(bytes)
    }

    /// The next piece up to and including `end` (the last may lack it); `None` at the end of input.
    pub async fn until(&mut self, process: &mut Process, end: u8) -> Result<Option<Vec<u8>>, Stop> {
        let mut line = Vec::new();
        loop {
            let rest = &self.buffer[self.start..];
            if let Some(at) = memchr::memchr(end, rest) {
                line.extend_from_slice(&rest[..=at]);
                self.start += at + 1;
                return Ok(Some(line));
            }
            line.extend_from_slice(rest);
            self.start = self.buffer.len();
            if line.len() >= LINE_BYTES_MAX {
                return Ok(Some(line));
            }
            self.buffer = self.chunk(process).await?;
            self.start = 0;
            if self.buffer.is_empty() {
                return Ok((!line.is_empty()).then_some(line));
            }
        }
    }

    /// The next line with its newline.
    pub async fn line(&mut self, process: &mut Process) -> Result<Option<Vec<u8>>, Stop> {
        self.until(process, b'\n').await
    }

    /// All that is left, cut at `bytes_max`.
    pub async fn rest(&mut self, process: &mut Process, bytes_max: usize) -> Result<Vec<u8>, Stop> {
        let mut all = Vec::new();
        while all.len() < bytes_max {
            let chunk = self.chunk(process).await?;
            if chunk.is_empty() {
                break;
            }
            all.extend_from_slice(&chunk);
        }
        all.truncate(bytes_max);
        Ok(all)
    }
}

/// A line without its newline.
pub(super) fn chomp(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// A file name as GNU's messages quote it: in single quotes, with `'\''` for a quote within.
pub(super) fn quoted(name: &[u8]) -> Vec<u8> {
    // In double quotes where that needs no escapes.
    if name.contains(&b'\'') && !name.iter().any(|b| b"\"$`\\\n".contains(b)) {
        return [b"\"", name, b"\""].concat();
    }
    let mut text = vec![b'\''];
    for byte in name {
        match byte {
            b'\'' => text.extend_from_slice(b"'\\''"),
            b'\n' => text.extend_from_slice(b"'$'\\n''"),
            other => text.push(*other),
        }
    }
    text.push(b'\'');
    text
}

/// `NAME: path: why`, the complaint of many tools.
pub(super) async fn complain(process: &mut Process, path: &[u8], errno: Errno) -> Result<(), Stop> {
    process.complain([path, b": ", errno.message().as_bytes()].concat()).await
}
