//! `id`, `whoami`, `groups`, `logname`, `users`, `tty`, `who`, `w`, `uptime`, `last`, `lastlog`: who is who.

use super::accounts::Accounts;
use super::options::{Spec, Takes, parse};
use super::time::strftime;
use crate::command::{Outcome, Process, STDIN};
use model::Timestamp;
use std::time::Duration;

const ID: Spec = Spec {
    short: "agGnruzZ",
    long: &[
        ("group", 'g', Takes::Nothing),
        ("groups", 'G', Takes::Nothing),
        ("name", 'n', Takes::Nothing),
        ("real", 'r', Takes::Nothing),
        ("user", 'u', Takes::Nothing),
    ],
    usage: "[OPTION]... [USER]...\nPrint user and group information for each specified USER,\nor (when USER omitted) for the current user.",
    error: 1,
};

pub(super) async fn id(process: &mut Process) -> Outcome {
    let given = parse(process, &ID).await?;
    let accounts = Accounts::read(process);
    let (uid, gid, others) = match given.operands.first() {
        None => (process.credentials.uid, process.credentials.gid, process.credentials.groups.to_vec()),
        Some(name) => match accounts.user(name) {
            Some(user) => (user.uid, user.gid, accounts.supplementary(user)),
            None => {
                let message = if process.busybox() {
                    [b"unknown user ", &name[..]].concat()
                } else {
                    [b"\xe2\x80\x98", &name[..], b"\xe2\x80\x99: no such user"].concat()
                };
                process.complain(message).await?;
                return Ok(1);
            }
        },
    };
    let mut groups = vec![gid];
    groups.extend(others.into_iter().filter(|other| *other != gid));
    let text = |value: String| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let user_name = String::from_utf8_lossy(&accounts.user_name(uid)).into_owned();
    let group_name = |gid: u32| String::from_utf8_lossy(&accounts.group_name(gid)).into_owned();
    let named = |id: u32, name: &str| if name == id.to_string() { id.to_string() } else { format!("{id}({name})") };
    let line = if given.has('u') {
        if given.has('n') { user_name } else { uid.to_string() }
    } else if given.has('g') {
        if given.has('n') { group_name(gid) } else { gid.to_string() }
    } else if given.has('G') {
        groups.iter().map(|gid| if given.has('n') { group_name(*gid) } else { gid.to_string() }).collect::<Vec<_>>().join(" ")
    } else {
        let list: Vec<String> = groups.iter().map(|gid| named(*gid, &group_name(*gid))).collect();
        format!("uid={} gid={} groups={}", named(uid, &user_name), named(gid, &group_name(gid)), list.join(","))
    };
    process.out(text(line) + "\n").await?;
    Ok(0)
}

pub(super) async fn whoami(process: &mut Process) -> Outcome {
    let name = Accounts::read(process).user_name(process.credentials.uid);
    process.out([&name[..], b"\n"].concat()).await?;
    Ok(0)
}

pub(super) async fn groups(process: &mut Process) -> Outcome {
    let accounts = Accounts::read(process);
    let names = process.operands().to_vec();
    if names.is_empty() {
        let mut ids = vec![process.credentials.gid];
        ids.extend(process.credentials.groups.iter().copied().filter(|gid| *gid != process.credentials.gid));
        let list: Vec<Vec<u8>> = ids.into_iter().map(|gid| accounts.group_name(gid)).collect();
        process.out([&list.join(&b' ')[..], b"\n"].concat()).await?;
        return Ok(0);
    }
    let mut status = 0;
    for name in names {
        let Some(user) = accounts.user(&name) else {
            process.complain([b"\xe2\x80\x98", &name[..], b"\xe2\x80\x99: no such user"].concat()).await?;
            status = 1;
            continue;
        };
        let ids = std::iter::once(user.gid).chain(accounts.supplementary(user));
        let list: Vec<Vec<u8>> = ids.map(|gid| accounts.group_name(gid)).collect();
        process.out([&name[..], b" : ", &list.join(&b' '), b"\n"].concat()).await?;
    }
    Ok(status)
}

pub(super) async fn logname(process: &mut Process) -> Outcome {
    let name = process.machine().account().name.clone();
    process.out(name + "\n").await?;
    Ok(0)
}

