//! The score of an address: a pure function of the evidence, with every term in its result.
//!
//! `docs/scoring.md` describes it with worked examples; a test recomputes each of them.

mod category;
mod evidence;

pub use category::Category;
pub use evidence::{BehaviorEvidence, CategoryEvidence, CommunityEvidence, Evidence, SensorEvidence, Whitelist};

use model::Severity;
use serde::{Deserialize, Serialize};

/// Raw points at which a score reaches 63 of 100.
const SATURATION: f64 = 70.0;
/// The square root of a behavior's sessions counts up to this.
const COUNT_FACTOR_MAX: f64 = 6.0;
/// For each distinct behavior beyond the leading one.
const FURTHER_BEHAVIOR: f64 = 6.0;
/// A takeover seen by a sensor of ours is at least this, however little else is known.
const VERY_HIGH_FLOOR: f64 = 75.0;
/// The multiplier approaches 1 and this as the weaker signal grows …
const CORROBORATION: f64 = 0.5;
/// … and is half-way there at this many raw points.
const CORROBORATION_HALF: f64 = 30.0;
/// What a bulk report counts, where a single one counts 1.
const BULK_REPORT: f64 = 0.25;

/// One term of a sum: what it is, its value in raw points, and how the value came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// `behaviors`, `further_behaviors`, `primitives`, `protocols`, `volume`, `reporters`, `reports` or `categories`.
    pub name: String,
    /// Raw points.
    pub value: f64,
    /// The calculation with its numbers.
    pub formula: String,
}

/// A score with everything needed to recompute it by hand. Every value is rounded to three decimals before the next step uses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What our sensors saw.
    pub sensor: Vec<Term>,
    /// The sum of `sensor`.
    pub sensor_raw: f64,
    /// What others reported.
    pub community: Vec<Term>,
    /// The sum of `community`.
    pub community_raw: f64,
    /// 1 + 0.5·w/(w + 30), where w is the weaker of the two sums: two independent witnesses are worth more than one.
    pub multiplier: f64,
    /// (sensor_raw + community_raw) · multiplier.
    pub raw: f64,
    /// 100·(1 − e^(−raw/70)).
    pub saturated: f64,
    /// The least score, from a very_high behavior; 0 without one.
    pub floor: f64,
    /// 1, or less for a known benign source.
    pub whitelist_factor: f64,
    /// max(saturated, floor) · whitelist_factor, rounded to the nearest whole number: 0 to 100.
    pub confidence: u8,
    /// The same without the whitelist.
    pub unlisted_confidence: u8,
}

/// Computes the score of an address.
pub fn score(evidence: &Evidence) -> Score {
    let sensor = sensor_terms(&evidence.sensor);
    let community = community_terms(&evidence.community);
    let sensor_raw = sum(&sensor);
    let community_raw = sum(&community);
    let weaker = sensor_raw.min(community_raw);
    let multiplier = rounded(1.0 + CORROBORATION * weaker / (weaker + CORROBORATION_HALF));
    let raw = rounded((sensor_raw + community_raw) * multiplier);
    let saturated = rounded(100.0 * (1.0 - (-raw / SATURATION).exp()));
    let takeover = evidence.sensor.behaviors.iter().any(|behavior| behavior.severity == Severity::VeryHigh && behavior.sessions > 0);
    let floor = if takeover { VERY_HIGH_FLOOR } else { 0.0 };
    let whitelist_factor = evidence.whitelist.as_ref().map_or(1.0, |whitelist| unit(whitelist.factor));
    let full = saturated.max(floor);
    Score {
        sensor,
        sensor_raw,
        community,
        community_raw,
        multiplier,
        raw,
        saturated,
        floor,
        whitelist_factor,
        confidence: whole(full * whitelist_factor),
        unlisted_confidence: whole(full),
    }
}

/// The weight of a severity in raw points.
pub const fn severity_weight(severity: Severity) -> f64 {
    match severity {
        Severity::Info => 3.0,
        Severity::Low => 8.0,
        Severity::Medium => 20.0,
        Severity::High => 35.0,
        Severity::VeryHigh => 55.0,
    }
}

