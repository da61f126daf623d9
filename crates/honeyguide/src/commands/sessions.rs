//! `honeyguide sessions`

use super::runtime;
use crate::cli;
use crate::locate;
use crate::show::{bold, moment, printable, story, table};
use anyhow::{Context, Result};
use client::SessionsQuery;
use client::api::{Session, Story};
use model::{SessionId, Timestamp};
use std::process::ExitCode;

pub fn run(arguments: cli::Sessions) -> Result<ExitCode> {
    let client = locate::client(&arguments.target)?;
    runtime()?.block_on(async {
        if let Some(id) = &arguments.id {
            let id: SessionId =
                id.parse().with_context(|| format!("\"{id}\" is not a session's id: expected one as `honeyguide sessions` lists them"))?;
            let told = client.session(id).await?;
            if arguments.json {
                println!("{}", serde_json::to_string_pretty(&told)?);
            } else {
                print!("{}", tell(&told));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let query = SessionsQuery {
            ip: arguments.ip,
            protocol: arguments.protocol,
            limit: Some(arguments.limit.into()),
            ..SessionsQuery::default()
        };
        let page = client.sessions(&query).await?;
        if arguments.json {
            println!("{}", serde_json::to_string_pretty(&page)?);
        } else if page.sessions.is_empty() {
            println!("No session has ended yet.");
        } else {
            println!(
                "{}",
                table(
                    &["begin (UTC)", "id", "from", "protocol", "behavior", "severity", "logins", "commands", "files"],
                    page.sessions.iter().map(row)
                )
            );
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn begin(session: &Session) -> String {
    Timestamp::parse(&session.start).map_or_else(|| session.start.clone(), moment)
}

fn behavior(session: &Session) -> (String, String) {
    session
        .behavior
        .as_ref()
        .map_or_else(Default::default, |b| (printable(b.name.as_deref().unwrap_or(&b.id).as_bytes()), b.severity.clone()))
}

fn row(session: &Session) -> Vec<String> {
    let (name, severity) = behavior(session);
    vec![
        begin(session),
        session.id.to_string(),
        session.ip.to_string(),
        session.protocol.clone(),
        name,
        severity,
        session.logins.to_string(),
        session.commands.to_string(),
        session.files.to_string(),
    ]
}

fn tell(told: &Story) -> String {
    let session = &told.session;
    let (name, severity) = behavior(session);
    let sensor = format!(", sensor {}", printable(session.sensor.name.as_bytes()));
    format!(
        "{}\n  {} from {}, {} UTC{sensor}\n  judged: {name} ({severity})\n\n{}",
        bold(&format!("session {}", session.id)),
        session.protocol,
        session.ip,
        begin(session),
        story(&told.events())
    )
}
