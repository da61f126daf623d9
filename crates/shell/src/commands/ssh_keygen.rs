//! `ssh-keygen`: keys that look like keys.

use super::accounts::Accounts;
use super::options::{Spec, parse};
use super::su::ask;
use crate::Kind;
use crate::command::{Outcome, Process};

pub(super) async fn run(process: &mut Process) -> Outcome {
    const KEYGEN: Spec = Spec {
        short: "t:b:f:N:C:P:lqyYRAR:F:Ei:",
        long: &[],
        usage: "[-q] [-a rounds] [-b bits] [-C comment] [-f output_keyfile]",
        error: 1,
    };
    let given = parse(process, &KEYGEN).await?;
    let kind = given.value('t').map_or_else(|| "rsa".to_owned(), |kind| String::from_utf8_lossy(kind).into_owned());
    let home = process.variable(b"HOME").map_or_else(|| "/root".to_owned(), |home| String::from_utf8_lossy(home).into_owned());
    let mut path = given.value('f').map(|path| String::from_utf8_lossy(path).into_owned());
    process.out(format!("Generating public/private {kind} key pair.\n")).await?;
    if path.is_none() {
        let default = format!("{home}/.ssh/id_{kind}");
        process.out(format!("Enter file in which to save the key ({default}): ")).await?;
        let answer = process.read_line().await?.unwrap_or_default();
        let answer = String::from_utf8_lossy(super::source::chomp(&answer)).into_owned();
        path = Some(if answer.is_empty() { default } else { answer });
    }
    let path = path.unwrap_or_default();
    if !given.has('N') {
        ask(process, "Enter passphrase (empty for no passphrase): ").await?;
        ask(process, "Enter same passphrase again: ").await?;
    }
    use base64::Engine;
    let mut random = [0u8; 96];
    random.iter_mut().for_each(|byte| *byte = rand::random());
    let body = base64::engine::general_purpose::STANDARD.encode(random);
    let comment = format!(
        "{}@{}",
        String::from_utf8_lossy(&Accounts::read(process).user_name(process.credentials.uid)),
        String::from_utf8_lossy(&process.machine().hostname())
    );
    let public = format!("ssh-{kind} AAAA{body} {comment}\n");
    let private = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n{body}\n-----END OPENSSH PRIVATE KEY-----\n");
    let files = process.files();
    if files.stat(parent(path.as_bytes())).is_ok_and(|metadata| metadata.kind == Kind::Directory)
        || files.make_directory(parent(path.as_bytes()), 0o700).is_ok()
    {
        _ = files.place(path.as_bytes(), private.into_bytes(), 0o600);
        _ = files.place(format!("{path}.pub").as_bytes(), public.into_bytes(), 0o644);
    } else {
        process.err(format!("Saving key \"{path}\" failed: No such file or directory\n")).await?;
        return Ok(1);
    }
    process.out(format!("Your identification has been saved in {path}\nYour public key has been saved in {path}.pub\nThe key fingerprint is:\nSHA256:{} {comment}\n", &body[..43])).await?;
    Ok(0)
}

fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|b| *b == b'/') {
        Some(0) => b"/",
        Some(at) => &path[..at],
        None => b".",
    }
}
