//! `cd`, `pwd`, `pushd`, `popd`, `dirs`.

use super::number;
use crate::Errno;
use crate::fs::Kind;
use crate::interp::{Ran, Shell};

/// Directories on the stack at most.
const STACK_MAX: usize = 256;

/// A path made absolute, its `.` and `..` resolved by name, as `cd` without `-P` does.
fn logical(base: &[u8], path: &[u8]) -> Vec<u8> {
    let whole = if path.starts_with(b"/") { path.to_vec() } else { [base, b"/", path].concat() };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in whole.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    [b"/", &parts.join(&b'/')[..]].concat()
}

/// Goes to a directory; `Err` is why it cannot.
async fn go(shell: &mut Shell, path: &[u8], physical: bool) -> Result<Result<(), Errno>, crate::interp::Flow> {
    let files = shell.process.files();
    let checked = match files.stat(path) {
        Ok(m) if m.kind != Kind::Directory => Err(Errno::Enotdir),
        Ok(_) => files.access(path, 1),
        Err(errno) => Err(errno),
    };
    if let Err(errno) = checked {
        return Ok(Err(errno));
    }
    let base = shell.text(b"PWD");
    let mut target = logical(if base.is_empty() { &shell.process.directory } else { &base }, path);
    if physical || files.stat(&target).is_err() {
        target = files.real_path(path).unwrap_or(target);
    }
    let old = shell.text(b"PWD");
    shell.process.directory = target.as_slice().into();
    shell.assign(b"OLDPWD", old).await?;
    shell.assign(b"PWD", target).await?;
    for name in [&b"PWD"[..], b"OLDPWD"] {
        // They were set just now: there is room, and bash exports them.
        let _ = shell.variables.change(name, 0, |variable| variable.exported = true);
    }
    Ok(Ok(()))
}

/// `cd [-LPe] [DIR]`
pub(super) async fn change(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut physical = shell.options.on("physical");
    let mut rest = &args[1..];
    while let Some((option, after)) = rest.split_first() {
        match &option[..] {
            b"-P" => physical = true,
            b"-L" | b"-e" | b"-@" => physical = false,
            b"--" => {
                rest = after;
                break;
            }
            option if option.len() > 1 && option.starts_with(b"-") && shell.bash() => {
                shell.complain_as("cd", [&option[..2], b": invalid option"].concat()).await?;
                shell.process.err("cd: usage: cd [-L|[-P [-e]] [-@]] [dir]\n").await?;
                return Ok(2);
            }
            _ => break,
        }
        rest = after;
    }
    if rest.len() > 1 && shell.bash() {
        shell.complain_as("cd", "too many arguments").await?;
        return Ok(1);
    }
    let mut shows = false;
    let path = match rest.first().map(Vec::as_slice) {
        None => match shell.lookup(b"HOME") {
            Some(home) => home,
            None => {
                if shell.bash() {
                    shell.complain_as("cd", "HOME not set").await?;
                    return Ok(1);
                }
                return Ok(0);
            }
        },
        Some(b"-") => {
            let Some(old) = shell.lookup(b"OLDPWD") else {
                return shell.refuse("cd", "OLDPWD not set", "OLDPWD not set", "OLDPWD not set", 1).await;
            };
            shows = true;
            old
        }
        Some(b"") => return Ok(0),
        Some(path) => path.to_vec(),
    };
    let mut destination = path.clone();
    if let Some(search) = shell.lookup(b"CDPATH").filter(|_| !path.starts_with(b"/") && !path.starts_with(b".")) {
        let files = shell.process.files();
        let found = search.split(|b| *b == b':').filter(|d| !d.is_empty()).map(|d| [d, b"/", &path].concat());
        if let Some(found) = found.into_iter().find(|p| files.stat(p).is_ok_and(|m| m.kind == Kind::Directory)) {
            destination = found;
            shows = true;
        }
    }
    match go(shell, &destination, physical).await? {
        Ok(()) => {
            if shows {
                let now = [&shell.process.directory[..], b"\n"].concat();
                shell.process.out(now).await?;
            }
            Ok(0)
        }
        Err(errno) => {
            let bash = [&path[..], b": ", errno.message().as_bytes()].concat();
            let ash = [b"can't cd to ", &path[..], b": ", errno.message().as_bytes()].concat();
            let dash = [b"can't cd to ", &path[..]].concat();
            let code = if shell.bash() { 1 } else { 2 };
            shell.refuse("cd", bash, ash, dash, code).await
        }
    }
}

/// `pwd [-LP]`
pub(super) async fn print(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let physical = args.iter().any(|a| a == b"-P");
    if let Some(wrong) = args[1..].iter().find(|a| a.starts_with(b"-") && !matches!(&a[..], b"-P" | b"-L" | b"--" | b"-"))
        && shell.bash()
    {
        shell.complain_as("pwd", [&wrong[..2], b": invalid option"].concat()).await?;
        shell.process.err("pwd: usage: pwd [-LP]\n").await?;
        return Ok(2);
    }
    let directory = shell.process.directory.to_vec();
    let shown = if physical { shell.process.files().real_path(&directory).unwrap_or(directory) } else { directory };
    shell.process.out([&shown[..], b"\n"].concat()).await?;
    Ok(0)
}

