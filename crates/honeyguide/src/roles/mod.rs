//! The roles as this process runs them: a hub, a sensor, and what joins them.

mod enrolment;
mod hub;
mod local;
mod sensor;

pub use hub::LocalHub;
pub use sensor::LocalSensor;

use serde_json::json;

/// The line scripts wait for: where the hub is, its key, and the decoys.
pub fn ready(hub: Option<&LocalHub>, sensor: Option<&LocalSensor>) -> String {
    let decoys: Vec<_> = sensor
        .map(LocalSensor::decoys)
        .unwrap_or_default()
        .iter()
        .map(|d| json!({ "protocol": d.name, "transport": d.transport, "address": d.address }))
        .collect();
    let hub_url = hub.map(LocalHub::url).or_else(|| sensor.and_then(LocalSensor::hub_url));
    json!({ "hub": hub_url, "admin_key": hub.map(LocalHub::admin_key), "decoys": decoys }).to_string()
}
