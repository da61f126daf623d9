//! What people meet when they start it: the ready line, the same data again, and plain sentences when something is in the way.

mod stack;

use stack::{PROGRAM, Running, eventually, folder, text, up};
use std::process::Command;

fn failure(arguments: &[&str]) -> String {
    let output = Command::new("timeout").arg("20").arg(PROGRAM).args(arguments).output().expect("it starts");
    assert!(!output.status.success(), "{arguments:?} went well: {}", text(&output));
    assert_eq!(text(&output), "", "errors go to standard error");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.trim_end().lines().count(), 1, "one sentence: {said}");
    said
}

#[test]
fn the_ready_line_names_hub_key_and_decoys() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    assert!(running.hub().starts_with("http://127.0.0.1:"));
    assert!(running.ready["admin_key"].as_str().is_some_and(|k| k.starts_with("sk_")));
    for protocol in ["ssh", "telnet", "http", "https"] {
        assert_eq!(running.decoy(protocol).ip().to_string(), "127.0.0.1");
    }
}

#[test]
fn the_next_start_goes_on_with_the_same_keys() {
    let (_keep, data) = folder();
    let first = up(&data, &[]);
    let key = first.ready["admin_key"].clone();
    let host_key = |port: u16| text(&stack::client("ssh-keyscan", &["-t", "ed25519", "-p", &port.to_string(), "127.0.0.1"]));
    let keep_key = |line: String| line.split_whitespace().last().map(str::to_owned);
    let before = keep_key(host_key(first.decoy("ssh").port()));
    first.stop();
    let second = up(&data, &[]);
    assert_eq!(second.ready["admin_key"], key);
    assert_eq!(keep_key(host_key(second.decoy("ssh").port())), before);
    assert!(before.is_some());
}

#[test]
fn a_taken_port_is_named_with_the_remedy() {
    let (_keep, data) = folder();
    let data = data.to_str().expect("text");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("an address").to_string();
    let said = failure(&["up", "--data", data, "--listen", &taken, "--ports", "auto"]);
    assert!(said.contains(&taken) && said.contains("--listen"), "{said}");
    let port = listener.local_addr().expect("an address").port().to_string();
    let said = failure(&[
        "up",
        "--data",
        data,
        "--listen",
        "127.0.0.1:0",
        "--ports",
        "auto",
        "--set",
        &format!("sensor.decoys.ssh.ports=[{port}]"),
    ]);
    assert!(said.contains("ssh") && said.contains(&port) && said.contains("sensor.decoys.ssh"), "{said}");
}

#[test]
fn an_unwritable_data_folder_is_named_with_the_remedy() {
    let said = failure(&["up", "--data", "/proc/honeyguide", "--listen", "127.0.0.1:0", "--ports", "auto"]);
    assert!(said.contains("/proc/honeyguide") && said.contains("--data"), "{said}");
}

#[test]
fn a_wrong_key_is_named_with_a_suggestion() {
    let (_keep, data) = folder();
    let said = failure(&["up", "--data", data.to_str().expect("text"), "--set", "sensor.personna=x"]);
    assert!(said.contains("personna") && said.contains("did you mean `persona`"), "{said}");
    let said = failure(&[
        "up",
        "--data",
        data.to_str().expect("text"),
        "--ports",
        "auto",
        "--listen",
        "127.0.0.1:0",
        "--set",
        "sensor.persona=windows",
    ]);
    assert!(said.contains("windows") && said.contains("ubuntu-web"), "{said}");
}

#[test]
fn two_at_once_on_one_folder_are_refused() {
    let (_keep, data) = folder();
    let _running = up(&data, &[]);
    let said = failure(&["up", "--data", data.to_str().expect("text"), "--listen", "127.0.0.1:0", "--ports", "auto"]);
    assert!(said.contains("--data"), "{said}");
}

#[test]
fn a_sensor_enrols_with_a_token_and_its_events_arrive() {
    let (keep, data) = folder();
    let hub = Running::start(&data, &["hub", "--listen", "127.0.0.1:0"]);
    assert!(hub.hub().starts_with("https://"), "the hub speaks TLS by default");
    let token =
        text(&Command::new(PROGRAM).args(["hub", "token", "new", "--data"]).arg(&data).output().expect("it starts")).trim().to_owned();
    assert!(token.starts_with("hgt_"), "{token}");
    let remote = keep.path().join("remote");
    let sensor = Running::start(&remote, &["sensor", "--hub", hub.hub(), "--token", &token, "--ports", "auto"]);
    stack::ssh("ssh", sensor.decoy("ssh").port(), &["root@127.0.0.1", "id"], b"");
    eventually(60, "the first session", || stack::ask(&data, &["check", "127.0.0.1"])["found"].as_bool().filter(|f| *f));

    // The hub goes away; what happens meanwhile is delivered when it is back, and the sensor needs no token again.
    let address = hub.hub().trim_start_matches("https://").to_owned();
    hub.kill();
    stack::ssh("ssh", sensor.decoy("ssh").port(), &["root@127.0.0.1", "whoami"], b"");
    sensor.stop();
    let _hub = Running::start(&data, &["hub", "--listen", &address]);
    let _sensor = Running::start(&remote, &["sensor", "--ports", "auto"]);
    eventually(90, "both sessions", || (stack::ask(&data, &["check", "127.0.0.1"])["totalSessions"] == 2).then_some(()));

    // A token is good for one sensor.
    let other = keep.path().join("other");
    let said = failure(&[
        "sensor",
        "--data",
        other.to_str().expect("text"),
        "--hub",
        &format!("https://{address}"),
        "--token",
        &token,
        "--ports",
        "auto",
    ]);
    assert!(said.contains("token"), "{said}");
}
