//! `GET /v1/key/blacklist`: the addresses worth blocking.
//!
//! Private, loopback and other addresses that are no public unicast never appear, because a firewall that loads them locks its owner out;
//! `includePrivate=true` with the administrator's key shows them, for trying things on one machine.

use super::error::ApiError;
use super::key::QueryReader;
use super::query::Params;
use super::{App, blocking};
use crate::reputation::List;
use crate::status::now;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::Severity;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use store::Reputation;

/// Rows in one answer at most; tiers will lower it.
const LIMIT_MAX: u64 = 350_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    /// Milliseconds since 1970; `check` has RFC 3339, by the reference.
    generated_at: i64,
    score_minimum: u64,
    limit: u64,
    count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    ip: IpAddr,
    confidence_level: u8,
    last_seen: i64,
    sessions: u64,
    protocols: Vec<Arc<str>>,
    country_code: Option<String>,
    asn: Option<String>,
    asn_org: Option<String>,
}

struct Filter {
    score_minimum: u64,
    limit: u64,
    version: Option<u8>,
    protocols: Option<Vec<&'static str>>,
    severity: Severity,
    include_private: bool,
    /// Some country or network is asked for: without enrichment data no address is known to be of it.
    only_unknowable: bool,
}

impl Filter {
    fn read(params: &Params, admin: bool) -> Result<Filter, ApiError> {
        let version = match params.text("ipVersion") {
            None | Some("mixed") => None,
            Some("4") => Some(4),
            Some("6") => Some(6),
            Some(other) => return Err(ApiError::field("ipVersion", other, "4, 6 or mixed")),
        };
        let severity = params.parse("minSeverity", "low, medium, high or very_high")?.unwrap_or(Severity::Info);
        let include_private = params.flag("includePrivate", false)?;
        if include_private && !admin {
            return Err(ApiError::forbidden("includePrivate: only the administrator's key may ask for private addresses"));
        }
        // Accepted now, with effect once there is a whitelist.
        params.flag("ignoreWhitelist", false)?;
        for name in ["onlyCountries", "exceptCountries"] {
            let wrong =
                params.list(name).into_iter().flatten().find(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphabetic()));
            if let Some(code) = wrong {
                return Err(ApiError::field(name, code, "two-letter country codes with commas, as DE,FR"));
            }
        }
        for name in ["onlyAsn", "exceptAsn"] {
            let digits = |text: &str| text.strip_prefix("AS").or(text.strip_prefix("as")).unwrap_or(text).parse::<u32>().is_ok();
            if let Some(asn) = params.list(name).into_iter().flatten().find(|asn| !digits(asn)) {
                return Err(ApiError::field(name, asn, "network numbers with commas, as AS64500,AS64501"));
            }
        }
        Ok(Filter {
            score_minimum: params.number("scoreMinimum", 1, 100, 50)?,
            limit: params.number("limit", 1, u64::MAX, LIMIT_MAX)?.min(LIMIT_MAX),
            version,
            protocols: params.protocols("protocols")?,
            severity,
            include_private,
            only_unknowable: params.list("onlyCountries").is_some() || params.list("onlyAsn").is_some(),
        })
    }

    fn admits(&self, address: IpAddr) -> bool {
        let version = self.version.is_none_or(|version| (version == 4) == address.is_ipv4());
        version && (self.include_private || model::is_public(address))
    }
}

/// Ordered by confidence, then by the last activity, then by address so that equal lists are equal.
///
/// The entity tag is that of the rows, so that a firewall that asks again with `If-None-Match` is sent nothing when nothing has changed.
pub async fn blacklist(
    QueryReader(reader): QueryReader,
    State(app): State<Arc<App>>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let filter = Filter::read(&params, reader.admin)?;
    let plaintext = params.flag("plaintext", false)?;
    let (score_minimum, limit) = (filter.score_minimum, filter.limit);
    let (content_type, tag, body) = blocking(move || {
        let rows = select(&app, &filter);
        if plaintext {
            let mut text = String::with_capacity(rows.len() * 16);
            for row in &rows {
                let _ = writeln!(text, "{}", row.ip);
            }
            return Ok(("text/plain; charset=utf-8", tag(text.as_bytes()), text.into_bytes()));
        }
        let meta = Meta { generated_at: now().millis(), score_minimum, limit, count: rows.len() };
        // The rows are encoded once, for the tag and for the answer.
        let json = |error: serde_json::Error| ApiError::internal(&error);
        let data = serde_json::to_vec(&rows).map_err(json)?;
        let tag = tag(&data);
        let mut body = Vec::with_capacity(data.len() + 128);
        body.extend_from_slice(b"{\"meta\":");
        serde_json::to_writer(&mut body, &meta).map_err(json)?;
        body.extend_from_slice(b",\"data\":");
        body.extend_from_slice(&data);
        body.push(b'}');
        Ok::<_, ApiError>(("application/json", tag, body))
    })
    .await??;
    let validated = [(ETAG, tag.clone()), (CACHE_CONTROL, "private, no-cache".to_owned())];
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // `meta.generatedAt` differs in every answer, so the tag is a weak one (RFC 9110 section 8.8.1), and is compared as such.
    if known.split(',').any(|candidate| candidate.trim() == tag || candidate.trim() == "*") {
        return Ok((StatusCode::NOT_MODIFIED, validated).into_response());
    }
    Ok((validated, [(CONTENT_TYPE, content_type)], body).into_response())
}

fn tag(rows: &[u8]) -> String {
    format!("W/\"{}\"", hex::encode(&Sha256::digest(rows)[..16]))
}

fn select(app: &App, filter: &Filter) -> Vec<Row> {
    if filter.only_unknowable {
        return Vec::new();
    }
    // The names are not held while every address is visited: the pipeline may want to add one, and `check` would wait behind it.
    let wanted = filter.protocols.as_ref().map(|list| {
        let names = app.vocabulary.names();
        list.iter().filter_map(|id| names.number(List::Protocol, id)).collect::<Vec<_>>()
    });
    let spoke = |body: &[u8]| match &wanted {
        None => true,
        Some(wanted) => Reputation::decode(body).is_ok_and(|known| known.protocols.iter().any(|count| wanted.contains(&count.name))),
    };
    let mut found = Vec::new();
    app.index.visit(|address, entry| {
        let worst = u64::from(entry.confidence) >= filter.score_minimum && entry.severity >= filter.severity;
        if worst && filter.admits(address) && spoke(&entry.body) {
            found.push((Reverse((entry.confidence, entry.last_seen_seconds)), address));
        }
    });
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    if found.len() > limit {
        found.select_nth_unstable(limit);
        found.truncate(limit);
    }
    found.sort_unstable();
    let names = app.vocabulary.names();
    let row = |(Reverse((confidence_level, _)), ip): (Reverse<(u8, u32)>, IpAddr)| {
        let known = Reputation::decode(&app.index.get(ip)?.body).ok()?;
        Some(Row {
            ip,
            confidence_level,
            last_seen: known.last_seen.millis(),
            sessions: known.sessions,
            protocols: known.protocols.iter().filter_map(|count| names.get(count.name).map(|name| name.id.clone())).collect(),
            country_code: None,
            asn: None,
            asn_org: None,
        })
    };
    found.into_iter().filter_map(row).collect()
}
