//! How the transport's end reads: who ended it, and whether a rule was broken.

use crate::CloseReason;
use russh::{AlgorithmKind, Error};
use std::io::ErrorKind;

/// Why a transport that failed has ended, and the rule the peer broke, with what there is to show for it.
pub(super) fn explain(error: &Error) -> (CloseReason, Option<(&'static str, Vec<u8>)>) {
    let broken = |reason, data: Vec<u8>| (CloseReason::Server, Some((reason, data)));
    match error {
        Error::IO(e) if e.kind() == ErrorKind::InvalidData => broken("packet", Vec::new()),
        Error::IO(_) | Error::Disconnect | Error::HUP | Error::SendError => (CloseReason::Peer, None),
        Error::InactivityTimeout | Error::KeepaliveTimeout | Error::ConnectionTimeout | Error::Elapsed(_) => (CloseReason::Idle, None),
        Error::Join(_) => (CloseReason::Error, None),
        Error::NoCommonAlgo { kind, theirs, .. } => broken(no_common(kind), theirs.join(",").into_bytes()),
        Error::Version => broken("identification string", Vec::new()),
        Error::PacketAuth | Error::DecryptionError => broken("packet authentication code", Vec::new()),
        Error::PacketSize(_) | Error::IndexOutOfBounds => broken("packet length", Vec::new()),
        Error::Kex | Error::KexInit | Error::StrictKeyExchangeViolation { .. } => broken("key exchange", Vec::new()),
        Error::Pending => broken("messages during key exchange", Vec::new()),
        _ => broken("message", error.to_string().into_bytes()),
    }
}

fn no_common(kind: &AlgorithmKind) -> &'static str {
    match kind {
        AlgorithmKind::Kex => "no common key exchange method",
        AlgorithmKind::Key => "no common host key algorithm",
        AlgorithmKind::Cipher => "no common cipher",
        AlgorithmKind::Compression => "no common compression",
        AlgorithmKind::Mac => "no common MAC",
    }
}