pub(super) async fn tty(process: &mut Process) -> Outcome {
    let terminal = process.is_terminal(STDIN);
    process.out(if terminal { "/dev/pts/0\n" } else { "not a tty\n" }).await?;
    Ok(u8::from(!terminal))
}

/// `1:12`, `3 days,  4:05` or `12 min`, as procps prints an uptime.
fn up(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    if hours > 0 { format!("{days}{hours:2}:{minutes:02}") } else { format!("{days}{minutes} min") }
}

/// The first line of `uptime`, `w` and `top`.
pub(super) fn uptime_line(process: &Process) -> String {
    let machine = process.machine();
    let facts = machine.facts();
    let [one, five, fifteen] = facts.load();
    let users = u32::from(machine.tasks().iter().any(|task| task.terminal));
    let plural = if users == 1 { "user" } else { "users" };
    format!(
        " {} up {},  {users} {plural},  load average: {one:.2}, {five:.2}, {fifteen:.2}",
        strftime("%H:%M:%S", facts.now()),
        up(facts.uptime_seconds() as u64)
    )
}

pub(super) async fn uptime(process: &mut Process) -> Outcome {
    const UPTIME: Spec =
        Spec { short: "phsV", long: &[("pretty", 'p', Takes::Nothing), ("since", 's', Takes::Nothing)], usage: "[options]", error: 1 };
    let given = parse(process, &UPTIME).await?;
    let machine = process.machine().clone();
    if given.has('s') {
        process.out(strftime("%Y-%m-%d %H:%M:%S\n", machine.host().instance().booted)).await?;
    } else if given.has('p') {
        let seconds = machine.facts().uptime_seconds() as u64;
        let units = [(604_800, "week", u64::MAX), (86_400, "day", 7), (3600, "hour", 24), (60, "minute", 60)];
        let parts: Vec<String> = units
            .into_iter()
            .map(|(length, name, modulus)| (seconds / length % modulus, name))
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| if count == 1 { format!("{count} {name}") } else { format!("{count} {name}s") })
            .collect();
        process.out(format!("up {}\n", parts.join(", "))).await?;
    } else {
        let line = uptime_line(process);
        process.out(line + "\n").await?;
    }
    Ok(0)
}

/// Whether the attacker has a terminal, and so shows in `who`.
fn present(process: &Process) -> bool {
    process.machine().tasks().iter().any(|task| task.terminal)
}

pub(super) async fn who(process: &mut Process) -> Outcome {
    const WHO: Spec = Spec {
        short: "abdHlmpqrstTuw",
        long: &[
            ("all", 'a', Takes::Nothing),
            ("boot", 'b', Takes::Nothing),
            ("heading", 'H', Takes::Nothing),
            ("count", 'q', Takes::Nothing),
        ],
        usage: "[OPTION]... [ FILE | ARG1 ARG2 ]\nPrint information about users who are currently logged in.",
        error: 1,
    };
    let given = parse(process, &WHO).await?;
    let machine = process.machine().clone();
    if given.has('H') {
        process.out("NAME     LINE         TIME             COMMENT\n").await?;
    }
    if given.has('b') || given.has('a') {
        process.out(strftime("         system boot  %Y-%m-%d %H:%M\n", machine.host().instance().booted)).await?;
    }
    if given.has('q') {
        let name = &machine.account().name;
        process.out(if present(process) { format!("{name}\n# users=1\n") } else { "# users=0\n".to_owned() }).await?;
    } else if present(process) && !given.has('b') {
        let login = machine.login();
        let since = strftime("%Y-%m-%d %H:%M", login.now);
        process.out(format!("{:<8} pts/0        {since} ({})\n", machine.account().name, login.peer.ip())).await?;
    }
    Ok(0)
}

pub(super) async fn users(process: &mut Process) -> Outcome {
    if present(process) {
        let name = process.machine().account().name.clone();
        process.out(name + "\n").await?;
    }
    Ok(0)
}

