//! `sed`: the stream editor, parsed by `sed/script.rs` and run here.

mod script;

use super::options::{Spec, Takes, parse};
use super::source::{LINE_BYTES_MAX, Source};
use crate::Errno;
use crate::command::{Outcome, Process, Stop};
use regex::bytes::Regex;
use script::{Address, Command, Function, Substitution};
use std::collections::{BTreeMap, VecDeque};

const SPEC: Spec = Spec {
    short: "bnEre:f:i::l:suz",
    long: &[
        ("expression", 'e', Takes::Value),
        ("file", 'f', Takes::Value),
        ("in-place", 'i', Takes::Optional),
        ("null-data", 'z', Takes::Nothing),
        ("quiet", 'n', Takes::Nothing),
        ("silent", 'n', Takes::Nothing),
        ("regexp-extended", 'E', Takes::Nothing),
        ("separate", 's', Takes::Nothing),
        ("unbuffered", 'u', Takes::Nothing),
        ("posix", '\u{1}', Takes::Nothing),
        ("debug", '\u{2}', Takes::Nothing),
    ],
    usage: "[OPTION]... {script-only-if-no-other-script} [input-file]...",
    error: 1,
};

/// Commands one line of input may take: a script that loops ends as if killed.
const STEPS_MAX: u64 = 100_000;

pub(super) async fn run(process: &mut Process) -> Outcome {
    let mut given = parse(process, &SPEC).await?;
    let mut text = Vec::new();
    let parts: Vec<(char, Vec<u8>)> =
        given.all().filter(|(letter, _)| "ef".contains(*letter)).map(|(letter, value)| (letter, value.to_vec())).collect();
    for (letter, value) in &parts {
        if !text.is_empty() {
            text.push(b'\n');
        }
        if *letter == 'e' {
            text.extend_from_slice(value);
        } else {
            match Source::open(process, value) {
                Ok(mut source) => text.extend(source.rest(process, LINE_BYTES_MAX).await?),
                Err(errno) => {
                    process.complain([b"couldn't open file ", &value[..], b": ", errno.message().as_bytes()].concat()).await?;
                    return Ok(1);
                }
            }
        }
    }
    if parts.is_empty() {
        if given.operands.is_empty() {
            process.err("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n\n").await?;
            return Ok(1);
        }
        text = given.operands.remove(0);
    }
    let extended = given.has('E') || given.has('r');
    let mut quiet = given.has('n');
    if let Some(rest) = text.strip_prefix(b"#n\n") {
        quiet = true;
        text = rest.to_vec();
    }
    let commands = match script::parse(&text, extended) {
        Ok(commands) => commands,
        Err(wrong) => {
            let wrong_place = process.busybox() || wrong.at != usize::MAX;
            let message = if process.busybox() || wrong.at == usize::MAX {
                wrong.message.into_owned()
            } else {
                format!("-e expression #1, char {}: {}", wrong.at, wrong.message)
            };
            let status = if wrong_place { 1 } else { 4 };
            process.complain(message).await?;
            return Ok(status);
        }
    };
    let names = if given.operands.is_empty() { vec![b"-".to_vec()] } else { std::mem::take(&mut given.operands) };
    let end = if given.has('z') { 0 } else { b'\n' };
    let mut editor = Editor {
        active: vec![None; commands.len()],
        commands,
        quiet,
        end,
        hold: Vec::new(),
        last_regex: None,
        number: 0,
        output: BTreeMap::new(),
        in_place: given.has('i').then(Vec::new),
        status: 0,
        quit: None,
        appended: Vec::new(),
    };
    let suffix = given.value('i').unwrap_or_default().to_vec();
    if given.has('i') {
        for name in names {
            let mut input = Input::new(vec![name.clone()], end);
            editor.number = 0;
            editor.in_place = Some(Vec::new());
            if let Err(errno) = Source::open(process, &name) {
                let message = if errno == Errno::Eisdir {
                    [b"couldn't edit ", &name[..], b": not a regular file"].concat()
                } else {
                    [b"can't read ", &name[..], b": ", errno.message().as_bytes()].concat()
                };
                process.complain(message).await?;
                editor.status = 4;
                continue;
            }
            editor.edit(process, &mut input).await?;
            if !suffix.is_empty() {
                _ = process.files().copy(&name, &[&name[..], &suffix].concat(), 0o644);
            }
            let content = editor.in_place.take().unwrap_or_default();
            if let Err(errno) = write(process, &name, &content) {
                process.complain([b"couldn't open temporary file ", &name[..], b": ", errno.message().as_bytes()].concat()).await?;
                return Ok(4);
            }
            if editor.quit.is_some() {
                break;
            }
        }
    } else {
        let mut input = Input::new(names, end);
        editor.edit(process, &mut input).await?;
        editor.status = editor.status.max(input.status);
    }
    for (path, content) in std::mem::take(&mut editor.output) {
        if let Err(errno) = write(process, &path, &content) {
            process.complain([b"couldn't open file ", &path[..], b": ", errno.message().as_bytes()].concat()).await?;
            return Ok(4);
        }
    }
    Ok(editor.quit.unwrap_or(editor.status))
}

