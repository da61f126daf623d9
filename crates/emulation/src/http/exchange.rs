//! What of a request and its connection an answer depends on.

use super::gzip;
use super::head::Head;
use super::site::Site;
use crate::Context;

/// What becomes of the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// It ends.
    Close,
    /// It stays, as HTTP/1.1 does by default.
    Implicit,
    /// It stays because the client asked; so many requests are left.
    Explicit(u32),
}

/// The facts of one exchange, kept when the request itself has gone into its event.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub method: Vec<u8>,
    /// The path, decoded; empty when there is none.
    pub path: Vec<u8>,
    /// The host the client means, in small letters.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the answer has no head (HTTP/0.9).
    pub is_simple: bool,
    /// Whether the client reads chunks (HTTP/1.1).
    pub is_modern: bool,
    /// Whether the answer has no body (HEAD).
    pub is_head: bool,
    /// Whether the client takes compressed answers.
    pub takes_gzip: bool,
    /// What becomes of the connection.
    pub persistence: Persistence,
    /// Whether the bytes travel inside TLS.
    pub tls: bool,
    /// The time, in seconds since the epoch.
    pub now: i64,
}

impl Exchange {
    /// For a request that could not be read: the server speaks under its own name and hangs up.
    pub fn unread(site: &Site, cx: &Context<'_>) -> Exchange {
        Exchange {
            method: Vec::new(),
            path: Vec::new(),
            host: site.server_name.clone(),
            port: cx.local.port(),
            is_simple: false,
            is_modern: false,
            is_head: false,
            takes_gzip: false,
            persistence: Persistence::Close,
            tls: cx.tls,
            now: cx.now.seconds(),
        }
    }

    /// For a request. `authority` is that of an absolute target, which goes before the `Host` header (RFC 9112 section 3.2.2); `left` says
    /// how many requests more the connection may carry. The host is wrong when a server would refuse the request for it.
    pub fn new(head: &Head, authority: Option<&[u8]>, left: u32, site: &Site, cx: &Context<'_>) -> (Exchange, Result<(), &'static str>) {
        let mut exchange = Exchange::unread(site, cx);
        exchange.method.clone_from(&head.method);
        exchange.is_simple = head.is_simple();
        exchange.is_modern = head.is_modern();
        exchange.is_head = head.method == b"HEAD";
        exchange.takes_gzip = gzip::is_taken(head);
        exchange.persistence = if left == 0 || head.is_simple() || head.has_token("connection", "close") {
            Persistence::Close
        } else if head.has_token("connection", "keep-alive") {
            Persistence::Explicit(left)
        } else if head.is_modern() {
            Persistence::Implicit
        } else {
            Persistence::Close
        };
        let mut hosts = head.values("host");
        let host = hosts.next();
        let checked = match (authority.or(host), hosts.next()) {
            (_, Some(_)) => Err("several Host headers"),
            (None, None) if head.is_modern() => Err("no Host header"),
            (None, None) => Ok(()),
            (Some(host), None) => match split_host(host) {
                Some((name, port)) => {
                    exchange.host = name;
                    exchange.port = port.unwrap_or(exchange.port);
                    Ok(())
                }
                None => Err("Host header"),
            },
        };
        (exchange, checked)
    }

    /// Whether the connection stays.
    pub fn stays(&self) -> bool {
        self.persistence != Persistence::Close
    }

    /// `http://host` or `https://host`, with the port unless it is the scheme's.
    pub fn origin(&self) -> String {
        let (scheme, default) = if self.tls { ("https", 443) } else { ("http", 80) };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port {
            port if port == default => format!("{scheme}://{host}"),
            port => format!("{scheme}://{host}:{port}"),
        }
    }
}

/// A host name or address and a port, if they look like one (Apache's `HttpProtocolOptions Strict`).
fn split_host(host: &[u8]) -> Option<(String, Option<u16>)> {
    let text = std::str::from_utf8(host).ok()?.to_ascii_lowercase();
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address.to_owned(), port)
        }
        None => {
            let at = text.find(':').unwrap_or(text.len());
            (text[..at].to_owned(), &text[at..])
        }
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((name, None)),
        None => None,
        Some(digits) => Some((name, Some(digits.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::split_host;

    #[test]
    fn hosts_are_names_or_addresses() {
        let cases = [
            ("Example.ORG", Some(("example.org", None))),
            ("a_b.c:8080", Some(("a_b.c", Some(8080)))),
            ("[::1]:80", Some(("::1", Some(80)))),
            ("[::1]", Some(("::1", None))),
            ("", None),
            ("<b>", None),
            ("a b", None),
            ("a:99999", None),
            ("[::1", None),
            ("[x]", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(name, port): (&str, Option<u16>)| (name.to_owned(), port));
            assert_eq!(split_host(text.as_bytes()), expected, "{text}");
        }
    }
}
