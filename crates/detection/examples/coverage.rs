//! Measures the built-in catalog on captures: `coverage commands|requests|cowrie < FILE.jsonl`, and prints what it does not know.
//!
//! `commands` reads `{count, command}`, `requests` `{label, class, method, uri, headers, body}`, `cowrie` Cowrie's JSON log.

use detection::{Catalog, SessionFacts};
use model::{Blob, Detail, Event, Protocol, SessionId, Sha256, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;
use std::net::{IpAddr, Ipv4Addr};

fn main() {
    let catalog = Catalog::builtin().expect("the built-in catalog loads");
    let records = std::io::stdin().lock().lines().map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    match std::env::args().nth(1).as_deref() {
        Some("commands") => commands(&catalog, records),
        Some("requests") => requests(&catalog, records),
        Some("cowrie") => cowrie(&catalog, records),
        _ => eprintln!("usage: coverage commands|requests|cowrie < FILE.jsonl"),
    }
}

fn text(record: &Value, key: &str) -> String {
    record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn event(protocol: Protocol, detail: Detail) -> Event {
    Event { time: Timestamp(0), session: SessionId(Default::default()), source: IpAddr::V4(Ipv4Addr::LOCALHOST), protocol, detail }
}

fn commands(catalog: &Catalog, records: impl Iterator<Item = Value>) {
    let (mut all, mut known) = (0, 0);
    for record in records {
        let line = text(&record, "command");
        all += 1;
        if catalog.primitives_in(&event(Protocol::Ssh, Detail::Command { line: line.as_str().into() })).is_empty() {
            println!("{}\t{}", record["count"], line.escape_debug());
        } else {
            known += 1;
        }
    }
    println!("distinct command lines with a primitive: {known} of {all}");
}

fn requests(catalog: &Catalog, records: impl Iterator<Item = Value>) {
    let mut labels: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let show = std::env::args().nth(2);
    for record in records {
        let headers = record["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, value)| (name.as_str().into(), value.as_str().unwrap_or_default().into())).collect();
        let body: Blob = text(&record, "body").into();
        let (method, target) = (text(&record, "method").into(), text(&record, "uri").into());
        let request = Detail::Request { method, target, version: "HTTP/1.1".into(), headers, body_bytes: body.len() as u64, body };
        let found = catalog.primitives_in(&event(Protocol::Http, request));
        let label = text(&record, "label");
        let entry = labels.entry(label.clone()).or_default();
        entry.0 += 1;
        entry.1 += u32::from(!found.is_empty());
        if show.as_deref() == Some(&label) && found.is_empty() != (label == "negative") {
            println!("{} {} {} {:?} {:?}", record["class"], record["method"], record["uri"], text(&record, "body"), found);
        }
    }
    for (label, (all, known)) in labels {
        println!("{label}: {known} of {all} requests with a primitive");
    }
}

fn cowrie(catalog: &Catalog, records: impl Iterator<Item = Value>) {
    let mut sessions: HashMap<String, (SessionFacts, Vec<String>)> = HashMap::new();
    for record in records {
        let (facts, lines) = sessions.entry(text(&record, "session")).or_default();
        let protocol = if record["protocol"] == "telnet" { Protocol::Telnet } else { Protocol::Ssh };
        for detail in details(&record) {
            if let Detail::Command { line } = &detail {
                lines.push(line.lossy().into_owned());
            }
            catalog.absorb(facts, &event(protocol, detail));
        }
    }
    let mut verdicts: BTreeMap<String, u32> = BTreeMap::new();
    let mut misses: BTreeMap<String, u32> = BTreeMap::new();
    let (mut acting, mut named) = (0, 0);
    for (facts, lines) in sessions.values() {
        let verdict = catalog.judge(facts);
        *verdicts.entry(verdict.behavior.to_string()).or_default() += 1;
        if facts.commands > 0 {
            acting += 1;
            named += u32::from(verdict.classified());
        }
        if !verdict.classified() {
            let ids: Vec<&str> = facts.primitives.keys().map(|id| &**id).collect();
            let near =
                catalog.explain(facts).near_misses.first().map(|miss| format!("{} {:?} {:?}", miss.behavior, miss.missing, miss.extras));
            *misses.entry(format!("{ids:?} near {near:?}\n\t{}", lines.join("\n\t"))).or_default() += 1;
        }
    }
    for (miss, count) in misses {
        println!("{count}\t{}", miss.chars().take(1500).collect::<String>());
    }
    for (behavior, count) in verdicts {
        println!("{count}\t{behavior}");
    }
    println!("sessions with commands that have a named behavior: {named} of {acting}");
}

fn details(record: &Value) -> Vec<Detail> {
    let auth = |accepted| Detail::Auth {
        method: "password".into(),
        username: text(record, "username").into(),
        secret: text(record, "password").into(),
        accepted,
    };
    let file = |path: String, method: &'static str| Detail::File {
        path: path.into(),
        sha256: text(record, "shasum").parse().unwrap_or(Sha256([0; 32])),
        bytes: 0,
        stored_bytes: 0,
        method: method.into(),
    };
    let fetch = |url: String| Detail::Fetch { url: url.into(), tool: "wget".into() };
    match record["eventid"].as_str().unwrap_or_default() {
        "cowrie.login.success" => vec![auth(true)],
        "cowrie.login.failed" => vec![auth(false)],
        "cowrie.command.input" => vec![Detail::Command { line: text(record, "input").into() }],
        "cowrie.client.version" => {
            vec![Detail::Fingerprint { method: "ssh_client_version".into(), value: text(record, "version").into(), raw: Blob::default() }]
        }
        "cowrie.session.file_download" => match text(record, "url") {
            url if url.is_empty() => vec![file(text(record, "destfile"), "shell")],
            url => vec![fetch(url)],
        },
        "cowrie.session.file_upload" => vec![file(text(record, "filename"), "sftp")],
        "cowrie.direct-tcpip.request" => vec![Detail::Tunnel {
            host: text(record, "dst_ip").into(),
            port: record["dst_port"].as_u64().and_then(|port| port.try_into().ok()).unwrap_or(0),
            data: Blob::default(),
        }],
        _ => Vec::new(),
    }
}
