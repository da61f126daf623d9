//! Small filters: `tee`, `tac`, `rev`, `nl`, `yes`, `seq`, `fold`, `paste`.

use super::options::{Spec, Takes, parse};
use super::source::{Source, WHOLE_BYTES_MAX, chomp, complain};
use crate::command::{Outcome, Process};
use crate::fs::OpenOptions;

const TEE: Spec = Spec {
    short: "ai",
    long: &[("append", 'a', Takes::Nothing), ("ignore-interrupts", 'i', Takes::Nothing)],
    usage: "[OPTION]... [FILE]...\nCopy standard input to each FILE, and also to standard output.",
    error: 1,
};

pub(super) async fn tee(process: &mut Process) -> Outcome {
    let given = parse(process, &TEE).await?;
    let append = given.has('a');
    let (mut files, mut status) = (Vec::new(), 0);
    for name in &given.operands {
        match process.files().open(name, OpenOptions { truncate: !append, ..OpenOptions::CREATE }) {
            Ok(node) => {
                let offset = if append { node.size() } else { 0 };
                files.push((node, offset));
            }
            Err(errno) => {
                complain(process, name, errno).await?;
                status = 1;
            }
        }
    }
    loop {
        let chunk = process.read().await?;
        if chunk.is_empty() {
            return Ok(status);
        }
        process.out(&chunk).await?;
        for (node, offset) in &mut files {
            if node.write_at(*offset, &chunk).is_err() {
                status = 1;
            }
            *offset += chunk.len() as u64;
        }
    }
}

/// All lines of the operands, or of standard input, with their ends.
pub(super) async fn lines_of(process: &mut Process, operands: &[Vec<u8>]) -> Result<(Vec<Vec<u8>>, u8), crate::Stop> {
    let names = if operands.is_empty() { vec![b"-".to_vec()] } else { operands.to_vec() };
    let (mut lines, mut bytes, mut status) = (Vec::new(), 0, 0);
    for name in names {
        match Source::open(process, &name) {
            Ok(mut source) => {
                while let Some(line) = source.line(process).await? {
                    bytes += line.len();
                    if bytes > WHOLE_BYTES_MAX {
                        break;
                    }
                    lines.push(line);
                }
            }
            Err(errno) => {
                complain(process, &name, errno).await?;
                status = 1;
            }
        }
    }
    Ok((lines, status))
}

const PLAIN: Spec = Spec { short: "", long: &[], usage: "[OPTION]... [FILE]...", error: 1 };

pub(super) async fn tac(process: &mut Process) -> Outcome {
    let given = parse(process, &PLAIN).await?;
    let (lines, status) = lines_of(process, &given.operands).await?;
    for line in lines.iter().rev() {
        process.out(line).await?;
    }
    Ok(status)
}

pub(super) async fn rev(process: &mut Process) -> Outcome {
    let given = parse(process, &PLAIN).await?;
    let (lines, status) = lines_of(process, &given.operands).await?;
    for line in lines {
        let text = String::from_utf8_lossy(chomp(&line)).chars().rev().collect::<String>();
        process.out(text + "\n").await?;
    }
    Ok(status)
}

pub(super) async fn nl(process: &mut Process) -> Outcome {
    const NL: Spec = Spec {
        short: "b:w:s:v:",
        long: &[],
        usage: "[OPTION]... [FILE]...\nWrite each FILE to standard output, with line numbers added.",
        error: 1,
    };
    let given = parse(process, &NL).await?;
    let all = given.value('b') == Some(b"a");
    let (lines, status) = lines_of(process, &given.operands).await?;
    let mut number = 0;
    for line in lines {
        let text = chomp(&line);
        if text.is_empty() && !all {
            process.out("       \n").await?;
            continue;
        }
        number += 1;
        process.out([format!("{number:>6}\t").as_bytes(), text, b"\n"].concat()).await?;
    }
    Ok(status)
}

pub(super) async fn yes(process: &mut Process) -> Outcome {
    let words = process.operands();
    let line = if words.is_empty() { b"y\n".to_vec() } else { [&words.join(&b' ')[..], b"\n"].concat() };
    let block = line.repeat((8192 / line.len()).max(1));
    loop {
        process.out(&block).await?;
    }
}

