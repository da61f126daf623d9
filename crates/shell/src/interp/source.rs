//! Where commands come from: an argument, a file, standard input, a person.

use super::message::Source;
use super::{Flow, Ran, Shell};
use crate::command::{Outcome, Process, STDIN};
use crate::parse::{Dialect, ErrorKind, Parser, Syntax};
use crate::task::{Status, signal};
use model::Detail;
use std::sync::Arc;

/// The longest command read from a stream line by line, in bytes: it is parsed again with each line.
const CONTINUED_BYTES_MAX: usize = 64 * 1024;

/// `sh`, `bash`, `dash`, `ash`: a shell as a command.
pub(crate) async fn start(process: &mut Process, dialect: Dialect) -> Outcome {
    process.flush().await?;
    let shell = Shell::new(process.again(process.args.clone()), dialect, Source::Stdin);
    end(shell.main().await)
}

/// A script without a `#!` line, run by the shell that found it.
pub(crate) async fn run_script(process: Process, dialect: Dialect, text: Arc<[u8]>) -> Outcome {
    let mut shell = Shell::new(process, dialect, Source::Script);
    shell.positional = shell.process.operands().into();
    let ran = shell.run_text(text.to_vec(), None).await;
    end(shell.finish(ran).await)
}

fn end(status: Status) -> Outcome {
    match status {
        Status::Killed(signal) => Err(crate::Stop::Signal(signal)),
        status => Ok(status.code()),
    }
}

/// What is known of a command line being read.
enum Next {
    /// It has run.
    Ran,
    /// It goes on in the next line.
    More,
}

impl Shell {
    /// Reads its own arguments and does what they say.
    pub(crate) async fn main(mut self) -> Status {
        let ran = self.main_inner().await;
        self.finish(ran).await
    }

    async fn main_inner(&mut self) -> Ran {
        let args = self.process.args.clone();
        let mut rest = args.iter().skip(1).map(Vec::as_slice);
        let (mut command, mut stdin, mut interactive) = (false, false, false);
        self.options.login = self.name.starts_with(b"-");
        let mut operand = None;
        while let Some(arg) = rest.next() {
            let on = arg.first() == Some(&b'-');
            match arg {
                b"--" | b"-" => {
                    operand = rest.next();
                    break;
                }
                b"--version" if self.bash() => return self.print_version().await,
                b"--help" if self.bash() => return self.print_help().await,
                b"--login" => self.options.login = true,
                b"--rcfile" | b"--init-file" => drop(rest.next()),
                b"--posix" => drop(self.options.set_named("posix", true)),
                b"--norc" | b"--noprofile" | b"--noediting" | b"--verbose" => {}
                _ if on && arg.len() > 1 || arg.first() == Some(&b'+') && arg.len() > 1 => {
                    for letter in &arg[1..] {
                        match letter {
                            b'c' => command = true,
                            b's' => stdin = true,
                            b'i' => interactive = true,
                            b'l' => self.options.login = true,
                            b'r' if self.bash() => {}
                            b'o' | b'O' => {
                                let name = rest.next().unwrap_or_default();
                                let name = String::from_utf8_lossy(name).into_owned();
                                let known =
                                    if *letter == b'o' { self.options.set_named(&name, on) } else { self.options.set_shopt(&name, on) };
                                if !known {
                                    return self.bad_option(name.as_bytes()).await;
                                }
                            }
                            letter => {
                                if !self.options.set_letter(*letter, on) {
                                    return self.bad_option(&[arg[0], *letter]).await;
                                }
                            }
                        }
                    }
                }
                _ => {
                    operand = Some(arg);
                    break;
                }
            }
        }
        if command {
            let Some(text) = operand.map(<[u8]>::to_vec) else {
                return self.no_argument().await;
            };
            if let Some(name) = rest.next() {
                self.name = name.to_vec();
            }
            self.positional = rest.map(<[u8]>::to_vec).collect();
            self.source = Source::Argument;
            return self.run_text(text, None).await;
        }
        match operand.filter(|_| !stdin) {
            Some(path) => {
                let path = path.to_vec();
                self.positional = rest.map(<[u8]>::to_vec).collect();
                self.run_file(&path).await
            }
            None => {
                self.positional = operand.into_iter().chain(rest).map(<[u8]>::to_vec).collect();
                if interactive || self.process.is_terminal(STDIN) {
                    return self.interact().await;
                }
                self.run_stream(false).await
            }
        }
    }

