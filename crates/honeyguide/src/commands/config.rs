//! `honeyguide config check`

use super::effective;
use crate::cli::{ConfigArguments, ConfigCommand};
use crate::config::flatten;
use crate::show::print;
use anyhow::Result;
use std::process::ExitCode;

pub fn run(arguments: ConfigArguments) -> Result<ExitCode> {
    let ConfigCommand::Check { source, json } = arguments.command;
    let effective = effective(&source, &[])?;
    let origin = |key: &str| {
        // An origin may be known for the key itself or, for a value given as a whole (a list of tables), for what holds it.
        effective
            .origins
            .iter()
            .find(|(known, _)| key == known.as_str() || key.starts_with(&format!("{known}.")))
            .map_or_else(|| default_origin(key), |(_, o)| o.as_str())
    };
    let rows = flatten(&effective.config);
    if json {
        let object: serde_json::Map<_, _> =
            rows.iter().map(|(key, value)| (key.clone(), serde_json::json!({ "value": value, "origin": origin(key) }))).collect();
        print(&(serde_json::to_string_pretty(&object)? + "\n"))?;
    } else {
        let width = rows.iter().map(|(key, value)| key.len() + value.len() + 3).filter(|w| *w <= 80).max().unwrap_or(0);
        let line = |(key, value): &(String, String)| format!("{:width$}  # {}\n", format!("{key} = {value}"), origin(key));
        print(&rows.iter().map(line).collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Two defaults depend on the role; the value shown is the other roles'.
fn default_origin(key: &str) -> &'static str {
    match key {
        "hub.listen" => "default; `honeyguide hub` listens on 0.0.0.0",
        "hub.tls" => "default; `honeyguide up` uses \"off\" where it listens on loopback",
        _ => "default",
    }
}
