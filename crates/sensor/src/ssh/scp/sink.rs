//! `scp -t`: files come in.

use super::{Broken, DEPTH_MAX, LINE_BYTES_MAX, Transfer, Wire, join};
use crate::ssh::connection::Connection;
use crate::ssh::upload::Upload;
use model::Timestamp;
use shell::{Errno, Files, Kind};
use std::sync::Arc;

/// How much of a file is moved at once.
const PIECE_BYTES: usize = 32 * 1024;

/// Reads control records until the peer is done.
pub(super) async fn run(transfer: &Transfer, files: &Arc<Files>, connection: &Arc<Connection>, wire: &mut Wire) -> Result<(), Broken> {
    let target = transfer.paths.first().ok_or(Broken)?.clone();
    if transfer.directory
        && let Err(errno) = is_directory(files, &target)
    {
        wire.complain_of(&target, errno).await?;
        return Err(Broken);
    }
    wire.acknowledge().await?;
    // The directories entered; the first is where files without one go.
    let mut path = vec![target];
    let mut modified = None;
    while let Some(line) = wire.input.line(LINE_BYTES_MAX).await {
        let target = path.last().ok_or(Broken)?.clone();
        let (&kind, rest) = match line.split_first() {
            Some(split) => split,
            None => return Err(wire.protocol_error(connection, "unexpected <newline>", &line).await),
        };
        match kind {
            1 => wire.failed = true,
            2 => return Err(Broken),
            b'E' => {
                wire.acknowledge().await?;
                path.pop();
                if path.is_empty() {
                    return Ok(());
                }
            }
            b'T' => {
                modified = time(rest);
                if modified.is_none() {
                    return Err(wire.protocol_error(connection, "mtime.sec not present", &line).await);
                }
                wire.acknowledge().await?;
            }
            b'C' | b'D' => {
                let record = match Record::parse(rest) {
                    Ok(record) => record,
                    Err(reason) => return Err(wire.protocol_error(connection, reason, &line).await),
                };
                // Relative names would leave the directory they are sent to.
                if matches!(record.name, b"" | b"." | b"..") || record.name.contains(&b'/') {
                    connection.malformed("scp file name", &line);
                    wire.complain(&[b"error: unexpected filename: ", record.name].concat()).await?;
                    return Err(Broken);
                }
                let place = if is_directory(files, &target).is_ok() { join(&target, record.name) } else { target };
                if kind == b'C' {
                    file(&record, place, modified.take().filter(|_| transfer.preserve), files, connection, wire).await?;
                } else if !transfer.recursive || path.len() > DEPTH_MAX {
                    return Err(wire.protocol_error(connection, "received directory without -r", &line).await);
                } else {
                    match enter(files, &place, record.mode) {
                        Ok(()) => {
                            path.push(place);
                            wire.acknowledge().await?;
                        }
                        Err(errno) => wire.complain_of(&place, errno).await?,
                    }
                }
            }
            _ => return Err(wire.protocol_error(connection, "expected control record", &line).await),
        }
    }
    Ok(())
}

async fn file(
    record: &Record<'_>,
    place: Vec<u8>,
    modified: Option<Timestamp>,
    files: &Arc<Files>,
    connection: &Arc<Connection>,
    wire: &mut Wire,
) -> Result<(), Broken> {
    if let Err(errno) = openable(files, &place, record.mode) {
        return wire.complain_of(&place, errno).await;
    }
    let mut upload = Upload::new(connection, files, place.clone(), Vec::new(), record.mode, "scp").map_err(|_| Broken)?;
    wire.acknowledge().await?;
    let mut problem = None;
    let mut received: u64 = 0;
    while received < record.size {
        let wanted = usize::try_from(record.size - received).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let piece = wire.input.some(wanted).await.ok_or(Broken)?;
        // What does not fit is read all the same: the peer only listens when it has sent everything.
        if problem.is_none() {
            problem = upload.write_at(received, piece).err();
        }
        received += piece.len() as u64;
    }
    let whole = wire.answer().await?;
    problem = upload.finish().err().or(problem);
    if let Some(time) = modified {
        // `-p`: the mode without the umask, and the time. scp only warns when it may not set them.
        let _ = files.set_mode(&place, record.mode).and_then(|()| files.set_modified(&place, time));
    }
    match problem {
        Some(errno) => wire.complain_of(&place, errno).await,
        None if whole => wire.acknowledge().await,
        None => Ok(()),
    }
}

