//! `honeyguide blocklist`

use super::runtime;
use crate::cli;
use crate::locate;
use crate::show::print;
use anyhow::Result;
use client::BlacklistQuery;
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
        let text = if arguments.json {
            serde_json::to_string(&client.blacklist(&query).await?)? + "\n"
        } else {
            client.blacklist_text(&query).await?
        };
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    })
}
