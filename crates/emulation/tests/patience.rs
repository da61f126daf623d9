//! What a session does when its peer keeps it waiting.

use emulation::{Action, Next, definition};
use std::time::Duration;
use testkit::{Item, Player, World};

fn open(name: &str, persona: &str) -> Player {
    let definition = definition(name).unwrap();
    Player::open(definition, World::new(definition, persona::builtin(persona).unwrap()))
}

/// The deadline after `sent`, in seconds, and what is said when it has passed.
fn kept_waiting(name: &str, persona: &str, sent: &[u8]) -> (Option<u64>, String) {
    let mut player = open(name, persona);
    player.send(sent);
    player.take();
    let deadline = player.deadline().as_ref().map(Duration::as_secs);
    player.lapse();
    assert!(player.is_closed());
    let said = player.take().into_iter().filter_map(|item| match item {
        Item::Action(Action::Reply(bytes)) => Some(String::from_utf8(bytes).unwrap()),
        Item::Asked(next) => {
            assert_eq!(next, Next::Close);
            None
        }
        _ => None,
    });
    (deadline, said.collect())
}

#[test]
fn apache_waits_as_its_configuration_says() {
    let http = |sent: &[u8]| kept_waiting("http", "ubuntu-web", sent);
    assert_eq!(http(b""), (Some(51), String::new()));
    assert_eq!(kept_waiting("https", "ubuntu-web", b""), (Some(20), String::new()));
    assert_eq!(http(b"GET / HT"), (Some(20), String::new()));
    assert_eq!(http(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (Some(5), String::new()), "what its Keep-Alive header announces");
    assert_eq!(http(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nG").0, Some(20), "the next request has begun");
    let (seconds, said) = http(b"GET / HTTP/1.1\r\nHost: a\r\nX");
    assert_eq!(seconds, Some(20));
    assert!(said.starts_with("HTTP/1.1 408 Request Timeout\r\n") && said.contains("\r\nConnection: close\r\n"), "{said}");
    assert!(said.contains("<p>Server timeout waiting for the HTTP request from the client.</p>\n"), "{said}");
    let body = [&b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"[..], &[b'a'; 5000]].concat();
    let (seconds, said) = http(&body);
    assert_eq!(seconds, Some(20), "a second more for every 500 bytes");
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains(" Server at a Port 80"), "{said}");
}

#[test]
fn a_request_given_up_is_recorded_as_far_as_it_came() {
    let mut player = open("http", "ubuntu-web");
    player.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    player.lapse();
    let recorded = player.take().into_iter().any(
        |item| matches!(item, Item::Event(model::Detail::Request { target, body, body_bytes: 4, .. }) if target.as_bytes() == b"/x" && body.as_bytes() == b"half"),
    );
    assert!(recorded);
}

#[test]
fn busybox_httpd_waits_a_minute() {
    let (seconds, said) = kept_waiting("http", "busybox-router", b"GET /");
    assert_eq!(seconds, Some(60));
    assert!(said.starts_with("HTTP/1.0 408 Request Timeout\r\n") && said.contains("No request appeared within 60 seconds\n"), "{said}");
}

#[test]
fn login_gives_up_after_a_minute() {
    let (seconds, said) = kept_waiting("telnet", "busybox-router", b"root\r\n");
    assert_eq!((seconds, said.as_str()), (Some(60), "\r\nLogin timed out after 60 seconds\r\n"));
    let mut player = open("telnet", "busybox-router");
    player.send(b"root\r\nsecret\r\n");
    assert_eq!(player.deadline(), None, "a shell is not hurried");
}
