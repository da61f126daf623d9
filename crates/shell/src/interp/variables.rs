//! Variables, their attributes and their scopes.

use crate::Environment;
use crate::session::Session;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Declared without a value.
    Unset,
    Scalar(Vec<u8>),
    Indexed(BTreeMap<i64, Vec<u8>>),
    Associative(BTreeMap<Vec<u8>, Vec<u8>>),
}

impl Value {
    fn bytes(&self) -> u64 {
        match self {
            Value::Unset => 0,
            Value::Scalar(text) => text.len() as u64,
            Value::Indexed(items) => items.values().map(|v| v.len() as u64 + 48).sum(),
            Value::Associative(items) => items.iter().map(|(k, v)| (k.len() + v.len()) as u64 + 48).sum(),
        }
    }
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub value: Value,
    pub exported: bool,
    pub readonly: bool,
    pub integer: bool,
    pub upper: bool,
    pub lower: bool,
    pub reference: bool,
    /// Bytes accounted for it: an upper bound for arrays, which are not counted anew at each change.
    pub bytes: u64,
}

impl Default for Variable {
    fn default() -> Variable {
        Variable {
            value: Value::Unset,
            exported: false,
            readonly: false,
            integer: false,
            upper: false,
            lower: false,
            reference: false,
            bytes: 0,
        }
    }
}

impl Variable {
    /// The value as `$name` shows it: an array's element 0.
    pub fn scalar(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Unset => None,
            Value::Scalar(text) => Some(text),
            Value::Indexed(items) => items.get(&0).map(Vec::as_slice),
            Value::Associative(items) => items.get(&b"0"[..]).map(Vec::as_slice),
        }
    }
}

/// Why a variable cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Readonly,
    /// The session's memory is used up.
    Memory,
}

type Map = BTreeMap<Vec<u8>, Variable>;

/// All variables of a shell. A fork shares them until one side changes one.
pub(crate) struct Variables {
    map: Arc<Map>,
    /// What function calls have hidden: names with what they were outside.
    scopes: Vec<Vec<(Vec<u8>, Option<Variable>)>>,
    environment: Option<Arc<Environment>>,
    session: Arc<Session>,
    /// Bytes accounted for in the session's budget.
    charged: u64,
    bytes: u64,
}

impl Drop for Variables {
    fn drop(&mut self) {
        self.session.budget.release(self.charged);
    }
}

impl Variables {
    pub fn new(session: Arc<Session>, environment: &Arc<Environment>) -> Variables {
        let map: Map = environment
            .iter()
            .filter(|(name, _)| crate::parse::is_name(name))
            .map(|(name, value)| (name.clone(), Variable { value: Value::Scalar(value.clone()), exported: true, ..Variable::default() }))
            .collect();
        Variables { map: Arc::new(map), scopes: Vec::new(), environment: Some(environment.clone()), session, charged: 0, bytes: 0 }
    }

    /// For a forked shell.
    pub fn fork(&self) -> Variables {
        Variables {
            map: self.map.clone(),
            scopes: self.scopes.clone(),
            environment: self.environment.clone(),
            session: self.session.clone(),
            charged: 0,
            bytes: self.bytes,
        }
    }

    pub fn get(&self, name: &[u8]) -> Option<&Variable> {
        self.map.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Variable)> {
        self.map.iter()
    }

    /// The scalar value of a variable that is set.
    pub fn text(&self, name: &[u8]) -> Option<&[u8]> {
        self.map.get(name).and_then(Variable::scalar)
    }

    /// The exported variables, made anew only after a change.
    pub fn environment(&mut self) -> Arc<Environment> {
        if let Some(environment) = &self.environment {
            return environment.clone();
        }
        let exported = self.map.iter().filter(|(_, v)| v.exported);
        let environment: Environment = exported.filter_map(|(name, v)| Some((name.clone(), v.scalar()?.to_vec()))).collect();
        let environment = Arc::new(environment);
        self.environment = Some(environment.clone());
        environment
    }

    /// Changes a variable in any way, making it when there is none. `extra` is how many bytes it may grow.
    pub fn change<T>(&mut self, name: &[u8], extra: usize, change: impl FnOnce(&mut Variable) -> T) -> Result<T, Refusal> {
        if self.map.get(name).is_some_and(|v| v.readonly) {
            return Err(Refusal::Readonly);
        }
        self.change_even_readonly(name, extra, change)
    }

