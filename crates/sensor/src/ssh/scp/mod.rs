//! The remote side of `scp`'s own protocol (the one before SFTP, still `scp -O`'s and most bots'), as OpenSSH speaks it.

mod command;
mod sink;
mod source;

pub(super) use command::Transfer;

use super::connection::Connection;
use super::pipe::Pipe;
use shell::{Errno, Files, Io, Stream};
use std::sync::Arc;
use tokio::sync::mpsc;

/// The longest control record: a mode, a size and a file name.
const LINE_BYTES_MAX: usize = 2048;
/// How deep directories may be nested.
const DEPTH_MAX: usize = 64;

/// Runs a transfer and returns scp's exit status.
pub(super) async fn run(transfer: Transfer, files: Files, connection: Arc<Connection>, io: Io) -> u8 {
    let mut wire = Wire { input: Pipe::new(io.stdin), output: io.output, failed: false };
    let files = Arc::new(files);
    let result = if transfer.sink {
        sink::run(&transfer, &files, &connection, &mut wire).await
    } else {
        source::run(&transfer, &files, &mut wire).await
    };
    u8::from(result.is_err() || wire.failed)
}

/// The transfer cannot go on: the peer has gone, or broke the protocol and was told so.
struct Broken;

/// Both directions.
struct Wire {
    input: Pipe,
    output: mpsc::Sender<(Stream, Vec<u8>)>,
    /// Whether something could not be transferred.
    failed: bool,
}

impl Wire {
    async fn send(&mut self, bytes: impl Into<Vec<u8>>) -> Result<(), Broken> {
        self.output.send((Stream::Out, bytes.into())).await.map_err(|_| Broken)
    }

    /// "Go on".
    async fn acknowledge(&mut self) -> Result<(), Broken> {
        self.send([0]).await
    }

    /// Says what cannot be transferred; the transfer goes on with the next file.
    async fn complain(&mut self, message: &[u8]) -> Result<(), Broken> {
        self.failed = true;
        self.send([b"\x01scp: ", message, b"\n"].concat()).await
    }

    async fn complain_of(&mut self, path: &[u8], errno: Errno) -> Result<(), Broken> {
        self.complain(&[path, b": ", errno.message().as_bytes()].concat()).await
    }

    /// Says what rule was broken, and ends.
    async fn protocol_error(&mut self, connection: &Connection, reason: &'static str, line: &[u8]) -> Broken {
        connection.malformed(reason, line);
        let _ = self.complain(&[b"protocol error: ", reason.as_bytes()].concat()).await;
        Broken
    }

    /// Waits for the peer's answer: true to go on, false when it refuses this file.
    async fn answer(&mut self) -> Result<bool, Broken> {
        match self.input.exactly(1).await {
            Some([0]) => Ok(true),
            Some([1]) => {
                self.failed = true;
                self.input.line(LINE_BYTES_MAX).await.ok_or(Broken)?;
                Ok(false)
            }
            _ => Err(Broken),
        }
    }
}

/// A path below a directory.
fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory {
        [.., b'/'] => [directory, name].concat(),
        _ => [directory, b"/", name].concat(),
    }
}
