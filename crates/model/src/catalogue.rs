//! The event catalogue: every kind of event and every field, in one place.
//!
//! `docs/events.md` is generated from it, and tests prove that what is serialized, what is catalogued and what is documented are the same.

/// One kind of event.
pub struct Kind {
    /// Its name in the serialized form.
    pub name: &'static str,
    /// When it is emitted.
    pub description: &'static str,
    /// Its fields in order.
    pub fields: &'static [Field],
}

/// One field of a kind.
pub struct Field {
    /// Its name in the serialized form.
    pub name: &'static str,
    /// Its type: `bytes` (see [`crate::Blob`]), `text`, `bool`, `integer`, `address` (`ip:port`), `sha256`, or a list of one.
    pub kind: &'static str,
    /// What it holds, with its unit.
    pub description: &'static str,
}

const fn f(name: &'static str, kind: &'static str, description: &'static str) -> Field {
    Field { name, kind, description }
}

/// Every kind, in the order in which a session usually shows them.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "connect",
        description: "A connection was accepted, or the first datagram of a conversation arrived. Always a session's first event.",
        fields: &[
            f("peer", "address", "The attacker's address and port; behind a balancer, the one its PROXY header gave."),
            f("local", "address", "Our address and port as the attacker sees them."),
            f("transport", "text", "`tcp` or `udp`."),
            f("tls", "bool", "Whether the session begins with TLS."),
            f("via", "address", "The balancer's address when a PROXY header was accepted, else null."),
        ],
    },
    Kind {
        name: "fingerprint",
        description: "Something that identifies the attacker's software.",
        fields: &[
            f(
                "method",
                "text",
                "`ja3`, `ja4`, `hassh`, `ssh_client_version`, `tls_server_name`, `terminal`, `environment`, `telnet_option`, `ssh_public_key`, `ssh_request`, …",
            ),
            f("value", "bytes", "The fingerprint itself."),
            f("raw", "bytes", "What it was computed from, where that is more than the value."),
        ],
    },
    Kind {
        name: "auth",
        description: "Credentials were presented.",
        fields: &[
            f("method", "text", "`password`, `keyboard-interactive`, `publickey`, `basic`, `form`, `none`, …"),
            f("username", "bytes", "The user name."),
            f("secret", "bytes", "The password, response or public key (OpenSSH format)."),
            f("accepted", "bool", "Whether the credential policy let the attacker in."),
        ],
    },
    Kind {
        name: "command",
        description: "A command line, as typed at a prompt or given to be executed.",
        fields: &[f("line", "bytes", "The line without its end.")],
    },
    Kind {
        name: "request",
        description: "A request of an HTTP-like protocol.",
        fields: &[
            f("method", "bytes", "The method as sent."),
            f("target", "bytes", "The request target as sent."),
            f("version", "bytes", "The protocol version as sent; empty when there was none."),
            f("headers", "list of pairs of bytes", "Names and values in the order and spelling sent."),
            f("body", "bytes", "The body, after transfer decoding, up to the configured cap."),
            f("body_bytes", "integer", "The body's full length in bytes, as far as it was received."),
        ],
    },
    Kind { name: "query", description: "A statement of a database protocol.", fields: &[f("text", "bytes", "The statement as sent.")] },
    Kind {
        name: "message",
        description: "An electronic mail, or another message handed over for delivery. It is never delivered.",
        fields: &[
            f("sender", "bytes", "The envelope sender."),
            f("recipients", "list of bytes", "The envelope recipients."),
            f("body", "bytes", "The message as sent, up to the configured cap."),
        ],
    },
    Kind {
        name: "fetch",
        description: "The attacker asked the host to get something from an address. Nothing is contacted.",
        fields: &[
            f("url", "bytes", "The URL as given, completed with the scheme the tool would use."),
            f("tool", "text", "The program asked: `wget`, `curl`, `tftp`, `ftpget`, …"),
        ],
    },
    Kind {
        name: "file",
        description: "The attacker left a file.",
        fields: &[
            f("path", "bytes", "Where it was put, as the emulated host names it."),
            f("sha256", "sha256", "The digest of the whole content."),
            f("bytes", "integer", "The content's length in bytes."),
            f("stored_bytes", "integer", "How many of them were kept; less than `bytes` when a cap was reached."),
            f("method", "text", "How it came: `sftp`, `scp`, `shell`, `upload`, …"),
        ],
    },
    Kind {
        name: "tunnel",
        description: "The attacker asked to be connected onwards. Nothing is contacted.",
        fields: &[
            f("host", "bytes", "The host asked for."),
            f("port", "integer", "The port asked for."),
            f("data", "bytes", "What was sent into the tunnel; empty in the event that opens it."),
        ],
    },
    Kind {
        name: "malformed",
        description: "The peer broke the protocol.",
        fields: &[f("reason", "text", "What rule was broken."), f("data", "bytes", "The offending bytes, up to a cap.")],
    },
    Kind {
        name: "limit",
        description: "A limit was reached.",
        fields: &[
            f("name", "text", "The limit's name in the configuration; its last word is its unit."),
            f("value", "integer", "The limit, in that unit."),
        ],
    },
    Kind {
        name: "rx",
        description: "Bytes received, after TLS, up to the configured cap a session.",
        fields: &[f("data", "bytes", "The bytes.")],
    },
    Kind {
        name: "tx",
        description: "Bytes sent, before TLS, up to the configured cap a session.",
        fields: &[f("data", "bytes", "The bytes.")],
    },
    Kind {
        name: "close",
        description: "The session ended. Always its last event.",
        fields: &[
            f("reason", "text", "`peer`, `server`, `idle`, `limit`, `error` or `shutdown`."),
            f("duration_us", "integer", "Microseconds since the connect event."),
            f("rx_bytes", "integer", "Bytes received, all told."),
            f("tx_bytes", "integer", "Bytes sent, all told."),
        ],
    },
];
