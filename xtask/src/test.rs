//! `cargo xtask test` and its quick part, `tidy`.

use crate::packages;
use crate::run::{run, run_with};
use anyhow::Result;

/// Everything a change must pass.
pub fn all() -> Result<()> {
    packages::ensure()?;
    lint()?;
    run("cargo", &["test", "--workspace", "--locked"])
}

/// The quick checks.
pub fn tidy() -> Result<()> {
    lint()?;
    run("cargo", &["test", "--package", "xtask", "--locked"])
}

/// Rewrites the generated documents: the test that compares them writes them instead.
pub fn docs() -> Result<()> {
    run_with("cargo", &["test", "--package", "xtask", "--test", "docs"], &[("UPDATE_DOCS", "1")])
}

fn lint() -> Result<()> {
    run("cargo", &["fmt", "--all", "--check"])?;
    run("cargo", &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])
}
