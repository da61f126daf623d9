//! Peers that keep every decoy that ships waiting: each session ends within the seconds configured, and says which.

use model::{Detail, Event, wire};
use sensor::captures::Captures;
use sensor::spool::Spool;
use sensor::{Config, Limits, Ports, Sensor};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const LOGIN_SECONDS: u64 = 3;
const TLS_SECONDS: u64 = 1;
/// Longer than a machine under load needs to notice, and shorter than the next longer limit.
const SLACK: Duration = Duration::from_secs(8);

/// What trickles in, byte by byte: the beginning of what each protocol is about, which never becomes whole.
const TRICKLES: &[(&str, &[u8], &str, u64)] = &[
    ("ssh", b"SSH-2.0-slow", "login_seconds_max", LOGIN_SECONDS),
    ("ssh", b"SSH-2.0-slow\r\n\0\0\x04", "login_seconds_max", LOGIN_SECONDS),
    ("telnet", b"root\r\npass", "login_seconds_max", LOGIN_SECONDS),
    ("http", b"GET / HTTP/1.1\r\nHost: a\r\nX-a: ", "login_seconds_max", LOGIN_SECONDS),
    ("http", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", "login_seconds_max", LOGIN_SECONDS),
    ("https", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "tls_handshake_seconds_max", TLS_SECONDS),
    ("https", b"", "tls_handshake_seconds_max", TLS_SECONDS),
];

fn events(spool: &Spool) -> Vec<Event> {
    let mut events = Vec::new();
    let Some(batch) = spool.next_batch(1 << 30, usize::MAX).unwrap() else { return events };
    let mut records = &batch.records[..];
    while let Some(record) = wire::decode(records).unwrap() {
        events.push(wire::decode_event(record.payload).unwrap());
        records = &records[wire::HEADER_BYTES + record.payload.len()..];
    }
    events
}

async fn trickle(mut stream: TcpStream, first: &'static [u8]) {
    for byte in first.iter().chain(std::iter::repeat(&b'a')) {
        // Nothing at all is the slowest trickle.
        if !first.is_empty() && stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_decoy_gives_up() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { login_seconds_max: LOGIN_SECONDS, tls_handshake_seconds_max: TLS_SECONDS, ..Limits::default() };
    let config = Config { listen: vec!["127.0.0.1".parse().unwrap()], ports: Ports::Auto, limits, ..Config::default() };
    let spool = Spool::open(config.spool.in_directory(folder.path())).unwrap();
    let captures = Captures::open(config.captures.in_directory(folder.path())).unwrap();
    let sensor = Sensor::start(&config, folder.path(), spool.clone(), captures).unwrap();

    let begun = Instant::now();
    let mut peers = Vec::new();
    for (name, first, limit, seconds) in TRICKLES {
        let address = sensor.decoys().iter().find(|decoy| decoy.name == *name).unwrap().address;
        let stream = TcpStream::connect(address).await.unwrap();
        peers.push((*name, *first, *limit, *seconds, stream.local_addr().unwrap(), tokio::spawn(trickle(stream, first))));
    }
    let patience = Duration::from_secs(LOGIN_SECONDS) + SLACK;
    let is_close = |event: &Event| matches!(event.detail, Detail::Close { .. });
    while events(&spool).iter().filter(|event| is_close(event)).count() < peers.len() {
        assert!(begun.elapsed() < patience, "some session goes on: {:#?}", events(&spool));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let events = events(&spool);
    for (name, first, limit, seconds, address, task) in peers {
        task.abort();
        let session = events.iter().find(|e| matches!(e.detail, Detail::Connect { peer, .. } if peer == address)).unwrap().session;
        let details: Vec<&Detail> = events.iter().filter(|event| event.session == session).map(|event| &event.detail).collect();
        let shown = format!("{name} after {}: {details:#?}", first.escape_ascii());
        assert!(details.contains(&&Detail::Limit { name: limit.into(), value: seconds }), "{shown}");
        let Some(Detail::Close { reason, duration_us, .. }) = details.last() else { panic!("{shown}") };
        assert_eq!(reason, "limit", "{shown}");
        assert!(Duration::from_micros(*duration_us) < Duration::from_secs(seconds) + SLACK, "{shown}");
    }
    assert_eq!(sensor.shutdown(SLACK).await, 0);
}
