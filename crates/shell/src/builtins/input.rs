//! `read`, `mapfile`, `getopts`.

use super::number;
use crate::interp::{Flow, Ran, Shell, Value};
use crate::parse::is_name;
use crate::session::BoxFuture;
use crate::terminal::Mode;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest line `read` takes, in bytes.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The longest time `read -t` waits, in seconds.
const WAIT_SECONDS_MAX: f64 = 86_400.0;

/// What `read`'s options say.
struct Reading {
    raw: bool,
    silent: bool,
    prompt: Option<Vec<u8>>,
    delimiter: u8,
    count: Option<usize>,
    /// `-N`: delimiters count as anything else.
    exactly: bool,
    array: Option<Vec<u8>>,
    wait: Option<Duration>,
    descriptor: u32,
    names: Vec<Vec<u8>>,
}

/// `read [-rs] [-p PROMPT] [-d DELIM] [-n N] [-t SECONDS] [-u FD] [-a ARRAY] [NAME…]`
pub(super) async fn read(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let reading = match options(shell, &args).await? {
        Ok(reading) => reading,
        Err(status) => return Ok(status),
    };
    let terminal = shell.process.descriptors.get(reading.descriptor).and_then(|f| f.terminal().cloned());
    if let (Some(prompt), Some(_)) = (&reading.prompt, &terminal) {
        let prompt = prompt.clone();
        shell.process.err(prompt).await?;
    }
    let before = terminal.as_ref().map(|t| t.mode());
    if let (Some(terminal), Some(mode)) = (&terminal, before) {
        terminal.set_mode(Mode {
            echo: mode.echo && !reading.silent,
            canonical: reading.count.is_none() && reading.delimiter == b'\n',
            ..mode
        });
    }
    let outcome = match reading.wait {
        Some(wait) => {
            let line: BoxFuture<'_, _> = Box::pin(read_bytes(shell, &reading));
            tokio::time::timeout(wait, line).await.ok()
        }
        None => Some(read_bytes(shell, &reading).await),
    };
    if let (Some(terminal), Some(mode)) = (&terminal, before) {
        terminal.set_mode(mode);
    }
    let Some(line) = outcome else {
        assign(shell, &reading, Vec::new()).await?;
        return Ok(142);
    };
    let (line, complete) = line?;
    assign(shell, &reading, line).await?;
    Ok(u8::from(!complete))
}

