//! `passwd`, `chpasswd`, `useradd`, `adduser`, `userdel`, `usermod`, `groupadd`, `chsh`: what attackers change to stay.

use super::accounts::Accounts;
use super::options::{Spec, Takes, number, parse};
use super::su::ask;
use crate::command::{Outcome, Process};
use crate::{Credentials, Errno, Files};

/// The files as a set-user-id program sees them.
pub(super) fn root_files(process: &Process) -> Files {
    process.machine().files_of(Credentials { uid: 0, gid: 0, groups: [].into() }, process.directory.clone(), 0o022, process.task.pid)
}

/// Replaces the line of `/etc/passwd` or its kin that begins with `name:`, adds one, or takes it away.
fn edit_line(process: &Process, path: &[u8], name: &[u8], line: Option<Vec<u8>>) -> Result<(), Errno> {
    let files = root_files(process);
    let content = files.read(path)?;
    let prefix = [name, b":"].concat();
    let mut lines: Vec<Vec<u8>> = content.split(|b| *b == b'\n').filter(|old| !old.is_empty()).map(<[u8]>::to_vec).collect();
    let at = lines.iter().position(|old| old.starts_with(&prefix));
    match (at, line) {
        (Some(at), Some(line)) => lines[at] = line,
        (Some(at), None) => _ = lines.remove(at),
        (None, Some(line)) => lines.push(line),
        (None, None) => {}
    }
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    files.place(path, text, 0o644)
}

/// A SHA-512 crypt hash by its looks only: nothing here ever checks it.
fn made_up_hash(process: &Process, password: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    const LETTERS: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let seed = process.machine().host().instance().seed.to_le_bytes();
    let digest = sha2::Sha512::digest([password, &seed].concat());
    let letters: Vec<u8> = digest.iter().chain(&digest[..38]).map(|byte| LETTERS[usize::from(byte & 63)]).collect();
    let (salt, hash) = letters.split_at(16);
    [b"$6$", salt, b"$", hash].concat()
}

fn set_password(process: &Process, name: &[u8], field: Vec<u8>) -> Result<(), Errno> {
    let day = process.now().day();
    let line = [name, b":", &field, format!(":{day}:0:99999:7:::").as_bytes()].concat();
    edit_line(process, b"/etc/shadow", name, Some(line))
}

pub(super) async fn passwd(process: &mut Process) -> Outcome {
    const PASSWD: Spec = Spec {
        short: "adeSi:kln:qr:R:uw:x:h",
        long: &[
            ("delete", 'd', Takes::Nothing),
            ("lock", 'l', Takes::Nothing),
            ("unlock", 'u', Takes::Nothing),
            ("status", 'S', Takes::Nothing),
            ("expire", 'e', Takes::Nothing),
        ],
        usage: "[options] [LOGIN]",
        error: 2,
    };
    let given = parse(process, &PASSWD).await?;
    let accounts = Accounts::read(process);
    let me = accounts.user_name(process.credentials.uid);
    let name = given.operands.first().cloned().unwrap_or_else(|| me.clone());
    let Some(user) = accounts.user(&name).cloned() else {
        let shown = String::from_utf8_lossy(&name).into_owned();
        process
            .err(if process.busybox() {
                format!("passwd: unknown user {shown}\n")
            } else {
                format!("passwd: user '{shown}' does not exist\n")
            })
            .await?;
        return Ok(1);
    };
    let shown = String::from_utf8_lossy(&name).into_owned();
    if process.credentials.uid != 0 && process.credentials.uid != user.uid {
        process.err(format!("passwd: You may not view or modify password information for {shown}.\n")).await?;
        return Ok(1);
    }
    if given.has('S') {
        let date = super::time::strftime("%m/%d/%Y", process.machine().host().instance().booted);
        process.out(format!("{shown} P {date} 0 99999 7 -1\n")).await?;
        return Ok(0);
    }
    if given.has('d') || given.has('l') || given.has('u') || given.has('e') {
        if given.has('d') {
            _ = set_password(process, &name, Vec::new());
        }
        process.out("passwd: password expiry information changed.\n").await?;
        return Ok(0);
    }
    if process.busybox() {
        process.out(format!("Changing password for {shown}\n")).await?;
    } else if process.credentials.uid != 0 {
        process.out(format!("Changing password for {shown}.\n")).await?;
        ask(process, "Current password: ").await?;
    }
    for _ in 0..3 {
        let first = ask(process, "New password: ").await?;
        if first.is_empty() {
            let text = if process.busybox() {
                "passwd: password for {} is unchanged\n".replace("{}", &shown)
            } else {
                "No password supplied\n".to_owned()
            };
            process.err(text).await?;
            if process.busybox() {
                return Ok(1);
            }
            continue;
        }
        let second = ask(process, if process.busybox() { "Retype password: " } else { "Retype new password: " }).await?;
        if first != second {
            process.err(if process.busybox() { "Passwords don't match\n" } else { "Sorry, passwords do not match.\n" }).await?;
            break;
        }
        let hash = made_up_hash(process, &first);
        _ = set_password(process, &name, hash);
        process
            .out(if process.busybox() {
                format!("passwd: password for {shown} changed by {}\n", String::from_utf8_lossy(&me))
            } else {
                "passwd: password updated successfully\n".to_owned()
            })
            .await?;
        return Ok(0);
    }
    if !process.busybox() {
        process.err("passwd: Authentication token manipulation error\npasswd: password unchanged\n").await?;
        return Ok(10);
    }
    Ok(1)
}

