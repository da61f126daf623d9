//! `ping`, `nc`, `ssh`, `telnet`, `nslookup`, `host`, `dig`, `traceroute`: what would reach out, and reaches nothing.

use super::fetch::{Url, record};
use super::options::{Spec, Takes, number, parse, usage_error};
use crate::command::{Outcome, Process};
use std::time::Duration;

/// Whether a name is the host itself.
fn own(process: &Process, host: &str) -> bool {
    host == "localhost" || host.starts_with("127.") || host == "::1" || host == process.machine().facts().address().to_string()
}

/// The address a name seems to have; `None` when it does not resolve.
fn resolve(process: &Process, host: &str) -> Option<String> {
    if host == "localhost" {
        return Some("127.0.0.1".to_owned());
    }
    if host.as_bytes() == process.machine().hostname() {
        return Some("127.0.1.1".to_owned());
    }
    let url = Url::parse(format!("http://{host}/").as_bytes())?;
    (url.is_address() || (host.contains('.') && !host.ends_with(".invalid"))).then(|| url.address())
}

pub(super) async fn ping(process: &mut Process) -> Outcome {
    const PING: Spec =
        Spec { short: "46aAbBc:dDfF:hi:I:l:Lm:M:nOp:qQ:rRs:S:t:T:UvVw:W:", long: &[], usage: "[options] <destination>", error: 2 };
    let given = parse(process, &PING).await?;
    let Some(host) = given.operands.first().map(|host| String::from_utf8_lossy(host).into_owned()) else {
        if process.busybox() {
            return Err(usage_error(process, &PING, "bad arguments").await?);
        }
        process.err("ping: usage error: Destination address required\n").await?;
        return Ok(1);
    };
    let Some(address) = resolve(process, &host) else {
        process
            .err(if process.busybox() {
                format!("ping: bad address '{host}'\n")
            } else {
                format!("ping: {host}: Name or service not known\n")
            })
            .await?;
        return Ok(if process.busybox() { 1 } else { 2 });
    };
    let count = given.value('c').and_then(number).unwrap_or(u64::MAX);
    let size = given.value('s').and_then(number).unwrap_or(56).min(65_000);
    let near = own(process, &host);
    process
        .out(if process.busybox() {
            format!("PING {host} ({address}): {size} data bytes\n")
        } else {
            format!("PING {host} ({address}) {size}({}) bytes of data.\n", size + 28)
        })
        .await?;
    process.flush().await?;
    // What is near answers at once; what is far answers after the time its address has, the same at every try but for a little.
    let base = if near { 0.03 } else { 8.0 + (address.bytes().map(u64::from).sum::<u64>() % 170) as f64 };
    let (mut sent, mut times) = (0u64, Vec::new());
    while sent < count && sent < 10_000 {
        let time = base + rand::random_range(0.0..0.6) * if near { 0.04 } else { 1.0 };
        process.sleep(Duration::from_secs_f64(time / 1000.0)).await;
        sent += 1;
        times.push(time);
        let ttl = if near { 64 } else { 52 };
        let line = if process.busybox() {
            format!("{} bytes from {address}: seq={} ttl={ttl} time={time:.3} ms\n", size + 8, sent - 1)
        } else {
            format!("{} bytes from {address}: icmp_seq={sent} ttl={ttl} time={time:.1$} ms\n", size + 8, if time < 10.0 { 3 } else { 1 })
        };
        process.out(line).await?;
        process.flush().await?;
        if sent < count {
            process.sleep(Duration::from_secs_f64(1.0 - time / 1000.0)).await;
        }
        if process.task.has_caught() {
            break;
        }
    }
    let (least, most) = times.iter().fold((f64::MAX, 0.0f64), |(least, most), time| (least.min(*time), most.max(*time)));
    let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
    if process.busybox() {
        process.out(format!("\n--- {host} ping statistics ---\n{sent} packets transmitted, {sent} packets received, 0% packet loss\nround-trip min/avg/max = {least:.3}/{mean:.3}/{most:.3} ms\n")).await?;
    } else {
        process.out(format!("\n--- {host} ping statistics ---\n{sent} packets transmitted, {sent} received, 0% packet loss, time {}ms\nrtt min/avg/max/mdev = {least:.3}/{mean:.3}/{most:.3}/{:.3} ms\n", (sent.saturating_sub(1)) * 1002, (most - least) / 2.0)).await?;
    }
    Ok(0)
}

