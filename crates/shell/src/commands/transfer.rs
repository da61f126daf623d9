//! `tftp`, `ftpget`, `ftpput`, `ftp`, `scp`, `sftp` and `rsync`: other ways to get a file.

use super::fetch::{Url, body, record};
use super::options::{Spec, Takes, parse};
use crate::command::{Outcome, Process};
use std::time::Duration;

fn url(scheme: &str, host: &[u8], port: Option<&[u8]>, path: &[u8]) -> Vec<u8> {
    let mut text = [scheme.as_bytes(), b"://", host].concat();
    if let Some(port) = port.filter(|port| !port.is_empty()) {
        text.push(b':');
        text.extend_from_slice(port);
    }
    if !path.starts_with(b"/") {
        text.push(b'/');
    }
    text.extend_from_slice(path);
    text
}

/// Leaves what a fetch would have left; the tool's own complaint is made by the caller.
async fn leave(process: &mut Process, text: &[u8], local: &[u8]) -> Result<Result<(), crate::Errno>, crate::Stop> {
    let made_up = Url::parse(text).map(|url| body(process, &url)).unwrap_or_default();
    process.sleep(Duration::from_millis(250)).await;
    if local == b"-" {
        process.out(made_up).await?;
        return Ok(Ok(()));
    }
    Ok(process.files().place(local, made_up, 0o666))
}

const TFTP: Spec = Spec {
    short: "+gpl:r:b:c:m:R:v46",
    long: &[("get", 'g', Takes::Nothing), ("put", 'p', Takes::Nothing)],
    usage: "[OPTIONS] HOST [PORT]\n\nTransfer a file from/to tftp server\n\n\t-l FILE\tLocal FILE\n\t-r FILE\tRemote FILE\n\t-g\tGet file\n\t-p\tPut file",
    error: 1,
};

pub(super) async fn tftp(process: &mut Process) -> Outcome {
    const ANYWHERE: Spec = Spec { short: "gpl:r:b:c:m:R:v46", ..TFTP };
    let args = process.operands().to_vec();
    // tftp-hpa's `-c get FILE [LOCAL]` takes the rest of the line.
    let hpa = args.iter().position(|arg| arg == b"-c");
    let (host, remote, local, put, port);
    if let Some(at) = hpa {
        let rest = &args[at + 1..];
        host = args[..at].iter().find(|arg| !arg.starts_with(b"-")).cloned();
        remote = rest.get(1).cloned();
        local = rest.get(2).cloned();
        put = rest.first().is_some_and(|verb| verb == b"put");
        port = args[..at].iter().filter(|arg| !arg.starts_with(b"-")).nth(1).cloned();
    } else {
        let given = parse(process, &ANYWHERE).await?;
        host = given.operands.first().cloned();
        port = given.operands.get(1).filter(|port| port.iter().all(u8::is_ascii_digit)).cloned();
        remote = given
            .value('r')
            .map(<[u8]>::to_vec)
            .or_else(|| given.value('l').map(<[u8]>::to_vec))
            .or_else(|| given.operands.get(1).cloned());
        local = given.value('l').map(<[u8]>::to_vec);
        put = given.has('p');
    }
    let (Some(host), Some(remote)) = (host, remote) else {
        if process.busybox() {
            let given = super::options::usage_error(process, &ANYWHERE, "bad arguments").await?;
            return Err(given);
        }
        process.out("tftp> ").await?;
        return Ok(0);
    };
    let local = local.unwrap_or_else(|| crate::fs::base_name(&remote).to_vec());
    let text = url("tftp", &host, port.as_deref(), &remote);
    record(process, &text, "tftp");
    if put {
        process.sleep(Duration::from_secs(5)).await;
        process.complain("timeout").await?;
        return Ok(1);
    }
    if let Err(errno) = leave(process, &text, &local).await? {
        let message = [b"can't open '", &local[..], b"': ", errno.message().as_bytes()].concat();
        process.complain(message).await?;
        return Ok(1);
    }
    Ok(0)
}

