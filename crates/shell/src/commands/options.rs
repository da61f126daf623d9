//! Command-line options as `getopt_long(3)` reads them, with GNU's and BusyBox's complaints.

use crate::command::{Process, Stop};

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value,
    /// Only when it is attached: `--color=auto`, `-i.bak`.
    Optional,
}

/// What a command accepts.
pub(super) struct Spec {
    /// Short options as for `getopt(3)`: `n:` takes a value, `i::` may; a leading `+` ends options at the first operand.
    pub short: &'static str,
    /// Long options, each standing for a short one or for a letter of its own.
    pub long: &'static [(&'static str, char, Takes)],
    /// What `--help` prints after `Usage: NAME `; also BusyBox's answer to a bad option.
    pub usage: &'static str,
    /// The exit status of a usage error.
    pub error: u8,
}

/// What was given.
pub(super) struct Given {
    options: Vec<(char, Vec<u8>)>,
    /// Everything that is no option.
    pub operands: Vec<Vec<u8>>,
}

impl Given {
    /// Whether an option was given.
    pub fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(given, _)| *given == letter)
    }

    /// The last value given to an option.
    pub fn value(&self, letter: char) -> Option<&[u8]> {
        self.options.iter().rev().find(|(given, _)| *given == letter).map(|(_, value)| &value[..])
    }

    /// Every option in order.
    pub fn all(&self) -> impl Iterator<Item = (char, &[u8])> {
        self.options.iter().map(|(letter, value)| (*letter, &value[..]))
    }

    /// The last given of some options that override one another.
    pub fn last_of(&self, letters: &str) -> Option<char> {
        self.options.iter().rev().map(|(letter, _)| *letter).find(|letter| letters.contains(*letter))
    }
}

enum Wrong {
    Unknown(char),
    UnknownLong(Vec<u8>),
    NeedsValue(char),
    LongNeedsValue(Vec<u8>),
}

/// Reads the process's options. A mistake, `--help` and `--version` are answered, and end it.
pub(super) async fn parse(process: &mut Process, spec: &Spec) -> Result<Given, Stop> {
    let args = process.operands().to_vec();
    parse_args(process, spec, args).await
}

/// Like [`parse`], of other words than the process's.
pub(super) async fn parse_args(process: &mut Process, spec: &Spec, args: Vec<Vec<u8>>) -> Result<Given, Stop> {
    if args.iter().take_while(|arg| *arg != b"--").any(|arg| arg == b"--help") {
        help(process, spec).await?;
        return Err(Stop::Exit(0));
    }
    if !process.busybox() && args.first().is_some_and(|arg| arg == b"--version") && args.len() == 1 {
        let name = String::from_utf8_lossy(process.name()).into_owned();
        process.out(format!("{name} ({}\n", package_of(&name))).await?;
        return Err(Stop::Exit(0));
    }
    match read(spec, args) {
        Ok(given) => Ok(given),
        Err(wrong) => {
            let message = match wrong {
                Wrong::Unknown(letter) => format!("invalid option -- '{letter}'").into_bytes(),
                Wrong::UnknownLong(word) => [b"unrecognized option '--", &word[..], b"'"].concat(),
                Wrong::NeedsValue(letter) => format!("option requires an argument -- '{letter}'").into_bytes(),
                Wrong::LongNeedsValue(word) => [b"option '--", &word[..], b"' requires an argument"].concat(),
            };
            Err(usage_error(process, spec, message).await?)
        }
    }
}

/// Complains and points to `--help`; what to return.
pub(super) async fn usage_error(process: &mut Process, spec: &Spec, message: impl AsRef<[u8]>) -> Result<Stop, Stop> {
    // Where an operand is missing BusyBox shows its usage and says no more.
    if !(process.busybox() && message.as_ref().starts_with(b"missing")) {
        process.complain(message).await?;
    }
    if process.busybox() {
        help(process, spec).await?;
        return Ok(Stop::Exit(1));
    }
    let name = String::from_utf8_lossy(process.name()).into_owned();
    process.err(format!("Try '{name} --help' for more information.\n")).await?;
    Ok(Stop::Exit(spec.error))
}

/// BusyBox's version line.
pub(super) const BUSYBOX: &str = "BusyBox v1.31.1 (2019-08-14 10:17:11 CST) multi-call binary.";

