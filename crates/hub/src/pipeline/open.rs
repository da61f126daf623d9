//! The sessions under way, and when they are over without having said so.
//!
//! A close event normally ends a session. One that never comes (the sensor was killed, a log was imported in part) is made up for in two ways:
//! the sensor's own *stream* has moved on by the idle time since the session's last event, which holds across outages of the connection
//! and in imports; or nothing of the session was heard for four idle times by our own clock, for a sensor that has gone quiet.

use super::session::OpenSession;
use model::Timestamp;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use store::{OpenRow, SensorNumber, SessionKey, StoreError};

/// How many idle times of silence by our clock end a session.
const SILENCE_FACTOR: u32 = 4;

struct Held {
    session: OpenSession,
    heard: Timestamp,
}

/// The sessions under way.
pub struct OpenSessions {
    held: HashMap<SessionKey, Held>,
    /// Those that the last commit does not have as they are.
    changed: HashSet<SessionKey>,
    idle: Duration,
    open_max: usize,
}

impl OpenSessions {
    /// As the last commit has them. They count as heard now: their sensors may have been waiting for us.
    pub fn load(rows: Vec<OpenRow>, idle: Duration, open_max: usize, heard: Timestamp) -> Result<OpenSessions, StoreError> {
        let held = rows
            .into_iter()
            .map(|row| Ok((row.key, Held { session: OpenSession::decode(&row.body)?, heard })))
            .collect::<Result<_, StoreError>>()?;
        Ok(OpenSessions { held, changed: HashSet::new(), idle, open_max: open_max.max(1) })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether it is under way.
    pub fn contains(&self, key: SessionKey) -> bool {
        self.held.contains_key(&key)
    }

    /// Begins one.
    pub fn insert(&mut self, key: SessionKey, session: OpenSession, heard: Timestamp) {
        self.held.insert(key, Held { session, heard });
    }

    /// To change one.
    pub fn get_mut(&mut self, key: SessionKey, heard: Timestamp) -> Option<&mut OpenSession> {
        let held = self.held.get_mut(&key)?;
        held.heard = held.heard.max(heard);
        self.changed.insert(key);
        Some(&mut held.session)
    }

    /// Ends one.
    pub fn remove(&mut self, key: SessionKey) -> Option<OpenSession> {
        self.changed.remove(&key);
        self.held.remove(&key).map(|held| held.session)
    }

    /// When there is no room for another, ends the tenth that was silent longest.
    pub fn make_room(&mut self) -> Vec<(SessionKey, OpenSession)> {
        if self.held.len() < self.open_max {
            return Vec::new();
        }
        let mut keys: Vec<_> = self.held.iter().map(|(key, held)| (held.heard, held.session.facts.last, *key)).collect();
        keys.sort_unstable();
        keys.truncate(self.held.len() / 10 + 1);
        self.take(keys.into_iter().map(|(_, _, key)| key))
    }

    /// Ends those that are over.
    pub fn silent(&mut self, stream_time: impl Fn(SensorNumber) -> Timestamp, now: Timestamp) -> Vec<(SessionKey, OpenSession)> {
        let over = |key: &SessionKey, held: &Held| {
            stream_time(key.sensor).since(held.session.stream_time) > self.idle || now.since(held.heard) > self.idle * SILENCE_FACTOR
        };
        let mut keys: Vec<_> = self.held.iter().filter(|(key, held)| over(key, held)).map(|(key, _)| *key).collect();
        // The order of effects must not depend on the order of a hash map.
        keys.sort_unstable();
        self.take(keys.into_iter())
    }

    fn take(&mut self, keys: impl Iterator<Item = SessionKey>) -> Vec<(SessionKey, OpenSession)> {
        keys.filter_map(|key| Some((key, self.remove(key)?))).collect()
    }

    /// The rows of those that changed since the last call.
    pub fn changed(&mut self) -> Vec<OpenRow> {
        let changed = std::mem::take(&mut self.changed);
        let row = |key: SessionKey| Some(OpenRow { key, body: self.held.get(&key)?.session.encode() });
        changed.into_iter().filter_map(row).collect()
    }
}
