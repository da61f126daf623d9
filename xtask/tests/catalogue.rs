//! Emitted = catalogued: every kind of event is described field by field, and every kind is recorded somewhere.

use model::catalogue::KINDS;
use model::{Detail, Sha256, Transport};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One of each kind, so that the serialized names can be compared; the match makes a new kind a compile error here.
fn one_of_each() -> Vec<Detail> {
    let socket = "192.0.2.1:1".parse().expect("an address");
    let all = vec![
        Detail::Connect { peer: socket, local: socket, transport: Transport::Tcp, tls: false, via: None },
        Detail::Fingerprint { method: "x".into(), value: "".into(), raw: "".into() },
        Detail::Auth { method: "x".into(), username: "".into(), secret: "".into(), accepted: true },
        Detail::Command { line: "".into() },
        Detail::Request { method: "".into(), target: "".into(), version: "".into(), headers: Vec::new(), body: "".into(), body_bytes: 0 },
        Detail::Query { text: "".into() },
        Detail::Message { sender: "".into(), recipients: Vec::new(), body: "".into() },
        Detail::Fetch { url: "".into(), tool: "x".into() },
        Detail::File { path: "".into(), sha256: Sha256([0; 32]), bytes: 0, stored_bytes: 0, method: "x".into() },
        Detail::Tunnel { host: "".into(), port: 0, data: "".into() },
        Detail::Malformed { reason: "x".into(), data: "".into() },
        Detail::Limit { name: "x".into(), value: 0 },
        Detail::Rx { data: "".into() },
        Detail::Tx { data: "".into() },
        Detail::Close { reason: "x".into(), duration_us: 0, rx_bytes: 0, tx_bytes: 0 },
    ];
    for detail in &all {
        match detail {
            Detail::Connect { .. } | Detail::Fingerprint { .. } | Detail::Auth { .. } | Detail::Command { .. } | Detail::Request { .. } => {
            }
            Detail::Query { .. } | Detail::Message { .. } | Detail::Fetch { .. } | Detail::File { .. } | Detail::Tunnel { .. } => {}
            Detail::Malformed { .. } | Detail::Limit { .. } | Detail::Rx { .. } | Detail::Tx { .. } | Detail::Close { .. } => {}
        }
    }
    all
}

#[test]
fn what_is_serialized_is_catalogued() {
    let serialized: Vec<(String, Vec<String>)> = one_of_each()
        .iter()
        .map(|detail| {
            let value = serde_json::to_value(detail).expect("details serialize");
            let (kind, fields) = value.as_object().and_then(|o| o.iter().next()).expect("one key, the kind");
            assert_eq!(kind, detail.kind());
            (kind.clone(), fields.as_object().expect("fields").keys().cloned().collect::<BTreeSet<_>>().into_iter().collect())
        })
        .collect();
    let catalogued: Vec<(String, Vec<String>)> = KINDS
        .iter()
        .map(|k| (k.name.to_owned(), k.fields.iter().map(|f| f.name.to_owned()).collect::<BTreeSet<_>>().into_iter().collect()))
        .collect();
    assert_eq!(serialized, catalogued);
}

/// Kinds whose protocols are not emulated yet.
const NOT_YET: &[&str] = &["query", "message"];

#[test]
fn every_kind_is_recorded_somewhere() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut sources = Vec::new();
    for name in ["emulation", "sensor", "shell"] {
        collect(&crates.join(name).join("src"), &mut sources);
    }
    assert!(sources.len() > 50, "the scan sees the sensor's side");
    let text: String = sources.iter().map(|p| std::fs::read_to_string(p).expect("UTF-8")).collect();
    // A pattern that takes nothing out of an event does not make one.
    let text = text.replace(" { .. }", "");
    for detail in one_of_each() {
        let kind = detail.kind();
        let variant = format!("Detail::{}{} {{", kind[..1].to_uppercase(), &kind[1..]);
        assert_eq!(text.contains(&variant), !NOT_YET.contains(&kind), "{kind}");
    }
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}
