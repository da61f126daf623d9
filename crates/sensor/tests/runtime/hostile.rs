//! Peers that mean harm: every one reaches a limit, the limit is recorded, and others are still served.

use crate::harness::*;
use sensor::Limits;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_slow_loris_is_closed_when_its_time_to_log_in_is_over() {
    let running = start(&config(Limits { login_seconds_max: 1, ..Limits::default() }));
    let mut stream = running.connect("lines").await;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && stream.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let details = running.session().await;
    assert_eq!((reason(&details), limits_reached(&details)), ("limit", vec!["login_seconds_max"]));
}

#[tokio::test]
async fn silence_ends_a_session_and_so_does_its_age() {
    let running = start(&config(Limits { idle_seconds_max: 1, ..Limits::default() }));
    let mut stream = running.connect("lines").await;
    stream.write_all(b"login x\n").await.unwrap();
    rest(&mut stream).await;
    let details = running.session().await;
    assert_eq!((reason(&details), limits_reached(&details)), ("idle", vec!["idle_seconds_max"]));

    let running = start(&config(Limits { session_seconds_max: 1, ..Limits::default() }));
    let mut stream = running.connect("lines").await;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && stream.write_all(b"busy\n").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let details = running.session().await;
    assert_eq!((reason(&details), limits_reached(&details)), ("limit", vec!["session_seconds_max"]));
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_closed() {
    let running = start(&config(Limits { idle_seconds_max: 1, ..Limits::default() }));
    let mut stream = running.connect("lines").await;
    stream.write_all(b"flood 65536\n").await.unwrap();
    let details = running.session().await;
    assert_eq!(reason(&details), "idle");
}

#[tokio::test]
async fn each_address_has_its_share_and_refusals_are_recorded_once_a_minute() {
    let running = start(&config(Limits { address_sessions_max: 2, ..Limits::default() }));
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = running.connect("lines").await;
        until(&mut stream, "hello\n").await;
        held.push(stream);
    }
    for _ in 0..20 {
        assert_eq!(rest(&mut running.connect("lines").await).await, b"");
    }
    let mut other = running.connect_from("lines", "127.0.0.2").await;
    until(&mut other, "hello\n").await;
    let refused: Vec<_> = running.sessions(1).await.into_iter().filter(|s| !limits_reached(s).is_empty()).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].len(), reason(&refused[0])), (3, "limit"));
    assert_eq!(limits_reached(&refused[0]), ["address_sessions_max"]);

    held.pop();
    running.sessions(2).await;
    let waiting = async {
        loop {
            let mut stream = running.connect("lines").await;
            if tokio::io::AsyncReadExt::read_u8(&mut stream).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("one that leaves makes room");
}

#[tokio::test]
async fn random_bytes_end_in_a_close_and_nothing_else_is_hurt() {
    let limits = Limits { address_sessions_per_minute_max: u32::MAX, ..Limits::default() };
    let running = start(&config(limits));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..300 {
        let bytes: Vec<u8> = (0..round % 97)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        running.talk(["lines", "secure", "secure-lines"][round % 3], &bytes).await;
    }
    let sessions = running.sessions(300).await;
    assert_eq!(sessions.len(), 300);
    assert!(sessions.iter().all(|s| reason(s) != "error"));
    assert_eq!(running.talk("lines", b"quit\n").await, b"hello\nbye\n");
}

#[tokio::test]
async fn what_is_cheap_to_send_cannot_fill_the_spool() {
    let running = start(&config(Limits { session_events_max: 50, ..Limits::default() }));
    let mut stream = running.connect("lines").await;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && stream.write_all(b"\n").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let details = running.session().await;
    assert_eq!((reason(&details), limits_reached(&details)), ("limit", vec!["session_events_max"]));
    assert!(details.len() < 60, "{}", details.len());
}
