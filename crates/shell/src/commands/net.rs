//! `ifconfig`, `ip`, `route`, `arp`, `netstat` and `ss`: the network as the host sees it.

use super::options::{Spec, Takes, parse};
use crate::command::{Outcome, Process, Stop};
use crate::fs::procfs::gateway_mac;
use crate::sockets::{self, Socket};
use crate::{Machine, Traffic};
use std::net::{Ipv4Addr, SocketAddr};

/// One interface with everything tools print of it.
struct Link {
    name: String,
    mac: Option<String>,
    address: Option<(Ipv4Addr, u8)>,
    mtu: u32,
    traffic: Traffic,
}

impl Link {
    fn mask(&self) -> Ipv4Addr {
        let prefix = self.address.map_or(0, |(_, prefix)| u32::from(prefix));
        u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0).into()
    }

    fn network(&self) -> Ipv4Addr {
        (self.address.map_or(0, |(address, _)| u32::from(address)) & u32::from(self.mask())).into()
    }

    fn broadcast(&self) -> Ipv4Addr {
        (u32::from(self.network()) | !u32::from(self.mask())).into()
    }

    /// The link-local address that follows from the hardware address (RFC 4291, appendix A).
    fn link_local(&self) -> Option<String> {
        let bytes: Vec<u8> = self.mac.as_ref()?.split(':').filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
        match bytes[..] {
            [a, b, c, d, e, f] => Some(format!(
                "fe80::{:x}:{:x}:{:x}:{:x}",
                u16::from_be_bytes([a ^ 2, b]),
                u16::from_be_bytes([c, 0xff]),
                u16::from_be_bytes([0xfe, d]),
                u16::from_be_bytes([e, f])
            )),
            _ => None,
        }
    }
}

fn links(machine: &Machine) -> Vec<Link> {
    let facts = machine.facts();
    let host = &machine.host().persona().host;
    let mut links =
        vec![Link { name: "lo".to_owned(), mac: None, address: Some((Ipv4Addr::LOCALHOST, 8)), mtu: 65_536, traffic: facts.traffic("lo") }];
    for (index, interface) in host.interfaces.iter().enumerate() {
        links.push(Link {
            name: interface.name.clone(),
            mac: Some(facts.mac(interface)),
            address: (index == 0 && interface.prefix > 0).then(|| (facts.address(), interface.prefix)),
            mtu: interface.mtu,
            traffic: facts.traffic(&interface.name),
        });
    }
    links
}

pub(super) async fn ifconfig(process: &mut Process) -> Outcome {
    let machine = process.machine().clone();
    let args: Vec<String> = process.operands().iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    let name = args.iter().find(|arg| !arg.starts_with('-'));
    let mut chosen = links(&machine);
    // BusyBox and net-tools list the loopback last: it was set up first.
    chosen.rotate_left(1);
    if let Some(name) = name {
        chosen.retain(|link| link.name == *name);
        if chosen.is_empty() {
            let message = if process.busybox() {
                format!("ifconfig: {name}: error fetching interface information: Device not found\n")
            } else {
                format!("{name}: error fetching interface information: Device not found\n")
            };
            process.err(message).await?;
            return Ok(1);
        }
        if args.len() > 1 && name == &args[0] {
            if process.credentials.uid != 0 {
                process.err("SIOCSIFFLAGS: Operation not permitted\n").await?;
                return Ok(255);
            }
            return Ok(0);
        }
    }
    for link in chosen {
        let text = if process.busybox() { old_style(&link) } else { new_style(&link) };
        process.out(text).await?;
    }
    Ok(0)
}