/// Writes as the attacker would: what sed leaves is captured.
fn write(process: &Process, path: &[u8], content: &[u8]) -> Result<(), Errno> {
    process.files().open(path, crate::OpenOptions::CREATE)?.write_at(0, content)
}

/// The lines of all files, with one to look ahead at, because `$` must know the last.
struct Input {
    names: VecDeque<Vec<u8>>,
    source: Option<Source>,
    next: Option<(Vec<u8>, bool)>,
    started: bool,
    end: u8,
    status: u8,
}

impl Input {
    fn new(names: Vec<Vec<u8>>, end: u8) -> Input {
        Input { names: names.into(), source: None, next: None, started: false, end, status: 0 }
    }

    async fn fetch(&mut self, process: &mut Process) -> Result<Option<(Vec<u8>, bool)>, Stop> {
        loop {
            if let Some(source) = &mut self.source {
                if let Some(mut line) = source.until(process, self.end).await? {
                    let ended = line.last() == Some(&self.end);
                    if ended {
                        line.pop();
                    }
                    return Ok(Some((line, ended)));
                }
                self.source = None;
            }
            let Some(name) = self.names.pop_front() else { return Ok(None) };
            match Source::open(process, &name) {
                Ok(source) => self.source = Some(source),
                Err(errno) => {
                    let message = match errno {
                        _ if process.busybox() => [&name[..], b": ", errno.message().as_bytes()].concat(),
                        Errno::Eisdir => [b"couldn't edit ", &name[..], b": not a regular file"].concat(),
                        _ => [b"can't read ", &name[..], b": ", errno.message().as_bytes()].concat(),
                    };
                    process.complain(message).await?;
                    self.status = if process.busybox() { 1 } else { 2 };
                }
            }
        }
    }

    /// The next line and whether it ended in a newline.
    async fn line(&mut self, process: &mut Process) -> Result<Option<(Vec<u8>, bool)>, Stop> {
        if !self.started {
            self.started = true;
            self.next = self.fetch(process).await?;
        }
        let line = self.next.take();
        if line.is_some() {
            self.next = self.fetch(process).await?;
        }
        Ok(line)
    }

    fn at_last(&self) -> bool {
        self.started && self.next.is_none()
    }
}

struct Editor {
    commands: Vec<Command>,
    /// For each command with a range that has begun: the line number it ends at, when known.
    active: Vec<Option<Option<u64>>>,
    quiet: bool,
    end: u8,
    hold: Vec<u8>,
    last_regex: Option<Regex>,
    number: u64,
    output: BTreeMap<Vec<u8>, Vec<u8>>,
    in_place: Option<Vec<u8>>,
    status: u8,
    quit: Option<u8>,
    appended: Vec<Vec<u8>>,
}

/// What happens after a command.
enum Then {
    Next,
    Jump(usize),
    /// Ends the cycle; whether the pattern space is printed.
    EndCycle(bool),
    /// `D`: begins again without reading.
    Restart,
}

