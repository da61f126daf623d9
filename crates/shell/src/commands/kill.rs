//! `kill`, `killall`, `pkill` and `pgrep`.

use super::accounts::Accounts;
use super::options::{Spec, Takes, parse_args};
use super::pattern::{Syntax, compile};
use crate::command::{Outcome, Process, Stop};
use crate::{Errno, Listing, signal};

/// Signal names without `SIG`, by number from 1 (signal(7), x86 and ARM).
pub(super) const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD",
    "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR", "SYS",
];

/// A signal by number or name; 0 tests only.
pub(super) fn signal_number(text: &[u8]) -> Option<u8> {
    if let Some(number) = super::options::number(text) {
        return u8::try_from(number).ok().filter(|number| *number <= 64);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix(b"SIG").unwrap_or(&upper);
    SIGNALS.iter().position(|known| known.as_bytes() == name).map(|at| at as u8 + 1)
}

/// Sends a signal to a process of this session or ends one of the persona's.
pub(super) fn send(process: &Process, pid: u32, number: u8) -> Result<(), Errno> {
    let machine = process.machine();
    let target = machine.process(pid).ok_or(Errno::Esrch)?;
    let uid = process.credentials.uid;
    if uid != 0 && uid != target.uid {
        return Err(Errno::Eperm);
    }
    if let Some(task) = machine.task(pid) {
        if number > 0 {
            task.signal(number);
        }
        return Ok(());
    }
    // The kernel's threads and init take no signals; the login's own server ends with its session only.
    let deaf = target.is_kernel() || pid <= 2 || target.pid == machine.login_pid();
    if !deaf && matches!(number, signal::HUP | signal::INT | signal::QUIT | signal::KILL | signal::TERM | signal::SEGV | 6) {
        // `HUP` makes a daemon read its configuration again.
        if number != signal::HUP {
            machine.end_resident(pid);
        }
    }
    Ok(())
}

/// Splits a leading `-9`, `-KILL`, `-s TERM` off the arguments.
fn signal_argument(args: &[Vec<u8>]) -> (Option<Vec<u8>>, Vec<Vec<u8>>) {
    let mut rest = args.to_vec();
    let Some(at) = rest.iter().position(|arg| {
        let name = arg.strip_prefix(b"-").unwrap_or_default();
        matches!(name, b"s" | b"n" | b"-signal") || (!name.is_empty() && signal_number(name).is_some())
    }) else {
        return (None, rest);
    };
    let option = rest.remove(at);
    let name = option[1..].to_vec();
    if matches!(&name[..], b"s" | b"n" | b"-signal") && at < rest.len() { (Some(rest.remove(at)), rest) } else { (Some(name), rest) }
}

pub(super) async fn kill(process: &mut Process) -> Outcome {
    let args = process.operands().to_vec();
    if args.first().is_some_and(|arg| arg == b"-l" || arg == b"-L") {
        let names = SIGNALS.join(" ");
        process.out(names + "\n").await?;
        return Ok(0);
    }
    let (name, mut pids) = signal_argument(&args);
    pids.retain(|pid| pid != b"--");
    let number = match name.as_deref().map(signal_number) {
        None => signal::TERM,
        Some(Some(number)) => number,
        Some(None) => {
            let message = [b"unknown signal ", &name.unwrap_or_default()[..]].concat();
            process.complain(message).await?;
            return Ok(1);
        }
    };
    if pids.is_empty() {
        if process.busybox() {
            process.complain("you need to specify whom to kill").await?;
        } else {
            process.err("\nUsage:\n kill [options] <pid> [...]\n\nOptions:\n <pid> [...]            send signal to every <pid> listed\n -<signal>, -s, --signal <signal>\n                        specify the <signal> to be sent\n").await?;
        }
        return Ok(1);
    }
    let mut status = 0;
    for text in pids {
        let group = text.starts_with(b"-");
        let digits = text.strip_prefix(b"-").unwrap_or(&text);
        let Some(pid) = super::options::number(digits).and_then(|n| u32::try_from(n).ok()) else {
            let message = if process.busybox() {
                [b"invalid number '", &text[..], b"'"].concat()
            } else {
                [b"failed to parse argument: '", &text[..], b"'"].concat()
            };
            process.complain(message).await?;
            status = 1;
            continue;
        };
        let sent = if group {
            let found = process.machine().signal_group(pid, number);
            if found { Ok(()) } else { Err(Errno::Esrch) }
        } else {
            send(process, pid, number)
        };
        if let Err(errno) = sent {
            let message = if process.busybox() { format!("can't kill pid {pid}: {errno}") } else { format!("({pid}): {errno}") };
            if process.busybox() {
                process.complain(message).await?;
            } else {
                process.err(format!("kill: {message}\n")).await?;
            }
            status = 1;
        }
    }
    Ok(status)
}

pub(super) async fn killall(process: &mut Process) -> Outcome {
    const KILLALL: Spec = Spec {
        short: "egIiqrs:u:vVwy:o:l",
        long: &[("quiet", 'q', Takes::Nothing), ("exact", 'e', Takes::Nothing), ("wait", 'w', Takes::Nothing), ("user", 'u', Takes::Value)],
        usage: "[OPTION]... [--] NAME...\n       killall -l, --list\n       killall -V, --version",
        error: 1,
    };
    let (name, rest) = signal_argument(process.operands());
    let given = parse_args(process, &KILLALL, rest).await?;
    let number = name.as_deref().and_then(signal_number).unwrap_or(signal::TERM);
    if given.operands.is_empty() {
        process.err("Usage: killall [OPTION]... [--] NAME...\n       killall -l, --list\n       killall -V, --version\n").await?;
        return Ok(1);
    }
    let mut status = 0;
    for name in &given.operands {
        let own = process.task.pid;
        let found: Vec<Listing> = process.machine().processes().into_iter().filter(|l| l.pid != own && named(l, name)).collect();
        if found.is_empty() {
            status = 1;
            if !given.has('q') {
                let why = if process.busybox() { "no process killed" } else { "no process found" };
                let line = if process.busybox() {
                    [b"killall: ", &name[..], b": ", why.as_bytes(), b"\n"].concat()
                } else {
                    [&name[..], b": ", why.as_bytes(), b"\n"].concat()
                };
                process.err(line).await?;
            }
        }
        for listing in found {
            if let Err(errno) = send(process, listing.pid, number) {
                let line = [&name[..], format!("({}): {errno}\n", listing.pid).as_bytes()].concat();
                process.err(line).await?;
                status = 1;
            }
        }
    }
    Ok(status)
}

fn named(listing: &Listing, name: &[u8]) -> bool {
    let first = listing.cmdline.split(|b| *b == 0).next().unwrap_or_default();
    listing.comm == name[..name.len().min(15)]
        || (!listing.is_kernel() && crate::fs::base_name(first) == name)
        || (name.contains(&b'/') && listing.exe == name)
}

/// What `pkill` and `pgrep` select.
async fn select(process: &mut Process, rest: Vec<Vec<u8>>) -> Result<Result<(Vec<Listing>, bool, bool, Vec<u8>), u8>, Stop> {
    const PGREP: Spec = Spec {
        short: "acd:efF:g:G:ilLno:P:qs:t:u:U:vwx",
        long: &[
            ("full", 'f', Takes::Nothing),
            ("exact", 'x', Takes::Nothing),
            ("euid", 'u', Takes::Value),
            ("parent", 'P', Takes::Value),
            ("list-name", 'l', Takes::Nothing),
            ("list-full", 'a', Takes::Nothing),
            ("count", 'c', Takes::Nothing),
            ("ignore-case", 'i', Takes::Nothing),
            ("newest", 'n', Takes::Nothing),
        ],
        usage: "[options] <pattern>",
        error: 2,
    };
    let given = parse_args(process, &PGREP, rest).await?;
    let user = given.value('u').or_else(|| given.value('U')).map(<[u8]>::to_vec);
    let Some(pattern) = given.operands.first() else {
        if user.is_none() && !given.has('P') && !given.has('t') {
            let name = String::from_utf8_lossy(process.name()).into_owned();
            process.err(format!("{name}: no matching criteria specified\nTry `{name} --help' for more information.\n")).await?;
            return Ok(Err(2));
        }
        let accounts = Accounts::read(process);
        let own = process.task.pid;
        let parent = given.value('P').and_then(super::options::number);
        let chosen = process.machine().processes().into_iter().filter(|l| {
            l.pid != own
                && user.as_ref().is_none_or(|user| accounts.user_name(l.uid) == *user)
                && parent.is_none_or(|parent| u64::from(l.ppid) == parent)
        });
        return Ok(Ok((chosen.collect(), given.has('l'), given.has('a'), given.value('d').unwrap_or(b"\n").to_vec())));
    };
    let text = if given.has('x') { [b"^(", &pattern[..], b")$"].concat() } else { pattern.clone() };
    let regex = match compile(&text, Syntax::Extended, given.has('i')) {
        Ok(regex) => regex,
        Err(message) => {
            process.complain(message).await?;
            return Ok(Err(2));
        }
    };
    let accounts = Accounts::read(process);
    let own = process.task.pid;
    let mut chosen: Vec<Listing> = process.machine().processes();
    chosen.retain(|l| {
        let subject = if given.has('f') && !l.is_kernel() { l.command() } else { l.comm.clone() };
        l.pid != own && regex.is_match(&subject) != given.has('v') && user.as_ref().is_none_or(|user| accounts.user_name(l.uid) == *user)
    });
    if given.has('n') {
        chosen = chosen.into_iter().max_by_key(|l| l.started).into_iter().collect();
    }
    if given.has('c') {
        process.out(format!("{}\n", chosen.len())).await?;
        return Ok(Err(u8::from(chosen.is_empty())));
    }
    Ok(Ok((chosen, given.has('l'), given.has('a'), given.value('d').unwrap_or(b"\n").to_vec())))
}

pub(super) async fn pkill(process: &mut Process) -> Outcome {
    let (name, rest) = signal_argument(process.operands());
    let number = name.as_deref().and_then(signal_number).unwrap_or(signal::TERM);
    let (chosen, ..) = match select(process, rest).await? {
        Ok(chosen) => chosen,
        Err(status) => return Ok(status),
    };
    let mut status = u8::from(chosen.is_empty());
    for listing in chosen {
        if let Err(errno) = send(process, listing.pid, number) {
            process.complain(format!("killing pid {} failed: {errno}", listing.pid)).await?;
            status = 1;
        }
    }
    Ok(status)
}

pub(super) async fn pgrep(process: &mut Process) -> Outcome {
    let rest = process.operands().to_vec();
    let (chosen, names, full, delimiter) = match select(process, rest).await? {
        Ok(chosen) => chosen,
        Err(status) => return Ok(status),
    };
    let rows: Vec<Vec<u8>> = chosen
        .iter()
        .map(|l| {
            let pid = l.pid.to_string().into_bytes();
            if full {
                [&pid[..], b" ", &l.command()].concat()
            } else if names {
                [&pid[..], b" ", &l.comm].concat()
            } else {
                pid
            }
        })
        .collect();
    if !rows.is_empty() {
        process.out([&rows.join(&delimiter[..])[..], b"\n"].concat()).await?;
    }
    Ok(u8::from(rows.is_empty()))
}
