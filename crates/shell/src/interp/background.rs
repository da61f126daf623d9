//! Jobs, waiting, signals and traps.

use super::{Flow, Ran, Shell};
use crate::exec::Group;
use crate::parse::ast::AndOr;
use crate::task::{Status, Task, signal};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// The pseudo-signals of `trap`.
pub(crate) const EXIT: u8 = 0;
pub(crate) const ERR: u8 = 65;
pub(crate) const DEBUG: u8 = 66;
pub(crate) const RETURN: u8 = 67;

/// A job: what `&` or Ctrl-Z left behind.
pub(crate) struct Job {
    pub number: u32,
    pub tasks: Vec<Arc<Task>>,
    pub text: Vec<u8>,
    /// Whether its end has been told.
    pub told: bool,
}

/// Jobs remembered at once.
const JOBS_MAX: usize = 256;

impl Job {
    /// How it stands: by its last process.
    pub fn status(&self) -> Status {
        if self.tasks.iter().any(|t| t.status() == Status::Running) {
            return Status::Running;
        }
        self.tasks.last().map_or(Status::Exited(0), |t| t.status())
    }

    /// As `jobs` prints it.
    pub fn line(&self, mark: char) -> Vec<u8> {
        let status = match self.status() {
            Status::Running => "Running".to_owned(),
            Status::Stopped(_) => "Stopped".to_owned(),
            Status::Exited(0) => "Done".to_owned(),
            Status::Exited(code) => format!("Exit {code}"),
            Status::Killed(signal) => signal_text(signal).to_owned(),
        };
        let running = if self.status() == Status::Running { " &" } else { "" };
        [format!("[{}]{mark}  {status:<24}", self.number).as_bytes(), &self.text, running.as_bytes(), b"\n"].concat()
    }
}

/// What bash says of a process that a signal ended.
pub(crate) fn signal_text(signal: u8) -> &'static str {
    match signal {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        4 => "Illegal instruction",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        13 => "Broken pipe",
        14 => "Alarm clock",
        15 => "Terminated",
        _ => "Unknown signal",
    }
}

impl Shell {
    /// `… &`
    pub(super) async fn start_background(&mut self, and_or: &Arc<AndOr>) -> Result<(), Flow> {
        self.process.flush().await?;
        let monitor = self.options.on("monitor");
        let mut child = match self.fork(if monitor { Group::Own } else { Group::Inherited }) {
            Ok(child) => child,
            Err(_) => return self.fork_failed().await,
        };
        if !monitor {
            // Without job control, background commands read nothing and are not interrupted (POSIX, 2.9.3.1).
            let null = crate::fs::OpenOptions::READ;
            if let Ok(node) = child.process.files().open(b"/dev/null", null) {
                let _ = child.process.descriptors.set(0, Arc::new(crate::OpenFile::file(node, b"/dev/null", true, false, false)));
            }
            child.process.task.ignore(signal::INT, true);
            child.process.task.ignore(signal::QUIT, true);
        }
        let task = child.process.task.clone();
        let session = child.process.session.clone();
        let list = and_or.clone();
        let simple = and_or.rest.is_empty() && !and_or.first.negated && and_or.first.timed.is_none() && and_or.first.commands.len() == 1;
        match and_or.first.commands.first().filter(|_| simple) {
            Some(command) => drop(child.start_command(command.clone())),
            None => session.start(
                task.clone(),
                Box::pin(async move {
                    let ran = child.run_and_or(&list).await;
                    child.finish(ran).await
                }),
            ),
        }
        self.last_background = Some(task.pid);
        self.status = 0;
        let pid = task.pid;
        let number = self.add_job(vec![task], and_or.text.to_vec());
        if self.options.interactive && self.subshell == 0 {
            self.process.err(format!("[{number}] {pid}\n")).await?;
        }
        Ok(())
    }

    /// Remembers a job; its number.
    pub(super) fn add_job(&mut self, tasks: Vec<Arc<Task>>, text: Vec<u8>) -> u32 {
        if self.jobs.len() >= JOBS_MAX {
            self.jobs.retain(|job| !job.status().ended());
            self.jobs.truncate(JOBS_MAX - 1);
        }
        let number = self.jobs.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        self.jobs.push(Job { number, tasks, text, told: false });
        number
    }

