//! What is known of one address, in a form small enough to keep a million in memory.

use crate::StoreError;
use model::Timestamp;
use serde::{Deserialize, Serialize};

/// A behavior's, primitive's or protocol's name, interned by the state; from 0.
pub type NameId = u32;

/// How often an address spoke one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolCount {
    /// The protocol's name.
    pub name: NameId,
    /// Sessions.
    pub sessions: u64,
    /// Events.
    pub events: u64,
}

/// What our sensors know of one address. Counts only: the score is computed from it, so that better scoring applies to old evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reputation {
    /// The first event's time.
    pub first_seen: Timestamp,
    /// The last event's time.
    pub last_seen: Timestamp,
    /// Judged sessions.
    pub sessions: u64,
    /// Events of those.
    pub events: u64,
    /// By protocol.
    pub protocols: Vec<ProtocolCount>,
    /// Behaviors, and in how many sessions.
    pub behaviors: Vec<(NameId, u64)>,
    /// Primitives, and in how many sessions.
    pub primitives: Vec<(NameId, u64)>,
}

impl Reputation {
    /// The stored form: MessagePack arrays without names, about 40 bytes for an address seen once.
    pub fn encode(&self) -> Vec<u8> {
        // Integers and vectors of them always have a MessagePack form, and a vector takes any length.
        rmp_serde::to_vec(self).expect("counts always encode")
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<Reputation, StoreError> {
        rmp_serde::from_slice(bytes).map_err(|_| StoreError::Damaged { what: "a reputation" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_form_is_small_and_read_back() {
        let reputation = Reputation {
            first_seen: Timestamp(1_774_138_481_244_717),
            last_seen: Timestamp(1_774_138_499_000_000),
            sessions: 12,
            events: 130,
            protocols: vec![ProtocolCount { name: 1, sessions: 12, events: 130 }],
            behaviors: vec![(300, 10), (7, 2)],
            primitives: vec![(4, 10), (5, 10), (90, 2)],
        };
        let bytes = reputation.encode();
        assert!(bytes.len() < 64, "{} bytes", bytes.len());
        assert_eq!(Reputation::decode(&bytes).unwrap(), reputation);
        assert!(Reputation::decode(&bytes[..10]).is_err());
    }
}
