//! Running commands.

use super::{DEPTH_MAX, Field, Flow, Ran, Shell};
use crate::command::Stop;
use crate::depth::Roomy;
use crate::parse::ast::{AndOr, Arm, ArmEnd, Assigned, Assignment, Command, Kind, List, Pipeline, Word};
use crate::session::BoxFuture;
use crate::task::signal;
use std::sync::Arc;

impl Shell {
    /// Runs commands in sequence.
    pub async fn run_list(&mut self, list: &List) -> Ran {
        for item in &list.0 {
            if item.background {
                self.start_background(&item.and_or).await?;
            } else {
                self.running = Some(item.and_or.clone());
                self.run_and_or(&item.and_or).await?;
            }
        }
        Ok(self.status)
    }

    /// Runs an and-or list.
    pub async fn run_and_or(&mut self, and_or: &AndOr) -> Ran {
        let last = and_or.rest.len();
        for n in 0..=last {
            let pipeline = match n.checked_sub(1).and_then(|n| and_or.rest.get(n)) {
                None => &and_or.first,
                Some((and, _)) if *and != (self.status == 0) => continue,
                Some((_, pipeline)) => pipeline,
            };
            // Only the last pipeline may end the shell under `set -e`.
            let tested = u32::from(n < last || pipeline.negated);
            self.tested += tested;
            let ran = self.run_pipeline(pipeline).await;
            self.tested -= tested;
            self.status = ran?;
            if n == last && self.status != 0 && self.tested == 0 && !pipeline.negated {
                self.failed().await?;
            }
        }
        Ok(self.status)
    }

    /// A command failed where that counts.
    async fn failed(&mut self) -> Result<(), Flow> {
        self.run_trap(super::background::ERR).await?;
        if self.options.on("errexit") { Err(Flow::Exit(self.status)) } else { Ok(()) }
    }

    async fn run_pipeline(&mut self, pipeline: &Pipeline) -> Ran {
        let began = self.process.now();
        let status = match &pipeline.commands[..] {
            [] => 0,
            [command] => {
                let status = self.run_command(command).await?;
                self.pipe_statuses = vec![status];
                status
            }
            commands => self.run_stages(commands).await?,
        };
        if let Some(portable) = pipeline.timed {
            self.report_time(began, portable).await?;
        }
        Ok(if pipeline.negated { u8::from(status == 0) } else { status })
    }

    async fn report_time(&mut self, began: model::Timestamp, portable: bool) -> Result<(), Flow> {
        let real = self.process.now().since(began);
        let (seconds, millis) = (real.as_secs(), real.subsec_millis());
        let text = if portable {
            format!("real {seconds}.{:02}\nuser 0.00\nsys 0.00\n", millis / 10)
        } else {
            format!("\nreal\t{}m{}.{millis:03}s\nuser\t0m0.001s\nsys\t0m0.001s\n", seconds / 60, seconds % 60)
        };
        self.process.err(text).await?;
        Ok(())
    }

    /// Runs one command, one level deeper.
    pub fn run_command<'a>(&'a mut self, command: &'a Arc<Command>) -> BoxFuture<'a, Ran> {
        Roomy::boxed(async move {
            self.process.charge(1).await?;
            self.handle_signals().await?;
            if self.depth >= DEPTH_MAX {
                self.process.limit("shell_depth_max", DEPTH_MAX as u64);
                // Both shells recurse on the C stack and overrun it.
                return Err(Flow::Stop(Stop::Signal(signal::SEGV)));
            }
            self.depth += 1;
            self.replaces &= matches!(command.kind, Kind::Simple { .. });
            let ran = self.run_kind(command).await;
            self.depth -= 1;
            if let Ok(status) = ran {
                self.status = status;
            }
            ran
        })
    }

    async fn run_kind(&mut self, command: &Arc<Command>) -> Ran {
        if let Kind::Simple { assignments, words } = &command.kind {
            self.line = command.line;
            return self.run_simple(assignments, words, &command.redirects).await;
        }
        if let Kind::Function { name, body } = &command.kind {
            Arc::make_mut(&mut self.functions).insert(name.clone(), body.clone());
            return Ok(0);
        }
        if let Kind::Subshell(list) = &command.kind {
            let command = command.clone();
            let list = list.clone();
            return self.run_subshell(command, list).await;
        }
        if command.redirects.is_empty() {
            return self.run_compound(command).await;
        }
        let saved = self.descriptors();
        let ran = match self.redirect(&command.redirects).await {
            Ok(true) => self.run_compound(command).await,
            Ok(false) => Ok(1),
            Err(flow) => Err(flow),
        };
        let flushed = self.process.flush().await;
        self.process.descriptors = saved;
        flushed?;
        ran
    }

