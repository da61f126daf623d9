//! The uplink against hubs that refuse, stall and come back.

use super::*;
use crate::spool::SpoolConfig;
use bytes::Bytes;
use model::wire::{self, Ack, BatchInfo, HEADER_BYTES};
use model::{Detail, Event, Protocol, SessionId, Timestamp};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// A hub that stores each sequence once, and fails in every way at random.
#[derive(Clone, Default)]
struct Flaky(Arc<Mutex<Hub>>);

#[derive(Default)]
struct Hub {
    stored: BTreeSet<u64>,
    calls: u64,
    troubled: bool,
    batch_bytes_max: Option<usize>,
    lost: u64,
}

impl Flaky {
    fn stored(&self) -> Vec<u64> {
        self.0.lock().unwrap().stored.iter().copied().collect()
    }

    fn calls(&self) -> u64 {
        self.0.lock().unwrap().calls
    }
}

impl Delivery for Flaky {
    async fn deliver(&self, info: BatchInfo, records: Bytes) -> Result<Ack, DeliveryError> {
        let mut hub = self.0.lock().unwrap();
        hub.calls += 1;
        hub.lost = info.lost;
        if hub.batch_bytes_max.is_some_and(|max| records.len() > max) {
            return Err(DeliveryError::TooLarge("too large".to_owned()));
        }
        let failure = if hub.troubled { rand::random::<u8>() % 8 } else { 7 };
        match failure {
            0 => return Err(DeliveryError::Failed("reset".to_owned())),
            1 => return Err(DeliveryError::Refused("key".to_owned())),
            2 => return Err(DeliveryError::Busy { message: "full".to_owned(), retry_after: Some(Duration::from_millis(1)) }),
            _ => {}
        }
        let through = hub.stored.last().copied().unwrap_or(0);
        let (mut rest, mut ack) = (&records[..], Ack { through, stored: 0, duplicates: 0, rejected: 0 });
        while let Some(record) = wire::decode(rest).unwrap() {
            rest = &rest[HEADER_BYTES + record.payload.len()..];
            if record.sequence <= through || !hub.stored.insert(record.sequence) {
                ack.duplicates += 1;
            } else {
                ack.stored += 1;
                ack.through = record.sequence;
            }
            if failure == 3 && ack.stored == 5 {
                break; // a part of the batch only
            }
        }
        match failure {
            4 => Err(DeliveryError::Failed("the answer was lost".to_owned())),
            5 => Ok(Ack { through: 0, ..ack }),
            _ => Ok(ack),
        }
    }

    async fn position(&self, _: SensorId) -> Result<u64, DeliveryError> {
        let hub = self.0.lock().unwrap();
        if hub.troubled && rand::random() {
            return Err(DeliveryError::Failed("refused".to_owned()));
        }
        Ok(hub.stored.last().copied().unwrap_or(0))
    }
}

fn event(bytes: usize) -> Event {
    Event {
        time: Timestamp(1),
        session: SessionId(Uuid::nil()),
        source: [192, 0, 2, 1].into(),
        protocol: Protocol::Ssh,
        detail: Detail::Command { line: vec![b'x'; bytes].into() },
    }
}

fn quick() -> UplinkConfig {
    UplinkConfig {
        batch_records_max: 20,
        linger: Duration::from_millis(1),
        backoff_min: Duration::from_micros(100),
        backoff_max: Duration::from_millis(2),
        ..UplinkConfig::default()
    }
}

struct Rig {
    spool: Spool,
    hub: Flaky,
    uplink: Uplink,
    _directory: tempfile::TempDir,
}

fn start(hub: Flaky, config: UplinkConfig) -> Rig {
    let directory = tempfile::tempdir().unwrap();
    let spool = Spool::open(SpoolConfig::new(directory.path())).unwrap();
    let uplink = Uplink::start_with(spool.clone(), SensorId(Uuid::nil()), hub.clone(), config);
    Rig { spool, hub, uplink, _directory: directory }
}

impl Rig {
    async fn drained(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.spool.stats().backlog_records > 0 {
            assert!(Instant::now() < deadline, "{:?}", self.spool.stats());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn stop(self) {
        tokio::time::timeout(Duration::from_secs(30), self.uplink.stop()).await.unwrap();
    }
}

#[tokio::test]
async fn everything_arrives_once_through_every_trouble() {
    let hub = Flaky::default();
    hub.0.lock().unwrap().troubled = true;
    let rig = start(hub.clone(), quick());
    for n in 0..600 {
        rig.spool.append(&event(n % 50));
        if n % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }
    rig.drained().await;
    // A batch whose first part was stored before its answer was lost is sent again from where the hub stands.
    assert_eq!(hub.stored(), (1..=600).collect::<Vec<_>>());
    assert_eq!(rig.spool.stats().lost, 0);
    rig.stop().await;
}

#[tokio::test]
async fn batches_shrink_to_what_the_hub_takes_and_one_event_too_large_is_lost_and_told() {
    let hub = Flaky::default();
    hub.0.lock().unwrap().batch_bytes_max = Some(2_000);
    let rig = start(hub.clone(), quick());
    for n in 0..50 {
        rig.spool.append(&event(if n == 20 { 5_000 } else { 100 }));
    }
    rig.drained().await;
    assert_eq!(hub.stored(), (1..=50).filter(|&n| n != 21).collect::<Vec<_>>());
    assert_eq!((rig.spool.stats().lost, hub.0.lock().unwrap().lost), (1, 1));
    rig.stop().await;
}

#[tokio::test]
async fn events_gather_and_an_idle_uplink_rests() {
    let rig = start(Flaky::default(), UplinkConfig { linger: Duration::from_millis(50), ..UplinkConfig::default() });
    for _ in 0..40 {
        rig.spool.append(&event(10));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    rig.drained().await;
    let calls = rig.hub.calls();
    assert!(calls <= 20, "{calls} batches for 40 events");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rig.hub.calls(), calls, "nothing is sent when nothing happens");
    rig.stop().await;
}

#[tokio::test]
async fn the_end_flushes_what_lingers() {
    let rig = start(Flaky::default(), UplinkConfig { linger: Duration::from_secs(3600), ..UplinkConfig::default() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..10 {
        rig.spool.append(&event(10));
    }
    let (hub, spool) = (rig.hub.clone(), rig.spool.clone());
    rig.stop().await;
    assert_eq!((hub.stored().len(), spool.stats().backlog_records), (10, 0));
}

/// A hub that never answers holds up neither recording nor the end.
#[tokio::test]
async fn a_silent_hub_holds_up_nothing() {
    struct Silent;
    impl Delivery for Silent {
        async fn deliver(&self, _: BatchInfo, _: Bytes) -> Result<Ack, DeliveryError> {
            std::future::pending().await
        }
        async fn position(&self, _: SensorId) -> Result<u64, DeliveryError> {
            Ok(0)
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let spool = Spool::open(SpoolConfig::new(directory.path())).unwrap();
    let config = UplinkConfig { flush_timeout: Duration::from_millis(50), ..quick() };
    let uplink = Uplink::start_with(spool.clone(), SensorId(Uuid::nil()), Silent, config);
    spool.append(&event(10));
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(Duration::from_secs(10), uplink.stop()).await.unwrap();
    assert_eq!(spool.stats().backlog_records, 1);
}
