//! Who asks.

use super::App;
use super::blocking;
use super::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use std::sync::Arc;
use store::KeyOwner;

/// Somebody with a key.
pub struct Caller(pub KeyOwner);

/// Somebody who may read what the hub knows: today the administrator; keys of accounts will join here.
pub struct Reader {
    /// Whether it is the administrator.
    pub admin: bool,
}

/// The key in the `Authorization` header; the scheme's case does not matter (RFC 9110 section 11.1).
fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, key) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Whose key this is.
pub async fn owner(app: &Arc<App>, key: Option<&str>) -> Result<KeyOwner, ApiError> {
    let key = key.ok_or_else(ApiError::unauthorized)?;
    if let Some(owner) = app.keys.remembered(key) {
        return Ok(owner);
    }
    let (app, key) = (app.clone(), key.to_owned());
    blocking(move || app.keys.owner(&key)).await??.ok_or_else(ApiError::unauthorized)
}

/// Lets those through who may read.
pub fn reader(owner: KeyOwner) -> Result<Reader, ApiError> {
    match owner {
        KeyOwner::Admin => Ok(Reader { admin: true }),
        KeyOwner::Sensor(_) => Err(ApiError::forbidden("this key is a sensor's: it may deliver events and nothing else")),
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Caller, ApiError> {
        owner(app, bearer(parts)).await.map(Caller)
    }
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Reader, ApiError> {
        reader(owner(app, bearer(parts)).await?)
    }
}

/// Somebody who may read, by the header or by `?key=`; only for the blacklist, because firewalls load plain URLs.
pub struct QueryReader(pub Reader);

impl FromRequestParts<Arc<App>> for QueryReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<QueryReader, ApiError> {
        let query = super::query::Params::from_uri(&parts.uri)?;
        let key = bearer(parts).or_else(|| query.text("key"));
        reader(owner(app, key).await?).map(QueryReader)
    }
}
