//! The interface between a protocol and the runtime that drives it.

use crate::{Context, Input};
use model::event::Name;
use std::net::SocketAddr;
use std::time::Duration;

/// One connection's (or one UDP conversation's) side of a protocol.
///
/// The runtime calls `open` once, then `receive` whenever bytes are there. `receive` handles at most one message and takes its bytes from
/// `input`; it is called again while it takes something and answers [`Next::More`], so that pipelined messages are never lost. Bytes it
/// leaves stay in `input`. While anything else than `More` is outstanding, `receive` is not called; the answer arrives through `resume`.
/// Over UDP, `input` holds exactly one datagram and what is left of it is dropped.
pub trait Session: Send {
    /// The connection is there; a server that speaks first does so now.
    fn open(&mut self, cx: &mut Context<'_>) -> Next;

    /// Bytes are there.
    fn receive(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Next;

    /// What was asked for through [`Next`] is done, or has something to say.
    fn resume(&mut self, done: Done, cx: &mut Context<'_>) -> Next;

    /// The peer has not sent a whole message in the time set by [`Context::expect_within`]. Unless the server imitated says something then,
    /// the session ends as if the peer had closed its side.
    fn lapse(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Next {
        self.end(input, cx);
        Next::Close
    }

    /// The peer has closed its side: a last chance to record what `input` still holds.
    fn end(&mut self, _input: &mut Input, _cx: &mut Context<'_>) {}
}

/// What a session wants next.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// More bytes.
    More,
    /// The end; replies already given are still sent.
    Close,
    /// A TLS handshake on this connection, after the replies already given. Answered by [`Done::TlsStarted`].
    StartTls,
    /// Time to pass, as a slow server's would. Answered by [`Done::Waited`].
    Wait(Duration),
    /// A command run on the fake host. Answered by [`Done::Ran`].
    Run(CommandLine),
    /// An interactive login on the fake host. Until [`Done::TerminalExited`] the session keeps receiving bytes, hands what is typed to
    /// [`Context::terminal_input`], and gets the screen's bytes through [`Done::TerminalOutput`] (answer `More` to those).
    Terminal(TerminalRequest),
    /// A passive data channel: the runtime listens on a free port. Answered by [`Done::Listening`].
    Listen,
}

/// The answers to what was asked for.
#[derive(Debug)]
pub enum Done {
    /// The time has passed.
    Waited,
    /// TLS is up; bytes are plain again.
    TlsStarted,
    /// The TLS handshake failed; the runtime closes after this.
    TlsFailed,
    /// The command has ended.
    Ran {
        /// Standard output and error, interleaved as written, up to the configured cap.
        output: Vec<u8>,
        /// The exit status.
        status: u8,
    },
    /// The terminal wrote this.
    TerminalOutput(Vec<u8>),
    /// The login shell has exited.
    TerminalExited(u8),
    /// The data channel's port is open here.
    Listening(SocketAddr),
    /// The data channel received these bytes (a whole upload, when the peer closed it).
    DataReceived(Vec<u8>),
    /// The data channel has sent everything given to [`Context::data_reply`], or failed.
    DataSent(bool),
}

/// A command for the fake host.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandLine {
    /// The account it runs as (`www-data`, `root`).
    pub user: String,
    /// The line for `sh -c`.
    pub line: Vec<u8>,
    /// What it reads from standard input.
    pub stdin: Vec<u8>,
}

/// An interactive login on the fake host.
#[derive(Clone, Debug, PartialEq)]
pub struct TerminalRequest {
    /// The account.
    pub user: String,
    /// The terminal's type, `xterm`.
    pub term: String,
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// A file the attacker left.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// Where it was put, as the emulated host names it.
    pub path: Vec<u8>,
    /// Its content, whole or up to the session's own cap.
    pub content: Vec<u8>,
    /// How it came: `upload`, `put`, …
    pub method: Name,
}
