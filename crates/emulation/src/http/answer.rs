//! A whole request is recorded, judged and answered.

use super::body::Body;
use super::exchange::{Exchange, Persistence};
use super::form::Basic;
use super::head::Head;
use super::page::Values;
use super::reply::{Note, Reply};
use super::routing::{Fields, captures, no_file, read_fields};
use super::site::{Action, Found, Route, Site};
use super::table::Flavour;
use super::target::{Target, Unusable};
use super::{Http, Stage, cookie, emit_request};
use crate::{CommandLine, Context, Next};
use model::{Blob, Detail};

/// A decision.
enum Outcome<'a> {
    Reply(Reply<'a>),
    Run(CommandLine, String),
}

impl Http {
    /// The request is whole.
    pub(super) fn answer(&mut self, mut head: Head, body: Body, cx: &mut Context<'_>) -> Next {
        let site = self.site.clone();
        let server = self.server();
        let target = Target::parse(&head.target);
        let authority = target.as_ref().ok().and_then(|t| t.authority.as_deref()).or((head.method == b"CONNECT").then_some(&*head.target));
        let left = site.requests_max.saturating_sub(self.served);
        self.served = self.served.saturating_add(1);
        let (mut exchange, host) = Exchange::new(&head, authority, left, &site, cx);
        if let Ok(target) = &target {
            exchange.path.clone_from(&target.path);
        }
        // Smuggling: Apache follows the chunks, and trusts the connection no further (RFC 9112 section 6.3).
        if head.value("transfer-encoding").is_some() && head.value("content-length").is_some() {
            exchange.persistence = Persistence::Close;
        }
        let route = target.as_ref().ok().and_then(|target| site.route(&head.method, &target.path));
        let fields = route.map(|route| read_fields(route, &head, target.as_ref().ok(), &body.kept, cx)).unwrap_or_default();
        let basic = Basic::read(&head);
        let selection = match site.find(&exchange.path) {
            Found::File(file) => {
                let file = if site.flavour == Flavour::Apache { file.for_request(&head) } else { file };
                Some((file, file.select(&head, exchange.now)))
            }
            _ => None,
        };
        let captures = captures(&site, &head, &exchange.path, &body.kept);
        let raw_target = head.target.clone();
        if body.is_cut() {
            cx.limit("body_bytes_max", cx.limits.body_bytes_max as u64);
        }
        head.headers.extend(body.trailers);
        emit_request(head, body.kept, body.bytes, cx);
        captures.into_iter().for_each(|captured| cx.capture(captured));
        if exchange.method == b"CONNECT" {
            cx.emit(Detail::Tunnel { host: exchange.host.as_str().into(), port: exchange.port, data: Blob::default() });
        }

        let is_let_in = self.is_let_in(basic, target.as_ref().is_ok_and(|target| site.realm(&target.path).is_some()), cx);
        let error = |status, note| Outcome::Reply(server.error(&site, &exchange, status, note));
        let outcome = if let (Flavour::Apache, Err(reason)) = (site.flavour, host) {
            cx.malformed(reason, &raw_target);
            exchange = Exchange { is_head: exchange.is_head, ..Exchange::unread(&site, cx) };
            Outcome::Reply(server.error(&site, &exchange, 400, Note::None))
        } else if let Some(reply) = server.method(&site, &exchange, &raw_target) {
            Outcome::Reply(reply)
        } else {
            match target {
                Err(Unusable::NoPath) => {
                    cx.malformed("request target", &raw_target);
                    exchange = Exchange { is_head: exchange.is_head, ..Exchange::unread(&site, cx) };
                    Outcome::Reply(server.error(&site, &exchange, 400, Note::None))
                }
                Err(Unusable::Bad) => {
                    cx.malformed("request target", &raw_target);
                    error(400, Note::None)
                }
                Err(Unusable::NotFound) => error(404, Note::None),
                Err(Unusable::Forbidden) => error(403, Note::None),
                Ok(target) => match site.realm(&target.path).filter(|_| !is_let_in) {
                    Some(realm) => error(401, Note::Realm(&realm.name)),
                    None => match (route, selection) {
                        (Some(route), _) => self.take_route(&site, &exchange, route, fields, cx),
                        (None, selection) => Outcome::Reply(match (server.method_on_file(&site, &exchange), selection) {
                            (Some(reply), _) => reply,
                            (None, Some((file, selection))) => server.file(&site, &exchange, file, &selection),
                            (None, None) => no_file(server, &site, &exchange, &target),
                        }),
                    },
                },
            }
        };
        match outcome {
            Outcome::Reply(reply) => self.send(&site, &exchange, reply, cx),
            Outcome::Run(command, page) => {
                self.stage = Stage::Running(Box::new((exchange, page)));
                Next::Run(command)
            }
        }
    }

    /// Judges basic credentials. Where nobody asked for any they are recorded all the same, as not accepted: the server ignores them.
    fn is_let_in(&mut self, basic: Basic, is_wanted: bool, cx: &mut Context<'_>) -> bool {
        match basic {
            Basic::Absent => false,
            Basic::Unreadable(data) => {
                cx.malformed("basic credentials", &data);
                false
            }
            Basic::Pair(username, password) => {
                let pair = (username, password);
                if self.known.as_ref() == Some(&pair) {
                    return true;
                }
                if !is_wanted {
                    let (username, secret) = (pair.0.as_slice().into(), pair.1.as_slice().into());
                    cx.emit(Detail::Auth { method: "basic".into(), username, secret, accepted: false });
                    return false;
                }
                self.attempts = self.attempts.saturating_add(1);
                let accepted = cx.authenticate("basic", &pair.0, &pair.1, self.attempts);
                if accepted {
                    self.known = Some(pair);
                }
                accepted
            }
        }
    }

    fn take_route<'a>(&mut self, site: &'a Site, exchange: &Exchange, route: &Route, fields: Fields, cx: &mut Context<'_>) -> Outcome<'a> {
        let mut values = Values { path: &exchange.path, host: exchange.host.as_bytes(), username: &fields.username, ..Values::default() };
        let mut cookie = String::new();
        let name = match (&route.guard, &route.action) {
            (Some(guard), _) if !fields.is_admitted => &guard.otherwise,
            (_, Action::Page(page)) => page,
            (_, Action::Login(login)) => match &fields.password {
                // A form sent without its fields is shown again, without an attempt.
                None => &login.refused,
                Some(password) => {
                    self.attempts = self.attempts.saturating_add(1);
                    if cx.authenticate("form", &fields.username, password, self.attempts) {
                        cookie = cookie::issue(cx.instance.seed, &login.cookie, &fields.username, cx.now);
                        &login.accepted
                    } else {
                        &login.refused
                    }
                }
            },
            (_, Action::Run(run)) => match (fields.value, &run.without) {
                (Some(value), _) if !value.is_empty() => {
                    let (before, after) = run.line.split_once("{{value}}").unwrap_or((&run.line, ""));
                    let line = [before.as_bytes(), &value, after.as_bytes()].concat();
                    let command = CommandLine { user: run.user.clone(), line, stdin: Vec::new() };
                    return Outcome::Run(command, run.page.clone());
                }
                (_, without) => without.as_ref().unwrap_or(&run.page),
            },
        };
        values.cookie = cookie.as_bytes();
        let server = self.server();
        Outcome::Reply(match site.page(name) {
            Some(page) => server.page(exchange, page, &values),
            None => server.error(site, exchange, 500, Note::None),
        })
    }
}
