//! The catalog's files as they are written: YAML, strictly.

use serde::Deserialize;
use serde_saphyr::Spanned;

/// Bytes of one file.
pub(crate) const FILE_BYTES_MAX: usize = 16 << 20;

/// One file under `catalog/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) primitives: Vec<PrimitiveSource>,
    #[serde(default)]
    pub(crate) behaviors: Vec<BehaviorSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrimitiveSource {
    pub(crate) id: Spanned<String>,
    pub(crate) name: String,
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) protocols: Vec<Spanned<String>>,
    pub(crate) field: Spanned<String>,
    pub(crate) operator: Spanned<String>,
    pub(crate) pattern: Spanned<String>,
    #[serde(default)]
    pub(crate) case: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) tags: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) references: Vec<String>,
    /// Values of the field that must match.
    #[serde(default)]
    pub(crate) matches: Vec<String>,
    /// Values of the field that must not.
    #[serde(default)]
    pub(crate) rejects: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BehaviorSource {
    pub(crate) id: Spanned<String>,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) severity: Spanned<String>,
    #[serde(default)]
    pub(crate) techniques: Vec<Spanned<String>>,
    pub(crate) requires: Spanned<String>,
    #[serde(default)]
    pub(crate) may_contain: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) references: Vec<String>,
    /// Sessions that must be judged this behavior.
    #[serde(default)]
    pub(crate) matches: Vec<SessionSource>,
    /// Sessions that must not.
    #[serde(default)]
    pub(crate) rejects: Vec<SessionSource>,
}

/// A session in a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionSource {
    /// Shown when the case fails.
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) protocol: Spanned<String>,
    pub(crate) steps: Vec<Step>,
}

/// One thing a case's attacker does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// `user:password`, accepted.
    Login(String),
    /// `user:password`, refused.
    FailedLogin(String),
    Command(String),
    /// A whole request as text: request line, headers, an empty line, body.
    Request(String),
    Query(String),
    /// A URL the host was asked to get.
    Fetch(String),
    /// The path of a file left.
    File(String),
    /// `host:port`.
    Tunnel(String),
    /// `method=value`.
    Fingerprint(String),
    /// The bytes that broke the protocol.
    Malformed(String),
}
