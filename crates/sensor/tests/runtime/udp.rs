//! Datagrams.

use crate::harness::*;
use model::{Detail, Transport};
use sensor::Limits;
use tokio::net::UdpSocket;
use tokio::time::timeout;

async fn ask(socket: &UdpSocket, request: &[u8]) -> Vec<u8> {
    socket.send(request).await.unwrap();
    let mut buffer = [0; 2048];
    let read = timeout(PATIENCE, socket.recv(&mut buffer)).await.expect("an answer comes").unwrap();
    buffer[..read].to_vec()
}

async fn socket(running: &Running) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(running.address("datagrams")).await.unwrap();
    socket
}

#[tokio::test]
async fn a_conversation_lasts_until_silence() {
    let running = start(&config(Limits { udp_idle_seconds_max: 1, ..Limits::default() }));
    let (one, two) = (socket(&running).await, socket(&running).await);
    assert_eq!(ask(&one, b"first\nthe rest is dropped\n").await, b"first\n");
    assert_eq!(ask(&two, b"other\n").await, b"other\n");
    assert_eq!(ask(&one, b"second\n").await, b"second\n");
    assert_eq!(ask(&one, b"wait 5\n").await, b"waited\n");
    let sessions = running.sessions(2).await;
    assert_eq!(sessions.len(), 2);
    let Detail::Connect { peer, transport: Transport::Udp, .. } = sessions[0][0] else { panic!("{:?}", sessions[0]) };
    assert_eq!(peer, one.local_addr().unwrap());
    assert!(sessions.iter().all(|s| reason(s) == "idle"));
    assert_eq!(recorded(&sessions[0], true), b"first\nthe rest is dropped\nsecond\nwait 5\n");
}

#[tokio::test]
async fn a_forged_sender_is_not_flooded() {
    let running = start(&config(Limits { udp_idle_seconds_max: 1, ..Limits::default() }));
    let socket = socket(&running).await;
    // 40 kB for nine bytes: dropped. What is in proportion is answered.
    socket.send(b"flood 40\n").await.unwrap();
    assert_eq!(ask(&socket, b"short\n").await, b"short\n");
    let details = running.session().await;
    assert_eq!(limits_reached(&details), ["udp_amplification_max"]);
    let Some(Detail::Close { rx_bytes, tx_bytes, .. }) = details.last() else { panic!("{details:?}") };
    assert!(*tx_bytes <= 3 * rx_bytes);
}

#[tokio::test]
async fn conversations_are_bounded() {
    let running = start(&config(Limits { udp_conversations_max: 2, udp_idle_seconds_max: 1, ..Limits::default() }));
    let sockets = [socket(&running).await, socket(&running).await, socket(&running).await];
    ask(&sockets[0], b"a\n").await;
    ask(&sockets[1], b"b\n").await;
    sockets[2].send(b"c\n").await.unwrap();
    assert_eq!(running.sessions(2).await.len(), 2);
    assert_eq!(ask(&sockets[2], b"d\n").await, b"d\n", "silence has made room");
}

#[tokio::test]
async fn a_conversation_that_ends_loses_no_datagram() {
    let running = start(&config(Limits { udp_idle_seconds_max: 1, ..Limits::default() }));
    let socket = socket(&running).await;
    for datagram in [&b"wait 300\n"[..], b"quit\n", b"late\n", b"later\n"] {
        socket.send(datagram).await.unwrap();
    }
    let details = running.session().await;
    assert_eq!(recorded(&details, true), b"wait 300\nquit\nlate\nlater\n");
    assert_eq!(reason(&details), "server");
}

#[tokio::test]
async fn a_conversation_ends_at_the_byte_limit() {
    let running = start(&config(Limits { session_bytes_max: 10, ..Limits::default() }));
    socket(&running).await.send(b"twelve bytes").await.unwrap();
    let details = running.session().await;
    assert_eq!((reason(&details), limits_reached(&details)), ("limit", vec!["session_bytes_max"]));
}
