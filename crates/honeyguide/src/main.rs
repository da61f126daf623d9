//! The `honeyguide` program: reads the command line and the configuration, starts the role asked for, and shows people what it says.

mod cli;
mod commands;
mod config;
mod exit;
mod locate;
mod logging;
mod roles;
mod show;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    // Two crates bring a cryptography provider of the same kind; name it once, before anything uses TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match commands::run(arguments.command) {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
