//! `type`, `command`, `hash`, `alias`, `help`, `enable`, `history`, `compgen`, `builtin`.

use crate::exec;
use crate::interp::{Ran, Shell, quote};
use crate::parse::Dialect;
use std::sync::Arc;

/// Words with a meaning of their own.
const KEYWORDS: [&str; 22] = [
    "if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until", "do", "done", "in", "function", "time", "{",
    "}", "!", "[[", "]]", "coproc",
];

/// What a name is.
enum What {
    Alias(Vec<u8>),
    Keyword,
    Function(Vec<u8>),
    Builtin(bool),
    File(Vec<u8>),
}

impl What {
    fn word(&self) -> &'static str {
        match self {
            What::Alias(_) => "alias",
            What::Keyword => "keyword",
            What::Function(_) => "function",
            What::Builtin(_) => "builtin",
            What::File(_) => "file",
        }
    }
}

/// Everything a name is, what would run first.
fn meanings(shell: &Shell, name: &[u8]) -> Vec<What> {
    let mut all = Vec::new();
    if let Some(alias) = shell.aliases.get(name) {
        all.push(What::Alias(alias.clone()));
    }
    let bash_only: [&[u8]; 6] = [b"select", b"function", b"time", b"[[", b"]]", b"coproc"];
    if KEYWORDS.iter().any(|k| k.as_bytes() == name) && (shell.bash() || !bash_only.contains(&name)) {
        all.push(What::Keyword);
    }
    if let Some(function) = shell.functions.get(name) {
        all.push(What::Function(function.text.to_vec()));
    }
    if let Some(builtin) = super::find(name, shell.dialect).filter(|b| !shell.disabled(b.name)) {
        all.push(What::Builtin(builtin.special));
    }
    let search = shell.text(b"PATH");
    if let Ok(path) = exec::search(&shell.process, name, &search)
        && shell.process.files().access(&path, 1).is_ok()
    {
        all.push(What::File(path));
    }
    all
}

/// `type [-aftpP] NAME…`
pub(super) async fn kind(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut letters = Vec::new();
    let mut names = Vec::new();
    for arg in &args[1..] {
        match arg.strip_prefix(b"-").filter(|l| !l.is_empty() && names.is_empty() && shell.bash()) {
            Some(more) => letters.extend_from_slice(more),
            None => names.push(arg.clone()),
        }
    }
    let mut status = 0;
    for name in names {
        let mut found = meanings(shell, &name);
        if letters.contains(&b'P') {
            found.retain(|what| matches!(what, What::File(_)));
        }
        if !letters.contains(&b'a') {
            found.truncate(1);
        }
        if found.is_empty() {
            status = if shell.bash() { 1 } else { 127 };
            if !letters.iter().any(|l| b"tpP".contains(l)) {
                let text = [&name[..], b": not found"].concat();
                match shell.dialect {
                    Dialect::Bash => shell.complain_as("type", text).await?,
                    _ => shell.process.out([&text[..], b"\n"].concat()).await?,
                }
            }
        }
        for what in found {
            let line = match (&what, letters.iter().any(|l| b"pP".contains(l))) {
                _ if letters.contains(&b't') => what.word().as_bytes().to_vec(),
                (What::File(path), true) => path.clone(),
                (_, true) => continue,
                _ => sentence(shell, &name, &what),
            };
            shell.process.out([&line[..], b"\n"].concat()).await?;
        }
    }
    Ok(status)
}

fn sentence(shell: &Shell, name: &[u8], what: &What) -> Vec<u8> {
    let end: Vec<u8> = match (what, shell.dialect) {
        (What::Alias(value), Dialect::Bash) => [b" is aliased to `", &value[..], b"'"].concat(),
        (What::Alias(value), _) => [b" is an alias for ", &value[..]].concat(),
        (What::Keyword, _) => b" is a shell keyword".to_vec(),
        (What::Function(text), Dialect::Bash) => [b" is a function\n", &text[..]].concat(),
        (What::Function(_), Dialect::Ash) => b" is a function".to_vec(),
        (What::Function(_), Dialect::Dash) => b" is a shell function".to_vec(),
        (What::Builtin(true), Dialect::Ash | Dialect::Dash) => b" is a special shell builtin".to_vec(),
        (What::Builtin(_), _) => b" is a shell builtin".to_vec(),
        (What::File(path), _) => [b" is ", &path[..]].concat(),
    };
    [name, &end].concat()
}