async fn options(shell: &mut Shell, args: &[Vec<u8>]) -> Result<Result<Reading, u8>, Flow> {
    let mut reading = Reading {
        raw: false,
        silent: false,
        prompt: None,
        delimiter: b'\n',
        count: None,
        exactly: false,
        array: None,
        wait: None,
        descriptor: 0,
        names: Vec::new(),
    };
    let mut at = 1;
    'arguments: while let Some(arg) = args.get(at) {
        let Some(letters) = arg.strip_prefix(b"-").filter(|l| !l.is_empty()) else { break };
        at += 1;
        if letters == b"-" {
            break;
        }
        for (n, letter) in letters.iter().enumerate() {
            match letter {
                b'r' => reading.raw = true,
                b's' => reading.silent = true,
                b'e' | b'E' => {}
                b'p' | b'd' | b'n' | b'N' | b't' | b'u' | b'a' | b'i' => {
                    let attached = &letters[n + 1..];
                    let value = if attached.is_empty() {
                        at += 1;
                        args.get(at - 1).cloned()
                    } else {
                        Some(attached.to_vec())
                    };
                    let Some(value) = value else {
                        shell.complain_as("read", [b"-", &[*letter][..], b": option requires an argument"].concat()).await?;
                        return Ok(Err(2));
                    };
                    match letter {
                        b'p' => reading.prompt = Some(value),
                        b'd' => reading.delimiter = value.first().copied().unwrap_or(0),
                        b'n' | b'N' => {
                            reading.exactly = *letter == b'N';
                            reading.count = number(&value).and_then(|n| usize::try_from(n).ok());
                        }
                        b't' => {
                            let seconds =
                                std::str::from_utf8(&value).ok().and_then(|t| t.parse::<f64>().ok()).filter(|s| s.is_finite() && *s >= 0.0);
                            let Some(seconds) = seconds else {
                                shell.complain_as("read", [&value[..], b": invalid timeout specification"].concat()).await?;
                                return Ok(Err(1));
                            };
                            reading.wait = Some(Duration::from_secs_f64(seconds.min(WAIT_SECONDS_MAX)));
                        }
                        b'u' => reading.descriptor = number(&value).and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX),
                        b'a' => reading.array = Some(value),
                        _ => {}
                    }
                    continue 'arguments;
                }
                other => {
                    shell
                        .refuse(
                            "read",
                            [b"-", &[*other][..], b": invalid option"].concat(),
                            [b"illegal option -", &[*other][..]].concat(),
                            [b"Illegal option -", &[*other][..]].concat(),
                            2,
                        )
                        .await?;
                    if shell.bash() {
                        shell
                            .process
                            .err("read: usage: read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]\n")
                            .await?;
                    }
                    return Ok(Err(2));
                }
            }
        }
    }
    reading.names = args[at.min(args.len())..].to_vec();
    if let Some(wrong) = reading.names.iter().find(|name| !is_name(name.split(|b| *b == b'[').next().unwrap_or_default())) {
        let shown = [b"`", &wrong[..], b"': not a valid identifier"].concat();
        let ash = [b"'", &wrong[..], b"': bad variable name"].concat();
        let dash = [&wrong[..], b": bad variable name"].concat();
        if shell.dialect == crate::parse::Dialect::Ash {
            shell.process.err([b"sh: read: ", &ash[..], b"\n"].concat()).await?;
            return Ok(Err(1));
        }
        let status = if shell.bash() { 1 } else { 2 };
        shell.refuse("read", shown, ash, dash, status).await?;
        return Ok(Err(status));
    }
    if shell.process.descriptors.get(reading.descriptor).is_none() {
        if shell.bash() {
            let n = reading.descriptor;
            shell.complain_as("read", format!("{n}: invalid file descriptor: Bad file descriptor")).await?;
        }
        return Ok(Err(1));
    }
    Ok(Ok(reading))
}

/// The bytes of one line with escapes marked by a backslash still before them, and whether its end was seen.
async fn read_bytes(shell: &mut Shell, reading: &Reading) -> Result<(Vec<u8>, bool), Flow> {
    let mut line = Vec::new();
    let mut characters = 0;
    loop {
        if reading.count.is_some_and(|count| characters >= count) {
            return Ok((line, true));
        }
        let (bytes_max, until) = match reading.count {
            Some(_) => (1, None),
            None => (crate::descriptor::READ_BYTES_MAX, Some(reading.delimiter)),
        };
        let part = shell.process.read_from(reading.descriptor, bytes_max, until).await?;
        if part.is_empty() {
            return Ok((line, false));
        }
        characters += 1;
        line.extend(part);
        let ended = line.last() == Some(&reading.delimiter) && !reading.exactly;
        if ended {
            let escapes = line[..line.len() - 1].iter().rev().take_while(|b| **b == b'\\').count();
            if !reading.raw && escapes % 2 == 1 {
                // A backslash before the end joins the next line.
                line.truncate(line.len() - 2);
                continue;
            }
            line.pop();
            return Ok((line, true));
        }
        if line.len() > LINE_BYTES_MAX {
            return Ok((line, true));
        }
    }
}

