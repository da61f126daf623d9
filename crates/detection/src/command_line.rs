//! A command line taken apart, so that `cd /tmp; sudo /usr/bin/wget x` matches as `cd /tmp` and as `wget x`.
//!
//! This is no shell: it looks at quotes and separators only (POSIX.1-2024, XCU chapter 2, sections 2.2 and 2.10), in one pass, and never
//! fails. Whatever it misreads, the whole line is matched as well.

use crate::percent::hex_digit;
use std::borrow::Cow;

/// Simple commands looked at in one line; what lies beyond is matched in the whole line only.
pub(crate) const PARTS_MAX: usize = 4096;

/// Open substitutions remembered inside one another: one bit each of a `u64`.
const DEPTH_MAX: u32 = 64;

/// Words that stand before the command that really runs.
const WRAPPERS: &[&[u8]] = &[
    b"if", b"then", b"elif", b"else", b"while", b"until", b"do", b"!", b"{", b"time", b"sudo", b"doas", b"exec", b"nohup", b"setsid",
    b"command", b"builtin", b"env", b"busybox", b"nice", b"ionice",
];

/// Runs of blanks outside quotes made one blank, and blanks at the ends removed. Borrowed when the line has none.
pub(crate) fn squeeze(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.trim_ascii();
    let is_run = |pair: &[u8]| matches!(pair, [b' ', b' ']);
    if memchr::memchr(b'\t', line).is_none() && !line.windows(2).any(is_run) {
        return Cow::Borrowed(line);
    }
    let mut out = Vec::with_capacity(line.len());
    let mut quote = None;
    let mut escaped = false;
    let mut after_blank = false;
    for &byte in line {
        let blank = matches!(byte, b' ' | b'\t') && quote.is_none() && !escaped;
        if !blank {
            out.push(byte);
        } else if !after_blank {
            out.push(b' ');
        }
        after_blank = blank;
        (quote, escaped) = after(byte, quote, escaped);
    }
    Cow::Owned(out)
}

/// The quoting in force after a byte: the open quote, and whether the next byte is escaped.
fn after(byte: u8, quote: Option<u8>, escaped: bool) -> (Option<u8>, bool) {
    match (byte, quote) {
        (_, _) if escaped => (quote, false),
        (b'\\', None | Some(b'"')) => (quote, true),
        (b'\'' | b'"', None) => (Some(byte), false),
        (_, Some(open)) if open == byte => (None, false),
        _ => (quote, false),
    }
}

/// The simple commands of a line in their plain form: without blanks around them, without the keywords, assignments and wrapper programs
/// before them; and, where the program was given with its directory, a second time without that.
pub(crate) fn parts(line: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut cut = Cutter::default();
    let mut start = 0;
    for (at, &byte) in line.iter().enumerate() {
        let next = line.get(at + 1).copied();
        if cut.separates(byte, next) {
            add(line.get(start..at).unwrap_or_default(), &mut found);
            start = at + 1;
        }
        if found.len() >= PARTS_MAX {
            return found;
        }
    }
    add(line.get(start..).unwrap_or_default(), &mut found);
    found
}

/// Where one simple command ends, byte by byte.
#[derive(Default)]
struct Cutter {
    quote: Option<u8>,
    escaped: bool,
    previous: u8,
    /// Open `(`, innermost in the lowest bit; set when it was opened inside double quotes.
    opened: u64,
    depth: u32,
    backtick_in_quotes: bool,
}

