//! The state in one SQLite file.
//!
//! It is synced at checkpoints only: a power cut takes back the last commits whole, cursors included, and the pipeline reads those events again
//! from the log. (A checkpoint that is ahead of the event log cannot be: an event is durable before the pipeline sees it.)

use super::{Durability, address_bytes, address_from, open_reader, open_writer};
use crate::state::{Commit, Cursor, OpenRow, SessionFilter, SessionKey, SessionRow, State, StateReader};
use crate::{Day, NameId, SensorNumber, StoreError};
use model::{SessionId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const MIGRATIONS: &[&str] = &["
    CREATE TABLE cursors (sensor INTEGER PRIMARY KEY, through INTEGER NOT NULL, stream_time INTEGER NOT NULL);
    CREATE TABLE sessions (
        session BLOB NOT NULL, sensor INTEGER NOT NULL, source BLOB NOT NULL, protocol TEXT NOT NULL,
        start INTEGER NOT NULL, end INTEGER NOT NULL, ended_by TEXT NOT NULL,
        behavior TEXT NOT NULL, severity TEXT NOT NULL, classified INTEGER NOT NULL,
        primitives TEXT NOT NULL, -- JSON: [[id, count], …]
        events INTEGER NOT NULL, logins INTEGER NOT NULL, commands INTEGER NOT NULL, files INTEGER NOT NULL, fetches INTEGER NOT NULL,
        first_day INTEGER NOT NULL, last_day INTEGER NOT NULL,
        PRIMARY KEY (session, sensor)
    ) WITHOUT ROWID;
    CREATE INDEX sessions_start ON sessions (start);
    CREATE INDEX sessions_source ON sessions (source, start);
    CREATE TABLE open_sessions (session BLOB NOT NULL, sensor INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (session, sensor)) WITHOUT ROWID;
    CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE reputations (address BLOB PRIMARY KEY, last_seen INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
"];

const SESSION_COLUMNS: &str = "session, sensor, source, protocol, start, end, ended_by, behavior, severity, classified, primitives, \
                               events, logins, commands, files, fetches, first_day, last_day";

/// Connections kept for readers; more may be open at once, they are then closed after use.
const READERS_KEPT_MAX: usize = 8;

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

fn session_id(bytes: &[u8]) -> Result<SessionId, StoreError> {
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| StoreError::Damaged { what: "a session id" })?;
    Ok(SessionId(uuid::Uuid::from_bytes(bytes)))
}

/// The writing side.
pub struct SqliteState {
    connection: Connection,
}

impl SqliteState {
    /// Opens (makes) the database.
    ///
    /// # Errors
    /// When it cannot be opened, or is of a newer version.
    pub fn open(path: &Path) -> Result<SqliteState, StoreError> {
        let connection = open_writer(path, Durability::Checkpoint, MIGRATIONS)?;
        connection.pragma_update(None, "cache_size", -65_536)?; // KiB
        connection.pragma_update(None, "wal_autocheckpoint", 8192)?;
        Ok(SqliteState { connection })
    }
}

fn apply(transaction: &Transaction<'_>, commit: &Commit) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO names (id, name) VALUES (?1, ?2)")?;
    for (id, name) in &commit.names {
        insert.execute(params![id, name])?;
    }
    let mut put = transaction.prepare_cached("INSERT OR REPLACE INTO open_sessions (session, sensor, body) VALUES (?1, ?2, ?3)")?;
    for open in &commit.open {
        put.execute(params![open.key.session.0.as_bytes(), open.key.sensor, open.body])?;
    }
    let mut put = transaction.prepare_cached(&format!(
        "INSERT INTO sessions ({SESSION_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) \
         ON CONFLICT (session, sensor) DO NOTHING"
    ))?;
    let mut close = transaction.prepare_cached("DELETE FROM open_sessions WHERE session = ?1 AND sensor = ?2")?;
    for row in &commit.sessions {
        let primitives = serde_json::to_string(&row.primitives).map_err(|_| StoreError::Damaged { what: "a list of primitives" })?;
        put.execute(params![
            row.key.session.0.as_bytes(),
            row.key.sensor,
            address_bytes(row.source),
            row.protocol,
            row.start.0,
            row.end.0,
            row.ended_by,
            row.behavior,
            row.severity.name(),
            row.classified,
            primitives,
            int(row.events),
            int(row.logins),
            int(row.commands),
            int(row.files),
            int(row.fetches),
            row.first_day,
            row.last_day,
        ])?;
        close.execute(params![row.key.session.0.as_bytes(), row.key.sensor])?;
    }
    let mut add = transaction
        .prepare_cached("UPDATE sessions SET events = events + ?3, last_day = max(last_day, ?4) WHERE session = ?1 AND sensor = ?2")?;
    for late in &commit.late {
        add.execute(params![late.key.session.0.as_bytes(), late.key.sensor, int(late.events), late.last_day])?;
    }
    let mut put = transaction.prepare_cached("INSERT OR REPLACE INTO reputations (address, last_seen, body) VALUES (?1, ?2, ?3)")?;
    for row in &commit.reputations {
        put.execute(params![address_bytes(row.address), row.last_seen.0, row.body])?;
    }
    let mut put = transaction.prepare_cached("INSERT OR REPLACE INTO cursors (sensor, through, stream_time) VALUES (?1, ?2, ?3)")?;
    for (sensor, cursor) in &commit.cursors {
        put.execute(params![sensor, int(cursor.through), cursor.stream_time.0])?;
    }
    Ok(())
}

impl State for SqliteState {
    fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        apply(&transaction, commit)?;
        transaction.commit()?;
        Ok(())
    }

    fn cursors(&mut self) -> Result<Vec<(SensorNumber, Cursor)>, StoreError> {
        let mut select = self.connection.prepare("SELECT sensor, through, stream_time FROM cursors")?;
        let rows =
            select.query_map([], |row| Ok((row.get(0)?, Cursor { through: count(row, 1)?, stream_time: Timestamp(row.get(2)?) })))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn open_sessions(&mut self) -> Result<Vec<OpenRow>, StoreError> {
        let mut select = self.connection.prepare("SELECT session, sensor, body FROM open_sessions")?;
        let mut rows = select.query([])?;
        let mut open = Vec::new();
        while let Some(row) = rows.next()? {
            let session = session_id(&row.get::<_, Vec<u8>>(0)?)?;
            open.push(OpenRow { key: SessionKey { sensor: row.get(1)?, session }, body: row.get(2)? });
        }
        Ok(open)
    }

    fn is_judged(&mut self, key: SessionKey) -> Result<bool, StoreError> {
        let mut select = self.connection.prepare_cached("SELECT 1 FROM sessions WHERE session = ?1 AND sensor = ?2")?;
        Ok(select.exists(params![key.session.0.as_bytes(), key.sensor])?)
    }

    fn drop_sessions_before(&mut self, day: Day, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let dropped = self.connection.execute(
            "DELETE FROM sessions WHERE (session, sensor) IN (SELECT session, sensor FROM sessions WHERE last_day < ?1 LIMIT ?2)",
            params![day, limit],
        )?;
        Ok(dropped)
    }
}

/// The reading side; clones are cheap where it is shared in an `Arc`.
pub struct SqliteStateReader {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteStateReader {
    /// Reads the database that a [`SqliteState`] made.
    pub fn new(path: &Path) -> SqliteStateReader {
        SqliteStateReader { path: path.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let result = work(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS_KEPT_MAX {
            idle.push(connection);
        }
        result
    }
}

fn session_row(row: &Row<'_>) -> Result<SessionRow, StoreError> {
    let primitives: String = row.get(10)?;
    let severity: String = row.get(8)?;
    Ok(SessionRow {
        key: SessionKey { session: session_id(&row.get::<_, Vec<u8>>(0)?)?, sensor: row.get(1)? },
        source: address_from(&row.get::<_, Vec<u8>>(2)?)?,
        protocol: row.get(3)?,
        start: Timestamp(row.get(4)?),
        end: Timestamp(row.get(5)?),
        ended_by: row.get(6)?,
        behavior: row.get(7)?,
        severity: severity.parse().map_err(|_| StoreError::Damaged { what: "a severity" })?,
        classified: row.get(9)?,
        primitives: serde_json::from_str(&primitives).map_err(|_| StoreError::Damaged { what: "a list of primitives" })?,
        events: count(row, 11)?,
        logins: count(row, 12)?,
        commands: count(row, 13)?,
        files: count(row, 14)?,
        fetches: count(row, 15)?,
        first_day: row.get(16)?,
        last_day: row.get(17)?,
    })
}

fn session_rows(connection: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<SessionRow>, StoreError> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(session_row(row)?);
    }
    Ok(found)
}

impl StateReader for SqliteStateReader {
    fn names(&self) -> Result<Vec<(NameId, String)>, StoreError> {
        self.with(|connection| {
            let mut select = connection.prepare("SELECT id, name FROM names ORDER BY id")?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn reputations(&self, visit: &mut dyn FnMut(IpAddr, &[u8]) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.with(|connection| {
            let mut select = connection.prepare("SELECT address, body FROM reputations")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let blob = |column| row.get_ref(column)?.as_blob().map_err(|_| StoreError::Damaged { what: "a reputation" });
                if visit(address_from(blob(0)?)?, blob(1)?).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn sessions(&self, filter: &SessionFilter) -> Result<Vec<SessionRow>, StoreError> {
        let mut sql = format!("SELECT {SESSION_COLUMNS} FROM sessions WHERE 1");
        let mut values: Vec<Value> = Vec::new();
        if let Some(source) = filter.source {
            sql.push_str(" AND source = ?");
            values.push(address_bytes(source).into());
        }
        if let Some(protocol) = &filter.protocol {
            sql.push_str(" AND protocol = ?");
            values.push(protocol.clone().into());
        }
        if let Some(sensors) = &filter.sensors {
            let list = sensors.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let _ = write!(sql, " AND sensor IN ({list})");
        }
        if let Some(after) = &filter.after {
            sql.push_str(" AND (start, session, sensor) < (?, ?, ?)");
            values.push(after.start.0.into());
            values.push(after.session.0.as_bytes().to_vec().into());
            values.push(i64::from(after.sensor).into());
        }
        sql.push_str(" ORDER BY start DESC, session DESC, sensor DESC LIMIT ?");
        values.push(i64::try_from(filter.limit).unwrap_or(i64::MAX).into());
        self.with(|connection| session_rows(connection, &sql, values))
    }

    fn session(&self, session: SessionId) -> Result<Vec<SessionRow>, StoreError> {
        let sql = format!("SELECT {SESSION_COLUMNS} FROM sessions WHERE session = ? ORDER BY sensor");
        self.with(|connection| session_rows(connection, &sql, vec![session.0.as_bytes().to_vec().into()]))
    }

    fn session_count(&self) -> Result<u64, StoreError> {
        self.with(|connection| {
            let found = connection.query_row("SELECT count(*) FROM sessions", [], |row| count(row, 0)).optional()?;
            Ok(found.unwrap_or(0))
        })
    }
}
