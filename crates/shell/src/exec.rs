//! Programs: how a name becomes something that runs.

use crate::command::{self, Command, Launch, Process};
use crate::errno::Errno;
use crate::fs::{Kind, Program};
use crate::interp;
use crate::parse::Dialect;
use crate::task::{Status, Task};
use persona::Userland;
use std::sync::Arc;
use std::time::Duration;

/// Where programs are looked for when `$PATH` is not set.
pub(crate) const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Interpreters that name interpreters, as `#!` lines may, before the kernel gives up (`BINPRM_MAX_RECURSION` is 4).
const INTERPRETERS_MAX: usize = 4;

/// How long a program of the attacker's own seems to live, in seconds.
const UNKNOWN_SECONDS: u64 = 24 * 3600;

/// A program, ready to run.
pub(crate) struct Image {
    /// Its arguments, with an interpreter's before them where there is one.
    pub args: Vec<Vec<u8>>,
    kind: ImageKind,
}

enum ImageKind {
    Command(&'static Command),
    /// A text without a `#!` line: read by a shell.
    Script(Arc<[u8]>, Dialect),
    /// A program that the attacker brought: it is seen to run, and is never run.
    Unknown,
}

/// Why a name cannot be run.
pub(crate) struct Cannot {
    /// As it was called.
    pub name: Vec<u8>,
    pub errno: Errno,
    /// The interpreter that is missing, where it is that.
    pub interpreter: Option<Vec<u8>>,
}

/// Which process group a child belongs to.
#[derive(Clone, Copy)]
pub(crate) enum Group {
    /// Its parent's.
    Inherited,
    /// A new one, named after it.
    Own,
    /// That of another process of its pipeline.
    Of(u32),
}

/// The path of a program: `name` itself when it has a slash, else the first executable file of that name in `search` (`$PATH`).
pub(crate) fn search(process: &Process, name: &[u8], search: &[u8]) -> Result<Vec<u8>, Errno> {
    if name.contains(&b'/') {
        return Ok(name.to_vec());
    }
    let files = process.files();
    let mut found = Errno::Enoent;
    if name.is_empty() {
        return Err(found);
    }
    for directory in search.split(|b| *b == b':') {
        let path = if directory.is_empty() { [b"./", name].concat() } else { [directory, b"/", name].concat() };
        match files.access(&path, 1) {
            Ok(()) if files.stat(&path).is_ok_and(|m| m.kind == Kind::File) => return Ok(path),
            Err(Errno::Eacces) => found = Errno::Eacces,
            _ => {}
        }
    }
    Err(found)
}

/// Finds out what arguments run. `search_path` is `$PATH`.
pub(crate) fn prepare(process: &Process, args: Vec<Vec<u8>>, search_path: &[u8]) -> Result<Image, Cannot> {
    let name = args.first().cloned().unwrap_or_default();
    let cannot = |errno, interpreter| Cannot { name: name.clone(), errno, interpreter };
    let mut path = search(process, &name, search_path).map_err(|errno| cannot(errno, None))?;
    let mut args = args;
    let files = process.files();
    for turn in 0..INTERPRETERS_MAX {
        if files.stat(&path).is_ok_and(|m| m.kind == Kind::Directory) {
            return Err(cannot(Errno::Eisdir, None));
        }
        let program = files.program(&path).map_err(|errno| match (errno, turn) {
            (Errno::Enoent, 1..) => cannot(errno, Some(path.clone())),
            (errno, _) => cannot(errno, None),
        })?;
        let bytes = match program {
            Program::Tool(tool) => {
                let command = tool_named(process, &tool, &args).ok_or_else(|| cannot(Errno::Enoexec, None));
                return command.map(|command| Image { args, kind: ImageKind::Command(command) });
            }
            Program::Bytes(bytes) => bytes,
        };
        if bytes.starts_with(b"\x7fELF") {
            let kind = if runs_here(process, &bytes) { ImageKind::Unknown } else { return Err(cannot(Errno::Enoexec, None)) };
            return Ok(Image { args, kind });
        }
        let Some(rest) = bytes.strip_prefix(b"#!") else {
            // A NUL in the first line is what bash takes for a binary (general.c, check_binary_file).
            let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
            if line[..line.len().min(80)].contains(&0) {
                return Err(cannot(Errno::Enoexec, None));
            }
            let dialect = if process.busybox() { Dialect::Ash } else { Dialect::Bash };
            args[0] = path;
            return Ok(Image { args, kind: ImageKind::Script(bytes, dialect) });
        };
        let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
        let line = line[..line.len().min(255)].trim_ascii();
        let mut words = line.splitn(2, |b| *b == b' ' || *b == b'\t');
        let interpreter = words.next().unwrap_or_default().to_vec();
        let argument = words.next().map(|a| a.trim_ascii().to_vec()).filter(|a| !a.is_empty());
        let mut replaced = vec![interpreter.clone()];
        replaced.extend(argument);
        replaced.push(path);
        replaced.extend(args.drain(1..));
        args = replaced;
        path = interpreter;
    }
    Err(cannot(Errno::Eloop, None))
}

/// Our program behind an image's file: BusyBox is called by its applets' names.
fn tool_named(process: &Process, tool: &[u8], args: &[Vec<u8>]) -> Option<&'static Command> {
    let userland = process.machine().host().persona().host.userland;
    if userland == Userland::Busybox && tool == b"busybox" {
        let called = args.first()?.rsplit(|b| *b == b'/').next()?;
        let called = called.strip_prefix(b"-").unwrap_or(called);
        if let Some(command) = command::find(called, userland) {
            return Some(command);
        }
    }
    command::find(tool, userland)
}

