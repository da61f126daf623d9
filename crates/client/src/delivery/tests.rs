//! What goes over the wire, against a server that keeps the request as it came.

use super::*;
use crate::Trust;
use model::Sha256;
use sha2::Digest;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

const SENSOR: SensorId = SensorId(Uuid::from_bytes([7; 16]));

/// Reads one request and answers it; gives the head and the body.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, status: &str, headers: &str, body: &str) -> (String, Vec<u8>) {
    let mut request = Vec::new();
    let head_bytes = loop {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the request is cut short");
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(request[..head_bytes].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |text| text.parse().unwrap());
    while request.len() < head_bytes + length {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the body is cut short");
    }
    let response = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n{body}", body.len());
    stream.write_all(response.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    (head, request[head_bytes..].to_vec())
}

async fn serve(status: &'static str, headers: &'static str, body: &'static str) -> (String, JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, tokio::spawn(async move { answer(listener.accept().await.unwrap().0, status, headers, body).await }))
}

fn client(url: &str) -> Client {
    Client::new(url, Trust::System).unwrap().with_key("sk_sensor_00")
}

#[tokio::test]
async fn a_batch_is_one_zstd_frame_with_its_accounts() {
    let (url, served) = serve("200 OK", "", r#"{"through":9,"stored":2,"duplicates":1,"rejected":0}"#).await;
    let records = Bytes::from(vec![b'r'; 5_000]);
    let info = BatchInfo { sensor: SENSOR, lost: 3, unsynced: 64 };
    let ack = HttpDelivery::importing(client(&url), "café").deliver(info, records.clone()).await.unwrap();
    assert_eq!(ack, Ack { through: 9, stored: 2, duplicates: 1, rejected: 0 });
    let (head, body) = served.await.unwrap();
    assert!(head.starts_with("post /v1/sensor/batches http/1.1\r\n"), "{head}");
    for header in [
        "authorization: bearer sk_sensor_00",
        "content-encoding: zstd",
        "content-type: application/vnd.honeyguide.records",
        "x-honeyguide-sensor: 07070707-0707-0707-0707-070707070707",
        "x-honeyguide-sensor-name: café",
        "x-honeyguide-lost: 3",
        "x-honeyguide-unsynced: 64",
    ] {
        assert!(head.lines().any(|line| line == header), "{header} in {head}");
    }
    assert_eq!(zstd::bulk::decompress(&body, 10_000).unwrap(), records);
}

#[tokio::test]
async fn refusals_keep_their_meaning() {
    let said = "{\"error\":\"because\"}";
    for (status, headers, expected) in [
        ("401 Unauthorized", "", DeliveryError::Refused("the hub does not accept this key: because".to_owned())),
        ("403 Forbidden", "", DeliveryError::Refused("the hub does not allow this key to do that: because".to_owned())),
        ("413 Payload Too Large", "", DeliveryError::TooLarge("too large for the hub: because".to_owned())),
        (
            "503 Service Unavailable",
            "Retry-After: 7\r\n",
            DeliveryError::Busy { message: "the hub is busy: because".to_owned(), retry_after: Some(Duration::from_secs(7)) },
        ),
        ("429 Too Many Requests", "", DeliveryError::Busy { message: "the hub's limit is reached: because".to_owned(), retry_after: None }),
        ("500 Internal Server Error", "", DeliveryError::Failed("the hub said 500: because".to_owned())),
    ] {
        let (url, served) = serve(status, headers, said).await;
        assert_eq!(HttpDelivery::new(client(&url)).position(SENSOR).await, Err(expected), "{status}");
        let (head, _) = served.await.unwrap();
        assert!(head.starts_with("get /v1/sensor/position http/1.1\r\n"), "{head}");
    }
    // No hub at all, and something that is none.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let Err(Error::Unreachable { address, reason }) = client(&url).healthz().await else { panic!("nobody listens") };
    assert_eq!(address, url);
    assert!(reason.to_lowercase().contains("refused"), "{reason}");
    let (url, _) = serve("200 OK", "", "<html>").await;
    assert!(matches!(client(&url).healthz().await, Err(Error::Unexpected { .. })));
}

#[tokio::test]
async fn only_the_pinned_certificate_is_believed() {
    let made = rcgen::generate_simple_self_signed(vec!["other.example".to_owned()]).unwrap();
    let pinned = Sha256(sha2::Sha256::digest(made.cert.der()).into());
    let key = rustls_pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // The handshake fails when the client does not believe the certificate.
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, "200 OK", "", "{\"through\":5}").await;
            }
        }
    });
    let delivery = |trust| HttpDelivery::new(Client::new(&url, trust).unwrap());
    assert_eq!(delivery(Trust::Pinned(pinned)).position(SENSOR).await, Ok(5));
    let Err(DeliveryError::Refused(told)) = delivery(Trust::Pinned(Sha256([1; 32]))).position(SENSOR).await else {
        panic!("another certificate was pinned")
    };
    assert!(told.contains("cannot be trusted") && told.contains(&pinned.to_string()), "{told}");
    server.abort();
}
