//! Integer arithmetic, as in `$((…))`.

use crate::depth::with_room;

/// Where an expression's variables live.
pub(crate) trait Cells {
    /// A variable's text, of an array's element when there is a subscript; empty when it is not set.
    fn get(&mut self, name: &[u8], subscript: Option<&[u8]>) -> Result<Vec<u8>, Failure>;
    /// Sets a variable.
    fn set(&mut self, name: &[u8], subscript: Option<&[u8]>, value: i64) -> Result<(), Failure>;
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// What bash says, and from where on it shows the expression.
    Message(&'static str, Vec<u8>),
    DivisionByZero(Vec<u8>),
    /// A variable is not set, under `set -u`.
    Unbound(Vec<u8>),
}

/// How deep parentheses, operators and variables that hold expressions may nest.
const DEPTH_MAX: usize = 96;

/// The value of an expression.
pub(crate) fn evaluate(text: &[u8], cells: &mut dyn Cells) -> Result<i64, Failure> {
    Evaluator { text, at: 0, cells, depth: 0, skip: false, budget: &mut 100_000 }.whole()
}

struct Evaluator<'a> {
    text: &'a [u8],
    at: usize,
    cells: &'a mut dyn Cells,
    depth: usize,
    /// Set in the branch of `&&`, `||` and `?:` that does not count: nothing is assigned or divided there.
    skip: bool,
    budget: &'a mut u32,
}

/// A value that may be assigned to.
struct Operand {
    value: i64,
    cell: Option<(Vec<u8>, Option<Vec<u8>>)>,
}

type Value = Result<i64, Failure>;

/// Binary operators by how tightly they bind, loosest first; the assignment operators and `?:` are apart.
const LEVELS: [&[&[u8]]; 10] = [
    &[b"||"],
    &[b"&&"],
    &[b"|"],
    &[b"^"],
    &[b"&"],
    &[b"==", b"!="],
    &[b"<=", b">=", b"<", b">"],
    &[b"<<", b">>"],
    &[b"+", b"-"],
    &[b"*", b"/", b"%"],
];

const ASSIGNMENTS: [&[u8]; 11] = [b"<<=", b">>=", b"+=", b"-=", b"*=", b"/=", b"%=", b"&=", b"^=", b"|=", b"="];