fn sensor_terms(evidence: &SensorEvidence) -> Vec<Term> {
    let mut terms = Vec::new();
    let points = |behavior: &BehaviorEvidence| severity_weight(behavior.severity) * count_factor(behavior.sessions);
    let seen = || evidence.behaviors.iter().filter(|behavior| behavior.sessions > 0);
    if let Some(leading) = seen().max_by(|a, b| points(a).total_cmp(&points(b)).then_with(|| b.id.cmp(&a.id))) {
        let (weight, sessions) = (severity_weight(leading.severity), leading.sessions);
        let formula = format!("{} {weight} × min(√{sessions}, {COUNT_FACTOR_MAX}) for {}", leading.severity, leading.id);
        terms.push(term("behaviors", points(leading), formula));
    }
    let further = seen().count().saturating_sub(1);
    if further > 0 {
        terms.push(term("further_behaviors", FURTHER_BEHAVIOR * count(further as u64), format!("{FURTHER_BEHAVIOR} × {further}")));
    }
    let primitives = evidence.primitives;
    if primitives > 0 {
        terms.push(term("primitives", 3.0 * count(primitives).ln_1p(), format!("3 × ln(1 + {primitives})")));
    }
    let protocols = evidence.protocols;
    if protocols > 1 {
        terms.push(term("protocols", 8.0 * count(protocols).log2(), format!("8 × log2({protocols})")));
    }
    let (sessions, events) = (evidence.sessions, evidence.events);
    if sessions > 0 || events > 0 {
        let value = 2.0 * count(sessions).ln_1p() + 0.5 * count(events).ln_1p();
        terms.push(term("volume", value, format!("2 × ln(1 + {sessions}) + 0.5 × ln(1 + {events})")));
    }
    terms
}

fn community_terms(evidence: &CommunityEvidence) -> Vec<Term> {
    let mut terms = Vec::new();
    let reporters = evidence.reporters;
    if reporters > 0 {
        terms.push(term("reporters", 10.0 * (1.0 + count(reporters)).log2(), format!("10 × log2(1 + {reporters})")));
    }
    let (single, bulk) = (evidence.reports, evidence.bulk_reports);
    if single > 0 || bulk > 0 {
        let value = (2.0 * (count(single) + BULK_REPORT * count(bulk)).ln_1p()).min(10.0);
        terms.push(term("reports", value, format!("min(2 × ln(1 + {single} + {BULK_REPORT} × {bulk}), 10)")));
    }
    let worst = evidence.categories.iter().filter(|entry| entry.reports > 0).map(|entry| entry.category);
    if let Some(category) = worst.max_by(|a, b| a.weight().total_cmp(&b.weight()).then_with(|| b.id().cmp(&a.id()))) {
        terms.push(term("categories", category.weight(), format!("the gravest category, {}", category.name())));
    }
    terms
}

fn term(name: &str, value: f64, formula: String) -> Term {
    Term { name: name.to_owned(), value: rounded(value), formula }
}

fn sum(terms: &[Term]) -> f64 {
    // An empty sum of floats is -0.0.
    rounded(terms.iter().map(|term| term.value).sum::<f64>() + 0.0)
}

/// To three decimals: what is shown is what is calculated with, so that the steps can be followed from the answer alone.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn count_factor(sessions: u64) -> f64 {
    count(sessions).sqrt().min(COUNT_FACTOR_MAX)
}

/// Exact up to 2^53, far beyond any count of sessions.
fn count(number: u64) -> f64 {
    number as f64
}

/// A factor held between 0 and 1; what is no number discounts nothing.
fn unit(factor: f64) -> f64 {
    if factor.is_nan() { 1.0 } else { factor.clamp(0.0, 1.0) }
}

fn whole(score: f64) -> u8 {
    // In range by the clamp, so the cast only drops the fraction that `round` already made zero.
    score.clamp(0.0, 100.0).round() as u8
}
