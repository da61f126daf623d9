//! `/v1/sensor/…`: how a sensor joins, asks where it is, and delivers.

use super::error::ApiError;
use super::key::Caller;
use super::{App, BODY_BYTES_MAX, blocking};
use crate::secret;
use crate::status::now;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use model::SensorId;
use model::wire::{Ack, BatchInfo};
use serde::Deserialize;
use serde_json::{Value, json};
use std::str::FromStr;
use std::sync::Arc;
use store::{Enrolment, KeyOwner, TokenError};

const SENSOR: &str = "x-honeyguide-sensor";
const SENSOR_NAME: &str = "x-honeyguide-sensor-name";
const LOST: &str = "x-honeyguide-lost";
const UNSYNCED: &str = "x-honeyguide-unsynced";

/// The longest name, persona or version, in bytes.
const NAME_BYTES_MAX: usize = 128;

fn header<T: FromStr>(headers: &HeaderMap, name: &'static str, expected: &str) -> Result<Option<T>, ApiError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = String::from_utf8_lossy(value.as_bytes());
    text.trim().parse().map(Some).map_err(|_| ApiError::field(name, &text, expected))
}

fn named(field: &str, text: &str) -> Result<(), ApiError> {
    let fine = !text.trim().is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control);
    if fine { Ok(()) } else { Err(ApiError::field(field, text, "1 to 128 bytes of printable text")) }
}

#[derive(Deserialize)]
struct EnrolRequest {
    token: String,
    name: String,
    #[serde(default)]
    persona: String,
    #[serde(default)]
    version: String,
}

/// Trades a token for an id and a key. The token is its own authorization.
pub async fn enrol(State(app): State<Arc<App>>, body: Result<Bytes, BytesRejection>) -> Result<Json<Value>, ApiError> {
    let body = body.map_err(|_| ApiError::too_large(BODY_BYTES_MAX))?;
    let request: EnrolRequest = serde_json::from_slice(&body)
        .map_err(|error| ApiError::field("body", &error.to_string(), "{\"token\", \"name\", \"persona\", \"version\"}"))?;
    named("name", &request.name)?;
    for (field, text) in [("persona", &request.persona), ("version", &request.version)] {
        if !text.is_empty() {
            named(field, text)?;
        }
    }
    let secret = token_secret(&request.token)?;
    let enrolled = blocking(move || {
        let key = secret::sensor_key();
        let EnrolRequest { name, persona, version, .. } = &request;
        let enrolment = Enrolment { id: SensorId(uuid::Uuid::new_v4()), name, persona, version };
        let row = app.accounts.enrol(&secret, &enrolment, &key, now()).map_err(|error| match error {
            TokenError::Store(error) => ApiError::from(error),
            refused => ApiError::forbidden(&refused.to_string()),
        })?;
        app.ingest.admit(&row);
        tracing::info!(sensor = %row.id, name = row.name, "a sensor has enrolled");
        Ok::<_, ApiError>(json!({ "sensor": row.id, "key": key }))
    });
    enrolled.await?.map(Json)
}

/// The secret inside `hgt_…`, which also tells the sensor which certificate to expect.
fn token_secret(token: &str) -> Result<String, ApiError> {
    use base64::Engine as _;
    #[derive(Deserialize)]
    struct Content {
        s: String,
    }
    let read = || {
        let text = token.trim().strip_prefix("hgt_")?;
        let content = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice::<Content>(&content).ok()
    };
    // The token itself is a secret: it is not shown.
    read().map(|content| content.s).ok_or_else(|| ApiError::field("token", "", "a whole enrolment token, \"hgt_…\""))
}

/// Which sensor a caller speaks for: its own, or, for the administrator, an import named in the headers. `make` says whether an import that is
/// not there yet is made.
async fn speaker(app: &Arc<App>, caller: KeyOwner, headers: &HeaderMap, make: bool) -> Result<SensorId, ApiError> {
    let id: SensorId =
        header(headers, SENSOR, "a sensor's id (a UUID)")?.ok_or_else(|| ApiError::missing(SENSOR, "a sensor's id (a UUID)"))?;
    let own = app.ingest.number(id);
    match caller {
        KeyOwner::Sensor(number) if own == Some(number) => Ok(id),
        KeyOwner::Sensor(_) => Err(ApiError::forbidden("this key belongs to another sensor")),
        KeyOwner::Admin => {
            let name: String = header(headers, SENSOR_NAME, "a name")?
                .ok_or_else(|| ApiError::missing(SENSOR_NAME, "the name of the imported sensor, with the administrator's key"))?;
            named(SENSOR_NAME, &name)?;
            if make || own.is_some() {
                let app = app.clone();
                let row = blocking(move || {
                    let row = app.accounts.import_sensor(&name, id, now())?;
                    row.inspect(|row| app.ingest.admit(row)).ok_or_else(|| {
                        ApiError::conflict("this id belongs to a sensor that is no import: nobody else may deliver in its name")
                    })
                });
                row.await??;
            }
            Ok(id)
        }
    }
}

/// The position of the caller: what it need not send again.
pub async fn position(State(app): State<Arc<App>>, Caller(caller): Caller, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    let id = match caller {
        KeyOwner::Sensor(number) if !headers.contains_key(SENSOR) => {
            let app = app.clone();
            let rows = blocking(move || app.accounts.sensors()).await??;
            rows.into_iter().find(|row| row.number == number).map(|row| row.id).ok_or_else(ApiError::unauthorized)?
        }
        caller => speaker(&app, caller, &headers, false).await?,
    };
    Ok(Json(json!({ "through": app.ingest.position(id) })))
}

/// Stores a batch; the answer comes when it is durable.
pub async fn batches(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Ack>, ApiError> {
    let encoding: String = header(&headers, "content-encoding", "zstd")?.unwrap_or_default();
    if !encoding.eq_ignore_ascii_case("zstd") {
        return Err(ApiError::field("content-encoding", &encoding, "zstd"));
    }
    let sensor = speaker(&app, caller, &headers, true).await?;
    let count = "a whole number";
    let info =
        BatchInfo { sensor, lost: header(&headers, LOST, count)?.unwrap_or(0), unsynced: header(&headers, UNSYNCED, count)?.unwrap_or(0) };
    let body = body.map_err(|_| ApiError::too_large(app.config.batch_bytes_max))?;
    Ok(Json(app.ingest.ingest_compressed(sensor, info, body).await?))
}
