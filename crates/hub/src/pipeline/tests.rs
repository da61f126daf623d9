//! The pipeline on real files: exactly once whatever the moment of a crash, and when sessions are over.

use super::*;
use crate::status::now;
use crate::testing::{self, TIME, event, session};
use detection::Catalog;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use store::{
    Commit, EventLog, EventRow, OpenRow, Reputation, SessionFilter, SqliteEventLog, SqliteEventReader, SqliteState, SqliteStateReader,
    StateReader,
};

const IDLE: Duration = Duration::from_secs(1800);

/// A pipeline over a folder, as a start of the hub makes it.
fn open_with(folder: &Path, wrap: impl FnOnce(SqliteState) -> Box<dyn State>) -> Pipeline {
    let state = SqliteState::open(&folder.join("state.sqlite")).unwrap();
    let reader = SqliteStateReader::new(&folder.join("state.sqlite"));
    let vocabulary = Arc::new(Vocabulary::new(Arc::new(Catalog::builtin().unwrap()), reader.names().unwrap()).unwrap());
    let index = Arc::new(Index::new());
    index.load(&reader, &vocabulary).unwrap();
    Pipeline::open(Parts {
        state: wrap(state),
        log: Arc::new(SqliteEventReader::new(&folder.join("events"))),
        vocabulary,
        index,
        status: Arc::default(),
        idle: IDLE,
        open_max: 1000,
        stopping: Arc::default(),
    })
    .unwrap()
}

fn open(folder: &Path) -> Pipeline {
    open_with(folder, |state| Box::new(state))
}

/// Everything that must not depend on crashes: sessions, and each address' counts with names for numbers.
#[derive(Debug, PartialEq)]
struct Outcome {
    sessions: Vec<store::SessionRow>,
    addresses: BTreeMap<IpAddr, Counts>,
}

/// Sessions, events, behaviors.
type Counts = (u64, u64, Vec<(String, u64)>);

fn outcome(folder: &Path) -> Outcome {
    let reader = SqliteStateReader::new(&folder.join("state.sqlite"));
    let names: BTreeMap<_, _> = reader.names().unwrap().into_iter().collect();
    let mut addresses = BTreeMap::new();
    let visit = &mut |address, body: &[u8]| {
        let known = Reputation::decode(body).unwrap();
        let behaviors = known.behaviors.iter().map(|(name, count)| (names[name].clone(), *count)).collect();
        addresses.insert(address, (known.sessions, known.events, behaviors));
        std::ops::ControlFlow::Continue(())
    };
    reader.reputations(visit).unwrap();
    let mut sessions = reader.sessions(&SessionFilter { limit: 1000, ..SessionFilter::default() }).unwrap();
    sessions.sort_by_key(|row| row.key);
    Outcome { sessions, addresses }
}

fn feed(pipeline: &mut Pipeline, events: &[Event]) {
    for (sequence, event) in (1..).zip(events) {
        pipeline.step(1, sequence, event.time.day(), event, event.time).unwrap();
    }
}

#[test]
fn a_session_becomes_one_row_and_one_reputation() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = open(folder.path());
    feed(&mut pipeline, &session(7));
    pipeline.commit().unwrap();
    let Outcome { sessions, addresses } = outcome(folder.path());
    let [row] = &sessions[..] else { panic!("{sessions:?}") };
    assert_eq!((row.events, row.logins, row.commands, &*row.ended_by, &*row.protocol), (4, 1, 1, "peer", "ssh"));
    assert_eq!((row.start, row.end), (Timestamp(TIME), Timestamp(TIME + 3_000_000)));
    let found: Vec<_> = pipeline.vocabulary.catalog().primitives_in(&session(7)[2]).iter().map(|id| (id.to_string(), 1)).collect();
    assert!(!found.is_empty());
    assert_eq!(row.primitives, found);
    assert_eq!(addresses[&row.source], (1, 4, vec![(format!("behavior:{}", row.behavior), 1)]));
    assert!(pipeline.open.len() == 0);
}

