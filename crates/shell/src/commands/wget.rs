//! `wget`, GNU's and BusyBox's.

use super::fetch::{Url, body, record, seconds};
use super::options::{Given, Spec, Takes, parse};
use super::time::strftime;
use crate::command::{Outcome, Process, STDERR, Stop};
use std::time::Duration;

const SPEC: Spec = Spec {
    short: "+bcdFhi:kKl:LmNno:O:pP:qQ:rR:sSt:T:U:vVw:x:Y:4A:B:D:eEHI:X:a:",
    long: &[
        ("append-output", 'a', Takes::Value),
        ("background", 'b', Takes::Nothing),
        ("base", 'B', Takes::Value),
        ("continue", 'c', Takes::Nothing),
        ("connect-timeout", '\u{1}', Takes::Value),
        ("directory-prefix", 'P', Takes::Value),
        ("dns-timeout", '\u{1}', Takes::Value),
        ("header", '\u{2}', Takes::Value),
        ("http-user", '\u{1}', Takes::Value),
        ("http-password", '\u{1}', Takes::Value),
        ("http-passwd", '\u{1}', Takes::Value),
        ("input-file", 'i', Takes::Value),
        ("inet4-only", '4', Takes::Nothing),
        ("limit-rate", '\u{1}', Takes::Value),
        ("mirror", 'm', Takes::Nothing),
        ("no-cache", '\u{4}', Takes::Nothing),
        ("no-check-certificate", '\u{4}', Takes::Nothing),
        ("no-clobber", '\u{4}', Takes::Nothing),
        ("no-cookies", '\u{4}', Takes::Nothing),
        ("no-dns-cache", '\u{4}', Takes::Nothing),
        ("no-hsts", '\u{4}', Takes::Nothing),
        ("no-parent", '\u{4}', Takes::Nothing),
        ("no-passive-ftp", '\u{4}', Takes::Nothing),
        ("no-proxy", '\u{4}', Takes::Nothing),
        ("no-verbose", '\u{6}', Takes::Nothing),
        ("output-document", 'O', Takes::Value),
        ("output-file", 'o', Takes::Value),
        ("password", '\u{1}', Takes::Value),
        ("post-data", '\u{2}', Takes::Value),
        ("post-file", '\u{2}', Takes::Value),
        ("progress", '\u{1}', Takes::Value),
        ("quiet", 'q', Takes::Nothing),
        ("recursive", 'r', Takes::Nothing),
        ("referer", '\u{1}', Takes::Value),
        ("server-response", 'S', Takes::Nothing),
        ("show-progress", '\u{4}', Takes::Nothing),
        ("spider", '\u{5}', Takes::Nothing),
        ("timeout", 'T', Takes::Value),
        ("tries", 't', Takes::Value),
        ("user", '\u{1}', Takes::Value),
        ("user-agent", 'U', Takes::Value),
        ("wait", 'w', Takes::Value),
    ],
    usage: "[OPTION]... [URL]...",
    error: 2,
};

/// URLs fetched by one command.
const URLS_MAX: usize = 200;

