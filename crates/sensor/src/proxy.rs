//! The PROXY protocol, versions 1 and 2: how a balancer tells whom it connects. Pure: bytes in, header out.
//!
//! Source: "The PROXY protocol, versions 1 & 2", HAProxy Technologies, revision of 2020/03/05. A header counts only when it comes from a
//! balancer the operator trusts; anyone else who sends one is an attacker like others.

mod v1;
mod v2;

use std::net::SocketAddr;

/// The longest header accepted: version 1 has at most 107 bytes, version 2 may carry TLVs and is cut off here.
pub const HEADER_BYTES_MAX: usize = 4096;

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes it occupies; what follows belongs to the connection.
    pub bytes: usize,
    /// Who is connected to what; `None` when the balancer speaks for itself (`LOCAL`, `UNKNOWN`), as in its health checks.
    pub route: Option<Route>,
}

/// The ends of the connection a balancer relays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The client.
    pub peer: SocketAddr,
    /// The address the client connected to.
    pub local: SocketAddr,
}

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A header may be complete with more bytes.
    Incomplete,
    /// A header.
    Header(Header),
    /// No header, for this reason.
    Invalid(&'static str),
}

/// Reads the header at the start of `bytes`.
pub fn parse(bytes: &[u8]) -> Parsed {
    if v2::SIGNATURE.starts_with(bytes) {
        Parsed::Incomplete
    } else if bytes.starts_with(v2::SIGNATURE) {
        v2::parse(bytes)
    } else {
        v1::parse(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), version in 0..3u8) {
            let mut input = match version { 1 => b"PROXY ".to_vec(), 2 => v2::SIGNATURE.to_vec(), _ => Vec::new() };
            input.extend(bytes);
            if let Parsed::Header(header) = parse(&input) {
                prop_assert!(header.bytes <= input.len());
            }
        }
    }

    #[test]
    fn every_prefix_of_a_header_is_incomplete() {
        let mut v2 = v2::SIGNATURE.to_vec();
        v2.extend([0x21, 0x11, 0, 12, 192, 0, 2, 1, 198, 51, 100, 1, 0x30, 0x39, 0, 80]);
        for header in [b"PROXY TCP4 192.0.2.1 198.51.100.1 12345 80\r\n".to_vec(), v2] {
            for end in 0..header.len() {
                assert_eq!(parse(&header[..end]), Parsed::Incomplete, "{end} of {}", header.escape_ascii());
            }
            let route = Route { peer: "192.0.2.1:12345".parse().unwrap(), local: "198.51.100.1:80".parse().unwrap() };
            assert_eq!(parse(&header), Parsed::Header(Header { bytes: header.len(), route: Some(route) }));
        }
    }
}
