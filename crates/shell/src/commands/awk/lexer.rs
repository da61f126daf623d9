//! Tokens of an awk program (POSIX awk, "Lexical Conventions").

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(Vec<u8>),
    Regex(Vec<u8>),
    Name(String),
    /// A name directly followed by `(`: a call of a function of the program's.
    Call(String),
    Word(&'static str),
    Builtin(&'static str),
    Sign(&'static str),
    Newline,
    End,
}

const WORDS: &[&str] = &[
    "BEGIN", "END", "function", "func", "if", "else", "while", "for", "do", "break", "continue", "next", "nextfile", "exit", "return",
    "delete", "in", "getline", "print", "printf",
];

pub(super) const BUILTINS: &[&str] = &[
    "length", "substr", "index", "split", "sub", "gsub", "match", "sprintf", "tolower", "toupper", "int", "sqrt", "exp", "log", "sin",
    "cos", "atan2", "rand", "srand", "system", "close", "fflush", "strftime", "systime",
];

/// Longest first, so that `+=` is not `+`.
const SIGNS: &[&str] = &[
    "**=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=", "!=", "!~", ">>", "**", "{", "}", "(", ")", "[",
    "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
];

/// Reads a program. The error is the line it is in and what mawk says of it.
pub(super) fn lex(text: &[u8]) -> Result<Vec<(Token, usize)>, (usize, String)> {
    let mut tokens: Vec<(Token, usize)> = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        match byte {
            b' ' | b'\t' | b'\r' => at += 1,
            b'\\' if rest.starts_with(b"\\\n") => {
                at += 2;
                line += 1;
            }
            b'\n' => {
                tokens.push((Token::Newline, line));
                at += 1;
                line += 1;
            }
            b'#' => at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
            b'"' => {
                let (value, length) = quoted(rest).ok_or_else(|| (line, "runaway string constant".to_owned()))?;
                tokens.push((Token::Text(value), line));
                at += length;
            }
            b'/' if regex_may_follow(tokens.last().map(|(token, _)| token)) => {
                let (value, length) = regex(rest).ok_or_else(|| (line, "regular expression compile failed".to_owned()))?;
                tokens.push((Token::Regex(value), line));
                at += length;
            }
            b'0'..=b'9' | b'.' if byte != b'.' || rest.get(1).is_some_and(u8::is_ascii_digit) => {
                let length = number_length(rest);
                let value = std::str::from_utf8(&rest[..length]).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
                tokens.push((Token::Number(value), line));
                at += length;
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                let name = String::from_utf8_lossy(&rest[..length]).into_owned();
                at += length;
                let token = if let Some(word) = WORDS.iter().find(|word| **word == name) {
                    Token::Word(if *word == "func" { "function" } else { word })
                } else if let Some(builtin) = BUILTINS.iter().find(|builtin| **builtin == name) {
                    Token::Builtin(builtin)
                } else if text.get(at) == Some(&b'(') {
                    Token::Call(name)
                } else {
                    Token::Name(name)
                };
                tokens.push((token, line));
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes()));
                let Some(sign) = sign else { return Err((line, format!("unexpected character '{}'", byte.escape_ascii()))) };
                at += sign.len();
                let sign = match *sign {
                    "**" => "^",
                    "**=" => "^=",
                    sign => sign,
                };
                tokens.push((Token::Sign(sign), line));
            }
        }
    }
    tokens.push((Token::Newline, line));
    tokens.push((Token::End, line + 1));
    Ok(tokens)
}

/// A slash divides after a value and begins a pattern elsewhere.
fn regex_may_follow(before: Option<&Token>) -> bool {
    !matches!(
        before,
        Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Builtin("length") | Token::Sign(")" | "]" | "$" | "++" | "--"))
    )
}

fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut length = digits(0);
    if text.get(length) == Some(&b'.') {
        length += 1;
        length += digits(length);
    }
    if matches!(text.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
        let exponent = text.get(length + 1 + sign..).map_or(0, |_| digits(length + 1 + sign));
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// A string constant's value and the length of its notation.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = {
        let mut at = 1;
        loop {
            match text.get(at)? {
                b'"' => break at,
                b'\\' => at += 2,
                b'\n' => return None,
                _ => at += 1,
            }
        }
    };
    Some((unescape(&text[1..end]), end + 1))
}

/// Resolves the escapes of a string.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&letter) = text.get(at) else {
            out.push(b'\\');
            break;
        };
        at += 1;
        match letter {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'"' | b'/' | b'\\' => out.push(letter),
            b'0'..=b'7' => {
                let more = text[at..].iter().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let value = text[at - 1..at + more].iter().fold(0u32, |value, b| value * 8 + u32::from(b - b'0'));
                out.push(value as u8);
                at += more;
            }
            other => out.extend([b'\\', other]),
        }
    }
    out
}

fn regex(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut out = Vec::new();
    let (mut at, mut bracket) = (1, false);
    loop {
        match text.get(at)? {
            b'/' if !bracket => return Some((out, at + 1)),
            b'\n' => return None,
            b'\\' => {
                let next = *text.get(at + 1)?;
                if next != b'/' {
                    out.push(b'\\');
                }
                out.push(next);
                at += 2;
                continue;
            }
            b'[' if !bracket => {
                bracket = true;
                out.push(b'[');
                for special in [b'^', b']'] {
                    if text.get(at + 1) == Some(&special) {
                        at += 1;
                        out.push(special);
                    }
                }
            }
            b']' if bracket => {
                bracket = false;
                out.push(b']');
            }
            other => out.push(*other),
        }
        at += 1;
    }
}