pub(super) async fn run(process: &mut Process) -> Outcome {
    // GNU's `-nv`, `-nc`, `-nH` are two letters each.
    let mut quiet_output = false;
    let mut args = Vec::new();
    for arg in process.operands() {
        match &arg[..] {
            b"-nv" => quiet_output = true,
            b"-nc" | b"-nH" | b"-nd" | b"-np" => {}
            _ => args.push(arg.clone()),
        }
    }
    const ANYWHERE: Spec = Spec { short: "bcdFhi:kKl:LmNno:O:pP:qQ:rR:sSt:T:U:vVw:x:Y:4A:B:D:eEHI:X:a:", ..SPEC };
    let given = super::options::parse_args(process, &ANYWHERE, args).await?;
    let mut urls: Vec<Vec<u8>> = given.operands.clone();
    if let Some(list) = given.value('i').and_then(|path| process.files().read(path).ok()) {
        urls.extend(list.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec));
    }
    if urls.is_empty() {
        if process.busybox() {
            let name = process.args.first().cloned().unwrap_or_default();
            process.args = vec![name, b"--help".to_vec()];
            return match parse(process, &BUSYBOX_USAGE).await {
                Err(Stop::Exit(_)) => Ok(1),
                Err(stop) => Err(stop),
                Ok(_) => Ok(1),
            };
        }
        process.err("wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n").await?;
        return Ok(1);
    }
    let quiet = given.has('q');
    let mut status = 0;
    for text in urls.into_iter().take(URLS_MAX) {
        let Some(url) = Url::parse(&text) else {
            // What is no URL is recorded all the same.
            record(process, &text, "wget");
            if !quiet {
                let message = if process.busybox() {
                    [b"not an http or ftp url: ", &text[..]].concat()
                } else {
                    [&text[..], b": Invalid host name."].concat()
                };
                if process.busybox() {
                    process.complain(message).await?;
                } else {
                    process.err([&message[..], b"\n"].concat()).await?;
                }
            }
            status = 1;
            continue;
        };
        record(process, &url.text, "wget");
        let result = if process.busybox() {
            busybox(process, &given, &url, quiet).await?
        } else {
            gnu(process, &given, &url, quiet, quiet_output || given.has('\u{6}')).await?
        };
        status = status.max(result);
    }
    Ok(status)
}

const BUSYBOX_USAGE: Spec = Spec {
    short: "",
    long: &[],
    usage: "[-c|--continue] [--spider] [-q|--quiet] [-O|--output-document FILE]\n\t[-o|--output-file FILE] [--header 'header: value'] [-Y|--proxy on/off]\n\t[-P DIR] [-S|--server-response] [-U|--user-agent AGENT] [-T SEC] URL...\n\nRetrieve files via HTTP or FTP\n\n\t--spider\tOnly check URL existence: $? is 0 if exists\n\t-c\t\tContinue retrieval of aborted transfer\n\t-q\t\tQuiet\n\t-P DIR\t\tSave to DIR (default .)\n\t-S    \t\tShow server response\n\t-T SEC\t\tNetwork read timeout is SEC seconds\n\t-O FILE\t\tSave to FILE ('-' for stdout)\n\t-o FILE\t\tLog messages to FILE\n\t-U STR\t\tUse STR for User-Agent header\n\t-Y on/off\tUse proxy",
    error: 1,
};

/// Why a host cannot be reached, when it cannot.
pub(super) enum Unreachable {
    Name,
    Refused,
}

/// Names without a dot do not resolve, and this host's own closed ports refuse.
pub(super) fn unreachable(url: &Url) -> Option<Unreachable> {
    if !url.is_address()
        && (!url.host.contains('.') || url.host.ends_with(".invalid") || url.host.ends_with(".local"))
        && url.host != "localhost"
    {
        return Some(Unreachable::Name);
    }
    let own = url.host == "localhost" || url.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
    own.then_some(Unreachable::Refused)
}

/// Where the download goes.
fn target(given: &Given, url: &Url) -> Vec<u8> {
    match (given.value('O'), given.value('P')) {
        (Some(file), _) => file.to_vec(),
        (None, Some(directory)) => [directory.strip_suffix(b"/").unwrap_or(directory), b"/", url.file_name().as_bytes()].concat(),
        (None, None) => url.file_name().into_bytes(),
    }
}

