//! `printf`, as the shells' builtin and as a program.

use crate::arith;
use crate::escape::{Escapes, unescape};
use crate::interp::{Ran, Shell, quote};
use crate::parse::Dialect;

/// Bytes one `printf` may print.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// The widest field and the most digits, in bytes.
const WIDTH_MAX: usize = 4096;

/// What a format and its arguments come to.
#[derive(Default)]
pub(crate) struct Printed {
    pub out: Vec<u8>,
    /// Complaints, each of an argument: how much had been printed before, its text, and what it is not.
    pub errors: Vec<(usize, Vec<u8>, Complaint)>,
}

/// What is wrong with an argument or the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// No number at all.
    NotNumeric,
    /// A number with something after it.
    NotWholly,
    /// Beyond 64 bits.
    Range,
    /// `%` and this.
    Directive,
    /// `%` at the end.
    Missing,
}

/// `printf [-v VAR] FORMAT [ARGUMENT…]`
pub(super) async fn run(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let mut rest = args.get(1..).unwrap_or_default();
    let mut target = None;
    if shell.bash() && rest.first().is_some_and(|a| a == b"-v") {
        target = rest.get(1).cloned();
        rest = rest.get(2..).unwrap_or_default();
    }
    if rest.first().is_some_and(|a| a == b"--") {
        rest = &rest[1..];
    }
    let Some((format, operands)) = rest.split_first() else {
        return usage(shell).await;
    };
    if shell.bash() && format.len() > 1 && format.starts_with(b"-") {
        let option = [&format[..2], b": invalid option"].concat();
        shell.complain_as("printf", option).await?;
        shell.process.err("printf: usage: printf [-v var] format [arguments]\n").await?;
        return Ok(2);
    }
    let now = shell.process.now();
    let printed = render(format, operands, now);
    let failed = !printed.errors.is_empty();
    let mut shown = 0;
    for (at, text, complaint) in printed.errors {
        // Bash's own output is buffered by lines: whole ones printed before the complaint are seen before it.
        if target.is_none() && shell.bash() {
            let whole = printed.out.get(shown..at).unwrap_or_default();
            let whole = memchr::memrchr(b'\n', whole).map_or(&b""[..], |end| &whole[..=end]).to_vec();
            shown += whole.len();
            shell.process.out(whole).await?;
            shell.process.flush().await?;
        }
        let text = &text[..];
        let (bash, ash, dash) = match complaint {
            Complaint::NotNumeric | Complaint::NotWholly => {
                let dash: &[u8] =
                    if complaint == Complaint::NotNumeric { b": expected numeric value" } else { b": not completely converted" };
                ([text, b": invalid number"].concat(), [b"invalid number '", text, b"'"].concat(), [text, dash].concat())
            }
            Complaint::Range => (
                [b"warning: ", text, b": Numerical result out of range"].concat(),
                [b"invalid number '", text, b"'"].concat(),
                [text, b": Numerical result out of range"].concat(),
            ),
            Complaint::Directive => (
                [b"`", text, b"': invalid format character"].concat(),
                [b"%", text, b": invalid format"].concat(),
                [b"%", text, b": invalid directive"].concat(),
            ),
            Complaint::Missing => {
                (b"`%': missing format character".to_vec(), b"%: invalid format".to_vec(), b"%: invalid directive".to_vec())
            }
        };
        // BusyBox's applet, which its shell runs, has no line of its own.
        match shell.dialect {
            Dialect::Ash => {
                let outer = shell.builtin.take();
                shell.complain(ash).await?;
                shell.builtin = outer;
            }
            _ => drop(shell.refuse("printf", bash, ash, dash, 1).await?),
        }
    }
    match target {
        Some(name) => shell.assign(&name, printed.out).await?,
        None => shell.process.out(printed.out.get(shown..).unwrap_or_default()).await?,
    }
    Ok(u8::from(failed))
}

async fn usage(shell: &mut Shell) -> Ran {
    match shell.dialect {
        Dialect::Bash => shell.process.err("printf: usage: printf [-v var] format [arguments]\n").await?,
        Dialect::Ash => shell.process.err("sh: usage: printf FORMAT [ARGUMENT...]\n").await?,
        Dialect::Dash => shell.complain_as("printf", "usage: printf format [arg ...]").await?,
    }
    Ok(2)
}

