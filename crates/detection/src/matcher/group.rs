//! The rules of one field, and the pass over one of its values.

use super::{Rule, Search, cut};
use crate::bits::Bits;
use crate::pattern::{Case, Operator};
use aho_corasick::AhoCorasick;
use std::collections::HashMap;

/// A value and, of a command line, its parts.
pub(super) struct Text<'a> {
    pub(super) whole: &'a [u8],
    pub(super) parts: &'a [&'a [u8]],
}

/// The rules of one field.
#[derive(Default)]
pub(super) struct Group {
    equals: HashMap<Box<[u8]>, Vec<u32>>,
    equals_folded: HashMap<Box<[u8]>, Vec<u32>>,
    /// Longer values equal nothing.
    equals_bytes_max: usize,
    literals: Option<AhoCorasick>,
    /// For each literal of the automaton the rules to verify.
    owners: Vec<Vec<u32>>,
    always: Vec<u32>,
}

impl<'a> Text<'a> {
    pub(super) fn plain(value: &'a [u8]) -> Self {
        Text { whole: cut(value), parts: &[] }
    }

    pub(super) fn any(&self, mut holds: impl FnMut(&[u8]) -> bool) -> bool {
        holds(self.whole) || self.parts.iter().any(|part| holds(part))
    }
}

impl Group {
    pub(super) fn new(rules: &[Rule], numbers: &[u32]) -> Result<Group, String> {
        let mut group = Group::default();
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut literals: Vec<Vec<u8>> = Vec::new();
        for &number in numbers {
            let Some(Rule { pattern, .. }) = rules.get(number as usize) else { continue };
            match (pattern.operator, &pattern.literals) {
                (Operator::Equals, _) => {
                    let table = if pattern.case == Case::Sensitive { &mut group.equals } else { &mut group.equals_folded };
                    table.entry(pattern.text.clone()).or_default().push(number);
                    group.equals_bytes_max = group.equals_bytes_max.max(pattern.text.len());
                }
                (_, None) => group.always.push(number),
                (_, Some(required)) => {
                    for literal in required {
                        let place = *places.entry(literal.clone()).or_insert_with(|| {
                            literals.push(literal.clone());
                            group.owners.push(Vec::new());
                            literals.len() - 1
                        });
                        if let Some(owners) = group.owners.get_mut(place) {
                            owners.push(number);
                        }
                    }
                }
            }
        }
        if !literals.is_empty() {
            let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&literals);
            group.literals = Some(automaton.map_err(|error| error.to_string())?);
        }
        Ok(group)
    }

    pub(super) fn search(&self, search: &mut Search<'_>, text: &Text<'_>) {
        self.equal(search, text.whole);
        for part in text.parts {
            self.equal(search, part);
        }
        for &number in &self.always {
            verify(search, number, text);
        }
        let Some(literals) = &self.literals else { return };
        // Each literal is verified once a value, not once an occurrence: a hostile line may repeat it a hundred thousand times.
        let mut seen: Option<Bits> = None;
        for found in literals.find_overlapping_iter(text.whole) {
            let seen = seen.get_or_insert_with(|| Bits::with_size(self.owners.len()));
            if seen.contains(found.pattern().as_u32()) {
                continue;
            }
            seen.insert(found.pattern().as_u32());
            for &number in self.owners.get(found.pattern().as_usize()).into_iter().flatten() {
                verify(search, number, text);
            }
        }
    }

    fn equal(&self, search: &mut Search<'_>, value: &[u8]) {
        if value.is_empty() || value.len() > self.equals_bytes_max {
            return;
        }
        let mut add = |numbers: Option<&Vec<u32>>| {
            for &number in numbers.into_iter().flatten() {
                if search.applies(number) {
                    search.out.push(number);
                }
            }
        };
        add(self.equals.get(value));
        if !self.equals_folded.is_empty() {
            add(self.equals_folded.get(value.to_ascii_lowercase().as_slice()));
        }
    }
}

impl Search<'_> {
    fn applies(&self, number: u32) -> bool {
        self.matcher.rules.get(number as usize).is_some_and(|rule| rule.protocols.contains(self.protocol))
    }
}

/// Adds a rule whose required text was found, when the rule holds.
fn verify(search: &mut Search<'_>, number: u32, text: &Text<'_>) {
    let Some(rule) = search.matcher.rules.get(number as usize) else { return };
    if !rule.protocols.contains(search.protocol) || search.out.contains(&number) {
        return;
    }
    let confirmed = rule.pattern.operator == Operator::Contains && rule.pattern.case == Case::Insensitive;
    if confirmed || text.any(|value| rule.pattern.holds(value)) {
        search.out.push(number);
    }
}
