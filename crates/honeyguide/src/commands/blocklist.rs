//! `honeyguide blocklist`

use super::runtime;
use crate::cli;
use crate::locate;
use anyhow::Result;
use client::BlacklistQuery;
use std::io::Write;
use std::process::ExitCode;

pub fn run(arguments: cli::Blocklist) -> Result<ExitCode> {
    let client = locate::client(&arguments.target)?;
    let query = BlacklistQuery {
        score_minimum: Some(arguments.score_minimum),
        limit: arguments.limit,
        include_private: arguments.include_private.then_some(true),
        ..BlacklistQuery::default()
    };
    runtime()?.block_on(async {
        let mut out = std::io::stdout().lock();
        if arguments.json {
            let list = client.blacklist(&query).await?;
            serde_json::to_writer(&mut out, &list)?;
            writeln!(out)?;
        } else {
            out.write_all(client.blacklist_text(&query).await?.as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
