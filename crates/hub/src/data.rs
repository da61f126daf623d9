//! The data folder: what lies where, and that only one hub has it.

use crate::error::StartError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A hub's data folder.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

/// Holds the folder for this process; released when dropped, and by the operating system when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl DataFolder {
    /// Makes the folder if need be, for its owner only.
    pub fn open(path: &Path) -> Result<DataFolder, StartError> {
        let folder = DataFolder(path.to_owned());
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|source| folder.error(path, source))?;
        Ok(folder)
    }

    /// Takes the folder for this hub.
    pub fn lock(&self) -> Result<Lock, StartError> {
        let path = self.0.join("hub.lock");
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|source| self.error(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StartError::Locked { path: self.0.clone() }),
            Err(TryLockError::Error(source)) => Err(self.error(&path, source)),
        }
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The administrator's key in clear text.
    pub fn admin_key(&self) -> PathBuf {
        self.0.join("admin.key")
    }

    /// Keys, tokens, sensors.
    pub fn accounts(&self) -> PathBuf {
        self.0.join("accounts.sqlite")
    }

    /// What the pipeline made of the events.
    pub fn state(&self) -> PathBuf {
        self.0.join("state.sqlite")
    }

    /// The event log's files.
    pub fn events(&self) -> PathBuf {
        self.0.join("events")
    }

    /// The certificate that the hub made.
    pub fn certificate(&self) -> PathBuf {
        self.0.join("tls").join("certificate.pem")
    }

    /// Its key.
    pub fn certificate_key(&self) -> PathBuf {
        self.0.join("tls").join("key.pem")
    }

    /// Writes a file that only its owner may read, whole or not at all.
    pub fn write_private(&self, path: &Path, content: &str) -> Result<(), StartError> {
        let write = || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let temporary = path.with_extension("new");
            let mut options = OpenOptions::new();
            options.create(true).write(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&temporary)?;
            file.write_all(content.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, path)
        };
        write().map_err(|source| self.error(path, source))
    }

    /// An error of this folder.
    pub fn error(&self, path: &Path, source: std::io::Error) -> StartError {
        StartError::Data { path: path.to_owned(), source }
    }
}
