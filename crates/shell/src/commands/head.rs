//! `head` and `tail`: the first or the last of each file.

use super::options::{Given, Spec, Takes, parse_args, size};
use super::source::{Source, quoted};
use crate::Errno;
use crate::command::{Outcome, Process, Stop};
use std::collections::VecDeque;
use std::time::Duration;

const HEAD: Spec = Spec {
    short: "c:n:qvz",
    long: &[
        ("bytes", 'c', Takes::Value),
        ("lines", 'n', Takes::Value),
        ("quiet", 'q', Takes::Nothing),
        ("silent", 'q', Takes::Nothing),
        ("verbose", 'v', Takes::Nothing),
        ("zero-terminated", 'z', Takes::Nothing),
    ],
    usage: "[OPTION]... [FILE]...\nPrint the first 10 lines of each FILE to standard output.",
    error: 1,
};

const TAIL: Spec = Spec {
    short: "c:n:qvzfFs:",
    long: &[
        ("bytes", 'c', Takes::Value),
        ("lines", 'n', Takes::Value),
        ("follow", 'f', Takes::Optional),
        ("retry", 'F', Takes::Nothing),
        ("pid", 'p', Takes::Value),
        ("sleep-interval", 's', Takes::Value),
        ("quiet", 'q', Takes::Nothing),
        ("silent", 'q', Takes::Nothing),
        ("verbose", 'v', Takes::Nothing),
        ("zero-terminated", 'z', Takes::Nothing),
    ],
    usage: "[OPTION]... [FILE]...\nPrint the last 10 lines of each FILE to standard output.",
    error: 1,
};

/// The most bytes `tail` holds back.
const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

#[derive(Clone, Copy)]
struct Amount {
    count: u64,
    bytes: bool,
    /// `head -n -5`: all but the last; `tail -n +5`: from there on.
    other_end: bool,
}

/// `-5`, `-5c` and `+5` of old become what they mean now.
fn modern(args: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut args = args.to_vec();
    if let Some(first) = args.first_mut()
        && first.len() > 1
        && matches!(first[0], b'-' | b'+')
        && first[1].is_ascii_digit()
    {
        let sign = if first[0] == b'+' { "+" } else { "" };
        let digits: Vec<u8> = first[1..].iter().copied().take_while(u8::is_ascii_digit).collect();
        let rest = first[1 + digits.len()..].to_vec();
        let unit = if rest.contains(&b'c') { "-c" } else { "-n" };
        let mut option = [unit.as_bytes(), sign.as_bytes(), &digits].concat();
        std::mem::swap(first, &mut option);
        if rest.contains(&b'f') {
            args.insert(1, b"-f".to_vec());
        }
    }
    args
}

async fn amount(process: &mut Process, value: Option<(char, Vec<u8>)>, sign: u8) -> Result<Amount, Stop> {
    let Some((letter, value)) = value else { return Ok(Amount { count: 10, bytes: false, other_end: false }) };
    let bytes = letter == 'c';
    let other_end = value.first() == Some(&sign);
    let digits = if matches!(value.first(), Some(b'-' | b'+')) { &value[1..] } else { &value };
    match size(digits).filter(|_| digits.first().is_some_and(u8::is_ascii_digit)) {
        Some(count) => Ok(Amount { count, bytes, other_end }),
        None => {
            let what = if bytes { "bytes" } else { "lines" };
            if process.busybox() {
                process.complain([b"invalid number '", &value[..], b"'"].concat()).await?;
            } else {
                process
                    .complain([format!("invalid number of {what}: ").as_bytes(), b"\xe2\x80\x98", &value, b"\xe2\x80\x99"].concat())
                    .await?;
            }
            Err(Stop::Exit(1))
        }
    }
}

fn last_amount(given: &Given) -> Option<(char, Vec<u8>)> {
    let letter = given.last_of("nc")?;
    given.value(letter).map(|value| (letter, value.to_vec()))
}

pub(super) async fn head(process: &mut Process) -> Outcome {
    let given = parse_args(process, &HEAD, modern(process.operands())).await?;
    let amount = amount(process, last_amount(&given), b'-').await?;
    let end = if given.has('z') { 0 } else { b'\n' };
    let mut inputs = Inputs::new(&given);
    while let Some(mut source) = inputs.next(process).await? {
        if amount.other_end {
            let all = source.rest(process, HELD_BYTES_MAX).await?;
            let left = usize::try_from(amount.count).unwrap_or(usize::MAX);
            let keep = if amount.bytes {
                all.len().saturating_sub(left)
            } else {
                let ends = pieces(&all, end);
                ends.len().checked_sub(left).and_then(|n| n.checked_sub(1)).map_or(0, |at| ends[at])
            };
            process.out(&all[..keep]).await?;
        } else {
            first(process, &mut source, amount, end).await?;
        }
    }
    Ok(inputs.status)
}

async fn first(process: &mut Process, source: &mut Source, amount: Amount, end: u8) -> Result<(), Stop> {
    let mut left = amount.count;
    while left > 0 {
        if amount.bytes {
            let chunk = source.chunk(process).await?;
            if chunk.is_empty() {
                break;
            }
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
            process.out(&chunk[..take]).await?;
            left -= take as u64;
        } else {
            let Some(line) = source.until(process, end).await? else { break };
            process.out(line).await?;
            left -= 1;
        }
    }
    Ok(())
}

