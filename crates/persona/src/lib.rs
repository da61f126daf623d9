//! What a decoy host pretends to be: one folder under `personas/` at the root of the repository, embedded here and replaceable at run time.
//!
//! A persona is data. Nothing in the code names a host, a kernel, a user or a banner; every protocol of one sensor reads the same
//! persona, so that all of them tell the same story.

mod builtin;
mod host;

pub use builtin::{builtin, builtin_names};
pub use host::*;

use model::Timestamp;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A persona as read from its folder.
#[derive(Clone, Debug)]
pub struct Persona {
    /// The host: names, hardware, users, processes (`persona.toml`).
    pub host: Host,
    /// What each service says about itself (`[services.NAME]` of `persona.toml`); each protocol reads its own table.
    services: BTreeMap<String, toml::Table>,
    /// Every other file of the folder, by its path inside it (`files.txt`, `content/etc/passwd`, `http/index.html`, …).
    pub files: BTreeMap<String, Arc<[u8]>>,
}

/// Why a persona cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PersonaError {
    /// The folder has no `persona.toml`.
    #[error("the persona \"{0}\" has no persona.toml")]
    Missing(String),
    /// `persona.toml` does not say what is expected.
    #[error("personas/{name}/persona.toml: {message}")]
    Invalid {
        /// The persona's name.
        name: String,
        /// Line and field, and what was expected.
        message: String,
    },
}

impl Persona {
    /// From a folder's files, by their paths inside it.
    pub fn parse(name: &str, mut files: BTreeMap<String, Arc<[u8]>>) -> Result<Persona, PersonaError> {
        let text = files.remove("persona.toml").ok_or_else(|| PersonaError::Missing(name.to_owned()))?;
        let invalid = |message: String| PersonaError::Invalid { name: name.to_owned(), message };
        let text = std::str::from_utf8(&text).map_err(|e| invalid(e.to_string()))?;
        let document: Document = toml::from_str(text).map_err(|e| invalid(e.to_string()))?;
        Ok(Persona { host: document.host, services: document.services, files })
    }

    /// A service's own table, as that service's type; its defaults when the persona does not mention it.
    pub fn service<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, PersonaError> {
        match self.services.get(name) {
            None => Ok(T::default()),
            Some(table) => table
                .clone()
                .try_into()
                .map_err(|e| PersonaError::Invalid { name: self.host.hostname.clone(), message: format!("[services.{name}]: {e}") }),
        }
    }

    /// Whether the persona mentions a service: decoys it does not mention are off by default.
    pub fn offers(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    host: Host,
    #[serde(default)]
    services: BTreeMap<String, toml::Table>,
}

/// What differs between two sensors with the same persona: fixed for the life of a sensor.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    /// Seeds everything that varies between hosts: MAC addresses, host keys' comments, process ids, file times.
    pub seed: u64,
    /// When the host pretends to have booted.
    pub booted: Timestamp,
    /// The host's own address, as it shows in `ip addr`.
    pub address: IpAddr,
}
