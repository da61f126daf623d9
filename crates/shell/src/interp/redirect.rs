//! Redirections.

use super::{Flow, Shell};
use crate::Errno;
use crate::descriptor::{DESCRIPTORS_MAX, Descriptors, OpenFile};
use crate::fs::{Kind, OpenOptions};
use crate::parse::Dialect;
use crate::parse::ast::{Descriptor, Redirect, RedirectKind, Target, Word};
use model::Detail;
use std::sync::Arc;

/// Descriptors from here on are the shell's own choice, as `{name}>` gives them.
const CHOSEN_FROM: u32 = 10;

impl Shell {
    /// Applies redirections. `Ok(false)` when one failed and has been reported: the command does not run.
    pub(super) async fn redirect(&mut self, redirects: &[Redirect]) -> Result<bool, Flow> {
        for redirect in redirects {
            if !self.redirect_one(redirect).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The descriptors as they are, to be put back.
    pub(super) fn descriptors(&self) -> Descriptors {
        self.process.descriptors.clone()
    }

    async fn redirect_one(&mut self, redirect: &Redirect) -> Result<bool, Flow> {
        // What was printed before goes where it was printed to.
        self.process.flush().await?;
        let input = matches!(
            redirect.kind,
            RedirectKind::Read | RedirectKind::ReadWrite | RedirectKind::DuplicateInput | RedirectKind::Document | RedirectKind::String
        );
        let number = match &redirect.descriptor {
            Descriptor::Number(number) => *number,
            Descriptor::Default => u32::from(!input),
            Descriptor::Variable(name) => {
                if let Target::Word(word) = &redirect.target
                    && word.literal() == Some(b"-")
                {
                    // `{name}>&-` closes what the variable holds.
                    let held = std::str::from_utf8(&self.text(name)).ok().and_then(|t| t.parse().ok());
                    self.process.descriptors.close(held.unwrap_or(u32::MAX));
                    return Ok(true);
                }
                let chosen = self.process.descriptors.free_from(CHOSEN_FROM);
                self.assign(name, chosen.to_string().into_bytes()).await?;
                chosen
            }
        };
        let word = match &redirect.target {
            Target::Document(body) => {
                let text = match body.get() {
                    Some(word) => self.expand_quoted(&word.0).await?,
                    None => Vec::new(),
                };
                return self.put(number, Arc::new(OpenFile::bytes(text)), b"").await;
            }
            Target::Word(word) => word,
        };
        if redirect.kind == RedirectKind::String {
            let mut text = self.expand_word(word).await?;
            text.push(b'\n');
            return self.put(number, Arc::new(OpenFile::bytes(text)), b"").await;
        }
        let Some(name) = self.redirect_name(word).await? else { return Ok(false) };
        match redirect.kind {
            RedirectKind::DuplicateInput | RedirectKind::DuplicateOutput => self.duplicate(number, redirect, &name).await,
            RedirectKind::Both | RedirectKind::BothAppend => self.open_both(&name, redirect.kind).await,
            kind => match self.open(&name, kind).await? {
                Some(file) => self.put(number, file, &name).await,
                None => Ok(false),
            },
        }
    }

    /// The one file name a word stands for; `None` when it is not one, which has been reported.
    async fn redirect_name(&mut self, word: &Word) -> Result<Option<Vec<u8>>, Flow> {
        if !self.bash() {
            return self.expand_word(word).await.map(Some);
        }
        let mut names = self.expand_words(std::slice::from_ref(word)).await?;
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(Some(name)),
            _ => {
                let text = match &word.0[..] {
                    [crate::parse::ast::Part::Parameter(p)] => [b"$", &p.name[..]].concat(),
                    _ => word.literal().unwrap_or_default().to_vec(),
                };
                self.complain([&text[..], b": ambiguous redirect"].concat()).await?;
                Ok(None)
            }
        }
    }

    async fn put(&mut self, number: u32, file: Arc<OpenFile>, _name: &[u8]) -> Result<bool, Flow> {
        match self.process.descriptors.set(number, file) {
            Ok(()) => Ok(true),
            Err(errno) => {
                let shown = if number == u32::MAX { DESCRIPTORS_MAX } else { number };
                self.complain(format!("{shown}: {errno}")).await?;
                Ok(false)
            }
        }
    }

    /// `n>&m`, `n>&-`, `n>&m-`, and bash's `>&file`.
    async fn duplicate(&mut self, number: u32, redirect: &Redirect, name: &[u8]) -> Result<bool, Flow> {
        if name == b"-" {
            self.process.descriptors.close(number);
            return Ok(true);
        }
        let moved = name.len() > 1 && name.ends_with(b"-");
        let digits = if moved { &name[..name.len() - 1] } else { name };
        let from: Option<u32> = std::str::from_utf8(digits)
            .ok()
            .filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|t| t.parse().ok());
        let Some(from) = from else {
            if redirect.kind == RedirectKind::DuplicateOutput && matches!(redirect.descriptor, Descriptor::Default) && self.bash() {
                return self.open_both(name, RedirectKind::Both).await;
            }
            match self.dialect {
                Dialect::Bash => self.complain([name, b": ambiguous redirect"].concat()).await?,
                _ => self.complain("bad fd number").await?,
            }
            return Ok(false);
        };
        let Some(file) = self.process.descriptors.get(from).cloned() else {
            let message = match self.dialect {
                Dialect::Bash => format!("{from}: {}", Errno::Ebadf),
                Dialect::Ash => format!("dup2({from},{number}): {}", Errno::Ebadf),
                Dialect::Dash => format!("{from}: Bad file descriptor"),
            };
            self.complain(message).await?;
            return Ok(false);
        };
        if !self.put(number, file, name).await? {
            return Ok(false);
        }
        if moved && from != number {
            self.process.descriptors.close(from);
        }
        Ok(true)
    }

