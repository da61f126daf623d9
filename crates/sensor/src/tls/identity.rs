//! The persona's certificate: self-signed, made at the first start and kept, as the real host's would be.

use super::client_hello::ClientHello;
use crate::files::write_private;
use persona::{Instance, Persona, PersonaError};
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, SanType, SerialNumber};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// `[services.tls]` of a persona. The defaults are those of Debian's `make-ssl-cert`: the host's name, ten years, RSA
/// with 2048 bits.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsPersona {
    /// The certificate's common name; the host's full name by default.
    pub common_name: Option<String>,
    /// The certificate's organization, if it has one.
    pub organization: Option<String>,
    /// How many days before the host booted the certificate was made.
    pub issued_days_before_boot: u32,
    /// How many days it is valid.
    pub valid_days: u32,
    /// Bits of the certificate's RSA key; 0 for an ECDSA key on P-256.
    pub rsa_bits: usize,
    /// Application protocols the server knows, best first (RFC 7301); none makes it ignore what clients offer.
    pub alpn: Vec<String>,
}

impl Default for TlsPersona {
    fn default() -> Self {
        TlsPersona {
            common_name: None,
            organization: None,
            issued_days_before_boot: 30,
            valid_days: 3650,
            rsa_bits: 2048,
            alpn: Vec::new(),
        }
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The persona's `[services.tls]` is wrong.
    #[error(transparent)]
    Persona(#[from] PersonaError),
    /// The certificate could not be read or kept.
    #[error("the certificate in {path} cannot be read or written")]
    File {
        /// Where it is kept.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate could not be made.
    #[error("the certificate cannot be made")]
    Make(#[from] rcgen::Error),
    /// The certificate's RSA key could not be made.
    #[error("the certificate's RSA key cannot be made; is [services.tls] rsa_bits of the persona a usual size, as 2048 is?")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The certificate kept is of no use.
    #[error("the certificate in {path} is not usable; delete it, and a new one is made at the next start")]
    Use {
        /// Where it is kept.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The certificate with its key, ready for handshakes.
#[derive(Clone)]
pub struct Identity {
    plain: Arc<ServerConfig>,
    with_alpn: Arc<ServerConfig>,
}

impl Identity {
    /// Reads the certificate kept at `path` (PEM, key first), or makes it.
    pub fn load(path: &Path, persona: &Persona, instance: &Instance) -> Result<Identity, IdentityError> {
        let service: TlsPersona = persona.service("tls")?;
        let shown = || path.display().to_string();
        let pem = match std::fs::read(path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pem = make(&service, persona, instance)?.into_bytes();
                write_private(path, &pem).map_err(|source| IdentityError::File { path: shown(), source })?;
                pem
            }
            Err(source) => return Err(IdentityError::File { path: shown(), source }),
        };
        Identity::from_pem(&pem, &service.alpn).map_err(|source| IdentityError::Use { path: shown(), source })
    }

    fn from_pem(pem: &[u8], alpn: &[String]) -> Result<Identity, Box<dyn std::error::Error + Send + Sync>> {
        let key = PrivateKeyDer::from_pem_slice(pem)?;
        let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
        let plain = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let mut with_alpn = plain.clone();
        with_alpn.alpn_protocols = alpn.iter().map(|name| name.clone().into_bytes()).collect();
        Ok(Identity { plain: Arc::new(plain), with_alpn: Arc::new(with_alpn) })
    }

    /// The settings for one client. A client that offers only protocols the server does not know is served as if it had offered none, as
    /// Apache and nginx do; rustls would refuse it.
    pub(crate) fn config(&self, hello: &ClientHello) -> Arc<ServerConfig> {
        let common = hello.alpn.iter().any(|name| self.with_alpn.alpn_protocols.contains(name));
        if common { self.with_alpn.clone() } else { self.plain.clone() }
    }
}

fn make(service: &TlsPersona, persona: &Persona, instance: &Instance) -> Result<String, IdentityError> {
    let host = &persona.host;
    let full_name = if host.domain.is_empty() { host.hostname.clone() } else { format!("{}.{}", host.hostname, host.domain) };
    let common_name = service.common_name.clone().unwrap_or(full_name);
    let booted = Duration::from_secs(u64::try_from(instance.booted.seconds()).unwrap_or(0));
    let issued = booted.saturating_sub(DAY * service.issued_days_before_boot);

    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + issued;
    params.not_after = params.not_before + DAY * service.valid_days;
    params.serial_number = Some(SerialNumber::from(rand::random::<[u8; 20]>().map(|byte| byte & 0x7f).to_vec()));
    params.distinguished_name = DistinguishedName::new();
    if let Some(organization) = &service.organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params.subject_alt_names = vec![SanType::DnsName(common_name.as_str().try_into()?)];
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.is_ca = IsCa::ExplicitNoCa;
    let key = match service.rsa_bits {
        0 => KeyPair::generate()?,
        bits => rsa_key(bits)?,
    };
    let certificate = params.self_signed(&key)?;
    Ok(key.serialize_pem() + &certificate.pem())
}

/// An RSA key. ring, which rcgen makes keys with, only signs with them.
fn rsa_key(bits: usize) -> Result<KeyPair, IdentityError> {
    let key = RsaPrivateKey::new(&mut rand::rng(), bits).map_err(|error| IdentityError::Key(error.into()))?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| IdentityError::Key(error.into()))?;
    Ok(KeyPair::from_pem(&pem)?)
}
