//! Mistakes in a catalog: each is reported with its file, line and field.

use detection::Catalog;

const GOOD: &str = "\
primitives:
  - id: p
    name: P
    description: d
    field: command
    operator: EQUALS
    pattern: x
    tags: [t]
    matches: [x]
behaviors:
  - id: b
    name: B
    description: d
    severity: low
    techniques: [T1082]
    requires: p
    may_contain: ['tag:t']
    matches: [{protocol: ssh, steps: [{command: x}]}]
    rejects: [{protocol: ssh, steps: [{command: y}]}]
";

#[test]
fn the_smallest_catalog_loads_and_its_cases_hold() {
    let catalog = Catalog::load(&[("good.yaml", GOOD)]).unwrap();
    assert_eq!((catalog.primitives().len(), catalog.behaviors().len(), catalog.case_count()), (1, 1, 3));
    assert_eq!(catalog.check_cases(), []);
}

#[test]
fn a_failing_case_is_reported_with_its_line() {
    let bad = GOOD.replace("matches: [x]", "matches: [x]\n    rejects: ['a; x']").replace("{command: y}", "{command: x}");
    let failures = Catalog::load(&[("bad.yaml", bad)]).unwrap().check_cases();
    let shown: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].starts_with("bad.yaml:2: p: matches `a; x`"), "{shown:?}");
    assert!(shown[1].starts_with("bad.yaml:20: b: the session"), "{shown:?}");
}

#[test]
fn every_mistake_names_file_line_and_field() {
    let cases = [
        ("id: p\n", "id: P p\n", 2, "primitives[P p].id", "is no id"),
        ("id: b\n", "id: login-only\n", 11, "behaviors[login-only].id", "built-in"),
        ("description: d\n    field", "description: ''\n    field", 2, "primitives[p].description", "not empty"),
        ("field: command", "field: comand", 5, "primitives[p].field", "is no field"),
        ("field: command", "protocols: [smtp]\n    field: command", 5, "primitives[p].protocols", "smtp has no field `command`"),
        ("field: command", "protocols: [gopher]\n    field: command", 5, "primitives[p].protocols", "unknown protocol"),
        ("operator: EQUALS", "operator: equals", 6, "primitives[p].operator", "expected EQUALS, CONTAINS, WILDCARD or REGEX"),
        ("operator: EQUALS\n    pattern: x", "operator: REGEX\n    pattern: '('", 7, "primitives[p].pattern", "unclosed group"),
        ("pattern: x", "pattern: x\n    case: upper", 8, "primitives[p].case", "expected `sensitive` or `insensitive`"),
        ("tags: [t]", "tags: ['t t']", 8, "primitives[p].tags", "is no tag"),
        ("matches: [x]", "rejects: [y]", 2, "primitives[p].matches", "at least one value"),
        ("severity: low", "severity: bad", 14, "behaviors[b].severity", "unknown severity"),
        ("techniques: [T1082]", "techniques: [T9999]", 15, "behaviors[b].techniques", "ATT&CK"),
        ("requires: p", "requires: q", 16, "behaviors[b].requires", "no primitive's id"),
        ("may_contain: ['tag:t']", "may_contain: ['tag:u']", 17, "behaviors[b].may_contain", "no primitive carries"),
        ("may_contain: ['tag:t']", "may_contain: [q]", 17, "behaviors[b].may_contain", "no primitive's id"),
        ("    rejects: [{protocol: ssh, steps: [{command: y}]}]\n", "", 11, "behaviors[b].rejects", "at least one session"),
        ("protocol: ssh, steps: [{command: x}]", "protocol: ssh, steps: [{login: x}]", 18, "behaviors[b].matches", "user:password"),
        ("severity: low", "sevrity: low", 14, "sevrity", "unknown field"),
        // What is missing has no line; the YAML library gives one of the entry's.
        ("    severity: low\n", "", 18, "severity", "missing field"),
        ("  - id: p", "  - id: [p", 0, "", ""),
    ];
    for (good, bad, line, field, message) in cases {
        let text = GOOD.replacen(good, bad, 1);
        assert_ne!(text, GOOD, "the case replaces something: {good}");
        let errors = Catalog::load(&[("bad.yaml", text)]).expect_err(bad);
        let error = errors.iter().find(|error| error.field == field).unwrap_or_else(|| panic!("{bad}: {errors:?}"));
        assert_eq!(error.file, "bad.yaml", "{bad}");
        assert!(line == 0 && error.line > 0 || error.line == line, "{bad}: {error}");
        assert!(error.message.contains(message), "{bad}: {error}");
        assert!(error.to_string().starts_with(&format!("bad.yaml:{}", error.line)), "{error}");
    }
}

#[test]
fn all_mistakes_of_all_files_are_reported() {
    let first = GOOD.replace("operator: EQUALS", "operator: IS").replace("severity: low", "severity: bad");
    let errors = Catalog::load(&[("1.yaml", first.as_str()), ("2.yaml", "primitives: 7"), ("3.yaml", GOOD)]).unwrap_err();
    let files: Vec<(&str, &str)> = errors.iter().map(|error| (error.file.as_str(), error.field.as_str())).collect();
    assert!(files.contains(&("1.yaml", "primitives[p].operator")), "{files:?}");
    assert!(files.contains(&("1.yaml", "behaviors[b].severity")), "{files:?}");
    assert!(files.contains(&("2.yaml", "")), "{files:?}");
}

#[test]
fn an_id_is_used_once() {
    let errors = Catalog::load(&[("1.yaml", GOOD), ("2.yaml", GOOD)]).unwrap_err();
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(shown.iter().any(|error| error.starts_with("2.yaml:2: primitives[p].id")), "{shown:?}");
    assert!(shown.iter().any(|error| error.starts_with("2.yaml:11: behaviors[b].id")), "{shown:?}");
}

#[test]
fn the_version_is_of_the_content_whatever_the_order() {
    let (one, two) = (("1.yaml", GOOD), ("2.yaml", "primitives: []\n"));
    let version = |files: &[(&str, &str)]| Catalog::load(files).unwrap().version().to_owned();
    assert_eq!(version(&[one, two]), version(&[two, one]));
    assert_ne!(version(&[one, two]), version(&[one]));
    assert_ne!(version(&[one]), version(&[("1.yaml", &GOOD.replace("name: B", "name: C"))]));
    assert_eq!(version(&[one]).len(), 16);
}
