//! What a parsed line is made of.

use std::sync::{Arc, OnceLock};

/// Commands in sequence.
#[derive(Debug, Default)]
pub(crate) struct List(pub Vec<Item>);

/// One and-or list of a sequence.
#[derive(Debug)]
pub(crate) struct Item {
    pub and_or: Arc<AndOr>,
    /// Ended by `&`.
    pub background: bool,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(crate) struct AndOr {
    pub first: Pipeline,
    /// `true` for `&&`.
    pub rest: Vec<(bool, Pipeline)>,
    /// As written, for `jobs` and messages about killed processes.
    pub text: Box<[u8]>,
}

/// Commands joined by `|`.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub negated: bool,
    /// `time`, and whether with `-p`.
    pub timed: Option<bool>,
    pub commands: Vec<Arc<Command>>,
}

/// A command with its redirections.
#[derive(Debug)]
pub(crate) struct Command {
    pub kind: Kind,
    pub redirects: Vec<Redirect>,
    pub line: u32,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Simple { assignments: Vec<Assignment>, words: Vec<Word> },
    Brace(List),
    Subshell(Arc<List>),
    If { arms: Vec<(List, List)>, otherwise: Option<List> },
    Loop { until: bool, condition: List, body: List },
    For { name: Vec<u8>, words: Option<Vec<Word>>, body: List },
    Select { name: Vec<u8>, words: Option<Vec<Word>>, body: List },
    ArithmeticFor { start: Word, condition: Word, step: Word, body: List },
    Case { word: Word, arms: Vec<Arm> },
    Arithmetic(Word),
    Condition(Condition),
    Function { name: Vec<u8>, body: Arc<Function> },
}

/// A function's body, kept beyond the line that defined it.
#[derive(Debug)]
pub(crate) struct Function {
    pub command: Arc<Command>,
    /// The definition as written.
    pub text: Box<[u8]>,
}

#[derive(Debug)]
pub(crate) struct Arm {
    pub patterns: Vec<Word>,
    pub body: List,
    pub end: ArmEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArmEnd {
    /// `;;`
    Break,
    /// `;&`
    FallThrough,
    /// `;;&`
    TestNext,
}

/// `[[ … ]]`.
#[derive(Debug)]
pub(crate) enum Condition {
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Unary(u8, Word),
    Binary(Vec<u8>, Word, Word),
    /// A word alone: whether it is not empty.
    Word(Word),
}

#[derive(Debug)]
pub(crate) struct Assignment {
    pub name: Vec<u8>,
    pub index: Option<Word>,
    /// `+=`
    pub append: bool,
    pub value: Assigned,
}

#[derive(Debug)]
pub(crate) enum Assigned {
    Word(Word),
    /// `(a b [k]=v)`: an optional subscript, whether `+=`, and the value.
    Array(Vec<(Option<Word>, bool, Word)>),
}

#[derive(Debug)]
pub(crate) struct Redirect {
    /// `3>`, `{name}>`, or the operator's own.
    pub descriptor: Descriptor,
    pub kind: RedirectKind,
    pub target: Target,
}

#[derive(Debug)]
pub(crate) enum Descriptor {
    Default,
    Number(u32),
    Variable(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedirectKind {
    /// `<`
    Read,
    /// `>`
    Write,
    /// `>|`
    Clobber,
    /// `>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `<&`
    DuplicateInput,
    /// `>&`
    DuplicateOutput,
    /// `&>`
    Both,
    /// `&>>`
    BothAppend,
    /// `<<` and `<<-`
    Document,
    /// `<<<`
    String,
}

#[derive(Debug)]
pub(crate) enum Target {
    Word(Word),
    /// Filled when the line's end is reached.
    Document(Arc<OnceLock<Word>>),
}

/// A word before expansion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word(pub Vec<Part>);

#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Unquoted text.
    Text(Vec<u8>),
    /// Text that was quoted in any way.
    Quoted(Vec<u8>),
    /// `"…"`
    Double(Vec<Part>),
    Parameter(Arc<Parameter>),
    /// `$(…)` and `` `…` ``
    Command(Arc<List>),
    /// `$((…))`
    Arithmetic(Arc<Word>),
    /// `<(…)` (`true`) and `>(…)`
    Process(bool, Arc<List>),
    /// Extended glob syntax, kept as written.
    Pattern(Vec<u8>),
    /// `${…}` that makes no sense, as written; an error only when it is expanded.
    Bad(Vec<u8>),
}

#[derive(Debug)]
pub(crate) struct Parameter {
    /// A name, digits, or one of `@*#?-$!`.
    pub name: Vec<u8>,
    pub index: Option<Index>,
    /// `${!…}`
    pub indirect: bool,
    pub operation: Operation,
}

#[derive(Debug)]
pub(crate) enum Index {
    /// `[@]`
    All,
    /// `[*]`
    Joined,
    At(Word),
}

#[derive(Debug)]
pub(crate) enum Operation {
    Plain,
    /// `${#x}`
    Length,
    /// `-`, `=`, `?`, `+`, and whether with `:`.
    Default {
        kind: u8,
        colon: bool,
        word: Word,
    },
    Trim {
        suffix: bool,
        longest: bool,
        pattern: Word,
    },
    Replace {
        all: bool,
        anchor: Option<u8>,
        pattern: Word,
        with: Word,
    },
    Case {
        upper: bool,
        all: bool,
        pattern: Option<Word>,
    },
    Slice {
        offset: Word,
        length: Option<Word>,
    },
    Transform(u8),
    /// `${!prefix*}` and `${!prefix@}`
    Names(bool),
    /// `${!a[@]}` and `${!a[*]}`
    Keys,
}

impl Word {
    /// A word of plain text.
    pub fn text(text: &[u8]) -> Word {
        Word(vec![Part::Text(text.to_vec())])
    }

    /// Its text, when it is nothing but unquoted text.
    pub fn literal(&self) -> Option<&[u8]> {
        match &self.0[..] {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}
