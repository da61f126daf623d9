//! The SSH decoy: the transport is russh's, what it says and does is the persona's sshd, and behind it is the fake host.
//!
//! A connection passes through [`ident`] (identification strings), [`tap`] (the stream, with HASSH taken from it), russh, [`handler`] (the
//! connection protocol) and [`program`] (what runs in a channel). Nothing a peer asks to be connected to is contacted.

mod auth;
mod connection;
mod errors;
mod handler;
mod ident;
mod kexinit;
mod keys;
mod limits;
mod pipe;
mod profile;
mod program;
mod scp;
mod sftp;
mod stdin;
mod tap;
mod tunnel;
mod upload;

pub use limits::SshLimits;
pub use profile::Profile;

use crate::CloseReason;
use crate::recorder::Recorder;
use connection::Connection;
use emulation::CredentialPolicy;
use handler::Handler;
use model::{Blob, Detail};
use persona::{Persona, PersonaError};
use russh::SshId;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tap::Tap;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Channel bytes a peer may send before it is told of more room; OpenSSH's number.
const WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// The largest channel message; OpenSSH's number.
const PACKET_BYTES_MAX: u32 = 32 * 1024;
/// Messages from programs waiting for the transport.
const MESSAGES_MAX: usize = 10;

/// The persona's sshd: host keys and algorithms, made once per sensor.
pub struct SshServer {
    transport: Arc<russh::server::Config>,
    profile: Arc<Profile>,
    site: Arc<sftp::Site>,
    limits: SshLimits,
    /// Bytes of the files that all peers are uploading at this moment.
    upload_bytes: Arc<AtomicUsize>,
}

/// Why the SSH decoy cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// The persona's `[services.ssh]` is wrong.
    #[error(transparent)]
    Persona(#[from] PersonaError),
    /// A host key cannot be read or written.
    #[error("the SSH host key {path} cannot be used: make it readable and writable for this user, or choose another data directory")]
    Keys {
        /// The key's file, or its directory.
        path: PathBuf,
        /// What failed.
        source: std::io::Error,
    },
    /// A host key is damaged, or cannot be made.
    #[error("the SSH host key {path} is not a usable key: remove the file, and a new one is made at the next start")]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong with it.
        source: russh::keys::ssh_key::Error,
    },
    /// The persona names no host key algorithm, key exchange, cipher or MAC that can be offered.
    #[error("[services.ssh] of the persona names no {0} that is implemented: name at least one")]
    Nothing(&'static str),
}

/// One accepted connection.
pub struct SshConnection {
    /// Writes the session's events.
    pub recorder: Recorder,
    /// The fake host behind the server.
    pub host: shell::Host,
    /// Which credentials are let in.
    pub policy: Arc<CredentialPolicy>,
    /// The peer.
    pub peer: SocketAddr,
    /// Our address, as the peer sees it.
    pub local: SocketAddr,
    /// Cancelled when the sensor stops: what still runs for a peer that has gone ends at once.
    pub shutdown: CancellationToken,
}

impl SshServer {
    /// Reads the persona, and the host keys in `keys_directory` (made at the first start, which takes up to some seconds for RSA).
    pub fn new(persona: &Persona, keys_directory: &Path, limits: SshLimits) -> Result<SshServer, SshError> {
        let profile: Profile = persona.service("ssh")?;
        let preferred = profile.preferred();
        let lists = [
            ("key exchange method", preferred.kex.is_empty()),
            ("host key algorithm", preferred.key.is_empty()),
            ("cipher", preferred.cipher.is_empty()),
            ("MAC", preferred.mac.is_empty()),
        ];
        if let Some((kind, _)) = lists.into_iter().find(|(_, empty)| *empty) {
            return Err(SshError::Nothing(kind));
        }
        let transport = russh::server::Config {
            server_id: SshId::Standard(Cow::Owned(profile.version.clone())),
            methods: profile.method_set(),
            // `auth` takes the time itself: only wrong passwords do.
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: None,
            keys: keys::load(keys_directory, &preferred.key, profile.rsa_bits)?,
            window_size: WINDOW_BYTES,
            maximum_packet_size: PACKET_BYTES_MAX,
            // Channels' own queues are not used: `handler` passes data on.
            channel_buffer_size: 1,
            event_buffer_size: MESSAGES_MAX,
            preferred,
            // `auth` counts, and hangs up with sshd's words; this is only a stop behind it.
            max_auth_attempts: usize::try_from(limits.auth_attempts_max).unwrap_or(usize::MAX).saturating_add(2),
            inactivity_timeout: Some(limits.idle),
            ..Default::default()
        };
        Ok(SshServer {
            transport: Arc::new(transport),
            profile: Arc::new(profile),
            site: Arc::new(sftp::Site::new(&persona.host)),
            limits,
            upload_bytes: Arc::default(),
        })
    }

