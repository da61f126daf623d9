//! A whole sensor without a hub, for trying it and for measuring it: `cargo run --release --example decoys -- DIRECTORY PERSONA`.
//!
//! Keys, spool and captured files go to DIRECTORY. Listens on loopback, on the unprivileged ports; no limit on sessions of one address, so
//! that one machine can press it. Prints where the decoys are; Ctrl-C stops it.

use sensor::captures::Captures;
use sensor::spool::Spool;
use sensor::{Config, Limits, Sensor};
use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, persona] = arguments.as_slice() else { return Err("expected DIRECTORY PERSONA".into()) };
    let directory = PathBuf::from(directory);
    let limits = Limits { address_sessions_max: u32::MAX, address_sessions_per_minute_max: u32::MAX, ..Limits::default() };
    let config = Config {
        persona: persona.clone(),
        listen: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        limits,
        ..Config::default()
    };
    let spool = Spool::open(config.spool.in_directory(&directory))?;
    let captures = Captures::open(config.captures.in_directory(&directory))?;
    let sensor = Sensor::start(&config, &directory, spool.clone(), captures)?;
    for decoy in sensor.decoys() {
        println!("{} {}/{}", decoy.name, decoy.address, decoy.transport);
    }
    tokio::signal::ctrl_c().await?;
    let left = sensor.shutdown(Duration::from_secs(5)).await;
    spool.close();
    println!("{left} tasks left, {:?}", spool.stats());
    Ok(())
}