async fn assign(shell: &mut Shell, reading: &Reading, mut line: Vec<u8>) -> Result<(), Flow> {
    line.retain(|b| *b != 0);
    let separators = shell.separators();
    // Each character with whether it was escaped.
    let mut text: Vec<(u8, bool)> = Vec::with_capacity(line.len());
    let mut bytes = line.into_iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if !reading.raw => text.extend(bytes.next().map(|b| (b, true))),
            byte => text.push((byte, false)),
        }
    }
    let whole = |text: &[(u8, bool)]| text.iter().map(|(b, _)| *b).collect::<Vec<u8>>();
    if reading.exactly {
        let name = reading.names.first().cloned().unwrap_or_else(|| b"REPLY".to_vec());
        return shell.assign(&name, whole(&text)).await;
    }
    if reading.names.is_empty() && reading.array.is_none() {
        return shell.assign(b"REPLY", whole(&text)).await;
    }
    let blank = |c: &(u8, bool)| !c.1 && separators.contains(&c.0) && c.0.is_ascii_whitespace();
    let separator = |c: &(u8, bool)| !c.1 && separators.contains(&c.0);
    let mut rest = &text[text.iter().take_while(|c| blank(c)).count()..];
    while rest.last().is_some_and(blank) {
        rest = &rest[..rest.len() - 1];
    }
    let mut next = || {
        let end = rest.iter().position(separator).unwrap_or(rest.len());
        let field = whole(&rest[..end]);
        let mut after = &rest[end..];
        after = &after[after.iter().take_while(|c| blank(c)).count()..];
        if after.first().is_some_and(|c| separator(c) && !blank(c)) {
            after = &after[1..];
            after = &after[after.iter().take_while(|c| blank(c)).count()..];
        }
        rest = after;
        (field, rest.is_empty())
    };
    if let Some(array) = &reading.array {
        let mut items = BTreeMap::new();
        if !text.is_empty() {
            loop {
                let (field, last) = next();
                items.insert(items.len() as i64, field);
                if last {
                    break;
                }
            }
        }
        let bytes = text.len() + items.len() * 48;
        let changed = shell.variables.change(array, bytes, |variable| variable.value = Value::Indexed(items));
        return shell.assigned_in(array, changed).await;
    }
    let mut values = Vec::new();
    for n in 0..reading.names.len() {
        if n + 1 < reading.names.len() {
            values.push(next().0);
        }
    }
    // The last name gets all that is left; a lone separator at its end goes.
    let mut left = rest;
    if left.iter().filter(|c| separator(c)).count() == 1 && left.last().is_some_and(separator) {
        left = &left[..left.len() - 1];
    }
    values.push(whole(left));
    for (name, value) in reading.names.clone().into_iter().zip(values) {
        match name.iter().position(|b| *b == b'[').filter(|_| name.ends_with(b"]")) {
            Some(open) => {
                let subscript = name[open + 1..name.len() - 1].to_vec();
                shell.assign_element(&name[..open], &subscript, value, false).await?;
            }
            None => shell.assign(&name, value).await?,
        }
    }
    Ok(())
}

/// `mapfile [-t] [-n COUNT] [-s SKIP] [-O ORIGIN] [-d DELIM] [-u FD] [ARRAY]`
pub(super) async fn mapfile(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let (mut trim, mut count, mut skip, mut origin, mut delimiter, mut descriptor) = (false, 0, 0, 0, b'\n', 0);
    let mut array = b"MAPFILE".to_vec();
    let mut at = 1;
    while let Some(arg) = args.get(at) {
        at += 1;
        let value = args.get(at).map(Vec::as_slice).unwrap_or_default();
        let numeric = number(value).unwrap_or(0);
        match &arg[..] {
            b"-t" => {
                trim = true;
                continue;
            }
            b"-n" => count = numeric,
            b"-s" => skip = numeric,
            b"-O" => origin = numeric,
            b"-d" => delimiter = value.first().copied().unwrap_or(0),
            b"-u" => descriptor = u32::try_from(numeric).unwrap_or(u32::MAX),
            b"-c" | b"-C" => {}
            name => {
                array = name.to_vec();
                break;
            }
        }
        at += 1;
    }
    if !is_name(&array) {
        shell.complain_as("mapfile", [b"`", &array[..], b"': not a valid identifier"].concat()).await?;
        return Ok(1);
    }
    let mut items = BTreeMap::new();
    let mut bytes = 0;
    let mut lines = 0;
    loop {
        let mut line = shell.process.read_from(descriptor, crate::descriptor::READ_BYTES_MAX, Some(delimiter)).await?;
        if line.is_empty() || (count > 0 && items.len() as i64 >= count) {
            break;
        }
        lines += 1;
        if lines <= skip {
            continue;
        }
        if trim && line.last() == Some(&delimiter) {
            line.pop();
        }
        bytes += line.len() + 48;
        items.insert(origin + items.len() as i64, line);
        if bytes > LINE_BYTES_MAX * 4 {
            return Err(shell.out_of_memory(bytes).await);
        }
    }
    let changed = shell.variables.change(&array, bytes, |variable| variable.value = Value::Indexed(items));
    shell.assigned_in(&array, changed).await?;
    Ok(0)
}

