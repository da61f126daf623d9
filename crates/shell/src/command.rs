//! What a command is, and what it sees of the machine.

use crate::budget::{self, Charge};
use crate::descriptor::{Descriptors, OpenFile, READ_BYTES_MAX};
use crate::machine::Machine;
use crate::session::{BoxFuture, Session};
use crate::task::{Status, Task, signal};
use crate::{Credentials, Errno, Files};
use model::{Detail, Timestamp};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// One program of the fake host: a line in [`crate::COMMANDS`].
pub struct Command {
    /// Its name, as typed.
    pub name: &'static str,
    /// The directories it lies in, `/usr/bin` for most.
    pub directories: &'static [&'static str],
    /// Which kind of host has it.
    pub userland: Tools,
    /// Its code. Written as `|process| Box::pin(run(process))` with `async fn run(process: &mut Process) -> Outcome`.
    pub run: for<'a> fn(&'a mut Process) -> BoxFuture<'a, Outcome>,
}

impl Command {
    /// Whether this kind of host has it.
    pub fn on(&self, userland: persona::Userland) -> bool {
        match self.userland {
            Tools::Both => true,
            Tools::Gnu => userland == persona::Userland::Gnu,
            Tools::Busybox => userland == persona::Userland::Busybox,
        }
    }
}

/// Which kind of host has a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tools {
    /// bash and the GNU tools.
    Gnu,
    /// BusyBox.
    Busybox,
    /// Either, telling them apart by [`Process::busybox`].
    Both,
}

/// How a command ends: its exit status, or why it could not go on.
pub type Outcome = Result<u8, Stop>;

/// Why a process cannot go on; passed up with `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ended by a signal: `SIGPIPE` when nobody reads its output, `SIGKILL` when its budget is used up.
    Signal(u8),
    /// It exits at once with this status, as after a write error that it has reported.
    Exit(u8),
}

impl Stop {
    /// How the process then stands.
    pub fn status(self) -> Status {
        match self {
            Stop::Signal(signal) => Status::Killed(signal),
            Stop::Exit(code) => Status::Exited(code),
        }
    }
}

/// The exported variables.
pub type Environment = BTreeMap<Vec<u8>, Vec<u8>>;

/// One running process, as its program sees it.
pub struct Process {
    /// Its arguments; the first is the name it was called by.
    pub args: Vec<Vec<u8>>,
    /// The exported variables.
    pub environment: Arc<Environment>,
    /// Its working directory, absolute.
    pub directory: Arc<[u8]>,
    /// Whose permissions it has.
    pub credentials: Credentials,
    /// Permission bits that new files do not get.
    pub umask: u32,
    /// Its entry in the process table.
    pub task: Arc<Task>,
    /// The session it belongs to.
    pub session: Arc<Session>,
    /// Its open files.
    pub descriptors: Descriptors,
    /// Standard output not yet written.
    unwritten: Vec<u8>,
}

/// Standard input's descriptor.
pub const STDIN: u32 = 0;
/// Standard output's descriptor.
pub const STDOUT: u32 = 1;
/// Standard error's descriptor.
pub const STDERR: u32 = 2;

/// Output is written in blocks of this many bytes where it is no terminal, as by stdio.
const BLOCK_BYTES: usize = 4096;

/// How a child differs from its parent; see [`Process::launch`].
#[derive(Default)]
pub struct Launch {
    /// Its arguments; the first names the program.
    pub args: Vec<Vec<u8>>,
    /// Its exported variables, when not the parent's.
    pub environment: Option<Arc<Environment>>,
    /// Its permissions, when not the parent's.
    pub credentials: Option<Credentials>,
    /// Its working directory, when not the parent's.
    pub directory: Option<Arc<[u8]>>,
    /// Descriptors that replace the parent's.
    pub descriptors: Vec<(u32, Arc<OpenFile>)>,
    /// Signals it starts with ignored, as under `nohup`.
    pub ignored: Vec<u8>,
    /// Whether it begins a process group (and leaves the terminal's foreground), as under `setsid` and `timeout`.
    pub own_group: bool,
    /// Runs this program whatever the first argument says, as `busybox NAME` does.
    pub command: Option<&'static Command>,
}

impl Launch {
    /// A child with these arguments and nothing else changed.
    pub fn new(args: Vec<Vec<u8>>) -> Launch {
        Launch { args, ..Launch::default() }
    }
}

impl Process {
    pub(crate) fn new(
        session: Arc<Session>,
        task: Arc<Task>,
        credentials: Credentials,
        directory: Arc<[u8]>,
        environment: Arc<Environment>,
        descriptors: Descriptors,
    ) -> Process {
        let args = task.args().to_vec();
        Process { args, environment, directory, credentials, umask: 0o022, task, session, descriptors, unwritten: Vec::new() }
    }

