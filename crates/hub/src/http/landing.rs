//! `GET /`: what this is, for somebody who opens it in a browser.

use super::App;
use crate::config::Tls;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::response::Html;
use std::sync::Arc;

const PAGE: &str = include_str!("landing.html");
/// What stands for the hub's own address in the page.
const HUB: &str = "{{hub}}";

/// A page without scripts or anything loaded from elsewhere. Its examples name the address at which the hub was asked for it.
pub async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Html<String> {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).filter(|host| is_authority(host));
    let scheme = if app.config.tls == Tls::OFF { "http" } else { "https" };
    Html(PAGE.replace(HUB, &format!("{scheme}://{}", host.unwrap_or("HUB"))))
}

/// Whether a Host header is a name or address with or without a port, and nothing that could be markup.
fn is_authority(host: &str) -> bool {
    !host.is_empty() && host.len() <= 255 && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}
