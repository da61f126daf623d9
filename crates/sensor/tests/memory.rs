//! How much memory peers can make a sensor use. Apart from the other tests, because it is measured for the whole process.

#[path = "runtime/fake.rs"]
mod fake;
#[path = "runtime/harness.rs"]
#[allow(dead_code)] // shared with the other tests, which use the rest of it
mod harness;

use harness::*;
use sensor::Limits;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

static ALONE: Mutex<()> = Mutex::const_new(());

/// The resident set of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn a_line_without_end_takes_no_memory_and_ends_at_the_byte_limit() {
    let _alone = ALONE.lock().await;
    let limits = Limits { session_bytes_max: 1 << 30, ..Limits::default() };
    let running = start(&config(limits));
    let mut stream = running.connect("lines").await;
    let (piece, before) = (vec![b'a'; 1 << 16], resident());
    let mut sent = 0_u64;
    let mut most = 0;
    while stream.write_all(&piece).await.is_ok() && sent < 2 << 30 {
        sent += piece.len() as u64;
        if sent.is_multiple_of(64 << 20) {
            most = most.max(resident().saturating_sub(before));
        }
    }
    assert!((1 << 30..2 << 30).contains(&sent), "ended after {sent} bytes");
    assert!(most < 32 << 20, "{most} bytes more were used");
    let details = running.session().await;
    assert_eq!(reason(&details), "limit");
    let reached = limits_reached(&details);
    assert!(reached.contains(&"line_bytes_max") && reached.contains(&"session_bytes_max"), "{reached:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_connections_cost_little() {
    const CONNECTIONS: usize = 1500;
    let _alone = ALONE.lock().await;
    let limits = Limits { address_sessions_max: u32::MAX, address_sessions_per_minute_max: u32::MAX, ..Limits::default() };
    let running = start(&config(limits));
    let mut held = Vec::new();
    let mut open = async |count| {
        for _ in 0..count {
            let mut stream = running.connect("lines").await;
            until(&mut stream, "hello\n").await;
            held.push(stream);
        }
    };
    open(100).await; // what is there only once
    let before = resident();
    open(CONNECTIONS).await;
    let each = resident().saturating_sub(before) / CONNECTIONS;
    assert!(each < 20_000, "{each} bytes a connection, our own end included");
    assert_eq!(running.sensor.sessions_open(), CONNECTIONS + 100);
}
