//! The SSH decoy against a real client (and against what is not one).

mod decoy;
mod shell;

use decoy::{Client, Decoy, Ran, finish};
use emulation::CredentialPolicy;
use model::{Blob, Detail};
use russh::Sig;
use russh::client::KeyboardInteractiveAuthResponse;
use russh::keys::ssh_encoding::lossless::text;
use russh::keys::{Algorithm, PrivateKey, PrivateKeyWithHashAlg};
use russh_sftp::client::SftpSession;
use russh_sftp::protocol::OpenFlags;
use sensor::CloseReason;
use sensor::ssh::SshLimits;
use sha2::Digest;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

fn auth(method: &'static str, username: &str, secret: &str, accepted: bool) -> Detail {
    Detail::Auth { method: method.into(), username: username.into(), secret: secret.into(), accepted }
}

fn position(details: &[Detail], wanted: &Detail) -> usize {
    details.iter().position(|d| d == wanted).unwrap_or_else(|| panic!("{wanted:?} is not in {details:#?}"))
}

/// The content kept for a captured path, and how it came.
fn captured(decoy: &Decoy, wanted: &str) -> (Vec<u8>, String) {
    let files = decoy.details().into_iter().filter_map(|detail| match detail {
        Detail::File { path, sha256, method, bytes, stored_bytes } if path == Blob::from(wanted) => {
            Some((sha256, method, bytes, stored_bytes))
        }
        _ => None,
    });
    let files: Vec<_> = files.collect();
    let [(sha256, method, bytes, stored_bytes)]: [_; 1] = files.try_into().unwrap_or_else(|_| panic!("{:#?}", decoy.details()));
    let name = sha256.to_string();
    let content = std::fs::read(decoy.directory.path().join("captures").join(&name[..2]).join(&name)).unwrap();
    assert_eq!((content.len() as u64, bytes), (stored_bytes, stored_bytes));
    assert_eq!(sha256.0, <[u8; 32]>::from(sha2::Sha256::digest(&content)));
    (content, method.into_owned())
}

#[tokio::test]
async fn each_method_is_recorded_and_judged_by_the_policy() {
    let mut decoy = Decoy::start(CredentialPolicy::Nth { attempt: 3 }, SshLimits::default()).await;
    let mut client = Client::connect(decoy.address).await;
    assert!(!client.session.authenticate_none("root").await.unwrap().success());
    assert!(!client.session.authenticate_password("root", "").await.unwrap().success());
    let answer = client.session.authenticate_keyboard_interactive_start("root", None).await.unwrap();
    let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = answer else { panic!("{answer:?}") };
    assert_eq!((prompts[0].prompt.as_str(), prompts[0].echo), ("Password: ", false));
    let answer = client.session.authenticate_keyboard_interactive_respond(vec!["second".into()]).await.unwrap();
    assert!(matches!(answer, KeyboardInteractiveAuthResponse::Failure { .. }));
    let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
    let public = key.public_key().to_openssh().unwrap();
    assert!(client.session.authenticate_publickey("root", PrivateKeyWithHashAlg::new(Arc::new(key), None)).await.unwrap().success());
    client.leave().await;
    decoy.closed().await;
    let details = decoy.details();
    let expected = [
        auth("none", "root", "", false),
        auth("password", "root", "", false),
        auth("keyboard-interactive", "root", "second", false),
        auth("publickey", "root", &public, true),
    ];
    let found: Vec<&Detail> = details.iter().filter(|d| matches!(d, Detail::Auth { .. })).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
    let offered = |d: &Detail| matches!(d, Detail::Fingerprint { method, value, raw } if method == "ssh_public_key" && value.lossy().starts_with("SHA256:") && *raw == Blob::from(public.as_str()));
    assert!(details.iter().any(offered));
}

#[tokio::test]
async fn credentials_that_are_not_text_are_kept() {
    let mut decoy = Decoy::any().await;
    let mut client = Client::connect(decoy.address).await;
    // The last four bytes are valid UTF-8 for one of the characters that stand for bytes: it must not be mistaken for one.
    let (user, secret) = (b"ro\xf4t\xff".to_vec(), "p\u{e4}ss\u{10ff80}".as_bytes().to_vec());
    assert!(client.session.authenticate_password(text(user.clone()), text(secret.clone())).await.unwrap().success());
    client.leave().await;
    decoy.closed().await;
    let expected = Detail::Auth { method: "password".into(), username: user.into(), secret: secret.into(), accepted: true };
    position(&decoy.details(), &expected);
}

