//! Running an awk program: variables, fields, expressions, statements.

use super::parser::{Expr, From, Program, Stmt};
use super::value::{Value, format, show};
use crate::commands::pattern::{Syntax, compile};
use model::Timestamp;
use regex::bytes::Regex;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// Expressions and statements one program runs before it seems to hang and is ended.
const STEPS_MAX: u64 = 5_000_000;
/// Bytes a program holds in variables, roughly; beyond it, it is out of memory.
const MEMORY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How deep functions call each other.
const CALLS_MAX: usize = 40;
/// How deep expressions and statements are evaluated within each other, calls included: each level takes stack.
const DEPTH_MAX: usize = 260;
/// Compiled patterns kept.
const PATTERNS_MAX: usize = 200;
/// Fields of one record.
const FIELDS_MAX: usize = 100_000;

#[derive(Debug, PartialEq)]
pub(super) enum Flow {
    Normal,
    Break,
    Continue,
    Next,
    NextFile,
    Exit,
    Return,
}

type Array = BTreeMap<Vec<u8>, Value>;

#[derive(Default)]
struct Frame {
    values: HashMap<String, Value>,
    /// A parameter that is an array of the caller's, by its global name.
    arrays: HashMap<String, String>,
}

pub(super) struct Machine {
    variables: HashMap<String, Value>,
    arrays: HashMap<String, Array>,
    frames: Vec<Frame>,
    record: Vec<u8>,
    fields: Vec<Vec<u8>>,
    split: bool,
    number: u64,
    file_number: u64,
    patterns: HashMap<Vec<u8>, Option<Arc<Regex>>>,
    pipes: HashMap<Vec<u8>, Option<VecDeque<Vec<u8>>>>,
    result: Value,
    memory: usize,
    seed: u64,
    now: Timestamp,
    depth: usize,
    pub steps: u64,
    pub out: Vec<u8>,
    pub redirected: BTreeMap<(&'static str, Vec<u8>), Vec<u8>>,
    pub waiting: VecDeque<Vec<u8>>,
    pub statuses: VecDeque<f64>,
    pub status: u8,
    pub exiting_from_end: bool,
    pub failure: Option<String>,
}

impl Machine {
    pub fn new(environment: impl Iterator<Item = (Vec<u8>, Vec<u8>)>, now: Timestamp) -> Machine {
        let mut machine = Machine {
            variables: HashMap::new(),
            arrays: HashMap::new(),
            frames: Vec::new(),
            record: Vec::new(),
            fields: Vec::new(),
            split: true,
            number: 0,
            file_number: 0,
            patterns: HashMap::new(),
            pipes: HashMap::new(),
            result: Value::Unset,
            memory: 0,
            seed: now.0 as u64,
            now,
            depth: 0,
            steps: 0,
            out: Vec::new(),
            redirected: BTreeMap::new(),
            waiting: VecDeque::new(),
            statuses: VecDeque::new(),
            status: 0,
            exiting_from_end: false,
            failure: None,
        };
        for (name, text) in
            [("FS", " "), ("OFS", " "), ("ORS", "\n"), ("RS", "\n"), ("SUBSEP", "\x1c"), ("OFMT", "%.6g"), ("CONVFMT", "%.6g")]
        {
            machine.variables.insert(name.to_owned(), Value::Text(text.as_bytes().to_vec()));
        }
        let environment = environment.map(|(name, value)| (name, Value::Input(value))).collect();
        machine.arrays.insert("ENVIRON".to_owned(), environment);
        machine
    }

    pub fn set_arguments(&mut self, name: &[u8], files: &VecDeque<Vec<u8>>) {
        let all: Array = std::iter::once(name.to_vec())
            .chain(files.iter().cloned())
            .enumerate()
            .map(|(at, arg)| (at.to_string().into_bytes(), Value::Input(arg)))
            .collect();
        self.variables.insert("ARGC".to_owned(), Value::Number(all.len() as f64));
        self.arrays.insert("ARGV".to_owned(), all);
    }

    fn charge_memory(&mut self, bytes: usize) -> bool {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory > MEMORY_BYTES_MAX && self.failure.is_none() {
            self.failure = Some("out of memory".to_owned());
        }
        self.memory <= MEMORY_BYTES_MAX
    }

