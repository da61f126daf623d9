//! From stored counts to the evidence that a score is computed from.

use super::vocabulary::Names;
use detection::score::{BehaviorEvidence, Evidence, SensorEvidence};
use store::Reputation;

/// What is known of an address, as the score takes it. Reports of others and whitelists are not known yet: their terms are empty.
pub fn evidence(reputation: &Reputation, names: &Names) -> Evidence {
    let behavior = |(number, sessions): &(u32, u64)| {
        let name = names.get(*number)?;
        Some(BehaviorEvidence { id: name.id.clone(), severity: name.severity, sessions: *sessions })
    };
    Evidence {
        sensor: SensorEvidence {
            behaviors: reputation.behaviors.iter().filter_map(behavior).collect(),
            primitives: reputation.primitives.len() as u64,
            protocols: reputation.protocols.len() as u64,
            sessions: reputation.sessions,
            events: reputation.events,
        },
        ..Evidence::default()
    }
}
