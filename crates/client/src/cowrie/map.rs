//! From a log line to events.

use super::line::Line;
use super::python;
use super::sessions::{Bound, Sessions};
use super::text::{Number, Text};
use super::{Mapped, Skip};
use model::event::Name;
use model::{Blob, Detail, Event, Protocol, Sha256, Timestamp, Transport};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What is shown of a name that is not known.
const NAME_CHARS_MAX: usize = 64;

/// Maps the lines of one log, in order.
#[derive(Default)]
pub struct Mapper {
    sessions: Sessions,
}

type Details = Result<Vec<Detail>, Skip>;

impl Mapper {
    /// A mapper that has seen no line.
    pub fn new() -> Mapper {
        Mapper::default()
    }

    /// The events of one line, given without its line end.
    pub fn line(&mut self, line: &[u8]) -> Mapped {
        match self.events(line) {
            Ok((events, new_session)) => Mapped { events, skip: None, new_session },
            Err(skip) => Mapped { events: Vec::new(), skip: Some(skip), new_session: false },
        }
    }

    fn events(&mut self, line: &[u8]) -> Result<(Vec<Event>, bool), Skip> {
        if line.trim_ascii().is_empty() {
            return Err(Skip::Blank);
        }
        let line: Line<'_> = serde_json::from_slice(line).map_err(|_| Skip::NotAnEvent)?;
        let kind = line.eventid.as_str().ok_or(Skip::NotAnEvent)?;
        let session = line.session.as_ref().ok_or(Skip::NoSession)?;
        let time = line.timestamp.as_ref().and_then(|time| Timestamp::parse(time.as_str()?)).ok_or(Skip::NoTime)?;
        let sensor = line.sensor.as_ref().map_or(&b""[..], |sensor| &sensor.0);
        let key = Sessions::key(sensor, &session.0);
        let bound = match self.sessions.get(&key).filter(|_| kind != "cowrie.session.connect") {
            Some(bound) => bound,
            None => {
                let source = address(line.src_ip.as_ref()).ok_or(Skip::NoSource)?;
                self.sessions.begin(key, source, protocol(&line)?, time)
            }
        };
        let details = details(kind, &line, &bound, time)?;
        let event = |detail| Event { time, session: bound.id, source: bound.source, protocol: bound.protocol, detail };
        Ok((details.into_iter().map(event).collect(), self.sessions.tell(&key)))
    }
}

fn protocol(line: &Line<'_>) -> Result<Protocol, Skip> {
    let name = line.protocol.as_ref().ok_or(Skip::Lacks("protocol"))?;
    name.as_str().and_then(|name| name.parse().ok()).ok_or_else(|| Skip::Protocol(shown(&name.0)))
}

