//! What a shell says on standard error, in each dialect's words.

use super::{Flow, Ran, Shell};
use crate::parse::{Dialect, SyntaxError};

/// Where a shell's commands come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `-c`
    Argument,
    /// A file.
    Script,
    /// Standard input.
    Stdin,
}

impl Shell {
    /// What stands before every message: `bash: line 1: `, `-bash: `, `sh: 1: `, `sh: `.
    fn prefix(&self) -> Vec<u8> {
        let name = &self.name[..];
        match self.dialect {
            Dialect::Bash if self.options.interactive => [name, b": "].concat(),
            // A function that no file defined comes from here, as far as bash knows.
            Dialect::Bash if !self.calls.is_empty() && self.source != Source::Script => {
                format!("environment: line {}: ", self.line).into_bytes()
            }
            Dialect::Bash => [name, format!(": line {}: ", self.line).as_bytes()].concat(),
            Dialect::Dash => [name, format!(": {}: ", self.line).as_bytes()].concat(),
            Dialect::Ash => {
                // BusyBox gives a line only in a file, or where a builtin complains; it counts from 0 outside files.
                let line = match self.source {
                    Source::Script => Some(self.line),
                    _ if self.options.interactive => None,
                    _ => self.builtin.map(|_| self.line.saturating_sub(1)),
                };
                let builtin = self.builtin.map_or(String::new(), |name| format!("{name}: "));
                let line = line.map_or(String::new(), |line| format!("line {line}: "));
                [name, b": ", builtin.as_bytes(), line.as_bytes()].concat()
            }
        }
    }

    /// Prints a message.
    pub async fn complain(&mut self, message: impl AsRef<[u8]>) -> Result<(), Flow> {
        self.process.flush().await?;
        let line = [&self.prefix()[..], message.as_ref(), b"\n"].concat();
        self.process.err(line).await?;
        Ok(())
    }

    /// Prints a message of the builtin that is running.
    pub async fn complain_as(&mut self, builtin: &str, message: impl AsRef<[u8]>) -> Result<(), Flow> {
        match self.dialect {
            Dialect::Ash => self.complain(message).await,
            _ => self.complain([builtin.as_bytes(), b": ", message.as_ref()].concat()).await,
        }
    }

    /// Prints a message of a builtin and gives its status; each dialect has its own words. In the ashes such an error ends the script.
    pub async fn refuse(
        &mut self,
        builtin: &str,
        bash: impl AsRef<[u8]>,
        ash: impl AsRef<[u8]>,
        dash: impl AsRef<[u8]>,
        status: u8,
    ) -> Ran {
        match self.dialect {
            Dialect::Bash => self.complain_as(builtin, bash).await?,
            Dialect::Ash => self.complain_as(builtin, ash).await?,
            Dialect::Dash => self.complain_as(builtin, dash).await?,
        }
        Ok(status)
    }

    /// An error that ends a shell that is no person's (POSIX, 2.8.1), and a person's line.
    pub fn fatal(&self, status: u8) -> Flow {
        if self.options.interactive { Flow::Abort(status) } else { Flow::Exit(status) }
    }

    /// The same for the ashes only: bash goes on.
    pub fn fatal_in_ash(&self, status: u8) -> Ran {
        if self.bash() { Ok(status) } else { Err(self.fatal(status)) }
    }

    /// Prints what is wrong with a text.
    pub async fn syntax_error(&mut self, error: &SyntaxError, around: &[u8], what: Option<&str>) -> Result<(), Flow> {
        let message = error.message(self.dialect);
        if self.dialect != Dialect::Bash {
            self.line = error.line;
            let message = match what {
                Some("eval") if self.dialect == Dialect::Dash => [b"eval: ", &message[..]].concat(),
                _ => message,
            };
            return self.complain(message).await;
        }
        let name = self.name.clone();
        let interactive = self.options.interactive && what.is_none();
        let place = match (what, &self.source) {
            (Some(what), _) => format!("{what}: line {}: ", error.line),
            (None, _) if interactive => String::new(),
            (None, Source::Argument) => format!("-c: line {}: ", error.line),
            (None, _) => format!("line {}: ", error.line),
        };
        // `source` puts the file's name where the shell's was.
        let start = [&name[..], b": ", place.as_bytes()].concat();
        self.process.flush().await?;
        self.process.err([&start[..], &message, b"\n"].concat()).await?;
        if error.shows_line() && !interactive {
            self.process.err([&start[..], b"`", around, b"'\n"].concat()).await?;
        }
        Ok(())
    }
}
