//! File name patterns as `fnmatch(3)` matches them, for `find -name` and `grep --include`.

/// Whether a whole name matches. `*` matches slashes and leading dots too, as `find` wants it.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // The usual two-pointer match: after a failure, the last `*` takes one byte more. Linear space, at worst quadratic time.
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            None if n == name.len() => return true,
            None => None,
            Some(_) => name.get(n).and_then(|byte| one(&pattern[p..], *byte)),
        };
        match (step, retry) {
            (Some(width), _) => {
                p += width;
                n += 1;
            }
            (None, Some((after, from))) if from < name.len() => {
                p = after;
                n = from + 1;
                retry = Some((after, from + 1));
            }
            _ => return false,
        }
    }
}

/// How many bytes of the pattern match this byte.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', rest @ ..] => {
            let negated = matches!(rest.first(), Some(b'!' | b'^'));
            let start = usize::from(negated);
            // A `]` in the first place stands for itself.
            let end = rest.iter().skip(start + 1).position(|b| *b == b']').map(|at| at + start + 1);
            let Some(end) = end else { return (byte == b'[').then_some(1) };
            let set = &rest[start..end];
            let mut found = false;
            let mut at = 0;
            while let Some(low) = set.get(at) {
                match set.get(at + 1..at + 3) {
                    Some([b'-', high]) => {
                        found |= (*low..=*high).contains(&byte);
                        at += 3;
                    }
                    _ => {
                        found |= *low == byte;
                        at += 1;
                    }
                }
            }
            (found != negated).then_some(end + 2)
        }
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn names_match_as_fnmatch_has_it() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.gz", false),
            ("a?c", "abc", true),
            ("[0-9]*", "7up", true),
            ("[!0-9]*", "7up", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("[", "[", true),
            ("[]x]", "]", true),
            ("\\*", "*", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
