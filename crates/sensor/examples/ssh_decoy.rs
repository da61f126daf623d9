//! The SSH decoy alone, for trying it and for measuring it: `cargo run --release --example ssh_decoy -- ADDRESS PERSONA DIRECTORY`.
//!
//! Keys, spool and captured files go to DIRECTORY. Prints the address it listens on.

use emulation::CredentialPolicy;
use model::{Protocol, Timestamp};
use persona::Instance;
use sensor::captures::{Captures, CapturesConfig};
use sensor::recorder::Recorder;
use sensor::spool::{Spool, SpoolConfig};
use sensor::ssh::{SshConnection, SshLimits, SshServer};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, name, directory] = arguments.as_slice() else { return Err("expected ADDRESS PERSONA DIRECTORY".into()) };
    let directory = PathBuf::from(directory);
    let persona = Arc::new(persona::builtin(name)?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    let local = listener.local_addr()?;
    let server = Arc::new(SshServer::new(&persona, &directory.join("keys"), SshLimits::default())?);
    let instance = Instance { seed: 1, booted: Timestamp::from(SystemTime::now()), address: local.ip() };
    let host = shell::Host::new(persona, instance)?;
    let spool = Spool::open(SpoolConfig::new(directory.join("spool")))?;
    let captures = Captures::open(CapturesConfig::new(directory.join("captures")))?;
    let policy = Arc::new(CredentialPolicy::Any);
    println!("{local}");
    loop {
        let (stream, peer) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let recorder = Recorder::new(spool.clone(), captures.clone(), peer.ip(), Protocol::Ssh);
        let shutdown = CancellationToken::new();
        let connection = SshConnection { recorder, host: host.clone(), policy: policy.clone(), peer, local, shutdown };
        let server = server.clone();
        tokio::spawn(async move { server.serve(stream, connection).await });
    }
}
