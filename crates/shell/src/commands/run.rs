//! Programs that run programs: `busybox`, `env`, `nohup`, `timeout`, `xargs`, `sudo`, `su`, `nice`, `setsid`, `time`, `watch`, `chroot`.

use super::accounts::Accounts;
use super::options::{BUSYBOX, Spec, Takes, number, parse, parse_args, usage_error};
use super::source::{Source, quoted};
use crate::command::{self, Launch, Outcome, Process, STDIN, STDOUT, Stop};
use crate::terminal::Mode;
use crate::{Credentials, Environment, Errno, OpenFile, Status, signal};
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

/// Arguments one `xargs` gives to one command, in bytes.
const ARGUMENT_BYTES_MAX: usize = 128 * 1024;

pub(super) async fn xargs(process: &mut Process) -> Outcome {
    const XARGS: Spec = Spec {
        short: "+0a:d:E:eI:iL:l:n:oP:prs:tx",
        long: &[
            ("null", '0', Takes::Nothing),
            ("arg-file", 'a', Takes::Value),
            ("delimiter", 'd', Takes::Value),
            ("replace", 'I', Takes::Optional),
            ("max-lines", 'L', Takes::Value),
            ("max-args", 'n', Takes::Value),
            ("max-procs", 'P', Takes::Value),
            ("no-run-if-empty", 'r', Takes::Nothing),
            ("verbose", 't', Takes::Nothing),
        ],
        usage: "[OPTION]... COMMAND [INITIAL-ARGS]...\nRun COMMAND with arguments INITIAL-ARGS and more arguments read from input.",
        error: 1,
    };
    let given = parse(process, &XARGS).await?;
    let mut source = match given.value('a') {
        None => Source::stdin(),
        Some(path) => match Source::open(process, path) {
            Ok(source) => source,
            Err(errno) => {
                let message = [b"Cannot open input file ", &quoted(path)[..], b": ", errno.message().as_bytes()].concat();
                process.complain(message).await?;
                return Ok(1);
            }
        },
    };
    let input = source.rest(process, super::source::WHOLE_BYTES_MAX).await?;
    let replace = given
        .value('I')
        .map(|text| if text.is_empty() { b"{}".to_vec() } else { text.to_vec() })
        .or_else(|| given.has('i').then(|| b"{}".to_vec()));
    let delimiter = if given.has('0') {
        Some(0)
    } else {
        given.value('d').map(|text| match text {
            b"\\n" => b'\n',
            b"\\t" => b'\t',
            b"\\0" => 0,
            text => text.first().copied().unwrap_or(b'\n'),
        })
    };
    let items: Vec<Vec<u8>> = match (delimiter, &replace) {
        (Some(delimiter), _) => {
            let input = input.strip_suffix(&[delimiter]).unwrap_or(&input);
            if input.is_empty() { Vec::new() } else { input.split(|b| *b == delimiter).map(<[u8]>::to_vec).collect() }
        }
        (None, Some(_)) => {
            input.split(|b| *b == b'\n').map(|line| line.trim_ascii_start().to_vec()).filter(|line| !line.is_empty()).collect()
        }
        (None, None) => match words(&input) {
            Ok(words) => words,
            Err(quote) => {
                process
                    .complain(format!("unmatched {quote} quote; by default quotes are special to xargs unless you use the -0 option"))
                    .await?;
                return Ok(1);
            }
        },
    };
    let command = if given.operands.is_empty() { vec![b"echo".to_vec()] } else { given.operands.clone() };
    let limit = |letter| given.value(letter).and_then(number).and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
    let mut lines: Vec<Vec<Vec<u8>>> = Vec::new();
    if let Some(mark) = &replace {
        for item in &items {
            lines.push(command.iter().map(|word| substitute(word, mark, item)).collect());
        }
    } else {
        let count_max = limit('n').or_else(|| limit('L')).unwrap_or(usize::MAX);
        let mut line = command.clone();
        let mut bytes = 0;
        for item in items {
            bytes += item.len() + 1;
            line.push(item);
            if line.len() - command.len() >= count_max || bytes > ARGUMENT_BYTES_MAX {
                lines.push(std::mem::replace(&mut line, command.clone()));
                bytes = 0;
            }
        }
        if line.len() > command.len()
            || (lines.is_empty() && !given.has('r') && !process.busybox())
            || (lines.is_empty() && process.busybox() && !given.has('r'))
        {
            lines.push(line);
        }
    }
    let mut status = 0;
    for line in lines {
        process.charge(1).await?;
        if given.has('t') {
            process.err([&line.join(&b' ')[..], b"\n"].concat()).await?;
        }
        let program = line[0].clone();
        // The commands must not eat what xargs reads.
        let nothing = Arc::new(OpenFile::bytes(Vec::new()));
        match process.launch(Launch { descriptors: vec![(STDIN, nothing)], ..Launch::new(line) }).await {
            Ok(task) => match process.wait(&task).await {
                Status::Exited(0) => {}
                Status::Exited(255) => {
                    process.complain([&program[..], b": exited with status 255; aborting"].concat()).await?;
                    return Ok(124);
                }
                Status::Exited(code) if process.busybox() => status = code,
                Status::Exited(_) => status = 123,
                _ => return Ok(125),
            },
            Err(errno) => {
                let message = if process.busybox() {
                    [b"", &program[..], b": ", errno.message().as_bytes()].concat()
                } else {
                    [&program[..], b": ", errno.message().as_bytes()].concat()
                };
                process.complain(message).await?;
                return Ok(if errno == Errno::Enoent { 127 } else { 126 });
            }
        }
    }
    Ok(status)
}

