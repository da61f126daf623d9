//! Programs that run programs: `busybox`, `env`, `nohup`, `timeout`, `nice`, `setsid`, `time`, `watch`, `chroot`.

use super::options::{BUSYBOX, Spec, Takes, parse, usage_error};
use super::source::quoted;
use crate::command::{self, Launch, Outcome, Process, STDIN, STDOUT};
use crate::{Environment, Errno, OpenFile, signal};
use std::sync::Arc;
use std::time::Duration;

/// `busybox APPLET`, and every link to it: the name it is called by is the applet.
pub(super) async fn busybox(process: &mut Process) -> Outcome {
    if process.name().starts_with(b"busybox") {
        if process.args.len() < 2 || process.args[1] == b"--help" {
            let text = listing(process);
            process.out(text).await?;
            return Ok(0);
        }
        if process.args[1].starts_with(b"--list") {
            let names = applets();
            process.out(names.join("\n") + "\n").await?;
            return Ok(0);
        }
        if process.args[1] == b"--install" {
            return Ok(0);
        }
        process.args.remove(0);
        process.task.set_args(process.args.clone().into());
    }
    let name = process.name().to_vec();
    let applet = command::find(&name, persona::Userland::Busybox).filter(|command| command.name != "busybox");
    match applet {
        Some(applet) if !NOT_APPLETS.contains(&applet.name) || process.busybox() => (applet.run)(process).await,
        _ => {
            process.err([&name[..], b": applet not found\n"].concat()).await?;
            Ok(127)
        }
    }
}

/// Commands of the BusyBox persona that are programs of their own.
const NOT_APPLETS: &[&str] = &["curl", "iptables", "dropbear"];

