//! The peer: Cowrie, installed from its package into a virtual environment under `target/`.

use super::process::{Server, free_port};
use crate::run::run;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "cowrie==3.1.4";

/// Starts Cowrie with SSH on a free port, any password accepted, JSON log on; gives it and its address.
pub fn start() -> Result<(Server, String)> {
    let base = std::env::current_dir()?.join("target/bench/cowrie");
    let python = base.join("venv/bin/python");
    if !base.join("venv/bin/twistd").exists() {
        std::fs::create_dir_all(&base)?;
        let venv = base.join("venv");
        run("python3", &["-m", "venv", &venv.to_string_lossy()])?;
        run(&python.to_string_lossy(), &["-m", "pip", "install", "--quiet", VERSION])?;
    }
    let port = free_port()?;
    let folder = base.join("run");
    configure(&folder, port)?;
    // It refuses to run as root; in a user namespace it is somebody else.
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=1000"]).arg(base.join("venv/bin/twistd")).args(["-n", "--pidfile=", "-l", "twistd.log", "cowrie"]);
    command.current_dir(&folder);
    let mut server = Server::start(&mut command)?;
    let address = format!("127.0.0.1:{port}");
    server.wait_for(&address)?;
    Ok((server, address))
}

fn configure(folder: &Path, port: u16) -> Result<()> {
    let _ = std::fs::remove_dir_all(folder);
    let sub = |path: &str| -> PathBuf { folder.join(path) };
    for path in ["etc", "var/log/cowrie", "var/lib/cowrie/tty", "var/lib/cowrie/downloads"] {
        std::fs::create_dir_all(sub(path))?;
    }
    std::fs::write(sub("etc/userdb.txt"), "root:x:*\n")?;
    std::fs::write(
        sub("etc/cowrie.cfg"),
        format!(
            "[honeypot]\nlog_path = var/log/cowrie\nstate_path = var/lib/cowrie\ndownload_path = var/lib/cowrie/downloads\n\
             ttylog_path = var/lib/cowrie/tty\n[ssh]\nenabled = true\nlisten_endpoints = tcp:{port}:interface=127.0.0.1\n\
             [telnet]\nenabled = false\n[output_jsonlog]\nenabled = true\nlogfile = var/log/cowrie/cowrie.json\n"
        ),
    )?;
    Ok(())
}
