//! `jobs`, `fg`, `bg`, `wait`, `kill`, `disown`, `times`, `umask`, `ulimit`.

use super::number;
use super::trap::{NAMES, signal_number};
use crate::Errno;
use crate::interp::{Ran, Shell};
use crate::parse::Dialect;
use crate::task::{Status, Task, signal};
use std::sync::Arc;

/// Where in the list of jobs `%1`, `%%`, `%-`, `%name` is.
fn find(shell: &Shell, text: &[u8]) -> Option<usize> {
    let jobs = &shell.jobs;
    let spec = text.strip_prefix(b"%").unwrap_or(text);
    match spec {
        b"" | b"%" | b"+" => jobs.len().checked_sub(1),
        b"-" => jobs.len().checked_sub(2).or_else(|| jobs.len().checked_sub(1)),
        spec => match number(spec) {
            Some(n) => jobs.iter().position(|job| i64::from(job.number) == n),
            None => match spec.strip_prefix(b"?") {
                Some(part) => jobs.iter().position(|job| job.text.windows(part.len().max(1)).any(|w| w == part)),
                None => jobs.iter().position(|job| job.text.starts_with(spec)),
            },
        },
    }
}

fn mark(shell: &Shell, at: usize) -> char {
    match shell.jobs.len() - at {
        1 => '+',
        2 => '-',
        _ => ' ',
    }
}

async fn no_such_job(shell: &mut Shell, name: &'static str, text: &[u8]) -> Ran {
    let bash = [text, b": no such job"].concat();
    let dash = [b"No such job: ", text].concat();
    let status = if shell.bash() { 1 } else { 2 };
    shell.refuse(name, &bash, &bash, dash, status).await
}

/// `jobs [-lpnrs] [JOB…]`
pub(super) async fn list(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut letters = Vec::new();
    let mut wanted = Vec::new();
    for arg in &args[1..] {
        match arg.strip_prefix(b"-").filter(|l| !l.is_empty()) {
            Some(more) => letters.extend_from_slice(more),
            None => match find(shell, arg).filter(|_| arg.starts_with(b"%")) {
                Some(at) => wanted.push(at),
                None => return no_such_job(shell, "jobs", arg).await,
            },
        }
    }
    let mut out = Vec::new();
    for (at, job) in shell.jobs.iter().enumerate() {
        let status = job.status();
        let hidden = (letters.contains(&b'r') && status != Status::Running)
            || (letters.contains(&b's') && !matches!(status, Status::Stopped(_)))
            || !(wanted.is_empty() || wanted.contains(&at));
        if hidden {
            continue;
        }
        let pid = job.tasks.first().map_or(0, |t| t.pid);
        if letters.contains(&b'p') {
            out.extend(format!("{pid}\n").into_bytes());
            continue;
        }
        let line = job.line(mark(shell, at));
        if letters.contains(&b'l') {
            let split = line.iter().position(|b| *b == b']').map_or(0, |at| at + 2);
            out.extend([&line[..split], format!(" {pid}").as_bytes(), &line[split + 1..]].concat());
        } else {
            out.extend(line);
        }
    }
    shell.process.out(out).await?;
    shell.jobs.retain(|job| !job.status().ended());
    Ok(0)
}

async fn chosen(shell: &mut Shell, args: &[Vec<u8>], name: &'static str) -> Result<Result<usize, u8>, crate::interp::Flow> {
    if !shell.options.on("monitor") && shell.bash() {
        shell.complain_as(name, "no job control").await?;
        return Ok(Err(1));
    }
    match args.get(1) {
        None => match shell.jobs.len().checked_sub(1) {
            Some(at) => Ok(Ok(at)),
            None => {
                let status = if shell.bash() { 1 } else { 2 };
                shell.refuse(name, "current: no such job", "No current job", "No current job", status).await?;
                Ok(Err(status))
            }
        },
        Some(text) => match find(shell, text) {
            Some(at) => Ok(Ok(at)),
            None => {
                let text = text.clone();
                no_such_job(shell, name, &text).await.map(Err)
            }
        },
    }
}