pub(super) async fn ftpget(process: &mut Process) -> Outcome {
    const FTPGET: Spec = Spec {
        short: "cvu:p:P:",
        long: &[
            ("username", 'u', Takes::Value),
            ("password", 'p', Takes::Value),
            ("port", 'P', Takes::Value),
            ("continue", 'c', Takes::Nothing),
            ("verbose", 'v', Takes::Nothing),
        ],
        usage: "[OPTIONS] HOST [LOCAL_FILE] REMOTE_FILE\n\nDownload a file via FTP\n\n\t-c\tContinue previous transfer\n\t-v\tVerbose\n\t-u USER\tUsername\n\t-p PASS\tPassword\n\t-P NUM\tPort",
        error: 1,
    };
    let given = parse(process, &FTPGET).await?;
    let put = process.name() == b"ftpput";
    let (host, local, remote) = match &given.operands[..] {
        [host, one] => (host, one, one),
        [host, first, second, ..] if put => (host, second, first),
        [host, first, second, ..] => (host, first, second),
        _ => return Err(super::options::usage_error(process, &FTPGET, "bad arguments").await?),
    };
    let text = url("ftp", host, given.value('P'), remote);
    record(process, &text, if put { "ftpput" } else { "ftpget" });
    if put {
        process.sleep(Duration::from_secs(2)).await;
        process.complain("can't connect to remote host: Connection timed out").await?;
        return Ok(1);
    }
    if let Err(errno) = leave(process, &text, local).await? {
        let message = [b"can't open '", &local[..], b"': ", errno.message().as_bytes()].concat();
        process.complain(message).await?;
        return Ok(1);
    }
    Ok(0)
}

/// `scp` and `rsync` to or from elsewhere ask for a password nobody types; `scp` as the server's half is the runtime's business.
pub(super) async fn scp(process: &mut Process) -> Outcome {
    const SCP: Spec = Spec {
        short: "346ABCpqrTtfvc:F:i:J:l:o:P:S:D:X:adzhue:nR",
        long: &[
            ("progress", 'h', Takes::Nothing),
            ("archive", 'a', Takes::Nothing),
            ("rsh", 'e', Takes::Value),
            ("delete", 'd', Takes::Nothing),
        ],
        usage: "[-346ABCOpqRrsTv] [-c cipher] [-D sftp_server_path] [-F ssh_config]\n           [-i identity_file] [-J destination] [-l limit]\n           [-o ssh_option] [-P port] [-S program] source ... target",
        error: 1,
    };
    let given = parse(process, &SCP).await?;
    let tool: &'static str = if process.name() == b"rsync" { "rsync" } else { "scp" };
    let remote =
        given.operands.iter().find(|operand| operand.contains(&b':') && !operand.starts_with(b"/") && !operand.starts_with(b".")).cloned();
    let Some(remote) = remote else {
        if given.operands.len() < 2 {
            process.err("usage: scp [-346ABCOpqRrsTv] [-c cipher] [-D sftp_server_path] [-F ssh_config]\n           [-i identity_file] [-J destination] [-l limit]\n           [-o ssh_option] [-P port] [-S program] source ... target\n").await?;
            return Ok(1);
        }
        let mut args = vec![b"cp".to_vec(), b"-r".to_vec(), b"--".to_vec()];
        args.extend(given.operands.iter().cloned());
        return Ok(process.run(args).await.map_or(1, crate::Status::code));
    };
    let at = remote.iter().position(|b| *b == b':').unwrap_or(remote.len());
    let host = remote[..at].rsplit(|b| *b == b'@').next().unwrap_or_default().to_vec();
    let text = url("scp", &remote[..at], given.value('P'), &remote[(at + 1).min(remote.len())..]);
    record(process, &text, tool);
    process.sleep(Duration::from_secs(6)).await;
    let port = given.value('P').map_or_else(|| "22".to_owned(), |port| String::from_utf8_lossy(port).into_owned());
    process.err([b"ssh: connect to host ", &host[..], format!(" port {port}: Connection timed out\r\n").as_bytes()].concat()).await?;
    if tool == "rsync" {
        process.err("rsync: connection unexpectedly closed (0 bytes received so far) [Receiver]\nrsync error: unexplained error (code 255) at io.c(228) [Receiver=3.2.7]\n").await?;
        return Ok(255);
    }
    process.err("lost connection\n").await?;
    Ok(1)
}

pub(super) async fn ftp(process: &mut Process) -> Outcome {
    let host = process.operands().iter().find(|arg| !arg.starts_with(b"-")).cloned();
    if let Some(host) = host {
        let text = if host.windows(3).any(|w| w == b"://") { host.clone() } else { url("ftp", &host, None, b"/") };
        record(process, &text, "ftp");
        process.sleep(Duration::from_secs(6)).await;
        process.err("ftp: connect: Connection timed out\n").await?;
    }
    loop {
        process.out("ftp> ").await?;
        let Some(line) = process.read_line().await? else { break };
        match line.trim_ascii() {
            b"" => {}
            b"bye" | b"quit" | b"exit" => break,
            b"help" | b"?" => process.out("Commands may be abbreviated.  Commands are:\n\n!\t\tcr\t\tls\t\tprompt\t\trunique\nascii\t\tdelete\t\tmget\t\tput\t\tsend\nbinary\t\tdir\t\tmkdir\t\tpwd\t\tstatus\nbye\t\tdisconnect\tmput\t\tquit\t\tuser\ncd\t\tget\t\topen\t\trecv\t\t?\n").await?,
            _ => process.out("Not connected.\n").await?,
        }
    }
    Ok(0)
}
