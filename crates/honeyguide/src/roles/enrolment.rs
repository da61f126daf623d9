//! What a sensor remembers of its enrolment: which hub, how to know it again, and who it is there.

use anyhow::{Context, Result, anyhow};
use client::{Client, Enrolment, EnrolmentToken, Trust};
use model::Sha256;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// `enrolment.json` in the sensor's data folder, readable by its owner only.
#[derive(Serialize, Deserialize)]
pub struct Enrolled {
    /// The hub's URL.
    pub hub: String,
    /// Its certificate's SHA-256, when the token pinned one.
    certificate: Option<Sha256>,
    /// Who this sensor is there.
    #[serde(flatten)]
    pub identity: Enrolment,
}

const FILE: &str = "enrolment.json";

impl Enrolled {
    /// The enrolment of an earlier start.
    pub fn load(data: &Path) -> Result<Option<Enrolled>> {
        let path = data.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(
                serde_json::from_slice(&bytes)
                    .with_context(|| format!("{} is damaged; remove it, and enrol again with a new token", path.display()))?,
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Enrols with a token, and remembers it.
    pub async fn enrol(data: &Path, hub: &str, token: &str, config: &sensor::Config) -> Result<Enrolled> {
        let token: EnrolmentToken = token.parse()?;
        let trust = token.trust();
        let client = Client::new(hub, trust)?;
        let identity =
            client.enrol(&token, &config.name, &config.persona, env!("CARGO_PKG_VERSION")).await.map_err(|error| match error {
                client::Error::Unauthorized(said) | client::Error::Forbidden(said) => {
                    anyhow!("the hub does not accept this token ({said}); make a new one there with `honeyguide hub token new`")
                }
                other => other.into(),
            })?;
        let certificate = match trust {
            Trust::Pinned(digest) => Some(digest),
            Trust::System => None,
        };
        let enrolled = Enrolled { hub: hub.to_owned(), certificate, identity };
        enrolled.save(data)?;
        Ok(enrolled)
    }

    fn save(&self, data: &Path) -> Result<()> {
        let path = data.join(FILE);
        let mut file = std::fs::File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        // The token is used up by now: losing this would lose the sensor's identity.
        Ok(file.sync_all()?)
    }

    /// A client with this sensor's key.
    pub fn client(&self) -> Result<Client> {
        let trust = self.certificate.map_or(Trust::System, Trust::Pinned);
        Ok(Client::new(&self.hub, trust)?.with_key(&*self.identity.key))
    }
}
