//! `echo`, `printf`, `test`, `[`, `expr` as programs, for `/bin/echo`, `busybox echo` and `xargs`.

use crate::builtins;
use crate::command::{Outcome, Process};

pub(super) async fn echo(process: &mut Process) -> Outcome {
    let operands = process.operands().to_vec();
    let text = builtins::text::render(&operands, false, false);
    process.out(text).await?;
    Ok(0)
}

pub(super) async fn printf(process: &mut Process) -> Outcome {
    let operands = process.operands().to_vec();
    let Some((format, values)) = operands.split_first() else {
        process.complain("missing operand").await?;
        process.err("Try 'printf --help' for more information.\n").await?;
        return Ok(1);
    };
    let now = process.now();
    let printed = builtins::printf::render(format, values, now);
    process.out(printed.out).await?;
    let failed = !printed.errors.is_empty();
    for (_, word, _) in printed.errors {
        process.complain([b"\xe2\x80\x98", &word[..], b"\xe2\x80\x99: expected a numeric value"].concat()).await?;
    }
    Ok(u8::from(failed))
}

/// `test` and `[`: the shell's own, because both must agree.
pub(super) async fn test(process: &mut Process) -> Outcome {
    let mut line = b"'test'".to_vec();
    let mut operands = process.operands().to_vec();
    if process.name() == b"[" && operands.pop().is_none_or(|last| last != b"]") {
        process.complain("missing ']'").await?;
        return Ok(2);
    }
    for operand in operands {
        line.extend_from_slice(b" '");
        for byte in operand {
            if byte == b'\'' { line.extend_from_slice(b"'\\''") } else { line.push(byte) }
        }
        line.push(b'\'');
    }
    Ok(process.run(vec![b"/bin/sh".to_vec(), b"-c".to_vec(), line]).await.map_or(2, crate::Status::code))
}

pub(super) async fn expr(process: &mut Process) -> Outcome {
    let words = process.operands().to_vec();
    if words.is_empty() {
        process.complain("missing operand").await?;
        process.err("Try 'expr --help' for more information.\n").await?;
        return Ok(2);
    }
    let mut parser = Expression { words: &words, at: 0, depth: 0 };
    let value = parser.or().and_then(|value| match parser.words.get(parser.at) {
        None => Ok(value),
        Some(word) => Err([b"syntax error: unexpected argument \xe2\x80\x98", &word[..], b"\xe2\x80\x99"].concat()),
    });
    match value {
        Ok(value) => {
            process.out([&value[..], b"\n"].concat()).await?;
            Ok(u8::from(null(&value)))
        }
        Err(message) => {
            process.complain(message).await?;
            Ok(2)
        }
    }
}

fn null(value: &[u8]) -> bool {
    value.is_empty() || number(value) == Some(0)
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// POSIX `expr`, by precedence.
struct Expression<'a> {
    words: &'a [Vec<u8>],
    at: usize,
    depth: usize,
}

type Value = Result<Vec<u8>, Vec<u8>>;

