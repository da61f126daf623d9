//! `honeyguide sessions`

use super::runtime;
use crate::cli;
use crate::locate;
use crate::show::{bold, counted, moment, print, printable, story, table_that_fits, word};
use anyhow::{Result, anyhow};
use client::SessionsQuery;
use client::api::{Session, Story};
use model::{SessionId, Timestamp};
use std::process::ExitCode;

pub fn run(arguments: cli::Sessions) -> Result<ExitCode> {
    let client = locate::client(&arguments.target)?;
    runtime()?.block_on(async {
        if let Some(id) = &arguments.id {
            let id: SessionId =
                id.parse().map_err(|_| anyhow!("\"{id}\" is not a session's id: expected one as `honeyguide sessions` lists them"))?;
            let told = client.session(id).await?;
            if arguments.json {
                print(&(serde_json::to_string_pretty(&told)? + "\n"))?;
            } else {
                print(&tell(&told))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let filtered = arguments.ip.is_some() || arguments.protocol.is_some();
        let query = SessionsQuery {
            ip: arguments.ip,
            protocol: arguments.protocol,
            limit: Some(arguments.limit.into()),
            ..SessionsQuery::default()
        };
        let page = client.sessions(&query).await?;
        let text = match (arguments.json, &page.sessions[..]) {
            (true, _) => serde_json::to_string_pretty(&page)?,
            (false, []) if filtered => "No such session has ended yet.".to_owned(),
            (false, []) => "No session has ended yet.".to_owned(),
            (false, sessions) => list(sessions),
        };
        print(&(text + "\n"))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// A table; where the terminal is too narrow for one, two lines a session, so that an id can still be copied.
fn list(sessions: &[Session]) -> String {
    let headings = ["begin (UTC)", "id", "from", "protocol", "behavior", "severity", "logins", "commands", "files"];
    table_that_fits(&headings, sessions.iter().map(row)).unwrap_or_else(|| {
        let entry = |session: &Session| {
            let (name, severity) = behavior(session);
            let did = [(session.logins, "login"), (session.commands, "command"), (session.files, "file")];
            let did: Vec<_> = did.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count, what)).collect();
            let head = format!("{}  {}  {}  {name} ({severity})", begin(session), session.ip, session.protocol);
            format!("{head}\n    {}  {}", session.id, did.join(", ")).trim_end().to_owned()
        };
        sessions.iter().map(entry).collect::<Vec<_>>().join("\n")
    })
}

fn begin(session: &Session) -> String {
    Timestamp::parse(&session.start).map_or_else(|| session.start.clone(), moment)
}

fn behavior(session: &Session) -> (String, String) {
    session
        .behavior
        .as_ref()
        .map_or_else(Default::default, |b| (printable(b.name.as_deref().unwrap_or(&b.id).as_bytes()), word(&b.severity)))
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
