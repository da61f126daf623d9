//! A running hub.

use crate::auth::Keys;
use crate::config::Config;
use crate::data::{DataFolder, Lock};
use crate::error::StartError;
use crate::http::{self, App};
use crate::ingest::{Ingest, Order, Positions, Writer};
use crate::pipeline::{Parts, Pipeline};
use crate::reputation::{Index, Vocabulary};
use crate::status::{Status, now};
use crate::{listener, secret, telemetry, tls, upkeep};
use detection::Catalog;
use model::SensorId;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;
use store::{Accounts, EventReader, SqliteEventLog, SqliteEventReader, SqliteState, SqliteStateReader, StateReader, StoreError};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Batches waiting for the writer.
const ORDERS_MAX: usize = 64;
/// Batches waiting for the pipeline; with the ones in flight this bounds the memory of events under way.
const WORK_MAX: usize = 8;
/// How long open requests may take to end when the hub stops.
const DRAIN_WAIT: Duration = Duration::from_secs(10);

/// A running hub. Dropping it stops it without waiting; [`Hub::shutdown`] waits.
pub struct Hub {
    app: Arc<App>,
    address: SocketAddr,
    certificate: Option<String>,
    orders: mpsc::Sender<Order>,
    stopping: Arc<AtomicBool>,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    upkeep: tokio::task::JoinHandle<()>,
    threads: Vec<JoinHandle<()>>,
    _guard: DropGuard,
}

