//! Transcripts: a conversation with a decoy as a readable file, played in several ways that must all come out the same.
//!
//! ```text
//! # What this shows.
//! @persona ubuntu-web
//! @policy {"accept":"none"}
//! > GET / HTTP/1.1\r\n
//! >x9000 a
//! = request {"method":"GET",…}
//! < HTTP/1.1 200 OK\r\n
//! * run www-data id
//! ! ran 0 uid=33(www-data)\n
//! ```
//!
//! `>` is what the client sends, `>xN` the same N times, `<` what the server sends, `=` an event, `*` what the session asks of the runtime,
//! `!` what is answered: `ran STATUS OUTPUT` to a command, `output TEXT` and `exited STATUS` from a terminal, `end` when the client hangs up.
//! `@` lines set the stage: `persona`, `decoy`, `policy`, `limit NAME VALUE`, and `tls off` for a client that forgets TLS where it begins. Waiting is answered by itself.
//! With `UPDATE_TRANSCRIPTS=1` the expectations are written anew instead of compared.

use crate::player::{Item, Player, World};
use crate::text::{escape, unescape};
use emulation::{Action, Definition, Done, Next};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::path::Path;

/// How many random splits of each transcript are played.
const RANDOM_SPLITS: u64 = 8;

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything came out as the file says.
    Same,
    /// The file was rewritten.
    Updated,
}

/// One line that drives the conversation.
#[derive(Clone, Debug)]
enum Step {
    Send(Vec<u8>),
    Output(Vec<u8>),
    Exited(u8),
    End,
}

/// One thing that happened, as it is compared.
#[derive(Debug, PartialEq)]
enum Happened {
    Reply(Vec<u8>),
    Typed(Vec<u8>),
    Other(String),
}

#[derive(Default)]
struct Script {
    decoy: Option<String>,
    persona: Option<String>,
    policy: Option<String>,
    plain: bool,
    limits: Vec<(String, u64)>,
    commands: Vec<(u8, Vec<u8>)>,
    steps: Vec<Step>,
}

/// Plays the transcript in `file` whole, byte by byte and split at random. The error shows the first difference.
pub fn play(file: &Path, decoy: &str) -> Result<Outcome, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|e| format!("{name}: {e}"))?;
    let script = Script::read(&text).map_err(|e| format!("{name}: {e}"))?;
    let decoy = script.decoy.as_deref().unwrap_or(decoy);
    let definition = emulation::definition(decoy).ok_or_else(|| format!("{name}: no decoy \"{decoy}\""))?;
    let update = std::env::var_os("UPDATE_TRANSCRIPTS").is_some_and(|value| value == "1");
    if update {
        let written = script.rewrite(&text, definition).map_err(|e| format!("{name}: {e}"))?;
        std::fs::write(file, written).map_err(|e| format!("{name}: {e}"))?;
    }
    let expected =
        happened(std::fs::read_to_string(file).map_err(|e| format!("{name}: {e}"))?.lines()).map_err(|e| format!("{name}: {e}"))?;
    if expected.is_empty() {
        return Err(format!("{name}: nothing is expected; set UPDATE_TRANSCRIPTS=1 to record"));
    }
    let compare = |way: &str, split: &mut dyn FnMut(usize) -> usize| {
        let lines = render(&script.run(definition, split)?);
        let actual = happened(lines.iter().map(|line| line.trim_end_matches('\n')))?;
        match difference(&expected, &actual) {
            None => Ok(()),
            Some(difference) => Err(format!("{name}, {way}:\n{difference}")),
        }
    };
    compare("whole", &mut |left| left)?;
    compare("byte by byte", &mut |_| 1)?;
    for seed in 0..RANDOM_SPLITS {
        let mut rng = SmallRng::seed_from_u64(seed);
        compare(&format!("split at random (seed {seed})"), &mut |left| rng.random_range(1..=left.clamp(1, 40)))?;
    }
    Ok(if update { Outcome::Updated } else { Outcome::Same })
}

