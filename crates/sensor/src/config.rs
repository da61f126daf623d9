//! What an operator may set, as `[sensor]` of the configuration file.

use crate::Limits;
use crate::captures::CapturesConfig;
use crate::spool::{FullPolicy, SpoolConfig};
use emulation::CredentialPolicy;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// A sensor's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The sensor's name, as its owner sees it.
    pub name: String,
    /// Which host the decoys pretend to be.
    pub persona: String,
    /// A folder of personas that is looked at before those in the binary: `DIR/NAME/persona.toml`.
    pub personas_dir: Option<PathBuf>,
    /// Addresses the decoys listen on.
    pub listen: Vec<IpAddr>,
    /// Which ports the decoys have.
    pub ports: Ports,
    /// The address the decoy host believes to have; by default the first specific one it listens on, else an invented private one.
    pub address: Option<IpAddr>,
    /// Which credentials are let in, unless a decoy says otherwise.
    pub credentials: CredentialPolicy,
    /// What differs for one decoy, by its name.
    pub decoys: BTreeMap<String, DecoyConfig>,
    /// Balancers in front of the sensor.
    pub proxy_protocol: ProxyProtocol,
    /// The limits.
    pub limits: Limits,
    /// Where events wait for the hub.
    pub spool: SpoolOptions,
    /// Where files that attackers left are kept.
    pub captures: CapturesOptions,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            name: "sensor".to_owned(),
            persona: "ubuntu-web".to_owned(),
            personas_dir: None,
            listen: vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
            ports: Ports::default(),
            address: None,
            credentials: CredentialPolicy::default(),
            decoys: BTreeMap::new(),
            proxy_protocol: ProxyProtocol::default(),
            limits: Limits::default(),
            spool: SpoolOptions::default(),
            captures: CapturesOptions::default(),
        }
    }
}

/// Which ports the decoys have unless `[sensor.decoys.NAME]` says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ports {
    /// Ports above 1023 that need no privileges: 2222 for SSH.
    #[default]
    Unprivileged,
    /// The ports of the real services: 22 for SSH.
    Standard,
    /// Any free port.
    Auto,
}

/// What differs for one decoy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecoyConfig {
    /// Whether it is offered; by default when the persona has that service.
    pub enabled: Option<bool>,
    /// Its ports; 0 is any free one.
    pub ports: Option<Vec<u16>>,
    /// Which credentials it lets in.
    pub credentials: Option<CredentialPolicy>,
}

/// How large the spool may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolOptions {
    /// Bytes of events that wait for the hub.
    pub spool_bytes_max: u64,
    /// What is dropped beyond that: `drop_oldest` or `drop_newest`. Either way the loss is counted.
    pub full: FullPolicy,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        SpoolOptions { spool_bytes_max: SpoolConfig::SPOOL_BYTES_DEFAULT, full: FullPolicy::default() }
    }
}

impl SpoolOptions {
    /// The spool in a sensor's data directory.
    pub fn in_directory(&self, data: &Path) -> SpoolConfig {
        let SpoolOptions { spool_bytes_max, full } = *self;
        SpoolConfig { spool_bytes_max, full, ..SpoolConfig::new(data.join("spool")) }
    }
}

/// How much is kept of the files attackers left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CapturesOptions {
    /// Bytes kept of one file; its digest is of all of it.
    pub file_bytes_max: u64,
    /// Bytes kept of all files together.
    pub captures_bytes_max: u64,
}

impl Default for CapturesOptions {
    fn default() -> Self {
        let CapturesConfig { file_bytes_max, captures_bytes_max, .. } = CapturesConfig::new("");
        CapturesOptions { file_bytes_max, captures_bytes_max }
    }
}

impl CapturesOptions {
    /// The captures in a sensor's data directory.
    pub fn in_directory(&self, data: &Path) -> CapturesConfig {
        let CapturesOptions { file_bytes_max, captures_bytes_max } = *self;
        CapturesConfig { file_bytes_max, captures_bytes_max, ..CapturesConfig::new(data.join("captures")) }
    }
}

/// Balancers in front of the sensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyProtocol {
    /// Networks whose connections must begin with a PROXY header, version 1 or 2, and whose word on the client's address is taken.
    /// From any other network such a header is just what an attacker sent.
    pub trusted: Vec<IpNet>,
}

impl ProxyProtocol {
    /// Whether a peer is a balancer.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = model::canonical(peer);
        self.trusted.iter().any(|network| network.contains(&peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_survives_being_written_and_read() {
        let text = r#"{"persona":"busybox-router","listen":["127.0.0.1"],"ports":"auto",
            "decoys":{"ssh":{"ports":[22,2222],"credentials":{"accept":"nth","attempt":3}},"telnet":{"enabled":false}},
            "proxy_protocol":{"trusted":["10.0.0.0/8","::1/128"]},"limits":{"sessions_max":7}}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.limits, Limits { sessions_max: 7, ..Limits::default() });
        assert_eq!(config.decoys["telnet"].enabled, Some(false));
        let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        let error = serde_json::from_str::<Config>(r#"{"limits":{"sessions":1}}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `sessions`") && error.contains("sessions_max"), "{error}");
    }

    #[test]
    fn a_balancer_is_trusted_by_its_canonical_address() {
        let proxy = ProxyProtocol { trusted: vec!["10.0.0.0/8".parse().unwrap()] };
        for (peer, expected) in [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("11.0.0.1", false), ("::1", false)] {
            assert_eq!(proxy.trusts(peer.parse().unwrap()), expected, "{peer}");
        }
        assert!(!ProxyProtocol::default().trusts("127.0.0.1".parse().unwrap()));
    }
}
