//! The durable queue between what happened and the hub.

use model::Event;

/// The spool; clones share it.
#[derive(Clone)]
pub struct Spool;

impl Spool {
    /// Writes an event to disk (page cache; synced by group commit within 100 ms) before returning. Never blocks on the hub. When the spool is
    /// full its policy decides what is dropped, and the loss is counted.
    pub fn append(&self, _event: &Event) {}
}
