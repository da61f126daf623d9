//! The catalog: primitives and behaviors, loaded and ready to match and judge.

use crate::bits::Bits;
use crate::cases::Cases;
use crate::expression::Expression;
use crate::facts::SessionFacts;
use crate::matcher::Matcher;
use crate::pattern::{Case, Operator};
use model::{Event, Protocol, Severity};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// One recognisable thing in one field of one event.
#[derive(Clone, Debug)]
pub struct Primitive {
    /// Unique in the catalog; stored with sessions, so it is never reused for something else.
    pub id: Arc<str>,
    /// What people read.
    pub name: Arc<str>,
    /// What it means when it is seen.
    pub description: Arc<str>,
    /// The protocols in which it is looked for.
    pub protocols: Vec<Protocol>,
    /// The field it reads, as in [`crate::FIELDS`].
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub pattern: String,
    /// Whether upper and lower case differ.
    pub case: Case,
    /// Groups that expressions may name as `tag:x`.
    pub tags: Vec<String>,
    /// Where this is described: URLs.
    pub references: Vec<String>,
}

/// What a whole session was.
#[derive(Clone, Debug)]
pub struct Behavior {
    /// Unique in the catalog, among the built-ins too; stored with sessions.
    pub id: Arc<str>,
    /// What people read.
    pub name: Arc<str>,
    /// What the attacker did, and to what end.
    pub description: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// MITRE ATT&CK techniques and sub-techniques.
    pub techniques: Arc<[Arc<str>]>,
    /// The expression as written.
    pub requires: String,
    /// What else the session may hold, as written: primitives and `tag:x`.
    pub may_contain: Vec<String>,
    /// Where this is described: URLs.
    pub references: Vec<String>,
    pub(crate) expression: Expression,
    /// Every primitive that the expression or `may_contain` names.
    pub(crate) named: Bits,
    pub(crate) required: Required,
}

/// How many primitives a behavior requires, as [`crate::Verdict`] orders by it.
pub type Required = u32;

/// A loaded catalog. Immutable: a changed catalog is loaded anew and takes the old one's place.
pub struct Catalog {
    pub(crate) primitives: Vec<Primitive>,
    /// In the total order of judgement: the first that fits is the verdict.
    pub(crate) behaviors: Vec<Behavior>,
    pub(crate) numbers: HashMap<Arc<str>, u32>,
    /// For each primitive the behaviors that name it, ascending.
    pub(crate) naming: Vec<Vec<u32>>,
    pub(crate) matcher: Matcher,
    pub(crate) version: String,
    pub(crate) cases: Cases,
}

impl Catalog {
    /// A hash of the files' paths and contents, 16 hexadecimal digits: equal catalogs have equal versions, whatever the files' order.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Every primitive, in the order of their files.
    pub fn primitives(&self) -> &[Primitive] {
        &self.primitives
    }

    /// Every behavior, in the order in which they are tried.
    pub fn behaviors(&self) -> &[Behavior] {
        &self.behaviors
    }

    /// The primitive with this id.
    pub fn primitive(&self, id: &str) -> Option<&Primitive> {
        self.primitives.get(*self.numbers.get(id)? as usize)
    }

    /// The behavior with this id; the built-ins are in [`crate::BUILT_INS`].
    pub fn behavior(&self, id: &str) -> Option<&Behavior> {
        self.behaviors.iter().find(|behavior| &*behavior.id == id)
    }

    /// Takes one event of a session into account: its kind, and the primitives it holds.
    pub fn absorb(&self, facts: &mut SessionFacts, event: &Event) {
        facts.count(event);
        let mut hits = Vec::new();
        self.matcher.hits(event, &mut hits);
        for primitive in hits.into_iter().filter_map(|number| self.primitives.get(number as usize)) {
            facts.hit(&primitive.id);
        }
    }

    /// The ids of the primitives that one event holds, in the catalog's order.
    pub fn primitives_in(&self, event: &Event) -> Vec<Arc<str>> {
        let mut hits = Vec::new();
        self.matcher.hits(event, &mut hits);
        hits.into_iter().filter_map(|number| self.primitives.get(number as usize)).map(|primitive| primitive.id.clone()).collect()
    }

    /// The numbers of the session's primitives. An id that this catalog does not have (any more) is left out: the session is judged by
    /// what the catalog knows, and re-judging from stored events finds what it has gained.
    pub(crate) fn numbers_of<'a>(&'a self, facts: &'a SessionFacts) -> impl Iterator<Item = u32> + 'a {
        facts.primitives.keys().filter_map(|id| self.numbers.get(id).copied())
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("version", &self.version)
            .field("primitives", &self.primitives.len())
            .field("behaviors", &self.behaviors.len())
            .finish_non_exhaustive()
    }
}
