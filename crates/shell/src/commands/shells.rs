//! The shells, as programs.

use crate::command::{Outcome, Process};
use crate::interp;
use crate::parse::Dialect;

/// GNU bash.
pub(super) async fn bash(process: &mut Process) -> Outcome {
    interp::start(process, Dialect::Bash).await
}

/// `/bin/sh`: BusyBox's ash, or Debian's dash.
pub(super) async fn sh(process: &mut Process) -> Outcome {
    let dialect = if process.busybox() { Dialect::Ash } else { Dialect::Dash };
    interp::start(process, dialect).await
}
