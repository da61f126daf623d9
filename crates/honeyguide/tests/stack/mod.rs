//! A running `honeyguide up` for tests: the real program, on free loopback ports, with a data folder of its own.
#![allow(dead_code, reason = "each test program uses its own part")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_honeyguide");

/// A running role, killed when dropped.
pub struct Running {
    child: Child,
    /// The line it printed when ready.
    pub ready: Value,
}

impl Running {
    /// Starts a role that prints a JSON line when ready.
    pub fn start(data: &Path, arguments: &[&str]) -> Running {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .arg("--data")
            .arg(data)
            .arg("--json")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut said = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut said);
            panic!("{arguments:?} said \"{line}\" and \"{said}\"")
        });
        Running { child, ready }
    }

    /// The address of a decoy.
    pub fn decoy(&self, protocol: &str) -> SocketAddr {
        let decoys = self.ready["decoys"].as_array().expect("a list");
        let decoy = decoys.iter().find(|d| d["protocol"] == protocol).unwrap_or_else(|| panic!("no {protocol} in {decoys:?}"));
        decoy["address"].as_str().expect("text").parse().expect("an address")
    }

    /// The hub's URL.
    pub fn hub(&self) -> &str {
        self.ready["hub"].as_str().expect("a URL")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would end the process: at once.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        let _ = self.child.wait();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        signal(self.child.id(), "TERM");
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.child.try_wait().expect("a child") {
                assert!(status.success(), "it stopped with {status}");
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not stop");
    }

    /// Resident memory in kB.
    pub fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).expect("a value").parse().expect("a number")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to one process.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill runs");
    assert!(status.success());
}

/// `up` with everything on free ports, and limits that tests on one address do not reach.
pub fn up(data: &Path, more: &[&str]) -> Running {
    let mut arguments = vec!["up", "--listen", "127.0.0.1:0", "--ports", "auto"];
    arguments.extend([
        "--set",
        "sensor.limits.address_sessions_max=100000",
        "--set",
        "sensor.limits.address_sessions_per_minute_max=10000000",
    ]);
    arguments.extend(more);
    Running::start(data, &arguments)
}

/// One client command against the hub whose data is in `data`; its standard output as JSON.
pub fn ask(data: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(PROGRAM).args(arguments).arg("--json").arg("--data").arg(data).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{arguments:?}: {e}: \"{text}\" {}", String::from_utf8_lossy(&output.stderr)))
}

/// Repeats `probe` until it gives something, for at most `seconds`.
pub fn eventually<T>(seconds: u64, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(begin.elapsed() < Duration::from_secs(seconds), "{what}: not within {seconds} s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The latest sessions, once there are at least `count` closed ones.
pub fn sessions(data: &Path, count: usize) -> Vec<Value> {
    eventually(20, "sessions", || {
        let list = ask(data, &["sessions", "--limit", "1000"])["sessions"].as_array().cloned().unwrap_or_default();
        (list.len() >= count).then_some(list)
    })
}

/// The events of one session, by kind.
pub fn events(data: &Path, id: &str, kind: &str) -> Vec<Value> {
    let story = ask(data, &["sessions", id]);
    let events = story["story"].as_array().expect("events");
    events.iter().filter(|e| e["kind"] == kind).cloned().collect()
}

/// Runs a client program with a time limit; says how to get it when it is not there.
pub fn client(program: &str, arguments: &[&str]) -> Output {
    client_with_input(program, arguments, b"")
}

/// Like [`client`], with something on standard input.
pub fn client_with_input(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    use std::io::Write;
    let mut child = Command::new("timeout")
        .args(["-k", "1", "60", program])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("timeout(1) starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // A client may stop reading before everything is written; that is its business.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    let _ = writer.join();
    assert_ne!(output.status.code(), Some(127), "{program} is not installed: `cargo xtask test` installs it");
    assert_ne!(output.status.code(), Some(124), "{program} {arguments:?} did not end within 60 s");
    output
}

/// Standard output as text.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `ssh` and its kin, with nothing remembered and a password given.
pub fn ssh(program: &str, port: u16, arguments: &[&str], input: &[u8]) -> Output {
    let port = port.to_string();
    let port_flag = if program == "ssh" { "-p" } else { "-P" };
    let mut all = vec![
        "-p",
        "hunter2",
        program,
        port_flag,
        &port,
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
        "-F",
        "/dev/null",
    ];
    all.extend(arguments);
    client_with_input("sshpass", &all, input)
}

/// A folder for one test.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    (folder, data)
}