/// `fg [JOB]`
pub(super) async fn foreground(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let at = match chosen(shell, &args, "fg").await? {
        Ok(at) => at,
        Err(status) => return Ok(status),
    };
    let job = shell.jobs.remove(at);
    shell.process.out([&job.text[..], b"\n"].concat()).await?;
    shell.process.flush().await?;
    for task in &job.tasks {
        task.signal(signal::CONT);
    }
    shell.wait_foreground(&job.tasks).await
}

/// `bg [JOB]`
pub(super) async fn background(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let at = match chosen(shell, &args, "bg").await? {
        Ok(at) => at,
        Err(status) => return Ok(status),
    };
    for task in &shell.jobs[at].tasks {
        task.signal(signal::CONT);
    }
    let line = [format!("[{}]{} ", shell.jobs[at].number, mark(shell, at)).as_bytes(), &shell.jobs[at].text, b" &\n"].concat();
    shell.process.out(line).await?;
    Ok(0)
}

/// `disown [-ahr] [JOB…]`
pub(super) async fn disown(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let all = args.iter().any(|a| a == b"-a" || a == b"-r");
    let at = if all { None } else { args[1..].iter().find(|a| !a.starts_with(b"-")).map(|a| find(shell, a)) };
    match at {
        Some(None) => return no_such_job(shell, "disown", &args[args.len() - 1].clone()).await,
        Some(Some(at)) => drop(shell.jobs.remove(at)),
        None if all => shell.jobs.clear(),
        None => drop(shell.jobs.pop()),
    }
    Ok(0)
}

/// `wait [-fn] [ID…]`
pub(super) async fn wait(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let ids: Vec<&Vec<u8>> = args[1..].iter().filter(|a| !a.starts_with(b"-")).collect();
    if args.iter().any(|a| a == b"-n") {
        let tasks: Vec<Arc<Task>> = shell.jobs.iter().filter_map(|job| job.tasks.last().cloned()).collect();
        if tasks.is_empty() {
            return Ok(127);
        }
        return Ok(match shell.wait_any(&tasks).await {
            Some(n) => {
                shell.jobs.retain(|job| job.tasks.last().is_none_or(|t| t.pid != tasks[n].pid));
                tasks[n].status().code()
            }
            None => 130,
        });
    }
    if ids.is_empty() {
        let tasks: Vec<Arc<Task>> = shell.jobs.iter().flat_map(|job| job.tasks.clone()).collect();
        for task in tasks {
            if shell.wait_any(std::slice::from_ref(&task)).await.is_none() {
                shell.handle_signals().await?;
                return Ok(130);
            }
        }
        shell.jobs.retain(|job| !job.status().ended());
        return Ok(0);
    }
    let mut status = 0;
    for id in ids {
        let job = if id.starts_with(b"%") {
            find(shell, id).and_then(|at| shell.jobs.get(at))
        } else {
            shell.jobs.iter().find(|job| job.tasks.iter().any(|t| Some(i64::from(t.pid)) == number(id)))
        };
        let Some(task) = job.and_then(|job| job.tasks.last().cloned()) else {
            if shell.bash() {
                let text = match number(id) {
                    Some(pid) => format!("pid {pid} is not a child of this shell").into_bytes(),
                    None => [b"`", &id[..], b"': not a pid or valid job spec"].concat(),
                };
                shell.complain_as("wait", text).await?;
            }
            status = 127;
            continue;
        };
        status = match shell.wait_any(std::slice::from_ref(&task)).await {
            Some(_) => task.status().code(),
            None => {
                shell.handle_signals().await?;
                130
            }
        };
    }
    Ok(status)
}

