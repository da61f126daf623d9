//! The generated documents say what the code says. `UPDATE_DOCS=1` writes them instead of comparing.

use model::catalogue::KINDS;
use std::fmt::Write;
use std::path::Path;

fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).expect("docs/ is writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/{name} is not what the code says: run `cargo xtask docs`");
}

#[test]
fn events() {
    let mut text = String::from(
        "# Events\n\nEvery event has `time` (UTC microseconds), `session` (UUIDv7), `source` (the peer's address), `protocol`, and a `detail`: one of the kinds below.\n\
         `bytes` are kept exactly; in JSON they are a string when they are UTF-8 and `{\"hex\": \"…\"}` when they are not.\n\n\
         This page is generated from `model::catalogue` by `cargo xtask docs`.\n",
    );
    for kind in KINDS {
        let _ = write!(text, "\n## {}\n\n{}\n\n| field | type | what it holds |\n|---|---|---|\n", kind.name, kind.description);
        for field in kind.fields {
            let _ = writeln!(text, "| `{}` | {} | {} |", field.name, field.kind, field.description);
        }
    }
    compare("events.md", &text);
}

#[test]
fn decoys() {
    let mut text = String::from(
        "# Decoys\n\nWhat a sensor can offer; `[sensor.decoys.NAME]` in the configuration switches and moves each.\n\n\
         | name | speaks | transport | real port | default port | begins with TLS |\n|---|---|---|---|---|---|\n",
    );
    for d in emulation::PROTOCOLS {
        let tls = if d.tls { "yes" } else { "no" };
        let _ =
            writeln!(text, "| `{}` | {} | {} | {} | {} | {tls} |", d.name, d.protocol.title(), d.transport, d.port, d.unprivileged_port);
    }
    text.push_str("\nThis page is generated from `emulation::PROTOCOLS` by `cargo xtask docs`.\n");
    compare("decoys.md", &text);
}
