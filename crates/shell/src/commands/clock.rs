//! `date`, `sleep`, `usleep`, `cal`: time.

use super::options::{Spec, Takes, parse, usage_error};
use super::run::duration;
use super::time::{parse_date, strftime};
use crate::command::{Outcome, Process};
use std::time::Duration;

pub(super) async fn date(process: &mut Process) -> Outcome {
    const DATE: Spec = Spec {
        short: "d:f:I::r:Rs:uD:",
        long: &[
            ("date", 'd', Takes::Value),
            ("iso-8601", 'I', Takes::Optional),
            ("reference", 'r', Takes::Value),
            ("rfc-email", 'R', Takes::Nothing),
            ("rfc-2822", 'R', Takes::Nothing),
            ("rfc-3339", '\u{1}', Takes::Value),
            ("set", 's', Takes::Value),
            ("utc", 'u', Takes::Nothing),
            ("universal", 'u', Takes::Nothing),
        ],
        usage: "[OPTION]... [+FORMAT]\n  or:  date [-u|--utc|--universal] [MMDDhhmm[[CC]YY][.ss]]\nDisplay the current time in the given FORMAT, or set the system date.",
        error: 1,
    };
    let given = parse(process, &DATE).await?;
    let mut time = process.now();
    if let Some(text) = given.value('d') {
        match parse_date(&String::from_utf8_lossy(text), time) {
            Some(parsed) => time = parsed,
            None => {
                let message = if process.busybox() {
                    [b"invalid date '", text, b"'"].concat()
                } else {
                    [b"invalid date \xe2\x80\x98", text, b"\xe2\x80\x99"].concat()
                };
                process.complain(message).await?;
                return Ok(1);
            }
        }
    } else if let Some(path) = given.value('r') {
        match process.files().stat(path) {
            Ok(metadata) => time = metadata.modified,
            Err(errno) => {
                let message = [path, b": ", errno.message().as_bytes()].concat();
                process.complain(message).await?;
                return Ok(1);
            }
        }
    }
    let format = match given.operands.first() {
        Some(operand) if operand.starts_with(b"+") => String::from_utf8_lossy(&operand[1..]).into_owned(),
        Some(operand) if !operand.first().is_some_and(u8::is_ascii_digit) => {
            let message = [b"invalid date \xe2\x80\x98", &operand[..], b"\xe2\x80\x99"].concat();
            process.complain(message).await?;
            return Ok(1);
        }
        setting => {
            if (setting.is_some() || given.has('s')) && process.credentials.uid != 0 {
                process.complain("cannot set date: Operation not permitted").await?;
            }
            match given.value('I') {
                Some(b"" | b"date") => "%Y-%m-%d",
                Some(b"ns") => "%Y-%m-%dT%H:%M:%S,%N%:z",
                Some(_) => "%Y-%m-%dT%H:%M:%S%:z",
                None if given.has('R') => "%a, %d %b %Y %H:%M:%S %z",
                None if given.has('\u{1}') => "%Y-%m-%d %H:%M:%S%:z",
                None => "%a %b %e %H:%M:%S %Z %Y",
            }
            .to_owned()
        }
    };
    process.out(strftime(&format, time) + "\n").await?;
    Ok(0)
}

pub(super) async fn sleep(process: &mut Process) -> Outcome {
    const SLEEP: Spec = Spec { short: "+", long: &[], usage: "NUMBER[SUFFIX]...\nPause for NUMBER seconds.", error: 1 };
    let given = parse(process, &SLEEP).await?;
    if given.operands.is_empty() {
        return Err(usage_error(process, &SLEEP, "missing operand").await?);
    }
    let micro = process.name() == b"usleep";
    let mut total = Duration::ZERO;
    for text in &given.operands {
        let Some(part) = duration(text) else {
            let message = if process.busybox() {
                [b"invalid number '", &text[..], b"'"].concat()
            } else {
                [b"invalid time interval \xe2\x80\x98", &text[..], b"\xe2\x80\x99"].concat()
            };
            return Err(usage_error(process, &SLEEP, message).await?);
        };
        total = total.saturating_add(if micro { part / 1_000_000 } else { part });
    }
    process.sleep(total).await;
    Ok(0)
}
