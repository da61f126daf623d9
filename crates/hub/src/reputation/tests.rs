//! The index and the vocabulary, and what a check is told from them.

use super::index::Entry;
use super::*;
use detection::Catalog;
use model::{Severity, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;
use store::{ProtocolCount, Reputation};

fn vocabulary() -> Vocabulary {
    Vocabulary::new(Arc::new(Catalog::builtin().unwrap()), Vec::new()).unwrap()
}

#[test]
fn names_keep_their_numbers_and_two_lists_may_share_an_id() {
    let vocabulary = vocabulary();
    let mut new = Vec::new();
    let behavior = vocabulary.number(List::Behavior, "login-only", &mut new);
    let primitive = vocabulary.number(List::Primitive, "login-only", &mut new);
    assert_ne!(behavior, primitive);
    assert_eq!(vocabulary.number(List::Behavior, "login-only", &mut new), behavior);
    assert_eq!(new.len(), 2);
    assert_eq!(vocabulary.names().get(behavior).unwrap().severity, Severity::Medium);

    let reloaded = Vocabulary::new(Arc::new(Catalog::builtin().unwrap()), new).unwrap();
    assert_eq!(reloaded.number(List::Primitive, "login-only", &mut Vec::new()), primitive);
    assert!(Vocabulary::new(Arc::new(Catalog::builtin().unwrap()), vec![(1, "behavior:x".into())]).is_none(), "a gap is damage");
}

#[test]
fn an_entry_is_small_and_its_score_is_the_documented_one() {
    let vocabulary = vocabulary();
    let mut new = Vec::new();
    let reputation = Reputation {
        first_seen: Timestamp(1_774_138_481_244_717),
        last_seen: Timestamp(1_774_138_499_000_000),
        sessions: 3,
        events: 30,
        protocols: vec![ProtocolCount { name: vocabulary.number(List::Protocol, "ssh", &mut new), sessions: 3, events: 30 }],
        behaviors: vec![(vocabulary.number(List::Behavior, "login-only", &mut new), 3)],
        primitives: Vec::new(),
    };
    let address: IpAddr = "203.0.113.7".parse().unwrap();
    let index = Index::new();
    index.put(address, &reputation, reputation.encode().into(), &vocabulary);
    let entry = index.get(address).unwrap();
    assert_eq!((entry.last_seen_seconds, entry.severity), (1_774_138_499, Severity::Medium));
    let score = detection::score::score(&evidence(&reputation, &vocabulary.names()));
    assert!(score.confidence > 0);
    assert_eq!(entry.confidence, score.confidence);
    assert!(std::mem::size_of::<(IpAddr, Entry)>() <= 48, "{}", std::mem::size_of::<(IpAddr, Entry)>());
    assert!(entry.body.len() <= 64, "{}", entry.body.len());
    assert_eq!(index.count(), 1);
    index.put(address, &reputation, reputation.encode().into(), &vocabulary);
    assert_eq!(index.count(), 1);
}
