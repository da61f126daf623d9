//! `crontab`: what attackers use to stay.

use super::accounts::Accounts;
use super::accounts_admin::root_files;
use super::options::{Spec, parse};
use super::source::Source;
use crate::Files;
use crate::command::{Outcome, Process, Stop};
use crate::fs::OpenOptions;

pub(super) async fn run(process: &mut Process) -> Outcome {
    const CRONTAB: Spec =
        Spec { short: "u:elric:", long: &[], usage: "[options] file\n       crontab [options]\n       crontab -n [hostname]", error: 1 };
    let given = parse(process, &CRONTAB).await?;
    let accounts = Accounts::read(process);
    let me = accounts.user_name(process.credentials.uid);
    let user = given.value('u').map_or(me.clone(), <[u8]>::to_vec);
    let shown = String::from_utf8_lossy(&user).into_owned();
    if user != me && process.credentials.uid != 0 {
        process.err("must be privileged to use -u\n").await?;
        return Ok(1);
    }
    if accounts.user(&user).is_none() {
        process.err(format!("crontab:  user `{shown}' unknown\n")).await?;
        return Ok(1);
    }
    let folder = if process.busybox() { "/etc/crontabs" } else { "/var/spool/cron/crontabs" };
    let path = format!("{folder}/{shown}").into_bytes();
    let files = root_files(process);
    if given.has('l') {
        return match files.read(&path) {
            Ok(content) => {
                let text = String::from_utf8_lossy(&content).into_owned();
                // cron's own three lines at the top are not shown.
                let skipped = text.lines().take(3).take_while(|line| line.starts_with("# DO NOT EDIT") || line.starts_with("# (")).count();
                let shown: String = text.lines().skip(skipped).map(|line| format!("{line}\n")).collect();
                process.out(shown).await?;
                Ok(0)
            }
            Err(_) => {
                process
                    .err(if process.busybox() {
                        format!("crontab: can't open '{shown}': No such file or directory\n")
                    } else {
                        format!("no crontab for {shown}\n")
                    })
                    .await?;
                Ok(1)
            }
        };
    }
    if given.has('r') {
        if files.remove(&path).is_err() {
            process.err(format!("no crontab for {shown}\n")).await?;
            return Ok(1);
        }
        return Ok(0);
    }
    if given.has('e') {
        if files.stat(&path).is_err() {
            process.err(format!("no crontab for {shown} - using an empty one\n")).await?;
        }
        return edit(process, &path).await;
    }
    let name = given.operands.first().cloned().unwrap_or_else(|| b"-".to_vec());
    let content = match Source::open(process, &name) {
        Ok(mut source) => source.rest(process, 1 << 20).await?,
        Err(errno) => {
            process.err([&name[..], b": ", errno.message().as_bytes(), b"\n"].concat()).await?;
            return Ok(1);
        }
    };
    install(process, &files, &path, content)?;
    Ok(0)
}

/// Writes a crontab as the attacker's file, so that it is captured.
fn install(process: &Process, files: &Files, path: &[u8], content: Vec<u8>) -> Result<(), Stop> {
    if let Ok(node) = files.open(path, OpenOptions { mode: 0o600, ..OpenOptions::CREATE }) {
        _ = node.write_at(0, &content);
    }
    if let Some(user) = Accounts::read(process).user(crate::fs::base_name(path)) {
        _ = files.set_owner(path, Some(user.uid), Some(106), true);
    }
    Ok(())
}

async fn edit(process: &mut Process, path: &[u8]) -> Outcome {
    let status = process.run(vec![b"vi".to_vec(), path.to_vec()]).await;
    if status.is_err() {
        process
            .err("/bin/sh: 1: /usr/bin/sensible-editor: not found\ncrontab: \"/usr/bin/sensible-editor\" exited with status 127\n")
            .await?;
        return Ok(1);
    }
    process.err("No modification made\n").await?;
    Ok(0)
}
