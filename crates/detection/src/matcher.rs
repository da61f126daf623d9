//! Which primitives a value holds: one pass over the value, whatever the catalog's size.
//!
//! Every field has one automaton over all its CONTAINS texts and the rarest required text of each WILDCARD and REGEX; what it finds is
//! verified. EQUALS is a look-up. Only patterns without any required text are tried on every value.

mod group;

use crate::command_line;
use crate::field::{Field, ProtocolSet, index};
use crate::pattern::Pattern;
use crate::percent;
use group::{Group, Text};
use model::{Blob, Detail, Event, Protocol};
use std::borrow::Cow;
use std::collections::HashMap;

/// Bytes of a value that are looked at; a longer value is cut.
pub(crate) const VALUE_BYTES_MAX: usize = 1 << 20;

/// A primitive as the matcher needs it; its number is its place in the catalog.
pub(crate) struct Rule {
    pub(crate) field: Field,
    pub(crate) protocols: ProtocolSet,
    pub(crate) pattern: Pattern,
}

/// All rules, grouped by what they read.
pub(crate) struct Matcher {
    rules: Vec<Rule>,
    plain: Vec<Option<Group>>,
    headers: HashMap<String, Group>,
    fingerprints: HashMap<String, Group>,
}

impl Matcher {
    /// Builds the automata; the error is a limit of theirs.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Matcher, String> {
        let mut members: HashMap<Field, Vec<u32>> = HashMap::new();
        for (number, rule) in (0..).zip(&rules) {
            members.entry(rule.field.clone()).or_default().push(number);
        }
        let mut matcher = Matcher { rules, plain: Vec::new(), headers: HashMap::new(), fingerprints: HashMap::new() };
        matcher.plain.resize_with(crate::field::FIELDS.len(), || None);
        for (field, numbers) in members {
            let group = Group::new(&matcher.rules, &numbers)?;
            match field {
                Field::Plain(at) => {
                    if let Some(slot) = matcher.plain.get_mut(at) {
                        *slot = Some(group);
                    }
                }
                Field::Header(name) => drop(matcher.headers.insert(name, group)),
                Field::Fingerprint(method) => drop(matcher.fingerprints.insert(method, group)),
            }
        }
        Ok(matcher)
    }

    /// Appends the numbers of the primitives that an event holds, ascending, each once.
    pub(crate) fn hits(&self, event: &Event, out: &mut Vec<u32>) {
        let mut search = Search { matcher: self, protocol: event.protocol, out };
        search.event(&event.detail);
        out.sort_unstable();
        out.dedup();
    }

    /// Whether one rule holds for a value of its field, alone.
    pub(crate) fn holds(&self, rule: u32, value: &[u8]) -> bool {
        let Some(rule) = self.rules.get(rule as usize) else { return false };
        match rule.field {
            Field::Plain(at) if at == index("command") => with_command_texts(value, |text| text.any(|value| rule.pattern.holds(value))),
            Field::Plain(at) if is_decoded(at) => with_decoded(value, |value| rule.pattern.holds(value)),
            _ => rule.pattern.holds(cut(value)),
        }
    }
}

/// The search through one event.
struct Search<'a> {
    matcher: &'a Matcher,
    protocol: Protocol,
    out: &'a mut Vec<u32>,
}

