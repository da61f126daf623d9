//! Delivery from the sensor to the hub of the same process, without a network between them.

use bytes::Bytes;
use client::{Delivery, DeliveryError};
use hub::{Ingest, IngestError};
use model::SensorId;
use model::wire::{Ack, BatchInfo};

/// Hands batches to the hub beside it.
pub struct InProcess(pub Ingest);

impl Delivery for InProcess {
    async fn deliver(&self, info: BatchInfo, records: Bytes) -> Result<Ack, DeliveryError> {
        self.0.ingest(info.sensor, info, records).await.map_err(failure)
    }

    async fn position(&self, sensor: SensorId) -> Result<u64, DeliveryError> {
        Ok(self.0.position(sensor))
    }
}

fn failure(error: IngestError) -> DeliveryError {
    let message = error.to_string();
    match error {
        IngestError::TooLarge { .. } => DeliveryError::TooLarge(message),
        IngestError::UnknownSensor => DeliveryError::Refused(message),
        IngestError::Full | IngestError::Unavailable(_) => DeliveryError::Busy { message, retry_after: None },
        IngestError::NotCompressed | IngestError::Stopping => DeliveryError::Failed(message),
    }
}
