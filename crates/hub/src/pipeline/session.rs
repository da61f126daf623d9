//! A session under way.

use detection::{Catalog, SessionFacts};
use model::{Detail, Event, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use store::{Day, StoreError};

/// What is kept of a session until it is judged: counts and the names of what was found, nothing of its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenSession {
    /// The attacker, as the first event says.
    pub source: IpAddr,
    /// What it speaks, by name.
    pub protocol: String,
    /// The first day of the log that holds an event of it.
    pub first_day: Day,
    /// The last such day.
    pub last_day: Day,
    /// How far its sensor's stream was at its last event. Idle time is counted from here and not from the event's own time: after a clock
    /// was set back, the events of new sessions are older than the stream from the beginning.
    pub stream_time: Timestamp,
    /// Command lines, blank ones too.
    pub commands: u64,
    /// What detection found.
    pub facts: SessionFacts,
}

impl OpenSession {
    /// Begun by this event, which is yet to be absorbed.
    pub fn new(event: &Event, day: Day) -> OpenSession {
        OpenSession {
            source: event.source,
            protocol: event.protocol.name().to_owned(),
            first_day: day,
            last_day: day,
            stream_time: event.time,
            commands: 0,
            facts: SessionFacts::default(),
        }
    }

    /// Takes an event into account.
    pub fn absorb(&mut self, catalog: &Catalog, event: &Event, day: Day) {
        self.first_day = self.first_day.min(day);
        self.last_day = self.last_day.max(day);
        if matches!(event.detail, Detail::Command { .. }) {
            self.commands += 1;
        }
        catalog.absorb(&mut self.facts, event);
    }

    /// The stored form: with names, because facts gain fields from version to version.
    pub fn encode(&self) -> Vec<u8> {
        // Numbers, strings and maps always have a MessagePack form, and a vector takes any length.
        rmp_serde::to_vec_named(self).expect("facts always encode")
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<OpenSession, StoreError> {
        rmp_serde::from_slice(bytes).map_err(|_| StoreError::Damaged { what: "an open session" })
    }
}
