//! The event log in one SQLite file a day, `events-YYYY-MM-DD.sqlite`.
//!
//! The key of an event is one integer, the sensor's number above its sequence: the narrowest b-tree that SQLite has, and a resend is found
//! by it. The only other index finds the events of one session. Each append is one transaction of one file, synced before it returns.

use super::{Durability, open_reader, open_writer};
use crate::events::{EventLog, EventReader, EventRow, RejectedRow, SEQUENCE_MAX, SensorNumber, StoredEvent};
use crate::{Day, StoreError};
use model::{SessionId, Timestamp};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

const MIGRATIONS: &[&str] = &["
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,   -- sensor << 40 | sequence
        time INTEGER NOT NULL,    -- microseconds since 1970 UTC, by the sensor's clock
        session BLOB NOT NULL,    -- 16 bytes
        body BLOB NOT NULL        -- the event in MessagePack, as received
    );
    CREATE INDEX events_session ON events (session);
    CREATE TABLE rejected (
        id INTEGER PRIMARY KEY,   -- as above
        received INTEGER NOT NULL,
        reason TEXT NOT NULL,
        body BLOB NOT NULL
    );
"];

/// Files kept open for writing. Events of more days than this at once are an import or a sensor's wrong clock; they work, slower.
const WRITERS_MAX: usize = 4;

/// Pages in the write-ahead log before they are copied into the file: fewer, larger copies (64 MiB) cost less than the default's 4 MiB.
const CHECKPOINT_PAGES: i64 = 16_384;

fn key(sensor: SensorNumber, sequence: u64) -> i64 {
    let sequence = i64::try_from(sequence.min(SEQUENCE_MAX)).unwrap_or(i64::MAX);
    (i64::from(sensor & 0x7f_ffff) << 40) | sequence
}

fn unkey(id: i64) -> (SensorNumber, u64) {
    (SensorNumber::try_from(id >> 40).unwrap_or(0), id.unsigned_abs() & SEQUENCE_MAX)
}

fn file_name(day: Day) -> String {
    let time = Timestamp::from_seconds(day.saturating_mul(86_400)).to_string();
    format!("events-{}.sqlite", time.get(..10).unwrap_or(&time))
}

fn day_of(name: &str) -> Option<Day> {
    let date = name.strip_prefix("events-")?.strip_suffix(".sqlite")?;
    Timestamp::parse(&format!("{date}T00:00:00Z")).map(Timestamp::day)
}

/// The writing side.
pub struct SqliteEventLog {
    folder: PathBuf,
    writers: BTreeMap<Day, Connection>,
    pages_max: Option<u32>,
}

impl SqliteEventLog {
    /// Opens (makes) the log in a folder.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path) -> Result<SqliteEventLog, StoreError> {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::File { path: folder.to_owned(), source })?;
        Ok(SqliteEventLog { folder: folder.to_owned(), writers: BTreeMap::new(), pages_max: None })
    }

    /// Bounds each day's file to so many pages of 4096 bytes; `None` lifts the bound. An append beyond it fails with
    /// [`StoreError::Full`], as on a full disk.
    pub fn limit_pages(&mut self, pages_max: Option<u32>) {
        self.pages_max = pages_max;
        self.writers.clear();
    }

    fn writer(&mut self, day: Day) -> Result<&mut Connection, StoreError> {
        if !self.writers.contains_key(&day) {
            // The oldest goes: events of past days trickle, today's stream.
            while self.writers.len() >= WRITERS_MAX {
                self.writers.pop_first();
            }
            let connection = open_writer(&self.folder.join(file_name(day)), Durability::EachCommit, MIGRATIONS)?;
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            connection.pragma_update(None, "cache_size", -32_768)?; // KiB
            if let Some(pages_max) = self.pages_max {
                connection.pragma_update_and_check(None, "max_page_count", pages_max, |_| Ok(()))?;
            }
            self.writers.insert(day, connection);
        }
        self.writers.get_mut(&day).ok_or(StoreError::Damaged { what: "the list of open files" })
    }
}

impl EventLog for SqliteEventLog {
    fn append(&mut self, day: Day, rows: &mut dyn Iterator<Item = EventRow<'_>>, rejected: &[RejectedRow]) -> Result<(), StoreError> {
        let transaction = self.writer(day)?.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT OR IGNORE INTO events (id, time, session, body) VALUES (?1, ?2, ?3, ?4)")?;
            for row in rows {
                insert.execute(params![key(row.sensor, row.sequence), row.time.0, row.session.0.as_bytes(), row.body])?;
            }
            let mut insert =
                transaction.prepare_cached("INSERT OR IGNORE INTO rejected (id, received, reason, body) VALUES (?1, ?2, ?3, ?4)")?;
            for row in rejected {
                insert.execute(params![key(row.sensor, row.sequence), row.received.0, row.reason, row.body])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn drop_before(&mut self, day: Day) -> Result<Vec<Day>, StoreError> {
        let reader = SqliteEventReader::new(&self.folder);
        let old: Vec<Day> = reader.days()?.into_iter().filter(|d| *d < day).collect();
        for day in &old {
            self.writers.remove(day);
            let path = self.folder.join(file_name(*day));
            for suffix in ["-wal", "-shm", ""] {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                match std::fs::remove_file(&name) {
                    Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                        return Err(StoreError::File { path: name.into(), source });
                    }
                    _ => {}
                }
            }
        }
        Ok(old)
    }
}

/// The reading side. A file is opened for each call: they are few and the calls are not the hot path.
#[derive(Clone)]
pub struct SqliteEventReader {
    folder: PathBuf,
}

impl SqliteEventReader {
    /// Reads the log in this folder.
    pub fn new(folder: &Path) -> SqliteEventReader {
        SqliteEventReader { folder: folder.to_owned() }
    }

