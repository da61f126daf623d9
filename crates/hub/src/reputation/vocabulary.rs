//! The names that reputations are written with, and what the catalog says of each.

use detection::{BUILT_INS, Catalog};
use model::Severity;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use store::NameId;

/// A word of the catalog that an address may be known for.
#[derive(Clone, Debug)]
pub struct Name {
    /// The stable id: of a behavior or primitive, or a protocol's name.
    pub id: Arc<str>,
    /// What people read; the id when the catalog does not have it any more.
    pub title: Arc<str>,
    /// What it means, when the catalog says.
    pub description: Option<Arc<str>>,
    /// How bad it is; only of behaviors.
    pub severity: Severity,
    /// MITRE ATT&CK techniques; only of behaviors.
    pub techniques: Arc<[Arc<str>]>,
}

/// Which list of the catalog a name is of: the same id may be in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// A behavior or built-in.
    Behavior,
    /// A primitive.
    Primitive,
    /// A protocol.
    Protocol,
}

impl List {
    const fn prefix(self) -> &'static str {
        match self {
            List::Behavior => "behavior:",
            List::Primitive => "primitive:",
            List::Protocol => "protocol:",
        }
    }
}

/// Names by number. Reading is one lock for a whole answer.
#[derive(Default)]
pub struct Names {
    by_number: Vec<Name>,
    numbers: HashMap<String, NameId>,
}

impl Names {
    /// The name with this number; `None` when the database is damaged.
    pub fn get(&self, number: NameId) -> Option<&Name> {
        self.by_number.get(number as usize)
    }

    /// The number of a word, if any address ever was known for it.
    pub fn number(&self, list: List, id: &str) -> Option<NameId> {
        self.numbers.get(&format!("{}{id}", list.prefix())).copied()
    }
}

/// The names together with the catalog that explains them.
pub struct Vocabulary {
    catalog: Arc<Catalog>,
    names: RwLock<Names>,
}

impl Vocabulary {
    /// With the names stored so far, which are numbered from 0 without gaps; `None` when they are not.
    pub fn new(catalog: Arc<Catalog>, stored: Vec<(NameId, String)>) -> Option<Vocabulary> {
        let mut names = Names::default();
        for (number, text) in stored {
            if number as usize != names.by_number.len() {
                return None;
            }
            names.by_number.push(describe(&catalog, &text));
            names.numbers.insert(text, number);
        }
        Some(Vocabulary { catalog, names: RwLock::new(names) })
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// For reading.
    pub fn names(&self) -> RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the catalog says of a word, whether or not an address is known for it.
    pub fn describe(&self, list: List, id: &str) -> Name {
        describe(&self.catalog, &format!("{}{id}", list.prefix()))
    }

    /// The number of a word; a new one is added to `new`, which must be stored with whatever uses it.
    pub fn number(&self, list: List, id: &str, new: &mut Vec<(NameId, String)>) -> NameId {
        if let Some(number) = self.names().number(list, id) {
            return number;
        }
        let text = format!("{}{id}", list.prefix());
        let name = describe(&self.catalog, &text);
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        // Only the pipeline adds names, so none came in between; and the catalog has far fewer than 2³² of them.
        let number = NameId::try_from(names.by_number.len()).unwrap_or(NameId::MAX);
        names.by_number.push(name);
        names.numbers.insert(text.clone(), number);
        new.push((number, text));
        number
    }
}

fn describe(catalog: &Catalog, text: &str) -> Name {
    let (list, id) = text.split_once(':').unwrap_or(("", text));
    let plain = Name { id: id.into(), title: id.into(), description: None, severity: Severity::Low, techniques: Arc::default() };
    match list {
        "behavior" => match (catalog.behavior(id), BUILT_INS.iter().find(|built_in| built_in.id == id)) {
            (Some(behavior), _) => Name {
                title: behavior.name.clone(),
                description: Some(behavior.description.clone()),
                severity: behavior.severity,
                techniques: behavior.techniques.clone(),
                ..plain
            },
            (None, Some(built_in)) => Name {
                title: built_in.name.into(),
                description: Some(built_in.description.into()),
                severity: built_in.severity,
                techniques: built_in.techniques.iter().map(|id| Arc::from(*id)).collect(),
                ..plain
            },
            (None, None) => plain,
        },
        "primitive" => match catalog.primitive(id) {
            Some(primitive) => Name { title: primitive.name.clone(), description: Some(primitive.description.clone()), ..plain },
            None => plain,
        },
        _ => plain,
    }
}
