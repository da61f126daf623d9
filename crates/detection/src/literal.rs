//! The text that must occur wherever a regular expression matches: what the one pass over a value looks for.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Alternatives kept as one requirement; with more, the expression is verified on every value instead.
const ALTERNATIVES_MAX: usize = 64;

/// A literal shorter than this hits too often to be worth a look-up.
const LITERAL_BYTES_MIN: usize = 2;

/// What nearly every session's commands and requests hold: a poor choice of literal, because each hit costs a verification.
const COMMON: &[&str] = &[
    "/bin/",
    "/bin/busybox ",
    "/dev/",
    "/etc/",
    "/proc/",
    "/root/",
    "/tmp/",
    "/usr/bin/",
    "/var/",
    "accept: ",
    "busybox ",
    "cat ",
    "cd /tmp",
    "chmod ",
    "chmod +x ",
    "chmod 777 ",
    "content-type: ",
    "curl ",
    "echo ",
    "echo -e ",
    "get ",
    "host: ",
    "http://",
    "https://",
    "mozilla/5.0",
    "post ",
    "rm -rf ",
    "tftp ",
    "uname ",
    "user-agent: ",
    "wget ",
    "wget http://",
    ".php",
    ".sh",
    " -o ",
    " -O ",
    "2>/dev/null",
];

/// Literals in ASCII lower case of which at least one occurs, in any case, in every match of `hir`; `None` when there are none worth
/// looking for.
pub(crate) fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    walk(hir).into_set().filter(|set| set.iter().all(|literal| literal.len() >= LITERAL_BYTES_MIN))
}

/// What is known of one piece of an expression.
enum Known {
    /// It matches exactly this text (in some case), possibly the empty one.
    Exactly(Vec<u8>),
    /// Its matches hold one of these.
    OneOf(Vec<Vec<u8>>),
    Nothing,
}

impl Known {
    fn into_set(self) -> Option<Vec<Vec<u8>>> {
        match self {
            Known::Exactly(text) => Some(vec![text]).filter(|set| set.iter().all(|text| !text.is_empty())),
            Known::OneOf(set) => Some(set),
            Known::Nothing => None,
        }
    }
}

// The recursion is as deep as the expression, which the parser's nest limit bounds.
fn walk(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::Exactly(Vec::new()),
        HirKind::Literal(literal) => Known::Exactly(literal.0.to_ascii_lowercase()),
        HirKind::Class(class) => one_letter(class).map_or(Known::Nothing, |byte| Known::Exactly(vec![byte])),
        HirKind::Repetition(repetition) if repetition.min == 0 => Known::Nothing,
        HirKind::Repetition(repetition) => walk(&repetition.sub).into_set().map_or(Known::Nothing, Known::OneOf),
        HirKind::Capture(capture) => walk(&capture.sub),
        HirKind::Concat(pieces) => concatenation(pieces),
        HirKind::Alternation(branches) => alternation(branches),
    }
}

fn concatenation(pieces: &[Hir]) -> Known {
    let mut best: Option<Vec<Vec<u8>>> = None;
    let mut run = Vec::new();
    let mut whole = true;
    for piece in pieces {
        match walk(piece) {
            Known::Exactly(text) => run.extend(text),
            other => {
                whole = false;
                best = better(best, Known::Exactly(std::mem::take(&mut run)).into_set());
                best = better(best, other.into_set());
            }
        }
    }
    if whole {
        return Known::Exactly(run);
    }
    better(best, Known::Exactly(run).into_set()).map_or(Known::Nothing, Known::OneOf)
}

fn alternation(branches: &[Hir]) -> Known {
    let mut all = Vec::new();
    for branch in branches {
        match walk(branch).into_set() {
            Some(set) if all.len() + set.len() <= ALTERNATIVES_MAX => all.extend(set),
            _ => return Known::Nothing,
        }
    }
    Known::OneOf(all)
}

/// The lower-case letter of a class that is one byte, or one ASCII letter in both cases (what `(?i)` makes of a letter).
fn one_letter(class: &Class) -> Option<u8> {
    let bytes: Vec<u8> = match class {
        Class::Bytes(class) => class.iter().flat_map(|range| range.start()..=range.end()).take(3).collect(),
        Class::Unicode(class) => {
            class.iter().flat_map(|range| range.start()..=range.end()).take(3).map(|c| u8::try_from(c).unwrap_or(0xff)).collect()
        }
    };
    match bytes.as_slice() {
        [one] if one.is_ascii() => Some(one.to_ascii_lowercase()),
        [upper, lower] if upper.is_ascii_uppercase() && upper.to_ascii_lowercase() == *lower => Some(*lower),
        _ => None,
    }
}

fn better(a: Option<Vec<Vec<u8>>>, b: Option<Vec<Vec<u8>>>) -> Option<Vec<Vec<u8>>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if rarity(&b) > rarity(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// How rarely a set hits, roughly: the length of its most frequent member, less when that is common text, less for many members.
fn rarity(set: &[Vec<u8>]) -> usize {
    let common = |literal: &[u8]| COMMON.iter().any(|word| memchr::memmem::find(word.as_bytes(), literal).is_some());
    let one = |literal: &Vec<u8>| if common(literal) { literal.len() / 8 } else { literal.len().min(12) * 8 };
    set.iter().map(one).min().unwrap_or(0).saturating_sub(set.len())
}

#[cfg(test)]
mod tests {
    use super::required;

    fn of(pattern: &str) -> Option<Vec<String>> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        required(&hir).map(|set| set.iter().map(|literal| literal.escape_ascii().to_string()).collect())
    }

    #[test]
    fn the_rarest_required_text_is_found() {
        let cases: &[(&str, Option<&[&str]>)] = &[
            ("eval-stdin", Some(&["eval-stdin"])),
            (r"^wget .*xmrig", Some(&["xmrig"])),
            (r"(?i)XmRig", Some(&["xmrig"])),
            (r"\buname\b -[a-z]", Some(&["uname -"])),
            (r"(?:mips|armv7l)$", Some(&["mips", "armv7l"])),
            (r"(?:abc)+x?", Some(&["abc"])),
            (r"(?:abc)?", None),
            (r"(?:abc|.)d", None),
            (r"[ab]+", None),
            (r".", None),
            ("", None),
        ];
        for (pattern, want) in cases {
            let want: Option<Vec<String>> = want.map(|set| set.iter().map(|s| (*s).to_owned()).collect());
            assert_eq!(of(pattern), want, "{pattern}");
        }
    }
}
