//! Brace expansion: `{a,b}` and `{1..5}`, on words before anything else.

use crate::parse::ast::{Part, Word};

/// Words one word may become.
pub(super) const WORDS_MAX: usize = 65_536;

/// Bytes they may hold together.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Whether a word could hold braces to expand.
fn candidate(word: &Word) -> bool {
    word.0.iter().any(|part| matches!(part, Part::Text(text) if text.contains(&b'{')))
}

/// The words a word stands for; `None` when they would be too many.
pub(super) fn expand(word: &Word) -> Option<Vec<Word>> {
    if !candidate(word) {
        return Some(vec![word.clone()]);
    }
    let tokens: Vec<Token> = word.0.iter().flat_map(tokens_of).collect();
    let mut budget = BYTES_MAX;
    let words = expand_tokens(&tokens, 0, &mut budget)?;
    Some(words.into_iter().map(join).collect())
}

/// A byte that may belong to a brace, or a part that is kept whole.
#[derive(Clone)]
enum Token {
    Byte(u8),
    Part(Part),
}

fn tokens_of(part: &Part) -> Vec<Token> {
    match part {
        Part::Text(text) => text.iter().map(|byte| Token::Byte(*byte)).collect(),
        other => vec![Token::Part(other.clone())],
    }
}

fn join(tokens: Vec<Token>) -> Word {
    let mut parts: Vec<Part> = Vec::new();
    for token in tokens {
        match (token, parts.last_mut()) {
            (Token::Byte(byte), Some(Part::Text(text))) => text.push(byte),
            (Token::Byte(byte), _) => parts.push(Part::Text(vec![byte])),
            (Token::Part(part), _) => parts.push(part),
        }
    }
    Word(parts)
}

/// Unclosed braces looked at before the rest of a word is taken as it is: each look goes to the word's end.
const BRACES_TRIED_MAX: usize = 64;

/// How deep braces may nest in braces.
const DEPTH_MAX: usize = 30;

fn expand_tokens(tokens: &[Token], depth: usize, budget: &mut usize) -> Option<Vec<Vec<Token>>> {
    let braces = (0..tokens.len()).filter(|at| matches!(tokens[*at], Token::Byte(b'{'))).take(BRACES_TRIED_MAX);
    let mut braces = if depth < DEPTH_MAX { braces.take(usize::MAX) } else { braces.take(0) };
    let Some((open, pieces, close)) = braces.find_map(|at| alternatives(tokens, at)) else {
        *budget = budget.checked_sub(tokens.len() + 16)?;
        return Some(vec![tokens.to_vec()]);
    };
    let mut middles: Vec<Vec<Token>> = Vec::new();
    match pieces {
        Pieces::List(pieces) => {
            for (from, to) in pieces {
                middles.extend(expand_tokens(&tokens[from..to], depth + 1, budget)?);
            }
        }
        Pieces::Range(values) => middles.extend(values.into_iter().map(|value| value.into_iter().map(Token::Byte).collect())),
        Pieces::TooMany => return None,
    }
    let tails = expand_tokens(&tokens[close + 1..], depth + 1, budget)?;
    if middles.len().saturating_mul(tails.len()) > WORDS_MAX {
        return None;
    }
    let mut words = Vec::with_capacity(middles.len() * tails.len());
    for middle in &middles {
        for tail in &tails {
            *budget = budget.checked_sub(open + middle.len() + tail.len() + 16)?;
            words.push([&tokens[..open], middle, tail].concat());
        }
    }
    Some(words)
}

enum Pieces {
    List(Vec<(usize, usize)>),
    Range(Vec<Vec<u8>>),
    TooMany,
}

/// What the brace at `open` lists, and where it closes; `None` when it is no brace to expand.
fn alternatives(tokens: &[Token], open: usize) -> Option<(usize, Pieces, usize)> {
    let mut depth = 0usize;
    let mut commas = Vec::new();
    let mut close = None;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Byte(b'{') => depth += 1,
            Token::Byte(b'}') => {
                depth -= 1;
                if depth == 0 {
                    close = Some(at);
                    break;
                }
            }
            Token::Byte(b',') if depth == 1 => commas.push(at),
            _ => {}
        }
    }
    let close = close?;
    if commas.is_empty() {
        let inside: Option<Vec<u8>> =
            tokens[open + 1..close].iter().map(|t| if let Token::Byte(byte) = t { Some(*byte) } else { None }).collect();
        return Some((open, range(&inside?)?, close));
    }
    let starts = std::iter::once(open + 1).chain(commas.iter().map(|at| at + 1));
    let ends = commas.iter().copied().chain(std::iter::once(close));
    Some((open, Pieces::List(starts.zip(ends).collect()), close))
}

/// `1..5`, `05..1..2`, `a..e`.
fn range(text: &[u8]) -> Option<Pieces> {
    let text = std::str::from_utf8(text).ok()?;
    let mut pieces = text.split("..");
    let (from, to, step) = (pieces.next()?, pieces.next()?, pieces.next());
    if pieces.next().is_some() {
        return None;
    }
    let step = step.map_or(Some(0), |s| s.parse::<i64>().ok())?.unsigned_abs().max(1);
    let (first, last, width, letters) = match (from.parse::<i64>(), to.parse::<i64>()) {
        (Ok(first), Ok(last)) => {
            let padded = |t: &str| t.trim_start_matches('-').len() > 1 && t.trim_start_matches('-').starts_with('0');
            let width = if padded(from) || padded(to) { from.len().max(to.len()) } else { 0 };
            (first, last, width, false)
        }
        _ => match (from.as_bytes(), to.as_bytes()) {
            ([a], [b]) if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => (i64::from(*a), i64::from(*b), 0, true),
            _ => return None,
        },
    };
    let count = first.abs_diff(last) / step + 1;
    if count > WORDS_MAX as u64 || width > 64 {
        return Some(Pieces::TooMany);
    }
    let at = |n: u64| {
        let away = i64::try_from(n * step).unwrap_or(0);
        if first <= last { first + away } else { first - away }
    };
    let show = |value: i64| if letters { vec![value as u8] } else { format!("{value:0width$}").into_bytes() };
    Some(Pieces::Range((0..count).map(|n| show(at(n))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_expand_as_in_bash() {
        let cases = [
            ("a{b,c}d", "abd acd"),
            ("{1..4}", "1 2 3 4"),
            ("{4..1..2}", "4 2"),
            ("{a..e}", "a b c d e"),
            ("{01..03}", "01 02 03"),
            ("{-1..1}", "-1 0 1"),
            ("{a,b}{1,2}", "a1 a2 b1 b2"),
            ("{a,{b,c}}", "a b c"),
            ("{a}", "{a}"),
            ("{}", "{}"),
            ("{a,b", "{a,b"),
            ("x{,y}", "x xy"),
            ("{1..x}", "{1..x}"),
            ("{{a,b}", "{a {b"),
        ];
        for (text, expected) in cases {
            let words = expand(&Word::text(text.as_bytes())).unwrap();
            let shown: Vec<_> = words.iter().map(|w| String::from_utf8_lossy(w.literal().unwrap_or_default()).into_owned()).collect();
            assert_eq!(shown.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn too_many_words_are_refused() {
        for text in ["{1..100000000}", "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"] {
            assert!(expand(&Word::text(text.as_bytes())).is_none(), "{text}");
        }
        assert!(expand(&Word::text("{a,".repeat(5_000).as_bytes())).is_some());
    }
}
