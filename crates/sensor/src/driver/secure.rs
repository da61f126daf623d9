//! The TLS handshake of a session.

use super::Driver;
use crate::CloseReason;
use crate::decoy::Decoy;
use crate::recorder::Recorder;
use crate::tls::{self, Hello, Rewind, client_hello};
use crate::wire::Wire;
use model::{Detail, Protocol};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// How OpenSSL knows plain HTTP (`ssl3_get_record`); servers on it answer these in plain text.
const PLAIN_HTTP: [&[u8]; 4] = [b"GET ", b"POST ", b"HEAD ", b"PUT "];

/// What a handshake led to.
enum Outcome<S> {
    Secure(Wire<S>),
    /// The peer speaks plain text where TLS was expected.
    Plain(S, Vec<u8>),
    Failed(Wire<S>, CloseReason),
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Driver<S> {
    /// Reads and fingerprints the ClientHello, then shakes hands. An HTTP client that forgot TLS is left to the session, which knows what
    /// the real server says to it: [`emulation::Context::tls`] stays false.
    pub(super) async fn secure(&mut self) -> Result<(), CloseReason> {
        let Wire::Plain(stream) = std::mem::replace(&mut self.wire, Wire::Gone) else {
            tracing::error!(decoy = self.core.decoy.name, "a session asked for TLS inside TLS");
            return Err(CloseReason::Error);
        };
        let seconds = self.core.decoy.shared.limits.tls_handshake_seconds_max;
        let prefix = self.input.take_all();
        self.seen = true;
        let shaking =
            Box::pin(tokio::time::timeout(Duration::from_secs(seconds), shake(&self.core.decoy, &self.core.recorder, stream, prefix)));
        let outcome = tokio::select! {
            biased;
            reason = &mut self.watch => return Err(reason),
            outcome = shaking => outcome,
        };
        match outcome {
            Ok(Outcome::Secure(wire)) => {
                self.wire = wire;
                self.core.tls = true;
                Ok(())
            }
            Ok(Outcome::Plain(stream, bytes)) => {
                self.wire = Wire::Plain(stream);
                self.core.meter.received(&bytes);
                self.input.extend(&bytes);
                self.seen = false;
                Ok(())
            }
            Ok(Outcome::Failed(wire, reason)) => {
                self.wire = wire;
                Err(reason)
            }
            Err(_) => {
                self.core.meter.limit("tls_handshake_seconds_max", seconds);
                Err(CloseReason::Limit)
            }
        }
    }
}

async fn shake<S: AsyncRead + AsyncWrite + Unpin>(decoy: &Decoy, recorder: &Recorder, mut stream: S, prefix: Vec<u8>) -> Outcome<S> {
    let shared = &decoy.shared;
    let malformed = |reason: String, data: &[u8]| {
        let data = &data[..data.len().min(shared.limits.malformed_bytes_max)];
        recorder.record(Detail::Malformed { reason: reason.into(), data: data.into() });
    };
    let mut hello = client_hello::ClientHello::default();
    let bytes = match tls::read_hello(&mut stream, prefix).await {
        Hello::Read(read, bytes) => {
            for detail in tls::fingerprints(&read) {
                recorder.record(detail);
            }
            hello = *read;
            bytes
        }
        Hello::Ended(bytes) => {
            if !bytes.is_empty() {
                malformed("the connection ended inside the ClientHello".to_owned(), &bytes);
            }
            return Outcome::Failed(Wire::Plain(stream), CloseReason::Peer);
        }
        Hello::NotTls(bytes) => {
            malformed("not TLS on a TLS port".to_owned(), &bytes);
            if decoy.protocol == Protocol::Http && PLAIN_HTTP.iter().any(|word| bytes.starts_with(word)) {
                return Outcome::Plain(stream, bytes);
            }
            // OpenSSL hangs up without an alert on what is no record; rustls would send one.
            return Outcome::Failed(Wire::Plain(stream), CloseReason::Server);
        }
        Hello::Invalid(reason, bytes) => {
            malformed(reason.to_owned(), &bytes);
            bytes
        }
    };
    let acceptor = TlsAcceptor::from(shared.identity.config(&hello));
    match acceptor.accept(Rewind::new(bytes, stream)).into_fallible().await {
        Ok(secure) => Outcome::Secure(Wire::Tls(Box::new(secure))),
        Err((error, stream)) => {
            let gone = error.kind() == std::io::ErrorKind::UnexpectedEof || error.kind() == std::io::ErrorKind::ConnectionReset;
            malformed(format!("the TLS handshake failed: {error}"), &[]);
            Outcome::Failed(Wire::Plain(stream.into_inner()), if gone { CloseReason::Peer } else { CloseReason::Server })
        }
    }
}
