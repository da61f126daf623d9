//! The catalog in the binary.

use crate::catalog::Catalog;
use crate::error::CatalogError;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../catalog/"]
struct Files;

impl Catalog {
    /// The files of the catalog that is part of the binary, as (path, text), sorted by path.
    pub fn builtin_files() -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = Files::iter()
            .filter(|path| path.ends_with(".yaml"))
            .filter_map(|path| {
                let file = Files::get(&path)?;
                Some((format!("catalog/{path}"), String::from_utf8_lossy(&file.data).into_owned()))
            })
            .collect();
        files.sort_unstable();
        files
    }

    /// The catalog that is part of the binary. A test loads it, so it has no errors in a release.
    pub fn builtin() -> Result<Catalog, Vec<CatalogError>> {
        Catalog::load(&Self::builtin_files())
    }
}
