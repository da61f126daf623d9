//! `set`, `shift`, `shopt`, `let`.

use super::number;
use crate::interp::options::{SET, SHOPT};
use crate::interp::{Flow, Ran, Shell, Value, quote_if_needed};
use crate::parse::Dialect;

/// `set [-abefhkmnptuvxBCEHPT] [-o NAME] [--] [ARG…]`
pub(super) async fn set(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    if args.len() == 1 {
        return print_variables(shell).await;
    }
    let mut at = 1;
    while let Some(arg) = args.get(at) {
        let on = match arg.first() {
            Some(b'-') => true,
            Some(b'+') => false,
            _ => break,
        };
        at += 1;
        match &arg[..] {
            b"--" => {
                shell.positional = args[at..].into();
                return Ok(0);
            }
            b"-" => {
                shell.options.set_letter(b'x', false);
                shell.options.set_letter(b'v', false);
                break;
            }
            _ => {}
        }
        for letter in &arg[1..] {
            if *letter == b'o' {
                let Some(name) = args.get(at).cloned() else {
                    return print_options(shell, on).await;
                };
                at += 1;
                let known = String::from_utf8_lossy(&name).into_owned();
                if !shell.options.set_named(&known, on) {
                    let ash = [b"illegal option ", &arg[..1], b"o ", &name].concat();
                    let dash = [b"Illegal option ", &arg[..1], b"o ", &name].concat();
                    let code = shell.refuse("set", [&name[..], b": invalid option name"].concat(), ash, dash, 2).await?;
                    return shell.fatal_in_ash(if shell.dialect == Dialect::Ash { 1 } else { code });
                }
                continue;
            }
            if !shell.options.set_letter(*letter, on) {
                let option = [arg[0], *letter];
                let code = shell
                    .refuse(
                        "set",
                        [&option[..], b": invalid option"].concat(),
                        [b"illegal option ", &option[..]].concat(),
                        [b"Illegal option ", &option[..]].concat(),
                        2,
                    )
                    .await?;
                if shell.bash() {
                    shell.process.err("set: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n").await?;
                }
                return shell.fatal_in_ash(code);
            }
        }
    }
    if at < args.len() {
        shell.positional = args[at..].into();
    }
    Ok(0)
}

async fn print_options(shell: &mut Shell, table: bool) -> Ran {
    let mut out = String::new();
    for (name, _) in SET {
        let on = shell.options.on(name);
        if table {
            out += &format!("{name:<15}\t{}\n", if on { "on" } else { "off" });
        } else {
            out += &format!("set {}o {name}\n", if on { '-' } else { '+' });
        }
    }
    shell.process.out(out).await?;
    Ok(0)
}

async fn print_variables(shell: &mut Shell) -> Ran {
    let mut out = Vec::new();
    for (name, variable) in shell.variables.iter() {
        match &variable.value {
            Value::Unset => continue,
            Value::Scalar(text) => {
                let text = if shell.bash() { quote_if_needed(text) } else { crate::interp::quote(text) };
                out.extend([&name[..], b"=", &text, b"\n"].concat());
            }
            _ => out.extend([&name[..], b"=", &super::variables::array_text(variable), b"\n"].concat()),
        }
    }
    if shell.bash() {
        for (name, function) in shell.functions.iter() {
            let _ = name;
            out.extend_from_slice(&function.text);
            out.push(b'\n');
        }
    }
    shell.process.out(out).await?;
    Ok(0)
}

/// `shift [n]`
pub(super) async fn shift(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let count = match args.get(1) {
        None => 1,
        Some(text) => match number(text) {
            Some(count) => count,
            None => {
                let ash = [b"Illegal number: ", &text[..]].concat();
                let code = shell.refuse("shift", [&text[..], b": numeric argument required"].concat(), &ash, &ash, 2).await?;
                return if shell.bash() { Err(Flow::Abort(1)) } else { shell.fatal_in_ash(code) };
            }
        },
    };
    match usize::try_from(count).ok().and_then(|count| shell.positional.get(count..)) {
        Some(rest) => {
            shell.positional = rest.into();
            Ok(0)
        }
        None if count < 0 && shell.bash() => {
            shell.complain_as("shift", format!("{count}: shift count out of range")).await?;
            Ok(1)
        }
        None if shell.dialect == Dialect::Dash => {
            shell.complain_as("shift", "can't shift that many").await?;
            Err(shell.fatal(2))
        }
        None => Ok(1),
    }
}

/// `shopt [-pqsu] [-o] [NAME…]`
pub(super) async fn shopt(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let (mut switch, mut quiet, mut print, mut set) = (None, false, false, false);
    let mut names = Vec::new();
    for arg in &args[1..] {
        match arg.strip_prefix(b"-").filter(|letters| !letters.is_empty() && names.is_empty()) {
            Some(letters) => {
                for letter in letters {
                    match letter {
                        b's' => switch = Some(true),
                        b'u' => switch = Some(false),
                        b'q' => quiet = true,
                        b'p' => print = true,
                        b'o' => set = true,
                        _ => {
                            shell.complain_as("shopt", [b"-", &[*letter][..], b": invalid option"].concat()).await?;
                            shell.process.err("shopt: usage: shopt [-pqsu] [-o] [optname ...]\n").await?;
                            return Ok(2);
                        }
                    }
                }
            }
            None => names.push(String::from_utf8_lossy(arg).into_owned()),
        }
    }
    if names.is_empty() {
        names = SHOPT
            .iter()
            .filter(|(n, _)| switch.is_none_or(|on| shell.options.shopt(n) == Some(on)))
            .map(|(n, _)| (*n).to_owned())
            .collect();
        switch = None;
    }
    let mut status = 0;
    for name in names {
        let now = if set { SET.iter().any(|(n, _)| *n == name).then(|| shell.options.on(&name)) } else { shell.options.shopt(&name) };
        let Some(now) = now else {
            shell.complain_as("shopt", format!("{name}: invalid shell option name")).await?;
            status = 1;
            continue;
        };
        match switch {
            Some(on) if set => drop(shell.options.set_named(&name, on)),
            Some(on) => drop(shell.options.set_shopt(&name, on)),
            None => {
                if !now && args.len() > 1 {
                    status = 1;
                }
                if print {
                    shell.process.out(format!("shopt -{} {name}\n", if now { 's' } else { 'u' })).await?;
                } else if !quiet {
                    shell.process.out(format!("{name:<15}\t{}\n", if now { "on" } else { "off" })).await?;
                }
            }
        }
    }
    Ok(status)
}

/// `let EXPRESSION…`
pub(super) async fn arithmetic(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut value = 0;
    if args.len() == 1 {
        return shell.refuse("let", "expression expected", "expression expected", "expression expected", 1).await;
    }
    for text in &args[1..] {
        value = match shell.arithmetic(text, Some("let")).await {
            Ok(value) => value,
            Err(Flow::Abort(_)) => return Ok(1),
            Err(flow) => return Err(flow),
        };
    }
    Ok(u8::from(value == 0))
}
