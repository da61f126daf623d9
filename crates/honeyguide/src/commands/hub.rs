//! `honeyguide hub` and its tokens.

use super::{effective, prepare, runtime, stop_asked};
use crate::cli;
use crate::config::{Config, Effective};
use crate::locate::Running;
use crate::logging;
use crate::roles::{LocalHub, ready};
use crate::show::print;
use anyhow::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

pub fn run(arguments: cli::Hub) -> Result<ExitCode> {
    match arguments.command {
        Some(cli::HubCommand::Token { command: cli::TokenCommand::New { source, hours } }) => new_token(&source, hours),
        None => serve(arguments.run),
    }
}

/// A hub of its own is there for sensors elsewhere, so it listens on every address unless it is told otherwise.
fn config(effective: Effective) -> Config {
    let mut config = effective.config;
    if !effective.origins.contains_key("hub.listen") {
        config.hub.listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, config.hub.listen.port()));
    }
    config
}

fn serve(arguments: cli::HubRun) -> Result<ExitCode> {
    let config = config(effective(&arguments.source, &[("hub.listen", arguments.listen.as_deref(), "--listen")])?);
    logging::start(&config.log)?;
    prepare(&config.data)?;
    runtime()?.block_on(async {
        let hub = LocalHub::start(&config).await?;
        if arguments.json {
            println!("{}", ready(Some(&hub), None));
        } else {
            println!("\nThe hub is up.\n\n  Web and API   {}\n  Admin key     in {}", hub.url(), config.data.join("admin.key").display());
            println!("\n  Bring a sensor in: make a token here with `honeyguide hub token new`, then on the sensor");
            println!("    honeyguide sensor --hub {} --token TOKEN\n\n  Ctrl-C stops.", hub.url());
        }
        stop_asked().await;
        hub.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

fn new_token(source: &cli::ConfigSource, hours: u32) -> Result<ExitCode> {
    let mut effective = effective(source, &[])?;
    let data = effective.config.data.clone();
    prepare(&data)?;
    let running = Running::read(&data)?;
    // `honeyguide up` speaks plain HTTP on this machine unless it is told otherwise: there is no certificate to pin then.
    if running.as_ref().is_some_and(|running| running.certificate.is_none()) && !effective.origins.contains_key("hub.tls") {
        effective.config.hub.tls = hub::Tls::OFF;
    }
    let config = config(effective);
    let token = hub::admin::new_token(&config.hub, &data, Duration::from_secs(u64::from(hours) * 3600))?;
    print(&format!("{}\n", token.text))?;
    let url = running.map_or_else(|| "URL".to_owned(), |running| running.url);
    eprintln!("Good for one sensor until {} UTC: honeyguide sensor --hub {url} --token TOKEN", crate::show::moment(token.expires));
    Ok(ExitCode::SUCCESS)
}