fn details(kind: &str, line: &Line<'_>, bound: &Bound, time: Timestamp) -> Details {
    let one = |detail| Ok(vec![detail]);
    match kind {
        "cowrie.session.connect" => one(Detail::Connect {
            peer: SocketAddr::new(bound.source, port(line.src_port)),
            local: SocketAddr::new(address(line.dst_ip.as_ref()).unwrap_or(Ipv4Addr::UNSPECIFIED.into()), port(line.dst_port)),
            transport: Transport::Tcp,
            tls: false,
            via: None,
        }),
        "cowrie.session.closed" => one(Detail::Close {
            // Cowrie logs the loss of the connection, not who ended it.
            reason: "peer".into(),
            duration_us: duration_us(line).unwrap_or_else(|| u64::try_from(time.since(bound.start).as_micros()).unwrap_or(u64::MAX)),
            rx_bytes: 0,
            tx_bytes: 0,
        }),
        "cowrie.client.version" => {
            let version = python::bytes(need(&line.version, "version")?.0.clone()).into_owned();
            one(fingerprint("ssh_client_version", version, Vec::new()))
        }
        "cowrie.client.kex" => one(fingerprint("hassh", bytes(need(&line.hassh, "hassh")?), optional(&line.hassh_algorithms))),
        "cowrie.client.fingerprint" => {
            one(fingerprint("ssh_public_key", bytes(need(&line.fingerprint, "fingerprint")?), optional(&line.key)))
        }
        "cowrie.client.size" => {
            let (width, height) = line.width.zip(line.height).ok_or(Skip::Lacks("width and height"))?;
            one(fingerprint("terminal", format!("{}x{}", width.whole(), height.whole()).into_bytes(), Vec::new()))
        }
        "cowrie.client.var" => {
            let (name, value) = (need(&line.name, "name")?, need(&line.value, "value")?);
            one(fingerprint("environment", [&*name.0, &*value.0].join(&b'='), Vec::new()))
        }
        "cowrie.telnet.option" => {
            let (command, option) = (need(&line.command, "command")?, need(&line.option_name, "option_name")?);
            let raw = telnet_command(&command.0, line.option_byte);
            one(fingerprint("telnet_option", [&*command.0, &*option.0].join(&b' '), raw))
        }
        "cowrie.direct-tcpip.ja4" => one(fingerprint("ja4", bytes(need(&line.ja4, "ja4")?), Vec::new())),
        "cowrie.direct-tcpip.ja4h" => one(fingerprint("ja4h", bytes(need(&line.ja4h, "ja4h")?), Vec::new())),
        "cowrie.login.success" => auth(line, true),
        "cowrie.login.failed" => auth(line, false),
        "cowrie.command.input" => one(Detail::Command { line: blob(need(&line.input, "input")?) }),
        "cowrie.command.success" | "cowrie.command.failed" => Err(Skip::Restates("cowrie.command.input")),
        "cowrie.session.file_download" => download(line),
        "cowrie.session.file_download.failed" => one(fetch(need(&line.url, "url")?)),
        "cowrie.session.file_upload" => {
            let path = line.destfile.as_ref().or(line.filename.as_ref()).ok_or(Skip::Lacks("filename"))?;
            one(file(path, line, "upload")?)
        }
        "cowrie.direct-tcpip.request" => one(tunnel(line, Vec::new())?),
        "cowrie.direct-tcpip.data" => {
            let data = python::bytes(need(&line.data, "data")?.0.clone()).into_owned();
            one(tunnel(line, data)?)
        }
        "cowrie.session.params" => Err(Skip::AboutTheDecoy),
        "cowrie.log.closed" | "cowrie.log.open" => Err(Skip::Recording),
        other => Err(Skip::Unknown(shown(other.as_bytes()))),
    }
}

/// The bytes of a Telnet option command (RFC 854, RFC 855); empty when the log does not tell them.
fn telnet_command(command: &[u8], option: Option<Number>) -> Vec<u8> {
    const IAC: u8 = 255;
    let verb = match command {
        b"WILL" => 251,
        b"WONT" => 252,
        b"DO" => 253,
        b"DONT" => 254,
        _ => return Vec::new(),
    };
    let option = option.and_then(Number::port).and_then(|option| u8::try_from(option).ok());
    option.map(|option| vec![IAC, verb, option]).unwrap_or_default()
}

fn auth(line: &Line<'_>, accepted: bool) -> Details {
    let username = blob(need(&line.username, "username")?);
    let (method, secret): (Name, _) = match (&line.key, &line.password) {
        (Some(key), _) => ("publickey".into(), blob(key)),
        (None, Some(password)) => ("password".into(), blob(password)),
        (None, None) => ("none".into(), Blob::default()),
    };
    Ok(vec![Detail::Auth { method, username, secret, accepted }])
}

/// A download has a URL; what a redirection left has a path only.
fn download(line: &Line<'_>) -> Details {
    let mut details = Vec::with_capacity(2);
    match (&line.url, &line.destfile) {
        (Some(url), destination) => {
            details.push(fetch(url));
            details.extend(file(destination.as_ref().unwrap_or(url), line, "download"));
        }
        (None, Some(destination)) => details.push(file(destination, line, "shell")?),
        (None, None) => return Err(Skip::Lacks("url and destfile")),
    }
    Ok(details)
}

fn fetch(url: &Text<'_>) -> Detail {
    // Which program was asked is in the command before; only TFTP and FTP have one of their own.
    let tool: Name = match url.0.split(|&byte| byte == b':').next() {
        Some(b"tftp") => "tftp".into(),
        Some(b"ftp") => "ftpget".into(),
        _ => "unknown".into(),
    };
    Detail::Fetch { url: blob(url), tool }
}

