//! What must not hurt: kill -9, garbage, slow peers, endless lines.

mod stack;

use stack::{ask, eventually, folder, ssh, text, up};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The pseudo-random numbers of a test, from a seed it prints.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        // Knuth's MMIX multiplier; good enough to choose moments.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn stats(data: &std::path::Path) -> (u64, u64) {
    let check = ask(data, &["check", "127.0.0.1"]);
    (check["totalSessions"].as_u64().unwrap_or(0), check["totalEvents"].as_u64().unwrap_or(0))
}

/// One HTTP request whose answer came, so that its events were in the spool.
fn answered_request(address: std::net::SocketAddr, mark: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let request = format!("GET /{mark} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    stream.write_all(request.as_bytes()).is_ok() && stream.read_to_end(&mut answer).is_ok() && answer.starts_with(b"HTTP/1.1")
}

#[test]
fn fifty_kills_lose_nothing_and_count_nothing_twice() {
    let (_keep, data) = folder();
    let seed = 20_261_122;
    let mut numbers = Numbers(seed);
    let mut answered: Vec<String> = Vec::new();
    for round in 0..50 {
        let running = up(&data, &[]);
        let address = running.decoy("http");
        let moment = Duration::from_millis(numbers.next(250));
        let worker = std::thread::spawn(move || {
            let mut done = Vec::new();
            for number in 0..25 {
                let mark = format!("r{round}n{number}");
                if !answered_request(address, &mark) {
                    break;
                }
                done.push(mark);
            }
            done
        });
        std::thread::sleep(moment);
        running.kill();
        answered.extend(worker.join().expect("no panic"));
    }
    assert!(answered.len() > 200, "seed {seed}: {} requests were answered", answered.len());

    let running = up(&data, &["--set", "hub.session_idle_seconds=1"]);
    // Sessions cut off by a kill have no close event: they end by the idle timeout.
    let mut last = (0, 0);
    eventually(60, "the count settles", || {
        let now = stats(&data);
        let settled = now == last && now.0 > 0;
        last = now;
        std::thread::sleep(Duration::from_secs(2));
        settled.then_some(())
    });
    running.stop();
    let seen = requests(&data);
    for mark in &answered {
        assert_eq!(seen.iter().filter(|s| *s == mark).count(), 1, "seed {seed}: {mark}");
    }
    // One session for each connection: those answered, and at most one cut off in each round.
    let sessions = last.0 as usize;
    assert!(sessions >= answered.len() && sessions <= answered.len() + 50, "seed {seed}: {sessions} sessions, {} answered", answered.len());
}

/// The marks of all requests in the event log, read as the hub reads it.
fn requests(data: &std::path::Path) -> Vec<String> {
    let running = up(data, &[]);
    let mut marks = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = format!("{}/v1/key/sessions?limit=1000&protocol=http", running.hub());
        if let Some(cursor) = &cursor {
            query.push_str(&format!("&cursor={cursor}"));
        }
        let key = running.ready["admin_key"].as_str().expect("a key");
        let authorization = format!("Authorization: Bearer {key}");
        let output = stack::client("curl", &["-s", "--max-time", "30", "-H", &authorization, &query]);
        let page: serde_json::Value = serde_json::from_str(&text(&output)).expect("JSON");
        for session in page["sessions"].as_array().expect("sessions") {
            let id = session["id"].as_str().expect("an id");
            let output = stack::client(
                "curl",
                &["-s", "--max-time", "30", "-H", &authorization, &format!("{}/v1/key/sessions/{id}", running.hub())],
            );
            let story: serde_json::Value = serde_json::from_str(&text(&output)).expect("JSON");
            for event in story["story"].as_array().expect("events") {
                if let Some(target) = event["target"].as_str() {
                    marks.push(target.trim_start_matches('/').to_owned());
                }
            }
        }
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return marks;
        }
    }
}

#[test]
fn garbage_on_every_port_harms_nobody() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let mut numbers = Numbers(7);
    for protocol in ["ssh", "telnet", "http", "https"] {
        let address = running.decoy(protocol);
        for _ in 0..500 {
            let Ok(mut stream) = TcpStream::connect(address) else { continue };
            let length = numbers.next(2000) as usize;
            let bytes: Vec<u8> = (0..length).map(|_| numbers.next(256) as u8).collect();
            let _ = stream.write_all(&bytes);
        }
    }
    let output = ssh("ssh", running.decoy("ssh").port(), &["root@127.0.0.1", "echo alive"], b"");
    assert_eq!(text(&output), "alive\n", "{output:?}");
    assert!(running.resident_kb() < 400_000, "{} kB", running.resident_kb());
    running.stop();
}

#[test]
fn an_endless_line_is_bounded() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let before = running.resident_kb();
    for protocol in ["telnet", "http", "ssh", "https"] {
        let mut stream = TcpStream::connect(running.decoy(protocol)).expect("it listens");
        let _ = stream.set_write_timeout(Some(Duration::from_secs(2)));
        let chunk = vec![b'A'; 1 << 20];
        // Whether it hangs up, stops reading or swallows it: memory stays bounded.
        for _ in 0..1024 {
            if stream.write_all(&chunk).is_err() {
                break;
            }
        }
    }
    let grown = running.resident_kb().saturating_sub(before);
    assert!(grown < 100_000, "grew by {grown} kB");
}

#[test]
fn slow_peers_do_not_keep_others_out() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let address = running.decoy("http");
    let slow: Vec<TcpStream> = (0..100)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(address).ok()?;
            stream.write_all(b"GET / HTTP/1.1\r\nX-a: ").ok()?;
            Some(stream)
        })
        .collect();
    assert!(answered_request(address, "alive"));
    drop(slow);
}
