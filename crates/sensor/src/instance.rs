//! What makes this sensor's host different from others of the same persona, kept so that it is the same host after a restart.

use crate::files::write_private;
use model::Timestamp;
use persona::{Host, Instance};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// What is kept.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Kept {
    seed: u64,
    first_start: Timestamp,
}

/// Reads the instance kept at `path`, or begins it at `now`. `address` is the one configured or listened on.
pub(crate) fn load(path: &Path, host: &Host, address: Option<IpAddr>, now: Timestamp) -> io::Result<Instance> {
    let kept = match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let kept = Kept { seed: rand::random(), first_start: now };
            write_private(path, &serde_json::to_vec(&kept)?)?;
            kept
        }
        Err(error) => return Err(error),
    };
    let uptime_us = i64::try_from(host.uptime_seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    let booted = Timestamp(kept.first_start.0.saturating_sub(uptime_us));
    Ok(Instance { seed: kept.seed, booted, address: address.unwrap_or_else(|| invented(kept.seed)) })
}

/// A private address as a provider's network would give one.
fn invented(seed: u64) -> IpAddr {
    let [a, b, c, ..] = seed.to_le_bytes();
    Ipv4Addr::new(10, a, b, 2 + c % 250).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_the_same_host() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/instance.json");
        let host = persona::builtin("ubuntu-web").unwrap().host;
        let first = load(&path, &host, None, Timestamp::from_seconds(1_000_000_000)).unwrap();
        let again = load(&path, &host, None, Timestamp::from_seconds(1_000_000_500)).unwrap();
        assert_eq!((first.seed, first.booted, first.address), (again.seed, again.booted, again.address));
        assert_eq!(first.booted.seconds(), 1_000_000_000 - i64::try_from(host.uptime_seconds).unwrap());
        assert!(!model::is_public(first.address));
        let set = "192.0.2.1".parse().unwrap();
        assert_eq!(load(&path, &host, Some(set), Timestamp(0)).unwrap().address, set);
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instance.json");
        std::fs::write(&path, b"{").unwrap();
        let host = persona::builtin("ubuntu-web").unwrap().host;
        assert_eq!(load(&path, &host, None, Timestamp(0)).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
