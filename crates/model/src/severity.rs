//! How bad a behavior is.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The severity of a behavior, from harmless to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Seen, nothing attempted.
    Info,
    /// Unwelcome but harmless by itself.
    Low,
    /// An attempt.
    Medium,
    /// A successful step of an intrusion.
    High,
    /// A takeover: malware, persistence, destruction.
    VeryHigh,
}

impl Severity {
    /// Every severity, ascending.
    pub const ALL: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::VeryHigh];

    /// The name used in files and APIs.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::VeryHigh => "very_high",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no severity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown severity \"{0}\": expected info, low, medium, high or very_high")]
pub struct UnknownSeverity(pub String);

impl FromStr for Severity {
    type Err = UnknownSeverity;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Severity::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| UnknownSeverity(text.to_owned()))
    }
}
