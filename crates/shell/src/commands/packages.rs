//! `apt`, `apt-get`, `dpkg`, `python3`, `perl`: packages and interpreters.

use super::options::{Spec, Takes, parse, parse_args};
use crate::command::{Outcome, Process};
use std::time::Duration;

pub(super) async fn apt(process: &mut Process) -> Outcome {
    const APT: Spec = Spec {
        short: "yqdsfmuo:t:c:hV",
        long: &[
            ("yes", 'y', Takes::Nothing),
            ("assume-yes", 'y', Takes::Nothing),
            ("quiet", 'q', Takes::Nothing),
            ("no-install-recommends", '\u{1}', Takes::Nothing),
            ("force-yes", '\u{1}', Takes::Nothing),
            ("reinstall", '\u{1}', Takes::Nothing),
            ("upgradable", '\u{2}', Takes::Nothing),
            ("installed", '\u{2}', Takes::Nothing),
            ("allow-unauthenticated", '\u{1}', Takes::Nothing),
            ("fix-missing", '\u{1}', Takes::Nothing),
            ("fix-broken", '\u{1}', Takes::Nothing),
            ("purge", '\u{1}', Takes::Nothing),
        ],
        usage: "[options] command",
        error: 100,
    };
    let given = parse(process, &APT).await?;
    let words: Vec<String> = given.operands.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let tool = String::from_utf8_lossy(process.name()).into_owned();
    let root = process.credentials.uid == 0;
    if tool == "apt" {
        process.err("\nWARNING: apt does not have a stable CLI interface. Use with caution in scripts.\n\n").await?;
    }
    let Some(verb) = words.first().map(String::as_str) else {
        process.out(format!("{tool} 2.4.12 (amd64)\nUsage: {tool} [options] command\n")).await?;
        return Ok(if tool == "apt" { 0 } else { 1 });
    };
    let changes = matches!(verb, "install" | "remove" | "purge" | "update" | "upgrade" | "dist-upgrade" | "full-upgrade" | "autoremove");
    if changes && !root {
        let lock = if verb == "update" { "/var/lib/apt/lists/lock" } else { "/var/lib/dpkg/lock-frontend" };
        process
            .err(format!(
                "E: Could not open lock file {lock} - open (13: Permission denied)\nE: Unable to {}, are you root?\n",
                if verb == "update" {
                    "lock directory /var/lib/apt/lists/".to_owned()
                } else {
                    format!("acquire the dpkg frontend lock ({lock})")
                }
            ))
            .await?;
        return Ok(100);
    }
    match verb {
        "update" => {
            for (at, suite) in ["jammy", "jammy-updates", "jammy-backports", "jammy-security"].iter().enumerate() {
                process.sleep(Duration::from_millis(180)).await;
                process.out(format!("Hit:{} http://archive.ubuntu.com/ubuntu {suite} InRelease\n", at + 1)).await?;
                process.flush().await?;
            }
            process.sleep(Duration::from_millis(900)).await;
            process.out("Reading package lists... Done\n").await?;
            if tool == "apt" {
                process.out("Building dependency tree... Done\nReading state information... Done\nAll packages are up to date.\n").await?;
            }
            Ok(0)
        }
        "upgrade" | "dist-upgrade" | "full-upgrade" | "autoremove" => {
            process.out("Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\nCalculating upgrade... Done\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n").await?;
            Ok(0)
        }
        "install" | "remove" | "purge" => {
            process.out("Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n").await?;
            process.flush().await?;
            process.sleep(Duration::from_millis(600)).await;
            let mut missing = false;
            for name in &words[1..] {
                let there =
                    ["/usr/bin", "/usr/sbin"].iter().any(|folder| process.files().stat(format!("{folder}/{name}").as_bytes()).is_ok());
                if verb == "install" && there {
                    process.out(format!("{name} is already the newest version.\n")).await?;
                } else if verb == "install" {
                    process.err(format!("E: Unable to locate package {name}\n")).await?;
                    missing = true;
                } else if !there {
                    process.out(format!("Package '{name}' is not installed, so not removed\n")).await?;
                }
            }
            if missing {
                return Ok(100);
            }
            process.out("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n").await?;
            Ok(0)
        }
        "list" => {
            process.err("Listing... Done\n").await?;
            Ok(0)
        }
        "clean" | "autoclean" | "show" | "search" | "policy" => Ok(0),
        other => {
            process.err(format!("E: Invalid operation {other}\n")).await?;
            Ok(100)
        }
    }
}

