//! `ps` and `pidof`: what runs.

use super::accounts::Accounts;
use super::options::{Spec, parse};
use super::time::strftime;
use crate::Listing;
use crate::command::{Outcome, Process, STDOUT};

/// What `ps` was asked for.
struct Request {
    /// Everybody's processes.
    all: bool,
    /// Also those without a terminal.
    detached: bool,
    columns: Vec<(String, Option<String>)>,
    header: bool,
    wide: bool,
    sort: Option<String>,
    pids: Vec<u32>,
    users: Vec<Vec<u8>>,
    commands: Vec<Vec<u8>>,
}

const USER: &[&str] = &["user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "time", "command"];
const FULL: &[&str] = &["uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];
const PLAIN: &[&str] = &["pid", "tty", "time", "comm"];
const BSD: &[&str] = &["pid", "tty", "stat", "time", "command"];

pub(super) async fn ps(process: &mut Process) -> Outcome {
    // Reading all of /proc takes a real ps some milliseconds, in which its neighbours in a pipeline have become what they are.
    process.sleep(std::time::Duration::from_millis(4)).await;
    if process.busybox() {
        return busybox(process).await;
    }
    let request = match request(process) {
        Ok(request) => request,
        Err(message) => {
            process.err(format!("error: {message}\n\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\nFor more details see ps(1).\n")).await?;
            return Ok(1);
        }
    };
    let accounts = Accounts::read(process);
    let mine = process.machine().process(process.task.pid).map_or_else(|| "?".to_owned(), |listing| listing.tty);
    let uid = process.credentials.uid;
    let mut chosen: Vec<Listing> = process.machine().processes();
    let selective = !request.pids.is_empty() || !request.users.is_empty() || !request.commands.is_empty();
    chosen.retain(|l| {
        if selective {
            return request.pids.contains(&l.pid)
                || request.users.contains(&accounts.user_name(l.uid))
                || request.commands.contains(&l.comm);
        }
        match (request.all, request.detached) {
            (true, true) => true,
            (true, false) => l.tty != "?",
            (false, true) => l.uid == uid,
            (false, false) => l.tty == mine && l.uid == uid,
        }
    });
    if let Some(key) = &request.sort {
        let (key, down) = key.strip_prefix('-').map_or((key.trim_start_matches('+'), false), |key| (key, true));
        chosen.sort_by_key(|l| match key {
            "%cpu" | "pcpu" | "cpu" | "time" => l.cpu.as_millis() as u64,
            "%mem" | "pmem" | "rss" => l.rss_kb,
            "vsz" => l.vsz_kb,
            _ => u64::from(l.pid),
        });
        if down {
            chosen.reverse();
        }
    }
    let status = u8::from(chosen.is_empty());
    let columns: Vec<Column> = request.columns.iter().map(|(name, title)| column(name, title.as_deref())).collect();
    let limit = if request.wide || !process.is_terminal(STDOUT) { usize::MAX } else { 80 };
    let mut lines = Vec::new();
    if request.header && columns.iter().any(|column| !column.title.is_empty()) {
        lines.push(row(&columns, |column| column.title.as_bytes().to_vec()));
    }
    let view = View { process, accounts: &accounts };
    for listing in &chosen {
        lines.push(row(&columns, |column| view.cell(&column.name, listing)));
    }
    for mut line in lines {
        line.truncate(limit);
        line.push(b'\n');
        process.out(line).await?;
    }
    Ok(status)
}

fn request(process: &Process) -> Result<Request, String> {
    let mut request = Request {
        all: false,
        detached: false,
        columns: Vec::new(),
        header: true,
        wide: false,
        sort: None,
        pids: Vec::new(),
        users: Vec::new(),
        commands: Vec::new(),
    };
    let mut base = PLAIN;
    let mut args = process.operands().iter();
    let list =
        |text: &[u8]| -> Vec<Vec<u8>> { text.split(|b| matches!(b, b',' | b' ')).filter(|p| !p.is_empty()).map(<[u8]>::to_vec).collect() };
    while let Some(arg) = args.next() {
        let text = String::from_utf8_lossy(arg).into_owned();
        if let Some(long) = text.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
            let mut value =
                || value.clone().or_else(|| args.next().map(|arg| String::from_utf8_lossy(arg).into_owned())).unwrap_or_default();
            match name {
                "sort" => request.sort = Some(value()),
                "no-headers" | "no-heading" | "noheader" => request.header = false,
                "forest" | "headers" | "cols" | "width" => {}
                "pid" => {
                    request.pids.extend(list(value().as_bytes()).iter().filter_map(|p| std::str::from_utf8(p).ok()?.parse::<u32>().ok()))
                }
                "user" | "User" => request.users.extend(list(value().as_bytes())),
                "ppid" | "format" => {
                    let value = value();
                    formats(&value, &mut request.columns);
                }
                _ => return Err("unknown gnu long option".to_owned()),
            }
            continue;
        }
        let (dashed, letters) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None if text.bytes().all(|b| b.is_ascii_digit()) => {
                request.pids.extend(text.parse::<u32>());
                continue;
            }
            None => (false, &text[..]),
        };
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            let last = rest.is_empty() && args.len() == 0;
            let mut value = || {
                if rest.is_empty() {
                    args.next().map(|arg| String::from_utf8_lossy(arg).into_owned()).unwrap_or_default()
                } else {
                    rest.to_owned()
                }
            };
            match (letter, dashed) {
                ('e' | 'A', true) => (request.all, request.detached) = (true, true),
                ('a', true) => request.all = true,
                ('a', false) => {
                    request.all = true;
                    base = if base == PLAIN { BSD } else { base };
                }
                ('x', _) => {
                    request.detached = true;
                    base = if base == PLAIN { BSD } else { base };
                }
                ('u', false) => base = USER,
                ('f' | 'F', true) => base = FULL,
                ('l', _) => base = FULL,
                ('w', _) => request.wide = true,
                ('h', _) => request.header = false,
                ('o' | 'O', _) => {
                    let value = value();
                    formats(&value, &mut request.columns);
                    break;
                }
                ('p', _) | ('q', true) => {
                    request.pids.extend(list(value().as_bytes()).iter().filter_map(|p| std::str::from_utf8(p).ok()?.parse::<u32>().ok()));
                    break;
                }
                ('u' | 'U', true) | ('U', false) => {
                    // `ps -u` without a name is `ps u` of old, and `ps -aux` is `ps aux`.
                    if rest.starts_with('x') || last {
                        base = USER;
                        continue;
                    }
                    request.users.extend(list(value().as_bytes()));
                    break;
                }
                ('C', true) => {
                    request.commands.extend(list(value().as_bytes()));
                    break;
                }
                ('c' | 'e' | 'f' | 'r' | 'T' | 'H' | 'L' | 'j' | 'm' | 's' | 't' | 'g' | 'y' | 'n' | 'S' | 'v' | 'X' | 'Z' | 'k', _) => {}
                _ if dashed => return Err("unsupported SysV option".to_owned()),
                _ => return Err("garbage option".to_owned()),
            }
        }
    }
    if request.columns.is_empty() {
        request.columns = base.iter().map(|name| ((*name).to_owned(), None)).collect();
    }
    Ok(request)
}

