//! `$name` and `${…}`.

use super::expand::Quoting;
use super::fields::Fields;
use super::{Flow, Shell, Value};
use crate::parse::Dialect;
use crate::parse::ast::{Index, Operation, Parameter};

/// What a parameter refers to.
pub(super) enum Referred {
    /// One value, or none when it is not set.
    One(Option<Vec<u8>>),
    /// `$@`, `${a[@]}`: each its own field between quotes.
    Each(Vec<Vec<u8>>),
    /// `$*`, `${a[*]}`: joined between quotes.
    Joined(Vec<Vec<u8>>),
}

impl Shell {
    pub(super) async fn expand_parameter(&mut self, parameter: &Parameter, quoting: Quoting, fields: &mut Fields) -> Result<(), Flow> {
        // Plain `$name` is what nearly all are.
        if parameter.index.is_none() && !parameter.indirect && matches!(parameter.operation, Operation::Plain) {
            let plain = self.variables.get(&parameter.name);
            if let Some(text) = plain.filter(|v| !v.reference).and_then(|v| v.scalar()) {
                let text = text.to_vec();
                self.push_value(&text, quoting, fields);
                return Ok(());
            }
        }
        let mut parameter_name = parameter.name.clone();
        let mut referred = match &parameter.operation {
            Operation::Names(each) => {
                let prefix = &parameter.name;
                let names: Vec<_> = self.variables.iter().map(|(n, _)| n).filter(|n| n.starts_with(prefix)).cloned().collect();
                if *each { Referred::Each(names) } else { Referred::Joined(names) }
            }
            Operation::Keys => {
                let keys = self.keys(&parameter.name);
                if matches!(parameter.index, Some(Index::All)) { Referred::Each(keys) } else { Referred::Joined(keys) }
            }
            _ if parameter.indirect => {
                let name = match self.refer(&parameter.name, parameter.index.as_ref()).await? {
                    Referred::One(Some(name)) => name,
                    _ => Vec::new(),
                };
                parameter_name = name;
                self.refer_text(&parameter_name.clone()).await?
            }
            _ => self.refer(&parameter.name, parameter.index.as_ref()).await?,
        };
        if self.options.on("nounset")
            && !matches!(parameter.operation, Operation::Default { .. })
            && matches!(referred, Referred::One(None))
        {
            let unset = match self.dialect {
                Dialect::Bash => "unbound variable",
                _ => "parameter not set",
            };
            let subscript = match &parameter.index {
                Some(Index::At(word)) => [b"[", &self.expand_word(word).await?[..], b"]"].concat(),
                _ => Vec::new(),
            };
            let shown =
                if parameter_name.first().is_some_and(u8::is_ascii_digit) { [b"$", &parameter_name[..]].concat() } else { parameter_name };
            self.complain([&shown[..], &subscript, b": ", unset.as_bytes()].concat()).await?;
            return Err(self.fatal(if self.bash() { 127 } else { 2 }));
        }
        match &parameter.operation {
            Operation::Plain | Operation::Names(_) | Operation::Keys => {}
            Operation::Length => {
                let length = match &referred {
                    Referred::One(value) => value.as_ref().map_or(0, |v| String::from_utf8_lossy(v).chars().count()),
                    Referred::Each(values) | Referred::Joined(values) => values.len(),
                };
                referred = Referred::One(Some(length.to_string().into_bytes()));
            }
            Operation::Default { kind, colon, word } => {
                let set = match &referred {
                    Referred::One(None) => false,
                    Referred::One(Some(value)) => !(*colon && value.is_empty()),
                    Referred::Each(values) | Referred::Joined(values) => !(values.is_empty() || *colon && values.iter().all(Vec::is_empty)),
                };
                match (kind, set) {
                    (b'+', true) | (b'-', false) => {
                        // The word is part of the one around it: it is split and quoted as that one is.
                        let quoting = if quoting == Quoting::Split { Quoting::SplitAll } else { quoting };
                        return self.expand_parts(&word.0, quoting, true, fields).await;
                    }
                    (b'+', false) => referred = Referred::One(Some(Vec::new())),
                    (b'=', false) => {
                        let value = self.expand_value(word).await?;
                        self.assign_indexed(&parameter_name, parameter.index.as_ref(), value.clone()).await?;
                        referred = Referred::One(Some(value));
                    }
                    (b'?', false) => {
                        let text = self.expand_word(word).await?;
                        let text = match (text.is_empty(), colon, self.dialect) {
                            (false, ..) => text,
                            (true, true, Dialect::Bash) => b"parameter null or not set".to_vec(),
                            (true, true, _) => b"parameter not set or null".to_vec(),
                            (true, false, _) => b"parameter not set".to_vec(),
                        };
                        self.complain([&parameter_name[..], b": ", &text].concat()).await?;
                        return Err(self.fatal(if self.bash() { 127 } else { 2 }));
                    }
                    _ => {}
                }
            }
            Operation::Slice { offset, length } => referred = self.slice(referred, &parameter.name, offset, length.as_ref()).await?,
            operation => {
                let change = self.change_of(operation).await?;
                let attributes = self.variables.get(&parameter_name).cloned();
                let apply = |value: Vec<u8>| change.apply(value, &parameter_name, attributes.as_ref());
                referred = match referred {
                    Referred::One(value) => Referred::One(value.map(apply)),
                    Referred::Each(values) => Referred::Each(values.into_iter().map(apply).collect()),
                    Referred::Joined(values) => Referred::Joined(values.into_iter().map(apply).collect()),
                };
            }
        }
        self.push_referred(referred, quoting, fields);
        Ok(())
    }

