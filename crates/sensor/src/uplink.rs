//! Delivery of the spool to the hub, for as long as it takes.
//!
//! One batch is on its way at a time. What fails is tried again, less and less often, and at a random moment so that a hub that comes back is not
//! met by all its sensors at once; nothing ever ends the trying but the sensor's own end.

mod backoff;
#[cfg(test)]
mod tests;

use crate::spool::{Batch, Spool};
use backoff::Backoff;
use client::{Delivery, DeliveryError};
use model::SensorId;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How batches are made and failures waited out.
#[derive(Clone, Copy, Debug)]
pub struct UplinkConfig {
    /// Bytes of a batch, before compression.
    pub batch_bytes_max: usize,
    /// Records of a batch.
    pub batch_records_max: usize,
    /// How long an event may wait for others to share its batch.
    pub linger: Duration,
    /// The longest pause after a first failure; it doubles with each further one.
    pub backoff_min: Duration,
    /// The longest pause of all.
    pub backoff_max: Duration,
    /// How long a batch may be on its way.
    pub delivery_timeout: Duration,
    /// How long the sensor's end waits for what is still to be delivered; the rest stays in the spool.
    pub flush_timeout: Duration,
}

impl Default for UplinkConfig {
    fn default() -> UplinkConfig {
        UplinkConfig {
            batch_bytes_max: 1 << 20,
            batch_records_max: 5_000,
            linger: Duration::from_millis(200),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(60),
            delivery_timeout: Duration::from_secs(120),
            flush_timeout: Duration::from_secs(5),
        }
    }
}

/// A batch is never halved below this.
const BATCH_BYTES_MIN: usize = 4096;

/// The way from a spool to a hub, walked by a task of its own. Dropping it leaves the task running; [`Uplink::stop`] ends it.
pub struct Uplink {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Uplink {
    /// Begins to deliver the events in `spool`, which are those of `sensor`. Must be called inside a tokio runtime.
    pub fn start(spool: Spool, sensor: SensorId, delivery: impl Delivery + 'static) -> Uplink {
        Uplink::start_with(spool, sensor, delivery, UplinkConfig::default())
    }

    /// The same in other measures.
    pub fn start_with(spool: Spool, sensor: SensorId, delivery: impl Delivery + 'static, config: UplinkConfig) -> Uplink {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(Courier::new(spool, sensor, delivery, config).run(shutdown.clone()));
        Uplink { shutdown, task }
    }

    /// Delivers what it can within `flush_timeout`, and ends. What is left stays in the spool.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the uplink had ended before it was stopped");
        }
    }
}

/// The task.
struct Courier<D> {
    spool: Spool,
    sensor: SensorId,
    delivery: D,
    config: UplinkConfig,
    backoff: Backoff,
    /// What the hub takes at once, as far as it is known.
    batch_bytes: usize,
}

impl<D: Delivery> Courier<D> {
    fn new(spool: Spool, sensor: SensorId, delivery: D, config: UplinkConfig) -> Courier<D> {
        let batch_bytes = config.batch_bytes_max.max(BATCH_BYTES_MIN);
        Courier { spool, sensor, delivery, config, backoff: Backoff::new(config.backoff_min, config.backoff_max), batch_bytes }
    }

    /// Delivers until `shutdown`; then delivers what it can within `flush_timeout`.
    async fn run(mut self, shutdown: CancellationToken) {
        // Events that were recorded before the first contact must not be sent before it: see `Spool::reconcile`.
        let mut joined = false;
        while !shutdown.is_cancelled() {
            let step = async {
                if !joined {
                    joined = self.join().await?;
                }
                self.gather().await;
                self.send().await
            };
            let result = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                result = step => result,
            };
            self.measure();
            if let Err(error) = result {
                let pause = self.backoff.failed(&error);
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => break,
                    () = tokio::time::sleep(pause) => {}
                }
            } else {
                self.backoff.worked();
            }
        }
        if joined {
            let patience = self.config.flush_timeout;
            let flush = async { while self.spool.stats().backlog_records > 0 && self.send().await.is_ok() {} };
            let _ = tokio::time::timeout(patience, flush).await;
        }
        self.measure();
        let left = self.spool.stats().backlog_records;
        if left > 0 {
            tracing::info!(left, "events stay in the spool until the next start");
        }
    }

    /// Learns where the hub stands.
    async fn join(&mut self) -> Result<bool, DeliveryError> {
        let through = self.within(self.delivery.position(self.sensor)).await?;
        self.spool.reconcile(through);
        Ok(true)
    }

    /// Returns when there is something worth sending.
    async fn gather(&self) {
        while self.spool.stats().backlog_records == 0 {
            self.spool.appended().await;
        }
        if self.spool.stats().backlog_records < self.config.batch_records_max as u64 {
            tokio::time::sleep(self.config.linger).await;
        }
    }

    /// Sends one batch.
    async fn send(&mut self) -> Result<(), DeliveryError> {
        let Some(batch) = self.next_batch().await? else { return Ok(()) };
        let info = self.spool.info(self.sensor);
        let began = Instant::now();
        match self.within(self.delivery.deliver(info, batch.records.clone())).await {
            Ok(ack) if ack.through < batch.first => Err(DeliveryError::Failed(format!(
                "the hub answered a batch from {} with an acknowledgement through {}",
                batch.first, ack.through
            ))),
            Ok(ack) => {
                self.spool.acknowledge(ack.through);
                self.batch_bytes = (self.batch_bytes * 2).min(self.config.batch_bytes_max.max(BATCH_BYTES_MIN));
                metrics::counter!("honeyguide_uplink_records_total").increment(batch.count);
                metrics::histogram!("honeyguide_uplink_delivery_seconds").record(began.elapsed().as_secs_f64());
                if ack.rejected > 0 {
                    tracing::error!(rejected = ack.rejected, "the hub could not read some records and has put them aside");
                }
                Ok(())
            }
            Err(error @ DeliveryError::TooLarge(_)) if batch.count == 1 => {
                // It would be refused for ever, and everything behind it would wait.
                tracing::error!(bytes = batch.records.len(), %error, "an event is too large for the hub; it is dropped and counted as lost");
                self.spool.abandon(batch.last);
                Ok(())
            }
            Err(DeliveryError::TooLarge(_)) => {
                self.batch_bytes = (batch.records.len() / 2).max(1);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn next_batch(&self) -> Result<Option<Batch>, DeliveryError> {
        let (spool, bytes, records) = (self.spool.clone(), self.batch_bytes, self.config.batch_records_max);
        let read = tokio::task::spawn_blocking(move || spool.next_batch(bytes, records)).await;
        match read {
            Ok(Ok(batch)) => Ok(batch),
            Ok(Err(error)) => Err(DeliveryError::Failed(format!("the spool cannot be read: {error}"))),
            Err(error) => Err(DeliveryError::Failed(format!("the spool's reader ended: {error}"))),
        }
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, DeliveryError>>) -> Result<T, DeliveryError> {
        match tokio::time::timeout(self.config.delivery_timeout, answer).await {
            Ok(result) => result,
            Err(_) => Err(DeliveryError::Failed(format!("no answer within {} s", self.config.delivery_timeout.as_secs()))),
        }
    }

    fn measure(&self) {
        let stats = self.spool.stats();
        metrics::gauge!("honeyguide_spool_backlog_records").set(stats.backlog_records as f64);
        metrics::gauge!("honeyguide_spool_backlog_bytes").set(stats.backlog_bytes as f64);
        metrics::gauge!("honeyguide_spool_bytes").set(stats.bytes as f64);
    }
}
