//! What a session meant: primitives found in its events, exactly one behavior, and the score of an address.
//!
//! One session flows through this crate so: every event is absorbed into [`SessionFacts`] ([`Catalog::absorb`]), which keeps the ids
//! and counts of the primitives found and nothing of the event itself; at the session's end [`Catalog::judge`] names exactly one
//! behavior ([`Verdict`]). What an address did over its sessions, and what others report of it, is [`score::Evidence`]; its
//! [`score::Score`] carries every term of the sum, so that it can be recomputed by hand.
//!
//! Everything is pure: no I/O, no clock, no randomness. The language of the catalog is described in `docs/catalog.md`.

mod attack;
mod bits;
mod cases;
mod catalog;
mod command_line;
mod embedded;
mod error;
mod explain;
mod expression;
mod facts;
mod field;
mod language;
mod literal;
mod load;
mod matcher;
mod pattern;
mod percent;
pub mod score;
mod verdict;

pub use attack::{technique_name, techniques};
pub use cases::CaseFailure;
pub use catalog::{Behavior, Catalog, Primitive, Required};
pub use error::CatalogError;
pub use explain::{Explanation, NearMiss};
pub use facts::SessionFacts;
pub use field::{FIELDS, FieldSpec};
pub use pattern::{Case, Operator};
pub use verdict::{BUILT_INS, BuiltIn, Verdict, VerdictKind};
