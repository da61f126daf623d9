//! A sensor in a folder of its own, and what it recorded.

use crate::fake::DECOYS;
use model::{Detail, Event, wire};
use sensor::captures::Captures;
use sensor::spool::Spool;
use sensor::{Config, DecoyConfig, Limits, Ports, Sensor, StartError};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Longer than anything takes on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Running {
    pub sensor: Sensor,
    pub spool: Spool,
    pub folder: TempDir,
}

pub fn config(limits: Limits) -> Config {
    // SSH makes keys at its first start, which takes a second: only its own test asks for it.
    let enabled = |d: &emulation::Definition| (d.name.to_owned(), DecoyConfig { enabled: Some(d.name != "ssh"), ..DecoyConfig::default() });
    Config {
        listen: vec!["127.0.0.1".parse().unwrap()],
        ports: Ports::Auto,
        limits,
        decoys: DECOYS.iter().map(enabled).collect(),
        ..Config::default()
    }
}

pub fn start(config: &Config) -> Running {
    // Making a certificate takes a while; one serves all tests.
    static CERTIFICATE: OnceLock<Vec<u8>> = OnceLock::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls.pem");
    if let Some(pem) = CERTIFICATE.get() {
        std::fs::write(&path, pem).unwrap();
    }
    let spool = Spool::open(config.spool.in_directory(folder.path())).unwrap();
    let sensor = try_start(config, &folder, spool.clone()).unwrap();
    CERTIFICATE.get_or_init(|| std::fs::read(&path).unwrap());
    Running { sensor, spool, folder }
}

pub fn try_start(config: &Config, folder: &TempDir, spool: Spool) -> Result<Sensor, StartError> {
    let captures = Captures::open(config.captures.in_directory(folder.path())).unwrap();
    Sensor::start_decoys(DECOYS, config, folder.path(), spool, captures)
}

impl Running {
    pub fn address(&self, name: &str) -> SocketAddr {
        self.sensor.decoys().iter().find(|d| d.name == name).unwrap().address
    }

    pub async fn connect(&self, name: &str) -> TcpStream {
        self.connect_from(name, "127.0.0.1").await
    }

    pub async fn connect_from(&self, name: &str, source: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
        timeout(PATIENCE, socket.connect(self.address(name))).await.unwrap().unwrap()
    }

    /// Sends `input`, closes that side, and returns all that comes back.
    pub async fn talk(&self, name: &str, input: &[u8]) -> Vec<u8> {
        let mut stream = self.connect(name).await;
        stream.write_all(input).await.unwrap();
        stream.shutdown().await.unwrap();
        rest(&mut stream).await
    }

    /// Everything recorded so far.
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(batch) = self.spool.next_batch(1 << 30, usize::MAX).unwrap() else { return events };
        let mut records = &batch.records[..];
        while let Some(record) = wire::decode(records).unwrap() {
            events.push(wire::decode_event(record.payload).unwrap());
            records = &records[wire::HEADER_BYTES + record.payload.len()..];
        }
        events
    }

    /// The details of the sessions recorded, once `count` of them are closed; in the order in which they began.
    pub async fn sessions(&self, count: usize) -> Vec<Vec<Detail>> {
        let waiting = async {
            loop {
                let mut sessions: Vec<(model::SessionId, Vec<Detail>)> = Vec::new();
                for event in self.events() {
                    match sessions.iter_mut().find(|(id, _)| *id == event.session) {
                        Some((_, details)) => details.push(event.detail),
                        None => sessions.push((event.session, vec![event.detail])),
                    }
                }
                let closed = |details: &Vec<Detail>| matches!(details.last(), Some(Detail::Close { .. }));
                if sessions.iter().filter(|(_, details)| closed(details)).count() >= count {
                    return sessions.into_iter().map(|(_, details)| details).collect::<Vec<_>>();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, waiting).await.expect("the sessions are recorded to their end")
    }

    /// The only session's details.
    pub async fn session(&self) -> Vec<Detail> {
        let sessions = self.sessions(1).await;
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        sessions.into_iter().next().unwrap()
    }
}

/// Everything until the end; a reset is an end too.
pub async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    bytes
}

/// Reads until `end` has come.
pub async fn until(stream: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let byte = timeout(PATIENCE, stream.read_u8()).await.expect("an answer comes");
        bytes.push(byte.unwrap_or_else(|e| panic!("{e} after {}", bytes.escape_ascii())));
    }
    String::from_utf8(bytes).unwrap()
}

/// Why the session ended.
pub fn reason(details: &[Detail]) -> &str {
    match details.last() {
        Some(Detail::Close { reason, .. }) => reason,
        other => panic!("not closed: {other:?}"),
    }
}

/// The names of the limits reached.
pub fn limits_reached(details: &[Detail]) -> Vec<&str> {
    details.iter().filter_map(|d| if let Detail::Limit { name, .. } = d { Some(&**name) } else { None }).collect()
}

/// All bytes recorded as received, or as sent.
pub fn recorded(details: &[Detail], received: bool) -> Vec<u8> {
    let bytes = details.iter().filter_map(|detail| match detail {
        Detail::Rx { data } if received => Some(data.as_bytes()),
        Detail::Tx { data } if !received => Some(data.as_bytes()),
        _ => None,
    });
    bytes.flatten().copied().collect()
}
