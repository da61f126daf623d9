//! `dd`: convert and copy a file.

use super::options::size;
use super::source::{Source, quoted};
use crate::command::{Outcome, Process};
use crate::fs::OpenOptions;
use crate::{Errno, Kind};

/// The largest block, in bytes; more is not held at once.
const BLOCK_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most bytes one `dd` moves: an endless copy ends as if interrupted.
const COPIED_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Default)]
struct Request {
    input: Option<Vec<u8>>,
    output: Option<Vec<u8>>,
    count: Option<u64>,
    skip: u64,
    seek: u64,
    keep: bool,
    sync: bool,
    quiet: bool,
}

pub(super) async fn run(process: &mut Process) -> Outcome {
    let mut request = Request::default();
    let mut block = 512;
    for arg in process.operands().to_vec() {
        let (name, value) = match arg.iter().position(|b| *b == b'=') {
            Some(at) => (&arg[..at], &arg[at + 1..]),
            None => (&arg[..], &b""[..]),
        };
        let bad = |what: &str| [what.as_bytes(), b"\xe2\x80\x98", value, b"\xe2\x80\x99"].concat();
        match name {
            b"if" => request.input = Some(value.to_vec()),
            b"of" => request.output = Some(value.to_vec()),
            b"bs" | b"ibs" | b"obs" | b"count" | b"skip" | b"seek" | b"iseek" | b"oseek" => {
                let Some(number) = size(value).filter(|number| *number > 0 || !name.ends_with(b"bs")) else {
                    process.complain(bad("invalid number: ")).await?;
                    return Ok(1);
                };
                match name {
                    b"bs" | b"ibs" => block = number.min(BLOCK_BYTES_MAX),
                    b"obs" => {}
                    b"count" => request.count = Some(number),
                    b"skip" | b"iseek" => request.skip = number,
                    _ => request.seek = number,
                }
            }
            b"conv" => {
                request.keep |= value.split(|b| *b == b',').any(|word| word == b"notrunc");
                request.sync |= value.split(|b| *b == b',').any(|word| word == b"sync");
            }
            b"status" => request.quiet = value == b"none",
            b"iflag" | b"oflag" | b"cbs" => {}
            b"--help" | b"--version" => {
                process
                    .out("Usage: dd [OPERAND]...\n  or:  dd OPTION\nCopy a file, converting and formatting according to the operands.\n")
                    .await?;
                return Ok(0);
            }
            _ => {
                if process.busybox() {
                    process.complain([b"bad argument '", &arg[..], b"'"].concat()).await?;
                } else {
                    process.complain([b"unrecognized operand \xe2\x80\x98", &arg[..], b"\xe2\x80\x99"].concat()).await?;
                    process.err("Try 'dd --help' for more information.\n").await?;
                }
                return Ok(1);
            }
        }
    }
    copy(process, &request, block as usize).await
}

async fn refused(process: &mut Process, path: &[u8], errno: Errno) -> Outcome {
    let message = if process.busybox() {
        [b"can't open '", path, b"': ", errno.message().as_bytes()].concat()
    } else {
        [b"failed to open ", &quoted(path)[..], b": ", errno.message().as_bytes()].concat()
    };
    process.complain(message).await?;
    Ok(1)
}