pub(super) async fn seq(process: &mut Process) -> Outcome {
    const SEQ: Spec = Spec {
        short: "+f:s:w",
        long: &[("format", 'f', Takes::Value), ("separator", 's', Takes::Value), ("equal-width", 'w', Takes::Nothing)],
        usage: "[OPTION]... LAST\n  or:  seq [OPTION]... FIRST LAST\n  or:  seq [OPTION]... FIRST INCREMENT LAST",
        error: 1,
    };
    // A negative number is no option.
    let args = process.operands().to_vec();
    let first_number = args.iter().position(|arg| arg.len() > 1 && arg[0] == b'-' && (arg[1].is_ascii_digit() || arg[1] == b'.'));
    let (options, numbers) = args.split_at(first_number.unwrap_or(args.len()));
    let mut given = super::options::parse_args(process, &SEQ, options.to_vec()).await?;
    given.operands.extend_from_slice(numbers);
    let mut values = Vec::new();
    let mut decimals = 0;
    for operand in &given.operands {
        let text = String::from_utf8_lossy(operand).into_owned();
        let Ok(value) = text.parse::<f64>() else {
            return Err(
                super::options::usage_error(process, &SEQ, format!("invalid floating point argument: \u{2018}{text}\u{2019}")).await?
            );
        };
        decimals = decimals.max(text.split_once('.').map_or(0, |(_, after)| after.len().min(20)));
        values.push(value);
    }
    let (first, step, last) = match values[..] {
        [last] => (1.0, 1.0, last),
        [first, last] => (first, 1.0, last),
        [first, step, last] => (first, step, last),
        [] => return Err(super::options::usage_error(process, &SEQ, "missing operand").await?),
        _ => {
            let extra = String::from_utf8_lossy(&given.operands[3]).into_owned();
            return Err(super::options::usage_error(process, &SEQ, format!("extra operand \u{2018}{extra}\u{2019}")).await?);
        }
    };
    if step == 0.0 {
        process.complain("invalid Zero increment value: \u{2018}0\u{2019}").await?;
        return Ok(1);
    }
    let separator = given.value('s').unwrap_or(b"\n").to_vec();
    let width = if given.has('w') { format!("{first:.decimals$}").len().max(format!("{last:.decimals$}").len()) } else { 0 };
    let mut index = 0u64;
    loop {
        let value = first + step * index as f64;
        if (step > 0.0 && value > last + step * 1e-9) || (step < 0.0 && value < last + step * 1e-9) || value.is_nan() {
            break;
        }
        if index > 0 {
            process.out(&separator).await?;
        }
        process.out(format!("{value:0width$.decimals$}")).await?;
        process.charge(u64::from(index.is_multiple_of(16))).await?;
        index += 1;
    }
    if index > 0 {
        process.out("\n").await?;
    }
    Ok(0)
}

pub(super) async fn fold(process: &mut Process) -> Outcome {
    const FOLD: Spec = Spec { short: "bsw:", long: &[("width", 'w', Takes::Value)], usage: "[OPTION]... [FILE]...", error: 1 };
    let given = parse(process, &FOLD).await?;
    let width = given.value('w').and_then(super::options::number).unwrap_or(80).clamp(1, 1 << 20) as usize;
    let (lines, status) = lines_of(process, &given.operands).await?;
    for line in lines {
        let (text, end) = (chomp(&line), &line[chomp(&line).len()..]);
        let parts: Vec<&[u8]> = text.chunks(width).collect();
        process.out([&parts.join(&b'\n')[..], end].concat()).await?;
    }
    Ok(status)
}

pub(super) async fn paste(process: &mut Process) -> Outcome {
    const PASTE: Spec = Spec {
        short: "d:s",
        long: &[("delimiters", 'd', Takes::Value), ("serial", 's', Takes::Nothing)],
        usage: "[OPTION]... [FILE]...",
        error: 1,
    };
    let given = parse(process, &PASTE).await?;
    let delimiters = given.value('d').map_or(b"\t".to_vec(), <[u8]>::to_vec);
    let delimiter = |index: usize| delimiters.get(index % delimiters.len().max(1)).copied();
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
    let mut sources: Vec<Option<Source>> = Vec::new();
    for name in &names {
        match Source::open(process, name) {
            // Every `-` reads on where the last stopped, so that they share the first one's place.
            Ok(source) => sources.push((name != b"-" || !names[..sources.len()].contains(name)).then_some(source)),
            Err(errno) => {
                complain(process, name, errno).await?;
                return Ok(1);
            }
        }
    }
    let standard_input = names.iter().position(|name| name == b"-").unwrap_or(0);
    let mut rows: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut bytes = 0;
    if given.has('s') {
        for source in sources.iter_mut().flatten() {
            let mut row = Vec::new();
            while let Some(line) = source.line(process).await? {
                bytes += line.len() + 24;
                row.push(chomp(&line).to_vec());
                if bytes > WHOLE_BYTES_MAX {
                    break;
                }
            }
            rows.push(row);
        }
    } else {
        while bytes <= WHOLE_BYTES_MAX {
            let (mut row, mut any) = (Vec::new(), false);
            for (column, name) in names.iter().enumerate() {
                let at = if name == b"-" { standard_input } else { column };
                let line = match &mut sources[at] {
                    Some(source) => source.line(process).await?,
                    None => None,
                };
                any |= line.is_some();
                let line = line.unwrap_or_default();
                bytes += line.len() + 24;
                row.push(chomp(&line).to_vec());
            }
            if !any {
                break;
            }
            rows.push(row);
        }
    }
    for row in rows {
        let mut line = Vec::new();
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                line.extend(delimiter(index - 1));
            }
            line.extend_from_slice(cell);
        }
        line.push(b'\n');
        process.out(line).await?;
    }
    Ok(0)
}
