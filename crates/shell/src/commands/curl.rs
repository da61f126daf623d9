//! `curl`.

use super::fetch::{Url, body, record, seconds};
use super::options::{Given, Spec, Takes, parse};
use super::wget::{Unreachable, unreachable};
use crate::command::{Outcome, Process, Stop};
use std::time::Duration;

const SPEC: Spec = Spec {
    short: "0123456aA:b:Bc:C:d:D:e:E:fF:gGhH:iIjJkK:lLm:MnNo:Op:P:qQ:rRsSt:T:u:U:vVw:x:X:y:Y:z:Z#:",
    long: &[
        ("anyauth", '\u{1}', Takes::Nothing),
        ("cacert", '\u{2}', Takes::Value),
        ("compressed", '\u{1}', Takes::Nothing),
        ("connect-timeout", '\u{2}', Takes::Value),
        ("cookie", 'b', Takes::Value),
        ("cookie-jar", 'c', Takes::Value),
        ("create-dirs", '\u{1}', Takes::Nothing),
        ("data", 'd', Takes::Value),
        ("data-binary", 'd', Takes::Value),
        ("data-raw", 'd', Takes::Value),
        ("data-urlencode", 'd', Takes::Value),
        ("fail", 'f', Takes::Nothing),
        ("form", 'F', Takes::Value),
        ("ftp-create-dirs", '\u{1}', Takes::Nothing),
        ("get", 'G', Takes::Nothing),
        ("head", 'I', Takes::Nothing),
        ("header", 'H', Takes::Value),
        ("http1.1", '\u{1}', Takes::Nothing),
        ("include", 'i', Takes::Nothing),
        ("insecure", 'k', Takes::Nothing),
        ("ipv4", '4', Takes::Nothing),
        ("location", 'L', Takes::Nothing),
        ("max-time", 'm', Takes::Value),
        ("noproxy", '\u{2}', Takes::Value),
        ("output", 'o', Takes::Value),
        ("progress-bar", '\u{1}', Takes::Nothing),
        ("proxy", 'x', Takes::Value),
        ("referer", 'e', Takes::Value),
        ("remote-name", 'O', Takes::Nothing),
        ("remote-header-name", 'J', Takes::Nothing),
        ("request", 'X', Takes::Value),
        ("retry", '\u{2}', Takes::Value),
        ("retry-delay", '\u{2}', Takes::Value),
        ("show-error", 'S', Takes::Nothing),
        ("silent", 's', Takes::Nothing),
        ("ssl-no-revoke", '\u{1}', Takes::Nothing),
        ("upload-file", 'T', Takes::Value),
        ("url", '\u{3}', Takes::Value),
        ("user", 'u', Takes::Value),
        ("user-agent", 'A', Takes::Value),
        ("verbose", 'v', Takes::Nothing),
        ("write-out", 'w', Takes::Value),
    ],
    usage: "[options...] <url>",
    error: 2,
};

/// URLs fetched by one command.
const URLS_MAX: usize = 100;

const METER: &str = "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n";

pub(super) async fn run(process: &mut Process) -> Outcome {
    if process.operands().first().is_some_and(|arg| arg == b"--version" || arg == b"-V") {
        process.out("curl 7.81.0 (x86_64-pc-linux-gnu) libcurl/7.81.0 OpenSSL/3.0.2 zlib/1.2.11 brotli/1.0.9 zstd/1.4.8 libidn2/2.3.2 libpsl/0.21.0 (+libidn2/2.3.2) libssh/0.9.6/openssl/zlib nghttp2/1.43.0 librtmp/2.3 OpenLDAP/2.5.17\nRelease-Date: 2022-01-05\nProtocols: dict file ftp ftps gopher gophers http https imap imaps ldap ldaps mqtt pop3 pop3s rtmp rtsp scp sftp smb smbs smtp smtps telnet tftp \nFeatures: alt-svc AsynchDNS brotli GSS-API HSTS HTTP2 HTTPS-proxy IDN IPv6 Kerberos Largefile libz NTLM NTLM_WB PSL SPNEGO SSL TLS-SRP UnixSockets zstd\n").await?;
        return Ok(0);
    }
    const CURL: Spec = Spec { short: "0123456aA:b:Bc:C:d:D:e:E:fF:gGhH:iIjJkK:lLm:MnNo:Op:P:qQ:rRsSt:T:u:U:vVw:x:X:y:Y:z:Z#", ..SPEC };
    let given = parse(process, &CURL).await?;
    let mut urls = given.operands.clone();
    urls.extend(given.all().filter(|(letter, _)| *letter == '\u{3}').map(|(_, url)| url.to_vec()));
    if urls.is_empty() {
        process.err("curl: try 'curl --help' or 'curl --manual' for more information\n").await?;
        return Ok(2);
    }
    let mut outputs = given
        .all()
        .filter(|(letter, _)| matches!(letter, 'o' | 'O'))
        .map(|(letter, value)| (letter, value.to_vec()))
        .collect::<Vec<_>>()
        .into_iter();
    let mut status = 0;
    for text in urls.into_iter().take(URLS_MAX) {
        let output = outputs.next();
        status = one(process, &given, &text, output).await?;
    }
    Ok(status)
}

