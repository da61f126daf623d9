//! Measures ingest: batches of sensors over HTTP until every event is durable and every session is judged, and beside it what plain SQLite
//! does with the same rows and batches. One JSON line on standard output.
//!
//! `cargo run --release -p hub --example ingest_load -- [EVENTS] [BATCH] [CONNECTIONS]`

#[path = "../tests/support/mod.rs"]
mod support;

use model::Timestamp;
use std::time::Instant;
use store::{EventLog, EventRow, SqliteEventLog};
use support::{Client, batch_headers, enrol, frame, hub, public_address, records, settled, ssh_session};

const SESSION_EVENTS: usize = 11;
const ADDRESSES: u32 = 20_000;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().expect("a number"));
    let events = arguments.next().unwrap_or(600_000);
    let batch = arguments.next().unwrap_or(2_000);
    let connections = arguments.next().unwrap_or(4);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let sensors: Vec<_> = (0..connections).map(|sensor| traffic(events / connections, sensor)).collect();

    let hub_rate = runtime.block_on(async {
        let hub = hub(folder.path()).await;
        let mut senders = Vec::new();
        for (number, events) in sensors.iter().enumerate() {
            let (id, key) = enrol(&hub, folder.path(), &format!("load-{number}")).await;
            let chunks = events.chunks(batch).enumerate();
            let bodies: Vec<_> = chunks.map(|(at, chunk)| frame(&records((at * batch) as u64 + 1, chunk))).collect();
            senders.push((id, key, bodies));
        }
        let begun = Instant::now();
        let tasks: Vec<_> = senders
            .into_iter()
            .map(|(id, key, bodies)| {
                let address = hub.address();
                tokio::spawn(async move {
                    let mut client = Client::connect(address, Some(&key)).await;
                    let headers = batch_headers(id);
                    for body in bodies {
                        let answer = client.send("POST", "/v1/sensor/batches", &headers, &body).await.expect("an answer");
                        assert_eq!(answer.status, 200, "{}", answer.text());
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a sender");
        }
        let durable = begun.elapsed();
        let health = settled(hub.address()).await;
        let judged = begun.elapsed();
        let sent: usize = sensors.iter().map(Vec::len).sum();
        assert_eq!(health["ingest"]["storedEvents"], sent);
        hub.shutdown().await;
        (sent as f64 / durable.as_secs_f64(), sent as f64 / judged.as_secs_f64())
    });
    let sqlite = raw_sqlite(&sensors, batch);
    println!(
        "{}",
        serde_json::json!({
            "events": events, "batch": batch, "connections": connections,
            "durable_per_second": hub_rate.0.round(), "judged_per_second": hub_rate.1.round(),
            "raw_sqlite_per_second": sqlite.round(), "ratio": (hub_rate.1 / sqlite * 100.0).round() / 100.0,
            "peak_memory_kb": peak_memory_kb(),
        })
    );
}

/// Sessions of one sensor; 16 at a time are under way, as attacks overlap.
fn traffic(events: usize, sensor: usize) -> Vec<model::Event> {
    let start = Timestamp::from(std::time::SystemTime::now());
    let mut all = Vec::with_capacity(events);
    let mut id = (sensor as u64) << 32;
    while all.len() < events {
        let sessions: Vec<_> = (0..16)
            .map(|_| {
                id += 1;
                let address = public_address((id as u32).wrapping_mul(2_654_435_761) % ADDRESSES);
                ssh_session(id, address, Timestamp(start.0 - 600_000_000 + (id as u32 as i64) * 1000))
            })
            .collect();
        for step in 0..SESSION_EVENTS {
            all.extend(sessions.iter().map(|session| session[step].clone()));
        }
    }
    all
}

/// The limit: the same rows, encoded beforehand, in transactions of the same size on one thread.
fn raw_sqlite(sensors: &[Vec<model::Event>], batch: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut log = SqliteEventLog::open(folder.path()).expect("a log");
    let bodies: Vec<Vec<_>> = sensors.iter().map(|events| events.iter().map(model::wire::encode_event).collect()).collect();
    let begun = Instant::now();
    let mut count = 0;
    for (sensor, (events, bodies)) in (1..).zip(sensors.iter().zip(&bodies)) {
        for (at, chunk) in events.chunks(batch).enumerate() {
            let first = at * batch;
            let mut rows = chunk.iter().enumerate().map(|(index, event)| EventRow {
                sensor,
                sequence: (first + index) as u64 + 1,
                time: event.time,
                session: event.session,
                body: &bodies[first + index],
            });
            log.append(20_000, &mut rows, &[]).expect("an append");
            count += chunk.len();
        }
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
}
