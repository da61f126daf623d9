//! A request's line and headers, read line by line so that a head that trickles in byte by byte costs no more than one that comes whole.

use crate::Input;
use model::Blob;

/// Blank lines a server skips before a request line (Apache's `DEFAULT_LIMIT_BLANK_LINES`).
const BLANK_LINES_MAX: usize = 10;

/// A request's line and headers as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: Vec<u8>,
    /// The target: a path, an absolute URI, an authority (`CONNECT`) or `*`.
    pub target: Vec<u8>,
    /// `HTTP/1.1`; empty when the request line had no version (HTTP/0.9).
    pub version: Vec<u8>,
    /// Names and values, in order, spelled as sent; white space around values is gone.
    pub headers: Vec<(Blob, Blob)>,
}

impl Head {
    /// The values of a header, in order. `name` is in lower case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(n, _)| n.as_bytes().eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v.as_bytes())
    }

    /// The first value of a header.
    pub fn value<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// Whether a comma-separated header has this element, in any case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.values(name).flat_map(|v| v.split(|&b| b == b',')).any(|t| t.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Whether the request line had no version.
    pub fn is_simple(&self) -> bool {
        self.version.is_empty()
    }

    /// Whether the version is 1.1 or later.
    pub fn is_modern(&self) -> bool {
        matches!(self.version.as_slice(), [_, _, _, _, _, major, _, minor] if (*major, *minor) >= (b'1', b'1'))
    }
}

/// How much a server accepts, and how strictly.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The longest line, without its end.
    pub line_bytes_max: usize,
    /// The most header lines.
    pub headers_max: usize,
    /// Whether the grammar of RFC 9112 is enforced (Apache's `HttpProtocolOptions Strict`).
    pub strict: bool,
}

/// Why a server does not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request line is too long.
    LineTooLong,
    /// A header line is too long.
    FieldTooLong,
    /// There are too many header lines.
    TooManyFields,
    /// The grammar is broken.
    Syntax(&'static str),
}

/// What reading found.
#[derive(Debug)]
pub enum Step {
    /// More bytes are needed.
    Incomplete,
    /// The head is whole.
    Whole(Head),
    /// The server stops here: what was read before, why, and the offending bytes.
    Refused(Head, Refusal, Vec<u8>),
}

/// Reads one head.
#[derive(Debug, Default)]
pub struct Reader {
    head: Head,
    in_headers: bool,
    blank_lines: usize,
}

impl Reader {
    /// Whether the request line was read.
    pub fn is_in_headers(&self) -> bool {
        self.in_headers
    }

    /// What was read of a head that never became whole.
    pub fn into_partial(self) -> Head {
        self.head
    }

    /// Takes what lines are there.
    pub fn read(&mut self, input: &mut Input, rules: &Rules) -> Step {
        loop {
            let window = input.bytes();
            let window = &window[..window.len().min(rules.line_bytes_max.saturating_add(2))];
            let Some(end) = memchr::memchr(b'\n', window) else {
                if input.len() <= rules.line_bytes_max.saturating_add(1) {
                    return Step::Incomplete;
                }
                let refusal = if self.in_headers { Refusal::FieldTooLong } else { Refusal::LineTooLong };
                return self.refused(refusal, input.take(rules.line_bytes_max));
            };
            let whole = &window[..end];
            let (line, had_cr) = whole.strip_suffix(b"\r").map_or((whole, false), |line| (line, true));
            let result = match rules.strict && !had_cr {
                true => Err(Refusal::Syntax("line without CR")),
                false => self.line(line, rules),
            };
            match result {
                Ok(false) => input.skip(end + 1),
                Ok(true) => {
                    input.skip(end + 1);
                    return Step::Whole(std::mem::take(self).head);
                }
                Err(refusal) => {
                    let line = line.to_vec();
                    input.skip(end + 1);
                    return self.refused(refusal, line);
                }
            }
        }
    }

    fn refused(&mut self, refusal: Refusal, data: Vec<u8>) -> Step {
        Step::Refused(std::mem::take(self).head, refusal, data)
    }

    /// Takes one line; whether it was the last.
    fn line(&mut self, line: &[u8], rules: &Rules) -> Result<bool, Refusal> {
        if !self.in_headers {
            if line.is_empty() {
                self.blank_lines += 1;
                return if self.blank_lines > BLANK_LINES_MAX {
                    Err(Refusal::Syntax("blank lines instead of a request"))
                } else {
                    Ok(false)
                };
            }
            request_line(line, rules.strict, &mut self.head)?;
            self.in_headers = true;
            return Ok(self.head.is_simple());
        }
        if line.is_empty() {
            return Ok(true);
        }
        if self.head.headers.len() >= rules.headers_max {
            return Err(Refusal::TooManyFields);
        }
        field(line, rules, &mut self.head.headers)?;
        Ok(false)
    }
}

