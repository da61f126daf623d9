//! Sockets to listen on.

use crate::StartError;
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Connections that wait to be accepted; the kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;
/// How often a free port is looked for that is free on every address.
const FREE_PORT_ATTEMPTS: u32 = 32;

/// A TCP listener.
pub(crate) fn tcp(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the last run's connections to leave TIME_WAIT.
    socket.set_reuse_address(true)?;
    bind(&socket, address)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A UDP socket.
pub(crate) fn udp(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    bind(&socket, address)?;
    Ok(socket.into())
}

fn bind(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() {
        // So that `0.0.0.0` and `::` can have the same port, and peers keep their family.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())
}

/// Opens `port` of one decoy on every address; port 0 is any that is free on all of them.
pub(crate) fn all<T>(
    decoy: &'static str,
    listen: &[IpAddr],
    port: u16,
    open: impl Fn(SocketAddr) -> io::Result<T>,
    port_of: impl Fn(&T) -> io::Result<SocketAddr>,
) -> Result<Vec<(SocketAddr, T)>, StartError> {
    let mut attempts = if port == 0 { FREE_PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match each(decoy, listen, port, &open, &port_of) {
            Err(StartError::PortTaken { .. }) if attempts > 0 => {}
            result => return result,
        }
    }
}

fn each<T>(
    decoy: &'static str,
    listen: &[IpAddr],
    mut port: u16,
    open: impl Fn(SocketAddr) -> io::Result<T>,
    port_of: impl Fn(&T) -> io::Result<SocketAddr>,
) -> Result<Vec<(SocketAddr, T)>, StartError> {
    let mut sockets = Vec::new();
    for ip in listen {
        let address = SocketAddr::new(*ip, port);
        match open(address).and_then(|socket| Ok((port_of(&socket)?, socket))) {
            Ok((address, socket)) => {
                port = address.port();
                sockets.push((address, socket));
            }
            // A host without IPv6 is no reason not to start when nobody asked for a certain IPv6 address.
            Err(error) if ip.is_ipv6() && ip.is_unspecified() && listen.len() > 1 && lacks_family(&error) => {
                tracing::warn!(decoy, "this machine has no IPv6; listening on IPv4 only");
            }
            Err(source) => {
                return Err(match source.kind() {
                    io::ErrorKind::AddrInUse => StartError::PortTaken { decoy, address },
                    io::ErrorKind::PermissionDenied => StartError::Privileges { decoy, address },
                    io::ErrorKind::AddrNotAvailable => StartError::NoSuchAddress { decoy, address },
                    _ => StartError::Listen { decoy, address, source },
                });
            }
        }
    }
    Ok(sockets)
}

fn lacks_family(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || Errno::from_io_error(error) == Some(Errno::AFNOSUPPORT)
}

/// Raises this process's limit of open files as far as it may be: every session is one.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_have_the_same_free_port() {
        let listen = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let Ok(sockets) = all("test", &listen, 0, tcp, std::net::TcpListener::local_addr) else { panic!("no port") };
        let ports: Vec<u16> = sockets.iter().map(|(address, _)| address.port()).collect();
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0), "{ports:?}");
    }

    #[test]
    fn a_taken_port_is_told_with_its_remedy() {
        let taken = tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = taken.local_addr().unwrap();
        let error = all("ssh", &[address.ip()], address.port(), tcp, std::net::TcpListener::local_addr).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()) && error.contains("[sensor.decoys.ssh]"), "{error}");
    }

    #[test]
    fn an_address_of_another_machine_is_told() {
        let error = all("ssh", &["192.0.2.1".parse().unwrap()], 0, udp, std::net::UdpSocket::local_addr).unwrap_err();
        assert!(matches!(error, StartError::NoSuchAddress { .. }), "{error}");
    }
}