/// `command [-pVv] NAME …`
pub(super) async fn command(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut rest = &args[1..];
    let (mut short, mut long) = (false, false);
    while let Some((option, after)) = rest.split_first() {
        match &option[..] {
            b"-v" => short = true,
            b"-V" => long = true,
            b"-p" => {}
            b"--" => {
                rest = after;
                break;
            }
            option if option.len() > 1 && option.starts_with(b"-") => {
                let bash = [&option[..2], b": invalid option"].concat();
                let status =
                    shell.refuse("command", bash, [b"illegal option ", option].concat(), [b"Illegal option ", option].concat(), 2).await?;
                if shell.bash() {
                    shell.process.err("command: usage: command [-pVv] command [arg ...]\n").await?;
                }
                return Ok(status);
            }
            _ => break,
        }
        rest = after;
    }
    if !(short || long) {
        return run_without_functions(shell, rest.to_vec()).await;
    }
    let mut status = if rest.is_empty() { 0 } else { 1 };
    for name in rest {
        let Some(what) = meanings(shell, name).into_iter().next() else {
            if long {
                let text = [&name[..], b": not found"].concat();
                shell.complain_as("command", text).await?;
            } else if !shell.bash() {
                status = 127;
            }
            continue;
        };
        status = 0;
        let line = match &what {
            _ if long => sentence(shell, name, &what),
            What::Alias(value) => [b"alias ", &name[..], b"=", &quote(value)].concat(),
            What::File(path) => path.clone(),
            _ => name.clone(),
        };
        shell.process.out([&line[..], b"\n"].concat()).await?;
    }
    Ok(status)
}

/// `builtin NAME …`
pub(super) async fn builtin(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let Some(name) = args.get(1) else { return Ok(0) };
    match super::find(name, shell.dialect) {
        Some(builtin) => {
            shell.builtin = Some(builtin.name);
            (builtin.run)(shell, args[1..].to_vec()).await
        }
        None => {
            let text = [&name[..], b": not a shell builtin"].concat();
            shell.complain_as("builtin", text).await?;
            Ok(1)
        }
    }
}

async fn run_without_functions(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let Some(name) = args.first() else { return Ok(0) };
    match super::find(name, shell.dialect) {
        Some(builtin) => {
            shell.builtin = Some(builtin.name);
            (builtin.run)(shell, args).await
        }
        None => {
            shell.builtin = None;
            shell.run_external(&[], args).await
        }
    }
}

/// `hash [-lrt] [-p PATH] [NAME…]`
pub(super) async fn hash(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let names: Vec<Vec<u8>> = args[1..].iter().filter(|a| !a.starts_with(b"-")).cloned().collect();
    let mut status = 0;
    if args.len() == 1 && shell.bash() {
        shell.process.out("hash: hash table empty\n").await?;
    }
    for name in names {
        let search = shell.text(b"PATH");
        if super::find(&name, shell.dialect).is_none() && exec::search(&shell.process, &name, &search).is_err() {
            let text = [&name[..], b": not found"].concat();
            status = shell.refuse("hash", &text, &text, &text, 1).await?;
        }
    }
    Ok(status)
}

