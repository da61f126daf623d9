//! `su` and `sudo`: as another account.

use super::accounts::Accounts;
use super::options::{Spec, Takes, number, parse, parse_args};
use crate::command::{Launch, Outcome, Process, STDIN, Stop};
use crate::terminal::Mode;
use crate::{Credentials, Environment, Errno};
use std::sync::Arc;
use std::time::Duration;

/// What a process has as another account.
struct Other {
    credentials: Credentials,
    environment: Environment,
    home: Vec<u8>,
    shell: Vec<u8>,
}

fn become_user(process: &Process, name: &[u8], login: bool) -> Option<Other> {
    let accounts = Accounts::read(process);
    let user =
        accounts.user(name).or_else(|| number(name.strip_prefix(b"#")?).and_then(|uid| accounts.by_uid(u32::try_from(uid).ok()?)))?;
    let credentials = Credentials { uid: user.uid, gid: user.gid, groups: accounts.supplementary(user).into() };
    let mut environment = if login { Environment::new() } else { (*process.environment).clone() };
    for (key, value) in [(&b"HOME"[..], &user.home), (b"USER", &user.name), (b"LOGNAME", &user.name), (b"SHELL", &user.shell)] {
        environment.insert(key.to_vec(), value.clone());
    }
    if login {
        if let Some(term) = process.variable(b"TERM") {
            environment.insert(b"TERM".to_vec(), term.to_vec());
        }
        environment.insert(b"PATH".to_vec(), b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_vec());
    }
    Some(Other { credentials, environment, home: user.home.clone(), shell: user.shell.clone() })
}

pub(super) async fn sudo(process: &mut Process) -> Outcome {
    const SUDO: Spec = Spec {
        short: "+ABbEeg:Hh:iKklnPp:r:SsT:t:U:u:Vv",
        long: &[
            ("user", 'u', Takes::Value),
            ("login", 'i', Takes::Nothing),
            ("shell", 's', Takes::Nothing),
            ("stdin", 'S', Takes::Nothing),
            ("non-interactive", 'n', Takes::Nothing),
            ("list", 'l', Takes::Nothing),
            ("preserve-env", 'E', Takes::Optional),
        ],
        usage: "-h | -K | -k | -V\nusage: sudo -v [-ABknS] [-g group] [-h host] [-p prompt] [-u user]\nusage: sudo -l [-ABknS] [-g group] [-h host] [-p prompt] [-U user] [-u user] [command]\nusage: sudo [-ABbEHknPS] [-r role] [-t type] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] [VAR=value] [-i|-s] [<command>]",
        error: 1,
    };
    let given = parse(process, &SUDO).await?;
    let uid = process.credentials.uid;
    let accounts = Accounts::read(process);
    let me = String::from_utf8_lossy(&accounts.user_name(uid)).into_owned();
    let host = String::from_utf8_lossy(&process.machine().hostname()).into_owned();
    let allowed = uid == 0 || process.credentials.groups.contains(&27);
    if given.has('V') {
        process.out("Sudo version 1.9.9\nSudoers policy plugin version 1.9.9\nSudoers file grammar version 48\nSudoers I/O plugin version 1.9.9\nSudoers audit plugin version 1.9.9\n").await?;
        return Ok(0);
    }
    if !allowed {
        if given.has('n') {
            process.complain("a password is required").await?;
            return Ok(1);
        }
        ask(process, &format!("[sudo] password for {me}: ")).await?;
        process.err(format!("{me} is not in the sudoers file.  This incident will be reported.\n")).await?;
        return Ok(1);
    }
    if given.has('l') {
        process.out(format!("Matching Defaults entries for {me} on {host}:\n    env_reset, mail_badpass, secure_path=/usr/local/sbin\\:/usr/local/bin\\:/usr/sbin\\:/usr/bin\\:/sbin\\:/bin\\:/snap/bin, use_pty\n\nUser {me} may run the following commands on {host}:\n    (ALL : ALL) ALL\n")).await?;
        return Ok(0);
    }
    if given.has('v') || given.has('k') || given.has('K') {
        return Ok(0);
    }
    let target = given.value('u').unwrap_or(b"root").to_vec();
    let Some(Other { credentials, mut environment, home, shell }) = become_user(process, &target, given.has('i')) else {
        let message = [b"unknown user ", &target[..]].concat();
        process.complain(message).await?;
        process.complain("error initializing audit plugin sudoers_audit").await?;
        return Ok(1);
    };
    let mut operands = given.operands.clone();
    while let Some(at) = operands.first().and_then(|arg| arg.iter().position(|b| *b == b'=')) {
        let setting = operands.remove(0);
        environment.insert(setting[..at].to_vec(), setting[at + 1..].to_vec());
    }
    environment.insert(b"SUDO_USER".to_vec(), me.into_bytes());
    environment.insert(b"SUDO_UID".to_vec(), uid.to_string().into_bytes());
    let shelled = given.has('i') || given.has('s');
    if operands.is_empty() && !shelled {
        process.err("usage: sudo -h | -K | -k | -V\nusage: sudo -v [-ABknS] [-g group] [-h host] [-p prompt] [-u user]\nusage: sudo -l [-ABknS] [-g group] [-h host] [-p prompt] [-U user] [-u user] [command]\nusage: sudo [-ABbEHknPS] [-r role] [-t type] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] [VAR=value] [-i|-s] [<command>]\nusage: sudo -e [-ABknS] [-r role] [-t type] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] file ...\n").await?;
        return Ok(1);
    }
    if shelled {
        let line = operands.join(&b' ');
        operands = vec![shell];
        if !line.is_empty() {
            operands.extend([b"-c".to_vec(), line]);
        }
    }
    let program = operands[0].clone();
    let directory = given.has('i').then(|| home.as_slice().into());
    let launch = Launch { credentials: Some(credentials), environment: Some(Arc::new(environment)), directory, ..Launch::new(operands) };
    match process.launch(launch).await {
        Ok(task) => Ok(process.wait(&task).await.code()),
        Err(Errno::Enoent) => {
            let message = [&program[..], b": command not found"].concat();
            process.complain(message).await?;
            Ok(1)
        }
        Err(errno) => {
            let message = [b"unable to execute ", &program[..], b": ", errno.message().as_bytes()].concat();
            process.complain(message).await?;
            Ok(1)
        }
    }
}

