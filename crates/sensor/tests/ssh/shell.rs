//! The shell behind the decoy: commands, terminals, scripts.

use crate::decoy::{Decoy, Ran, finish, until};
use crate::{auth, position};
use model::Detail;
use russh::Pty;
use sensor::CloseReason;

#[tokio::test]
async fn a_command_is_run_and_the_session_recorded_in_order() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    let ran = client.run("echo out; echo err >&2; exit 3", b"").await;
    assert_eq!(ran, Ran { out: b"out\n".into(), err: b"err\n".into(), status: Some(3) });
    client.leave().await;
    assert_eq!(decoy.closed().await, CloseReason::Peer);
    let details = decoy.details();
    let login = position(&details, &auth("password", "root", "hunter2", true));
    let command = position(&details, &Detail::Command { line: "echo out; echo err >&2; exit 3".into() });
    let output = position(&details, &Detail::Tx { data: "out\n".into() });
    assert!(login < command && command < output, "{details:#?}");
    let hassh = details.iter().find_map(|d| match d {
        Detail::Fingerprint { method, value, raw } if method == "hassh" => Some((value.lossy().into_owned(), raw.lossy().into_owned())),
        _ => None,
    });
    let (value, raw) = hassh.unwrap();
    assert_eq!((value.len(), raw.split(';').count()), (32, 4));
    assert!(raw.contains("curve25519-sha256") && raw.contains("chacha20-poly1305@openssh.com"), "{raw}");
    let version = |d: &Detail| matches!(d, Detail::Fingerprint { method, value, .. } if method == "ssh_client_version" && value.lossy().starts_with("SSH-2.0-"));
    assert!(details.iter().any(version));
    assert!(!details.iter().any(|d| matches!(d, Detail::Malformed { .. } | Detail::Limit { .. })), "{details:#?}");
}

#[tokio::test]
async fn channels_share_one_host_and_standard_input_is_streamed() {
    let decoy = Decoy::any().await;
    let client = decoy.login().await;
    let large = vec![b'x'; 3_000_000];
    assert_eq!(client.run("cat > /tmp/large", &large).await.status, Some(0));
    assert_eq!(client.run("wc -c < /tmp/large", b"").await.out, b"3000000\n");
    assert_eq!(client.run("cat", &large).await.out.len(), large.len(), "an echo larger than any buffer");
}

#[tokio::test]
async fn a_terminal_echoes_prompts_and_is_fingerprinted() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    let mut channel = client.channel().await;
    channel.set_env(false, "LANG", "C.UTF-8").await.unwrap();
    channel.request_pty(true, "xterm-256color", 132, 43, 0, 0, &[(Pty::ECHO, 1)]).await.unwrap();
    channel.request_shell(true).await.unwrap();
    until(&mut channel, "# ").await;
    channel.window_change(100, 50, 0, 0).await.unwrap();
    channel.data(&b"echo $((6*7))\r"[..]).await.unwrap();
    let output = until(&mut channel, "\r\n42\r\n").await;
    assert!(output.contains("echo $((6*7))"), "typed characters are echoed: {output:?}");
    channel.data(&b"exit\r"[..]).await.unwrap();
    assert_eq!(finish(channel).await.status, Some(0));
    client.leave().await;
    decoy.closed().await;
    let details = decoy.details();
    let fingerprint =
        |method: &'static str, value: &str, raw: &str| Detail::Fingerprint { method: method.into(), value: value.into(), raw: raw.into() };
    position(&details, &fingerprint("terminal", "xterm-256color", "132x43"));
    position(&details, &fingerprint("environment", "LANG=C.UTF-8", ""));
    position(&details, &Detail::Command { line: "echo $((6*7))".into() });
}

#[tokio::test]
async fn a_shell_without_a_terminal_runs_what_it_is_fed() {
    let mut decoy = Decoy::any().await;
    let client = decoy.login().await;
    let mut channel = client.channel().await;
    channel.request_shell(true).await.unwrap();
    channel.data(&b"cd /tmp\n"[..]).await.unwrap();
    channel.data(&b"pwd\n"[..]).await.unwrap();
    // The answer comes before the end of the input: bots wait for it.
    until(&mut channel, "/tmp\n").await;
    channel.data(&b"exit 5\n"[..]).await.unwrap();
    assert_eq!(finish(channel).await.status, Some(5));
    client.leave().await;
    decoy.closed().await;
    position(&decoy.details(), &Detail::Command { line: "pwd".into() });
}