pub(super) async fn dpkg(process: &mut Process) -> Outcome {
    let words: Vec<String> = process.operands().iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    match words.first().map(String::as_str) {
        Some("-l" | "--list") => {
            process.out("Desired=Unknown/Install/Remove/Purge/Hold\n| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n||/ Name           Version                  Architecture Description\n+++-==============-========================-============-=================================\n").await?;
            for (name, version, description) in [
                ("apache2", "2.4.52-1ubuntu4.9", "Apache HTTP Server"),
                ("bash", "5.1-6ubuntu1.1", "GNU Bourne Again SHell"),
                ("coreutils", "8.32-4.1ubuntu1.2", "GNU core utilities"),
                ("curl", "7.81.0-1ubuntu1.16", "command line tool for transferring data with URL syntax"),
                ("mysql-server", "8.0.36-0ubuntu0.22.04.1", "MySQL database server"),
                ("openssh-server", "1:8.9p1-3ubuntu0.10", "secure shell (SSH) server"),
                ("php8.1", "8.1.2-1ubuntu2.17", "server-side, HTML-embedded scripting language"),
                ("wget", "1.21.2-2ubuntu1", "retrieves files from the web"),
            ] {
                if words.get(1).is_none_or(|wanted| name.contains(wanted.trim_matches('*'))) {
                    process.out(format!("ii  {name:<14} {version:<24} amd64        {description}\n")).await?;
                }
            }
            Ok(0)
        }
        Some("--print-architecture") => {
            process.out("amd64\n").await?;
            Ok(0)
        }
        Some("--version") => {
            process.out("Debian 'dpkg' package management program version 1.21.1 (amd64).\n").await?;
            Ok(0)
        }
        Some("-i" | "--install") => {
            let name = words.get(1).cloned().unwrap_or_default();
            process.err(format!("dpkg: error: cannot access archive '{name}': No such file or directory\n")).await?;
            Ok(2)
        }
        _ => {
            process
                .err("dpkg: error: need an action option\n\nType dpkg --help for help about installing and deinstalling packages [*];\n")
                .await?;
            Ok(2)
        }
    }
}

/// An interpreter that knows its version, prints what a one-line `print` of a constant would, and otherwise does nothing for a moment.
pub(super) async fn interpreter(process: &mut Process) -> Outcome {
    let name = String::from_utf8_lossy(process.name()).into_owned();
    let perl = name.starts_with("perl");
    let php = name.starts_with("php");
    let args = process.operands().to_vec();
    let flag = |wanted: &[&[u8]]| args.first().is_some_and(|arg| wanted.contains(&&arg[..]));
    if flag(&[b"--version", b"-V"]) || (flag(&[b"-v"]) && (perl || php)) {
        process.out(if perl { "\nThis is perl 5, version 34, subversion 0 (v5.34.0) built for x86_64-linux-gnu-thread-multi\n(with 60 registered patches, see perl -V for more detail)\n\nCopyright 1987-2021, Larry Wall\n\n" } else if php { "PHP 8.1.2-1ubuntu2.17 (cli) (built: May  1 2024 10:10:07) (NTS)\nCopyright (c) The PHP Group\nZend Engine v4.1.2, Copyright (c) Zend Technologies\n" } else { "Python 3.10.12\n" }).await?;
        return Ok(0);
    }
    const SCRIPT: Spec = Spec {
        short: "+c:e:r:E:m:uBsSIOqW:X:M:nplwi0F:",
        long: &[],
        usage: "[option] ... [-c cmd | -m mod | file | -] [arg] ...",
        error: 2,
    };
    let given = parse_args(process, &SCRIPT, args).await?;
    let inline =
        given.value('c').or_else(|| given.value('e')).or_else(|| given.value('r')).or_else(|| given.value('E')).map(<[u8]>::to_vec);
    let script = match (&inline, given.operands.first()) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) if path != b"-" => match process.files().read(path) {
            Ok(text) => text.to_vec(),
            Err(errno) => {
                let shown = String::from_utf8_lossy(path).into_owned();
                process
                    .err(if perl {
                        format!("Can't open perl script \"{shown}\": {errno}\n")
                    } else if php {
                        format!("Could not open input file: {shown}\n")
                    } else {
                        format!("python3: can't open file '{shown}': [Errno 2] {errno}\n")
                    })
                    .await?;
                return Ok(if php { 1 } else { 2 });
            }
        },
        _ => process.read_to_end(1 << 20).await?,
    };
    for statement in script.split(|b| matches!(b, b';' | b'\n')) {
        if let Some(text) = printed(statement) {
            process.out(text).await?;
            if !perl && !php {
                process.out("\n").await?;
            }
        }
    }
    process.flush().await?;
    process.sleep(Duration::from_millis(40)).await;
    Ok(0)
}

