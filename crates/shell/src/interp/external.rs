//! Programs, subshells, pipelines and command substitution: everything that is a process of its own.

use super::{Flow, Ran, Shell};
use crate::descriptor::{OpenFile, pipe};
use crate::exec::{self, Cannot, Group, Image};
use crate::parse::Dialect;
use crate::parse::ast::{Assignment, Command, List};
use crate::task::{Status, Task, signal};
use crate::{Errno, Stop};
use std::sync::Arc;

/// Bytes that a command substitution may produce.
const SUBSTITUTION_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Shell {
    /// Runs a program.
    pub(crate) async fn run_external(&mut self, assignments: &[Assignment], args: Vec<Vec<u8>>) -> Ran {
        // Assignments before the name are the program's alone.
        let mut restore = Vec::new();
        for assignment in assignments {
            restore.push((assignment.name.clone(), self.variables.get(&assignment.name).cloned()));
            self.run_assignment(assignment).await?;
            let changed = self.variables.change(&assignment.name, 0, |variable| variable.exported = true);
            self.assigned(&assignment.name, changed).await?;
        }
        let environment = self.variables.environment();
        let search = self.variables.text(b"PATH").unwrap_or_default().to_vec();
        for (name, variable) in restore.into_iter().rev() {
            self.variables.restore(name, variable);
        }
        self.process.environment = environment;
        self.process.flush().await?;
        let image = match exec::prepare(&self.process, args, &search) {
            Ok(image) => image,
            Err(cannot) => return self.cannot_run(cannot).await,
        };
        if self.replaces {
            return self.become_program(image).await;
        }
        let group = if self.options.on("monitor") { Group::Own } else { Group::Inherited };
        let Some(child) = self.fork_process(image.args.clone(), group).await? else { return Ok(254) };
        let task = exec::start(child, image);
        self.wait_foreground(&[task]).await
    }

    /// The process goes on as a program: `exec`, and the last command of a subshell.
    pub(crate) async fn become_program(&mut self, image: Image) -> Ran {
        let process = self.process.again(image.args.clone());
        process.task.set_args(image.args.clone().into());
        let status = exec::run(process, image).await;
        Err(match status {
            Status::Killed(signal) => Flow::Stop(Stop::Signal(signal)),
            status => Flow::Exit(status.code()),
        })
    }

    /// Says why a program cannot be run; `$?` is then 126 or 127.
    pub(crate) async fn cannot_run(&mut self, cannot: Cannot) -> Ran {
        let name = cannot.name;
        let (bash, ash): (Vec<u8>, Vec<u8>) = match (cannot.errno, &cannot.interpreter) {
            (Errno::Enoent, Some(interpreter)) => (
                [&name[..], b": ", interpreter, b": bad interpreter: No such file or directory"].concat(),
                [&name[..], b": not found"].concat(),
            ),
            (Errno::Enoent, None) if name.contains(&b'/') => {
                ([&name[..], b": No such file or directory"].concat(), [&name[..], b": not found"].concat())
            }
            (Errno::Enoent, None) => ([&name[..], b": command not found"].concat(), [&name[..], b": not found"].concat()),
            (Errno::Eisdir, _) => ([&name[..], b": Is a directory"].concat(), [&name[..], b": Permission denied"].concat()),
            (Errno::Enoexec, _) => {
                let bash = [&name[..], b": cannot execute binary file: Exec format error"].concat();
                // The ashes try to read it as a script.
                let ash: &[u8] = if self.dialect == Dialect::Dash { b": Exec format error" } else { b": syntax error: unexpected \"(\"" };
                (bash, [&name[..], ash].concat())
            }
            (errno, _) => {
                let text = [&name[..], b": ", errno.message().as_bytes()].concat();
                (text.clone(), text)
            }
        };
        let missing = cannot.errno == Errno::Enoent;
        if self.bash() && missing && !name.contains(&b'/') && self.options.interactive && self.handle_not_found(&name).await? {
            return Ok(127);
        }
        let builtin = self.builtin.take();
        self.complain(if self.bash() { bash } else { ash }).await?;
        self.builtin = builtin;
        Ok(match cannot.errno {
            Errno::Enoent if cannot.interpreter.is_some() && self.bash() => 126,
            Errno::Enoent => 127,
            Errno::Enoexec if !self.bash() => 2,
            _ => 126,
        })
    }

    /// Ubuntu's `command_not_found_handle` is what a person at a prompt sees; here it is left to plain bash.
    async fn handle_not_found(&mut self, _name: &[u8]) -> Result<bool, Flow> {
        Ok(false)
    }

    /// A process for a child; `None` when there are too many, which has been said after the retries bash makes.
    async fn fork_process(&mut self, args: Vec<Vec<u8>>, group: Group) -> Result<Option<crate::Process>, Flow> {
        match exec::fork(&self.process, args, group) {
            Ok(process) => Ok(Some(process)),
            Err(_) => {
                self.fork_failed().await?;
                Ok(None)
            }
        }
    }

    pub(super) async fn fork_failed(&mut self) -> Result<(), Flow> {
        self.process.limit("shell_processes_max", crate::budget::PROCESSES_MAX as u64);
        self.process.charge(50).await?;
        match self.dialect {
            Dialect::Bash => {
                // Bash tries again after 1, 2, 4 and 8 seconds (jobs.c, make_child).
                for seconds in [1, 2, 4, 8] {
                    self.complain("fork: retry: Resource temporarily unavailable").await?;
                    self.process.sleep(std::time::Duration::from_secs(seconds)).await;
                    self.handle_signals().await?;
                }
                self.complain("fork: Resource temporarily unavailable").await?;
                Err(Flow::Abort(254))
            }
            Dialect::Ash => {
                self.complain("can't fork: Resource temporarily unavailable").await?;
                Err(self.fatal(2))
            }
            Dialect::Dash => {
                self.complain("Cannot fork").await?;
                Err(self.fatal(2))
            }
        }
    }

    /// `( … )`
    pub(super) async fn run_subshell(&mut self, command: Arc<Command>, list: Arc<List>) -> Ran {
        self.process.flush().await?;
        let group = if self.options.on("monitor") { Group::Own } else { Group::Inherited };
        let mut child = match self.fork(group) {
            Ok(child) => child,
            Err(_) => {
                self.fork_failed().await?;
                return Ok(254);
            }
        };
        child.tested = self.tested;
        let task = child.process.task.clone();
        let session = child.process.session.clone();
        session.start(
            task.clone(),
            Box::pin(async move {
                let ran = match child.redirect(&command.redirects).await {
                    Ok(true) => child.run_list(&list).await,
                    Ok(false) => Ok(1),
                    Err(flow) => Err(flow),
                };
                child.finish(ran).await
            }),
        );
        self.wait_foreground(&[task]).await
    }

    /// Commands joined by pipes, all at once.
    pub(super) async fn run_stages(&mut self, commands: &[Arc<Command>]) -> Ran {
        self.process.flush().await?;
        let mut tasks: Vec<Arc<Task>> = Vec::with_capacity(commands.len());
        let mut input: Option<Arc<OpenFile>> = None;
        for (n, command) in commands.iter().enumerate() {
            let group = match (self.options.on("monitor"), tasks.first()) {
                (false, _) => Group::Inherited,
                (true, None) => Group::Own,
                (true, Some(first)) => Group::Of(first.group),
            };
            let mut child = match self.fork(group) {
                Ok(child) => child,
                Err(_) => {
                    drop(input.take());
                    self.fork_failed().await?;
                    return Ok(254);
                }
            };
            // The numbers are below the limit: setting them cannot fail.
            if let Some(reader) = input.take() {
                let _ = child.process.descriptors.set(0, reader);
            }
            if n + 1 < commands.len() {
                let (reader, writer) = pipe();
                let _ = child.process.descriptors.set(1, writer);
                input = Some(reader);
            }
            tasks.push(child.start_command(command.clone()));
        }
        let status = self.wait_foreground(&tasks).await;
        self.pipe_statuses = tasks.iter().map(|task| task.status().code()).collect();
        let status = status?;
        if self.options.on("pipefail") {
            return Ok(self.pipe_statuses.iter().rev().copied().find(|s| *s != 0).unwrap_or(0));
        }
        Ok(status)
    }

    /// Lets a forked shell run one command and end.
    pub(super) fn start_command(mut self, command: Arc<Command>) -> Arc<Task> {
        self.replaces = true;
        let task = self.process.task.clone();
        let session = self.process.session.clone();
        session.start(
            task.clone(),
            Box::pin(async move {
                // Only a plain command may replace the shell: after a compound one there may be more to run.
                self.replaces = matches!(command.kind, crate::parse::ast::Kind::Simple { .. });
                let ran = self.run_command(&command).await;
                self.finish(ran).await
            }),
        );
        task
    }

    /// How a subshell ends.
    pub(crate) async fn finish(mut self, ran: Ran) -> Status {
        let status = match ran {
            Ok(code) | Err(Flow::Return(code) | Flow::Exit(code) | Flow::Abort(code)) => Status::Exited(code),
            Err(Flow::Break(_) | Flow::Continue(_)) => Status::Exited(0),
            Err(Flow::Interrupt) => Status::Killed(signal::INT),
            Err(Flow::Stop(stop)) => stop.status(),
        };
        let status = match status {
            Status::Exited(code) => Status::Exited(self.run_exit_trap(code).await),
            status => status,
        };
        match self.process.flush().await {
            Err(stop) if matches!(status, Status::Exited(_)) => stop.status(),
            _ => status,
        }
    }

    /// The output of `$(…)`, without its last newlines.
    pub(super) async fn substitute(&mut self, list: &Arc<List>) -> Result<Vec<u8>, Flow> {
        self.process.flush().await?;
        // `$(< file)` needs no process.
        let (reader, writer) = pipe();
        let mut child = match self.fork(Group::Inherited) {
            Ok(child) => child,
            Err(_) => {
                self.fork_failed().await?;
                return Ok(Vec::new());
            }
        };
        let _ = child.process.descriptors.set(1, writer);
        let inherits = !self.bash() || self.options.shopt("inherit_errexit") == Some(true) || self.options.on("posix");
        if !inherits {
            child.options.set_named("errexit", false);
        }
        let task = child.process.task.clone();
        let session = child.process.session.clone();
        let list = list.clone();
        session.start(
            task.clone(),
            Box::pin(async move {
                let ran = child.run_substitution(&list).await;
                child.finish(ran).await
            }),
        );
        let mut output = Vec::new();
        loop {
            let part = reader.read(crate::descriptor::READ_BYTES_MAX).await.unwrap_or_default();
            if part.is_empty() {
                break;
            }
            output.extend(part);
            if output.len() > SUBSTITUTION_BYTES_MAX {
                drop(reader);
                task.signal(signal::KILL);
                return Err(self.out_of_memory(output.len()).await);
            }
        }
        let status = self.process.wait(&task).await;
        self.substituted = Some(status.code());
        self.status = status.code();
        self.handle_signals().await?;
        while output.last() == Some(&b'\n') {
            output.pop();
        }
        // A NUL cannot be in a variable.
        output.retain(|byte| *byte != 0);
        Ok(output)
    }

    async fn run_substitution(&mut self, list: &List) -> Ran {
        use crate::parse::ast::{Kind, RedirectKind};
        if let [item] = &list.0[..]
            && !item.background
            && item.and_or.rest.is_empty()
            && let [command] = &item.and_or.first.commands[..]
        {
            if let Kind::Simple { assignments, words } = &command.kind
                && assignments.is_empty()
                && words.is_empty()
                && let [redirect] = &command.redirects[..]
                && redirect.kind == RedirectKind::Read
            {
                if !self.redirect(&command.redirects).await? {
                    return Ok(1);
                }
                loop {
                    let part = self.process.read().await?;
                    if part.is_empty() {
                        return Ok(0);
                    }
                    self.process.out(part).await?;
                }
            }
            // Nothing follows the command: it need not be a second process.
            self.replaces = matches!(command.kind, Kind::Simple { .. }) && !item.and_or.first.negated;
        }
        self.run_list(list).await
    }

    /// `<(…)` and `>(…)`: the path of a descriptor.
    pub(super) async fn process_substitution(&mut self, input: bool, list: &Arc<List>) -> Result<Vec<u8>, Flow> {
        let (reader, writer) = pipe();
        let mut child = match self.fork(Group::Inherited) {
            Ok(child) => child,
            Err(_) => {
                self.fork_failed().await?;
                return Ok(Vec::new());
            }
        };
        let (own, theirs) = if input { (reader, writer) } else { (writer, reader) };
        let _ = child.process.descriptors.set(u32::from(input), theirs);
        let number = (10..64).rev().find(|n| self.process.descriptors.get(*n).is_none()).unwrap_or(63);
        let _ = self.process.descriptors.set(number, own);
        let task = child.process.task.clone();
        let session = child.process.session.clone();
        let list = list.clone();
        session.start(
            task,
            Box::pin(async move {
                let ran = child.run_list(&list).await;
                child.finish(ran).await
            }),
        );
        Ok(format!("/dev/fd/{number}").into_bytes())
    }
}