#[tokio::test]
async fn a_guesser_is_disconnected_after_the_attempts_sshd_grants() {
    let limits = SshLimits { auth_attempts_max: 3, ..SshLimits::default() };
    let mut decoy = Decoy::start(CredentialPolicy::None, limits).await;
    let mut client = Client::connect(decoy.address).await;
    assert!(!client.session.authenticate_none("root").await.unwrap().success());
    for guess in ["a", "b", "c"] {
        assert!(!client.session.authenticate_password("admin", guess).await.unwrap().success());
    }
    assert_eq!(decoy.closed().await, CloseReason::Server);
    assert!(client.session.authenticate_password("admin", "d").await.is_err());
    let details = decoy.details();
    position(&details, &auth("password", "admin", "c", false));
    position(&details, &Detail::Limit { name: "auth_attempts_max".into(), value: 3 });
}

#[tokio::test]
async fn who_does_not_log_in_in_time_is_disconnected() {
    let limits = SshLimits { login_grace: Duration::from_millis(300), ..SshLimits::default() };
    let mut decoy = Decoy::start(CredentialPolicy::None, limits).await;
    let _silent = tokio::net::TcpStream::connect(decoy.address).await.unwrap();
    assert_eq!(decoy.closed().await, CloseReason::Idle);
    let client = Client::connect(decoy.address).await;
    assert_eq!(decoy.closed().await, CloseReason::Idle);
    drop(client);
}

#[tokio::test]
async fn sftp_uploads_are_captured_and_files_behave() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    let channel = client.channel().await;
    channel.request_subsystem(true, "sftp").await.unwrap();
    let sftp = SftpSession::new(channel.into_stream()).await.unwrap();
    assert_eq!(sftp.canonicalize(".").await.unwrap(), "/root");
    let mut file = sftp.open_with_flags("/tmp/bot", OpenFlags::CREATE | OpenFlags::WRITE | OpenFlags::TRUNCATE).await.unwrap();
    file.write_all(b"\x7fELF....tail").await.unwrap();
    file.seek(std::io::SeekFrom::Start(4)).await.unwrap();
    file.write_all(b"body").await.unwrap();
    file.shutdown().await.unwrap();
    drop(file);
    let mut read = sftp.open("/tmp/bot").await.unwrap();
    let mut content = Vec::new();
    read.read_to_end(&mut content).await.unwrap();
    assert_eq!(content, b"\x7fELFbodytail");
    sftp.create_dir("/tmp/nest").await.unwrap();
    sftp.rename("/tmp/bot", "/tmp/nest/b").await.unwrap();
    sftp.symlink("/tmp/nest/b", "/tmp/l").await.unwrap();
    assert_eq!(sftp.read_link("/tmp/l").await.unwrap(), "/tmp/nest/b");
    let names: Vec<String> = sftp.read_dir("/tmp/nest").await.unwrap().map(|e| e.file_name()).collect();
    assert_eq!(names, ["b"]);
    assert_eq!(sftp.metadata("/tmp/l").await.unwrap().size, Some(12));
    assert!(sftp.remove_dir("/tmp/nest").await.is_err());
    sftp.remove_file("/tmp/nest/b").await.unwrap();
    sftp.remove_dir("/tmp/nest").await.unwrap();
    assert!(sftp.open("/no/such").await.is_err());
    assert!(sftp.fs_info("/").await.unwrap().unwrap().blocks > 0);
    client.leave().await;
    decoy.closed().await;
    assert_eq!(captured(&decoy, "/tmp/bot"), (b"\x7fELFbodytail".to_vec(), "sftp".to_owned()));
}

#[tokio::test]
async fn an_upload_cut_off_is_captured_as_far_as_it_came() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    let channel = client.channel().await;
    channel.request_subsystem(true, "sftp").await.unwrap();
    let sftp = SftpSession::new(channel.into_stream()).await.unwrap();
    let mut file = sftp.create("/tmp/half").await.unwrap();
    file.write_all(b"first half").await.unwrap();
    file.flush().await.unwrap();
    std::mem::forget(file);
    client.leave().await;
    decoy.closed().await;
    assert_eq!(captured(&decoy, "/tmp/half").0, b"first half");
}

