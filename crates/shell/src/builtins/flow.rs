//! Builtins that decide what runs next.

use super::number;
use crate::exec;
use crate::interp::{Flow, Ran, Shell};
use crate::parse::Dialect;

pub(super) async fn succeed(_: &mut Shell, _: Vec<Vec<u8>>) -> Ran {
    Ok(0)
}

pub(super) async fn fail(_: &mut Shell, _: Vec<Vec<u8>>) -> Ran {
    Ok(1)
}

/// `exit [n]`
pub(super) async fn exit(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    if shell.options.interactive && shell.subshell == 0 && shell.bash() {
        let word: &[u8] = if shell.options.login { b"logout\n" } else { b"exit\n" };
        shell.process.err(word).await?;
    }
    match args.get(1) {
        None => Err(Flow::Exit(shell.status)),
        Some(text) => match number(text) {
            Some(code) => Err(Flow::Exit(code as u8)),
            None => {
                let bash = [text, &b": numeric argument required"[..]].concat();
                let ash = [b"Illegal number: ", &text[..]].concat();
                shell.refuse("exit", bash, &ash, &ash, 2).await?;
                Err(Flow::Exit(2))
            }
        },
    }
}

/// `return [n]`
pub(super) async fn back(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let code = match args.get(1) {
        None => shell.status,
        Some(text) => match number(text) {
            Some(code) => code as u8,
            None => {
                let bash = [text, &b": numeric argument required"[..]].concat();
                let ash = [b"Illegal number: ", &text[..]].concat();
                shell.refuse("return", bash, &ash, &ash, 2).await?
            }
        },
    };
    if shell.calls.is_empty() && shell.sourcing == 0 {
        if shell.bash() {
            shell.complain_as("return", "can only `return' from a function or sourced script").await?;
            return Ok(2);
        }
        return Err(Flow::Exit(code));
    }
    Err(Flow::Return(code))
}

async fn loops(shell: &mut Shell, args: &[Vec<u8>], name: &'static str) -> Result<Option<u32>, Flow> {
    let levels = match args.get(1) {
        None => 1,
        Some(text) => match number(text).filter(|n| *n > 0) {
            Some(levels) => u32::try_from(levels).unwrap_or(u32::MAX),
            None => {
                let bash = if number(text).is_some() {
                    [text, &b": loop count out of range"[..]].concat()
                } else {
                    [text, &b": numeric argument required"[..]].concat()
                };
                let ash = [b"Illegal number: ", &text[..]].concat();
                shell.refuse(name, bash, &ash, &ash, 1).await?;
                return Err(Flow::Break(u32::MAX));
            }
        },
    };
    if shell.loops == 0 {
        if shell.bash() {
            shell.complain_as(name, "only meaningful in a `for', `while', or `until' loop").await?;
        }
        return Ok(None);
    }
    Ok(Some(levels.min(shell.loops)))
}

/// `break [n]`
pub(super) async fn leave(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    match loops(shell, &args, "break").await? {
        Some(levels) => Err(Flow::Break(levels)),
        None => Ok(0),
    }
}

/// `continue [n]`
pub(super) async fn next(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    match loops(shell, &args, "continue").await? {
        Some(levels) => Err(Flow::Continue(levels)),
        None => Ok(0),
    }
}

/// `eval`
pub(super) async fn eval(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let rest = args.get(1..).unwrap_or_default();
    let rest = if rest.first().is_some_and(|a| a == b"--") { &rest[1..] } else { rest };
    if rest.is_empty() {
        return Ok(0);
    }
    shell.evaluate_text(rest.join(&b' '), "eval").await
}