impl Script {
    fn read(text: &str) -> Result<Script, String> {
        let mut script = Script::default();
        for (number, line) in text.lines().enumerate() {
            script.line(line).map_err(|e| format!("line {}: {e}", number + 1))?;
        }
        Ok(script)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("\"{text}\" is no number"));
        if let Some(rest) = line.strip_prefix('>') {
            let (count, text) = match rest.strip_prefix('x') {
                Some(rest) => rest.split_once(' ').map(|(n, text)| (number(n), text)).ok_or("expected >xN TEXT")?,
                None => (Ok(1), rest.strip_prefix(' ').unwrap_or(rest)),
            };
            let bytes = unescape(text)?.repeat(usize::try_from(count?).map_err(|e| e.to_string())?);
            self.steps.push(Step::Send(bytes));
        } else if let Some(rest) = line.strip_prefix('@') {
            let (key, value) = rest.trim_start().split_once(' ').ok_or("expected @KEY VALUE")?;
            match key {
                "persona" => self.persona = Some(value.into()),
                "decoy" => self.decoy = Some(value.into()),
                "policy" => self.policy = Some(value.into()),
                "tls" if value == "off" => self.plain = true,
                "limit" => {
                    let (name, value) = value.split_once(' ').ok_or("expected @limit NAME VALUE")?;
                    self.limits.push((name.into(), number(value)?));
                }
                _ => return Err(format!("unknown @{key}")),
            }
        } else if let Some(rest) = line.strip_prefix("! ") {
            let (word, value) = rest.split_once(' ').unwrap_or((rest, ""));
            let status = |text: &str| text.parse::<u8>().map_err(|_| format!("\"{text}\" is no status"));
            match word {
                "ran" => {
                    let (code, output) = value.split_once(' ').unwrap_or((value, ""));
                    self.commands.push((status(code)?, unescape(output)?));
                }
                "output" => self.steps.push(Step::Output(unescape(value)?)),
                "exited" => self.steps.push(Step::Exited(status(value)?)),
                "end" => self.steps.push(Step::End),
                _ => return Err(format!("unknown answer \"{word}\"")),
            }
        } else if !(line.is_empty() || line.starts_with(['#', '<', '=', '*'])) {
            return Err(format!("not a line of a transcript: {line}"));
        }
        Ok(())
    }

    fn player(&self, definition: &Definition) -> Result<Player, String> {
        let persona = persona::builtin(self.persona.as_deref().unwrap_or("ubuntu-web")).map_err(|e| e.to_string())?;
        let mut world = World::new(definition, persona);
        world.tls &= !self.plain;
        if let Some(policy) = &self.policy {
            world.policy = serde_json::from_str(policy).map_err(|e| format!("@policy: {e}"))?;
        }
        for (name, value) in &self.limits {
            let size = usize::try_from(*value).map_err(|e| e.to_string())?;
            match name.as_str() {
                "line_bytes_max" => world.limits.line_bytes_max = size,
                "input_bytes_max" => world.limits.input_bytes_max = size,
                "body_bytes_max" => world.limits.body_bytes_max = size,
                "headers_max" => world.limits.headers_max = size,
                "malformed_bytes_max" => world.limits.malformed_bytes_max = size,
                "auth_attempts_max" => world.limits.auth_attempts_max = u32::try_from(size).map_err(|e| e.to_string())?,
                "negotiations_max" => world.limits.negotiations_max = u32::try_from(size).map_err(|e| e.to_string())?,
                _ => return Err(format!("@limit: unknown limit \"{name}\"")),
            }
        }
        let mut player = Player::open(definition, world);
        player.commands.extend(self.commands.iter().cloned());
        Ok(player)
    }

    /// Plays all steps; `split` says how many of the bytes that are left go next. Sends that follow each other are one.
    fn run(&self, definition: &Definition, split: &mut dyn FnMut(usize) -> usize) -> Result<Vec<Item>, String> {
        let mut player = self.player(definition)?;
        // Commands are answered when they are asked for, and that may be while the connection opens.
        let mut steps = self.steps.iter().peekable();
        while let Some(step) = steps.next() {
            let Step::Send(bytes) = step else {
                do_step(&mut player, step);
                continue;
            };
            let mut bytes = bytes.clone();
            while let Some(Step::Send(more)) = steps.peek() {
                bytes.extend(more);
                steps.next();
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(split(rest.len()).clamp(1, rest.len()));
                player.send(now);
                rest = later;
            }
        }
        Ok(player.take())
    }

    /// The file with its expectations replaced by what happens, each after the lines that caused it.
    fn rewrite(&self, text: &str, definition: &Definition) -> Result<String, String> {
        let mut player = self.player(definition)?;
        let mut out = String::new();
        let mut steps = self.steps.iter();
        let mut is_opened = false;
        let mut lines = text.lines().filter(|line| !line.starts_with(['<', '=', '*'])).peekable();
        while let Some(line) = lines.next() {
            let is_step = line.starts_with('>') || line.starts_with("! ") && !line.starts_with("! ran");
            if is_step && !std::mem::replace(&mut is_opened, true) {
                out.extend(render(&player.take()));
            }
            out.push_str(line);
            out.push('\n');
            if is_step {
                let step = steps.next().ok_or("more steps than lines")?;
                do_step(&mut player, step);
                // What a request of several lines causes is shown after the last of them.
                if !(line.starts_with('>') && lines.peek().is_some_and(|next| next.starts_with('>'))) {
                    out.extend(render(&player.take()));
                }
            }
        }
        out.extend(render(&player.take()));
        Ok(out)
    }
}