/// Where each line of a text ends.
fn pieces(text: &[u8], end: u8) -> Vec<usize> {
    let mut ends: Vec<usize> = memchr::memchr_iter(end, text).map(|at| at + 1).collect();
    if ends.last().copied().unwrap_or(0) < text.len() {
        ends.push(text.len());
    }
    ends
}

pub(super) async fn tail(process: &mut Process) -> Outcome {
    let given = parse_args(process, &TAIL, modern(process.operands())).await?;
    let amount = amount(process, last_amount(&given), b'+').await?;
    let end = if given.has('z') { 0 } else { b'\n' };
    let mut inputs = Inputs::new(&given);
    while let Some(mut source) = inputs.next(process).await? {
        if amount.other_end {
            from(process, &mut source, amount, end).await?;
        } else {
            last(process, &mut source, amount, end).await?;
        }
    }
    let follows = given.has('f') || given.has('F');
    if follows && let Some(path) = given.operands.last() {
        follow(process, path).await?;
    }
    Ok(inputs.status)
}

/// `tail -n +5`: all but what comes before.
async fn from(process: &mut Process, source: &mut Source, amount: Amount, end: u8) -> Result<(), Stop> {
    let mut skip = amount.count.saturating_sub(1);
    while skip > 0 {
        if amount.bytes {
            let chunk = source.chunk(process).await?;
            if chunk.is_empty() {
                return Ok(());
            }
            let dropped = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
            skip -= dropped as u64;
            process.out(&chunk[dropped..]).await?;
        } else {
            if source.until(process, end).await?.is_none() {
                return Ok(());
            }
            skip -= 1;
        }
    }
    loop {
        let chunk = source.chunk(process).await?;
        if chunk.is_empty() {
            return Ok(());
        }
        process.out(chunk).await?;
    }
}

async fn last(process: &mut Process, source: &mut Source, amount: Amount, end: u8) -> Result<(), Stop> {
    if let Some(size) = source.node().map(|node| node.size()).filter(|size| *size > HELD_BYTES_MAX as u64) {
        source.seek(size - HELD_BYTES_MAX as u64 / 2);
    }
    let mut held: VecDeque<Vec<u8>> = VecDeque::new();
    let mut bytes = 0;
    let count = usize::try_from(amount.count).unwrap_or(usize::MAX);
    loop {
        let piece =
            if amount.bytes { Some(source.chunk(process).await?).filter(|c| !c.is_empty()) } else { source.until(process, end).await? };
        let Some(piece) = piece else { break };
        bytes += piece.len();
        held.push_back(piece);
        let drop_first = |held: &VecDeque<Vec<u8>>, bytes: usize| {
            let first = held.front().map_or(0, Vec::len);
            bytes > HELD_BYTES_MAX || if amount.bytes { bytes - first >= count } else { held.len() > count }
        };
        while !held.is_empty() && drop_first(&held, bytes) {
            bytes -= held.pop_front().map_or(0, |first| first.len());
        }
    }
    let mut skip = if amount.bytes { bytes.saturating_sub(count) } else { 0 };
    for piece in held {
        let from = skip.min(piece.len());
        skip -= from;
        process.out(&piece[from..]).await?;
    }
    Ok(())
}

/// `tail -f`: what is added to a file, until a signal ends it.
async fn follow(process: &mut Process, path: &[u8]) -> Result<(), Stop> {
    process.flush().await?;
    let mut size = process.files().stat(path).map_or(0, |metadata| metadata.size);
    loop {
        process.sleep(Duration::from_secs(1)).await;
        process.charge(1).await?;
        let now = process.files().stat(path).map_or(0, |metadata| metadata.size);
        if now > size
            && let Ok(content) = process.files().read(path)
        {
            let from = usize::try_from(size).unwrap_or(usize::MAX).min(content.len());
            process.out(&content[from..]).await?;
            process.flush().await?;
        }
        size = now;
    }
}

/// The files one after the other, with `==> NAME <==` before each when there are several.
struct Inputs {
    names: std::vec::IntoIter<Vec<u8>>,
    titled: bool,
    first: bool,
    status: u8,
}

impl Inputs {
    fn new(given: &Given) -> Inputs {
        let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { given.operands.clone() };
        let headers = given.last_of("qv");
        let titled = headers == Some('v') || (names.len() > 1 && headers != Some('q'));
        Inputs { names: names.into_iter(), titled, first: true, status: 0 }
    }

    async fn next(&mut self, process: &mut Process) -> Result<Option<Source>, Stop> {
        for name in self.names.by_ref() {
            let errno = match Source::open(process, &name) {
                Ok(source) => {
                    if self.titled {
                        let shown = if name == b"-" { &b"standard input"[..] } else { &name };
                        let gap: &[u8] = if self.first { b"" } else { b"\n" };
                        process.out([gap, b"==> ", shown, b" <==\n"].concat()).await?;
                    }
                    self.first = false;
                    return Ok(Some(source));
                }
                Err(errno) => errno,
            };
            process.flush().await?;
            let reason = errno.message().as_bytes();
            let message = match errno {
                _ if process.busybox() => [&name[..], b": ", reason].concat(),
                Errno::Eisdir => [b"error reading ", &quoted(&name)[..], b": ", reason].concat(),
                _ => [b"cannot open ", &quoted(&name)[..], b" for reading: ", reason].concat(),
            };
            process.complain(message).await?;
            self.status = 1;
        }
        Ok(None)
    }
}
