//! A decoy on a loopback port, what it recorded, and a client for it.

use emulation::CredentialPolicy;
use model::{Detail, Protocol, Timestamp, wire};
use persona::{Instance, Persona};
use russh::client::{self, Handle};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg, ChannelReadHalf};
use sensor::CloseReason;
use sensor::captures::{Captures, CapturesConfig};
use sensor::recorder::Recorder;
use sensor::spool::{Spool, SpoolConfig};
use sensor::ssh::{SshConnection, SshLimits, SshServer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The Ubuntu persona with the quickest host key, no waiting and every method.
fn persona() -> Arc<Persona> {
    let builtin = persona::builtin("ubuntu-web").unwrap();
    let text = include_str!("../../../../personas/ubuntu-web/persona.toml");
    let (before, after) = text.split_once("[services.ssh]\n").unwrap();
    // The persona's own settings end at the next table.
    let (_, after) = after.split_once("\n[").unwrap();
    let settings = r#"
        version = "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10"
        host_keys = ["ssh-ed25519"]
        failure_milliseconds = 5
        banner = "Authorised use only\n"
    "#;
    let mut files = builtin.files.clone();
    files.insert("persona.toml".to_owned(), Arc::from(format!("{before}[services.ssh]\n{settings}\n[{after}").as_bytes()));
    Arc::new(Persona::parse("test", files).unwrap())
}

pub struct Decoy {
    pub address: SocketAddr,
    pub spool: Spool,
    pub directory: TempDir,
    closed: mpsc::UnboundedReceiver<CloseReason>,
}

impl Decoy {
    pub async fn start(policy: CredentialPolicy, limits: SshLimits) -> Decoy {
        let directory = tempfile::tempdir().unwrap();
        let persona = persona();
        let server = Arc::new(SshServer::new(&persona, &directory.path().join("keys"), limits).unwrap());
        let booted = Timestamp::from(SystemTime::now());
        let host = shell::Host::new(persona, Instance { seed: 7, booted, address: "192.0.2.7".parse().unwrap() }).unwrap();
        let spool = Spool::open(SpoolConfig::new(directory.path().join("spool"))).unwrap();
        let captures = Captures::open(CapturesConfig::new(directory.path().join("captures"))).unwrap();
        let policy = Arc::new(policy);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, closed) = mpsc::unbounded_channel();
        let spool_of_sessions = spool.clone();
        tokio::spawn(async move {
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                let recorder = Recorder::new(spool_of_sessions.clone(), captures.clone(), peer.ip(), Protocol::Ssh);
                let shutdown = CancellationToken::new();
                let connection = SshConnection { recorder, host: host.clone(), policy: policy.clone(), peer, local: address, shutdown };
                let (server, tell) = (server.clone(), tell.clone());
                tokio::spawn(async move { tell.send(server.serve(stream, connection).await) });
            }
        });
        Decoy { address, spool, directory, closed }
    }

    pub async fn any() -> Decoy {
        Decoy::start(CredentialPolicy::Any, SshLimits::default()).await
    }

    /// Waits for the end of a session: why it ended. Everything it recorded is there then.
    pub async fn closed(&mut self) -> CloseReason {
        tokio::time::timeout(Duration::from_secs(20), self.closed.recv()).await.expect("the session ends").unwrap()
    }

    /// What was recorded so far.
    pub fn details(&self) -> Vec<Detail> {
        let Some(batch) = self.spool.next_batch(usize::MAX, usize::MAX).unwrap() else { return Vec::new() };
        let (mut rest, mut details) = (&batch.records[..], Vec::new());
        while let Some(record) = wire::decode(rest).unwrap() {
            details.push(wire::decode_event(record.payload).unwrap().detail);
            rest = &rest[wire::HEADER_BYTES + record.payload.len()..];
        }
        details
    }

    /// Logs in as root.
    pub async fn login(&self) -> Client {
        let mut client = Client::connect(self.address).await;
        assert!(client.session.authenticate_password("root", "hunter2").await.unwrap().success());
        client
    }

    /// Sends bytes without speaking SSH; what the server said until it hung up.
    pub async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is how a hung-up server looks, too.
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }
}

pub struct AnyServer;

impl client::Handler for AnyServer {
    type Error = russh::Error;
    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

pub struct Client {
    pub session: Handle<AnyServer>,
}

/// What a command did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ran {
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    pub status: Option<u32>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Client {
        Client { session: client::connect(Arc::new(client::Config::default()), address, AnyServer).await.unwrap() }
    }

    pub async fn channel(&self) -> Channel<client::Msg> {
        self.session.channel_open_session().await.unwrap()
    }

    /// Runs a command with standard input.
    pub async fn run(&self, command: &str, stdin: &[u8]) -> Ran {
        let channel = self.channel().await;
        channel.exec(true, command).await.unwrap();
        let (read, write) = channel.split();
        let send = async {
            write.data(stdin).await.unwrap();
            write.eof().await.unwrap();
        };
        let work = async { tokio::join!(send, collect(read)).1 };
        tokio::time::timeout(Duration::from_secs(20), work).await.unwrap_or_else(|_| panic!("{command} hangs"))
    }

    pub async fn leave(self) {
        self.session.disconnect(russh::Disconnect::ByApplication, "", "").await.unwrap();
    }
}

/// Collects a channel's output until it closes.
pub async fn finish(channel: Channel<client::Msg>) -> Ran {
    collect(channel.split().0).await
}

async fn collect(mut channel: ChannelReadHalf) -> Ran {
    let mut ran = Ran::default();
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => ran.out.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, ext: 1 } => ran.err.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => ran.status = Some(exit_status),
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    ran
}

/// Reads output until it contains `wanted`.
pub async fn until(channel: &mut Channel<client::Msg>, wanted: &str) -> String {
    let mut output = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&output).contains(wanted) {
            match channel.wait().await {
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => output.extend_from_slice(&data),
                Some(_) => {}
                None => break,
            }
        }
    };
    let timely = tokio::time::timeout(Duration::from_secs(10), read).await.is_ok();
    let text = String::from_utf8_lossy(&output).into_owned();
    assert!(timely && text.contains(wanted), "waiting for {wanted:?}, got {text:?}");
    text
}