/// One conversion of a format.
#[derive(Default)]
struct Conversion {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// Formats arguments; the format is used again while arguments are left.
pub(crate) fn render(format: &[u8], operands: &[Vec<u8>], now: model::Timestamp) -> Printed {
    let mut printed = Printed::default();
    let mut operands = operands.iter();
    loop {
        let left = operands.len();
        let ended = pass(format, &mut operands, &mut printed, now);
        if ended || operands.len() == 0 || operands.len() == left || printed.out.len() > OUTPUT_BYTES_MAX {
            return printed;
        }
    }
}

/// One use of the format; whether it ended the output.
fn pass(format: &[u8], operands: &mut std::slice::Iter<'_, Vec<u8>>, printed: &mut Printed, now: model::Timestamp) -> bool {
    let mut rest = format;
    while !rest.is_empty() {
        let plain = rest.iter().position(|b| *b == b'%').unwrap_or(rest.len());
        if plain > 0 {
            let (text, _) = unescape(&rest[..plain], Escapes::Printf);
            // `\c` ends the output in a format too.
            if let Some(at) = rest[..plain].windows(2).position(|w| w == b"\\c") {
                printed.out.extend(unescape(&rest[..at], Escapes::Printf).0);
                return true;
            }
            printed.out.extend(text);
            rest = &rest[plain..];
            continue;
        }
        rest = &rest[1..];
        let mut conversion = Conversion::default();
        while let Some((flag, after)) = rest.split_first() {
            match flag {
                b'-' => conversion.left = true,
                b'0' => conversion.zero = true,
                b'+' => conversion.plus = true,
                b' ' => conversion.space = true,
                b'#' => conversion.alternate = true,
                b'\'' => {}
                _ => break,
            }
            rest = after;
        }
        let width = size(&mut rest, operands);
        conversion.left |= width.is_some_and(|w| w < 0);
        conversion.width = usize::try_from(width.unwrap_or(0).unsigned_abs()).unwrap_or(0).min(WIDTH_MAX);
        if let Some(after) = rest.strip_prefix(b".") {
            rest = after;
            let precision = size(&mut rest, operands).unwrap_or(0);
            conversion.precision = usize::try_from(precision).ok().map(|p| p.min(WIDTH_MAX));
        }
        while let Some((b'l' | b'h' | b'L' | b'q' | b'j' | b'z' | b't', after)) =
            rest.split_first().filter(|(b, after)| **b != b'q' || after.first().is_some_and(|n| b"diouxXeEfgG".contains(n)))
        {
            rest = after;
        }
        if let Some(after) = rest.strip_prefix(b"(")
            && let Some(end) = after.iter().position(|b| *b == b')')
            && after.get(end + 1) == Some(&b'T')
        {
            let text = time(&after[..end], operands.next(), now);
            conversion.pad(&text, printed);
            rest = &after[end + 2..];
            continue;
        }
        let Some((kind, after)) = rest.split_first() else {
            printed.errors.push((printed.out.len(), Vec::new(), Complaint::Missing));
            return true;
        };
        rest = after;
        match kind {
            b'%' => printed.out.push(b'%'),
            b's' => {
                let text = operands.next().map_or(&b""[..], Vec::as_slice);
                let text = &text[..conversion.precision.unwrap_or(text.len()).min(text.len())];
                conversion.pad(text, printed);
            }
            b'b' => {
                let (text, ended) = unescape(operands.next().map_or(&b""[..], Vec::as_slice), Escapes::Echo);
                conversion.pad(&text, printed);
                if ended {
                    return true;
                }
            }
            b'q' => {
                let text = operands.next().map_or(&b""[..], Vec::as_slice);
                conversion.pad(&shell_quoted(text), printed);
            }
            b'c' => {
                let text = operands.next().map_or(&b""[..], |t| &t[..t.len().min(1)]);
                conversion.pad(text, printed);
            }
            b'd' | b'i' | b'u' | b'o' | b'x' | b'X' => {
                let value = integer(operands.next(), printed);
                conversion.integer(*kind, value, printed);
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {
                let value = float(operands.next(), printed);
                conversion.float(*kind, value, printed);
            }
            other => {
                printed.errors.push((printed.out.len(), vec![*other], Complaint::Directive));
                return true;
            }
        }
    }
    false
}

/// A width or precision: digits, or `*` for the next argument.
fn size(rest: &mut &[u8], operands: &mut std::slice::Iter<'_, Vec<u8>>) -> Option<i64> {
    if let Some(after) = rest.strip_prefix(b"*") {
        *rest = after;
        return Some(operands.next().and_then(|text| super::number(text)).unwrap_or(0));
    }
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    if count == 0 { None } else { Some(super::number(digits).unwrap_or(i64::from(u16::MAX))) }
}

/// `%q`
fn shell_quoted(text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        return b"''".to_vec();
    }
    if text.iter().any(|b| *b < 0x20 || *b >= 0x7f) {
        return quote(text);
    }
    let mut out = Vec::new();
    for byte in text {
        if !byte.is_ascii_alphanumeric() && !b"_-./:=@%+^".contains(byte) || (*byte == b'^' && out.is_empty()) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

/// `%(FORMAT)T`: -1 and nothing are now, -2 is when the shell started.
fn time(format: &[u8], operand: Option<&Vec<u8>>, now: model::Timestamp) -> Vec<u8> {
    let seconds = operand.and_then(|text| super::number(text)).filter(|n| *n >= 0).unwrap_or(now.seconds());
    let Ok(format) = std::str::from_utf8(format) else { return Vec::new() };
    let format = if format.is_empty() { "%H:%M:%S" } else { format };
    let Ok(time) = jiff::Timestamp::from_second(seconds) else { return Vec::new() };
    let time = time.to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::strtime::format(format, &time).map_or_else(|_| Vec::new(), String::into_bytes)
}

/// An argument as a number: C's constants, and the code of a character after a quote.
fn integer(operand: Option<&Vec<u8>>, printed: &mut Printed) -> i64 {
    let Some(text) = operand else { return 0 };
    if let Some((b'\'' | b'"', character)) = text.split_first() {
        let first = character.utf8_chunks().next().and_then(|c| c.valid().chars().next());
        return first.map_or_else(|| i64::from(character.first().copied().unwrap_or(0)), |c| i64::from(u32::from(c)));
    }
    let trimmed = text.trim_ascii_start();
    let (negative, digits) = match trimmed.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, trimmed),
    };
    let (radix, digits_only) = match digits {
        [b'0', b'x' | b'X', hex @ ..] => (16, hex),
        [b'0', octal @ ..] if !octal.is_empty() => (8, octal),
        _ => (10, digits),
    };
    let count = digits_only.iter().take_while(|b| (**b as char).is_digit(radix)).count();
    let value = std::str::from_utf8(&digits_only[..count]).ok().and_then(|t| u64::from_str_radix(t, radix).ok());
    if count < digits_only.len() || text.is_empty() || (count == 0 && radix == 10) {
        let complaint = if count > 0 { Complaint::NotWholly } else { Complaint::NotNumeric };
        printed.errors.push((printed.out.len(), text.clone(), complaint));
    } else if value.is_none() && count > 0 {
        printed.errors.push((printed.out.len(), text.clone(), Complaint::Range));
        return if negative { i64::MIN } else { i64::MAX };
    }
    let value = value.unwrap_or(0) as i64;
    if negative { value.wrapping_neg() } else { value }
}

fn float(operand: Option<&Vec<u8>>, printed: &mut Printed) -> f64 {
    let Some(text) = operand else { return 0.0 };
    let trimmed = text.trim_ascii();
    if let Some(value) = std::str::from_utf8(trimmed).ok().and_then(|t| t.parse().ok()) {
        return value;
    }
    if let Ok(value) = arith::number(trimmed) {
        return value as f64;
    }
    let numeric = trimmed.iter().take_while(|b| b.is_ascii_digit() || b"+-.".contains(b)).count();
    printed.errors.push((printed.out.len(), text.clone(), if numeric > 0 { Complaint::NotWholly } else { Complaint::NotNumeric }));
    std::str::from_utf8(&trimmed[..numeric]).ok().and_then(|t| t.parse().ok()).unwrap_or(0.0)
}

impl Conversion {
    fn pad(&self, text: &[u8], printed: &mut Printed) {
        let fill = self.width.saturating_sub(text.len());
        if !self.left {
            printed.out.extend(std::iter::repeat_n(b' ', fill));
        }
        printed.out.extend_from_slice(text);
        if self.left {
            printed.out.extend(std::iter::repeat_n(b' ', fill));
        }
    }