    /// The same process under other arguments: what `execve` makes of it.
    pub(crate) fn again(&self, args: Vec<Vec<u8>>) -> Process {
        Process {
            args,
            environment: self.environment.clone(),
            directory: self.directory.clone(),
            credentials: self.credentials.clone(),
            umask: self.umask,
            task: self.task.clone(),
            session: self.session.clone(),
            descriptors: self.descriptors.clone(),
            unwritten: Vec::new(),
        }
    }

    /// The machine it runs on.
    pub fn machine(&self) -> &Machine {
        &self.session.machine
    }

    /// Whether the host has BusyBox tools.
    pub fn busybox(&self) -> bool {
        self.machine().host().persona().host.userland == persona::Userland::Busybox
    }

    /// The last component of the name it was called by.
    pub fn name(&self) -> &[u8] {
        let name = self.args.first().map_or(&b""[..], Vec::as_slice);
        name.rsplit(|b| *b == b'/').next().unwrap_or_default()
    }

    /// The arguments after the name.
    pub fn operands(&self) -> &[Vec<u8>] {
        self.args.get(1..).unwrap_or_default()
    }

    /// An exported variable.
    pub fn variable(&self, name: &[u8]) -> Option<&[u8]> {
        self.environment.get(name).map(Vec::as_slice)
    }

    /// The files as this process sees them.
    pub fn files(&self) -> Files {
        self.machine().files_of(self.credentials.clone(), self.directory.clone(), self.umask, self.task.pid)
    }

    /// The machine's clock.
    pub fn now(&self) -> Timestamp {
        self.machine().now()
    }

    /// Records something.
    pub fn observe(&self, detail: Detail) {
        self.machine().observe(detail);
    }

    /// Whether a descriptor is the terminal.
    pub fn is_terminal(&self, descriptor: u32) -> bool {
        self.descriptors.get(descriptor).is_some_and(|file| file.terminal().is_some())
    }

    /// Lets time pass; ends early when a signal arrives that the process looks at itself.
    pub async fn sleep(&self, duration: Duration) {
        let mut sleep = std::pin::pin!(tokio::time::sleep(duration));
        poll_fn(|cx| if self.task.has_caught() { Poll::Ready(()) } else { sleep.as_mut().poll(cx) }).await;
    }

    /// Accounts for work done: about one step a kilobyte moved or a record handled. Every loop that an attacker can make long calls it.
    pub async fn charge(&self, steps: u64) -> Result<(), Stop> {
        match self.session.budget.charge(steps) {
            Charge::Fine => Ok(()),
            Charge::Yield => {
                tokio::task::yield_now().await;
                Ok(())
            }
            Charge::Exhausted => {
                self.limit("shell_steps_max", budget::STEPS_MAX);
                // A busy process on a real host goes on being busy: it is seen to, at no cost, for a while.
                if !self.session.budget.stalled() {
                    self.sleep(Duration::from_secs(budget::STALL_SECONDS)).await;
                }
                if self.task.has_caught() {
                    return Ok(());
                }
                self.session.budget.set_stalled();
                Err(Stop::Signal(signal::KILL))
            }
        }
    }

    /// Records that a limit was reached, once a line.
    pub fn limit(&self, name: &'static str, value: u64) {
        if self.session.budget.report() {
            self.observe(Detail::Limit { name: name.into(), value });
        }
    }

    /// Writes to standard output: at once to a terminal, else in blocks. A command's output is complete when it returns.
    pub async fn out(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Stop> {
        self.unwritten.extend_from_slice(bytes.as_ref());
        if self.unwritten.len() >= BLOCK_BYTES || self.is_terminal(STDOUT) { self.flush().await } else { Ok(()) }
    }

    /// Writes to standard error, at once. Failures are nobody's concern.
    pub async fn err(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Stop> {
        match self.write(STDERR, bytes.as_ref()).await {
            Err(Errno::Epipe) => Err(Stop::Signal(signal::PIPE)),
            _ => Ok(()),
        }
    }

    /// `NAME: message` on standard error.
    pub async fn complain(&mut self, message: impl AsRef<[u8]>) -> Result<(), Stop> {
        let line = [self.name(), b": ", message.as_ref(), b"\n"].concat();
        self.err(line).await
    }

    /// Writes what [`Process::out`] holds back.
    pub async fn flush(&mut self) -> Result<(), Stop> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.unwritten);
        let written = self.write(STDOUT, &bytes).await;
        // The room is used again: most commands write many small pieces.
        self.unwritten = bytes;
        self.unwritten.clear();
        match written {
            Ok(()) => Ok(()),
            Err(Errno::Epipe) => Err(Stop::Signal(signal::PIPE)),
            Err(Errno::Eio) => Err(Stop::Signal(signal::HUP)),
            Err(errno) => {
                self.complain(format!("write error: {errno}")).await?;
                Err(Stop::Exit(1))
            }
        }
    }

