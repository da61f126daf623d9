//! Which credentials are let in; one policy for every protocol.

use serde::{Deserialize, Serialize};

/// Which credentials are let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "accept", deny_unknown_fields)]
pub enum CredentialPolicy {
    /// All of them.
    #[default]
    Any,
    /// Whatever is tried at the n-th attempt of a session, and later.
    Nth {
        /// From 1.
        attempt: u32,
    },
    /// The pairs listed.
    List {
        /// User names and passwords; `*` stands for anything.
        pairs: Vec<Pair>,
    },
    /// None.
    None,
}

/// A user name and a password, written `user:password`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pair {
    username: String,
    password: String,
}

impl TryFrom<String> for Pair {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (username, password) = text.split_once(':').ok_or_else(|| format!("\"{text}\": expected user:password"))?;
        Ok(Pair { username: username.to_owned(), password: password.to_owned() })
    }
}

impl From<Pair> for String {
    fn from(pair: Pair) -> String {
        format!("{}:{}", pair.username, pair.password)
    }
}

/// What was presented.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// The user name.
    pub username: &'a [u8],
    /// The password or other secret.
    pub secret: &'a [u8],
    /// Which attempt of the session this is, from 1.
    pub attempt: u32,
}

impl CredentialPolicy {
    /// Whether these are let in.
    pub fn accepts(&self, credentials: &Credentials<'_>) -> bool {
        let matches = |pattern: &str, value: &[u8]| pattern == "*" || pattern.as_bytes() == value;
        match self {
            CredentialPolicy::Any => true,
            CredentialPolicy::Nth { attempt } => credentials.attempt >= *attempt,
            CredentialPolicy::List { pairs } => {
                pairs.iter().any(|p| matches(&p.username, credentials.username) && matches(&p.password, credentials.secret))
            }
            CredentialPolicy::None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_lets_in_what_it_says() {
        let policy = |text: &str| -> CredentialPolicy { serde_json::from_str(text).unwrap() };
        let cases = [
            (r#"{"accept":"any"}"#, "root", "x", 1, true),
            (r#"{"accept":"none"}"#, "root", "x", 9, false),
            (r#"{"accept":"nth","attempt":3}"#, "root", "x", 2, false),
            (r#"{"accept":"nth","attempt":3}"#, "root", "x", 3, true),
            (r#"{"accept":"list","pairs":["root:toor","admin:*"]}"#, "root", "toor", 1, true),
            (r#"{"accept":"list","pairs":["root:toor","admin:*"]}"#, "root", "x", 1, false),
            (r#"{"accept":"list","pairs":["root:toor","admin:*"]}"#, "admin", "x", 1, true),
        ];
        for (text, username, secret, attempt, expected) in cases {
            let credentials = Credentials { username: username.as_bytes(), secret: secret.as_bytes(), attempt };
            assert_eq!(policy(text).accepts(&credentials), expected, "{text} {username}:{secret} at {attempt}");
        }
    }
}
