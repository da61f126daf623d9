//! Starting and stopping.

use crate::harness::*;
use sensor::spool::{Spool, SpoolConfig};
use sensor::{Limits, StartError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn stopping_ends_every_session_and_the_ports_are_free() {
    let running = start(&config(Limits::default()));
    let mut streams = Vec::new();
    for request in ["", "wait 60000\n", "terminal\n", "listen\n"] {
        let mut stream = running.connect("lines").await;
        stream.write_all(request.as_bytes()).await.unwrap();
        until(&mut stream, "hello\n").await;
        streams.push(stream);
    }
    let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.send_to(b"x\n", running.address("datagrams")).await.unwrap();
    udp.recv(&mut [0; 9]).await.unwrap();
    assert_eq!(running.sensor.shutdown(PATIENCE).await, 0);
    let sessions = running.sessions(5).await;
    assert!(sessions.iter().all(|s| reason(s) == "shutdown" || reason(s) == "server"), "{sessions:?}");
    assert!(sessions.iter().filter(|s| reason(s) == "shutdown").count() >= 4, "{sessions:?}");
    for stream in &mut streams {
        rest(stream).await;
    }
    assert!(TcpStream::connect(running.address("lines")).await.is_err());
    assert_eq!(running.sensor.sessions_open(), 0);
}

#[tokio::test]
async fn what_keeps_a_sensor_from_starting_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(SpoolConfig::new(folder.path().join("spool"))).unwrap();
    let refused = |change: &dyn Fn(&mut sensor::Config)| {
        let mut config = config(Limits::default());
        change(&mut config);
        try_start(&config, &folder, spool.clone()).err().expect("it does not start")
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = refused(&|config| config.decoys.get_mut("lines").unwrap().ports = Some(vec![port]));
    assert!(matches!(error, StartError::PortTaken { decoy: "lines", .. }), "{error}");
    let error = refused(&|config| drop(config.decoys.insert("smtpd".to_owned(), Default::default())));
    assert!(error.to_string().contains("smtpd") && error.to_string().contains("lines"), "{error}");
    let error = refused(&|config| config.decoys.values_mut().for_each(|d| d.enabled = Some(false)));
    assert!(matches!(error, StartError::NoDecoys), "{error}");
    let error = refused(&|config| config.listen.clear());
    assert!(matches!(error, StartError::NoAddress), "{error}");
    let error = refused(&|config| config.persona = "nobody".to_owned());
    assert!(matches!(error, StartError::UnknownPersona { .. }), "{error}");
    std::fs::write(folder.path().join("tls.pem"), b"no certificate").unwrap();
    let error = refused(&|_| {});
    assert!(error.to_string().contains("delete it"), "{error}");
}
