//! The HTTP surfaces: one file a resource.
//!
//! Every answer that is not a page is JSON, errors are `{"error": "…"}` naming the field and what was expected, and every answer has a request
//! id and headers that keep browsers from guessing. Keys are never logged: neither headers nor query strings are.

mod blacklist;
mod check;
mod error;
mod health;
mod key;
mod landing;
mod middleware;
mod prometheus;
mod query;
mod sensor;
mod session;

use crate::auth::Keys;
use crate::config::Config;
use crate::data::DataFolder;
use crate::ingest::Ingest;
use crate::reputation::{Index, Vocabulary};
use crate::status::Status;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use error::ApiError;
use model::Timestamp;
use std::sync::Arc;
use store::{Accounts, EventReader, StateReader};

/// The largest body of a request that is no batch, in bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What handlers work with.
pub struct App {
    pub keys: Keys,
    pub accounts: Arc<Accounts>,
    pub ingest: Ingest,
    pub vocabulary: Arc<Vocabulary>,
    pub index: Arc<Index>,
    pub status: Arc<Status>,
    pub state: Arc<dyn StateReader>,
    pub log: Arc<dyn EventReader>,
    pub config: Config,
    pub data: DataFolder,
    pub started: Timestamp,
}

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    let batches = post(sensor::batches).layer(DefaultBodyLimit::max(app.config.batch_bytes_max));
    Router::new()
        .route("/", get(landing::page))
        .route("/healthz", get(health::health))
        .route("/metrics", get(prometheus::page))
        .route("/v1/key/check/{ip}", get(check::check))
        .route("/v1/key/blacklist", get(blacklist::blacklist))
        .route("/v1/key/sessions", get(session::list))
        .route("/v1/key/sessions/{id}", get(session::story))
        .route("/v1/sensor/enrol", post(sensor::enrol))
        .route("/v1/sensor/position", get(sensor::position))
        .route("/v1/sensor/batches", batches)
        .fallback(async || ApiError::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(async || ApiError::method())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(app.clone(), middleware::frame))
        .with_state(app)
}

/// Runs what reads a database or many entries, off the threads that serve requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::internal(&error))
}
