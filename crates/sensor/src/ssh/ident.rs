//! The exchange of identification strings (RFC 4253 section 4.2), as sshd does it.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest identification string, its line end included (RFC 4253 section 4.2).
const IDENTIFICATION_BYTES_MAX: usize = 255;
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
    let window = &bytes[..bytes.len().min(IDENTIFICATION_BYTES_MAX)];
    let Some(end) = window.iter().position(|&b| b == b'\n') else {
        return if bytes.len() >= IDENTIFICATION_BYTES_MAX {
            First::Invalid("identification string too long")
        } else if !b"SSH-".starts_with(&window[..window.len().min(4)]) {
            // Waiting for the end of a line that cannot be right would keep binary peers hanging.
            First::Invalid("not an identification string")
        } else {
            First::Incomplete
        };
    };
    let line = window[..end].strip_suffix(b"\r").unwrap_or(&window[..end]);
    let version = line.strip_prefix(b"SSH-").and_then(|rest| rest.split(|&b| b == b'-').next());
    match version {
        // 1.99 is a client that speaks both (RFC 4253 section 5.1).
        Some(b"2.0" | b"1.99") if line.iter().filter(|&&b| b == b'-').count() >= 2 && std::str::from_utf8(line).is_ok() => {
            First::Identification(line.len())
        }
        Some(_) if line.starts_with(b"SSH-1.") => First::Invalid("protocol version 1"),
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
            Ok(0) | Err(_) => return Exchange::Broken { read, reason: "closed within the identification string" },
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
        let cases: [(&[u8], First); 12] = [
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
            (b"SSH-2.0-Go", First::Incomplete),
            (&long, First::Invalid("identification string too long")),
        ];
        for (bytes, expected) in cases {
            assert_eq!(judge(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
