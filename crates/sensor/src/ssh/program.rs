//! What runs in a session channel: a command, a shell, a file transfer.

use super::connection::Connection;
use super::scp::{self, Transfer};
use super::sftp;
use super::stdin::Stdin;
use futures::FutureExt;
use futures::future::BoxFuture;
use russh::ChannelId;
use russh::server::Handle;
use shell::{Io, Machine, Stream};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Pieces of output under way to the peer; a command that writes more waits.
const OUTPUT_PIECES_MAX: usize = 4;

/// A pseudo-terminal as requested.
#[derive(Clone, Debug)]
pub(super) struct Terminal {
    pub term: String,
    pub columns: u16,
    pub rows: u16,
}

/// What a channel was asked to run.
pub(super) enum Program {
    /// One command line.
    Command(Vec<u8>),
    /// A login shell on a terminal.
    Shell(Terminal),
    /// A login shell reading its commands from the channel.
    Script,
    /// The remote side of `scp`.
    Scp(Transfer),
    /// The SFTP server.
    Sftp(Arc<sftp::Site>),
}

/// A program that runs.
pub(super) struct Running {
    /// `None` once the peer has sent its end of file.
    pub stdin: Option<Stdin>,
    pub terminal: bool,
    task: AbortHandle,
}

impl Running {
    /// Ends the program, as a signal would. What it has begun to upload is still recorded.
    pub(super) fn kill(&self) {
        self.task.abort();
    }
}

/// Starts a program on a channel. It ends the channel when it ends.
pub(super) fn start(
    connection: &Arc<Connection>,
    handle: Handle,
    id: ChannelId,
    machine: Machine,
    program: Program,
    terminal: bool,
) -> Running {
    let (stdin, stdin_receiver) = Stdin::channel();
    let (output_sender, output) = mpsc::channel(OUTPUT_PIECES_MAX);
    let io = Io { stdin: stdin_receiver, output: output_sender };
    // A shell's terminal already ends its lines as a terminal must; a command's output passes the line discipline here.
    let onlcr = terminal && !matches!(program, Program::Shell(_));
    let channel = Output { connection: connection.clone(), handle, id, merged: terminal, onlcr };
    let halt = if terminal { connection.hangup.clone() } else { connection.halt.clone() };
    let program = AssertUnwindSafe(program.run(machine, connection.clone(), io)).catch_unwind();
    let running = async move {
        let (status, ()) = tokio::join!(program, channel.pass(output));
        let status = status.unwrap_or_else(|_| {
            metrics::counter!("honeyguide_sensor_panics_total", "protocol" => "ssh").increment(1);
            tracing::error!("a program of the fake host panicked");
            SEGMENTATION_FAULT
        });
        channel.end(status).await;
    };
    // Programs end with the connection (after a while, see `SshLimits`), whatever they are doing.
    let task = connection.tasks.spawn(halt.run_until_cancelled_owned(running.boxed()));
    Running { stdin: Some(stdin), terminal, task: task.abort_handle() }
}

/// What a shell reports of a command that crashed: 128 and the signal's number.
const SEGMENTATION_FAULT: u8 = 128 + 11;

impl Program {
    /// Boxed, so that none pays for the largest of them: a held terminal is what there may be thousands of.
    fn run(self, machine: Machine, connection: Arc<Connection>, io: Io) -> BoxFuture<'static, u8> {
        match self {
            Program::Command(line) => Box::pin(async move { machine.run(&line, io).await }),
            Program::Shell(t) => Box::pin(async move { machine.terminal(&t.term, t.columns, t.rows, io).await }),
            Program::Script => Box::pin(async move { machine.script(io).await }),
            Program::Scp(transfer) => Box::pin(scp::run(transfer, machine.files(), connection, io)),
            Program::Sftp(site) => Box::pin(sftp::serve(machine.files(), site, connection, io)),
        }
    }
}

/// The way back to the peer.
struct Output {
    connection: Arc<Connection>,
    handle: Handle,
    id: ChannelId,
    /// On a terminal there is one output.
    merged: bool,
    onlcr: bool,
}

impl Output {
    /// Passes output on until its writers have gone. A peer that has gone does not stop the program, which then writes to nobody.
    async fn pass(&self, mut output: mpsc::Receiver<(Stream, Vec<u8>)>) {
        while let Some((stream, bytes)) = output.recv().await {
            let bytes = if self.onlcr { map_newlines(&bytes) } else { bytes };
            self.connection.tx(&bytes);
            let _ = match stream {
                Stream::Err if !self.merged => self.handle.extended_data(self.id, SSH_EXTENDED_DATA_STDERR, bytes).await,
                _ => self.handle.data(self.id, bytes).await,
            };
        }
    }

    /// Tells the peer that the program has ended. Sending fails only when there is nobody to tell.
    async fn end(&self, status: u8) {
        let _ = self.handle.exit_status_request(self.id, u32::from(status)).await;
        let _ = self.handle.eof(self.id).await;
        let _ = self.handle.close(self.id).await;
    }
}

/// RFC 4254 section 5.2.
const SSH_EXTENDED_DATA_STDERR: u32 = 1;

/// The ONLCR of a terminal's line discipline.
fn map_newlines(bytes: &[u8]) -> Vec<u8> {
    let mut mapped = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    for &byte in bytes {
        if byte == b'\n' {
            mapped.push(b'\r');
        }
        mapped.push(byte);
    }
    mapped
}