    async fn run_compound(&mut self, command: &Arc<Command>) -> Ran {
        match &command.kind {
            Kind::Brace(list) => self.run_list(list).await,
            Kind::If { arms, otherwise } => {
                for (condition, body) in arms {
                    if self.run_tested(condition).await? == 0 {
                        return self.run_list(body).await;
                    }
                }
                match otherwise {
                    Some(body) => self.run_list(body).await,
                    None => Ok(0),
                }
            }
            Kind::Loop { until, condition, body } => {
                let mut status = 0;
                self.loops += 1;
                let ran = loop {
                    match self.run_tested(condition).await {
                        Ok(tested) if (tested == 0) == *until => break Ok(status),
                        Ok(_) => {}
                        Err(flow) => match self.leave_loop(flow) {
                            Ok(true) => continue,
                            Ok(false) => break Ok(0),
                            Err(flow) => break Err(flow),
                        },
                    }
                    match self.turn(body).await {
                        Ok(Some(last)) => status = last,
                        Ok(None) => break Ok(0),
                        Err(flow) => break Err(flow),
                    }
                };
                self.loops -= 1;
                ran
            }
            Kind::For { name, words, body } => self.run_for(name, words.as_deref(), body).await,
            Kind::Select { name, words, body } => self.run_select(name, words.as_deref(), body).await,
            Kind::ArithmeticFor { start, condition, step, body } => self.run_arithmetic_for(start, condition, step, body).await,
            Kind::Case { word, arms } => self.run_case(word, arms).await,
            Kind::Arithmetic(word) => {
                self.line = command.line;
                let text = self.expand_quoted(&word.0).await?;
                match self.arithmetic(&text, Some("((")).await {
                    Ok(value) => Ok(u8::from(value == 0)),
                    Err(Flow::Abort(_)) => Ok(1),
                    Err(flow) => Err(flow),
                }
            }
            Kind::Condition(condition) => {
                self.line = command.line;
                self.run_condition(condition).await
            }
            Kind::Simple { .. } | Kind::Function { .. } | Kind::Subshell(_) => Ok(0),
        }
    }

    /// A condition: failing there is no failure.
    async fn run_tested(&mut self, list: &List) -> Ran {
        self.tested += 1;
        let ran = self.run_list(list).await;
        self.tested -= 1;
        ran
    }

    /// One turn of a loop: its status, or `None` when it is the last.
    async fn turn(&mut self, body: &List) -> Result<Option<u8>, Flow> {
        self.process.charge(1).await?;
        match self.run_list(body).await {
            Ok(status) => Ok(Some(status)),
            Err(flow) => Ok(if self.leave_loop(flow)? { Some(0) } else { None }),
        }
    }

    /// What a flow means to the loop it reaches: whether the loop goes on.
    fn leave_loop(&mut self, flow: Flow) -> Result<bool, Flow> {
        match flow {
            Flow::Break(0 | 1) => Ok(false),
            Flow::Continue(0 | 1) => Ok(true),
            Flow::Break(n) => Err(Flow::Break(n - 1)),
            Flow::Continue(n) => Err(Flow::Continue(n - 1)),
            other => Err(other),
        }
    }

    async fn run_for(&mut self, name: &[u8], words: Option<&[Word]>, body: &List) -> Ran {
        if !crate::parse::is_name(name) {
            self.complain([b"`", name, b"': not a valid identifier"].concat()).await?;
            return Err(Flow::Abort(1));
        }
        let values = match words {
            Some(words) => self.expand_words(words).await?,
            None => self.positional.to_vec(),
        };
        self.loops += 1;
        let mut ran = Ok(0);
        for value in values {
            if let Err(flow) = self.assign(name, value).await {
                ran = Err(flow);
                break;
            }
            match self.turn(body).await {
                Ok(Some(status)) => ran = Ok(status),
                Ok(None) => {
                    ran = Ok(0);
                    break;
                }
                Err(flow) => {
                    ran = Err(flow);
                    break;
                }
            }
        }
        self.loops -= 1;
        ran
    }

