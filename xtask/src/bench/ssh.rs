//! SSH: sessions a second and processor time a session, memory with 1,000 prompts held open; Cowrie and a bare server beside it.

use super::cowrie;
use super::process::Server;
use super::report::Report;
use super::up::{self, Role};
use anyhow::{Context, Result};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const COMMAND: &str = "uname -a; cat /proc/cpuinfo; wget http://127.0.0.1/x";
const HELD: &str = "1000";

/// What one server did under the same load.
struct Figures {
    rate: f64,
    cpu_ms: f64,
    held_mb: f64,
}

/// Measures ours, a bare russh server, and Cowrie.
pub fn measure(peers: bool, report: &mut Report) -> Result<()> {
    let role = Role::start(
        "ssh",
        &[
            "sensor",
            "--offline",
            "--ports",
            "auto",
            "--set",
            "sensor.limits.address_sessions_max=100000",
            "--set",
            "sensor.limits.address_sessions_per_minute_max=100000000",
        ],
    )?;
    let ours = load(&role.server, &role.decoy("ssh")?, 6000)?;
    drop(role);

    let mut bare = Server::start(Command::new(up::example("ssh_bare")).arg("127.0.0.1:0"))?;
    let mut address = String::new();
    BufReader::new(bare.0.stdout.take().context("piped")?).read_line(&mut address)?;
    let limit = load(&bare, address.trim(), 6000)?;
    drop(bare);

    let show = |f: &Figures| format!("{:.0}/s, {:.2} ms CPU a session", f.rate, f.cpu_ms);
    report.row("SSH exec sessions, 32 at once", show(&ours), format!("bare russh: {}", show(&limit)), "");
    report.row("memory, 1,000 ptys held", format!("{:.0} MB", ours.held_mb), format!("bare russh: {:.0} MB", limit.held_mb), "");
    if peers {
        let (server, address) = cowrie::start()?;
        let theirs = load(&server, &address, 800)?;
        report.row(
            "SSH exec sessions per core, over Cowrie's",
            format!("{:.1}×", theirs.cpu_ms / ours.cpu_ms),
            format!("Cowrie: {}", show(&theirs)),
            "≥ 15×",
        );
        report.row(
            "memory with 1,000 ptys, over Cowrie's",
            format!("{:.2}", ours.held_mb / theirs.held_mb),
            format!("Cowrie: {:.0} MB", theirs.held_mb),
            "≤ 0.5",
        );
    }
    Ok(())
}

fn load(server: &Server, address: &str, total: u32) -> Result<Figures> {
    let run = |total: &str| up::measure("ssh_load", &[address, "root", "x", COMMAND, "32", total]);
    run("64")?; // warm: keys loaded, pages faulted in
    let before = server.cpu()?;
    let result = run(&total.to_string())?;
    let cpu_ms = (server.cpu()? - before).as_secs_f64() * 1000.0 / f64::from(total);
    let number = |key: &str, value: &Value| value[key].as_f64().with_context(|| format!("no {key} in {value}"));

    // The load generator holds the prompts and says so in its line; memory is read while it holds them.
    let mut command = Command::new(up::example("ssh_load"));
    command.args([address, "root", "x", "--hold", HELD]).stdin(Stdio::piped());
    let mut holder = Server::start(&mut command)?;
    let mut line = String::new();
    BufReader::new(holder.0.stdout.take().context("piped")?).read_line(&mut line)?;
    serde_json::from_str::<Value>(&line).with_context(|| format!("the holder said \"{line}\""))?;
    std::thread::sleep(std::time::Duration::from_secs(3));
    let held_mb = server.resident_kb()? as f64 / 1024.0;
    Ok(Figures { rate: number("sessions_per_second", &result)?, cpu_ms, held_mb })
}
