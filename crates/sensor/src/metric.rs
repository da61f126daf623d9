//! The runtime's metrics: every name with what it counts, for the exporter's help texts.

use metrics::{Unit, describe_counter, describe_gauge};

/// What a metric is.
enum Kind {
    Counter,
    Gauge,
}

/// Every metric of the runtime. The spool and the uplink have their own.
const METRICS: &[(Kind, &str, &str)] = &[
    (Kind::Gauge, "honeyguide_sensor_sessions_open", "Sessions open now."),
    (Kind::Counter, "honeyguide_sensor_sessions_total", "Sessions begun, by decoy."),
    (Kind::Counter, "honeyguide_sensor_sessions_closed_total", "Sessions ended, by protocol and reason."),
    (Kind::Counter, "honeyguide_sensor_sessions_refused_total", "Sessions not let in, by the limit reached."),
    (Kind::Counter, "honeyguide_sensor_rx_bytes_total", "Bytes received in sessions that have ended, by protocol."),
    (Kind::Counter, "honeyguide_sensor_tx_bytes_total", "Bytes sent in sessions that have ended, by protocol."),
    (Kind::Counter, "honeyguide_sensor_panics_total", "Sessions whose code panicked, by protocol: each is a bug of ours."),
    (Kind::Counter, "honeyguide_sensor_accept_pauses_total", "Times accepting paused because this machine had no room."),
    (Kind::Counter, "honeyguide_sensor_balancer_checks_total", "Connections in which a balancer spoke for itself."),
    (Kind::Counter, "honeyguide_sensor_datagrams_dropped_total", "Datagrams that a busy conversation had no room for."),
    (Kind::Counter, "honeyguide_sensor_events_after_close_total", "Events dropped because their session had ended."),
];

/// Tells the recorder, if one is installed, what each metric is.
pub(crate) fn describe() {
    for (kind, name, help) in METRICS {
        let unit = if name.contains("_bytes_") { Unit::Bytes } else { Unit::Count };
        match kind {
            Kind::Counter => describe_counter!(*name, unit, *help),
            Kind::Gauge => describe_gauge!(*name, unit, *help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::METRICS;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Every metric of that prefix in this crate's source, by where its name is used.
    fn used(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, names);
            } else if !path.ends_with("metric.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let starts = text.match_indices("!(\"honeyguide_sensor_");
                names.extend(starts.map(|(at, _)| text[at + 3..].split('"').next().unwrap().to_owned()));
            }
        }
    }

    #[test]
    fn what_is_counted_is_described() {
        let mut names = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
        let described: BTreeSet<String> = METRICS.iter().map(|(_, name, _)| (*name).to_owned()).collect();
        assert!(!names.is_empty());
        assert_eq!(names, described);
    }
}
