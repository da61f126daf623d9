//! `test` and `[`.

use crate::interp::{Ran, Shell, compare};
use crate::parse::Dialect;

/// Operators between two operands.
const BINARY: [&[u8]; 16] =
    [b"=", b"==", b"!=", b"<", b">", b"-eq", b"-ne", b"-lt", b"-le", b"-gt", b"-ge", b"-nt", b"-ot", b"-ef", b"-a", b"-o"];

/// Letters of operators before one operand.
const UNARY: &[u8] = b"abcdefghknoprstuvwxzGLNORS";

/// How deep parentheses and negations may nest.
const DEPTH_MAX: usize = 50;

/// Why an expression is none: in bash's words, BusyBox's and dash's.
struct Wrong(Vec<u8>, Vec<u8>, Vec<u8>);

/// `[ … ]`
pub(super) async fn bracket(shell: &mut Shell, mut args: Vec<Vec<u8>>) -> Ran {
    let name = if args[0] == b"[[" { b"]]" as &[u8] } else { b"]" };
    if args.last().is_none_or(|last| last != name || args.len() == 1) {
        if shell.dialect == Dialect::Ash {
            shell.builtin = None;
        }
        return shell.refuse("[", "missing `]'", "missing ]", "missing ]", 2).await;
    }
    args.pop();
    evaluate(shell, &args[1..], "[").await
}

/// `test …`
pub(super) async fn test(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    evaluate(shell, &args[1..], "test").await
}

async fn evaluate(shell: &mut Shell, args: &[Vec<u8>], name: &'static str) -> Ran {
    shell.process.charge(1 + args.len() as u64 / 16).await?;
    let outcome = Test { shell, args, at: 0, depth: 0 }.by_count();
    match outcome {
        Ok(value) => Ok(u8::from(!value)),
        Err(Wrong(bash, ash, dash)) => {
            if shell.dialect == Dialect::Ash {
                let outer = shell.builtin.take();
                shell.complain(ash).await?;
                shell.builtin = outer;
                return Ok(2);
            }
            shell.refuse(name, bash, Vec::new(), dash, 2).await
        }
    }
}

struct Test<'a> {
    shell: &'a Shell,
    args: &'a [Vec<u8>],
    at: usize,
    depth: usize,
}

type Tested = Result<bool, Wrong>;

impl Test<'_> {
    fn arg(&self, ahead: usize) -> Option<&[u8]> {
        self.args.get(self.at + ahead).map(Vec::as_slice)
    }

    fn is_binary(arg: Option<&[u8]>) -> bool {
        arg.is_some_and(|a| BINARY.contains(&a))
    }

    fn is_unary(arg: Option<&[u8]>) -> Option<u8> {
        match arg {
            Some([b'-', letter]) if UNARY.contains(letter) => Some(*letter),
            _ => None,
        }
    }

    /// Up to four arguments mean what POSIX says by their count.
    fn by_count(&mut self) -> Tested {
        let args = self.args;
        match args {
            [] => Ok(false),
            [one] => Ok(!one.is_empty()),
            [not, one] if not == b"!" => Ok(one.is_empty()),
            [operator, operand] => match Self::is_unary(Some(operator)) {
                Some(letter) => Ok(self.shell.test_unary(letter, operand)),
                None => Err(Wrong(
                    [&operator[..], b": unary operator expected"].concat(),
                    [&operand[..], b": unknown operand"].concat(),
                    [&operator[..], b": unexpected operator"].concat(),
                )),
            },
            [left, operator, right] if Self::is_binary(Some(operator)) => self.binary(left, operator, right),
            [not, rest @ ..] if not == b"!" && rest.len() <= 3 => {
                let inner = Test { shell: self.shell, args: rest, at: 0, depth: self.depth + 1 }.by_count();
                inner.map(|value| !value)
            }
            [open, inner, close] if open == b"(" && close == b")" => Ok(!inner.is_empty()),
            [left, operator, _] => Err(Wrong(
                [&operator[..], b": binary operator expected"].concat(),
                [&operator[..], b": unknown operand"].concat(),
                [&left[..], b": unexpected operator"].concat(),
            )),
            _ => {
                let value = self.or()?;
                if self.at < self.args.len() {
                    return Err(Wrong(
                        b"too many arguments".to_vec(),
                        [self.arg(0).unwrap_or_default(), b": unknown operand"].concat(),
                        [self.arg(0).unwrap_or_default(), b": unexpected operator"].concat(),
                    ));
                }
                Ok(value)
            }
        }
    }

    fn or(&mut self) -> Tested {
        let mut value = self.and()?;
        while self.arg(0) == Some(b"-o") {
            self.at += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Tested {
        let mut value = self.not()?;
        while self.arg(0) == Some(b"-a") {
            self.at += 1;
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Tested {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Wrong(b"too many arguments".to_vec(), b"too many arguments".to_vec(), b"too many arguments".to_vec()));
        }
        let value = if self.arg(0) == Some(b"!") {
            self.at += 1;
            !self.not()?
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn primary(&mut self) -> Tested {
        let missing =
            |what: &[u8]| Wrong([what, b"argument expected"].concat(), b"argument expected".to_vec(), b"argument expected".to_vec());
        if Self::is_binary(self.arg(1)) && !matches!(self.arg(1), Some(b"-a" | b"-o")) && self.arg(2).is_some() {
            let (left, operator, right) = (self.at, self.at + 1, self.at + 2);
            self.at += 3;
            return self.binary(&self.args[left], &self.args[operator], &self.args[right]);
        }
        let Some(first) = self.arg(0) else { return Err(missing(b"")) };
        if first == b"(" {
            self.at += 1;
            let value = self.or()?;
            if self.arg(0) != Some(b")") {
                return Err(Wrong(b"`)' expected".to_vec(), b"closing paren expected".to_vec(), b"closing paren expected".to_vec()));
            }
            self.at += 1;
            return Ok(value);
        }
        if let (Some(letter), Some(operand)) = (Self::is_unary(Some(first)), self.arg(1)) {
            let value = self.shell.test_unary(letter, operand);
            self.at += 2;
            return Ok(value);
        }
        let value = !first.is_empty();
        self.at += 1;
        Ok(value)
    }

    fn binary(&self, left: &[u8], operator: &[u8], right: &[u8]) -> Tested {
        match operator {
            b"-a" => Ok(!left.is_empty() && !right.is_empty()),
            b"-o" => Ok(!left.is_empty() || !right.is_empty()),
            b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" => {
                let integer = |text: &[u8]| {
                    super::number(text).ok_or_else(|| {
                        Wrong(
                            [text, b": integer expression expected"].concat(),
                            [text, b": bad number"].concat(),
                            [b"Illegal number: ", text].concat(),
                        )
                    })
                };
                Ok(compare(operator, integer(left)?, integer(right)?))
            }
            _ => Ok(self.shell.test_binary_text(operator, left, right)),
        }
    }
}
