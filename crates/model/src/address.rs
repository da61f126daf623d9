//! Addresses in one canonical form, and which of them may be published.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2) is its IPv4 address; all others stay.
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Whether an address is globally reachable unicast: the only ones a blocklist may hold.
///
/// The special-purpose blocks are those of RFC 6890 and the IANA registries it set up, plus multicast.
pub fn is_public(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = a == 0                                // "this network", RFC 791
        || v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || (a == 100 && (64..128).contains(&b))         // shared address space, RFC 6598
        || (a == 192 && b == 0 && c == 0)               // IETF protocol assignments
        || (a == 198 && (18..20).contains(&b))          // benchmarking, RFC 2544
        || (a == 192 && b == 88 && c == 99)             // deprecated 6to4 relays, RFC 7526
        || a >= 224; // multicast, reserved, broadcast
    !special
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let s = v6.segments();
    // Only 2000::/3 is allocated for global unicast (RFC 4291 section 2.4).
    let global = (s[0] & 0xe000) == 0x2000;
    let special = match s[0] {
        // IETF protocol assignments, Teredo, ORCHID; documentation (RFC 3849).
        0x2001 => s[1] < 0x0200 || s[1] == 0x0db8,
        // 6to4, RFC 7526.
        0x2002 => true,
        // Documentation, RFC 9637.
        0x3fff => s[1] < 0x1000,
        _ => false,
    };
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_global_unicast_is_public() {
        let public = ["8.8.8.8", "1.1.1.1", "223.255.255.1", "2a00:1450::1", "::ffff:8.8.4.4", "192.1.0.1"];
        let not = [
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2002::1",
            "::ffff:10.0.0.1",
            "64:ff9b::1",
        ];
        for text in public {
            assert!(is_public(text.parse().unwrap()), "{text} is public");
        }
        for text in not {
            assert!(!is_public(text.parse().unwrap()), "{text} is not public");
        }
    }
}
