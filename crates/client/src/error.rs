//! What can go wrong between us and a hub, in words for its operator.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

/// Why the hub gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the hub is not one.
    #[error("\"{url}\" is not a hub's address ({reason}); expected one such as https://hub.example:8443")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS cannot be set up on this machine.
    #[error("TLS cannot be used here")]
    Tls(#[source] rustls::Error),
    /// No connection, or it broke.
    #[error("the hub at {address} cannot be reached: {reason}")]
    Unreachable {
        /// The hub's address.
        address: String,
        /// The innermost cause, as the system tells it.
        reason: String,
    },
    /// The hub did not answer in time.
    #[error("the hub at {address} did not answer in time")]
    TimedOut {
        /// The hub's address.
        address: String,
    },
    /// Its certificate is not the one expected.
    #[error("the hub at {address} cannot be trusted: {reason}")]
    Untrusted {
        /// The hub's address.
        address: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// 401: the key is missing or wrong.
    #[error("the hub does not accept this key: {0}")]
    Unauthorized(String),
    /// 403: the key is known and not allowed to do this.
    #[error("the hub does not allow this key to do that: {0}")]
    Forbidden(String),
    /// 404.
    #[error("the hub has nothing there: {0}")]
    NotFound(String),
    /// 413: what was sent is too large.
    #[error("too large for the hub: {0}")]
    TooLarge(String),
    /// 429: the quota is used up.
    #[error("the hub's limit is reached: {message}")]
    RateLimited {
        /// What the hub said.
        message: String,
        /// When to ask again, if it said so.
        retry_after: Option<Duration>,
    },
    /// 503: the hub cannot do it now.
    #[error("the hub is busy: {message}")]
    Busy {
        /// What the hub said.
        message: String,
        /// When to ask again, if it said so.
        retry_after: Option<Duration>,
    },
    /// Any other status that is not success.
    #[error("the hub said {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the hub said.
        message: String,
    },
    /// The answer is not what a hub answers.
    #[error("{address} answered something that no hub answers: {reason}")]
    Unexpected {
        /// The address.
        address: String,
        /// What was wrong.
        reason: String,
    },
}

impl Error {
    /// Sorts the HTTP library's error.
    pub(crate) fn from_http(address: &str, error: &reqwest::Error) -> Error {
        let address = address.to_owned();
        if let Some(reason) = certificate_trouble(error) {
            return Error::Untrusted { address, reason };
        }
        if error.is_timeout() {
            return Error::TimedOut { address };
        }
        Error::Unreachable { address, reason: innermost(error) }
    }
}

/// The error beneath this one. An I/O error that carries another gives as its source not that one but that one's source.
fn beneath<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(carried) => Some(carried),
        None => error.source(),
    }
}

/// The last cause: the one that names what happened, such as "Connection refused".
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = beneath(cause) {
        cause = next;
    }
    cause.to_string()
}

/// What rustls found wrong with the certificate, if that is the cause.
fn certificate_trouble(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref() {
            Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) => return Some(other.0.to_string()),
            Some(rustls::Error::InvalidCertificate(problem)) => {
                return Some(format!("its certificate is not valid here ({problem}); enrol with a token, which pins it"));
            }
            _ => cause = beneath(error),
        }
    }
    None
}