impl Search<'_> {
    fn event(&mut self, detail: &Detail) {
        match detail {
            Detail::Fingerprint { method, value, .. } => {
                if let Some(group) = self.matcher.fingerprints.get(method.as_ref()) {
                    group.search(self, &Text::plain(&value.0));
                }
            }
            Detail::Auth { method, username, secret, .. } => {
                self.plain(const { index("auth_method") }, method.as_bytes());
                self.plain(const { index("username") }, &username.0);
                self.plain(const { index("password") }, &secret.0);
            }
            Detail::Command { line } => self.command(&line.0),
            Detail::Request { method, target, headers, body, .. } => self.request(&method.0, &target.0, headers, &body.0),
            Detail::Query { text } => self.plain(const { index("query") }, &text.0),
            Detail::Message { sender, recipients, body } => {
                self.plain(const { index("sender") }, &sender.0);
                for recipient in recipients {
                    self.plain(const { index("recipient") }, &recipient.0);
                }
                self.plain(const { index("body") }, &body.0);
            }
            Detail::Fetch { url, .. } => self.plain(const { index("download_url") }, &url.0),
            Detail::File { path, sha256, .. } => {
                self.plain(const { index("file_path") }, &path.0);
                if self.reads(const { index("file_sha256") }) {
                    self.plain(const { index("file_sha256") }, sha256.to_string().as_bytes());
                }
            }
            Detail::Tunnel { host, port, data } => {
                if self.reads(const { index("tunnel_target") }) {
                    let target = [host.as_bytes(), b":", port.to_string().as_bytes()].concat();
                    self.plain(const { index("tunnel_target") }, &target);
                }
                self.plain(const { index("tunnel_data") }, &data.0);
            }
            Detail::Malformed { data, .. } => self.plain(const { index("malformed") }, &data.0),
            Detail::Connect { .. } | Detail::Limit { .. } | Detail::Rx { .. } | Detail::Tx { .. } | Detail::Close { .. } => {}
        }
    }

    fn group(&self, field: usize) -> Option<&Group> {
        self.matcher.plain.get(field)?.as_ref()
    }

    fn reads(&self, field: usize) -> bool {
        self.group(field).is_some()
    }

    fn plain(&mut self, field: usize, value: &[u8]) {
        let matcher = self.matcher;
        if let Some(Some(group)) = matcher.plain.get(field) {
            group.search(self, &Text::plain(value));
        }
    }

    /// As [`Search::plain`], and percent-decoded too.
    fn decoded(&mut self, field: usize, value: &[u8]) {
        if self.reads(field) {
            with_decoded(value, |value| {
                self.plain(field, value);
                false
            });
        }
    }

    fn command(&mut self, line: &[u8]) {
        let matcher = self.matcher;
        if let Some(Some(group)) = matcher.plain.get(const { index("command") }) {
            with_command_texts(line, |text| {
                group.search(self, text);
                false
            });
        }
    }

    fn request(&mut self, method: &[u8], target: &[u8], headers: &[(Blob, Blob)], body: &[u8]) {
        let (path, query) = match memchr::memchr(b'?', target) {
            Some(at) => (target.get(..at).unwrap_or_default(), target.get(at + 1..).unwrap_or_default()),
            None => (target, &[][..]),
        };
        self.plain(const { index("method") }, method);
        self.decoded(const { index("uri") }, target);
        self.decoded(const { index("path") }, path);
        self.decoded(const { index("query") }, query);
        self.decoded(const { index("body") }, body);
        if self.reads(const { index("request_line") }) {
            self.plain(const { index("request_line") }, &[method, b" ", target].concat());
        }
        let matcher = self.matcher;
        for (name, value) in headers {
            // Header names are ASCII (RFC 9110 section 5.1); no primitive can name another.
            let group = std::str::from_utf8(&name.0).ok().and_then(|name| matcher.headers.get(&name.to_ascii_lowercase()));
            if let Some(group) = group {
                group.search(self, &Text::plain(&value.0));
            }
        }
        let whole = const { index("request") };
        if self.reads(whole) {
            self.decoded(whole, target);
            self.decoded(whole, body);
            let mut line = Vec::new();
            for (name, value) in headers {
                line.clear();
                line.extend_from_slice(&name.0);
                line.extend_from_slice(b": ");
                line.extend_from_slice(&value.0);
                self.decoded(whole, &line);
            }
        }
    }
}

/// Whether a field's values are matched percent-decoded as well.
fn is_decoded(field: usize) -> bool {
    const DECODED: [usize; 5] = [index("uri"), index("path"), index("query"), index("body"), index("request")];
    DECODED.contains(&field)
}

/// Calls `look` for a value as sent and, where that differs, percent-decoded once and twice (attackers hide from filters that decode
/// once), until it returns true; returns whether it did.
fn with_decoded(value: &[u8], mut look: impl FnMut(&[u8]) -> bool) -> bool {
    let mut value = Cow::Borrowed(cut(value));
    if look(&value) {
        return true;
    }
    for _ in 0..2 {
        let Cow::Owned(decoded) = percent::decode(&value) else { return false };
        if look(&decoded) {
            return true;
        }
        value = Cow::Owned(decoded);
    }
    false
}

fn cut(value: &[u8]) -> &[u8] {
    value.get(..VALUE_BYTES_MAX).unwrap_or(value)
}

/// Calls `look` for each text of a command line, the line with its parts first, until it returns true; returns whether it did.
fn with_command_texts(line: &[u8], mut look: impl FnMut(&Text<'_>) -> bool) -> bool {
    let line = cut(line);
    let squeezed = command_line::squeeze(line);
    let parts = command_line::parts(&squeezed);
    if look(&Text { whole: &squeezed, parts: &parts }) {
        return true;
    }
    if squeezed.len() != line.len() && look(&Text::plain(line)) {
        return true;
    }
    command_line::unescape(line).is_some_and(|unescaped| look(&Text::plain(&unescaped)))
}

#[cfg(test)]
mod tests;