fn is_directory(files: &Files, path: &[u8]) -> Result<(), Errno> {
    match files.stat(path)?.kind {
        Kind::Directory => Ok(()),
        _ => Err(Errno::Enotdir),
    }
}

/// Makes sure that a file can be written, as `open` does: one that is not there is made.
fn openable(files: &Files, path: &[u8], mode: u32) -> Result<(), Errno> {
    match files.stat(path) {
        Ok(metadata) if metadata.kind == Kind::Directory => Err(Errno::Eisdir),
        Ok(_) => Ok(()),
        Err(Errno::Enoent) => files.write(path, Vec::new(), mode),
        Err(errno) => Err(errno),
    }
}

fn enter(files: &Files, path: &[u8], mode: u32) -> Result<(), Errno> {
    match files.stat(path) {
        Ok(metadata) if metadata.kind == Kind::Directory => Ok(()),
        Ok(_) => Err(Errno::Enotdir),
        Err(Errno::Enoent) => files.make_directory(path, mode | 0o700),
        Err(errno) => Err(errno),
    }
}

/// `Cmmmm length name`, without its first letter.
#[derive(Debug, PartialEq, Eq)]
struct Record<'a> {
    mode: u32,
    size: u64,
    name: &'a [u8],
}

impl<'a> Record<'a> {
    /// Fails with OpenSSH's name for the rule broken.
    fn parse(rest: &'a [u8]) -> Result<Record<'a>, &'static str> {
        let (mode, rest) = rest.split_at_checked(4).ok_or("bad mode")?;
        let mode = std::str::from_utf8(mode).ok().filter(|m| m.bytes().all(|b| b.is_ascii_digit())).ok_or("bad mode")?;
        let mode = u32::from_str_radix(mode, 8).map_err(|_| "bad mode")?;
        let rest = rest.strip_prefix(b" ").ok_or("mode not delimited")?;
        let end = rest.iter().position(|b| !b.is_ascii_digit()).filter(|&end| end > 0 && rest[end] == b' ').ok_or("size not delimited")?;
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|s| s.parse().ok()).ok_or("size out of range")?;
        Ok(Record { mode, size, name: &rest[end + 1..] })
    }
}

/// The first number of `mtime 0 atime 0`, in seconds.
fn time(rest: &[u8]) -> Option<Timestamp> {
    let first = rest.split(|&b| b == b' ').next()?;
    std::str::from_utf8(first).ok()?.parse().ok().map(Timestamp::from_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_records() {
        let record = |mode, size, name| Ok(Record { mode, size, name });
        let cases: [(&[u8], Result<Record<'_>, &str>); 9] = [
            (b"0644 12 a b", record(0o644, 12, b"a b")),
            (b"4755 0 \xff", record(0o4755, 0, b"\xff")),
            (b"0644 12 ", record(0o644, 12, b"")),
            (b"06", Err("bad mode")),
            (b"0689 1 x", Err("bad mode")),
            (b"0644x12 x", Err("mode not delimited")),
            (b"0644 x", Err("size not delimited")),
            (b"0644 12", Err("size not delimited")),
            (b"0644 99999999999999999999 x", Err("size out of range")),
        ];
        for (text, expected) in cases {
            assert_eq!(Record::parse(text), expected, "{}", text.escape_ascii());
        }
    }
}
