//! Our own program under measurement.

use super::process::Server;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Command;

/// A started role and the JSON line it printed when ready.
pub struct Role {
    /// The process.
    pub server: Server,
    /// What it said.
    pub ready: serde_json::Value,
    /// Its data folder.
    pub data: PathBuf,
}

/// The release build.
pub fn program() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())).join("release/honeyguide")
}

/// An example of the release build.
pub fn example(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())).join("release/examples").join(name)
}

impl Role {
    /// Starts a role with a fresh data folder and waits for its line.
    pub fn start(name: &str, arguments: &[&str]) -> Result<Role> {
        let data = std::env::current_dir()?.join("target/bench").join(name);
        let _ = std::fs::remove_dir_all(&data);
        std::fs::create_dir_all(&data)?;
        let mut command = Command::new(program());
        command.args(arguments).arg("--json").arg("--data").arg(&data);
        let mut server = Server::start(&mut command)?;
        let output = server.0.stdout.take().context("standard output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).with_context(|| format!("{name} said \"{line}\""))?;
        Ok(Role { server, ready, data })
    }

    /// The address of one of its decoys.
    pub fn decoy(&self, protocol: &str) -> Result<String> {
        let decoys = self.ready["decoys"].as_array().context("a list of decoys")?;
        let decoy = decoys.iter().find(|d| d["protocol"] == protocol).with_context(|| format!("no {protocol} decoy"))?;
        Ok(decoy["address"].as_str().context("an address")?.to_owned())
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.server.0.kill();
        let _ = self.server.0.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// Runs an example to its end and reads the JSON object it prints.
pub fn measure(name: &str, arguments: &[&str]) -> Result<serde_json::Value> {
    let output = Command::new(example(name))
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim()).with_context(|| format!("{name} {arguments:?} said \"{text}\""))
}
