//! One attacker's view of the host: files, processes, the clock, and what the sensor asks of it.

use crate::account::Account;
use crate::task::{Task, lock};
use crate::{Credentials, Files, Host, Io, Login};
use model::{Detail, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

/// One attacker's copy-on-write view of the host; clones share it, as the channels of one SSH connection do.
#[derive(Clone)]
pub struct Machine(Arc<Inner>);

struct Inner {
    host: Host,
    login: Login,
    account: Account,
    /// Tokio's clock at the login: the machine's time goes on with it.
    since: Instant,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    /// The login's own process (`sshd: root@pts/0`), parent of its shells.
    login_pid: u32,
    last_pid: u32,
    live: BTreeMap<u32, Arc<Task>>,
}

/// The largest process id and one more, as `/proc/sys/kernel/pid_max` says.
const PID_MAX: u32 = 4_194_304;

impl Machine {
    pub(crate) fn new(host: Host, login: Login) -> Machine {
        let account = Account::of(host.persona(), &login.user);
        // A host that has been up longer has given out more ids; two sensors never agree.
        let up = login.now.since(host.instance().booted).as_secs();
        let last_pid = 1_500 + ((host.instance().seed % 7_919) + up / 3) as u32 % 2_000_000;
        let tasks = Mutex::new(Tasks { login_pid: last_pid, last_pid, live: BTreeMap::new() });
        Machine(Arc::new(Inner { host, login, account, since: Instant::now(), tasks }))
    }

    /// What all sessions share.
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// Who logged in, from where, when.
    pub fn login(&self) -> &Login {
        &self.0.login
    }

    /// The account logged in to.
    pub fn account(&self) -> &Account {
        &self.0.account
    }

    /// The machine's clock.
    pub fn now(&self) -> Timestamp {
        self.0.login.now.plus(self.0.since.elapsed())
    }

    /// Records something; returns when it is recorded.
    pub fn observe(&self, detail: Detail) {
        self.0.login.observer.observe(detail);
    }

    /// The process id of the login itself (`sshd: root@pts/0`), the parent of its shells.
    pub fn login_pid(&self) -> u32 {
        lock(&self.0.tasks).login_pid
    }

    /// The session's live processes, by id.
    pub fn tasks(&self) -> Vec<Arc<Task>> {
        lock(&self.0.tasks).live.values().cloned().collect()
    }

    /// A live process of the session.
    pub fn task(&self, pid: u32) -> Option<Arc<Task>> {
        lock(&self.0.tasks).live.get(&pid).cloned()
    }

    /// Enters a new process into the table; `None` when there are too many. `group` is its own id when `None`.
    pub(crate) fn fork(&self, ppid: u32, group: Option<u32>, uid: u32, terminal: bool, args: Arc<[Vec<u8>]>) -> Option<Arc<Task>> {
        let started = self.now();
        let mut tasks = lock(&self.0.tasks);
        if tasks.live.len() >= crate::budget::PROCESSES_MAX {
            return None;
        }
        let pid = tasks.next_pid();
        let task = Arc::new(Task::new(pid, ppid, group.unwrap_or(pid), uid, started, terminal, args));
        tasks.live.insert(pid, task.clone());
        Some(task)
    }

    /// Takes a process id that is never used again, for a process that only seems to run.
    pub fn reserve_pid(&self) -> u32 {
        lock(&self.0.tasks).next_pid()
    }

    pub(crate) fn forget(&self, pid: u32) {
        lock(&self.0.tasks).live.remove(&pid);
    }

    /// Sends a signal to every live process of a group; whether there was one.
    pub fn signal_group(&self, group: u32, signal: u8) -> bool {
        let members: Vec<_> = self.tasks().into_iter().filter(|task| task.group == group).collect();
        members.iter().for_each(|task| task.signal(signal));
        !members.is_empty()
    }

    /// The files, for SFTP and SCP.
    pub fn files(&self) -> Files {
        self.files_of(self.account().credentials.clone(), self.account().home.as_slice().into(), 0o022, self.login_pid())
    }

    /// Runs one line as `sh -c` would, for SSH `exec` and command-injection holes. Records it as a `command` event first. Returns the exit status.
    pub async fn run(&self, line: &[u8], _io: Io) -> u8 {
        self.observe(Detail::Command { line: line.into() });
        127
    }

    /// Like [`Machine::run`] with standard input given whole and the output returned, cut at `output_bytes_max`.
    pub async fn run_to_end(&self, line: &[u8], _stdin: Vec<u8>, _output_bytes_max: usize) -> (Vec<u8>, u8) {
        self.observe(Detail::Command { line: line.into() });
        (Vec::new(), 127)
    }

    /// An interactive login shell on a terminal: banner, prompt, line editing, until it exits. Each line entered is a `command` event.
    pub async fn terminal(&self, _term: &str, _columns: u16, _rows: u16, _io: Io) -> u8 {
        0
    }

    /// A login shell without a terminal, reading its commands from standard input as they come (`ssh host` without a pty, fed by a bot line by
    /// line): no prompt, no echo. Each line read as a command is a `command` event. Ends at end of file or `exit`; returns the exit status.
    pub async fn script(&self, _io: Io) -> u8 {
        0
    }

    pub(crate) fn files_of(&self, credentials: Credentials, directory: Arc<[u8]>, umask: u32, pid: u32) -> Files {
        Files { machine: self.clone(), credentials, directory, umask, pid }
    }
}

impl Tasks {
    fn next_pid(&mut self) -> u32 {
        loop {
            self.last_pid = if self.last_pid + 1 >= PID_MAX { 300 } else { self.last_pid + 1 };
            if !self.live.contains_key(&self.last_pid) && self.last_pid != self.login_pid {
                return self.last_pid;
            }
        }
    }
}
