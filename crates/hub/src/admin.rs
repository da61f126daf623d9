//! What an administrator does beside the running hub: directly on the data folder, whether or not a hub has it open.

use crate::config::Config;
use crate::data::DataFolder;
use crate::error::StartError;
use crate::status::now;
use crate::{secret, tls};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;
use store::{Accounts, SensorRow};

/// How long an enrolment token is good when nothing else is said.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A new enrolment token.
#[derive(Clone, Debug)]
pub struct Token {
    /// What the sensor is given: `hgt_…`. It can be used once.
    pub text: String,
    /// Until when.
    pub expires: Timestamp,
    /// SHA-256 of the hub's certificate, which the token pins; `None` over plain HTTP.
    pub certificate: Option<String>,
}

/// Makes an enrolment token. It pins the certificate that a hub with this configuration and data folder shows; our own certificate is made
/// now when there is none yet.
///
/// # Errors
/// When the data folder or the certificate cannot be used.
pub fn new_token(config: &Config, data: &Path, lifetime: Duration) -> Result<Token, StartError> {
    #[derive(Serialize)]
    struct Content<'a> {
        s: &'a str,
        c: Option<&'a str>,
    }
    let data = DataFolder::open(data)?;
    let certificate = tls::identity(&config.tls, &data)?.map(|identity| identity.fingerprint);
    let secret = secret::token_secret();
    let now = now();
    let expires = now.plus(lifetime);
    Accounts::open(&data.accounts())?.add_token(&secret, now, expires)?;
    // Two strings always have a JSON form.
    let content = serde_json::to_vec(&Content { s: &secret, c: certificate.as_deref() }).expect("strings encode");
    Ok(Token { text: format!("hgt_{}", URL_SAFE_NO_PAD.encode(content)), expires, certificate })
}

/// The administrator's key of a hub that has run in this folder.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn admin_key(data: &Path) -> Result<String, StartError> {
    let path = DataFolder::open(data)?.admin_key();
    let key = std::fs::read_to_string(&path).map_err(|source| StartError::Data { path, source })?;
    Ok(key.trim().to_owned())
}

/// The sensors that this hub knows.
///
/// # Errors
/// When the accounts cannot be read.
pub fn sensors(data: &Path) -> Result<Vec<SensorRow>, StartError> {
    let data = DataFolder::open(data)?;
    Ok(Accounts::open(&data.accounts())?.sensors()?)
}