async fn help(process: &mut Process, spec: &Spec) -> Result<(), Stop> {
    let name = String::from_utf8_lossy(process.name()).into_owned();
    if process.busybox() {
        process.err(format!("{BUSYBOX}\n\nUsage: {name} {}\n", spec.usage)).await
    } else {
        process.out(format!("Usage: {name} {}\n", spec.usage)).await
    }
}

fn package_of(name: &str) -> &'static str {
    match name {
        "grep" => "GNU grep) 3.7",
        "sed" => "GNU sed) 4.8",
        "tar" => "GNU tar) 1.34",
        "find" | "xargs" => "GNU findutils) 4.8.0",
        "ps" | "free" | "uptime" | "w" | "kill" | "pkill" | "pgrep" | "top" => "procps-ng) 3.3.17",
        "mount" | "lscpu" | "dmesg" | "lsblk" | "more" => "util-linux) 2.37.2",
        _ => "GNU coreutils) 8.32",
    }
}

fn read(spec: &Spec, args: Vec<Vec<u8>>) -> Result<Given, Wrong> {
    let mut given = Given { options: Vec::new(), operands: Vec::new() };
    let (stop_early, short) = match spec.short.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, spec.short),
    };
    let takes = |letter: char| -> Option<Takes> {
        let at = short.find(letter).filter(|_| letter != ':')?;
        let rest = &short[at + letter.len_utf8()..];
        Some(match (rest.starts_with("::"), rest.starts_with(':')) {
            (true, _) => Takes::Optional,
            (_, true) => Takes::Value,
            _ => Takes::Nothing,
        })
    };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == b"--" {
            given.operands.extend(args);
            break;
        } else if let Some(word) = arg.strip_prefix(b"--") {
            let (name, value) = match word.iter().position(|b| *b == b'=') {
                Some(at) => (&word[..at], Some(word[at + 1..].to_vec())),
                None => (word, None),
            };
            let exact = spec.long.iter().find(|(long, ..)| long.as_bytes() == name);
            let mut abbreviated = spec.long.iter().filter(|(long, ..)| long.as_bytes().starts_with(name));
            let (_, letter, takes) = match (exact, abbreviated.next(), abbreviated.next()) {
                (Some(found), ..) | (None, Some(found), None) => found,
                _ => return Err(Wrong::UnknownLong(name.to_vec())),
            };
            let value = match (takes, value) {
                (Takes::Value, None) => args.next().ok_or_else(|| Wrong::LongNeedsValue(name.to_vec()))?,
                (_, value) => value.unwrap_or_default(),
            };
            given.options.push((*letter, value));
        } else if arg.len() > 1 && arg[0] == b'-' {
            let mut rest = &arg[1..];
            while let Some((first, after)) = rest.split_first() {
                let letter = char::from(*first);
                match takes(letter).ok_or(Wrong::Unknown(letter))? {
                    Takes::Nothing => given.options.push((letter, Vec::new())),
                    Takes::Value if after.is_empty() => given.options.push((letter, args.next().ok_or(Wrong::NeedsValue(letter))?)),
                    Takes::Value | Takes::Optional => {
                        given.options.push((letter, after.to_vec()));
                        break;
                    }
                }
                rest = after;
            }
        } else {
            given.operands.push(arg);
            if stop_early {
                given.operands.extend(args);
                break;
            }
        }
    }
    Ok(given)
}

/// A decimal number, however long; `None` when it is none. Saturates.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, b| b.is_ascii_digit().then(|| value.saturating_mul(10).saturating_add(u64::from(b - b'0'))))
}

/// A number with one of the size suffixes of the core utilities: `10`, `1k`, `4K`, `2MB`, `1GiB`.
pub(super) fn size(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let value = if digits == 0 { 1 } else { number(&text[..digits])? };
    let factor: u64 = match &text[digits..] {
        b"" if digits > 0 => 1,
        b"c" => 1,
        b"w" => 2,
        b"b" => 512,
        b"kB" => 1000,
        b"k" | b"K" | b"KiB" => 1024,
        b"MB" => 1_000_000,
        b"m" | b"M" | b"MiB" => 1 << 20,
        b"GB" => 1_000_000_000,
        b"g" | b"G" | b"GiB" => 1 << 30,
        b"t" | b"T" | b"TiB" => 1 << 40,
        _ => return None,
    };
    Some(value.saturating_mul(factor))
}
