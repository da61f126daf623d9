//! JA4, the TLS client fingerprint (FoxIO, BSD-3-Clause; github.com/FoxIO-LLC/ja4, `technical_details/JA4.md`).

use super::client_hello::ClientHello;
use super::{Fingerprint, is_grease};
use sha2::{Digest, Sha256};
use std::fmt::Write;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// `JA4_a_b_c` of a hello over TCP; `raw` is `JA4_r`, the same with the hashed lists spelled out.
pub fn ja4(hello: &ClientHello) -> Fingerprint {
    let mut ciphers: Vec<u16> = hello.ciphers.iter().copied().filter(|v| !is_grease(*v)).collect();
    let mut extensions: Vec<u16> = hello.extensions.iter().copied().filter(|v| !is_grease(*v)).collect();
    let a = format!(
        "t{}{}{:02}{:02}{}",
        version(hello),
        if extensions.contains(&SERVER_NAME) { 'd' } else { 'i' },
        ciphers.len().min(99),
        extensions.len().min(99),
        alpn(hello),
    );
    ciphers.sort_unstable();
    extensions.retain(|kind| ![SERVER_NAME, ALPN].contains(kind));
    extensions.sort_unstable();
    let b = join(&ciphers);
    let mut c = join(&extensions);
    let signatures: Vec<u16> = hello.signature_algorithms.iter().copied().filter(|v| !is_grease(*v)).collect();
    if !signatures.is_empty() {
        c.push('_');
        c.push_str(&join(&signatures));
    }
    Fingerprint { value: format!("{a}_{}_{}", short_hash(&b), short_hash(&c)), raw: format!("{a}_{b}_{c}") }
}

/// The highest version offered, in two characters.
fn version(hello: &ClientHello) -> &'static str {
    let offered = hello.supported_versions.iter().copied().filter(|v| !is_grease(*v)).max();
    match offered.unwrap_or(hello.version) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// The first and last character of the first ALPN value; of its hexadecimal form when either is not alphanumeric; `00` without one.
fn alpn(hello: &ClientHello) -> String {
    match hello.alpn.first().map(Vec::as_slice) {
        None | Some([]) => "00".to_owned(),
        Some([first, .., last]) | Some([first @ last]) => {
            if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
                [char::from(*first), char::from(*last)].iter().collect()
            } else {
                format!("{:x}{:x}", first >> 4, last & 0x0f)
            }
        }
    }
}

fn join(values: &[u16]) -> String {
    let mut text = String::with_capacity(values.len() * 5);
    for (at, value) in values.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{value:04x}", if at > 0 { "," } else { "" });
    }
    text
}

/// The first twelve hexadecimal digits of the SHA-256; zeros for an empty list.
fn short_hash(list: &str) -> String {
    if list.is_empty() {
        return "000000000000".to_owned();
    }
    let mut digest = hex::encode(Sha256::digest(list.as_bytes()));
    digest.truncate(12);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the method's description: Chrome, with its GREASE and in its own order.
    fn chrome() -> ClientHello {
        ClientHello {
            version: 0x0303,
            ciphers: vec![
                0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f,
                0x0035,
            ],
            extensions: vec![
                0x7a7a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b,
                0x000a, 0x0015, 0x8a8a,
            ],
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            signature_algorithms: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            supported_versions: vec![0x9a9a, 0x0304, 0x0303],
            ..ClientHello::default()
        }
    }

    #[test]
    fn the_published_example() {
        let found = ja4(&chrome());
        assert_eq!(found.value, "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert_eq!(
            found.raw,
            "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
             0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601"
        );
    }

    #[test]
    fn the_first_part_follows_the_hello() {
        let bare = ClientHello { version: 0x0301, ..ClientHello::default() };
        assert_eq!(ja4(&bare).value, "t10i000000_000000000000_000000000000");
        for (alpn, expected) in [
            (&b"http/1.1"[..], "h1"),
            (b"h2", "h2"),
            (b"x", "xx"),
            (b"\xab", "ab"),
            (b"\xab\xcd", "ad"),
            (b"0\xab", "3b"),
            (b"\x200", "20"),
            (b"", "00"),
        ] {
            let hello = ClientHello { alpn: vec![alpn.to_vec()], ..bare.clone() };
            assert_eq!(ja4(&hello).value[8..10], *expected, "{}", alpn.escape_ascii());
        }
        for (version, expected) in [(0x0304, "13"), (0x0303, "12"), (0x0302, "11"), (0x0300, "s3"), (0x0002, "s2"), (0x7f17, "00")] {
            assert_eq!(ja4(&ClientHello { version, ..bare.clone() }).value[1..3], *expected);
        }
        let many = ClientHello { ciphers: (0x1000..0x1100).filter(|v| !is_grease(*v)).collect(), ..bare };
        assert_eq!(ja4(&many).value[4..6], *"99");
    }
}
