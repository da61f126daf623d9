//! `GET /healthz`: how the hub is. Public: it tells counts, and nothing of what was seen.

use super::error::ApiError;
use super::{App, blocking};
use crate::status::now;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// 200 while everything works, 503 while something is failing; the body says what in both cases.
pub async fn health(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let body = blocking(move || describe(&app)).await?;
    let status = if body["status"] == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(body)).into_response())
}

fn describe(app: &App) -> Value {
    let status = &app.status;
    let now = now();
    let mut problems = Vec::new();
    if status.log_failing.load(Relaxed) {
        problems.push("events cannot be stored; the log says why");
    }
    if status.state_failing.load(Relaxed) {
        problems.push("judged sessions cannot be committed; the log says why");
    }
    let days = app.log.days().unwrap_or_default();
    let day = |day: &i64| Timestamp::from_seconds(day.saturating_mul(86_400)).to_string().get(..10).map(str::to_owned);
    json!({
        "status": if problems.is_empty() { "ok" } else { "degraded" },
        "problems": problems,
        "version": env!("CARGO_PKG_VERSION"),
        "catalog": app.vocabulary.catalog().version(),
        "uptimeSeconds": now.since(app.started).as_secs(),
        "ingest": {
            "storedEvents": status.stored.load(Relaxed),
            "duplicateRecords": status.duplicates.load(Relaxed),
            "rejectedRecords": status.rejected.load(Relaxed),
            "lateEvents": status.late.load(Relaxed),
            "backlogEvents": status.backlog_events(),
            "lagMilliseconds": status.lag_ms(now),
        },
        "disk": {
            "freeBytes": free_bytes(app),
            "eventBytes": folder_bytes(&app.data.events()),
        },
        "retention": { "days": app.config.retention_days, "oldestDay": days.first().and_then(day) },
        "counts": {
            "addresses": app.index.count(),
            "sessions": status.sessions.load(Relaxed),
            "openSessions": status.open_sessions.load(Relaxed),
            "sensors": app.accounts.sensors().map(|sensors| sensors.len()).unwrap_or(0),
        },
    })
}

/// `null` where the system does not say.
fn free_bytes(app: &App) -> Option<u64> {
    #[cfg(unix)]
    return rustix::fs::statvfs(app.data.path()).ok().map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    #[cfg(not(unix))]
    return None;
}

fn folder_bytes(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