impl Editor {
    async fn put(&mut self, process: &mut Process, text: &[u8], ended: bool) -> Result<(), Stop> {
        let end: &[u8] = if ended { &[self.end][..] } else { b"" };
        match &mut self.in_place {
            Some(content) => {
                if content.len() < super::source::WHOLE_BYTES_MAX {
                    content.extend_from_slice(text);
                    content.extend_from_slice(end);
                }
                Ok(())
            }
            None => process.out([text, end].concat()).await,
        }
    }

    async fn edit(&mut self, process: &mut Process, input: &mut Input) -> Result<(), Stop> {
        let mut restart: Option<(Vec<u8>, bool)> = None;
        loop {
            let next = match restart.take() {
                Some(kept) => Some(kept),
                None => {
                    let line = input.line(process).await?;
                    self.number += u64::from(line.is_some());
                    line
                }
            };
            let Some((mut space, mut ended)) = next else { break };
            let (mut at, mut substituted, mut steps, mut print) = (0, false, 0u64, true);
            while let Some(command) = self.commands.get(at) {
                steps += 1;
                process.charge(u64::from(steps.is_multiple_of(8))).await?;
                if steps > STEPS_MAX {
                    return Err(Stop::Signal(crate::signal::KILL));
                }
                let otherwise = command.block_end;
                if !self.selects(at, &space, input.at_last()) {
                    at = otherwise.unwrap_or(at + 1);
                    continue;
                }
                match self.step(process, input, at, &mut space, &mut ended, &mut substituted).await? {
                    Then::Next => at += 1,
                    Then::Jump(to) => at = to,
                    Then::EndCycle(prints) => {
                        print = prints;
                        break;
                    }
                    Then::Restart => {
                        restart = Some((space.clone(), ended));
                        print = false;
                        break;
                    }
                }
            }
            if print && !self.quiet {
                self.put(process, &space, ended).await?;
            }
            for text in std::mem::take(&mut self.appended) {
                self.put(process, &text, false).await?;
            }
            if self.quit.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn matches(&mut self, regex: Option<&Regex>, space: &[u8]) -> bool {
        match regex {
            Some(regex) => {
                self.last_regex = Some(regex.clone());
                regex.is_match(space)
            }
            None => self.last_regex.as_ref().is_some_and(|regex| regex.is_match(space)),
        }
    }

    fn address(&mut self, address: &Address, space: &[u8], last: bool) -> bool {
        match address {
            Address::Line(number) => *number == self.number,
            Address::Step(first, step) if *step == 0 => self.number == *first,
            Address::Step(first, step) => self.number >= *first && (self.number - first).is_multiple_of(*step),
            Address::Last => last,
            Address::Pattern(regex) => self.matches(regex.as_ref(), space),
            Address::Plus(_) | Address::Multiple(_) => false,
        }
    }

    fn selects(&mut self, at: usize, space: &[u8], last: bool) -> bool {
        let Some(command) = self.commands.get(at) else { return false };
        let (first, second, negated) = (command.first.clone(), command.second.clone(), command.negated);
        let selected = match (first, second) {
            (None, _) => true,
            (Some(first), None) => self.address(&first, space, last),
            (Some(first), Some(second)) => self.range(at, &first, &second, space, last),
        };
        selected != negated
    }

    fn range(&mut self, at: usize, first: &Address, second: &Address, space: &[u8], last: bool) -> bool {
        if let Some(Some(limit)) = self.active.get(at).copied() {
            let ends = match (limit, second) {
                (Some(limit), _) => {
                    if self.number > limit {
                        self.active[at] = None;
                        return self.address(first, space, last) && { self.begin(at, first, second, space, last) };
                    }
                    self.number >= limit
                }
                (None, second) => self.address(second, space, last),
            };
            if ends {
                self.active[at] = None;
            }
            return true;
        }
        // `0,/x/` looks for the end on the first line already.
        let zero = matches!(first, Address::Line(0)) && self.number == 1;
        if zero {
            if !self.address(second, space, last) {
                self.active[at] = Some(None);
            }
            return true;
        }
        self.address(first, space, last) && self.begin(at, first, second, space, last)
    }

    fn begin(&mut self, at: usize, _first: &Address, second: &Address, _space: &[u8], last: bool) -> bool {
        let limit = match second {
            Address::Line(number) => Some(*number),
            Address::Plus(count) => Some(self.number.saturating_add(*count)),
            Address::Multiple(of) if *of > 0 => Some(self.number.div_ceil(*of) * of),
            Address::Multiple(_) => Some(self.number),
            _ => None,
        };
        let over = limit.is_some_and(|limit| limit <= self.number) || (last && matches!(second, Address::Last));
        if !over && let Some(slot) = self.active.get_mut(at) {
            *slot = Some(limit);
        }
        true
    }

    async fn step(
        &mut self,
        process: &mut Process,
        input: &mut Input,
        at: usize,
        space: &mut Vec<u8>,
        ended: &mut bool,
        substituted: &mut bool,
    ) -> Result<Then, Stop> {
        let Some(command) = self.commands.get(at) else { return Ok(Then::Next) };
        let function = command.function.clone();
        Ok(match function {
            Function::Open | Function::Close | Function::Label => Then::Next,
            Function::Substitute(substitution) => {
                if self.substitute(process, &substitution, space, *ended).await? {
                    *substituted = true;
                }
                Then::Next
            }
            Function::Translate(map) => {
                space.iter_mut().for_each(|byte| *byte = map[usize::from(*byte)]);
                Then::Next
            }
            Function::Delete => Then::EndCycle(false),
            Function::DeleteFirst => match memchr::memchr(b'\n', space) {
                Some(newline) => {
                    space.drain(..=newline);
                    Then::Restart
                }
                None => Then::EndCycle(false),
            },
            Function::Print => {
                self.put(process, space, true).await?;
                Then::Next
            }
            Function::PrintFirst => {
                let line = space.split(|b| *b == b'\n').next().unwrap_or_default().to_vec();
                self.put(process, &line, true).await?;
                Then::Next
            }
            Function::Next => {
                if input.at_last() {
                    // Without a next line GNU sed prints and ends; what follows is not run.
                    self.quit = Some(self.status);
                    return Ok(Then::EndCycle(true));
                }
                if !self.quiet {
                    self.put(process, space, *ended).await?;
                }
                for text in std::mem::take(&mut self.appended) {
                    self.put(process, &text, false).await?;
                }
                if let Some((line, newline)) = input.line(process).await? {
                    self.number += 1;
                    (*space, *ended) = (line, newline);
                }
                Then::Next
            }
            Function::NextAppend => {
                if input.at_last() {
                    self.quit = Some(self.status);
                    return Ok(Then::EndCycle(true));
                }
                if let Some((line, newline)) = input.line(process).await? {
                    self.number += 1;
                    space.push(b'\n');
                    space.extend(line);
                    space.truncate(LINE_BYTES_MAX);
                    *ended = newline;
                }
                Then::Next
            }
            Function::Hold => {
                self.hold = space.clone();
                Then::Next
            }
            Function::HoldAppend => {
                self.hold.push(b'\n');
                self.hold.extend_from_slice(space);
                self.hold.truncate(LINE_BYTES_MAX);
                Then::Next
            }
            Function::Get => {
                *space = self.hold.clone();
                Then::Next
            }
            Function::GetAppend => {
                space.push(b'\n');
                space.extend_from_slice(&self.hold);
                space.truncate(LINE_BYTES_MAX);
                Then::Next
            }
            Function::Exchange => {
                std::mem::swap(space, &mut self.hold);
                Then::Next
            }
            Function::Append(text) => {
                self.appended.push(text);
                Then::Next
            }
            Function::Insert(text) => {
                self.put(process, &text, false).await?;
                Then::Next
            }
            Function::Change(text) => {
                // A range is replaced once, at its end.
                if self.active.get(at).is_none_or(|active| active.is_none()) {
                    self.put(process, &text, false).await?;
                }
                Then::EndCycle(false)
            }
            Function::Number => {
                let line = self.number.to_string();
                self.put(process, line.as_bytes(), true).await?;
                Then::Next
            }
            Function::List => {
                let text = listed(space);
                self.put(process, &text, false).await?;
                Then::Next
            }
            Function::Read(path) => {
                if let Ok(content) = process.files().read(&path) {
                    self.appended.push(content.to_vec());
                }
                Then::Next
            }
            Function::Write(path) => {
                self.write_line(process, &path, space).await?;
                Then::Next
            }
            Function::Quit(code, prints) => {
                self.quit = Some(code);
                Then::EndCycle(prints)
            }
            Function::Branch(to) => Then::Jump(to),
            Function::BranchIf(to, wanted) => {
                let jumps = *substituted == wanted;
                *substituted = false;
                if jumps { Then::Jump(to) } else { Then::Next }
            }
            Function::Execute(line) => {
                let line = if line.is_empty() { std::mem::take(space) } else { line };
                _ = process.run(vec![b"/bin/sh".to_vec(), b"-c".to_vec(), line]).await;
                Then::Next
            }
            Function::Zap => {
                space.clear();
                Then::Next
            }
        })
    }

    async fn write_line(&mut self, process: &mut Process, path: &[u8], text: &[u8]) -> Result<(), Stop> {
        let line = [text, b"\n"].concat();
        match path {
            b"/dev/stdout" => process.out(line).await,
            b"/dev/stderr" => process.err(line).await,
            path => {
                let content = self.output.entry(path.to_vec()).or_default();
                if content.len() < super::source::WHOLE_BYTES_MAX {
                    content.extend(line);
                }
                Ok(())
            }
        }
    }

    async fn substitute(&mut self, process: &mut Process, s: &Substitution, space: &mut Vec<u8>, ended: bool) -> Result<bool, Stop> {
        let Some(regex) = s.regex.clone().or_else(|| self.last_regex.clone()) else { return Ok(false) };
        self.last_regex = Some(regex.clone());
        process.charge(1 + space.len() as u64 / 4096).await?;
        let (mut out, mut from, mut count) = (Vec::with_capacity(space.len()), 0, 0);
        for captures in regex.captures_iter(space) {
            let Some(whole) = captures.get(0) else { continue };
            count += 1;
            if count < s.nth {
                continue;
            }
            out.extend_from_slice(&space[from..whole.start()]);
            s.replacement.expand(&captures, &mut out);
            from = whole.end();
            if !s.global || out.len() > LINE_BYTES_MAX {
                break;
            }
        }
        if count < s.nth {
            return Ok(false);
        }
        out.extend_from_slice(&space[from..]);
        out.truncate(LINE_BYTES_MAX);
        *space = out;
        if s.execute {
            let line = std::mem::take(space);
            _ = process.run(vec![b"/bin/sh".to_vec(), b"-c".to_vec(), line]).await;
        }
        if s.print {
            let text = space.clone();
            self.put(process, &text, ended || !self.quiet).await?;
        }
        if let Some(path) = s.write.clone() {
            let text = space.clone();
            self.write_line(process, &path, &text).await?;
        }
        Ok(true)
    }
}

/// `l`: unambiguous, folded at 69 columns.
fn listed(space: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut column = 0;
    for byte in space {
        let shown = match byte {
            b'\\' => "\\\\".to_owned(),
            7 => "\\a".to_owned(),
            8 => "\\b".to_owned(),
            9 => "\\t".to_owned(),
            10 => "\\n".to_owned(),
            11 => "\\v".to_owned(),
            12 => "\\f".to_owned(),
            13 => "\\r".to_owned(),
            0x20..0x7f => char::from(*byte).to_string(),
            _ => format!("\\{byte:03o}"),
        };
        if column + shown.len() > 69 {
            text.extend_from_slice(b"\\\n");
            column = 0;
        }
        column += shown.len();
        text.extend_from_slice(shown.as_bytes());
    }
    text.extend_from_slice(b"$\n");
    text
}
