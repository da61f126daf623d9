//! The embedded engine: SQLite.

pub mod accounts;
pub mod events;
pub mod state;

use crate::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another process' lock before it fails.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// When a commit reaches the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Before `COMMIT` returns.
    EachCommit,
    /// At the next checkpoint; a power cut undoes the last commits as a whole. For what can be derived again.
    Checkpoint,
}

/// Opens (makes) a database that this process writes, readable by its owner only, and brings its schema up to date. `migrations` are the
/// steps from the empty database; a step is never changed once released, only added to.
fn open_writer(path: &Path, durability: Durability, migrations: &[&str]) -> Result<Connection, StoreError> {
    make_private(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if durability == Durability::EachCommit { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for step in migrations.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(connection)
}

/// Opens a database that another connection writes.
fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    // Not OPEN_READ_ONLY: a reader must be able to recover the write-ahead log of a process that died.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Makes the file beforehand, because SQLite would make it readable by everybody; its journal files inherit the mode.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let file = |source| StoreError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(file)
}

/// An address as its 4 or 16 bytes.
fn address_bytes(address: std::net::IpAddr) -> Vec<u8> {
    match address {
        std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
        std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The address of 4 or 16 bytes.
fn address_from(bytes: &[u8]) -> Result<std::net::IpAddr, StoreError> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        Ok(v4.into())
    } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        Ok(v6.into())
    } else {
        Err(StoreError::Damaged { what: "an address" })
    }
}