pub(super) async fn chpasswd(process: &mut Process) -> Outcome {
    const CHPASSWD: Spec = Spec {
        short: "c:eR:s:m",
        long: &[("encrypted", 'e', Takes::Nothing), ("crypt-method", 'c', Takes::Value)],
        usage: "[options]",
        error: 1,
    };
    let given = parse(process, &CHPASSWD).await?;
    if process.credentials.uid != 0 {
        process.err("chpasswd: cannot lock /etc/passwd; try again later.\n").await?;
        return Ok(1);
    }
    let (mut line_number, mut status) = (0, 0);
    while let Some(line) = process.read_line().await? {
        line_number += 1;
        let line = super::source::chomp(&line);
        let Some(at) = line.iter().position(|b| *b == b':') else {
            process.err(format!("chpasswd: line {line_number}: missing new password\n")).await?;
            status = 1;
            continue;
        };
        let (name, password) = (&line[..at], &line[at + 1..]);
        if Accounts::read(process).user(name).is_none() {
            let shown = String::from_utf8_lossy(name).into_owned();
            process.err(format!("chpasswd: (user {shown}) pam_chauthtok() failed, error:\nAuthentication token manipulation error\nchpasswd: (line {line_number}, user {shown}) password not changed\n")).await?;
            status = 1;
            continue;
        }
        let field = if given.has('e') { password.to_vec() } else { made_up_hash(process, password) };
        _ = set_password(process, name, field);
        if process.busybox() {
            process.err([b"chpasswd: password for '", name, b"' changed\n"].concat()).await?;
        }
    }
    Ok(status)
}