/// `method SP request-target SP HTTP-version` (RFC 9112 section 3), or `GET SP path` of HTTP/0.9.
fn request_line(line: &[u8], strict: bool, head: &mut Head) -> Result<(), Refusal> {
    let mut words = line.splitn(3, |&b| b == b' ');
    let (method, target, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
    head.method = method.to_vec();
    head.target = target.to_vec();
    head.version = version.to_vec();
    let fault = if method.is_empty() || !method.iter().all(|&b| is_token(b)) {
        Some("method")
    } else if target.is_empty() || target.iter().any(|&b| b <= b' ' || b == 0x7f) {
        Some("request target")
    } else if !version.is_empty() && !is_version(version) || version.is_empty() && (strict && method != b"GET" || words.next().is_some()) {
        Some("version")
    } else {
        None
    };
    match fault {
        None => Ok(()),
        Some(reason) => {
            // What is no request line is quoted as malformed, not recorded as a request.
            *head = Head::default();
            Err(Refusal::Syntax(reason))
        }
    }
}

/// `HTTP/d.d`, from 1.0 on; Apache takes 2.0 and later for 1.1.
fn is_version(version: &[u8]) -> bool {
    matches!(version, [b'H', b'T', b'T', b'P', b'/', b'1'..=b'9', b'.', b'0'..=b'9'])
}

/// `field-name ":" OWS field-value OWS` (RFC 9112 section 5), or the continuation of the last (obsolete, and still accepted).
fn field(line: &[u8], rules: &Rules, headers: &mut Vec<(Blob, Blob)>) -> Result<(), Refusal> {
    if line.iter().any(|&b| b < b' ' && b != b'\t' || b == 0x7f) && rules.strict {
        return Err(Refusal::Syntax("control character in a header"));
    }
    if matches!(line.first(), Some(b' ' | b'\t')) {
        let Some((_, value)) = headers.last_mut() else { return Err(Refusal::Syntax("continuation without a header")) };
        if value.len() + line.len() > rules.line_bytes_max {
            return Err(Refusal::FieldTooLong);
        }
        value.0.push(b' ');
        value.0.extend_from_slice(line.trim_ascii());
        return Ok(());
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        if rules.strict {
            return Err(Refusal::Syntax("header without a colon"));
        }
        headers.push((line.into(), Blob::default()));
        return Ok(());
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if rules.strict && (name.is_empty() || !name.iter().all(|&b| is_token(b))) {
        return Err(Refusal::Syntax("header name"));
    }
    headers.push((name.into(), value.trim_ascii().into()));
    Ok(())
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Rules = Rules { line_bytes_max: 100, headers_max: 3, strict: true };

    fn read(bytes: &[u8]) -> Step {
        let mut input = Input::default();
        input.extend(bytes);
        Reader::default().read(&mut input, &STRICT)
    }

    #[test]
    fn a_head_keeps_order_and_spelling() {
        let Step::Whole(head) = read(b"\r\nGET /a?b HTTP/1.1\r\nhOsT:  x \r\nA:b\r\n c\r\n\r\nrest") else { panic!("whole") };
        assert_eq!((head.method.as_slice(), head.target.as_slice()), (&b"GET"[..], &b"/a?b"[..]));
        assert_eq!(head.headers, [("hOsT".into(), "x".into()), ("A".into(), "b c".into())]);
        assert!(head.is_modern());
    }

    #[test]
    fn what_apache_refuses_is_refused() {
        let cases: &[(&[u8], Refusal)] = &[
            (b"\x16\x03\x01\x02\n", Refusal::Syntax("line without CR")),
            (b"\x16\x03\x01\x02\r\n", Refusal::Syntax("method")),
            (b"GET  /a HTTP/1.1\r\n", Refusal::Syntax("request target")),
            (b"GET /a http/1.1\r\n", Refusal::Syntax("version")),
            (b"GET /a HTTP/0.9\r\n", Refusal::Syntax("version")),
            (b"GET /a HTTP/1.1 \r\n", Refusal::Syntax("version")),
            (b"POST /a\r\n", Refusal::Syntax("version")),
            (b"GET / HTTP/1.1\r\nfoo\r\n", Refusal::Syntax("header without a colon")),
            (b"GET / HTTP/1.1\r\nfo o: x\r\n", Refusal::Syntax("header name")),
            (b"GET / HTTP/1.1\r\n: x\r\n", Refusal::Syntax("header name")),
            (b"GET / HTTP/1.1\r\na: \0\r\n", Refusal::Syntax("control character in a header")),
            (b"GET / HTTP/1.1\r\n x\r\n", Refusal::Syntax("continuation without a header")),
            (b"GET / HTTP/1.1\r\na:\r\na:\r\na:\r\na:\r\n", Refusal::TooManyFields),
            (&[b'a'; 200], Refusal::LineTooLong),
        ];
        for (bytes, expected) in cases {
            match read(bytes) {
                Step::Refused(_, refusal, _) => assert_eq!(refusal, *expected, "{}", bytes.escape_ascii()),
                other => panic!("{}: {other:?}", bytes.escape_ascii()),
            }
        }
    }
}
