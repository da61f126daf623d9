//! One file per command: read what is asked, start the role or ask the hub, show the answer.

mod blocklist;
mod check;
mod config;
mod hub;
mod replay;
mod sensor;
mod sessions;
mod up;

use crate::cli::{Command, ConfigSource};
use crate::config::{ConfigError, Effective, Layers};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::ExitCode;

/// Runs one command.
pub fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Up(a) => up::run(a),
        Command::Hub(a) => hub::run(a),
        Command::Sensor(a) => sensor::run(a),
        Command::Check(a) => check::run(a),
        Command::Blocklist(a) => blocklist::run(a),
        Command::Sessions(a) => sessions::run(a),
        Command::Replay(a) => replay::run(a),
        Command::Config(a) => config::run(a),
    }
}

/// The file looked for when none is named.
const DEFAULT_FILE: &str = "honeyguide.toml";

/// The configuration with this command's flags over it; `flags` are dotted keys, values, and the flag to name in errors.
pub fn effective(source: &ConfigSource, flags: &[(&str, Option<&str>, &str)]) -> Result<Effective, ConfigError> {
    let beside = Path::new(DEFAULT_FILE);
    let file = source.config.as_deref().or_else(|| beside.is_file().then_some(beside));
    let mut layers = Layers::read(file, std::env::vars())?;
    if let Some(data) = &source.data {
        layers.set("data", &data.to_string_lossy(), "--data")?;
    }
    for (key, value, flag) in flags {
        if let Some(value) = value {
            layers.set(key, value, flag)?;
        }
    }
    for assignment in &source.set {
        let (key, value) = assignment
            .split_once('=')
            .ok_or_else(|| ConfigError::Invalid { origin: format!("--set {assignment}"), message: "expected KEY=VALUE".to_owned() })?;
        layers.set(key.trim(), value.trim(), "--set")?;
    }
    layers.effective()
}

/// The runtime every role and client command runs on.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Resolves when the process is asked to stop: Ctrl-C, or a service manager's SIGTERM.
async fn stop_asked() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

/// Makes the data folder, readable by its owner only.
fn prepare(data: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).with_context(|| {
        format!(
            "the data folder {} cannot be made; choose one that can be written with --data DIR, or change its permissions",
            data.display()
        )
    })?;
    let probe = data.join(".probe");
    std::fs::write(&probe, b"").with_context(|| {
        format!("the data folder {} cannot be written; choose another with --data DIR, or change its permissions", data.display())
    })?;
    let _ = std::fs::remove_file(probe);
    Ok(())
}
