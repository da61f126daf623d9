//! Machines to run things on.
#![allow(dead_code, reason = "each test program uses its own part")]

use model::event::Name;
use model::{Detail, Timestamp};
use shell::{Host, Input, Io, Login, Machine, Observer};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use tokio::sync::mpsc;

/// What a session recorded.
#[derive(Default)]
pub struct Recorded(pub Mutex<Vec<Detail>>);

impl Observer for Recorded {
    fn observe(&self, detail: Detail) {
        self.0.lock().unwrap().push(detail);
    }

    fn capture(&self, _: &[u8], _: &[u8], _: Name) {}
}

impl Recorded {
    /// The command lines.
    pub fn commands(&self) -> Vec<String> {
        let details = self.0.lock().unwrap();
        details.iter().filter_map(|d| if let Detail::Command { line } = d { Some(line.lossy().into_owned()) } else { None }).collect()
    }

    /// The names of the limits that were reached.
    pub fn limits(&self) -> Vec<String> {
        let details = self.0.lock().unwrap();
        details.iter().filter_map(|d| if let Detail::Limit { name, .. } = d { Some(name.to_string()) } else { None }).collect()
    }
}

const NOW: i64 = 1_774_138_481_000_000;

static HOSTS: LazyLock<BTreeMap<String, Host>> = LazyLock::new(|| {
    let names = persona::builtin_names();
    let host = |name: &String| {
        let instance = persona::Instance { seed: 7, booted: Timestamp(NOW - 86_400_000_000 * 12), address: "192.0.2.10".parse().unwrap() };
        Host::new(Arc::new(persona::builtin(name).unwrap()), instance).unwrap()
    };
    names.iter().map(|name| (name.clone(), host(name))).collect()
});

/// A fresh machine.
pub fn machine(persona: &str, user: &str) -> (Machine, Arc<Recorded>) {
    let recorded = Arc::new(Recorded::default());
    let machine = HOSTS[persona].login(Login {
        user: user.to_owned(),
        peer: "198.51.100.7:40022".parse().unwrap(),
        local: "192.0.2.10:22".parse().unwrap(),
        now: Timestamp(NOW),
        observer: recorded.clone(),
    });
    (machine, recorded)
}

/// Runs one line; what it printed and its status.
pub async fn answer(machine: &Machine, line: &[u8]) -> (Vec<u8>, u8) {
    let (feed, stdin) = mpsc::channel(1);
    drop(feed);
    let (output, printed) = mpsc::channel(64);
    let (status, all) = tokio::join!(machine.run(line, Io { stdin, output }), gather(printed));
    (all, status)
}

async fn gather(mut printed: mpsc::Receiver<(shell::Stream, Vec<u8>)>) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some((_, bytes)) = printed.recv().await {
        all.extend(bytes);
    }
    all
}

/// Types pieces at a terminal, waiting a little after each; what the screen showed, and the status.
#[allow(dead_code)] // not every test file has a terminal
pub async fn type_at(machine: &Machine, pieces: &[&[u8]]) -> (String, u8) {
    let (feed, stdin) = mpsc::channel(4);
    let (output, printed) = mpsc::channel(64);
    let typing = async move {
        for piece in pieces {
            if feed.send(Input::Bytes(piece.to_vec())).await.is_err() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    };
    let (status, (), screen) = tokio::join!(machine.terminal("vt100", 80, 24, Io { stdin, output }), typing, gather(printed));
    (String::from_utf8_lossy(&screen).into_owned(), status)
}
