//! `awk`, as mawk and BusyBox have it: lexed, parsed and run in memory.
//!
//! Running is synchronous and bounded. What must wait, commands, is run before the statement that asks for it.

mod lexer;
mod parser;
mod run;
mod value;

use super::source::{LINE_BYTES_MAX, Source, WHOLE_BYTES_MAX};
use crate::command::{Launch, Outcome, Process, STDIN, STDOUT, Stop};
use crate::{OpenFile, OpenOptions};
use parser::{Expr, From, Pattern, Program, Stmt};
use run::{Flow, Machine};
use std::collections::VecDeque;
use std::sync::Arc;
use value::Value;

pub(super) async fn run(process: &mut Process) -> Outcome {
    let mut args: VecDeque<Vec<u8>> = process.operands().to_vec().into();
    let mut settings: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut text: Option<Vec<u8>> = None;
    while let Some(arg) = args.front().filter(|arg| arg.len() > 1 && arg[0] == b'-').cloned() {
        args.pop_front();
        let mut value = |rest: &[u8]| if rest.is_empty() { args.pop_front().unwrap_or_default() } else { rest.to_vec() };
        match &arg[1..] {
            b"-" => break,
            b"-version" => {
                process
                    .out("mawk 1.3.4 20200120\nCopyright 2008-2019,2020, Thomas E. Dickey\nCopyright 1991-1996,2014, Michael D. Brennan\n")
                    .await?;
                return Ok(0);
            }
            [b'F', rest @ ..] => settings.push((b"FS".to_vec(), separator(&value(rest)))),
            [b'v', rest @ ..] => {
                let setting = value(rest);
                let Some(at) = setting.iter().position(|b| *b == b'=') else {
                    process.complain("improper assignment: -v").await?;
                    return Ok(2);
                };
                settings.push((setting[..at].to_vec(), lexer::unescape(&setting[at + 1..])));
            }
            [b'f', rest @ ..] => {
                let path = value(rest);
                match Source::open(process, &path) {
                    Ok(mut source) => text.get_or_insert_default().extend(source.rest(process, LINE_BYTES_MAX).await?),
                    Err(errno) => {
                        process.complain([b"cannot open ", &path[..], b" (", errno.message().as_bytes(), b")"].concat()).await?;
                        return Ok(2);
                    }
                }
            }
            [b'W', ..] => {}
            _ => {
                process.complain([b"not an option: ", &arg[..]].concat()).await?;
                return Ok(2);
            }
        }
    }
    let text = match text.or_else(|| args.pop_front()) {
        Some(text) => text,
        None => {
            process.err("Usage: mawk [Options] [Program] [file ...]\n\nProgram:\n    The -f option value is the name of a file containing program text.\n    If no -f option is given, a \"--\" ends option processing; the following\n    parameters are the program text.\n").await?;
            return Ok(2);
        }
    };
    let program = match lexer::lex(&text).and_then(parser::parse) {
        Ok(program) => program,
        Err((line, message)) => {
            process
                .complain(if process.busybox() { format!("cmd. line:{line}: Syntax error") } else { format!("line {line}: {message}") })
                .await?;
            return Ok(if process.busybox() { 1 } else { 2 });
        }
    };
    let mut machine = Machine::new(process.environment.iter().map(|(name, value)| (name.clone(), value.clone())), process.now());
    for (name, value) in settings {
        machine.set_variable(&String::from_utf8_lossy(&name), Value::Input(value));
    }
    machine.set_arguments(process.name(), &args);
    Awk { program: Arc::new(program), machine, input: None, files: args, ranges: Vec::new(), opened: false }.run(process).await
}

/// `-F t` is a tab, by an old custom.
fn separator(text: &[u8]) -> Vec<u8> {
    if text == b"t" { b"\t".to_vec() } else { lexer::unescape(text) }
}

struct Awk {
    program: Arc<Program>,
    machine: Machine,
    input: Option<Source>,
    files: VecDeque<Vec<u8>>,
    /// For each rule with a range, whether it has begun.
    ranges: Vec<bool>,
    opened: bool,
}

