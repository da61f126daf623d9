//! Asking a hub what it knows.

use crate::api::{Blacklist, Check, Health, Sessions, Story};
use crate::{Client, Error};
use model::SessionId;
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use std::net::IpAddr;

/// What to tell about an address; what is `None` is left to the hub.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckQuery {
    /// Only what is at most so many seconds old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Whether to tell behaviors and primitives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbose: Option<bool>,
    /// Only these protocols, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocols: Option<String>,
    /// Top-level fields to leave out, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<String>,
    /// The score without the whitelist's discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_whitelist: Option<bool>,
}

/// Which addresses to list; what is `None` is left to the hub.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlacklistQuery {
    /// 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_minimum: Option<u8>,
    /// At most so many rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Scores without the whitelist's discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_whitelist: Option<bool>,
    /// ISO 3166-1 alpha-2 codes, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_countries: Option<String>,
    /// The same, to leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_countries: Option<String>,
    /// `AS12345`, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_asn: Option<String>,
    /// The same, to leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_asn: Option<String>,
    /// `4`, `6` or `mixed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_version: Option<String>,
    /// Only what attacked these protocols, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocols: Option<String>,
    /// `low`, `medium`, `high` or `very_high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<String>,
    /// Addresses that are not public too; only with the administrator's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_private: Option<bool>,
}

/// Which sessions to list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SessionsQuery {
    /// Only of this address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// Only of this protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Only of this sensor, by identity or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor: Option<String>,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Where to start: [`Sessions::next`] of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Client {
    /// What is known of an address; an address that was never seen is an answer too, not an error.
    ///
    /// # Errors
    /// As for every request: see [`Error`].
    pub async fn check(&self, ip: IpAddr, query: &CheckQuery) -> Result<Check, Error> {
        self.json(self.get(&["v1", "key", "check", &ip.to_string()], query)).await
    }

    /// The addresses worth blocking.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn blacklist(&self, query: &BlacklistQuery) -> Result<Blacklist, Error> {
        self.json(self.get(&["v1", "key", "blacklist"], query)).await
    }

    /// The same as text, one address a line.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn blacklist_text(&self, query: &BlacklistQuery) -> Result<String, Error> {
        let request = self.get(&["v1", "key", "blacklist"], query).query(&[("plaintext", "true")]);
        let bytes = self.bytes(request).await?;
        String::from_utf8(bytes)
            .map_err(|_| Error::Unexpected { address: self.address().to_owned(), reason: "a list that is not text".to_owned() })
    }

    /// A page of sessions, the newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn sessions(&self, query: &SessionsQuery) -> Result<Sessions, Error> {
        self.json(self.get(&["v1", "key", "sessions"], query)).await
    }

    /// One session and what happened in it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the hub has no such session; otherwise see [`Error`].
    pub async fn session(&self, id: SessionId) -> Result<Story, Error> {
        self.json(self.request(Method::GET, &["v1", "key", "sessions", &id.to_string()])).await
    }

    /// How the hub is. Needs no key.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn healthz(&self) -> Result<Health, Error> {
        self.json(self.request(Method::GET, &["healthz"])).await
    }

    fn get(&self, path: &[&str], query: &impl Serialize) -> RequestBuilder {
        self.request(Method::GET, path).query(query)
    }
}