#[test]
fn a_clock_that_was_set_back_ends_no_session_early() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = open(folder.path());
    let at = |who: u8, seconds: i64| {
        let mut event = session(who)[0].clone();
        event.time = Timestamp(TIME + seconds * 1_000_000);
        event
    };
    let received = now();
    let step = |pipeline: &mut Pipeline, sequence, event: Event| pipeline.step(1, sequence, event.time.day(), &event, received).unwrap();
    step(&mut pipeline, 1, at(1, 6 * 3600));
    step(&mut pipeline, 2, at(2, 0));
    pipeline.sweep().unwrap();
    assert_eq!(pipeline.open.len(), 2, "six hours behind the stream, and under way");
    pipeline.commit().unwrap();
    drop(pipeline);
    let mut pipeline = open(folder.path());
    pipeline.sweep().unwrap();
    assert_eq!(pipeline.open.len(), 2, "after a restart, too");
    step(&mut pipeline, 3, at(3, 6 * 3600 + 1801));
    pipeline.sweep().unwrap();
    assert_eq!(pipeline.open.len(), 1, "the stream went on by more than the idle time");
}

#[test]
fn a_clock_far_ahead_does_not_make_an_address_recent_for_years() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = open(folder.path());
    let mut events = session(7);
    events.iter_mut().for_each(|event| event.time = now().plus(Duration::from_secs(400 * 86_400)));
    feed(&mut pipeline, &events);
    pipeline.commit().unwrap();
    let known = SqliteStateReader::new(&folder.path().join("state.sqlite"));
    let mut last_seen = None;
    known
        .reputations(&mut |_, body| {
            last_seen = Some(Reputation::decode(body).unwrap().last_seen);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(last_seen.unwrap() <= now());
}

#[test]
fn late_events_count_and_change_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = open(folder.path());
    let mut events = session(7);
    let late = testing::command(7, "wget http://198.51.100.9/x");
    events.push(late.clone());
    feed(&mut pipeline, &events);
    pipeline.commit().unwrap();
    let before = outcome(folder.path());
    // One came before the commit, one after it, and one after a restart.
    pipeline.step(1, 6, late.time.day() + 1, &late, late.time).unwrap();
    pipeline.commit().unwrap();
    drop(pipeline);
    let mut pipeline = open(folder.path());
    pipeline.step(1, 7, late.time.day(), &late, late.time).unwrap();
    pipeline.commit().unwrap();
    let after = outcome(folder.path());
    assert_eq!((before.sessions[0].events, after.sessions[0].events), (5, 7));
    assert_eq!(after.sessions[0].last_day, late.time.day() + 1);
    assert_eq!(after.sessions[0].behavior, before.sessions[0].behavior);
    let address = after.sessions[0].source;
    assert_eq!((after.addresses[&address].0, after.addresses[&address].1), (1, 7));
    assert_eq!(after.addresses[&address].2, before.addresses[&address].2);
}

#[test]
fn a_session_is_over_when_its_sensors_stream_has_moved_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = open(folder.path());
    let begin = |n: u8, at: i64| {
        session(n)[..3].iter().map(|e| Event { time: Timestamp(e.time.0 + at * 1_000_000), ..e.clone() }).collect::<Vec<_>>()
    };
    let received = now();
    let mut sequence = 0;
    let mut send = |pipeline: &mut Pipeline, events: Vec<Event>| {
        for event in events {
            sequence += 1;
            pipeline.step(1, sequence, event.time.day(), &event, received).unwrap();
        }
        pipeline.sweep().unwrap();
    };
    send(&mut pipeline, begin(1, 0));
    send(&mut pipeline, begin(2, 1700));
    assert_eq!(pipeline.open.len(), 2, "1700 s are not idle");
    // A clock that jumps two years ahead, or back, moves nothing.
    send(&mut pipeline, vec![event(3, 2 * 365 * 86_400, model::Detail::Command { line: "w".into() })]);
    send(&mut pipeline, vec![event(4, -365 * 86_400, model::Detail::Command { line: "w".into() })]);
    assert!(pipeline.open.contains(SessionKey { sensor: 1, session: testing::event(2, 0, session(2)[0].detail.clone()).session }));
    send(&mut pipeline, begin(5, 1900));
    let ended = |pipeline: &mut Pipeline| -> Vec<(u8, String)> {
        pipeline.commit().unwrap();
        outcome(folder.path()).sessions.into_iter().map(|row| (row.key.session.0.as_bytes()[0], row.ended_by)).collect()
    };
    let idle = |list: &[u8]| list.iter().map(|n| (*n, "idle".to_owned())).collect::<Vec<_>>();
    assert_eq!(ended(&mut pipeline), idle(&[1]), "the fourth has only begun, whatever its clock says");
    send(&mut pipeline, begin(6, 3600));
    assert_eq!(ended(&mut pipeline), idle(&[1, 2, 3, 4]), "the stream has moved on from all of them, whatever their own clocks said");
}