impl Awk {
    async fn run(mut self, process: &mut Process) -> Outcome {
        let program = self.program.clone();
        self.ranges = vec![false; program.rules.len()];
        let mut flow = Flow::Normal;
        for (pattern, action) in &program.rules {
            if let (Pattern::Begin, Some(action), Flow::Normal) = (pattern, action, &flow) {
                flow = self.block(process, action).await?;
            }
        }
        let reads = program.rules.iter().any(|(pattern, _)| !matches!(pattern, Pattern::Begin));
        if reads && !matches!(flow, Flow::Exit) {
            while let Some(record) = self.record(process).await? {
                process.charge(1).await?;
                self.machine.set_record(record, true);
                flow = self.rules(process, &program).await?;
                if matches!(flow, Flow::Exit) {
                    break;
                }
                if matches!(flow, Flow::NextFile) {
                    self.input = None;
                }
            }
        }
        if !self.machine.exiting_from_end {
            self.machine.exiting_from_end = true;
            for (pattern, action) in &program.rules {
                if let (Pattern::End, Some(action)) = (pattern, action)
                    && matches!(self.block(process, action).await?, Flow::Exit)
                {
                    break;
                }
            }
        }
        self.drain(process).await?;
        self.finish(process).await?;
        Ok(self.machine.status)
    }

    async fn rules(&mut self, process: &mut Process, program: &Program) -> Result<Flow, Stop> {
        for (index, (pattern, action)) in program.rules.iter().enumerate() {
            let selected = match pattern {
                Pattern::Begin | Pattern::End => false,
                Pattern::Always => true,
                Pattern::When(condition) => self.value(process, condition).await?.truth(),
                Pattern::Range(first, last) => {
                    let inside = self.ranges[index] || self.value(process, first).await?.truth();
                    if inside {
                        self.ranges[index] = !self.value(process, last).await?.truth();
                    }
                    inside
                }
            };
            if !selected {
                continue;
            }
            let flow = match action {
                None => {
                    self.machine.print_record();
                    Flow::Normal
                }
                Some(action) => self.block(process, action).await?,
            };
            self.drain(process).await?;
            if !matches!(flow, Flow::Normal) {
                return Ok(flow);
            }
        }
        Ok(Flow::Normal)
    }

    /// Runs statements one by one where they ask for commands or input, else all at once.
    async fn block(&mut self, process: &mut Process, statements: &[Stmt]) -> Result<Flow, Stop> {
        for statement in statements {
            let flow = self.statement(process, statement).await?;
            if !matches!(flow, Flow::Normal) {
                return Ok(flow);
            }
        }
        Ok(Flow::Normal)
    }

