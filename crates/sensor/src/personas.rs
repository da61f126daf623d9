//! Finds the persona that is configured.

use crate::{Config, StartError};
use persona::{Persona, PersonaError};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How deep folders inside a persona may lie.
const DEPTH_MAX: usize = 32;

/// The persona from the configured folder, else from the binary.
pub(crate) fn load(config: &Config) -> Result<Persona, StartError> {
    if let Some(folder) = config.personas_dir.as_ref().map(|dir| dir.join(&config.persona)).filter(|folder| folder.is_dir()) {
        let mut files = BTreeMap::new();
        read(&folder, &mut PathBuf::new(), &mut files).map_err(|source| StartError::PersonaFolder { path: folder, source })?;
        return Ok(Persona::parse(&config.persona, files)?);
    }
    match persona::builtin(&config.persona) {
        Err(PersonaError::Missing(name)) => Err(StartError::UnknownPersona { name, known: persona::builtin_names().join(", ") }),
        other => Ok(other?),
    }
}

fn read(root: &Path, inner: &mut PathBuf, files: &mut BTreeMap<String, Arc<[u8]>>) -> io::Result<()> {
    if inner.components().count() > DEPTH_MAX {
        return Err(io::Error::other("folders lie too deep"));
    }
    for entry in std::fs::read_dir(root.join(&*inner))? {
        let entry = entry?;
        inner.push(entry.file_name());
        if entry.path().is_dir() {
            read(root, inner, files)?;
        } else {
            files.insert(inner.to_string_lossy().into_owned(), std::fs::read(entry.path())?.into());
        }
        inner.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_comes_before_the_binary_and_a_missing_persona_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { personas_dir: Some(folder.path().to_owned()), ..Config::default() };
        assert_eq!(load(&config).unwrap().host.hostname, persona::builtin(&config.persona).unwrap().host.hostname);

        std::fs::create_dir_all(folder.path().join("ubuntu-web/content/etc")).unwrap();
        std::fs::write(folder.path().join("ubuntu-web/content/etc/motd"), b"hello").unwrap();
        assert!(matches!(load(&config), Err(StartError::Persona(PersonaError::Missing(_)))));

        let toml = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../personas/busybox-router/persona.toml");
        std::fs::copy(toml, folder.path().join("ubuntu-web/persona.toml")).unwrap();
        let persona = load(&config).unwrap();
        assert_eq!(persona.host.hostname, persona::builtin("busybox-router").unwrap().host.hostname);
        assert_eq!(&*persona.files["content/etc/motd"], b"hello");

        config.persona = "nobody".to_owned();
        let error = load(&config).unwrap_err().to_string();
        assert!(error.contains("nobody") && error.contains("busybox-router"), "{error}");
    }
}
