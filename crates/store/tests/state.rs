//! The state: effects are applied all or none, and lists are paged in order.

use model::{SessionId, Severity, Timestamp};
use std::net::IpAddr;
use std::ops::ControlFlow;
use store::*;

fn key(sensor: u32, n: u8) -> SessionKey {
    SessionKey { sensor, session: SessionId(uuid::Uuid::from_bytes([n; 16])) }
}

fn row(sensor: u32, n: u8, source: &str, start: i64) -> SessionRow {
    SessionRow {
        key: key(sensor, n),
        source: source.parse().unwrap(),
        protocol: "ssh".into(),
        start: Timestamp(start),
        end: Timestamp(start + 5),
        ended_by: "peer".into(),
        behavior: "ssh-recon".into(),
        severity: Severity::Medium,
        classified: true,
        primitives: vec![("uname".into(), 2)],
        events: 9,
        logins: 1,
        commands: 2,
        files: 0,
        fetches: 0,
        first_day: 3,
        last_day: 3,
    }
}

fn open(folder: &tempfile::TempDir) -> (SqliteState, SqliteStateReader) {
    let path = folder.path().join("state.sqlite");
    (SqliteState::open(&path).unwrap(), SqliteStateReader::new(&path))
}

#[test]
fn a_commit_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let address: IpAddr = "2001:db8::7".parse().unwrap();
    {
        let (mut state, _) = open(&folder);
        state
            .commit(&Commit {
                open: vec![OpenRow { key: key(1, 1), body: vec![4] }, OpenRow { key: key(2, 1), body: vec![5] }],
                ..Commit::default()
            })
            .unwrap();
        state
            .commit(&Commit {
                cursors: vec![(1, Cursor { through: 44, stream_time: Timestamp(8) })],
                sessions: vec![row(1, 1, "198.51.100.1", 50)],
                reputations: vec![ReputationRow { address, last_seen: Timestamp(9), body: vec![1, 2, 3] }],
                names: vec![(0, "ssh".into())],
                ..Commit::default()
            })
            .unwrap();
        state.commit(&Commit { late: vec![LateEvents { key: key(1, 1), events: 3, last_day: 4 }], ..Commit::default() }).unwrap();
    }
    let (mut state, reader) = open(&folder);
    assert_eq!(state.cursors().unwrap(), [(1, Cursor { through: 44, stream_time: Timestamp(8) })]);
    assert_eq!(state.open_sessions().unwrap(), [OpenRow { key: key(2, 1), body: vec![5] }]);
    assert!(state.is_judged(key(1, 1)).unwrap());
    assert!(!state.is_judged(key(2, 1)).unwrap());
    let expected = SessionRow { events: 12, last_day: 4, ..row(1, 1, "198.51.100.1", 50) };
    assert_eq!(reader.session(key(1, 1).session).unwrap(), [expected]);
    assert_eq!(reader.names().unwrap(), [(0, "ssh".to_owned())]);
    let mut seen = Vec::new();
    reader
        .reputations(&mut |address, body| {
            seen.push((address, body.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, [(address, vec![1, 2, 3])]);
}

#[test]
fn sessions_are_listed_newest_first_and_paged_without_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, reader) = open(&folder);
    // Equal starts, equal ids at two sensors, two sources.
    let sessions = vec![
        row(1, 1, "198.51.100.1", 50),
        row(2, 1, "198.51.100.1", 50),
        row(1, 2, "198.51.100.2", 50),
        row(1, 3, "198.51.100.1", 70),
        row(1, 4, "198.51.100.1", 10),
    ];
    state.commit(&Commit { sessions, ..Commit::default() }).unwrap();
    let mut filter = SessionFilter { limit: 1, ..SessionFilter::default() };
    let mut listed = Vec::new();
    while let Some(last) = reader.sessions(&filter).unwrap().pop() {
        filter.after = Some(SessionPosition { start: last.start, session: last.key.session, sensor: last.key.sensor });
        listed.push((last.start.0, last.key.session.0.as_bytes()[0], last.key.sensor));
    }
    assert_eq!(listed, [(70, 3, 1), (50, 2, 1), (50, 1, 2), (50, 1, 1), (10, 4, 1)]);

    let count = |filter: SessionFilter| reader.sessions(&SessionFilter { limit: 100, ..filter }).unwrap().len();
    assert_eq!(count(SessionFilter { source: Some("198.51.100.2".parse().unwrap()), ..SessionFilter::default() }), 1);
    assert_eq!(count(SessionFilter { sensors: Some(vec![2]), ..SessionFilter::default() }), 1);
    assert_eq!(count(SessionFilter { sensors: Some(vec![]), ..SessionFilter::default() }), 0);
    assert_eq!(count(SessionFilter { protocol: Some("ftp".into()), ..SessionFilter::default() }), 0);
    assert_eq!(state.drop_sessions_before(4, 3).unwrap(), 3);
    assert_eq!(state.drop_sessions_before(4, 3).unwrap(), 2);
    assert_eq!(reader.session_count().unwrap(), 0);
}

