//! What the runtime adds to the SSH transport: the beginning and end of its sessions, and its limits.

use crate::harness::*;
use model::Detail;
use sensor::{Limits, ProxyProtocol};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_transport_of_its_own_has_the_same_beginning_limits_and_end() {
    let mut config = config(Limits { login_seconds_max: 1, ..Limits::default() });
    config.decoys.get_mut("ssh").unwrap().enabled = Some(true);
    config.proxy_protocol = ProxyProtocol { trusted: vec!["127.0.0.9/32".parse().unwrap()] };
    let running = start(&config);

    // What came behind a PROXY header belongs to the transport.
    let mut slow = running.connect_from("ssh", "127.0.0.9").await;
    slow.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 1 22\r\nSSH-2.0-test\r\n").await.unwrap();
    assert!(until(&mut slow, "\n").await.starts_with("SSH-2.0-"));
    rest(&mut slow).await;
    let details = running.session().await;
    assert!(matches!(details[0], Detail::Connect { peer, .. } if peer.to_string() == "192.0.2.7:1"));
    assert!(details.iter().any(|d| matches!(d, Detail::Fingerprint { value, .. } if value.as_bytes() == b"SSH-2.0-test")));
    assert_eq!((reason(&details), limits_reached(&details)), ("limit", vec!["login_seconds_max"]));
    let Some(Detail::Close { rx_bytes: 14, tx_bytes, .. }) = details.last() else { panic!("{details:?}") };
    assert!(*tx_bytes > 500, "its ident and key exchange lists are counted: {tx_bytes}");

    let mut open = running.connect("ssh").await;
    open.write_all(b"SSH-2.0-test\r\n").await.unwrap();
    until(&mut open, "\n").await;
    assert_eq!(running.sensor.shutdown(PATIENCE).await, 0);
    assert_eq!(reason(&running.sessions(2).await[1]), "shutdown");
}
