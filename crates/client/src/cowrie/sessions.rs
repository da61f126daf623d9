//! The sessions of a log: what their first line bound stays bound.

use model::{Protocol, SessionId, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use uuid::Builder;

/// Sessions remembered at once; the oldest is forgotten first. A line of a forgotten one would begin it anew.
const SESSIONS_MAX: usize = 1 << 18;

/// What the first line of a session binds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// Whether it has given an event.
    pub told: bool,
    pub id: SessionId,
    pub source: IpAddr,
    pub protocol: Protocol,
    pub start: Timestamp,
}

/// The sessions seen, by Cowrie's sensor and session names.
#[derive(Default)]
pub(super) struct Sessions {
    bound: HashMap<[u8; 32], Bound>,
    order: VecDeque<[u8; 32]>,
}

impl Sessions {
    /// The key of a session.
    pub fn key(sensor: &[u8], session: &[u8]) -> [u8; 32] {
        digest(&[sensor, session])
    }

    pub fn get(&self, key: &[u8; 32]) -> Option<Bound> {
        self.bound.get(key).copied()
    }

    /// The session has given an event; tells whether that was its first.
    pub fn tell(&mut self, key: &[u8; 32]) -> bool {
        self.bound.get_mut(key).is_some_and(|bound| !std::mem::replace(&mut bound.told, true))
    }

    /// Begins a session; one of the same name before it is over. Its id is the same whenever the same log is read.
    pub fn begin(&mut self, key: [u8; 32], source: IpAddr, protocol: Protocol, start: Timestamp) -> Bound {
        let random = digest(&[&key, &start.0.to_be_bytes()]);
        let mut tail = [0; 10];
        tail.copy_from_slice(&random[..10]);
        let millis = u64::try_from(start.millis()).unwrap_or(0);
        let id = SessionId(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid());
        let bound = Bound { told: false, id, source, protocol, start };
        if self.bound.insert(key, bound).is_none() {
            self.order.push_back(key);
            if self.order.len() > SESSIONS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.bound.remove(&oldest);
            }
        }
        bound
    }
}

/// SHA-256 of the parts, each behind its length so that no two lists of parts look alike.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_deterministic_version_7_and_sort_by_time() {
        let begin =
            |name: &[u8], us| Sessions::default().begin(Sessions::key(b"s", name), [192, 0, 2, 1].into(), Protocol::Ssh, Timestamp(us)).id;
        let id = begin(b"a", 1_774_138_481_244_717);
        assert_eq!(id, begin(b"a", 1_774_138_481_244_717));
        assert_eq!(id.0.get_version_num(), 7);
        assert_ne!(id, begin(b"b", 1_774_138_481_244_717));
        assert!(id < begin(b"a", 1_774_138_482_000_000));
        assert_eq!(begin(b"a", i64::MIN).0.get_version_num(), 7);
    }

    #[test]
    fn memory_is_bounded() {
        let mut sessions = Sessions::default();
        for n in 0..SESSIONS_MAX as u64 + 10 {
            sessions.begin(digest(&[&n.to_be_bytes()]), [192, 0, 2, 1].into(), Protocol::Ssh, Timestamp(0));
        }
        assert_eq!((sessions.bound.len(), sessions.order.len()), (SESSIONS_MAX, SESSIONS_MAX));
        assert!(sessions.get(&digest(&[&9u64.to_be_bytes()])).is_none());
    }
}