    async fn bad_option(&mut self, option: &[u8]) -> Ran {
        let name = self.name.clone();
        let line = match self.dialect {
            Dialect::Bash => [
                &name[..],
                b": ",
                option,
                b": invalid option\nUsage:\tbash [GNU long option] [option] ...\n\tbash [GNU long option] [option] script-file ...\n",
            ]
            .concat(),
            Dialect::Dash => [&name[..], b": 0: Illegal option ", option, b"\n"].concat(),
            Dialect::Ash => [&name[..], b": illegal option ", option, b"\n"].concat(),
        };
        self.process.err(line).await?;
        Ok(2)
    }

    async fn no_argument(&mut self) -> Ran {
        let name = self.name.clone();
        let line: &[u8] = match self.dialect {
            Dialect::Bash => b": -c: option requires an argument\n",
            Dialect::Dash => b": 0: -c requires an argument\n",
            Dialect::Ash => b": -c requires an argument\n",
        };
        self.process.err([&name[..], line].concat()).await?;
        Ok(2)
    }

    async fn print_version(&mut self) -> Ran {
        let machine = self.process.machine().host().persona().host.kernel.machine.clone();
        let version = String::from_utf8_lossy(&self.version_text()).into_owned();
        let year = if version.starts_with("5.1") {
            2020
        } else if version.starts_with("5.0") {
            2019
        } else {
            2022
        };
        let text = format!(
            "GNU bash, version {version} ({machine}-pc-linux-gnu)\nCopyright (C) {year} Free Software Foundation, Inc.\n\
             License GPLv3+: GNU GPL version 3 or later <http://gnu.org/licenses/gpl.html>\n\n\
             This is free software; you are free to change and redistribute it.\nThere is NO WARRANTY, to the extent permitted by law.\n"
        );
        self.process.out(text).await?;
        Ok(0)
    }

    async fn print_help(&mut self) -> Ran {
        let machine = self.process.machine().host().persona().host.kernel.machine.clone();
        let version = String::from_utf8_lossy(&self.version_text()).into_owned();
        let name = String::from_utf8_lossy(&self.name).into_owned();
        let text = format!(
            "GNU bash, version {version}-({machine}-pc-linux-gnu)\nUsage:\t{name} [GNU long option] [option] ...\n\
             \t{name} [GNU long option] [option] script-file ...\nGNU long options:\n\t--debug\n\t--debugger\n\t--dump-po-strings\n\t--dump-strings\n\
             \t--help\n\t--init-file\n\t--login\n\t--noediting\n\t--noprofile\n\t--norc\n\t--posix\n\t--pretty-print\n\t--rcfile\n\t--restricted\n\
             \t--verbose\n\t--version\nShell options:\n\t-ilrsD or -c command or -O shopt_option\t\t(invocation only)\n\
             \t-abefhkmnptuvxBCHP or -o option\nType `{name} -c \"help set\"' for more information about shell options.\n\
             Type `{name} -c help' for more information about shell builtin commands.\nUse the `bashbug' command to report bugs.\n\n\
             bash home page: <http://www.gnu.org/software/bash>\nGeneral help using GNU software: <http://www.gnu.org/gethelp/>\n"
        );
        self.process.out(text).await?;
        Ok(0)
    }

    /// `sh FILE`
    async fn run_file(&mut self, path: &[u8]) -> Ran {
        let files = self.process.files();
        let content = match files.stat(path) {
            Ok(m) if m.kind == crate::Kind::Directory => Err(crate::Errno::Eisdir),
            Ok(_) => files.read(path),
            Err(errno) => Err(errno),
        };
        let shell = self.name.clone();
        let text = match content {
            Ok(text) => text,
            Err(errno) => {
                let (line, code) = match (self.dialect, errno) {
                    (Dialect::Bash, errno) => (
                        [&shell[..], b": ", path, b": ", errno.message().as_bytes()].concat(),
                        if errno == crate::Errno::Enoent { 127 } else { 126 },
                    ),
                    (Dialect::Dash, crate::Errno::Enoent) => ([&shell[..], b": 0: cannot open ", path, b": No such file"].concat(), 2),
                    (Dialect::Dash, errno) => ([&shell[..], b": 0: cannot open ", path, b": ", errno.message().as_bytes()].concat(), 2),
                    (Dialect::Ash, errno) => ([&shell[..], b": can't open '", path, b"': ", errno.message().as_bytes()].concat(), 2),
                };
                self.process.err([&line[..], b"\n"].concat()).await?;
                return Ok(code);
            }
        };
        let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
        if self.bash() && first[..first.len().min(80)].contains(&0) {
            self.process.err([path, b": ", path, b": cannot execute binary file\n"].concat()).await?;
            return Ok(126);
        }
        self.source = Source::Script;
        self.name = path.to_vec();
        self.run_text(text.to_vec(), None).await
    }

