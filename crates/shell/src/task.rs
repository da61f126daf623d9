//! Live processes of a machine: what `ps` lists of them, and how signals reach them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Locks, also after another holder panicked: every critical section here leaves its data whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Signal numbers of Linux (signal(7)).
#[allow(missing_docs)]
pub mod signal {
    pub const HUP: u8 = 1;
    pub const INT: u8 = 2;
    pub const QUIT: u8 = 3;
    pub const KILL: u8 = 9;
    pub const SEGV: u8 = 11;
    pub const PIPE: u8 = 13;
    pub const ALRM: u8 = 14;
    pub const TERM: u8 = 15;
    pub const CHLD: u8 = 17;
    pub const CONT: u8 = 18;
    pub const STOP: u8 = 19;
    pub const TSTP: u8 = 20;
    pub const TTIN: u8 = 21;
    pub const TTOU: u8 = 22;
    pub const URG: u8 = 23;
    pub const WINCH: u8 = 28;
}

/// How a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It runs or sleeps.
    Running,
    /// Stopped by this signal.
    Stopped(u8),
    /// It exited with this status.
    Exited(u8),
    /// It was ended by this signal.
    Killed(u8),
}

impl Status {
    /// As `$?` shows it.
    pub fn code(self) -> u8 {
        match self {
            Status::Running => 0,
            Status::Exited(code) => code,
            Status::Stopped(signal) | Status::Killed(signal) => 128u8.wrapping_add(signal),
        }
    }

    /// Whether it has ended.
    pub fn ended(self) -> bool {
        matches!(self, Status::Exited(_) | Status::Killed(_))
    }
}

/// One live process.
pub struct Task {
    /// Process id.
    pub pid: u32,
    /// Its parent's.
    pub ppid: u32,
    /// Its process group's: that of the first process of its pipeline.
    pub group: u32,
    /// Owner.
    pub uid: u32,
    /// When it started.
    pub started: model::Timestamp,
    /// Whether it has a controlling terminal.
    pub terminal: bool,
    state: Mutex<State>,
}

struct State {
    args: Arc<[Vec<u8>]>,
    status: Status,
    /// Whether a session may end while it runs.
    daemon: bool,
    /// Signals sent and not yet acted on.
    pending: u64,
    /// Signals the process looks at itself (traps, interactive shells): they stay pending until it does.
    caught: u64,
    /// Signals without effect.
    ignored: u64,
    own: Option<Waker>,
    watchers: Vec<Waker>,
}

const fn bit(signal: u8) -> u64 {
    1 << (signal & 63)
}

/// Signals whose default action is nothing.
const HARMLESS: u64 = bit(signal::CHLD) | bit(signal::CONT) | bit(signal::URG) | bit(signal::WINCH);
const STOPPING: u64 = bit(signal::STOP) | bit(signal::TSTP) | bit(signal::TTIN) | bit(signal::TTOU);
const UNBLOCKABLE: u64 = bit(signal::KILL) | bit(signal::STOP);

impl Task {
    pub(crate) fn new(pid: u32, ppid: u32, group: u32, uid: u32, started: model::Timestamp, terminal: bool, args: Arc<[Vec<u8>]>) -> Task {
        let state =
            State { args, status: Status::Running, daemon: false, pending: 0, caught: 0, ignored: 0, own: None, watchers: Vec::new() };
        Task { pid, ppid, group, uid, started, terminal, state: Mutex::new(state) }
    }

    /// Its argument vector, for `ps` and `/proc/PID/cmdline`.
    pub fn args(&self) -> Arc<[Vec<u8>]> {
        lock(&self.state).args.clone()
    }

    /// `execve`: the same process, another program.
    pub fn set_args(&self, args: Arc<[Vec<u8>]>) {
        lock(&self.state).args = args;
    }

    /// Marks it as one that a session does not wait for.
    pub fn set_daemon(&self) {
        lock(&self.state).daemon = true;
    }

    /// Whether a session does not wait for it.
    pub fn is_daemon(&self) -> bool {
        lock(&self.state).daemon
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        lock(&self.state).status
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: u8) {
        let mut state = lock(&self.state);
        if state.status.ended() {
            return;
        }
        if matches!(signal, signal::CONT | signal::KILL) && matches!(state.status, Status::Stopped(_)) {
            state.status = Status::Running;
        }
        if signal == signal::CONT {
            state.pending &= !STOPPING;
        }
        if state.ignored & bit(signal) & !UNBLOCKABLE == 0 {
            state.pending |= bit(signal);
        }
        if let Some(waker) = &state.own {
            waker.wake_by_ref();
        }
    }

    /// Makes the process look at a signal itself (`true`) or leaves it to the default action.
    pub fn catch(&self, signal: u8, caught: bool) {
        let mut state = lock(&self.state);
        state.caught = if caught { state.caught | bit(signal) } else { state.caught & !bit(signal) };
    }

    /// Makes a signal have no effect, or its effect again.
    pub fn ignore(&self, signal: u8, ignored: bool) {
        let mut state = lock(&self.state);
        state.ignored = if ignored { state.ignored | bit(signal) } else { state.ignored & !bit(signal) };
    }

    /// The signals a child inherits as ignored.
    pub(crate) fn ignored(&self) -> u64 {
        lock(&self.state).ignored
    }

    pub(crate) fn inherit_ignored(&self, ignored: u64) {
        lock(&self.state).ignored = ignored;
    }

    /// Whether a signal that the process looks at itself has arrived.
    pub fn has_caught(&self) -> bool {
        let state = lock(&self.state);
        state.pending & state.caught != 0
    }

    /// Takes one caught signal that has arrived.
    pub(crate) fn take_caught(&self) -> Option<u8> {
        let mut state = lock(&self.state);
        let ready = state.pending & state.caught;
        if ready == 0 {
            return None;
        }
        let signal = ready.trailing_zeros() as u8;
        state.pending &= !bit(signal);
        Some(signal)
    }

    /// What the scheduler does before it lets the process go on: `Some` is how the process stands when it may not.
    pub(crate) fn checkpoint(&self, cx: &Context<'_>) -> Option<Status> {
        let mut state = lock(&self.state);
        if !state.own.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            state.own = Some(cx.waker().clone());
        }
        let effective = state.pending & !(state.caught & !UNBLOCKABLE);
        let deadly = effective & !HARMLESS & !STOPPING;
        let stopping = effective & STOPPING;
        state.pending &= !(effective & (HARMLESS | STOPPING));
        if deadly != 0 {
            let signal = if deadly & bit(signal::KILL) != 0 { signal::KILL } else { deadly.trailing_zeros() as u8 };
            return Some(Status::Killed(signal));
        }
        if stopping != 0 {
            state.status = Status::Stopped(stopping.trailing_zeros() as u8);
            wake(&mut state.watchers);
        }
        matches!(state.status, Status::Stopped(_)).then_some(state.status)
    }

    pub(crate) fn finish(&self, status: Status) {
        let mut state = lock(&self.state);
        state.status = status;
        state.own = None;
        wake(&mut state.watchers);
    }

    /// Ready when it has ended, or stopped when `stops`.
    pub fn poll_wait(&self, stops: bool, cx: &Context<'_>) -> Poll<Status> {
        let mut state = lock(&self.state);
        if state.status.ended() || (stops && matches!(state.status, Status::Stopped(_))) {
            return Poll::Ready(state.status);
        }
        if !state.watchers.iter().any(|w| w.will_wake(cx.waker())) {
            state.watchers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

fn wake(watchers: &mut Vec<Waker>) {
    for waker in std::mem::take(watchers) {
        waker.wake();
    }
}
