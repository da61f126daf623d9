//! Plays every transcript under `testdata/`, a folder for each protocol, and proves that none is missing.

use emulation::{Engine, PROTOCOLS};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn folder(protocol: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(protocol)
}

fn files(protocol: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder(protocol)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "session")).collect();
    files.sort();
    files
}

fn protocols() -> BTreeSet<&'static str> {
    PROTOCOLS.iter().filter(|d| matches!(d.engine, Engine::Session(_))).map(|d| d.protocol.name()).collect()
}

#[test]
fn every_protocol_has_its_four_transcripts() {
    assert!(protocols().len() >= 2, "the scan found too little: {:?}", protocols());
    for protocol in protocols() {
        let names: Vec<String> = files(protocol).iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect();
        for kind in ["normal", "login", "malformed", "oversized"] {
            assert!(names.iter().any(|name| name.starts_with(kind)), "testdata/{protocol} has no {kind}*.session, only {names:?}");
        }
    }
}

#[test]
fn every_transcript_comes_out_the_same_however_it_is_split() {
    let mut played = 0;
    let mut failures = Vec::new();
    for protocol in protocols() {
        for file in files(protocol) {
            played += 1;
            failures.extend(testkit::play(&file, protocol).err());
        }
    }
    assert!(failures.is_empty(), "{} of {played} transcripts differ:\n{}", failures.len(), failures.join("\n"));
    assert!(played >= 8, "the scan found too little: {played} transcripts");
}
