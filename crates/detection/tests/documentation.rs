//! `docs/catalog.md` shows the fields and built-ins of the code, and its examples load.

use detection::{BUILT_INS, Catalog, FIELDS};

const DOCUMENT: &str = include_str!("../../../docs/catalog.md");

#[test]
fn every_field_is_documented_as_it_is() {
    let rows = FIELDS.iter().map(|field| {
        let protocols: Vec<&str> = field.protocols.iter().map(|protocol| protocol.name()).collect();
        let protocols = if protocols.is_empty() { "every".to_owned() } else { protocols.join(", ") };
        let word = if field.name.ends_with('.') { "<name>" } else { "" };
        format!("| `{}{word}` | {protocols} | {} |\n", field.name, field.description)
    });
    let table: String = rows.collect();
    assert!(DOCUMENT.contains(&table), "docs/catalog.md lacks this table:\n{table}");
}

#[test]
fn every_built_in_is_documented_as_it_is() {
    let rows = BUILT_INS.iter().map(|built_in| {
        format!("| `{}` | {} | {} | {} |\n", built_in.id, built_in.severity, built_in.techniques.join(", "), built_in.description)
    });
    let table: String = rows.collect();
    assert!(DOCUMENT.contains(&table), "docs/catalog.md lacks this table:\n{table}");
}

#[test]
fn the_examples_load_and_their_cases_hold() {
    let blocks: Vec<&str> = DOCUMENT.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block).collect();
    assert_eq!(blocks.len(), 2, "a primitive and a behavior");
    // The behavior's example names primitives of the catalog, under an id of its own.
    let mut files = Catalog::builtin_files();
    files.extend(
        blocks
            .iter()
            .enumerate()
            .map(|(at, block)| (format!("example-{at}.yaml"), block.replace("id: permissions-executable", "id: example-permissions"))),
    );
    let catalog = Catalog::load(&files).unwrap_or_else(|errors| panic!("{errors:?}"));
    let failures: Vec<String> =
        catalog.check_cases().iter().filter(|failure| failure.file.starts_with("example")).map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{failures:?}");
}
