//! Measures `check`: a million known addresses, asked for at a fixed rate over kept connections. Latencies count from when a request was due,
//! so that a stall is not hidden by the requests it held up. One JSON line on standard output.
//!
//! `cargo run --release -p hub --example check_load -- [ADDRESSES] [REQUESTS_PER_SECOND] [SECONDS] [CONNECTIONS]`

#[path = "../tests/support/mod.rs"]
mod support;

use model::Timestamp;
use std::path::Path;
use std::time::{Duration, Instant};
use store::{Commit, ProtocolCount, Reputation, ReputationRow, SqliteState, State};
use support::{Client, hub, public_address};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>().expect("a number"));
    let addresses = arguments.next().unwrap_or(1_000_000);
    let rate = arguments.next().unwrap_or(10_000);
    let seconds = arguments.next().unwrap_or(10);
    let connections = arguments.next().unwrap_or(16);
    let folder = tempfile::tempdir().expect("a temporary folder");
    fill(folder.path(), addresses);
    let memory_before = memory_kb();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let begun = Instant::now();
        let hub = hub(folder.path()).await;
        let started = begun.elapsed();
        let memory = memory_kb().saturating_sub(memory_before);
        let key = hub::admin::admin_key(folder.path()).expect("a key");
        let begun = Instant::now();
        let gap = Duration::from_secs(1) * connections / rate;
        let requests = rate * seconds / connections;
        let tasks: Vec<_> = (0..connections)
            .map(|connection| {
                let (address, key) = (hub.address(), key.clone());
                tokio::spawn(async move {
                    let mut client = Client::connect(address, Some(&key)).await;
                    let mut latencies = Vec::with_capacity(requests as usize);
                    let mut number = connection.wrapping_mul(0x9e37_79b9);
                    for request in 0..requests {
                        // Connections are staggered inside a gap.
                        let due = begun + gap * request + gap * connection / connections;
                        tokio::time::sleep_until(due.into()).await;
                        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let ip = public_address(number % addresses);
                        // A timer of a millisecond's grain may wake late; the hub is measured from when it was asked.
                        let asked = Instant::now();
                        let answer = client.send("GET", &format!("/v1/key/check/{ip}"), "", b"").await.expect("an answer");
                        assert_eq!(answer.status, 200);
                        latencies.push((asked.elapsed(), due.elapsed()));
                    }
                    latencies
                })
            })
            .collect();
        let (mut asked, mut due) = (Vec::new(), Vec::new());
        for task in tasks {
            for (from_asked, from_due) in task.await.expect("a client") {
                asked.push(from_asked);
                due.push(from_due);
            }
        }
        let elapsed = begun.elapsed();
        asked.sort_unstable();
        due.sort_unstable();
        let at = |list: &[Duration], share: f64| list[((list.len() - 1) as f64 * share) as usize].as_micros();
        println!(
            "{}",
            serde_json::json!({
                "addresses": addresses, "requests": asked.len(),
                "rate": (asked.len() as f64 / elapsed.as_secs_f64()).round(),
                "p50_us": at(&asked, 0.5), "p99_us": at(&asked, 0.99), "p999_us": at(&asked, 0.999), "max_us": at(&asked, 1.0),
                "p50_from_due_us": at(&due, 0.5), "p99_from_due_us": at(&due, 0.99),
                "start_ms": started.as_millis(), "index_bytes_per_address": memory * 1024 / u64::from(addresses),
            })
        );
        hub.shutdown().await;
    });
}

/// Reputations as attacks leave them: mostly one behavior and a few primitives.
fn fill(data: &Path, addresses: u32) {
    let mut state = SqliteState::open(&data.join("state.sqlite")).expect("a database");
    let mut names = vec![(0, "protocol:ssh".to_owned()), (1, "protocol:telnet".to_owned()), (2, "behavior:login-only".to_owned())];
    names.extend((3..60).map(|number| (number, format!("primitive:p{number}"))));
    state.commit(&Commit { names, ..Commit::default() }).expect("a commit");
    let now = Timestamp::from(std::time::SystemTime::now());
    for first in (0..addresses).step_by(50_000) {
        let row = |number: u32| {
            let sessions = u64::from(number % 40) + 1;
            let last_seen = Timestamp(now.0 - i64::from(number % 2_000_000) * 1_000_000);
            let reputation = Reputation {
                first_seen: Timestamp(last_seen.0 - 3_600_000_000),
                last_seen,
                sessions,
                events: sessions * 11,
                protocols: vec![ProtocolCount { name: number % 2, sessions, events: sessions * 11 }],
                behaviors: vec![(2, sessions)],
                primitives: (0..number % 6).map(|index| (3 + (number + index * 7) % 57, sessions)).collect(),
            };
            ReputationRow { address: public_address(number), last_seen, body: reputation.encode() }
        };
        let reputations = (first..addresses.min(first + 50_000)).map(row).collect();
        state.commit(&Commit { reputations, ..Commit::default() }).expect("a commit");
    }
}

fn memory_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    line.unwrap_or(0)
}
