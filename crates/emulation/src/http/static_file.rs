//! A file of the document root: what is sent of it, and when (RFC 9110 sections 13 and 14).

use super::date;
use super::gzip;
use super::head::Head;
use model::Timestamp;
use persona::Persona;
use std::collections::HashMap;
use std::sync::Arc;

/// Apache's mod_deflate leaves shorter answers alone, so they carry no `Vary` (measured between 60 and 100 bytes).
pub const COMPRESSIBLE_BYTES_MIN: usize = 80;

/// One file.
#[derive(Clone, Debug)]
pub struct StaticFile {
    /// Its content.
    pub content: Arc<[u8]>,
    /// Its type; empty when the server does not know the name's ending.
    pub content_type: &'static str,
    /// When it changed, in seconds since the epoch.
    pub modified: i64,
    /// The same, as `Last-Modified` has it.
    pub last_modified: String,
    /// Apache's entity tag as sent: size and microseconds in hex, and `-gzip` when compressed.
    pub etag: String,
    /// The entity tag that conditions are held against: never that of the compressed form (measured: Apache answers its own tag with 200).
    validator: String,
    /// The same file for who takes gzip, if the server compresses its kind.
    pub compressed: Option<Box<StaticFile>>,
    /// Whether the server would compress it for who asks.
    pub is_compressible: bool,
    /// Whether it is a PHP program. What it would print is a page; without one it prints nothing.
    pub is_program: bool,
}

/// What a request gets of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it: 200.
    Whole,
    /// From the first to the last byte: 206.
    Range(usize, usize),
    /// Nothing, it is unchanged: 304.
    NotModified,
    /// Nothing, a precondition failed: 412.
    PreconditionFailed,
    /// Nothing, the range lies beyond the end: 416.
    Unsatisfiable,
}

impl StaticFile {
    /// A file by its path under the document root.
    pub fn new(path: &str, content: Arc<[u8]>, modified: Timestamp) -> StaticFile {
        let (content_type, is_compressible) = content_type(path);
        let is_compressible = is_compressible && content.len() >= COMPRESSIBLE_BYTES_MIN;
        let tag = format!("{:x}-{:x}", content.len(), modified.0);
        let plain = StaticFile {
            content_type,
            modified: modified.seconds(),
            last_modified: date::format(modified.seconds()),
            etag: format!("\"{tag}\""),
            validator: format!("\"{tag}\""),
            compressed: None,
            is_compressible,
            is_program: path.ends_with(".php"),
            content,
        };
        let compressed = is_compressible.then(|| {
            let content = Arc::from(gzip::compress(&plain.content));
            Box::new(StaticFile { etag: format!("\"{tag}-gzip\""), content, ..plain.clone() })
        });
        StaticFile { compressed, ..plain }
    }

    /// The form of the file that a request takes.
    pub fn for_request(&self, head: &Head) -> &StaticFile {
        self.compressed.as_deref().filter(|_| gzip::is_taken(head)).unwrap_or(self)
    }

    /// Whether this is the compressed form.
    pub fn is_compressed(&self) -> bool {
        self.etag != self.validator
    }

    /// What a request's conditions and range select. `now` in seconds since the epoch: dates in the future do not count.
    pub fn select(&self, head: &Head, now: i64) -> Selection {
        let lists = |value: &[u8]| {
            value.split(|&b| b == b',').map(<[u8]>::trim_ascii).any(|tag| tag == b"*" || strong(tag) == self.validator.as_bytes())
        };
        let since = |name| head.value(name).and_then(date::parse);
        match head.value("if-match") {
            Some(tags) if !lists(tags) => return Selection::PreconditionFailed,
            None if since("if-unmodified-since").is_some_and(|since| self.modified > since) => return Selection::PreconditionFailed,
            _ => {}
        }
        match head.value("if-none-match") {
            Some(tags) if lists(tags) => return Selection::NotModified,
            None if since("if-modified-since").is_some_and(|since| self.modified <= since && since <= now) => {
                return Selection::NotModified;
            }
            _ => {}
        }
        let fresh =
            head.value("if-range").is_none_or(|value| value == self.validator.as_bytes() || date::parse(value) == Some(self.modified));
        match head.value("range") {
            Some(range) if fresh => self.range(range),
            _ => Selection::Whole,
        }
    }

