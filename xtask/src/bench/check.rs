//! `check` on a million known addresses.

use super::report::Report;
use super::up;
use anyhow::Result;

/// Measures.
pub fn measure(report: &mut Report) -> Result<()> {
    let result = up::measure("check_load", &[])?;
    report.row("check", &result, "", "p99 < 1 ms at 10,000 requests/s");
    Ok(())
}
