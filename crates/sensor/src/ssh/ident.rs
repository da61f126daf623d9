//! The exchange of identification strings (RFC 4253 section 4.2), as sshd does it.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest identification string, its line end included (RFC 4253 section 4.2).
const IDENTIFICATION_BYTES_MAX: usize = 255;
/// The longest line read of a peer that says something else; sshd's `SSH_MAX_BANNER_LEN`.
const LINE_BYTES_MAX: usize = 8192;
/// The peer speaks another major version.
pub(super) const OTHER_VERSION: &str = "protocol version 1";
/// The peer left in the middle of the line.
pub(super) const CUT_SHORT: &str = "closed within the identification string";
/// How much is read at once: an identification string and a usual KEXINIT.
const READ_BYTES: usize = 2048;

/// What a peer's first bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    /// No whole line yet.
    Incomplete,
    /// An identification string of this many bytes, without its line end.
    Identification(usize),
    /// Something else.
    Invalid(&'static str),
}

/// Judges the first bytes. sshd takes nothing before the identification string from a client, and a lone LF as a line's end.
pub(super) fn judge(bytes: &[u8]) -> First {
    let line_bytes_max = if bytes.starts_with(b"SSH-") { IDENTIFICATION_BYTES_MAX } else { LINE_BYTES_MAX };
    let window = &bytes[..bytes.len().min(line_bytes_max)];
    let Some(end) = window.iter().position(|b| matches!(b, b'\n' | 0)) else {
        return if bytes.len() >= line_bytes_max { First::Invalid("identification string too long") } else { First::Incomplete };
    };
    if window[end] == 0 {
        // sshd gives up at a NUL, and waits for the end of the line otherwise.
        return First::Invalid("not an identification string");
    }
    let line = window[..end].strip_suffix(b"\r").unwrap_or(&window[..end]);
    let version = line.strip_prefix(b"SSH-").and_then(|rest| rest.split(|&b| b == b'-').next());
    match version {
        // 1.99 is a client that speaks both (RFC 4253 section 5.1).
        Some(b"2.0" | b"1.99") if line.iter().filter(|&&b| b == b'-').count() >= 2 && std::str::from_utf8(line).is_ok() => {
            First::Identification(line.len())
        }
        Some(_) if line.starts_with(b"SSH-1.") => First::Invalid(OTHER_VERSION),
        Some(_) => First::Invalid("identification string"),
        None => First::Invalid("not an identification string"),
    }
}

/// What came of the exchange.
pub(super) enum Exchange {
    /// The bytes read, beginning with the client's identification string of `length` bytes.
    Done { read: Vec<u8>, length: usize },
    /// The peer said something else, or left in the middle of it.
    Broken { read: Vec<u8>, reason: &'static str },
    /// The peer left without a word.
    Gone,
}

/// Sends ours, reads theirs.
pub(super) async fn exchange<S>(stream: &mut S, version: &str) -> Exchange
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if stream.write_all(format!("{version}\r\n").as_bytes()).await.is_err() {
        return Exchange::Gone;
    }
    let mut read = Vec::with_capacity(READ_BYTES);
    loop {
        match stream.read_buf(&mut read).await {
            Ok(1..) => {}
            Ok(0) | Err(_) if read.is_empty() => return Exchange::Gone,
            Ok(0) | Err(_) => return Exchange::Broken { read, reason: CUT_SHORT },
        }
        match judge(&read) {
            First::Incomplete => {}
            First::Identification(length) => return Exchange::Done { read, length },
            First::Invalid(reason) => return Exchange::Broken { read, reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identification_strings_are_judged_as_sshd_does() {
        let long = [&b"SSH-2.0-"[..], &[b'a'; 300]].concat();
        let cases: [(&[u8], First); 14] = [
            (b"SSH-2.0-Go\r\n\0\0", First::Identification(10)),
            (b"SSH-2.0-libssh2_1.4 x y\n", First::Identification(23)),
            (b"SSH-1.99-old-client\r\n", First::Identification(19)),
            (b"SSH-1.5-ancient\r\n", First::Invalid("protocol version 1")),
            (b"SSH-2.0\r\n", First::Invalid("identification string")),
            (b"SSH-2.0-\xff\r\n", First::Invalid("identification string")),
            (b"GET / HTTP/1.1\r\n", First::Invalid("not an identification string")),
            (b"\x16\x03\x01\x02\0", First::Invalid("not an identification string")),
            (b"\n", First::Invalid("not an identification string")),
            (b"SSH", First::Incomplete),
            (b"\xff\xfeGET", First::Incomplete),
            (&[b'a'; 8192], First::Invalid("identification string too long")),
            (b"SSH-2.0-Go", First::Incomplete),
            (&long, First::Invalid("identification string too long")),
        ];
        for (bytes, expected) in cases {
            assert_eq!(judge(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
