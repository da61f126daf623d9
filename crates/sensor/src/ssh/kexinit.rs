//! The client's clear-text SSH_MSG_KEXINIT, and the HASSH made of it.

use md5::{Digest, Md5};

/// The largest packet read before encryption; implementations need not take more (RFC 4253 section 6.1).
const PACKET_BYTES_MAX: usize = 35_000;
/// The most bytes waited through before the KEXINIT; nothing but SSH_MSG_IGNORE and SSH_MSG_DEBUG may come first.
const BEFORE_BYTES_MAX: usize = 4 * PACKET_BYTES_MAX;
const SSH_MSG_KEXINIT: u8 = 20;

/// HASSH (Salesforce, 2018): what identifies an SSH client by the algorithms it offers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hassh {
    /// The MD5 of `raw`, in lower-case hex.
    pub value: String,
    /// The lists of key exchange methods, then of ciphers, MACs and compression from client to server, joined by semicolons.
    pub raw: Vec<u8>,
}

/// What has been found so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet.
    More,
    /// The client's offer.
    Hassh(Hassh),
    /// The bytes are not packets, or the KEXINIT is not one.
    Malformed(&'static str, Vec<u8>),
}

/// Reads the client's packets up to its KEXINIT; fed with the bytes that follow the identification string.
#[derive(Default)]
pub(super) struct Scanner {
    buffer: Vec<u8>,
    before_bytes: usize,
}

impl Scanner {
    /// Takes more bytes. After anything but [`Found::More`] there is nothing more to find.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Found {
        self.buffer.extend_from_slice(bytes);
        loop {
            let Some((&length, _)) = self.buffer.split_first_chunk::<4>() else { return Found::More };
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            // A packet holds at least the padding's length, one byte of payload and four of padding (RFC 4253 section 6).
            if !(6..=PACKET_BYTES_MAX).contains(&length) {
                return self.malformed("packet length before key exchange");
            }
            let Some(packet) = self.buffer.get(4..4 + length) else { return Found::More };
            let Some(payload) = payload(packet) else { return self.malformed("packet padding before key exchange") };
            if payload.first() == Some(&SSH_MSG_KEXINIT) {
                return match hassh(payload) {
                    Some(hassh) => Found::Hassh(hassh),
                    None => self.malformed("key exchange proposal"),
                };
            }
            self.before_bytes += 4 + length;
            if self.before_bytes > BEFORE_BYTES_MAX {
                return self.malformed("no key exchange proposal");
            }
            self.buffer.drain(..4 + length);
        }
    }

    fn malformed(&mut self, reason: &'static str) -> Found {
        Found::Malformed(reason, std::mem::take(&mut self.buffer))
    }
}

/// The payload between the padding's length and the padding.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    let (&padding, rest) = packet.split_first()?;
    rest.get(..rest.len().checked_sub(usize::from(padding))?)
}

/// The fields of RFC 4253 section 7.1: the message's number, a cookie of 16 bytes, ten name-lists, …
fn hassh(payload: &[u8]) -> Option<Hassh> {
    let mut rest = payload.get(17..)?;
    let mut lists = [&[][..]; 10];
    for list in &mut lists {
        *list = name_list(&mut rest)?;
    }
    let [kex, _, ciphers, _, macs, _, compression, ..] = lists;
    let raw = [kex, ciphers, macs, compression].join(&b';');
    Some(Hassh { value: hex::encode(Md5::digest(&raw)), raw })
}

fn name_list<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    let (list, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let padding = 4 + (8 - (5 + payload.len() + 4) % 8) % 8;
        let length = u32::try_from(1 + payload.len() + padding).unwrap();
        [&length.to_be_bytes()[..], &[u8::try_from(padding).unwrap()], payload, &vec![0; padding]].concat()
    }

    fn kexinit(lists: [&str; 10]) -> Vec<u8> {
        let mut payload = vec![SSH_MSG_KEXINIT];
        payload.extend([7; 16]);
        for list in lists {
            payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            payload.extend(list.as_bytes());
        }
        payload.extend([0; 5]);
        payload
    }

    /// The list of an OpenSSH 7.2 client, and the HASSH that the method's authors publish for that string's shape.
    fn client() -> (Vec<u8>, &'static str) {
        let lists = [
            "curve25519-sha256@libssh.org,ecdh-sha2-nistp256",
            "ssh-ed25519",
            "aes128-ctr,aes256-ctr",
            "aes128-ctr",
            "hmac-sha2-256,hmac-sha1",
            "hmac-sha2-256",
            "none,zlib@openssh.com",
            "none",
            "",
            "",
        ];
        (
            kexinit(lists),
            "curve25519-sha256@libssh.org,ecdh-sha2-nistp256;aes128-ctr,aes256-ctr;hmac-sha2-256,hmac-sha1;none,zlib@openssh.com",
        )
    }

    #[test]
    fn hassh_is_the_digest_of_four_lists_of_the_client() {
        let (payload, raw) = client();
        let expected = Hassh { value: hex::encode(Md5::digest(raw)), raw: raw.into() };
        assert_eq!(Scanner::default().feed(&packet(&payload)), Found::Hassh(expected));
    }

    #[test]
    fn bytes_may_come_one_by_one_and_after_ignored_packets() {
        let (payload, raw) = client();
        let stream = [packet(&[2, 0, 0, 0, 0]), packet(&payload)].concat();
        let mut scanner = Scanner::default();
        let (last, first) = stream.split_last().unwrap();
        for byte in first {
            assert_eq!(scanner.feed(&[*byte]), Found::More);
        }
        assert!(matches!(scanner.feed(&[*last]), Found::Hassh(h) if h.raw == raw.as_bytes()));
    }

    #[test]
    fn what_is_not_a_packet_is_malformed() {
        let (payload, _) = client();
        let cases: [(&str, Vec<u8>); 5] = [
            ("packet length before key exchange", b"GET / HTTP/1.1\r\n".to_vec()),
            ("packet length before key exchange", vec![0, 0, 0, 1, 0]),
            ("packet padding before key exchange", [&[0, 0, 0, 6][..], &[255; 6]].concat()),
            ("key exchange proposal", packet(&payload[..60])),
            ("no key exchange proposal", packet(&[2; 30_000]).repeat(5)),
        ];
        for (reason, bytes) in cases {
            assert!(matches!(Scanner::default().feed(&bytes), Found::Malformed(r, _) if r == reason), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..400), prefix in any::<bool>()) {
            let stream = if prefix { packet(&[&[SSH_MSG_KEXINIT][..], &bytes].concat()) } else { bytes };
            let mut scanner = Scanner::default();
            for chunk in stream.chunks(7) {
                if scanner.feed(chunk) != Found::More {
                    break;
                }
            }
        }
    }
}
