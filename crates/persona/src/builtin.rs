//! The personas that ship in the binary.

use crate::{Persona, PersonaError};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../personas"]
struct Folder;

/// The names of the built-in personas, sorted.
pub fn builtin_names() -> Vec<String> {
    let mut names: Vec<String> = Folder::iter().filter_map(|path| path.strip_suffix("/persona.toml").map(str::to_owned)).collect();
    names.sort();
    names
}

/// A built-in persona by name; [`PersonaError::Missing`] when there is none of that name.
pub fn builtin(name: &str) -> Result<Persona, PersonaError> {
    let prefix = format!("{name}/");
    let files: BTreeMap<String, Arc<[u8]>> = Folder::iter()
        .filter_map(|path| {
            let inner = path.strip_prefix(&prefix)?.to_owned();
            Some((inner, Arc::from(Folder::get(&path)?.data.as_ref())))
        })
        .collect();
    Persona::parse(name, files)
}
