//! The fake Linux host: one shell, its files, its processes, its commands.
//!
//! A [`Host`] is what all sessions of a sensor share (the persona's image); a [`Machine`] is one attacker's copy-on-write view of it.
//! Nothing here touches the real host's files, processes or network.

use model::event::Name;
use model::{Detail, Timestamp};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a session shares with the recorder: called before the output that follows it is written.
pub trait Observer: Send + Sync {
    /// Something to record as an event (`command`, `fetch`, `limit`, …).
    fn observe(&self, detail: Detail);
    /// A file the attacker wrote and closed.
    fn capture(&self, path: &[u8], content: &[u8], method: Name);
}

/// Who logs in, from where, when.
pub struct Login {
    /// The account's name; one the persona does not have gets a home of its own, as root when the name is not a plausible one.
    pub user: String,
    /// The peer, for `SSH_CLIENT`, `who` and `last`.
    pub peer: SocketAddr,
    /// Our address, for `SSH_CONNECTION`.
    pub local: SocketAddr,
    /// The time of the login; the machine's clock goes on from here with tokio's.
    pub now: Timestamp,
    /// Where events go.
    pub observer: Arc<dyn Observer>,
}

/// What feeds a running command or terminal. Dropping the sender is end of file.
pub enum Input {
    /// Bytes typed or piped.
    Bytes(Vec<u8>),
    /// The window's new columns and rows.
    Resize(u16, u16),
}

/// Which of a command's streams wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The ends a command is connected to.
pub struct Io {
    /// Standard input.
    pub stdin: mpsc::Receiver<Input>,
    /// Standard output and error; a full channel makes the command wait, a closed one ends it.
    pub output: mpsc::Sender<(Stream, Vec<u8>)>,
}

mod account;
mod arith;
pub mod budget;
mod builtins;
pub mod command;
mod commands;
mod depth;
mod descriptor;
mod errno;
mod escape;
mod exec;
mod facts;
pub mod fs;
mod glob;
mod host;
mod interp;
mod login;
mod machine;
mod parse;
mod pipe;
mod process;
mod session;
pub mod sockets;
pub mod task;
pub mod terminal;

pub use account::Account;
pub use command::{Command, Environment, Launch, Outcome, Process, Stop, Tools};
pub use commands::COMMANDS;
pub use descriptor::{DESCRIPTORS_MAX, Descriptors, OpenFile, pipe};
pub use errno::Errno;
pub use facts::{Facts, Traffic};
pub use fs::{Credentials, Files, Kind, Metadata, Node, OpenOptions, Program};
pub use host::Host;
pub use machine::Machine;
pub use process::Listing;
pub use session::{BoxFuture, Session};
pub use task::{Status, Task, signal};
