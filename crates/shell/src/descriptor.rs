//! Open files and the table of a process's descriptors.

use crate::fs::Node;
use crate::pipe::{self, Reader, Writer};
use crate::task::lock;
use crate::terminal::Terminal;
use crate::{Errno, Input, Stream};
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tokio::sync::mpsc;

/// What one `read` returns at most, in bytes.
pub const READ_BYTES_MAX: usize = 64 * 1024;

/// An open file description: what `dup` and `fork` share.
pub enum OpenFile {
    /// A file or device, with its offset.
    File(File),
    /// What a session is fed where there is no terminal.
    Input(SessionInput),
    /// A session's output or error stream.
    Output(mpsc::Sender<(Stream, Vec<u8>)>, Stream),
    /// The session's terminal.
    Terminal(Arc<Terminal>),
    #[doc(hidden)]
    PipeReader(PipeReader),
    #[doc(hidden)]
    PipeWriter(PipeWriter),
    /// Both ends of a FIFO, opened for reading and writing.
    #[doc(hidden)]
    Both(PipeReader, PipeWriter),
    /// Bytes to be read, as of a here-document.
    Bytes(Arc<[u8]>, Mutex<usize>),
}

/// A reading end of a pipe.
pub struct PipeReader(Reader);
/// A writing end of a pipe.
pub struct PipeWriter(Writer);

/// A file or device, with its offset.
pub struct File {
    node: Arc<dyn Node>,
    offset: Mutex<u64>,
    read: bool,
    write: bool,
    append: bool,
    /// As opened, for `/proc/self/fd`.
    path: Arc<[u8]>,
}

/// A session's standard input, shared by its processes.
pub struct SessionInput {
    receiver: Mutex<(mpsc::Receiver<Input>, Vec<u8>)>,
}

/// A new pipe's reading and writing end.
pub fn pipe() -> (Arc<OpenFile>, Arc<OpenFile>) {
    let (reader, writer) = pipe::pipe();
    (Arc::new(OpenFile::PipeReader(PipeReader(reader))), Arc::new(OpenFile::PipeWriter(PipeWriter(writer))))
}

impl OpenFile {
    /// An opened node at offset 0.
    pub fn file(node: Arc<dyn Node>, path: &[u8], read: bool, write: bool, append: bool) -> OpenFile {
        OpenFile::File(File { node, offset: Mutex::new(0), read, write, append, path: path.into() })
    }

    /// Bytes to be read.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> OpenFile {
        OpenFile::Bytes(bytes.into(), Mutex::new(0))
    }

    pub(crate) fn reader(reader: Reader) -> OpenFile {
        OpenFile::PipeReader(PipeReader(reader))
    }

    pub(crate) fn writer(writer: Writer) -> OpenFile {
        OpenFile::PipeWriter(PipeWriter(writer))
    }

    pub(crate) fn both(reader: Reader, writer: Writer) -> OpenFile {
        OpenFile::Both(PipeReader(reader), PipeWriter(writer))
    }

    pub(crate) fn input(receiver: mpsc::Receiver<Input>) -> OpenFile {
        OpenFile::Input(SessionInput { receiver: Mutex::new((receiver, Vec::new())) })
    }

    /// The terminal, when it is one.
    pub fn terminal(&self) -> Option<&Arc<Terminal>> {
        match self {
            OpenFile::Terminal(terminal) => Some(terminal),
            _ => None,
        }
    }

    /// What `/proc/self/fd/N` links to, where that is a path.
    pub fn path(&self) -> Option<&[u8]> {
        match self {
            OpenFile::File(file) => Some(&file.path),
            OpenFile::Terminal(_) => Some(b"/dev/pts/0"),
            _ => None,
        }
    }

    /// The node, when it is a file or device.
    pub fn node(&self) -> Option<&Arc<dyn Node>> {
        match self {
            OpenFile::File(file) => Some(&file.node),
            _ => None,
        }
    }

    /// Moves the offset of a file; `Espipe` for anything else.
    pub fn seek(&self, offset: u64) -> Result<(), Errno> {
        match self {
            OpenFile::File(file) => *lock(&file.offset) = offset,
            OpenFile::Bytes(_, at) => *lock(at) = usize::try_from(offset).unwrap_or(usize::MAX),
            _ => return Err(Errno::Espipe),
        }
        Ok(())
    }

    /// Up to `bytes_max` bytes; empty at the end.
    pub async fn read(&self, bytes_max: usize) -> Result<Vec<u8>, Errno> {
        self.read_until(bytes_max, None).await
    }

    /// Up to `bytes_max` bytes, up to and including `until` where that comes first; empty at the end. Never takes more from the file than it
    /// returns, so that the next process goes on where this one stopped.
    pub async fn read_until(&self, bytes_max: usize, until: Option<u8>) -> Result<Vec<u8>, Errno> {
        let bytes_max = bytes_max.min(READ_BYTES_MAX);
        match self {
            OpenFile::File(file) => file.read(bytes_max, until),
            OpenFile::Bytes(bytes, at) => {
                let mut at = lock(at);
                let rest = bytes.get(*at..).unwrap_or_default();
                let taken = cut(rest, bytes_max, until).to_vec();
                *at += taken.len();
                Ok(taken)
            }
            OpenFile::PipeReader(reader) | OpenFile::Both(reader, _) => Ok(poll_fn(|cx| reader.0.poll_read(bytes_max, until, cx)).await),
            OpenFile::Input(input) => Ok(poll_fn(|cx| input.poll_read(bytes_max, until, cx)).await),
            OpenFile::Terminal(terminal) => poll_fn(|cx| terminal.poll_read(bytes_max, until, cx)).await,
            OpenFile::PipeWriter(_) | OpenFile::Output(..) => Err(Errno::Ebadf),
        }
    }

    /// Writes all of `bytes`, waiting while the other side is slow. `Epipe` when nobody reads any more.
    pub async fn write(&self, mut bytes: &[u8]) -> Result<(), Errno> {
        match self {
            OpenFile::File(file) => file.write(bytes),
            OpenFile::PipeWriter(writer) | OpenFile::Both(_, writer) => {
                while !bytes.is_empty() {
                    let count = poll_fn(|cx| writer.0.poll_write(bytes, cx)).await?;
                    bytes = &bytes[count..];
                }
                Ok(())
            }
            OpenFile::Output(sender, stream) => {
                for part in bytes.chunks(READ_BYTES_MAX) {
                    sender.send((*stream, part.to_vec())).await.map_err(|_| Errno::Epipe)?;
                }
                Ok(())
            }
            OpenFile::Terminal(terminal) => terminal.write(bytes).await,
            OpenFile::PipeReader(_) | OpenFile::Input(_) | OpenFile::Bytes(..) => Err(Errno::Ebadf),
        }
    }
}

