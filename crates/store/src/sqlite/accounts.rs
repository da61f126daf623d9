//! Keys, enrolment tokens and sensors, in one small SQLite file of which every commit is synced.
//!
//! Secrets are never stored: a key or token is 256 random bits, so one SHA-256 of it suffices and needs no salt. The database may be opened by
//! the command line while a hub runs; [`Accounts::changed_elsewhere`] tells the hub to look again.

use super::{Durability, open_writer};
use crate::{SensorNumber, StoreError};
use model::{SensorId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

const MIGRATIONS: &[&str] = &["
    CREATE TABLE sensors (
        number INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: the event log is keyed by it
        id BLOB NOT NULL UNIQUE,
        name TEXT NOT NULL,
        origin TEXT NOT NULL,     -- local, enrolled or import
        persona TEXT NOT NULL DEFAULT '',
        version TEXT NOT NULL DEFAULT '',
        since INTEGER NOT NULL,
        last_seen INTEGER,
        lost INTEGER NOT NULL DEFAULT 0,
        unsynced INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX sensors_name ON sensors (name);
    CREATE TABLE keys (
        hash BLOB PRIMARY KEY,    -- SHA-256 of the whole key
        kind TEXT NOT NULL,       -- admin or sensor
        sensor INTEGER REFERENCES sensors (number),
        created INTEGER NOT NULL,
        revoked INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE tokens (
        hash BLOB PRIMARY KEY,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        used INTEGER
    ) WITHOUT ROWID;
"];

/// The largest sensor number: with a sequence it must fit one signed 64-bit key.
const SENSOR_NUMBER_MAX: i64 = (1 << 23) - 1;

/// One sensor as the hub knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorRow {
    /// Its number here.
    pub number: SensorNumber,
    /// Its id.
    pub id: SensorId,
    /// What people call it; several may share a name (an import makes one for each file).
    pub name: String,
    /// `local`, `enrolled` or `import`.
    pub origin: String,
    /// The persona that it said it wears.
    pub persona: String,
    /// The version that it said it runs.
    pub version: String,
    /// When it was first known.
    pub since: Timestamp,
    /// When it last delivered.
    pub last_seen: Option<Timestamp>,
    /// Events it said it lost, ever.
    pub lost: u64,
    /// Events it said a power cut may have taken, at most, in its last start.
    pub unsynced: u64,
}

/// Whose a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// The hub's administrator.
    Admin,
    /// One sensor, which may deliver its own events and nothing else.
    Sensor(SensorNumber),
}

/// What a sensor says of itself when it enrols.
#[derive(Clone, Copy, Debug)]
pub struct Enrolment<'a> {
    /// The id the hub gives it.
    pub id: SensorId,
    /// What people call it.
    pub name: &'a str,
    /// Its persona.
    pub persona: &'a str,
    /// Its version.
    pub version: &'a str,
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Never made here, or not by this hub.
    #[error("the enrolment token is unknown to this hub: make one with \"honeyguide hub token new\"")]
    Unknown,
    /// Used before.
    #[error("the enrolment token was used already: make another with \"honeyguide hub token new\"")]
    Used,
    /// Too old.
    #[error("the enrolment token has expired: make another with \"honeyguide hub token new\"")]
    Expired,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for TokenError {
    fn from(error: rusqlite::Error) -> Self {
        TokenError::Store(error.into())
    }
}

/// The accounts.
pub struct Accounts {
    connection: Mutex<Connection>,
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const SENSOR_COLUMNS: &str = "number, id, name, origin, persona, version, since, last_seen, lost, unsynced";

fn sensor_row(row: &Row<'_>) -> rusqlite::Result<SensorRow> {
    let count = |column| row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(SensorRow {
        number: row.get(0)?,
        id: SensorId(uuid::Uuid::from_bytes(row.get(1)?)),
        name: row.get(2)?,
        origin: row.get(3)?,
        persona: row.get(4)?,
        version: row.get(5)?,
        since: Timestamp(row.get(6)?),
        last_seen: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        lost: count(8)?,
        unsynced: count(9)?,
    })
}

fn add_sensor(connection: &Connection, origin: &str, sensor: &Enrolment<'_>, now: Timestamp) -> Result<SensorRow, StoreError> {
    connection.execute(
        "INSERT INTO sensors (id, name, origin, persona, version, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![sensor.id.0.as_bytes(), sensor.name, origin, sensor.persona, sensor.version, now.0],
    )?;
    if connection.last_insert_rowid() > SENSOR_NUMBER_MAX {
        // The caller's transaction is rolled back.
        return Err(StoreError::Full);
    }
    sensor_by_id(connection, sensor.id)?.ok_or(StoreError::Damaged { what: "the list of sensors" })
}

fn sensor_by_id(connection: &Connection, id: SensorId) -> Result<Option<SensorRow>, StoreError> {
    let mut select = connection.prepare_cached(&format!("SELECT {SENSOR_COLUMNS} FROM sensors WHERE id = ?1"))?;
    Ok(select.query_row([id.0.as_bytes()], sensor_row).optional()?)
}

impl Accounts {
    /// Opens (makes) the database.
    ///
    /// # Errors
    /// When it cannot be opened, or is of a newer version.
    pub fn open(path: &Path) -> Result<Accounts, StoreError> {
        Ok(Accounts { connection: Mutex::new(open_writer(path, Durability::EachCommit, MIGRATIONS)?) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that changes when another process has written.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn changed_elsewhere(&self) -> Result<i64, StoreError> {
        Ok(self.connection().pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Whether there is an administrator's key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_admin_key(&self) -> Result<bool, StoreError> {
        Ok(self.connection().prepare("SELECT 1 FROM keys WHERE kind = 'admin' AND revoked IS NULL")?.exists([])?)
    }

    /// Adds an administrator's key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add_admin_key(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        self.connection().execute("INSERT INTO keys (hash, kind, created) VALUES (?1, 'admin', ?2)", params![hash(key), now.0])?;
        Ok(())
    }

    /// Whose key this is; `None` when it is nobody's or was revoked. The database compares hashes: its timing says nothing about the key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn key_owner(&self, key: &str) -> Result<Option<KeyOwner>, StoreError> {
        let connection = self.connection();
        let mut select = connection.prepare_cached("SELECT kind, sensor FROM keys WHERE hash = ?1 AND revoked IS NULL")?;
        let found =
            select.query_row([hash(key)], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<SensorNumber>>(1)?))).optional()?;
        Ok(match found {
            Some((kind, None)) if kind == "admin" => Some(KeyOwner::Admin),
            Some((kind, Some(sensor))) if kind == "sensor" => Some(KeyOwner::Sensor(sensor)),
            _ => None,
        })
    }

    /// Adds an enrolment token.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add_token(&self, secret: &str, now: Timestamp, expires: Timestamp) -> Result<(), StoreError> {
        let connection = self.connection();
        // Old tokens say nothing that the sensors do not; a month of them serves the messages "used" and "expired".
        connection.execute("DELETE FROM tokens WHERE expires < ?1", [now.0.saturating_sub(30 * 86_400_000_000)])?;
        connection.execute("INSERT INTO tokens (hash, created, expires) VALUES (?1, ?2, ?3)", params![hash(secret), now.0, expires.0])?;
        Ok(())
    }

    /// Spends a token for a sensor and its key, all or nothing.
    ///
    /// # Errors
    /// When the token is not (or no longer) good, or the database fails.
    pub fn enrol(&self, secret: &str, sensor: &Enrolment<'_>, key: &str, now: Timestamp) -> Result<SensorRow, TokenError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let token = transaction
            .query_row("SELECT expires, used FROM tokens WHERE hash = ?1", [hash(secret)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
            })
            .optional()?;
        match token {
            None => return Err(TokenError::Unknown),
            Some((_, Some(_))) => return Err(TokenError::Used),
            Some((expires, None)) if expires <= now.0 => return Err(TokenError::Expired),
            Some((_, None)) => {}
        }
        let row = add_sensor(&transaction, "enrolled", sensor, now)?;
        transaction.execute(
            "INSERT INTO keys (hash, kind, sensor, created) VALUES (?1, 'sensor', ?2, ?3)",
            params![hash(key), row.number, now.0],
        )?;
        transaction.execute("UPDATE tokens SET used = ?2 WHERE hash = ?1", params![hash(secret), now.0])?;
        transaction.commit()?;
        Ok(row)
    }

    /// The sensor of this process with this name; made with `id` when there is none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn local_sensor(&self, name: &str, id: SensorId, now: Timestamp) -> Result<SensorRow, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let found = transaction
            .query_row(&format!("SELECT {SENSOR_COLUMNS} FROM sensors WHERE origin = 'local' AND name = ?1"), [name], sensor_row)
            .optional()?;
        let row = match found {
            Some(row) => row,
            None => add_sensor(&transaction, "local", &Enrolment { id, name, persona: "", version: "" }, now)?,
        };
        transaction.commit()?;
        Ok(row)
    }

    /// The sensor that stands for an import; made when it is not there yet. `None` when the id belongs to a real sensor: nobody else may
    /// deliver in its name.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn import_sensor(&self, name: &str, id: SensorId, now: Timestamp) -> Result<Option<SensorRow>, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let row = match sensor_by_id(&transaction, id)? {
            Some(row) => row,
            None => add_sensor(&transaction, "import", &Enrolment { id, name, persona: "", version: "" }, now)?,
        };
        transaction.commit()?;
        Ok((row.origin == "import").then_some(row))
    }

    /// Every sensor, by number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sensors(&self) -> Result<Vec<SensorRow>, StoreError> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(&format!("SELECT {SENSOR_COLUMNS} FROM sensors ORDER BY number"))?;
        let rows = select.query_map([], sensor_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes what sensors said with their last deliveries: `(number, last seen, lost, unsynced)`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_deliveries(&self, deliveries: &[(SensorNumber, Timestamp, u64, u64)]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        {
            let mut update =
                transaction.prepare_cached("UPDATE sensors SET last_seen = ?2, lost = max(lost, ?3), unsynced = ?4 WHERE number = ?1")?;
            for (number, last_seen, lost, unsynced) in deliveries {
                update.execute(params![number, last_seen.0, int(*lost), int(*unsynced)])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