pub(super) async fn w(process: &mut Process) -> Outcome {
    const W: Spec = Spec {
        short: "hsfoiuV",
        long: &[("no-header", 'h', Takes::Nothing), ("short", 's', Takes::Nothing), ("from", 'f', Takes::Nothing)],
        usage: "[options]",
        error: 1,
    };
    let given = parse(process, &W).await?;
    if !given.has('h') {
        let line = uptime_line(process);
        process.out(line + "\nUSER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n").await?;
    }
    if present(process) {
        let machine = process.machine().clone();
        let login = machine.login();
        let what = String::from_utf8_lossy(&process.args.join(&b' ')).into_owned();
        let row = format!(
            "{:<8} pts/0    {:<16} {}    0.00s  0.03s  0.00s {what}\n",
            machine.account().name,
            login.peer.ip(),
            strftime("%H:%M", login.now)
        );
        process.out(row).await?;
    }
    Ok(0)
}

/// Earlier logins of the host's people: for `last` and `lastlog`. Times are seconds before the attacker came.
const EARLIER: &[(&str, u64, u64)] =
    &[("root", 88_412, 1_930), ("ubuntu", 341_720, 611), ("root", 700_066, 4_204), ("deploy", 901_380, 122)];

pub(super) async fn last(process: &mut Process) -> Outcome {
    let machine = process.machine().clone();
    let login = machine.login();
    let booted = machine.host().instance().booted;
    let mut lines = Vec::new();
    if present(process) {
        lines.push(format!(
            "{:<8} pts/0        {:<16} {}   still logged in",
            machine.account().name,
            login.peer.ip(),
            strftime("%a %b %e %H:%M", login.now)
        ));
    }
    let home = crate::fs::spread(machine.host().instance().seed, 51);
    let from = format!("198.51.100.{}", 2 + home % 250);
    let users = &machine.host().persona().host.users;
    for (name, ago, length) in EARLIER.iter().filter(|(name, ..)| users.iter().any(|user| user.name == *name)) {
        let start = Timestamp(login.now.0 - (*ago * 1_000_000) as i64);
        if start < booted {
            continue;
        }
        let end = start.plus(Duration::from_secs(*length));
        lines.push(format!(
            "{name:<8} pts/0        {from:<16} {} - {}  ({:02}:{:02})",
            strftime("%a %b %e %H:%M", start),
            strftime("%H:%M", end),
            length / 3600,
            length / 60 % 60
        ));
    }
    let release: String = machine.host().persona().host.kernel.release.chars().take(16).collect();
    lines.push(format!("reboot   system boot  {release:<16} {}   still running", strftime("%a %b %e %H:%M", booted)));
    let count =
        process.operands().iter().find_map(|arg| super::options::number(arg.strip_prefix(b"-n").or_else(|| arg.strip_prefix(b"-"))?));
    lines.truncate(count.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)));
    let begun = strftime("%a %b %e %H:%M:%S %Y", booted);
    process.out(lines.join("\n") + &format!("\n\nwtmp begins {begun}\n")).await?;
    Ok(0)
}

pub(super) async fn lastlog(process: &mut Process) -> Outcome {
    let machine = process.machine().clone();
    let now = machine.login().now;
    let from = format!("198.51.100.{}", 2 + crate::fs::spread(machine.host().instance().seed, 51) % 250);
    let only = process.operands().iter().skip_while(|arg| *arg != b"-u").nth(1).cloned();
    process.out("Username         Port     From             Latest\n").await?;
    for user in Accounts::read(process).users {
        if only.as_ref().is_some_and(|only| *only != user.name) {
            continue;
        }
        let name = String::from_utf8_lossy(&user.name).into_owned();
        let seen = if present(process) && name == machine.account().name {
            Some((now, machine.login().peer.ip().to_string()))
        } else {
            EARLIER
                .iter()
                .find(|(known, ..)| *known == name)
                .map(|(_, ago, _)| (Timestamp(now.0 - (*ago * 1_000_000) as i64), from.clone()))
        };
        let row = match seen {
            Some((time, from)) => format!("{name:<16} pts/0    {from:<16} {}\n", strftime("%a %b %e %H:%M:%S %z %Y", time)),
            None => format!("{name:<16}                            **Never logged in**\n"),
        };
        process.out(row).await?;
    }
    Ok(0)
}