    fn tick(&mut self) -> bool {
        self.steps += 1;
        if self.steps > STEPS_MAX && self.failure.is_none() {
            self.failure = Some("run time error: time limit exceeded".to_owned());
        }
        self.failure.is_none()
    }

    // --- records and fields

    pub fn start_file(&mut self, name: &[u8]) {
        self.file_number = 0;
        self.variables.insert("FILENAME".to_owned(), Value::Input(name.to_vec()));
    }

    pub fn set_record(&mut self, record: Vec<u8>, counts: bool) {
        if counts {
            self.number += 1;
            self.file_number += 1;
        }
        self.record = record;
        self.split = false;
    }

    pub fn print_record(&mut self) {
        let separator = self.global("ORS").text();
        self.out.extend_from_slice(&self.record);
        self.out.extend(separator);
    }

    pub fn record_separator(&self) -> Vec<u8> {
        self.global("RS").text()
    }

    fn global(&self, name: &str) -> Value {
        self.variables.get(name).cloned().unwrap_or_default()
    }

    fn split_record(&mut self) {
        if !self.split {
            let separator = self.global("FS").text();
            let record = std::mem::take(&mut self.record);
            self.fields = self.split_text(&record, &separator);
            self.record = record;
            self.split = true;
        }
    }

    fn split_text(&mut self, text: &[u8], separator: &[u8]) -> Vec<Vec<u8>> {
        if text.is_empty() {
            return Vec::new();
        }
        match separator {
            b" " => text
                .split(|b| matches!(b, b' ' | b'\t' | b'\n'))
                .filter(|field| !field.is_empty())
                .take(FIELDS_MAX)
                .map(<[u8]>::to_vec)
                .collect(),
            [] => text.iter().take(FIELDS_MAX).map(|b| vec![*b]).collect(),
            [byte] => text.split(|b| b == byte).take(FIELDS_MAX).map(<[u8]>::to_vec).collect(),
            pattern => match self.pattern(pattern) {
                Some(regex) => regex.split(text).take(FIELDS_MAX).map(<[u8]>::to_vec).collect(),
                None => vec![text.to_vec()],
            },
        }
    }

    fn join_record(&mut self) {
        let separator = self.global("OFS").text();
        self.record = self.fields.join(&separator[..]);
    }

    fn field(&mut self, index: f64) -> Value {
        if index == 0.0 {
            return Value::Input(self.record.clone());
        }
        self.split_record();
        match self.fields.get((index.max(0.0) as usize).wrapping_sub(1)) {
            Some(field) => Value::Input(field.clone()),
            None => Value::Unset,
        }
    }

    fn set_field(&mut self, index: f64, text: Vec<u8>) {
        if index == 0.0 {
            self.set_record(text, false);
            return;
        }
        let index = index.max(0.0) as usize;
        if index == 0 || index > FIELDS_MAX {
            self.failure = Some(format!("run time error: negative field index $-{index}"));
            return;
        }
        self.split_record();
        if self.fields.len() < index {
            self.fields.resize(index, Vec::new());
        }
        self.fields[index - 1] = text;
        self.join_record();
    }

    // --- variables

    pub fn set_variable(&mut self, name: &str, value: Value) {
        if let Value::Text(text) | Value::Input(text) = &value
            && text.len() > 1024
            && !self.charge_memory(text.len())
        {
            return;
        }
        if let Some(frame) = self.frames.last_mut()
            && let Some(slot) = frame.values.get_mut(name)
        {
            *slot = value;
            return;
        }
        match name {
            "NF" => {
                self.split_record();
                self.fields.resize(value.number().clamp(0.0, FIELDS_MAX as f64) as usize, Vec::new());
                self.join_record();
            }
            "NR" => self.number = value.number().max(0.0) as u64,
            "FNR" => self.file_number = value.number().max(0.0) as u64,
            _ => _ = self.variables.insert(name.to_owned(), value),
        }
    }

    fn variable(&mut self, name: &str) -> Value {
        if let Some(value) = self.frames.last().and_then(|frame| frame.values.get(name)) {
            return value.clone();
        }
        match name {
            "NF" => {
                self.split_record();
                Value::Number(self.fields.len() as f64)
            }
            "NR" => Value::Number(self.number as f64),
            "FNR" => Value::Number(self.file_number as f64),
            _ => self.global(name),
        }
    }

