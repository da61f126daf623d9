//! Layers of configuration, and where each effective value came from.

use super::Config;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Environment variables of the form `HONEYGUIDE_HUB__LISTEN` (two underscores between levels) set `hub.listen`.
const ENVIRONMENT_PREFIX: &str = "HONEYGUIDE_";

/// Variables with that prefix that are no configuration keys: they tell the client commands where to ask.
const NOT_KEYS: &[&str] = &["HONEYGUIDE_CONFIG", "HONEYGUIDE_URL", "HONEYGUIDE_KEY"];

/// Why a configuration cannot be used; the text names the place, the key and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A value or key is wrong.
    #[error("{origin}: {message}")]
    Invalid {
        /// The file and line, the variable, or the flag.
        origin: String,
        /// What is wrong and what was expected.
        message: String,
    },
}

/// Values collected so far, and their origins by dotted key.
pub struct Layers {
    table: Table,
    origins: BTreeMap<String, String>,
}

/// The result.
pub struct Effective {
    /// What the roles get.
    pub config: Config,
    /// Where each value came from, by dotted key; a key that is absent has its default.
    pub origins: BTreeMap<String, String>,
}

impl Layers {
    /// The file (when given, it must exist), then the environment.
    pub fn read(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Layers, ConfigError> {
        let mut layers = Layers { table: Table::new(), origins: BTreeMap::new() };
        if let Some(path) = file {
            layers.add_file(path)?;
        }
        let mut variables: Vec<_> = environment.collect();
        variables.sort();
        for (name, value) in variables {
            let key = name.strip_prefix(ENVIRONMENT_PREFIX).filter(|_| !NOT_KEYS.contains(&name.as_str()));
            if let Some(key) = key {
                layers.set(&key.to_lowercase().replace("__", "."), &value, &name)?;
            }
        }
        Ok(layers)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let at = |offset: usize| format!("{}:{}", path.display(), line_of(&text, offset));
        let invalid = |e: toml::de::Error| ConfigError::Invalid {
            origin: e.span().map_or_else(|| path.display().to_string(), |span| at(span.start)),
            message: with_remedy(e.message()),
        };
        // Read once as the real type, alone, so that an error can point at its line.
        toml::from_str::<Config>(&text).map_err(invalid)?;
        let table: Table = toml::from_str(&text).map_err(invalid)?;
        let spanned = toml::de::DeTable::parse(&text).map_err(invalid)?;
        collect_origins(spanned.get_ref(), "", &at, &mut self.origins);
        merge(&mut self.table, table);
        Ok(())
    }

    /// Sets one dotted key, as the environment and flags do. The value is read as TOML when that gives what the key wants, else as text.
    pub fn set(&mut self, key: &str, value: &str, origin: &str) -> Result<(), ConfigError> {
        // What looks like TOML may still be meant as text (`name = 12`): take the first reading the key accepts.
        let parsed = format!("v = {value}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
        let readings = parsed.into_iter().chain([Value::String(value.to_owned())]);
        let mut failure = None;
        for reading in readings {
            let mut table = self.table.clone();
            insert(&mut table, key, reading);
            match table.clone().try_into::<Config>() {
                Ok(_) => {
                    self.table = table;
                    self.origins.insert(key.to_owned(), origin.to_owned());
                    return Ok(());
                }
                Err(e) => failure = failure.or(Some(e)),
            }
        }
        let message = failure.map(|e| with_remedy(e.message())).unwrap_or_default();
        Err(ConfigError::Invalid { origin: format!("{origin} ({key})"), message })
    }

    /// The configuration all layers give together.
    pub fn effective(self) -> Result<Effective, ConfigError> {
        let config = self.table.try_into().map_err(|e: toml::de::Error| ConfigError::Invalid {
            origin: "the configuration as a whole".to_owned(),
            message: with_remedy(e.message()),
        })?;
        Ok(Effective { config, origins: self.origins })
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
}

fn collect_origins(table: &toml::de::DeTable<'_>, prefix: &str, at: &dyn Fn(usize) -> String, origins: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let name = join(prefix, key.get_ref());
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => collect_origins(inner, &name, at, origins),
            _ => {
                origins.insert(name, at(key.span().start));
            }
        }
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => merge(inner, more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Makes serde's messages say the remedy: "did you mean" after ``unknown field `x`, expected one of `a`, `b` ``, an example of an address.
fn with_remedy(message: &str) -> String {
    let message = message.trim();
    if message == "invalid socket address syntax" {
        return "expected an address with a port, such as 127.0.0.1:8600".to_owned();
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (Some(unknown), true) = (quoted.next(), message.starts_with("unknown ")) else { return message.to_owned() };
    let closest = quoted
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(unknown.len()) / 2)
        .min();
    match closest {
        Some((_, known)) => {
            let what = message.split(',').next().unwrap_or(message);
            format!("{what}; did you mean `{known}`?")
        }
        None => message.to_owned(),
    }
}

/// Every dotted key with its effective value, sorted; values as TOML.
pub fn flatten(config: &Config) -> Vec<(String, String)> {
    fn walk(prefix: &str, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Table(table) if !table.is_empty() => {
                for (key, value) in table {
                    walk(&join(prefix, key), value, out);
                }
            }
            other => out.push((prefix.to_owned(), other.to_string())),
        }
    }
    let mut out = Vec::new();
    if let Ok(value) = Value::try_from(config) {
        walk("", &value, &mut out);
    }
    out.sort();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Effective, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("honeyguide.toml");
        std::fs::write(&path, text).unwrap();
        Layers::read(Some(&path), environment.iter().map(|(k, v)| (k.to_string(), v.to_string())))?.effective()
    }

    fn error(text: &str, environment: &[(&str, &str)]) -> String {
        read(text, environment).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_environment_overrides_the_file_and_both_are_named() {
        let effective = read("data = \"/a\"\n\n[log]\nlevel = \"info\"\n", &[("HONEYGUIDE_LOG__LEVEL", "debug"), ("OTHER", "x")]).unwrap();
        assert_eq!(effective.config.data, PathBuf::from("/a"));
        assert_eq!(effective.config.log.level, "debug");
        assert!(effective.origins["data"].ends_with("honeyguide.toml:1"), "{:?}", effective.origins);
        assert_eq!(effective.origins["log.level"], "HONEYGUIDE_LOG__LEVEL");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_a_suggestion() {
        let message = error("[log]\nlevle = \"info\"\n", &[]);
        assert!(message.contains("honeyguide.toml:2"), "{message}");
        assert!(message.contains("unknown field `levle`; did you mean `level`?"), "{message}");
        let message = error("", &[("HONEYGUIDE_LOG__LEVLE", "info")]);
        assert!(message.contains("HONEYGUIDE_LOG__LEVLE (log.levle)") && message.contains("did you mean `level`?"), "{message}");
    }

    #[test]
    fn a_wrong_type_is_refused_with_its_line() {
        let message = error("\n[log]\nlevel = 3\n", &[]);
        assert!(message.contains("honeyguide.toml:3") && message.contains("expected a string"), "{message}");
    }

    #[test]
    fn text_that_looks_like_a_number_is_still_text() {
        let effective = read("", &[("HONEYGUIDE_LOG__LEVEL", "12")]).unwrap();
        assert_eq!(effective.config.log.level, "12");
    }

    #[test]
    fn what_is_printed_can_be_loaded() {
        let text: String = flatten(&Config::default()).into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        assert!(text.contains("log.level = \"warn\""), "{text}");
        read(&text, &[]).unwrap();
    }
}