    /// `&>file`
    async fn open_both(&mut self, name: &[u8], kind: RedirectKind) -> Result<bool, Flow> {
        let kind = if kind == RedirectKind::BothAppend { RedirectKind::Append } else { RedirectKind::Write };
        let Some(file) = self.open(name, kind).await? else { return Ok(false) };
        Ok(self.put(1, file.clone(), name).await? && self.put(2, file, name).await?)
    }

    /// Opens a file for a redirection; `None` when that failed and has been reported.
    async fn open(&mut self, name: &[u8], kind: RedirectKind) -> Result<Option<Arc<OpenFile>>, Flow> {
        if self.bash()
            && let Some(target) = name.strip_prefix(b"/dev/tcp/").or_else(|| name.strip_prefix(b"/dev/udp/"))
        {
            return self.connect(name, target).await;
        }
        let files = self.process.files();
        let absolute = files.real_path(name).unwrap_or_else(|_| name.to_vec());
        let fifo = files.stat(&absolute).is_ok_and(|m| m.kind == Kind::Fifo);
        if !fifo && let Some(file) = self.process.open_special(name) {
            return Ok(Some(file));
        }
        let mode = 0o666;
        let options = match kind {
            RedirectKind::Read => OpenOptions::READ,
            RedirectKind::ReadWrite => OpenOptions { read: true, write: true, create: true, mode, ..OpenOptions::default() },
            RedirectKind::Append => OpenOptions { write: true, create: true, mode, ..OpenOptions::default() },
            _ => OpenOptions { write: true, create: true, truncate: true, mode, ..OpenOptions::default() },
        };
        let existing = files.stat(name).ok();
        if kind == RedirectKind::Write && self.options.on("noclobber") && existing.as_ref().is_some_and(|m| m.kind == Kind::File) {
            let message = match self.dialect {
                Dialect::Bash => [name, b": cannot overwrite existing file"].concat(),
                Dialect::Ash => [b"can't create ", name, b": File exists"].concat(),
                Dialect::Dash => [b"cannot create ", name, b": File exists"].concat(),
            };
            self.complain(message).await?;
            return Ok(None);
        }
        if existing.is_some_and(|m| m.kind == Kind::Fifo) {
            return Ok(Some(self.open_fifo(&absolute, options.read, options.write).await));
        }
        match files.open(name, options) {
            Ok(node) => Ok(Some(Arc::new(OpenFile::file(node, &absolute, options.read, options.write, kind == RedirectKind::Append)))),
            Err(errno) => {
                let message = open_failure(self.dialect, name, errno, options.create);
                self.complain(message).await?;
                Ok(None)
            }
        }
    }

