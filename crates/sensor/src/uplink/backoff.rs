//! When to try again, and what to tell meanwhile.

use client::DeliveryError;
use std::time::{Duration, Instant};

/// The same trouble is told again after so long.
const TELL_AGAIN: Duration = Duration::from_secs(600);
/// A hub is not believed when it asks for a longer pause.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Failures in a row.
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
    since: Option<Instant>,
    told: Option<(Instant, DeliveryError)>,
}

impl Backoff {
    pub fn new(min: Duration, max: Duration) -> Backoff {
        Backoff { min, max, failures: 0, since: None, told: None }
    }

    /// Something failed: tells of it when it is news, and returns how long to wait.
    pub fn failed(&mut self, error: &DeliveryError) -> Duration {
        metrics::counter!("honeyguide_uplink_failures_total").increment(1);
        self.since.get_or_insert_with(Instant::now);
        if self.told.as_ref().is_none_or(|(at, told)| told != error || at.elapsed() >= TELL_AGAIN) {
            self.told = Some((Instant::now(), error.clone()));
            let remedy = match error {
                DeliveryError::Refused(_) => "make a new token with \"honeyguide hub token new\" and enrol this sensor again with --token",
                _ => "recording goes on; delivery is tried again by itself",
            };
            tracing::warn!(%error, remedy, "events cannot be delivered");
        }
        let ceiling = self.ceiling(error);
        self.failures = self.failures.saturating_add(1);
        match error {
            DeliveryError::Busy { retry_after: Some(asked), .. } => {
                // A little more than asked for, so that not all come back at once.
                let asked = (*asked).min(RETRY_AFTER_MAX);
                asked + asked.mul_f64(rand::random::<f64>() / 4.0)
            }
            _ => ceiling.mul_f64(rand::random::<f64>()),
        }
    }

    /// The longest pause after this failure. A key that is refused does not become good by asking often.
    fn ceiling(&self, error: &DeliveryError) -> Duration {
        match error {
            DeliveryError::Refused(_) => self.max,
            _ => self.min.saturating_mul(1 << self.failures.min(20)).min(self.max),
        }
    }

    /// It works.
    pub fn worked(&mut self) {
        self.failures = 0;
        self.told = None;
        if let Some(since) = self.since.take() {
            tracing::info!(seconds = since.elapsed().as_secs(), "events are delivered again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_their_bounds_and_start_again() {
        let (min, max) = (Duration::from_millis(500), Duration::from_secs(60));
        let mut backoff = Backoff::new(min, max);
        let failed = DeliveryError::Failed("gone".to_owned());
        let mut ceilings = Vec::new();
        for _ in 0..40 {
            let ceiling = backoff.ceiling(&failed);
            ceilings.push(ceiling);
            assert!(backoff.failed(&failed) <= ceiling);
        }
        assert_eq!(ceilings[..3], [min, min * 2, min * 4]);
        assert_eq!(ceilings[39], max);
        backoff.worked();
        assert_eq!(backoff.ceiling(&failed), min);
        assert_eq!(backoff.ceiling(&DeliveryError::Refused("key".to_owned())), max);
    }

    #[test]
    fn what_the_hub_asks_for_is_kept_to() {
        let mut backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(2));
        let busy = |seconds| DeliveryError::Busy { message: String::new(), retry_after: Some(Duration::from_secs(seconds)) };
        let pause = backoff.failed(&busy(20)).as_secs_f64();
        assert!((20.0..=25.0).contains(&pause), "{pause}");
        assert!(backoff.failed(&busy(u64::MAX)) <= RETRY_AFTER_MAX * 2);
    }
}