/// A byte count as net-tools 2 puts it in brackets.
fn decimal(bytes: u64) -> String {
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{value:.1} B"),
        1_000..1_000_000 => format!("{:.1} KB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

fn binary(bytes: u64) -> String {
    let value = bytes as f64;
    match bytes {
        0..1_024 => format!("{value:.1} B"),
        1_024..1_048_576 => format!("{:.1} KiB", value / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", value / 1_048_576.0),
        _ => format!("{:.1} GiB", value / 1_073_741_824.0),
    }
}

fn new_style(link: &Link) -> String {
    let flags = if link.mac.is_some() { "flags=4163<UP,BROADCAST,RUNNING,MULTICAST>" } else { "flags=73<UP,LOOPBACK,RUNNING>" };
    let mut text = format!("{}: {flags}  mtu {}\n", link.name, link.mtu);
    if let Some((address, _)) = link.address {
        let broadcast = if link.mac.is_some() { format!("  broadcast {}", link.broadcast()) } else { String::new() };
        text.push_str(&format!("        inet {address}  netmask {}{broadcast}\n", link.mask()));
    }
    match (&link.mac, link.link_local()) {
        (Some(mac), Some(local)) => {
            text.push_str(&format!(
                "        inet6 {local}  prefixlen 64  scopeid 0x20<link>\n        ether {mac}  txqueuelen 1000  (Ethernet)\n"
            ));
        }
        _ => text.push_str("        inet6 ::1  prefixlen 128  scopeid 0x10<host>\n        loop  txqueuelen 1000  (Local Loopback)\n"),
    }
    let t = &link.traffic;
    text.push_str(&format!(
        "        RX packets {}  bytes {} ({})\n        RX errors 0  dropped 0  overruns 0  frame 0\n        TX packets {}  bytes {} ({})\n        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0\n\n",
        t.received_packets, t.received_bytes, decimal(t.received_bytes), t.sent_packets, t.sent_bytes, decimal(t.sent_bytes)
    ));
    text
}

fn old_style(link: &Link) -> String {
    let mut text = match &link.mac {
        Some(mac) => format!("{:<9} Link encap:Ethernet  HWaddr {}  \n", link.name, mac.to_uppercase()),
        None => format!("{:<9} Link encap:Local Loopback  \n", link.name),
    };
    if let Some((address, _)) = link.address {
        let broadcast = if link.mac.is_some() { format!("  Bcast:{}", link.broadcast()) } else { String::new() };
        text.push_str(&format!("          inet addr:{address}{broadcast}  Mask:{}\n", link.mask()));
    }
    let flags = if link.mac.is_some() { "UP BROADCAST RUNNING MULTICAST" } else { "UP LOOPBACK RUNNING" };
    let t = &link.traffic;
    text.push_str(&format!(
        "          {flags}  MTU:{}  Metric:1\n          RX packets:{} errors:0 dropped:0 overruns:0 frame:0\n          TX packets:{} errors:0 dropped:0 overruns:0 carrier:0\n          collisions:0 txqueuelen:1000 \n          RX bytes:{} ({})  TX bytes:{} ({})\n\n",
        link.mtu, t.received_packets, t.sent_packets, t.received_bytes, binary(t.received_bytes), t.sent_bytes, binary(t.sent_bytes)
    ));
    text
}

pub(super) async fn ip(process: &mut Process) -> Outcome {
    let machine = process.machine().clone();
    let words: Vec<String> = process.operands().iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    let brief = words.iter().any(|word| word == "-br" || word == "-brief");
    let plain: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let is = |word: &str, full: &str| !word.is_empty() && full.starts_with(word);
    let Some(object) = plain.first().copied() else {
        process.err("Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n       ip [ -force ] -batch filename\nwhere  OBJECT := { address | addrlabel | fou | help | ila | ioam | l2tp | link |\n                   macsec | maddress | monitor | mptcp | mroute | mrule |\n                   neighbor | neighbour | netconf | netns | nexthop | ntable |\n                   ntbl | route | rule | sr | tap | tcpmetrics |\n                   token | tunnel | tuntap | vrf | xfrm }\n").await?;
        return Ok(255);
    };
    let verb = plain.get(1).copied().unwrap_or("show");
    if !matches!(verb, "show" | "list" | "sh" | "s" | "ls" | "l" | "lst" | "get") && !is(object, "netns") && verb != "dev" {
        if process.credentials.uid != 0 {
            process.err("RTNETLINK answers: Operation not permitted\n").await?;
            return Ok(2);
        }
        return Ok(0);
    }
    let device = plain
        .iter()
        .position(|word| *word == "dev")
        .and_then(|at| plain.get(at + 1))
        .or_else(|| plain.get(2))
        .copied()
        .filter(|word| *word != "dev");
    let mut chosen = links(&machine);
    if let Some(device) = device.filter(|_| is(object, "address") || is(object, "link"))
        && !chosen.iter().any(|link| link.name == device)
    {
        process.err(format!("Device \"{device}\" does not exist.\n")).await?;
        return Ok(1);
    }
    let indexed: Vec<(usize, Link)> = chosen
        .drain(..)
        .enumerate()
        .map(|(at, link)| (at + 1, link))
        .filter(|(_, link)| device.is_none_or(|device| device == link.name))
        .collect();
    if is(object, "address") || is(object, "link") {
        for (index, link) in &indexed {
            process.out(address_block(*index, link, is(object, "address"), brief)).await?;
        }
    } else if is(object, "route") {
        for line in routes(&machine) {
            process.out(line + "\n").await?;
        }
    } else if is(object, "neighbor") || is(object, "neighbour") {
        if let Some(link) = links(&machine).get(1) {
            let gateway = machine.facts().gateway();
            process.out(format!("{gateway} dev {} lladdr {} REACHABLE\n", link.name, gateway_mac(&machine))).await?;
        }
    } else if is(object, "rule") {
        process.out("0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n").await?;
    } else {
        process.err(format!("Object \"{object}\" is unknown, try \"ip help\".\n")).await?;
        return Ok(1);
    }
    Ok(0)
}

fn address_block(index: usize, link: &Link, addresses: bool, brief: bool) -> String {
    let ethernet = link.mac.is_some();
    if brief {
        let state = if ethernet { "UP" } else { "UNKNOWN" };
        let address = link.address.map_or(String::new(), |(address, prefix)| format!("{address}/{prefix} "));
        let detail = if addresses {
            address
        } else {
            format!(
                "{} <{}> ",
                link.mac.as_deref().unwrap_or("00:00:00:00:00:00"),
                if ethernet { "BROADCAST,MULTICAST,UP,LOWER_UP" } else { "LOOPBACK,UP,LOWER_UP" }
            )
        };
        return format!("{:<16} {state:<14} {detail}\n", link.name);
    }
    let (flags, queue, state) =
        if ethernet { ("BROADCAST,MULTICAST,UP,LOWER_UP", "fq_codel", "UP") } else { ("LOOPBACK,UP,LOWER_UP", "noqueue", "UNKNOWN") };
    let mut text = format!("{index}: {}: <{flags}> mtu {} qdisc {queue} state {state} group default qlen 1000\n", link.name, link.mtu);
    match &link.mac {
        Some(mac) => text.push_str(&format!("    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n")),
        None => text.push_str("    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"),
    }
    if !addresses {
        return text;
    }
    if let Some((address, prefix)) = link.address {
        let scope = if ethernet { format!("brd {} scope global {}", link.broadcast(), link.name) } else { "scope host lo".to_owned() };
        text.push_str(&format!("    inet {address}/{prefix} {scope}\n       valid_lft forever preferred_lft forever\n"));
    }
    let six = link.link_local().map_or_else(|| "::1/128 scope host ".to_owned(), |local| format!("{local}/64 scope link "));
    text.push_str(&format!("    inet6 {six}\n       valid_lft forever preferred_lft forever\n"));
    text
}

fn routes(machine: &Machine) -> Vec<String> {
    let links = links(machine);
    let Some(link) = links.get(1) else { return Vec::new() };
    let Some((address, prefix)) = link.address else { return Vec::new() };
    vec![
        format!("default via {} dev {} proto dhcp src {address} metric 100 ", machine.facts().gateway(), link.name),
        format!("{}/{prefix} dev {} proto kernel scope link src {address} metric 100 ", link.network(), link.name),
    ]
}

pub(super) async fn route(process: &mut Process) -> Outcome {
    const ROUTE: Spec = Spec {
        short: "neCFvA:",
        long: &[("numeric", 'n', Takes::Nothing)],
        usage: "[-nNvee] [-FC] [<AF>]           List kernel routing tables",
        error: 4,
    };
    let given = parse(process, &ROUTE).await?;
    if !given.operands.is_empty() {
        if process.credentials.uid != 0 {
            process.err("SIOCADDRT: Operation not permitted\n").await?;
            return Ok(7);
        }
        return Ok(0);
    }
    let text = routing_table(process.machine(), given.has('n'));
    process.out(text).await?;
    Ok(0)
}

fn routing_table(machine: &Machine, numeric: bool) -> String {
    let mut text = "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n".to_owned();
    if let Some(link) = links(machine).get(1)
        && link.address.is_some()
    {
        let (gateway, anywhere) = (machine.facts().gateway().to_string(), if numeric { "0.0.0.0" } else { "default" });
        let gateway_name = if numeric || machine.host().persona().host.userland == persona::Userland::Busybox {
            gateway.clone()
        } else {
            "_gateway".to_owned()
        };
        let direct = if numeric { "0.0.0.0" } else { "*" };
        text.push_str(&format!("{anywhere:<15} {gateway_name:<15} {:<15} UG    100    0        0 {}\n", "0.0.0.0", link.name));
        text.push_str(&format!(
            "{:<15} {direct:<15} {:<15} U     100    0        0 {}\n",
            link.network().to_string(),
            link.mask().to_string(),
            link.name
        ));
    }
    text
}

pub(super) async fn arp(process: &mut Process) -> Outcome {
    let machine = process.machine().clone();
    let host = &machine.host().persona().host;
    let numeric = process.operands().iter().any(|arg| arg.starts_with(b"-") && arg.contains(&b'n'));
    let bsd = process.busybox() || process.operands().iter().any(|arg| arg == b"-a" || arg == b"-an");
    let gateway = machine.facts().gateway().to_string();
    let (mac, device) = (gateway_mac(&machine), host.interfaces.first().map_or("eth0", |i| i.name.as_str()));
    if bsd {
        let name = if numeric || process.busybox() { "?" } else { "_gateway" };
        process
            .out(
                format!("{name} ({}) at {mac} [ether]  on {device}\n", gateway)
                    .replace("]  on", if process.busybox() { "]  on" } else { "] on" }),
            )
            .await?;
    } else {
        let name = if numeric { gateway.as_str() } else { "_gateway" };
        process.out(format!("Address                  HWtype  HWaddress           Flags Mask            Iface\n{name:<24} ether   {mac:<19} C                     {device}\n")).await?;
    }
    Ok(0)
}

fn shown(address: SocketAddr, numeric: bool, any: &str) -> String {
    let ip = if address.ip().is_unspecified() && address.is_ipv4() {
        any.to_owned()
    } else if address.ip().is_unspecified() {
        "[::]".to_owned()
    } else {
        address.ip().to_string()
    };
    let port = match address.port() {
        0 => "*".to_owned(),
        22 if !numeric => "ssh".to_owned(),
        23 if !numeric => "telnet".to_owned(),
        80 if !numeric => "http".to_owned(),
        443 if !numeric => "https".to_owned(),
        53 if !numeric => "domain".to_owned(),
        3306 if !numeric => "mysql".to_owned(),
        port => port.to_string(),
    };
    format!("{ip}:{port}")
}

pub(super) async fn netstat(process: &mut Process) -> Outcome {
    const NETSTAT: Spec = Spec {
        short: "aceghilMnNoprstuvWxA:",
        long: &[
            ("all", 'a', Takes::Nothing),
            ("listening", 'l', Takes::Nothing),
            ("numeric", 'n', Takes::Nothing),
            ("program", 'p', Takes::Nothing),
            ("programs", 'p', Takes::Nothing),
            ("route", 'r', Takes::Nothing),
            ("tcp", 't', Takes::Nothing),
            ("udp", 'u', Takes::Nothing),
            ("interfaces", 'i', Takes::Nothing),
        ],
        usage: "[-vWeenNcCF] [<Af>] -r         netstat {-V|--version|-h|--help}",
        error: 4,
    };
    let given = parse(process, &NETSTAT).await?;
    if given.has('r') {
        let text = routing_table(process.machine(), given.has('n'));
        process.out(text).await?;
        return Ok(0);
    }
    if given.has('i') {
        let mut text =
            "Kernel Interface table\nIface      MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n".to_owned();
        let mut all = links(process.machine());
        all.rotate_left(1);
        for link in all {
            let flags = if link.mac.is_some() { "BMRU" } else { "LRU" };
            text.push_str(&format!(
                "{:<8} {:>5} {:>8}      0      0 0      {:>8}      0      0      0 {flags}\n",
                link.name, link.mtu, link.traffic.received_packets, link.traffic.sent_packets
            ));
        }
        process.out(text).await?;
        return Ok(0);
    }
    let which = if given.has('l') {
        "only servers"
    } else if given.has('a') {
        "servers and established"
    } else {
        "w/o servers"
    };
    let mut text =
        format!("Active Internet connections ({which})\nProto Recv-Q Send-Q Local Address           Foreign Address         State      ");
    if given.has('p') {
        text.push_str(" PID/Program name    ");
    }
    text.push('\n');
    let root = process.credentials.uid == 0;
    for socket in select(process.machine(), given.has('l'), given.has('a'), given.has('t'), given.has('u')) {
        let program = match (&socket.process, root) {
            (Some((pid, name)), true) => format!("{pid}/{name}"),
            _ => "-".to_owned(),
        };
        let state = match (socket.protocol.starts_with("udp"), socket.listening) {
            (true, _) => "",
            (_, true) => "LISTEN",
            (_, false) => "ESTABLISHED",
        };
        let any = if socket.protocol.ends_with('6') { "::" } else { "0.0.0.0" };
        let clean = |address| shown(address, given.has('n'), any).replace("[::]", "::");
        let mut line =
            format!("{:<5} {:>6} {:>6} {:<23} {:<23} {state:<11}", socket.protocol, 0, 0, clean(socket.local), clean(socket.peer));
        if given.has('p') {
            line.push_str(&format!(" {program:<19} "));
        }
        text.push_str(&line);
        text.push('\n');
    }
    process.out(text).await?;
    Ok(0)
}

fn select(machine: &Machine, listening: bool, all: bool, tcp: bool, udp: bool) -> Vec<Socket> {
    let mut sockets = sockets::all(machine);
    sockets.retain(|socket| {
        let kind = socket.protocol.starts_with("tcp") && (tcp || !udp) || socket.protocol.starts_with("udp") && (udp || !tcp);
        kind && (all || socket.listening == listening)
    });
    sockets.sort_by_key(|socket| (!socket.protocol.starts_with("tcp"), socket.protocol, !socket.listening));
    sockets
}

pub(super) async fn ss(process: &mut Process) -> Outcome {
    const SS: Spec = Spec {
        short: "aeilmnoprstuwxHK46",
        long: &[
            ("all", 'a', Takes::Nothing),
            ("listening", 'l', Takes::Nothing),
            ("numeric", 'n', Takes::Nothing),
            ("processes", 'p', Takes::Nothing),
            ("tcp", 't', Takes::Nothing),
            ("udp", 'u', Takes::Nothing),
            ("summary", 's', Takes::Nothing),
            ("no-header", 'H', Takes::Nothing),
        ],
        usage: "[ OPTIONS ]\n       ss [ OPTIONS ] [ FILTER ]",
        error: 255,
    };
    let given = parse(process, &SS).await?;
    let chosen = select(process.machine(), given.has('l'), given.has('a'), given.has('t'), given.has('u'));
    if given.has('s') {
        let tcp = chosen.iter().filter(|socket| socket.protocol.starts_with("tcp")).count();
        process.out(format!("Total: {}\nTCP:   {tcp} (estab 1, closed 0, orphaned 0, timewait 0)\n", 140 + chosen.len())).await?;
        return Ok(0);
    }
    print_ss(process, &given, &chosen).await?;
    Ok(0)
}

async fn print_ss(process: &mut Process, given: &super::options::Given, chosen: &[Socket]) -> Result<(), Stop> {
    let both = !(given.has('t') ^ given.has('u'));
    let netid = if both { "Netid " } else { "" };
    let mut text = String::new();
    if !given.has('H') {
        text.push_str(&format!(
            "{netid}State  Recv-Q Send-Q     Local Address:Port      Peer Address:Port Process{}\n",
            if given.has('p') { "                                                  " } else { "" }
        ));
    }
    let root = process.credentials.uid == 0;
    for socket in chosen {
        let udp = socket.protocol.starts_with("udp");
        let state = match (udp, socket.listening) {
            (true, _) => "UNCONN",
            (_, true) => "LISTEN",
            (_, false) => "ESTAB",
        };
        let queue = if socket.listening && !udp { 128 } else { 0 };
        let any = if socket.protocol.ends_with('6') { "*" } else { "0.0.0.0" };
        let kind = if both { format!("{:<6}", if udp { "udp" } else { "tcp" }) } else { String::new() };
        let program = match (&socket.process, root && given.has('p')) {
            (Some((pid, name)), true) => format!("users:((\"{name}\",pid={pid},fd=3))"),
            _ => String::new(),
        };
        let line = format!(
            "{kind}{state:<6} {:<6} {queue:<6} {:>22} {:>22} {program}",
            0,
            shown(socket.local, given.has('n'), any),
            shown(socket.peer, given.has('n'), any)
        );
        text.push_str(&line);
        text.push('\n');
    }
    process.out(text).await
}
