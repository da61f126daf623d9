//! Why a session was judged as it was.

use crate::bits::Bits;
use crate::catalog::Catalog;
use crate::facts::SessionFacts;
use crate::verdict::Verdict;
use serde::Serialize;
use std::sync::Arc;

/// Near misses shown.
const NEAR_MISSES_MAX: usize = 5;

/// The verdict with its reasons.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The verdict itself.
    pub verdict: Verdict,
    /// The session's primitives that the catalog knows, in its order.
    pub primitives: Vec<Arc<str>>,
    /// Primitives stored with the session that the catalog does not have any more.
    pub unknown: Vec<Arc<str>>,
    /// Every behavior that fits, best first; the first is the verdict.
    pub fits: Vec<Arc<str>>,
    /// The behaviors that nearly fit, nearest first.
    pub near_misses: Vec<NearMiss>,
}

/// A behavior that shares primitives with the session and does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NearMiss {
    /// The behavior's id.
    pub behavior: Arc<str>,
    /// What its expression lacks: each entry must hold too.
    pub missing: Vec<String>,
    /// Primitives of the session that it does not name.
    pub extras: Vec<Arc<str>>,
}

impl Catalog {
    /// Explains the verdict on a session: which behaviors fit, and what kept the nearest others from it.
    pub fn explain(&self, facts: &SessionFacts) -> Explanation {
        let mut numbers: Vec<u32> = self.numbers_of(facts).collect();
        numbers.sort_unstable();
        let mut set = Bits::with_size(self.primitives.len());
        numbers.iter().for_each(|number| set.insert(*number));
        let id_of = |number: u32| self.primitives.get(number as usize).map(|primitive| primitive.id.clone()).unwrap_or_default();
        let mut near_misses: Vec<(usize, NearMiss)> = Vec::new();
        for behavior in &self.behaviors {
            let missing = behavior.expression.missing(&set, &|number| id_of(number).to_string());
            let extras: Vec<Arc<str>> =
                numbers.iter().filter(|number| !behavior.named.contains(**number)).map(|number| id_of(*number)).collect();
            let related = extras.len() < numbers.len();
            if related && missing.len() + extras.len() > 0 {
                near_misses.push((missing.len() + extras.len(), NearMiss { behavior: behavior.id.clone(), missing, extras }));
            }
        }
        near_misses.sort_by_key(|(distance, _)| *distance);
        near_misses.truncate(NEAR_MISSES_MAX);
        Explanation {
            verdict: self.judge(facts),
            primitives: numbers.iter().map(|number| id_of(*number)).collect(),
            unknown: facts.primitives.keys().filter(|id| !self.numbers.contains_key(*id)).cloned().collect(),
            fits: self.fitting(&numbers).map(|behavior| behavior.id.clone()).collect(),
            near_misses: near_misses.into_iter().map(|(_, near_miss)| near_miss).collect(),
        }
    }
}
