//! Every known address, in memory.
//!
//! An entry is its encoded [`Reputation`] and what the blacklist orders by. The map is split into shards with a lock each, so that the
//! pipeline's writing disturbs a reader for the time of one insertion into one of them, and never for the growth of the whole map.

use super::score::evidence;
use super::vocabulary::Vocabulary;
use model::Severity;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};
use store::{Reputation, StateReader, StoreError};

const SHARDS: usize = 256;

/// One address' reputation, ready to filter and order by.
#[derive(Clone, Debug)]
pub struct Entry {
    /// See [`Reputation::encode`].
    pub body: Box<[u8]>,
    /// Seconds since 1970 of the last activity.
    pub last_seen_seconds: u32,
    /// The score.
    pub confidence: u8,
    /// The worst behavior's severity.
    pub severity: Severity,
}

/// All addresses.
pub struct Index {
    shards: Box<[RwLock<HashMap<IpAddr, Entry>>]>,
    hasher: RandomState,
    count: AtomicU64,
}

impl Index {
    /// Without an address.
    pub fn new() -> Index {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Index { shards, hasher: RandomState::new(), count: AtomicU64::new(0) }
    }

    /// Fills the index from the state. Scores are computed, not read: they follow the catalog and the scoring of this version.
    pub fn load(&self, state: &dyn StateReader, vocabulary: &Vocabulary) -> Result<(), StoreError> {
        let mut damage = None;
        state.reputations(&mut |address, body| match Reputation::decode(body) {
            Ok(reputation) => {
                self.put(address, &reputation, body.into(), vocabulary);
                ControlFlow::Continue(())
            }
            Err(error) => {
                damage = Some(error);
                ControlFlow::Break(())
            }
        })?;
        damage.map_or(Ok(()), Err)
    }

    fn shard(&self, address: &IpAddr) -> &RwLock<HashMap<IpAddr, Entry>> {
        let hash = self.hasher.hash_one(address);
        // In range: it is a remainder.
        &self.shards[(hash % SHARDS as u64) as usize]
    }

    /// Puts a reputation with its encoded form.
    pub fn put(&self, address: IpAddr, reputation: &Reputation, body: Box<[u8]>, vocabulary: &Vocabulary) {
        let (confidence, severity) = {
            let names = vocabulary.names();
            let severities = reputation.behaviors.iter().filter_map(|(number, _)| names.get(*number).map(|name| name.severity));
            let severity = severities.max().unwrap_or(Severity::Info);
            (detection::score::score(&evidence(reputation, &names)).confidence, severity)
        };
        let last_seen_seconds = u32::try_from(reputation.last_seen.seconds().max(0)).unwrap_or(u32::MAX);
        let entry = Entry { body, last_seen_seconds, confidence, severity };
        let mut shard = self.shard(&address).write().unwrap_or_else(PoisonError::into_inner);
        if shard.insert(address, entry).is_none() {
            self.count.fetch_add(1, Relaxed);
        }
    }

    /// What is known of an address.
    pub fn get(&self, address: IpAddr) -> Option<Entry> {
        self.shard(&address).read().unwrap_or_else(PoisonError::into_inner).get(&address).cloned()
    }

    /// Shows every entry, in no order; a shard is locked for reading while it is shown.
    pub fn visit(&self, mut visit: impl FnMut(IpAddr, &Entry)) {
        for shard in &self.shards {
            for (address, entry) in shard.read().unwrap_or_else(PoisonError::into_inner).iter() {
                visit(*address, entry);
            }
        }
    }

    /// Known addresses.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }
}
