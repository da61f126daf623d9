//! The host keys: made at the first start, the same ever after.

use super::SshError;
use crate::files::write_private;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::RsaKeypair;
use russh::keys::{Algorithm, PrivateKey};
use std::path::Path;

/// Reads one key of each kind that `algorithms` names from `directory`, making those that are missing. They come in the order named.
pub(super) fn load(directory: &Path, algorithms: &[Algorithm], rsa_bits: usize) -> Result<Vec<PrivateKey>, SshError> {
    std::fs::create_dir_all(directory).map_err(|source| SshError::Keys { path: directory.to_owned(), source })?;
    let mut kinds: Vec<(Algorithm, &str)> = Vec::new();
    for algorithm in algorithms {
        let kind = match algorithm {
            Algorithm::Ed25519 => (Algorithm::Ed25519, "ssh_host_ed25519_key"),
            Algorithm::Rsa { .. } => (Algorithm::Rsa { hash: None }, "ssh_host_rsa_key"),
            Algorithm::Ecdsa { .. } => (algorithm.clone(), "ssh_host_ecdsa_key"),
            _ => continue,
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.iter().map(|(algorithm, name)| load_one(&directory.join(name), algorithm, rsa_bits)).collect()
}

fn load_one(path: &Path, algorithm: &Algorithm, rsa_bits: usize) -> Result<PrivateKey, SshError> {
    match std::fs::read(path) {
        Ok(text) => PrivateKey::from_openssh(&text).map_err(|source| SshError::Key { path: path.to_owned(), source }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => make(path, algorithm, rsa_bits),
        Err(source) => Err(SshError::Keys { path: path.to_owned(), source }),
    }
}

fn make(path: &Path, algorithm: &Algorithm, rsa_bits: usize) -> Result<PrivateKey, SshError> {
    let unusable = |source| SshError::Key { path: path.to_owned(), source };
    let mut rng = rand::rng();
    let key = match algorithm {
        Algorithm::Rsa { .. } => PrivateKey::from(RsaKeypair::random(&mut rng, rsa_bits).map_err(unusable)?),
        other => PrivateKey::random(&mut rng, other.clone()).map_err(unusable)?,
    };
    let text = key.to_openssh(LineEnding::LF).map_err(unusable)?;
    write_private(path, text.as_bytes()).map_err(|source| SshError::Keys { path: path.to_owned(), source })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::Profile;

    #[test]
    fn keys_are_made_once_for_each_kind() {
        let directory = tempfile::tempdir().unwrap();
        let profile = Profile {
            host_keys: ["rsa-sha2-512", "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"].map(str::to_owned).to_vec(),
            ..Profile::default()
        };
        let first = load(directory.path(), &profile.host_key_algorithms(), 2048).unwrap();
        let again = load(directory.path(), &profile.host_key_algorithms(), 2048).unwrap();
        let kinds: Vec<String> = first.iter().map(|k| k.algorithm().to_string()).collect();
        assert_eq!(kinds, ["ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256"]);
        let public = |keys: &[PrivateKey]| keys.iter().map(|k| k.public_key().to_openssh().unwrap()).collect::<Vec<_>>();
        assert_eq!(public(&first), public(&again));
    }

    #[test]
    fn a_damaged_key_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ssh_host_ed25519_key"), "not a key").unwrap();
        let error = load(directory.path(), &[Algorithm::Ed25519], 2048).unwrap_err().to_string();
        assert!(error.contains("ssh_host_ed25519_key"), "{error}");
    }
}