/// Prompts for a password, on standard error, and reads a line without echo where there is a terminal.
pub(super) async fn ask(process: &mut Process, prompt: &str) -> Result<Vec<u8>, Stop> {
    process.err(prompt).await?;
    let terminal = process.descriptors.get(STDIN).and_then(|file| file.terminal().cloned());
    let mode = terminal.as_ref().map(|terminal| terminal.mode());
    if let (Some(terminal), Some(mode)) = (&terminal, mode) {
        terminal.set_mode(Mode { echo: false, ..mode });
    }
    let line = process.read_line().await;
    if let (Some(terminal), Some(mode)) = (&terminal, mode) {
        terminal.set_mode(mode);
        process.err("\n").await?;
    }
    Ok(line?.map(|line| super::source::chomp(&line).to_vec()).unwrap_or_default())
}

pub(super) async fn su(process: &mut Process) -> Outcome {
    const SU: Spec = Spec {
        short: "c:flmps:w:G:g:",
        long: &[
            ("command", 'c', Takes::Value),
            ("login", 'l', Takes::Nothing),
            ("shell", 's', Takes::Value),
            ("preserve-environment", 'p', Takes::Nothing),
        ],
        usage: "[options] [-] [<user> [<argument>...]]",
        error: 1,
    };
    let args = process.operands().to_vec();
    let dash = args.iter().any(|arg| arg == b"-");
    let rest: Vec<Vec<u8>> = args.into_iter().filter(|arg| arg != b"-").collect();
    let given = parse_args(process, &SU, rest).await?;
    let login = dash || given.has('l');
    let name = given.operands.first().cloned().unwrap_or_else(|| b"root".to_vec());
    let Some(Other { credentials, environment, home, shell }) = become_user(process, &name, login) else {
        let message = if process.busybox() {
            [b"unknown user ", &name[..]].concat()
        } else {
            [b"user ", &name[..], b" does not exist or the user entry does not contain all the required fields"].concat()
        };
        process.complain(message).await?;
        return Ok(1);
    };
    if process.credentials.uid != 0 {
        ask(process, "Password: ").await?;
        process.sleep(Duration::from_secs(2)).await;
        process.complain(if process.busybox() { "incorrect password" } else { "Authentication failure" }).await?;
        return Ok(1);
    }
    if shell.ends_with(b"nologin") && !given.has('s') {
        process.out("This account is currently not available.\n").await?;
        return Ok(1);
    }
    let shell = given.value('s').map_or(shell, <[u8]>::to_vec);
    let mut operands = vec![shell];
    if let Some(line) = given.value('c') {
        operands.extend([b"-c".to_vec(), line.to_vec()]);
    } else if login {
        operands.push(b"-l".to_vec());
    }
    let directory = login.then(|| home.as_slice().into());
    match process
        .launch(Launch { credentials: Some(credentials), environment: Some(Arc::new(environment)), directory, ..Launch::new(operands) })
        .await
    {
        Ok(task) => Ok(process.wait(&task).await.code()),
        Err(errno) => {
            process.complain(format!("failed to execute shell: {errno}")).await?;
            Ok(127)
        }
    }
}
