//! TLS from a client's side.

use crate::harness::*;
use model::Detail;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use sensor::Limits;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Takes any certificate, as bots do.
#[derive(Debug)]
struct Anyone(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

async fn secure(stream: TcpStream, version: &'static SupportedProtocolVersion, alpn: &[&str]) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(ServerName::try_from("decoy.example").unwrap(), stream).await.unwrap()
}

fn fingerprint<'a>(details: &'a [Detail], wanted: &str) -> &'a str {
    let found = details.iter().find_map(|d| match d {
        Detail::Fingerprint { method, value, .. } if method == wanted => Some(std::str::from_utf8(value.as_bytes()).unwrap()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no {wanted} in {details:?}"))
}

#[tokio::test]
async fn a_client_is_fingerprinted_before_it_is_answered_and_its_plain_bytes_are_kept() {
    for (version, name) in [(&rustls::version::TLS12, "12"), (&rustls::version::TLS13, "13")] {
        let running = start(&config(Limits::default()));
        let mut stream = secure(running.connect("secure").await, version, &["h2", "http/1.1"]).await;
        assert_eq!(until(&mut stream, "\n").await, "hello, secure\n");
        stream.write_all(b"GET\nquit\n").await.unwrap();
        assert_eq!(rest(&mut stream).await, b"GET\nbye\n");
        let details = running.session().await;
        assert!(matches!(details[0], Detail::Connect { tls: true, .. }));
        let ja4 = fingerprint(&details, "ja4");
        assert!(ja4.starts_with(&format!("t{name}d")) && ja4[8..].starts_with("h2_"), "{ja4}");
        assert_eq!(fingerprint(&details, "ja3").len(), 32);
        assert_eq!(fingerprint(&details, "tls_server_name"), "decoy.example");
        assert_eq!(fingerprint(&details, "tls_alpn"), "h2,http/1.1");
        let first_tx = details.iter().position(|d| d.kind() == "tx").unwrap();
        assert!(details[1..5].iter().all(|d| d.kind() == "fingerprint") && first_tx > 4);
        assert_eq!(recorded(&details, true), b"GET\nquit\n");
    }
}

#[tokio::test]
async fn a_session_can_begin_tls_by_itself() {
    let running = start(&config(Limits::default()));
    let mut stream = running.connect("lines").await;
    stream.write_all(b"tls\n").await.unwrap();
    assert_eq!(until(&mut stream, "go\n").await, "hello\ngo\n");
    let mut stream = secure(stream, &rustls::version::TLS13, &[]).await;
    assert_eq!(until(&mut stream, "\n").await, "secure\n");
    stream.write_all(b"inside\nquit\n").await.unwrap();
    assert_eq!(rest(&mut stream).await, b"inside\nbye\n");
    let details = running.session().await;
    assert_eq!(recorded(&details, true), b"tls\ninside\nquit\n");
    assert!(fingerprint(&details, "ja4").starts_with("t13d"));
}

#[tokio::test]
async fn the_certificate_is_the_personas_and_stays_the_same() {
    let config = config(Limits::default());
    let first = start(&config);
    let certificate = async |running: &Running| {
        let stream = secure(running.connect("secure").await, &rustls::version::TLS13, &[]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let before = certificate(&first).await;
    let host = persona::builtin(&config.persona).unwrap().host.hostname;
    assert!(before.windows(host.len()).any(|window| window == host.as_bytes()), "it names the host");
    first.sensor.shutdown(PATIENCE).await;
    let Running { sensor, spool, folder } = first;
    drop(sensor);
    let again = Running { sensor: try_start(&config, &folder, spool.clone()).unwrap(), spool, folder };
    assert_eq!(certificate(&again).await, before);
}

#[tokio::test]
async fn plain_text_on_a_tls_port_is_malformed() {
    let running = start(&config(Limits::default()));
    // An HTTP client that forgot TLS is the session's to answer.
    assert_eq!(running.talk("secure", b"GET / HTTP/1.0\nquit\n").await, b"hello\nGET / HTTP/1.0\nbye\n");
    let details = running.session().await;
    assert!(matches!(&details[1], Detail::Malformed { data, .. } if data.as_bytes().starts_with(b"GET / ")), "{details:?}");
    // Anything else gets nothing, as from OpenSSL.
    assert_eq!(running.talk("secure-lines", b"\x00\x01 nonsense").await, b"");
    let sessions = running.sessions(2).await;
    assert_eq!(sessions[1][1].kind(), "malformed");
    assert_eq!(reason(&sessions[1]), "server");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let running = start(&config(Limits { tls_handshake_seconds_max: 1, ..Limits::default() }));
    let mut stream = running.connect("secure").await;
    stream.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
    assert!(stream.read_u8().await.is_err());
    let details = running.session().await;
    assert_eq!((reason(&details), limits_reached(&details)), ("limit", vec!["tls_handshake_seconds_max"]));
}
