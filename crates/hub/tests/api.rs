//! The HTTP surfaces of a running hub: shapes, rights, and what bad input gets.

mod support;

use model::{Protocol, Timestamp};
use serde_json::{Value, json};
use support::{Client, batch_headers, enrol, frame, hub, records, settled, ssh_session};

const PUBLIC: &str = "40.0.0.7";

/// A hub that has seen one bot from a public address and one from this machine.
async fn seen(folder: &std::path::Path) -> (hub::Hub, String) {
    let hub = hub(folder).await;
    let (sensor, key) = enrol(&hub, folder, "lab").await;
    let start = Timestamp(Timestamp::from(std::time::SystemTime::now()).0 - 60_000_000);
    let mut events = ssh_session(1, PUBLIC.parse().unwrap(), start);
    events.extend(ssh_session(2, "127.0.0.1".parse().unwrap(), start));
    let mut client = Client::connect(hub.address(), Some(&key)).await;
    let body = frame(&records(1, &events));
    let answer = client.send("POST", "/v1/sensor/batches", &batch_headers(sensor), &body).await.unwrap();
    assert_eq!(answer.json(), json!({ "through": 22, "stored": 22, "duplicates": 0, "rejected": 0 }));
    assert_eq!(client.get("/v1/sensor/position").await.json(), json!({ "through": 22 }));
    settled(hub.address()).await;
    // The list of sessions is read from the database: wait for the commit.
    let admin = hub::admin::admin_key(folder).unwrap();
    let mut client = Client::connect(hub.address(), Some(&admin)).await;
    for _ in 0..500 {
        if client.get("/v1/key/sessions").await.json()["sessions"].as_array().unwrap().len() == 2 {
            return (hub, admin);
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the sessions are not committed");
}

/// The type of every value, so that a change of shape shows.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("bool"),
        Value::Number(number) => json!(if number.is_f64() { "float" } else { "integer" }),
        Value::String(_) => json!("text"),
        Value::Array(list) => list.first().map_or(json!([]), |first| json!([shape(first)])),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect::<serde_json::Map<_, _>>().into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_has_the_shape_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, admin) = seen(folder.path()).await;
    let mut client = Client::connect(hub.address(), Some(&admin)).await;
    let answer = client.get(&format!("/v1/key/check/{PUBLIC}")).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let expected = json!({
        "ip": "text", "found": "bool", "confidenceLevel": "integer", "firstSeen": "text", "lastSeen": "text",
        "totalSessions": "integer", "totalEvents": "integer", "geolocation": "null",
        "protocols": [{ "protocol": "text", "sessions": "integer", "events": "integer" }],
        "behaviors": [{ "name": "text", "severity": "text", "count": "integer", "description": "text", "id": "text", "techniques": ["text"] }],
        "primitives": [{ "name": "text", "count": "integer", "description": "text", "id": "text" }],
        "community": { "reports": "integer", "reporters": "integer", "lastReportedAt": "null", "categories": [] },
        "whitelist": "null",
        "score": {
            "sensor": [{ "name": "text", "value": "float", "formula": "text" }], "sensor_raw": "float", "community": [],
            "community_raw": "float", "multiplier": "float", "raw": "float", "saturated": "float", "floor": "float",
            "whitelist_factor": "float", "confidence": "integer", "unlisted_confidence": "integer",
        },
    });
    assert_eq!(shape(&body), expected, "{body:#}");
    assert_eq!((&body["found"], &body["totalSessions"], &body["totalEvents"]), (&json!(true), &json!(1), &json!(11)));
    assert_eq!(body["protocols"], json!([{ "protocol": "ssh", "sessions": 1, "events": 11 }]));
    assert_eq!(body["confidenceLevel"], body["score"]["confidence"]);
    let terms: f64 = body["score"]["sensor"].as_array().unwrap().iter().map(|term| term["value"].as_f64().unwrap()).sum();
    assert!((terms - body["score"]["sensor_raw"].as_f64().unwrap()).abs() < 1e-9);

    // This machine is shown by check, though never listed.
    assert_eq!(client.get("/v1/key/check/::ffff:127.0.0.1").await.json()["found"], true);
    let unknown = client.get("/v1/key/check/2001:db8::1").await.json();
    assert_eq!((&unknown["found"], &unknown["confidenceLevel"], &unknown["firstSeen"]), (&json!(false), &json!(0), &Value::Null));

    let lean = client.get(&format!("/v1/key/check/{PUBLIC}?verbose=false&exclude=community,whitelist&protocols=telnet")).await.json();
    assert_eq!(lean["protocols"], json!([]));
    for field in ["behaviors", "primitives", "score", "community", "whitelist"] {
        assert!(lean.get(field).is_none(), "{field}");
    }
    assert_eq!(client.get(&format!("/v1/key/check/{PUBLIC}?maxAge=3600")).await.json()["found"], true);
    assert_eq!(client.get(&format!("/v1/key/check/{PUBLIC}?maxAge=1")).await.json()["found"], false);
    hub.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blacklist_never_holds_a_private_address_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, admin) = seen(folder.path()).await;
    let mut client = Client::connect(hub.address(), Some(&admin)).await;
    let body = client.get("/v1/key/blacklist?scoreMinimum=1").await.json();
    let expected = json!({
        "meta": { "generatedAt": "integer", "scoreMinimum": "integer", "limit": "integer", "count": "integer" },
        "data": [{
            "ip": "text", "confidenceLevel": "integer", "lastSeen": "integer", "sessions": "integer", "protocols": ["text"],
            "countryCode": "null", "asn": "null", "asnOrg": "null",
        }],
    });
    assert_eq!(shape(&body), expected, "{body:#}");
    assert_eq!((&body["meta"]["count"], &body["data"][0]["ip"]), (&json!(1), &json!(PUBLIC)));
    let milliseconds = body["meta"]["generatedAt"].as_i64().unwrap();
    assert!((1_700_000_000_000..4_000_000_000_000).contains(&milliseconds));

    let list = async |client: &mut Client, query: &str| client.get(&format!("/v1/key/blacklist?plaintext=true&{query}")).await.text();
    assert_eq!(list(&mut client, "scoreMinimum=1").await, format!("{PUBLIC}\n"));
    assert_eq!(list(&mut client, "scoreMinimum=1&includePrivate=true").await.lines().count(), 2);
    for nothing in ["scoreMinimum=100", "scoreMinimum=1&ipVersion=6", "scoreMinimum=1&protocols=http", "scoreMinimum=1&onlyCountries=DE"] {
        assert_eq!(list(&mut client, nothing).await, "", "{nothing}");
    }
    for one in
        ["scoreMinimum=1&exceptCountries=DE", "scoreMinimum=1&protocols=ssh,http&ipVersion=4", "scoreMinimum=1&limit=1&minSeverity=low"]
    {
        assert_eq!(list(&mut client, one).await.lines().count(), 1, "{one}");
    }
    // Firewalls load plain addresses.
    let answer = Client::connect(hub.address(), None).await.get(&format!("/v1/key/blacklist?plaintext=true&key={admin}")).await;
    assert_eq!(answer.status, 200);
    hub.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_listed_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, admin) = seen(folder.path()).await;
    let mut client = Client::connect(hub.address(), Some(&admin)).await;
    let list = client.get(&format!("/v1/key/sessions?ip={PUBLIC}&sensor=lab&protocol=ssh")).await.json();
    assert_eq!(list["next"], Value::Null);
    let row = &list["sessions"][0];
    assert_eq!((&row["events"], &row["logins"], &row["commands"], &row["fetches"]), (&json!(11), &json!(1), &json!(2), &json!(1)));
    assert_eq!((&row["sensor"]["name"], &row["endedBy"]), (&json!("lab"), &json!("peer")));

    let told = client.get(&format!("/v1/key/sessions/{}", row["id"].as_str().unwrap())).await.json();
    let story = told["story"].as_array().unwrap();
    let kinds: Vec<_> = story.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    let expected = ["connect", "fingerprint", "fingerprint", "auth", "command", "command", "fetch", "file", "rx", "tx", "close"];
    assert_eq!(kinds, expected);
    assert_eq!((&story[3]["username"], &story[3]["secret"], &story[3]["sequence"]), (&json!("root"), &json!("pass1"), &json!(4)));
    assert_eq!(told["truncated"], false);

    let first = client.get("/v1/key/sessions?limit=1").await.json();
    let second = client.get(&format!("/v1/key/sessions?limit=1&cursor={}", first["next"].as_str().unwrap())).await.json();
    assert_ne!(first["sessions"][0]["id"], second["sessions"][0]["id"]);
    assert_eq!(client.get("/v1/key/sessions?sensor=nobody").await.json()["sessions"], json!([]));
    hub.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, admin) = seen(folder.path()).await;
    let (_, sensor_key) = enrol(&hub, folder.path(), "second").await;
    let wrong = format!("sk_admin_{}", "0".repeat(64));
    let session = uuid::Uuid::nil();
    // key, method, target, status, what the error says
    let cases = [
        (None, "GET", "/v1/key/check/192.0.2.1", 401, "invalid API key"),
        (Some(&wrong), "GET", "/v1/key/check/192.0.2.1", 401, "invalid API key"),
        (Some(&sensor_key), "GET", "/v1/key/check/192.0.2.1", 403, "sensor"),
        (Some(&sensor_key), "GET", "/v1/key/blacklist", 403, "sensor"),
        (Some(&sensor_key), "GET", "/v1/key/sessions", 403, "sensor"),
        (None, "GET", "/v1/key/blacklist?key=sk_admin_0", 401, "invalid API key"),
        (None, "GET", "/v1/key/check/192.0.2.1?key=x", 401, "invalid API key"),
        (None, "GET", "/v1/sensor/position", 401, "invalid API key"),
        (None, "POST", "/v1/sensor/batches", 401, "invalid API key"),
        (Some(&admin), "GET", "/v1/key/check/300.1.1.1", 400, "ip: \"300.1.1.1\" is not valid: expected an IPv4"),
        (Some(&admin), "GET", "/v1/key/check/192.0.2.1?maxAge=soon", 400, "maxAge: \"soon\""),
        (Some(&admin), "GET", "/v1/key/check/192.0.2.1?verbose=maybe", 400, "verbose: \"maybe\""),
        (Some(&admin), "GET", "/v1/key/check/192.0.2.1?protocols=gopher", 400, "protocols: \"gopher\""),
        (Some(&admin), "GET", "/v1/key/check/%ff", 400, "path: \"/v1/key/check/%ff\""),
        (Some(&admin), "GET", "/v1/key/blacklist?scoreMinimum=0", 400, "scoreMinimum: \"0\""),
        (Some(&admin), "GET", "/v1/key/blacklist?limit=-1", 400, "limit: \"-1\""),
        (Some(&admin), "GET", "/v1/key/blacklist?ipVersion=5", 400, "ipVersion: \"5\""),
        (Some(&admin), "GET", "/v1/key/blacklist?minSeverity=bad", 400, "minSeverity: \"bad\""),
        (Some(&admin), "GET", "/v1/key/blacklist?onlyCountries=GERMANY", 400, "onlyCountries: \"GERMANY\""),
        (Some(&admin), "GET", "/v1/key/blacklist?exceptAsn=ASX", 400, "exceptAsn: \"ASX\""),
        (Some(&admin), "GET", "/v1/key/sessions?limit=1001", 400, "limit: \"1001\""),
        (Some(&admin), "GET", "/v1/key/sessions?cursor=1_2", 400, "cursor: \"1_2\""),
        (Some(&admin), "GET", "/v1/key/sessions/nope", 400, "id: \"nope\""),
        (Some(&admin), "GET", &format!("/v1/key/sessions/{session}"), 404, "no session"),
        (Some(&admin), "GET", "/v1/nothing", 404, "nothing at this path"),
        (Some(&admin), "DELETE", "/v1/key/blacklist", 405, "method is not allowed"),
        (Some(&admin), "POST", "/v1/sensor/batches", 400, "content-encoding"),
        (None, "POST", "/v1/sensor/enrol", 400, "body"),
    ];
    for (key, method, target, status, error) in cases {
        let mut client = Client::connect(hub.address(), key.map(|key| key.as_str())).await;
        let answer = client.send(method, target, "", b"").await.unwrap();
        assert_eq!(answer.status, status, "{method} {target}: {}", answer.text());
        let text = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(text.contains(error), "{method} {target}: {text}");
        for (name, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store")] {
            assert_eq!(answer.header(name), Some(value), "{target}");
        }
        assert!(answer.header("x-request-id").is_some());
    }
    let reserved = "/v1/key/blacklist?includePrivate=true";
    assert_eq!(Client::connect(hub.address(), Some(&sensor_key)).await.get(reserved).await.status, 403);
    hub.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_enrols_one_sensor_and_a_sensor_speaks_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path()).await;
    let config = hub::Config { tls: hub::Tls::OFF, ..hub::Config::default() };
    let token = hub::admin::new_token(&config, folder.path(), std::time::Duration::from_secs(60)).unwrap().text;
    let mut client = Client::connect(hub.address(), None).await;
    let mut enrol_with = async |token: &str, name: &str| {
        let body = json!({ "token": token, "name": name }).to_string();
        client.send("POST", "/v1/sensor/enrol", "", body.as_bytes()).await.unwrap()
    };
    assert_eq!(enrol_with("hgt_bm90IGpzb24", "a").await.status, 400);
    assert_eq!(enrol_with(&token, "").await.status, 400);
    assert_eq!(enrol_with(&token, "a\nb").await.status, 400);
    assert_eq!(enrol_with(&token, "garden").await.status, 200);
    let again = enrol_with(&token, "garden").await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("used already"), "{}", again.text());
    let expired = hub::admin::new_token(&config, folder.path(), std::time::Duration::ZERO).unwrap().text;
    assert!(enrol_with(&expired, "garden").await.text().contains("expired"));

    let (first, first_key) = enrol(&hub, folder.path(), "first").await;
    let (second, _) = enrol(&hub, folder.path(), "second").await;
    let body = frame(&records(1, &ssh_session(1, [40, 0, 0, 1].into(), Timestamp(1_774_138_481_000_000))));
    let admin = hub::admin::admin_key(folder.path()).unwrap();
    let post = async |key: &str, headers: String, body: &[u8]| {
        Client::connect(hub.address(), Some(key)).await.send("POST", "/v1/sensor/batches", &headers, body).await.unwrap()
    };
    assert_eq!(post(&first_key, batch_headers(second), &body).await.status, 403);
    assert_eq!(post(&first_key, batch_headers(first), b"not zstd").await.status, 400);
    assert_eq!(post(&first_key, batch_headers(first), &body).await.json()["stored"], 11);
    // The administrator imports, but not in the name of a real sensor.
    let import = model::SensorId(uuid::Uuid::from_bytes([9; 16]));
    let named = |id| format!("{}X-Honeyguide-Sensor-Name: cowrie\r\n", batch_headers(id));
    assert_eq!(post(&admin, batch_headers(import), &body).await.status, 400);
    assert_eq!(post(&admin, named(first), &body).await.status, 409);
    assert_eq!(post(&admin, named(import), &body).await.json()["stored"], 11);
    assert_eq!(post(&admin, named(import), &body).await.json()["duplicates"], 11);
    let mut client = Client::connect(hub.address(), Some(&admin)).await;
    let headers = format!("X-Honeyguide-Sensor: {import}\r\nX-Honeyguide-Sensor-Name: cowrie\r\n");
    assert_eq!(client.send("GET", "/v1/sensor/position", &headers, b"").await.unwrap().json(), json!({ "through": 11 }));
    hub.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_a_restart_and_says_how_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (first, admin) = seen(folder.path()).await;
    let metrics = Client::connect(first.address(), None).await.get("/metrics").await.text();
    assert!(metrics.contains("honeyguide_hub_events_stored_total"), "{metrics}");
    let before = Client::connect(first.address(), Some(&admin)).await.get(&format!("/v1/key/check/{PUBLIC}")).await.json();
    drop(first); // without waiting for anything

    let second = hub(folder.path()).await;
    assert_eq!(hub::admin::admin_key(folder.path()).unwrap(), admin);
    let mut client = Client::connect(second.address(), Some(&admin)).await;
    assert_eq!(client.get(&format!("/v1/key/check/{PUBLIC}")).await.json(), before);
    let health = settled(second.address()).await;
    assert_eq!((&health["status"], &health["counts"]["addresses"], &health["counts"]["sessions"]), (&json!("ok"), &json!(2), &json!(2)));
    assert!(health["disk"]["freeBytes"].as_u64().unwrap() > 0);
    let page = client.get("/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("--hub http://hub "), "the examples name the address that was asked");

    // One folder, one hub; one address, one listener.
    let config = |listen| hub::Config { listen, tls: hub::Tls::OFF, ..hub::Config::default() };
    let locked = hub::Hub::start(config(([127, 0, 0, 1], 0).into()), folder.path()).await.map(drop).unwrap_err();
    assert!(locked.to_string().contains("another running hub"), "{locked}");
    let other = tempfile::tempdir().unwrap();
    let taken = hub::Hub::start(config(second.address()), other.path()).await.map(drop).unwrap_err();
    assert!(taken.to_string().contains("--listen"), "{taken}");
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_sensor_delivers_in_process_and_keeps_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let first = hub(folder.path()).await;
    let id = first.register_local_sensor("up").unwrap();
    let events: Vec<_> = ssh_session(1, [40, 0, 0, 1].into(), Timestamp(1_774_138_481_000_000))
        .into_iter()
        .map(|event| model::Event { protocol: Protocol::Telnet, ..event })
        .collect();
    let info = model::wire::BatchInfo { sensor: id, lost: 3, unsynced: 1 };
    let ack = first.ingest().ingest(id, info, records(1, &events).into()).await.unwrap();
    assert_eq!(ack.through, 11);
    first.shutdown().await;
    let sensors = hub::admin::sensors(folder.path()).unwrap();
    assert_eq!((sensors[0].id, &*sensors[0].name, sensors[0].lost, sensors[0].unsynced), (id, "up", 3, 1));

    let second = hub(folder.path()).await;
    assert_eq!(second.register_local_sensor("up").unwrap(), id);
    assert_eq!(second.ingest().position(id), 11);
    let admin = hub::admin::admin_key(folder.path()).unwrap();
    let mut client = Client::connect(second.address(), Some(&admin)).await;
    settled(second.address()).await;
    assert_eq!(client.get("/v1/key/check/40.0.0.1").await.json()["totalEvents"], 11);
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_past_their_retention_are_gone_after_a_start() {
    use store::{EventLog as _, EventReader as _};
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events");
    let mut log = store::SqliteEventLog::open(&events).unwrap();
    let today = Timestamp::from(std::time::SystemTime::now()).day();
    for day in [today - 31, today - 30, today - 29, today] {
        log.append(day, &mut std::iter::empty(), &[]).unwrap();
    }
    drop(log);
    let hub = hub(folder.path()).await;
    let reader = store::SqliteEventReader::new(&events);
    for _ in 0..500 {
        if reader.days().unwrap() == [today - 29, today] {
            return hub.shutdown().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{:?} are there, today is {today}", reader.days());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_blacklist_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, admin) = seen(folder.path()).await;
    let mut client = Client::connect(hub.address(), Some(&admin)).await;
    for list in ["/v1/key/blacklist?scoreMinimum=1", "/v1/key/blacklist?scoreMinimum=1&plaintext=true"] {
        let first = client.get(list).await;
        let tag = first.header("etag").unwrap().to_owned();
        let again = client.send("GET", list, &format!("If-None-Match: \"other\", {tag}\r\n"), b"").await.unwrap();
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(&*tag)), "{list}");
        let other = client.send("GET", &format!("{list}&limit=1&ipVersion=6"), &format!("If-None-Match: {tag}\r\n"), b"").await.unwrap();
        assert_eq!(other.status, 200, "{list}: another list");
    }
    hub.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_trickles_in_is_given_up() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = tempfile::tempdir().unwrap();
    let config = hub::Config {
        listen: ([127, 0, 0, 1], 0).into(),
        tls: hub::Tls::OFF,
        connection_idle_seconds: 1,
        connections_max: 1,
        ..hub::Config::default()
    };
    let hub = hub::Hub::start(config, folder.path()).await.unwrap();
    let mut slow = tokio::net::TcpStream::connect(hub.address()).await.unwrap();
    let begun = std::time::Instant::now();
    // Never silent, and never done: the idle time alone would keep it for ever.
    let (mut read, mut write) = slow.split();
    let trickle = async {
        while write.write_all(b"G").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let mut said = Vec::new();
    tokio::select! {
        () = trickle => {}
        _ = read.read_to_end(&mut said) => {}
        () = tokio::time::sleep(std::time::Duration::from_secs(10)) => panic!("it is still served"),
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    drop(slow);
    // Its place is free again: it was the only one.
    assert_eq!(Client::connect(hub.address(), None).await.get("/healthz").await.status, 200);
    hub.shutdown().await;
}