impl Evaluator<'_> {
    fn whole(mut self) -> Value {
        self.blanks();
        if self.at == self.text.len() {
            return Ok(0);
        }
        let value = self.comma()?;
        self.blanks();
        if self.at < self.text.len() {
            let what = match self.text[self.at] {
                b')' | b']' => "syntax error in expression",
                b'.' => "syntax error: invalid arithmetic operator",
                byte if byte.is_ascii_alphanumeric() => "syntax error in expression",
                b'=' => "attempted assignment to non-variable",
                _ => "syntax error: invalid arithmetic operator",
            };
            return Err(self.failure(what, self.at));
        }
        Ok(value)
    }

    fn failure(&self, what: &'static str, from: usize) -> Failure {
        Failure::Message(what, self.text.get(from..).unwrap_or_default().to_vec())
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        *self.budget = self.budget.saturating_sub(1);
        if self.depth >= DEPTH_MAX || *self.budget == 0 {
            return Err(self.failure("expression recursion level exceeded", self.at));
        }
        self.depth += 1;
        let result = with_room(|| inner(self));
        self.depth -= 1;
        result
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn starts(&self, operator: &[u8]) -> bool {
        self.text[self.at..].starts_with(operator)
    }

    fn comma(&mut self) -> Value {
        let mut value = self.assignment()?;
        loop {
            self.blanks();
            if !self.starts(b",") {
                return Ok(value);
            }
            self.at += 1;
            value = self.assignment()?;
        }
    }

    fn assignment(&mut self) -> Value {
        self.deeper(|this| {
            let start = this.at;
            let left = this.conditional()?;
            let Some((name, subscript)) = left.cell else { return Ok(left.value) };
            this.blanks();
            let Some(operator) = ASSIGNMENTS.into_iter().find(|op| this.starts(op)) else { return Ok(left.value) };
            if operator == b"=" && this.starts(b"==") {
                return Ok(left.value);
            }
            let _ = start;
            this.at += operator.len();
            let right = this.assignment()?;
            let value = if operator == b"=" { right } else { this.apply(&operator[..operator.len() - 1], left.value, right, this.at)? };
            if !this.skip {
                this.cells.set(&name, subscript.as_deref(), value)?;
            }
            Ok(value)
        })
    }

    fn conditional(&mut self) -> Result<Operand, Failure> {
        let condition = self.binary(0)?;
        self.blanks();
        if !self.starts(b"?") {
            return Ok(condition);
        }
        self.at += 1;
        let taken = condition.value != 0;
        let yes = self.skipping(!taken, |this| this.deeper(Self::comma))?;
        self.blanks();
        if !self.starts(b":") {
            return Err(self.failure("`:' expected for conditional expression", self.at));
        }
        self.at += 1;
        let no = self.skipping(taken, |this| this.deeper(|this| this.conditional().map(|o| o.value)))?;
        Ok(Operand { value: if taken { yes } else { no }, cell: None })
    }

    fn skipping<T>(&mut self, skip: bool, inner: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let before = self.skip;
        self.skip |= skip;
        let result = inner(self);
        self.skip = before;
        result
    }

    fn binary(&mut self, level: usize) -> Result<Operand, Failure> {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        loop {
            self.blanks();
            let Some(operator) = operators.iter().find(|op| self.starts(op)) else { return Ok(left) };
            let after = self.text.get(self.at + operator.len());
            // `a & b` is not the start of `a && b`, nor `a < b` of `a << b`, nor `a + b` of `a += b`.
            let longer = match operator {
                [single @ (b'|' | b'&' | b'<' | b'>')] => after == Some(single) || after == Some(&b'='),
                [b'=', b'='] | [b'!' | b'<' | b'>', b'='] | [b'&', b'&'] | [b'|', b'|'] => false,
                [b'*'] if after == Some(&b'*') => true,
                _ => after == Some(&b'='),
            };
            if longer {
                return Ok(left);
            }
            self.at += operator.len();
            let decided = match *operator {
                b"&&" => left.value == 0,
                b"||" => left.value != 0,
                _ => false,
            };
            self.blanks();
            let from = self.at;
            let right = self.skipping(decided, |this| this.deeper(|this| this.binary(level + 1)))?.value;
            left = Operand { value: self.apply(operator, left.value, right, from)?, cell: None };
        }
    }

    fn apply(&self, operator: &[u8], a: i64, b: i64, from: usize) -> Value {
        Ok(match operator {
            b"||" => i64::from(a != 0 || b != 0),
            b"&&" => i64::from(a != 0 && b != 0),
            b"|" => a | b,
            b"^" => a ^ b,
            b"&" => a & b,
            b"==" => i64::from(a == b),
            b"!=" => i64::from(a != b),
            b"<=" => i64::from(a <= b),
            b">=" => i64::from(a >= b),
            b"<" => i64::from(a < b),
            b">" => i64::from(a > b),
            b"<<" => a.wrapping_shl(b as u32),
            b">>" => a.wrapping_shr(b as u32),
            b"+" => a.wrapping_add(b),
            b"-" => a.wrapping_sub(b),
            b"*" => a.wrapping_mul(b),
            b"/" | b"%" if b == 0 => {
                if self.skip {
                    return Ok(0);
                }
                return Err(Failure::DivisionByZero(self.text.get(from..).unwrap_or_default().to_vec()));
            }
            b"/" => a.wrapping_div(b),
            _ => a.wrapping_rem(b),
        })
    }

    fn power(&mut self) -> Result<Operand, Failure> {
        let base = self.unary()?;
        self.blanks();
        if !self.starts(b"**") {
            return Ok(base);
        }
        self.at += 2;
        let exponent = self.deeper(Self::power)?.value;
        if exponent < 0 {
            return Err(self.failure("exponent less than 0", self.at));
        }
        let value = base.value.wrapping_pow(u32::try_from(exponent).unwrap_or(u32::MAX));
        Ok(Operand { value, cell: None })
    }

    fn unary(&mut self) -> Result<Operand, Failure> {
        self.deeper(|this| {
            this.blanks();
            for (operator, step) in [(b"++", 1), (b"--", -1)] {
                if this.starts(operator) {
                    this.at += 2;
                    let operand = this.unary()?;
                    let Some((name, subscript)) = operand.cell else {
                        // `--1` is twice a sign.
                        return Ok(Operand { value: operand.value, cell: None });
                    };
                    let value = operand.value.wrapping_add(step);
                    if !this.skip {
                        this.cells.set(&name, subscript.as_deref(), value)?;
                    }
                    return Ok(Operand { value, cell: None });
                }
            }
            let sign = this.text.get(this.at).copied().filter(|b| b"+-!~".contains(b));
            if let Some(sign) = sign {
                this.at += 1;
                let value = this.unary()?.value;
                let value = match sign {
                    b'-' => value.wrapping_neg(),
                    b'!' => i64::from(value == 0),
                    b'~' => !value,
                    _ => value,
                };
                return Ok(Operand { value, cell: None });
            }
            let operand = this.primary()?;
            if let Some((name, subscript)) = &operand.cell {
                let step = match this.text.get(this.at..this.at + 2) {
                    Some(b"++") => 1,
                    Some(b"--") => -1,
                    _ => return Ok(operand),
                };
                this.at += 2;
                if !this.skip {
                    this.cells.set(name, subscript.as_deref(), operand.value.wrapping_add(step))?;
                }
                return Ok(Operand { value: operand.value, cell: None });
            }
            Ok(operand)
        })
    }

    fn primary(&mut self) -> Result<Operand, Failure> {
        self.blanks();
        let start = self.at;
        match self.text.get(self.at) {
            Some(b'(') => {
                self.at += 1;
                let value = self.deeper(Self::comma)?;
                self.blanks();
                if !self.starts(b")") {
                    return Err(self.failure("missing `)'", self.at));
                }
                self.at += 1;
                Ok(Operand { value, cell: None })
            }
            Some(byte) if byte.is_ascii_digit() => {
                let length = self.text[start..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"#@_".contains(b)).count();
                self.at += length;
                let value = number(&self.text[start..start + length]).map_err(|what| self.failure(what, start))?;
                Ok(Operand { value, cell: None })
            }
            Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' => {
                let length = self.text[start..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                self.at += length;
                let name = self.text[start..start + length].to_vec();
                let mut subscript = None;
                if self.text.get(self.at) == Some(&b'[') {
                    let mut open = 0usize;
                    let rest = &self.text[self.at..];
                    let close = rest.iter().position(|b| {
                        open = match b {
                            b'[' => open + 1,
                            b']' => open - 1,
                            _ => open,
                        };
                        open == 0
                    });
                    let Some(close) = close else { return Err(self.failure("bad array subscript", start)) };
                    subscript = Some(rest[1..close].to_vec());
                    self.at += close + 1;
                }
                let value = if self.skip { 0 } else { self.variable(&name, subscript.as_deref())? };
                Ok(Operand { value, cell: Some((name, subscript)) })
            }
            _ => Err(self.failure("syntax error: operand expected", start.min(self.last_operator()))),
        }
    }

    /// Bash shows the expression from the operator on when its operand is missing.
    fn last_operator(&self) -> usize {
        if self.at < self.text.len() {
            return self.at;
        }
        self.text[..self.at].iter().rposition(|b| !b.is_ascii_whitespace()).unwrap_or(0)
    }

    /// A variable's value: its text is an expression again.
    fn variable(&mut self, name: &[u8], subscript: Option<&[u8]>) -> Value {
        let text = self.cells.get(name, subscript)?;
        if let Ok(value) = number(text.trim_ascii()) {
            return Ok(value);
        }
        if self.depth >= DEPTH_MAX || *self.budget == 0 {
            return Err(Failure::Message("expression recursion level exceeded", text));
        }
        *self.budget -= 1;
        Evaluator { text: &text, at: 0, cells: self.cells, depth: self.depth + 1, skip: self.skip, budget: self.budget }.whole()
    }
}

