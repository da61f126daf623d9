//! Lines of a stream, of bounded length.

use std::io::{self, BufRead};

/// What [`next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line is in the buffer.
    Whole,
    /// A line was longer than allowed; it was passed over.
    TooLong,
    /// There is none any more.
    End,
}

/// Reads the next line into `line`, without its end (LF or CR LF). The last one needs no end.
pub(super) fn next(reader: &mut impl BufRead, line: &mut Vec<u8>, bytes_max: usize) -> io::Result<Line> {
    line.clear();
    let mut began = false;
    let mut too_long = false;
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if available.is_empty() {
            break;
        }
        began = true;
        let end = available.iter().position(|&byte| byte == b'\n');
        let piece = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        if line.len() + piece.len() > bytes_max {
            too_long = true;
            line.clear();
        }
        if !too_long {
            line.extend_from_slice(piece);
        }
        let used = piece.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(match (began, too_long) {
        (false, _) => Line::End,
        (true, true) => Line::TooLong,
        (true, false) => Line::Whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_of_any_ending_and_length() {
        let text = b"one\r\n\nthree\nfar too long a line\n12345678\nlast";
        for buffer_bytes in [1, 3, 1000] {
            let mut reader = BufReader::with_capacity(buffer_bytes, &text[..]);
            let mut line = Vec::new();
            let mut read = Vec::new();
            loop {
                match next(&mut reader, &mut line, 8).unwrap() {
                    Line::End => break,
                    Line::TooLong => read.push(None),
                    Line::Whole => read.push(Some(String::from_utf8(line.clone()).unwrap())),
                }
            }
            let expected = [Some("one"), Some(""), Some("three"), None, Some("12345678"), Some("last")];
            assert_eq!(read, expected.map(|line| line.map(str::to_owned)), "{buffer_bytes}");
        }
    }
}