pub(super) async fn nc(process: &mut Process) -> Outcome {
    const NC: Spec = Spec {
        short: "46bCDdFhkklM:m:NnO:P:p:q:rSs:T:tUuV:vW:w:X:x:Zzie:c:",
        long: &[],
        usage: "[-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]\n\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]\n\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]\n\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]\n\t  [destination] [port]",
        error: 1,
    };
    let given = parse(process, &NC).await?;
    if given.has('l') {
        process.flush().await?;
        // Nobody connects.
        process.sleep(Duration::from_secs(3600)).await;
        return Ok(1);
    }
    let [host, port, ..] = &given.operands[..] else {
        process.err("usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]\n\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]\n\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]\n\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]\n\t  [destination] [port]\n").await?;
        return Ok(1);
    };
    let (host, port) = (String::from_utf8_lossy(host).into_owned(), String::from_utf8_lossy(port).into_owned());
    record(process, format!("tcp://{host}:{port}").as_bytes(), "nc");
    let wait = given.value('w').and_then(number).unwrap_or(120).clamp(1, 130);
    let reason = if own(process, &host) { "Connection refused" } else { "Connection timed out" };
    if reason == "Connection timed out" {
        process.sleep(Duration::from_secs(wait)).await;
    }
    if process.busybox() {
        process.err(format!("nc: can't connect to remote host ({host}): {reason}\n")).await?;
    } else if given.has('v') || given.has('z') {
        process.err(format!("nc: connect to {host} port {port} (tcp) failed: {reason}\n")).await?;
    }
    Ok(1)
}

pub(super) async fn ssh(process: &mut Process) -> Outcome {
    const SSH: Spec = Spec {
        short: "+46AaCfGgKkMNnqsTtVvXxYyB:b:c:D:E:e:F:I:i:J:L:l:m:O:o:p:Q:R:S:W:w:",
        long: &[],
        usage: "[-46AaCfGgKkMNnqsTtVvXxYy] [-B bind_interface] destination [command [argument ...]]",
        error: 255,
    };
    let given = parse(process, &SSH).await?;
    if given.has('V') {
        process.err("OpenSSH_8.9p1 Ubuntu-3ubuntu0.10, OpenSSL 3.0.2 15 Mar 2022\n").await?;
        return Ok(0);
    }
    let Some(target) = given.operands.first() else {
        process.err("usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-B bind_interface]\n           [-b bind_address] [-c cipher_spec] [-D [bind_address:]port]\n           [-E log_file] [-e escape_char] [-F configfile] [-I pkcs11]\n           [-i identity_file] [-J [user@]host[:port]] [-L address]\n           [-l login_name] [-m mac_spec] [-O ctl_cmd] [-o option] [-p port]\n           [-Q query_option] [-R address] [-S ctl_path] [-W host:port]\n           [-w local_tun[:remote_tun]] destination [command [argument ...]]\n").await?;
        return Ok(255);
    };
    let target = String::from_utf8_lossy(target).into_owned();
    let host = target.rsplit('@').next().unwrap_or_default().to_owned();
    let port = given.value('p').map_or_else(|| "22".to_owned(), |port| String::from_utf8_lossy(port).into_owned());
    record(process, format!("ssh://{target}:{port}").as_bytes(), "ssh");
    if resolve(process, &host).is_none() {
        process.err(format!("ssh: Could not resolve hostname {host}: Name or service not known\r\n")).await?;
        return Ok(255);
    }
    if own(process, &host) && port == "22" {
        process.err("Host key verification failed.\r\n").await?;
        return Ok(255);
    }
    process.sleep(Duration::from_secs(10)).await;
    process.err(format!("ssh: connect to host {host} port {port}: Connection timed out\r\n")).await?;
    Ok(255)
}