    /// One range of bytes (RFC 9110 section 14.1.2). Anything else, several ranges included, selects the whole, as the standard allows.
    fn range(&self, value: &[u8]) -> Selection {
        let range = || {
            let text = std::str::from_utf8(value).ok()?.strip_prefix("bytes=")?;
            let (first, last) = text.split_once('-')?;
            let number = |text: &str| match text.trim() {
                "" => Some(None),
                digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(Some(digits.parse::<usize>().unwrap_or(usize::MAX))),
                _ => None,
            };
            Some((number(first)?, number(last)?))
        };
        let size = self.content.len();
        match range() {
            Some((Some(first), last)) if first >= size && last.is_none_or(|last| last >= first) => Selection::Unsatisfiable,
            Some((Some(first), None)) => Selection::Range(first, size - 1),
            Some((Some(first), Some(last))) if last >= first => Selection::Range(first, last.min(size - 1)),
            Some((None, Some(0))) => Selection::Unsatisfiable,
            Some((None, Some(count))) if size > 0 => Selection::Range(size.saturating_sub(count), size - 1),
            _ => Selection::Whole,
        }
    }
}

/// An entity tag without its mark of weakness.
fn strong(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The type by the name's ending and whether it is compressed, as Debian and Ubuntu configure Apache.
fn content_type(path: &str) -> (&'static str, bool) {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" | "htm" | "shtml" => ("text/html", true),
        "txt" | "text" | "asc" => ("text/plain", true),
        "css" => ("text/css", true),
        "js" => ("application/javascript", true),
        "xml" => ("application/xml", true),
        "json" => ("application/json", false),
        "svg" => ("image/svg+xml", false),
        "png" => ("image/png", false),
        "jpg" | "jpeg" => ("image/jpeg", false),
        "gif" => ("image/gif", false),
        "ico" => ("image/vnd.microsoft.icon", false),
        "pdf" => ("application/pdf", false),
        "zip" => ("application/zip", false),
        "gz" | "tgz" => ("application/x-gzip", false),
        "tar" => ("application/x-tar", false),
        "sql" => ("application/sql", false),
        "bak" | "old" => ("application/x-trash", false),
        _ => ("", false),
    }
}

/// When the files under the document root changed, by their path under it, from the manifest of the host's files
/// (`files.txt`: type, mode, owner, group, size, UTC time, path). Web server and shell then tell the same times.
pub fn modified_times<'a>(persona: &'a Persona, docroot: &str) -> HashMap<&'a str, Timestamp> {
    let Some(manifest) = persona.files.get("files.txt") else { return HashMap::new() };
    let text = std::str::from_utf8(manifest).unwrap_or_default();
    let entries = text.lines().filter(|line| line.starts_with("f ")).filter_map(|line| {
        let mut fields = line.splitn(7, ' ').skip(5);
        let (time, path) = (fields.next()?, fields.next()?);
        Some((path.strip_prefix(docroot)?, Timestamp::parse(&format!("{time}Z"))?))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(name: &str, value: &str) -> Selection {
        let file = StaticFile::new("/a.txt", Arc::from(&b"0123456789"[..]), Timestamp(1_700_000_000_000_001));
        let head = Head { headers: vec![(name.into(), value.into())], ..Head::default() };
        file.select(&head, 1_800_000_000)
    }

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-3", Selection::Range(0, 3)),
            ("bytes=4-", Selection::Range(4, 9)),
            ("bytes=4-99", Selection::Range(4, 9)),
            ("bytes=-3", Selection::Range(7, 9)),
            ("bytes=-99", Selection::Range(0, 9)),
            ("bytes=10-", Selection::Unsatisfiable),
            ("bytes=99999999999999999999-", Selection::Unsatisfiable),
            ("bytes=-0", Selection::Unsatisfiable),
            ("bytes=3-2", Selection::Whole),
            ("bytes=a", Selection::Whole),
            ("lines=0-1", Selection::Whole),
        ] {
            assert_eq!(select("Range", range), expected, "{range}");
        }
    }

    #[test]
    fn conditions() {
        for (name, value, expected) in [
            ("If-None-Match", "*", Selection::NotModified),
            ("If-None-Match", "\"x\", W/\"a-60a2427a8d001\"", Selection::Whole),
            ("If-None-Match", "\"a-60a24181e4001\"", Selection::NotModified),
            ("If-Match", "\"x\"", Selection::PreconditionFailed),
            ("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT", Selection::NotModified),
            ("If-Modified-Since", "Tue, 14 Nov 2023 22:13:19 GMT", Selection::Whole),
            ("If-Modified-Since", "Fri, 31 Dec 2100 23:59:59 GMT", Selection::Whole),
            ("If-Unmodified-Since", "Tue, 14 Nov 2023 22:13:19 GMT", Selection::PreconditionFailed),
        ] {
            assert_eq!(select(name, value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn an_empty_file_has_no_ranges_to_panic_on() {
        let file = StaticFile::new("/a", Arc::from(&b""[..]), Timestamp(0));
        for range in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            let head = Head { headers: vec![("range".into(), range.into())], ..Head::default() };
            assert!(!matches!(file.select(&head, 0), Selection::Range(..)), "{range}");
        }
    }
}