fn file(path: &Text<'_>, line: &Line<'_>, method: &'static str) -> Result<Detail, Skip> {
    let sha256: Sha256 = need(&line.shasum, "shasum")?.as_str().and_then(|hex| hex.parse().ok()).ok_or(Skip::Lacks("a SHA-256"))?;
    Ok(Detail::File { path: blob(path), sha256, bytes: line.size.map_or(0, Number::whole), stored_bytes: 0, method: method.into() })
}

fn tunnel(line: &Line<'_>, data: Vec<u8>) -> Result<Detail, Skip> {
    Ok(Detail::Tunnel { host: blob(need(&line.dst_ip, "dst_ip")?), port: port(line.dst_port), data: data.into() })
}

fn fingerprint(method: &'static str, value: Vec<u8>, raw: Vec<u8>) -> Detail {
    Detail::Fingerprint { method: method.into(), value: value.into(), raw: raw.into() }
}

fn duration_us(line: &Line<'_>) -> Option<u64> {
    let seconds = line.duration.map(|seconds| seconds.0);
    line.duration_ms.map(|ms| ms.0 * 1e3).or(seconds.map(|seconds| seconds * 1e6)).map(|us| us.round() as u64)
}

fn need<'a, 'b>(field: &'b Option<Text<'a>>, name: &'static str) -> Result<&'b Text<'a>, Skip> {
    field.as_ref().ok_or(Skip::Lacks(name))
}

fn address(field: Option<&Text<'_>>) -> Option<IpAddr> {
    field?.as_str()?.parse().ok().map(model::canonical)
}

fn port(field: Option<Number>) -> u16 {
    field.and_then(Number::port).unwrap_or(0)
}

fn bytes(text: &Text<'_>) -> Vec<u8> {
    text.0.to_vec()
}

fn optional(field: &Option<Text<'_>>) -> Vec<u8> {
    field.as_ref().map(bytes).unwrap_or_default()
}

fn blob(text: &Text<'_>) -> Blob {
    Blob(bytes(text))
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = include_str!("../../testdata/cowrie/sessions.json");
    /// A line for each line of the log: its events, or why there are none.
    const EVENTS: &str = include_str!("../../testdata/cowrie/sessions.events");

    #[test]
    fn each_line_becomes_what_the_table_says() {
        let mut mapper = Mapper::new();
        let mut sessions = Vec::new();
        let mut lines = String::new();
        for line in LOG.lines() {
            let mapped = mapper.line(line.as_bytes());
            if mapped.new_session {
                sessions.push(mapped.events[0].session);
            }
            let shown: Vec<String> = mapped
                .events
                .iter()
                .map(|event| {
                    let number = sessions.iter().position(|session| *session == event.session).unwrap();
                    format!("{number} {} {} {}", event.source, event.protocol, serde_json::to_string(&event.detail).unwrap())
                })
                .collect();
            match mapped.skip {
                None => lines.push_str(&shown.join(" + ")),
                Some(skip) => lines.push_str(&format!("- {}", skip.reason())),
            }
            lines.push('\n');
        }
        for (number, (line, expected)) in lines.lines().zip(EVENTS.lines()).enumerate() {
            assert_eq!(line, expected, "line {}", number + 1);
        }
        assert_eq!(lines.lines().count(), EVENTS.lines().count(), "{lines}");
    }

    #[test]
    fn what_was_bound_at_connect_stays() {
        let mut mapper = Mapper::new();
        let line = |event: &str, ip: &str| {
            format!(
                r#"{{"eventid":"{event}","session":"s","timestamp":"2026-01-01T00:00:00Z","src_ip":"{ip}","protocol":"ssh","dst_ip":"x","dst_port":1}}"#
            )
        };
        mapper.line(line("cowrie.session.connect", "192.0.2.1").as_bytes());
        let mapped = mapper.line(line("cowrie.direct-tcpip.request", "203.0.113.9").as_bytes());
        assert_eq!(mapped.events[0].source, IpAddr::from([192, 0, 2, 1]));
    }
}
