//! What a login runs: a command, a script, an interactive shell.

use crate::command::Process;
use crate::descriptor::{Descriptors, OpenFile};
use crate::interp::{Shell, Source};
use crate::machine::Machine;
use crate::parse::Dialect;
use crate::session::Session;
use crate::task::Status;
use crate::terminal::Terminal;
use crate::{Environment, Io, Stream};
use model::Detail;
use persona::Userland;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long processes left behind by `ssh host command` keep its channel open, in seconds: as long as they hold its output on a real host.
const EXEC_LINGER_SECONDS: u64 = 30;

/// How long they go on after an interactive shell has exited, in milliseconds: what they do at once is still recorded.
const SHELL_LINGER_MILLIS: u64 = 200;

/// The longest command line, in bytes: one argument of `execve` (`MAX_ARG_STRLEN`).
const LINE_BYTES_MAX: usize = 131_072;

/// Pieces of output on their way to [`Machine::run_to_end`]'s buffer.
const PIECES_MAX: usize = 16;

/// Which shell a login begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shells {
    /// The account's own.
    Login,
    /// `/bin/sh`, as a server's `system()` runs.
    System,
}

impl Machine {
    /// Runs one line in the account's shell, as SSH `exec` does. Records it as a `command` event first. Returns the exit status.
    pub async fn run(&self, line: &[u8], io: Io) -> u8 {
        self.run_in(Shells::Login, line, io).await
    }

    /// Runs one line as `sh -c` would, for command-injection holes, with standard input given whole. Records it as a `command` event first.
    /// Returns the output, cut at `output_bytes_max`, and the exit status.
    pub async fn run_to_end(&self, line: &[u8], stdin: Vec<u8>, output_bytes_max: usize) -> (Vec<u8>, u8) {
        let (feed, input) = mpsc::channel(1);
        let (sender, mut receiver) = mpsc::channel(PIECES_MAX);
        if !stdin.is_empty() {
            // The channel has room for the one piece.
            let _ = feed.try_send(crate::Input::Bytes(stdin));
        }
        drop(feed);
        let mut run = std::pin::pin!(self.run_in(Shells::System, line, Io { stdin: input, output: sender }));
        let mut output = Vec::new();
        let mut keep = |piece: Vec<u8>| output.extend(piece.into_iter().take(output_bytes_max.saturating_sub(output.len())));
        let status = loop {
            tokio::select! {
                biased;
                Some((_, piece)) = receiver.recv() => keep(piece),
                status = &mut run => break status,
            }
        };
        while let Ok((_, piece)) = receiver.try_recv() {
            keep(piece);
        }
        (output, status)
    }

    async fn run_in(&self, which: Shells, line: &[u8], io: Io) -> u8 {
        self.observe(Detail::Command { line: line.into() });
        if line.len() > LINE_BYTES_MAX {
            self.observe(Detail::Limit { name: "shell_line_bytes_max".into(), value: LINE_BYTES_MAX as u64 });
            let text = [&self.shell_path(which)[..], b": Argument list too long\n"].concat();
            let _ = io.output.send((Stream::Err, text)).await;
            return 126;
        }
        let path = self.shell_path(which);
        let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default().to_vec();
        self.start(which, vec![name, b"-c".to_vec(), line.to_vec()], io, None).await
    }

    /// An interactive login shell on a terminal: banner, prompt, line editing, until it exits. Each line entered is a `command` event.
    pub async fn terminal(&self, term: &str, columns: u16, rows: u16, io: Io) -> u8 {
        let greeting = self.greeting();
        let greeting = String::from_utf8_lossy(&greeting).replace('\n', "\r\n").into_bytes();
        if !greeting.is_empty() && io.output.send((Stream::Out, greeting)).await.is_err() {
            return 129;
        }
        let path = self.shell_path(Shells::Login);
        let name = [b"-", path.rsplit(|b| *b == b'/').next().unwrap_or_default()].concat();
        self.start(Shells::Login, vec![name], io, Some((term, columns, rows))).await
    }

    /// A login shell without a terminal, reading its commands from standard input as they come (`ssh host` without a pty, fed by a bot line by
    /// line): no prompt, no echo. Each line read as a command is a `command` event. Ends at end of file or `exit`; returns the exit status.
    pub async fn script(&self, io: Io) -> u8 {
        let path = self.shell_path(Shells::Login);
        let name = [b"-", path.rsplit(|b| *b == b'/').next().unwrap_or_default()].concat();
        self.start(Shells::Login, vec![name], io, None).await
    }

