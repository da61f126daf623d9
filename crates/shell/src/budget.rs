//! What one session may use.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Steps one line at a prompt, or one `run`, may take. A simple command, a loop's turn, a kilobyte moved each are about one step; a
/// step costs well under a microsecond, so a busy loop costs some tens of milliseconds.
pub const STEPS_MAX: u64 = 200_000;

/// Steps between two returns to the runtime, so that a busy loop never holds a worker for more than about a millisecond.
pub const STEPS_PER_TURN: u64 = 1_000;

/// How long a process that used up its steps seems to go on working before it is killed, in seconds.
pub const STALL_SECONDS: u64 = 20;

/// Processes alive at once in one machine.
pub const PROCESSES_MAX: usize = 128;

/// Processes started by one line at a prompt, or by one `run`.
pub const FORKS_MAX: u64 = 5_000;

/// Bytes that a session's variables and here-documents may hold together.
pub const MEMORY_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bytes one session may print.
pub const OUTPUT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Counters of one session.
#[derive(Default)]
pub(crate) struct Budget {
    steps: AtomicU64,
    forks: AtomicU64,
    output_bytes: AtomicU64,
    memory_bytes: AtomicU64,
    reported: AtomicBool,
    /// Whether a process that used up the steps has been seen to work on for a while.
    stalled: AtomicBool,
}

/// What a charge comes to.
pub(crate) enum Charge {
    /// Go on.
    Fine,
    /// Let others run first.
    Yield,
    /// Used up.
    Exhausted,
}

impl Budget {
    /// A new line at the prompt has the whole budget again; output stays counted.
    pub(crate) fn renew(&self) {
        self.steps.store(0, Ordering::Relaxed);
        self.forks.store(0, Ordering::Relaxed);
        self.reported.store(false, Ordering::Relaxed);
        self.stalled.store(false, Ordering::Relaxed);
    }

    /// Whether the time of seeming busy is over.
    pub(crate) fn stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stalled(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn charge(&self, steps: u64) -> Charge {
        let before = self.steps.fetch_add(steps, Ordering::Relaxed);
        let after = before.saturating_add(steps);
        if after > STEPS_MAX {
            Charge::Exhausted
        } else if before / STEPS_PER_TURN != after / STEPS_PER_TURN {
            Charge::Yield
        } else {
            Charge::Fine
        }
    }

    pub(crate) fn fork(&self) -> bool {
        self.forks.fetch_add(1, Ordering::Relaxed) < FORKS_MAX
    }

    pub(crate) fn output(&self, bytes: usize) -> bool {
        self.output_bytes.fetch_add(bytes as u64, Ordering::Relaxed) < OUTPUT_BYTES_MAX
    }

    /// Takes memory; `false` when there is not that much left.
    pub(crate) fn hold(&self, bytes: u64) -> bool {
        let before = self.memory_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= MEMORY_BYTES_MAX;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    /// Gives memory back.
    pub(crate) fn release(&self, bytes: u64) {
        self.memory_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether this is the first limit reached since the last renewal: only that one is an event.
    pub(crate) fn report(&self) -> bool {
        !self.reported.swap(true, Ordering::Relaxed)
    }
}
