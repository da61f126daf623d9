//! The interpreter: one [`Shell`] is one shell process.

mod arrays;
mod assign;
mod background;
mod brace;
mod condition;
mod execute;
mod expand;
mod external;
mod fields;
mod globbing;
mod message;
pub(crate) mod options;
mod parameter;
mod prompt;
mod redirect;
mod source;
mod special;
mod substitute;
mod variables;

pub(crate) use arrays::attribute_letters;
pub(crate) use background::{DEBUG, ERR, EXIT, Job, RETURN};
pub(crate) use condition::compare;
pub(crate) use fields::Field;
pub(crate) use message::Source;
pub(crate) use options::Options;
pub(crate) use source::{run_script, start};
pub(crate) use substitute::{quote, quote_if_needed};
pub(crate) use variables::{Refusal, Value, Variable, Variables, hash_order};

use crate::command::{Process, Stop};
use crate::parse::ast::{AndOr, Function};
use crate::parse::{Aliases, Dialect};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How deep commands, functions, `eval` and `source` may nest while they run: each level takes stack.
pub(crate) const DEPTH_MAX: usize = 250;

/// How a command ends other than with a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// `break n`
    Break(u32),
    /// `continue n`
    Continue(u32),
    /// `return n`
    Return(u8),
    /// `exit n`, and errors that end a shell that is not interactive.
    Exit(u8),
    /// An error that ends what was read together with it; the shell goes on with the next line.
    Abort(u8),
    /// Ctrl-C at an interactive shell.
    Interrupt,
    /// The process ends.
    Stop(Stop),
}

impl From<Stop> for Flow {
    fn from(stop: Stop) -> Flow {
        Flow::Stop(stop)
    }
}

/// What running something comes to.
pub(crate) type Ran = Result<u8, Flow>;

/// A shell.
pub(crate) struct Shell {
    pub process: Process,
    pub dialect: Dialect,
    pub source: Source,
    pub options: Options,
    pub variables: Variables,
    pub functions: Arc<BTreeMap<Vec<u8>, Arc<Function>>>,
    pub aliases: Arc<Aliases>,
    /// `$0`
    pub name: Vec<u8>,
    /// `$1` and on.
    pub positional: Arc<[Vec<u8>]>,
    /// `$?`
    pub status: u8,
    /// `$$`, which a subshell has from its parent.
    pub pid: u32,
    /// `$!`
    pub last_background: Option<u32>,
    /// The last argument of the command before, `$_`.
    pub last_argument: Vec<u8>,
    pub jobs: Vec<Job>,
    /// What `trap` set, by signal; 0 is EXIT, the rest above 64 are bash's own.
    pub traps: Arc<BTreeMap<u8, Vec<u8>>>,
    /// The directories below the top of `pushd`'s stack.
    pub directories: Vec<Vec<u8>>,
    pub history: Arc<Vec<Vec<u8>>>,
    /// The line being run.
    pub line: u32,
    depth: usize,
    /// Loops around the running command: what `break` may leave.
    pub loops: u32,
    /// Above 0 where a failing command does not end the shell under `set -e`.
    tested: u32,
    /// Functions being run, the innermost last, with the line they were called from.
    pub calls: Vec<(Vec<u8>, u32)>,
    /// Files being sourced.
    pub sourcing: u32,
    /// In a forked part of a shell.
    pub subshell: u32,
    /// The builtin being run, for ash's messages.
    pub builtin: Option<&'static str>,
    /// Where `getopts` stands inside an argument.
    pub getopts: usize,
    /// State of `$RANDOM`.
    random: u32,
    /// When `$SECONDS` was 0.
    seconds_from: model::Timestamp,
    /// Status of the last command substitution of the running command.
    substituted: Option<u8>,
    trap_running: bool,
    /// The command about to run is this process's last: a program takes its place.
    pub replaces: bool,
    /// What is being run, for messages about it.
    running: Option<Arc<AndOr>>,
    /// `$PIPESTATUS`
    pub pipe_statuses: Vec<u8>,
    /// Builtins switched off by `enable -n`.
    disabled: Vec<&'static str>,
}

impl Shell {
    /// A shell in a process.
    pub fn new(process: Process, dialect: Dialect, source: Source) -> Shell {
        let name = process.args.first().cloned().unwrap_or_default();
        let variables = Variables::new(process.session.clone(), &process.environment);
        let pid = process.task.pid;
        let seconds_from = process.now();
        let seed = process.machine().host().instance().seed as u32;
        let mut shell = Shell {
            dialect,
            source,
            options: Options::default(),
            variables,
            functions: Arc::default(),
            aliases: Arc::default(),
            name,
            positional: [].into(),
            status: 0,
            pid,
            last_background: None,
            last_argument: Vec::new(),
            jobs: Vec::new(),
            traps: Arc::default(),
            directories: Vec::new(),
            history: Arc::default(),
            line: 1,
            depth: 0,
            loops: 0,
            tested: 0,
            calls: Vec::new(),
            sourcing: 0,
            subshell: 0,
            builtin: None,
            getopts: 0,
            random: seed ^ pid.wrapping_mul(2_654_435_761) ^ seconds_from.0 as u32,
            seconds_from,
            substituted: None,
            trap_running: false,
            replaces: false,
            running: None,
            pipe_statuses: Vec::new(),
            disabled: Vec::new(),
            process,
        };
        shell.prepare_variables();
        shell
    }

    /// A copy in a process of its own; `Eagain` when there are too many.
    pub fn fork(&self, group: crate::exec::Group) -> Result<Shell, crate::Errno> {
        let args = self.process.task.args().to_vec();
        let process = crate::exec::fork(&self.process, args, group)?;
        let mut options = self.options.clone();
        // A subshell speaks as its shell does, but is nobody's: it controls no jobs and handles no signal but those it ignores.
        options.set_named("monitor", false);
        Ok(Shell {
            process,
            dialect: self.dialect,
            source: self.source.clone(),
            options,
            variables: self.variables.fork(),
            functions: self.functions.clone(),
            aliases: self.aliases.clone(),
            name: self.name.clone(),
            positional: self.positional.clone(),
            status: self.status,
            pid: self.pid,
            last_background: self.last_background,
            last_argument: self.last_argument.clone(),
            jobs: Vec::new(),
            traps: Arc::default(),
            directories: self.directories.clone(),
            history: self.history.clone(),
            line: self.line,
            depth: 0,
            loops: self.loops,
            tested: self.tested,
            calls: self.calls.clone(),
            sourcing: self.sourcing,
            subshell: self.subshell + 1,
            builtin: None,
            getopts: self.getopts,
            random: self.random.wrapping_add(self.process.task.pid),
            seconds_from: self.seconds_from,
            substituted: None,
            trap_running: false,
            replaces: false,
            running: None,
            pipe_statuses: Vec::new(),
            disabled: self.disabled.clone(),
        })
    }

    /// Whether a builtin is switched off.
    pub fn disabled(&self, name: &str) -> bool {
        self.disabled.contains(&name)
    }

    /// Switches a builtin off or on.
    pub fn disable(&mut self, name: &'static str, off: bool) {
        self.disabled.retain(|known| *known != name);
        if off {
            self.disabled.push(name);
        }
    }

    /// The running shell's own name for bash: whether it is that dialect.
    pub fn bash(&self) -> bool {
        self.dialect == Dialect::Bash
    }

    /// A variable's text, special variables included; empty when it is not set.
    pub fn text(&self, name: &[u8]) -> Vec<u8> {
        self.lookup(name).unwrap_or_default()
    }
}
