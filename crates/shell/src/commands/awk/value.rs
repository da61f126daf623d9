//! Awk's values: numbers, strings, and input that is both.

use crate::builtins::printf;

#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    #[default]
    Unset,
    Number(f64),
    Text(Vec<u8>),
    /// From input: compares as a number when it looks like one.
    Input(Vec<u8>),
}

impl Value {
    pub fn number(&self) -> f64 {
        match self {
            Value::Unset => 0.0,
            Value::Number(value) => *value,
            Value::Text(text) | Value::Input(text) => leading(text),
        }
    }

    pub fn text(&self) -> Vec<u8> {
        match self {
            Value::Unset => Vec::new(),
            Value::Number(value) => show(*value, "%.6g"),
            Value::Text(text) | Value::Input(text) => text.clone(),
        }
    }

    pub fn truth(&self) -> bool {
        match self {
            Value::Unset => false,
            Value::Number(value) => *value != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Input(text) => match looks_numeric(text) {
                Some(value) => value != 0.0,
                None => !text.is_empty(),
            },
        }
    }

    /// As a number, when it is to be compared as one.
    pub fn numeric(&self) -> Option<f64> {
        match self {
            Value::Unset => Some(0.0),
            Value::Number(value) => Some(*value),
            Value::Text(_) => None,
            Value::Input(text) => looks_numeric(text),
        }
    }
}

/// A number as text: whole ones that fit 32 bits without a point, as mawk has it.
pub(super) fn show(value: f64, format: &str) -> Vec<u8> {
    if value.is_nan() {
        return if value.is_sign_negative() { b"-nan".to_vec() } else { b"nan".to_vec() };
    }
    if value.is_infinite() {
        return if value < 0.0 { b"-inf".to_vec() } else { b"inf".to_vec() };
    }
    if value == value.trunc() && value.abs() < 2_147_483_648.0 {
        return format!("{}", value as i64).into_bytes();
    }
    printf::render(format.as_bytes(), &[format!("{value}").into_bytes()], model::Timestamp(0)).out
}

/// The number a text begins with.
fn leading(text: &[u8]) -> f64 {
    let text = text.trim_ascii_start();
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let digits = |from: usize| text.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count());
    let mut end = sign + digits(sign);
    if text.get(end) == Some(&b'.') {
        let more = digits(end + 1);
        if end > sign || more > 0 {
            end += 1 + more;
        }
    }
    if end == sign {
        return 0.0;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let exponent_sign = usize::from(matches!(text.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + exponent_sign);
        if exponent > 0 {
            end += 1 + exponent_sign + exponent;
        }
    }
    std::str::from_utf8(&text[..end]).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

fn looks_numeric(text: &[u8]) -> Option<f64> {
    let trimmed = text.trim_ascii();
    let plain = trimmed.first().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'));
    std::str::from_utf8(trimmed).ok().filter(|_| plain)?.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// `sprintf`: each conversion takes its argument as awk converts it.
pub(super) fn format(format: &[u8], arguments: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut arguments = arguments.iter();
    let mut at = 0;
    while let Some(&byte) = format.get(at) {
        if byte != b'%' {
            out.push(byte);
            at += 1;
            continue;
        }
        if format.get(at + 1) == Some(&b'%') {
            out.push(b'%');
            at += 2;
            continue;
        }
        let start = at;
        at += 1;
        let mut spec = b"%".to_vec();
        while let Some(&b) = format.get(at).filter(|b| b"-+ #0123456789.*hlqL".contains(b)) {
            match b {
                b'*' => spec.extend(format!("{}", arguments.next().map_or(0.0, Value::number).clamp(-1000.0, 1000.0) as i64).bytes()),
                b'h' | b'l' | b'q' | b'L' => {}
                other => spec.push(other),
            }
            at += 1;
        }
        let Some(&letter) = format.get(at) else {
            out.extend_from_slice(&format[start..]);
            break;
        };
        at += 1;
        let mut value = || arguments.next().cloned().unwrap_or_default();
        let operand = match letter {
            b'd' | b'i' => format!("{}", value().number().clamp(-9.2e18, 9.2e18) as i64).into_bytes(),
            b'o' | b'x' | b'X' | b'u' => format!("{}", value().number().max(-9.2e18) as i64).into_bytes(),
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => format!("{}", value().number()).into_bytes(),
            b'c' => match value() {
                Value::Number(number) => vec![number as i64 as u8],
                other => other.text().into_iter().take(1).collect(),
            },
            b's' => value().text(),
            _ => {
                out.extend_from_slice(&format[start..at]);
                continue;
            }
        };
        spec.push(if letter == b'c' { b's' } else { letter });
        out.extend(printf::render(&spec, &[operand], model::Timestamp(0)).out);
    }
    out
}
