//! `honeyguide sensor`

use super::{effective, prepare, runtime, stop_asked};
use crate::cli;
use crate::logging;
use crate::roles::{LocalSensor, ready};
use anyhow::Result;
use std::process::ExitCode;

pub fn run(arguments: cli::Sensor) -> Result<ExitCode> {
    let flags = [("sensor.ports", arguments.ports.map(cli::Ports::name), "--ports")];
    let config = effective(&arguments.source, &flags)?.config;
    logging::start(&config.log)?;
    prepare(&config.data)?;
    runtime()?.block_on(async {
        let sensor = LocalSensor::alone(&config, arguments.hub.as_deref(), arguments.token.as_deref(), arguments.offline).await?;
        if arguments.json {
            println!("{}", ready(None, Some(&sensor)));
        } else {
            println!("\nThe sensor is up; {}.\n", sensor.destination());
            for decoy in sensor.decoys() {
                println!("    {:13}  {}  {}", decoy.name, decoy.transport, decoy.address);
            }
            println!("\n  Ctrl-C stops; what is not delivered yet is kept in {}.", config.data.display());
        }
        stop_asked().await;
        sensor.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