pub(super) async fn useradd(process: &mut Process) -> Outcome {
    const USERADD: Spec = Spec {
        short: "b:c:d:De:f:g:G:hk:K:lmMNop:rR:s:u:UZ:SHDh:",
        long: &[
            ("comment", 'c', Takes::Value),
            ("home-dir", 'd', Takes::Value),
            ("home", 'd', Takes::Value),
            ("gid", 'g', Takes::Value),
            ("groups", 'G', Takes::Value),
            ("create-home", 'm', Takes::Nothing),
            ("no-create-home", 'M', Takes::Nothing),
            ("non-unique", 'o', Takes::Nothing),
            ("password", 'p', Takes::Value),
            ("system", 'r', Takes::Nothing),
            ("shell", 's', Takes::Value),
            ("uid", 'u', Takes::Value),
            ("disabled-password", '\u{1}', Takes::Nothing),
            ("gecos", 'c', Takes::Value),
            ("quiet", '\u{2}', Takes::Nothing),
            ("ingroup", 'g', Takes::Value),
        ],
        usage: "[options] LOGIN",
        error: 2,
    };
    const PLAIN: Spec = Spec { short: "b:c:d:De:f:g:G:hk:K:lmMNop:rR:s:u:UZ:SH", ..USERADD };
    let given = parse(process, &PLAIN).await?;
    let tool = String::from_utf8_lossy(process.name()).into_owned();
    let adduser = tool == "adduser";
    if process.credentials.uid != 0 {
        process
            .err(if adduser {
                "adduser: Only root may add a user or group to the system.\n".to_owned()
            } else {
                "useradd: Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.\n".to_owned()
            })
            .await?;
        return Ok(1);
    }
    let Some(name) = given.operands.first().cloned() else {
        process.err(format!("Usage: {tool} [options] LOGIN\n       {tool} -D\n       {tool} -D [options]\n")).await?;
        return Ok(2);
    };
    let shown = String::from_utf8_lossy(&name).into_owned();
    let accounts = Accounts::read(process);
    if accounts.user(&name).is_some() {
        process
            .err(if adduser {
                format!("adduser: The user `{shown}' already exists.\n")
            } else {
                format!("useradd: user '{shown}' already exists\n")
            })
            .await?;
        return Ok(9);
    }
    let valid = (1..=32).contains(&name.len())
        && !name[0].is_ascii_digit()
        && name[0] != b'-'
        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.$".contains(b));
    if !valid {
        process.err(format!("useradd: invalid user name '{shown}'\n")).await?;
        return Ok(3);
    }
    let numeric = |letter| given.value(letter).and_then(number).and_then(|n| u32::try_from(n).ok());
    let range = if given.has('r') { 100..1000 } else { 1000..60_000 };
    let free = range.clone().find(|id| accounts.by_uid(*id).is_none() && *id > if given.has('r') { 120 } else { 0 });
    let uid = numeric('u').or(free).unwrap_or(1003);
    if accounts.by_uid(uid).is_some() && !given.has('o') {
        process.err(format!("useradd: UID {uid} is not unique\n")).await?;
        return Ok(4);
    }
    let group = given.value('g').map(<[u8]>::to_vec);
    let gid = match &group {
        Some(group) => match accounts.group(group).map(|group| group.gid).or_else(|| number(group).and_then(|n| u32::try_from(n).ok())) {
            Some(gid) => gid,
            None => {
                process.err(format!("useradd: group '{}' does not exist\n", String::from_utf8_lossy(group))).await?;
                return Ok(6);
            }
        },
        None => uid,
    };
    let home = given.value('d').map_or_else(|| format!("/home/{shown}"), |home| String::from_utf8_lossy(home).into_owned());
    let shell = given
        .value('s')
        .map_or_else(|| if adduser { "/bin/bash" } else { "/bin/sh" }.to_owned(), |shell| String::from_utf8_lossy(shell).into_owned());
    let gecos = given.value('c').map_or_else(String::new, |gecos| String::from_utf8_lossy(gecos).into_owned());
    if adduser {
        process.out(format!("Adding user `{shown}' ...\nAdding new group `{shown}' ({gid}) ...\nAdding new user `{shown}' ({uid}) with group `{shown}' ...\nCreating home directory `{home}' ...\nCopying files from `/etc/skel' ...\n")).await?;
    }
    _ = edit_line(process, b"/etc/passwd", &name, Some(format!("{shown}:x:{uid}:{gid}:{gecos}:{home}:{shell}").into_bytes()));
    if group.is_none() && accounts.groups.iter().all(|group| group.gid != gid) {
        _ = edit_line(process, b"/etc/group", &name, Some(format!("{shown}:x:{gid}:").into_bytes()));
    }
    _ = set_password(process, &name, given.value('p').map_or_else(|| b"!".to_vec(), <[u8]>::to_vec));
    if let Some(list) = given.value('G') {
        join_groups(process, &name, list);
    }
    if given.has('m') || adduser {
        let files = root_files(process);
        _ = files.make_directory(home.as_bytes(), 0o750);
        for (file, bytes) in [(".bashrc", 3771u32), (".profile", 807), (".bash_logout", 220)] {
            let path = format!("{home}/{file}").into_bytes();
            let skeleton = files.read(format!("/etc/skel/{file}").as_bytes()).map(|content| content.to_vec());
            _ = files.place(&path, skeleton.unwrap_or_else(|_| vec![b'\n'; bytes as usize]), 0o644);
            _ = files.set_owner(&path, Some(uid), Some(gid), true);
        }
        _ = files.set_owner(home.as_bytes(), Some(uid), Some(gid), true);
    }
    if adduser && !given.has('\u{1}') {
        for prompt in ["New password: ", "Retype new password: "] {
            ask(process, prompt).await?;
        }
        process.out("passwd: password updated successfully\n").await?;
        process.out(format!("Changing the user information for {shown}\nEnter the new value, or press ENTER for the default\n")).await?;
        for field in ["Full Name", "Room Number", "Work Phone", "Home Phone", "Other"] {
            process.out(format!("\t{field} []: ")).await?;
            process.read_line().await?;
        }
        process.out("Is the information correct? [Y/n] ").await?;
        process.read_line().await?;
    }
    Ok(0)
}