fn substitute(word: &[u8], mark: &[u8], item: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word;
    while let Some(at) = memchr::memmem::find(rest, mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(item);
        rest = &rest[at + mark.len()..];
        if out.len() > ARGUMENT_BYTES_MAX {
            break;
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Words of xargs's input: blanks separate, quotes and backslashes protect.
fn words(input: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = input.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' => words.extend(word.take()),
            b'\\' => word.get_or_insert_default().extend(bytes.next()),
            quote @ (b'\'' | b'"') => {
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next() {
                        Some(byte) if byte == quote => break,
                        Some(b'\n') | None => return Err(if *quote == b'"' { "double" } else { "single" }),
                        Some(byte) => word.push(*byte),
                    }
                }
            }
            other => word.get_or_insert_default().push(*other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The environment and permissions of another account.
fn become_user(process: &Process, name: &[u8], login: bool) -> Option<(Credentials, Arc<Environment>, Vec<u8>, Vec<u8>)> {
    let accounts = Accounts::read(process);
    let user =
        accounts.user(name).or_else(|| number(name.strip_prefix(b"#")?).and_then(|uid| accounts.by_uid(u32::try_from(uid).ok()?)))?;
    let credentials = Credentials { uid: user.uid, gid: user.gid, groups: accounts.supplementary(user).into() };
    let mut environment = if login { Environment::new() } else { (*process.environment).clone() };
    for (key, value) in [(&b"HOME"[..], &user.home), (b"USER", &user.name), (b"LOGNAME", &user.name), (b"SHELL", &user.shell)] {
        environment.insert(key.to_vec(), value.clone());
    }
    if login {
        if let Some(term) = process.variable(b"TERM") {
            environment.insert(b"TERM".to_vec(), term.to_vec());
        }
        environment.insert(b"PATH".to_vec(), b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_vec());
    }
    Some((credentials, Arc::new(environment), user.home.clone(), user.shell.clone()))
}

pub(super) async fn sudo(process: &mut Process) -> Outcome {
    const SUDO: Spec = Spec {
        short: "+ABbEeg:Hh:iKklnPp:r:SsT:t:U:u:Vv",
        long: &[
            ("user", 'u', Takes::Value),
            ("login", 'i', Takes::Nothing),
            ("shell", 's', Takes::Nothing),
            ("stdin", 'S', Takes::Nothing),
            ("non-interactive", 'n', Takes::Nothing),
            ("list", 'l', Takes::Nothing),
            ("preserve-env", 'E', Takes::Optional),
        ],
        usage: "-h | -K | -k | -V\nusage: sudo -v [-ABknS] [-g group] [-h host] [-p prompt] [-u user]\nusage: sudo -l [-ABknS] [-g group] [-h host] [-p prompt] [-U user] [-u user] [command]\nusage: sudo [-ABbEHknPS] [-r role] [-t type] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] [VAR=value] [-i|-s] [<command>]",
        error: 1,
    };
    let given = parse(process, &SUDO).await?;
    let uid = process.credentials.uid;
    let accounts = Accounts::read(process);
    let me = String::from_utf8_lossy(&accounts.user_name(uid)).into_owned();
    let host = String::from_utf8_lossy(&process.machine().hostname()).into_owned();
    let allowed = uid == 0 || process.credentials.groups.contains(&27);
    if given.has('V') {
        process.out("Sudo version 1.9.9\nSudoers policy plugin version 1.9.9\nSudoers file grammar version 48\nSudoers I/O plugin version 1.9.9\nSudoers audit plugin version 1.9.9\n").await?;
        return Ok(0);
    }
    if !allowed {
        if given.has('n') {
            process.complain("a password is required").await?;
            return Ok(1);
        }
        ask(process, &format!("[sudo] password for {me}: ")).await?;
        process.err(format!("{me} is not in the sudoers file.  This incident will be reported.\n")).await?;
        return Ok(1);
    }
    if given.has('l') {
        process.out(format!("Matching Defaults entries for {me} on {host}:\n    env_reset, mail_badpass, secure_path=/usr/local/sbin\\:/usr/local/bin\\:/usr/sbin\\:/usr/bin\\:/sbin\\:/bin\\:/snap/bin, use_pty\n\nUser {me} may run the following commands on {host}:\n    (ALL : ALL) ALL\n")).await?;
        return Ok(0);
    }
    if given.has('v') || given.has('k') || given.has('K') {
        return Ok(0);
    }
    let target = given.value('u').unwrap_or(b"root").to_vec();
    let Some((credentials, environment, home, shell)) = become_user(process, &target, given.has('i')) else {
        let message = [b"unknown user ", &target[..]].concat();
        process.complain(message).await?;
        process.complain("error initializing audit plugin sudoers_audit").await?;
        return Ok(1);
    };
    let mut environment = (*environment).clone();
    let mut operands = given.operands.clone();
    while let Some(at) = operands.first().and_then(|arg| arg.iter().position(|b| *b == b'=')) {
        let setting = operands.remove(0);
        environment.insert(setting[..at].to_vec(), setting[at + 1..].to_vec());
    }
    environment.insert(b"SUDO_USER".to_vec(), me.into_bytes());
    environment.insert(b"SUDO_UID".to_vec(), uid.to_string().into_bytes());
    let shelled = given.has('i') || given.has('s');
    if operands.is_empty() && !shelled {
        process.err("usage: sudo -h | -K | -k | -V\nusage: sudo -v [-ABknS] [-g group] [-h host] [-p prompt] [-u user]\nusage: sudo -l [-ABknS] [-g group] [-h host] [-p prompt] [-U user] [-u user] [command]\nusage: sudo [-ABbEHknPS] [-r role] [-t type] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] [VAR=value] [-i|-s] [<command>]\nusage: sudo -e [-ABknS] [-r role] [-t type] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] file ...\n").await?;
        return Ok(1);
    }
    if shelled {
        let line = operands.join(&b' ');
        operands = vec![shell];
        if !line.is_empty() {
            operands.extend([b"-c".to_vec(), line]);
        }
    }
    let program = operands[0].clone();
    let directory = given.has('i').then(|| home.as_slice().into());
    let launch = Launch { credentials: Some(credentials), environment: Some(Arc::new(environment)), directory, ..Launch::new(operands) };
    match process.launch(launch).await {
        Ok(task) => Ok(process.wait(&task).await.code()),
        Err(Errno::Enoent) => {
            let message = [&program[..], b": command not found"].concat();
            process.complain(message).await?;
            Ok(1)
        }
        Err(errno) => {
            let message = [b"unable to execute ", &program[..], b": ", errno.message().as_bytes()].concat();
            process.complain(message).await?;
            Ok(1)
        }
    }
}

/// Prompts for a password, on standard error, and reads a line without echo where there is a terminal.
pub(super) async fn ask(process: &mut Process, prompt: &str) -> Result<Vec<u8>, Stop> {
    process.err(prompt).await?;
    let terminal = process.descriptors.get(STDIN).and_then(|file| file.terminal().cloned());
    let mode = terminal.as_ref().map(|terminal| terminal.mode());
    if let (Some(terminal), Some(mode)) = (&terminal, mode) {
        terminal.set_mode(Mode { echo: false, ..mode });
    }
    let line = process.read_line().await;
    if let (Some(terminal), Some(mode)) = (&terminal, mode) {
        terminal.set_mode(mode);
        process.err("\n").await?;
    }
    Ok(line?.map(|line| super::source::chomp(&line).to_vec()).unwrap_or_default())
}

pub(super) async fn su(process: &mut Process) -> Outcome {
    const SU: Spec = Spec {
        short: "c:flmps:w:G:g:",
        long: &[
            ("command", 'c', Takes::Value),
            ("login", 'l', Takes::Nothing),
            ("shell", 's', Takes::Value),
            ("preserve-environment", 'p', Takes::Nothing),
        ],
        usage: "[options] [-] [<user> [<argument>...]]",
        error: 1,
    };
    let args = process.operands().to_vec();
    let dash = args.iter().any(|arg| arg == b"-");
    let rest: Vec<Vec<u8>> = args.into_iter().filter(|arg| arg != b"-").collect();
    let given = parse_args(process, &SU, rest).await?;
    let login = dash || given.has('l');
    let name = given.operands.first().cloned().unwrap_or_else(|| b"root".to_vec());
    let Some((credentials, environment, home, shell)) = become_user(process, &name, login) else {
        let message = if process.busybox() {
            [b"unknown user ", &name[..]].concat()
        } else {
            [b"user ", &name[..], b" does not exist or the user entry does not contain all the required fields"].concat()
        };
        process.complain(message).await?;
        return Ok(1);
    };
    if process.credentials.uid != 0 {
        ask(process, "Password: ").await?;
        process.sleep(Duration::from_secs(2)).await;
        process.complain(if process.busybox() { "incorrect password" } else { "Authentication failure" }).await?;
        return Ok(1);
    }
    if shell.ends_with(b"nologin") && !given.has('s') {
        process.out("This account is currently not available.\n").await?;
        return Ok(1);
    }
    let shell = given.value('s').map_or(shell, <[u8]>::to_vec);
    let mut operands = vec![shell];
    if let Some(line) = given.value('c') {
        operands.extend([b"-c".to_vec(), line.to_vec()]);
    } else if login {
        operands.push(b"-l".to_vec());
    }
    let directory = login.then(|| home.as_slice().into());
    match process
        .launch(Launch { credentials: Some(credentials), environment: Some(environment), directory, ..Launch::new(operands) })
        .await
    {
        Ok(task) => Ok(process.wait(&task).await.code()),
        Err(errno) => {
            process.complain(format!("failed to execute shell: {errno}")).await?;
            Ok(127)
        }
    }
}

/// The shell of accounts nobody logs in to.
pub(super) async fn nologin(process: &mut Process) -> Outcome {
    process.out("This account is currently not available.\n").await?;
    Ok(1)
}
