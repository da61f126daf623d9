//! What is done before rustls sees a connection.

use super::client_hello::{self, CLIENT_HELLO_BYTES_MAX, ClientHello, Parsed};
use super::{ja3, ja4};
use model::{Blob, Detail};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a peer said first, with every byte read so far.
pub(crate) enum Hello {
    /// A ClientHello.
    Read(Box<ClientHello>, Vec<u8>),
    /// The connection ended before it was whole.
    Ended(Vec<u8>),
    /// Something else than TLS.
    NotTls(Vec<u8>),
    /// TLS, but no ClientHello.
    Invalid(&'static str, Vec<u8>),
}

/// Reads until it is clear what the peer said. `bytes` is what was read before.
pub(crate) async fn read_hello(stream: &mut (impl AsyncRead + Unpin), mut bytes: Vec<u8>) -> Hello {
    loop {
        match client_hello::parse(&bytes) {
            Parsed::Hello(hello) => return Hello::Read(hello, bytes),
            Parsed::NotTls => return Hello::NotTls(bytes),
            Parsed::Invalid(reason) => return Hello::Invalid(reason, bytes),
            Parsed::Incomplete => {}
        }
        let room = CLIENT_HELLO_BYTES_MAX.saturating_sub(bytes.len());
        if room == 0 {
            return Hello::Invalid("the ClientHello is too long", bytes);
        }
        match (&mut *stream).take(room as u64).read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Hello::Ended(bytes),
            Ok(_) => {}
        }
    }
}

/// The events a ClientHello gives.
pub(crate) fn fingerprints(hello: &ClientHello) -> Vec<Detail> {
    let (ja3, ja4) = (ja3(hello), ja4(hello));
    let fingerprint = |method: &'static str, value: Blob, raw: Blob| Detail::Fingerprint { method: method.into(), value, raw };
    let mut details = vec![fingerprint("ja3", ja3.value.into(), ja3.raw.into()), fingerprint("ja4", ja4.value.into(), ja4.raw.into())];
    if let Some(name) = &hello.server_name {
        details.push(fingerprint("tls_server_name", name.clone().into(), Blob::default()));
    }
    if !hello.alpn.is_empty() {
        details.push(fingerprint("tls_alpn", hello.alpn.join(&b","[..]).into(), Blob::default()));
    }
    details
}
