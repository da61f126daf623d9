//! Exit codes: 0 fine, 1 it failed, 2 it was asked wrongly (also clap's).

use crate::config::ConfigError;
use std::process::ExitCode;

/// The code of a command that was asked wrongly.
pub const USAGE: u8 = 2;

/// Prints an error with its causes, one plain line, and gives the exit code for it.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some libraries repeat their source in their own text.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    eprintln!("honeyguide: {text}");
    if error.downcast_ref::<ConfigError>().is_some() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
}