async fn gnu(process: &mut Process, given: &Given, url: &Url, quiet: bool, terse: bool) -> Outcome {
    let silent = quiet || terse;
    let begun = strftime("%Y-%m-%d %H:%M:%S", process.now());
    let shown = String::from_utf8_lossy(&url.text).into_owned();
    let mut log = String::new();
    log.push_str(&format!("--{begun}--  {shown}\n"));
    if !url.is_address() {
        log.push_str(&format!("Resolving {0} ({0})... ", url.host));
        if let Some(Unreachable::Name) = unreachable(url) {
            log.push_str(&format!(
                "failed: Name or service not known.\nwget: unable to resolve host address \u{2018}{}\u{2019}\n",
                url.host
            ));
            if quiet {
                return Ok(4);
            }
            process.err(log).await?;
            return Ok(4);
        }
        log.push_str(&format!("{}\n", url.address()));
    }
    let place = if url.is_address() {
        format!("{}:{}", url.host, url.port)
    } else {
        format!("{} ({})|{}|:{}", url.host, url.host, url.address(), url.port)
    };
    log.push_str(&format!("Connecting to {place}... "));
    if unreachable(url).is_some() {
        log.push_str("failed: Connection refused.\n");
        if !quiet {
            process.err(log).await?;
        }
        return Ok(4);
    }
    log.push_str("connected.\n");
    if !silent {
        process.err(&log).await?;
    }
    let content = body(process, url);
    process.sleep(Duration::from_millis(60)).await;
    let path = target(given, url);
    let to_stdout = path == b"-";
    let name = String::from_utf8_lossy(&path).into_owned();
    let kind = if content.starts_with(b"\x7fELF") { "application/octet-stream" } else { "text/plain" };
    let mut head = if url.scheme == "ftp" {
        format!(
            "Logging in as anonymous ... Logged in!\n==> SYST ... done.    ==> PWD ... done.\n==> TYPE I ... done.  ==> CWD not needed.\n==> SIZE {} ... {}\n==> PASV ... done.    ==> RETR {} ... done.\n",
            url.file_name(),
            content.len(),
            url.file_name()
        )
    } else {
        "HTTP request sent, awaiting response... 200 OK\n".to_owned()
    };
    if given.has('S') {
        head = format!(
            "HTTP request sent, awaiting response... \n  HTTP/1.1 200 OK\n  Server: nginx/1.18.0\n  Content-Type: {kind}\n  Content-Length: {}\n",
            content.len()
        );
    }
    if given.has('\u{5}') {
        head.push_str(&format!("Length: {} [{kind}]\nRemote file exists.\n\n", content.len()));
        if !silent {
            process.err(head).await?;
        }
        return Ok(0);
    }
    let human = if content.len() >= 1024 { format!(" ({})", wget_size(content.len())) } else { String::new() };
    head.push_str(&format!(
        "Length: {}{human} [{kind}]\nSaving to: \u{2018}{}\u{2019}\n\n",
        content.len(),
        if to_stdout { "STDOUT" } else { &name }
    ));
    if !to_stdout
        && let Err(errno) = process.files().access(parent(&path), 3).and_then(|()| process.files().place(&path, Vec::new(), 0o666))
    {
        if !quiet {
            process
                .err(format!(
                    "{}{name}: {errno}\n\nCannot write to \u{2018}{name}\u{2019} ({errno}).\n",
                    head.split("Saving to").next().unwrap_or_default()
                ))
                .await?;
        }
        return Ok(3);
    }
    if !silent {
        process.err(head).await?;
    }
    let time = seconds(url, content.len());
    process.sleep(Duration::from_secs_f64(time)).await;
    let bytes = content.len();
    if to_stdout {
        process.out(&content).await?;
        process.flush().await?;
    } else if let Err(errno) = process.files().place(&path, content, 0o666) {
        if !quiet {
            process.err(format!("\n\nCannot write to \u{2018}{name}\u{2019} ({errno}).\n")).await?;
        }
        return Ok(3);
    }
    let rate = bytes as f64 / time;
    let rate = if rate >= 1e6 { format!("{:.2} MB/s", rate / 1_048_576.0) } else { format!("{:.0} KB/s", rate / 1024.0) };
    let ended = strftime("%Y-%m-%d %H:%M:%S", process.now());
    let saved = if to_stdout { "written to stdout".to_owned() } else { format!("\u{2018}{name}\u{2019} saved") };
    if terse && !quiet {
        process.err(format!("{ended} URL:{shown} [{bytes}/{bytes}] -> \"{name}\" [1]\n")).await?;
    } else if !quiet {
        let progress =
            if process.is_terminal(STDERR) { bar(if to_stdout { "-" } else { &name }, bytes, &rate, time) } else { dots(bytes, time) };
        process.err(format!("{progress}\n{ended} ({rate}) - {saved} [{bytes}/{bytes}]\n\n")).await?;
    }
    Ok(0)
}