/// The signals, as `kill -l` and `trap -l` list them.
pub(super) fn signal_table() -> String {
    let mut out = String::new();
    let real_time = (34..=64).map(|n| match n {
        34 => "RTMIN".to_owned(),
        35..=49 => format!("RTMIN+{}", n - 34),
        64 => "RTMAX".to_owned(),
        n => format!("RTMAX-{}", 64 - n),
    });
    let named = NAMES.iter().map(|name| (*name).to_owned()).enumerate().map(|(n, name)| (n + 1, name));
    let all: Vec<(usize, String)> = named.chain((34..=64).zip(real_time)).collect();
    for (at, (n, name)) in all.iter().enumerate() {
        out += &format!("{n:2}) SIG{name}");
        out.push(if at % 5 == 4 || at + 1 == all.len() { '\n' } else { '\t' });
    }
    out
}

/// `kill [-s SIGNAL | -SIGNAL] PID | JOB …`, `kill -l`
pub(super) async fn kill(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut number_to_send = signal::TERM;
    let mut rest = &args[1..];
    match rest.first().map(Vec::as_slice) {
        Some(b"-l" | b"-L") => return list_signals(shell, &rest[1..]).await,
        Some(b"-s" | b"-n") => {
            let name = rest.get(1).cloned().unwrap_or_default();
            match signal_number(&name).filter(|n| *n <= 64) {
                Some(n) => number_to_send = n,
                None => return bad_signal(shell, &name).await,
            }
            rest = rest.get(2..).unwrap_or_default();
        }
        Some(b"--") => rest = &rest[1..],
        Some(option) if option.len() > 1 && option.starts_with(b"-") => {
            let name = option[1..].to_vec();
            match signal_number(&name).filter(|n| *n <= 64) {
                Some(n) => number_to_send = n,
                None => return bad_signal(shell, &name).await,
            }
            rest = &rest[1..];
        }
        _ => {}
    }
    if rest.first().is_some_and(|a| a == b"--") {
        rest = &rest[1..];
    }
    if rest.is_empty() {
        match shell.dialect {
            Dialect::Bash => {
                let usage = "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n";
                shell.process.err(usage).await?;
                return Ok(2);
            }
            Dialect::Ash => {
                let outer = shell.builtin.take();
                shell.complain("you need to specify whom to kill").await?;
                shell.builtin = outer;
                return Ok(1);
            }
            Dialect::Dash => {
                shell.complain_as("kill", "Usage: kill [-s sigspec | -signum | -sigspec] [pid | job]... or\nkill -l [exitstatus]").await?;
                return Ok(2);
            }
        }
    }
    let mut status = 0;
    for target in rest {
        status |= kill_one(shell, target, number_to_send).await?;
    }
    // A signal to oneself is acted on before the next command.
    tokio::task::yield_now().await;
    Ok(status)
}

async fn bad_signal(shell: &mut Shell, name: &[u8]) -> Ran {
    let bash = [name, b": invalid signal specification"].concat();
    let ash = [b"bad signal name '", name, b"'"].concat();
    let dash = [b"invalid signal number or name: ", name].concat();
    shell.refuse("kill", bash, ash, dash, 1).await
}

async fn kill_one(shell: &mut Shell, target: &[u8], sent: u8) -> Ran {
    if target.starts_with(b"%") {
        let Some(at) = find(shell, target) else { return no_such_job(shell, "kill", target).await };
        for task in &shell.jobs[at].tasks {
            task.signal(sent);
            if matches!(shell.jobs[at].status(), Status::Stopped(_)) {
                task.signal(signal::CONT);
            }
        }
        return Ok(0);
    }
    let Some(pid) = number(target) else {
        let bash = [target, b": arguments must be process or job IDs"].concat();
        let ash = [b"invalid number '", target, b"'"].concat();
        let dash = [b"Illegal number: ", target].concat();
        return shell.refuse("kill", bash, ash, dash, 1).await;
    };
    let sent_to = send(shell, pid, sent);
    let Err(errno) = sent_to else { return Ok(0) };
    let text = errno.message();
    match shell.dialect {
        Dialect::Bash => shell.complain_as("kill", format!("({pid}) - {text}")).await?,
        Dialect::Ash => {
            let outer = shell.builtin.take();
            shell.complain(format!("can't kill pid {pid}: {text}")).await?;
            shell.builtin = outer;
        }
        Dialect::Dash => shell.complain_as("kill", format!("{text}\n")).await?,
    }
    Ok(1)
}