/// The start of `rest` that one read returns.
fn cut(rest: &[u8], bytes_max: usize, until: Option<u8>) -> &[u8] {
    let rest = &rest[..rest.len().min(bytes_max)];
    match until.and_then(|byte| memchr::memchr(byte, rest)) {
        Some(end) => &rest[..=end],
        None => rest,
    }
}

impl File {
    fn read(&self, bytes_max: usize, until: Option<u8>) -> Result<Vec<u8>, Errno> {
        if !self.read {
            return Err(Errno::Ebadf);
        }
        let mut offset = lock(&self.offset);
        let mut bytes = self.node.read_at(*offset, bytes_max)?;
        let count = cut(&bytes, bytes_max, until).len();
        bytes.truncate(count);
        *offset += count as u64;
        Ok(bytes)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        if !self.write {
            return Err(Errno::Ebadf);
        }
        let mut offset = lock(&self.offset);
        if self.append {
            *offset = self.node.size();
        }
        self.node.write_at(*offset, bytes)?;
        *offset += bytes.len() as u64;
        Ok(())
    }
}

impl SessionInput {
    fn poll_read(&self, bytes_max: usize, until: Option<u8>, cx: &mut std::task::Context<'_>) -> Poll<Vec<u8>> {
        let mut guard = lock(&self.receiver);
        let (receiver, left) = &mut *guard;
        while left.is_empty() {
            match receiver.poll_recv(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Vec::new()),
                Poll::Ready(Some(Input::Bytes(bytes))) => *left = bytes,
                Poll::Ready(Some(Input::Resize(..))) => {}
            }
        }
        let count = cut(left, bytes_max, until).len();
        let rest = left.split_off(count);
        Poll::Ready(std::mem::replace(left, rest))
    }
}

/// The descriptors of a process, by number.
#[derive(Clone, Default)]
pub struct Descriptors(Vec<(u32, Arc<OpenFile>)>);

/// The highest descriptor and one more: the usual `ulimit -n`.
pub const DESCRIPTORS_MAX: u32 = 1024;

impl Descriptors {
    /// What a descriptor refers to.
    pub fn get(&self, number: u32) -> Option<&Arc<OpenFile>> {
        self.0.iter().find(|(n, _)| *n == number).map(|(_, file)| file)
    }

    /// Makes a descriptor refer to a file; `Ebadf` beyond [`DESCRIPTORS_MAX`].
    pub fn set(&mut self, number: u32, file: Arc<OpenFile>) -> Result<(), Errno> {
        if number >= DESCRIPTORS_MAX {
            return Err(Errno::Ebadf);
        }
        match self.0.iter_mut().find(|(n, _)| *n == number) {
            Some(slot) => slot.1 = file,
            None => self.0.push((number, file)),
        }
        Ok(())
    }

    /// Closes a descriptor; whether it was open.
    pub fn close(&mut self, number: u32) -> bool {
        let before = self.0.len();
        self.0.retain(|(n, _)| *n != number);
        self.0.len() != before
    }

    /// The lowest free number from `from` on.
    pub fn free_from(&self, from: u32) -> u32 {
        (from..DESCRIPTORS_MAX).find(|n| self.get(*n).is_none()).unwrap_or(DESCRIPTORS_MAX)
    }

    /// Every open descriptor.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Arc<OpenFile>)> {
        self.0.iter().map(|(number, file)| (*number, file))
    }
}