    /// Writes all of `bytes` to a descriptor.
    pub async fn write(&self, descriptor: u32, bytes: &[u8]) -> Result<(), Errno> {
        let file = self.descriptors.get(descriptor).cloned().ok_or(Errno::Ebadf)?;
        if self.charge(1 + bytes.len() as u64 / 1024).await.is_err() {
            // Nothing is written any more; whoever asks next is told so by `charge`.
            self.task.signal(signal::KILL);
            return Err(Errno::Eio);
        }
        let leaves = matches!(&*file, OpenFile::Output(..) | OpenFile::Terminal(_));
        if leaves && !self.session.budget.output(bytes.len()) {
            self.limit("shell_output_bytes_max", budget::OUTPUT_BYTES_MAX);
            return Err(Errno::Eio);
        }
        file.write(bytes).await
    }

    /// Up to 64 kB from standard input; empty at the end.
    pub async fn read(&mut self) -> Result<Vec<u8>, Stop> {
        self.read_from(STDIN, READ_BYTES_MAX, None).await
    }

    /// One line from standard input with its newline (the last may have none); `None` at the end. Cut at 64 kB: the rest is the next.
    pub async fn read_line(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let mut line = Vec::new();
        loop {
            let part = self.read_from(STDIN, READ_BYTES_MAX, Some(b'\n')).await?;
            if part.is_empty() {
                return Ok((!line.is_empty()).then_some(line));
            }
            line.extend(part);
            if line.last() == Some(&b'\n') || line.len() >= READ_BYTES_MAX {
                return Ok(Some(line));
            }
        }
    }

    /// All of standard input, cut at `bytes_max`.
    pub async fn read_to_end(&mut self, bytes_max: usize) -> Result<Vec<u8>, Stop> {
        let mut all = Vec::new();
        loop {
            let part = self.read().await?;
            if part.is_empty() || all.len() >= bytes_max {
                all.truncate(bytes_max);
                return Ok(all);
            }
            all.extend(part);
        }
    }

    /// Up to `bytes_max` bytes from a descriptor, up to and including `until` where that comes first; empty at the end, and when it
    /// cannot be read.
    pub async fn read_from(&mut self, descriptor: u32, bytes_max: usize, until: Option<u8>) -> Result<Vec<u8>, Stop> {
        // What was said so far must be seen before the answer is waited for.
        self.flush().await?;
        let Some(file) = self.descriptors.get(descriptor).cloned() else { return Ok(Vec::new()) };
        self.charge(1).await?;
        let bytes = file.read_until(bytes_max, until).await.unwrap_or_default();
        self.charge(bytes.len() as u64 / 1024).await?;
        Ok(bytes)
    }

    /// What a path that is no ordinary file leads to: the process's own descriptors (`/dev/stdin`, `/dev/fd/3`, `/proc/self/fd/3`), its
    /// terminal, or the reading end of a FIFO. `None` when it is to be opened through [`Process::files`].
    pub fn open_special(&self, path: &[u8]) -> Option<Arc<OpenFile>> {
        let files = self.files();
        let absolute = if path.starts_with(b"/dev/fd/") { path.to_vec() } else { files.real_path(path).ok()? };
        if let Some(number) = self.descriptor_of(path).or_else(|| self.descriptor_of(&absolute)) {
            return self.descriptors.get(number).cloned();
        }
        if absolute == b"/dev/tty" {
            return self.session.terminal.as_ref().map(|t| Arc::new(OpenFile::Terminal(t.clone())));
        }
        let fifo = files.stat(&absolute).is_ok_and(|m| m.kind == crate::Kind::Fifo) && files.access(&absolute, 4).is_ok();
        fifo.then(|| Arc::new(OpenFile::reader(self.machine().fifo(&absolute).reader())))
    }

    /// The descriptor a path names.
    fn descriptor_of(&self, path: &[u8]) -> Option<u32> {
        match path {
            b"/dev/stdin" => return Some(STDIN),
            b"/dev/stdout" => return Some(STDOUT),
            b"/dev/stderr" => return Some(STDERR),
            _ => {}
        }
        let own = format!("/proc/{}/fd/", self.task.pid).into_bytes();
        let digits = [&b"/dev/fd/"[..], b"/proc/self/fd/", &own].iter().find_map(|start| path.strip_prefix(*start))?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Starts a child beside this process. `Enoent`, `Eacces` or `Enoexec` when its program cannot be run, `Eagain` when there are too
    /// many processes.
    pub async fn launch(&mut self, launch: Launch) -> Result<Arc<Task>, Errno> {
        let _ = self.flush().await;
        crate::exec::launch(self, launch)
    }

    /// Waits for a child to end.
    pub async fn wait(&self, task: &Task) -> Status {
        poll_fn(|cx| task.poll_wait(false, cx)).await
    }

    /// Runs a program as a child and waits for it.
    pub async fn run(&mut self, args: Vec<Vec<u8>>) -> Result<Status, Errno> {
        let task = self.launch(Launch::new(args)).await?;
        Ok(self.wait(&task).await)
    }
}

/// A command by name, as this kind of host has it.
pub fn find(name: &[u8], userland: persona::Userland) -> Option<&'static Command> {
    crate::COMMANDS.iter().find(|command| command.name.as_bytes() == name && command.on(userland))
}