    async fn run_arithmetic_for(&mut self, start: &Word, condition: &Word, step: &Word, body: &List) -> Ran {
        self.evaluate(start, 1).await?;
        self.loops += 1;
        let mut status = 0;
        let ran = loop {
            match self.evaluate(condition, 1).await {
                Ok(0) => break Ok(status),
                Ok(_) => {}
                Err(flow) => break Err(flow),
            }
            match self.turn(body).await {
                Ok(Some(last)) => status = last,
                Ok(None) => break Ok(0),
                Err(flow) => break Err(flow),
            }
            if let Err(flow) = self.evaluate(step, 1).await {
                break Err(flow);
            }
        };
        self.loops -= 1;
        ran
    }

    /// An expression of `for ((…))`; `empty` when there is none.
    async fn evaluate(&mut self, word: &Word, empty: i64) -> Result<i64, Flow> {
        let text = self.expand_quoted(&word.0).await?;
        if text.trim_ascii().is_empty() { Ok(empty) } else { self.arithmetic(&text, Some("((")).await }
    }

    async fn run_select(&mut self, name: &[u8], words: Option<&[Word]>, body: &List) -> Ran {
        let values = match words {
            Some(words) => self.expand_words(words).await?,
            None => self.positional.to_vec(),
        };
        if values.is_empty() {
            return Ok(0);
        }
        self.loops += 1;
        let mut show = true;
        let ran = loop {
            if show {
                let width = values.len().to_string().len();
                let mut menu = Vec::new();
                for (n, value) in values.iter().enumerate() {
                    menu.extend(format!("{:>width$}) ", n + 1).into_bytes());
                    menu.extend(value);
                    menu.push(b'\n');
                }
                self.process.err(menu).await?;
            }
            self.process.err("#? ").await?;
            let Some(line) = self.process.read_line().await? else {
                self.process.out("\n").await?;
                break Ok(1);
            };
            let line = line.trim_ascii().to_vec();
            show = line.is_empty();
            if show {
                continue;
            }
            let chosen = std::str::from_utf8(&line).ok().and_then(|t| t.parse::<usize>().ok()).and_then(|n| values.get(n.checked_sub(1)?));
            self.assign(b"REPLY", line.clone()).await?;
            self.assign(name, chosen.cloned().unwrap_or_default()).await?;
            match self.turn(body).await {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(0),
                Err(flow) => break Err(flow),
            }
        };
        self.loops -= 1;
        ran
    }

    async fn run_case(&mut self, word: &Word, arms: &[Arm]) -> Ran {
        let value = self.expand_word(word).await?;
        let extended = self.options.shopt("extglob").unwrap_or(false);
        let mut status = 0;
        let mut falls = false;
        for arm in arms {
            let mut fits = falls;
            for pattern in &arm.patterns {
                if fits {
                    break;
                }
                let field: Field = self.expand_field(pattern).await?;
                fits = field.pattern(extended).matches(&value);
            }
            if !fits {
                continue;
            }
            status = if arm.body.0.is_empty() { 0 } else { self.run_list(&arm.body).await? };
            match arm.end {
                ArmEnd::Break => return Ok(status),
                ArmEnd::FallThrough => falls = true,
                ArmEnd::TestNext => falls = false,
            }
        }
        Ok(status)
    }

    async fn run_simple(&mut self, assignments: &[Assignment], words: &[Word], redirects: &[crate::parse::ast::Redirect]) -> Ran {
        self.substituted = None;
        let mut args = self.expand_words(words).await?;
        if args.is_empty() {
            return self.run_assignments_only(assignments, redirects).await;
        }
        if self.options.on("xtrace") {
            let shown: Vec<_> = args.iter().map(|a| super::substitute::quote_if_needed(a)).collect();
            self.trace(&shown.join(&b' ')).await?;
        }
        let saved = self.descriptors();
        let ran = match self.redirect(redirects).await {
            Ok(true) => self.run_args(assignments, &args).await,
            // A failed redirection of a special builtin ends the ashes.
            Ok(false) => {
                let code = if self.dialect == crate::parse::Dialect::Dash { 2 } else { 1 };
                if !self.bash() && crate::builtins::is_special(&args[0]) { Err(self.fatal(code)) } else { Ok(code) }
            }
            Err(flow) => Err(flow),
        };
        let flushed = self.process.flush().await;
        // `exec` without a command keeps what it redirected.
        if args.first().is_some_and(|name| name == b"exec") && args.len() == 1 && ran.is_ok() {
            drop(saved);
        } else {
            self.process.descriptors = saved;
        }
        flushed?;
        if let Some(last) = args.pop() {
            self.last_argument = last;
        }
        ran
    }