    /// The global name of an array as a function knows it.
    fn array_name(&mut self, name: &str) -> String {
        let depth = self.frames.len();
        match self.frames.last_mut() {
            Some(frame) => {
                if let Some(global) = frame.arrays.get(name) {
                    return global.clone();
                }
                if frame.values.contains_key(name) {
                    // A local array: it lives under a name no program can write, until the call ends.
                    let global = format!("{name}\u{0}{depth}");
                    frame.arrays.insert(name.to_owned(), global.clone());
                    return global;
                }
                name.to_owned()
            }
            None => name.to_owned(),
        }
    }

    fn array(&mut self, name: &str) -> &mut Array {
        let name = self.array_name(name);
        self.arrays.entry(name).or_default()
    }

    /// An array's keys: numbers in order, then the rest.
    pub fn keys(&mut self, name: &str) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = self.array(name).keys().cloned().collect();
        keys.sort_by_key(|key| {
            std::str::from_utf8(key).ok().and_then(|text| text.parse::<i64>().ok()).map_or((1, 0), |number| (0, number))
        });
        keys
    }

    fn subscript(&mut self, program: &Program, parts: &[Expr]) -> Vec<u8> {
        let separator = self.global("SUBSEP").text();
        let parts: Vec<Vec<u8>> = parts.iter().map(|part| self.evaluate(program, part).text()).collect();
        parts.join(&separator[..])
    }

    fn pattern(&mut self, text: &[u8]) -> Option<Arc<Regex>> {
        if let Some(known) = self.patterns.get(text) {
            return known.clone();
        }
        if self.patterns.len() >= PATTERNS_MAX {
            self.patterns.clear();
        }
        let compiled = compile(text, Syntax::Extended, false).ok().map(Arc::new);
        self.patterns.insert(text.to_vec(), compiled.clone());
        compiled
    }

    fn expression_pattern(&mut self, program: &Program, expression: &Expr) -> Option<Arc<Regex>> {
        let text = match expression {
            Expr::Regex(text) => text.clone(),
            other => self.evaluate(program, other).text(),
        };
        let found = self.pattern(&text);
        if found.is_none() && self.failure.is_none() {
            self.failure = Some(format!("regular expression compile failed ({})", String::from_utf8_lossy(&text)));
        }
        found
    }

    // --- pipes and files read

    pub fn has_pipe(&self, name: &[u8]) -> bool {
        self.pipes.contains_key(name)
    }

    pub fn open_pipe(&mut self, name: Vec<u8>, content: Vec<u8>) {
        self.charge_memory(content.len());
        let content = content.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(content);
        let lines = if content.is_empty() { VecDeque::new() } else { content.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect() };
        self.pipes.insert(name, Some(lines));
    }

    pub fn no_file(&mut self, name: Vec<u8>) {
        self.pipes.insert(name, None);
    }

    fn getline(&mut self, program: &Program, from: &From, target: Option<&Expr>) -> Value {
        let line = match from {
            From::Input => {
                let line = self.waiting.pop_front();
                if line.is_some() {
                    self.number += 1;
                    self.file_number += 1;
                }
                line
            }
            From::File(name) | From::Command(name) => {
                let name = self.evaluate(program, name).text();
                match self.pipes.get_mut(&name) {
                    Some(Some(lines)) => lines.pop_front(),
                    _ => return Value::Number(-1.0),
                }
            }
        };
        let Some(line) = line else { return Value::Number(0.0) };
        match target {
            Some(target) => self.assign(program, target, Value::Input(line)),
            None => self.set_record(line, false),
        }
        Value::Number(1.0)
    }

    // --- expressions

    fn assign(&mut self, program: &Program, target: &Expr, value: Value) {
        match target {
            Expr::Variable(name) => self.set_variable(name, value),
            Expr::Field(index) => {
                let index = self.evaluate(program, index).number();
                self.set_field(index, value.text());
            }
            Expr::Element(name, parts) => {
                let key = self.subscript(program, parts);
                let bytes = key.len() + 64 + if let Value::Text(text) | Value::Input(text) = &value { text.len() } else { 0 };
                if self.array(name).contains_key(&key) || self.charge_memory(bytes) {
                    self.array(name).insert(key, value);
                }
            }
            Expr::Group(inner) => self.assign(program, inner, value),
            _ => {}
        }
    }

