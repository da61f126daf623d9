//! HTTPS with the hub's own certificate, pinned as an enrolment token says.

use base64::Engine as _;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme, crypto};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Accepts one certificate, by its digest.
#[derive(Debug)]
struct Pin(String, crypto::CryptoProvider);

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if hex::encode(Sha256::digest(leaf)) == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General("another certificate".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(message, leaf, signed, &self.1.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(message, leaf, signed, &self.1.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

async fn health(address: std::net::SocketAddr, pin: &str) -> std::io::Result<String> {
    let provider = crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider.clone()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pin(pin.to_owned(), provider)))
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await?;
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_pins_the_certificate_that_the_hub_shows() {
    let folder = tempfile::tempdir().unwrap();
    let config = hub::Config { listen: ([127, 0, 0, 1], 0).into(), ..hub::Config::default() };
    // A token made before the first start is good for it.
    let token = hub::admin::new_token(&config, folder.path(), Duration::from_secs(60)).unwrap();
    let content = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.text.strip_prefix("hgt_").unwrap()).unwrap();
    let content: serde_json::Value = serde_json::from_slice(&content).unwrap();
    let pin = content["c"].as_str().unwrap().to_owned();

    let first = hub::Hub::start(config.clone(), folder.path()).await.unwrap();
    assert_eq!(first.certificate(), Some(&*pin));
    assert!(first.url().starts_with("https://127.0.0.1:"));
    // A connection that says nothing holds nobody up.
    let _silent = TcpStream::connect(first.address()).await.unwrap();
    assert!(health(first.address(), &pin).await.unwrap().starts_with("HTTP/1.1 200 OK"));
    assert!(health(first.address(), &"0".repeat(64)).await.is_err());
    first.shutdown().await;

    let second = hub::Hub::start(config, folder.path()).await.unwrap();
    assert_eq!(second.certificate(), Some(&*pin), "it is made once");
    second.shutdown().await;
}

#[tokio::test]
async fn an_unusable_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let files = hub::TlsFiles { certificate: folder.path().join("none.pem"), key: folder.path().join("none.key") };
    let config = hub::Config { listen: ([127, 0, 0, 1], 0).into(), tls: hub::Tls::Files(files), ..hub::Config::default() };
    let error = hub::Hub::start(config, folder.path()).await.map(drop).unwrap_err().to_string();
    assert!(error.contains("none.pem") && error.contains("hub.tls"), "{error}");
}

#[test]
fn tls_is_configured_by_a_word_or_by_files() {
    let tls = |text: &str| serde_json::from_str::<hub::Config>(text).map(|config| config.tls).map_err(|error| error.to_string());
    assert_eq!(tls("{}").unwrap(), hub::Tls::Mode(hub::TlsMode::SelfSigned));
    assert_eq!(tls(r#"{"tls": "off"}"#).unwrap(), hub::Tls::OFF);
    assert!(matches!(tls(r#"{"tls": {"certificate": "a", "key": "b"}}"#).unwrap(), hub::Tls::Files(_)));
    assert!(tls(r#"{"tls": "on"}"#).unwrap_err().contains("self-signed"));
    assert!(tls(r#"{"tls": {"certificate": "a", "key": "b", "chain": "c"}}"#).is_err());
    assert!(tls(r#"{"listn": "127.0.0.1:1"}"#).is_err());
}
