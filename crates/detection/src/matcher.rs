//! Which primitives a value holds: one pass over the value, whatever the catalog's size.
//!
//! Every field has one automaton over all its CONTAINS texts and the rarest required text of each WILDCARD and REGEX; what it finds is
//! verified. EQUALS is a look-up. Only patterns without any required text are tried on every value.

use crate::bits::Bits;
use crate::command_line;
use crate::field::{Field, ProtocolSet, index};
use crate::pattern::{Case, Operator, Pattern};
use crate::percent;
use aho_corasick::AhoCorasick;
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

/// A value and, of a command line, its parts.
struct Text<'a> {
    whole: &'a [u8],
    parts: &'a [&'a [u8]],
}

/// The rules of one field.
#[derive(Default)]
struct Group {
    equals: HashMap<Box<[u8]>, Vec<u32>>,
    equals_folded: HashMap<Box<[u8]>, Vec<u32>>,
    /// Longer values equal nothing.
    equals_bytes_max: usize,
    literals: Option<AhoCorasick>,
    /// For each literal of the automaton the rules to verify.
    owners: Vec<Vec<u32>>,
    always: Vec<u32>,
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
        if rule.field != Field::Plain(index("command")) {
            return rule.pattern.holds(value);
        }
        with_command_texts(value, |text| text.any(|value| rule.pattern.holds(value)))
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

    /// As sent and, where that differs, percent-decoded once and twice: attackers hide from filters that decode once.
    fn decoded(&mut self, field: usize, value: &[u8]) {
        if !self.reads(field) {
            return;
        }
        self.plain(field, value);
        let mut value = Cow::Borrowed(cut(value));
        for _ in 0..2 {
            match percent::decode(&value) {
                Cow::Borrowed(_) => return,
                Cow::Owned(once) => {
                    self.plain(field, &once);
                    value = Cow::Owned(once);
                }
            }
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

impl<'a> Text<'a> {
    fn plain(value: &'a [u8]) -> Self {
        Text { whole: cut(value), parts: &[] }
    }

    fn any(&self, mut holds: impl FnMut(&[u8]) -> bool) -> bool {
        holds(self.whole) || self.parts.iter().any(|part| holds(part))
    }
}

impl Group {
    fn new(rules: &[Rule], numbers: &[u32]) -> Result<Group, String> {
        let mut group = Group::default();
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut literals: Vec<Vec<u8>> = Vec::new();
        for &number in numbers {
            let Some(Rule { pattern, .. }) = rules.get(number as usize) else { continue };
            match (pattern.operator, &pattern.literals) {
                (Operator::Equals, _) => {
                    let table = if pattern.case == Case::Sensitive { &mut group.equals } else { &mut group.equals_folded };
                    table.entry(pattern.text.clone()).or_default().push(number);
                    group.equals_bytes_max = group.equals_bytes_max.max(pattern.text.len());
                }
                (_, None) => group.always.push(number),
                (_, Some(required)) => {
                    for literal in required {
                        let place = *places.entry(literal.clone()).or_insert_with(|| {
                            literals.push(literal.clone());
                            group.owners.push(Vec::new());
                            literals.len() - 1
                        });
                        if let Some(owners) = group.owners.get_mut(place) {
                            owners.push(number);
                        }
                    }
                }
            }
        }
        if !literals.is_empty() {
            let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&literals);
            group.literals = Some(automaton.map_err(|error| error.to_string())?);
        }
        Ok(group)
    }

    fn search(&self, search: &mut Search<'_>, text: &Text<'_>) {
        self.equal(search, text.whole);
        for part in text.parts {
            self.equal(search, part);
        }
        for &number in &self.always {
            verify(search, number, text);
        }
        let Some(literals) = &self.literals else { return };
        // Each literal is verified once a value, not once an occurrence: a hostile line may repeat it a hundred thousand times.
        let mut seen: Option<Bits> = None;
        for found in literals.find_overlapping_iter(text.whole) {
            let seen = seen.get_or_insert_with(|| Bits::with_size(self.owners.len()));
            if seen.contains(found.pattern().as_u32()) {
                continue;
            }
            seen.insert(found.pattern().as_u32());
            for &number in self.owners.get(found.pattern().as_usize()).into_iter().flatten() {
                verify(search, number, text);
            }
        }
    }

    fn equal(&self, search: &mut Search<'_>, value: &[u8]) {
        if value.is_empty() || value.len() > self.equals_bytes_max {
            return;
        }
        let mut add = |numbers: Option<&Vec<u32>>| {
            for &number in numbers.into_iter().flatten() {
                if search.applies(number) {
                    search.out.push(number);
                }
            }
        };
        add(self.equals.get(value));
        if !self.equals_folded.is_empty() {
            add(self.equals_folded.get(value.to_ascii_lowercase().as_slice()));
        }
    }
}

impl Search<'_> {
    fn applies(&self, number: u32) -> bool {
        self.matcher.rules.get(number as usize).is_some_and(|rule| rule.protocols.contains(self.protocol))
    }
}

/// Adds a rule whose required text was found, when the rule holds.
fn verify(search: &mut Search<'_>, number: u32, text: &Text<'_>) {
    let Some(rule) = search.matcher.rules.get(number as usize) else { return };
    if !rule.protocols.contains(search.protocol) || search.out.contains(&number) {
        return;
    }
    let confirmed = rule.pattern.operator == Operator::Contains && rule.pattern.case == Case::Insensitive;
    if confirmed || text.any(|value| rule.pattern.holds(value)) {
        search.out.push(number);
    }
}
