//! The one list of decoys: configuration, documentation, command line and fuzz targets derive from it.

use crate::{Session, http, telnet};
use model::{Protocol, Transport};
use persona::{Persona, PersonaError};

/// One decoy a sensor can offer.
pub struct Definition {
    /// Its name in configuration and on screens: the protocol's, or another where a protocol is offered twice (`https`).
    pub name: &'static str,
    /// What it speaks.
    pub protocol: Protocol,
    /// What carries it.
    pub transport: Transport,
    /// The port the real service has.
    pub port: u16,
    /// The port it has by default here, reachable without privileges.
    pub unprivileged_port: u16,
    /// Whether connections begin with TLS.
    pub tls: bool,
    /// What drives it.
    pub engine: Engine,
}

/// What drives a decoy.
pub enum Engine {
    /// A session of this crate, made anew for each connection by what the first call returns (persona read once).
    Session(fn(&Persona) -> Result<Factory, PersonaError>),
    /// The SSH transport, which lives with the sockets.
    Ssh,
}

/// Makes sessions.
pub type Factory = Box<dyn Fn() -> Box<dyn Session> + Send + Sync>;

/// Every decoy.
pub const PROTOCOLS: &[Definition] = &[
    Definition {
        name: "ssh",
        protocol: Protocol::Ssh,
        transport: Transport::Tcp,
        port: 22,
        unprivileged_port: 2222,
        tls: false,
        engine: Engine::Ssh,
    },
    Definition {
        name: "telnet",
        protocol: Protocol::Telnet,
        transport: Transport::Tcp,
        port: 23,
        unprivileged_port: 2323,
        tls: false,
        engine: Engine::Session(telnet::factory),
    },
    Definition {
        name: "http",
        protocol: Protocol::Http,
        transport: Transport::Tcp,
        port: 80,
        unprivileged_port: 8080,
        tls: false,
        engine: Engine::Session(http::factory),
    },
    Definition {
        name: "https",
        protocol: Protocol::Http,
        transport: Transport::Tcp,
        port: 443,
        unprivileged_port: 8443,
        tls: true,
        engine: Engine::Session(http::secure_factory),
    },
];

/// A decoy by name.
pub fn definition(name: &str) -> Option<&'static Definition> {
    PROTOCOLS.iter().find(|d| d.name == name)
}
