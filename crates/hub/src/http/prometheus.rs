//! `GET /metrics`, for a Prometheus on this machine or one with the administrator's key.

use super::App;
use super::error::ApiError;
use super::key::Reader;
use crate::listener::Peer;
use crate::telemetry;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The numbers of this whole process.
pub async fn page(State(app): State<Arc<App>>, ConnectInfo(Peer(peer)): ConnectInfo<Peer>, request: Request) -> Result<Response, ApiError> {
    // What a proxy on this machine passes on comes from loopback, too, but not from this machine.
    let passed_on = ["forwarded", "x-forwarded-for"].iter().any(|name| request.headers().contains_key(*name));
    if passed_on || !model::canonical(peer.ip()).is_loopback() {
        let (mut parts, _) = request.into_parts();
        Reader::from_request_parts(&mut parts, &app).await?;
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry::prometheus().render()).into_response())
}
