//! What the tests need beyond Rust: the real clients that attack the decoys.

use crate::run::{exists, run, run_with};
use anyhow::{Result, bail};

/// A program the tests start, and the Debian package that holds it.
const CLIENTS: &[(&str, &str)] = &[
    ("ssh", "openssh-client"),
    ("scp", "openssh-client"),
    ("sftp", "openssh-client"),
    ("sshpass", "sshpass"),
    ("telnet", "telnet"),
    ("curl", "curl"),
    ("nmap", "nmap"),
    ("script", "bsdutils"),
];

/// Installs the missing ones. Nothing is done, and no privileges are needed, when all are there.
pub fn ensure() -> Result<()> {
    let mut missing: Vec<&str> = CLIENTS.iter().filter(|(program, _)| !exists(program)).map(|(_, package)| *package).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    if !exists("apt-get") {
        bail!("the tests need these Debian packages or their like: {}", missing.join(" "));
    }
    let mut install = vec!["apt-get", "install", "-y", "--no-install-recommends"];
    install.extend(&missing);
    let as_root: &[&str] = if exists("sudo") && !is_root() { &["sudo"] } else { &[] };
    let update: Vec<&str> = as_root.iter().copied().chain(["apt-get", "update"]).collect();
    let install: Vec<&str> = as_root.iter().copied().chain(install).collect();
    run(update[0], &update[1..])?;
    run_with(install[0], &install[1..], &[("DEBIAN_FRONTEND", "noninteractive")])
}

fn is_root() -> bool {
    std::process::Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0")
}
