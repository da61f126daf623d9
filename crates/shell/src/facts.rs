//! What is measured on a host, at one instant: everything that reports it asks here, so that all reports agree.

use crate::Machine;
use crate::fs::spread;
use model::Timestamp;
use persona::{Interface, Memory};

/// The host's measurements at one instant.
pub struct Facts<'a> {
    machine: &'a Machine,
    now: Timestamp,
}

impl Machine {
    /// Measures the host, now.
    pub fn facts(&self) -> Facts<'_> {
        Facts { machine: self, now: self.now() }
    }
}

impl Facts<'_> {
    fn host(&self) -> &persona::Host {
        &self.machine.host().persona().host
    }

    fn seed(&self) -> u64 {
        self.machine.host().instance().seed
    }

    /// The instant measured at.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Seconds since boot.
    pub fn uptime_seconds(&self) -> f64 {
        self.now.since(self.machine.host().instance().booted).as_secs_f64()
    }

    /// Seconds all processors together were idle since boot.
    pub fn idle_seconds(&self) -> f64 {
        let busy = 0.012 + (spread(self.seed(), 11) % 40) as f64 / 1000.0;
        self.uptime_seconds() * f64::from(self.host().cpu.count) * (1.0 - busy)
    }

    /// A value between 0 and 1 that wanders: linear between random points a period apart, so that it never jumps.
    fn wander(&self, purpose: u64, period_seconds: f64) -> f64 {
        let at = self.uptime_seconds() / period_seconds;
        let point = |index: f64| (spread(self.seed(), (purpose << 40) ^ index as u64) % 10_000) as f64 / 10_000.0;
        let (before, share) = (at.floor(), at.fract());
        point(before) * (1.0 - share) + point(before + 1.0) * share
    }

    /// Load averages over 1, 5 and 15 minutes: an idle host with something happening now and then.
    pub fn load(&self) -> [f64; 3] {
        let base = (spread(self.seed(), 12) % 12) as f64 / 100.0;
        let cores = f64::from(self.host().cpu.count);
        [(21, 60.0, 0.35), (22, 300.0, 0.22), (23, 900.0, 0.14)].map(|(purpose, period, height)| {
            let noise = self.wander(purpose, period);
            base + noise * noise * height * cores.sqrt()
        })
    }

    /// Memory now: the persona's figures, with a little of the free memory in use from time to time.
    pub fn memory(&self) -> Memory {
        let mut memory = self.host().memory;
        let used = (self.wander(24, 30.0) * (memory.free_kb / 24) as f64) as u64 & !3;
        memory.free_kb -= used;
        memory.available_kb -= used;
        memory
    }

    /// An interface's hardware address.
    pub fn mac(&self, interface: &Interface) -> String {
        let index = self.host().interfaces.iter().position(|i| i.name == interface.name).unwrap_or(0) as u64;
        let tail = spread(self.seed(), 31).wrapping_add(index);
        format!("{}:{:02x}:{:02x}:{:02x}", interface.mac_prefix, (tail >> 16) as u8, (tail >> 8) as u8, tail as u8)
    }

    /// The host's IPv4 address; when the sensor has only an IPv6 one, an address beside the gateway.
    pub fn address(&self) -> std::net::Ipv4Addr {
        match self.machine.host().instance().address {
            std::net::IpAddr::V4(address) if !address.is_unspecified() => address,
            _ => {
                let gateway: std::net::Ipv4Addr = self.host().gateway.parse().unwrap_or(std::net::Ipv4Addr::new(10, 0, 0, 1));
                let [a, b, c, _] = gateway.octets();
                std::net::Ipv4Addr::new(a, b, c, 2 + (spread(self.seed(), 32) % 250) as u8)
            }
        }
    }

    /// The default gateway: the persona's where it is on the host's own network, else that network's first address.
    pub fn gateway(&self) -> std::net::Ipv4Addr {
        let prefix = self.host().interfaces.first().map_or(24, |interface| u32::from(interface.prefix).clamp(1, 32));
        let mask = u32::MAX << (32 - prefix);
        let network = u32::from(self.address()) & mask;
        match self.host().gateway.parse::<std::net::Ipv4Addr>() {
            Ok(gateway) if u32::from(gateway) & mask == network => gateway,
            _ => (network | 1).into(),
        }
    }

    /// Bytes and packets an interface received and sent since boot.
    pub fn traffic(&self, interface: &str) -> Traffic {
        let per_second = if interface == "lo" { 190 } else { 2_400 + spread(self.seed(), 33) % 3_000 };
        let received_bytes = (self.uptime_seconds() * per_second as f64) as u64;
        let sent_bytes = if interface == "lo" { received_bytes } else { received_bytes / 10 * 17 };
        Traffic { received_bytes, received_packets: received_bytes / 389, sent_bytes, sent_packets: sent_bytes / 521 }
    }
}

/// Counters of an interface since boot.
#[allow(missing_docs)]
pub struct Traffic {
    pub received_bytes: u64,
    pub received_packets: u64,
    pub sent_bytes: u64,
    pub sent_packets: u64,
}
