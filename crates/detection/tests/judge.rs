//! The verdict: exact sets, the total order, the built-ins; facts that survive storage and a new catalog.

use detection::{BUILT_INS, Catalog, SessionFacts, VerdictKind};
use model::{Blob, Detail, Event, Protocol, SessionId, Severity, Timestamp};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Primitives a, b, c, d for the commands of the same name (c and d tagged t), and behaviors given as (id, severity, requires, may).
fn catalog(behaviors: &[(&str, &str, &str, &str)]) -> Catalog {
    let mut text = String::from("primitives:\n");
    for (id, tags) in [("a", ""), ("b", ""), ("c", "t"), ("d", "t")] {
        text += &format!(
            "  - {{id: {id}, name: n, description: d, field: command, operator: EQUALS, pattern: {id}, tags: [{tags}], matches: [{id}]}}\n"
        );
    }
    if !behaviors.is_empty() {
        text += "behaviors:\n";
    }
    for (id, severity, requires, may) in behaviors {
        let case = "[{protocol: ssh, steps: [{command: a}]}]";
        text += &format!(
            "  - {{id: {id}, name: n, description: d, severity: {severity}, requires: '{requires}', may_contain: [{may}], matches: {case}, rejects: {case}}}\n"
        );
    }
    Catalog::load(&[("test.yaml", text)]).unwrap()
}

fn event(detail: Detail) -> Event {
    Event {
        time: Timestamp(0),
        session: SessionId(Default::default()),
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        protocol: Protocol::Ssh,
        detail,
    }
}

fn command(line: &str) -> Detail {
    Detail::Command { line: line.into() }
}

fn facts(catalog: &Catalog, details: impl IntoIterator<Item = Detail>) -> SessionFacts {
    let mut facts = SessionFacts::default();
    details.into_iter().for_each(|detail| catalog.absorb(&mut facts, &event(detail)));
    facts
}

fn verdict(catalog: &Catalog, commands: &str) -> String {
    catalog.judge(&facts(catalog, commands.split(' ').map(command))).behavior.to_string()
}

#[test]
fn a_set_is_matched_exactly() {
    let catalog = catalog(&[("ab", "low", "a and b", ""), ("tagged", "low", "a and tag:t", "b")]);
    for (commands, want) in [
        ("a b", "ab"),
        ("b a a", "ab"),
        ("a b unknown", "ab"),
        ("a", "unclassified"),
        ("a c", "tagged"),
        ("a b c d", "tagged"),
        ("b c", "unclassified"),
        ("unknown", "unclassified"),
    ] {
        assert_eq!(verdict(&catalog, commands), want, "{commands}");
    }
}

#[test]
fn the_order_is_required_then_severity_then_id() {
    let all = [
        ("z-two", "info", "a and b", ""),
        ("y-high", "high", "a", "b"),
        ("x-low", "low", "a", "b"),
        ("b-same", "low", "b", "a"),
        ("a-same", "low", "b", "a"),
        ("or-one", "very_high", "(a and b) or c", "a, b"),
    ];
    let order = |catalog: &Catalog| catalog.behaviors().iter().map(|behavior| behavior.id.to_string()).collect::<Vec<_>>();
    let forward = catalog(&all);
    let mut reversed = all;
    reversed.reverse();
    let want = ["z-two", "or-one", "y-high", "a-same", "b-same", "x-low"];
    assert_eq!(order(&forward), want);
    assert_eq!(order(&catalog(&reversed)), want, "the files' order does not matter");
    assert_eq!(verdict(&forward, "a b"), "z-two");
    assert_eq!(verdict(&forward, "b"), "a-same");
    assert_eq!(verdict(&forward, "a"), "y-high");
}

#[test]
fn a_session_without_a_primitive_gets_a_built_in() {
    let catalog = catalog(&[]);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 22));
    let connect = || Detail::Connect { peer: address, local: address, transport: model::Transport::Tcp, tls: false, via: None };
    let print = || Detail::Fingerprint { method: "hassh".into(), value: "v".into(), raw: Blob::default() };
    let auth = |method: &'static str, accepted| Detail::Auth { method: method.into(), username: "u".into(), secret: "s".into(), accepted };
    let broken = || Detail::Malformed { reason: "r".into(), data: "x".into() };
    let get = |target: &str| Detail::Request {
        method: "GET".into(),
        target: target.into(),
        version: "HTTP/1.1".into(),
        headers: Vec::new(),
        body: Blob::default(),
        body_bytes: 0,
    };
    let cases = [
        (vec![connect()], "connection-only"),
        (vec![], "connection-only"),
        (vec![connect(), print()], "failed-handshake"),
        (vec![connect(), print(), auth("none", false)], "failed-handshake"),
        (vec![connect(), print(), broken()], "failed-handshake"),
        (vec![connect(), broken()], "malformed-only"),
        (vec![connect(), print(), auth("password", false), auth("password", false)], "credential-attempts-only"),
        (vec![auth("password", false), auth("password", true)], "login-only"),
        (vec![auth("none", true)], "login-only"),
        (vec![auth("password", true), command("  ")], "login-only"),
        (vec![get("/"), get("/favicon.ico")], "front-page-only"),
        (vec![get("/"), get("/new-hole")], "unclassified"),
        (vec![auth("password", true), command("new-worm")], "unclassified"),
        (vec![Detail::Query { text: "SELECT 1".into() }], "unclassified"),
    ];
    for (details, want) in cases {
        let shown = format!("{details:?}");
        let verdict = catalog.judge(&facts(&catalog, details));
        assert_eq!(&*verdict.behavior, want, "{shown}");
        assert_eq!(verdict.classified(), want != "unclassified", "{shown}");
        assert!(BUILT_INS.iter().any(|built_in| built_in.id == want && built_in.severity == verdict.severity));
    }
    assert!(BUILT_INS.iter().flat_map(|built_in| built_in.techniques).all(|id| detection::technique_name(id).is_some()));
}

