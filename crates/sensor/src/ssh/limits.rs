//! What one SSH connection may use.

use std::time::Duration;

/// Limits of one SSH connection. The runtime's own (connections, bytes and seconds of a whole session) are applied to the stream before it
/// gets here.
#[derive(Clone, Copy, Debug)]
pub struct SshLimits {
    /// How long a peer may take to log in; sshd's `LoginGraceTime`.
    pub login_grace: Duration,
    /// How long a connection may be silent.
    pub idle: Duration,
    /// Failed logins after which the server hangs up; sshd's `MaxAuthTries`.
    pub auth_attempts_max: u32,
    /// Session channels open at the same time; sshd's `MaxSessions`.
    pub sessions_max: usize,
    /// Forwarded channels open at the same time.
    pub tunnels_max: usize,
    /// Requests of a connection that are recorded one by one (environment, X11, agent, forwardings); more are refused unrecorded.
    pub requests_recorded_max: u32,
    /// Bytes of standard input waiting for a command that does not read; more are dropped.
    pub stdin_bytes_max: usize,
    /// Bytes of all files held open for writing at the same time.
    pub upload_bytes_max: usize,
    /// The same for all connections together.
    pub all_upload_bytes_max: usize,
    /// Channel bytes recorded as `rx` events.
    pub recorded_rx_bytes_max: u64,
    /// Channel bytes recorded as `tx` events.
    pub recorded_tx_bytes_max: u64,
    /// Bytes recorded of what was sent into tunnels.
    pub tunnel_bytes_max: u64,
    /// The longest data quoted in a `malformed` event.
    pub malformed_bytes_max: usize,
    /// How long commands may go on after the peer has gone.
    pub linger: Duration,
    /// The same for those on a terminal, which a real host ends at once: just enough for what was typed ahead to be read and recorded.
    pub terminal_linger: Duration,
}

impl Default for SshLimits {
    fn default() -> Self {
        SshLimits {
            login_grace: Duration::from_secs(120),
            idle: Duration::from_secs(300),
            auth_attempts_max: 6,
            sessions_max: 10,
            tunnels_max: 64,
            requests_recorded_max: 256,
            stdin_bytes_max: 4 * 1024 * 1024,
            upload_bytes_max: 64 * 1024 * 1024,
            all_upload_bytes_max: 512 * 1024 * 1024,
            recorded_rx_bytes_max: 1024 * 1024,
            recorded_tx_bytes_max: 1024 * 1024,
            tunnel_bytes_max: 256 * 1024,
            malformed_bytes_max: 1024,
            linger: Duration::from_secs(5),
            terminal_linger: Duration::from_millis(500),
        }
    }
}
