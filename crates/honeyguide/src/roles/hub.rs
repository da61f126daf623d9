//! The hub of this process.

use crate::config::Config;
use crate::locate::Running;
use anyhow::Result;
use std::path::PathBuf;

/// A running hub, and the note that lets commands on this machine find it.
pub struct LocalHub {
    hub: hub::Hub,
    admin_key: String,
    data: PathBuf,
}

impl LocalHub {
    /// Starts it.
    pub async fn start(config: &Config) -> Result<LocalHub> {
        let hub = hub::Hub::start(config.hub.clone(), &config.data).await?;
        let admin_key = hub::admin::admin_key(&config.data)?;
        let running = Running { url: hub.url(), certificate: hub.certificate().map(str::to_owned), pid: std::process::id() };
        running.write(&config.data)?;
        Ok(LocalHub { hub, admin_key, data: config.data.clone() })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        self.hub.url()
    }

    /// The administrator's key.
    pub fn admin_key(&self) -> &str {
        &self.admin_key
    }

    /// The hub itself.
    pub fn inner(&self) -> &hub::Hub {
        &self.hub
    }

    /// Stops it; what was taken is stored and judged.
    pub async fn stop(self) {
        self.hub.shutdown().await;
        Running::remove(&self.data);
    }
}
