//! What every connection of a sensor, and of one decoy, shares.

use crate::admission::Admission;
use crate::captures::Captures;
use crate::spool::Spool;
use crate::ssh::SshServer;
use crate::{Limits, ProxyProtocol, tls};
use emulation::{CredentialPolicy, Factory};
use model::{Protocol, Transport};
use persona::{Instance, Persona};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What every connection of a sensor shares.
pub(crate) struct Shared {
    pub(crate) persona: Arc<Persona>,
    pub(crate) instance: Instance,
    pub(crate) host: shell::Host,
    pub(crate) limits: Limits,
    pub(crate) protocol_limits: emulation::Limits,
    pub(crate) identity: tls::Identity,
    pub(crate) spool: Spool,
    pub(crate) captures: Captures,
    pub(crate) admission: Admission,
    pub(crate) proxy_protocol: ProxyProtocol,
    /// Cancelled when the sensor stops.
    pub(crate) shutdown: CancellationToken,
    /// Counts listeners and sessions, so that stopping can wait for them.
    pub(crate) tasks: TaskTracker,
}

/// What every connection of one decoy shares.
pub(crate) struct Decoy {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) transport: Transport,
    pub(crate) tls: bool,
    pub(crate) policy: Arc<CredentialPolicy>,
    pub(crate) service: Service,
}

/// What drives a decoy.
pub(crate) enum Service {
    /// A session of the `emulation` crate.
    Session(Factory),
    /// The SSH transport.
    Ssh(Box<SshServer>),
}
