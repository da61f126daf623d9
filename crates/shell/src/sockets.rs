//! The sockets that `netstat`, `ss` and `/proc/net` list: what the persona's daemons listen on, and the attacker's own connection.

use crate::Machine;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One socket.
pub struct Socket {
    /// `tcp` or `udp`; over IPv6 `tcp6` or `udp6`.
    pub protocol: &'static str,
    /// Our end.
    pub local: SocketAddr,
    /// The peer's; all zero when there is none.
    pub peer: SocketAddr,
    /// Whether it waits for connections.
    pub listening: bool,
    /// The owner.
    pub uid: u32,
    /// The process and its short name.
    pub process: Option<(u32, String)>,
}

/// A port that is listened on: protocol, number, whether on the loopback address only.
type Port = (&'static str, u16, bool);

/// What daemons listen on, by a part of their command line.
const DAEMONS: &[(&str, &[Port])] = &[
    ("sshd: /usr/sbin/sshd", &[("tcp", 22, false), ("tcp6", 22, false)]),
    ("/usr/sbin/dropbear", &[("tcp", 22, false)]),
    ("/usr/sbin/telnetd", &[("tcp", 23, false)]),
    ("/usr/sbin/httpd", &[("tcp", 80, false)]),
    ("/usr/sbin/apache2", &[("tcp6", 80, false), ("tcp6", 443, false)]),
    ("/usr/sbin/mysqld", &[("tcp", 3306, true), ("tcp", 33060, true)]),
    ("systemd-resolved", &[("tcp", 53, true), ("udp", 53, true)]),
    ("systemd-networkd", &[("udp", 68, false)]),
    ("/usr/sbin/dnsmasq", &[("tcp", 53, false), ("udp", 53, false), ("udp", 67, false)]),
    ("miniupnpd", &[("udp", 1900, false), ("tcp", 49152, false)]),
    ("hooks/server.js", &[("tcp", 9000, true)]),
];

/// Every socket, listening ones first.
pub fn all(machine: &Machine) -> Vec<Socket> {
    let mut sockets = Vec::new();
    let processes = machine.processes();
    for process in &processes {
        let command = String::from_utf8_lossy(&process.command()).into_owned();
        let Some((_, ports)) = DAEMONS.iter().find(|(part, _)| command.contains(part)) else { continue };
        // Workers share their parent's sockets.
        if processes.iter().any(|parent| parent.pid == process.ppid && parent.exe == process.exe) {
            continue;
        }
        for (protocol, port, loopback) in *ports {
            let six = protocol.ends_with('6');
            let ip: IpAddr = match (six, *loopback) {
                (true, _) => Ipv6Addr::UNSPECIFIED.into(),
                (false, true) if *port == 53 => Ipv4Addr::new(127, 0, 0, 53).into(),
                (false, true) => Ipv4Addr::LOCALHOST.into(),
                (false, false) => Ipv4Addr::UNSPECIFIED.into(),
            };
            let nobody: IpAddr = if six { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
            sockets.push(Socket {
                protocol,
                local: SocketAddr::new(ip, *port),
                peer: SocketAddr::new(nobody, 0),
                listening: true,
                uid: process.uid,
                process: Some((process.pid, String::from_utf8_lossy(&process.comm).into_owned())),
            });
        }
    }
    let login = machine.login();
    let server = machine.process(machine.login_pid());
    sockets.push(Socket {
        protocol: if login.peer.is_ipv4() { "tcp" } else { "tcp6" },
        local: login.local,
        peer: login.peer,
        listening: false,
        uid: 0,
        process: server.map(|process| (process.pid, String::from_utf8_lossy(&process.comm).into_owned())),
    });
    sockets
}
