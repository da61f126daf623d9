//! `GET /v1/key/check/{ip}`: what is known of one address, with a score that can be recomputed by hand.

use super::App;
use super::error::ApiError;
use super::key::Reader;
use super::query::{Params, Segment, address};
use crate::reputation::{Name, Names, evidence};
use crate::status::now;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use detection::score::Score;
use serde::Serialize;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use store::Reputation;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    ip: IpAddr,
    found: bool,
    confidence_level: u8,
    first_seen: Option<String>,
    last_seen: Option<String>,
    total_sessions: u64,
    total_events: u64,
    /// Country and network: unknown without enrichment data.
    geolocation: Option<()>,
    protocols: Vec<ProtocolAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    behaviors: Option<Vec<BehaviorAnswer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primitives: Option<Vec<PrimitiveAnswer>>,
    community: CommunityAnswer,
    whitelist: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Score>,
}

#[derive(Serialize)]
struct ProtocolAnswer {
    protocol: Arc<str>,
    sessions: u64,
    events: u64,
}

#[derive(Serialize)]
struct BehaviorAnswer {
    name: Arc<str>,
    severity: model::Severity,
    count: u64,
    description: Option<Arc<str>>,
    id: Arc<str>,
    techniques: Arc<[Arc<str>]>,
}

#[derive(Serialize)]
struct PrimitiveAnswer {
    name: Arc<str>,
    count: u64,
    description: Option<Arc<str>>,
    id: Arc<str>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct CommunityAnswer {
    reports: u64,
    reporters: u64,
    last_reported_at: Option<String>,
    categories: Vec<()>,
}

/// `maxAge` (seconds): an address last seen longer ago is answered as never seen. `verbose=false` leaves behaviors, primitives and the
/// score's terms out. `protocols` narrows the list of that name. `exclude` drops fields. `ignoreWhitelist` gives the undiscounted score.
pub async fn check(_: Reader, State(app): State<Arc<App>>, Segment(ip): Segment, params: Params) -> Result<Response, ApiError> {
    let ip = address("ip", &ip)?;
    let max_age = params.parse::<u64>("maxAge", "a number of seconds")?;
    let verbose = params.flag("verbose", true)?;
    let protocols = params.protocols("protocols")?;
    let ignore_whitelist = params.flag("ignoreWhitelist", false)?;

    let known = match app.index.get(ip) {
        Some(entry) => Some(Reputation::decode(&entry.body)?),
        None => None,
    };
    let recent = |reputation: &Reputation| max_age.is_none_or(|age| now().since(reputation.last_seen) <= Duration::from_secs(age));
    let known = known.filter(recent);
    let mut answer = describe(ip, known.as_ref(), &app.vocabulary.names(), ignore_whitelist);
    if let Some(wanted) = protocols {
        answer.protocols.retain(|count| wanted.contains(&&*count.protocol));
    }
    if !verbose {
        (answer.behaviors, answer.primitives, answer.score) = (None, None, None);
    }
    let Some(exclude) = params.list("exclude") else { return Ok(Json(answer).into_response()) };
    let mut value = serde_json::to_value(answer).map_err(|error| ApiError::internal(&error))?;
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !exclude.contains(&name.as_str()));
    }
    Ok(Json(value).into_response())
}

fn describe(ip: IpAddr, known: Option<&Reputation>, names: &Names, ignore_whitelist: bool) -> Answer {
    let nothing = Reputation::default();
    let reputation = known.unwrap_or(&nothing);
    let score = detection::score::score(&evidence(reputation, names));
    let named = |counts: &[(u32, u64)]| -> Vec<(Name, u64)> {
        let mut list: Vec<_> = counts.iter().filter_map(|(number, count)| Some((names.get(*number)?.clone(), *count))).collect();
        list.sort_by(|(a, a_count), (b, b_count)| (b.severity, b_count, &a.id).cmp(&(a.severity, a_count, &b.id)));
        list
    };
    let behavior = |(name, count): (Name, u64)| BehaviorAnswer {
        name: name.title,
        severity: name.severity,
        count,
        description: name.description,
        id: name.id,
        techniques: name.techniques,
    };
    let primitive = |(name, count): (Name, u64)| PrimitiveAnswer { name: name.title, count, description: name.description, id: name.id };
    let protocol = |count: &store::ProtocolCount| {
        let name = names.get(count.name)?;
        Some(ProtocolAnswer { protocol: name.id.clone(), sessions: count.sessions, events: count.events })
    };
    Answer {
        ip,
        found: known.is_some(),
        confidence_level: if ignore_whitelist { score.unlisted_confidence } else { score.confidence },
        first_seen: known.map(|reputation| reputation.first_seen.to_string()),
        last_seen: known.map(|reputation| reputation.last_seen.to_string()),
        total_sessions: reputation.sessions,
        total_events: reputation.events,
        geolocation: None,
        protocols: reputation.protocols.iter().filter_map(protocol).collect(),
        behaviors: Some(named(&reputation.behaviors).into_iter().map(behavior).collect()),
        primitives: Some(named(&reputation.primitives).into_iter().map(primitive).collect()),
        community: CommunityAnswer::default(),
        whitelist: None,
        score: Some(score),
    }
}
