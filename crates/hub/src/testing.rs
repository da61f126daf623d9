//! Events for tests.

use model::{Detail, Event, Protocol, SessionId, Timestamp, Transport};

/// 2026-03-22T00:14:41Z.
pub const TIME: i64 = 1_774_138_481_000_000;

/// An event of session `n`, `at` seconds after [`TIME`].
pub fn event(n: u8, at: i64, detail: Detail) -> Event {
    Event {
        time: Timestamp(TIME + at * 1_000_000),
        session: SessionId(uuid::Uuid::from_bytes([n; 16])),
        source: [198, 51, 100, n].into(),
        protocol: Protocol::Ssh,
        detail,
    }
}

/// A command of session `n`.
pub fn command(n: u8, line: &str) -> Event {
    event(n, 2, Detail::Command { line: line.into() })
}

/// A whole session: let in with a password, one command, closed.
pub fn session(n: u8) -> Vec<Event> {
    vec![
        event(
            n,
            0,
            Detail::Connect {
                peer: ([198, 51, 100, n], 40_000).into(),
                local: ([192, 0, 2, 1], 22).into(),
                transport: Transport::Tcp,
                tls: false,
                via: None,
            },
        ),
        event(n, 1, Detail::Auth { method: "password".into(), username: "root".into(), secret: "123456".into(), accepted: true }),
        command(n, "uname -a"),
        event(n, 3, Detail::Close { reason: "peer".into(), duration_us: 3_000_000, rx_bytes: 900, tx_bytes: 1200 }),
    ]
}