    fn push_referred(&mut self, referred: Referred, quoting: Quoting, fields: &mut Fields) {
        let (values, joined) = match referred {
            Referred::One(value) => {
                if let Some(value) = value {
                    self.push_value(&value, quoting, fields);
                }
                return;
            }
            Referred::Each(values) => (values, false),
            Referred::Joined(values) => (values, true),
        };
        match quoting {
            Quoting::Double if !joined => {
                for (n, value) in values.iter().enumerate() {
                    if n > 0 {
                        fields.cut();
                    }
                    fields.touch();
                    fields.push(value, true);
                }
            }
            Quoting::Split | Quoting::SplitAll => {
                let separators = self.separators();
                for (n, value) in values.iter().enumerate() {
                    if n > 0 {
                        fields.cut();
                    }
                    fields.split(value, &separators);
                }
            }
            _ => {
                let separators = self.separators();
                // `$*` is joined by the first character of IFS; `$@` where it cannot be several fields by blanks.
                let separator = if joined { separators.get(..1).unwrap_or_default() } else { b" " };
                fields.push(&values.join(separator), quoting == Quoting::Double);
            }
        }
    }

    /// What a name with a subscript refers to.
    pub(super) async fn refer(&mut self, name: &[u8], index: Option<&Index>) -> Result<Referred, Flow> {
        let Some(index) = index else {
            return Ok(match name {
                b"@" => Referred::Each(self.positional.to_vec()),
                b"*" => Referred::Joined(self.positional.to_vec()),
                _ => Referred::One(self.lookup(name)),
            });
        };
        match index {
            Index::All => Ok(Referred::Each(self.elements(name))),
            Index::Joined => Ok(Referred::Joined(self.elements(name))),
            Index::At(word) => {
                let subscript = self.expand_word(word).await?;
                Ok(Referred::One(self.element(name, &subscript).await?))
            }
        }
    }

    /// What a text like `name` or `name[3]` refers to, as `${!x}` needs it.
    async fn refer_text(&mut self, text: &[u8]) -> Result<Referred, Flow> {
        let open = text.iter().position(|b| *b == b'[').filter(|_| text.ends_with(b"]"));
        let Some(open) = open else {
            return Box::pin(self.refer(text, None)).await;
        };
        let (name, subscript) = (&text[..open], &text[open + 1..text.len() - 1]);
        Ok(match subscript {
            b"@" => Referred::Each(self.elements(name)),
            b"*" => Referred::Joined(self.elements(name)),
            _ => Referred::One(self.element(name, subscript).await?),
        })
    }

    async fn slice(
        &mut self,
        referred: Referred,
        name: &[u8],
        offset: &crate::parse::ast::Word,
        length: Option<&crate::parse::ast::Word>,
    ) -> Result<Referred, Flow> {
        let text = self.expand_quoted(&offset.0).await?;
        let offset = self.arithmetic(&text, None).await?;
        let length = match length {
            None => None,
            Some(word) => {
                let text = self.expand_quoted(&word.0).await?;
                Some(self.arithmetic(&text, None).await?)
            }
        };
        let bounds = |count: usize| -> Option<(usize, usize)> {
            let count = i64::try_from(count).ok()?;
            let start = if offset < 0 { count + offset } else { offset };
            if start < 0 || start > count {
                return Some((0, 0));
            }
            let end = match length {
                None => count,
                Some(length) if length < 0 => count + length,
                Some(length) => start.saturating_add(length).min(count),
            };
            (end >= start).then_some((usize::try_from(start).ok()?, usize::try_from(end).ok()?))
        };
        let mut wrong = false;
        let referred = match referred {
            Referred::One(None) => Referred::One(None),
            Referred::One(Some(value)) => {
                let characters = super::substitute::characters(&value);
                match bounds(characters.len()) {
                    Some((start, end)) => Referred::One(Some(characters[start..end].concat())),
                    None => {
                        wrong = true;
                        Referred::One(None)
                    }
                }
            }
            Referred::Each(values) | Referred::Joined(values) if name == b"@" || name == b"*" => {
                // `${@:0}` begins with `$0`.
                let all: Vec<_> = std::iter::once(self.name.clone()).chain(values).collect();
                let (start, end) = match (offset, length) {
                    (0, None) => (0, all.len()),
                    (0, Some(length)) => (0, usize::try_from(length).unwrap_or(0).min(all.len())),
                    _ => bounds(all.len()).unwrap_or((0, 0)),
                };
                Referred::Each(all[start..end].to_vec())
            }
            Referred::Each(values) | Referred::Joined(values) => {
                let (start, end) = bounds(values.len()).unwrap_or((0, 0));
                Referred::Each(values[start..end].to_vec())
            }
        };
        if wrong {
            let shown = length.unwrap_or_default().to_string();
            self.complain(format!("{shown}: substring expression < 0")).await?;
            return Err(self.expansion_error(1));
        }
        Ok(referred)
    }

    /// A parameter's text; `None` when it is not set.
    pub fn lookup(&self, name: &[u8]) -> Option<Vec<u8>> {
        if let Some(variable) = self.variables.get(name) {
            if variable.reference
                && let Value::Scalar(target) = &variable.value
                && target != name
            {
                return self.variables.get(target).and_then(|v| v.scalar()).map(<[u8]>::to_vec);
            }
            if let Some(text) = variable.scalar() {
                return Some(text.to_vec());
            }
            return None;
        }
        if name.first().is_some_and(u8::is_ascii_digit) {
            let number: usize = std::str::from_utf8(name).ok()?.parse().ok()?;
            return match number {
                0 => Some(self.name.clone()),
                n => self.positional.get(n - 1).cloned(),
            };
        }
        self.special(name)
    }
}
