//! Replay of a Cowrie log into a running hub: parsed, sent, durable, judged.

use super::report::Report;
use super::up::{self, Role};
use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Sessions of the synthetic log.
const SESSIONS: u32 = 20_000;

/// Measures with the log given, or with one made here.
pub fn measure(log: Option<&Path>, report: &mut Report) -> Result<()> {
    let log = match log {
        Some(path) => path.to_owned(),
        None => synthetic()?,
    };
    let hub = Role::start("replay", &["hub", "--listen", "127.0.0.1:0", "--set", "hub.tls=off"])?;
    let begin = Instant::now();
    let output = Command::new(up::program()).args(["replay", "--json", "--data"]).arg(&hub.data).arg(&log).output()?;
    let seconds = begin.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("replay failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).context("a summary")?;
    let events = summary["events"].as_f64().context("a count")?;
    let lines = summary["lines"].as_f64().context("a count")?;
    let skipped: f64 =
        summary["skipped"].as_object().into_iter().flat_map(|reasons| reasons.values()).filter_map(serde_json::Value::as_f64).sum();
    report.row(
        "replay of a Cowrie log, durable at the hub",
        format!("{:.0} events/s ({:.0} lines/s)", events / seconds, lines / seconds),
        format!("{lines} lines, {events} events, {skipped} lines with a counted reason"),
        "≥ 30,000 events/s",
    );
    Ok(())
}

/// Sessions as Cowrie writes them: a connection, a fingerprint, a login, a command, a close.
fn synthetic() -> Result<PathBuf> {
    let mut text = String::new();
    for number in 0..SESSIONS {
        let (a, b) = (number / 250 % 250 + 1, number % 250 + 1);
        let common = |event: &str, at: u32| {
            format!(
                "\"eventid\": \"cowrie.{event}\", \"src_ip\": \"198.51.{a}.{b}\", \"session\": \"{number:012x}\", \"protocol\": \"ssh\", \"sensor\": \"bench\", \"timestamp\": \"2026-03-{:02}T{:02}:{:02}:{:02}.{at:06}Z\"",
                1 + number / 1440 / 60,
                number / 60 % 24,
                number % 60,
                at % 60
            )
        };
        let _ = writeln!(text, "{{{}, \"src_port\": 40000, \"dst_ip\": \"192.0.2.1\", \"dst_port\": 22}}", common("session.connect", 1));
        let _ = writeln!(text, "{{{}, \"version\": \"SSH-2.0-Go\"}}", common("client.version", 2));
        let _ = writeln!(text, "{{{}, \"username\": \"root\", \"password\": \"admin{number}\"}}", common("login.success", 3));
        let _ = writeln!(text, "{{{}, \"input\": \"uname -a; nproc\"}}", common("command.input", 4));
        let _ = writeln!(text, "{{{}, \"duration\": \"1.5\"}}", common("session.closed", 5));
    }
    let path = std::env::current_dir()?.join("target/bench/cowrie.json");
    std::fs::create_dir_all(path.parent().context("a folder")?)?;
    std::fs::write(&path, text)?;
    Ok(path)
}
