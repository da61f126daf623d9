//! Every developer command. `cargo xtask help` lists them.

mod bench;
mod data;
mod packages;
mod run;
mod test;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Developer commands of Honeyguide.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the tests need (Debian), then run everything a change must pass.
    Test,
    /// The quick checks alone: formatting, lints, file sizes, crate dependencies, catalogues, generated documents.
    Tidy,
    /// Rewrite the generated documents under docs/.
    Docs,
    /// Measure, as ratios to a peer or to the machine's own limit in the same run.
    Bench(bench::Arguments),
    /// Rebuild the data files that ship with the code from their public sources.
    Data,
}

fn main() -> Result<()> {
    std::env::set_current_dir(run::root())?;
    match Arguments::parse().command {
        Command::Test => test::all(),
        Command::Tidy => test::tidy(),
        Command::Docs => test::docs(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Data => data::rebuild(),
    }
}