/// A constant: decimal, `0` octal, `0x` hexadecimal or `base#digits`.
pub(crate) fn number(text: &[u8]) -> Result<i64, &'static str> {
    let (base, digits) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', digits @ ..] if !digits.is_empty() => (8, digits),
        _ => match text.iter().position(|b| *b == b'#') {
            Some(at) => {
                let base = std::str::from_utf8(&text[..at]).ok().and_then(|t| t.parse().ok()).unwrap_or(0);
                if !(2..=64).contains(&base) {
                    return Err("invalid arithmetic base");
                }
                (base, &text[at + 1..])
            }
            None => (10, text),
        },
    };
    if digits.is_empty() {
        return Err("syntax error: operand expected");
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = match byte {
            b'0'..=b'9' => i64::from(byte - b'0'),
            b'a'..=b'z' => i64::from(byte - b'a') + 10,
            b'A'..=b'Z' if base <= 36 => i64::from(byte - b'A') + 10,
            b'A'..=b'Z' => i64::from(byte - b'A') + 36,
            b'@' => 62,
            b'_' => 63,
            _ => return Err("syntax error: invalid arithmetic operator"),
        };
        if digit >= base {
            return Err("value too great for base");
        }
        value = value.wrapping_mul(base).wrapping_add(digit);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Table(BTreeMap<Vec<u8>, Vec<u8>>);

    impl Cells for Table {
        fn get(&mut self, name: &[u8], _: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
            Ok(self.0.get(name).cloned().unwrap_or_default())
        }
        fn set(&mut self, name: &[u8], _: Option<&[u8]>, value: i64) -> Result<(), Failure> {
            self.0.insert(name.to_vec(), value.to_string().into_bytes());
            Ok(())
        }
    }

    #[test]
    fn expressions_have_bashs_values() {
        let cases = [
            ("1+2*3", 7),
            ("(1+2)*3", 9),
            ("2**3**2", 512),
            ("-2**2", 4),
            ("7/2", 3),
            ("-7%3", -1),
            ("1<2 && 3>=3", 1),
            ("0 || 0", 0),
            ("1?2:3", 2),
            ("0?2:0?4:5", 5),
            ("x=5, x+=2, x", 7),
            ("y++ + ++y", 2),
            ("0x1f + 010 + 2#101", 31 + 8 + 5),
            ("~0", -1),
            ("!5", 0),
            ("1<<4|1", 17),
            ("5&3^1", 0),
            ("0 && (1/0)", 0),
            ("a=b=3, a*b", 9),
            ("9223372036854775807+1", i64::MIN),
            ("- -3", 3),
            ("", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(evaluate(text.as_bytes(), &mut Table::default()), Ok(expected), "{text}");
        }
        for text in ["1+", "(1", "1 2", "1/0", "08", "x y", "1=2", ")"] {
            assert!(evaluate(text.as_bytes(), &mut Table::default()).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_and_circular_expressions_end() {
        let deep = "(".repeat(100_000);
        assert!(evaluate(deep.as_bytes(), &mut Table::default()).is_err());
        let signs = "-".repeat(100_000) + "1";
        assert!(evaluate(signs.as_bytes(), &mut Table::default()).is_err());
        let mut table = Table::default();
        table.0.insert(b"a".to_vec(), b"a+a".to_vec());
        assert!(evaluate(b"a", &mut table).is_err());
        let mut powers = Table::default();
        powers.0.insert(b"x".to_vec(), b"y+y".to_vec());
        powers.0.insert(b"y".to_vec(), b"x+x".to_vec());
        assert!(evaluate(b"x", &mut powers).is_err());
    }
}
