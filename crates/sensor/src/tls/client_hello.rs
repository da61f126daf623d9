//! A ClientHello, as sent (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2). Pure and bounded.

/// The most bytes of TLS records read to find a whole ClientHello. Post-quantum key shares make hellos of 2 kB; 16 kB is one full record.
pub const CLIENT_HELLO_BYTES_MAX: usize = 16 * 1024 + RECORD_HEADER_BYTES;

const RECORD_HEADER_BYTES: usize = 5;
const CONTENT_HANDSHAKE: u8 = 22;
const HANDSHAKE_CLIENT_HELLO: u8 = 1;

/// What fingerprints are made of. Lists keep the order sent, GREASE included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// `legacy_version`.
    pub version: u16,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// Extension types.
    pub extensions: Vec<u16>,
    /// The first host name of `server_name` (RFC 6066 section 3).
    pub server_name: Option<Vec<u8>>,
    /// Protocol names of `application_layer_protocol_negotiation` (RFC 7301).
    pub alpn: Vec<Vec<u8>>,
    /// `supported_groups` (RFC 8446 section 4.2.7).
    pub groups: Vec<u16>,
    /// `ec_point_formats` (RFC 8422 section 5.1.2).
    pub point_formats: Vec<u8>,
    /// `signature_algorithms` (RFC 8446 section 4.2.3).
    pub signature_algorithms: Vec<u16>,
    /// `supported_versions` (RFC 8446 section 4.2.1).
    pub supported_versions: Vec<u16>,
}

/// What the bytes so far are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A ClientHello may be complete with more bytes.
    Incomplete,
    /// A ClientHello.
    Hello(Box<ClientHello>),
    /// Not TLS at all.
    NotTls,
    /// TLS, but no well-formed ClientHello.
    Invalid(&'static str),
}

/// Reads the ClientHello that TLS records at the start of `bytes` carry, however it is fragmented.
pub fn parse(bytes: &[u8]) -> Parsed {
    if bytes.len() < RECORD_HEADER_BYTES {
        return Parsed::Incomplete; // OpenSSL, too, judges nothing before it has a record's header
    }
    let mut rest = bytes;
    let mut message = Vec::new();
    loop {
        match rest {
            [] => return Parsed::Incomplete,
            [kind, ..] if *kind != CONTENT_HANDSHAKE => {
                return if message.is_empty() { Parsed::NotTls } else { Parsed::Invalid("another record interrupts the ClientHello") };
            }
            [_, major, ..] if *major != 3 => return Parsed::NotTls,
            _ => {}
        }
        let Some((&[_, _, _, high, low], after)) = rest.split_first_chunk::<RECORD_HEADER_BYTES>() else { return Parsed::Incomplete };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // "MUST NOT send zero-length fragments of Handshake types" (RFC 8446 section 5.1): they would never end.
        if length == 0 || length > 1 << 14 {
            return Parsed::Invalid("the record's length is impossible");
        }
        let fragment = after.get(..length).unwrap_or(after);
        message.extend_from_slice(fragment);
        if message.first().is_some_and(|kind| *kind != HANDSHAKE_CLIENT_HELLO) {
            return Parsed::Invalid("the first handshake message is no ClientHello");
        }
        if let Some((&[_, a, b, c], body)) = message.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            if length > CLIENT_HELLO_BYTES_MAX {
                return Parsed::Invalid("the ClientHello is too long");
            }
            if let Some(body) = body.get(..length) {
                return match hello(body) {
                    Some(hello) => Parsed::Hello(Box::new(hello)),
                    None => Parsed::Invalid("the ClientHello's fields do not fit"),
                };
            }
        }
        match after.get(length..) {
            Some(next) => rest = next,
            None => return Parsed::Incomplete,
        }
    }
}

fn hello(body: &[u8]) -> Option<ClientHello> {
    let mut body = Reader(body);
    let mut hello = ClientHello { version: body.u16()?, ..ClientHello::default() };
    body.take(32)?; // random
    body.vector8()?; // legacy_session_id
    hello.ciphers = body.vector16()?.u16s()?;
    body.vector8()?; // legacy_compression_methods
    if body.0.is_empty() {
        return Some(hello); // extensions are optional before TLS 1.3
    }
    let mut extensions = body.vector16()?;
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let mut data = extensions.vector16()?;
        hello.extensions.push(kind);
        // An extension whose inside is broken is still part of the fingerprint; only what it would have said is missing.
        let _ = hello.extension(kind, &mut data);
    }
    Some(hello)
}

impl ClientHello {
    fn extension(&mut self, kind: u16, data: &mut Reader<'_>) -> Option<()> {
        match kind {
            0 => {
                let mut names = data.vector16()?;
                if names.u8()? == 0 {
                    self.server_name = Some(names.vector16()?.0.to_vec());
                }
            }
            10 => self.groups = data.vector16()?.u16s()?,
            11 => self.point_formats = data.vector8()?.0.to_vec(),
            13 => self.signature_algorithms = data.vector16()?.u16s()?,
            16 => {
                let mut names = data.vector16()?;
                while !names.0.is_empty() {
                    self.alpn.push(names.vector8()?.0.to_vec());
                }
            }
            43 => self.supported_versions = data.vector8()?.u16s()?,
            _ => {}
        }
        Some(())
    }
}

