//! What the persona's sshd says about itself: `[services.ssh]` of `persona.toml`.

use russh::keys::{Algorithm, EcdsaCurve};
use russh::{MethodKind, MethodSet, Preferred, cipher, compression, kex, mac};
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;

/// The server's settings. Lists of algorithms are in the server's order, by the names of RFC 4250 and OpenSSH; the defaults are OpenSSH 8.9's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// The identification string (RFC 4253 section 4.2), without its line end.
    pub version: String,
    /// What is sent, before hanging up, to a peer whose identification string is not one; empty for a server that says nothing.
    pub invalid_identification: String,
    /// The same to a peer that speaks another major version of the protocol.
    pub other_version: String,
    /// Key exchange methods, and the pseudo-methods that announce extensions.
    pub key_exchange: Vec<String>,
    /// Host key algorithms; a key is made for each kind named.
    pub host_keys: Vec<String>,
    /// Ciphers, both ways.
    pub ciphers: Vec<String>,
    /// Message authentication codes, both ways.
    pub macs: Vec<String>,
    /// Compression methods, both ways; only those that begin after authentication are offered.
    pub compression: Vec<String>,
    /// Size of the RSA host key.
    pub rsa_bits: usize,
    /// Authentication methods offered: `publickey`, `password`, `keyboard-interactive`.
    pub methods: Vec<String>,
    /// Shown before authentication; sshd's `Banner`.
    pub banner: Option<String>,
    /// How long a wrong password takes, on average.
    pub failure_milliseconds: u64,
    /// Environment variables accepted, `*` at the end standing for anything; sshd's `AcceptEnv`.
    pub accepted_environment: Vec<String>,
    /// Whether there is an SFTP subsystem.
    pub sftp: bool,
    /// Whether forwardings are allowed; sshd's `AllowTcpForwarding`.
    pub tcp_forwarding: bool,
    /// Whether agent forwarding is allowed; sshd's `AllowAgentForwarding`.
    pub agent_forwarding: bool,
}

impl Default for Profile {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Profile {
            version: "SSH-2.0-OpenSSH_8.9p1".to_owned(),
            invalid_identification: "Invalid SSH identification string.\r\n".to_owned(),
            other_version: "Protocol major versions differ.\r\n".to_owned(),
            key_exchange: list(&[
                "curve25519-sha256",
                "curve25519-sha256@libssh.org",
                "ecdh-sha2-nistp256",
                "ecdh-sha2-nistp384",
                "ecdh-sha2-nistp521",
                "sntrup761x25519-sha512@openssh.com",
                "diffie-hellman-group-exchange-sha256",
                "diffie-hellman-group16-sha512",
                "diffie-hellman-group18-sha512",
                "diffie-hellman-group14-sha256",
                "kex-strict-s-v00@openssh.com",
            ]),
            host_keys: list(&["rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ssh-ed25519"]),
            ciphers: list(&[
                "chacha20-poly1305@openssh.com",
                "aes128-ctr",
                "aes192-ctr",
                "aes256-ctr",
                "aes128-gcm@openssh.com",
                "aes256-gcm@openssh.com",
            ]),
            macs: list(&[
                "umac-64-etm@openssh.com",
                "umac-128-etm@openssh.com",
                "hmac-sha2-256-etm@openssh.com",
                "hmac-sha2-512-etm@openssh.com",
                "hmac-sha1-etm@openssh.com",
                "umac-64@openssh.com",
                "umac-128@openssh.com",
                "hmac-sha2-256",
                "hmac-sha2-512",
                "hmac-sha1",
            ]),
            compression: list(&["none", "zlib@openssh.com"]),
            rsa_bits: 3072,
            methods: list(&["publickey", "password", "keyboard-interactive"]),
            banner: None,
            failure_milliseconds: 300,
            accepted_environment: list(&["LANG", "LC_*"]),
            sftp: true,
            tcp_forwarding: true,
            agent_forwarding: true,
        }
    }
}

impl Profile {
    /// The lists as the transport takes them. A name it does not implement is left out, with a message: offering it would break every client
    /// that chooses it.
    pub(super) fn preferred(&self) -> Preferred {
        Preferred {
            kex: Cow::Owned(known(&self.key_exchange, "key exchange", kex_name)),
            key: Cow::Owned(self.host_key_algorithms()),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: Cow::Owned(known(&self.ciphers, "cipher", |name| cipher::Name::try_from(name).ok().filter(|n| *n != cipher::CLEAR))),
            mac: Cow::Owned(known(&self.macs, "MAC", |name| mac::Name::try_from(name).ok())),
            compression: Cow::Owned(self.compression_methods()),
        }
    }

