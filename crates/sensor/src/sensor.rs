//! Starts and stops a sensor.

use crate::admission::Admission;
use crate::captures::Captures;
use crate::config::{Config, DecoyConfig, Ports};
use crate::decoy::{Decoy, Service, Shared};
use crate::spool::Spool;
use crate::ssh::SshServer;
use crate::{StartError, bind, instance, metric, personas, tcp, tls, udp};
use emulation::{Definition, Engine, PROTOCOLS};
use model::{Protocol, Timestamp, Transport};
use persona::Persona;
use serde::Serialize;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A running sensor. Dropping it leaves it running; [`Sensor::shutdown`] ends it.
pub struct Sensor {
    shared: Arc<Shared>,
    decoys: Vec<DecoyAddress>,
}

/// Where a decoy is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DecoyAddress {
    /// The decoy's name in the configuration.
    pub name: &'static str,
    /// What it speaks.
    pub protocol: Protocol,
    /// What carries it.
    pub transport: Transport,
    /// Whether connections begin with TLS.
    pub tls: bool,
    /// The address and port it listens on.
    pub address: SocketAddr,
}

enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Sensor {
    /// Starts every decoy the configuration and the persona ask for. Keys and what makes this host itself are kept in `data`. Must be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// A sentence for the operator, with the remedy. Nothing listens then.
    pub fn start(config: &Config, data: &Path, spool: Spool, captures: Captures) -> Result<Sensor, StartError> {
        Sensor::start_decoys(PROTOCOLS, config, data, spool, captures)
    }

    /// [`Sensor::start`] with other decoys than those that ship.
    ///
    /// # Errors
    /// As [`Sensor::start`].
    pub fn start_decoys(
        definitions: &'static [Definition],
        config: &Config,
        data: &Path,
        spool: Spool,
        captures: Captures,
    ) -> Result<Sensor, StartError> {
        metric::describe();
        bind::raise_open_files();
        let persona = Arc::new(personas::load(config)?);
        let enabled = enabled(definitions, config, &persona)?;
        if config.listen.is_empty() {
            return Err(StartError::NoAddress);
        }
        // Sockets first: a taken port is the likeliest trouble, and must leave nothing behind.
        let mut open = Vec::new();
        for (definition, own) in enabled {
            open.push((definition, own, open_sockets(definition, own, config)?));
        }

        let unusable = |path: &Path, source| StartError::Data { path: path.to_owned(), source };
        std::fs::create_dir_all(data).map_err(|e| unusable(data, e))?;
        let path = data.join("instance.json");
        let now = Timestamp::from(SystemTime::now());
        let address = config.address.or_else(|| config.listen.iter().copied().find(|ip| !ip.is_unspecified() && !ip.is_loopback()));
        let instance = instance::load(&path, &persona.host, address, now).map_err(|e| unusable(&path, e))?;
        let shared = Arc::new(Shared {
            host: shell::Host::new(persona.clone(), instance)?,
            identity: tls::Identity::load(&data.join("tls.pem"), &persona, &instance)?,
            persona,
            instance,
            limits: config.limits,
            protocol_limits: config.limits.protocol(),
            spool,
            captures,
            admission: Admission::new(&config.limits),
            proxy_protocol: config.proxy_protocol.clone(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });

        // Everything that can fail before anything is accepted.
        let mut ready = Vec::new();
        for (definition, own, sockets) in open {
            let service = match definition.engine {
                Engine::Session(make) => Service::Session(make(&shared.persona)?),
                Engine::Ssh => Service::Ssh(Box::new(SshServer::new(&shared.persona, &data.join("ssh"), config.limits.ssh())?)),
            };
            let decoy = Arc::new(Decoy {
                shared: shared.clone(),
                name: definition.name,
                protocol: definition.protocol,
                transport: definition.transport,
                tls: definition.tls,
                policy: Arc::new(own.and_then(|own| own.credentials.clone()).unwrap_or_else(|| config.credentials.clone())),
                service,
            });
            for (address, socket) in sockets {
                let socket = Listening::new(socket).map_err(|source| StartError::Listen { decoy: definition.name, address, source })?;
                ready.push((decoy.clone(), address, socket));
            }
        }
        let mut decoys = Vec::new();
        for (decoy, address, socket) in ready {
            let Decoy { name, protocol, transport, tls, .. } = *decoy;
            decoys.push(DecoyAddress { name, protocol, transport, tls, address });
            tracing::info!(decoy = name, %address, "listening");
            match socket {
                Listening::Tcp(listener) => drop(shared.tasks.spawn(tcp::listen(decoy, listener))),
                Listening::Udp(socket) => drop(shared.tasks.spawn(udp::listen(decoy, socket, address))),
            }
        }
        Ok(Sensor { shared, decoys })
    }

    /// Where the decoys are reached, in the order in which protocols are declared.
    pub fn decoys(&self) -> &[DecoyAddress] {
        &self.decoys
    }

    /// Sessions open now.
    pub fn sessions_open(&self) -> usize {
        self.shared.admission.open()
    }

    /// Stops accepting, ends every session (close reason `shutdown`) and waits for them at most `patience`. Returns how many had not ended
    /// by then.
    pub async fn shutdown(&self, patience: Duration) -> usize {
        self.shared.shutdown.cancel();
        self.shared.tasks.close();
        let _ = tokio::time::timeout(patience, self.shared.tasks.wait()).await;
        self.shared.tasks.len()
    }
}

/// A socket the runtime waits on.
enum Listening {
    Tcp(tokio::net::TcpListener),
    Udp(tokio::net::UdpSocket),
}

impl Listening {
    fn new(socket: Socket) -> io::Result<Listening> {
        Ok(match socket {
            Socket::Tcp(listener) => Listening::Tcp(tokio::net::TcpListener::from_std(listener)?),
            Socket::Udp(socket) => Listening::Udp(tokio::net::UdpSocket::from_std(socket)?),
        })
    }
}

type Enabled<'a> = (&'static Definition, Option<&'a DecoyConfig>);

/// The decoys to offer, each with what is configured for it.
fn enabled<'a>(definitions: &'static [Definition], config: &'a Config, persona: &Persona) -> Result<Vec<Enabled<'a>>, StartError> {
    if let Some(name) = config.decoys.keys().find(|name| definitions.iter().all(|d| d.name != name.as_str())) {
        let known: Vec<&str> = definitions.iter().map(|d| d.name).collect();
        return Err(StartError::UnknownDecoy { name: name.clone(), known: known.join(", ") });
    }
    let enabled: Vec<Enabled<'a>> = definitions
        .iter()
        .map(|definition| (definition, config.decoys.get(definition.name)))
        .filter(|(definition, own)| own.and_then(|own| own.enabled).unwrap_or_else(|| persona.offers(definition.name)))
        .collect();
    if enabled.is_empty() { Err(StartError::NoDecoys) } else { Ok(enabled) }
}

fn open_sockets(definition: &Definition, own: Option<&DecoyConfig>, config: &Config) -> Result<Vec<(SocketAddr, Socket)>, StartError> {
    let port = match config.ports {
        Ports::Unprivileged => definition.unprivileged_port,
        Ports::Standard => definition.port,
        Ports::Auto => 0,
    };
    let ports = own.and_then(|own| own.ports.clone()).unwrap_or_else(|| vec![port]);
    let mut sockets = Vec::new();
    for port in ports {
        sockets.extend(open_port(definition, &config.listen, port)?);
    }
    Ok(sockets)
}

fn open_port(definition: &Definition, listen: &[IpAddr], port: u16) -> Result<Vec<(SocketAddr, Socket)>, StartError> {
    let open = |address| match definition.transport {
        Transport::Tcp => bind::tcp(address).map(Socket::Tcp),
        Transport::Udp => bind::udp(address).map(Socket::Udp),
    };
    let address = |socket: &Socket| match socket {
        Socket::Tcp(listener) => listener.local_addr(),
        Socket::Udp(socket) => socket.local_addr(),
    };
    bind::all(definition.name, listen, port, open, address)
}