    /// Digits with their sign or prefix, filled up with zeros where the flag says so.
    fn number(&self, sign: &str, digits: &str, zeros: bool, printed: &mut Printed) {
        let fill = if zeros && self.zero && !self.left { self.width.saturating_sub(sign.len() + digits.len()) } else { 0 };
        let text = [sign, &"0".repeat(fill), digits].concat();
        self.pad(text.as_bytes(), printed);
    }

    fn integer(&self, kind: u8, value: i64, printed: &mut Printed) {
        let unsigned = value as u64;
        let (sign, digits) = match kind {
            b'd' | b'i' => {
                let sign = match (value < 0, self.plus, self.space) {
                    (true, ..) => "-",
                    (_, true, _) => "+",
                    (_, _, true) => " ",
                    _ => "",
                };
                (sign, value.unsigned_abs().to_string())
            }
            b'u' => ("", unsigned.to_string()),
            b'o' => (if self.alternate { "0" } else { "" }, format!("{unsigned:o}")),
            b'x' => (if self.alternate && value != 0 { "0x" } else { "" }, format!("{unsigned:x}")),
            _ => (if self.alternate && value != 0 { "0X" } else { "" }, format!("{unsigned:X}")),
        };
        let least = self.precision.unwrap_or(1);
        let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        self.number(sign, &digits, self.precision.is_none(), printed);
    }

