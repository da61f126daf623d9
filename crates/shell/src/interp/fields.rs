//! Words on their way to becoming fields: what was quoted is remembered until file names have been looked for.

use crate::glob::Pattern;

/// One field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    pub text: Vec<u8>,
    /// For each byte, whether it was quoted; shorter than the text where the rest was not.
    pub quoted: Vec<bool>,
}

impl Field {
    fn push(&mut self, bytes: &[u8], quoted: bool) {
        self.text.extend_from_slice(bytes);
        self.quoted.resize(self.text.len(), quoted);
    }

    /// Whether it may stand for file names.
    pub fn has_wildcards(&self) -> bool {
        self.text.iter().zip(&self.quoted).any(|(byte, quoted)| !quoted && b"*?[".contains(byte))
    }

    /// As a pattern.
    pub fn pattern(&self, extended: bool) -> Pattern {
        Pattern::new(&self.text, &self.quoted, extended)
    }
}

/// Fields being made.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    done: Vec<Field>,
    current: Option<Field>,
    /// Bytes in all of them.
    pub bytes: usize,
}

impl Fields {
    /// Text that stays as it is.
    pub fn push(&mut self, bytes: &[u8], quoted: bool) {
        self.bytes += bytes.len();
        self.current.get_or_insert_default().push(bytes, quoted);
    }

    /// Quotes, also empty ones, make a field.
    pub fn touch(&mut self) {
        self.current.get_or_insert_default();
    }

    /// The next field begins.
    pub fn cut(&mut self) {
        self.done.extend(self.current.take());
    }

    /// The next field begins, also when this one is empty.
    pub fn cut_even_empty(&mut self) {
        self.done.push(self.current.take().unwrap_or_default());
    }

    /// The value of an unquoted expansion: cut at the characters of `IFS` (POSIX, 2.6.5).
    pub fn split(&mut self, value: &[u8], separators: &[u8]) {
        let blank = |byte: u8| separators.contains(&byte) && matches!(byte, b' ' | b'\t' | b'\n');
        let mut at = 0;
        let mut start = 0;
        while at < value.len() {
            let byte = value[at];
            if !separators.contains(&byte) {
                at += 1;
                continue;
            }
            if at > start {
                self.push(&value[start..at], false);
            }
            // Blanks around one other separator belong to it.
            let mut hard = 0;
            while at < value.len() && separators.contains(&value[at]) {
                if !blank(value[at]) {
                    if hard == 1 {
                        break;
                    }
                    hard = 1;
                }
                at += 1;
            }
            if hard == 1 {
                self.cut_even_empty()
            } else {
                self.cut()
            }
            start = at;
        }
        if start < value.len() {
            self.push(&value[start..], false);
        }
    }

    /// All of them.
    pub fn finish(mut self) -> Vec<Field> {
        self.cut();
        self.done
    }

    /// As one text, the fields joined.
    pub fn join(self, separator: &[u8]) -> Field {
        let mut joined = Field::default();
        for (n, field) in self.finish().into_iter().enumerate() {
            if n > 0 {
                joined.push(separator, true);
            }
            joined.text.extend(field.text);
            joined.quoted.extend(field.quoted);
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_at_the_separators() {
        let cases: [(&str, &str, &[&str]); 9] = [
            ("a b  c", " \t\n", &["a", "b", "c"]),
            ("  a  ", " \t\n", &["a"]),
            ("", " \t\n", &[]),
            ("a:b::c", ":", &["a", "b", "", "c"]),
            (":a", ":", &["", "a"]),
            ("a:", ":", &["a"]),
            ("a : b", " :", &["a", "b"]),
            ("a b", "", &["a b"]),
            ("a : : b", " :", &["a", "", "b"]),
        ];
        for (value, separators, expected) in cases {
            let mut fields = Fields::default();
            fields.split(value.as_bytes(), separators.as_bytes());
            let fields: Vec<String> = fields.finish().into_iter().map(|f| String::from_utf8_lossy(&f.text).into_owned()).collect();
            assert_eq!(fields, expected, "{value:?} at {separators:?}");
        }
    }
}
