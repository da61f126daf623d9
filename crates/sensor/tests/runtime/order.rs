//! What is recorded, and in which order.

use crate::harness::*;
use model::{Blob, Detail, Transport};
use sensor::{Config, Limits};

#[tokio::test]
async fn a_session_is_recorded_from_connect_to_close() {
    let running = start(&config(Limits::default()));
    let mut stream = running.connect("lines").await;
    assert_eq!(until(&mut stream, "\n").await, "hello\n");
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"one\ntwo\nquit\nignored").await.unwrap();
    assert_eq!(rest(&mut stream).await, b"one\ntwo\nbye\n");
    let details = running.session().await;
    let local = running.address("lines");
    let peer = stream.local_addr().unwrap();
    let blob = |text: &str| Blob::from(text);
    assert_eq!(details[0], Detail::Connect { peer, local, transport: Transport::Tcp, tls: false, via: None });
    let middle = [
        Detail::Tx { data: blob("hello\n") },
        Detail::Rx { data: blob("one\ntwo\nquit\nignored") },
        Detail::Query { text: blob("one") },
        Detail::Tx { data: blob("one\n") },
        Detail::Query { text: blob("two") },
        Detail::Tx { data: blob("two\n") },
        Detail::Query { text: blob("quit") },
        Detail::Tx { data: blob("bye\n") },
    ];
    assert_eq!(details[1..details.len() - 1], middle);
    let Some(Detail::Close { reason, rx_bytes: 20, tx_bytes: 18, duration_us }) = details.last() else { panic!("{details:?}") };
    assert!(reason == "server" && *duration_us > 0);
}

#[tokio::test]
async fn a_peer_that_closes_its_side_still_gets_every_answer_and_its_last_words_are_kept() {
    let running = start(&config(Limits::default()));
    assert_eq!(running.talk("lines", b"wait 20\nlast\nno end").await, b"hello\nwaited\nlast\n");
    let details = running.session().await;
    assert_eq!(reason(&details), "peer");
    assert!(details.contains(&Detail::Malformed { reason: "the last line has no end".into(), data: "no end".into() }));
}

#[tokio::test]
async fn bytes_are_recorded_up_to_the_cap_and_the_rest_counted() {
    let limits = Limits { recorded_rx_bytes_max: 10, recorded_tx_bytes_max: 8, ..Limits::default() };
    let running = start(&config(limits));
    assert_eq!(running.talk("lines", b"12345678\n12345678\nquit\n").await, b"hello\n12345678\n12345678\nbye\n");
    let details = running.session().await;
    assert_eq!(recorded(&details, true), b"12345678\n1");
    assert_eq!(recorded(&details, false), b"hello\n12");
    let mut reached = limits_reached(&details);
    reached.sort_unstable();
    assert_eq!(reached, ["recorded_rx_bytes_max", "recorded_tx_bytes_max"], "each once");
    assert!(matches!(details.last(), Some(Detail::Close { rx_bytes: 23, tx_bytes: 28, .. })), "{details:?}");
}

#[tokio::test]
async fn credentials_are_judged_by_the_decoys_own_policy_else_by_the_sensors() {
    let mut config: Config = config(Limits::default());
    config.credentials = emulation::CredentialPolicy::None;
    let own = emulation::CredentialPolicy::Nth { attempt: 2 };
    config.decoys.get_mut("lines").unwrap().credentials = Some(own);
    let running = start(&config);
    assert_eq!(running.talk("lines", b"login a\nlogin b\n").await, b"hello\nfalse\ntrue\n");
    let auth =
        |secret: &str, accepted| Detail::Auth { method: "password".into(), username: "root".into(), secret: secret.into(), accepted };
    let details = running.session().await;
    assert!(details.contains(&auth("a", false)) && details.contains(&auth("b", true)), "{details:?}");
}

#[tokio::test]
async fn files_are_kept_by_content() {
    let running = start(&config(Limits::default()));
    running.talk("lines", b"keep content\n").await;
    let details = running.session().await;
    let Some(Detail::File { sha256, bytes: 7, stored_bytes: 7, .. }) = details.iter().find(|d| d.kind() == "file") else {
        panic!("{details:?}")
    };
    let name = sha256.to_string();
    let kept = running.folder.path().join("captures").join(&name[..2]).join(&name);
    assert_eq!(std::fs::read(kept).unwrap(), b"content");
}
