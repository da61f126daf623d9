//! `GET /v1/key/sessions` and `/v1/key/sessions/{id}`: what attackers did, listed and told.

use super::error::ApiError;
use super::key::Reader;
use super::query::{Params, Segment, address};
use super::{App, blocking};
use crate::reputation::List;
use axum::Json;
use axum::extract::State;
use model::{SensorId, SessionId, Severity, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use store::{SensorNumber, SensorRow, SessionFilter, SessionPosition, SessionRow};

/// Events told of one session at most.
const EVENTS_MAX: usize = 10_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionAnswer {
    id: SessionId,
    sensor: SensorAnswer,
    ip: IpAddr,
    protocol: String,
    start: String,
    end: String,
    ended_by: String,
    behavior: BehaviorAnswer,
    classified: bool,
    primitives: Vec<PrimitiveAnswer>,
    events: u64,
    logins: u64,
    commands: u64,
    files: u64,
    fetches: u64,
}

#[derive(Serialize)]
struct SensorAnswer {
    id: Option<SensorId>,
    name: String,
}

#[derive(Serialize)]
struct BehaviorAnswer {
    id: String,
    name: Arc<str>,
    severity: Severity,
    techniques: Arc<[Arc<str>]>,
}

#[derive(Serialize)]
struct PrimitiveAnswer {
    id: String,
    name: Arc<str>,
    count: u64,
}

type Sensors = HashMap<SensorNumber, SensorRow>;

fn answer(app: &App, sensors: &Sensors, row: SessionRow) -> SessionAnswer {
    let sensor = sensors.get(&row.key.sensor);
    let behavior = app.vocabulary.describe(List::Behavior, &row.behavior);
    let primitive = |(id, count): (String, u64)| PrimitiveAnswer { name: app.vocabulary.describe(List::Primitive, &id).title, id, count };
    SessionAnswer {
        id: row.key.session,
        sensor: SensorAnswer { id: sensor.map(|sensor| sensor.id), name: sensor.map(|sensor| sensor.name.clone()).unwrap_or_default() },
        ip: row.source,
        protocol: row.protocol,
        start: row.start.to_string(),
        end: row.end.to_string(),
        ended_by: row.ended_by,
        behavior: BehaviorAnswer { id: row.behavior, name: behavior.title, severity: row.severity, techniques: behavior.techniques },
        classified: row.classified,
        primitives: row.primitives.into_iter().map(primitive).collect(),
        events: row.events,
        logins: row.logins,
        commands: row.commands,
        files: row.files,
        fetches: row.fetches,
    }
}

fn sensors(app: &App) -> Result<Sensors, ApiError> {
    Ok(app.accounts.sensors()?.into_iter().map(|sensor| (sensor.number, sensor)).collect())
}

/// Newest start first. `ip`, `protocol`, `sensor` (name or id) filter; `limit` (to 1000, default 50) and `cursor` (the last answer's `next`)
/// page.
pub async fn list(_: Reader, State(app): State<Arc<App>>, params: Params) -> Result<Json<Value>, ApiError> {
    let source = params.text("ip").map(|value| address("ip", value)).transpose()?;
    let protocol = match params.protocols("protocol")?.as_deref() {
        None => None,
        Some([protocol]) => Some((*protocol).to_owned()),
        Some(_) => return Err(ApiError::field("protocol", params.text("protocol").unwrap_or_default(), "one protocol")),
    };
    let limit = usize::try_from(params.number("limit", 1, 1000, 50)?).unwrap_or(50);
    let after = params.text("cursor").map(cursor).transpose()?;
    let wanted = params.text("sensor").map(str::to_owned);
    let answer = blocking(move || {
        let sensors = sensors(&app)?;
        let of_name = |name: &String| -> Vec<SensorNumber> {
            let matches = |sensor: &&SensorRow| sensor.name == *name || sensor.id.to_string() == *name;
            sensors.values().filter(matches).map(|sensor| sensor.number).collect()
        };
        let filter = SessionFilter { source, protocol, sensors: wanted.as_ref().map(of_name), after, limit };
        let rows = app.state.sessions(&filter)?;
        let full = rows.len() == limit;
        let next = rows.last().filter(|_| full).map(|row| format!("{}_{}_{}", row.start.0, row.key.session, row.key.sensor));
        let sessions: Vec<_> = rows.into_iter().map(|row| answer(&app, &sensors, row)).collect();
        Ok::<_, ApiError>(json!({ "sessions": sessions, "next": next }))
    });
    answer.await?.map(Json)
}

fn cursor(text: &str) -> Result<SessionPosition, ApiError> {
    let read = || {
        let mut parts = text.split('_');
        let start = Timestamp(parts.next()?.parse().ok()?);
        let session = parts.next()?.parse().ok()?;
        let sensor = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(SessionPosition { start, session, sensor })
    };
    read().ok_or_else(|| ApiError::field("cursor", text, "the \"next\" of an earlier answer"))
}

/// One session with its events in order, each flat: `sequence`, `time`, `kind` and the fields of its kind.
pub async fn story(_: Reader, State(app): State<Arc<App>>, Segment(id): Segment) -> Result<Json<Value>, ApiError> {
    let id: SessionId = id.parse().map_err(|_| ApiError::field("id", &id, "a session's id (a UUID)"))?;
    let told = blocking(move || {
        let sensors = sensors(&app)?;
        // Two sensors that gave the same id are no case worth a list: the first is told.
        let row = app.state.session(id)?.into_iter().next();
        let row = row.ok_or_else(|| ApiError::not_found("no session with this id has ended here (yet), or it is past its retention"))?;
        let mut events = app.log.session(row.key.sensor, id, row.first_day..=row.last_day, EVENTS_MAX + 1)?;
        let truncated = events.len() > EVENTS_MAX;
        events.truncate(EVENTS_MAX);
        let told: Vec<_> = events.iter().filter_map(|stored| tell(stored.sequence, &stored.body)).collect();
        let mut value = serde_json::to_value(answer(&app, &sensors, row)).map_err(|error| ApiError::internal(&error))?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("story".to_owned(), told.into());
            fields.insert("truncated".to_owned(), truncated.into());
        }
        Ok::<_, ApiError>(value)
    });
    told.await?.map(Json)
}

fn tell(sequence: u64, body: &[u8]) -> Option<Value> {
    let event = model::wire::decode_event(body).ok()?;
    let mut fields = Map::new();
    fields.insert("sequence".to_owned(), sequence.into());
    fields.insert("time".to_owned(), event.time.to_string().into());
    fields.insert("kind".to_owned(), event.detail.kind().into());
    if let Ok(Value::Object(tagged)) = serde_json::to_value(&event.detail)
        && let Some((_, Value::Object(detail))) = tagged.into_iter().next()
    {
        fields.extend(detail);
    }
    Some(fields.into())
}
