//! The server's side of the connection protocol (RFC 4254), as russh calls it.

use super::auth::Login;
use super::connection::Connection;
use super::program::{self, Program, Running, Terminal};
use super::scp::Transfer;
use super::sftp::Site;
use super::tunnel::Tunnel;
use model::{Blob, Detail, Timestamp};
use russh::keys::ssh_encoding::lossless::bytes;
use russh::keys::{Certificate, HashAlg, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Error, Pty, Sig};
use shell::{Input, Machine};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// Waiting input from which the connection is slowed down, so that a command that does read it can catch up.
const STDIN_BYTES_BEFORE_PAUSE: usize = 256 * 1024;
const STDIN_PAUSE: Duration = Duration::from_millis(2);

/// One connection.
pub(super) struct Handler {
    pub connection: Arc<Connection>,
    pub host: shell::Host,
    pub site: Arc<Site>,
    pub peer: SocketAddr,
    pub local: SocketAddr,
    login: Login,
    user: String,
    /// Made at the first use; all channels share it.
    machine: Option<Machine>,
    channels: HashMap<ChannelId, Slot>,
}

/// What a channel is doing.
enum Slot {
    /// A session that has not been told what to run.
    Session(Option<Terminal>),
    Running(Running),
    Tunnel(Tunnel),
}

impl Handler {
    pub(super) fn new(connection: Arc<Connection>, host: shell::Host, site: Arc<Site>, peer: SocketAddr, local: SocketAddr) -> Handler {
        let login = Login::new(connection.clone());
        Handler { connection, host, site, peer, local, login, user: String::new(), machine: None, channels: HashMap::new() }
    }

    fn machine(&mut self) -> Machine {
        let login = || shell::Login {
            user: self.user.clone(),
            peer: self.peer,
            local: self.local,
            now: Timestamp::from(SystemTime::now()),
            observer: Arc::new(self.connection.recorder.clone()),
        };
        self.machine.get_or_insert_with(|| self.host.login(login())).clone()
    }

    /// Remembers the account when it was let in.
    fn answer(&mut self, user: &str, auth: Auth) -> Result<Auth, Error> {
        if auth == Auth::Accept {
            // An account name that is not text is none of the host's in any case.
            self.user = String::from_utf8_lossy(&bytes(user)).into_owned();
        }
        Ok(auth)
    }

    /// Runs a program on a session channel that does not run one yet (RFC 4254 section 6.5: only one request per channel can succeed).
    fn start(&mut self, id: ChannelId, session: &mut Session, program: impl FnOnce(Option<Terminal>) -> Program) -> Result<(), Error> {
        let terminal = match self.channels.get_mut(&id) {
            Some(Slot::Session(terminal)) => terminal.take(),
            _ => return session.channel_failure(id),
        };
        session.channel_success(id)?;
        let machine = self.machine();
        let on_terminal = terminal.is_some();
        let running = program::start(&self.connection, session.handle(), id, machine, program(terminal), on_terminal);
        self.channels.insert(id, Slot::Running(running));
        Ok(())
    }

    /// Counts only what is open; commands whose channel has been closed count while they run.
    fn sessions(&self) -> usize {
        let open = self.channels.values().filter(|slot| !matches!(slot, Slot::Tunnel(_))).count();
        open.max(self.connection.tasks.len().saturating_sub(self.tunnels()))
    }

    fn tunnels(&self) -> usize {
        self.channels.values().filter(|slot| matches!(slot, Slot::Tunnel(_))).count()
    }

    async fn open_tunnel(&mut self, id: ChannelId, host: &[u8], port: u32, reply: ChannelOpenHandle) {
        if self.tunnels() >= self.connection.limits.tunnels_max {
            return reply.reject(ChannelOpenFailure::ResourceShortage).await;
        }
        match Tunnel::open(&self.connection, host, port) {
            Some(tunnel) => {
                self.channels.insert(id, Slot::Tunnel(tunnel));
                reply.accept().await;
            }
            None if self.connection.profile.tcp_forwarding => {
                reply.reject(ChannelOpenFailure::Other { code: SSH_OPEN_CONNECT_FAILED, reason: "Connection refused".to_owned() }).await;
            }
            None => reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await,
        }
    }

    /// Records a request that is not about a command; false when it was one too many.
    fn noted(&self, request: &'static str, details: impl Into<Blob>) -> bool {
        self.connection.fingerprint("ssh_request", request, details)
    }
}

/// RFC 4254 section 5.1.
const SSH_OPEN_CONNECT_FAILED: u32 = 2;