#[tokio::test]
async fn scp_both_ways() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    let sent = client.run("scp -p -t /tmp/dropper", b"T1700000000 0 1700000000 0\nC0755 5 dropper\nhello\0").await;
    assert_eq!(sent, Ran { out: vec![0; 4], err: vec![], status: Some(0) });
    let fetched = client.run("scp -f /tmp/dropper", &[0; 3]).await;
    assert_eq!(fetched, Ran { out: b"C0755 5 dropper\nhello\0".into(), err: vec![], status: Some(0) });
    let tree = client.run("scp -r -t /tmp", b"D0755 0 d\nC0600 1 a\nA\0E\n").await;
    assert_eq!((tree.out, tree.status), (vec![0; 5], Some(0)));
    let tree = client.run("scp -r -f /tmp/d", &[0; 5]).await;
    assert_eq!(tree.out, b"D0755 0 d\nC0600 1 a\nA\0E\n");
    let missing = client.run("scp -f /no/such", &[0; 1]).await;
    assert_eq!(missing, Ran { out: b"\x01scp: /no/such: No such file or directory\n".into(), err: vec![], status: Some(1) });
    let escaping = client.run("scp -t /tmp", b"C0644 1 ../../etc/passwd\nx\0").await;
    assert_eq!(escaping.out, b"\0\x01scp: error: unexpected filename: ../../etc/passwd\n");
    client.leave().await;
    decoy.closed().await;
    assert_eq!(captured(&decoy, "/tmp/dropper"), (b"hello".to_vec(), "scp".to_owned()));
    assert_eq!(captured(&decoy, "/tmp/d/a").0, b"A");
    position(&decoy.details(), &Detail::Command { line: "scp -p -t /tmp/dropper".into() });
}

#[tokio::test]
async fn uploads_are_bounded() {
    let limits = SshLimits { upload_bytes_max: 1000, ..SshLimits::default() };
    let mut decoy = Decoy::start(CredentialPolicy::Any, limits).await;
    let client = decoy.login().await;
    let content = [&b"C0644 5000 big\n"[..], &[b'z'; 5000], &[0]].concat();
    let ran = client.run("scp -t /tmp/big", &content).await;
    assert_eq!(ran.out, b"\0\0\x01scp: /tmp/big: No space left on device\n");
    client.leave().await;
    decoy.closed().await;
    position(&decoy.details(), &Detail::Limit { name: "upload_bytes_max".into(), value: 1000 });
}

#[tokio::test]
async fn tunnels_are_recorded_and_lead_nowhere() {
    let mut decoy = Decoy::any().await;
    // A listener that would notice.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = decoy.login().await;
    let port = listener.local_addr().unwrap().port();
    assert!(client.session.channel_open_direct_tcpip("127.0.0.1", u32::from(port), "127.0.0.1", 1).await.is_err());
    let channel = client.session.channel_open_direct_tcpip("198.51.100.9", 80, "127.0.0.1", 1).await.unwrap();
    channel.data(&b"GET / HTTP/1.1\r\n\r\n"[..]).await.unwrap();
    assert_eq!(finish(channel).await, Ran::default(), "the other end hangs up without a word");
    assert!(tokio::time::timeout(Duration::from_millis(100), listener.accept()).await.is_err(), "nothing is contacted");
    client.leave().await;
    decoy.closed().await;
    let tunnel = |host: &str, port, data: &str| Detail::Tunnel { host: host.into(), port, data: data.into() };
    let details = decoy.details();
    position(&details, &tunnel("127.0.0.1", port, ""));
    assert!(
        position(&details, &tunnel("198.51.100.9", 80, "")) < position(&details, &tunnel("198.51.100.9", 80, "GET / HTTP/1.1\r\n\r\n"))
    );
}

#[tokio::test]
async fn requests_beyond_a_command_are_recorded() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    assert!(client.session.tcpip_forward("0.0.0.0", 0).await.unwrap() >= 32768);
    let channel = client.channel().await;
    channel.request_x11(false, false, "MIT-MAGIC-COOKIE-1", "00", 0).await.unwrap();
    channel.agent_forward(false).await.unwrap();
    channel.exec(true, "sleep 100").await.unwrap();
    channel.signal(Sig::TERM).await.unwrap();
    assert_eq!(finish(channel).await.status, None, "a command ended by a signal has no status");
    client.leave().await;
    decoy.closed().await;
    let details = decoy.details();
    position(&details, &Detail::Tunnel { host: "0.0.0.0".into(), port: 0, data: Blob::default() });
    for (request, raw) in [("x11-req", "MIT-MAGIC-COOKIE-1 00"), ("auth-agent-req@openssh.com", "")] {
        position(&details, &Detail::Fingerprint { method: "ssh_request".into(), value: request.into(), raw: raw.into() });
    }
}

#[tokio::test]
async fn sessions_are_as_many_as_sshd_allows() {
    let limits = SshLimits { sessions_max: 2, ..SshLimits::default() };
    let decoy = Decoy::start(CredentialPolicy::Any, limits).await;
    let client = decoy.login().await;
    let _held = (client.channel().await, client.channel().await);
    assert!(client.session.channel_open_session().await.is_err());
}

#[tokio::test]
async fn a_client_that_leaves_at_once_still_had_its_command_run() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    let channel = client.channel().await;
    channel.exec(false, "echo gone > /tmp/x").await.unwrap();
    client.leave().await;
    decoy.closed().await;
    position(&decoy.details(), &Detail::Command { line: "echo gone > /tmp/x".into() });
}

