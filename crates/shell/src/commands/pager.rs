//! `more`, `less`, `vi`, `nano`, `clear`, `reset`, `watch`: programs of the screen.

use super::options::{Spec, parse};
use super::source::{Source, complain};
use crate::command::{Launch, Outcome, Process, STDOUT};
use crate::terminal::Mode;
use std::time::Duration;

pub(super) async fn more(process: &mut Process) -> Outcome {
    const MORE: Spec = Spec { short: "dflpcsunNRSFXeEiImMqrwx0123456789", long: &[], usage: "[options] <file>...", error: 1 };
    let given = parse(process, &MORE).await?;
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
    let terminal = process.descriptors.get(STDOUT).and_then(|file| file.terminal().cloned());
    let height = terminal.as_ref().map_or(usize::MAX, |terminal| usize::from(terminal.window().1).max(2) - 1);
    let keyboard = process.is_terminal(crate::command::STDIN);
    let mut status = 0;
    let mut shown = 0;
    for name in names {
        let mut source = match Source::open(process, &name) {
            Ok(source) => source,
            Err(errno) => {
                if process.name() == b"more" && !process.busybox() {
                    process.err([b"more: cannot open ", &name[..], b": ", errno.message().as_bytes(), b"\n"].concat()).await?;
                } else {
                    complain(process, &name, errno).await?;
                }
                status = 1;
                continue;
            }
        };
        while let Some(line) = source.line(process).await? {
            if shown >= height && keyboard && name != b"-" {
                process.out("--More--").await?;
                let mode = terminal.as_ref().map(|terminal| terminal.mode());
                if let (Some(terminal), Some(mode)) = (&terminal, mode) {
                    terminal.set_mode(Mode { canonical: false, echo: false, ..mode });
                }
                let key = process.read().await?;
                if let (Some(terminal), Some(mode)) = (&terminal, mode) {
                    terminal.set_mode(mode);
                }
                process.out("\r\x1b[K").await?;
                match key.first() {
                    None | Some(b'q' | b'Q' | 3) => return Ok(status),
                    Some(b'\r' | b'\n') => shown -= 1,
                    Some(_) => shown = 0,
                }
            }
            process.out(&line).await?;
            shown += 1;
        }
    }
    Ok(status)
}

/// An editor that opens, shows the file and can be left again, as `vi` by `:q` and `nano` by Ctrl-X.
pub(super) async fn editor(process: &mut Process) -> Outcome {
    let name = process.operands().iter().find(|arg| !arg.starts_with(b"-") && !arg.starts_with(b"+")).cloned().unwrap_or_default();
    let nano = process.name() == b"nano";
    let terminal = process.descriptors.get(STDOUT).and_then(|file| file.terminal().cloned());
    let Some(terminal) = terminal else {
        if nano {
            process.err("Too many errors from stdin\n").await?;
        } else {
            process.err("Vim: Warning: Output is not to a terminal\nVim: Warning: Input is not from a terminal\n").await?;
        }
        return Ok(1);
    };
    let content = process.files().read(&name).ok();
    let (columns, rows) = terminal.window();
    let text = content.as_deref().unwrap_or_default();
    let mut screen = b"\x1b[?1049h\x1b[H\x1b[2J".to_vec();
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    for row in 0..usize::from(rows).saturating_sub(1) {
        match lines.get(row).filter(|line| row + 1 < lines.len() || !line.is_empty()) {
            Some(line) => screen.extend_from_slice(&line[..line.len().min(usize::from(columns))]),
            None => screen.extend_from_slice(if nano { b"" } else { b"~" }),
        }
        screen.extend_from_slice(b"\r\n");
    }
    let shown = String::from_utf8_lossy(&name).into_owned();
    screen.extend(
        match &content {
            Some(text) => format!("\"{shown}\" {}L, {}B", text.iter().filter(|b| **b == b'\n').count(), text.len()),
            None if name.is_empty() => String::new(),
            None => format!("\"{shown}\" [New]"),
        }
        .into_bytes(),
    );
    process.out(screen).await?;
    let mode = terminal.mode();
    terminal.set_mode(Mode { canonical: false, echo: false, signals: false, ..mode });
    let mut typed: Vec<u8> = Vec::new();
    let outcome = loop {
        let keys = match process.read().await {
            Ok(keys) => keys,
            Err(stop) => break Err(stop),
        };
        if keys.is_empty() {
            break Ok(0);
        }
        typed.extend_from_slice(&keys);
        let excess = typed.len().saturating_sub(64);
        typed.drain(..excess);
        let command = typed.split(|b| *b == 0x1b).next_back().unwrap_or_default();
        let colon = command.iter().rposition(|b| *b == b':').map(|at| &command[at + 1..]);
        let ended = match colon {
            Some(rest) => rest
                .strip_suffix(b"\r")
                .or_else(|| rest.strip_suffix(b"\n"))
                .is_some_and(|word| matches!(word, b"q" | b"q!" | b"wq" | b"wq!" | b"x" | b"qa" | b"qa!")),
            None => typed.ends_with(b"ZZ") || typed.ends_with(b"ZQ"),
        };
        if (nano && keys.contains(&0x18)) || (!nano && ended) {
            break Ok(0);
        }
        if let Err(stop) = process.out(&keys).await {
            break Err(stop);
        }
    };
    terminal.set_mode(mode);
    process.out("\x1b[?1049l").await?;
    outcome
}

pub(super) async fn clear(process: &mut Process) -> Outcome {
    process.out("\x1b[H\x1b[2J\x1b[3J").await?;
    Ok(0)
}

pub(super) async fn watch(process: &mut Process) -> Outcome {
    const WATCH: Spec = Spec { short: "+bcdegn:pqtx", long: &[], usage: "[options] command", error: 1 };
    let given = parse(process, &WATCH).await?;
    let seconds = given.value('n').and_then(super::run::duration).unwrap_or(Duration::from_secs(2)).max(Duration::from_millis(100));
    let line = given.operands.join(&b' ');
    loop {
        let shown = String::from_utf8_lossy(&line).into_owned();
        process.out(format!("\x1b[H\x1b[2JEvery {:.1}s: {shown}\n\n", seconds.as_secs_f64())).await?;
        process.flush().await?;
        if let Ok(task) = process.launch(Launch::new(vec![b"/bin/sh".to_vec(), b"-c".to_vec(), line.clone()])).await {
            process.wait(&task).await;
        }
        process.sleep(seconds).await;
        process.charge(1).await?;
    }
}