    /// Waits for processes in the foreground; the status is the last one's.
    pub(crate) async fn wait_foreground(&mut self, tasks: &[Arc<Task>]) -> Ran {
        let Some(last) = tasks.last() else { return Ok(0) };
        let monitor = self.options.on("monitor");
        let terminal = self.process.session.terminal.clone().filter(|_| monitor);
        if let Some(terminal) = &terminal {
            terminal.set_mode(crate::terminal::Mode::default());
            terminal.set_foreground(last.group);
        }
        let mut status = Status::Running;
        for task in tasks {
            status = poll_fn(|cx| task.poll_wait(monitor, cx)).await;
        }
        if let Some(terminal) = &terminal {
            terminal.set_foreground(self.process.task.group);
            if matches!(status, Status::Stopped(_)) || matches!(status, Status::Killed(signal::KILL | signal::TERM | signal::INT)) {
                terminal.set_mode(crate::terminal::Mode::default());
            }
        }
        if monitor && matches!(status, Status::Stopped(_) | Status::Killed(_)) {
            // Whoever pressed Ctrl-C is not made to wait for what the command used up.
            self.process.session.budget.renew();
        }
        self.handle_signals().await?;
        match status {
            Status::Stopped(signal) => {
                let text = self.running.as_ref().map_or_else(|| last.args().join(&b' '), |and_or| and_or.text.to_vec());
                self.add_job(tasks.to_vec(), text);
                if let Some(job) = self.jobs.last() {
                    let line = [b"\n", &job.line('+')[..]].concat();
                    self.process.err(line).await?;
                }
                Ok(128 + signal)
            }
            Status::Killed(signal::INT) if self.options.interactive => {
                self.status = 130;
                Err(Flow::Interrupt)
            }
            Status::Killed(signal) => {
                self.tell_killed(last, signal).await?;
                Ok(128 + signal)
            }
            status => Ok(status.code()),
        }
    }

    async fn tell_killed(&mut self, task: &Task, signal: u8) -> Result<(), Flow> {
        if matches!(signal, signal::PIPE | signal::INT) {
            return Ok(());
        }
        if self.options.interactive || !self.bash() {
            let text = signal_text(signal);
            self.process.err(format!("{text}\n")).await?;
            return Ok(());
        }
        if self.subshell > 0 || self.source == super::Source::Argument && self.replaces {
            return Ok(());
        }
        let text = self.running.as_ref().map_or_else(|| task.args().join(&b' '), |and_or| and_or.text.to_vec());
        self.complain([format!("{:5} {:<24}", task.pid, signal_text(signal)).as_bytes(), &text].concat()).await
    }

    /// Tells of jobs that have ended since the last prompt.
    pub(crate) async fn tell_jobs(&mut self) -> Result<(), Flow> {
        if self.options.interactive {
            let last = self.jobs.last().map_or(0, |job| job.number);
            let lines: Vec<Vec<u8>> = self
                .jobs
                .iter()
                .filter(|job| job.status().ended() && !job.told)
                .map(|job| job.line(if job.number == last { '+' } else { '-' }))
                .collect();
            for line in lines {
                self.process.err(line).await?;
            }
        }
        self.jobs.retain(|job| !job.status().ended());
        Ok(())
    }

    /// Waits until one of the tasks has ended or a trapped signal has come.
    pub(crate) async fn wait_any(&mut self, tasks: &[Arc<Task>]) -> Option<usize> {
        let own = self.process.task.clone();
        poll_fn(|cx| {
            if own.has_caught() {
                return Poll::Ready(None);
            }
            match tasks.iter().position(|task| task.poll_wait(false, cx).is_ready()) {
                Some(n) => Poll::Ready(Some(n)),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Acts on signals that this shell looks at itself.
    pub(crate) async fn handle_signals(&mut self) -> Result<(), Flow> {
        while let Some(signal) = self.process.task.take_caught() {
            if self.traps.contains_key(&signal) {
                self.run_trap(signal).await?;
            } else if signal == signal::INT && self.options.interactive {
                self.status = 130;
                return Err(Flow::Interrupt);
            }
        }
        Ok(())
    }

    /// Runs what `trap` set for a signal.
    pub(super) async fn run_trap(&mut self, signal: u8) -> Result<(), Flow> {
        let Some(action) = self.traps.get(&signal).filter(|_| !self.trap_running).cloned() else { return Ok(()) };
        let status = self.status;
        self.trap_running = true;
        let ran = self.evaluate_text(action, "trap").await;
        self.trap_running = false;
        ran?;
        self.status = status;
        Ok(())
    }

    /// Runs the EXIT trap; the status the shell then exits with.
    pub(crate) async fn run_exit_trap(&mut self, code: u8) -> u8 {
        let Some(action) = self.traps.get(&EXIT).cloned() else { return code };
        Arc::make_mut(&mut self.traps).remove(&EXIT);
        self.status = code;
        match self.evaluate_text(action, "trap").await {
            Err(Flow::Exit(code)) => code,
            _ => code,
        }
    }
}