    /// Goes one level deeper, unless that is too deep.
    fn descend(&mut self) -> bool {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.failure.get_or_insert_with(|| "function call nesting too deep".to_owned());
        }
        self.tick()
    }

    pub fn evaluate(&mut self, program: &Program, expression: &Expr) -> Value {
        let value = if self.descend() { self.evaluate_inner(program, expression) } else { Value::Unset };
        self.depth -= 1;
        value
    }

    fn evaluate_inner(&mut self, program: &Program, expression: &Expr) -> Value {
        let truth = |holds: bool| Value::Number(f64::from(u8::from(holds)));
        match expression {
            Expr::Number(value) => Value::Number(*value),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Group(inner) => self.evaluate(program, inner),
            Expr::Regex(_) => {
                let regex = self.expression_pattern(program, expression);
                truth(regex.is_some_and(|regex| regex.is_match(&self.record)))
            }
            Expr::Variable(name) => self.variable(name),
            Expr::Field(index) => {
                let index = self.evaluate(program, index).number();
                self.field(index)
            }
            Expr::Element(name, parts) => {
                let key = self.subscript(program, parts);
                if let Some(value) = self.array(name).get(&key) {
                    return value.clone();
                }
                // Asking for an element makes it.
                if self.charge_memory(key.len() + 64) {
                    self.array(name).insert(key, Value::Unset);
                }
                Value::Unset
            }
            Expr::Assign(sign, target, value) => {
                let value = self.evaluate(program, value);
                let value = match *sign {
                    "=" => value,
                    sign => {
                        let before = self.evaluate(program, target).number();
                        Machine::arithmetic(&sign[..1], before, value.number())
                    }
                };
                self.assign(program, target, value.clone());
                value
            }
            Expr::Ternary(condition, yes, no) => {
                let branch = if self.evaluate(program, condition).truth() { yes } else { no };
                self.evaluate(program, branch)
            }
            Expr::Or(left, right) => truth(self.evaluate(program, left).truth() || self.evaluate(program, right).truth()),
            Expr::And(left, right) => truth(self.evaluate(program, left).truth() && self.evaluate(program, right).truth()),
            Expr::In(parts, array) => {
                let key = self.subscript(program, parts);
                truth(self.array(array).contains_key(&key))
            }
            Expr::Match(wanted, left, right) => {
                let text = self.evaluate(program, left).text();
                let regex = self.expression_pattern(program, right);
                truth(regex.is_some_and(|regex| regex.is_match(&text)) == *wanted)
            }
            Expr::Compare(sign, left, right) => {
                let (a, b) = (self.evaluate(program, left), self.evaluate(program, right));
                let order = match (a.numeric(), b.numeric()) {
                    (Some(x), Some(y)) => x.partial_cmp(&y),
                    _ => Some(a.text().cmp(&b.text())),
                };
                truth(order.is_some_and(|order| match *sign {
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    "==" => order.is_eq(),
                    ">=" => order.is_ge(),
                    ">" => order.is_gt(),
                    _ => order.is_ne(),
                }))
            }
            Expr::Concat(left, right) => {
                let mut text = self.evaluate(program, left).text();
                text.extend(self.evaluate(program, right).text());
                if text.len() > 1024 && !self.charge_memory(text.len() / 8) {
                    return Value::Unset;
                }
                Value::Text(text)
            }
            Expr::Arithmetic(sign, left, right) => {
                let (a, b) = (self.evaluate(program, left).number(), self.evaluate(program, right).number());
                Machine::arithmetic(sign, a, b)
            }
            Expr::Not(inner) => truth(!self.evaluate(program, inner).truth()),
            Expr::Negate(inner) => Value::Number(-self.evaluate(program, inner).number()),
            Expr::Plus(inner) => Value::Number(self.evaluate(program, inner).number()),
            Expr::Step(by, post, target) => {
                let before = self.evaluate(program, target).number();
                self.assign(program, target, Value::Number(before + by));
                Value::Number(if *post { before } else { before + by })
            }
            Expr::Builtin(name, arguments) => self.builtin(program, name, arguments),
            Expr::Call(name, arguments) => self.call(program, name, arguments),
            Expr::Getline(from, target) => self.getline(program, from, target.as_deref()),
        }
    }

    /// A division by zero gives infinity, as in mawk.
    fn arithmetic(sign: &str, a: f64, b: f64) -> Value {
        Value::Number(match sign {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "%" => a % b,
            _ => a.powf(b),
        })
    }

    fn call(&mut self, program: &Program, name: &str, arguments: &[Expr]) -> Value {
        let Some(function) = program.functions.get(name) else {
            self.failure.get_or_insert_with(|| format!("function {name} never defined"));
            return Value::Unset;
        };
        if self.frames.len() >= CALLS_MAX {
            self.failure.get_or_insert_with(|| "function call nesting too deep".to_owned());
            return Value::Unset;
        }
        let mut frame = Frame::default();
        for (at, parameter) in function.parameters.iter().enumerate() {
            let mut value = Value::Unset;
            if let Some(argument) = arguments.get(at) {
                if let Expr::Variable(variable) = argument {
                    let global = self.array_name(variable);
                    if self.arrays.contains_key(&global) {
                        frame.arrays.insert(parameter.clone(), global);
                        continue;
                    }
                }
                value = self.evaluate(program, argument);
            }
            frame.values.insert(parameter.clone(), value);
        }
        self.frames.push(frame);
        self.result = Value::Unset;
        for statement in &function.body {
            if self.execute(program, statement) != Flow::Normal {
                break;
            }
        }
        let depth = self.frames.len();
        self.frames.pop();
        let local = format!("\u{0}{depth}");
        self.arrays.retain(|name, _| !name.ends_with(&local));
        std::mem::take(&mut self.result)
    }

    fn builtin(&mut self, program: &Program, name: &str, arguments: &[Expr]) -> Value {
        if name == "length"
            && let Some(Expr::Variable(array)) = arguments.first()
        {
            let global = self.array_name(array);
            if let Some(array) = self.arrays.get(&global) {
                return Value::Number(array.len() as f64);
            }
        }
        let value =
            |machine: &mut Machine, at: usize| arguments.get(at).map(|argument| machine.evaluate(program, argument)).unwrap_or_default();
        match name {
            "length" => {
                let text = if arguments.is_empty() { self.record.clone() } else { value(self, 0).text() };
                Value::Number(text.len() as f64)
            }
            "substr" => {
                let text = value(self, 0).text();
                let start = value(self, 1).number().round();
                let end = if arguments.len() > 2 { start + value(self, 2).number().round() } else { f64::INFINITY };
                let from = (start.max(1.0) as usize).saturating_sub(1).min(text.len());
                let to = (end.clamp(1.0, 1e15) as usize).saturating_sub(1).min(text.len());
                Value::Text(text.get(from..to).unwrap_or_default().to_vec())
            }
            "index" => {
                let (text, part) = (value(self, 0).text(), value(self, 1).text());
                Value::Number(memchr::memmem::find(&text, &part).map_or(0.0, |at| at as f64 + 1.0))
            }
            "split" => self.split_function(program, arguments),
            "sub" | "gsub" => self.substitute(program, name == "gsub", arguments),
            "match" => {
                let text = value(self, 0).text();
                let found = arguments
                    .get(1)
                    .and_then(|pattern| self.expression_pattern(program, pattern))
                    .and_then(|regex| regex.find(&text).map(|m| (m.start(), m.len())));
                let (start, length) = found.map_or((0.0, -1.0), |(start, length)| (start as f64 + 1.0, length as f64));
                self.set_variable("RSTART", Value::Number(start));
                self.set_variable("RLENGTH", Value::Number(length));
                Value::Number(start)
            }
            "sprintf" => {
                let values: Vec<Value> = arguments.iter().map(|argument| self.evaluate(program, argument)).collect();
                match values.split_first() {
                    Some((text, rest)) => Value::Text(format(&text.text(), rest)),
                    None => Value::Unset,
                }
            }
            "tolower" => Value::Text(value(self, 0).text().to_ascii_lowercase()),
            "toupper" => Value::Text(value(self, 0).text().to_ascii_uppercase()),
            "int" => Value::Number(value(self, 0).number().trunc()),
            "sqrt" => Value::Number(value(self, 0).number().sqrt()),
            "exp" => Value::Number(value(self, 0).number().exp()),
            "log" => Value::Number(value(self, 0).number().ln()),
            "sin" => Value::Number(value(self, 0).number().sin()),
            "cos" => Value::Number(value(self, 0).number().cos()),
            "atan2" => Value::Number(value(self, 0).number().atan2(value(self, 1).number())),
            "rand" => {
                self.seed = crate::fs::spread(self.seed, 71);
                Value::Number((self.seed >> 11) as f64 / (1u64 << 53) as f64)
            }
            "srand" => {
                let before = self.seed;
                self.seed = if arguments.is_empty() { self.now.seconds() as u64 } else { value(self, 0).number() as i64 as u64 };
                Value::Number((before % 1_000_000) as f64)
            }
            "systime" => Value::Number(self.now.seconds() as f64),
            "strftime" => {
                let format = if arguments.is_empty() { b"%c".to_vec() } else { value(self, 0).text() };
                let time = if arguments.len() > 1 { Timestamp::from_seconds(value(self, 1).number() as i64) } else { self.now };
                Value::Text(crate::commands::time::strftime(&String::from_utf8_lossy(&format), time).into_bytes())
            }
            "system" => Value::Number(self.statuses.pop_front().unwrap_or(0.0)),
            "close" => {
                let name = value(self, 0).text();
                Value::Number(if self.pipes.remove(&name).is_some() { 0.0 } else { -1.0 })
            }
            _ => Value::Number(0.0),
        }
    }

    fn split_function(&mut self, program: &Program, arguments: &[Expr]) -> Value {
        let (Some(text), Some(Expr::Variable(array))) = (arguments.first(), arguments.get(1)) else { return Value::Number(0.0) };
        let text = self.evaluate(program, text).text();
        let parts = match arguments.get(2) {
            Some(Expr::Regex(pattern)) => match self.pattern(pattern) {
                Some(regex) if !text.is_empty() => regex.split(&text).take(FIELDS_MAX).map(<[u8]>::to_vec).collect(),
                _ => Vec::new(),
            },
            Some(separator) => {
                let separator = self.evaluate(program, separator).text();
                self.split_text(&text, &separator)
            }
            None => {
                let separator = self.global("FS").text();
                self.split_text(&text, &separator)
            }
        };
        if !self.charge_memory(text.len() + parts.len() * 64) {
            return Value::Number(0.0);
        }
        let count = parts.len();
        *self.array(array) =
            parts.into_iter().enumerate().map(|(at, part)| ((at + 1).to_string().into_bytes(), Value::Input(part))).collect();
        Value::Number(count as f64)
    }

    fn substitute(&mut self, program: &Program, all: bool, arguments: &[Expr]) -> Value {
        let (Some(pattern), Some(replacement)) = (arguments.first(), arguments.get(1)) else { return Value::Number(0.0) };
        let Some(regex) = self.expression_pattern(program, pattern) else { return Value::Number(0.0) };
        let replacement = self.evaluate(program, replacement).text();
        let record = Expr::Field(Box::new(Expr::Number(0.0)));
        let target = arguments.get(2).unwrap_or(&record);
        let text = self.evaluate(program, target).text();
        let (mut out, mut from, mut count) = (Vec::with_capacity(text.len()), 0, 0u32);
        for found in regex.find_iter(&text) {
            out.extend_from_slice(&text[from..found.start()]);
            let mut bytes = replacement.iter().copied().peekable();
            while let Some(byte) = bytes.next() {
                match byte {
                    b'&' => out.extend_from_slice(found.as_bytes()),
                    b'\\' if matches!(bytes.peek(), Some(b'&' | b'\\')) => out.extend(bytes.next()),
                    byte => out.push(byte),
                }
            }
            from = found.end();
            count += 1;
            if !all || out.len() > MEMORY_BYTES_MAX {
                break;
            }
        }
        if count > 0 {
            out.extend_from_slice(&text[from..]);
            self.assign(program, target, Value::Text(out));
        }
        Value::Number(f64::from(count))
    }

    // --- statements

    fn emit(&mut self, program: &Program, text: Vec<u8>, redirection: Option<&(&'static str, Expr)>) {
        if !self.charge_memory(text.len() / 64) {
            return;
        }
        match redirection {
            None => self.out.extend(text),
            Some((sign, target)) => {
                let target = self.evaluate(program, target).text();
                if self.charge_memory(text.len()) {
                    self.redirected.entry((sign, target)).or_default().extend(text);
                }
            }
        }
    }

    fn body(&mut self, program: &Program, statements: &[Stmt]) -> Flow {
        for statement in statements {
            let flow = self.execute(program, statement);
            if flow != Flow::Normal {
                return flow;
            }
        }
        Flow::Normal
    }

    /// The body of a loop: `Some` when the loop ends with this.
    fn turn(&mut self, program: &Program, statements: &[Stmt]) -> Option<Flow> {
        match self.body(program, statements) {
            Flow::Break => Some(Flow::Normal),
            Flow::Normal | Flow::Continue => None,
            other => Some(other),
        }
    }

    pub fn execute(&mut self, program: &Program, statement: &Stmt) -> Flow {
        let flow = if self.descend() { self.execute_inner(program, statement) } else { Flow::Exit };
        self.depth -= 1;
        flow
    }

    fn execute_inner(&mut self, program: &Program, statement: &Stmt) -> Flow {
        match statement {
            Stmt::Expr(expression) => _ = self.evaluate(program, expression),
            Stmt::Print(arguments, redirection) => {
                let (separator, end, ofmt) = (self.global("OFS").text(), self.global("ORS").text(), self.global("OFMT").text());
                let ofmt = String::from_utf8_lossy(&ofmt).into_owned();
                let mut text = if arguments.is_empty() {
                    self.record.clone()
                } else {
                    let parts: Vec<Vec<u8>> = arguments
                        .iter()
                        .map(|argument| match self.evaluate(program, argument) {
                            Value::Number(value) => show(value, &ofmt),
                            other => other.text(),
                        })
                        .collect();
                    parts.join(&separator[..])
                };
                text.extend(end);
                self.emit(program, text, redirection.as_ref());
            }
            Stmt::Printf(arguments, redirection) => {
                let values: Vec<Value> = arguments.iter().map(|argument| self.evaluate(program, argument)).collect();
                if let Some((text, rest)) = values.split_first() {
                    let text = format(&text.text(), rest);
                    self.emit(program, text, redirection.as_ref());
                }
            }
            Stmt::If(condition, then, otherwise) => {
                let branch = if self.evaluate(program, condition).truth() { then } else { otherwise };
                return self.body(program, branch);
            }
            Stmt::While(condition, body) => {
                while self.evaluate(program, condition).truth() {
                    if let Some(flow) = self.turn(program, body) {
                        return flow;
                    }
                }
            }
            Stmt::Do(body, condition) => loop {
                if let Some(flow) = self.turn(program, body) {
                    return flow;
                }
                if !self.evaluate(program, condition).truth() {
                    break;
                }
            },
            Stmt::For(start, condition, step, body) => {
                if let Some(start) = start {
                    self.execute(program, start);
                }
                while condition.as_ref().is_none_or(|condition| self.evaluate(program, condition).truth()) {
                    if let Some(flow) = self.turn(program, body) {
                        return flow;
                    }
                    if let Some(step) = step {
                        self.execute(program, step);
                    }
                    if self.failure.is_some() {
                        return Flow::Exit;
                    }
                }
            }
            Stmt::ForIn(variable, array, body) => {
                for key in self.keys(array) {
                    self.set_variable(variable, Value::Input(key));
                    if let Some(flow) = self.turn(program, body) {
                        return flow;
                    }
                }
            }
            Stmt::Block(body) => return self.body(program, body),
            Stmt::Break => return Flow::Break,
            Stmt::Continue => return Flow::Continue,
            Stmt::Next => return Flow::Next,
            Stmt::NextFile => return Flow::NextFile,
            Stmt::Exit(status) => {
                if let Some(status) = status {
                    self.status = self.evaluate(program, status).number() as i64 as u8;
                }
                return Flow::Exit;
            }
            Stmt::Return(value) => {
                self.result = value.as_ref().map(|value| self.evaluate(program, value)).unwrap_or_default();
                return Flow::Return;
            }
            Stmt::Delete(array, Some(parts)) => {
                let key = self.subscript(program, parts);
                self.array(array).remove(&key);
            }
            Stmt::Delete(array, None) => self.array(array).clear(),
        }
        if self.failure.is_some() { Flow::Exit } else { Flow::Normal }
    }
}

