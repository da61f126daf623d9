//! The cases of a catalog: values and sessions, written beside what they test, that must and must not match.

use crate::catalog::Catalog;
use crate::error::CatalogError;
use crate::facts::SessionFacts;
use crate::language::{BehaviorSource, PrimitiveSource, SessionSource, Step};
use model::{Blob, Detail, Event, Protocol, SessionId, Sha256, Timestamp};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The cases of all files.
#[derive(Default)]
pub(crate) struct Cases {
    values: Vec<ValueCase>,
    sessions: Vec<SessionCase>,
    without: Vec<CatalogError>,
}

struct ValueCase {
    number: u32,
    file: String,
    line: u64,
    value: String,
    expected: bool,
}

struct SessionCase {
    behavior: String,
    file: String,
    session: SessionSource,
    expected: bool,
}

/// A case that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFailure {
    /// The file's path, as it was given to the loader.
    pub file: String,
    /// The line of the case, or of its primitive, from 1.
    pub line: u64,
    /// The primitive or behavior it belongs to.
    pub id: String,
    /// What was expected and what came out.
    pub message: String,
}

impl fmt::Display for CaseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.id, self.message)
    }
}

impl Cases {
    pub(crate) fn primitive(&mut self, number: u32, source: &PrimitiveSource, file: &str) {
        let line = source.id.referenced.line();
        if source.matches.is_empty() {
            self.lacks(file, line, format!("primitives[{}].matches", source.id.value), "expected at least one value that must match");
        }
        let labelled = source.matches.iter().map(|value| (value, true)).chain(source.rejects.iter().map(|value| (value, false)));
        let cases = labelled.map(|(value, expected)| ValueCase { number, file: file.to_owned(), line, value: value.clone(), expected });
        self.values.extend(cases);
    }

    pub(crate) fn behavior(&mut self, source: &BehaviorSource, file: &str) {
        let line = source.id.referenced.line();
        for (list, name, what) in [(&source.matches, "matches", "must match"), (&source.rejects, "rejects", "must not")] {
            if list.is_empty() {
                self.lacks(
                    file,
                    line,
                    format!("behaviors[{}].{name}", source.id.value),
                    &format!("expected at least one session that {what}"),
                );
            }
        }
        let labelled = source.matches.iter().map(|session| (session, true)).chain(source.rejects.iter().map(|session| (session, false)));
        self.sessions.extend(labelled.map(|(session, expected)| SessionCase {
            behavior: source.id.value.clone(),
            file: file.to_owned(),
            session: session.clone(),
            expected,
        }));
    }

    fn lacks(&mut self, file: &str, line: u64, field: String, message: &str) {
        self.without.push(CatalogError { file: file.to_owned(), line, field, message: message.to_owned() });
    }

    /// Reports what is wrong with the cases as written.
    pub(crate) fn check(&mut self, errors: &mut Vec<CatalogError>) {
        errors.append(&mut self.without);
        for case in &self.sessions {
            if let Err(message) = events(&case.session) {
                let field = format!("behaviors[{}].matches", case.behavior);
                errors.push(CatalogError { file: case.file.clone(), line: case.session.protocol.referenced.line(), field, message });
            }
        }
    }
}

impl Catalog {
    /// How many cases the catalog has.
    pub fn case_count(&self) -> usize {
        self.cases.values.len() + self.cases.sessions.len()
    }

    /// Runs every case and returns those that do not hold.
    pub fn check_cases(&self) -> Vec<CaseFailure> {
        let values = self.cases.values.iter().filter_map(|case| self.check_value(case));
        let sessions = self.cases.sessions.iter().filter_map(|case| self.check_session(case));
        values.chain(sessions).collect()
    }

    fn check_value(&self, case: &ValueCase) -> Option<CaseFailure> {
        let got = self.matcher.holds(case.number, case.value.as_bytes());
        let id = self.primitives.get(case.number as usize).map(|primitive| primitive.id.to_string()).unwrap_or_default();
        let verb = if case.expected { "does not match" } else { "matches" };
        (got != case.expected).then(|| CaseFailure {
            file: case.file.clone(),
            line: case.line,
            id,
            message: format!("{verb} `{}`", case.value.escape_debug()),
        })
    }