/// What can be made without a runtime: the databases opened, the index filled, the threads running.
struct Core {
    app: Arc<App>,
    orders: mpsc::Sender<Order>,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Hub {
    /// Starts a hub in this data folder, which it makes when it is not there.
    ///
    /// # Errors
    /// One sentence with the remedy: see [`StartError`].
    pub async fn start(config: Config, data: &Path) -> Result<Hub, StartError> {
        // Nought days would drop today's events while they are being written.
        let config = Config { retention_days: config.retention_days.max(1), ..config };
        let data = DataFolder::open(data)?;
        let lock = data.lock()?;
        telemetry::prometheus();
        let identity = tls::identity(&config.tls, &data)?;
        let listen = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let opened = tokio::task::spawn_blocking({
            let config = config.clone();
            move || Core::open(config, data, lock)
        });
        let core = opened.await.map_err(|error| StartError::Thread(std::io::Error::other(error)))??;

        let stop = CancellationToken::new();
        let (acceptor, certificate) = match identity {
            Some(identity) => (Some(tokio_rustls::TlsAcceptor::from(identity.config)), Some(identity.fingerprint)),
            None => (None, None),
        };
        let server = tokio::spawn({
            let (router, stop) = (http::router(core.app.clone()), stop.clone());
            async move { listener::serve(listener, acceptor, router, &config, stop).await }
        });
        let upkeep = tokio::spawn(upkeep::run(core.app.clone(), stop.clone()));
        Ok(Hub {
            app: core.app,
            address,
            certificate,
            orders: core.orders,
            stopping: core.stopping,
            _guard: stop.clone().drop_guard(),
            stop,
            server,
            upkeep,
            threads: core.threads,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a slash at the end. An unspecified address is shown as this machine's.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
        }
        format!("{}://{address}", if self.certificate.is_some() { "https" } else { "http" })
    }

    /// SHA-256 of its certificate, lower-case hex; `None` over plain HTTP.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// The file with the administrator's key.
    pub fn admin_key_path(&self) -> PathBuf {
        self.app.data.admin_key()
    }

    /// The way in for a sensor of this process.
    pub fn ingest(&self) -> Ingest {
        self.app.ingest.clone()
    }

    /// The sensor of this process with this name; made when there is none.
    ///
    /// # Errors
    /// When the accounts cannot be written.
    pub fn register_local_sensor(&self, name: &str) -> Result<SensorId, StoreError> {
        let row = self.app.accounts.local_sensor(name, SensorId(uuid::Uuid::new_v4()), now())?;
        self.app.ingest.admit(&row);
        Ok(row.id)
    }

    /// Stops: no new requests, open ones are answered, batches taken are stored, judged and committed.
    pub async fn shutdown(self) {
        self.stop.cancel();
        if tokio::time::timeout(DRAIN_WAIT, self.server).await.is_err() {
            tracing::warn!("requests were cut off: they took longer than {} s to end", DRAIN_WAIT.as_secs());
        }
        let _ = self.upkeep.await;
        self.stopping.store(true, Relaxed);
        let _ = self.orders.send(Order::Stop).await;
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count());
        if joined.await.is_ok_and(|panicked| panicked > 0) {
            tracing::error!("a thread of the hub had ended by a defect");
        }
        if let Err(error) = self.app.ingest.note_deliveries() {
            tracing::warn!(%error, "what sensors said last could not be written down");
        }
    }
}

impl Core {
    fn open(config: Config, data: DataFolder, lock: Lock) -> Result<Core, StartError> {
        let catalog =
            Catalog::builtin().map_err(|errors| StartError::Catalog(errors.first().map(ToString::to_string).unwrap_or_default()))?;
        let accounts = Arc::new(Accounts::open(&data.accounts())?);
        ensure_admin_key(&accounts, &data)?;

        let state = SqliteState::open(&data.state())?;
        let state_reader: Arc<dyn StateReader> = Arc::new(SqliteStateReader::new(&data.state()));
        let log = SqliteEventLog::open(&data.events())?;
        let log_reader: Arc<dyn EventReader> = Arc::new(SqliteEventReader::new(&data.events()));

        let vocabulary =
            Vocabulary::new(Arc::new(catalog), state_reader.names()?).ok_or(StoreError::Damaged { what: "the list of names" })?;
        let vocabulary = Arc::new(vocabulary);
        let index = Arc::new(Index::new());
        index.load(&*state_reader, &vocabulary)?;
        let status = Arc::new(Status::default());
        status.sessions.store(state_reader.session_count()?, Relaxed);

        let stopping = Arc::new(AtomicBool::new(false));
        let pipeline = Pipeline::open(Parts {
            state: Box::new(state),
            log: log_reader.clone(),
            vocabulary: vocabulary.clone(),
            index: index.clone(),
            status: status.clone(),
            idle: Duration::from_secs(config.session_idle_seconds.into()),
            open_max: config.sessions_open_max,
            stopping: stopping.clone(),
        })?;
        let mut positions: HashMap<_, _> = log_reader.high_water()?;
        let to_read: Vec<_> = positions.iter().map(|(sensor, last)| (*sensor, *last)).collect();
        for (sensor, through) in pipeline.positions() {
            // The log forgets after the retention time; the pipeline's position does not.
            let position = positions.entry(sensor).or_insert(0);
            *position = (*position).max(through);
        }
        let positions = Arc::new(Positions::new(positions));
        let (orders, received) = mpsc::channel(ORDERS_MAX);
        let (work, to_do) = std::sync::mpsc::sync_channel(WORK_MAX);
        let writer = Writer::new(Box::new(log), received, work, positions.clone(), status.clone(), config.retention_days);
        let ingest = Ingest::new(accounts.clone(), &config, orders.clone(), positions)?;
        // The folder stays locked until the last thread that writes in it has ended.
        let lock = Arc::new(lock);
        let held = lock.clone();
        let threads = vec![
            spawn("hub-writer", move || {
                writer.run();
                drop(lock);
            })?,
            spawn("hub-pipeline", move || {
                pipeline.run(to_read, &to_do);
                drop(held);
            })?,
        ];
        let app = App {
            keys: Keys::new(accounts.clone()),
            accounts,
            ingest,
            vocabulary,
            index,
            status,
            state: state_reader,
            log: log_reader,
            config,
            data,
            started: now(),
        };
        Ok(Core { app: Arc::new(app), orders, stopping, threads })
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(StartError::Thread)
}

/// Makes the administrator's key at the first start. The file comes first: a start that dies in between finds the key there and goes on with it.
fn ensure_admin_key(accounts: &Accounts, data: &DataFolder) -> Result<(), StartError> {
    if accounts.has_admin_key()? {
        return Ok(());
    }
    let path = data.admin_key();
    let key = match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().starts_with("sk_admin_") => text.trim().to_owned(),
        _ => {
            let key = secret::admin_key();
            data.write_private(&path, &format!("{key}\n"))?;
            key
        }
    };
    Ok(accounts.add_admin_key(&key, now())?)
}
