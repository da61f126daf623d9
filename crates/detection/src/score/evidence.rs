//! What is known of an address.

use super::Category;
use model::Severity;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything a score depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// What our sensors saw.
    pub sensor: SensorEvidence,
    /// What others reported.
    pub community: CommunityEvidence,
    /// Set when the address belongs to a known benign source.
    pub whitelist: Option<Whitelist>,
}

/// What our sensors saw of an address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SensorEvidence {
    /// Each distinct behavior once, built-ins too.
    pub behaviors: Vec<BehaviorEvidence>,
    /// Distinct primitives over all sessions.
    pub primitives: u64,
    /// Distinct protocols over all sessions.
    pub protocols: u64,
    /// Sessions.
    pub sessions: u64,
    /// Events of all sessions.
    pub events: u64,
}

/// One behavior of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BehaviorEvidence {
    /// Its id.
    pub id: Arc<str>,
    /// Its severity.
    pub severity: Severity,
    /// Sessions that were judged it.
    pub sessions: u64,
}

/// What others reported of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommunityEvidence {
    /// Distinct accounts that reported it.
    pub reporters: u64,
    /// Reports made one by one.
    pub reports: u64,
    /// Reports made in bulk.
    pub bulk_reports: u64,
    /// Reports by category, each category once.
    pub categories: Vec<CategoryEvidence>,
}

/// The reports of one category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryEvidence {
    /// The category.
    pub category: Category,
    /// Reports, single and bulk.
    pub reports: u64,
}

/// A known benign source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Whitelist {
    /// Who it is.
    pub source: String,
    /// What its score is multiplied by, 0 to 1.
    pub factor: f64,
}
