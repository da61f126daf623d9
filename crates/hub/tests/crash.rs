//! kill -9 at random moments under load: what was acknowledged is there, and nothing is counted twice.

mod support;

use model::Timestamp;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{Client, batch_headers, frame, hub, public_address, records, settled, ssh_session};

const CHILD: &str = "HONEYGUIDE_TEST_HUB";
const KILLS: u64 = 50;
const SESSIONS: u64 = 4;
const SENSOR: model::SensorId = model::SensorId(uuid::Uuid::from_bytes([7; 16]));

/// Not a test of its own: the process that the test below kills. Without the variable it does nothing.
#[test]
fn child() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let hub = hub(Path::new(&folder)).await;
        println!("\nlistening {}", hub.address());
        // Until killed, or until the parent is gone.
        tokio::time::sleep(Duration::from_secs(600)).await;
    });
}

fn start(folder: &Path) -> (Child, std::net::SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let line = output.lines().map_while(Result::ok).find_map(|line| line.strip_prefix("listening ").map(str::to_owned));
    (child, line.expect("the child listens").parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_counts_twice() {
    let folder = tempfile::tempdir().unwrap();
    let headers = format!("{}X-Honeyguide-Sensor-Name: crash\r\n", batch_headers(SENSOR));
    let start_time = Timestamp(Timestamp::from(std::time::SystemTime::now()).0 - 3_600_000_000);
    let batch = |number: u64| {
        let sessions = (number * SESSIONS..(number + 1) * SESSIONS).map(|id| ssh_session(id, public_address((id % 50) as u32), start_time));
        sessions.flatten().collect::<Vec<_>>()
    };
    let batch_events = SESSIONS * 11;
    let mut acknowledged = 0u64;
    for kill in 0..KILLS {
        let (mut child, address) = start(folder.path());
        let admin = hub::admin::admin_key(folder.path()).unwrap();
        let mut client = Client::connect(address, Some(&admin)).await;
        let deadline = tokio::time::sleep(Duration::from_millis(3 + kill * 17 % 90));
        tokio::pin!(deadline);
        loop {
            // A sensor goes on behind what was acknowledged; a batch whose answer was lost is sent again.
            let number = acknowledged / batch_events;
            let body = frame(&records(number * batch_events + 1, &batch(number)));
            let answer = tokio::select! {
                () = &mut deadline => break,
                answer = client.send("POST", "/v1/sensor/batches", &headers, &body) => answer.unwrap(),
            };
            assert_eq!(answer.status, 200, "{}", answer.text());
            acknowledged = answer.json()["through"].as_u64().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(acknowledged > 10 * batch_events, "hardly anything was delivered between the kills: {acknowledged} events");

    let hub = hub(folder.path()).await;
    let durable = hub.ingest().position(SENSOR);
    assert!(durable >= acknowledged, "{durable} < {acknowledged}");
    let admin = hub::admin::admin_key(folder.path()).unwrap();
    let mut client = Client::connect(hub.address(), Some(&admin)).await;
    let sessions = durable / 11;
    let mut health = settled(hub.address()).await;
    for _ in 0..1000 {
        if health["counts"]["sessions"] == sessions {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        health = settled(hub.address()).await;
    }
    assert_eq!(health["counts"]["sessions"], sessions);
    assert_eq!((&health["counts"]["openSessions"], &health["ingest"]["lateEvents"]), (&0.into(), &0.into()));
    let (mut total_sessions, mut total_events) = (0, 0);
    for number in 0..50 {
        let known = client.get(&format!("/v1/key/check/{}", public_address(number))).await.json();
        total_sessions += known["totalSessions"].as_u64().unwrap();
        total_events += known["totalEvents"].as_u64().unwrap();
    }
    assert_eq!((total_sessions, total_events), (sessions, durable));
    let mut ids = BTreeSet::new();
    let mut next = String::new();
    loop {
        let page = client.get(&format!("/v1/key/sessions?limit=1000{next}")).await.json();
        ids.extend(page["sessions"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(ids.len() as u64, sessions);
    hub.shutdown().await;
}