/// The stack, the working directory first.
fn stack(shell: &Shell) -> Vec<Vec<u8>> {
    std::iter::once(shell.process.directory.to_vec()).chain(shell.directories.iter().cloned()).collect()
}

fn shortened(shell: &Shell, path: &[u8]) -> Vec<u8> {
    let home = shell.text(b"HOME");
    match path.strip_prefix(&home[..]).filter(|rest| home.len() > 1 && (rest.is_empty() || rest.starts_with(b"/"))) {
        Some(rest) => [b"~", rest].concat(),
        None => path.to_vec(),
    }
}

async fn show(shell: &mut Shell) -> Ran {
    let shown: Vec<_> = stack(shell).iter().map(|path| shortened(shell, path)).collect();
    shell.process.out([&shown.join(&b' ')[..], b"\n"].concat()).await?;
    Ok(0)
}

/// `dirs [-clpv]`
pub(super) async fn dirs(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let (mut long, mut lines, mut numbers) = (false, false, false);
    for letter in args[1..].iter().filter_map(|a| a.strip_prefix(b"-")).flatten() {
        match letter {
            b'c' => {
                shell.directories.clear();
                return Ok(0);
            }
            b'l' => long = true,
            b'p' => lines = true,
            b'v' => (lines, numbers) = (true, true),
            _ => {}
        }
    }
    if !lines && !long {
        return show(shell).await;
    }
    let mut out = Vec::new();
    for (n, path) in stack(shell).iter().enumerate() {
        if numbers {
            out.extend(format!("{n:2}  ").into_bytes());
        }
        out.extend(if long { path.clone() } else { shortened(shell, path) });
        out.push(if lines { b'\n' } else { b' ' });
    }
    if !lines {
        out.pop();
        out.push(b'\n');
    }
    shell.process.out(out).await?;
    Ok(0)
}

/// Position `+N` or `-N` on the stack.
fn position(shell: &Shell, text: &[u8]) -> Option<usize> {
    let count = shell.directories.len() + 1;
    let n = usize::try_from(number(text.get(1..)?)?).ok()?;
    let at = if text[0] == b'+' { n } else { count.checked_sub(n + 1)? };
    (at < count).then_some(at)
}

async fn cannot(shell: &mut Shell, name: &str, path: &[u8], errno: Errno) -> Ran {
    shell.complain_as(name, [path, b": ", errno.message().as_bytes()].concat()).await?;
    Ok(1)
}

/// `pushd [DIR | +N | -N]`
pub(super) async fn push(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let here = shell.process.directory.to_vec();
    let target = args.get(1).filter(|a| *a != b"-n").cloned();
    match target {
        None => {
            let Some(top) = shell.directories.first().cloned() else {
                shell.complain_as("pushd", "no other directory").await?;
                return Ok(1);
            };
            match go(shell, &top, false).await? {
                Ok(()) => shell.directories[0] = here,
                Err(errno) => return cannot(shell, "pushd", &top, errno).await,
            }
        }
        Some(text) if matches!(text.first(), Some(b'+' | b'-')) && text.len() > 1 => {
            let Some(at) = position(shell, &text) else {
                shell.complain_as("pushd", [&text[..], b": directory stack index out of range"].concat()).await?;
                return Ok(1);
            };
            let mut all = stack(shell);
            all.rotate_left(at);
            let top = all.remove(0);
            match go(shell, &top, false).await? {
                Ok(()) => shell.directories = all,
                Err(errno) => return cannot(shell, "pushd", &top, errno).await,
            }
        }
        Some(path) => match go(shell, &path, false).await? {
            Ok(()) => {
                shell.directories.insert(0, here);
                shell.directories.truncate(STACK_MAX);
            }
            Err(errno) => return cannot(shell, "pushd", &path, errno).await,
        },
    }
    show(shell).await
}

/// `popd [+N | -N]`
pub(super) async fn pop(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    if shell.directories.is_empty() {
        shell.complain_as("popd", "directory stack empty").await?;
        return Ok(1);
    }
    let at = match args.get(1) {
        None => Some(0),
        Some(text) => position(shell, text),
    };
    match at {
        Some(0) => {
            let top = shell.directories.remove(0);
            if let Err(errno) = go(shell, &top, false).await? {
                return cannot(shell, "popd", &top, errno).await;
            }
        }
        Some(at) => drop(shell.directories.remove(at - 1)),
        None => {
            let shown = args.get(1).cloned().unwrap_or_default();
            shell.complain_as("popd", [&shown[..], b": directory stack index out of range"].concat()).await?;
            return Ok(1);
        }
    }
    show(shell).await
}
