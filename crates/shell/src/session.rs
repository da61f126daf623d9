//! One `run` or one terminal: its processes as futures of one task, and what they may use together.

use crate::budget::Budget;
use crate::machine::Machine;
use crate::task::{Status, Task, lock};
use crate::terminal::Terminal;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// A boxed future of a process or a builtin.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One `run` or one terminal.
pub struct Session {
    /// The machine it runs on.
    pub machine: Machine,
    /// Its controlling terminal.
    pub terminal: Option<Arc<Terminal>>,
    pub(crate) budget: Budget,
    started: Mutex<Vec<Running>>,
}

impl Session {
    pub(crate) fn new(machine: Machine, terminal: Option<Arc<Terminal>>) -> Arc<Session> {
        Arc::new(Session { machine, terminal, budget: Budget::default(), started: Mutex::new(Vec::new()) })
    }

    /// Lets a process run beside the others; called only from inside the session's own future.
    pub(crate) fn start(&self, task: Arc<Task>, future: BoxFuture<'static, Status>) {
        lock(&self.started).push(Running { machine: self.machine.clone(), task, future: Some(future) });
    }

    /// Runs every process until `leader` has ended, and what it left behind for at most `linger` more. Dropping the future ends them all.
    pub(crate) async fn drive(&self, leader: &Task, linger: Duration) -> u8 {
        // What was started and never polled holds the session, and the session it.
        let _unstarted = Unstarted(self);
        let mut all = FuturesUnordered::new();
        let mut pump =
            self.terminal.clone().map(|terminal| -> BoxFuture<'_, bool> { Box::pin(async move { terminal.pump(&self.machine).await }) });
        std::future::poll_fn(|cx| {
            loop {
                // What was typed comes first: Ctrl-C must reach a busy process.
                if let Some(Poll::Ready(gone)) = pump.as_mut().map(|pump| pump.as_mut().poll(cx)) {
                    pump = None;
                    if gone {
                        self.machine.tasks().iter().for_each(|task| task.signal(crate::task::signal::HUP));
                    }
                }
                let idle = self.poll_all(&mut all, cx);
                if leader.status().ended() {
                    return Poll::Ready(());
                }
                if lock(&self.started).is_empty() {
                    return idle;
                }
            }
        })
        .await;
        let rest = std::future::poll_fn(|cx| {
            loop {
                let idle = self.poll_all(&mut all, cx);
                if !lock(&self.started).is_empty() {
                    continue;
                }
                if all.iter().all(|running| running.task.is_daemon()) {
                    return Poll::Ready(());
                }
                return idle;
            }
        });
        let _ = tokio::time::timeout(linger, rest).await;
        leader.status().code()
    }

    fn poll_all(&self, all: &mut FuturesUnordered<Running>, cx: &mut Context<'_>) -> Poll<()> {
        all.extend(lock(&self.started).drain(..));
        loop {
            match all.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Drops what has not been polled yet when the session's future ends or is dropped.
struct Unstarted<'a>(&'a Session);

impl Drop for Unstarted<'_> {
    fn drop(&mut self) {
        let left = std::mem::take(&mut *lock(&self.0.started));
        drop(left);
    }
}

/// A process: polled only while no signal forbids it.
struct Running {
    machine: Machine,
    task: Arc<Task>,
    future: Option<BoxFuture<'static, Status>>,
}

impl Running {
    fn end(&mut self, status: Status) {
        // The future goes first: its pipes must be closed before a waiting shell prints the next prompt.
        drop(catch_unwind(AssertUnwindSafe(|| drop(self.future.take()))));
        self.machine.forget(self.task.pid);
        self.task.finish(status);
    }
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        match this.task.checkpoint(cx) {
            Some(Status::Stopped(_)) => return Poll::Pending,
            Some(status) => {
                this.end(status);
                return Poll::Ready(());
            }
            None => {}
        }
        let Some(future) = this.future.as_mut() else { return Poll::Ready(()) };
        // A command with a bug must look like one to the attacker, and must not take the session's other processes along.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(status)) => {
                this.end(status);
                Poll::Ready(())
            }
            Err(_) => {
                this.machine.observe(model::Detail::Limit { name: "command_panic".into(), value: 1 });
                this.end(Status::Killed(crate::task::signal::SEGV));
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.future.is_some() {
            self.end(Status::Killed(crate::task::signal::HUP));
        }
    }
}
