//! The enrolment token: what `honeyguide hub token new` prints and a new sensor is given.

use crate::Trust;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Sha256;
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "hgt_";
/// No token is near this long.
const TOKEN_BYTES_MAX: usize = 4096;

/// A token: `hgt_` and base64url (RFC 4648 section 5, unpadded) of `{"s": secret in hex, "c": SHA-256 of the hub's certificate in hex, or null}`.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentToken {
    text: String,
    certificate: Option<Sha256>,
}

/// The text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an enrolment token; make one on the hub with \"honeyguide hub token new\" and copy all of it")]
pub struct BadToken;

impl EnrolmentToken {
    /// The whole text, as the hub wants it back.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How the hub that made it can be known again.
    pub fn trust(&self) -> Trust {
        self.certificate.map_or(Trust::System, Trust::Pinned)
    }
}

impl fmt::Debug for EnrolmentToken {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolmentToken").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl FromStr for EnrolmentToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<EnrolmentToken, BadToken> {
        #[derive(Deserialize)]
        struct Content {
            s: String,
            c: Option<String>,
        }
        let text = text.trim();
        if text.len() > TOKEN_BYTES_MAX {
            return Err(BadToken);
        }
        let encoded = text.strip_prefix(PREFIX).ok_or(BadToken)?;
        let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| BadToken)?;
        let content: Content = serde_json::from_slice(&json).map_err(|_| BadToken)?;
        if content.s.is_empty() {
            return Err(BadToken);
        }
        let certificate = content.c.map(|hex| hex.parse()).transpose().map_err(|_| BadToken)?;
        Ok(EnrolmentToken { text: text.to_owned(), certificate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_pins_the_certificate_or_not() {
        let digest = "ab".repeat(32);
        for (json, trust) in [
            (format!(r#"{{"s":"00ff","c":"{digest}"}}"#), Trust::Pinned(Sha256([0xab; 32]))),
            (r#"{"s":"00ff","c":null}"#.to_owned(), Trust::System),
        ] {
            let text = format!("hgt_{}", URL_SAFE_NO_PAD.encode(json));
            let token: EnrolmentToken = format!(" {text}\n").parse().unwrap();
            assert_eq!((token.text(), token.trust()), (text.as_str(), trust));
            assert!(!format!("{token:?}").contains("00ff"), "the secret is not shown");
        }
    }

    #[test]
    fn anything_else_is_no_token() {
        let halves = format!("hgt_{}", URL_SAFE_NO_PAD.encode(r#"{"s":"00","c":"abcd"}"#));
        for text in ["", "hgt_", "hgt_!", "sk_admin_00", "hgt_e30", &halves, &"hgt_".repeat(4000)] {
            assert_eq!(text.parse::<EnrolmentToken>(), Err(BadToken), "{text:.20}");
        }
    }
}
