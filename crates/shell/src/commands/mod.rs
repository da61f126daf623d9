//! The programs of the fake host, one file each (closely related ones share), all in [`COMMANDS`].

use crate::command::Command;

/// Every program. The file system's image has a file for each, in each of its directories.
pub const COMMANDS: &[Command] = &[];
