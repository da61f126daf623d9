//! The host and one attacker's view of it.

use crate::{Io, Login};
use persona::{Instance, Persona, PersonaError};
use std::sync::Arc;

/// What all sessions of a sensor share: the persona's image. Cheap to clone.
#[derive(Clone)]
pub struct Host(#[allow(dead_code)] Arc<Persona>);

impl Host {
    /// Builds the image; done once per sensor.
    pub fn new(persona: Arc<Persona>, _instance: Instance) -> Result<Host, PersonaError> {
        Ok(Host(persona))
    }

    /// A fresh machine for one attacker; costs next to nothing until something is changed.
    pub fn login(&self, login: Login) -> Machine {
        Machine(Arc::new(login))
    }
}

/// One attacker's copy-on-write view of the host; clones share it, as the channels of one SSH connection do.
#[derive(Clone)]
pub struct Machine(#[allow(dead_code)] Arc<Login>);

impl Machine {
    /// Runs one line as `sh -c` would, for SSH `exec` and command-injection holes. Records it as a `command` event first. Returns the exit status.
    pub async fn run(&self, _line: &[u8], _io: Io) -> u8 {
        127
    }

    /// Like [`Machine::run`] with standard input given whole and the output returned, cut at `output_bytes_max`.
    pub async fn run_to_end(&self, _line: &[u8], _stdin: Vec<u8>, _output_bytes_max: usize) -> (Vec<u8>, u8) {
        (Vec::new(), 127)
    }

    /// An interactive login shell on a terminal: banner, prompt, line editing, until it exits. Each line entered is a `command` event.
    pub async fn terminal(&self, _term: &str, _columns: u16, _rows: u16, _io: Io) -> u8 {
        0
    }

    /// A login shell without a terminal, reading its commands from standard input as they come (`ssh host` without a pty, fed by a bot line by
    /// line): no prompt, no echo. Each line read as a command is a `command` event. Ends at end of file or `exit`; returns the exit status.
    pub async fn script(&self, _io: Io) -> u8 {
        0
    }

    /// The files, for SFTP and SCP.
    pub fn files(&self) -> Files {
        Files(self.clone())
    }
}

/// The files of a machine, with the login's permissions. Paths are absolute or relative to the login's home.
pub struct Files(#[allow(dead_code)] Machine);

/// Linux error numbers, as SFTP and commands need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Errno {
    Enoent,
    Eacces,
    Eexist,
    Enotdir,
    Eisdir,
    Enotempty,
    Einval,
    Enospc,
    Eloop,
    Erofs,
    Eperm,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    File,
    Directory,
    Symlink,
    CharacterDevice,
    BlockDevice,
    Fifo,
    Socket,
}

/// What `stat` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Metadata {
    pub kind: Kind,
    /// Permission bits, without the type.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub links: u32,
    pub modified: model::Timestamp,
}

impl Files {
    /// Follows symbolic links.
    pub fn stat(&self, _path: &[u8]) -> Result<Metadata, Errno> {
        Err(Errno::Enoent)
    }
    /// Does not follow the last component.
    pub fn lstat(&self, _path: &[u8]) -> Result<Metadata, Errno> {
        Err(Errno::Enoent)
    }
    /// The canonical absolute path, whether or not the last component exists.
    pub fn real_path(&self, _path: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::Enoent)
    }
    /// Names and what `lstat` says of each, in directory order.
    pub fn list(&self, _path: &[u8]) -> Result<Vec<(Vec<u8>, Metadata)>, Errno> {
        Err(Errno::Enoent)
    }
    /// A whole file.
    pub fn read(&self, _path: &[u8]) -> Result<Arc<[u8]>, Errno> {
        Err(Errno::Enoent)
    }
    /// Creates or replaces a file; `mode` applies when it is created.
    pub fn write(&self, _path: &[u8], _content: Vec<u8>, _mode: u32) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Creates a directory.
    pub fn make_directory(&self, _path: &[u8], _mode: u32) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Removes a file or link.
    pub fn remove(&self, _path: &[u8]) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Removes an empty directory.
    pub fn remove_directory(&self, _path: &[u8]) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Renames.
    pub fn rename(&self, _from: &[u8], _to: &[u8]) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Makes a symbolic link.
    pub fn symlink(&self, _target: &[u8], _path: &[u8]) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// The target of a symbolic link.
    pub fn read_link(&self, _path: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::Enoent)
    }
    /// Changes permission bits.
    pub fn set_mode(&self, _path: &[u8], _mode: u32) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
    /// Changes the modification time.
    pub fn set_modified(&self, _path: &[u8], _time: model::Timestamp) -> Result<(), Errno> {
        Err(Errno::Enoent)
    }
}
