//! Assignments.

use super::arrays::as_indexed;
use super::{Flow, Refusal, Shell, Value};
use crate::parse::Dialect;
use crate::parse::ast::{Assigned, Assignment, Word};
use std::collections::BTreeMap;

impl Shell {
    /// Sets a variable, as `NAME=value` does.
    pub async fn assign(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), Flow> {
        let name = self.target(name).to_vec();
        if self.assign_special(&name, &value) {
            return Ok(());
        }
        let integer = self.variables.get(&name).is_some_and(|v| v.integer && !v.readonly);
        let value = if integer { self.arithmetic(&value, None).await?.to_string().into_bytes() } else { value };
        let exports = self.options.on("allexport");
        let mut changed = self.variables.set(&name, value);
        if exports && changed.is_ok() {
            changed = self.variables.change(&name, 0, |variable| variable.exported = true);
        }
        self.assigned(&name, changed).await
    }

    /// What an assignment that was refused leads to.
    pub(crate) async fn assigned_in<T>(&mut self, name: &[u8], changed: Result<T, Refusal>) -> Result<(), Flow> {
        self.assigned(name, changed).await
    }

    /// What an assignment that was refused leads to.
    pub(super) async fn assigned<T>(&mut self, name: &[u8], changed: Result<T, Refusal>) -> Result<(), Flow> {
        match changed {
            Ok(_) => Ok(()),
            Err(Refusal::Memory) => Err(self.out_of_memory(1 << 20).await),
            Err(Refusal::Readonly) => {
                let message: &[u8] = match self.dialect {
                    Dialect::Bash => b": readonly variable",
                    _ => b": is read only",
                };
                self.complain([name, message].concat()).await?;
                Err(if self.bash() { Flow::Abort(1) } else { self.fatal(2) })
            }
        }
    }

    /// Runs one assignment; its text for `set -x`.
    pub(super) async fn run_assignment(&mut self, assignment: &Assignment) -> Result<(), Flow> {
        let name = &assignment.name[..];
        let word = match &assignment.value {
            Assigned::Array(elements) => return self.assign_array(name, elements, assignment.append).await,
            Assigned::Word(word) => word,
        };
        let mut value = self.expand_value(word).await?;
        if let Some(index) = &assignment.index {
            let subscript = self.expand_word(index).await?;
            return self.assign_element(name, &subscript, value, assignment.append).await;
        }
        if assignment.append {
            let integer = self.variables.get(self.target(name)).is_some_and(|v| v.integer);
            let mut old = self.text(name);
            if integer {
                old.extend(b"+");
            }
            if old.len() + value.len() > crate::budget::MEMORY_BYTES_MAX as usize {
                return Err(self.out_of_memory(old.len() + value.len()).await);
            }
            old.append(&mut value);
            value = old;
        }
        if self.options.on("xtrace") {
            let shown = [name, b"=", &super::substitute::quote_if_needed(&value)].concat();
            self.trace(&shown).await?;
        }
        self.assign(name, value).await
    }

    /// `name=(…)`
    pub(super) async fn assign_array(&mut self, name: &[u8], elements: &[(Option<Word>, bool, Word)], append: bool) -> Result<(), Flow> {
        let name = self.target(name).to_vec();
        let associative = matches!(self.variables.get(&name).map(|v| &v.value), Some(Value::Associative(_)));
        let mut keyed: Vec<(Option<Vec<u8>>, bool, Vec<u8>)> = Vec::new();
        for (key, adds, word) in elements {
            match key {
                Some(key) => {
                    let key = self.expand_word(key).await?;
                    let value = self.expand_value(word).await?;
                    keyed.push((Some(key), *adds, value));
                }
                None => keyed.extend(self.expand_words(std::slice::from_ref(word)).await?.into_iter().map(|v| (None, false, v))),
            }
        }
        let bytes: usize = keyed.iter().map(|(k, _, v)| k.as_ref().map_or(0, Vec::len) + v.len() + 64).sum();
        if associative {
            let mut items = BTreeMap::new();
            let mut values = keyed.into_iter();
            // Without subscripts, keys and values take turns.
            while let Some((key, _, value)) = values.next() {
                match key {
                    Some(key) => items.insert(key, value),
                    None => items.insert(value, values.next().map(|(_, _, v)| v).unwrap_or_default()),
                };
            }
            let changed = self.variables.change(&name, bytes, |variable| match &mut variable.value {
                Value::Associative(old) if append => old.extend(items),
                value => *value = Value::Associative(items),
            });
            return self.assigned(&name, changed).await;
        }
        let mut indexed: Vec<(Option<i64>, bool, Vec<u8>)> = Vec::with_capacity(keyed.len());
        for (key, adds, value) in keyed {
            let Some(key) = key else {
                indexed.push((None, adds, value));
                continue;
            };
            let index = self.arithmetic(&key, None).await?;
            if index < 0 {
                self.complain([b"[", &key[..], b"]=", &value, b": bad array subscript"].concat()).await?;
                return Err(Flow::Abort(1));
            }
            indexed.push((Some(index), adds, value));
        }
        let changed = self.variables.change(&name, bytes, |variable| {
            if !append {
                variable.value = Value::Indexed(BTreeMap::new());
            }
            let items = as_indexed(variable);
            let mut at = items.last_key_value().map_or(0, |(last, _)| last + 1);
            for (index, adds, value) in indexed {
                at = index.unwrap_or(at);
                let slot: &mut Vec<u8> = items.entry(at).or_default();
                if !adds {
                    slot.clear();
                }
                slot.extend(value);
                at = at.saturating_add(1);
            }
        });
        self.assigned(&name, changed).await
    }

    /// Prints a line of `set -x`.
    pub(super) async fn trace(&mut self, text: &[u8]) -> Result<(), Flow> {
        let start = if self.bash() { self.text(b"PS4") } else { b"+ ".to_vec() };
        self.process.flush().await?;
        self.process.err([&start[..], text, b"\n"].concat()).await?;
        Ok(())
    }
}
