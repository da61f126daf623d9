//! What is wrong with a catalog, and where.

use std::fmt;

/// One mistake in one file of a catalog. Loading collects them all, and leaves the running catalog in place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CatalogError {
    /// The file's path, as it was given to the loader.
    pub file: String,
    /// The line, from 1; 0 when the mistake is the whole file's.
    pub line: u64,
    /// The field, as `primitives[id].pattern`; empty when the file could not be read as YAML.
    pub field: String,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}