impl Cutter {
    fn separates(&mut self, byte: u8, next: Option<u8>) -> bool {
        let previous = std::mem::replace(&mut self.previous, byte);
        if self.escaped {
            self.escaped = false;
            return false;
        }
        match (self.quote, byte) {
            (Some(b'"'), b'`') => {
                self.backtick_in_quotes = true;
                self.quote = None;
                true
            }
            // The parenthesis of `$(` follows; it is seen outside quotes and closes back into them.
            (Some(b'"'), b'$') if next == Some(b'(') && self.depth < DEPTH_MAX => {
                self.quote = Some(b'(');
                true
            }
            (Some(b'('), b'(') => {
                self.quote = None;
                self.open(true);
                true
            }
            (None, b'(') => {
                self.open(false);
                true
            }
            (None, b')') => {
                if self.close() {
                    self.quote = Some(b'"');
                }
                true
            }
            (None, b'`') => {
                if std::mem::take(&mut self.backtick_in_quotes) {
                    self.quote = Some(b'"');
                }
                true
            }
            (None, b';' | b'|' | b'\n' | b'\r') => true,
            // Not a separator in the redirections `>&` and `&>`.
            (None, b'&') => !matches!(previous, b'>' | b'<') && next != Some(b'>'),
            _ => {
                (self.quote, self.escaped) = after(byte, self.quote, false);
                false
            }
        }
    }

    fn open(&mut self, in_quotes: bool) {
        if self.depth < DEPTH_MAX {
            self.opened = self.opened << 1 | u64::from(in_quotes);
            self.depth += 1;
        }
    }

    fn close(&mut self) -> bool {
        let in_quotes = self.depth > 0 && self.opened & 1 == 1;
        self.opened >>= 1;
        self.depth = self.depth.saturating_sub(1);
        in_quotes
    }
}

/// Adds the plain forms of one simple command.
fn add<'a>(part: &'a [u8], found: &mut Vec<&'a [u8]>) {
    let mut rest = part.trim_ascii();
    while let Some(at) = memchr::memchr(b' ', rest) {
        let (word, tail) = rest.split_at(at);
        if !WRAPPERS.contains(&without_directory(word)) && !is_assignment(word) {
            break;
        }
        rest = tail.trim_ascii_start();
    }
    if rest.is_empty() || rest == b"$" {
        return;
    }
    found.push(rest);
    let program = rest.split(|byte| *byte == b' ').next().unwrap_or_default();
    if program.starts_with(b">") || program.starts_with(b"<") {
        return;
    }
    let bare = without_directory(program);
    if bare.len() < program.len() && !bare.is_empty() {
        found.push(rest.get(program.len() - bare.len()..).unwrap_or_default());
    }
}

fn without_directory(word: &[u8]) -> &[u8] {
    memchr::memrchr(b'/', word).and_then(|at| word.get(at + 1..)).unwrap_or(word)
}

fn is_assignment(word: &[u8]) -> bool {
    let name = word.split(|byte| *byte == b'=').next().unwrap_or_default();
    let is_name =
        name.iter().enumerate().all(|(at, byte)| byte.is_ascii_alphabetic() || *byte == b'_' || (at > 0 && byte.is_ascii_digit()));
    !name.is_empty() && name.len() < word.len() && is_name
}