/// `. FILE [ARGS]`
pub(super) async fn source(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let name = if args[0] == b"." { "." } else { "source" };
    let Some(path) = args.get(1) else {
        if shell.bash() {
            shell.complain_as(name, "filename argument required").await?;
            shell.process.err(format!("{name}: usage: {name} filename [arguments]\n")).await?;
            return Ok(2);
        }
        return Ok(if shell.dialect == Dialect::Dash { 0 } else { 2 });
    };
    let files = shell.process.files();
    let mut found = path.clone();
    if !path.contains(&b'/') {
        let search = shell.text(b"PATH");
        let listed = search.split(|b| *b == b':').map(|d| [d, b"/", path].concat());
        found = listed.into_iter().find(|p| files.stat(p).is_ok_and(|m| m.kind == crate::Kind::File)).unwrap_or_else(|| path.clone());
    }
    let text = match files
        .stat(&found)
        .and_then(|m| if m.kind == crate::Kind::Directory { Err(crate::Errno::Eisdir) } else { files.read(&found) })
    {
        Ok(text) => text,
        Err(errno) => {
            let what = errno.message().as_bytes();
            return match shell.dialect {
                Dialect::Bash if errno == crate::Errno::Eisdir => {
                    shell.complain_as(name, [&path[..], b": is a directory"].concat()).await?;
                    Ok(1)
                }
                Dialect::Bash => {
                    shell.complain([&path[..], b": ", what].concat()).await?;
                    Ok(1)
                }
                Dialect::Ash => {
                    shell.complain([b"can't open '", &path[..], b"': ", what].concat()).await?;
                    Err(shell.fatal(2))
                }
                Dialect::Dash => {
                    let what: &[u8] = if errno == crate::Errno::Enoent { b"No such file" } else { what };
                    shell.complain([b".: cannot open ", &path[..], b": ", what].concat()).await?;
                    Err(shell.fatal(2))
                }
            };
        }
    };
    let positional = (args.len() > 2).then(|| std::mem::replace(&mut shell.positional, args[2..].into()));
    let line = std::mem::replace(&mut shell.line, 1);
    let kind = std::mem::replace(&mut shell.source, crate::interp::Source::Script);
    let called = std::mem::replace(&mut shell.name, path.clone());
    shell.sourcing += 1;
    let ran = shell.evaluate_text(text.to_vec(), "source").await;
    shell.sourcing -= 1;
    shell.name = called;
    shell.source = kind;
    shell.line = line;
    if let Some(positional) = positional {
        shell.positional = positional;
    }
    match ran {
        Err(Flow::Return(code)) => Ok(code),
        ran => ran,
    }
}

/// `exec [-a NAME] [COMMAND …]`; without a command its redirections stay.
pub(super) async fn exec(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut rest = args.get(1..).unwrap_or_default();
    let mut called = None;
    while let Some((option, after)) = rest.split_first() {
        match &option[..] {
            b"-a" if shell.bash() => {
                called = after.first().cloned();
                rest = after.get(1..).unwrap_or_default();
            }
            b"-c" | b"-l" if shell.bash() => rest = after,
            b"--" => {
                rest = after;
                break;
            }
            _ => break,
        }
    }
    if rest.is_empty() {
        return Ok(0);
    }
    let search = shell.text(b"PATH");
    shell.process.environment = shell.variables.environment();
    shell.process.flush().await?;
    match exec::prepare(&shell.process, rest.to_vec(), &search) {
        Ok(mut image) => {
            if let (Some(called), Some(first)) = (called, image.args.first_mut()) {
                *first = called;
            }
            shell.become_program(image).await
        }
        Err(cannot) => {
            let missing = cannot.errno == crate::Errno::Enoent && !cannot.name.contains(&b'/');
            let code = if missing {
                let text = [&cannot.name[..], b": not found"].concat();
                shell.complain_as("exec", text).await?;
                127
            } else if shell.bash() {
                let text = [&cannot.name[..], b": ", cannot.errno.message().as_bytes()].concat();
                shell.complain(text).await?;
                if cannot.errno == crate::Errno::Enoent { 127 } else { 126 }
            } else {
                shell.cannot_run(cannot).await?
            };
            if shell.options.interactive { Ok(code) } else { Err(Flow::Exit(code)) }
        }
    }
}
