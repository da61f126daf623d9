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