fn applets() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = crate::COMMANDS
        .iter()
        .filter(|command| command.on(persona::Userland::Busybox) && !NOT_APPLETS.contains(&command.name))
        .map(|command| command.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn listing(process: &Process) -> String {
    let version = if process.busybox() { BUSYBOX } else { "BusyBox v1.30.1 (Ubuntu 1:1.30.1-7ubuntu3) multi-call binary." };
    let mut text = format!(
        "{version}\nBusyBox is copyrighted by many authors between 1998-2015.\nLicensed under GPLv2. See source distribution for detailed\ncopyright notices.\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list[-full]\n   or: busybox --show SCRIPT\n   or: busybox --install [-s] [DIR]\n   or: function [arguments]...\n\n\tBusyBox is a multi-call binary that combines many common Unix\n\tutilities into a single executable.  Most people will create a\n\tlink to busybox for each function they wish to use and BusyBox\n\twill act like whatever it was invoked as.\n\nCurrently defined functions:\n"
    );
    let mut column = 8;
    text.push('\t');
    let names = applets();
    for (index, name) in names.iter().enumerate() {
        let comma = if index + 1 < names.len() { ", " } else { "" };
        if column + name.len() + comma.len() > 79 {
            text.push_str("\n\t");
            column = 8;
        }
        text.push_str(name);
        text.push_str(comma);
        column += name.len() + comma.len();
    }
    text.push('\n');
    text
}

/// What could not be run, in coreutils' words, and the status that goes with it.
async fn failed(process: &mut Process, program: &[u8], errno: Errno, verb: &str) -> Outcome {
    let message = if process.busybox() {
        [b"can't execute '", program, b"': ", errno.message().as_bytes()].concat()
    } else {
        [verb.as_bytes(), b"\xe2\x80\x98", program, b"\xe2\x80\x99: ", errno.message().as_bytes()].concat()
    };
    process.complain(message).await?;
    Ok(if errno == Errno::Enoent { 127 } else { 126 })
}

pub(super) async fn env(process: &mut Process) -> Outcome {
    const ENV: Spec = Spec {
        short: "+iu:0C:S:v",
        long: &[
            ("ignore-environment", 'i', Takes::Nothing),
            ("unset", 'u', Takes::Value),
            ("null", '0', Takes::Nothing),
            ("chdir", 'C', Takes::Value),
        ],
        usage: "[OPTION]... [-] [NAME=VALUE]... [COMMAND [ARG]...]\nSet each NAME to VALUE in the environment and run COMMAND.",
        error: 125,
    };
    let given = parse(process, &ENV).await?;
    let mut operands = given.operands.clone();
    let mut environment: Environment =
        if given.has('i') || operands.first().is_some_and(|arg| arg == b"-") { Environment::new() } else { (*process.environment).clone() };
    if operands.first().is_some_and(|arg| arg == b"-") {
        operands.remove(0);
    }
    for (_, name) in given.all().filter(|(letter, _)| *letter == 'u') {
        environment.remove(name);
    }
    while let Some(at) = operands.first().and_then(|arg| arg.iter().position(|b| *b == b'=')) {
        let setting = operands.remove(0);
        environment.insert(setting[..at].to_vec(), setting[at + 1..].to_vec());
    }
    if operands.is_empty() {
        let end: &[u8] = if given.has('0') { b"\0" } else { b"\n" };
        for (name, value) in environment {
            process.out([&name[..], b"=", &value, end].concat()).await?;
        }
        return Ok(0);
    }
    let program = operands[0].clone();
    let launch = Launch { environment: Some(Arc::new(environment)), ..Launch::new(operands) };
    match process.launch(launch).await {
        Ok(task) => Ok(process.wait(&task).await.code()),
        Err(errno) => failed(process, &program, errno, "").await,
    }
}

pub(super) async fn printenv(process: &mut Process) -> Outcome {
    let names = process.operands().to_vec();
    let environment = process.environment.clone();
    if names.is_empty() {
        for (name, value) in environment.iter() {
            process.out([&name[..], b"=", value, b"\n"].concat()).await?;
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in names {
        match environment.get(&name) {
            Some(value) => process.out([&value[..], b"\n"].concat()).await?,
            None => status = 1,
        }
    }
    Ok(status)
}

pub(super) async fn nohup(process: &mut Process) -> Outcome {
    const NOHUP: Spec = Spec { short: "+", long: &[], usage: "COMMAND [ARG]...\nRun COMMAND, ignoring hangup signals.", error: 125 };
    let given = parse(process, &NOHUP).await?;
    let Some(program) = given.operands.first().cloned() else { return Err(usage_error(process, &NOHUP, "missing operand").await?) };
    let mut descriptors = Vec::new();
    if process.is_terminal(STDOUT) {
        let name = b"nohup.out";
        let files = process.files();
        let options = crate::OpenOptions { read: false, write: true, create: true, truncate: false, exclusive: false, mode: 0o600 };
        if let Ok(node) = files.open(name, options) {
            descriptors.push((STDOUT, Arc::new(OpenFile::file(node, name, false, true, true))));
        }
        process.err("nohup: ignoring input and appending output to 'nohup.out'\n").await?;
    } else if process.is_terminal(STDIN) {
        process.err("nohup: ignoring input\n").await?;
    }
    let launch = Launch { descriptors, ignored: vec![signal::HUP], ..Launch::new(given.operands) };
    match process.launch(launch).await {
        Ok(task) => Ok(process.wait(&task).await.code()),
        Err(errno) => {
            let message = [b"failed to run command ", &quoted(&program)[..], b": ", errno.message().as_bytes()].concat();
            process.complain(message).await?;
            Ok(if errno == Errno::Enoent { 127 } else { 126 })
        }
    }
}

/// A duration as `sleep` and `timeout` read it: `1.5`, `2m`, `1d`.
pub(super) fn duration(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    let (digits, factor) = match text.chars().last()? {
        's' => (&text[..text.len() - 1], 1.0),
        'm' => (&text[..text.len() - 1], 60.0),
        'h' => (&text[..text.len() - 1], 3600.0),
        'd' => (&text[..text.len() - 1], 86_400.0),
        _ => (text, 1.0),
    };
    if matches!(digits, "inf" | "infinity") {
        return Some(Duration::from_secs(u64::from(u32::MAX)));
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let seconds = digits.parse::<f64>().ok()? * factor;
    Duration::try_from_secs_f64(seconds.min(f64::from(u32::MAX))).ok()
}

pub(super) async fn timeout(process: &mut Process) -> Outcome {
    const TIMEOUT: Spec = Spec {
        short: "+k:s:vt:",
        long: &[
            ("kill-after", 'k', Takes::Value),
            ("signal", 's', Takes::Value),
            ("preserve-status", '\u{1}', Takes::Nothing),
            ("foreground", '\u{2}', Takes::Nothing),
        ],
        usage: "[OPTION] DURATION COMMAND [ARG]...\nStart COMMAND, and kill it if still running after DURATION.",
        error: 125,
    };
    let given = parse(process, &TIMEOUT).await?;
    let mut operands = given.operands.clone();
    let text = match given.value('t') {
        Some(text) => text.to_vec(),
        None if operands.is_empty() => return Err(usage_error(process, &TIMEOUT, "missing operand").await?),
        None => operands.remove(0),
    };
    let Some(limit) = duration(&text) else {
        let message = [b"invalid time interval \xe2\x80\x98", &text[..], b"\xe2\x80\x99"].concat();
        return Err(usage_error(process, &TIMEOUT, message).await?);
    };
    let Some(program) = operands.first().cloned() else { return Err(usage_error(process, &TIMEOUT, "missing operand").await?) };
    let task = match process.launch(Launch::new(operands)).await {
        Ok(task) => task,
        Err(errno) => return failed(process, &program, errno, "failed to run command ").await,
    };
    let limit = if limit.is_zero() { Duration::from_secs(u64::from(u32::MAX)) } else { limit };
    match tokio::time::timeout(limit, process.wait(&task)).await {
        Ok(status) => Ok(status.code()),
        Err(_) => {
            let number = given.value('s').and_then(super::kill::signal_number).unwrap_or(signal::TERM);
            task.signal(number);
            let status = match tokio::time::timeout(Duration::from_secs(2), process.wait(&task)).await {
                Ok(status) => status,
                Err(_) => {
                    task.signal(signal::KILL);
                    process.wait(&task).await
                }
            };
            Ok(match number {
                _ if given.has('\u{1}') => status.code(),
                signal::KILL => 137,
                _ if process.busybox() => 143,
                _ => 124,
            })
        }
    }
}

/// `nice`, `ionice`, `setsid`, `stdbuf`, `chroot`: options, then a command that runs as if they did not matter.
pub(super) async fn prefix(process: &mut Process) -> Outcome {
    let (short, skip): (&'static str, usize) = match process.name() {
        b"nice" => ("+n:0123456789", 0),
        b"ionice" => ("+c:n:tp:", 0),
        b"stdbuf" => ("+i:o:e:", 0),
        b"chroot" => ("+", 1),
        b"taskset" => ("+acp", 1),
        _ => ("+cfw", 0),
    };
    let spec = Spec {
        short,
        long: &[("adjustment", 'n', Takes::Value), ("wait", 'w', Takes::Nothing)],
        usage: "[OPTION] [COMMAND [ARG]...]",
        error: 125,
    };
    let given = parse(process, &spec).await?;
    let operands = given.operands.get(skip..).unwrap_or_default().to_vec();
    let Some(program) = operands.first().cloned() else {
        if process.name() == b"nice" {
            process.out("0\n").await?;
            return Ok(0);
        }
        return Err(usage_error(process, &spec, "missing operand").await?);
    };
    if process.name() == b"chroot"
        && let Some(root) = given.operands.first()
        && let Err(errno) = process.files().list(root)
    {
        let message = if process.busybox() {
            [b"can't change root directory to '", &root[..], b"': ", errno.message().as_bytes()].concat()
        } else {
            [b"cannot change root directory to ", &quoted(root)[..], b": ", errno.message().as_bytes()].concat()
        };
        process.complain(message).await?;
        return Ok(125);
    }
    let detaches = process.name() == b"setsid";
    match process.launch(Launch { own_group: detaches, ..Launch::new(operands) }).await {
        Ok(_) if detaches && !given.has('w') && process.task.pid == process.task.group => Ok(0),
        Ok(task) => Ok(process.wait(&task).await.code()),
        Err(errno) => failed(process, &program, errno, "").await,
    }
}

pub(super) async fn time(process: &mut Process) -> Outcome {
    let operands: Vec<Vec<u8>> = process.operands().iter().skip_while(|arg| arg.starts_with(b"-")).cloned().collect();
    let Some(program) = operands.first().cloned() else { return Ok(0) };
    let begun = process.now();
    let status = match process.run(operands).await {
        Ok(status) => status.code(),
        Err(errno) => return failed(process, &program, errno, "").await,
    };
    let seconds = process.now().since(begun).as_secs_f64();
    process.err(format!("real\t{}m {seconds:.2}s\nuser\t0m 0.00s\nsys\t0m 0.00s\n", (seconds / 60.0) as u64)).await?;
    Ok(status)
}

/// The shell of accounts nobody logs in to.
pub(super) async fn nologin(process: &mut Process) -> Outcome {
    process.out("This account is currently not available.\n").await?;
    Ok(1)
}