/// The line with the escapes that `echo -e`, `printf` and `$'…'` understand (`\xHH`, `\NNN`, `\0NNN`) replaced by their bytes; `None`
/// when there is none. Loaders write whole programs so.
pub(crate) fn unescape(line: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'\\', line)?;
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    let mut replaced = false;
    while let Some((&byte, tail)) = rest.split_first() {
        match escape(rest) {
            Some((value, length)) => {
                out.push(value);
                replaced = true;
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    replaced.then_some(out)
}

/// The escape at the start of `text`: its byte and its length. A doubled backslash (written inside double quotes) counts as one.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let slashes = match text {
        [b'\\', b'\\', ..] => 2,
        [b'\\', ..] => 1,
        _ => return None,
    };
    let digits = text.get(slashes..)?;
    match digits {
        [b'x', high, tail @ ..] => {
            let high = hex_digit(*high)?;
            match tail.first().and_then(|low| hex_digit(*low)) {
                Some(low) => Some((high << 4 | low, slashes + 3)),
                None => Some((high, slashes + 2)),
            }
        }
        [b'0'..=b'7', ..] => {
            let most = if digits.first() == Some(&b'0') { 4 } else { 3 };
            let octal = digits.iter().take(most).take_while(|digit| (b'0'..=b'7').contains(digit));
            let (value, length) = octal.fold((0u32, 0), |(value, length), digit| (value * 8 + u32::from(digit - b'0'), length + 1));
            Some((u8::try_from(value & 0xff).ok()?, slashes + length))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(line: &str) -> Vec<String> {
        parts(line.as_bytes()).into_iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    }

    #[test]
    fn simple_commands_in_their_plain_form() {
        let cases: &[(&str, &[&str])] = &[
            ("cd /tmp; wget x", &["cd /tmp", "wget x"]),
            ("cd /tmp || cd /var && pwd", &["cd /tmp", "cd /var", "pwd"]),
            ("sudo /usr/bin/wget -q x|sh", &["/usr/bin/wget -q x", "wget -q x", "sh"]),
            ("/bin/busybox wget x", &["wget x"]),
            ("/bin/busybox", &["/bin/busybox", "busybox"]),
            ("/bin/./uname -s", &["/bin/./uname -s", "uname -s"]),
            ("LC_ALL=C PATH=/x ls", &["ls"]),
            ("a=1", &["a=1"]),
            ("if [ -x /a ]; then ./a; fi", &["[ -x /a ]", "./a", "a", "fi"]),
            ("echo 'a; b' \"c | d\" e\\;f", &["echo 'a; b' \"c | d\" e\\;f"]),
            ("x=$(nproc); echo \"n: $(free -m | head)\" y", &["x=$", "nproc", "echo \"n:", "free -m", "head", "\" y"]),
            ("echo `id`", &["echo", "id"]),
            ("echo \"a `id` b\"; w", &["echo \"a", "id", "b\"", "w"]),
            ("x >/dev/null 2>&1 &", &["x >/dev/null 2>&1"]),
            ("x &> y", &["x &> y"]),
            (">/tmp/.a && cd /tmp", &[">/tmp/.a", "cd /tmp"]),
            ("", &[]),
            (";;&&||", &[]),
            ("echo 'open", &["echo 'open"]),
        ];
        for (line, want) in cases {
            assert_eq!(shown(line), *want, "{line}");
        }
    }

    #[test]
    fn blanks_outside_quotes_are_squeezed() {
        for (line, want) in [
            ("cat  /proc/cpuinfo", "cat /proc/cpuinfo"),
            ("  a\t\tb  ", "a b"),
            ("echo 'a  b'  c", "echo 'a  b' c"),
            ("echo a\\  b", "echo a\\  b"),
            ("plain line", "plain line"),
        ] {
            assert_eq!(squeeze(line.as_bytes()).as_ref(), want.as_bytes(), "{line}");
        }
    }

    #[test]
    fn escapes_become_bytes() {
        for (line, want) in [
            (r"echo -ne '\x7f\x45\x4c\x46'", Some(&b"echo -ne '\x7fELF'"[..])),
            (r#"echo -e "\\x6F\\x6B""#, Some(b"echo -e \"ok\"")),
            (r"printf '\177\105\114\106'", Some(b"printf '\x7fELF'")),
            (r"echo -e '\0177x'", Some(b"echo -e '\x7fx'")),
            (r"\xg", None),
            (r"a\", None),
            ("plain", None),
        ] {
            assert_eq!(unescape(line.as_bytes()).as_deref(), want, "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_parts_lie_in_the_line(line in prop::collection::vec(prop::sample::select(b" \t'\"`$();&|\\x0a/=\n".to_vec()), 0..80)) {
            let squeezed = squeeze(&line);
            for part in parts(&squeezed) {
                prop_assert!(!part.is_empty());
                prop_assert!(squeezed.windows(part.len()).any(|window| window == part));
            }
            let _ = unescape(&line);
        }
    }
}
