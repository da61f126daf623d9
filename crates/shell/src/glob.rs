//! Patterns of file names and strings.

/// A pattern, ready to be matched: quoting is resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Byte(u8),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `[…]`: negated, and what is listed.
    Set(bool, Vec<(u8, u8)>),
    /// `?(…)` and its like.
    Group(u8, Vec<Pattern>),
}

/// Comparisons one match may take; a pattern that needs more is made to be slow, and does not match.
const STEPS_MAX: usize = 1_000_000;

/// The longest pattern in which extended groups are looked for, in bytes.
const EXTENDED_BYTES_MAX: usize = 4096;

/// How deep matching of extended groups may go.
const DEPTH_MAX: usize = 400;

impl Pattern {
    /// From text and, for each byte, whether it was quoted.
    pub fn new(text: &[u8], quoted: &[bool], extended: bool) -> Pattern {
        let is_quoted = |at: usize| quoted.get(at).copied().unwrap_or(false);
        // Brackets that nothing closes are looked for only once, not from each of them to the end.
        let last_bracket = text.iter().rposition(|b| *b == b']').unwrap_or(0);
        let extended = extended && text.len() <= EXTENDED_BYTES_MAX;
        let mut items = Vec::new();
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            if is_quoted(at) {
                items.push(Item::Byte(byte));
                at += 1;
                continue;
            }
            if extended
                && b"?*+@!".contains(&byte)
                && text.get(at + 1) == Some(&b'(')
                && !is_quoted(at + 1)
                && let Some((alternatives, length)) = group(&text[at + 2..], &quoted[(at + 2).min(quoted.len())..])
            {
                items.push(Item::Group(byte, alternatives));
                at += 2 + length;
                continue;
            }
            match byte {
                b'?' => items.push(Item::Any),
                b'*' => {
                    if items.last() != Some(&Item::Star) {
                        items.push(Item::Star);
                    }
                }
                b'[' if at > last_bracket => items.push(Item::Byte(byte)),
                b'[' => match set(&text[at + 1..], &quoted[(at + 1).min(quoted.len())..]) {
                    Some((item, length)) => {
                        items.push(item);
                        at += length;
                    }
                    None => items.push(Item::Byte(byte)),
                },
                b'\\' => {
                    at += 1;
                    items.push(Item::Byte(text.get(at).copied().unwrap_or(b'\\')));
                }
                _ => items.push(Item::Byte(byte)),
            }
            at += 1;
        }
        Pattern(items)
    }

    /// Whether it is plain text, and which.
    pub fn literal(&self) -> Option<Vec<u8>> {
        self.0.iter().map(|item| if let Item::Byte(byte) = item { Some(*byte) } else { None }).collect()
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &[u8]) -> bool {
        let mut steps = 0;
        matches(&self.0, text, 0, &mut steps)
    }

    /// Whether it begins with a wildcard, which does not match a leading period.
    pub fn begins_wild(&self) -> bool {
        !matches!(self.0.first(), Some(Item::Byte(_)))
    }

    /// Length of the shortest or longest start of `text` that matches.
    pub fn prefix(&self, text: &[u8], longest: bool) -> Option<usize> {
        let mut steps = 0;
        let mut fits = |end: &usize| matches(&self.0, &text[..*end], 0, &mut steps);
        if longest { (0..=text.len()).rev().find(|end| fits(end)) } else { (0..=text.len()).find(|end| fits(end)) }
    }

    /// Start of the shortest or longest end of `text` that matches.
    pub fn suffix(&self, text: &[u8], longest: bool) -> Option<usize> {
        let mut steps = 0;
        let mut fits = |start: &usize| matches(&self.0, &text[*start..], 0, &mut steps);
        if longest { (0..=text.len()).find(|start| fits(start)) } else { (0..=text.len()).rev().find(|start| fits(start)) }
    }

    /// The first place where a non-empty or empty part of `text` from `from` on matches, the longest there.
    pub fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        if let Some(literal) = self.literal() {
            let at = memchr::memmem::find(text.get(from..)?, &literal)?;
            return (!literal.is_empty()).then_some((from + at, from + at + literal.len()));
        }
        let mut steps = 0;
        for start in from..=text.len() {
            // Without a star the length is bounded, but that is not worth knowing.
            for end in (start..=text.len()).rev() {
                if matches(&self.0, &text[start..end], 0, &mut steps) {
                    return Some((start, end));
                }
                if steps >= STEPS_MAX {
                    return None;
                }
            }
        }
        None
    }
}

