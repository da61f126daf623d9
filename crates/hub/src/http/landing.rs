//! `GET /`: what this is, for somebody who opens it in a browser.

use axum::response::Html;

/// A page without scripts or anything loaded from elsewhere.
pub async fn page() -> Html<&'static str> {
    Html(include_str!("landing.html"))
}
