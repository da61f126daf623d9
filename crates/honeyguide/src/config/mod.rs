//! One configuration for every role: defaults, then the TOML file, then the environment, then flags.

mod layers;

pub use layers::{ConfigError, Effective, Layers, flatten};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that can be configured. Each role reads its own part of the same file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything is kept: spool, event log, keys, captured files.
    pub data: PathBuf,
    /// What is logged, apart from events.
    pub log: Log,
    /// The hub.
    pub hub: hub::Config,
    /// The sensor.
    pub sensor: sensor::Config,
}

impl Default for Config {
    fn default() -> Self {
        Config { data: default_data(), log: Log::default(), hub: hub::Config::default(), sensor: sensor::Config::default() }
    }
}

/// Diagnostics; never events.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a list such as `info,hub=debug`.
    pub level: String,
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Log { level: "warn".to_owned(), format: LogFormat::Text }
    }
}

/// `/var/lib/honeyguide` for a service with a state directory or for root, else the user's own data directory (XDG base directories).
pub fn default_data() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(state) = from("STATE_DIRECTORY") {
        return state;
    }
    match (from("XDG_DATA_HOME"), from("HOME")) {
        (Some(data), _) => data.join("honeyguide"),
        (None, Some(home)) => home.join(".local/share/honeyguide"),
        (None, None) => PathBuf::from("/var/lib/honeyguide"),
    }
}
