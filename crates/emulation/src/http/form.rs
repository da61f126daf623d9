//! What a client filled in: URL-encoded and multipart forms, and basic credentials.

use super::head::Head;
use super::target::decode_form;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The most fields read of one form.
const FIELDS_MAX: usize = 1000;

/// Base64 as clients write it: with padding or without, and with stray bits at the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Names and values, decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(Vec<u8>, Vec<u8>)>);

/// A file in a multipart form.
#[derive(Debug, PartialEq, Eq)]
pub struct Upload {
    /// The name the client gave it.
    pub filename: Vec<u8>,
    /// Its content.
    pub content: Vec<u8>,
}

impl Form {
    /// The fields of a query string.
    pub fn query(query: &[u8]) -> Form {
        let pairs = query.split(|&b| b == b'&').filter(|pair| !pair.is_empty()).take(FIELDS_MAX).map(|pair| {
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            (decode_form(&pair[..at]), decode_form(pair.get(at + 1..).unwrap_or_default()))
        });
        Form(pairs.collect())
    }

    /// The fields of a body, by its content type; anything but multipart is taken for URL-encoded, as sloppy clients mean it.
    pub fn body(head: &Head, body: &[u8]) -> Form {
        match boundary(head) {
            Some(boundary) => {
                Form(parts(body, &boundary).filter(|part| part.filename.is_none()).map(|part| (part.name, part.content.to_vec())).collect())
            }
            None => Form::query(body.trim_ascii()),
        }
    }

    /// The first value of a field.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n == name.as_bytes()).map(|(_, v)| v.as_slice())
    }
}

/// The files of a multipart body.
pub fn uploads(head: &Head, body: &[u8]) -> Vec<Upload> {
    let Some(boundary) = boundary(head) else { return Vec::new() };
    let files = parts(body, &boundary).filter_map(|part| Some(Upload { filename: part.filename?, content: part.content.to_vec() }));
    files.filter(|upload| !upload.filename.is_empty() || !upload.content.is_empty()).collect()
}

/// `multipart/form-data`'s boundary (RFC 7578).
fn boundary(head: &Head) -> Option<Vec<u8>> {
    let value = head.value("content-type")?;
    let kind = value.get(..b"multipart/".len())?;
    if !kind.eq_ignore_ascii_case(b"multipart/") {
        return None;
    }
    parameter(value, b"boundary").filter(|b| !b.is_empty())
}

/// A parameter of a header value: `; name=value` or `; name="value"`.
fn parameter(value: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    value.split(|&b| b == b';').skip(1).find_map(|part| {
        let at = memchr::memchr(b'=', part)?;
        let text = part[at + 1..].trim_ascii();
        let text = text.strip_prefix(b"\"").map_or(text, |t| t.strip_suffix(b"\"").unwrap_or(t));
        part[..at].trim_ascii().eq_ignore_ascii_case(name).then(|| text.to_vec())
    })
}

struct Part<'a> {
    name: Vec<u8>,
    filename: Option<Vec<u8>>,
    content: &'a [u8],
}

/// The parts of a multipart body; a body that ends early gives what is there of the last.
fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> impl Iterator<Item = Part<'a>> {
    let delimiter = [b"--", boundary].concat();
    let finder = memchr::memmem::Finder::new(&delimiter).into_owned();
    let mut rest = finder.find(body).map(|at| &body[at + delimiter.len()..]);
    std::iter::from_fn(move || {
        let here = rest?;
        if here.starts_with(b"--") {
            return None;
        }
        let end = finder.find(here);
        rest = end.map(|at| &here[at + delimiter.len()..]);
        let part = &here[..end.unwrap_or(here.len())];
        let part = part.strip_prefix(b"\r\n").or(part.strip_prefix(b"\n")).unwrap_or(part);
        let (head, content) = match memchr::memmem::find(part, b"\r\n\r\n") {
            Some(at) => (&part[..at], &part[at + 4..]),
            None => (part, &[][..]),
        };
        let content = content.strip_suffix(b"\r\n").unwrap_or(content);
        let mut lines = head.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
        let disposition = lines.find(|l| l.get(..20).is_some_and(|l| l.eq_ignore_ascii_case(b"content-disposition:"))).unwrap_or_default();
        let name = parameter(disposition, b"name").unwrap_or_default();
        Some(Part { name, filename: parameter(disposition, b"filename"), content })
    })
    .take(FIELDS_MAX)
}

/// What `Authorization` holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Basic {
    /// Nothing, or another scheme.
    Absent,
    /// Something that is no credentials: these bytes.
    Unreadable(Vec<u8>),
    /// A user and a password.
    Pair(Vec<u8>, Vec<u8>),
}

impl Basic {
    /// Reads `Authorization: Basic` (RFC 7617).
    pub fn read(head: &Head) -> Basic {
        let value = head.value("authorization").unwrap_or_default();
        let credentials = match value.split_at_checked(b"basic ".len()) {
            Some((scheme, credentials)) if scheme.eq_ignore_ascii_case(b"basic ") => credentials,
            _ => return Basic::Absent,
        };
        let Ok(mut pair) = BASE64.decode(credentials.trim_ascii()) else { return Basic::Unreadable(credentials.to_vec()) };
        let Some(colon) = memchr::memchr(b':', &pair) else { return Basic::Unreadable(credentials.to_vec()) };
        let password = pair.split_off(colon + 1);
        pair.pop();
        Basic::Pair(pair, password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(name: &str, value: &str) -> Head {
        Head { headers: vec![(name.into(), value.into())], ..Head::default() }
    }

    #[test]
    fn forms_are_read() {
        let form = Form::query(b"log=admin&pwd=a%26b+c&&x");
        assert_eq!(form.value("pwd"), Some(&b"a&b c"[..]));
        assert_eq!(form.value("x"), Some(&b""[..]));
        let body = b"--B\r\nContent-Disposition: form-data; name=\"log\"\r\n\r\nroot\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.php\"\r\nContent-Type: x\r\n\r\n<?php\xff\r\n--B--\r\n";
        let head = head("content-type", "multipart/form-data; boundary=\"B\"");
        assert_eq!(Form::body(&head, body).value("log"), Some(&b"root"[..]));
        assert_eq!(uploads(&head, body), [Upload { filename: b"a.php".to_vec(), content: b"<?php\xff".to_vec() }]);
        // Cut short: what arrived of the last file is kept.
        assert_eq!(uploads(&head, &body[..body.len() - 12])[0].filename, b"a.php");
    }

    #[test]
    fn basic_credentials_are_read() {
        let read = |value: &str| Basic::read(&head("Authorization", value));
        assert_eq!(read("Basic YWRtaW46YTpi"), Basic::Pair(b"admin".to_vec(), b"a:b".to_vec()));
        assert_eq!(read("basic YWRtaW46"), Basic::Pair(b"admin".to_vec(), b"".to_vec()));
        assert_eq!(read("Basic ???"), Basic::Unreadable(b"???".to_vec()));
        assert_eq!(read("Basic YWRtaW4="), Basic::Unreadable(b"YWRtaW4=".to_vec()));
        assert_eq!(read("Bearer x"), Basic::Absent);
        assert_eq!(read("x"), Basic::Absent);
    }
}