/// The constant that a `print` statement prints.
fn printed(statement: &[u8]) -> Option<Vec<u8>> {
    let rest = statement.trim_ascii();
    let rest = rest.strip_prefix(b"print").or_else(|| rest.strip_prefix(b"echo"))?.trim_ascii();
    let rest = rest.strip_prefix(b"(").and_then(|inner| inner.strip_suffix(b")")).unwrap_or(rest).trim_ascii();
    let quote = *rest.first().filter(|b| matches!(b, b'"' | b'\''))?;
    let inner = rest[1..].strip_suffix(&[quote])?;
    if inner.contains(&quote) {
        return None;
    }
    let mut out = Vec::new();
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => out.push(b'\n'),
                Some(b't') => out.push(b'\t'),
                other => out.extend(other),
            },
            byte => out.push(byte),
        }
    }
    Some(out)
}

/// `mysql`, `mysqldump` and `mysqladmin`: the server does not let in whom it does not know.
pub(super) async fn mysql(process: &mut Process) -> Outcome {
    let words: Vec<String> = process.operands().iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let tool = String::from_utf8_lossy(process.name()).into_owned();
    if words.iter().any(|word| word == "--version" || word == "-V") {
        process.out(format!("{tool}  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))\n")).await?;
        return Ok(0);
    }
    let value = |short: &str, long: &str| {
        let at = words.iter().position(|word| word.starts_with(short) || word.starts_with(long))?;
        let word = &words[at];
        let attached = word
            .strip_prefix(long)
            .map(|rest| rest.trim_start_matches('='))
            .unwrap_or_else(|| word.strip_prefix(short).unwrap_or_default());
        Some(if attached.is_empty() { words.get(at + 1).cloned().unwrap_or_default() } else { attached.to_owned() })
    };
    let user = value("-u", "--user").unwrap_or_else(|| "root".to_owned());
    let given = words.iter().find(|word| word.starts_with("-p") || word.starts_with("--password"));
    let inline = given.is_some_and(|word| word.len() > 2 && word != "--password");
    if inline {
        process.err(format!("{tool}: [Warning] Using a password on the command line interface can be insecure.\n")).await?;
    } else if given.is_some() {
        super::su::ask(process, "Enter password: ").await?;
    }
    process.sleep(Duration::from_millis(30)).await;
    let using = if given.is_some() { "YES" } else { "NO" };
    let denied = format!("Access denied for user '{user}'@'localhost' (using password: {using})");
    process
        .err(match &tool[..] {
            "mysqldump" => format!("mysqldump: Got error: 1045: {denied} when trying to connect\n"),
            "mysqladmin" => format!("mysqladmin: connect to server at 'localhost' failed\nerror: '{denied}'\n"),
            _ => format!("ERROR 1045 (28000): {denied}\n"),
        })
        .await?;
    Ok(if tool == "mysqldump" { 2 } else { 1 })
}