    /// The same where read-only variables may be changed, as their attributes may.
    pub fn change_even_readonly<T>(&mut self, name: &[u8], extra: usize, change: impl FnOnce(&mut Variable) -> T) -> Result<T, Refusal> {
        let before = self.map.get(name).map_or(0, |v| v.bytes);
        // A copy of shared variables costs as much as they hold; `extra` is what is to come.
        let shared = Arc::strong_count(&self.map) > 1;
        let wanted = extra as u64 + if self.charged == 0 || shared { self.bytes } else { 0 };
        if !self.session.budget.hold(wanted) {
            return Err(Refusal::Memory);
        }
        self.charged += wanted;
        let map = Arc::make_mut(&mut self.map);
        let variable = match map.get_mut(name) {
            Some(variable) => variable,
            None => map.entry(name.to_vec()).or_default(),
        };
        let was_exported = variable.exported;
        let was = std::mem::discriminant(&variable.value);
        let result = change(variable);
        if was_exported || variable.exported {
            self.environment = None;
        }
        let same_array =
            matches!(variable.value, Value::Indexed(_) | Value::Associative(_)) && was == std::mem::discriminant(&variable.value);
        variable.bytes = if same_array { variable.bytes + extra as u64 } else { variable.value.bytes() };
        let after = variable.bytes;
        self.bytes = self.bytes.saturating_sub(before) + after;
        // What was held too much is given back.
        let surplus = self.charged.saturating_sub(self.bytes);
        self.session.budget.release(surplus);
        self.charged -= surplus;
        Ok(result)
    }

    /// Sets a scalar, or element 0 of an array.
    pub fn set(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), Refusal> {
        self.change(name, value.len(), |variable| {
            let value = match (variable.upper, variable.lower) {
                (true, _) => value.to_ascii_uppercase(),
                (_, true) => value.to_ascii_lowercase(),
                _ => value,
            };
            match &mut variable.value {
                Value::Indexed(items) => drop(items.insert(0, value)),
                Value::Associative(items) => drop(items.insert(b"0".to_vec(), value)),
                scalar => *scalar = Value::Scalar(value),
            }
        })
    }

    /// Removes a variable; whether it may be.
    pub fn unset(&mut self, name: &[u8]) -> Result<(), Refusal> {
        match self.map.get(name) {
            None => Ok(()),
            Some(variable) if variable.readonly => Err(Refusal::Readonly),
            Some(variable) => {
                self.bytes = self.bytes.saturating_sub(variable.bytes);
                Arc::make_mut(&mut self.map).remove(name);
                self.environment = None;
                Ok(())
            }
        }
    }

    /// A function is called.
    pub fn enter(&mut self) {
        self.scopes.push(Vec::new());
    }

    /// It returns: what it made local is as it was.
    pub fn leave(&mut self) {
        let Some(scope) = self.scopes.pop() else { return };
        for (name, variable) in scope.into_iter().rev() {
            self.restore(name, variable);
        }
    }

    /// Puts a variable back as it was.
    pub fn restore(&mut self, name: Vec<u8>, variable: Option<Variable>) {
        let map = Arc::make_mut(&mut self.map);
        let now = map.get(&name).map_or(0, |v| v.bytes);
        let then = variable.as_ref().map_or(0, |v| v.bytes);
        self.bytes = self.bytes.saturating_sub(now) + then;
        match variable {
            Some(variable) => drop(map.insert(name, variable)),
            None => drop(map.remove(&name)),
        }
        self.environment = None;
    }

    /// Whether a function is running.
    pub fn in_function(&self) -> bool {
        !self.scopes.is_empty()
    }

    /// Makes a name local to the running function.
    pub fn localize(&mut self, name: &[u8], keep: bool) {
        let outside = self.map.get(name).cloned();
        let Some(scope) = self.scopes.last_mut() else { return };
        if scope.iter().any(|(known, _)| known == name) {
            return;
        }
        scope.push((name.to_vec(), outside));
        if !keep && self.map.contains_key(name) {
            let exported = self.map.get(name).is_some_and(|v| v.exported);
            Arc::make_mut(&mut self.map).insert(name.to_vec(), Variable { exported, ..Variable::default() });
            self.environment = None;
        }
    }
}

/// The keys of an associative array in bash's order: by hash bucket (`hash_string` of bash's hashlib.c, 1024 buckets).
pub(crate) fn hash_order<V>(items: &BTreeMap<Vec<u8>, V>) -> Vec<(&Vec<u8>, &V)> {
    let bucket = |key: &[u8]| key.iter().fold(2_166_136_261u32, |hash, byte| hash.wrapping_mul(16_777_619) ^ u32::from(*byte)) & 1023;
    let mut all: Vec<_> = items.iter().collect();
    all.sort_by_key(|(key, _)| bucket(key));
    all
}
