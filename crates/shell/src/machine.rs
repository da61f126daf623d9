//! One attacker's view of the host: files, processes, the clock, and what the sensor asks of it.

use crate::account::Account;
use crate::fs::Overlay;
use crate::pipe::Pipe;
use crate::process::Ended;
use crate::task::{Task, lock};
use crate::{Credentials, Errno, Files, Host, Login, signal};
use model::{Detail, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
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
    /// Locked before `tasks` where both are needed.
    overlay: Mutex<Overlay>,
    ended: Ended,
    hostname: Mutex<Option<Vec<u8>>>,
    /// FIFOs that have been opened, by path.
    fifos: Mutex<BTreeMap<Vec<u8>, Arc<Pipe>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let left = lock(&self.overlay).take_uncaptured(None);
        for (path, content) in left {
            self.login.observer.capture(&path, &content, "shell".into());
        }
    }
}

/// A machine that does not keep itself alive.
pub(crate) struct WeakMachine(Weak<Inner>);

impl WeakMachine {
    pub(crate) fn upgrade(&self) -> Option<Machine> {
        self.0.upgrade().map(Machine)
    }
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
        let since = Instant::now();
        let machine = Machine(Arc::new_cyclic(|weak| {
            let overlay = Mutex::new(Overlay::new(host.image(), WeakMachine(weak.clone())));
            Inner {
                host,
                login,
                account,
                since,
                tasks,
                overlay,
                ended: Ended::default(),
                hostname: Mutex::default(),
                fifos: Mutex::default(),
            }
        }));
        machine.settle();
        machine
    }

    /// Gives an account that the persona does not have its home and its line in `/etc/passwd`.
    fn settle(&self) {
        let account = self.account();
        if account.known {
            return;
        }
        let root = Credentials { uid: 0, gid: 0, groups: [].into() };
        let files = self.files_of(root, b"/".as_slice().into(), 0o022, self.login_pid());
        let (name, uid, gid) = (&account.name, account.credentials.uid, account.credentials.gid);
        let home = String::from_utf8_lossy(&account.home);
        let shell = String::from_utf8_lossy(&account.shell);
        for (path, line) in
            [("/etc/passwd", format!("{name}:x:{uid}:{gid}:,,,:{home}:{shell}\n")), ("/etc/group", format!("{name}:x:{gid}:\n"))]
        {
            if let Ok(content) = files.read(path.as_bytes()) {
                _ = files.place(path.as_bytes(), [&content[..], line.as_bytes()].concat(), 0o644);
            }
        }
        _ = files.make_directory(&account.home, 0o750);
        _ = files.set_owner(&account.home, Some(uid), Some(gid), true);
    }

    pub(crate) fn overlay(&self) -> MutexGuard<'_, Overlay> {
        lock(&self.0.overlay)
    }

    pub(crate) fn ended(&self) -> &Ended {
        &self.0.ended
    }

    /// Hands captured files to the observer; never while the files are locked.
    pub(crate) fn capture(&self, files: Vec<(Vec<u8>, Vec<u8>)>) {
        for (path, content) in files {
            self.0.login.observer.capture(&path, &content, "shell".into());
        }
    }

    /// Hands over every written file that is still waiting to be captured. Dropping the last clone does it too, but a session that records
    /// its own end must do it before.
    pub fn capture_all(&self) {
        let left = self.overlay().take_uncaptured(None);
        self.capture(left);
    }

    /// The host's name, as the session may have changed it.
    pub fn hostname(&self) -> Vec<u8> {
        lock(&self.0.hostname).clone().unwrap_or_else(|| self.host().persona().host.hostname.clone().into_bytes())
    }

    /// Changes the host's name for this session.
    pub fn set_hostname(&self, name: Vec<u8>) {
        *lock(&self.0.hostname) = Some(name);
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

    /// What the two ends of a FIFO meet in.
    pub(crate) fn fifo(&self, path: &[u8]) -> Arc<Pipe> {
        let mut fifos = lock(&self.0.fifos);
        // Those nobody has open are forgotten: what a FIFO holds is lost when its last end closes.
        fifos.retain(|_, pipe| Arc::strong_count(pipe) > 1);
        fifos.entry(path.to_vec()).or_default().clone()
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

    /// Sends a signal to a process of this session, or ends one of the persona's. `Esrch` when there is none, `Eperm` when it is another's.
    pub fn kill(&self, pid: u32, sent: u8, uid: u32) -> Result<(), Errno> {
        let target = self.process(pid).ok_or(Errno::Esrch)?;
        if uid != 0 && uid != target.uid {
            return Err(Errno::Eperm);
        }
        if let Some(task) = self.task(pid) {
            if sent > 0 {
                task.signal(sent);
            }
            return Ok(());
        }
        // The kernel's threads and init take no signals; the login's own server ends with its session only; `HUP` makes a daemon read its
        // configuration again.
        let deaf = target.is_kernel() || pid <= 2 || target.pid == self.login_pid();
        let deadly = [signal::INT, signal::QUIT, 6, signal::KILL, signal::SEGV, signal::TERM];
        if !deaf && deadly.contains(&sent) {
            self.end_resident(pid);
        }
        Ok(())
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
