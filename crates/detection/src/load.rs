//! Reading and checking a catalog's files.

use crate::attack::technique_name;
use crate::bits::Bits;
use crate::cases::Cases;
use crate::catalog::{Behavior, Catalog, Primitive};
use crate::error::CatalogError;
use crate::expression::{Expression, Names};
use crate::field::{Field, ProtocolSet};
use crate::language::{BehaviorSource, FILE_BYTES_MAX, File, PrimitiveSource};
use crate::matcher::{Matcher, Rule};
use crate::pattern::{Case, Operator, Pattern};
use crate::verdict::BUILT_INS;
use model::{Protocol, Severity};
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of an id or a tag.
const ID_BYTES_MAX: usize = 64;

impl Catalog {
    /// Loads a catalog from its files, given as (path, text); the path is used in messages only. Every mistake is reported, not just the
    /// first, each with its file, line and field.
    pub fn load<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> Result<Catalog, Vec<CatalogError>> {
        let mut loader = Loader::default();
        let mut parsed = Vec::new();
        for (path, text) in files {
            if let Some(file) = loader.read(path.as_ref(), text.as_ref()) {
                parsed.push((path.as_ref(), file));
            }
        }
        for (path, file) in &parsed {
            loader.file = (*path).to_owned();
            file.primitives.iter().for_each(|source| loader.add_primitive(source));
        }
        loader.collect_tags();
        for (path, file) in &parsed {
            loader.file = (*path).to_owned();
            file.behaviors.iter().for_each(|source| loader.add_behavior(source));
        }
        loader.finish(version(files))
    }
}

fn version<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> String {
    let mut sorted: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_ref(), text.as_ref())).collect();
    sorted.sort_unstable();
    let mut hash = Sha256::new();
    for text in sorted.into_iter().flat_map(|(path, text)| [path, text]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let digest = hash.finalize();
    hex::encode(digest.get(..8).unwrap_or_default())
}

#[derive(Default)]
struct Loader {
    file: String,
    errors: Vec<CatalogError>,
    primitives: Vec<Primitive>,
    rules: Vec<Rule>,
    numbers: HashMap<Arc<str>, u32>,
    tags: HashMap<String, Bits>,
    behaviors: Vec<Behavior>,
    cases: Cases,
}

impl Names for Loader {
    fn primitive(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    fn tag(&self, name: &str) -> Option<&Bits> {
        self.tags.get(name)
    }
}

impl Loader {
    fn error(&mut self, line: u64, field: impl Into<String>, message: impl Into<String>) {
        self.errors.push(CatalogError { file: self.file.clone(), line, field: field.into(), message: message.into() });
    }

    fn read(&mut self, path: &str, text: &str) -> Option<File> {
        self.file = path.to_owned();
        if text.len() > FILE_BYTES_MAX {
            self.error(0, "", format!("has {} bytes; at most {FILE_BYTES_MAX} are allowed", text.len()));
            return None;
        }
        match serde_saphyr::from_str::<File>(text) {
            Ok(file) => Some(file),
            Err(error) => {
                let line = error.location().map_or(0, |location| location.line());
                let field = match error.without_snippet() {
                    serde_saphyr::Error::SerdeMissingField { field, .. } => (*field).to_owned(),
                    serde_saphyr::Error::SerdeUnknownField { field, .. } => field.clone(),
                    _ => String::new(),
                };
                self.error(line, field, error.without_snippet().to_string());
                None
            }
        }
    }

    /// Reports a bad id and returns whether it is good.
    fn id(&mut self, kind: &str, id: &Spanned<String>, known: bool) -> bool {
        let built_in = BUILT_INS.iter().any(|built_in| built_in.id == id.value);
        let problem = if !is_id(&id.value) {
            format!("`{}` is no id: expected lower-case letters, digits and hyphens, at most {ID_BYTES_MAX}", id.value)
        } else if known {
            format!("`{}` was used before: expected an id of its own", id.value)
        } else if built_in {
            format!("`{}` is a built-in behavior's id: expected another", id.value)
        } else {
            return true;
        };
        self.error(id.referenced.line(), format!("{kind}[{}].id", id.value), problem);
        false
    }