#[tokio::test]
async fn what_is_not_ssh_is_recorded_and_answered_as_by_sshd() {
    let ours = b"SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10\r\n";
    let invalid = "Invalid SSH identification string.\r\n";
    let cases: [(&[u8], &str, &str); 3] = [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not an identification string", invalid),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", "not an identification string", invalid),
        (b"SSH-1.5-old\r\n", "protocol version 1", "Protocol major versions differ.\r\n"),
    ];
    for (bytes, reason, answer) in cases {
        let mut decoy = Decoy::any().await;
        assert_eq!(decoy.raw(bytes).await, [&ours[..], answer.as_bytes()].concat());
        assert_eq!(decoy.closed().await, CloseReason::Server);
        assert_eq!(decoy.details(), [Detail::Malformed { reason: reason.into(), data: bytes.into() }]);
    }
}

#[tokio::test]
async fn garbage_after_the_identification_string_is_malformed() {
    let mut decoy = Decoy::any().await;
    decoy.raw(b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff").await;
    assert_eq!(decoy.closed().await, CloseReason::Server);
    let broken = |d: &Detail| matches!(d, Detail::Malformed { reason, .. } if reason == "packet length before key exchange");
    assert_eq!(decoy.details().iter().filter(|d| matches!(d, Detail::Malformed { .. })).count(), 1);
    assert!(decoy.details().iter().any(broken), "{:#?}", decoy.details());
}

#[tokio::test]
async fn a_client_with_nothing_in_common_is_recorded() {
    let mut decoy = Decoy::any().await;
    let mut payload = vec![20];
    payload.extend([0; 16]);
    for list in ["diffie-hellman-group1-sha1", "ssh-dss", "arcfour", "arcfour", "hmac-md5", "hmac-md5", "none", "none", "", ""] {
        payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
        payload.extend(list.as_bytes());
    }
    payload.extend([0; 5]);
    let padding = 4 + (8 - (5 + payload.len() + 4) % 8) % 8;
    let length = u32::try_from(1 + payload.len() + padding).unwrap();
    let packet = [b"SSH-2.0-old\r\n", &length.to_be_bytes()[..], &[u8::try_from(padding).unwrap()], &payload, &vec![0; padding]].concat();
    decoy.raw(&packet).await;
    assert_eq!(decoy.closed().await, CloseReason::Server);
    let details = decoy.details();
    position(&details, &Detail::Malformed { reason: "no common key exchange method".into(), data: "diffie-hellman-group1-sha1".into() });
    assert!(details.iter().any(|d| matches!(d, Detail::Fingerprint { method, raw, .. } if method == "hassh" && *raw == Blob::from("diffie-hellman-group1-sha1;arcfour;hmac-md5;none"))));
}

#[tokio::test]
async fn a_terminal_whose_peer_is_gone_ends_at_once() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    let mut channel = client.channel().await;
    channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await.unwrap();
    channel.request_shell(true).await.unwrap();
    channel.data(&b"sleep 3600\r"[..]).await.unwrap();
    let command = Detail::Command { line: "sleep 3600".into() };
    while !decoy.details().contains(&command) {
        tokio::time::timeout(Duration::from_secs(10), channel.wait()).await.expect("the line is echoed");
    }
    let begun = std::time::Instant::now();
    // No farewell of the protocol: the connection is just gone.
    drop((channel, client));
    decoy.closed().await;
    assert!(begun.elapsed() < SshLimits::default().linger / 2, "ended after {:?}", begun.elapsed());
}

#[tokio::test]
async fn uploads_of_all_peers_together_are_bounded() {
    let limits = SshLimits { all_upload_bytes_max: 1500, ..SshLimits::default() };
    let decoy = Decoy::start(CredentialPolicy::Any, limits).await;
    let sftp = async || {
        let client = decoy.login().await;
        let channel = client.channel().await;
        channel.request_subsystem(true, "sftp").await.unwrap();
        (SftpSession::new(channel.into_stream()).await.unwrap(), client)
    };
    let (first, second) = (sftp().await, sftp().await);
    let mut held = first.0.create("/tmp/a").await.unwrap();
    held.write_all(&[1; 1000]).await.unwrap();
    held.flush().await.unwrap();
    let mut refused = second.0.create("/tmp/b").await.unwrap();
    assert!(refused.write_all(&[2; 1000]).await.and(refused.flush().await).is_err());
    position(&decoy.details(), &Detail::Limit { name: "all_upload_bytes_max".into(), value: 1500 });
    held.shutdown().await.unwrap();
    let mut fits = second.0.create("/tmp/c").await.unwrap();
    fits.write_all(&[3; 1000]).await.unwrap();
    fits.shutdown().await.unwrap();
}
