//! Who may depend on whom, and what may never be in the tree.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::BTreeSet;

/// The crates of the house and the crates of the house each may use. ARCHITECTURE.md says why.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("persona", &["model"]),
    ("shell", &["model", "persona"]),
    ("emulation", &["model", "persona"]),
    ("detection", &["model"]),
    ("store", &["model"]),
    ("client", &["model"]),
    ("sensor", &["model", "persona", "shell", "emulation", "client"]),
    ("hub", &["model", "detection", "store"]),
    ("honeyguide", &["model", "persona", "shell", "emulation", "detection", "store", "client", "sensor", "hub"]),
    ("testkit", &["model", "persona", "emulation"]),
    ("xtask", &[]),
];

/// Crates that must not be anywhere in the tree, and why.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-sys", "a C and assembly build of minutes; ring does what we need"),
    ("openssl-sys", "a second TLS stack"),
    ("libduckdb-sys", "a C++ database"),
    ("brush-core", "runs real commands"),
];

fn metadata() -> cargo_metadata::Metadata {
    MetadataCommand::new().manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).exec().expect("cargo metadata runs")
}

#[test]
fn crates_use_only_what_they_may() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let names: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let listed: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, listed, "every crate of the workspace is in the list, and only those");

    for package in &packages {
        let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == package.name.as_str()).expect("listed, as shown above");
        // Tests may use more: they do not ship.
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            let ours = names.contains(dependency.name.as_str());
            assert!(!ours || allowed.contains(&dependency.name.as_str()), "{} must not depend on {}", package.name, dependency.name);
        }
    }
}

#[test]
fn nothing_banned_is_in_the_tree() {
    let metadata = metadata();
    assert!(metadata.packages.len() > 100, "the scan sees the whole tree");
    for package in &metadata.packages {
        if let Some((name, why)) = BANNED.iter().find(|(name, _)| *name == package.name.as_str()) {
            panic!("{name} is in the dependency tree: {why}");
        }
    }
}

#[test]
fn licences_are_permissive() {
    let permissive = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "CC0-1.0",
        "Unlicense",
        "BSL-1.0",
        "0BSD",
        "MIT-0",
        "CDLA-Permissive-2.0",
        "bzip2-1.0.6",
    ];
    for package in &metadata().packages {
        let licence = package.license.clone().unwrap_or_default().replace(['(', ')'], " ").replace('/', " OR ");
        // One permissive alternative is enough; within an alternative every part has to be.
        let fine = licence.split(" OR ").any(|alternative| {
            alternative.split(" AND ").all(|part| {
                let name = part.split(" WITH ").next().unwrap_or("").trim();
                permissive.contains(&name)
            })
        });
        assert!(fine, "{} {}: licence \"{licence}\"", package.name, package.version);
    }
}
