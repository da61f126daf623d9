//! What the download tools share: the event, the made-up answer, and nothing that reaches a network.

use crate::command::Process;
use model::Detail;

/// The largest made-up download, in bytes.
const BODY_BYTES_MAX: u64 = 256 * 1024;

/// Where a URL leads.
pub(super) struct Url {
    /// As recorded: with its scheme.
    pub text: Vec<u8>,
    /// `http`, `https` or `ftp`.
    pub scheme: String,
    /// The host's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path and query, from the slash.
    pub path: String,
}

impl Url {
    /// Reads a URL as wget and curl do; one without a scheme is HTTP.
    pub fn parse(text: &[u8]) -> Option<Url> {
        let shown = String::from_utf8_lossy(text.trim_ascii()).into_owned();
        let (scheme, rest) = match shown.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("http".to_owned(), &shown[..]),
        };
        let default = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            "ftp" => 21,
            "tftp" => 69,
            _ => return None,
        };
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && !authority.ends_with(']') => (host, port.parse().ok()?),
            Some((host, "")) => (host, default),
            _ => (authority, default),
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return None;
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Some(Url { text: format!("{scheme}://{rest}").into_bytes(), scheme, host: host.to_owned(), port, path })
    }

    /// The file name a download is saved under: the last part of the path with its query.
    pub fn file_name(&self) -> String {
        let path = self.path.split('#').next().unwrap_or_default();
        let before_query = path.find('?').unwrap_or(path.len());
        let start = path[..before_query].rfind('/').map_or(0, |at| at + 1);
        let name = &path[start..];
        if name.is_empty() || name.starts_with('?') { format!("index.html{name}") } else { name.to_owned() }
    }

    /// Whether the host is written as an address.
    pub fn is_address(&self) -> bool {
        self.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
    }

    /// The address the host seems to have: itself, or one made up from its name in a range for documentation and benchmarks.
    pub fn address(&self) -> String {
        if self.is_address() {
            return self.host.clone();
        }
        let hash = hash(self.host.as_bytes());
        format!("198.18.{}.{}", hash as u8, 1 + (hash >> 8) % 254)
    }
}

fn hash(text: &[u8]) -> u64 {
    let raw = text.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    crate::fs::spread(raw, 61)
}

/// Records what was asked for; called before anything is printed.
pub(super) fn record(process: &Process, url: &[u8], tool: &'static str) {
    process.observe(Detail::Fetch { url: url.into(), tool: tool.into() });
}

/// What seems to be at a URL: a script for what looks like one, a page for a page, otherwise a binary that begins as a program does.
/// The same URL gives the same bytes every time, and no byte comes from anywhere but here.
pub(super) fn body(process: &Process, url: &Url) -> Vec<u8> {
    let seed = hash(&url.text);
    let name = url.file_name().to_ascii_lowercase();
    let stem = name.split('?').next().unwrap_or_default().to_owned();
    let script = [".sh", ".txt", ".pl", ".py", ".php", ".conf"].iter().any(|end| stem.ends_with(end))
        || matches!(stem.as_str(), "sh" | "bash" | "install" | "setup");
    if script {
        // A first stage that has been taken down answers with an empty script; running it does nothing, as it would on many days.
        return format!("#!/bin/sh\n# {:016x}\n", seed).into_bytes();
    }
    if stem.ends_with(".html") || stem.ends_with(".htm") {
        return format!("<!DOCTYPE html>\n<html>\n<head><title>{}</title></head>\n<body></body>\n</html>\n", url.host).into_bytes();
    }
    let size = 28_000 + seed % (BODY_BYTES_MAX - 28_000);
    let machine = &process.machine().host().persona().host.kernel.machine;
    crate::fs::made_up_program(&url.text, size, machine)
}

/// How long a transfer seems to take, in seconds.
pub(super) fn seconds(url: &Url, bytes: usize) -> f64 {
    let rate = 180_000.0 + (hash(url.host.as_bytes()) % 2_600_000) as f64;
    0.02 + bytes as f64 / rate
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn urls_are_read_as_the_tools_read_them() {
        for (text, expected) in [
            ("http://192.0.2.1/a/b.sh", Some(("192.0.2.1", 80, "/a/b.sh", "b.sh"))),
            ("example.test:8080/x?y=1", Some(("example.test", 8080, "/x?y=1", "x?y=1"))),
            ("https://u:p@example.test", Some(("example.test", 443, "/", "index.html"))),
            ("http://example.test/?q", Some(("example.test", 80, "/?q", "index.html?q"))),
            ("ftp://192.0.2.9/pub/", Some(("192.0.2.9", 21, "/pub/", "index.html"))),
            ("http://", None),
            ("http://h:99999/", None),
            ("gopher://x/", None),
        ] {
            let url = Url::parse(text.as_bytes());
            let got = url.as_ref().map(|url| (url.host.as_str(), url.port, url.path.as_str(), url.file_name()));
            assert_eq!(got, expected.map(|(host, port, path, name)| (host, port, path, name.to_owned())), "{text}");
        }
    }
}
