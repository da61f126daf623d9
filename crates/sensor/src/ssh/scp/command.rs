//! Command lines that are a client's way to start the remote side of `scp`.

/// What the client's `scp` asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ssh) struct Transfer {
    /// Whether the client sends (`-t`) rather than fetches (`-f`).
    pub(super) sink: bool,
    /// `-r`
    pub(super) recursive: bool,
    /// `-p`
    pub(super) preserve: bool,
    /// `-d`: the target must be a directory.
    pub(super) directory: bool,
    /// Where to, or what.
    pub(super) paths: Vec<Vec<u8>>,
}

impl Transfer {
    /// Recognises `scp -t …` and `scp -f …`; `None` for every other line, and for those that need a shell.
    pub(in crate::ssh) fn parse(line: &[u8]) -> Option<Transfer> {
        let mut words = split(line)?.into_iter().peekable();
        let program = words.next()?;
        if program != b"scp" && !program.ends_with(b"/scp") {
            return None;
        }
        let mut direction = None;
        let mut transfer = Transfer { sink: false, recursive: false, preserve: false, directory: false, paths: Vec::new() };
        while let Some(flags) = words.next_if(|word| word.len() > 1 && word.starts_with(b"-")) {
            if flags == b"--" {
                break;
            }
            for flag in &flags[1..] {
                match flag {
                    b't' => direction = Some(true),
                    b'f' => direction = Some(false),
                    b'r' => transfer.recursive = true,
                    b'p' => transfer.preserve = true,
                    b'd' => transfer.directory = true,
                    b'v' | b'q' | b'E' => {}
                    _ => return None,
                }
            }
        }
        transfer.sink = direction?;
        transfer.paths = words.map(|path| home(&path)).collect();
        let complete = if transfer.sink { transfer.paths.len() == 1 } else { !transfer.paths.is_empty() };
        complete.then_some(transfer)
    }
}

/// `~` and `~/…` are relative to the home directory, and so are relative paths.
fn home(path: &[u8]) -> Vec<u8> {
    match path {
        b"" | b"~" | b"~/" => b".".to_vec(),
        [b'~', b'/', rest @ ..] => rest.to_vec(),
        _ => path.to_vec(),
    }
}

/// The words of a line that a shell would not change otherwise than by removing quotes; `None` for a line it would.
fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' => words.extend(word.take()),
            b'\'' => loop {
                match bytes.next()? {
                    b'\'' => break,
                    other => word.get_or_insert_default().push(other),
                }
            },
            b'"' => {
                word.get_or_insert_default();
                loop {
                    match bytes.next()? {
                        b'"' => break,
                        b'$' | b'`' => return None,
                        b'\\' => word.get_or_insert_default().push(bytes.next()?),
                        other => word.get_or_insert_default().push(other),
                    }
                }
            }
            b'\\' => word.get_or_insert_default().push(bytes.next()?),
            b'|' | b'&' | b';' | b'<' | b'>' | b'(' | b')' | b'$' | b'`' | b'*' | b'?' | b'[' | b'#' | b'\n' | b'{' => return None,
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(sink: bool, flags: &str, paths: &[&str]) -> Option<Transfer> {
        let has = |flag| flags.contains(flag);
        let paths = paths.iter().map(|p| p.as_bytes().to_vec()).collect();
        Some(Transfer { sink, recursive: has('r'), preserve: has('p'), directory: has('d'), paths })
    }

    #[test]
    fn lines_of_scp_clients() {
        let cases = [
            ("scp -t /tmp/x", transfer(true, "", &["/tmp/x"])),
            ("scp -r -p -d -t -- -odd", transfer(true, "rpd", &["-odd"])),
            ("scp -qrt ~/bin", transfer(true, "r", &["bin"])),
            ("/usr/bin/scp -v -t ~", transfer(true, "", &["."])),
            ("scp -f '/etc/my file' /etc/b\\ c \"d e\"", transfer(false, "", &["/etc/my file", "/etc/b c", "d e"])),
            ("scp -t", None),
            ("scp -f", None),
            ("scp -t a b", None),
            ("scp host:x y", None),
            ("scp -z -t x", None),
            ("scp -t x; id", None),
            ("scp -t $(id)", None),
            ("scp -t \"$HOME\"", None),
            ("scp -t 'open", None),
            ("xscp -t x", None),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(Transfer::parse(line.as_bytes()), expected, "{line}");
        }
    }
}
