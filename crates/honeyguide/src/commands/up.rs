//! `honeyguide up`: a hub and a sensor in one process.

use super::{effective, prepare, runtime, stop_asked};
use crate::cli;
use crate::logging;
use crate::roles::{LocalHub, LocalSensor, ready};
use crate::show::bold;
use anyhow::Result;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub fn run(arguments: cli::Up) -> Result<ExitCode> {
    let flags =
        [("hub.listen", arguments.listen.as_deref(), "--listen"), ("sensor.ports", arguments.ports.map(cli::Ports::name), "--ports")];
    let mut effective = effective(&arguments.source, &flags)?;
    // On this machine alone nothing needs to be encrypted, and a browser need not be told to trust us.
    if !effective.origins.contains_key("hub.tls") && effective.config.hub.listen.ip().is_loopback() {
        effective.config.hub.tls = hub::Tls::OFF;
    }
    let config = effective.config;
    logging::start(&config.log)?;
    prepare(&config.data)?;
    runtime()?.block_on(async {
        let hub = LocalHub::start(&config).await?;
        let sensor = LocalSensor::beside(&config, &hub).await?;
        if arguments.json {
            println!("{}", ready(Some(&hub), Some(&sensor)));
        } else {
            print!("{}", screen(&config.data, &config.sensor, &hub, &sensor));
        }
        stop_asked().await;
        if !arguments.json {
            // Nobody may be reading any more; stopping in order matters more than saying so.
            let _ = writeln!(std::io::stdout(), "\nStopping: open sessions end, what they did is stored.");
        }
        sensor.stop().await;
        hub.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The one screen a newcomer sees.
fn screen(data: &Path, config: &sensor::Config, hub: &LocalHub, sensor: &LocalSensor) -> String {
    let program = program();
    let decoys = sensor.decoys();
    let width = decoys.iter().map(|d| d.name.len()).max().unwrap_or(0);
    let mut out = format!("\n{}\n\n", bold("Honeyguide is up."));
    out += &format!("  Web and API   {}\n", hub.url());
    out += &format!("  Admin key     in {}\n", data.join("admin.key").display());
    out += &format!("  Data          {}\n", data.display());
    out += &format!("\n  Decoys        a host named by the persona {}; {}\n", config.persona, policy(&config.credentials));
    for decoy in &decoys {
        out += &format!("    {:width$}  {}  {}\n", decoy.name, decoy.transport, decoy.address);
    }
    out += "\n  Try it, from another terminal\n";
    for (name, line) in [("ssh", "ssh -p {port} root@{ip}"), ("http", "curl http://{ip}:{port}/"), ("telnet", "telnet {ip} {port}")] {
        if let Some(decoy) = decoys.iter().find(|d| d.name == name) {
            let address = decoy.address;
            out += &format!("    {}\n", line.replace("{port}", &address.port().to_string()).replace("{ip}", &address.ip().to_string()));
            // One is enough to begin with; SSH when there is one.
            break;
        }
    }
    let data_flag = if data == crate::config::default_data() { String::new() } else { format!(" --data {}", data.display()) };
    for what in ["sessions", "check 127.0.0.1", "blocklist"] {
        out += &format!("    {program} {what}{data_flag}\n");
    }
    out += "\n  Ctrl-C stops; the next start goes on with the same data and keys.\n";
    out
}

fn policy(policy: &emulation::CredentialPolicy) -> String {
    use emulation::CredentialPolicy;
    match policy {
        CredentialPolicy::Any => "any password is let in".to_owned(),
        CredentialPolicy::Nth { attempt } => format!("attempt {attempt} of a session is let in"),
        CredentialPolicy::List { pairs } => format!("{} listed credentials are let in", pairs.len()),
        CredentialPolicy::None => "nobody is let in".to_owned(),
    }
}

/// How this program can be started again from here.
fn program() -> String {
    let Ok(path) = std::env::current_exe() else { return "honeyguide".to_owned() };
    let on_path = std::env::var_os("PATH").is_some_and(|paths| std::env::split_paths(&paths).any(|dir| dir.join("honeyguide") == path));
    if on_path {
        return "honeyguide".to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(&path).display().to_string()
}