fn send(shell: &Shell, pid: i64, sent: u8) -> Result<(), Errno> {
    let machine = shell.process.machine();
    let uid = shell.process.credentials.uid;
    if pid <= 0 {
        // 0 is the own group, -n the group n, -1 everyone.
        let group = if pid == 0 { shell.process.task.group } else { u32::try_from(-pid).map_err(|_| Errno::Esrch)? };
        if group == 1 {
            for listing in machine.processes() {
                if listing.pid != shell.process.task.pid && listing.pid != 1 {
                    let _ = machine.kill(listing.pid, sent, uid);
                }
            }
            return Ok(());
        }
        return if machine.signal_group(group, sent) { Ok(()) } else { Err(Errno::Esrch) };
    }
    machine.kill(u32::try_from(pid).map_err(|_| Errno::Esrch)?, sent, uid)
}

async fn list_signals(shell: &mut Shell, names: &[Vec<u8>]) -> Ran {
    if names.is_empty() {
        let table = if shell.bash() {
            signal_table()
        } else {
            NAMES
                .iter()
                .enumerate()
                .map(|(n, name)| if shell.dialect == Dialect::Ash { format!("{:2}) {name}\n", n + 1) } else { format!("{name}\n") })
                .collect()
        };
        shell.process.out(table).await?;
        return Ok(0);
    }
    for name in names {
        let text = match number(name) {
            Some(n) => usize::try_from(n % 128).ok().and_then(|n| NAMES.get(n.checked_sub(1)?)).map(|name| (*name).to_owned()),
            None => signal_number(name).map(|n| n.to_string()),
        };
        match text {
            Some(text) => shell.process.out(format!("{text}\n")).await?,
            None => return bad_signal(shell, name).await,
        }
    }
    Ok(0)
}

/// `times`
pub(super) async fn times(shell: &mut Shell, _: Vec<Vec<u8>>) -> Ran {
    shell.process.out("0m0.003s 0m0.001s\n0m0.002s 0m0.003s\n").await?;
    Ok(0)
}

/// `umask [-pS] [MODE]`
pub(super) async fn mask(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let umask = shell.process.umask;
    let symbolic = args.iter().any(|a| a == b"-S");
    let prints = args.iter().any(|a| a == b"-p");
    let Some(text) = args[1..].iter().find(|a| !a.starts_with(b"-")) else {
        let shown = if symbolic {
            let class = |shift: u32| {
                let bits = !umask >> shift;
                [(4, 'r'), (2, 'w'), (1, 'x')].iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| *letter).collect::<String>()
            };
            format!("u={},g={},o={}", class(6), class(3), class(0))
        } else {
            format!("{umask:04o}")
        };
        shell.process.out(format!("{}{shown}\n", if prints { "umask " } else { "" })).await?;
        return Ok(0);
    };
    if text.first().is_some_and(u8::is_ascii_digit) {
        let Some(value) = std::str::from_utf8(text).ok().and_then(|t| u32::from_str_radix(t, 8).ok()).filter(|v| *v <= 0o777) else {
            let bash = [&text[..], b": octal number out of range"].concat();
            let ash = [b"illegal mode: ", &text[..]].concat();
            let dash = [b"Illegal number: ", &text[..]].concat();
            let status = if shell.bash() { 1 } else { 2 };
            let status = shell.refuse("umask", bash, ash, dash, status).await?;
            return shell.fatal_in_ash(status);
        };
        shell.process.umask = value;
        return Ok(0);
    }
    let mut allowed = !umask & 0o777;
    for clause in text.split(|b| *b == b',') {
        let Some(at) = clause.iter().position(|b| b"+-=".contains(b)) else {
            let bash = [b"`", &text[..1], b"': invalid symbolic mode operator"].concat();
            let ash = [b"illegal mode: ", &text[..]].concat();
            return shell.refuse("umask", bash, &ash, &ash, 1).await;
        };
        let (who, what) = (&clause[..at], &clause[at + 1..]);
        let bits = what.iter().fold(0, |bits, b| {
            bits | match b {
                b'r' => 4,
                b'w' => 2,
                b'x' => 1,
                _ => 0,
            }
        });
        for (letter, shift) in [(b'u', 6), (b'g', 3), (b'o', 0)] {
            if !(who.is_empty() || who.contains(&b'a') || who.contains(&letter)) {
                continue;
            }
            match clause[at] {
                b'+' => allowed |= bits << shift,
                b'-' => allowed &= !(bits << shift),
                _ => allowed = (allowed & !(7 << shift)) | bits << shift,
            }
        }
    }
    shell.process.umask = !allowed & 0o777;
    Ok(0)
}

