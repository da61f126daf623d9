//! JA3: the older of the two TLS client fingerprints (Salesforce, BSD-3-Clause; github.com/salesforce/ja3).

use super::client_hello::ClientHello;
use super::{Fingerprint, is_grease};
use md5::{Digest, Md5};

/// `version,ciphers,extensions,groups,point formats` in decimal, joined by dashes, without GREASE; the fingerprint is its MD5.
pub fn ja3(hello: &ClientHello) -> Fingerprint {
    let join = |values: &[u16]| {
        let kept: Vec<String> = values.iter().filter(|v| !is_grease(**v)).map(u16::to_string).collect();
        kept.join("-")
    };
    let formats: Vec<u16> = hello.point_formats.iter().map(|f| u16::from(*f)).collect();
    let lists = [&hello.ciphers, &hello.extensions, &hello.groups, &formats].map(|list| join(list));
    let raw = format!("{},{}", hello.version, lists.join(","));
    Fingerprint { value: hex::encode(Md5::digest(raw.as_bytes())), raw }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two examples of the method's own description.
    #[test]
    fn the_published_examples() {
        let hello = ClientHello {
            version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            point_formats: vec![0],
            ..ClientHello::default()
        };
        let found = ja3(&hello);
        assert_eq!(found.raw, "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0");
        assert_eq!(found.value, "ada70206e40642a3e4461f35503241d5");

        let hello = ClientHello { version: 769, ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], ..ClientHello::default() };
        let found = ja3(&hello);
        assert_eq!(found.raw, "769,4-5-10-9-100-98-3-6-19-18-99,,,");
        assert_eq!(found.value, "de350869b8c85de67a350c8d186f11e6");
    }

    #[test]
    fn reserved_values_do_not_count() {
        let plain = ClientHello { version: 771, ciphers: vec![0x1301], extensions: vec![43], groups: vec![29], ..ClientHello::default() };
        let mut greased = plain.clone();
        greased.ciphers.insert(0, 0x1a1a);
        greased.extensions.push(0xfafa);
        greased.groups.insert(0, 0x0a0a);
        assert_eq!(ja3(&greased), ja3(&plain));
    }
}
