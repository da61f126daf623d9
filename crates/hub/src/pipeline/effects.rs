//! What follows from events and is not committed yet.

use super::CLOCK_AHEAD_MAX;
use super::open::OpenSessions;
use super::session::OpenSession;
use crate::reputation::{Index, List, Vocabulary};
use crate::status::{Status, now};
use detection::SessionFacts;
use model::{Event, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use store::{Commit, Cursor, Day, LateEvents, NameId, ProtocolCount, Reputation, ReputationRow, SensorNumber, SessionKey, SessionRow};

/// What an address is to be known for.
struct Seen<'a> {
    address: IpAddr,
    protocol: &'a str,
    sessions: u64,
    events: u64,
    first: Timestamp,
    last: Timestamp,
    /// The behavior and the facts of a judged session.
    found: Option<(&'a str, &'a SessionFacts)>,
}

/// Effects since the last commit. Reputations are in the index at once, so that `check` is never behind by more than the pipeline.
pub struct Effects {
    vocabulary: Arc<Vocabulary>,
    index: Arc<Index>,
    status: Arc<Status>,
    events: u64,
    cursors: BTreeMap<SensorNumber, Cursor>,
    sessions: Vec<SessionRow>,
    judged: HashSet<SessionKey>,
    late: HashMap<SessionKey, LateEvents>,
    reputations: HashSet<IpAddr>,
    names: Vec<(NameId, String)>,
}

impl Effects {
    /// None yet.
    pub fn new(vocabulary: Arc<Vocabulary>, index: Arc<Index>, status: Arc<Status>) -> Effects {
        Effects {
            vocabulary,
            index,
            status,
            events: 0,
            cursors: BTreeMap::new(),
            sessions: Vec::new(),
            judged: HashSet::new(),
            late: HashMap::new(),
            reputations: HashSet::new(),
            names: Vec::new(),
        }
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.cursors.is_empty() && self.sessions.is_empty()
    }

    /// Events since the last commit.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The position moves.
    pub fn advance(&mut self, sensor: SensorNumber, cursor: Cursor) {
        self.events += 1;
        self.cursors.insert(sensor, cursor);
    }

    /// Whether a session was judged since the last commit.
    pub fn judged(&self, key: SessionKey) -> bool {
        self.judged.contains(&key)
    }

    /// An event came after its session was judged: it counts, and changes nothing else.
    pub fn late(&mut self, key: SessionKey, day: Day, event: &Event) {
        self.status.late.fetch_add(1, Relaxed);
        let late = self.late.entry(key).or_insert(LateEvents { key, events: 0, last_day: day });
        late.events += 1;
        late.last_day = late.last_day.max(day);
        let protocol = event.protocol.name();
        self.count(Seen { address: event.source, protocol, sessions: 0, events: 1, first: event.time, last: event.time, found: None });
    }

    /// A session is over: it is named, and its address' reputation changes.
    pub fn judge(&mut self, key: SessionKey, session: OpenSession, ended_by: &str) {
        let facts = &session.facts;
        let verdict = self.vocabulary.catalog().judge(facts);
        let start = facts.first.unwrap_or_default();
        let end = facts.last.unwrap_or_default();
        self.count(Seen {
            address: session.source,
            protocol: &session.protocol,
            sessions: 1,
            events: facts.events,
            first: start,
            last: end,
            found: Some((&verdict.behavior, facts)),
        });
        self.judged.insert(key);
        self.sessions.push(SessionRow {
            key,
            source: session.source,
            protocol: session.protocol,
            start,
            end,
            ended_by: ended_by.to_owned(),
            behavior: verdict.behavior.to_string(),
            severity: verdict.severity,
            classified: verdict.classified(),
            primitives: facts.primitives.iter().map(|(id, count)| (id.to_string(), *count)).collect(),
            events: facts.events,
            logins: facts.attempts,
            commands: session.commands,
            files: facts.files,
            fetches: facts.fetches,
            first_day: session.first_day,
            last_day: session.last_day,
        });
    }

    fn count(&mut self, seen: Seen<'_>) {
        let Seen { address, protocol, sessions, events, first, last, found } = seen;
        // A time that cannot be (a sensor's clock far ahead) would keep the address at the head of every list for years.
        let now = now();
        let believed = |time: Timestamp| if time > now.plus(CLOCK_AHEAD_MAX) { now } else { time };
        let (first, last) = (believed(first), believed(last));
        // What does not decode was encoded by this process: an unknown address begins anew.
        let known = self.index.get(address).and_then(|entry| Reputation::decode(&entry.body).ok());
        let mut reputation = known.unwrap_or_else(|| Reputation { first_seen: first, last_seen: last, ..Reputation::default() });
        reputation.first_seen = reputation.first_seen.min(first);
        reputation.last_seen = reputation.last_seen.max(last);
        reputation.sessions += sessions;
        reputation.events += events;
        let name = self.vocabulary.number(List::Protocol, protocol, &mut self.names);
        match reputation.protocols.iter_mut().find(|count| count.name == name) {
            Some(count) => {
                count.sessions += sessions;
                count.events += events;
            }
            None => reputation.protocols.push(ProtocolCount { name, sessions, events }),
        }
        if let Some((behavior, facts)) = found {
            add(&mut reputation.behaviors, self.vocabulary.number(List::Behavior, behavior, &mut self.names));
            for id in facts.primitives.keys() {
                add(&mut reputation.primitives, self.vocabulary.number(List::Primitive, id, &mut self.names));
            }
        }
        self.index.put(address, &reputation, reputation.encode().into(), &self.vocabulary);
        self.reputations.insert(address);
    }

    /// Everything as one commit. What was judged and late stays known until [`Effects::committed`].
    pub fn take(&mut self, open: &mut OpenSessions) -> Commit {
        let reputation = |address: IpAddr| {
            let entry = self.index.get(address)?;
            let last_seen = Timestamp::from_seconds(entry.last_seen_seconds.into());
            Some(ReputationRow { address, last_seen, body: entry.body.into_vec() })
        };
        let reputations = self.reputations.drain().filter_map(reputation).collect();
        self.events = 0;
        Commit {
            cursors: std::mem::take(&mut self.cursors).into_iter().collect(),
            sessions: std::mem::take(&mut self.sessions),
            late: std::mem::take(&mut self.late).into_values().collect(),
            open: open.changed(),
            reputations,
            names: std::mem::take(&mut self.names),
        }
    }

    /// The commit taken last is permanent: the state itself now knows what was judged.
    pub fn committed(&mut self) {
        self.judged.clear();
    }
}

fn add(counts: &mut Vec<(NameId, u64)>, name: NameId) {
    match counts.iter_mut().find(|(id, _)| *id == name) {
        Some((_, count)) => *count += 1,
        None => counts.push((name, 1)),
    }
}