/// Matching with one point of return, so that stars cost no more than the product of both lengths.
fn matches(items: &[Item], text: &[u8], depth: usize, steps: &mut usize) -> bool {
    let (mut item, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        *steps += 1;
        if *steps >= STEPS_MAX || depth > DEPTH_MAX {
            return false;
        }
        let ahead = match items.get(item) {
            None => at == text.len(),
            Some(Item::Star) => {
                star = Some((item + 1, at));
                item += 1;
                continue;
            }
            // With groups a star has more than one point of return.
            Some(Item::Group(..)) => return backtrack(items, text, depth, steps),
            Some(single) => text.get(at).is_some_and(|byte| single_matches(single, *byte)),
        };
        if ahead {
            if item == items.len() {
                return true;
            }
            item += 1;
            at += 1;
            continue;
        }
        match &mut star {
            Some((after, start)) if *start < text.len() => {
                *start += 1;
                (item, at) = (*after, *start);
            }
            _ => return false,
        }
    }
}

/// Matching of patterns with extended groups. The depth counts the stars and groups entered.
fn backtrack(items: &[Item], text: &[u8], depth: usize, steps: &mut usize) -> bool {
    *steps += 1;
    if *steps >= STEPS_MAX || depth > DEPTH_MAX {
        return false;
    }
    let Some((item, rest)) = items.split_first() else { return text.is_empty() };
    match item {
        Item::Star => (0..=text.len()).any(|from| backtrack(rest, &text[from..], depth + 1, steps)),
        Item::Group(kind, alternatives) => (0..=text.len()).rev().any(|length| {
            let part = &text[..length];
            let mut any = || alternatives.iter().any(|a| backtrack(&a.0, part, depth + 1, steps));
            let fits = match kind {
                b'!' => !any(),
                b'@' => any(),
                b'?' => part.is_empty() || any(),
                _ => (*kind == b'*' && part.is_empty()) || repeated(alternatives, part, depth + 1, steps),
            };
            fits && backtrack(rest, &text[length..], depth + 1, steps)
        }),
        single => match text.split_first() {
            Some((byte, after)) => single_matches(single, *byte) && backtrack(rest, after, depth + 1, steps),
            None => false,
        },
    }
}

/// Whether a text is one or more parts that each match.
fn repeated(alternatives: &[Pattern], text: &[u8], depth: usize, steps: &mut usize) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut once = false;
    for from in 0..=text.len() {
        if !reached[from] {
            continue;
        }
        for to in from..=text.len() {
            *steps += 1;
            if *steps >= STEPS_MAX {
                return false;
            }
            if (to > from || !once) && alternatives.iter().any(|a| backtrack(&a.0, &text[from..to], depth, steps)) {
                reached[to] = true;
                once |= to == text.len();
            }
        }
    }
    once
}

fn single_matches(item: &Item, byte: u8) -> bool {
    match item {
        Item::Byte(expected) => *expected == byte,
        Item::Any => true,
        Item::Set(negated, ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&byte)) != *negated,
        Item::Star | Item::Group(..) => false,
    }
}

