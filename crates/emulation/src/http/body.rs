//! A request's body: by length or in chunks (RFC 9112 sections 6 and 7), kept up to a cap and counted beyond it.

use super::head::Head;
use crate::{Input, Line};
use model::Blob;

/// The longest line that gives a chunk's size, with its extensions.
const CHUNK_LINE_BYTES_MAX: usize = 1024;

/// How much follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nothing.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

impl Framing {
    /// What a head announces; an error names what is wrong with it.
    pub fn of(head: &Head) -> Result<Framing, &'static str> {
        if let Some(coding) = head.values("transfer-encoding").last() {
            let last = coding.rsplit(|&b| b == b',').next().unwrap_or_default();
            // RFC 9112 section 6.3: without chunked as the last coding the length cannot be known, and the server answers 400.
            return if last.trim_ascii().eq_ignore_ascii_case(b"chunked") { Ok(Framing::Chunked) } else { Err("transfer coding") };
        }
        let mut lengths = head.values("content-length");
        let Some(length) = lengths.next() else { return Ok(Framing::None) };
        let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        match (lengths.next(), std::str::from_utf8(length)) {
            (None, Ok(text)) if digits(length) => match text.parse::<u64>() {
                Ok(0) => Ok(Framing::None),
                // Apache's lengths are signed.
                Ok(length) if i64::try_from(length).is_ok() => Ok(Framing::Length(length)),
                _ => Err("content length"),
            },
            _ => Err("content length"),
        }
    }
}

/// What reading found.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// More bytes are needed.
    Incomplete,
    /// The body is whole.
    Whole,
    /// The chunks are broken: why, and the offending bytes.
    Broken(&'static str, Vec<u8>),
    /// The body has grown beyond what the server takes.
    TooLarge,
}

#[derive(Debug)]
enum State {
    Length(u64),
    Size,
    Chunk(u64),
    ChunkEnd,
    Trailers,
}

/// A body being read.
#[derive(Debug)]
pub struct Body {
    state: State,
    /// The first bytes, up to the cap.
    pub kept: Vec<u8>,
    /// How many there were, all told.
    pub bytes: u64,
    /// Headers after the last chunk.
    pub trailers: Vec<(Blob, Blob)>,
    kept_bytes_max: usize,
    bytes_max: u64,
    trailers_max: usize,
}

impl Body {
    /// Begins. `kept_bytes_max` bounds what is kept, `bytes_max` what the server takes.
    pub fn new(framing: Framing, kept_bytes_max: usize, bytes_max: u64, trailers_max: usize) -> Body {
        let state = match framing {
            Framing::None => State::Length(0),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
        };
        Body { state, kept: Vec::new(), bytes: 0, trailers: Vec::new(), kept_bytes_max, bytes_max, trailers_max }
    }

    /// Whether bytes were dropped because of the cap.
    pub fn is_cut(&self) -> bool {
        self.bytes > self.kept.len() as u64
    }

    /// Takes what is there of the body.
    pub fn read(&mut self, input: &mut Input) -> Step {
        loop {
            match &mut self.state {
                State::Length(0) => return Step::Whole,
                State::Chunk(0) => self.state = State::ChunkEnd,
                State::Length(left) | State::Chunk(left) => {
                    let count = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    if count == 0 {
                        return Step::Incomplete;
                    }
                    *left -= count as u64;
                    let room = self.kept_bytes_max.saturating_sub(self.kept.len());
                    self.kept.extend_from_slice(&input.bytes()[..count.min(room)]);
                    input.skip(count);
                    self.bytes += count as u64;
                    if self.bytes > self.bytes_max {
                        return Step::TooLarge;
                    }
                }
                State::ChunkEnd => match input.bytes() {
                    [b'\r', b'\n', ..] => {
                        input.skip(2);
                        self.state = State::Size;
                    }
                    // Only two bytes are looked at, so that the outcome does not depend on how many have come.
                    [] | [_] => return Step::Incomplete,
                    bytes => {
                        let data = bytes[..bytes.len().min(2)].to_vec();
                        return Step::Broken("chunk end", data);
                    }
                },
                State::Size => match input.take_line(CHUNK_LINE_BYTES_MAX) {
                    Line::Incomplete => return Step::Incomplete,
                    Line::Overlong(line) => return Step::Broken("chunk size line too long", line),
                    Line::Whole(line) => {
                        let size = line.split(|&b| b == b';').next().unwrap_or_default().trim_ascii();
                        let size = std::str::from_utf8(size).ok().filter(|s| !s.starts_with('+'));
                        self.state = match size.and_then(|s| u64::from_str_radix(s, 16).ok()) {
                            None => return Step::Broken("chunk size", line),
                            Some(0) => State::Trailers,
                            Some(size) => State::Chunk(size),
                        };
                    }
                },
                State::Trailers => match input.take_line(CHUNK_LINE_BYTES_MAX) {
                    Line::Incomplete => return Step::Incomplete,
                    Line::Overlong(line) => return Step::Broken("trailer too long", line),
                    Line::Whole(line) if line.is_empty() => return Step::Whole,
                    Line::Whole(line) => {
                        if self.trailers.len() >= self.trailers_max {
                            return Step::Broken("too many trailers", line);
                        }
                        let colon = memchr::memchr(b':', &line).unwrap_or(line.len());
                        let value = line.get(colon + 1..).unwrap_or_default();
                        self.trailers.push((line[..colon].into(), value.trim_ascii().into()));
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(framing: Framing, bytes: &[u8]) -> (Step, Body, usize) {
        let mut input = Input::default();
        input.extend(bytes);
        let mut body = Body::new(framing, 4, 10, 2);
        let step = body.read(&mut input);
        (step, body, input.len())
    }

    #[test]
    fn bodies_end_where_they_say() {
        let (step, body, left) = read(Framing::Length(6), b"abcdefGET");
        assert_eq!((step, body.kept.as_slice(), body.bytes, left), (Step::Whole, &b"abcd"[..], 6, 3));
        let (step, body, left) = read(Framing::Chunked, b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: v\r\n\r\nGET");
        assert_eq!((step, body.kept.as_slice(), body.bytes, left), (Step::Whole, &b"abc"[..], 3, 3));
        assert_eq!(body.trailers, [("T".into(), "v".into())]);
        assert_eq!(read(Framing::Length(6), b"abc").0, Step::Incomplete);
    }

    #[test]
    fn broken_chunks_are_named() {
        let broken = |why, data: &[u8]| Step::Broken(why, data.to_vec());
        for (bytes, expected) in [
            (&b"zz\r\nmore"[..], broken("chunk size", b"zz")),
            (b"+1\r\n", broken("chunk size", b"+1")),
            (b"-1\r\n", broken("chunk size", b"-1")),
            (b"ffffffffffffffffff\r\n", broken("chunk size", b"ffffffffffffffffff")),
            (b"1\r\nabc", broken("chunk end", b"bc")),
            (b"0\r\na\r\na\r\nb\r\n", broken("too many trailers", b"b")),
            (b"ff\r\n01234567890123", Step::TooLarge),
        ] {
            assert_eq!(read(Framing::Chunked, bytes).0, expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn lengths_are_digits() {
        let head = |value: &str| Head { headers: vec![("Content-Length".into(), value.into())], ..Head::default() };
        assert_eq!(Framing::of(&head("12")), Ok(Framing::Length(12)));
        for value in ["", "x", "+1", "-1", "1,1", "99999999999999999999", "9223372036854775808"] {
            assert!(Framing::of(&head(value)).is_err(), "{value}");
        }
    }
}