fn formats(text: &str, columns: &mut Vec<(String, Option<String>)>) {
    // A title after `=` reaches to the end of the argument.
    let (names, title) = text.split_once('=').map_or((text, None), |(names, title)| (names, Some(title.to_owned())));
    for name in names.split([',', ' ']).filter(|name| !name.is_empty()) {
        columns.push((name.to_ascii_lowercase(), None));
    }
    if let (Some(title), Some(last)) = (title, columns.last_mut()) {
        last.1 = Some(title);
    }
}

struct Column {
    name: String,
    title: String,
    width: usize,
    right: bool,
}

fn column(name: &str, title: Option<&str>) -> Column {
    let (heading, width, right) = match name {
        "user" | "euser" | "ruser" => ("USER", 8, false),
        "uid" => ("UID", 8, false),
        "pid" => ("PID", 7, true),
        "ppid" => ("PPID", 7, true),
        "pgid" | "pgrp" => ("PGID", 7, true),
        "%cpu" | "pcpu" => ("%CPU", 4, true),
        "%mem" | "pmem" => ("%MEM", 4, true),
        "c" => ("C", 2, true),
        "vsz" => ("VSZ", 6, true),
        "rss" => ("RSS", 5, true),
        "tty" | "tt" | "tname" => ("TTY", 8, false),
        "stat" | "state" | "s" => ("STAT", 4, false),
        "start" | "start_time" | "bsdstart" => ("START", 5, true),
        "stime" => ("STIME", 5, true),
        "lstart" => ("STARTED", 24, false),
        "etime" => ("ELAPSED", 11, true),
        "etimes" => ("ELAPSED", 7, true),
        "time" | "cputime" => ("TIME", 8, true),
        "ni" | "nice" => ("NI", 3, true),
        "comm" | "ucmd" => ("CMD", 15, false),
        "cmd" => ("CMD", 27, false),
        "args" | "command" => ("COMMAND", 27, false),
        other => (other, 6, true),
    };
    let heading = match (name, title) {
        (_, Some(title)) => title.to_owned(),
        ("comm", None) => "CMD".to_owned(),
        _ => heading.to_ascii_uppercase(),
    };
    Column { name: name.to_owned(), width: if name == "comm" { 15 } else { width.max(heading.len()) }, title: heading, right }
}