    /// What of the options matters to the parser.
    pub(super) fn syntax(&self) -> Syntax {
        let aliases = (self.options.interactive || !self.bash() || self.options.shopt("expand_aliases") == Some(true))
            .then(|| self.aliases.clone())
            .filter(|aliases| !aliases.is_empty());
        Syntax { extended_globs: self.options.shopt("extglob").unwrap_or(false), aliases }
    }

    /// Runs a whole text, line by line. `what` names it in messages where it is not the shell's own source.
    pub(crate) async fn run_text(&mut self, text: Vec<u8>, what: Option<&str>) -> Ran {
        let first = if what.is_some() { self.line } else { 1 };
        let mut parser = Parser::new(text, first, self.dialect, self.syntax());
        // What has run and what has failed to parse is all the status there is; no commands are a success.
        let mut status = if what.is_some() { 0 } else { self.status };
        loop {
            parser.syntax = self.syntax();
            let list = match parser.next() {
                Ok(Some(list)) => list,
                Ok(None) => return Ok(status),
                Err(error) => {
                    let around = parser.line_around(error.at).to_vec();
                    self.syntax_error(&error, &around, what).await?;
                    self.status = 2;
                    return match what {
                        Some(_) if self.bash() => Ok(if matches!(error.kind, ErrorKind::Message(..)) { 1 } else { 2 }),
                        Some(_) => Err(self.fatal(2)),
                        None => Ok(2),
                    };
                }
            };
            self.warn_documents(&mut parser).await?;
            if self.options.on("noexec") && !self.options.interactive {
                continue;
            }
            match self.run_list(&list).await {
                Ok(code) => status = code,
                // A script goes on with its next line; what was given as one argument ends.
                Err(Flow::Abort(code)) if self.source != Source::Argument && what.is_none() => {
                    self.status = code;
                    status = code;
                }
                Err(flow) => return Err(flow),
            }
        }
    }

    async fn warn_documents(&mut self, parser: &mut Parser) -> Result<(), Flow> {
        for (now, begun, delimiter) in std::mem::take(&mut parser.warnings) {
            if self.bash() {
                self.line = now;
                let text =
                    [format!("warning: here-document at line {begun} delimited by end-of-file (wanted `").as_bytes(), &delimiter, b"')"]
                        .concat();
                self.complain(text).await?;
            }
        }
        Ok(())
    }

