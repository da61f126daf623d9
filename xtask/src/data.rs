//! `cargo xtask data`
use anyhow::Result;

/// Rebuilds the shipped data files.
pub fn rebuild() -> Result<()> {
    Ok(())
}