pub(super) async fn telnet(process: &mut Process) -> Outcome {
    let words: Vec<String> =
        process.operands().iter().filter(|arg| !arg.starts_with(b"-")).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    let Some(host) = words.first() else {
        process.out("telnet> ").await?;
        process.read_line().await?;
        return Ok(0);
    };
    let port = words.get(1).map_or("23", String::as_str);
    record(process, format!("telnet://{host}:{port}").as_bytes(), "telnet");
    let Some(address) = resolve(process, host) else {
        process.err(format!("telnet: could not resolve {host}/{port}: Name or service not known\n")).await?;
        return Ok(1);
    };
    process.out(format!("Trying {address}...\n")).await?;
    process.flush().await?;
    let near = own(process, host);
    if !near {
        process.sleep(Duration::from_secs(20)).await;
    }
    process
        .err(format!("telnet: Unable to connect to remote host: {}\n", if near { "Connection refused" } else { "Connection timed out" }))
        .await?;
    Ok(1)
}

pub(super) async fn lookup(process: &mut Process) -> Outcome {
    let tool = process.name().to_vec();
    let words: Vec<String> = process
        .operands()
        .iter()
        .filter(|arg| !arg.starts_with(b"-") && !arg.starts_with(b"@") && !arg.starts_with(b"+"))
        .map(|arg| String::from_utf8_lossy(arg).into_owned())
        .collect();
    let server = process.machine().host().persona().host.nameservers.first().cloned().unwrap_or_else(|| "127.0.0.53".to_owned());
    let Some(name) = words.first().cloned() else { return Ok(1) };
    let address = resolve(process, &name);
    let text = match (&tool[..], address) {
        (b"nslookup", Some(address)) if process.busybox() => {
            format!("Server:\t\t{server}\nAddress:\t{server}:53\n\nNon-authoritative answer:\nName:\t{name}\nAddress: {address}\n\n")
        }
        (b"nslookup", None) if process.busybox() => {
            format!("Server:\t\t{server}\nAddress:\t{server}:53\n\n** server can't find {name}: NXDOMAIN\n\n")
        }
        (b"nslookup", Some(address)) => {
            format!("Server:\t\t{server}\nAddress:\t{server}#53\n\nNon-authoritative answer:\nName:\t{name}\nAddress: {address}\n\n")
        }
        (b"nslookup", None) => format!("Server:\t\t{server}\nAddress:\t{server}#53\n\n** server can't find {name}: NXDOMAIN\n\n"),
        (b"dig", Some(address)) if process.operands().iter().any(|arg| arg == b"+short") => format!("{address}\n"),
        (b"dig", Some(address)) => format!(
            "\n; <<>> DiG 9.18.18-0ubuntu0.22.04.2-Ubuntu <<>> {name}\n;; global options: +cmd\n;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: {}\n;; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1\n\n;; QUESTION SECTION:\n;{name}.\t\t\tIN\tA\n\n;; ANSWER SECTION:\n{name}.\t\t300\tIN\tA\t{address}\n\n;; Query time: 11 msec\n;; SERVER: {server}#53({server}) (UDP)\n\n",
            rand::random_range(1000..65_000)
        ),
        (b"dig", None) => String::new(),
        (_, Some(address)) => format!("{name} has address {address}\n"),
        (_, None) => format!("Host {name} not found: 3(NXDOMAIN)\n"),
    };
    let found = !text.contains("NXDOMAIN");
    process.sleep(Duration::from_millis(20)).await;
    process.out(text).await?;
    Ok(u8::from(!found))
}

pub(super) async fn traceroute(process: &mut Process) -> Outcome {
    const TRACE: Spec = Spec {
        short: "46dFInrvm:q:w:s:p:f:i:t:zT",
        long: &[("max-hops", 'm', Takes::Value)],
        usage: "[options] host [packetlen]",
        error: 2,
    };
    let given = parse(process, &TRACE).await?;
    let Some(host) = given.operands.first().map(|host| String::from_utf8_lossy(host).into_owned()) else {
        return Err(usage_error(process, &TRACE, "missing host").await?);
    };
    let Some(address) = resolve(process, &host) else {
        process.err(format!("{host}: Name or service not known\n")).await?;
        return Ok(2);
    };
    process.out(format!("traceroute to {host} ({address}), 30 hops max, 60 byte packets\n")).await?;
    let gateway = process.machine().facts().gateway();
    process.out(format!(" 1  {gateway} ({gateway})  0.412 ms  0.398 ms  0.377 ms\n")).await?;
    for hop in 2..=6 {
        process.flush().await?;
        process.sleep(Duration::from_secs(5)).await;
        process.out(format!(" {hop}  * * *\n")).await?;
    }
    Ok(0)
}
