//! `cat`: concatenate files.

use super::options::{Spec, Takes, parse};
use super::source::{Source, complain};
use crate::command::{Outcome, Process, Stop};
use std::fmt::Write as _;

const SPEC: Spec = Spec {
    short: "AbeEnstTuv",
    long: &[
        ("show-all", 'A', Takes::Nothing),
        ("number-nonblank", 'b', Takes::Nothing),
        ("show-ends", 'E', Takes::Nothing),
        ("number", 'n', Takes::Nothing),
        ("squeeze-blank", 's', Takes::Nothing),
        ("show-tabs", 'T', Takes::Nothing),
        ("show-nonprinting", 'v', Takes::Nothing),
    ],
    usage: "[OPTION]... [FILE]...\nConcatenate FILE(s) to standard output.",
    error: 1,
};

struct Style {
    number: bool,
    number_nonblank: bool,
    squeeze: bool,
    ends: bool,
    tabs: bool,
    nonprinting: bool,
}

pub(super) async fn run(process: &mut Process) -> Outcome {
    let given = parse(process, &SPEC).await?;
    let any = |letters: &str| letters.chars().any(|letter| given.has(letter));
    let style = Style {
        number: given.has('n') && !given.has('b'),
        number_nonblank: given.has('b'),
        squeeze: given.has('s'),
        ends: any("AEe"),
        tabs: any("AtT"),
        nonprinting: any("AvetT") && any("Avet"),
    };
    let plain = !(style.number || style.number_nonblank || style.squeeze || style.ends || style.tabs || style.nonprinting);
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands };
    let mut status = 0;
    let mut printer = Printer { style, line: 0, blank_before: false };
    for name in names {
        let mut source = match Source::open(process, &name) {
            Ok(source) => source,
            Err(errno) => {
                if process.busybox() {
                    process.complain([b"can't open '", &name[..], b"': ", errno.message().as_bytes()].concat()).await?;
                } else {
                    process.flush().await?;
                    complain(process, &name, errno).await?;
                }
                status = 1;
                continue;
            }
        };
        if plain {
            loop {
                let chunk = source.chunk(process).await?;
                if chunk.is_empty() {
                    break;
                }
                process.out(chunk).await?;
            }
        } else {
            while let Some(line) = source.line(process).await? {
                printer.print(process, &line).await?;
            }
        }
    }
    Ok(status)
}

struct Printer {
    style: Style,
    line: u64,
    blank_before: bool,
}

impl Printer {
    async fn print(&mut self, process: &mut Process, line: &[u8]) -> Result<(), Stop> {
        let blank = line == b"\n";
        if blank && self.style.squeeze && self.blank_before {
            return Ok(());
        }
        self.blank_before = blank;
        let mut text = Vec::with_capacity(line.len() + 8);
        if self.style.number || (self.style.number_nonblank && !blank) {
            self.line += 1;
            let mut number = String::new();
            _ = write!(number, "{:6}\t", self.line);
            text.extend_from_slice(number.as_bytes());
        }
        for byte in line {
            match byte {
                b'\n' if self.style.ends => text.extend_from_slice(b"$\n"),
                b'\n' => text.push(b'\n'),
                b'\t' if self.style.tabs => text.extend_from_slice(b"^I"),
                b'\t' => text.push(b'\t'),
                byte if self.style.nonprinting => visible(*byte, &mut text),
                byte => text.push(*byte),
            }
        }
        process.out(text).await
    }
}

/// A byte in `cat -v`'s notation.
pub(super) fn visible(byte: u8, text: &mut Vec<u8>) {
    let low = if byte >= 0x80 {
        text.extend_from_slice(b"M-");
        byte & 0x7f
    } else {
        byte
    };
    match low {
        0x7f => text.extend_from_slice(b"^?"),
        0..0x20 => text.extend_from_slice(&[b'^', low + 64]),
        _ => text.push(low),
    }
}