/// `alias [NAME[=VALUE]…]`
pub(super) async fn alias(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let prefix: &[u8] = if shell.bash() { b"alias " } else { b"" };
    let names: Vec<&Vec<u8>> = args[1..].iter().filter(|a| *a != b"-p").collect();
    if names.is_empty() {
        let lines: Vec<u8> =
            shell.aliases.iter().flat_map(|(name, value)| [prefix, &name[..], b"=", &quote(value), b"\n"].concat()).collect();
        shell.process.out(lines).await?;
        return Ok(0);
    }
    let mut status = 0;
    for name in names {
        if let Some(at) = name.iter().position(|b| *b == b'=').filter(|at| *at > 0) {
            if shell.aliases.len() < 1000 {
                Arc::make_mut(&mut shell.aliases).insert(name[..at].to_vec(), name[at + 1..].to_vec());
            }
            continue;
        }
        match shell.aliases.get(name).cloned() {
            Some(value) => shell.process.out([prefix, &name[..], b"=", &quote(&value), b"\n"].concat()).await?,
            None => status = no_alias(shell, "alias", name).await?,
        }
    }
    Ok(status)
}

async fn no_alias(shell: &mut Shell, builtin: &'static str, name: &[u8]) -> Ran {
    match shell.dialect {
        Dialect::Bash => shell.complain_as(builtin, [name, b": not found"].concat()).await?,
        _ => shell.process.err([builtin.as_bytes(), b": ", name, b" not found\n"].concat()).await?,
    }
    Ok(1)
}

/// `unalias [-a] NAME…`
pub(super) async fn unalias(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    if args.iter().any(|a| a == b"-a") {
        shell.aliases = Arc::default();
        return Ok(0);
    }
    let mut status = 0;
    for name in &args[1..] {
        if Arc::make_mut(&mut shell.aliases).remove(name).is_none() {
            status = no_alias(shell, "unalias", name).await?;
        }
    }
    Ok(status)
}

/// `help [PATTERN]`: the list of builtins, or one line about one.
pub(super) async fn help(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    if shell.dialect == Dialect::Ash {
        let mut out = String::from("Built-in commands:\n------------------\n");
        let mut line = String::from("\t");
        for name in super::names(Dialect::Ash) {
            if line.len() + name.len() > 70 {
                out += line.trim_end_matches(' ');
                out.push('\n');
                line = String::from("\t");
            }
            line += name;
            line.push(' ');
        }
        out += line.trim_end_matches(' ');
        out.push('\n');
        shell.process.out(out).await?;
        return Ok(0);
    }
    let names: Vec<&Vec<u8>> = args[1..].iter().filter(|a| !a.starts_with(b"-")).collect();
    if let Some(name) = names.first() {
        if super::find(name, Dialect::Bash).is_some() || KEYWORDS.iter().any(|k| k.as_bytes() == &name[..]) {
            let line = [&name[..], b": ", &name[..], b"\n"].concat();
            shell.process.out(line).await?;
            return Ok(0);
        }
        let shown = String::from_utf8_lossy(name).into_owned();
        let text = format!("no help topics match `{shown}'.  Try `help help' or `man -k {shown}' or `info {shown}'.");
        shell.complain_as("help", text).await?;
        return Ok(1);
    }
    let version = String::from_utf8_lossy(&shell.version_text()).into_owned();
    let machine = shell.process.machine().host().persona().host.kernel.machine.clone();
    let mut out = format!(
        "GNU bash, version {version} ({machine}-pc-linux-gnu)\nThese shell commands are defined internally.  Type `help' to see this list.\n\
         Type `help name' to find out more about the function `name'.\nUse `info bash' to find out more about the shell in general.\n\
         Use `man -k' or `info' to find out more about commands not in this list.\n\nA star (*) next to a name means that the command is disabled.\n\n"
    );
    for name in super::names(Dialect::Bash) {
        out += &format!(" {name}\n");
    }
    shell.process.out(out).await?;
    Ok(0)
}

