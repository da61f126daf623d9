//! What a session asks the runtime for.

use crate::harness::*;
use sensor::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_command_runs_on_the_fake_host_and_pipelined_requests_wait_for_it() {
    let running = start(&config(Limits::default()));
    let answer = running.talk("lines", b"run exit 3\nafter\n").await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("hello\n") && answer.contains("status ") && answer.ends_with("after\n"), "{answer}");
}

#[tokio::test]
async fn data_goes_both_ways_over_a_passive_channel() {
    let running = start(&config(Limits::default()));
    let mut stream = running.connect("lines").await;
    until(&mut stream, "hello\n").await;
    for (request, sent, answer) in [("", "upload", "received upload\n"), ("data listing", "", "sent true\n")] {
        stream.write_all(b"listen\n").await.unwrap();
        let address = until(&mut stream, "\n").await;
        let mut data = TcpStream::connect(address.trim()).await.unwrap();
        if request.is_empty() {
            data.write_all(sent.as_bytes()).await.unwrap();
            data.shutdown().await.unwrap();
        } else {
            stream.write_all(format!("{request}\n").as_bytes()).await.unwrap();
            assert_eq!(rest(&mut data).await, b"listing");
        }
        assert_eq!(until(&mut stream, "\n").await, answer);
    }
}

#[tokio::test]
async fn an_interactive_login_ends_and_the_session_goes_on() {
    let running = start(&config(Limits::default()));
    let mut stream = running.connect("lines").await;
    until(&mut stream, "hello\n").await;
    stream.write_all(b"terminal\nexit\r").await.unwrap();
    until(&mut stream, "exited 0\n").await;
    stream.write_all(b"more\nquit\n").await.unwrap();
    assert!(rest(&mut stream).await.ends_with(b"bye\n"));
    assert_eq!(reason(&running.session().await), "server");
}

#[tokio::test]
async fn a_session_that_panics_ends_alone() {
    let running = start(&config(Limits::default()));
    let mut other = running.connect("lines").await;
    until(&mut other, "hello\n").await;
    assert_eq!(running.talk("lines", b"panic\n").await, b"hello\n");
    other.write_all(b"still here\nquit\n").await.unwrap();
    assert_eq!(rest(&mut other).await, b"still here\nbye\n");
    let sessions = running.sessions(2).await;
    assert_eq!(reason(&sessions[0]), "server");
    assert_eq!(reason(&sessions[1]), "error");
    assert_eq!(recorded(&sessions[1], true), b"panic\n", "what led to it is kept");
}
