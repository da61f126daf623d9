//! Forwarded connections: recorded, and answered as by a peer that says nothing and hangs up. Nothing is contacted.

use super::connection::{Connection, port_number};
use model::Detail;
use russh::ChannelId;
use russh::server::Handle;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long the other end seems to think about what it was sent before it hangs up.
const ANSWER: std::ops::Range<Duration> = Duration::from_millis(400)..Duration::from_millis(1600);

/// An open forwarding.
pub(super) struct Tunnel {
    host: Vec<u8>,
    port: u32,
    answered: bool,
}

impl Tunnel {
    /// Records the request; `None` when it is refused.
    pub(super) fn open(connection: &Connection, host: &[u8], port: u32) -> Option<Tunnel> {
        let recorded = connection.request(|| Detail::Tunnel { host: host.into(), port: port_number(port), data: Vec::new().into() });
        let reachable = connection.profile.tcp_forwarding && port_number(port) != 0 && !is_local(host);
        (recorded && reachable).then(|| Tunnel { host: host.to_vec(), port, answered: false })
    }

    /// Records what was sent into it. The first time, the other end is about to hang up.
    pub(super) fn data(&mut self, connection: &Arc<Connection>, handle: Handle, id: ChannelId, data: &[u8]) {
        connection.tunnelled(&self.host, self.port, data);
        if std::mem::replace(&mut self.answered, true) {
            return;
        }
        let halt = connection.halt.clone();
        connection.tasks.spawn(async move {
            let thinking = rand::random_range(ANSWER.start..ANSWER.end);
            if halt.run_until_cancelled(tokio::time::sleep(thinking)).await.is_some() {
                let _ = handle.eof(id).await;
                let _ = handle.close(id).await;
            }
        });
    }
}

/// Whether a host is the decoy itself, where nothing but its own services listens: connections there are refused.
fn is_local(host: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(host) else { return false };
    let address = text.trim_matches(['[', ']']).parse::<IpAddr>();
    text.eq_ignore_ascii_case("localhost") || address.is_ok_and(|a| a.to_canonical().is_loopback() || a.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn local_hosts() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1", "0.0.0.0"] {
            assert!(is_local(host.as_bytes()), "{host}");
        }
        for host in ["localhost.example", "10.0.0.1", "2001:db8::1", "", "\u{0}"] {
            assert!(!is_local(host.as_bytes()), "{host}");
        }
        assert!(!is_local(b"\xff"));
    }
}
