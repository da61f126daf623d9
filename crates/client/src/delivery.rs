//! How a sensor joins a hub and hands over its events.

use crate::{Client, EnrolmentToken, Error};
use bytes::Bytes;
use model::SensorId;
use model::wire::{Ack, BatchInfo};
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::time::Duration;

/// The media type of records ([`model::wire`]).
const RECORDS: &str = "application/vnd.honeyguide.records";
/// Level 1: most of the gain for a tenth of the work.
const ZSTD_LEVEL: i32 = 1;

/// Where batches go: over the network ([`HttpDelivery`]), or straight into a hub in the same process.
pub trait Delivery: Send + Sync {
    /// Hands over whole records with ascending sequences. An `Ack` says that they are durable.
    fn deliver(&self, info: BatchInfo, records: Bytes) -> impl Future<Output = Result<Ack, DeliveryError>> + Send;

    /// The last sequence of this sensor that the hub has; 0 when it has none.
    fn position(&self, sensor: SensorId) -> impl Future<Output = Result<u64, DeliveryError>> + Send;
}

/// Why a batch was not taken: what the sender should do differs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The sensor's key is not accepted; only its operator can help.
    #[error("{0}")]
    Refused(String),
    /// The batch is too large; a smaller one may pass.
    #[error("{0}")]
    TooLarge(String),
    /// Not now.
    #[error("{message}")]
    Busy {
        /// Why.
        message: String,
        /// When to try again, if the hub said so.
        retry_after: Option<Duration>,
    },
    /// Unreachable, or broken.
    #[error("{0}")]
    Failed(String),
}

impl From<Error> for DeliveryError {
    fn from(error: Error) -> DeliveryError {
        let text = error.to_string();
        match error {
            Error::Unauthorized(_) | Error::Forbidden(_) | Error::Untrusted { .. } => DeliveryError::Refused(text),
            Error::TooLarge(_) => DeliveryError::TooLarge(text),
            Error::RateLimited { retry_after, .. } | Error::Busy { retry_after, .. } => DeliveryError::Busy { message: text, retry_after },
            _ => DeliveryError::Failed(text),
        }
    }
}

/// What a sensor is given once, and keeps.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Its identity.
    pub sensor: SensorId,
    /// Its key, `sk_sensor_…`.
    pub key: String,
}

impl Client {
    /// Enrols a new sensor with a token, which is used up by that.
    ///
    /// # Errors
    /// When the hub cannot be reached or does not accept the token.
    pub async fn enrol(&self, token: &EnrolmentToken, name: &str, persona: &str, version: &str) -> Result<Enrolment, Error> {
        #[derive(Serialize)]
        struct Application<'a> {
            token: &'a str,
            name: &'a str,
            persona: &'a str,
            version: &'a str,
        }
        let application = Application { token: token.text(), name, persona, version };
        self.json(self.request(Method::POST, &["v1", "sensor", "enrol"]).json(&application)).await
    }
}

/// Delivery to a hub over HTTP(S), each batch as one zstd frame.
#[derive(Clone)]
pub struct HttpDelivery {
    client: Client,
    sensor_name: Option<String>,
}

impl HttpDelivery {
    /// For a sensor: the client has its key.
    pub fn new(client: Client) -> HttpDelivery {
        HttpDelivery { client, sensor_name: None }
    }

    /// For an import ([`crate::replay`]): the client has an administrator's key, and the hub makes sensors of this name as they appear.
    pub fn importing(client: Client, sensor_name: &str) -> HttpDelivery {
        HttpDelivery { client, sensor_name: Some(sensor_name.to_owned()) }
    }

    fn request(&self, method: Method, path: &str, sensor: SensorId) -> reqwest::RequestBuilder {
        let request = self.client.request(method, &["v1", "sensor", path]).header("X-Honeyguide-Sensor", sensor.to_string());
        match &self.sensor_name {
            Some(name) => request.header("X-Honeyguide-Sensor-Name", name.as_bytes()),
            None => request,
        }
    }
}

impl Delivery for HttpDelivery {
    async fn deliver(&self, info: BatchInfo, records: Bytes) -> Result<Ack, DeliveryError> {
        let frame = zstd::bulk::compress(&records, ZSTD_LEVEL).map_err(|error| DeliveryError::Failed(format!("zstd: {error}")))?;
        let request = self
            .request(Method::POST, "batches", info.sensor)
            .header(CONTENT_TYPE, RECORDS)
            .header(CONTENT_ENCODING, "zstd")
            .header("X-Honeyguide-Lost", info.lost)
            .header("X-Honeyguide-Unsynced", info.unsynced)
            .body(frame);
        Ok(self.client.json(request).await?)
    }

    async fn position(&self, sensor: SensorId) -> Result<u64, DeliveryError> {
        #[derive(Deserialize)]
        struct Position {
            through: u64,
        }
        let position: Position = self.client.json(self.request(Method::GET, "position", sensor)).await?;
        Ok(position.through)
    }
}

#[cfg(test)]
mod tests;
