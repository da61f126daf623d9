//! Reputations in memory: what `check` and the blacklist answer from.

mod index;
mod score;
mod vocabulary;

pub use index::Index;
pub use score::evidence;
pub use vocabulary::{List, Name, Names, Vocabulary};

#[cfg(test)]
mod tests;
