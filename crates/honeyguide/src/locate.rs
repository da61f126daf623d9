//! Which hub a client command talks to, and with which key: what was said, else what a hub on this machine left in its data folder.

use crate::cli::Target;
use crate::commands;
use anyhow::{Context, Result, anyhow};
use client::{Client, Trust};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::Path;

/// Written by a running hub beside its data, so that commands on the same machine find it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Running {
    /// Where it listens.
    pub url: String,
    /// The SHA-256 of its certificate, hex, when it speaks TLS.
    pub certificate: Option<String>,
    /// The process, for people.
    pub pid: u32,
}

const FILE: &str = "running.json";

impl Running {
    /// Leaves the note.
    pub fn write(&self, data: &Path) -> Result<()> {
        let path = data.join(FILE);
        std::fs::write(&path, serde_json::to_vec_pretty(self)?).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes it away again.
    pub fn remove(data: &Path) {
        let _ = std::fs::remove_file(data.join(FILE));
    }

    /// `None` when no hub has left one; a note that is cut off (its writer was killed) is none.
    pub fn read(data: &Path) -> Result<Option<Running>> {
        match std::fs::read(data.join(FILE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error).with_context(|| {
                format!("the data folder {} is another user's: run this as that user, or give --hub URL and --key KEY", data.display())
            }),
            Err(_) => Ok(None),
        }
    }
}

/// A client for the hub that is meant.
pub fn client(target: &Target) -> Result<Client> {
    let data = commands::effective(&target.source, &[])?.config.data;
    // Who says both needs nothing of the data folder.
    let running = if target.hub.is_some() && target.key.is_some() { Running::read(&data).ok().flatten() } else { Running::read(&data)? };
    let (url, certificate) = match (&target.hub, &running) {
        (Some(url), Some(running)) if *url == running.url => (url.clone(), running.certificate.clone()),
        (Some(url), _) => (url.clone(), None),
        (None, Some(running)) => (running.url.clone(), running.certificate.clone()),
        (None, None) => {
            return Err(anyhow!(
                "no hub runs with its data in {}; start one with `honeyguide up`, or say where it is with --hub URL (or --data DIR)",
                data.display()
            ));
        }
    };
    let key = match &target.key {
        Some(key) => key.clone(),
        None => read_key(&data).with_context(|| {
            format!("no API key: give one with --key, or run this where {} can be read", data.join("admin.key").display())
        })?,
    };
    let trust = match certificate.map(|hex| hex.parse()).transpose().context("running.json names a certificate that is none")? {
        Some(digest) => Trust::Pinned(digest),
        None => Trust::System,
    };
    Ok(Client::new(&url, trust)?.with_key(key))
}

fn read_key(data: &Path) -> Result<String> {
    Ok(std::fs::read_to_string(data.join("admin.key"))?.trim().to_owned())
}
