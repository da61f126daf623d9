//! When a session must end by itself: its time is up, or the sensor is stopping.

use crate::CloseReason;
use crate::meter::Meter;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A future that is ready when the session must end. One timer serves all deadlines: it is set for the earliest and looks again then, so
/// moving bytes costs nothing.
pub(crate) struct Watch {
    meter: Arc<Meter>,
    timer: Pin<Box<Sleep>>,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: Option<CloseReason>,
}

impl Watch {
    pub(crate) fn new(meter: Arc<Meter>, shutdown: &CancellationToken) -> Watch {
        let now = Instant::now();
        let first = meter.expire(now).unwrap_or(now);
        Watch {
            meter,
            timer: Box::pin(tokio::time::sleep_until(first)),
            shutdown: Box::pin(shutdown.clone().cancelled_owned()),
            ended: None,
        }
    }
}

impl Future for Watch {
    type Output = CloseReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let this = &mut *self;
        loop {
            if let Some(reason) = this.ended {
                return Poll::Ready(reason);
            }
            if this.shutdown.as_mut().poll(cx).is_ready() {
                this.ended = Some(CloseReason::Shutdown);
                continue;
            }
            ready!(this.timer.as_mut().poll(cx));
            match this.meter.expire(Instant::now()) {
                Ok(next) => this.timer.as_mut().reset(next),
                Err(reason) => this.ended = Some(reason),
            }
        }
    }
}