/// `enable [-n] [NAME…]`
pub(super) async fn enable(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let off = args.iter().any(|a| a == b"-n");
    let names: Vec<Vec<u8>> = args[1..].iter().filter(|a| !a.starts_with(b"-")).cloned().collect();
    if names.is_empty() {
        let lines: String = super::names(Dialect::Bash)
            .filter(|name| shell.disabled(name) == off)
            .map(|name| format!("enable {}{name}\n", if off { "-n " } else { "" }))
            .collect();
        shell.process.out(lines).await?;
        return Ok(0);
    }
    let mut status = 0;
    for name in names {
        match super::find(&name, Dialect::Bash) {
            Some(builtin) => shell.disable(builtin.name, off),
            None => {
                shell.complain_as("enable", [&name[..], b": not a shell builtin"].concat()).await?;
                status = 1;
            }
        }
    }
    Ok(status)
}

/// `history [-c] [N]`
pub(super) async fn history(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let width = if shell.bash() { 5 } else { 4 };
    match args.get(1).map(Vec::as_slice) {
        Some(b"-c") => {
            shell.history = Arc::default();
            return Ok(0);
        }
        Some(b"-a" | b"-r" | b"-w" | b"-n") => return Ok(0),
        Some(b"-d") => {
            let at = args.get(2).and_then(|t| super::number(t)).and_then(|n| usize::try_from(n - 1).ok());
            match at.filter(|at| *at < shell.history.len()) {
                Some(at) => drop(Arc::make_mut(&mut shell.history).remove(at)),
                None => {
                    let shown = args.get(2).cloned().unwrap_or_default();
                    shell.complain_as("history", [&shown[..], b": history position out of range"].concat()).await?;
                    return Ok(1);
                }
            }
            return Ok(0);
        }
        Some(option) if option.len() > 1 && option.starts_with(b"-") => {
            shell.complain_as("history", [&option[..2], b": invalid option"].concat()).await?;
            shell
                .process
                .err("history: usage: history [-c] [-d offset] [n] or history -anrw [filename] or history -ps arg [arg...]\n")
                .await?;
            return Ok(2);
        }
        _ => {}
    }
    let all = shell.history.clone();
    let count = match args.get(1) {
        Some(text) => match super::number(text).and_then(|n| usize::try_from(n).ok()) {
            Some(count) => count,
            None => {
                shell.complain_as("history", [&text[..], b": numeric argument required"].concat()).await?;
                return Ok(1);
            }
        },
        None => all.len(),
    };
    for (n, line) in all.iter().enumerate().skip(all.len().saturating_sub(count)) {
        shell.process.out([format!("{:>width$}  ", n + 1).as_bytes(), line, b"\n"].concat()).await?;
    }
    Ok(0)
}

/// `compgen -b|-c|-k|-A …`: the lists people ask for.
pub(super) async fn compgen(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let prefix = args.iter().skip(2).next_back().filter(|a| !a.starts_with(b"-")).cloned().unwrap_or_default();
    let mut names: Vec<Vec<u8>> = match args.get(1).map(Vec::as_slice) {
        Some(b"-b") => super::names(Dialect::Bash).map(|n| n.as_bytes().to_vec()).collect(),
        Some(b"-k") => KEYWORDS.iter().map(|k| k.as_bytes().to_vec()).collect(),
        Some(b"-a") => shell.aliases.keys().cloned().collect(),
        Some(b"-v") => shell.variables.iter().map(|(n, _)| n.clone()).collect(),
        Some(b"-u") => shell.process.machine().host().persona().host.users.iter().map(|u| u.name.clone().into_bytes()).collect(),
        Some(b"-c") => {
            let files = shell.process.files();
            let search = shell.text(b"PATH");
            let listed = search.split(|b| *b == b':').flat_map(|d| files.list(d).unwrap_or_default()).map(|(name, _)| name);
            listed.chain(super::names(Dialect::Bash).map(|n| n.as_bytes().to_vec())).collect()
        }
        _ => return Ok(1),
    };
    names.retain(|name| name.starts_with(&prefix));
    let found = !names.is_empty();
    for name in names {
        shell.process.out([&name[..], b"\n"].concat()).await?;
    }
    Ok(u8::from(!found))
}
