//! Elements of arrays, and arithmetic on variables.

use super::{Flow, Shell, Value, Variable, hash_order};
use crate::arith::{self, Cells, Failure};
use crate::parse::ast::Index;
use crate::parse::{Dialect, is_name};

/// The highest index of an array.
const INDEX_MAX: i64 = i64::MAX / 2;

/// The letters of a variable's attributes, as `declare -p` shows them.
pub(crate) fn attribute_letters(variable: &Variable) -> String {
    let kind = match variable.value {
        Value::Indexed(_) => Some('a'),
        Value::Associative(_) => Some('A'),
        _ => None,
    };
    let flags = [
        (variable.integer, 'i'),
        (variable.lower, 'l'),
        (variable.reference, 'n'),
        (variable.readonly, 'r'),
        (variable.upper, 'u'),
        (variable.exported, 'x'),
    ];
    kind.into_iter().chain(flags.into_iter().filter(|(on, _)| *on).map(|(_, letter)| letter)).collect()
}

impl Shell {
    /// All elements of an array; a scalar is one.
    pub fn elements(&self, name: &[u8]) -> Vec<Vec<u8>> {
        match self.variables.get(self.target(name)).map(|v| &v.value) {
            Some(Value::Indexed(items)) => items.values().cloned().collect(),
            Some(Value::Associative(items)) => hash_order(items).into_iter().map(|(_, v)| v.clone()).collect(),
            Some(Value::Scalar(text)) => vec![text.clone()],
            Some(Value::Unset) => Vec::new(),
            None => match self.special_elements(name) {
                none if none.is_empty() => self.special(name).into_iter().collect(),
                elements => elements,
            },
        }
    }

    /// Its keys.
    pub fn keys(&self, name: &[u8]) -> Vec<Vec<u8>> {
        match self.variables.get(self.target(name)).map(|v| &v.value) {
            Some(Value::Indexed(items)) => items.keys().map(|k| k.to_string().into_bytes()).collect(),
            Some(Value::Associative(items)) => hash_order(items).into_iter().map(|(k, _)| k.clone()).collect(),
            Some(Value::Scalar(_)) => vec![b"0".to_vec()],
            _ => (0..self.special_elements(name).len()).map(|n| n.to_string().into_bytes()).collect(),
        }
    }

    /// The variable a name reference points to, else the name itself.
    pub fn target<'a>(&'a self, name: &'a [u8]) -> &'a [u8] {
        match self.variables.get(name) {
            Some(Variable { reference: true, value: Value::Scalar(target), .. }) if is_name(target) => target,
            _ => name,
        }
    }

    /// One element, by its subscript's text.
    pub async fn element(&mut self, name: &[u8], subscript: &[u8]) -> Result<Option<Vec<u8>>, Flow> {
        let name = self.target(name).to_vec();
        if let Some(Value::Associative(items)) = self.variables.get(&name).map(|v| &v.value) {
            return Ok(items.get(subscript).cloned());
        }
        let index = self.arithmetic(subscript, None).await?;
        Ok(self.element_at(&name, index))
    }

    fn element_at(&self, name: &[u8], index: i64) -> Option<Vec<u8>> {
        match self.variables.get(name).map(|v| &v.value) {
            Some(Value::Indexed(items)) => {
                let index = if index < 0 { items.last_key_value().map_or(0, |(last, _)| last + 1) + index } else { index };
                items.get(&index).cloned()
            }
            Some(Value::Scalar(text)) => (index == 0 || index == -1).then(|| text.clone()),
            Some(_) => None,
            None => {
                let elements = self.special_elements(name);
                let index = if index < 0 { i64::try_from(elements.len()).ok()? + index } else { index };
                elements.get(usize::try_from(index).ok()?).cloned()
            }
        }
    }

    /// Removes one element.
    pub async fn unset_element(&mut self, name: &[u8], subscript: &[u8]) -> Result<(), Flow> {
        let name = self.target(name).to_vec();
        let index = match self.variables.get(&name).map(|v| &v.value) {
            None => return Ok(()),
            Some(Value::Associative(_)) => None,
            Some(_) if subscript == b"@" || subscript == b"*" => {
                let _ = self.variables.unset(&name);
                return Ok(());
            }
            Some(_) => Some(self.arithmetic(subscript, None).await?),
        };
        let _ = self.variables.change(&name, 0, |variable| match (&mut variable.value, index) {
            (Value::Associative(items), _) => drop(items.remove(subscript)),
            (Value::Indexed(items), Some(index)) => {
                let index = if index < 0 { items.last_key_value().map_or(0, |(last, _)| last + 1) + index } else { index };
                items.remove(&index);
            }
            _ => {}
        });
        Ok(())
    }

    /// Assigns to a name with a subscript, as `${a[1]=x}` does.
    pub(super) async fn assign_indexed(&mut self, name: &[u8], index: Option<&Index>, value: Vec<u8>) -> Result<(), Flow> {
        match index {
            Some(Index::At(word)) => {
                let subscript = self.expand_word(word).await?;
                self.assign_element(name, &subscript, value, false).await
            }
            _ => self.assign(name, value).await,
        }
    }

