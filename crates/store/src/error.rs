//! Why storage failed.

use std::path::PathBuf;

/// A failure of an engine.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no room; nothing of the batch was kept. Goes away by itself when space returns.
    #[error("the disk is full")]
    Full,
    /// Another process holds the database for longer than we wait.
    #[error("the database is in use by another process")]
    Busy,
    /// A stored value does not have its form.
    #[error("{what} in the database is damaged")]
    Damaged {
        /// What it is, in a few words.
        what: &'static str,
    },
    /// A newer version of this program wrote the database.
    #[error("{} was written by a newer version of honeyguide (schema {found}, this one knows {known}): use that version", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that we know.
        known: i64,
    },
    /// The file cannot be made or opened.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else that SQLite says.
    #[error(transparent)]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            _ => StoreError::Sqlite(error),
        }
    }
}
