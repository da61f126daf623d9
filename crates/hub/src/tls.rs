//! The hub's certificate: the operator's, or one of our own that enrolment tokens pin.

use crate::config::{Tls, TlsMode};
use crate::data::DataFolder;
use crate::error::StartError;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate ready to serve.
pub struct Identity {
    /// For the acceptor.
    pub config: Arc<ServerConfig>,
    /// SHA-256 of the leaf certificate's DER form, lower-case hex.
    pub fingerprint: String,
}

/// Loads the certificate that the configuration names, or makes our own; `None` for plain HTTP.
pub fn identity(tls: &Tls, data: &DataFolder) -> Result<Option<Identity>, StartError> {
    match tls {
        Tls::Mode(TlsMode::Off) => Ok(None),
        Tls::Mode(TlsMode::SelfSigned) => {
            let (certificate, key) = (data.certificate(), data.certificate_key());
            if !certificate.exists() || !key.exists() {
                make(data)?;
            }
            load(&certificate, &key).map(Some)
        }
        Tls::Files(files) => load(&files.certificate, &files.key).map(Some),
    }
}

fn make(data: &DataFolder) -> Result<(), StartError> {
    let path = data.certificate();
    let unusable = |reason: String| StartError::Certificate { path: path.clone(), reason };
    // The names do not matter: sensors and clients pin the certificate itself.
    let names = vec!["localhost".to_owned(), "honeyguide".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| unusable(error.to_string()))?;
    // The key first: a certificate without its key would be kept and could not be served.
    data.write_private(&data.certificate_key(), &made.signing_key.serialize_pem())?;
    data.write_private(&path, &made.cert.pem())
}

fn load(certificate: &Path, key: &Path) -> Result<Identity, StartError> {
    let unusable = |path: &Path, reason: String| StartError::Certificate { path: PathBuf::from(path), reason };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(|error| unusable(certificate, error.to_string()))?;
    let Some(leaf) = chain.first() else { return Err(unusable(certificate, "it holds no certificate".to_owned())) };
    let fingerprint = hex::encode(Sha256::digest(leaf));
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| unusable(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity { config: Arc::new(config), fingerprint })
}
