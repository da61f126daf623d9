//! `xargs`: build command lines from input.

use super::options::{Spec, Takes, number, parse};
use super::source::{Source, WHOLE_BYTES_MAX, quoted};
use crate::command::{Launch, Outcome, Process, STDIN};
use crate::{Errno, OpenFile, Status};
use std::sync::Arc;

/// Arguments one `xargs` gives to one command, in bytes.
const ARGUMENT_BYTES_MAX: usize = 128 * 1024;

pub(super) async fn run(process: &mut Process) -> Outcome {
    const XARGS: Spec = Spec {
        short: "+0a:d:E:eI:iL:l:n:oP:prs:tx",
        long: &[
            ("null", '0', Takes::Nothing),
            ("arg-file", 'a', Takes::Value),
            ("delimiter", 'd', Takes::Value),
            ("replace", 'I', Takes::Optional),
            ("max-lines", 'L', Takes::Value),
            ("max-args", 'n', Takes::Value),
            ("max-procs", 'P', Takes::Value),
            ("no-run-if-empty", 'r', Takes::Nothing),
            ("verbose", 't', Takes::Nothing),
        ],
        usage: "[OPTION]... COMMAND [INITIAL-ARGS]...\nRun COMMAND with arguments INITIAL-ARGS and more arguments read from input.",
        error: 1,
    };
    let given = parse(process, &XARGS).await?;
    let mut source = match given.value('a') {
        None => Source::stdin(),
        Some(path) => match Source::open(process, path) {
            Ok(source) => source,
            Err(errno) => {
                let message = [b"Cannot open input file ", &quoted(path)[..], b": ", errno.message().as_bytes()].concat();
                process.complain(message).await?;
                return Ok(1);
            }
        },
    };
    let input = source.rest(process, WHOLE_BYTES_MAX).await?;
    let replace = given
        .value('I')
        .map(|text| if text.is_empty() { b"{}".to_vec() } else { text.to_vec() })
        .or_else(|| given.has('i').then(|| b"{}".to_vec()));
    let delimiter = if given.has('0') {
        Some(0)
    } else {
        given.value('d').map(|text| match text {
            b"\\n" => b'\n',
            b"\\t" => b'\t',
            b"\\0" => 0,
            text => text.first().copied().unwrap_or(b'\n'),
        })
    };
    let items: Vec<Vec<u8>> = match (delimiter, &replace) {
        (Some(delimiter), _) => {
            let input = input.strip_suffix(&[delimiter]).unwrap_or(&input);
            if input.is_empty() { Vec::new() } else { input.split(|b| *b == delimiter).map(<[u8]>::to_vec).collect() }
        }
        (None, Some(_)) => {
            input.split(|b| *b == b'\n').map(|line| line.trim_ascii_start().to_vec()).filter(|line| !line.is_empty()).collect()
        }
        (None, None) => match words(&input) {
            Ok(words) => words,
            Err(quote) => {
                process
                    .complain(format!("unmatched {quote} quote; by default quotes are special to xargs unless you use the -0 option"))
                    .await?;
                return Ok(1);
            }
        },
    };
    let command = if given.operands.is_empty() { vec![b"echo".to_vec()] } else { given.operands.clone() };
    let limit = |letter| given.value(letter).and_then(number).and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
    let mut lines: Vec<Vec<Vec<u8>>> = Vec::new();
    if let Some(mark) = &replace {
        for item in &items {
            lines.push(command.iter().map(|word| substitute(word, mark, item)).collect());
        }
    } else {
        let count_max = limit('n').or_else(|| limit('L')).unwrap_or(usize::MAX);
        let mut line = command.clone();
        let mut bytes = 0;
        for item in items {
            bytes += item.len() + 1;
            line.push(item);
            if line.len() - command.len() >= count_max || bytes > ARGUMENT_BYTES_MAX {
                lines.push(std::mem::replace(&mut line, command.clone()));
                bytes = 0;
            }
        }
        if line.len() > command.len()
            || (lines.is_empty() && !given.has('r') && !process.busybox())
            || (lines.is_empty() && process.busybox() && !given.has('r'))
        {
            lines.push(line);
        }
    }
    let mut status = 0;
    for line in lines {
        process.charge(1).await?;
        if given.has('t') {
            process.err([&line.join(&b' ')[..], b"\n"].concat()).await?;
        }
        let program = line[0].clone();
        // The commands must not eat what xargs reads.
        let nothing = Arc::new(OpenFile::bytes(Vec::new()));
        match process.launch(Launch { descriptors: vec![(STDIN, nothing)], ..Launch::new(line) }).await {
            Ok(task) => match process.wait(&task).await {
                Status::Exited(0) => {}
                Status::Exited(255) => {
                    process.complain([&program[..], b": exited with status 255; aborting"].concat()).await?;
                    return Ok(124);
                }
                Status::Exited(code) if process.busybox() => status = code,
                Status::Exited(_) => status = 123,
                _ => return Ok(125),
            },
            Err(errno) => {
                let message = if process.busybox() {
                    [b"", &program[..], b": ", errno.message().as_bytes()].concat()
                } else {
                    [&program[..], b": ", errno.message().as_bytes()].concat()
                };
                process.complain(message).await?;
                return Ok(if errno == Errno::Enoent { 127 } else { 126 });
            }
        }
    }
    Ok(status)
}

fn substitute(word: &[u8], mark: &[u8], item: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word;
    while let Some(at) = memchr::memmem::find(rest, mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(item);
        rest = &rest[at + mark.len()..];
        if out.len() > ARGUMENT_BYTES_MAX {
            break;
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Words of xargs's input: blanks separate, quotes and backslashes protect.
fn words(input: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = input.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' => words.extend(word.take()),
            b'\\' => word.get_or_insert_default().extend(bytes.next()),
            quote @ (b'\'' | b'"') => {
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next() {
                        Some(byte) if byte == quote => break,
                        Some(b'\n') | None => return Err(if *quote == b'"' { "double" } else { "single" }),
                        Some(byte) => word.push(*byte),
                    }
                }
            }
            other => word.get_or_insert_default().push(*other),
        }
    }
    words.extend(word);
    Ok(words)
}
