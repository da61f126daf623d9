//! Ingest over HTTP to durable storage, classification included; raw SQLite at the same batch size beside it.

use super::report::Report;
use super::up;
use anyhow::Result;

/// Measures.
pub fn measure(report: &mut Report) -> Result<()> {
    let result = up::measure("ingest_load", &[])?;
    let number = |key: &str| result[key].as_f64().unwrap_or_default();
    report.row(
        &format!("ingest over HTTP, durable and judged, batches of {}", result["batch"]),
        format!("{:.0} events/s ({:.0} durable)", number("judged_per_second"), number("durable_per_second")),
        format!("raw SQLite: {:.0} rows/s, ratio {:.2}", number("raw_sqlite_per_second"), number("ratio")),
        "≥ 60,000 events/s",
    );
    Ok(())
}