/// The expressions a simple statement evaluates itself, not those of statements within it.
pub(super) fn expressions<'a>(statement: &'a Stmt, out: &mut Vec<&'a Expr>) {
    match statement {
        Stmt::Expr(expression) | Stmt::Exit(Some(expression)) | Stmt::Return(Some(expression)) => out.push(expression),
        Stmt::Print(list, redirection) | Stmt::Printf(list, redirection) => {
            out.extend(list);
            out.extend(redirection.as_ref().map(|(_, target)| target));
        }
        Stmt::If(condition, ..) | Stmt::While(condition, _) | Stmt::Do(_, condition) => out.push(condition),
        Stmt::For(_, condition, ..) => out.extend(condition),
        Stmt::Delete(_, Some(parts)) => out.extend(parts),
        _ => {}
    }
}

/// The parts of an expression that need something from outside, in the order they are met.
pub(super) fn asks<'a>(expression: &'a Expr, out: &mut Vec<&'a Expr>) {
    let mut pending = vec![expression];
    while let Some(expression) = pending.pop() {
        match expression {
            Expr::Getline(..) | Expr::Builtin("system", _) => out.push(expression),
            Expr::Field(a) | Expr::Not(a) | Expr::Negate(a) | Expr::Plus(a) | Expr::Step(_, _, a) | Expr::Group(a) => pending.push(a),
            Expr::Assign(_, a, b) | Expr::Or(a, b) | Expr::And(a, b) | Expr::Concat(a, b) => pending.extend([&**b, &**a]),
            Expr::Match(_, a, b) | Expr::Compare(_, a, b) | Expr::Arithmetic(_, a, b) => pending.extend([&**b, &**a]),
            Expr::Ternary(a, b, c) => pending.extend([&**c, &**b, &**a]),
            Expr::Element(_, list) | Expr::In(list, _) | Expr::Builtin(_, list) | Expr::Call(_, list) => pending.extend(list.iter().rev()),
            Expr::Number(_) | Expr::Text(_) | Expr::Regex(_) | Expr::Variable(_) => {}
        }
    }
}

