//! From events to sessions to reputations: one thread, in the order of the event log.
//!
//! Everything it decides is committed with the position it has read to, at most [`COMMIT_WAIT`] apart, so that after any crash it goes on from
//! the last commit by reading the log, and every event has its effect exactly once. While a commit fails (a full disk) it stands still and
//! tries again; batches then wait, and nothing is lost.

mod effects;
mod open;
mod session;

#[cfg(test)]
mod tests;

use crate::ingest::Handed;
use crate::reputation::{Index, Vocabulary};
use crate::status::{Status, now};
use effects::Effects;
use model::{Detail, Event, Timestamp};
use open::OpenSessions;
use session::OpenSession;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use store::{Cursor, Day, EventReader, SensorNumber, SessionKey, State, StoreError};

/// Effects wait at most so long for their commit.
const COMMIT_WAIT: Duration = Duration::from_millis(200);
/// They are committed earlier when there are so many events.
const COMMIT_EVENTS_MAX: u64 = 50_000;
/// Sessions gone silent are looked for this often.
const SWEEP_WAIT: Duration = Duration::from_secs(1);
/// The pause before a failed commit is tried again.
const RETRY_WAIT: Duration = Duration::from_secs(1);
/// Events read from the log at a time after a restart.
const REPLAY_EVENTS: usize = 10_000;
/// An event of a clock further ahead than this does not move its sensor's stream.
const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Sessions forgotten at a time, so that the pipeline never stands still for long.
const DROP_SESSIONS: usize = 10_000;

/// What the pipeline works with.
pub struct Parts {
    /// Where effects go.
    pub state: Box<dyn State>,
    /// Where events are read again.
    pub log: Arc<dyn EventReader>,
    /// Names and catalog.
    pub vocabulary: Arc<Vocabulary>,
    /// What `check` answers from.
    pub index: Arc<Index>,
    /// What is said of it.
    pub status: Arc<Status>,
    /// A session without an event for so long, by its sensor's stream, is over.
    pub idle: Duration,
    /// Sessions under way at once.
    pub open_max: usize,
    /// Set when the hub stops: a failing commit is then given up, because the log has everything.
    pub stopping: Arc<AtomicBool>,
}

/// The thread's state.
pub struct Pipeline {
    state: Box<dyn State>,
    log: Arc<dyn EventReader>,
    vocabulary: Arc<Vocabulary>,
    status: Arc<Status>,
    stopping: Arc<AtomicBool>,
    open: OpenSessions,
    cursors: HashMap<SensorNumber, Cursor>,
    effects: Effects,
    drop_before: Option<Day>,
}

/// Why the pipeline cannot go on.
#[derive(Debug)]
enum Halt {
    /// The hub is stopping while a commit fails.
    Stopping,
    /// The database cannot be read.
    Broken(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Halt::Broken(error)
    }
}

/// What the pipeline is given to do.
pub enum Work {
    /// Durable events.
    Events(Handed),
    /// Forget sessions filed before this day.
    Drop(Day),
}

impl Pipeline {
    /// Goes on from the last commit.
    pub fn open(mut parts: Parts) -> Result<Pipeline, StoreError> {
        let cursors = parts.state.cursors()?.into_iter().collect();
        let open = OpenSessions::load(parts.state.open_sessions()?, parts.idle, parts.open_max, now())?;
        parts.status.open_sessions.store(open.len() as u64, Relaxed);
        Ok(Pipeline {
            state: parts.state,
            log: parts.log,
            effects: Effects::new(parts.vocabulary.clone(), parts.index, parts.status.clone()),
            vocabulary: parts.vocabulary,
            status: parts.status,
            stopping: parts.stopping,
            open,
            cursors,
            drop_before: None,
        })
    }

    /// How far it has read each sensor's events.
    pub fn positions(&self) -> impl Iterator<Item = (SensorNumber, u64)> {
        self.cursors.iter().map(|(sensor, cursor)| (*sensor, cursor.through))
    }

    /// Reads what the log has beyond the last commit, up to these positions, then works until the senders are gone.
    pub fn run(mut self, positions: Vec<(SensorNumber, u64)>, work: &Receiver<Work>) {
        let result = self.catch_up(&positions).and_then(|()| self.follow(work));
        match result {
            Ok(()) => {}
            Err(Halt::Stopping) => {
                tracing::warn!("stopped with effects that could not be committed: they follow from the log at the next start")
            }
            Err(Halt::Broken(error)) => {
                tracing::error!(%error, "the pipeline cannot go on: events are stored, but not judged until a restart")
            }
        }
    }

    fn catch_up(&mut self, positions: &[(SensorNumber, u64)]) -> Result<(), Halt> {
        for &(sensor, last) in positions {
            let mut read = self.cursors.get(&sensor).map_or(0, |cursor| cursor.through);
            let mut count = 0u64;
            while read < last {
                let events = self.log.after(sensor, read, REPLAY_EVENTS)?;
                let Some(end) = events.last().map(|event| event.sequence) else { break };
                let time = now();
                for stored in events.into_iter().take_while(|stored| stored.sequence <= last) {
                    count += 1;
                    match model::wire::decode_event(&stored.body) {
                        Ok(event) => self.step(sensor, stored.sequence, stored.day, &event, time)?,
                        // It was decoded before it was stored: only an older version's event can get here.
                        Err(_) => tracing::warn!(sensor, sequence = stored.sequence, "a stored event cannot be read; it is left out"),
                    }
                }
                read = end;
                self.commit()?;
            }
            if count > 0 {
                tracing::info!(sensor, events = count, "events were read again from the log");
            }
        }
        Ok(())
    }

