//! Whom to believe to be the hub.

use crate::Error;
use model::Sha256;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::BuilderVerifierExt;
use sha2::Digest;
use std::sync::Arc;

/// How a hub proves that it is the one meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// By a certificate that this machine's authorities vouch for.
    #[default]
    System,
    /// By this very certificate: the SHA-256 of its DER form, as an enrolment token carries it. Names and dates in it do not matter.
    Pinned(Sha256),
}

/// The TLS configuration; `needed` is false for plain HTTP, where the system's authorities need not be found.
pub(crate) fn config(trust: Trust, needed: bool) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().map_err(Error::Tls)?;
    Ok(match trust {
        Trust::Pinned(fingerprint) => {
            let verifier = Arc::new(PinnedVerifier { fingerprint, provider });
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        }
        Trust::System if needed => builder.with_platform_verifier().map_err(Error::Tls)?.with_no_client_auth(),
        Trust::System => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    })
}

/// Accepts one certificate. The handshake's signature is still verified, so only the holder of its key can show it.
#[derive(Debug)]
struct PinnedVerifier {
    fingerprint: Sha256,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug, thiserror::Error)]
#[error("its certificate is {shown}, and {pinned} was pinned at enrolment; if the hub was installed anew, enrol again with a new token")]
struct NotPinned {
    shown: Sha256,
    pinned: Sha256,
}

impl ServerCertVerifier for PinnedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Sha256(sha2::Sha256::digest(end_entity).into());
        if shown == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        let not_pinned = NotPinned { shown, pinned: self.fingerprint };
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(not_pinned)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
