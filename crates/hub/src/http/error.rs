//! Errors as answers.

use crate::error::IngestError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::fmt::Display;
use store::StoreError;

/// An answer that is an error.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: String,
    retry_after_seconds: Option<u32>,
}

impl ApiError {
    fn new(status: StatusCode, message: impl Into<String>) -> ApiError {
        ApiError { status, message: message.into(), retry_after_seconds: None }
    }

    /// 400: a field is not as expected. The value is shown in part, without control characters.
    pub fn field(name: &str, value: &str, expected: &str) -> ApiError {
        let shown: String = value.chars().filter(|c| !c.is_control()).take(64).collect();
        ApiError::new(StatusCode::BAD_REQUEST, format!("{name}: \"{shown}\" is not valid: expected {expected}"))
    }

    /// 400: a field is not there.
    pub fn missing(name: &str, expected: &str) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, format!("{name}: is missing: expected {expected}"))
    }

    /// 401.
    pub fn unauthorized() -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, "invalid API key: expected the header \"Authorization: Bearer sk_…\"")
    }

    /// 403.
    pub fn forbidden(message: &str) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, message)
    }

    /// 404.
    pub fn not_found(message: &str) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, message)
    }

    /// 405.
    pub fn method() -> ApiError {
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this method is not allowed here: see the Allow header")
    }

    /// 409.
    pub fn conflict(message: &str) -> ApiError {
        ApiError::new(StatusCode::CONFLICT, message)
    }

    /// 408.
    pub fn timeout() -> ApiError {
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "the request took too long")
    }

    /// 413.
    pub fn too_large(bytes_max: usize) -> ApiError {
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {bytes_max} bytes"))
    }

    /// 500: a defect, or a broken disk. The reason is for our log, not for the caller.
    pub fn internal(error: &dyn Display) -> ApiError {
        tracing::error!(%error, "a request failed");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the hub failed to answer; its log says why")
    }

    fn later(mut self, seconds: u32) -> ApiError {
        self.status = StatusCode::SERVICE_UNAVAILABLE;
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the hub's disk is full").later(30),
            StoreError::Busy => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the hub's database is busy").later(1),
            other => ApiError::internal(&other),
        }
    }
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        let answer = |status| ApiError::new(status, error.to_string());
        match error {
            IngestError::Full => answer(StatusCode::SERVICE_UNAVAILABLE).later(30),
            IngestError::Unavailable(_) => answer(StatusCode::SERVICE_UNAVAILABLE).later(5),
            IngestError::Stopping => answer(StatusCode::SERVICE_UNAVAILABLE).later(5),
            IngestError::TooLarge { .. } => answer(StatusCode::PAYLOAD_TOO_LARGE),
            IngestError::NotCompressed => answer(StatusCode::BAD_REQUEST),
            IngestError::UnknownSensor => answer(StatusCode::FORBIDDEN),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.message }))).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
