//! The built-in catalog: it loads, and each of its cases holds.

use detection::Catalog;

fn builtin() -> Catalog {
    Catalog::builtin().unwrap_or_else(|errors| panic!("{}", errors.iter().map(|error| format!("{error}\n")).collect::<String>()))
}

#[test]
fn every_case_of_the_builtin_catalog_holds() {
    let catalog = builtin();
    assert!(catalog.case_count() > 0);
    let failures = catalog.check_cases();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        catalog.case_count(),
        failures.iter().map(|f| format!("{f}\n")).collect::<String>()
    );
}

#[test]
fn the_catalog_has_the_breadth_it_promises() {
    let catalog = builtin();
    assert!(catalog.primitives().len() >= 60, "{} primitives", catalog.primitives().len());
    assert!(catalog.behaviors().len() >= 30, "{} behaviors", catalog.behaviors().len());
    let unused: Vec<&str> = catalog
        .primitives()
        .iter()
        .filter(|primitive| {
            let named = |behavior: &detection::Behavior| {
                let by_tag = primitive
                    .tags
                    .iter()
                    .any(|tag| behavior.may_contain.contains(&format!("tag:{tag}")) || behavior.requires.contains(&format!("tag:{tag}")));
                by_tag || behavior.requires.contains(&*primitive.id) || behavior.may_contain.iter().any(|name| **name == *primitive.id)
            };
            !catalog.behaviors().iter().any(named)
        })
        .map(|primitive| &*primitive.id)
        .collect();
    assert!(unused.is_empty(), "no behavior names {unused:?}: a session that holds one could never be classified");
}
