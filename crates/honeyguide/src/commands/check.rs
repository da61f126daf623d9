//! `honeyguide check`

use super::runtime;
use crate::cli;
use crate::locate;
use crate::show::{bold, counted, moment, print, printable, table, word};
use anyhow::Result;
use client::CheckQuery;
use client::api::Check;
use model::Timestamp;
use std::process::ExitCode;

pub fn run(arguments: cli::Check) -> Result<ExitCode> {
    let client = locate::client(&arguments.target)?;
    runtime()?.block_on(async {
        for (number, address) in arguments.addresses.iter().enumerate() {
            let check = client.check(*address, &CheckQuery::default()).await?;
            if arguments.json {
                print(&(serde_json::to_string(&check)? + "\n"))?;
            } else {
                let gap = if number > 0 { "\n" } else { "" };
                print(&format!("{gap}{}", tell(&check)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The bands of confidence the API's reference names.
fn band(confidence: u8) -> &'static str {
    match confidence {
        90.. => "very high",
        70.. => "high",
        40.. => "medium",
        10.. => "low",
        _ => "none",
    }
}

fn tell(check: &Check) -> String {
    let mut out = bold(&format!("{}  confidence {} of 100 ({})", check.ip, check.confidence_level, band(check.confidence_level))) + "\n";
    if !check.found {
        return out + "  never seen\n";
    }
    let when = |text: &Option<String>| text.as_deref().and_then(Timestamp::parse).map_or_else(|| "?".to_owned(), moment);
    out += &format!(
        "  {}, {}\n  first seen {}, last {} UTC\n",
        counted(check.total_sessions, "session"),
        counted(check.total_events, "event"),
        when(&check.first_seen),
        when(&check.last_seen)
    );
    if !model::is_public(check.ip) {
        out += "  no public address: in blocklists only with --include-private\n";
    }
    let protocols: Vec<String> = check.protocols.iter().map(|p| format!("{} ({})", p.protocol, p.sessions)).collect();
    out += &format!("  protocols (sessions): {}\n", protocols.join(", "));
    if !check.behaviors.is_empty() {
        let rows = check
            .behaviors
            .iter()
            .map(|b| vec![printable(b.name.as_bytes()), word(&b.severity), b.count.to_string(), b.techniques.join(" ")]);
        out += &format!("\n{}\n", table(&["behavior", "severity", "sessions", "ATT&CK"], rows));
    }
    if !check.primitives.is_empty() {
        let rows = check.primitives.iter().map(|p| vec![printable(p.name.as_bytes()), p.count.to_string()]);
        out += &format!("\n{}\n", table(&["primitive", "count"], rows));
    }
    out + &calculation(&check.score)
}

/// The score's sum as the hub gives it: every term, then what is done with them.
fn calculation(score: &serde_json::Value) -> String {
    let number = |value: &serde_json::Value| value.as_f64().map_or_else(|| "?".to_owned(), |v| format!("{v:.2}"));
    let text = |value: &serde_json::Value| printable(value.as_str().unwrap_or_default().as_bytes());
    let terms = ["sensor", "community"].into_iter().filter_map(|side| score[side].as_array()).flatten();
    let mut rows: Vec<Vec<String>> =
        terms.map(|t| vec![word(t["name"].as_str().unwrap_or_default()), number(&t["value"]), text(&t["formula"])]).collect();
    if rows.is_empty() {
        return String::new();
    }
    for (key, how) in [
        ("multiplier", "1 + 0.5·w/(w + 30), w the weaker of sensors and community"),
        ("raw", "their sum times the multiplier"),
        ("saturated", "100·(1 − e^(−raw/70))"),
        ("floor", "the least, where a very high behavior was seen"),
        ("whitelist_factor", "1, or less for a known benign source"),
    ] {
        rows.push(vec![word(key), number(&score[key]), how.to_owned()]);
    }
    format!("\n{}\n", table(&["the score", "value", "how"], rows))
}