    fn statement<'a>(&'a mut self, process: &'a mut Process, statement: &'a Stmt) -> crate::BoxFuture<'a, Result<Flow, Stop>> {
        Box::pin(async move {
            if !run::waits(statement) {
                let program = self.program.clone();
                let before = self.machine.steps;
                let flow = self.machine.execute(&program, statement);
                process.charge((self.machine.steps - before) / 16).await?;
                if let Some(message) = self.machine.failure.take() {
                    process.flush().await?;
                    process.complain(message).await?;
                    self.machine.status = 2;
                    self.machine.exiting_from_end = true;
                    return Ok(Flow::Exit);
                }
                self.drain(process).await?;
                return Ok(flow);
            }
            process.charge(1).await?;
            match statement {
                Stmt::Block(body) => self.block(process, body).await,
                Stmt::If(condition, then, otherwise) => {
                    let branch = if self.value(process, condition).await?.truth() { then } else { otherwise };
                    self.block(process, branch).await
                }
                Stmt::While(condition, body) => {
                    while self.value(process, condition).await?.truth() {
                        process.charge(1).await?;
                        match self.block(process, body).await? {
                            Flow::Break => break,
                            Flow::Normal | Flow::Continue => {}
                            other => return Ok(other),
                        }
                    }
                    Ok(Flow::Normal)
                }
                Stmt::For(start, condition, step, body) => {
                    if let Some(start) = start {
                        self.statement(process, start).await?;
                    }
                    loop {
                        if let Some(condition) = condition
                            && !self.value(process, condition).await?.truth()
                        {
                            return Ok(Flow::Normal);
                        }
                        process.charge(1).await?;
                        match self.block(process, body).await? {
                            Flow::Break => return Ok(Flow::Normal),
                            Flow::Normal | Flow::Continue => {}
                            other => return Ok(other),
                        }
                        if let Some(step) = step {
                            self.statement(process, step).await?;
                        }
                    }
                }
                Stmt::ForIn(variable, array, body) => {
                    for key in self.machine.keys(array) {
                        self.machine.set_variable(variable, Value::Input(key));
                        match self.block(process, body).await? {
                            Flow::Break => break,
                            Flow::Normal | Flow::Continue => {}
                            other => return Ok(other),
                        }
                    }
                    Ok(Flow::Normal)
                }
                other => {
                    self.prepare_statement(process, other).await?;
                    let program = self.program.clone();
                    let flow = self.machine.execute(&program, other);
                    self.drain(process).await?;
                    Ok(flow)
                }
            }
        })
    }

    async fn prepare_statement(&mut self, process: &mut Process, statement: &Stmt) -> Result<(), Stop> {
        let mut expressions = Vec::new();
        run::expressions(statement, &mut expressions);
        for expression in expressions {
            self.prepare(process, expression).await?;
        }
        Ok(())
    }

    async fn value(&mut self, process: &mut Process, expression: &Expr) -> Result<Value, Stop> {
        self.prepare(process, expression).await?;
        let program = self.program.clone();
        let value = self.machine.evaluate(&program, expression);
        self.drain(process).await?;
        Ok(value)
    }

    /// Gets what an expression will ask for: the next record, or a command's output or status.
    async fn prepare(&mut self, process: &mut Process, expression: &Expr) -> Result<(), Stop> {
        let mut asks = Vec::new();
        run::asks(expression, &mut asks);
        for ask in asks {
            match ask {
                Expr::Getline(From::Input, _) if self.machine.waiting.is_empty() => {
                    if let Some(record) = self.record(process).await? {
                        self.machine.waiting.push_back(record);
                    }
                }
                Expr::Getline(From::Command(command), _) => {
                    let program = self.program.clone();
                    let command = self.machine.evaluate(&program, command).text();
                    if !self.machine.has_pipe(&command) {
                        self.drain(process).await?;
                        let output = self.output_of(process, &command).await?;
                        self.machine.open_pipe(command, output);
                    }
                }
                Expr::Getline(From::File(path), _) => {
                    let program = self.program.clone();
                    let path = self.machine.evaluate(&program, path).text();
                    if !self.machine.has_pipe(&path) {
                        let content = match Source::open(process, &path) {
                            Ok(mut source) => Some(source.rest(process, WHOLE_BYTES_MAX).await?),
                            Err(_) => None,
                        };
                        match content {
                            Some(content) => self.machine.open_pipe(path, content),
                            None => self.machine.no_file(path),
                        }
                    }
                }
                Expr::Builtin("system", arguments) => {
                    let program = self.program.clone();
                    let command = arguments.first().map(|e| self.machine.evaluate(&program, e).text()).unwrap_or_default();
                    self.drain(process).await?;
                    process.flush().await?;
                    let status = process.run(vec![b"/bin/sh".to_vec(), b"-c".to_vec(), command]).await.map_or(127, crate::Status::code);
                    self.machine.statuses.push_back(f64::from(status));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn output_of(&mut self, process: &mut Process, command: &[u8]) -> Result<Vec<u8>, Stop> {
        let (reader, writer) = crate::pipe();
        let launch =
            Launch { descriptors: vec![(STDOUT, writer)], ..Launch::new(vec![b"/bin/sh".to_vec(), b"-c".to_vec(), command.to_vec()]) };
        let Ok(task) = process.launch(launch).await else { return Ok(Vec::new()) };
        let mut output = Vec::new();
        while output.len() < WHOLE_BYTES_MAX {
            let bytes = reader.read(32 * 1024).await.unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            output.extend(bytes);
        }
        drop(reader);
        process.wait(&task).await;
        Ok(output)
    }

    /// The next record of the input, over all files and assignments among the operands.
    async fn record(&mut self, process: &mut Process) -> Result<Option<Vec<u8>>, Stop> {
        loop {
            if let Some(source) = &mut self.input {
                let separator = self.machine.record_separator();
                let record = match &separator[..] {
                    [] => paragraph(process, source).await?,
                    [byte, ..] => source.until(process, *byte).await?.map(|mut record| {
                        if record.last() == Some(byte) {
                            record.pop();
                        }
                        record
                    }),
                };
                if record.is_some() {
                    return Ok(record);
                }
                self.input = None;
            }
            let Some(name) = self.files.pop_front() else {
                if self.opened {
                    return Ok(None);
                }
                self.opened = true;
                self.input = Some(Source::stdin());
                continue;
            };
            let assignment = name
                .iter()
                .position(|b| *b == b'=')
                .filter(|at| *at > 0 && name[..*at].iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_'));
            if let Some(at) = assignment {
                let value = Value::Input(lexer::unescape(&name[at + 1..]));
                self.machine.set_variable(&String::from_utf8_lossy(&name[..at]), value);
                continue;
            }
            self.opened = true;
            match Source::open(process, &name) {
                Ok(source) => {
                    self.machine.start_file(&name);
                    self.input = Some(source);
                }
                Err(errno) => {
                    self.drain(process).await?;
                    process.flush().await?;
                    let message = if process.busybox() {
                        [&name[..], b": ", errno.message().as_bytes()].concat()
                    } else {
                        [b"cannot open ", &name[..], b" (", errno.message().as_bytes(), b")"].concat()
                    };
                    process.complain(message).await?;
                    self.machine.status = 2;
                }
            }
        }
    }

    /// Writes what the program has printed.
    async fn drain(&mut self, process: &mut Process) -> Result<(), Stop> {
        if !self.machine.out.is_empty() {
            let out = std::mem::take(&mut self.machine.out);
            process.out(out).await?;
        }
        Ok(())
    }

    /// Writes files and feeds commands that were printed to.
    async fn finish(&mut self, process: &mut Process) -> Result<(), Stop> {
        for ((sign, target), content) in std::mem::take(&mut self.machine.redirected) {
            match (sign, &target[..]) {
                ("|", command) => {
                    process.flush().await?;
                    let input = Arc::new(OpenFile::bytes(content));
                    let launch = Launch {
                        descriptors: vec![(STDIN, input)],
                        ..Launch::new(vec![b"/bin/sh".to_vec(), b"-c".to_vec(), command.to_vec()])
                    };
                    if let Ok(task) = process.launch(launch).await {
                        process.wait(&task).await;
                    }
                }
                (_, b"/dev/stdout" | b"-") => process.out(content).await?,
                (_, b"/dev/stderr") => process.err(content).await?,
                (sign, path) => {
                    let opened = process.files().open(path, OpenOptions { truncate: sign == ">", ..OpenOptions::CREATE });
                    if let Err(errno) = opened.and_then(|node| node.write_at(if sign == ">" { 0 } else { node.size() }, &content)) {
                        process.complain([b"cannot open \"", path, b"\" for output (", errno.message().as_bytes(), b")"].concat()).await?;
                        self.machine.status = 2;
                    }
                }
            }
        }
        Ok(())
    }
}

/// `RS = ""`: records are separated by empty lines.
async fn paragraph(process: &mut Process, source: &mut Source) -> Result<Option<Vec<u8>>, Stop> {
    let mut record: Option<Vec<u8>> = None;
    while let Some(line) = source.line(process).await? {
        let text = super::source::chomp(&line);
        if text.is_empty() {
            if record.is_some() {
                break;
            }
            continue;
        }
        let record = record.get_or_insert_default();
        if !record.is_empty() {
            record.push(b'\n');
        }
        record.extend_from_slice(text);
        if record.len() > LINE_BYTES_MAX {
            break;
        }
    }
    Ok(record)
}