    fn add_primitive(&mut self, source: &PrimitiveSource) {
        let good = self.id("primitives", &source.id, self.numbers.contains_key(source.id.value.as_str()));
        let name = |field: &str| format!("primitives[{}].{field}", source.id.value);
        if source.name.is_empty() || source.description.is_empty() {
            self.error(source.id.referenced.line(), name("description"), "expected a name and a description that are not empty");
        }
        for tag in source.tags.iter().filter(|tag| !is_id(&tag.value)) {
            let message = format!("`{}` is no tag: expected lower-case letters, digits and hyphens", tag.value);
            self.error(tag.referenced.line(), name("tags"), message);
        }
        let field = self.field(source);
        let pattern = self.pattern(source);
        let (Some((field, protocols)), Some(pattern), true) = (field, pattern, good) else { return };
        let Ok(number) = u32::try_from(self.primitives.len()) else { return };
        let id: Arc<str> = source.id.value.as_str().into();
        self.numbers.insert(id.clone(), number);
        self.primitives.push(Primitive {
            id,
            name: source.name.as_str().into(),
            description: source.description.as_str().into(),
            protocols: protocols.clone(),
            field: source.field.value.clone(),
            operator: pattern.operator,
            pattern: source.pattern.value.clone(),
            case: pattern.case,
            tags: source.tags.iter().map(|tag| tag.value.clone()).collect(),
            references: source.references.clone(),
        });
        self.rules.push(Rule { field, protocols: ProtocolSet::of(&protocols), pattern });
        self.cases.primitive(number, source, &self.file);
    }

    /// The field a primitive reads and the protocols in which it does: those it lists, else all that have the field.
    fn field(&mut self, source: &PrimitiveSource) -> Option<(Field, Vec<Protocol>)> {
        let name = |field: &str| format!("primitives[{}].{field}", source.id.value);
        let Some((field, spec)) = Field::parse(&source.field.value) else {
            let message = format!("`{}` is no field: expected one of those in docs/catalog.md", source.field.value);
            self.error(source.field.referenced.line(), name("field"), message);
            return None;
        };
        let having = if spec.protocols.is_empty() { Protocol::ALL } else { spec.protocols };
        let mut protocols = Vec::new();
        for written in &source.protocols {
            match written.value.parse::<Protocol>() {
                Ok(protocol) if having.contains(&protocol) => protocols.push(protocol),
                Ok(protocol) => {
                    let message = format!("{protocol} has no field `{}`: expected one of {}", source.field.value, list(having));
                    self.error(written.referenced.line(), name("protocols"), message);
                    return None;
                }
                Err(error) => {
                    self.error(written.referenced.line(), name("protocols"), format!("{error}: expected one of {}", list(having)));
                    return None;
                }
            }
        }
        if protocols.is_empty() {
            protocols = having.to_vec();
        }
        Some((field, protocols))
    }

    fn pattern(&mut self, source: &PrimitiveSource) -> Option<Pattern> {
        let name = |field: &str| format!("primitives[{}].{field}", source.id.value);
        let case = match source.case.as_ref().map(|case| (case.value.as_str(), case)) {
            None | Some(("sensitive", _)) => Case::Sensitive,
            Some(("insensitive", _)) => Case::Insensitive,
            Some((other, case)) => {
                let message = format!("`{other}` is no case rule: expected `sensitive` or `insensitive`");
                self.error(case.referenced.line(), name("case"), message);
                return None;
            }
        };
        let Some(operator) = Operator::parse(&source.operator.value) else {
            let message = format!("`{}` is no operator: expected EQUALS, CONTAINS, WILDCARD or REGEX", source.operator.value);
            self.error(source.operator.referenced.line(), name("operator"), message);
            return None;
        };
        match Pattern::compile(operator, case, &source.pattern.value) {
            Ok(pattern) => Some(pattern),
            Err(message) => {
                self.error(source.pattern.referenced.line(), name("pattern"), message);
                None
            }
        }
    }

