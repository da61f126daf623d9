//! Expansion of words (POSIX, 2.6; bash(1), EXPANSION).

use super::fields::{Field, Fields};
use super::{Flow, Shell, brace};
use crate::depth::Roomy;
use crate::parse::ast::{Part, Word};
use crate::session::BoxFuture;

/// Bytes one command's words may expand to: what `execve` takes, and room for `for` lists.
const EXPANSION_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Shell {
    /// The fields of words, with brace, tilde, parameter, command, arithmetic and file name expansion.
    pub async fn expand_words(&mut self, words: &[Word]) -> Result<Vec<Vec<u8>>, Flow> {
        let mut all = Vec::with_capacity(words.len());
        for word in words {
            // Most words are plain text.
            if let Some(text) = word.literal()
                && !text.iter().any(|b| b"~{*?[".contains(b))
            {
                all.push(text.to_vec());
                continue;
            }
            self.expand_into(word, &mut all).await?;
        }
        Ok(all)
    }

    async fn expand_into(&mut self, word: &Word, all: &mut Vec<Vec<u8>>) -> Result<(), Flow> {
        let braced = if self.bash() && self.options.on("braceexpand") { brace::expand(word) } else { Some(vec![word.clone()]) };
        let Some(words) = braced else {
            self.complain("brace expansion: failed to allocate memory for elements").await?;
            return Err(Flow::Abort(1));
        };
        self.process.charge(words.len() as u64 / 16).await?;
        for word in words {
            let mut fields = Fields::default();
            self.expand_parts(&word.0, Quoting::Split, true, &mut fields).await?;
            for field in fields.finish() {
                self.file_names(field, all).await?;
            }
            if all.len() > brace::WORDS_MAX * 2 {
                return Err(self.out_of_memory(all.len() * 64).await);
            }
        }
        Ok(())
    }

    /// A word as one field: no splitting, no file names, as in assignments and `case`.
    pub async fn expand_word(&mut self, word: &Word) -> Result<Vec<u8>, Flow> {
        Ok(self.expand_field(word).await?.text)
    }

    /// The same, with what was quoted, for patterns.
    pub async fn expand_field(&mut self, word: &Word) -> Result<Field, Flow> {
        if let Some(text) = word.literal()
            && !text.starts_with(b"~")
        {
            return Ok(Field { text: text.to_vec(), quoted: Vec::new() });
        }
        let mut fields = Fields::default();
        self.expand_parts(&word.0, Quoting::None, true, &mut fields).await?;
        Ok(fields.join(b" "))
    }

    /// The value of an assignment: tildes are expanded after each colon too.
    pub async fn expand_value(&mut self, word: &Word) -> Result<Vec<u8>, Flow> {
        let mut fields = Fields::default();
        self.expand_parts(&word.0, Quoting::Value, true, &mut fields).await?;
        Ok(fields.join(b" ").text)
    }

    /// Parts as one text, as if between double quotes.
    pub async fn expand_quoted(&mut self, parts: &[Part]) -> Result<Vec<u8>, Flow> {
        let mut fields = Fields::default();
        self.expand_parts(parts, Quoting::Double, false, &mut fields).await?;
        Ok(fields.join(b" ").text)
    }

    /// Expands parts into fields. `start` is whether they begin a word, where a tilde counts.
    pub fn expand_parts<'a>(
        &'a mut self,
        parts: &'a [Part],
        quoting: Quoting,
        start: bool,
        fields: &'a mut Fields,
    ) -> BoxFuture<'a, Result<(), Flow>> {
        Roomy::boxed(async move {
            for (n, part) in parts.iter().enumerate() {
                match part {
                    Part::Text(text) => self.plain_text(text, quoting, start && n == 0, parts.len() == n + 1, fields),
                    Part::Quoted(text) => fields.push(text, true),
                    Part::Pattern(text) => fields.push(text, quoting == Quoting::Double),
                    Part::Double(inner) => {
                        // Only `"$@"` without a value makes no field of its own.
                        if !matches!(&inner[..], [Part::Parameter(p)] if p.name == b"@" || p.index.is_some()) {
                            fields.touch();
                        }
                        self.expand_parts(inner, Quoting::Double, false, fields).await?;
                    }
                    Part::Parameter(parameter) => self.expand_parameter(parameter, quoting, fields).await?,
                    Part::Command(list) => {
                        let output = self.substitute(list).await?;
                        self.push_value(&output, quoting, fields);
                    }
                    Part::Arithmetic(word) => {
                        let text = self.expand_quoted(&word.0).await?;
                        let value = self.arithmetic(&text, None).await?;
                        self.push_value(value.to_string().as_bytes(), quoting, fields);
                    }
                    Part::Process(input, list) => {
                        let path = self.process_substitution(*input, list).await?;
                        fields.push(&path, true);
                    }
                    Part::Bad(text) => {
                        let bash = [&text[..], b": bad substitution"].concat();
                        let message: &[u8] = match self.dialect {
                            crate::parse::Dialect::Bash => &bash,
                            crate::parse::Dialect::Ash => b"syntax error: bad substitution",
                            crate::parse::Dialect::Dash => b"Bad substitution",
                        };
                        self.complain(message).await?;
                        return Err(self.expansion_error(1));
                    }
                }
                if fields.bytes > EXPANSION_BYTES_MAX {
                    return Err(self.out_of_memory(fields.bytes).await);
                }
            }
            Ok(())
        })
    }

    /// What an expansion error leads to: bash gives the line up, the ashes exit.
    pub fn expansion_error(&self, status: u8) -> Flow {
        if self.bash() { Flow::Abort(status) } else { self.fatal(2) }
    }

    /// Bash ends when it gets no memory.
    pub async fn out_of_memory(&mut self, bytes: usize) -> Flow {
        self.process.limit("shell_memory_bytes_max", crate::budget::MEMORY_BYTES_MAX);
        match self.complain(format!("xrealloc: cannot allocate {} bytes", bytes.next_power_of_two())).await {
            Ok(()) => Flow::Exit(2),
            Err(flow) => flow,
        }
    }

    /// An expansion's value, split where it is not quoted.
    pub fn push_value(&self, value: &[u8], quoting: Quoting, fields: &mut Fields) {
        match quoting {
            Quoting::Split | Quoting::SplitAll => fields.split(value, &self.separators()),
            Quoting::Double => fields.push(value, true),
            Quoting::None | Quoting::Value => fields.push(value, false),
        }
    }

    /// `$IFS`; blanks when it is not set.
    pub fn separators(&self) -> Vec<u8> {
        self.variables.text(b"IFS").map_or_else(|| b" \t\n".to_vec(), <[u8]>::to_vec)
    }

    fn plain_text(&mut self, text: &[u8], quoting: Quoting, start: bool, last: bool, fields: &mut Fields) {
        if quoting == Quoting::SplitAll && !text.starts_with(b"~") {
            return fields.split(text, &self.separators());
        }
        if quoting == Quoting::Double || !text.contains(&b'~') {
            return fields.push(text, quoting == Quoting::Double);
        }
        let mut rest = text;
        let mut at_start = start;
        loop {
            let stops: &[u8] = if quoting == Quoting::Value { b"/:" } else { b"/" };
            if at_start && rest.first() == Some(&b'~') {
                let end = rest.iter().position(|b| stops.contains(b));
                // `~$x` is no user's home.
                let name = &rest[1..end.unwrap_or(rest.len())];
                if (end.is_some() || last)
                    && let Some(home) = self.home_of(name)
                {
                    fields.push(&home, true);
                    rest = &rest[1 + name.len()..];
                }
            }
            match rest.iter().position(|b| *b == b':').filter(|_| quoting == Quoting::Value) {
                Some(colon) => {
                    fields.push(&rest[..=colon], false);
                    rest = &rest[colon + 1..];
                    at_start = true;
                }
                None => return fields.push(rest, false),
            }
        }
    }

    /// `~`, `~+`, `~-` and `~user`.
    fn home_of(&self, name: &[u8]) -> Option<Vec<u8>> {
        match name {
            b"" => Some(self.variables.text(b"HOME").map_or_else(|| self.process.machine().account().home.clone(), <[u8]>::to_vec)),
            b"+" => Some(self.process.directory.to_vec()),
            b"-" => self.variables.text(b"OLDPWD").map(<[u8]>::to_vec),
            _ => {
                let passwd = self.process.files().read(b"/etc/passwd").ok()?;
                passwd.split(|b| *b == b'\n').find_map(|line| {
                    let mut columns = line.split(|b| *b == b':');
                    if columns.next() != Some(name) {
                        return None;
                    }
                    columns.nth(4).map(<[u8]>::to_vec)
                })
            }
        }
    }
}

/// How an expansion's result is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// Split into fields.
    Split,
    /// The same, and plain text is split too: the word of `${x:-…}`.
    SplitAll,
    /// Between double quotes.
    Double,
    /// Neither: one field, whose unquoted parts are patterns.
    None,
    /// The same in an assignment.
    Value,
}