    /// Serves one connection until it ends, and returns why it did. When this returns every event of the session has been recorded, except the
    /// `close` event, which is the caller's (as is `connect`). Dropping the future ends the connection.
    pub async fn serve<S>(&self, mut stream: S, accepted: SshConnection) -> CloseReason
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let SshConnection { recorder, host, policy, peer, local, shutdown } = accepted;
        let connection = Arc::new(Connection::new(recorder, policy, self.profile.clone(), self.limits, self.upload_bytes.clone()));
        let deadline = Instant::now() + self.limits.login_grace;
        let exchange = tokio::time::timeout_at(deadline, Box::pin(ident::exchange(&mut stream, &self.profile.version))).await;
        let (read, length) = match exchange {
            Ok(ident::Exchange::Done { read, length }) => (read, length),
            Ok(ident::Exchange::Broken { read, reason }) => {
                connection.malformed(reason, &read);
                let answer = match reason {
                    ident::CUT_SHORT => "",
                    ident::OTHER_VERSION => &self.profile.other_version,
                    _ => &self.profile.invalid_identification,
                };
                // The peer may be gone already.
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
                return CloseReason::Server;
            }
            Ok(ident::Exchange::Gone) => return CloseReason::Peer,
            Err(_) => return CloseReason::Idle,
        };
        connection.recorder.record(Detail::Fingerprint {
            method: "ssh_client_version".into(),
            value: read[..length].into(),
            raw: Blob::default(),
        });
        let line_bytes = read.iter().position(|&b| b == b'\n').map_or(length, |end| end + 1);
        let tap = Tap::new(stream, connection.clone(), read, line_bytes, self.profile.version.len() + 2);
        let handler = Handler::new(connection.clone(), host, self.site.clone(), peer, local);
        // The transport and the commands run in tasks of their own; these end them when this future is dropped.
        let _stop = connection.stop.clone().drop_guard();
        let _halt = connection.halt.clone().drop_guard();
        let reason = self.transport(tap, handler, &connection, deadline).await;
        connection.tasks.close();
        let patience = async {
            tokio::time::sleep(self.limits.terminal_linger).await;
            connection.hangup.cancel();
            tokio::time::sleep(self.limits.linger.saturating_sub(self.limits.terminal_linger)).await;
        };
        tokio::select! {
            biased;
            () = connection.tasks.wait() => return reason,
            () = shutdown.cancelled() => {}
            () = patience => {}
        }
        connection.halt.cancel();
        connection.tasks.wait().await;
        reason
    }

    async fn transport<S>(&self, tap: Tap<S>, handler: Handler, connection: &Connection, deadline: Instant) -> CloseReason
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Boxed, as is the exchange before it: what only the beginning needs is kilobytes that a held connection would keep.
        let mut running = match Box::pin(russh::server::run_stream(self.transport.clone(), tap, handler)).await {
            Ok(running) => running,
            Err(error) => return ended(&error, connection),
        };
        // Set once only; nothing is lost if it were set.
        let _ = connection.handle.set(running.handle());
        let mut too_late = false;
        let result = tokio::select! {
            result = &mut running => result,
            () = tokio::time::sleep_until(deadline) => {
                if !connection.authenticated.load(Ordering::Relaxed) {
                    too_late = true;
                    connection.stop.cancel();
                }
                running.await
            }
        };
        match result {
            _ if too_late => CloseReason::Idle,
            _ if connection.hung_up.load(Ordering::Relaxed) => CloseReason::Server,
            Ok(()) => CloseReason::Peer,
            Err(error) => ended(&error, connection),
        }
    }
}

fn ended(error: &russh::Error, connection: &Connection) -> CloseReason {
    let (reason, broken) = errors::explain(error);
    if let Some((rule, data)) = broken {
        connection.malformed(rule, &data);
    }
    if reason == CloseReason::Error {
        metrics::counter!("honeyguide_sensor_panics_total", "protocol" => "ssh").increment(1);
        tracing::error!(%error, "the SSH transport failed");
    }
    reason
}
