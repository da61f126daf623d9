//! Who may begin a session: the limits that count sessions, for the sensor and for each address.

use crate::Limits;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered, and at least twice `sessions_max`; beyond it only those with open sessions are, and the rest begin a new minute.
const ADDRESSES_MAX: usize = 65_536;

/// The doorkeeper; clones share it.
#[derive(Clone)]
pub(crate) struct Admission(Arc<Gate>);

struct Gate {
    sessions_max: usize,
    address_sessions_max: u32,
    address_sessions_per_minute_max: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: usize,
    addresses: HashMap<IpAddr, Address>,
    swept: Option<Instant>,
}

struct Address {
    open: u32,
    window: Instant,
    begun: u32,
    refusal_recorded: bool,
}

/// A session not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The limit's name.
    pub limit: &'static str,
    /// Its value.
    pub value: u64,
    /// Whether to record it: once an address and minute, so that a flood cannot fill the spool.
    pub record: bool,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Admission {
        Admission(Arc::new(Gate {
            sessions_max: limits.sessions_max,
            address_sessions_max: limits.address_sessions_max,
            address_sessions_per_minute_max: limits.address_sessions_per_minute_max,
            state: Mutex::default(),
        }))
    }

    /// Lets a session of `peer` begin; it is open until the permit is dropped.
    pub(crate) fn admit(&self, peer: IpAddr) -> Result<Permit, Refusal> {
        self.admit_at(peer, Instant::now())
    }

    fn admit_at(&self, peer: IpAddr, now: Instant) -> Result<Permit, Refusal> {
        let (gate, key) = (&*self.0, key(peer));
        let mut state = self.state();
        state.sweep(now, gate.sessions_max.saturating_mul(2).max(ADDRESSES_MAX));
        let full = state.open >= gate.sessions_max;
        let address = state.addresses.entry(key).or_insert(Address { open: 0, window: now, begun: 0, refusal_recorded: false });
        if now.duration_since(address.window) >= WINDOW {
            (address.window, address.begun, address.refusal_recorded) = (now, 0, false);
        }
        let reached = if full {
            Some(("sessions_max", gate.sessions_max as u64))
        } else if address.open >= gate.address_sessions_max {
            Some(("address_sessions_max", gate.address_sessions_max.into()))
        } else if address.begun >= gate.address_sessions_per_minute_max {
            Some(("address_sessions_per_minute_max", gate.address_sessions_per_minute_max.into()))
        } else {
            None
        };
        if let Some((limit, value)) = reached {
            let record = !std::mem::replace(&mut address.refusal_recorded, true);
            return Err(Refusal { limit, value, record });
        }
        address.open += 1;
        address.begun += 1;
        state.open += 1;
        Ok(Permit { admission: self.clone(), key: Some(key) })
    }

    /// Lets a balancer's connection begin, whose client is not known yet.
    pub(crate) fn admit_balancer(&self) -> Option<Permit> {
        let mut state = self.state();
        (state.open < self.0.sessions_max).then(|| {
            state.open += 1;
            Permit { admission: self.clone(), key: None }
        })
    }

    /// Sessions open now.
    pub(crate) fn open(&self) -> usize {
        self.state().open
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The counters are whole at every point where a thread could panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets addresses whose minute is over and who have nothing open: once a minute, or when there are too many.
    fn sweep(&mut self, now: Instant, addresses_max: usize) {
        let crowded = self.addresses.len() >= addresses_max;
        if !crowded && self.swept.is_some_and(|at| now.duration_since(at) < WINDOW) {
            return;
        }
        self.swept = Some(now);
        self.addresses.retain(|_, a| a.open > 0 || (!crowded && now.duration_since(a.window) < WINDOW));
        self.addresses.shrink_to(ADDRESSES_MAX / 64);
    }
}

/// IPv4 addresses count one by one; of IPv6 whoever has one address has its whole /64.
fn key(peer: IpAddr) -> IpAddr {
    match model::canonical(peer) {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

/// One open session.
pub(crate) struct Permit {
    admission: Admission,
    key: Option<IpAddr>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.admission.state();
        state.open = state.open.saturating_sub(1);
        if let Some(address) = self.key.and_then(|key| state.addresses.get_mut(&key)) {
            address.open = address.open.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(sessions_max: usize, open: u32, per_minute: u32) -> Admission {
        Admission::new(&Limits {
            sessions_max,
            address_sessions_max: open,
            address_sessions_per_minute_max: per_minute,
            ..Limits::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn refused(admission: &Admission, peer: &str) -> (&'static str, bool) {
        let refusal = admission.admit(ip(peer)).err().unwrap();
        (refusal.limit, refusal.record)
    }

    #[test]
    fn each_limit_refuses_by_its_name_and_a_dropped_permit_makes_room() {
        let gate = admission(3, 2, 4);
        let first = gate.admit(ip("192.0.2.1")).ok().unwrap();
        let _second = gate.admit(ip("::ffff:192.0.2.1")).ok().unwrap();
        assert_eq!(refused(&gate, "192.0.2.1"), ("address_sessions_max", true));
        assert_eq!(refused(&gate, "192.0.2.1"), ("address_sessions_max", false), "recorded once a minute");
        let _other = gate.admit(ip("192.0.2.2")).ok().unwrap();
        assert_eq!(refused(&gate, "192.0.2.3"), ("sessions_max", true));
        drop(first);
        assert_eq!(gate.open(), 2);
        drop(gate.admit(ip("192.0.2.1")).ok().unwrap());
        drop(gate.admit(ip("192.0.2.1")).ok().unwrap());
        assert_eq!(refused(&gate, "192.0.2.1"), ("address_sessions_per_minute_max", false));
        drop(gate.admit_at(ip("192.0.2.1"), Instant::now() + WINDOW).ok().unwrap());
    }

    #[test]
    fn ipv6_counts_by_the_64() {
        let gate = admission(9, 1, 9);
        let _first = gate.admit(ip("2001:db8::1")).ok().unwrap();
        assert_eq!(refused(&gate, "2001:db8::ffff:1").0, "address_sessions_max");
        gate.admit(ip("2001:db8:0:1::1")).ok().unwrap();
    }

    #[test]
    fn a_flood_of_addresses_is_forgotten() {
        let gate = admission(10, 10, 10);
        let held = gate.admit(ip("192.0.2.1")).ok().unwrap();
        for n in 0..(2 * ADDRESSES_MAX as u32) {
            drop(gate.admit(IpAddr::from(n.to_be_bytes())).ok().unwrap());
            assert!(gate.state().addresses.len() <= ADDRESSES_MAX);
        }
        assert_eq!(gate.state().addresses[&ip("192.0.2.1")].open, 1, "one with an open session is not");
        drop(held);
        assert_eq!(gate.open(), 0);
    }
}
