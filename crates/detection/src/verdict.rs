//! The verdict on a session: exactly one behavior.

use crate::bits::Bits;
use crate::catalog::{Behavior, Catalog, Required};
use crate::facts::SessionFacts;
use model::Severity;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a verdict comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// A behavior of the catalog.
    Behavior,
    /// The session held no primitive, and what happened in it says enough: one of [`BUILT_INS`].
    BuiltIn,
    /// Nothing fits; the session waits for an editor.
    Unclassified,
}

/// What one session was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The behavior's id, a built-in's, or `unclassified`.
    pub behavior: Arc<str>,
    /// Its name for people.
    pub name: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// MITRE ATT&CK techniques.
    pub techniques: Arc<[Arc<str>]>,
    /// Where it comes from.
    pub kind: VerdictKind,
    /// How many primitives the behavior requires; 0 for what is not of the catalog.
    pub required: Required,
}

impl Verdict {
    /// Whether an editor need not look at the session.
    pub fn classified(&self) -> bool {
        self.kind != VerdictKind::Unclassified
    }
}

/// A behavior of a session without any primitive.
pub struct BuiltIn {
    /// Its id; no behavior of a catalog may have it.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What the session showed.
    pub description: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// MITRE ATT&CK techniques.
    pub techniques: &'static [&'static str],
    applies: fn(&SessionFacts) -> bool,
}

/// The built-ins in the order in which they are tried; the first that applies is taken. The last is for what none of them explains.
pub const BUILT_INS: &[BuiltIn] = &[
    BuiltIn {
        id: "login-only",
        name: "Login only",
        description: "Credentials were accepted and nothing was done with them: access is collected for later, or sold.",
        severity: Severity::Medium,
        techniques: &["T1110", "T1078"],
        applies: |facts| facts.accepted > 0 && !acted(facts),
    },
    BuiltIn {
        id: "credential-attempts-only",
        name: "Credential attempts only",
        description: "Credentials were presented, none was accepted, and nothing else was done.",
        severity: Severity::Medium,
        techniques: &["T1110"],
        applies: |facts| facts.attempts > 0 && facts.accepted == 0 && !acted(facts),
    },
    BuiltIn {
        id: "front-page-only",
        name: "Front page only",
        description: "Only what any browser or monitor asks for was requested: the front page, its icon, robots.txt.",
        severity: Severity::Info,
        techniques: &[],
        applies: |facts| facts.plain_requests > 0 && facts.attempts == 0 && !acted(facts),
    },
    BuiltIn {
        id: "failed-handshake",
        name: "Failed handshake",
        description: "The client began the protocol (its software could be fingerprinted) and left, or failed, before it presented credentials.",
        severity: Severity::Info,
        techniques: &["T1595"],
        applies: |facts| facts.fingerprints > 0 && nothing_asked(facts),
    },
    BuiltIn {
        id: "malformed-only",
        name: "Malformed data only",
        description: "What was sent is not the protocol: a scanner's probe for another one, or garbage.",
        severity: Severity::Low,
        techniques: &["T1595"],
        applies: |facts| facts.malformed > 0 && nothing_asked(facts),
    },
    BuiltIn {
        id: "connection-only",
        name: "Connection only",
        description: "A connection was opened and nothing of the protocol was sent: a port scan.",
        severity: Severity::Info,
        techniques: &["T1595.001"],
        applies: nothing_asked,
    },
    BuiltIn {
        id: "unclassified",
        name: "Unclassified",
        description: "The session did something that the catalog has no name for; it waits in the editorial queue.",
        severity: Severity::Low,
        techniques: &[],
        applies: |_| true,
    },
];

/// Whether the session did anything that only primitives can explain.
fn acted(facts: &SessionFacts) -> bool {
    let unexplained = facts.requests.saturating_sub(facts.plain_requests);
    [facts.commands, unexplained, facts.queries, facts.messages, facts.fetches, facts.files, facts.tunnels].iter().any(|count| *count > 0)
}

fn nothing_asked(facts: &SessionFacts) -> bool {
    !acted(facts) && facts.attempts == 0 && facts.accepted == 0 && facts.requests == 0
}

impl Catalog {
    /// Names the one behavior of a session. Deterministic: it depends on the facts and the catalog only.
    ///
    /// A behavior fits when its expression holds on the session's primitives and it names every one of them. Among those that fit, the one
    /// that requires most primitives is taken, then the most severe, then the first by id. When none fits the session is unclassified; a
    /// session without any primitive gets one of the [`BUILT_INS`].
    pub fn judge(&self, facts: &SessionFacts) -> Verdict {
        let numbers: Vec<u32> = self.numbers_of(facts).collect();
        if numbers.is_empty() {
            return built_in(facts);
        }
        self.fitting(&numbers).next().map_or_else(unclassified, of_behavior)
    }

    /// The behaviors that fit a set of primitives, in the total order.
    pub(crate) fn fitting<'a>(&'a self, numbers: &[u32]) -> impl Iterator<Item = &'a Behavior> + 'a {
        let mut set = Bits::with_size(self.primitives.len());
        numbers.iter().for_each(|number| set.insert(*number));
        // Whatever fits names every primitive, so it is in the shortest list of them all.
        let shortest = numbers.iter().filter_map(|number| self.naming.get(*number as usize)).min_by_key(|list| list.len());
        let candidates = shortest.into_iter().flatten().filter_map(|place| self.behaviors.get(*place as usize));
        let numbers = numbers.to_vec();
        candidates.filter(move |behavior| numbers.iter().all(|number| behavior.named.contains(*number)) && behavior.expression.holds(&set))
    }
}

pub(crate) fn of_behavior(behavior: &Behavior) -> Verdict {
    Verdict {
        behavior: behavior.id.clone(),
        name: behavior.name.clone(),
        severity: behavior.severity,
        techniques: behavior.techniques.clone(),
        kind: VerdictKind::Behavior,
        required: behavior.required,
    }
}

fn built_in(facts: &SessionFacts) -> Verdict {
    BUILT_INS.iter().find(|built_in| (built_in.applies)(facts)).map_or_else(unclassified, |built_in| {
        let kind = if built_in.id == "unclassified" { VerdictKind::Unclassified } else { VerdictKind::BuiltIn };
        Verdict {
            behavior: built_in.id.into(),
            name: built_in.name.into(),
            severity: built_in.severity,
            techniques: built_in.techniques.iter().map(|id| (*id).into()).collect(),
            kind,
            required: 0,
        }
    })
}

/// The last of the built-ins.
pub(crate) fn unclassified() -> Verdict {
    Verdict {
        behavior: "unclassified".into(),
        name: "Unclassified".into(),
        severity: Severity::Low,
        techniques: Arc::default(),
        kind: VerdictKind::Unclassified,
        required: 0,
    }
}
