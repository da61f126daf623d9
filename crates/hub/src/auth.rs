//! Who asks: keys looked up once and remembered until the accounts change.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use store::{Accounts, KeyOwner, StoreError};

/// Keys remembered; beyond it the memory is emptied.
const REMEMBERED_MAX: usize = 100_000;

/// The accounts, with the keys that were seen kept in memory.
pub struct Keys {
    accounts: Arc<Accounts>,
    /// By SHA-256 of the key: how long a comparison of hashes takes says nothing useful about the key.
    seen: RwLock<HashMap<[u8; 32], KeyOwner>>,
    version: AtomicI64,
}

impl Keys {
    /// Over these accounts.
    pub fn new(accounts: Arc<Accounts>) -> Keys {
        Keys { accounts, seen: RwLock::default(), version: AtomicI64::new(0) }
    }

    /// Whose key this is, when it was seen before.
    pub fn remembered(&self, key: &str) -> Option<KeyOwner> {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&hash).copied()
    }

    /// Whose key this is, by the database; `None` for a wrong one.
    pub fn owner(&self, key: &str) -> Result<Option<KeyOwner>, StoreError> {
        // Every key begins so; anything else is not worth a look.
        if !key.starts_with("sk_") || key.len() > 256 {
            return Ok(None);
        }
        let owner = self.accounts.key_owner(key)?;
        if let Some(owner) = owner {
            let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
            let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
            if seen.len() >= REMEMBERED_MAX {
                seen.clear();
            }
            seen.insert(hash, owner);
        }
        Ok(owner)
    }

    /// Forgets what it remembers when another process (the command line) has changed the accounts. Called every second or so.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let version = self.accounts.changed_elsewhere()?;
        if self.version.swap(version, Relaxed) != version {
            self.seen.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        Ok(())
    }
}