    /// `eval`, traps: a text run as part of the running command.
    pub(crate) fn evaluate_text(&mut self, text: Vec<u8>, what: &'static str) -> crate::session::BoxFuture<'_, Ran> {
        Box::pin(async move {
            if self.depth >= super::DEPTH_MAX {
                return Err(Flow::Stop(crate::Stop::Signal(signal::SEGV)));
            }
            self.process.charge(1 + text.len() as u64 / 64).await?;
            self.depth += 1;
            let line = self.line;
            let ran = self.run_text(text, Some(what)).await;
            self.line = line;
            self.depth -= 1;
            ran
        })
    }

    /// Commands from standard input as they come. `observed`: each line is one the attacker typed, and recorded.
    pub(crate) async fn run_stream(&mut self, observed: bool) -> Ran {
        self.source = Source::Stdin;
        let mut text = Vec::new();
        let mut first_line = 1;
        let mut lines = 0;
        loop {
            let Some(line) = self.process.read_line().await? else {
                if !text.is_empty() {
                    self.run_lines(&text, first_line, observed, true).await?;
                }
                return Ok(self.status);
            };
            lines += 1;
            text.extend(line);
            if let Next::Ran = self.run_lines(&text, first_line, observed, false).await? {
                first_line += lines;
                lines = 0;
                text.clear();
            }
        }
    }

    /// Runs the lines read so far, unless they want more.
    async fn run_lines(&mut self, text: &[u8], line: u32, observed: bool, last: bool) -> Result<Next, Flow> {
        self.process.charge(1 + text.len() as u64 / 256).await?;
        let whole = text.len() < CONTINUED_BYTES_MAX;
        let mut parser = Parser::new(text.to_vec(), line, self.dialect, self.syntax());
        let parsed = parser.next();
        let open = matches!(&parsed, Err(error) if error.incomplete()) || parser.document_open();
        // A backslash at the end of the line joins the next to it.
        let joined = text.ends_with(b"\\\n") && !text.ends_with(b"\\\\\n");
        if (open || joined) && whole && !last {
            return Ok(Next::More);
        }
        if observed && !text.trim_ascii().is_empty() {
            self.process.session.budget.renew();
            self.process.observe(Detail::Command { line: text.trim_ascii_end().into() });
        }
        self.warn_documents(&mut parser).await?;
        match parsed {
            Ok(Some(list)) => match self.run_list(&list).await {
                Ok(_) => {}
                Err(Flow::Abort(code)) => self.status = code,
                Err(flow) => return Err(flow),
            },
            Ok(None) => {}
            Err(error) => {
                let around = parser.line_around(error.at).to_vec();
                self.syntax_error(&error, &around, None).await?;
                self.status = 2;
                return Err(Flow::Exit(2));
            }
        }
        Ok(Next::Ran)
    }

    /// A person's shell: prompt, line, answer.
    pub(crate) async fn interact(&mut self) -> Ran {
        self.begin_interactive();
        let mut text = Vec::new();
        let mut editor = crate::terminal::editor::Editor::default();
        loop {
            if text.is_empty() {
                self.tell_jobs().await?;
            }
            let prompt = self.prompt(if text.is_empty() { b"PS1" } else { b"PS2" }).await;
            use crate::terminal::editor::Edited;
            match self.read_line(&mut editor, prompt).await? {
                Edited::Line(line) => {
                    text.extend(line);
                    text.push(b'\n');
                }
                Edited::Interrupt => {
                    text.clear();
                    self.status = 130;
                    continue;
                }
                Edited::End if text.is_empty() => {
                    let word: &[u8] = match (self.bash(), self.options.login) {
                        (true, true) => b"logout\n",
                        (true, false) => b"exit\n",
                        _ => b"\n",
                    };
                    self.process.err(word).await?;
                    return Ok(self.status);
                }
                Edited::End => {}
                Edited::HungUp => return Err(Flow::Stop(crate::Stop::Signal(signal::HUP))),
            }
            match self.run_entered(&text).await {
                Ok(true) => text.clear(),
                Ok(false) => {}
                Err(Flow::Abort(code) | Flow::Return(code)) => {
                    self.status = code;
                    text.clear();
                }
                Err(Flow::Interrupt) => {
                    self.process.session.budget.renew();
                    self.process.err("\n").await?;
                    self.status = 130;
                    text.clear();
                }
                Err(Flow::Break(_) | Flow::Continue(_)) => text.clear(),
                Err(flow) => return Err(flow),
            }
        }
    }

    /// Runs what was entered at the prompt; `false` when it goes on in the next line.
    async fn run_entered(&mut self, text: &[u8]) -> Result<bool, Flow> {
        self.process.session.budget.renew();
        let mut parser = Parser::new(text.to_vec(), self.line, self.dialect, self.syntax());
        let mut lists = Vec::new();
        let failed = loop {
            parser.syntax = self.syntax();
            match parser.next() {
                Ok(Some(list)) => lists.push(list),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let joined = text.ends_with(b"\\\n") && !text.ends_with(b"\\\\\n");
        let open = failed.as_ref().is_some_and(|error| error.incomplete()) || parser.document_open() || joined;
        if open && text.len() < CONTINUED_BYTES_MAX {
            return Ok(false);
        }
        let line = text.trim_ascii_end();
        if !line.is_empty() {
            self.process.observe(Detail::Command { line: line.into() });
            self.remember(line);
        }
        for list in lists {
            self.run_list(&list).await?;
        }
        if let Some(error) = failed {
            let around = parser.line_around(error.at).to_vec();
            self.syntax_error(&error, &around, None).await?;
            self.status = 2;
        }
        Ok(true)
    }
}
