//! `cargo xtask bench`: each figure beside its limit or its peer, measured in the same run.

mod check;
mod cowrie;
mod ingest;
mod process;
mod replay;
mod report;
mod ssh;
mod up;

use crate::run::run as execute;
use anyhow::{Result, bail};
use clap::Args;
use report::Report;
use std::path::PathBuf;

/// What to measure.
#[derive(Args)]
pub struct Arguments {
    /// `ingest`, `check`, `ssh`, `replay`; all of them when none is named.
    names: Vec<String>,
    /// A Cowrie JSON log (plain or gzip) for `replay`; without it, a synthetic one is made.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Leave the peers out: no download, no ratios to them.
    #[arg(long)]
    no_peers: bool,
}

const NAMES: &[&str] = &["ingest", "check", "ssh", "replay"];

/// Measures and prints.
pub fn run(arguments: &Arguments) -> Result<()> {
    if let Some(unknown) = arguments.names.iter().find(|n| !NAMES.contains(&n.as_str())) {
        bail!("unknown benchmark \"{unknown}\": expected one of {}", NAMES.join(", "));
    }
    execute("cargo", &["build", "--release", "--locked", "--package", "honeyguide", "--bins"])?;
    execute("cargo", &["build", "--release", "--locked", "--package", "sensor", "--package", "hub", "--examples"])?;
    let mut report = Report::default();
    let wanted = |name: &str| arguments.names.is_empty() || arguments.names.iter().any(|n| n == name);
    if wanted("ingest") {
        ingest::measure(&mut report)?;
    }
    if wanted("check") {
        check::measure(&mut report)?;
    }
    if wanted("replay") {
        replay::measure(arguments.log.as_deref(), &mut report)?;
    }
    if wanted("ssh") {
        ssh::measure(!arguments.no_peers, &mut report)?;
    }
    println!("{report}");
    Ok(())
}
