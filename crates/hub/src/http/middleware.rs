//! What surrounds every request: an id, a time limit, headers, one line of log and a count.

use super::App;
use super::error::ApiError;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// On every answer. Pages are our own, without scripts.
const HEADERS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
];

/// Wraps every request. Only the route's pattern is logged: paths hold addresses and query strings may hold keys.
pub async fn frame(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = uuid::Uuid::new_v4().to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let limit = Duration::from_secs(app.config.request_timeout_seconds.max(1).into());
    let mut response = match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::timeout().into_response(),
    };
    let headers = response.headers_mut();
    for &(name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // What is known of an address changes by the second, and answers depend on the key.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    let status = response.status().as_u16();
    let elapsed = begun.elapsed();
    tracing::debug!(%id, %method, route, status, elapsed_us = elapsed.as_micros(), "request");
    // A method is the peer's to choose: only the usual ones are counted apart, or the page of metrics would grow without end.
    let method =
        if [Method::GET, Method::HEAD, Method::POST, Method::DELETE].contains(&method) { method.to_string() } else { "other".to_owned() };
    let labels = [("method", method), ("route", route), ("status", status.to_string())];
    metrics::counter!("honeyguide_hub_requests_total", &labels).increment(1);
    response
}
