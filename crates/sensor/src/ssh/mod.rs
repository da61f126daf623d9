//! The SSH decoy: the transport is russh's, what it says and does is the persona's sshd, and behind it is the fake host.

mod limits;

pub use limits::SshLimits;

use crate::CloseReason;
use crate::recorder::Recorder;
use emulation::CredentialPolicy;
use persona::{Persona, PersonaError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// The persona's sshd: host keys and algorithms, made once per sensor.
pub struct SshServer {}

/// Why the SSH decoy cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// The persona's `[services.ssh]` is wrong.
    #[error(transparent)]
    Persona(#[from] PersonaError),
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
}

impl SshServer {
    /// Reads the persona, and the host keys in `keys_directory` (made at the first start).
    pub fn new(_persona: &Persona, _keys_directory: &Path, _limits: SshLimits) -> Result<SshServer, SshError> {
        Ok(SshServer {})
    }

    /// Serves one connection until it ends, and returns why it did. When this returns every event of the session has been recorded, except the
    /// `close` event, which is the caller's (as is `connect`).
    pub async fn serve<S>(&self, _stream: S, _connection: SshConnection) -> CloseReason
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        CloseReason::Server
    }
}