/// Whether an ELF file is for the persona's processor: `e_ident`, and `e_machine` at offset 18.
fn runs_here(process: &Process, bytes: &[u8]) -> bool {
    let [class, order] = match bytes.get(4..6) {
        Some(ident) => [ident[0], ident[1]],
        None => return false,
    };
    let Some(machine) = bytes.get(18..20).filter(|_| bytes.len() >= 52) else { return false };
    let machine = if order == 2 { u16::from_be_bytes([machine[0], machine[1]]) } else { u16::from_le_bytes([machine[0], machine[1]]) };
    match process.machine().host().persona().host.kernel.machine.as_str() {
        "x86_64" => matches!((machine, class, order), (62 | 3, _, 1)),
        "i386" | "i486" | "i586" | "i686" => (machine, class, order) == (3, 1, 1),
        "aarch64" => matches!((machine, order), (183 | 40, 1)),
        name if name.starts_with("arm") => (machine, class, order) == (40, 1, 1),
        "mips" => (machine, class, order) == (8, 1, 2),
        "mipsel" => (machine, class, order) == (8, 1, 1),
        "ppc" => (machine, class, order) == (20, 1, 2),
        _ => false,
    }
}

/// Starts a child of `parent`, for commands that run others.
pub(crate) fn launch(parent: &Process, launch: Launch) -> Result<Arc<Task>, Errno> {
    let image = match launch.command {
        Some(command) => Image { args: launch.args, kind: ImageKind::Command(command) },
        None => {
            let environment = launch.environment.as_ref().unwrap_or(&parent.environment);
            let path = environment.get(&b"PATH"[..]).map_or(DEFAULT_PATH, Vec::as_slice);
            prepare(parent, launch.args, path).map_err(|cannot| if cannot.errno == Errno::Eisdir { Errno::Eacces } else { cannot.errno })?
        }
    };
    let mut child = fork(parent, image.args.clone(), if launch.own_group { Group::Own } else { Group::Inherited })?;
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
    Ok(start(child, image))
}

/// Lets a process run a program beside the others.
pub(crate) fn start(process: Process, image: Image) -> Arc<Task> {
    let task = process.task.clone();
    let session = process.session.clone();
    session.start(task.clone(), Box::pin(run(process, image)));
    task
}

/// A copy of `parent` with its own process id; `Eagain` when there are too many.
pub(crate) fn fork(parent: &Process, args: Vec<Vec<u8>>, group: Group) -> Result<Process, Errno> {
    if !parent.session.budget.fork() {
        return Err(Errno::Eagain);
    }
    let group = match group {
        Group::Inherited => Some(parent.task.group),
        Group::Own => None,
        Group::Of(group) => Some(group),
    };
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
pub(crate) async fn run(mut process: Process, image: Image) -> Status {
    process.args = image.args;
    let outcome = match image.kind {
        ImageKind::Command(command) => (command.run)(&mut process).await,
        ImageKind::Script(text, dialect) => interp::run_script(process.again(process.args.clone()), dialect, text).await,
        ImageKind::Unknown => {
            pretend(&process);
            Ok(0)
        }
    };
    let outcome = match (outcome, process.flush().await) {
        (Ok(_), Err(stop)) => Err(stop),
        (outcome, _) => outcome,
    };
    match outcome {
        Ok(code) => Status::Exited(code),
        Err(stop) => stop.status(),
    }
}

/// A program that was brought here goes to the background, as malware does: a process is there, and does nothing.
fn pretend(process: &Process) {
    let Ok(child) = fork(process, process.args.clone(), Group::Own) else { return };
    let task = child.task.clone();
    let session = child.session.clone();
    task.set_daemon();
    session.start(
        task,
        Box::pin(async move {
            // Its descriptors are closed, or a pipe it was given would never end.
            let mut child = child;
            child.descriptors = crate::Descriptors::default();
            child.sleep(Duration::from_secs(UNKNOWN_SECONDS)).await;
            Status::Exited(0)
        }),
    );
}