/// What `ulimit -a` lists: letter, description, unit, value.
const LIMITS: [(u8, &str, &str, &str); 16] = [
    (b'R', "real-time non-blocking time", "microseconds", "unlimited"),
    (b'c', "core file size", "blocks", "0"),
    (b'd', "data seg size", "kbytes", "unlimited"),
    (b'e', "scheduling priority", "", "0"),
    (b'f', "file size", "blocks", "unlimited"),
    (b'i', "pending signals", "", "7643"),
    (b'l', "max locked memory", "kbytes", "252592"),
    (b'm', "max memory size", "kbytes", "unlimited"),
    (b'n', "open files", "", "1024"),
    (b'p', "pipe size", "512 bytes", "8"),
    (b'q', "POSIX message queues", "bytes", "819200"),
    (b'r', "real-time priority", "", "0"),
    (b's', "stack size", "kbytes", "8192"),
    (b't', "cpu time", "seconds", "unlimited"),
    (b'u', "max user processes", "", "7643"),
    (b'v', "virtual memory", "kbytes", "unlimited"),
];

/// `ulimit [-HSa] [-LETTER [VALUE]]`; what is set is taken and changes nothing.
pub(super) async fn limits(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut letters: Vec<u8> =
        args[1..].iter().filter_map(|a| a.strip_prefix(b"-")).flatten().copied().filter(|b| !b"HS".contains(b)).collect();
    if args[1..].iter().any(|a| !a.starts_with(b"-")) {
        return Ok(0);
    }
    if letters.contains(&b'a') {
        let mut out = String::new();
        for (letter, name, unit, value) in LIMITS {
            let unit = if unit.is_empty() { format!("(-{})", letter as char) } else { format!("({unit}, -{})", letter as char) };
            out += &format!("{name:<24}{unit:>20} {value}\n");
        }
        shell.process.out(out).await?;
        return Ok(0);
    }
    if letters.is_empty() {
        letters.push(b'f');
    }
    for letter in letters {
        match LIMITS.iter().find(|(known, ..)| *known == letter) {
            Some((.., value)) => shell.process.out(format!("{value}\n")).await?,
            None => {
                let option = [b'-', letter];
                let bash = [&option[..], b": invalid option"].concat();
                let status = shell
                    .refuse("ulimit", bash, [b"illegal option ", &option[..]].concat(), [b"Illegal option ", &option[..]].concat(), 2)
                    .await?;
                if shell.bash() {
                    shell.process.err("ulimit: usage: ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]\n").await?;
                }
                return Ok(status);
            }
        }
    }
    Ok(0)
}
