//! `wc`: lines, words and bytes.

use super::options::{Spec, Takes, parse};
use super::source::{Source, complain};
use crate::command::{Outcome, Process};

const SPEC: Spec = Spec {
    short: "clLmw",
    long: &[
        ("bytes", 'c', Takes::Nothing),
        ("chars", 'm', Takes::Nothing),
        ("lines", 'l', Takes::Nothing),
        ("max-line-length", 'L', Takes::Nothing),
        ("words", 'w', Takes::Nothing),
    ],
    usage: "[OPTION]... [FILE]...\nPrint newline, word, and byte counts for each FILE.",
    error: 1,
};

#[derive(Default, Clone, Copy)]
struct Counts {
    lines: u64,
    words: u64,
    chars: u64,
    bytes: u64,
    longest: u64,
}

pub(super) async fn run(process: &mut Process) -> Outcome {
    let given = parse(process, &SPEC).await?;
    let mut shown: Vec<char> = "lwmcL".chars().filter(|letter| given.has(*letter)).collect();
    if shown.is_empty() {
        shown = vec!['l', 'w', 'c'];
    }
    let implicit = given.operands.is_empty();
    let names = if implicit { vec![b"-".to_vec()] } else { given.operands };
    let mut rows = Vec::new();
    let (mut total, mut status, mut sizes) = (Counts::default(), 0, 0u64);
    for name in &names {
        let mut source = match Source::open(process, name) {
            Ok(source) => source,
            Err(errno) => {
                process.flush().await?;
                complain(process, name, errno).await?;
                status = 1;
                if errno == crate::Errno::Eisdir && !process.busybox() {
                    rows.push((Counts::default(), name.clone()));
                }
                continue;
            }
        };
        sizes += source.node().map_or(1_000_000, |node| node.size());
        let counts = count(process, &mut source).await?;
        total.lines += counts.lines;
        total.words += counts.words;
        total.chars += counts.chars;
        total.bytes += counts.bytes;
        total.longest = total.longest.max(counts.longest);
        rows.push((counts, if implicit { Vec::new() } else { name.clone() }));
    }
    // GNU makes columns as wide as the files' sizes together need, seven for what is no regular file, and one figure alone not at all.
    let width = if shown.len() == 1 && names.len() == 1 {
        0
    } else if sizes >= 1_000_000 {
        7
    } else {
        sizes.to_string().len()
    };
    if names.len() > 1 {
        rows.push((total, b"total".to_vec()));
    }
    for (counts, name) in rows {
        let figures: Vec<String> = shown
            .iter()
            .map(|letter| match letter {
                'l' => counts.lines,
                'w' => counts.words,
                'm' => counts.chars,
                'c' => counts.bytes,
                _ => counts.longest,
            })
            .map(|value| if process.busybox() && shown.len() > 1 { format!("{value:>9}") } else { format!("{value:>width$}") })
            .collect();
        let mut line = figures.join(" ").into_bytes();
        if !name.is_empty() {
            line.push(b' ');
            line.extend_from_slice(&name);
        }
        line.push(b'\n');
        process.out(line).await?;
    }
    Ok(status)
}

async fn count(process: &mut Process, source: &mut Source) -> Result<Counts, crate::Stop> {
    let mut counts = Counts::default();
    let (mut in_word, mut column) = (false, 0u64);
    loop {
        let chunk = source.chunk(process).await?;
        if chunk.is_empty() {
            break;
        }
        counts.bytes += chunk.len() as u64;
        for byte in chunk {
            // A character is counted at its first byte.
            let starts = byte & 0xc0 != 0x80;
            counts.chars += u64::from(starts);
            match byte {
                b'\n' => {
                    counts.lines += 1;
                    counts.longest = counts.longest.max(column);
                    column = 0;
                }
                b'\t' => column = (column / 8 + 1) * 8,
                _ => column += u64::from(starts),
            }
            let space = byte.is_ascii_whitespace() || byte == 0x0b;
            counts.words += u64::from(!space && !in_word);
            in_word = !space;
        }
    }
    counts.longest = counts.longest.max(column);
    Ok(counts)
}
