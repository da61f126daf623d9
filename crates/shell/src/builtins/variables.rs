//! `export`, `readonly`, `declare`, `local`, `unset`.

use crate::interp::{Flow, Ran, Shell, Value, Variable, attribute_letters, hash_order, quote, quote_if_needed};
use crate::parse::{Dialect, is_name};

/// An array's elements, as `declare -p` writes them.
pub(super) fn array_text(variable: &Variable) -> Vec<u8> {
    let pairs: Vec<Vec<u8>> = match &variable.value {
        Value::Indexed(items) => items.iter().map(|(k, v)| [format!("[{k}]=").as_bytes(), &double_quoted(v)].concat()).collect(),
        Value::Associative(items) => {
            hash_order(items).into_iter().map(|(k, v)| [b"[", &quote_if_needed(k)[..], b"]=", &double_quoted(v), b" "].concat()).collect()
        }
        _ => Vec::new(),
    };
    let separator: &[u8] = if matches!(variable.value, Value::Indexed(_)) { b" " } else { b"" };
    [b"(", &pairs.join(separator)[..], b")"].concat()
}

/// A text between double quotes.
fn double_quoted(text: &[u8]) -> Vec<u8> {
    if text.iter().any(|b| *b < 0x20) {
        return quote(text);
    }
    let mut out = vec![b'"'];
    for byte in text {
        if b"\"\\$`".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
    out
}

fn declaration(name: &[u8], variable: &Variable) -> Vec<u8> {
    let letters = attribute_letters(variable);
    let letters = if letters.is_empty() { "-".to_owned() } else { letters };
    let start = [b"declare -", letters.as_bytes(), b" ", name].concat();
    match &variable.value {
        Value::Unset => [&start[..], b"\n"].concat(),
        Value::Scalar(text) => [&start[..], b"=", &double_quoted(text), b"\n"].concat(),
        _ => [&start[..], b"=", &array_text(variable), b"\n"].concat(),
    }
}

/// What an option letter does to a variable.
fn switch(variable: &mut Variable, letter: u8, on: bool) {
    match letter {
        b'x' => variable.exported = on,
        b'r' => variable.readonly |= on,
        b'i' => variable.integer = on,
        b'u' => (variable.upper, variable.lower) = (on, false),
        b'l' => (variable.lower, variable.upper) = (on, false),
        b'n' => variable.reference = on,
        b'a' if on && !matches!(variable.value, Value::Indexed(_)) => {
            let first = variable.scalar().map(|text| (0, text.to_vec()));
            variable.value = Value::Indexed(first.into_iter().collect());
        }
        b'A' if on && !matches!(variable.value, Value::Associative(_)) => variable.value = Value::Associative(Default::default()),
        _ => {}
    }
}

const USAGE: &str = "usage: declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]";

/// `export`
pub(super) async fn export(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    mark(shell, args, "export", b'x').await
}

/// `readonly`
pub(super) async fn readonly(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    mark(shell, args, "readonly", b'r').await
}

async fn mark(shell: &mut Shell, args: Vec<Vec<u8>>, name: &'static str, letter: u8) -> Ran {
    let mut on = true;
    let mut functions = false;
    let mut rest = &args[1..];
    while let Some((option, after)) = rest.split_first() {
        let Some(letters) = option.strip_prefix(b"-").filter(|l| !l.is_empty()) else { break };
        rest = after;
        if letters == b"-" {
            break;
        }
        for option in letters {
            match option {
                b'n' if name == "export" => on = false,
                b'p' => {}
                b'f' => functions = true,
                b'a' | b'A' if name == "readonly" => {}
                _ => {
                    let shown = [b'-', *option];
                    let code = shell
                        .refuse(
                            name,
                            [&shown[..], b": invalid option"].concat(),
                            [b"illegal option ", &shown[..]].concat(),
                            [b"Illegal option ", &shown[..]].concat(),
                            2,
                        )
                        .await?;
                    if shell.bash() {
                        let more = if name == "export" {
                            "[-fn] [name[=value] ...] or export -p"
                        } else {
                            "[-aAf] [name[=value] ...] or readonly -p"
                        };
                        shell.process.err(format!("{name}: usage: {name} {more}\n")).await?;
                    }
                    return shell.fatal_in_ash(code);
                }
            }
        }
    }
    if functions {
        return Ok(0);
    }
    if rest.is_empty() {
        let mut out = Vec::new();
        for (known, variable) in shell.variables.iter() {
            let marked = if letter == b'x' { variable.exported } else { variable.readonly };
            if !marked {
                continue;
            }
            if shell.bash() {
                out.extend(declaration(known, variable));
            } else {
                let value = variable.scalar().map_or_else(Vec::new, |v| [b"=", &quote(v)[..]].concat());
                out.extend([name.as_bytes(), b" ", known, &value, b"\n"].concat());
            }
        }
        shell.process.out(out).await?;
        return Ok(0);
    }
    let mut status = 0;
    for argument in rest {
        status = status.max(declare_one(shell, name, argument, &[(letter, on)]).await?);
    }
    Ok(status)
}

/// `NAME`, `NAME=value`, `NAME+=value`, `NAME[i]=value` of a declaring builtin.
async fn declare_one(shell: &mut Shell, builtin: &'static str, argument: &[u8], letters: &[(u8, bool)]) -> Ran {
    let equals = argument.iter().position(|b| *b == b'=');
    let (mut name, value) = match equals {
        Some(at) => (&argument[..at], Some(argument[at + 1..].to_vec())),
        None => (argument, None),
    };
    let append = value.is_some() && name.ends_with(b"+");
    if append {
        name = &name[..name.len() - 1];
    }
    let subscript = name.iter().position(|b| *b == b'[').filter(|_| name.ends_with(b"]")).map(|at| name[at + 1..name.len() - 1].to_vec());
    let plain = name.split(|b| *b == b'[').next().unwrap_or_default();
    if !is_name(plain) || (subscript.is_some() && !shell.bash()) {
        let bash = [b"`", argument, b"': not a valid identifier"].concat();
        let ash = [plain, b": bad variable name"].concat();
        let code = if shell.bash() { 1 } else { 2 };
        let code = shell.refuse(builtin, bash, &ash, &ash, code).await?;
        return shell.fatal_in_ash(code);
    }
    // Attributes that shape the value come first, `readonly` last.
    for (letter, on) in letters.iter().filter(|(letter, _)| *letter != b'r') {
        let changed = shell.variables.change_even_readonly(plain, 0, |variable| switch(variable, *letter, *on));
        shell.assigned_in(plain, changed).await?;
    }
    if let Some(value) = value {
        match subscript {
            Some(subscript) => shell.assign_element(plain, &subscript, value, append).await?,
            None if letters.contains(&(b'n', true)) => {
                let changed = shell.variables.change(plain, value.len(), |variable| variable.value = Value::Scalar(value));
                shell.assigned_in(plain, changed).await?;
            }
            None => {
                let value = if append { [shell.text(plain), value].concat() } else { value };
                shell.assign(plain, value).await?;
            }
        }
    }
    if letters.contains(&(b'r', true)) {
        let changed = shell.variables.change_even_readonly(plain, 0, |variable| variable.readonly = true);
        shell.assigned_in(plain, changed).await?;
    }
    Ok(0)
}

/// `declare`, `typeset`
pub(super) async fn declare(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let local = shell.variables.in_function();
    declare_with(shell, args, "declare", local).await
}

/// `local`
pub(super) async fn local(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    if !shell.variables.in_function() {
        let code = if shell.bash() { 1 } else { 2 };
        let code = shell.refuse("local", "can only be used in a function", "not in a function", "not in a function", code).await?;
        return shell.fatal_in_ash(code);
    }
    declare_with(shell, args, "local", true).await
}

async fn declare_with(shell: &mut Shell, args: Vec<Vec<u8>>, builtin: &'static str, local: bool) -> Ran {
    let mut letters: Vec<(u8, bool)> = Vec::new();
    let (mut print, mut functions, mut names_only, mut global) = (false, false, false, false);
    let mut rest = &args[1..];
    while let Some((option, after)) = rest.split_first() {
        let on = option.first() == Some(&b'-');
        if !(on || option.first() == Some(&b'+')) || option.len() < 2 {
            break;
        }
        rest = after;
        if option == b"--" {
            break;
        }
        for letter in &option[1..] {
            match letter {
                b'p' => print = true,
                b'f' => functions = true,
                b'F' => (functions, names_only) = (true, true),
                b'g' => global = true,
                b'a' | b'A' | b'i' | b'l' | b'n' | b'r' | b'u' | b'x' => letters.push((*letter, on)),
                b't' | b'I' => {}
                _ => {
                    shell.complain_as(builtin, [&option[..1], &[*letter], b": invalid option"].concat()).await?;
                    let usage = if builtin == "local" { "usage: local [option] name[=value] ..." } else { USAGE };
                    shell.process.err(format!("{builtin}: {usage}\n")).await?;
                    return Ok(2);
                }
            }
        }
    }
    if functions {
        return print_functions(shell, rest, names_only).await;
    }
    if print || (rest.is_empty() && builtin != "local") {
        return print_variables(shell, rest, &letters, builtin).await;
    }
    let mut status = 0;
    for argument in rest {
        let name = argument.split(|b| b"=[+".contains(b)).next().unwrap_or_default();
        if local && !global && is_name(name) {
            // In dash and ash a local keeps the value it had outside.
            shell.variables.localize(name, !shell.bash());
        }
        status = status.max(declare_one(shell, builtin, argument, &letters).await?);
    }
    Ok(status)
}

async fn print_functions(shell: &mut Shell, names: &[Vec<u8>], names_only: bool) -> Ran {
    let mut out = Vec::new();
    let mut status = 0;
    let all: Vec<Vec<u8>> = if names.is_empty() { shell.functions.keys().cloned().collect() } else { names.to_vec() };
    for name in all {
        match shell.functions.get(&name) {
            None => status = 1,
            Some(_) if names_only && names.is_empty() => out.extend([b"declare -f ", &name[..], b"\n"].concat()),
            Some(_) if names_only => out.extend([&name[..], b"\n"].concat()),
            Some(function) => out.extend([&function.text[..], b"\n"].concat()),
        }
    }
    shell.process.out(out).await?;
    Ok(status)
}

async fn print_variables(shell: &mut Shell, names: &[Vec<u8>], letters: &[(u8, bool)], builtin: &'static str) -> Ran {
    let mut out = Vec::new();
    let mut missing = Vec::new();
    if names.is_empty() {
        for (name, variable) in shell.variables.iter() {
            let shown = attribute_letters(variable);
            if letters.iter().all(|(letter, _)| shown.contains(*letter as char)) {
                out.extend(declaration(name, variable));
            }
        }
    }
    for name in names {
        match shell.variables.get(name) {
            Some(variable) => out.extend(declaration(name, variable)),
            None => missing.push(name.clone()),
        }
    }
    shell.process.out(out).await?;
    for name in &missing {
        shell.complain_as(builtin, [&name[..], b": not found"].concat()).await?;
    }
    Ok(u8::from(!missing.is_empty()))
}

/// `unset [-fvn] NAME…`
pub(super) async fn unset(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let (mut functions, mut variables) = (false, false);
    let mut status = 0;
    let mut options = true;
    for name in &args[1..] {
        match &name[..] {
            b"-f" if options => functions = true,
            b"-v" | b"-n" if options => variables = true,
            b"--" if options => options = false,
            _ => {
                options = false;
                status = status.max(unset_one(shell, name, functions, variables).await?);
            }
        }
    }
    Ok(status)
}

async fn unset_one(shell: &mut Shell, name: &[u8], functions: bool, variables: bool) -> Ran {
    if functions {
        std::sync::Arc::make_mut(&mut shell.functions).remove(name);
        return Ok(0);
    }
    if shell.bash()
        && name.ends_with(b"]")
        && let Some(open) = name.iter().position(|b| *b == b'[')
    {
        let subscript = name[open + 1..name.len() - 1].to_vec();
        shell.unset_element(&name[..open], &subscript).await?;
        return Ok(0);
    }
    if !is_name(name) && shell.dialect != Dialect::Bash {
        let text = [name, b": bad variable name"].concat();
        shell.refuse("unset", &text, &text, &text, 2).await?;
        return Err(shell.fatal(2));
    }
    let target = shell.target(name).to_vec();
    if shell.variables.get(&target).is_none() && !variables && shell.bash() {
        std::sync::Arc::make_mut(&mut shell.functions).remove(name);
        return Ok(0);
    }
    match shell.variables.unset(&target) {
        Ok(()) => Ok(0),
        Err(_) => {
            let ash = [name, b": is read only"].concat();
            let code = shell.refuse("unset", [name, b": cannot unset: readonly variable"].concat(), &ash, &ash, 1).await?;
            if shell.bash() { Ok(code) } else { Err(Flow::Exit(2)) }
        }
    }
}