fn join_groups(process: &Process, name: &[u8], list: &[u8]) {
    for group in list.split(|b| *b == b',') {
        let accounts = Accounts::read(process);
        let Some(group) = accounts.group(group) else { continue };
        let mut members = group.members.clone();
        if !members.iter().any(|member| member == name) {
            members.push(name.to_vec());
        }
        let line = [&group.name[..], b":x:", group.gid.to_string().as_bytes(), b":", &members.join(&b',')].concat();
        _ = edit_line(process, b"/etc/group", &group.name.clone(), Some(line));
    }
}

/// `usermod`, `userdel`, `groupadd`, `chsh`, `deluser`.
pub(super) async fn usermod(process: &mut Process) -> Outcome {
    const USERMOD: Spec = Spec {
        short: "aA:c:d:e:f:g:G:l:Lmop:rR:s:u:Uv:w:V:Z:",
        long: &[
            ("append", 'a', Takes::Nothing),
            ("groups", 'G', Takes::Value),
            ("shell", 's', Takes::Value),
            ("lock", 'L', Takes::Nothing),
            ("unlock", 'U', Takes::Nothing),
            ("remove", 'r', Takes::Nothing),
            ("force", 'f', Takes::Nothing),
            ("password", 'p', Takes::Value),
            ("uid", 'u', Takes::Value),
            ("non-unique", 'o', Takes::Nothing),
        ],
        usage: "[options] LOGIN",
        error: 2,
    };
    const DELETE: Spec = Spec { short: "frRZ", ..USERMOD };
    let tool = String::from_utf8_lossy(process.name()).into_owned();
    let given = parse(process, if tool.contains("del") { &DELETE } else { &USERMOD }).await?;
    let Some(name) = given.operands.last().cloned() else {
        process.err(format!("Usage: {tool} [options] LOGIN\n")).await?;
        return Ok(2);
    };
    let shown = String::from_utf8_lossy(&name).into_owned();
    if process.credentials.uid != 0 && tool != "chsh" {
        process.err(format!("{tool}: Permission denied.\n{tool}: cannot lock /etc/passwd; try again later.\n")).await?;
        return Ok(1);
    }
    let accounts = Accounts::read(process);
    if tool == "groupadd" || tool == "addgroup" {
        if accounts.group(&name).is_some() {
            process.err(format!("groupadd: group '{shown}' already exists\n")).await?;
            return Ok(9);
        }
        let gid = (1000..60_000).find(|gid| accounts.groups.iter().all(|group| group.gid != *gid)).unwrap_or(1003);
        _ = edit_line(process, b"/etc/group", &name, Some(format!("{shown}:x:{gid}:").into_bytes()));
        return Ok(0);
    }
    let Some(user) = accounts.user(&name).cloned() else {
        process
            .err(if tool == "chsh" {
                format!("chsh: user '{shown}' does not exist\n")
            } else {
                format!("{tool}: user '{shown}' does not exist\n")
            })
            .await?;
        return Ok(if tool == "chsh" { 1 } else { 6 });
    };
    if tool == "userdel" || tool == "deluser" {
        if let Some(listing) = process.machine().processes().iter().find(|l| l.uid == user.uid)
            && !given.has('f')
        {
            process.err(format!("userdel: user {shown} is currently used by process {}\n", listing.pid)).await?;
            return Ok(8);
        }
        for path in [&b"/etc/passwd"[..], b"/etc/shadow", b"/etc/group"] {
            _ = edit_line(process, path, &name, None);
        }
        if given.has('r') {
            _ = process.run(vec![b"/bin/rm".to_vec(), b"-rf".to_vec(), b"--".to_vec(), user.home]).await;
        }
        return Ok(0);
    }
    if let Some(list) = given.value('G') {
        join_groups(process, &name, list);
    }
    let shell = given.value('s').map_or(user.shell.clone(), <[u8]>::to_vec);
    let home = given.value('d').map_or(user.home.clone(), <[u8]>::to_vec);
    let uid = given.value('u').and_then(number).and_then(|n| u32::try_from(n).ok()).unwrap_or(user.uid);
    let line = [&name[..], format!(":x:{uid}:{}:", user.gid).as_bytes(), &user.gecos, b":", &home, b":", &shell].concat();
    _ = edit_line(process, b"/etc/passwd", &name, Some(line));
    if let Some(hash) = given.value('p') {
        _ = set_password(process, &name, hash.to_vec());
    }
    Ok(0)
}
