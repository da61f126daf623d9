//! Version 2: a binary header (section 2.2).

use super::{HEADER_BYTES_MAX, Header, Parsed, Route};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// What every version 2 header begins with.
pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const FIXED_BYTES: usize = 16;
/// `PP2_TYPE_CRC32C`: the CRC-32C of the whole header with this field zeroed (section 2.2.3).
const TLV_CRC32C: u8 = 0x03;

/// Reads signature, version and command, family, length, addresses, TLVs.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let Some((&[command, family, high, low], _)) = bytes.get(SIGNATURE.len()..).and_then(|rest| rest.split_first_chunk()) else {
        return Parsed::Incomplete;
    };
    if command >> 4 != 2 {
        return Parsed::Invalid("the PROXY header's version is not 2");
    }
    let total = FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if total > HEADER_BYTES_MAX {
        return Parsed::Invalid("the PROXY header is too long");
    }
    let Some(header) = bytes.get(..total) else { return Parsed::Incomplete };
    let body = header.get(FIXED_BYTES..).unwrap_or_default();
    let route = match (command & 0x0f, family) {
        (0, _) => None,
        // AF_INET and AF_INET6, stream; datagrams do not come over TCP, but their addresses mean the same.
        (1, 0x11 | 0x12) => Some(route_v4(body)),
        (1, 0x21 | 0x22) => Some(route_v6(body)),
        // AF_UNSPEC and AF_UNIX: "the receiver should ignore the address information".
        (1, _) => None,
        _ => return Parsed::Invalid("the PROXY header's command is unknown"),
    };
    let (route, addresses) = match route {
        None => (None, 0),
        Some(Some((route, addresses))) => (Some(route), addresses),
        Some(None) => return Parsed::Invalid("the PROXY header is too short for its addresses"),
    };
    if route.is_some() && !checksum_holds(header, FIXED_BYTES + addresses) {
        return Parsed::Invalid("the PROXY header's checksum does not hold");
    }
    Parsed::Header(Header { bytes: total, route })
}

fn route_v4(body: &[u8]) -> Option<(Route, usize)> {
    let (&[a, b, c, d, e, f, g, h, sp, sq, dp, dq], _) = body.split_first_chunk::<12>()?;
    let peer = SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([sp, sq]));
    let local = SocketAddr::new(Ipv4Addr::new(e, f, g, h).into(), u16::from_be_bytes([dp, dq]));
    Some((Route { peer, local }, 12))
}

fn route_v6(body: &[u8]) -> Option<(Route, usize)> {
    let (source, rest) = body.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let (&[sp, sq, dp, dq], _) = rest.split_first_chunk::<4>()?;
    let end = |octets: &[u8; 16], port| SocketAddr::new(model::canonical(Ipv6Addr::from(*octets).into()), u16::from_be_bytes(port));
    Some((Route { peer: end(source, [sp, sq]), local: end(destination, [dp, dq]) }, 36))
}

/// Whether the CRC-32C among the TLVs that begin at `at` holds; true when there is none.
fn checksum_holds(header: &[u8], mut at: usize) -> bool {
    while let Some((&[kind, high, low], rest)) = header.get(at..).and_then(|rest| rest.split_first_chunk()) {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind == TLV_CRC32C {
            let Some((stated, after)) = rest.split_first_chunk::<4>().filter(|_| length == 4) else { return false };
            let before = header.get(..at + 3).unwrap_or_default();
            let crc = crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]), after);
            return crc == u32::from_be_bytes(*stated);
        }
        at = at.saturating_add(3 + length);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];

    #[test]
    fn each_command_and_family() {
        let v4 = Some(("192.0.2.7:56324", "198.51.100.2:443"));
        let mut v6 = [0u8; 36];
        v6[..2].copy_from_slice(&[0x20, 0x01]);
        v6[15] = 7;
        v6[16..18].copy_from_slice(&[0x20, 0x01]);
        v6[31] = 2;
        v6[32..].copy_from_slice(&[0, 22, 0, 80]);
        let mut mapped = v6;
        mapped[..16].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 9]);
        let tlv = [&V4[..], &[0x04, 0, 2, 1, 2]].concat();
        type Expected = Option<Option<(&'static str, &'static str)>>;
        let table: &[(u8, u8, &[u8], Expected)] = &[
            (0x21, 0x11, &V4, Some(v4)),
            (0x21, 0x11, &tlv, Some(v4)),
            (0x21, 0x21, &v6, Some(Some(("[2001::7]:22", "[2001::2]:80")))),
            (0x21, 0x21, &mapped, Some(Some(("192.0.2.9:22", "[2001::2]:80")))),
            (0x20, 0x00, &[], Some(None)),
            (0x20, 0x11, &V4, Some(None)),
            (0x21, 0x00, &[], Some(None)),
            (0x21, 0x31, &[0; 216], Some(None)),
            (0x21, 0x11, &V4[..11], None),
            (0x21, 0x21, &v6[..35], None),
            (0x22, 0x11, &V4, None),
            (0x11, 0x11, &V4, None),
        ];
        for (command, family, body, expected) in table {
            let bytes = header(*command, *family, body);
            match (parse(&bytes), expected) {
                (Parsed::Invalid(_), None) => {}
                (Parsed::Header(header), Some(route)) => {
                    assert_eq!(header.bytes, bytes.len());
                    assert_eq!(header.route, route.map(|(p, l)| Route { peer: p.parse().unwrap(), local: l.parse().unwrap() }));
                }
                (got, _) => panic!("{command:x} {family:x}: {got:?}"),
            }
        }
    }

    #[test]
    fn a_stated_checksum_must_hold() {
        let mut bytes = header(0x21, 0x11, &[&V4[..], &[0x01, 0, 1, b'h', TLV_CRC32C, 0, 4, 0, 0, 0, 0]].concat());
        let crc = crc32c::crc32c(&bytes).to_be_bytes();
        let at = bytes.len() - 4;
        assert!(matches!(parse(&bytes), Parsed::Invalid(_)));
        bytes[at..].copy_from_slice(&crc);
        assert!(matches!(parse(&bytes), Parsed::Header(_)));
        bytes[17] ^= 1;
        assert!(matches!(parse(&bytes), Parsed::Invalid(_)));
    }

    #[test]
    fn a_header_longer_than_we_keep_is_refused_before_it_is_read() {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0x21, 0x11, 0xff, 0xff]);
        assert!(matches!(parse(&bytes), Parsed::Invalid(_)));
    }
}
