//! The fields that a primitive can read, declared once: which protocols have them and what they hold.

use model::Protocol;

/// One field of the catalog's language.
pub struct FieldSpec {
    /// Its name in a primitive. A name that ends in `.` takes a word: `header.` is used as `header.Referer`.
    pub name: &'static str,
    /// The protocols that have it; empty means every protocol.
    pub protocols: &'static [Protocol],
    /// What it holds.
    pub description: &'static str,
}

use Protocol::{Docker, Elasticsearch, Http, Mssql, Mysql, Postgresql, Redis, Rtsp, Sip, Smb, Smtp, Ssh, Telnet};

const SHELL: &[Protocol] = &[Ssh, Telnet, Docker, Redis, Mssql, Postgresql, Mysql, Http, Smb];
const WEB: &[Protocol] = &[Http, Docker, Elasticsearch, Rtsp, Sip];
const QUERY: &[Protocol] = &[Http, Docker, Elasticsearch, Mysql, Postgresql, Mssql, Protocol::Mongodb, Redis];

const fn field(name: &'static str, protocols: &'static [Protocol], description: &'static str) -> FieldSpec {
    FieldSpec { name, protocols, description }
}

/// Every field, in the order of the documentation (`docs/catalog.md` shows this table; a test holds the two together).
pub const FIELDS: &[FieldSpec] = &[
    field("command", SHELL, "A command line, whole, and each simple command of it in its plain form."),
    field("username", &[], "A user name presented."),
    field("password", &[], "A password, response or public key presented."),
    field("auth_method", &[], "How credentials were presented: `password`, `publickey`, `basic`, …"),
    field("download_url", &[], "A URL the attacker asked the host to get."),
    field("file_path", &[], "Where the attacker put a file."),
    field("file_sha256", &[], "The lower-case SHA-256 of a file the attacker left."),
    field("tunnel_target", &[], "`host:port` the attacker asked to be connected to."),
    field("tunnel_data", &[], "What was sent into a tunnel."),
    field("client_version", &[Ssh], "The SSH client's identification line."),
    field("hassh", &[Ssh], "The HASSH fingerprint of the SSH client."),
    field("ja3", &[], "The JA3 fingerprint of a TLS client."),
    field("ja4", &[], "The JA4 fingerprint of a TLS client."),
    field("fingerprint.", &[], "A client fingerprint by its method, as `fingerprint.terminal`."),
    field("malformed", &[], "The bytes with which a peer broke the protocol."),
    field("method", WEB, "The request's method."),
    field("uri", WEB, "The request's target, as sent and percent-decoded."),
    field("path", WEB, "The target up to the `?`, as sent and percent-decoded."),
    field("query", QUERY, "HTTP-like: the target after the `?`, as sent and percent-decoded. Databases: the statement."),
    field("header.", WEB, "A header's value by its name, in any case, as `header.Referer`."),
    field("user_agent", WEB, "The `User-Agent` header's value."),
    field("body", &[Http, Docker, Elasticsearch, Rtsp, Sip, Smtp], "The body, as sent and percent-decoded; SMTP: the message."),
    field("request_line", WEB, "Method, a blank, the target as sent."),
    field("request", WEB, "Each of: the target, every header as `Name: value`, the body; as sent and percent-decoded."),
    field("sender", &[Smtp], "The envelope sender."),
    field("recipient", &[Smtp], "An envelope recipient."),
];

/// What a primitive reads, resolved. `Plain` holds the index in [`FIELDS`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Field {
    Plain(usize),
    /// The header's name in lower case.
    Header(String),
    /// The fingerprint's method.
    Fingerprint(String),
}

/// The index of a field in [`FIELDS`], at compile time: a misspelt name does not build.
pub(crate) const fn index(name: &str) -> usize {
    let mut at = 0;
    while at < FIELDS.len() {
        if same(FIELDS[at].name.as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("no such field")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl Field {
    /// Finds a field by the name a primitive gave, with its declaration; `None` when there is no such field.
    pub(crate) fn parse(name: &str) -> Option<(Field, &'static FieldSpec)> {
        if let Some(at) = FIELDS.iter().position(|spec| spec.name == name && !name.ends_with('.')) {
            let spec = FIELDS.get(at)?;
            // Three names are shorter ways to write a fingerprint's method.
            let field = match name {
                "client_version" => Field::Fingerprint("ssh_client_version".to_owned()),
                "hassh" | "ja3" | "ja4" => Field::Fingerprint(name.to_owned()),
                "user_agent" => Field::Header("user-agent".to_owned()),
                _ => Field::Plain(at),
            };
            return Some((field, spec));
        }
        let spec = FIELDS.iter().find(|spec| spec.name.ends_with('.') && name.starts_with(spec.name))?;
        let word = name.get(spec.name.len()..).filter(|word| !word.is_empty())?;
        let field = match spec.name {
            "header." => Field::Header(word.to_ascii_lowercase()),
            _ => Field::Fingerprint(word.to_owned()),
        };
        Some((field, spec))
    }
}

/// A set of protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolSet(u32);

impl ProtocolSet {
    /// The set of the protocols given; all of them when none is.
    pub(crate) fn of(protocols: &[Protocol]) -> Self {
        let listed = if protocols.is_empty() { Protocol::ALL } else { protocols };
        ProtocolSet(listed.iter().fold(0, |set, protocol| set | Self::bit(*protocol)))
    }

    /// Whether the protocol is a member.
    pub(crate) fn contains(self, protocol: Protocol) -> bool {
        self.0 & Self::bit(protocol) != 0
    }

    const fn bit(protocol: Protocol) -> u32 {
        1 << protocol as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_and_unknown_ones_do_not() {
        assert_eq!(Field::parse("command").map(|(f, _)| f), Some(Field::Plain(index("command"))));
        assert_eq!(Field::parse("header.X-Forwarded-For").map(|(f, _)| f), Some(Field::Header("x-forwarded-for".into())));
        assert_eq!(Field::parse("user_agent").map(|(f, _)| f), Some(Field::Header("user-agent".into())));
        assert_eq!(Field::parse("client_version").map(|(f, _)| f), Some(Field::Fingerprint("ssh_client_version".into())));
        for name in ["", "header.", "header", "commands", "fingerprint."] {
            assert!(Field::parse(name).is_none(), "{name}");
        }
    }
}