/// The directory a path is in.
fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|b| *b == b'/') {
        None => b".",
        Some(0) => b"/",
        Some(at) => &path[..at],
    }
}

fn wget_size(bytes: usize) -> String {
    let value = bytes as f64 / 1024.0;
    if value < 10.0 {
        format!("{value:.1}K")
    } else if value < 1024.0 {
        format!("{value:.0}K")
    } else {
        format!("{:.1}M", value / 1024.0)
    }
}

/// The bar of a terminal, as it stands at the end.
fn bar(name: &str, bytes: usize, rate: &str, time: f64) -> String {
    let shown: String = name.chars().take(19).collect();
    let size = if bytes < 1024 { bytes.to_string() } else { format!("{:.2}K", bytes as f64 / 1024.0) };
    let rate = rate.replace(" KB/s", "KB/s").replace(" MB/s", "MB/s");
    let filled = 19;
    format!("\r{shown:<19} 100%[{}>] {size:>7}  {rate:>8}    in {time:.1}s    \n", "=".repeat(filled))
}

/// The dots of a log: fifty kilobytes a row.
fn dots(bytes: usize, time: f64) -> String {
    let mut text = String::new();
    let rows = bytes.div_ceil(50 * 1024).max(1);
    for row in 0..rows {
        let here = (bytes - row * 50 * 1024).min(50 * 1024).div_ceil(1024);
        let mut dots = String::new();
        for dot in 0..50 {
            if dot % 10 == 0 {
                dots.push(' ');
            }
            dots.push(if dot < here { '.' } else { ' ' });
        }
        let percent = ((row + 1) * 50 * 1024).min(bytes) * 100 / bytes.max(1);
        let rate = bytes as f64 / time / 1024.0;
        let tail = if row + 1 == rows { format!("={time:.1}s") } else { " 0s".to_owned() };
        text.push_str(&format!(
            "{:>6}K{dots} {percent:>3}% {:>4}{tail}\n",
            row * 50,
            if rate < 1000.0 { format!("{rate:.0}K") } else { format!("{:.2}M", rate / 1024.0) }
        ));
    }
    text
}

async fn busybox(process: &mut Process, given: &Given, url: &Url, quiet: bool) -> Outcome {
    if let Some(Unreachable::Name) = unreachable(url) {
        process.complain(format!("bad address '{}'", url.host)).await?;
        return Ok(1);
    }
    if !quiet {
        process.err(format!("Connecting to {}:{} ({}:{})\n", url.host, url.port, url.address(), url.port)).await?;
    }
    if unreachable(url).is_some() {
        process
            .complain(format!(
                "can't connect to remote host ({}): Connection refused",
                if url.is_address() { url.address() } else { "127.0.0.1".to_owned() }
            ))
            .await?;
        return Ok(1);
    }
    if url.scheme == "https" {
        process.sleep(Duration::from_millis(300)).await;
    }
    let content = body(process, url);
    process.sleep(Duration::from_secs_f64(0.06 + seconds(url, content.len()))).await;
    if given.has('\u{5}') {
        return Ok(0);
    }
    let path = target(given, url);
    let bytes = content.len();
    let name = String::from_utf8_lossy(&path).into_owned();
    if path == b"-" {
        process.out(&content).await?;
        process.flush().await?;
    } else if let Err(errno) = process.files().place(&path, content, 0o666) {
        process.complain(format!("can't open '{name}': {errno}")).await?;
        return Ok(1);
    } else if !quiet {
        process.err(format!("saving to '{name}'\n")).await?;
    }
    if !quiet {
        let short: String = crate::fs::base_name(name.as_bytes()).iter().map(|b| char::from(*b)).take(20).collect();
        let size = if bytes < 100_000 { bytes.to_string() } else { format!("{}k", bytes / 1024) };
        process.err(format!("{short:<20} 100% |{}| {size:>5}  0:00:00 ETA\n", "*".repeat(32))).await?;
        if path != b"-" {
            process.err(format!("'{name}' saved\n")).await?;
        }
    }
    Ok(0)
}
