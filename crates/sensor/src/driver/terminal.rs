//! An interactive login on the fake host, between a session and the shell.

use super::{Driver, receive};
use crate::CloseReason;
use emulation::{Done, Next, TerminalRequest};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Pieces of input and of output that wait between session and shell.
const PIECES_MAX: usize = 16;
/// Output put together into one answer.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;

type Output = mpsc::Receiver<(shell::Stream, Vec<u8>)>;

/// A running login shell.
pub(super) struct Terminal {
    run: Pin<Box<dyn Future<Output = u8> + Send>>,
    /// Closed when the peer has closed its side.
    stdin: Option<mpsc::Sender<shell::Input>>,
    output: Output,
    /// What the shell has had no room for. Nothing is read from the peer until it is empty, which bounds it.
    pending: VecDeque<shell::Input>,
}

enum Heard {
    Output(Vec<u8>),
    Exited(u8),
    Read(io::Result<usize>),
    Given,
}

impl Terminal {
    fn start(machine: shell::Machine, request: TerminalRequest) -> Terminal {
        let (stdin, from_peer) = mpsc::channel(PIECES_MAX);
        let (to_peer, output) = mpsc::channel(PIECES_MAX);
        let io = shell::Io { stdin: from_peer, output: to_peer };
        let run = Box::pin(async move { machine.terminal(&request.term, request.columns, request.rows, io).await });
        Terminal { run, stdin: Some(stdin), output, pending: VecDeque::new() }
    }

    /// Queues what was typed.
    pub(super) fn push(&mut self, input: shell::Input) {
        self.pending.push_back(input);
    }
}

/// `bytes` and everything written after them that is there already.
fn collect(output: &mut Output, mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.len() < OUTPUT_BYTES_MAX {
        let Ok((_, more)) = output.try_recv() else { break };
        bytes.extend_from_slice(&more);
    }
    bytes
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Driver<S> {
    /// Runs a login shell until it exits or the session wants something else.
    pub(super) async fn run_terminal(&mut self, request: TerminalRequest) -> Result<Next, CloseReason> {
        let machine = self.core.machine(&request.user);
        self.terminal = Some(Box::new(Terminal::start(machine, request)));
        let mut over = None;
        loop {
            match self.offer().await? {
                Next::More => {}
                next => return Ok(next),
            }
            if self.ended && over.is_none() {
                over = Some(Instant::now() + self.half_closed());
            }
            let next = match self.hear(over).await? {
                Heard::Given => continue,
                Heard::Read(read) => {
                    self.received(read)?;
                    continue;
                }
                Heard::Output(bytes) => self.resume(Done::TerminalOutput(bytes)).await?,
                Heard::Exited(status) => {
                    while let Some(bytes) =
                        self.terminal.as_mut().map(|t| collect(&mut t.output, Vec::new())).filter(|bytes| !bytes.is_empty())
                    {
                        self.resume(Done::TerminalOutput(bytes)).await?;
                    }
                    return self.resume(Done::TerminalExited(status)).await;
                }
            };
            if next != Next::More {
                return Ok(next);
            }
        }
    }

    /// Waits for whatever comes first. `over` is when a session whose peer has closed its side ends at last.
    async fn hear(&mut self, over: Option<Instant>) -> Result<Heard, CloseReason> {
        let Some(terminal) = self.terminal.as_deref_mut() else { return Ok(Heard::Exited(0)) };
        if terminal.pending.is_empty() && self.ended {
            terminal.stdin = None;
        }
        let max = self.core.decoy.shared.limits.input_bytes_max;
        let room = max.saturating_sub(self.input.len());
        let readable = !self.ended && terminal.pending.is_empty();
        if room == 0 && readable {
            self.core.meter.limit("input_bytes_max", max as u64);
            return Err(CloseReason::Limit);
        }
        let Terminal { run, stdin, output, pending } = terminal;
        let heard = tokio::select! {
            biased;
            reason = &mut self.watch => return Err(reason),
            () = tokio::time::sleep_until(over.unwrap_or_else(Instant::now)), if over.is_some() => return Err(CloseReason::Peer),
            Some((_, bytes)) = output.recv() => Heard::Output(bytes),
            status = run => Heard::Exited(status),
            permit = reserve(stdin), if !pending.is_empty() => {
                if let (Some(permit), Some(input)) = (permit, pending.pop_front()) {
                    permit.send(input);
                } else {
                    pending.clear(); // the shell no longer reads
                }
                Heard::Given
            }
            read = receive(&mut self.wire, room, &self.core.meter, &mut self.input), if readable => Heard::Read(read),
        };
        Ok(match heard {
            Heard::Output(bytes) => Heard::Output(collect(output, bytes)),
            heard => heard,
        })
    }
}

async fn reserve(stdin: &mut Option<mpsc::Sender<shell::Input>>) -> Option<mpsc::Permit<'_, shell::Input>> {
    stdin.as_ref()?.reserve().await.ok()
}