impl Expression<'_> {
    fn take(&mut self, any: &[&[u8]]) -> Option<Vec<u8>> {
        let word = self.words.get(self.at).filter(|word| any.contains(&&word[..]))?.clone();
        self.at += 1;
        Some(word)
    }

    fn or(&mut self) -> Value {
        let mut left = self.and()?;
        while self.take(&[b"|"]).is_some() {
            let right = self.and()?;
            left = if !null(&left) {
                left
            } else if null(&right) {
                b"0".to_vec()
            } else {
                right
            };
        }
        Ok(left)
    }

    fn and(&mut self) -> Value {
        let mut left = self.comparison()?;
        while self.take(&[b"&"]).is_some() {
            let right = self.comparison()?;
            left = if null(&left) || null(&right) { b"0".to_vec() } else { left };
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Value {
        let mut left = self.sum()?;
        while let Some(operator) = self.take(&[b"<", b"<=", b"=", b"==", b"!=", b">=", b">"]) {
            let right = self.sum()?;
            let order = match (number(&left), number(&right)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => left.cmp(&right),
            };
            let holds = match &operator[..] {
                b"<" => order.is_lt(),
                b"<=" => order.is_le(),
                b"!=" => order.is_ne(),
                b">=" => order.is_ge(),
                b">" => order.is_gt(),
                _ => order.is_eq(),
            };
            left = if holds { b"1".to_vec() } else { b"0".to_vec() };
        }
        Ok(left)
    }

    fn arithmetic(&self, left: &[u8], operator: &[u8], right: &[u8]) -> Value {
        let (Some(a), Some(b)) = (number(left), number(right)) else { return Err(b"non-integer argument".to_vec()) };
        let result = match operator {
            b"+" => a.checked_add(b),
            b"-" => a.checked_sub(b),
            b"*" => a.checked_mul(b),
            _ if b == 0 => return Err(b"division by zero".to_vec()),
            b"/" => a.checked_div(b),
            _ => a.checked_rem(b),
        };
        result.map(|value| value.to_string().into_bytes()).ok_or_else(|| b"Numerical result out of range".to_vec())
    }

    fn sum(&mut self) -> Value {
        let mut left = self.product()?;
        while let Some(operator) = self.take(&[b"+", b"-"]) {
            let right = self.product()?;
            left = self.arithmetic(&left, &operator, &right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Value {
        let mut left = self.matching()?;
        while let Some(operator) = self.take(&[b"*", b"/", b"%"]) {
            let right = self.matching()?;
            left = self.arithmetic(&left, &operator, &right)?;
        }
        Ok(left)
    }

    fn matching(&mut self) -> Value {
        let mut left = self.primary()?;
        while self.take(&[b":"]).is_some() {
            let pattern = self.primary()?;
            left = matched(&left, &pattern)?;
        }
        Ok(left)
    }

    fn primary(&mut self) -> Value {
        self.depth += 1;
        if self.depth > 100 {
            return Err(b"syntax error".to_vec());
        }
        let missing = || match self.words.last() {
            Some(last) => [b"syntax error: missing argument after \xe2\x80\x98", &last[..], b"\xe2\x80\x99"].concat(),
            None => b"syntax error".to_vec(),
        };
        let word = self.words.get(self.at).cloned().ok_or_else(missing)?;
        self.at += 1;
        let value = match &word[..] {
            b"(" => {
                let value = self.or()?;
                self.take(&[b")"]).ok_or_else(|| b"syntax error: expecting ')'".to_vec())?;
                value
            }
            b"length" if self.at < self.words.len() => self.primary()?.len().to_string().into_bytes(),
            b"match" if self.at + 1 < self.words.len() => {
                let text = self.primary()?;
                let pattern = self.primary()?;
                matched(&text, &pattern)?
            }
            b"substr" if self.at + 2 < self.words.len() => {
                let text = self.primary()?;
                let (from, length) = (number(&self.primary()?).unwrap_or(0), number(&self.primary()?).unwrap_or(0));
                match (usize::try_from(from), usize::try_from(length)) {
                    (Ok(from @ 1..), Ok(length)) => text.iter().skip(from - 1).take(length).copied().collect(),
                    _ => Vec::new(),
                }
            }
            b"index" if self.at + 1 < self.words.len() => {
                let text = self.primary()?;
                let set = self.primary()?;
                text.iter().position(|b| set.contains(b)).map_or(0, |at| at + 1).to_string().into_bytes()
            }
            _ => word,
        };
        self.depth -= 1;
        Ok(value)
    }
}

fn matched(text: &[u8], pattern: &[u8]) -> Value {
    use super::pattern::{Syntax, compile};
    let regex = compile(&[b"^", pattern].concat(), Syntax::Basic, false).map_err(|message| message.as_bytes().to_vec())?;
    let captures = regex.captures(text);
    Ok(match (regex.captures_len() > 1, captures) {
        (true, captures) => captures.and_then(|c| c.get(1)).map_or(Vec::new(), |group| group.as_bytes().to_vec()),
        (false, captures) => captures.and_then(|c| c.get(0)).map_or(0, |whole| whole.len()).to_string().into_bytes(),
    })
}