    fn check_session(&self, case: &SessionCase) -> Option<CaseFailure> {
        let mut facts = SessionFacts::default();
        for event in events(&case.session).unwrap_or_default() {
            self.absorb(&mut facts, &event);
        }
        let verdict = self.judge(&facts);
        let got = *verdict.behavior == *case.behavior;
        let primitives: Vec<&str> = facts.primitives.keys().map(|id| &**id).collect();
        let verb = if case.expected { "is not this behavior" } else { "is this behavior" };
        (got != case.expected).then(|| CaseFailure {
            file: case.file.clone(),
            line: case.session.protocol.referenced.line(),
            id: case.behavior.clone(),
            message: format!("the session {} {verb} but {} with [{}]", case.session.name, verdict.behavior, primitives.join(", ")),
        })
    }
}

/// The events of a case's session.
fn events(session: &SessionSource) -> Result<Vec<Event>, String> {
    let protocol: Protocol = session.protocol.value.parse().map_err(|error: model::UnknownProtocol| error.to_string())?;
    let event = |(at, step): (i64, &Step)| {
        Ok(Event {
            time: Timestamp(at),
            session: SessionId(Default::default()),
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            protocol,
            detail: detail(step)?,
        })
    };
    (0..).zip(&session.steps).map(event).collect()
}

fn detail(step: &Step) -> Result<Detail, String> {
    let halves = |text: &str, separator: char, form: &str| match text.split_once(separator) {
        Some((left, right)) => Ok((left.to_owned(), right.to_owned())),
        None => Err(format!("`{text}` is unexpected: expected `{form}`")),
    };
    Ok(match step {
        Step::Login(text) | Step::FailedLogin(text) => {
            let (username, secret) = halves(text, ':', "user:password")?;
            let accepted = matches!(step, Step::Login(_));
            Detail::Auth { method: "password".into(), username: username.into(), secret: secret.into(), accepted }
        }
        Step::Command(line) => Detail::Command { line: line.as_str().into() },
        Step::Request(text) => request(text)?,
        Step::Query(text) => Detail::Query { text: text.as_str().into() },
        Step::Fetch(url) => Detail::Fetch { url: url.as_str().into(), tool: "wget".into() },
        Step::File(path) => {
            Detail::File { path: path.as_str().into(), sha256: Sha256([0; 32]), bytes: 1, stored_bytes: 1, method: "upload".into() }
        }
        Step::Tunnel(target) => {
            let (host, port) = target.rsplit_once(':').ok_or_else(|| format!("`{target}` is unexpected: expected `host:port`"))?;
            let port = port.parse().map_err(|_| format!("`{port}` is no port: expected 0 to 65535"))?;
            Detail::Tunnel { host: host.into(), port, data: Blob::default() }
        }
        Step::Fingerprint(text) => {
            let (method, value) = halves(text, '=', "method=value")?;
            Detail::Fingerprint { method: method.into(), value: value.into(), raw: Blob::default() }
        }
        Step::Malformed(text) => Detail::Malformed { reason: "case".into(), data: text.as_str().into() },
    })
}

fn request(text: &str) -> Result<Detail, String> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let (method, rest) = first.split_once(' ').ok_or_else(|| format!("`{first}` is no request line: expected `METHOD target HTTP/1.1`"))?;
    let (target, version) =
        rest.rsplit_once(' ').ok_or_else(|| format!("`{first}` is no request line: expected `METHOD target HTTP/1.1`"))?;
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("`{line}` is no header: expected `Name: value`"))?;
        headers.push((name.into(), value.trim().into()));
    }
    let body = body.trim_end_matches('\n');
    Ok(Detail::Request {
        method: method.into(),
        target: target.into(),
        version: version.into(),
        headers,
        body: body.into(),
        body_bytes: body.len() as u64,
    })
}