#[test]
fn a_token_is_good_once_and_for_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = Accounts::open(&folder.path().join("accounts.sqlite")).unwrap();
    let enrolment = |n: u8| Enrolment { id: model::SensorId(uuid::Uuid::from_bytes([n; 16])), name: "a", persona: "web", version: "1" };
    accounts.add_token("t1", Timestamp(10), Timestamp(20)).unwrap();
    accounts.add_token("t2", Timestamp(10), Timestamp(20)).unwrap();
    assert!(matches!(accounts.enrol("t0", &enrolment(1), "k1", Timestamp(11)), Err(TokenError::Unknown)));
    assert!(matches!(accounts.enrol("t1", &enrolment(1), "k1", Timestamp(20)), Err(TokenError::Expired)));
    let row = accounts.enrol("t2", &enrolment(1), "k1", Timestamp(11)).unwrap();
    assert!(matches!(accounts.enrol("t2", &enrolment(2), "k2", Timestamp(11)), Err(TokenError::Used)));
    assert_eq!(accounts.key_owner("k1").unwrap(), Some(KeyOwner::Sensor(row.number)));
    assert_eq!(accounts.key_owner("k2").unwrap(), None);
    // Nobody can import in the name of a real sensor.
    assert_eq!(accounts.import_sensor("x", row.id, Timestamp(12)).unwrap(), None);
    let import = accounts.import_sensor("x", enrolment(9).id, Timestamp(12)).unwrap().unwrap();
    assert_eq!(accounts.import_sensor("x", enrolment(9).id, Timestamp(13)).unwrap().unwrap().number, import.number);

    let local = accounts.local_sensor("here", enrolment(3).id, Timestamp(12)).unwrap();
    assert_eq!(accounts.local_sensor("here", enrolment(4).id, Timestamp(12)).unwrap(), local);
    accounts.note_deliveries(&[(local.number, Timestamp(30), 7, 2)]).unwrap();
    let noted = accounts.sensors().unwrap().into_iter().find(|s| s.number == local.number).unwrap();
    assert_eq!((noted.last_seen, noted.lost, noted.unsynced), (Some(Timestamp(30)), 7, 2));
}

#[test]
fn another_process_sees_and_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.sqlite");
    let (hub, tool) = (Accounts::open(&path).unwrap(), Accounts::open(&path).unwrap());
    let before = hub.changed_elsewhere().unwrap();
    assert!(!hub.has_admin_key().unwrap());
    tool.add_admin_key("sk_admin_x", Timestamp(1)).unwrap();
    assert_ne!(hub.changed_elsewhere().unwrap(), before);
    assert!(hub.has_admin_key().unwrap());
    assert_eq!(hub.key_owner("sk_admin_x").unwrap(), Some(KeyOwner::Admin));
    assert_eq!(hub.key_owner("sk_admin_y").unwrap(), None);
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    drop(SqliteState::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteState::open(&path), Err(StoreError::Newer { found: 99, .. })));
}
