//! What the hub answers. Fields that are unknown here are ignored, so an older client reads a newer hub.

use model::{Event, SensorId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What is known of an address: `GET /v1/key/check/{ip}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// The address.
    pub ip: IpAddr,
    /// Whether it was ever seen.
    pub found: bool,
    /// 0 to 100.
    pub confidence_level: u8,
    /// RFC 3339.
    #[serde(default)]
    pub first_seen: Option<String>,
    /// RFC 3339.
    #[serde(default)]
    pub last_seen: Option<String>,
    /// Sessions of it.
    #[serde(default)]
    pub total_sessions: u64,
    /// Events of it.
    #[serde(default)]
    pub total_events: u64,
    /// Where it is and whose, when that is known.
    #[serde(default)]
    pub geolocation: Option<Geolocation>,
    /// What it spoke.
    #[serde(default)]
    pub protocols: Vec<ProtocolCount>,
    /// What it did, as sessions were judged.
    #[serde(default)]
    pub behaviors: Vec<BehaviorCount>,
    /// Single observations.
    #[serde(default)]
    pub primitives: Vec<PrimitiveCount>,
    /// Every term of the score, so that it can be recomputed by hand.
    #[serde(default)]
    pub score: serde_json::Value,
    /// Why the score is discounted, if it is.
    #[serde(default)]
    pub whitelist: Option<serde_json::Value>,
    /// What others reported.
    #[serde(default)]
    pub community: Option<serde_json::Value>,
}

/// Where an address is and whose.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // the names say it; the API reference describes them
pub struct Geolocation {
    pub country_code: Option<String>,
    pub country_name: Option<String>,
    pub city: Option<String>,
    pub asn: Option<String>,
    pub asn_org: Option<String>,
    #[serde(default)]
    pub is_tor: bool,
    #[serde(default)]
    pub is_proxy: bool,
}

/// What an address did in one protocol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProtocolCount {
    /// The protocol's name.
    pub protocol: String,
    /// Sessions in it.
    pub sessions: u64,
    /// Events in it.
    pub events: u64,
}

/// How often a behavior was seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BehaviorCount {
    /// Its stable identifier.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// `very_high`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// Sessions judged so.
    pub count: u64,
    /// What it means.
    #[serde(default)]
    pub description: Option<String>,
    /// ATT&CK technique identifiers.
    #[serde(default)]
    pub techniques: Vec<String>,
}

/// How often a primitive was seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrimitiveCount {
    /// Its stable identifier.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// How often.
    pub count: u64,
    /// What it means.
    #[serde(default)]
    pub description: Option<String>,
}

/// The addresses worth blocking: `GET /v1/key/blacklist`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Blacklist {
    /// How the list was made.
    pub meta: BlacklistMeta,
    /// Confidence descending, then the most recently seen first.
    pub data: Vec<BlacklistEntry>,
}

/// How a blacklist was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlacklistMeta {
    /// Milliseconds since 1970.
    pub generated_at: i64,
    /// The lowest score in it.
    pub score_minimum: u8,
    /// The most rows it could have.
    pub limit: u64,
    /// The rows it has.
    pub count: u64,
}

/// One address of a blacklist.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlacklistEntry {
    /// The address.
    pub ip: IpAddr,
    /// 0 to 100.
    pub confidence_level: u8,
    /// Milliseconds since 1970.
    pub last_seen: i64,
    /// Sessions of it.
    pub sessions: u64,
    /// What it spoke.
    #[serde(default)]
    pub protocols: Vec<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country_code: Option<String>,
    /// The digits, without "AS".
    #[serde(default)]
    pub asn: Option<String>,
    /// Whose it is.
    #[serde(default)]
    pub asn_org: Option<String>,
}

/// A page of sessions, the newest first: `GET /v1/key/sessions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sessions {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// Where the next page starts; `None` on the last.
    #[serde(default)]
    pub next: Option<String>,
}

/// A judged session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its identity.
    pub id: SessionId,
    /// Who recorded it.
    pub sensor: SensorOfSession,
    /// The attacker's address.
    pub ip: IpAddr,
    /// What it spoke.
    pub protocol: String,
    /// RFC 3339.
    pub start: String,
    /// RFC 3339.
    pub end: String,
    /// The close event's reason, or `idle`.
    #[serde(default)]
    pub ended_by: String,
    /// What it was judged to be.
    #[serde(default)]
    pub behavior: Option<BehaviorOfSession>,
    /// Whether that is a behavior of the catalog, rather than a built-in or none.
    #[serde(default)]
    pub classified: bool,
    /// Single observations in it.
    #[serde(default)]
    pub primitives: Vec<PrimitiveCount>,
    /// Events in it.
    #[serde(default)]
    pub events: u64,
    /// Credentials presented.
    #[serde(default)]
    pub logins: u64,
    /// Command lines.
    #[serde(default)]
    pub commands: u64,
    /// Files left.
    #[serde(default)]
    pub files: u64,
    /// URLs it asked for.
    #[serde(default)]
    pub fetches: u64,
}

/// Who recorded a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SensorOfSession {
    /// Its identity; `None` when the hub has forgotten it.
    pub id: Option<SensorId>,
    /// Its name.
    pub name: String,
}

/// What a session was judged to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BehaviorOfSession {
    /// Its stable identifier.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// `very_high`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// ATT&CK technique identifiers.
    #[serde(default)]
    pub techniques: Vec<String>,
}

/// One session and what happened in it: `GET /v1/key/sessions/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Story {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// Its events, in order.
    pub story: Vec<Told>,
    /// Whether there are more than the hub tells.
    #[serde(default)]
    pub truncated: bool,
}

/// One event of a story.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Its sequence at its sensor.
    pub sequence: u64,
    /// RFC 3339.
    pub time: String,
    /// Its kind, a name of [`model::catalogue`].
    pub kind: String,
    /// The fields of that kind.
    #[serde(flatten)]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

impl Story {
    /// The events as they were recorded; those of a kind that this client does not know are left out.
    pub fn events(&self) -> Vec<Event> {
        self.story.iter().filter_map(|told| self.event(told)).collect()
    }

    fn event(&self, told: &Told) -> Option<Event> {
        let fields = serde_json::Value::Object(told.fields.clone());
        let tagged = serde_json::Map::from_iter([(told.kind.clone(), fields)]);
        Some(Event {
            time: Timestamp::parse(&told.time)?,
            session: self.session.id,
            source: self.session.ip,
            protocol: self.session.protocol.parse().ok()?,
            detail: serde_json::from_value(tagged.into()).ok()?,
        })
    }
}

/// How the hub is: `GET /healthz`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, or what is wrong.
    pub status: String,
    /// Everything else it says.
    #[serde(flatten)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Detail;

    /// As the hub writes it.
    const STORY: &str = include_str!("../testdata/story.json");

    #[test]
    fn a_story_is_read_and_its_events_are_those_recorded() {
        let story: Story = serde_json::from_str(STORY).unwrap();
        assert_eq!((story.session.sensor.name.as_str(), story.session.behavior.as_ref().unwrap().id.as_str()), ("web-1", "brute-force"));
        let events = story.events();
        assert_eq!(events.len(), 2, "the event of an unknown kind is left out");
        assert_eq!(
            events[0].detail,
            Detail::Auth { method: "password".into(), username: "root".into(), secret: vec![0xff, 0x00].into(), accepted: true }
        );
        assert_eq!(events[1].time, Timestamp(1_774_138_482_000_000));
        let again: Story = serde_json::from_str(&serde_json::to_string(&story).unwrap()).unwrap();
        assert_eq!(again.events(), events);
    }
}