    fn collect_tags(&mut self) {
        for (number, primitive) in (0..).zip(&self.primitives) {
            for tag in &primitive.tags {
                let members = self.tags.entry(tag.clone()).or_insert_with(|| Bits::with_size(self.primitives.len()));
                members.insert(number);
            }
        }
    }

    fn add_behavior(&mut self, source: &BehaviorSource) {
        let known = self.behaviors.iter().any(|behavior| *behavior.id == *source.id.value);
        let good = self.id("behaviors", &source.id, known);
        let name = |field: &str| format!("behaviors[{}].{field}", source.id.value);
        if source.name.is_empty() || source.description.is_empty() {
            self.error(source.id.referenced.line(), name("description"), "expected a name and a description that are not empty");
        }
        let severity = source.severity.value.parse::<Severity>();
        if let Err(error) = &severity {
            self.error(source.severity.referenced.line(), name("severity"), error.to_string());
        }
        for technique in source.techniques.iter().filter(|technique| technique_name(&technique.value).is_none()) {
            let message = format!("`{}` is no technique of MITRE ATT&CK Enterprise: expected an id such as T1098.004", technique.value);
            self.error(technique.referenced.line(), name("techniques"), message);
        }
        let expression = Expression::parse(&source.requires.value, self);
        if let Err(message) = &expression {
            self.error(source.requires.referenced.line(), name("requires"), message.clone());
        }
        let allowed = self.may_contain(source);
        let (Ok(severity), Ok(expression), true) = (severity, expression, good) else { return };
        let mut named = allowed;
        expression.names(&mut named);
        self.cases.behavior(source, &self.file);
        self.behaviors.push(Behavior {
            id: source.id.value.as_str().into(),
            name: source.name.as_str().into(),
            description: source.description.as_str().into(),
            severity,
            techniques: source.techniques.iter().map(|technique| technique.value.as_str().into()).collect(),
            requires: source.requires.value.clone(),
            may_contain: source.may_contain.iter().map(|name| name.value.clone()).collect(),
            references: source.references.clone(),
            required: expression.required(),
            expression,
            named,
        });
    }

    fn may_contain(&mut self, source: &BehaviorSource) -> Bits {
        let mut allowed = Bits::with_size(self.primitives.len());
        for item in &source.may_contain {
            let problem = match item.value.strip_prefix("tag:") {
                Some(tag) => match self.tags.get(tag) {
                    Some(members) => {
                        allowed.union(members);
                        continue;
                    }
                    None => format!("names the tag `{tag}`, which no primitive carries"),
                },
                None => match self.numbers.get(item.value.as_str()) {
                    Some(number) => {
                        allowed.insert(*number);
                        continue;
                    }
                    None => format!("names `{}`, which is no primitive's id", item.value),
                },
            };
            self.error(item.referenced.line(), format!("behaviors[{}].may_contain", source.id.value), problem);
        }
        allowed
    }

    fn finish(mut self, version: String) -> Result<Catalog, Vec<CatalogError>> {
        self.cases.check(&mut self.errors);
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let matcher = match Matcher::new(self.rules) {
            Ok(matcher) => matcher,
            Err(message) => return Err(vec![CatalogError { file: String::new(), line: 0, field: String::new(), message }]),
        };
        // The total order of judgement: most required primitives, then severity, then id.
        self.behaviors.sort_by(|a, b| b.required.cmp(&a.required).then(b.severity.cmp(&a.severity)).then(a.id.cmp(&b.id)));
        let mut naming = vec![Vec::new(); self.primitives.len()];
        for (place, behavior) in (0u32..).zip(&self.behaviors) {
            for (number, list) in (0..).zip(&mut naming) {
                if behavior.named.contains(number) {
                    list.push(place);
                }
            }
        }
        Ok(Catalog {
            primitives: self.primitives,
            behaviors: self.behaviors,
            numbers: self.numbers,
            naming,
            matcher,
            version,
            cases: self.cases,
        })
    }
}

fn is_id(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    letters && !text.is_empty() && text.len() <= ID_BYTES_MAX
}

fn list(protocols: &[Protocol]) -> String {
    protocols.iter().map(|protocol| protocol.name()).collect::<Vec<_>>().join(", ")
}