    /// A FIFO: its two ends meet in the machine.
    async fn open_fifo(&mut self, path: &[u8], read: bool, write: bool) -> Arc<OpenFile> {
        let fifo = self.process.machine().fifo(path);
        if read && write {
            // Its own peer: never waits, never ends.
            return Arc::new(OpenFile::both(fifo.reader(), fifo.writer()));
        }
        if read {
            let reader = fifo.reader();
            std::future::poll_fn(|cx| fifo.poll_peer(true, cx)).await;
            Arc::new(OpenFile::reader(reader))
        } else {
            let writer = fifo.writer();
            std::future::poll_fn(|cx| fifo.poll_peer(false, cx)).await;
            Arc::new(OpenFile::writer(writer))
        }
    }

    /// Bash's `/dev/tcp/HOST/PORT`: recorded, and refused as a firewalled peer would be; nothing is ever contacted.
    async fn connect(&mut self, name: &[u8], target: &[u8]) -> Result<Option<Arc<OpenFile>>, Flow> {
        let mut pieces = target.splitn(2, |b| *b == b'/');
        let host = pieces.next().unwrap_or_default();
        let port = pieces.next().and_then(|p| std::str::from_utf8(p).ok()?.parse::<u16>().ok());
        let Some(port) = port else {
            let wrong = target.splitn(2, |b| *b == b'/').nth(1).unwrap_or_default();
            self.complain([wrong, b": invalid service"].concat()).await?;
            self.complain([name, b": Invalid argument"].concat()).await?;
            return Ok(None);
        };
        self.process.observe(Detail::Tunnel { host: host.into(), port, data: Vec::new().into() });
        if name.starts_with(b"/dev/udp/") {
            // A datagram is sent into the void without anybody noticing.
            let null = self.process.files().open(b"/dev/null", OpenOptions { read: true, write: true, ..OpenOptions::default() });
            return Ok(null.ok().map(|node| Arc::new(OpenFile::file(node, name, true, true, false))));
        }
        self.process.sleep(std::time::Duration::from_millis(180)).await;
        self.complain("connect: Connection refused").await?;
        self.complain([name, b": Connection refused"].concat()).await?;
        Ok(None)
    }
}

/// What a shell says when it cannot open a file.
pub(super) fn open_failure(dialect: Dialect, name: &[u8], errno: Errno, creates: bool) -> Vec<u8> {
    let (word, text) = match (dialect, creates, errno) {
        (Dialect::Bash, ..) => return [name, b": ", errno.message().as_bytes()].concat(),
        (Dialect::Ash, true, Errno::Enoent) => ("can't create", "nonexistent directory"),
        (Dialect::Ash, false, Errno::Enoent) => ("can't open", "no such file"),
        (Dialect::Ash, true, _) => ("can't create", errno.message()),
        (Dialect::Ash, false, _) => ("can't open", errno.message()),
        (Dialect::Dash, true, Errno::Enoent) => ("cannot create", "Directory nonexistent"),
        (Dialect::Dash, false, Errno::Enoent) => ("cannot open", "No such file"),
        (Dialect::Dash, true, _) => ("cannot create", errno.message()),
        (Dialect::Dash, false, _) => ("cannot open", errno.message()),
    };
    [word.as_bytes(), b" ", name, b": ", text.as_bytes()].concat()
}