    /// `None` when the day's file is not there, or was dropped this moment.
    fn reader(&self, day: Day) -> Result<Option<Connection>, StoreError> {
        let path = self.folder.join(file_name(day));
        if !path.exists() {
            return Ok(None);
        }
        let connection = open_reader(&path)?;
        // A file is made before its tables: a process that died in between left it empty.
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((version > 0).then_some(connection))
    }
}

/// The highest sequence of each sensor in a table, by one seek a sensor.
fn high_water_of(connection: &Connection, table: &str, into: &mut HashMap<SensorNumber, u64>) -> Result<(), StoreError> {
    let mut below = connection.prepare(&format!("SELECT max(id) FROM {table} WHERE id < ?1"))?;
    let mut bound = i64::MAX;
    while let Some(id) = below.query_row([bound], |row| row.get::<_, Option<i64>>(0))? {
        let (sensor, sequence) = unkey(id);
        let highest = into.entry(sensor).or_insert(0);
        *highest = (*highest).max(sequence);
        bound = key(sensor, 0);
    }
    Ok(())
}

impl EventReader for SqliteEventReader {
    fn days(&self) -> Result<Vec<Day>, StoreError> {
        let file = |source| StoreError::File { path: self.folder.clone(), source };
        let mut days = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(file)? {
            if let Some(day) = entry.map_err(file)?.file_name().to_str().and_then(day_of) {
                days.push(day);
            }
        }
        days.sort_unstable();
        Ok(days)
    }

    fn high_water(&self) -> Result<HashMap<SensorNumber, u64>, StoreError> {
        let mut highest = HashMap::new();
        for day in self.days()? {
            if let Some(connection) = self.reader(day)? {
                high_water_of(&connection, "events", &mut highest)?;
                high_water_of(&connection, "rejected", &mut highest)?;
            }
        }
        Ok(highest)
    }

    fn after(&self, sensor: SensorNumber, sequence: u64, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let mut found = Vec::new();
        // Beyond the end of a file that gave a full page, that file may hold more, and what other files have there must wait.
        let mut bound = u64::MAX;
        let page = i64::try_from(limit.max(1)).unwrap_or(i64::MAX);
        for day in self.days()? {
            let Some(connection) = self.reader(day)? else { continue };
            let mut select = connection.prepare("SELECT id, body FROM events WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3")?;
            let mut rows = select.query(params![key(sensor, sequence), key(sensor, SEQUENCE_MAX), page])?;
            let mut count = 0;
            let mut last = 0;
            while let Some(row) = rows.next()? {
                let (sensor, sequence) = unkey(row.get(0)?);
                found.push(StoredEvent { sensor, sequence, day, body: row.get(1)? });
                count += 1;
                last = sequence;
            }
            if count == page {
                bound = bound.min(last);
            }
        }
        found.retain(|event| event.sequence <= bound);
        found.sort_by_key(|event| event.sequence);
        // A crash between two files can leave an event in both: it is one event.
        found.dedup_by_key(|event| event.sequence);
        Ok(found)
    }

    fn session(
        &self,
        sensor: SensorNumber,
        session: SessionId,
        days: RangeInclusive<Day>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut found = Vec::new();
        for day in self.days()?.into_iter().filter(|day| days.contains(day)) {
            let Some(connection) = self.reader(day)? else { continue };
            let left = i64::try_from(limit.saturating_sub(found.len())).unwrap_or(i64::MAX);
            let mut select =
                connection.prepare("SELECT id, body FROM events WHERE session = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY id LIMIT ?4")?;
            let mut rows = select.query(params![session.0.as_bytes(), key(sensor, 0), key(sensor, SEQUENCE_MAX), left])?;
            while let Some(row) = rows.next()? {
                let (sensor, sequence) = unkey(row.get(0)?);
                found.push(StoredEvent { sensor, sequence, day, body: row.get(1)? });
            }
        }
        found.sort_by_key(|event| event.sequence);
        Ok(found)
    }
}

impl SqliteEventReader {
    /// How many events and rejected records a day holds; a scan.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn counts(&self, day: Day) -> Result<(u64, u64), StoreError> {
        let Some(connection) = self.reader(day)? else { return Ok((0, 0)) };
        let count = |table: &str| connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
        Ok((count("events")?.unsigned_abs(), count("rejected")?.unsigned_abs()))
    }
}
