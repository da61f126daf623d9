//! The least an SSH server can do with this library: any password, fixed bytes for any command, a prompt for a shell. It is the limit that the
//! decoy's figures are quoted beside. `ssh_bare ADDRESS` prints the address it listens on.

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, Config, Handler, Session, run_stream};
use russh::{Channel, ChannelId, Pty};
use std::sync::Arc;
use tokio::net::TcpListener;

struct Bare;

impl Handler for Bare {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<Auth, russh::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<russh::server::Msg>,
        reply: russh::server::ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        session.channel_success(channel)?;
        session.data(channel, b"root@host:~# ".to_vec())
    }

    async fn exec_request(&mut self, channel: ChannelId, _: &[u8], session: &mut Session) -> Result<(), russh::Error> {
        session.channel_success(channel)?;
        session.data(channel, vec![b'x'; 2000])?;
        session.exit_status_request(channel, 0)?;
        session.eof(channel)?;
        session.close(channel)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("expected ADDRESS")?;
    let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)?;
    let config = Arc::new(Config { keys: vec![key], inactivity_timeout: None, ..Config::default() });
    let listener = TcpListener::bind(address).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let config = config.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true).ok();
            if let Ok(session) = run_stream(config, stream, Bare).await {
                let _ = session.await;
            }
        });
    }
}
