//! Query strings: every mistake named by its field.

use super::App;
use super::error::ApiError;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

/// A request's parameters. Unknown ones are ignored, as existing clients send some; of a repeated one the last counts.
pub struct Params(HashMap<String, String>);

impl Params {
    /// From a request's address.
    pub fn from_uri(uri: &Uri) -> Result<Params, ApiError> {
        let Query(pairs) = Query::try_from_uri(uri)
            .map_err(|_| ApiError::field("query", uri.query().unwrap_or_default(), "name=value pairs, percent-encoded"))?;
        Ok(Params(pairs))
    }

    /// A parameter; an empty one counts as not given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter of a type; `expected` describes it.
    pub fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, ApiError> {
        self.text(name).map(|value| value.parse().map_err(|_| ApiError::field(name, value, expected))).transpose()
    }

    /// A number between two others.
    pub fn number(&self, name: &str, min: u64, max: u64, default: u64) -> Result<u64, ApiError> {
        let expected = format!("a whole number from {min} to {max}");
        match self.parse::<u64>(name, &expected)? {
            None => Ok(default),
            Some(value) if (min..=max).contains(&value) => Ok(value),
            Some(value) => Err(ApiError::field(name, &value.to_string(), &expected)),
        }
    }

    /// Yes or no.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, ApiError> {
        match self.text(name) {
            None => Ok(default),
            Some("true" | "1" | "yes") => Ok(true),
            Some("false" | "0" | "no") => Ok(false),
            Some(value) => Err(ApiError::field(name, value, "true or false")),
        }
    }

    /// A list with commas; `None` when not given.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        let list: Vec<_> = self.text(name)?.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        (!list.is_empty()).then_some(list)
    }

    /// A list of protocols by name, checked.
    pub fn protocols(&self, name: &str) -> Result<Option<Vec<&'static str>>, ApiError> {
        let Some(list) = self.list(name) else { return Ok(None) };
        let known = |text: &str| {
            let protocol: Result<model::Protocol, _> = text.to_ascii_lowercase().parse();
            protocol.map(model::Protocol::name).map_err(|_| ApiError::field(name, text, "protocol names with commas, as ssh,telnet,http"))
        };
        list.into_iter().map(known).collect::<Result<_, _>>().map(Some)
    }
}

impl FromRequestParts<Arc<App>> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Params, ApiError> {
        Params::from_uri(&parts.uri)
    }
}

/// The one variable part of a path; what is no UTF-8 once decoded is refused as everything else is, with a JSON error.
pub struct Segment(pub String);

impl FromRequestParts<Arc<App>> for Segment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Segment, ApiError> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        path.map(|Path(text)| Segment(text)).map_err(|_| ApiError::field("path", parts.uri.path(), "UTF-8, percent-encoded"))
    }
}

/// An IP address in a path or parameter, canonical.
pub fn address(name: &str, value: &str) -> Result<std::net::IpAddr, ApiError> {
    value.parse().map(model::canonical).map_err(|_| ApiError::field(name, value, "an IPv4 or IPv6 address"))
}