#[test]
fn stored_facts_survive_a_new_catalog() {
    let old = catalog(&[("ab", "low", "a and b", "")]);
    let mut open = facts(&old, [command("a")]);
    let stored = serde_json::to_string(&open).unwrap();
    open = serde_json::from_str(&stored).unwrap();
    assert_eq!(open, facts(&old, [command("a")]));
    // The new catalog has the primitives in other places, has a new behavior, and does not know one stored id.
    let new = Catalog::load(&[(
        "new.yaml",
        "primitives:\n  - {id: b, name: n, description: d, field: command, operator: EQUALS, pattern: b, matches: [b]}\n  - {id: a, name: n, description: d, field: command, operator: EQUALS, pattern: a, matches: [a]}\nbehaviors:\n  - {id: both, name: n, description: d, severity: high, requires: a and b, matches: [{protocol: ssh, steps: [{command: a}]}], rejects: [{protocol: ssh, steps: [{command: a}]}]}\n",
    )])
    .unwrap();
    new.absorb(&mut open, &event(command("b")));
    open.primitives.insert("gone".into(), 1);
    let verdict = new.judge(&open);
    assert_eq!((&*verdict.behavior, verdict.severity, verdict.kind), ("both", Severity::High, VerdictKind::Behavior));
    assert_eq!(new.explain(&open).unknown.iter().map(|id| &**id).collect::<Vec<_>>(), ["gone"]);
    assert!(serde_json::from_str::<SessionFacts>("{}").is_ok(), "facts stored by an older version can be read");
}

#[test]
fn a_near_miss_is_explained() {
    let catalog = catalog(&[("ab", "low", "a and b", ""), ("cd", "low", "c and d", ""), ("far", "low", "d", "")]);
    let explanation = catalog.explain(&facts(&catalog, ["a", "c"].map(command)));
    assert_eq!(&*explanation.verdict.behavior, "unclassified");
    assert!(explanation.fits.is_empty());
    let near: Vec<(&str, Vec<&str>, Vec<&str>)> = explanation
        .near_misses
        .iter()
        .map(|miss| (&*miss.behavior, miss.missing.iter().map(String::as_str).collect(), miss.extras.iter().map(|id| &**id).collect()))
        .collect();
    assert_eq!(near, [("ab", vec!["b"], vec!["c"]), ("cd", vec!["d"], vec!["a"])]);
    let fits = catalog.explain(&facts(&catalog, ["a", "b"].map(command)));
    assert_eq!(fits.fits.len(), 1);
    assert_eq!(fits.verdict.behavior, fits.fits[0]);
}

proptest! {
    #[test]
    fn the_verdict_does_not_depend_on_the_events_order(commands in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d", "x"]), 0..8), seed in any::<u64>()) {
        let catalog = catalog(&[("ab", "low", "a and b", "tag:t"), ("c", "high", "c", "a"), ("t", "low", "tag:t", "")]);
        let mut shuffled: Vec<(u64, &str)> =
            commands.iter().enumerate().map(|(at, line)| ((at as u64).wrapping_mul(seed | 1) % 31, *line)).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let one = facts(&catalog, commands.iter().map(|line| command(line)));
        let other = facts(&catalog, shuffled.iter().map(|(_, line)| command(line)));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(catalog.judge(&one), catalog.judge(&other));
    }

    #[test]
    fn no_bytes_panic_the_builtin_catalog(line in prop::collection::vec(any::<u8>(), 0..200)) {
        static BUILTIN: std::sync::LazyLock<Catalog> = std::sync::LazyLock::new(|| Catalog::builtin().unwrap());
        let blob = Blob(line);
        let mut facts = SessionFacts::default();
        let request = Detail::Request {
            method: blob.clone(), target: blob.clone(), version: blob.clone(), headers: vec![(blob.clone(), blob.clone())], body: blob.clone(), body_bytes: 0,
        };
        for (protocol, detail) in [
            (Protocol::Ssh, Detail::Command { line: blob.clone() }),
            (Protocol::Http, request),
            (Protocol::Ssh, Detail::Tunnel { host: blob.clone(), port: 0, data: blob.clone() }),
            (Protocol::Telnet, Detail::Malformed { reason: "r".into(), data: blob }),
        ] {
            BUILTIN.absorb(&mut facts, &Event { protocol, ..event(detail) });
        }
        let verdict = BUILTIN.judge(&facts);
        prop_assert_eq!(&BUILTIN.explain(&facts).verdict, &verdict);
    }
}
