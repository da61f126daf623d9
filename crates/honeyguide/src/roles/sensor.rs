//! The sensor of this process, with its spool and its way to a hub.

use super::LocalHub;
use super::enrolment::Enrolled;
use super::local::InProcess;
use crate::config::Config;
use anyhow::{Result, anyhow};
use client::{Delivery, HttpDelivery};
use model::{SensorId, Transport};
use sensor::captures::Captures;
use sensor::spool::Spool;
use sensor::uplink::Uplink;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How long open sessions may take to say goodbye when the sensor stops.
const GOODBYE: Duration = Duration::from_secs(5);

/// A running sensor.
pub struct LocalSensor {
    sensor: sensor::Sensor,
    spool: Spool,
    uplink: Option<Uplink>,
    hub_url: Option<String>,
}

/// A decoy as people and scripts are told of it.
pub struct Shown {
    /// Its name.
    pub name: &'static str,
    /// What carries it.
    pub transport: Transport,
    /// An address at which it can be reached from here.
    pub address: SocketAddr,
}

impl LocalSensor {
    /// Starts a sensor that delivers to the hub of this process.
    pub async fn beside(config: &Config, hub: &LocalHub) -> Result<LocalSensor> {
        let mut started = LocalSensor::start(config)?;
        let id = hub.inner().register_local_sensor(&config.sensor.name)?;
        started.deliver(id, InProcess(hub.inner().ingest()));
        Ok(started)
    }

    /// Starts a sensor that delivers to a hub elsewhere, enrolling first when it has a token.
    pub async fn alone(config: &Config, hub: Option<&str>, token: Option<&str>, offline: bool) -> Result<LocalSensor> {
        let folder = folder(config);
        std::fs::create_dir_all(&folder)?;
        let enrolled = match (Enrolled::load(&folder)?, hub, token) {
            _ if offline => None,
            (Some(known), Some(hub), _) if known.hub != hub => {
                return Err(anyhow!(
                    "this sensor is enrolled at {}; for another hub use another data folder (--data), or remove {}",
                    known.hub,
                    folder.join("enrolment.json").display()
                ));
            }
            (Some(known), _, _) => Some(known),
            (None, Some(hub), Some(token)) => Some(Enrolled::enrol(&folder, hub, token, &config.sensor).await?),
            (None, _, _) => {
                return Err(anyhow!(
                    "this sensor belongs to no hub yet: make a token there with `honeyguide hub token new` and give --hub URL --token TOKEN, or record only with --offline"
                ));
            }
        };
        let mut started = LocalSensor::start(config)?;
        if let Some(enrolled) = enrolled {
            started.hub_url = Some(enrolled.hub.clone());
            started.deliver(enrolled.identity.sensor, HttpDelivery::new(enrolled.client()?));
        }
        Ok(started)
    }

    fn start(config: &Config) -> Result<LocalSensor> {
        let folder = folder(config);
        let spool = Spool::open(config.sensor.spool.in_directory(&folder))?;
        let captures = Captures::open(config.sensor.captures.in_directory(&folder))?;
        let sensor = sensor::Sensor::start(&config.sensor, &folder, spool.clone(), captures)?;
        Ok(LocalSensor { sensor, spool, uplink: None, hub_url: None })
    }

    fn deliver(&mut self, id: SensorId, delivery: impl Delivery + 'static) {
        self.uplink = Some(Uplink::start(self.spool.clone(), id, delivery));
    }

    /// Where it delivers, for people.
    pub fn destination(&self) -> String {
        self.hub_url
            .as_ref()
            .map_or_else(|| "it records only, and delivers once it is enrolled".to_owned(), |url| format!("it delivers to {url}"))
    }

    /// The hub it delivers to over the network.
    pub fn hub_url(&self) -> Option<String> {
        self.hub_url.clone()
    }

    /// The decoys, one line each: where IPv4 and IPv6 share a port, the IPv4 one; unspecified addresses as this machine's own.
    pub fn decoys(&self) -> Vec<Shown> {
        let mut shown: Vec<Shown> = Vec::new();
        for decoy in self.sensor.decoys() {
            let mut address = decoy.address;
            if address.ip().is_unspecified() {
                address.set_ip(if address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) });
            }
            let twin = shown.iter().any(|s| s.name == decoy.name && s.transport == decoy.transport && s.address.port() == address.port());
            if !twin {
                shown.push(Shown { name: decoy.name, transport: decoy.transport, address });
            }
        }
        shown
    }

    /// Ends the sessions, delivers what it can, and syncs the rest to disk.
    pub async fn stop(self) {
        self.sensor.shutdown(GOODBYE).await;
        if let Some(uplink) = self.uplink {
            uplink.stop().await;
        }
        self.spool.close();
    }
}

fn folder(config: &Config) -> PathBuf {
    config.data.join("sensor")
}
