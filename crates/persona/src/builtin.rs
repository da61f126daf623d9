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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each persona is complete, and its processes belong to users it has and hang on parents it has.
    #[test]
    fn every_builtin_persona_is_consistent() {
        let names = builtin_names();
        assert!(names.len() >= 2, "found only {names:?}");
        for name in names {
            let host = builtin(&name).unwrap_or_else(|e| panic!("{e}")).host;
            let mut pids: Vec<u32> = host.processes.iter().map(|p| p.pid).collect();
            for process in &host.processes {
                assert!(host.users.iter().any(|u| u.name == process.user), "{name}: no user {}", process.user);
                assert!(process.ppid == 0 || pids.contains(&process.ppid), "{name}: {} has no parent", process.pid);
            }
            pids.sort_unstable();
            pids.dedup();
            assert_eq!(pids.len(), host.processes.len(), "{name}: a pid occurs twice");
            let memory = host.memory;
            assert!(memory.free_kb + memory.buffers_kb + memory.cached_kb < memory.total_kb, "{name}: more memory than there is");
        }
    }
}