    fn follow(&mut self, work: &Receiver<Work>) -> Result<(), Halt> {
        let mut commit_at = Instant::now() + COMMIT_WAIT;
        let mut sweep_at = Instant::now() + SWEEP_WAIT;
        loop {
            let wait = if self.effects.is_empty() { sweep_at } else { commit_at.min(sweep_at) };
            match work.recv_timeout(wait.saturating_duration_since(Instant::now())) {
                Ok(Work::Events(handed)) => {
                    if self.effects.is_empty() {
                        commit_at = Instant::now() + COMMIT_WAIT;
                    }
                    self.status.working_on_us.store(handed.received.0, Relaxed);
                    let events = handed.events.len() as u64;
                    for (sequence, day, event) in &handed.events {
                        self.step(handed.sensor, *sequence, *day, event, handed.received)?;
                    }
                    self.status.processed.fetch_add(events, Relaxed);
                    if self.status.backlog_events() == 0 {
                        self.status.working_on_us.store(0, Relaxed);
                    }
                }
                Ok(Work::Drop(day)) => self.drop_before = Some(day),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.commit(),
            }
            let time = Instant::now();
            if time >= sweep_at {
                self.sweep()?;
                sweep_at = time + SWEEP_WAIT;
            }
            if !self.effects.is_empty() && (time >= commit_at || self.effects.events() >= COMMIT_EVENTS_MAX) {
                self.commit()?;
            }
        }
    }

    /// One event's effect.
    fn step(&mut self, sensor: SensorNumber, sequence: u64, day: Day, event: &Event, received: Timestamp) -> Result<(), Halt> {
        let cursor = self.cursors.entry(sensor).or_default();
        if sequence <= cursor.through {
            return Ok(());
        }
        cursor.through = sequence;
        if event.time > cursor.stream_time && event.time <= received.plus(CLOCK_AHEAD_MAX) {
            cursor.stream_time = event.time;
        }
        let stream_time = cursor.stream_time;
        self.effects.advance(sensor, *cursor);
        let key = SessionKey { sensor, session: event.session };
        if !self.open.contains(key) {
            if self.effects.judged(key) || self.state.is_judged(key)? {
                self.effects.late(key, day, event);
                return Ok(());
            }
            for (key, session) in self.open.make_room() {
                self.effects.judge(key, session, "limit");
            }
            self.open.insert(key, OpenSession::new(event, day), received);
        }
        let Some(session) = self.open.get_mut(key, received) else { return Ok(()) };
        session.absorb(self.vocabulary.catalog(), event, day);
        session.stream_time = stream_time;
        if let Detail::Close { reason, .. } = &event.detail {
            let reason = reason.clone();
            if let Some(session) = self.open.remove(key) {
                self.effects.judge(key, session, &reason);
            }
        }
        Ok(())
    }

    /// Judges sessions that have gone silent, and forgets old ones.
    fn sweep(&mut self) -> Result<(), Halt> {
        let stream_time = |sensor| self.cursors.get(&sensor).map_or(Timestamp::default(), |cursor| cursor.stream_time);
        for (key, session) in self.open.silent(stream_time, now()) {
            self.effects.judge(key, session, "idle");
        }
        self.status.open_sessions.store(self.open.len() as u64, Relaxed);
        if let Some(day) = self.drop_before {
            match self.state.drop_sessions_before(day, DROP_SESSIONS) {
                Ok(dropped) => {
                    self.status.sessions.fetch_sub(dropped as u64, Relaxed);
                    if dropped < DROP_SESSIONS {
                        self.drop_before = None;
                    }
                }
                Err(error) => tracing::warn!(%error, "old sessions could not be forgotten; it is tried again"),
            }
        }
        Ok(())
    }

    /// Makes the effects so far permanent; stands still while that fails.
    fn commit(&mut self) -> Result<(), Halt> {
        if self.effects.is_empty() {
            return Ok(());
        }
        let commit = self.effects.take(&mut self.open);
        loop {
            match self.state.commit(&commit) {
                Ok(()) => {
                    if self.status.state_failing.swap(false, Relaxed) {
                        tracing::info!("effects are committed again");
                    }
                    self.status.sessions.fetch_add(commit.sessions.len() as u64, Relaxed);
                    metrics::counter!("honeyguide_hub_sessions_judged_total").increment(commit.sessions.len() as u64);
                    self.effects.committed();
                    return Ok(());
                }
                Err(error) => {
                    if !self.status.state_failing.swap(true, Relaxed) {
                        tracing::error!(%error, "effects cannot be committed; the pipeline waits and tries again");
                    }
                    if self.stopping.load(Relaxed) {
                        return Err(Halt::Stopping);
                    }
                    std::thread::sleep(RETRY_WAIT);
                }
            }
        }
    }
}
