//! Sensors behind a balancer.

use crate::harness::*;
use model::Detail;
use sensor::{Limits, ProxyProtocol};
use std::net::SocketAddr;

fn trusting(limits: Limits) -> sensor::Config {
    let mut config = config(limits);
    config.proxy_protocol = ProxyProtocol { trusted: vec!["127.0.0.9/32".parse().unwrap()] };
    config
}

async fn say(running: &Running, source: &str, input: &[u8]) -> (SocketAddr, Vec<u8>) {
    let mut stream = running.connect_from("lines", source).await;
    let from = stream.local_addr().unwrap();
    let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, input).await;
    let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
    (from, rest(&mut stream).await)
}

#[tokio::test]
async fn a_trusted_balancer_tells_who_its_client_is() {
    let running = start(&trusting(Limits::default()));
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend([192, 0, 2, 8, 198, 51, 100, 1, 0x10, 0, 0, 21]);
    v2.extend(b"quit\n");
    for (header, peer) in [(&b"PROXY TCP4 192.0.2.7 198.51.100.1 4096 21\r\nquit\n"[..], "192.0.2.7:4096"), (&v2, "192.0.2.8:4096")] {
        let (balancer, answer) = say(&running, "127.0.0.9", header).await;
        assert_eq!(answer, b"hello\nbye\n");
        let sessions = running.sessions(1).await;
        let details = sessions.last().unwrap();
        let Detail::Connect { peer: seen, local, via, .. } = &details[0] else { panic!("{details:?}") };
        assert_eq!((seen.to_string().as_str(), local.to_string().as_str(), *via), (peer, "198.51.100.1:21", Some(balancer)));
        assert_eq!(recorded(details, true), b"quit\n", "the header is not the client's");
    }
    let sources: Vec<String> = running.events().iter().map(|e| e.source.to_string()).collect();
    assert!(sources.iter().all(|s| s.starts_with("192.0.2.")), "{sources:?}");
}

#[tokio::test]
async fn anyone_else_who_sends_a_header_is_only_an_attacker() {
    let running = start(&trusting(Limits::default()));
    let (peer, answer) = say(&running, "127.0.0.1", b"PROXY TCP4 192.0.2.7 198.51.100.1 1 21\r\n").await;
    assert!(answer.starts_with(b"hello\nPROXY TCP4"));
    let details = running.session().await;
    assert!(matches!(details[0], Detail::Connect { peer: seen, via: None, .. } if seen == peer), "{details:?}");
}

#[tokio::test]
async fn a_balancer_without_a_header_is_malformed_and_its_health_checks_are_no_sessions() {
    let running = start(&trusting(Limits { proxy_header_seconds_max: 1, ..Limits::default() }));
    say(&running, "127.0.0.9", b"").await;
    say(&running, "127.0.0.9", b"PROXY UNKNOWN\r\n").await;
    say(&running, "127.0.0.9", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").await;
    assert!(running.events().is_empty());
    let (balancer, answer) = say(&running, "127.0.0.9", b"SSH-2.0-client\r\n").await;
    assert_eq!(answer, b"");
    let details = running.session().await;
    assert!(matches!(details[0], Detail::Connect { peer, .. } if peer == balancer));
    assert_eq!(details[1].kind(), "malformed");

    let mut silent = running.connect_from("lines", "127.0.0.9").await;
    assert_eq!(rest(&mut silent).await, b"");
    assert_eq!(running.sessions(2).await[1][1].kind(), "malformed");
}

#[tokio::test]
async fn limits_count_the_client_and_not_the_balancer() {
    let running = start(&trusting(Limits { address_sessions_per_minute_max: 1, ..Limits::default() }));
    for client in ["192.0.2.1", "192.0.2.2"] {
        let header = format!("PROXY TCP4 {client} 198.51.100.1 1 21\r\n");
        assert_eq!(say(&running, "127.0.0.9", header.as_bytes()).await.1, b"hello\n");
        assert_eq!(say(&running, "127.0.0.9", header.as_bytes()).await.1, b"");
    }
}