    async fn run_assignments_only(&mut self, assignments: &[Assignment], redirects: &[crate::parse::ast::Redirect]) -> Ran {
        let saved = self.descriptors();
        let redirected = self.redirect(redirects).await;
        self.process.descriptors = saved;
        if !redirected? {
            return Ok(1);
        }
        for assignment in assignments {
            self.run_assignment(assignment).await?;
        }
        Ok(self.substituted.take().unwrap_or(0))
    }

    /// Runs a command by its expanded words; redirections are in place.
    async fn run_args(&mut self, assignments: &[Assignment], args: &[Vec<u8>]) -> Ran {
        let name = args[0].clone();
        let replaces = std::mem::take(&mut self.replaces);
        let builtin = crate::builtins::find(&name, self.dialect).filter(|b| !self.disabled(b.name));
        if let Some(function) = self.functions.get(&name).cloned()
            && !(builtin.is_some() && !self.bash() && crate::builtins::is_special(&name))
        {
            let restore = self.assign_for_call(assignments, true).await?;
            let ran = self.call(&name, &function.command, &args[1..]).await;
            self.restore(restore);
            return ran;
        }
        let Some(builtin) = builtin else {
            self.replaces = replaces;
            return self.run_external(assignments, args.to_vec()).await;
        };
        // Array assignments are `declare`'s own arguments; the rest are in force while the builtin runs.
        let (arrays, scalars): (Vec<&Assignment>, Vec<&Assignment>) =
            assignments.iter().partition(|a| matches!(a.value, Assigned::Array(_)));
        let mut restore = Vec::new();
        for assignment in scalars {
            restore.push((assignment.name.clone(), self.variables.get(&assignment.name).cloned()));
            self.run_assignment(assignment).await?;
        }
        let outer = self.builtin.replace(builtin.name);
        let ran = match (builtin.run)(self, args.to_vec()).await {
            Ok(0) if !arrays.is_empty() => self.assign_declared(&arrays).await.map(|()| 0),
            ran => ran,
        };
        self.builtin = outer;
        if self.bash() || !builtin.special {
            self.restore(restore);
        }
        ran
    }

    async fn assign_declared(&mut self, arrays: &[&Assignment]) -> Result<(), Flow> {
        for assignment in arrays {
            self.run_assignment(assignment).await?;
        }
        Ok(())
    }

    /// Assignments before a function's name: in force while it runs.
    async fn assign_for_call(&mut self, assignments: &[Assignment], export: bool) -> Result<Vec<(Vec<u8>, Option<super::Variable>)>, Flow> {
        let mut restore = Vec::new();
        for assignment in assignments {
            restore.push((assignment.name.clone(), self.variables.get(&assignment.name).cloned()));
            self.run_assignment(assignment).await?;
            if export {
                let changed = self.variables.change(&assignment.name, 0, |variable| variable.exported = true);
                self.assigned(&assignment.name, changed).await?;
            }
        }
        Ok(restore)
    }

    fn restore(&mut self, saved: Vec<(Vec<u8>, Option<super::Variable>)>) {
        for (name, variable) in saved.into_iter().rev() {
            self.variables.restore(name, variable);
        }
    }

    /// Calls a function.
    async fn call(&mut self, name: &[u8], command: &Arc<Command>, args: &[Vec<u8>]) -> Ran {
        let positional = std::mem::replace(&mut self.positional, args.into());
        let loops = std::mem::take(&mut self.loops);
        self.calls.push((name.to_vec(), self.line));
        self.variables.enter();
        let ran = self.run_command(command).await;
        self.variables.leave();
        self.calls.pop();
        self.loops = loops;
        self.positional = positional;
        match ran {
            Err(Flow::Return(status)) => Ok(status),
            ran => ran,
        }
    }
}
