//! Ingest over HTTP to durable storage, classification included; raw SQLite at the same batch size beside it.

use super::report::Report;
use super::up;
use anyhow::Result;

/// Measures.
pub fn measure(report: &mut Report) -> Result<()> {
    let result = up::measure("ingest_load", &[])?;
    report.row("ingest", &result, "", "≥ 60,000 events/s");
    Ok(())
}
