//! The interface of the state: what the pipeline made of the event log, and how far it has read.

use crate::{Day, NameId, SensorNumber, StoreError};
use model::{SessionId, Severity, Timestamp};
use std::net::IpAddr;
use std::ops::ControlFlow;

/// How far the pipeline has read one sensor's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Every event up to and including this sequence has had its effect.
    pub through: u64,
    /// The latest event time believed; idle sessions are recognised by it.
    pub stream_time: Timestamp,
}

/// What identifies a session inside this hub. Two sensors that name the same id have two sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The sensor.
    pub sensor: SensorNumber,
    /// The id that it gave.
    pub session: SessionId,
}

/// A judged session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// Which.
    pub key: SessionKey,
    /// The attacker.
    pub source: IpAddr,
    /// What it spoke, by name.
    pub protocol: String,
    /// The time of its first event.
    pub start: Timestamp,
    /// The time of its last event.
    pub end: Timestamp,
    /// How it ended: the close event's reason, or `idle` when none came.
    pub ended_by: String,
    /// The behavior's stable id.
    pub behavior: String,
    /// How bad that is.
    pub severity: Severity,
    /// Whether it has a name: a behavior's or a built-in's. Otherwise it waits for an editor.
    pub classified: bool,
    /// Every primitive found, by id, with how often.
    pub primitives: Vec<(String, u64)>,
    /// Events, those that came after the judgement included.
    pub events: u64,
    /// Credentials presented.
    pub logins: u64,
    /// Command lines.
    pub commands: u64,
    /// Files left.
    pub files: u64,
    /// URLs the host was asked to get.
    pub fetches: u64,
    /// The first day of the event log that holds events of it.
    pub first_day: Day,
    /// The last such day.
    pub last_day: Day,
}

/// Events that came for a session after it was judged: they are counted, and change nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateEvents {
    /// Which.
    pub key: SessionKey,
    /// How many more.
    pub events: u64,
    /// The latest day that one was filed under.
    pub last_day: Day,
}

/// A session under way, so that a restart goes on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRow {
    /// Which.
    pub key: SessionKey,
    /// The pipeline's own form.
    pub body: Vec<u8>,
}

/// An address' reputation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReputationRow {
    /// Canonical.
    pub address: IpAddr,
    /// The last activity, from any source; retention goes by it.
    pub last_seen: Timestamp,
    /// See [`crate::Reputation::encode`].
    pub body: Vec<u8>,
}

/// A set of effects, and the position in the log that they bring the state to.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// New positions.
    pub cursors: Vec<(SensorNumber, Cursor)>,
    /// Sessions judged; they cease to be open.
    pub sessions: Vec<SessionRow>,
    /// Late events.
    pub late: Vec<LateEvents>,
    /// Sessions under way that changed.
    pub open: Vec<OpenRow>,
    /// Reputations that changed, whole.
    pub reputations: Vec<ReputationRow>,
    /// Names that are new in those.
    pub names: Vec<(NameId, String)>,
}

/// Which sessions to list, newest start first.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Only from this address.
    pub source: Option<IpAddr>,
    /// Only this protocol.
    pub protocol: Option<String>,
    /// Only these sensors.
    pub sensors: Option<Vec<SensorNumber>>,
    /// Only those after this place in the list.
    pub after: Option<SessionPosition>,
    /// At most so many.
    pub limit: usize,
}

/// A place in a list of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPosition {
    /// The start of the session there.
    pub start: Timestamp,
    /// Its id.
    pub session: SessionId,
    /// Its sensor.
    pub sensor: SensorNumber,
}

/// The writing side of the state; the pipeline has it.
pub trait State: Send {
    /// Applies a set of effects, all or none.
    ///
    /// # Errors
    /// [`StoreError::Full`] and others; then nothing of it was applied, and the same commit may be tried again.
    fn commit(&mut self, commit: &Commit) -> Result<(), StoreError>;

    /// How far each sensor's events were read.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn cursors(&mut self) -> Result<Vec<(SensorNumber, Cursor)>, StoreError>;

    /// The sessions under way at the last commit.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn open_sessions(&mut self) -> Result<Vec<OpenRow>, StoreError>;

    /// Whether a session was judged.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn is_judged(&mut self, key: SessionKey) -> Result<bool, StoreError>;

    /// Forgets up to `limit` sessions whose last event was filed before `day`; returns how many.
    ///
    /// # Errors
    /// As for `commit`.
    fn drop_sessions_before(&mut self, day: Day, limit: usize) -> Result<usize, StoreError>;
}

/// The reading side of the state.
pub trait StateReader: Send + Sync {
    /// Every name, by id.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn names(&self) -> Result<Vec<(NameId, String)>, StoreError>;

    /// Shows every reputation to `visit`, until it breaks off.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn reputations(&self, visit: &mut dyn FnMut(IpAddr, &[u8]) -> ControlFlow<()>) -> Result<(), StoreError>;

    /// Sessions, newest start first.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn sessions(&self, filter: &SessionFilter) -> Result<Vec<SessionRow>, StoreError>;

    /// The sessions that have this id: one, unless two sensors gave the same.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn session(&self, session: SessionId) -> Result<Vec<SessionRow>, StoreError>;

    /// How many sessions were judged and are still remembered.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn session_count(&self) -> Result<u64, StoreError>;
}