fn row(columns: &[Column], cell: impl Fn(&Column) -> Vec<u8>) -> Vec<u8> {
    let mut line = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let text = cell(column);
        let gap = column.width.saturating_sub(String::from_utf8_lossy(&text).chars().count());
        if index > 0 {
            line.push(b' ');
        }
        if column.right {
            line.resize(line.len() + gap, b' ');
        }
        line.extend_from_slice(&text);
        if !column.right && index + 1 < columns.len() {
            line.resize(line.len() + gap, b' ');
        }
    }
    line
}

struct View<'a> {
    process: &'a Process,
    accounts: &'a Accounts,
}

impl View<'_> {
    fn cell(&self, name: &str, l: &Listing) -> Vec<u8> {
        let machine = self.process.machine();
        let now = machine.now();
        let age = now.since(l.started).as_secs();
        let memory_kb = machine.host().persona().host.memory.total_kb.max(1);
        let cpu = l.cpu.as_secs();
        match name {
            "user" | "euser" | "ruser" | "uid" => {
                let name = self.accounts.user_name(l.uid);
                // Longer names end in `+`.
                if name.len() > 8 { [&name[..7], b"+"].concat() } else { name }
            }
            "pid" => l.pid.to_string().into_bytes(),
            "ppid" => l.ppid.to_string().into_bytes(),
            "pgid" | "pgrp" => l.group.to_string().into_bytes(),
            "%cpu" | "pcpu" => format!("{:.1}", l.cpu.as_secs_f64() * 100.0 / age.max(1) as f64).into_bytes(),
            "%mem" | "pmem" => format!("{:.1}", (l.rss_kb * 1000 / memory_kb) as f64 / 10.0).into_bytes(),
            "c" => (cpu * 100 / age.max(1)).min(99).to_string().into_bytes(),
            "vsz" => l.vsz_kb.to_string().into_bytes(),
            "rss" => l.rss_kb.to_string().into_bytes(),
            "tty" | "tt" | "tname" => l.tty.clone().into_bytes(),
            "stat" => l.stat.clone().into_bytes(),
            "state" | "s" => l.stat.chars().take(1).collect::<String>().into_bytes(),
            "start" | "stime" | "start_time" | "bsdstart" => {
                let format = if age < 86_400 {
                    "%H:%M"
                } else if age < 300 * 86_400 {
                    "%b%d"
                } else {
                    "%Y"
                };
                strftime(format, l.started).into_bytes()
            }
            "lstart" => strftime("%a %b %e %H:%M:%S %Y", l.started).into_bytes(),
            "etimes" => age.to_string().into_bytes(),
            "etime" => {
                let (days, hours, minutes, seconds) = (age / 86_400, age / 3600 % 24, age / 60 % 60, age % 60);
                match (days, hours) {
                    (0, 0) => format!("{minutes:02}:{seconds:02}"),
                    (0, _) => format!("{hours:02}:{minutes:02}:{seconds:02}"),
                    _ => format!("{days}-{hours:02}:{minutes:02}:{seconds:02}"),
                }
                .into_bytes()
            }
            "time" | "cputime" => {
                // BSD's formats count minutes, POSIX's hours.
                let bsd = self.process.operands().first().is_some_and(|arg| !arg.starts_with(b"-"));
                if bsd {
                    format!("{}:{:02}", cpu / 60, cpu % 60)
                } else {
                    format!("{:02}:{:02}:{:02}", cpu / 3600, cpu / 60 % 60, cpu % 60)
                }
                .into_bytes()
            }
            "ni" | "nice" => if l.stat.contains('<') {
                "-20"
            } else if l.stat.contains('N') {
                "5"
            } else {
                "0"
            }
            .into(),
            "comm" | "ucmd" => l.comm.clone(),
            "cmd" | "args" | "command" => l.command(),
            _ => b"-".to_vec(),
        }
    }
}

