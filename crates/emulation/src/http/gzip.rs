//! Compressed answers as Apache's mod_deflate gives them.

use super::head::Head;
use flate2::{Compression, GzBuilder};
use std::io::Write;

/// Unix, in the header of RFC 1952; mod_deflate always writes it, and no time.
const OPERATING_SYSTEM: u8 = 3;

/// The compressed form of some bytes.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().operating_system(OPERATING_SYSTEM).write(Vec::new(), Compression::default());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Whether a request takes gzip.
pub fn is_taken(head: &Head) -> bool {
    let codings = head.values("accept-encoding").flat_map(|value| value.split(|&b| b == b','));
    codings.map(|coding| coding.trim_ascii()).any(|coding| {
        let (name, quality) = coding.split_at(memchr::memchr(b';', coding).unwrap_or(coding.len()));
        // "q=0" means "not acceptable" (RFC 9110 section 12.4.2).
        name.trim_ascii().eq_ignore_ascii_case(b"gzip") && !quality.ends_with(b"=0") && !quality.ends_with(b"=0.0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_is_compressed_can_be_read_again() {
        let compressed = compress(b"abcabcabc");
        assert_eq!(compressed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, b"abcabcabc");
    }

    #[test]
    fn gzip_is_taken_only_when_named() {
        for (value, expected) in [("gzip", true), ("deflate, GZIP;q=1.0", true), ("gzip;q=0", false), ("br", false), ("x-gzip", false)] {
            let head = Head { headers: vec![("Accept-Encoding".into(), value.into())], ..Head::default() };
            assert_eq!(is_taken(&head), expected, "{value}");
        }
    }
}
