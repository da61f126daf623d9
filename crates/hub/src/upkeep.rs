//! What has to be done now and then: noticing changed accounts, writing down what sensors said, retention, gauges.

use crate::http::App;
use crate::status::now;
use crate::telemetry;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_secs(1);
/// Ticks between two notes of what sensors said.
const NOTE_TICKS: u64 = 10;
/// Ticks between two looks for days past their retention.
const RETENTION_TICKS: u64 = 60 * 60;

/// Works until `stop`.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = 0u64;
    loop {
        if ticks.is_multiple_of(RETENTION_TICKS) {
            let oldest_kept = now().day() - i64::from(app.config.retention_days) + 1;
            app.ingest.drop_before(oldest_kept).await;
        }
        let worked = tokio::task::spawn_blocking({
            let app = app.clone();
            move || {
                if let Err(error) = app.keys.refresh() {
                    tracing::warn!(%error, "the accounts cannot be read");
                }
                if ticks.is_multiple_of(NOTE_TICKS)
                    && let Err(error) = app.ingest.note_deliveries()
                {
                    tracing::warn!(%error, "what sensors said could not be written down");
                }
                gauges(&app);
            }
        });
        if worked.await.is_err() {
            tracing::error!("the hub's upkeep met a defect");
        }
        ticks += 1;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

fn gauges(app: &App) {
    // Gauges are floats; these counts stay far below 2^53.
    let set = |name: &'static str, value: u64| metrics::gauge!(name).set(value as f64);
    set("honeyguide_hub_pipeline_backlog_events", app.status.backlog_events());
    set("honeyguide_hub_pipeline_lag_milliseconds", app.status.lag_ms(now()));
    set("honeyguide_hub_addresses", app.index.count());
    set("honeyguide_hub_sessions", app.status.sessions.load(Relaxed));
    set("honeyguide_hub_sessions_open", app.status.open_sessions.load(Relaxed));
    let total = |name: &'static str, value: u64| metrics::counter!(name).absolute(value);
    total("honeyguide_hub_records_rejected_total", app.status.rejected.load(Relaxed));
    total("honeyguide_hub_records_duplicate_total", app.status.duplicates.load(Relaxed));
    total("honeyguide_hub_events_late_total", app.status.late.load(Relaxed));
    telemetry::prometheus().run_upkeep();
}
