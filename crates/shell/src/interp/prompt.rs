//! The prompt, and reading a line behind it.

use super::{Flow, Shell, Value};
use crate::parse::Dialect;
use crate::task::signal;
use crate::terminal::Mode;
use crate::terminal::editor::{Edited, Editor};
use std::sync::Arc;

/// Lines of history kept.
const HISTORY_LINES_MAX: usize = 500;

/// Bytes of them together.
const HISTORY_BYTES_MAX: usize = 64 * 1024;

impl Shell {
    /// Sets up a shell for a person: prompt, aliases, job control.
    pub(super) fn begin_interactive(&mut self) {
        self.options.interactive = true;
        for name in ["monitor", "emacs", "histexpand", "history"] {
            self.options.set_named(name, true);
        }
        self.options.set_shopt("expand_aliases", true);
        self.options.set_shopt("login_shell", self.options.login);
        let task = self.process.task.clone();
        // Caught, not ignored: what it starts is stopped and ended by them.
        for caught in [signal::INT, signal::TERM, signal::TSTP, signal::TTIN, signal::TTOU, signal::QUIT] {
            task.catch(caught, true);
        }
        if let Some(terminal) = &self.process.session.terminal {
            terminal.set_foreground(task.group);
        }
        let root = self.process.credentials.uid == 0;
        let prompt: &[u8] = match self.dialect {
            Dialect::Bash => {
                let titled = self.variables.text(b"TERM").is_some_and(|t| t.starts_with(b"xterm") || t.starts_with(b"rxvt"));
                for (name, value) in [("ll", "ls -alF"), ("la", "ls -A"), ("l", "ls -CF")] {
                    Arc::make_mut(&mut self.aliases).insert(name.into(), value.into());
                }
                // What Debian's and Ubuntu's .bashrc set.
                if titled { br"\[\e]0;\u@\h: \w\a\]\u@\h:\w\$ " } else { br"\u@\h:\w\$ " }
            }
            Dialect::Ash => br"\w \$ ",
            Dialect::Dash if root => b"# ",
            Dialect::Dash => b"$ ",
        };
        if self.variables.get(b"PS1").is_none() {
            // A fresh shell has room for it.
            let _ = self.variables.change(b"PS1", prompt.len(), |variable| variable.value = Value::Scalar(prompt.to_vec()));
        }
        self.line = 1;
    }

    /// A prompt, expanded (bash(1), PROMPTING).
    pub(super) async fn prompt(&mut self, name: &[u8]) -> Vec<u8> {
        let text = match self.lookup(name) {
            Some(text) => text,
            None if name == b"PS2" => b"> ".to_vec(),
            None => Vec::new(),
        };
        if self.dialect == Dialect::Dash {
            return text;
        }
        let text = self.prompt_escapes(&text);
        if !text.contains(&b'$') && !text.contains(&b'`') {
            return text;
        }
        match crate::parse::quoted_text(&text, self.dialect) {
            // A prompt that cannot be expanded is shown as it is.
            Ok(word) => self.expand_quoted(&word.0).await.unwrap_or(text),
            Err(_) => text,
        }
    }