#[test]
fn too_many_sessions_at_once_end_those_silent_longest() {
    let mut open = OpenSessions::load(Vec::new(), IDLE, 20, Timestamp(0)).unwrap();
    for n in 0..20u8 {
        let event = &session(n)[0];
        let key = SessionKey { sensor: 1, session: event.session };
        assert!(open.make_room().is_empty());
        open.insert(key, OpenSession::new(event, 0), Timestamp(i64::from(n)));
    }
    let ended: Vec<_> = open.make_room().iter().map(|(key, _)| key.session.0.as_bytes()[0]).collect();
    assert_eq!(ended, [0, 1, 2]);
    assert_eq!(open.len(), 17);
}

/// A state whose commits fail for a while, as on a full disk.
struct Failing {
    state: SqliteState,
    failures: Arc<AtomicU64>,
}

impl State for Failing {
    fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        if self.failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::Full);
        }
        self.state.commit(commit)
    }
    fn cursors(&mut self) -> Result<Vec<(SensorNumber, Cursor)>, StoreError> {
        self.state.cursors()
    }
    fn open_sessions(&mut self) -> Result<Vec<OpenRow>, StoreError> {
        self.state.open_sessions()
    }
    fn is_judged(&mut self, key: SessionKey) -> Result<bool, StoreError> {
        self.state.is_judged(key)
    }
    fn drop_sessions_before(&mut self, day: Day, limit: usize) -> Result<usize, StoreError> {
        self.state.drop_sessions_before(day, limit)
    }
}

#[test]
fn a_full_disk_is_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let failures = Arc::new(AtomicU64::new(2));
    let mut pipeline = open_with(folder.path(), |state| Box::new(Failing { state, failures: failures.clone() }));
    feed(&mut pipeline, &session(7));
    pipeline.commit().unwrap();
    assert_eq!(failures.load(Relaxed), 0);
    assert!(!pipeline.status.state_failing.load(Relaxed));
    assert_eq!(outcome(folder.path()).sessions.len(), 1);

    // A hub that stops meanwhile does not wait: the log has everything.
    failures.store(u64::MAX, Relaxed);
    pipeline.stopping.store(true, Relaxed);
    let events: Vec<_> = session(7).into_iter().chain(session(8)).collect();
    feed(&mut pipeline, &events);
    assert!(matches!(pipeline.commit(), Err(Halt::Stopping)));
}

/// Several sensors' sessions, interleaved.
fn traffic(order: &[u8]) -> Vec<Event> {
    let mut left: BTreeMap<u8, std::vec::IntoIter<Event>> = BTreeMap::new();
    let mut events = Vec::new();
    for n in order {
        let source = IpAddr::from([198, 51, 100, n % 3]);
        if let Some(event) = left.entry(*n).or_insert_with(|| session(*n).into_iter()).next() {
            events.push(Event { source, ..event });
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The process dies at random moments, with effects committed up to random events; the log says the rest.
    #[test]
    fn every_effect_happens_exactly_once(
        order in prop::collection::vec(0..12u8, 10..90),
        commits in prop::collection::btree_set(0..90usize, 0..8),
        crashes in prop::collection::btree_set(0..90usize, 0..6),
    ) {
        let events = traffic(&order);
        let (calm, wild) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [&calm, &wild] {
            let mut log = SqliteEventLog::open(&folder.path().join("events")).unwrap();
            let bodies: Vec<_> = events.iter().map(model::wire::encode_event).collect();
            let mut rows = (1..).zip(&events).zip(&bodies).map(|((sequence, event), body)| EventRow {
                sensor: 1, sequence, time: event.time, session: event.session, body,
            });
            log.append(TIME / 86_400_000_000, &mut rows, &[]).unwrap();
        }
        let last = events.len() as u64;
        let mut pipeline = open(calm.path());
        pipeline.catch_up(&[(1, last)]).unwrap();
        drop(pipeline);

        let mut pipeline = open(wild.path());
        for (index, event) in events.iter().enumerate() {
            pipeline.step(1, index as u64 + 1, event.time.day(), event, event.time).unwrap();
            if commits.contains(&index) {
                pipeline.commit().unwrap();
            }
            if crashes.contains(&index) {
                drop(pipeline);
                pipeline = open(wild.path());
                pipeline.catch_up(&[(1, index as u64 + 1)]).unwrap();
            }
        }
        pipeline.commit().unwrap();
        prop_assert_eq!(outcome(wild.path()), outcome(calm.path()));
        prop_assert_eq!(pipeline.open.len(), open(calm.path()).open.len());
    }
}