/// BusyBox's `ps`: every process, five columns.
async fn busybox(process: &mut Process) -> Outcome {
    const PS: Spec = Spec { short: "o:TwaxuefAlZ", long: &[], usage: "[-o COL1,COL2=HEADER] [-T]\n\nShow list of processes", error: 1 };
    let arguments: Vec<Vec<u8>> = process.operands().iter().filter(|arg| arg.starts_with(b"-")).cloned().collect();
    let given = super::options::parse_args(process, &PS, arguments).await?;
    let accounts = Accounts::read(process);
    let wide = given.has('w') || !process.is_terminal(STDOUT);
    let mut lines = vec![b"  PID USER       VSZ STAT COMMAND".to_vec()];
    for l in process.machine().processes() {
        let user = String::from_utf8_lossy(&accounts.user_name(l.uid)).into_owned();
        let stat: String = l.stat.chars().take(3).collect();
        let vsz = if l.vsz_kb == 0 { 0 } else { l.vsz_kb };
        lines.push([format!("{:>5} {user:<8} {vsz:>5} {stat:<4} ", l.pid).as_bytes(), &l.command()].concat());
    }
    for mut line in lines {
        line.truncate(if wide { usize::MAX } else { 79 });
        line.push(b'\n');
        process.out(line).await?;
    }
    Ok(0)
}

pub(super) async fn pidof(process: &mut Process) -> Outcome {
    const PIDOF: Spec = Spec { short: "scxo:q", long: &[], usage: "[options] [program-name [...]]", error: 1 };
    let given = parse(process, &PIDOF).await?;
    let mut found: Vec<String> = Vec::new();
    for name in &given.operands {
        let wanted = crate::fs::base_name(name);
        let own = process.task.pid;
        let mut pids: Vec<u32> = process
            .machine()
            .processes()
            .iter()
            .filter(|l| l.pid != own && !l.is_kernel() && crate::fs::base_name(&l.exe) == wanted)
            .map(|l| l.pid)
            .collect();
        pids.reverse();
        found.extend(pids.into_iter().take(if given.has('s') { 1 } else { usize::MAX }).map(|pid| pid.to_string()));
    }
    if found.is_empty() {
        return Ok(1);
    }
    process.out(found.join(" ") + "\n").await?;
    Ok(0)
}
