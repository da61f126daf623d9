//! `check` on a million known addresses.

use super::report::Report;
use super::up;
use anyhow::Result;

/// Measures.
pub fn measure(report: &mut Report) -> Result<()> {
    let result = up::measure("check_load", &[])?;
    report.row(
        &format!("check, {} known addresses, {} requests/s", result["addresses"], result["rate"]),
        format!("p50 {} µs, p99 {} µs", result["p50_us"], result["p99_us"]),
        format!("counted from when each was due: p50 {} µs, p99 {} µs", result["p50_from_due_us"], result["p99_from_due_us"]),
        "p99 < 1,000 µs",
    );
    report.row(
        "start with that many",
        format!("{} ms, {} bytes an address", result["start_ms"], result["index_bytes_per_address"]),
        "",
        "",
    );
    Ok(())
}