    /// What a login sees before its shell: the message of the day.
    fn greeting(&self) -> Vec<u8> {
        let files = self.files();
        let home = &self.account().home;
        if files.stat(&[&home[..], b"/.hushlogin"].concat()).is_ok() {
            return Vec::new();
        }
        [&b"/run/motd.dynamic"[..], b"/etc/motd", b"/etc/banner"]
            .iter()
            .flat_map(|path| files.read(path).map(|t| t.to_vec()).unwrap_or_default())
            .collect()
    }

    fn shell_path(&self, which: Shells) -> Vec<u8> {
        let own = &self.account().shell;
        let real = [&b"/bash"[..], b"/sh", b"/ash", b"/dash"].iter().any(|name| own.ends_with(name));
        if which == Shells::Login && real { own.clone() } else { b"/bin/sh".to_vec() }
    }

    /// Which language a shell's path speaks: BusyBox has one, and Debian's `/bin/sh` is dash.
    fn dialect_of(&self, path: &[u8]) -> Dialect {
        match (self.host().persona().host.userland, path.ends_with(b"bash")) {
            (Userland::Busybox, _) => Dialect::Ash,
            (Userland::Gnu, true) => Dialect::Bash,
            (Userland::Gnu, false) => Dialect::Dash,
        }
    }

    async fn start(&self, which: Shells, args: Vec<Vec<u8>>, io: Io, terminal: Option<(&str, u16, u16)>) -> u8 {
        let path = self.shell_path(which);
        let dialect = self.dialect_of(&path);
        let account = self.account();
        let mut descriptors = Descriptors::default();
        let mut environment = self.login_environment(which, &path);
        let interactive = terminal.is_some();
        let (terminal, files) = match terminal {
            Some((kind, columns, rows)) => {
                let terminal = Arc::new(Terminal::new(kind, columns, rows, io.stdin, io.output));
                if !kind.is_empty() {
                    environment.insert(b"TERM".to_vec(), kind.as_bytes().to_vec());
                }
                let file = Arc::new(OpenFile::Terminal(terminal.clone()));
                (Some(terminal), [file.clone(), file.clone(), file])
            }
            None => {
                let out = Arc::new(OpenFile::Output(io.output.clone(), Stream::Out));
                let err = Arc::new(OpenFile::Output(io.output, Stream::Err));
                (None, [Arc::new(OpenFile::input(io.stdin)), out, err])
            }
        };
        for (number, file) in files.into_iter().enumerate() {
            // Numbers up to 2 are below every limit.
            let _ = descriptors.set(number as u32, file);
        }
        let session = Session::new(self.clone(), terminal);
        let streamed = args.len() == 1 && !interactive;
        let Some(task) = self.fork(self.login_pid(), None, account.credentials.uid, interactive, args.clone().into()) else {
            return 254;
        };
        let directory = if self.files().stat(&account.home).is_ok() { account.home.clone() } else { b"/".to_vec() };
        let environment: Arc<Environment> = Arc::new(environment);
        let process =
            Process::new(session.clone(), task.clone(), account.credentials.clone(), directory.as_slice().into(), environment, descriptors);
        session.start(
            task.clone(),
            Box::pin(async move {
                let mut shell = Shell::new(process, dialect, Source::Stdin);
                if streamed {
                    shell.options.login = true;
                    let ran = shell.run_stream(true).await;
                    return shell.finish(ran).await;
                }
                let status: Status = shell.main().await;
                status
            }),
        );
        let linger = if interactive { Duration::from_millis(SHELL_LINGER_MILLIS) } else { Duration::from_secs(EXEC_LINGER_SECONDS) };
        session.drive(&task, linger).await
    }

    fn login_environment(&self, which: Shells, path: &[u8]) -> Environment {
        let account = self.account();
        let gnu = self.host().persona().host.userland == Userland::Gnu;
        let mut environment = Environment::new();
        let mut set = |name: &str, value: &[u8]| drop(environment.insert(name.as_bytes().to_vec(), value.to_vec()));
        let search: &[u8] = match (which, gnu) {
            (Shells::Login, true) => b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games:/snap/bin",
            (Shells::System, true) => b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            (_, false) => b"/usr/bin:/usr/sbin:/bin:/sbin",
        };
        set("PATH", search);
        if which == Shells::System {
            set("PWD", &account.home);
            return environment;
        }
        set("HOME", &account.home);
        set("USER", account.name.as_bytes());
        set("LOGNAME", account.name.as_bytes());
        set("SHELL", path);
        if gnu {
            set("LANG", b"C.UTF-8");
            set("MAIL", [b"/var/mail/", account.name.as_bytes()].concat().as_slice());
        }
        let (peer, local) = (self.login().peer, self.login().local);
        set("SSH_CLIENT", format!("{} {} {}", peer.ip(), peer.port(), local.port()).as_bytes());
        set("SSH_CONNECTION", format!("{} {} {} {}", peer.ip(), peer.port(), local.ip(), local.port()).as_bytes());
        environment
    }
}