    pub(crate) fn prompt_escapes(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut bytes = text.iter().copied().peekable();
        let hostname = self.process.machine().hostname();
        while let Some(byte) = bytes.next() {
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            match bytes.next() {
                Some(b'u') => out.extend(self.user_name()),
                Some(b'h') => out.extend(hostname.split(|b| *b == b'.').next().unwrap_or_default()),
                Some(b'H') => out.extend(&hostname),
                Some(b'w') => out.extend(self.short_directory()),
                Some(b'W') => {
                    let short = self.short_directory();
                    let last = short.rsplit(|b| *b == b'/').next().filter(|l| !l.is_empty());
                    out.extend(last.unwrap_or(&short));
                }
                // Left for the expansion that follows, which gives a dollar sign for it.
                Some(b'$') => out.push(if self.process.credentials.uid == 0 { b'#' } else { b'$' }),
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b'a') => out.push(0x07),
                Some(b'e') => out.push(0x1b),
                Some(b's') => out.extend(self.name.rsplit(|b| *b == b'/').next().unwrap_or_default()),
                Some(b'v') => out.extend(&self.version_text()[..3]),
                Some(b'V') => out.extend(self.version_text().split(|b| *b == b'(').next().unwrap_or_default()),
                Some(b'j') => out.extend(self.jobs.len().to_string().into_bytes()),
                Some(b'l') => out.extend(b"0"),
                Some(b'!' | b'#') => out.extend((self.history.len() + 1).to_string().into_bytes()),
                Some(kind @ (b't' | b'T' | b'@' | b'A' | b'd')) => out.extend(self.clock_text(kind)),
                Some(b'[' | b']') => {}
                Some(b'\\') => out.push(b'\\'),
                Some(digit @ b'0'..=b'7') => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        if let Some(next) = bytes.next_if(|b| (b'0'..=b'7').contains(b)) {
                            value = value * 8 + u32::from(next - b'0');
                        }
                    }
                    out.push(value as u8);
                }
                Some(other) => out.extend([b'\\', other]),
                None => out.push(b'\\'),
            }
        }
        out
    }

    fn clock_text(&self, kind: u8) -> Vec<u8> {
        let format = match kind {
            b't' => "%H:%M:%S",
            b'T' => "%I:%M:%S",
            b'@' => "%I:%M %p",
            b'A' => "%H:%M",
            _ => "%a %b %d",
        };
        let Ok(time) = jiff::Timestamp::from_microsecond(self.process.now().0) else { return Vec::new() };
        time.strftime(format).to_string().into_bytes()
    }

    /// The name of the user the shell runs as.
    pub(crate) fn user_name(&self) -> Vec<u8> {
        let uid = self.process.credentials.uid;
        let account = self.process.machine().account();
        if account.credentials.uid == uid {
            return account.name.clone().into_bytes();
        }
        let users = &self.process.machine().host().persona().host.users;
        users.iter().find(|u| u.uid == uid).map_or_else(|| b"I have no name!".to_vec(), |u| u.name.clone().into_bytes())
    }

    /// The working directory with the home as a tilde.
    fn short_directory(&self) -> Vec<u8> {
        let directory = self.variables.text(b"PWD").unwrap_or(&self.process.directory);
        let home = self.variables.text(b"HOME").unwrap_or_default();
        match directory.strip_prefix(home).filter(|rest| home.len() > 1 && (rest.is_empty() || rest.starts_with(b"/"))) {
            Some(rest) => [b"~", rest].concat(),
            None => directory.to_vec(),
        }
    }

    /// Reads one line from the terminal, or from a pipe when that is what an interactive shell was given.
    pub(super) async fn read_line(&mut self, editor: &mut Editor, prompt: Vec<u8>) -> Result<Edited, Flow> {
        self.process.flush().await?;
        let terminal = self.process.descriptors.get(0).and_then(|file| file.terminal().cloned());
        let Some(terminal) = terminal else {
            self.process.err(prompt).await?;
            return Ok(match self.process.read_line().await? {
                Some(mut line) => {
                    if line.last() == Some(&b'\n') {
                        line.pop();
                    }
                    Edited::Line(line)
                }
                None => Edited::End,
            });
        };
        terminal.set_foreground(self.process.task.group);
        terminal.set_mode(Mode::EDITOR);
        let history = self.history.clone();
        let edited = editor.read(&terminal, &prompt, &history, &|line: &[u8]| self.completions(line)).await;
        terminal.set_mode(Mode::default());
        if editor.take_overlong() {
            self.process.limit("shell_line_bytes_max", crate::terminal::editor::LINE_BYTES_MAX as u64);
        }
        Ok(edited)
    }

    /// Adds a line to the history.
    pub(super) fn remember(&mut self, line: &[u8]) {
        if line.starts_with(b" ") || self.history.last().is_some_and(|last| last == line) {
            // Ubuntu's HISTCONTROL is ignoreboth.
            return;
        }
        let history = Arc::make_mut(&mut self.history);
        history.push(line.to_vec());
        while history.len() > HISTORY_LINES_MAX || history.len() > 1 && history.iter().map(Vec::len).sum::<usize>() > HISTORY_BYTES_MAX {
            history.remove(0);
        }
    }

    /// What the last word before the cursor could become: the word's length, and whole words.
    fn completions(&self, line: &[u8]) -> (usize, Vec<Vec<u8>>) {
        let start = line.iter().rposition(|b| b" \t|;&<>()'\"=".contains(b)).map_or(0, |at| at + 1);
        let word = &line[start..];
        let first = line[..start].trim_ascii_end().last().is_none_or(|b| b"|;&(".contains(b));
        let files = self.process.files();
        let mut found: Vec<Vec<u8>> = Vec::new();
        if first && !word.contains(&b'/') {
            let path = self.text(b"PATH");
            for directory in path.split(|b| *b == b':') {
                for (name, metadata) in files.list(directory).unwrap_or_default() {
                    if name.starts_with(word) && metadata.kind != crate::Kind::Directory {
                        found.push(name);
                    }
                }
            }
            found.extend(crate::builtins::names(self.dialect).filter(|n| n.as_bytes().starts_with(word)).map(|n| n.as_bytes().to_vec()));
            found.extend(self.aliases.keys().chain(self.functions.keys()).filter(|n| n.starts_with(word)).cloned());
        } else {
            let split = word.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
            let (directory, prefix) = word.split_at(split);
            let mut look = directory.to_vec();
            if let Some(rest) = directory.strip_prefix(b"~/") {
                look = [&self.text(b"HOME")[..], b"/", rest].concat();
            }
            let look: &[u8] = if look.is_empty() { b"." } else { &look };
            for (name, metadata) in files.list(look).unwrap_or_default() {
                if name.starts_with(prefix) && (!name.starts_with(b".") || prefix.starts_with(b".")) {
                    let slash: &[u8] = if metadata.kind == crate::Kind::Directory { b"/" } else { b"" };
                    found.push([directory, &name, slash].concat());
                }
            }
        }
        found.sort();
        found.dedup();
        (word.len(), found)
    }
}
