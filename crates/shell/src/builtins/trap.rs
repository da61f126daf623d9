//! `trap`, and the names of signals.

use crate::interp::{DEBUG, ERR, EXIT, RETURN, Ran, Shell, quote};
use crate::parse::Dialect;
use std::sync::Arc;

/// Names without `SIG`, by number from 1 (signal(7), x86).
pub(crate) const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD",
    "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// A signal's number by name or number.
pub(crate) fn signal_number(text: &[u8]) -> Option<u8> {
    if let Some(number) = super::number(text) {
        return u8::try_from(number).ok().filter(|n| *n <= 64);
    }
    let name = String::from_utf8_lossy(text).to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    match name {
        "EXIT" => return Some(EXIT),
        "ERR" => return Some(ERR),
        "DEBUG" => return Some(DEBUG),
        "RETURN" => return Some(RETURN),
        "IOT" => return Some(6),
        "CLD" => return Some(17),
        "POLL" => return Some(29),
        _ => {}
    }
    NAMES.iter().position(|known| *known == name).map(|at| at as u8 + 1)
}

fn name_of(signal: u8, bash: bool) -> String {
    match signal {
        EXIT => "EXIT".to_owned(),
        ERR => "ERR".to_owned(),
        DEBUG => "DEBUG".to_owned(),
        RETURN => "RETURN".to_owned(),
        n => {
            let name = NAMES.get(usize::from(n) - 1).map_or_else(|| format!("RTMIN+{}", n.saturating_sub(34)), |name| (*name).to_owned());
            if bash { format!("SIG{name}") } else { name }
        }
    }
}

/// `trap [-lp] [[ACTION] SIGNAL…]`
pub(super) async fn trap(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut rest = &args[1..];
    let mut print = rest.is_empty();
    match rest.first().map(Vec::as_slice) {
        Some(b"-l") => {
            let lines = super::jobs::signal_table();
            shell.process.out(lines).await?;
            return Ok(0);
        }
        Some(b"-p") => {
            print = true;
            rest = &rest[1..];
        }
        Some(b"--") => rest = &rest[1..],
        _ => {}
    }
    if print {
        let wanted: Vec<u8> = rest.iter().filter_map(|name| signal_number(name)).collect();
        let mut out = Vec::new();
        for (signal, action) in shell.traps.iter().filter(|(signal, _)| wanted.is_empty() || wanted.contains(signal)) {
            out.extend([b"trap -- ", &quote(action)[..], b" ", name_of(*signal, shell.bash()).as_bytes(), b"\n"].concat());
        }
        shell.process.out(out).await?;
        return Ok(0);
    }
    // Without an action, or with a number in its place, signals are set back.
    let resets = rest.len() == 1 || rest.first().is_some_and(|a| a == b"-" || super::number(a).is_some());
    let action = if resets { None } else { rest.first().cloned() };
    let names = if rest.len() == 1 || resets && rest.first().is_some_and(|a| a != b"-") { rest } else { &rest[1..] };
    let mut status = 0;
    for name in names {
        let Some(signal) = signal_number(name) else {
            status = 1;
            let text = [&name[..], b": invalid signal specification"].concat();
            match shell.dialect {
                Dialect::Dash => shell.process.err([b"trap: ", &name[..], b": bad trap\n"].concat()).await?,
                _ => shell.complain_as("trap", text).await?,
            }
            continue;
        };
        let traps = Arc::make_mut(&mut shell.traps);
        match &action {
            Some(action) => drop(traps.insert(signal, action.clone())),
            None => drop(traps.remove(&signal)),
        }
        if (1..=64).contains(&signal) {
            let ignored = action.as_ref().is_some_and(Vec::is_empty);
            let interactive = shell.options.interactive && signal == crate::signal::INT;
            shell.process.task.ignore(signal, ignored);
            shell.process.task.catch(signal, (action.is_some() && !ignored) || interactive);
        }
    }
    Ok(status)
}
