//! Version 1: one line of text (section 2.1).

use super::{Header, Parsed, Route};
use std::net::{IpAddr, SocketAddr};

/// "the maximum line length … is 107 chars" with its CRLF (section 2.1).
const LINE_BYTES_MAX: usize = 107;
const PREFIX: &[u8] = b"PROXY ";

/// Reads `PROXY TCP4|TCP6|UNKNOWN source destination sport dport CRLF`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let start = &bytes[..bytes.len().min(PREFIX.len())];
    if !PREFIX.starts_with(start) {
        return Parsed::Invalid("the balancer sent no PROXY header");
    }
    let window = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return if window.len() < LINE_BYTES_MAX { Parsed::Incomplete } else { Parsed::Invalid("the PROXY line is too long") };
    };
    // A line end inside the prefix ("PROXY" CRLF) leaves no room for the rest.
    let Some(line) = window.get(PREFIX.len()..end).and_then(|line| std::str::from_utf8(line).ok()) else {
        return Parsed::Invalid("the PROXY line is not text");
    };
    let header = |route| Parsed::Header(Header { bytes: end + 2, route });
    let mut words = line.split(' ');
    let family = match words.next() {
        // "the receiver must ignore anything presented before the CRLF"
        Some("UNKNOWN") => return header(None),
        Some(family @ ("TCP4" | "TCP6")) => family,
        _ => return Parsed::Invalid("the PROXY line names an unknown protocol"),
    };
    match (|| {
        let (peer, local) = (address(words.next()?, family)?, address(words.next()?, family)?);
        let (peer_port, local_port) = (port(words.next()?)?, port(words.next()?)?);
        words.next().is_none().then_some(Route { peer: SocketAddr::new(peer, peer_port), local: SocketAddr::new(local, local_port) })
    })() {
        Some(route) => header(Some(route)),
        None => Parsed::Invalid("the PROXY line has no two addresses and ports"),
    }
}

fn address(text: &str, family: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    (address.is_ipv4() == (family == "TCP4")).then_some(address)
}

/// Digits only, "no leading zero", 0 to 65535.
fn port(text: &str) -> Option<u16> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_read_as_the_specification_says() {
        type Expected = Option<Option<(&'static str, &'static str)>>;
        let table: &[(&str, Expected)] = &[
            ("PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\nGET /", Some(Some(("192.0.2.7:56324", "198.51.100.2:443")))),
            ("PROXY TCP6 2001:db8::7 2001:db8::2 1 65535\r\n", Some(Some(("[2001:db8::7]:1", "[2001:db8::2]:65535")))),
            ("PROXY UNKNOWN\r\n", Some(None)),
            ("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", Some(None)),
            ("PROXY TCP4 192.0.2.7 198.51.100.2 56324\r\n", None),
            ("PROXY TCP4 192.0.2.7 198.51.100.2 56324 443 \r\n", None),
            ("PROXY TCP4 192.0.2.7 198.51.100.2 056 443\r\n", None),
            ("PROXY TCP4 192.0.2.7 198.51.100.2 65536 443\r\n", None),
            ("PROXY TCP4 2001:db8::7 2001:db8::2 1 2\r\n", None),
            ("PROXY TCP6 192.0.2.7 198.51.100.2 1 2\r\n", None),
            ("PROXY TCP4  192.0.2.7 198.51.100.2 1 2\r\n", None),
            ("PROXY UDP4 192.0.2.7 198.51.100.2 1 2\r\n", None),
            ("PROXY\r\n", None),
            ("PROXY \r\n", None),
            ("GET / HTTP/1.1\r\n", None),
            ("PROXX", None),
        ];
        for (text, expected) in table {
            match (parse(text.as_bytes()), expected) {
                (Parsed::Invalid(_), None) => {}
                (Parsed::Header(header), Some(route)) => {
                    assert_eq!(header.bytes, text.find("\r\n").unwrap() + 2, "{text:?}");
                    let route = route.map(|(peer, local)| Route { peer: peer.parse().unwrap(), local: local.parse().unwrap() });
                    assert_eq!(header.route, route, "{text:?}");
                }
                (got, _) => panic!("{text:?} gave {got:?}"),
            }
        }
    }

    #[test]
    fn a_line_without_end_is_given_up_at_its_limit() {
        let mut line = b"PROXY TCP4 ".to_vec();
        line.resize(LINE_BYTES_MAX - 1, b'1');
        assert_eq!(parse(&line), Parsed::Incomplete);
        line.push(b'1');
        assert!(matches!(parse(&line), Parsed::Invalid(_)));
    }
}