/// The most columns and rows a terminal is given; a real one has 16 bits for each.
fn size(columns: u32, rows: u32) -> (u16, u16) {
    let clamp = |n: u32, default: u16| if n == 0 { default } else { u16::try_from(n).unwrap_or(u16::MAX) };
    (clamp(columns, 80), clamp(rows, 24))
}

fn address_and_port(address: &str, port: u32) -> Vec<u8> {
    [&bytes(address)[..], format!(":{port}").as_bytes()].concat()
}

fn openssh(key: &PublicKey) -> Vec<u8> {
    key.to_openssh().unwrap_or_default().into_bytes()
}

impl russh::server::Handler for Handler {
    type Error = Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Error> {
        Ok(self.connection.profile.banner.clone())
    }

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Error> {
        Ok(self.login.none(&bytes(user)).await)
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Error> {
        let auth = self.login.secret("password", &bytes(user), &bytes(password)).await;
        self.answer(user, auth)
    }

    async fn auth_keyboard_interactive<'a>(&'a mut self, user: &str, _: &str, response: Option<Response<'a>>) -> Result<Auth, Error> {
        let auth = match response {
            None => self.login.prompt(&bytes(user)).await,
            Some(answers) => {
                let answers: Vec<::bytes::Bytes> = answers.collect();
                self.login.secret("keyboard-interactive", &bytes(user), &answers.join(&b'\n')).await
            }
        };
        self.answer(user, auth)
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Error> {
        let fingerprint = offer.public_key.fingerprint(HashAlg::Sha256).to_string();
        Ok(self.login.key_offered(&bytes(user), &openssh(offer.public_key), &fingerprint).await)
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Error> {
        let auth = self.login.key(&bytes(user), &openssh(key.public_key)).await;
        self.answer(user, auth)
    }

    async fn auth_openssh_certificate(&mut self, user: &str, certificate: &Certificate) -> Result<Auth, Error> {
        let auth = self.login.key(&bytes(user), certificate.to_openssh().unwrap_or_default().as_bytes()).await;
        self.answer(user, auth)
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Error> {
        self.connection.authenticated.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn channel_open_session(&mut self, channel: Channel<Msg>, reply: ChannelOpenHandle, _: &mut Session) -> Result<(), Error> {
        if self.sessions() >= self.connection.limits.sessions_max {
            // sshd's answer to a session beyond MaxSessions.
            reply.reject(ChannelOpenFailure::Other { code: SSH_OPEN_CONNECT_FAILED, reason: "open failed".to_owned() }).await;
        } else {
            self.channels.insert(channel.id(), Slot::Session(None));
            reply.accept().await;
        }
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.open_tunnel(channel.id(), &bytes(host), port, reply).await;
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        // Recorded as a tunnel to port 0, and refused: no daemon of the fake host listens on a socket.
        self.open_tunnel(channel.id(), &bytes(path), 0, reply).await;
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Error> {
        self.channels.remove(&id);
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Error> {
        if let Some(Slot::Running(running)) = self.channels.get_mut(&id) {
            running.stdin = None;
        }
        Ok(())
    }

    async fn data(&mut self, id: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Error> {
        match self.channels.get_mut(&id) {
            Some(Slot::Running(running)) => {
                self.connection.rx(data);
                let Some(stdin) = &mut running.stdin else { return Ok(()) };
                let stdin_bytes_max = self.connection.limits.stdin_bytes_max;
                if !stdin.push(Input::Bytes(data.to_vec()), stdin_bytes_max) {
                    self.connection.limit_once(&self.connection.stdin_dropped, "stdin_bytes_max", stdin_bytes_max as u64);
                }
                let waiting = stdin.waiting_bytes();
                if waiting > STDIN_BYTES_BEFORE_PAUSE {
                    // Twice as long for each further eighth of what may wait: nothing is dropped unless the command does not read at all.
                    let eighths = waiting.saturating_mul(8) / stdin_bytes_max.max(1);
                    tokio::time::sleep(STDIN_PAUSE * (1 << eighths.min(8))).await;
                }
            }
            Some(Slot::Tunnel(tunnel)) => tunnel.data(&self.connection, session.handle(), id, data),
            // Sent to a session that runs nothing: there is nobody to read it, but it is worth knowing.
            Some(Slot::Session(_)) => self.connection.rx(data),
            None => {}
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Error> {
        let (columns, rows) = size(columns, rows);
        let recorded = self.connection.fingerprint("terminal", bytes(term), format!("{columns}x{rows}"));
        match self.channels.get_mut(&id) {
            Some(Slot::Session(terminal @ None)) if recorded => {
                *terminal = Some(Terminal { term: String::from_utf8_lossy(&bytes(term)).into_owned(), columns, rows });
                session.channel_success(id)
            }
            _ => session.channel_failure(id),
        }
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Error> {
        let (columns, rows) = size(columns, rows);
        match self.channels.get_mut(&id) {
            Some(Slot::Session(Some(terminal))) => (terminal.columns, terminal.rows) = (columns, rows),
            Some(Slot::Running(Running { stdin: Some(stdin), terminal: true, .. })) => {
                // One that is dropped is made up for by the next.
                stdin.push(Input::Resize(columns, rows), self.connection.limits.stdin_bytes_max);
            }
            _ => {}
        }
        session.channel_success(id)
    }

    async fn env_request(&mut self, id: ChannelId, name: &str, value: &str, session: &mut Session) -> Result<(), Error> {
        let recorded = self.connection.fingerprint("environment", [&bytes(name)[..], b"=", &bytes(value)].concat(), Blob::default());
        if recorded && self.connection.profile.accepts_environment(&bytes(name)) {
            session.channel_success(id)
        } else {
            session.channel_failure(id)
        }
    }

    async fn x11_request(
        &mut self,
        id: ChannelId,
        _: bool,
        protocol: &str,
        cookie: &str,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Error> {
        // A server has no xauth, and sshd refuses without.
        self.noted("x11-req", [&bytes(protocol)[..], b" ", &bytes(cookie)].concat());
        session.channel_failure(id)
    }

    async fn agent_request(&mut self, _: ChannelId, _: &mut Session) -> Result<bool, Error> {
        Ok(self.noted("auth-agent-req@openssh.com", Blob::default()) && self.connection.profile.agent_forwarding)
    }

    async fn exec_request(&mut self, id: ChannelId, line: &[u8], session: &mut Session) -> Result<(), Error> {
        if let Some(transfer) = Transfer::parse(line) {
            self.connection.recorder.record(Detail::Command { line: line.into() });
            return self.start(id, session, |_| Program::Scp(transfer));
        }
        // The shell records the command itself.
        self.start(id, session, |_| Program::Command(line.to_vec()))
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Error> {
        self.start(id, session, |terminal| terminal.map_or(Program::Script, Program::Shell))
    }

    async fn subsystem_request(&mut self, id: ChannelId, name: &str, session: &mut Session) -> Result<(), Error> {
        if self.noted("subsystem", bytes(name)) && name == "sftp" && self.connection.profile.sftp {
            let site = self.site.clone();
            self.start(id, session, |_| Program::Sftp(site))
        } else {
            session.channel_failure(id)
        }
    }

    async fn signal(&mut self, id: ChannelId, signal: Sig, session: &mut Session) -> Result<(), Error> {
        let Some(Slot::Running(running)) = self.channels.get_mut(&id) else { return Ok(()) };
        match (signal, &mut running.stdin) {
            // On a terminal the foreground command gets it, as from the keyboard.
            (Sig::INT, Some(stdin)) if running.terminal => {
                stdin.push(Input::Bytes(vec![CONTROL_C]), self.connection.limits.stdin_bytes_max);
                Ok(())
            }
            (signal @ (Sig::INT | Sig::TERM | Sig::KILL | Sig::HUP | Sig::QUIT | Sig::ABRT), _) => {
                running.kill();
                session.exit_signal_request(id, signal, false, "", "")?;
                session.eof(id)?;
                session.close(id)
            }
            _ => Ok(()),
        }
    }

    async fn tcpip_forward(&mut self, address: &str, port: &mut u32, _: &mut Session) -> Result<bool, Error> {
        let detail = || Detail::Tunnel { host: bytes(address).into(), port: super::connection::port_number(*port), data: Blob::default() };
        let granted = self.connection.request(detail) && self.noted("tcpip-forward", address_and_port(address, *port));
        if *port == 0 {
            // What a kernel gives when asked for any (net.ipv4.ip_local_port_range). Nothing listens on it.
            *port = rand::random_range(32768..=60999);
        }
        Ok(granted && self.connection.profile.tcp_forwarding)
    }

    async fn cancel_tcpip_forward(&mut self, address: &str, port: u32, _: &mut Session) -> Result<bool, Error> {
        Ok(self.noted("cancel-tcpip-forward", address_and_port(address, port)))
    }

    async fn streamlocal_forward(&mut self, path: &str, _: &mut Session) -> Result<bool, Error> {
        Ok(self.noted("streamlocal-forward@openssh.com", bytes(path)) && self.connection.profile.tcp_forwarding)
    }
}

const CONTROL_C: u8 = 3;
