//! Programs: how a name becomes something that runs.

use crate::command::{Command, Launch, Process};
use crate::fs::Program;
use crate::task::{Status, Task};
use crate::{Errno, command};
use std::sync::Arc;

/// The path of a program: `name` itself when it has a slash, else the first executable file of that name in `search` (`$PATH`).
pub(crate) fn search(process: &Process, name: &[u8], search: &[u8]) -> Result<Vec<u8>, Errno> {
    if name.contains(&b'/') {
        return Ok(name.to_vec());
    }
    let files = process.files();
    let mut found = Errno::Enoent;
    for directory in search.split(|b| *b == b':') {
        let directory = if directory.is_empty() { b"." } else { directory };
        let path = [directory, b"/", name].concat();
        match files.access(&path, 1) {
            Ok(()) if files.stat(&path).is_ok_and(|m| m.kind == crate::Kind::File) => return Ok(path),
            Err(Errno::Eacces) => found = Errno::Eacces,
            _ => {}
        }
    }
    Err(found)
}

/// Starts a child of `parent`.
pub(crate) fn launch(parent: &Process, launch: Launch) -> Result<Arc<Task>, Errno> {
    let command = match launch.command {
        Some(command) => command,
        None => {
            let name = launch.args.first().ok_or(Errno::Enoent)?;
            let path = search(parent, name, parent.variable(b"PATH").unwrap_or(DEFAULT_PATH))?;
            tool(parent, &path)?
        }
    };
    let mut child = fork(parent, launch.args, launch.own_group)?;
    if let Some(environment) = launch.environment {
        child.environment = environment;
    }
    if let Some(credentials) = launch.credentials {
        child.credentials = credentials;
    }
    if let Some(directory) = launch.directory {
        child.directory = directory;
    }
    for (number, file) in launch.descriptors {
        child.descriptors.set(number, file)?;
    }
    for signal in launch.ignored {
        child.task.ignore(signal, true);
    }
    let task = child.task.clone();
    let session = child.session.clone();
    session.start(task.clone(), Box::pin(run(child, command)));
    Ok(task)
}

/// Where programs are looked for when `$PATH` is not set.
pub(crate) const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Which of our programs a path runs.
fn tool(process: &Process, path: &[u8]) -> Result<&'static Command, Errno> {
    let userland = process.machine().host().persona().host.userland;
    match process.files().program(path)? {
        Program::Tool(name) => command::find(&name, userland).ok_or(Errno::Enoexec),
        Program::Bytes(_) => Err(Errno::Enoexec),
    }
}

/// A copy of `parent` with its own process id.
pub(crate) fn fork(parent: &Process, args: Vec<Vec<u8>>, own_group: bool) -> Result<Process, Errno> {
    if !parent.session.budget.fork() {
        return Err(Errno::Eagain);
    }
    let group = (!own_group).then_some(parent.task.group);
    let uid = parent.credentials.uid;
    let task = parent.machine().fork(parent.task.pid, group, uid, parent.task.terminal, args.into()).ok_or(Errno::Eagain)?;
    task.inherit_ignored(parent.task.ignored());
    let mut child = Process::new(
        parent.session.clone(),
        task,
        parent.credentials.clone(),
        parent.directory.clone(),
        parent.environment.clone(),
        parent.descriptors.clone(),
    );
    child.umask = parent.umask;
    Ok(child)
}

/// Runs a program in a process of its own, to its end.
async fn run(mut process: Process, command: &'static Command) -> Status {
    let outcome = (command.run)(&mut process).await;
    let outcome = match (outcome, process.flush().await) {
        (Ok(_), Err(stop)) => Err(stop),
        (outcome, _) => outcome,
    };
    match outcome {
        Ok(code) => Status::Exited(code),
        Err(stop) => stop.status(),
    }
}