fn do_step(player: &mut Player, step: &Step) {
    match step {
        Step::Send(bytes) => player.send(bytes),
        Step::Output(text) => player.answer(Done::TerminalOutput(text.clone())),
        Step::Exited(status) => player.answer(Done::TerminalExited(*status)),
        Step::End => player.end(),
    }
}

/// The expectations of a file: its lines, with replies and typing joined to the bytes they are, however they were cut.
fn happened<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Happened>, String> {
    let mut all: Vec<Happened> = Vec::new();
    for line in lines.filter(|line| line.starts_with(['<', '=', '*'])) {
        let new = match (line.strip_prefix("< "), line.strip_prefix("* type ")) {
            (Some(text), _) => Happened::Reply(unescape(text)?),
            (_, Some(text)) => Happened::Typed(unescape(text)?),
            _ => Happened::Other(line.to_owned()),
        };
        match (all.last_mut(), new) {
            (Some(Happened::Reply(last)), Happened::Reply(more)) | (Some(Happened::Typed(last)), Happened::Typed(more)) => {
                last.extend(more)
            }
            (_, new) => all.push(new),
        }
    }
    Ok(all)
}

/// What happened, one line each.
fn render(items: &[Item]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in items {
        match item {
            Item::Event(detail) => {
                // An event is an object with its kind as the only key.
                let json = serde_json::to_value(detail).unwrap_or_default();
                let inner = json.get(detail.kind()).map(ToString::to_string).unwrap_or_default();
                lines.push(format!("= {} {inner}\n", detail.kind()));
            }
            Item::Action(Action::Reply(bytes)) => {
                lines.extend(bytes.split_inclusive(|&b| b == b'\n').map(|line| format!("< {}\n", escape(line))));
            }
            Item::Action(Action::TerminalInput(bytes)) => lines.push(format!("* type {}\n", escape(bytes))),
            Item::Action(Action::TerminalSize(columns, rows)) => lines.push(format!("* size {columns}x{rows}\n")),
            Item::Action(Action::DataReply(bytes)) => lines.push(format!("* data {}\n", escape(bytes))),
            Item::Action(Action::Capture(file)) => {
                lines.push(format!("* capture {} {} {}\n", file.method, escape(&file.path), escape(&file.content)));
            }
            Item::Action(Action::Emit(_)) => {}
            Item::Asked(Next::Wait(duration)) => lines.push(format!("* wait {}ms\n", duration.as_millis())),
            Item::Asked(Next::Run(command)) => lines.push(format!("* run {} {}\n", command.user, escape(&command.line))),
            Item::Asked(Next::Terminal(t)) => {
                lines.push(format!("* terminal {} {} {}x{}\n", escape(t.user.as_bytes()), t.term, t.columns, t.rows))
            }
            Item::Asked(Next::StartTls) => lines.push("* starttls\n".into()),
            Item::Asked(Next::Listen) => lines.push("* listen\n".into()),
            Item::Asked(Next::Close | Next::More) => lines.push("* close\n".into()),
            Item::Ended => lines.push("* end\n".into()),
            Item::Stalled => lines.push("* stalled\n".into()),
            // A player keeps it apart.
            Item::Action(Action::Deadline(_)) => {}
        }
    }
    lines
}

/// The first difference, for people.
fn difference(expected: &[Happened], actual: &[Happened]) -> Option<String> {
    let at = expected.iter().zip(actual).take_while(|(e, a)| e == a).count();
    if at == expected.len() && at == actual.len() {
        return None;
    }
    // Of two replies only the part where they part is of interest.
    let common = match (expected.get(at), actual.get(at)) {
        (Some(Happened::Reply(e)), Some(Happened::Reply(a))) => e.iter().zip(a).take_while(|(e, a)| e == a).count(),
        _ => 0,
    };
    let show = |side: &[Happened]| match side.get(at) {
        None => "(the end)".to_owned(),
        Some(Happened::Other(line)) => line.chars().take(800).collect(),
        Some(Happened::Typed(bytes)) => format!("* type {}", escape(bytes)),
        Some(Happened::Reply(bytes)) => {
            let start = common.saturating_sub(40);
            format!("< (byte {start}) {}", escape(&bytes[start..bytes.len().min(start + 300)]))
        }
    };
    Some(format!("at item {}\n  expected: {}\n  but was:  {}", at + 1, show(expected), show(actual)))
}
