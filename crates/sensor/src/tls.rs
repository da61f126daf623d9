//! TLS as a decoy meets it: the ClientHello is read and fingerprinted before rustls sees it, then replayed into the handshake.

pub mod client_hello;
mod handshake;
mod identity;
mod ja3;
mod ja4;
mod rewind;

pub(crate) use handshake::{Hello, fingerprints, read_hello};
pub use identity::{Identity, IdentityError, TlsPersona};
pub use ja3::ja3;
pub use ja4::ja4;
pub(crate) use rewind::Rewind;

/// A fingerprint with what it was computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The fingerprint.
    pub value: String,
    /// What was hashed.
    pub raw: String,
}

/// Reserved values that clients send to keep servers tolerant: `0x?a?a` with equal bytes (RFC 8701 section 2).
pub(crate) fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}