    /// The host key algorithms implemented.
    pub(super) fn host_key_algorithms(&self) -> Vec<Algorithm> {
        known(&self.host_keys, "host key algorithm", |name| match Algorithm::new(name) {
            Ok(a @ (Algorithm::Ed25519 | Algorithm::Rsa { .. } | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 })) => Some(a),
            _ => None,
        })
    }

    /// The compression methods offered. Not `zlib`: decompression before authentication is work and memory that the peer chooses.
    fn compression_methods(&self) -> Vec<compression::Name> {
        let offered = [compression::NONE, compression::ZLIB_LEGACY];
        self.compression.iter().filter_map(|name| offered.into_iter().find(|known| known.as_ref() == name)).collect()
    }

    /// The methods offered.
    pub(super) fn method_set(&self) -> MethodSet {
        let mut set = MethodSet::empty();
        for name in &self.methods {
            match name.as_str() {
                "publickey" => set.push(MethodKind::PublicKey),
                "password" => set.push(MethodKind::Password),
                "keyboard-interactive" => set.push(MethodKind::KeyboardInteractive),
                other => tracing::warn!(method = other, "the persona's sshd offers an authentication method that is not implemented"),
            }
        }
        set
    }

    /// How long a wrong password takes this time: the average, a quarter more or less, as a loaded host's PAM stack does.
    pub(super) fn failure_delay(&self) -> Duration {
        let spread = self.failure_milliseconds / 4;
        Duration::from_millis(rand::random_range(self.failure_milliseconds - spread..=self.failure_milliseconds.saturating_add(spread)))
    }

    /// Whether an environment variable may be set.
    pub(super) fn accepts_environment(&self, name: &[u8]) -> bool {
        self.accepted_environment.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix.as_bytes()),
            None => name == pattern.as_bytes(),
        })
    }
}

fn kex_name(name: &str) -> Option<kex::Name> {
    let extensions = [kex::EXTENSION_SUPPORT_AS_SERVER, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER];
    extensions.into_iter().find(|e| e.as_ref() == name).or_else(|| kex::Name::try_from(name).ok())
}

fn known<T>(names: &[String], kind: &'static str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let known = names.iter().filter(|name| *name != "none").filter_map(|name| {
        let parsed = parse(name);
        if parsed.is_none() {
            tracing::info!(kind, name, "not offered: the SSH transport does not implement it");
        }
        parsed
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept_and_only_what_works_is_offered() {
        let profile = Profile {
            key_exchange: [
                "ecdh-sha2-nistp256",
                "sntrup761x25519-sha512@openssh.com",
                "none",
                "diffie-hellman-group1-sha1",
                "kex-strict-s-v00@openssh.com",
            ]
            .map(str::to_owned)
            .to_vec(),
            ciphers: ["aes128-cbc", "clear", "none", "chacha20-poly1305@openssh.com"].map(str::to_owned).to_vec(),
            ..Profile::default()
        };
        let preferred = profile.preferred();
        let names = |list: &[kex::Name]| list.iter().map(|n| n.as_ref().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&preferred.kex), ["ecdh-sha2-nistp256", "diffie-hellman-group1-sha1", "kex-strict-s-v00@openssh.com"]);
        let ciphers: Vec<&str> = preferred.cipher.iter().map(AsRef::as_ref).collect();
        assert_eq!(ciphers, ["aes128-cbc", "chacha20-poly1305@openssh.com"]);
        let keys: Vec<String> = preferred.key.iter().map(ToString::to_string).collect();
        assert_eq!(keys, ["rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ssh-ed25519"]);
    }

    #[test]
    fn environment_patterns() {
        let profile = Profile::default();
        assert!(profile.accepts_environment(b"LANG") && profile.accepts_environment(b"LC_ALL"));
        assert!(!profile.accepts_environment(b"LANGUAGE") && !profile.accepts_environment(b"LD_PRELOAD"));
    }

    #[test]
    fn the_failure_delay_stays_near_its_average() {
        let profile = Profile { failure_milliseconds: 1000, ..Profile::default() };
        for _ in 0..100 {
            assert!((750..=1250).contains(&profile.failure_delay().as_millis()));
        }
        assert_eq!(Profile { failure_milliseconds: 0, ..Profile::default() }.failure_delay(), Duration::ZERO);
    }
}