async fn copy(process: &mut Process, request: &Request, block: usize) -> Outcome {
    let begun = process.now();
    let mut source = match &request.input {
        None => Source::stdin(),
        Some(path) => match Source::open(process, path) {
            Ok(source) => source,
            Err(Errno::Eisdir) => {
                let message = [b"error reading ", &quoted(path)[..], b": Is a directory"].concat();
                process.complain(message).await?;
                process.err("0+0 records in\n0+0 records out\n0 bytes copied, 0.000166 s, 0.0 kB/s\n").await?;
                return Ok(1);
            }
            Err(errno) => return refused(process, path, errno).await,
        },
    };
    let offset = request.seek.saturating_mul(block as u64);
    let output = match &request.output {
        None => None,
        Some(path) => match process.files().open(path, OpenOptions { truncate: !request.keep && offset == 0, ..OpenOptions::CREATE }) {
            Ok(node) => Some(node),
            Err(errno) => return refused(process, path, errno).await,
        },
    };
    if request.skip > 0 && source.node().is_some() {
        source.seek(request.skip.saturating_mul(block as u64));
    } else {
        let mut skipped = 0;
        while skipped < request.skip.saturating_mul(block as u64) {
            let chunk = source.chunk(process).await?;
            if chunk.is_empty() {
                break;
            }
            skipped += chunk.len() as u64;
        }
    }
    let (mut whole, mut partial, mut bytes, mut at, mut failure) = (0u64, 0u64, 0u64, offset, None);
    let mut held: Vec<u8> = Vec::new();
    let disk = output.as_ref().is_some_and(|node| node.metadata().kind == Kind::BlockDevice);
    while request.count.is_none_or(|count| whole + partial < count) && bytes < COPIED_BYTES_MAX {
        let wanted = block.min(COPIED_BYTES_MAX as usize);
        while held.len() < wanted {
            let chunk = source.chunk(process).await?;
            if chunk.is_empty() {
                break;
            }
            held.extend_from_slice(&chunk);
        }
        if held.is_empty() {
            break;
        }
        let rest = if held.len() > wanted { held.split_off(wanted) } else { Vec::new() };
        let mut record = std::mem::replace(&mut held, rest);
        if record.len() == block {
            whole += 1;
        } else {
            partial += 1;
            if request.sync {
                record.resize(block, 0);
            }
        }
        bytes += record.len() as u64;
        match &output {
            None => process.out(&record).await?,
            Some(_) if disk => {}
            Some(node) => {
                if let Err(errno) = node.write_at(at, &record) {
                    failure = Some(errno);
                    break;
                }
            }
        }
        at += record.len() as u64;
    }
    drop(output);
    process.flush().await?;
    let mut status = 0;
    if let (Some(errno), Some(path)) = (failure, &request.output) {
        let message = if process.busybox() {
            [b"error writing '", &path[..], b"': ", errno.message().as_bytes()].concat()
        } else {
            [b"error writing ", &quoted(path)[..], b": ", errno.message().as_bytes()].concat()
        };
        process.complain(message).await?;
        status = 1;
    }
    if !request.quiet {
        let counts = format!("{whole}+{partial} records in\n{whole}+{partial} records out\n");
        let mut text = counts;
        if !process.busybox() {
            // A real disk moves some hundreds of megabytes a second.
            let seconds = process.now().since(begun).as_secs_f64().max(0.000_09 + bytes as f64 / 4.1e8);
            let rate = bytes as f64 / seconds;
            let rate = if rate >= 1e9 {
                format!("{:.1} GB/s", rate / 1e9)
            } else if rate >= 1e6 {
                format!("{:.1} MB/s", rate / 1e6)
            } else {
                format!("{:.1} kB/s", rate / 1e3)
            };
            let human = if bytes >= 1024 {
                format!(" ({}, {})", decimal(bytes), binary(bytes))
            } else if bytes >= 1000 {
                format!(" ({})", decimal(bytes))
            } else {
                String::new()
            };
            let unit = if bytes == 1 { "byte" } else { "bytes" };
            text.push_str(&format!("{bytes} {unit}{human} copied, {} s, {rate}\n", significant(seconds)));
        }
        process.err(text).await?;
    }
    Ok(status)
}

/// Six significant digits, as `%g` prints them.
fn significant(value: f64) -> String {
    if value < 1e-4 {
        // `%g` goes over to an exponent here.
        let text = format!("{value:.5e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        return format!("{mantissa}e-{:0>2}", exponent.trim_start_matches('-'));
    }
    let digits = (5 - value.abs().max(1e-12).log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn scaled(bytes: u64, step: f64, units: [&str; 3]) -> String {
    let mut value = bytes as f64 / step;
    let mut unit = units[0];
    for next in &units[1..] {
        if value < step {
            break;
        }
        value /= step;
        unit = next;
    }
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

fn decimal(bytes: u64) -> String {
    scaled(bytes, 1000.0, ["kB", "MB", "GB"])
}

fn binary(bytes: u64) -> String {
    scaled(bytes, 1024.0, ["KiB", "MiB", "GiB"])
}
