//! Why a sensor cannot start: one plain sentence each, with the remedy.

use crate::ssh::SshError;
use crate::tls::IdentityError;
use persona::PersonaError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sensor cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no persona of that name.
    #[error("there is no persona \"{name}\"; set persona under [sensor] to one of {known}")]
    UnknownPersona {
        /// The name configured.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The persona cannot be used.
    #[error("the persona cannot be used; correct it, or set another persona under [sensor]")]
    Persona(#[from] PersonaError),
    /// A folder of personas cannot be read.
    #[error("the persona in {} cannot be read; make it readable, or remove personas_dir under [sensor]", path.display())]
    PersonaFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The configuration names a decoy there is not.
    #[error("there is no decoy \"{name}\"; [sensor.decoys] may have {known}")]
    UnknownDecoy {
        /// The name configured.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Nothing to do.
    #[error("no decoy is enabled; set enabled = true for one under [sensor.decoys.NAME], or choose a persona that has services")]
    NoDecoys,
    /// Nothing to listen on.
    #[error("there is no address to listen on; set listen = [\"0.0.0.0\", \"::\"] under [sensor]")]
    NoAddress,
    /// Another program has the port.
    #[error(
        "the {decoy} decoy cannot listen on {address}: another program has that port; stop it, or set ports = [PORT] under [sensor.decoys.{decoy}]"
    )]
    PortTaken {
        /// The decoy.
        decoy: &'static str,
        /// The address and port.
        address: SocketAddr,
    },
    /// The port is reserved for privileged programs.
    #[error(
        "the {decoy} decoy may not listen on {address}: ports below 1024 need root or CAP_NET_BIND_SERVICE; grant it, or set ports = \"unprivileged\" under [sensor]"
    )]
    Privileges {
        /// The decoy.
        decoy: &'static str,
        /// The address and port.
        address: SocketAddr,
    },
    /// This machine does not have the address.
    #[error(
        "the {decoy} decoy cannot listen on {address}: this machine does not have that address; set listen under [sensor] to one it has"
    )]
    NoSuchAddress {
        /// The decoy.
        decoy: &'static str,
        /// The address and port.
        address: SocketAddr,
    },
    /// Listening failed for another reason.
    #[error("the {decoy} decoy cannot listen on {address}")]
    Listen {
        /// The decoy.
        decoy: &'static str,
        /// The address and port.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error("{} cannot be read or written; make it writable for this user, or choose another data directory", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no certificate.
    #[error(transparent)]
    Tls(#[from] IdentityError),
    /// The SSH decoy cannot start.
    #[error(transparent)]
    Ssh(#[from] SshError),
}
