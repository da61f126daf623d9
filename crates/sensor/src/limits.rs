//! Every limit of a sensor, as `[sensor.limits]`. Reaching one is a `limit` event with the limit's name, or a counted metric.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The limits of a sensor. Each name ends with what is counted and `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Sessions open at the same time, all decoys together.
    pub sessions_max: usize,
    /// Sessions one address (one /64 of IPv6) may have open at the same time.
    pub address_sessions_max: u32,
    /// Sessions one address (one /64 of IPv6) may begin in one minute.
    pub address_sessions_per_minute_max: u32,
    /// Seconds a session may last.
    pub session_seconds_max: u64,
    /// Seconds in which no byte moves either way before a session is closed.
    pub idle_seconds_max: u64,
    /// Seconds until a session must have logged in, asked something or run something; this is what ends a slow-loris.
    pub login_seconds_max: u64,
    /// Bytes a session may move, both ways together.
    pub session_bytes_max: u64,
    /// Events a session may record before it is closed: what is cheap to send must not fill the spool.
    pub session_events_max: u64,
    /// Received bytes a session records as `rx` events.
    pub recorded_rx_bytes_max: u64,
    /// Sent bytes a session records as `tx` events.
    pub recorded_tx_bytes_max: u64,
    /// Seconds a TLS handshake may take.
    pub tls_handshake_seconds_max: u64,
    /// Seconds a trusted balancer may take to send its PROXY header.
    pub proxy_header_seconds_max: u64,
    /// Seconds a session goes on after the peer has closed its side, so that answers still arrive.
    pub half_closed_seconds_max: u64,
    /// Seconds one command asked for by a protocol may run on the fake host.
    pub command_seconds_max: u64,
    /// Bytes of output kept of such a command.
    pub command_output_bytes_max: usize,
    /// Seconds a passive data channel waits and lasts.
    pub data_channel_seconds_max: u64,
    /// Bytes a passive data channel takes in.
    pub data_channel_bytes_max: usize,
    /// UDP conversations open at the same time, for each listening address.
    pub udp_conversations_max: usize,
    /// Seconds without a datagram that end a UDP conversation.
    pub udp_idle_seconds_max: u64,
    /// Bytes answered over UDP for each byte received: a forged sender must not make us an amplifier.
    pub udp_amplification_max: u64,
    /// Bytes of one line of a line-based protocol.
    pub line_bytes_max: usize,
    /// Received bytes that wait to be understood.
    pub input_bytes_max: usize,
    /// Bytes of the largest message, request body or upload kept.
    pub body_bytes_max: usize,
    /// Header lines of a request.
    pub headers_max: usize,
    /// Bytes of a peer's uploads over SSH that are held until they are whole.
    pub upload_bytes_max: usize,
    /// The same of all peers together.
    pub all_upload_bytes_max: usize,
    /// Login attempts before a server hangs up.
    pub auth_attempts_max: u32,
    /// Bytes quoted in a `malformed` event.
    pub malformed_bytes_max: usize,
    /// Option commands recorded of a protocol that negotiates options (Telnet).
    pub negotiations_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let protocol = emulation::Limits::default();
        let ssh = crate::ssh::SshLimits::default();
        Limits {
            sessions_max: 20_000,
            address_sessions_max: 256,
            address_sessions_per_minute_max: 1200,
            session_seconds_max: 3600,
            idle_seconds_max: 300,
            login_seconds_max: 120,
            session_bytes_max: 128 * 1024 * 1024,
            session_events_max: 200_000,
            recorded_rx_bytes_max: 1024 * 1024,
            recorded_tx_bytes_max: 256 * 1024,
            tls_handshake_seconds_max: 10,
            proxy_header_seconds_max: 5,
            half_closed_seconds_max: 5,
            command_seconds_max: 60,
            command_output_bytes_max: 1024 * 1024,
            data_channel_seconds_max: 120,
            data_channel_bytes_max: 16 * 1024 * 1024,
            udp_conversations_max: 4096,
            udp_idle_seconds_max: 30,
            udp_amplification_max: 3,
            line_bytes_max: protocol.line_bytes_max,
            input_bytes_max: protocol.input_bytes_max,
            body_bytes_max: protocol.body_bytes_max,
            headers_max: protocol.headers_max,
            upload_bytes_max: ssh.upload_bytes_max,
            all_upload_bytes_max: ssh.all_upload_bytes_max,
            auth_attempts_max: protocol.auth_attempts_max,
            malformed_bytes_max: protocol.malformed_bytes_max,
            negotiations_max: protocol.negotiations_max,
        }
    }
}

impl Limits {
    /// The part that protocols apply themselves.
    pub fn protocol(&self) -> emulation::Limits {
        emulation::Limits {
            line_bytes_max: self.line_bytes_max,
            input_bytes_max: self.input_bytes_max,
            body_bytes_max: self.body_bytes_max,
            headers_max: self.headers_max,
            auth_attempts_max: self.auth_attempts_max,
            malformed_bytes_max: self.malformed_bytes_max,
            negotiations_max: self.negotiations_max,
        }
    }

    /// The part that the SSH transport applies itself.
    pub(crate) fn ssh(&self) -> crate::ssh::SshLimits {
        // The link around the transport ends a session at these limits and records which; the transport's own clocks only stand behind it.
        let behind = |seconds: u64| Duration::from_secs(seconds.saturating_add(1));
        crate::ssh::SshLimits {
            login_grace: behind(self.login_seconds_max),
            idle: behind(self.idle_seconds_max),
            auth_attempts_max: self.auth_attempts_max,
            recorded_rx_bytes_max: self.recorded_rx_bytes_max,
            recorded_tx_bytes_max: self.recorded_tx_bytes_max,
            malformed_bytes_max: self.malformed_bytes_max,
            upload_bytes_max: self.upload_bytes_max,
            all_upload_bytes_max: self.all_upload_bytes_max,
            ..Default::default()
        }
    }
}