/// Whether a statement, or one within it, needs something from outside.
pub(super) fn waits(statement: &Stmt) -> bool {
    let mut pending = vec![statement];
    while let Some(statement) = pending.pop() {
        let (mut own, mut found) = (Vec::new(), Vec::new());
        expressions(statement, &mut own);
        own.into_iter().for_each(|expression| asks(expression, &mut found));
        if !found.is_empty() {
            return true;
        }
        match statement {
            Stmt::If(_, a, b) => pending.extend(a.iter().chain(b)),
            Stmt::While(_, body) | Stmt::Do(body, _) | Stmt::ForIn(_, _, body) | Stmt::Block(body) => pending.extend(body),
            Stmt::For(start, _, step, body) => pending.extend(start.iter().chain(step).map(|boxed| &**boxed).chain(body)),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::super::parser::parse;
    use super::*;

    /// The deepest programs the parser lets through run on half the stack that a worker has, in a build without optimization.
    #[test]
    fn the_deepest_programs_fit_the_stack() {
        let chain = format!("BEGIN{{x={}1}}", "1+".repeat(180));
        let nested = format!("BEGIN{{x={}1{}}}", "(".repeat(25), ")".repeat(25));
        let both = format!("BEGIN{{x={}{}1{}}}", "1 ".repeat(150), "(1+".repeat(25), ")".repeat(25));
        let blocks = format!("BEGIN{}x=1{}", "{".repeat(25), "}".repeat(25));
        let wide = format!("function f(n){{return n?f(n-1){}:0}} BEGIN{{x=f(1000)}}", "+1".repeat(180));
        let calls = "function f(n){return n?1+(1+(1+(1+f(n-1)))):0} BEGIN{x=f(1000)}".to_owned();
        for text in [chain, nested, both, blocks, wide, calls] {
            let run = move || {
                let program = lex(text.as_bytes()).and_then(parse).unwrap_or_else(|(_, message)| panic!("{message}: {text}"));
                let mut machine = Machine::new(std::iter::empty(), Timestamp(0));
                for (_, action) in &program.rules {
                    action.iter().flatten().for_each(|statement| _ = machine.execute(&program, statement));
                }
            };
            std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
        }
    }

    #[test]
    fn programs_that_never_end_are_ended() {
        for text in
            ["BEGIN{while(1);}", "BEGIN{for(;;) x = x \"aaaaaaaaaaaaaaaa\"}", "BEGIN{while(1) a[i++]=i}", "function f(){f()} BEGIN{f()}"]
        {
            let program = lex(text.as_bytes()).and_then(parse).unwrap_or_else(|(_, message)| panic!("{message}: {text}"));
            let mut machine = Machine::new(std::iter::empty(), Timestamp(0));
            for (_, action) in &program.rules {
                action.iter().flatten().for_each(|statement| _ = machine.execute(&program, statement));
            }
            assert!(machine.failure.is_some(), "{text}");
        }
    }
}