async fn fail(process: &mut Process, given: &Given, code: u8, message: String) -> Outcome {
    if !given.has('s') || given.has('S') {
        process.err(format!("curl: ({code}) {message}\n")).await?;
    }
    Ok(code)
}

async fn one(process: &mut Process, given: &Given, text: &[u8], output: Option<(char, Vec<u8>)>) -> Outcome {
    let Some(url) = Url::parse(text) else {
        record(process, text, "curl");
        let scheme = String::from_utf8_lossy(text.split(|b| *b == b':').next().unwrap_or_default()).into_owned();
        if text.windows(3).any(|w| w == b"://") && !matches!(&scheme[..], "http" | "https" | "ftp") {
            return fail(process, given, 1, format!("Protocol \"{scheme}\" not supported or disabled in libcurl")).await;
        }
        return fail(process, given, 3, "URL using bad/illegal format or missing URL".to_owned()).await;
    };
    record(process, &url.text, "curl");
    let path = match output {
        Some(('O', _)) => {
            let name = url.file_name();
            if url.path.ends_with('/') || name.starts_with("index.html?") {
                return fail(process, given, 23, "Remote file name has no length!".to_owned()).await;
            }
            Some(name.into_bytes())
        }
        Some((_, path)) if path != b"-" => Some(path),
        _ => None,
    };
    let meter = path.is_some() && !given.has('s');
    let upload = ['T', 'F', 'd'].iter().find_map(|letter| given.value(*letter)).map(<[u8]>::to_vec);
    match unreachable(&url) {
        Some(Unreachable::Name) => return fail(process, given, 6, format!("Could not resolve host: {}", url.host)).await,
        Some(Unreachable::Refused) => {
            return fail(process, given, 7, format!("Failed to connect to {} port {} after 0 ms: Connection refused", url.host, url.port))
                .await;
        }
        None => {}
    }
    if given.has('v') {
        let agent = given.value('A').map_or_else(|| "curl/7.81.0".to_owned(), |agent| String::from_utf8_lossy(agent).into_owned());
        process.err(format!("*   Trying {0}:{1}...\n* Connected to {2} ({0}) port {1} (#0)\n> GET {3} HTTP/1.1\n> Host: {2}\n> User-Agent: {agent}\n> Accept: */*\n> \n", url.address(), url.port, url.host, url.path)).await?;
    }
    let content = if upload.is_some() { Vec::new() } else { body(process, &url) };
    let time = 0.06 + seconds(&url, content.len());
    process.sleep(Duration::from_secs_f64(time)).await;
    let kind = if content.starts_with(b"\x7fELF") { "application/octet-stream" } else { "text/plain" };
    let head = format!(
        "HTTP/1.1 200 OK\r\nServer: nginx/1.18.0\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n",
        content.len()
    );
    if given.has('v') {
        process.err(head.lines().map(|line| format!("< {line}\n")).collect::<String>()).await?;
    }
    let mut shown = Vec::new();
    if given.has('i') || given.has('I') {
        shown.extend_from_slice(head.as_bytes());
    }
    if !given.has('I') {
        shown.extend_from_slice(&content);
    }
    let bytes = content.len() as u64;
    match path {
        None => process.out(&shown).await?,
        Some(path) => {
            if let Err(errno) = process.files().place(&path, shown, 0o666) {
                if meter {
                    process.err(METER).await?;
                }
                if !given.has('s') || given.has('S') {
                    process.err(format!("Warning: Failed to open the file {}: {errno}\n", String::from_utf8_lossy(&path))).await?;
                }
                return fail(process, given, 23, "Failure writing output to destination".to_owned()).await;
            }
        }
    }
    if meter {
        let rate = (bytes as f64 / time) as u64;
        let zero = "  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0";
        let size = short(bytes);
        process
            .err(format!(
                "{METER}\r{zero}\r100 {size:>5}  100 {size:>5}    0     0  {:>5}      0 --:--:-- --:--:-- --:--:-- {:>5}\n",
                short(rate),
                short(rate)
            ))
            .await?;
    }
    write_out(process, given, bytes, time, &url).await?;
    Ok(0)
}

/// Five characters, as curl's meter has them.
fn short(bytes: u64) -> String {
    match bytes {
        0..100_000 => bytes.to_string(),
        100_000..10_240_000 => format!("{}k", bytes / 1024),
        _ => format!("{}M", bytes / 1_048_576),
    }
}

async fn write_out(process: &mut Process, given: &Given, bytes: u64, time: f64, url: &Url) -> Result<(), Stop> {
    let Some(format) = given.value('w') else { return Ok(()) };
    let text = String::from_utf8_lossy(format)
        .replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("%{http_code}", "200")
        .replace("%{response_code}", "200")
        .replace("%{size_download}", &bytes.to_string())
        .replace("%{time_total}", &format!("{time:.6}"))
        .replace("%{remote_ip}", &url.address())
        .replace("%{url_effective}", &String::from_utf8_lossy(&url.text));
    process.out(text).await
}