/// Takes fields from the front; `None` when they are not there.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn vector8(&mut self) -> Option<Reader<'a>> {
        let length = self.u8()?;
        self.take(length.into()).map(Reader)
    }

    fn vector16(&mut self) -> Option<Reader<'a>> {
        let length = self.u16()?;
        self.take(length.into()).map(Reader)
    }

    fn u16s(&self) -> Option<Vec<u16>> {
        let (pairs, rest) = self.0.as_chunks::<2>();
        rest.is_empty().then(|| pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The hello's handshake message in one record.
    pub(crate) fn encode(hello: &ClientHello) -> Vec<u8> {
        let u16s = |values: &[u16]| values.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
        let v8 = |data: &[u8]| [&[u8::try_from(data.len()).unwrap()][..], data].concat();
        let v16 = |data: &[u8]| [&u16::try_from(data.len()).unwrap().to_be_bytes()[..], data].concat();
        let mut body = hello.version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend(v8(&[9; 32]));
        body.extend(v16(&u16s(&hello.ciphers)));
        body.extend(v8(&[0]));
        let mut extensions = Vec::new();
        for kind in &hello.extensions {
            let data = match kind {
                0 => v16(&[&[0][..], &v16(hello.server_name.as_deref().unwrap_or_default())].concat()),
                10 => v16(&u16s(&hello.groups)),
                11 => v8(&hello.point_formats),
                13 => v16(&u16s(&hello.signature_algorithms)),
                16 => v16(&hello.alpn.iter().flat_map(|name| v8(name)).collect::<Vec<u8>>()),
                43 => v8(&u16s(&hello.supported_versions)),
                _ => vec![1, 2, 3],
            };
            extensions.extend(kind.to_be_bytes());
            extensions.extend(v16(&data));
        }
        body.extend(v16(&extensions));
        let mut message = vec![HANDSHAKE_CLIENT_HELLO];
        message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
        message.extend(body);
        record(&message)
    }

    fn record(fragment: &[u8]) -> Vec<u8> {
        let mut record = vec![CONTENT_HANDSHAKE, 3, 1];
        record.extend(u16::try_from(fragment.len()).unwrap().to_be_bytes());
        record.extend(fragment);
        record
    }

    fn sample() -> ClientHello {
        ClientHello {
            version: 0x0303,
            ciphers: vec![0x1301, 0xc02f, 0x0a0a],
            extensions: vec![0x0a0a, 0, 10, 11, 13, 16, 43, 35],
            server_name: Some(b"decoy.example".to_vec()),
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            groups: vec![29, 23],
            point_formats: vec![0],
            signature_algorithms: vec![0x0403, 0x0804],
            supported_versions: vec![0x0a0a, 0x0304, 0x0303],
        }
    }

    #[test]
    fn what_was_sent_is_read_and_every_prefix_is_incomplete() {
        let bytes = encode(&sample());
        assert_eq!(parse(&bytes), Parsed::Hello(Box::new(sample())));
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Parsed::Incomplete, "{end}");
        }
    }

    #[test]
    fn a_hello_split_into_records_is_put_together() {
        let whole = encode(&sample());
        let message = &whole[RECORD_HEADER_BYTES..];
        let bytes: Vec<u8> = message.chunks(50).flat_map(record).collect();
        assert_eq!(parse(&bytes), Parsed::Hello(Box::new(sample())));
    }

    #[test]
    fn what_is_no_hello_is_told_apart() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.0\r\n\r\n"[..], Parsed::NotTls),
            (&[22, 1, 0, 0, 0], Parsed::NotTls),
            (b"GET ", Parsed::Incomplete),
            (&[22, 3, 1, 0, 0], Parsed::Invalid("the record's length is impossible")),
            (&[22, 3, 1, 255, 255], Parsed::Invalid("the record's length is impossible")),
            (&[22, 3, 1, 0, 4, 2, 0, 0, 0], Parsed::Invalid("the first handshake message is no ClientHello")),
            (&[22, 3, 1, 0, 4, 1, 255, 255, 255], Parsed::Invalid("the ClientHello is too long")),
            (&[22, 3, 1, 0, 5, 1, 0, 0, 1, 3], Parsed::Invalid("the ClientHello's fields do not fit")),
            (&[22, 3, 1, 0, 1, 1, 23, 3, 1], Parsed::Invalid("another record interrupts the ClientHello")),
        ] {
            assert_eq!(parse(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
            let _ = hello(&bytes);
        }

        #[test]
        fn a_damaged_hello_never_panics(at in any::<prop::sample::Index>(), value in any::<u8>()) {
            let mut bytes = encode(&sample());
            let at = at.index(bytes.len());
            bytes[at] = value;
            if let Parsed::Hello(hello) = parse(&bytes) {
                let _ = (crate::tls::ja3(&hello), crate::tls::ja4(&hello));
            }
        }
    }
}