/// The set after a `[`, and how many bytes it takes with its `]`.
fn set(text: &[u8], quoted: &[bool]) -> Option<(Item, usize)> {
    let is_quoted = |at: usize| quoted.get(at).copied().unwrap_or(false);
    let mut at = 0;
    let negated = matches!(text.first(), Some(b'!' | b'^')) && !is_quoted(0);
    at += usize::from(negated);
    let mut ranges = Vec::new();
    let first = at;
    loop {
        let mut byte = *text.get(at)?;
        if byte == b']' && at > first && !is_quoted(at) {
            return Some((Item::Set(negated, ranges), at + 1));
        }
        if byte == b'[' && text.get(at + 1) == Some(&b':') && !is_quoted(at) {
            let rest = &text[at + 2..];
            if let Some(end) = rest.windows(2).position(|w| w == b":]") {
                ranges.extend(class(&rest[..end]));
                at += end + 4;
                continue;
            }
        }
        if byte == b'\\' && !is_quoted(at) {
            at += 1;
            byte = *text.get(at)?;
        }
        at += 1;
        let range = text.get(at) == Some(&b'-') && !is_quoted(at) && text.get(at + 1).is_some_and(|b| *b != b']');
        if range {
            let mut to = *text.get(at + 1)?;
            at += 2;
            if to == b'\\' && !is_quoted(at - 1) {
                to = *text.get(at)?;
                at += 1;
            }
            ranges.push((byte, to));
        } else {
            ranges.push((byte, byte));
        }
    }
}

/// A character class's bytes.
fn class(name: &[u8]) -> Vec<(u8, u8)> {
    match name {
        b"alpha" => vec![(b'a', b'z'), (b'A', b'Z')],
        b"digit" => vec![(b'0', b'9')],
        b"alnum" => vec![(b'a', b'z'), (b'A', b'Z'), (b'0', b'9')],
        b"upper" => vec![(b'A', b'Z')],
        b"lower" => vec![(b'a', b'z')],
        b"space" => vec![(b'\t', b'\r'), (b' ', b' ')],
        b"blank" => vec![(b' ', b' '), (b'\t', b'\t')],
        b"punct" => vec![(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        b"xdigit" => vec![(b'0', b'9'), (b'a', b'f'), (b'A', b'F')],
        b"cntrl" => vec![(0, 31), (127, 127)],
        b"print" => vec![(32, 126)],
        b"graph" => vec![(33, 126)],
        b"word" => vec![(b'a', b'z'), (b'A', b'Z'), (b'0', b'9'), (b'_', b'_')],
        _ => Vec::new(),
    }
}

/// The alternatives after `@(`, and how many bytes they take with their parenthesis.
fn group(text: &[u8], quoted: &[bool]) -> Option<(Vec<Pattern>, usize)> {
    let is_quoted = |at: usize| quoted.get(at).copied().unwrap_or(false);
    let mut alternatives = Vec::new();
    let (mut open, mut start, mut deepest) = (0usize, 0, 0usize);
    for (at, byte) in text.iter().enumerate() {
        if is_quoted(at) {
            continue;
        }
        match byte {
            b'(' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'|' | b')' if open == 0 => {
                // Groups nest only as deep as matching follows.
                if deepest > 16 {
                    return None;
                }
                alternatives.push(Pattern::new(&text[start..at], &quoted[start.min(quoted.len())..at.min(quoted.len())], true));
                start = at + 1;
                if *byte == b')' {
                    return Some((alternatives, at + 1));
                }
            }
            b')' => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_bash() {
        let cases = [
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("?", "é", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[[:digit:]]*", "7up", true),
            ("[a", "[a", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("@(foo|bar)", "bar", true),
            ("+(ab)", "ababab", true),
            ("+(ab)", "aba", false),
            ("!(foo)", "bar", true),
            ("!(foo)", "foo", false),
            ("*.@(jpg|png)", "a.b.png", true),
            ("*@(a)*", "xxaxx", true),
            ("*@(a)", "xxaxxb", false),
            ("?(x)y", "y", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Pattern::new(pattern.as_bytes(), &[], true).matches(text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn hostile_patterns_end() {
        let stars = "a*".repeat(2000) + "b";
        assert!(!Pattern::new(stars.as_bytes(), &[], false).matches("a".repeat(5000).as_bytes()));
        let groups = "*@(a|b)".repeat(12) + "c";
        assert!(!Pattern::new(groups.as_bytes(), &[], true).matches("ab".repeat(200).as_bytes()));
    }
}
