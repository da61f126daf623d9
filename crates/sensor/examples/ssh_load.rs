//! Load for an SSH server: whole sessions (connect, password, one command, close), or pseudo-terminals held open.
//!
//! `ssh_load ADDRESS USER PASSWORD COMMAND CONCURRENCY TOTAL` runs TOTAL sessions, CONCURRENCY at once, and prints one line of JSON:
//! sessions, failures, seconds, sessions a second, and the latency's median and 99th percentile in microseconds.
//! `ssh_load ADDRESS USER PASSWORD --hold N` opens N shells on terminals, prints `{"held":N,"failed":…}`, and holds them until its standard
//! input ends.

use russh::client::{self, Config, Handle};
use russh::keys::PublicKeyOrCertificate;
use russh::{ChannelMsg, Preferred, cipher, compression, kex, mac};
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

struct AnyServer;

impl client::Handler for AnyServer {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// Where to, and as whom.
#[derive(Clone)]
struct Target {
    address: String,
    user: String,
    password: String,
    config: Arc<Config>,
}

impl Target {
    async fn connect(&self) -> Result<Handle<AnyServer>, russh::Error> {
        let mut session = client::connect(self.config.clone(), self.address.as_str(), AnyServer).await?;
        if session.authenticate_password(&self.user, &self.password).await?.success() {
            Ok(session)
        } else {
            Err(russh::Error::NotAuthenticated)
        }
    }

    async fn run(&self, command: &str) -> Result<(), russh::Error> {
        let session = self.connect().await?;
        let mut channel = session.channel_open_session().await?;
        channel.exec(true, command).await?;
        while let Some(message) = channel.wait().await {
            if matches!(message, ChannelMsg::Close) {
                break;
            }
        }
        session.disconnect(russh::Disconnect::ByApplication, "", "").await
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().unwrap_or_else(|_| fail(&format!("not a number: {text}")));
    let target = |address: &str, user: &str, password: &str| Target {
        address: address.to_owned(),
        user: user.to_owned(),
        password: password.to_owned(),
        config: Arc::new(config()),
    };
    match words[..] {
        [address, user, password, "--hold", count] => hold(target(address, user, password), number(count)).await,
        [address, user, password, command, concurrency, total] => {
            load(target(address, user, password), command.to_owned(), number(concurrency).max(1), number(total)).await;
        }
        _ => fail("expected ADDRESS USER PASSWORD COMMAND CONCURRENCY TOTAL, or ADDRESS USER PASSWORD --hold N"),
    }
}

fn fail(message: &str) -> ! {
    eprintln!("ssh_load: {message}");
    std::process::exit(2)
}

/// What a current OpenSSH client negotiates with a current server, as far as it is implemented.
fn config() -> Config {
    Config {
        preferred: Preferred {
            kex: Cow::Borrowed(&[kex::CURVE25519, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]),
            cipher: Cow::Borrowed(&[cipher::CHACHA20_POLY1305]),
            mac: Cow::Borrowed(&[mac::HMAC_SHA256_ETM]),
            compression: Cow::Borrowed(&[compression::NONE]),
            key: Cow::Borrowed(&[russh::keys::Algorithm::Ed25519]),
            ..Preferred::default()
        },
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    }
}

async fn load(target: Target, command: String, concurrency: usize, total: usize) {
    let begun = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let workers: Vec<_> = (0..concurrency)
        .map(|_| {
            let (target, command, begun) = (target.clone(), command.clone(), begun.clone());
            tokio::spawn(async move {
                let (mut latencies, mut failures) = (Vec::new(), 0_usize);
                while begun.fetch_add(1, Ordering::Relaxed) < total {
                    let start = Instant::now();
                    match target.run(&command).await {
                        Ok(()) => latencies.push(start.elapsed()),
                        Err(_) => failures += 1,
                    }
                }
                (latencies, failures)
            })
        })
        .collect();
    let (mut latencies, mut failures) = (Vec::new(), 0);
    for worker in workers {
        let (more, failed) = worker.await.unwrap_or_else(|e| fail(&e.to_string()));
        latencies.extend(more);
        failures += failed;
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| {
        latencies.get(((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1))).map_or(0, Duration::as_micros)
    };
    let report = serde_json::json!({
        "sessions": latencies.len(),
        "failures": failures,
        "seconds": seconds,
        "sessions_per_second": latencies.len() as f64 / seconds,
        "p50_us": at(0.5),
        "p99_us": at(0.99),
    });
    println!("{report}");
}

async fn hold(target: Target, count: usize) {
    let (mut held, mut failed) = (Vec::new(), 0);
    for _ in 0..count {
        match open_shell(&target).await {
            Ok(shell) => held.push(shell),
            Err(_) => failed += 1,
        }
    }
    println!("{}", serde_json::json!({ "held": held.len(), "failed": failed }));
    let wait = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = wait.await;
}

/// Opens a shell on a terminal and waits for its first output. The session and its channel are held together.
async fn open_shell(target: &Target) -> Result<(Handle<AnyServer>, russh::Channel<client::Msg>), russh::Error> {
    let session = target.connect().await?;
    let mut channel = session.channel_open_session().await?;
    channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await?;
    channel.request_shell(true).await?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Data { .. }) => return Ok((session, channel)),
            Some(ChannelMsg::Failure | ChannelMsg::Close) | None => return Err(russh::Error::Disconnect),
            Some(_) => {}
        }
    }
}
