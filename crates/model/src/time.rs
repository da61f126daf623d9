//! Instants, as UTC microseconds.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Microseconds since 1970-01-01T00:00:00Z; negative before. Displayed as RFC 3339 in UTC with six decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    const DAY_US: i64 = 86_400_000_000;

    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Timestamp(seconds.saturating_mul(1_000_000))
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Days since the epoch in UTC; the unit of storage and of retention.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY_US)
    }

    /// The duration since `earlier`; zero when `earlier` is later (a clock that was set back).
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This instant and `duration` more, saturating.
    pub fn plus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// From RFC 3339; `None` when it is not.
    pub fn parse(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Timestamp(t.as_microsecond()))
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => Timestamp(i64::try_from(after.as_micros()).unwrap_or(i64::MAX)),
            Err(before) => Timestamp(i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us)),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn shown_as_rfc3339_and_read_back() {
        for (us, text) in [(0, "1970-01-01T00:00:00.000000Z"), (1_774_138_481_244_717, "2026-03-22T00:14:41.244717Z")] {
            assert_eq!(Timestamp(us).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp(us)));
        }
    }

    #[test]
    fn absurd_clocks_do_not_panic() {
        assert_eq!(Timestamp(i64::MIN).since(Timestamp(i64::MAX)).as_secs(), 0);
        assert!(!Timestamp(i64::MAX).to_string().is_empty());
    }
}
