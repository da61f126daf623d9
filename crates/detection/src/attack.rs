//! The MITRE ATT&CK techniques that a behavior may name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static TABLE: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let text = include_str!("../data/attack-techniques.tsv");
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t')).collect()
});

/// The name of an enterprise technique or sub-technique, such as `T1098.004`; `None` when ATT&CK has no such id (any more).
pub fn technique_name(id: &str) -> Option<&'static str> {
    TABLE.get(id).copied()
}

/// Every technique as (id, name), sorted by id.
pub fn techniques() -> impl ExactSizeIterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|(id, name)| (*id, *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_techniques_and_sub_techniques_and_no_revoked_ones() {
        assert_eq!(technique_name("T1098.004"), Some("SSH Authorized Keys"));
        assert_eq!(technique_name("T1105"), Some("Ingress Tool Transfer"));
        assert_eq!(technique_name("T1064"), None, "Scripting was deprecated");
        assert_eq!(technique_name("t1105"), None);
        assert!(techniques().len() > 600);
        assert!(techniques().all(|(id, name)| id.starts_with('T') && !name.is_empty()));
    }
}