    /// Sets one element, making the array.
    pub async fn assign_element(&mut self, name: &[u8], subscript: &[u8], value: Vec<u8>, append: bool) -> Result<(), Flow> {
        let name = self.target(name).to_vec();
        let key = match self.variables.get(&name).map(|v| &v.value) {
            Some(Value::Associative(_)) => None,
            _ => Some(self.arithmetic(subscript, None).await?),
        };
        let integer = self.variables.get(&name).is_some_and(|v| v.integer);
        let value = if integer { self.arithmetic(&value, None).await?.to_string().into_bytes() } else { value };
        let mut bad = false;
        let changed = self.variables.change(&name, value.len() + subscript.len() + 64, |variable| {
            let Some(index) = key else {
                if let Value::Associative(items) = &mut variable.value {
                    let slot = items.entry(subscript.to_vec()).or_default();
                    if !append {
                        slot.clear();
                    }
                    slot.extend(value);
                }
                return;
            };
            let items = as_indexed(variable);
            let index = if index < 0 { items.last_key_value().map_or(0, |(last, _)| last + 1) + index } else { index };
            if !(0..=INDEX_MAX).contains(&index) {
                bad = true;
                return;
            }
            let slot = items.entry(index).or_default();
            if !append {
                slot.clear();
            }
            slot.extend(value);
        });
        if bad {
            self.complain([&name[..], b"[", subscript, b"]: bad array subscript"].concat()).await?;
            return Err(Flow::Abort(1));
        }
        self.assigned(&name, changed).await
    }

    /// An expression's value; what is wrong is said, for `who` (`let`, `((`) where there is one.
    pub async fn arithmetic(&mut self, text: &[u8], who: Option<&str>) -> Result<i64, Flow> {
        if let Ok(value) = arith::number(text) {
            return Ok(value);
        }
        self.process.charge(1).await?;
        let result = arith::evaluate(text, self);
        let failure = match result {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let shown = text.trim_ascii_start();
        let who = who.map_or(String::new(), |who| format!("{who}: ")).into_bytes();
        let message = match (&failure, self.dialect) {
            (Failure::Unbound(name), Dialect::Bash) => Some([name, &b": unbound variable"[..]].concat()),
            (Failure::Unbound(name), _) => Some([name, &b": parameter not set"[..]].concat()),
            (Failure::DivisionByZero(token), Dialect::Bash) => {
                Some([&who[..], shown, b": division by 0 (error token is \"", token, b"\")"].concat())
            }
            (Failure::Message(what, token), Dialect::Bash) => {
                Some([&who[..], shown, b": ", what.as_bytes(), b" (error token is \"", token, b"\")"].concat())
            }
            (Failure::DivisionByZero(_), Dialect::Ash) => Some(b"divide by zero".to_vec()),
            (Failure::Message(..), Dialect::Ash) => Some(b"arithmetic syntax error".to_vec()),
            (Failure::DivisionByZero(_), Dialect::Dash) => Some([b"arithmetic expression: division by zero: \"", text, b"\""].concat()),
            (Failure::Message(..), Dialect::Dash) => Some([b"arithmetic expression: expecting primary: \"", text, b"\""].concat()),
        };
        if let Some(message) = message {
            self.complain(message).await?;
        }
        Err(self.expansion_error(1))
    }
}

/// The elements of a variable, which is made an indexed array.
pub(super) fn as_indexed(variable: &mut Variable) -> &mut std::collections::BTreeMap<i64, Vec<u8>> {
    if !matches!(variable.value, Value::Indexed(_)) {
        let old = std::mem::replace(&mut variable.value, Value::Indexed(Default::default()));
        if let (Value::Scalar(text), Value::Indexed(items)) = (old, &mut variable.value) {
            items.insert(0, text);
        }
    }
    match &mut variable.value {
        Value::Indexed(items) => items,
        _ => unreachable!("made an indexed array above"),
    }
}

impl Cells for Shell {
    fn get(&mut self, name: &[u8], subscript: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
        if name == b"RANDOM" {
            self.stir();
        }
        let name = self.target(name).to_vec();
        let value = match subscript {
            None => self.lookup(&name),
            Some(subscript) => match self.variables.get(&name).map(|v| &v.value) {
                Some(Value::Associative(items)) => items.get(subscript).cloned(),
                _ => {
                    let index = arith::evaluate(subscript, self)?;
                    self.element_at(&name, index)
                }
            },
        };
        match value {
            Some(value) => Ok(value),
            None if self.options.on("nounset") => Err(Failure::Unbound(name)),
            None => Ok(Vec::new()),
        }
    }

    fn set(&mut self, name: &[u8], subscript: Option<&[u8]>, value: i64) -> Result<(), Failure> {
        let name = self.target(name).to_vec();
        let text = value.to_string().into_bytes();
        let done = match subscript {
            None if self.assign_special(&name, &text) => return Ok(()),
            None => self.variables.set(&name, text),
            Some(subscript) => match self.variables.get(&name).map(|v| &v.value) {
                Some(Value::Associative(_)) => self.variables.change(&name, text.len() + 64, |variable| {
                    if let Value::Associative(items) = &mut variable.value {
                        items.insert(subscript.to_vec(), text);
                    }
                }),
                _ => {
                    let index = arith::evaluate(subscript, self)?;
                    self.variables.change(&name, text.len() + 64, |variable| drop(as_indexed(variable).insert(index.max(0), text)))
                }
            },
        };
        done.map_err(|_| Failure::Message("readonly variable", name))
    }
}