/// `getopts OPTSTRING NAME [ARG…]`
pub(super) async fn getopts(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let (Some(letters), Some(name)) = (args.get(1), args.get(2)) else {
        let usage = "usage: getopts optstring name [arg ...]";
        if shell.bash() {
            shell.process.err(format!("getopts: {usage}\n")).await?;
        } else {
            shell.complain_as("getopts", "Usage: getopts optstring var [arg]").await?;
        }
        return Ok(2);
    };
    let silent = letters.first() == Some(&b':');
    let operands: Vec<Vec<u8>> = if args.len() > 3 { args[3..].to_vec() } else { shell.positional.to_vec() };
    let mut index = number(&shell.text(b"OPTIND")).and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1);
    let mut within =
        if index == 1 && shell.getopts > 1 && operands.first().is_none_or(|a| shell.getopts >= a.len()) { 0 } else { shell.getopts };
    let current = operands.get(index - 1).cloned().unwrap_or_default();
    if within == 0 {
        if current.len() < 2 || current[0] != b'-' || current == b"--" {
            if current == b"--" {
                index += 1;
            }
            shell.assign(b"OPTIND", index.to_string().into_bytes()).await?;
            shell.assign(name, b"?".to_vec()).await?;
            return Ok(1);
        }
        within = 1;
    }
    let Some(letter) = current.get(within).copied() else {
        shell.getopts = 0;
        return Ok(1);
    };
    within += 1;
    let known = letters.iter().position(|b| *b == letter && letter != b':');
    let takes = known.is_some_and(|at| letters.get(at + 1) == Some(&b':'));
    let mut argument = None;
    let mut result = vec![letter];
    let shown = [letter];
    if known.is_none() {
        result = b"?".to_vec();
        if silent {
            argument = Some(shown.to_vec());
        } else {
            let start = shell.name.clone();
            shell.process.err([&start[..], b": illegal option -- ", &shown, b"\n"].concat()).await?;
        }
    }
    if takes {
        if within < current.len() {
            argument = Some(current[within..].to_vec());
            index += 1;
        } else if let Some(next) = operands.get(index) {
            argument = Some(next.clone());
            index += 2;
        } else {
            index += 1;
            if silent {
                result = b":".to_vec();
                argument = Some(shown.to_vec());
            } else {
                result = b"?".to_vec();
                let start = shell.name.clone();
                shell.process.err([&start[..], b": option requires an argument -- ", &shown, b"\n"].concat()).await?;
            }
        }
        within = 0;
    } else if within >= current.len() {
        index += 1;
        within = 0;
    }
    shell.getopts = within;
    shell.assign(b"OPTIND", index.to_string().into_bytes()).await?;
    shell.assign(name, result).await?;
    match argument {
        Some(argument) => shell.assign(b"OPTARG", argument).await?,
        None => drop(shell.variables.unset(b"OPTARG")),
    }
    Ok(0)
}