    fn float(&self, kind: u8, value: f64, printed: &mut Printed) {
        let precision = self.precision.unwrap_or(6).min(300);
        let magnitude = value.abs();
        let digits = match kind {
            b'f' | b'F' => format!("{magnitude:.precision$}"),
            b'e' | b'E' => exponential(magnitude, precision, kind == b'E'),
            _ => general(magnitude, precision, self.alternate, kind == b'G'),
        };
        let sign = match (value.is_sign_negative(), self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        self.number(sign, &digits, value.is_finite(), printed);
    }
}

/// C's `%e`: at least two digits of exponent.
fn exponential(value: f64, precision: usize, upper: bool) -> String {
    let text = format!("{value:.precision$e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}{}{sign}{digits:0>2}", if upper { 'E' } else { 'e' })
}

/// C's `%g`.
fn general(value: f64, precision: usize, alternate: bool, upper: bool) -> String {
    let precision = precision.max(1);
    let scientific = exponential(value, precision - 1, upper);
    let exponent: i64 = scientific.split(['e', 'E']).nth(1).and_then(|e| e.parse().ok()).unwrap_or(0);
    let strip = |text: String| -> String {
        if alternate || !text.contains('.') { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
    };
    if exponent < -4 || exponent >= precision as i64 {
        let mark = if upper { 'E' } else { 'e' };
        return match scientific.split_once(mark) {
            Some((mantissa, exponent)) => format!("{}{mark}{exponent}", strip(mantissa.to_owned())),
            None => scientific,
        };
    }
    let decimals = usize::try_from(precision as i64 - 1 - exponent).unwrap_or(0);
    strip(format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_c_does() {
        let cases: [(&str, &[&str], &str); 20] = [
            ("%s-%s\\n", &["a", "b", "c"], "a-b\nc-\n"),
            ("%5d|%-5d|%05d", &["42", "42", "42"], "   42|42   |00042"),
            ("%x %X %#x %o", &["255", "255", "255", "8"], "ff FF 0xff 10"),
            ("%.2f", &["3.14159"], "3.14"),
            ("%e", &["12345.678"], "1.234568e+04"),
            ("%g %g %g", &["100000", "1000000", "0.0001"], "100000 1e+06 0.0001"),
            ("%c%c", &["xyz", "q"], "xq"),
            ("%b", &["a\\tb"], "a\tb"),
            ("%%", &[], "%"),
            ("%d", &["'A"], "65"),
            ("%d", &["0x10"], "16"),
            ("%d", &["-5"], "-5"),
            ("%u", &["-1"], "18446744073709551615"),
            ("\\x41\\101\\n", &[], "AA\n"),
            ("%.3s|", &["abcdef"], "abc|"),
            ("%*d", &["5", "42"], "   42"),
            ("%+d % d", &["5", "5"], "+5  5"),
            ("%.3d", &["5"], "005"),
            ("x", &["a"], "x"),
            ("%q", &["a b'c"], "a\\ b\\'c"),
        ];
        for (format, operands, expected) in cases {
            let operands: Vec<Vec<u8>> = operands.iter().map(|o| o.as_bytes().to_vec()).collect();
            let printed = render(format.as_bytes(), &operands, model::Timestamp(0));
            assert_eq!(String::from_utf8_lossy(&printed.out), expected, "{format}");
            assert!(printed.errors.is_empty(), "{format}");
        }
        assert_eq!(render(b"%d", &[b"abc".to_vec()], model::Timestamp(0)).errors, [(0, b"abc".to_vec(), Complaint::NotNumeric)]);
        assert_eq!(render(b"%d", &[b"12abc".to_vec()], model::Timestamp(0)).out, b"12");
    }

    #[test]
    fn hostile_widths_are_bounded() {
        let printed = render(b"%999999999d%.999999999f%*d", &[b"1".to_vec(), b"1".to_vec(), b"99999999999".to_vec()], model::Timestamp(0));
        assert!(printed.out.len() < 3 * WIDTH_MAX);
    }
}
