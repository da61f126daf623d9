//! The one pass against the patterns alone, and every field.

use super::*;
use crate::pattern::{Case, Operator};
use model::{SessionId, Timestamp};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

fn event(protocol: Protocol, detail: Detail) -> Event {
    Event { time: Timestamp(0), session: SessionId(Default::default()), source: IpAddr::V4(Ipv4Addr::LOCALHOST), protocol, detail }
}

fn rule(field: &str, operator: Operator, case: Case, pattern: &str) -> Rule {
    let (field, spec) = Field::parse(field).unwrap();
    Rule { field, protocols: ProtocolSet::of(spec.protocols), pattern: Pattern::compile(operator, case, pattern).unwrap() }
}

fn hits(matcher: &Matcher, event: &Event) -> Vec<u32> {
    let mut out = Vec::new();
    matcher.hits(event, &mut out);
    out
}

#[test]
fn every_field_reads_its_part_of_an_event() {
    use Operator::Equals;
    let request = |target: &str| Detail::Request {
        method: "POST".into(),
        target: target.into(),
        version: "HTTP/1.1".into(),
        headers: vec![("USER-agent".into(), "a b".into()), ("X-y".into(), "z".into())],
        body: "b%6Fdy".into(),
        body_bytes: 6,
    };
    let print = |method: &'static str| Detail::Fingerprint { method: method.into(), value: "v".into(), raw: Blob::default() };
    let auth = || Detail::Auth { method: "password".into(), username: "u".into(), secret: "p".into(), accepted: true };
    let message = || Detail::Message { sender: "s".into(), recipients: vec!["r".into(), "t".into()], body: "m".into() };
    let file = || Detail::File { path: "/f".into(), sha256: model::Sha256([0xab; 32]), bytes: 0, stored_bytes: 0, method: "scp".into() };
    let sha256 = &*"ab".repeat(32);
    let cases: Vec<(&str, &str, Protocol, Detail)> = vec![
        ("command", "wget x", Protocol::Ssh, Detail::Command { line: "cd /; wget x".into() }),
        ("username", "u", Protocol::Ftp, auth()),
        ("password", "p", Protocol::Rdp, auth()),
        ("auth_method", "password", Protocol::Ssh, auth()),
        ("download_url", "ftp://x", Protocol::Telnet, Detail::Fetch { url: "ftp://x".into(), tool: "wget".into() }),
        ("file_path", "/f", Protocol::Ssh, file()),
        ("file_sha256", sha256, Protocol::Ssh, file()),
        ("tunnel_target", "h:25", Protocol::Ssh, Detail::Tunnel { host: "h".into(), port: 25, data: Blob::default() }),
        ("tunnel_data", "d", Protocol::Ssh, Detail::Tunnel { host: "h".into(), port: 25, data: "d".into() }),
        ("client_version", "v", Protocol::Ssh, print("ssh_client_version")),
        ("hassh", "v", Protocol::Ssh, print("hassh")),
        ("ja3", "v", Protocol::Http, print("ja3")),
        ("ja4", "v", Protocol::Smtp, print("ja4")),
        ("fingerprint.terminal", "v", Protocol::Ssh, print("terminal")),
        ("malformed", "x", Protocol::Smb, Detail::Malformed { reason: "r".into(), data: "x".into() }),
        ("method", "POST", Protocol::Http, request("/")),
        ("uri", "/a?b", Protocol::Http, request("/%61?b")),
        ("path", "/a", Protocol::Http, request("/%61?b")),
        ("query", "b=..", Protocol::Http, request("/a?b=%252e%2e")),
        ("query", "SELECT 1", Protocol::Mysql, Detail::Query { text: "SELECT 1".into() }),
        ("header.X-Y", "z", Protocol::Http, request("/")),
        ("user_agent", "a b", Protocol::Http, request("/")),
        ("body", "body", Protocol::Docker, request("/")),
        ("body", "m", Protocol::Smtp, message()),
        ("request_line", "POST /%61", Protocol::Http, request("/%61")),
        ("request", "X-y: z", Protocol::Http, request("/")),
        ("sender", "s", Protocol::Smtp, message()),
        ("recipient", "t", Protocol::Smtp, message()),
    ];
    let mut unread: Vec<&str> = crate::FIELDS.iter().map(|spec| spec.name).collect();
    for (field, value, protocol, detail) in cases {
        let matcher = Matcher::new(vec![rule(field, Equals, Case::Sensitive, value)]).unwrap();
        assert_eq!(hits(&matcher, &event(protocol, detail)), [0], "{field}");
        unread.retain(|name| *name != field && !(name.ends_with('.') && field.starts_with(*name)));
    }
    assert!(unread.is_empty(), "no case for {unread:?}");
}

#[test]
fn a_rule_is_for_its_protocols_only() {
    let mut rules = vec![rule("username", Operator::Contains, Case::Sensitive, "u")];
    rules[0].protocols = ProtocolSet::of(&[Protocol::Ssh]);
    let matcher = Matcher::new(rules).unwrap();
    let auth = Detail::Auth { method: "password".into(), username: "u".into(), secret: Blob::default(), accepted: false };
    assert_eq!(hits(&matcher, &event(Protocol::Ssh, auth.clone())), [0]);
    assert!(hits(&matcher, &event(Protocol::Telnet, auth)).is_empty());
}

#[test]
fn a_line_that_repeats_a_literal_ends() {
    // Without the limit of one verification a literal, each occurrence would be verified over the whole line, and this would not end in minutes.
    let matcher = Matcher::new(vec![rule("command", Operator::Regex, Case::Sensitive, "needle.*NEVER")]).unwrap();
    let line = "needle;".repeat(VALUE_BYTES_MAX / 7 + 1);
    assert!(hits(&matcher, &event(Protocol::Ssh, Detail::Command { line: line.as_str().into() })).is_empty());
}

proptest! {
    /// One pass over all patterns finds exactly what each pattern finds alone.
    #[test]
    fn the_pass_agrees_with_each_pattern(
        patterns in prop::collection::vec((0..4u8, any::<bool>(), "[abAB]{1,3}[ab*?]{0,2}"), 1..12),
        line in "[abAB ;|'%6142\\\\x]{0,24}",
    ) {
        let mut rules = Vec::new();
        for (operator, sensitive, text) in &patterns {
            let case = if *sensitive { Case::Sensitive } else { Case::Insensitive };
            let (operator, text) = match operator {
                0 => (Operator::Equals, text.clone()),
                1 => (Operator::Contains, text.clone()),
                2 => (Operator::Wildcard, text.clone()),
                _ => (Operator::Regex, format!("^{}", text.replace(['*', '?'], "[bB]+"))),
            };
            rules.push(rule("command", operator, case, &text));
            rules.push(rule("uri", operator, case, &text));
        }
        let count = u32::try_from(rules.len()).unwrap();
        let matcher = Matcher::new(rules).unwrap();
        let command = hits(&matcher, &event(Protocol::Http, Detail::Command { line: line.as_str().into() }));
        let request = Detail::Request {
            method: "GET".into(), target: line.as_str().into(), version: Blob::default(), headers: Vec::new(), body: Blob::default(), body_bytes: 0,
        };
        let request = hits(&matcher, &event(Protocol::Http, request));
        for number in 0..count {
            let found = if number % 2 == 0 { &command } else { &request };
            prop_assert_eq!(found.contains(&number), matcher.holds(number, line.as_bytes()), "{:?} on {}", patterns[number as usize / 2], line);
        }
    }
}
