//! A request target taken apart and made a path, as the servers do it before they look for a file.

/// A target that can be looked up.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// The authority of an absolute URI.
    pub authority: Option<Vec<u8>>,
    /// The path: percent-decoded, without `.`, `..` and doubled slashes.
    pub path: Vec<u8>,
    /// What follows `?`, as sent.
    pub query: Vec<u8>,
}

/// Why a target cannot be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is no path and no URI: 400 before any header is looked at.
    NoPath,
    /// It has a broken escape or a fragment, or climbs above the root: 400.
    Bad,
    /// It escapes a slash or NUL: Apache answers 404.
    NotFound,
    /// A component is longer than a file name can be (255 bytes): 403.
    Forbidden,
}

/// The longest file name on Linux.
const NAME_BYTES_MAX: usize = 255;

impl Target {
    /// Reads a target. `*` and the authority of `CONNECT` are not for this.
    pub fn parse(target: &[u8]) -> Result<Target, Unusable> {
        let (authority, rest) = match scheme(target) {
            Some(rest) => {
                let end = rest.iter().position(|b| b"/?".contains(b)).unwrap_or(rest.len());
                (Some(rest[..end].to_vec()), &rest[end..])
            }
            None if target.first() == Some(&b'/') => (None, target),
            None => return Err(Unusable::NoPath),
        };
        // RFC 9112 section 3.2: a fragment is never sent.
        if memchr::memchr(b'#', rest).is_some() {
            return Err(Unusable::Bad);
        }
        let (path, query) = match memchr::memchr(b'?', rest) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &[][..]),
        };
        Ok(Target { authority, path: normalize(path)?, query: query.to_vec() })
    }
}

/// What follows `http://` or `https://`.
fn scheme(target: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"].into_iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

fn normalize(path: &[u8]) -> Result<Vec<u8>, Unusable> {
    let path = decode_path(path)?;
    let mut normal: Vec<u8> = Vec::with_capacity(path.len().max(1));
    for component in path.split(|&b| b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                let parent = memchr::memrchr(b'/', &normal).ok_or(Unusable::Bad)?;
                normal.truncate(parent);
            }
            _ if component.len() > NAME_BYTES_MAX => return Err(Unusable::Forbidden),
            _ => {
                normal.push(b'/');
                normal.extend_from_slice(component);
            }
        }
    }
    let is_directory = path.is_empty() || [&b"/"[..], b"/.", b"/.."].iter().any(|end| path.ends_with(end));
    if normal.is_empty() || is_directory {
        normal.push(b'/');
    }
    Ok(normal)
}

fn decode_path(path: &[u8]) -> Result<Vec<u8>, Unusable> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    let mut found = true;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let [high, low, tail @ ..] = tail else { return Err(Unusable::Bad) };
        let value = hex(*high).zip(hex(*low)).map(|(h, l)| h << 4 | l).ok_or(Unusable::Bad)?;
        found &= value != b'/' && value != 0;
        decoded.push(value);
        rest = tail;
    }
    if found { Ok(decoded) } else { Err(Unusable::NotFound) }
}

/// Decodes `application/x-www-form-urlencoded` text: broken escapes stay as they are.
pub fn decode_form(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, after @ ..]) => match hex(*high).zip(hex(*low)) {
                Some((h, l)) => {
                    decoded.push(h << 4 | l);
                    rest = after;
                }
                None => decoded.push(b'%'),
            },
            _ => decoded.push(*byte),
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_become_paths() {
        for (target, path, query) in [
            ("/", "/", ""),
            ("/a/b?c=d?e", "/a/b", "c=d?e"),
            ("//a///b/", "/a/b/", ""),
            ("/a/./b/../c", "/a/c", ""),
            ("/a/..", "/", ""),
            ("/%61%20b", "/a b", ""),
            ("http://h:1/x?y", "/x", "y"),
            ("HTTP://h", "/", ""),
            ("/cgi-bin/%2e%2e/x", "/x", ""),
        ] {
            let parsed = Target::parse(target.as_bytes()).unwrap_or_else(|e| panic!("{target}: {e:?}"));
            assert_eq!((parsed.path.as_slice(), parsed.query.as_slice()), (path.as_bytes(), query.as_bytes()), "{target}");
        }
    }

    #[test]
    fn unusable_targets_are_told_apart() {
        for (target, expected) in [
            ("foo", Unusable::NoPath),
            ("*", Unusable::NoPath),
            ("/a#b", Unusable::Bad),
            ("/%zz", Unusable::Bad),
            ("/%4", Unusable::Bad),
            ("/../etc/passwd", Unusable::Bad),
            ("/cgi-bin/.%2e/.%2e/etc", Unusable::Bad),
            ("/a%2fb", Unusable::NotFound),
            ("/a%00", Unusable::NotFound),
        ] {
            assert_eq!(Target::parse(target.as_bytes()), Err(expected), "{target}");
        }
        assert_eq!(Target::parse(format!("/{}", "a".repeat(256)).as_bytes()), Err(Unusable::Forbidden));
    }

    #[test]
    fn forms_are_decoded_leniently() {
        assert_eq!(decode_form(b"a+b%20c%zz%4"), b"a b c%zz%4");
    }
}
