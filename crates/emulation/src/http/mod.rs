//! HTTP/1.x, 1.0 and 0.9 as Apache and BusyBox httpd speak it; HTTPS is the same inside TLS.
//!
//! Every request is recorded as it was sent: method, target, header order and spelling, body. What is answered comes from the persona
//! ([`site`]), how it is answered from the server imitated ([`apache`], [`busybox`]).

mod answer;
mod apache;
mod apache_listing;
mod body;
mod busybox;
mod cookie;
mod date;
mod exchange;
mod form;
mod gzip;
mod head;
mod page;
mod patience;
mod reply;
mod routing;
mod site;
mod static_file;
mod table;
mod target;

use crate::{Context, Done, Factory, Input, Next, Session};
use body::{Body, Framing};
use exchange::{Exchange, Persistence};
use head::{Head, Reader, Refusal, Rules};
use model::{Detail, Timestamp};
use page::Values;
use persona::{Persona, PersonaError};
use reply::{Note, Reply, Server};
use site::Site;
use std::sync::Arc;
use table::Flavour;

/// Reads the persona and returns what makes sessions.
pub fn factory(persona: &Persona) -> Result<Factory, PersonaError> {
    make(persona, false)
}

/// The same for a port where every connection begins with TLS.
pub fn secure_factory(persona: &Persona) -> Result<Factory, PersonaError> {
    make(persona, true)
}

fn make(persona: &Persona, is_secure: bool) -> Result<Factory, PersonaError> {
    let site = Arc::new(Site::read(persona)?);
    Ok(Box::new(move || {
        let stage = Stage::Head(Reader::default());
        Box::new(Http { site: site.clone(), is_secure, stage, served: 0, attempts: 0, known: None, is_between: false })
    }))
}

/// What Apache's mod_ssl says to those who forgot TLS (`ssl_hook_ReadReq` in `ssl_engine_kernel.c`).
const PLAIN_ON_TLS: &str = "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n \
    Instead use the HTTPS scheme to access this URL, please.<br />\n";

/// Apache's `LimitRequestLine` and `LimitRequestFieldSize`: the longest line, without its end.
const LINE_BYTES_MAX: usize = 8190;

struct Http {
    site: Arc<Site>,
    /// Whether connections begin with TLS; one without it is refused.
    is_secure: bool,
    stage: Stage,
    /// Requests answered on this connection.
    served: u32,
    /// Credentials tried on this connection.
    attempts: u32,
    /// Basic credentials that have been let in: clients repeat them with every request.
    known: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether the next request, or the first of all, has not begun.
    is_between: bool,
}

/// What the next bytes are for.
enum Stage {
    /// A request's line and headers.
    Head(Reader),
    /// Its body, and when it was announced.
    Body(Box<(Head, Body, Timestamp)>),
    /// A command is running; this will be answered.
    Running(Box<(Exchange, String)>),
}

impl Http {
    fn server(&self) -> &'static dyn Server {
        match self.site.flavour {
            Flavour::Apache => &apache::Apache,
            Flavour::Busybox => &busybox::Busybox,
        }
    }

    fn send(&mut self, site: &Site, exchange: &Exchange, reply: Reply<'_>, cx: &mut Context<'_>) -> Next {
        let mut out = Vec::with_capacity(512 + reply.body.len());
        let stays = self.server().write(site, exchange, reply, &mut out);
        cx.reply(out);
        self.stage = Stage::Head(Reader::default());
        if !stays {
            return Next::Close;
        }
        self.await_next(cx);
        Next::More
    }

    /// The head broke a rule or a limit.
    fn refuse(&mut self, head: Head, refusal: Refusal, data: &[u8], cx: &mut Context<'_>) -> Next {
        let site = self.site.clone();
        // What was understood before is a request all the same: an exploit may sit in its path.
        if !head.method.is_empty() {
            emit_request(head, Vec::new(), 0, cx);
        }
        let (status, note) = match refusal {
            Refusal::LineTooLong => (414, Note::None),
            Refusal::FieldTooLong => (400, Note::Text("Size of a request header field exceeds server limit.")),
            Refusal::TooManyFields => (400, Note::Text("The number of request header fields exceeds this server's limit.")),
            Refusal::Syntax(_) => (400, Note::None),
        };
        match refusal {
            Refusal::Syntax(reason) => cx.malformed(reason, data),
            Refusal::LineTooLong | Refusal::FieldTooLong => {
                cx.limit("line_bytes_max", line_bytes_max(cx) as u64);
                cx.malformed("line too long", data);
            }
            Refusal::TooManyFields => {
                cx.limit("headers_max", cx.limits.headers_max as u64);
                cx.malformed("too many headers", data);
            }
        }
        let status = if site.flavour == Flavour::Busybox { 400 } else { status };
        let exchange = Exchange::unread(&site, cx);
        let reply = self.server().error(&site, &exchange, status, note);
        self.send(&site, &exchange, reply, cx)
    }

    /// Plain HTTP where TLS was to begin.
    fn refuse_plain(&mut self, head: Head, cx: &mut Context<'_>) -> Next {
        let site = self.site.clone();
        if !head.method.is_empty() {
            emit_request(head, Vec::new(), 0, cx);
        }
        let exchange = Exchange::unread(&site, cx);
        let reply = self.server().error(&site, &exchange, 400, Note::Text(PLAIN_ON_TLS));
        self.send(&site, &exchange, reply, cx)
    }

    /// The body cannot be read to its end.
    fn refuse_body(&mut self, head: Head, body: Body, status: u16, cx: &mut Context<'_>) -> Next {
        let site = self.site.clone();
        let (mut exchange, _) = Exchange::new(&head, None, 0, &site, cx);
        exchange.persistence = Persistence::Close;
        emit_request(head, body.kept, body.bytes, cx);
        let reply = self.server().error(&site, &exchange, status, Note::MidBody);
        self.send(&site, &exchange, reply, cx)
    }

    /// A head is whole: what follows it?
    fn begin_body(&mut self, head: Head, cx: &mut Context<'_>) -> Next {
        let framing = match Framing::of(&head) {
            Ok(framing) => framing,
            Err(reason) => {
                let data = head.value("transfer-encoding").or(head.value("content-length")).unwrap_or_default().to_vec();
                return self.refuse(head, Refusal::Syntax(reason), &data, cx);
            }
        };
        let bytes_max = self.site.request_body_bytes_max;
        let body = Body::new(framing, cx.limits.body_bytes_max, bytes_max, cx.limits.headers_max);
        if matches!(framing, Framing::Length(length) if length > bytes_max) {
            cx.limit("request_body_bytes_max", bytes_max);
            return self.refuse_body(head, body, 413, cx);
        }
        if framing == Framing::None {
            return self.answer(head, body, cx);
        }
        if self.site.flavour == Flavour::Apache && head.is_modern() && head.has_token("expect", "100-continue") {
            cx.reply("HTTP/1.1 100 Continue\r\n\r\n");
        }
        self.await_body(cx.now, 0, cx);
        self.stage = Stage::Body(Box::new((head, body, cx.now)));
        Next::More
    }
}

impl Session for Http {
    fn open(&mut self, cx: &mut Context<'_>) -> Next {
        self.await_first(cx);
        Next::More
    }

    fn receive(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Next {
        if std::mem::take(&mut self.is_between) {
            self.await_head(cx);
        }
        match &mut self.stage {
            Stage::Head(reader) => {
                let strict = self.site.flavour == Flavour::Apache;
                let rules = Rules { line_bytes_max: line_bytes_max(cx), headers_max: cx.limits.headers_max, strict };
                match reader.read(input, &rules) {
                    head::Step::Incomplete => Next::More,
                    head::Step::Whole(head) | head::Step::Refused(head, ..) if self.is_secure && !cx.tls => self.refuse_plain(head, cx),
                    head::Step::Whole(head) => self.begin_body(head, cx),
                    head::Step::Refused(head, refusal, data) => self.refuse(head, refusal, &data, cx),
                }
            }
            Stage::Body(exchange) => match exchange.1.read(input) {
                body::Step::Incomplete => {
                    let (since, bytes) = (exchange.2, exchange.1.bytes);
                    self.await_body(since, bytes, cx);
                    Next::More
                }
                step => {
                    let Stage::Body(exchange) = std::mem::replace(&mut self.stage, Stage::Head(Reader::default())) else {
                        return Next::Close;
                    };
                    let (head, body, _) = *exchange;
                    match step {
                        body::Step::Broken(reason, data) => {
                            cx.malformed(reason, &data);
                            self.refuse_body(head, body, 400, cx)
                        }
                        body::Step::TooLarge => {
                            cx.limit("request_body_bytes_max", self.site.request_body_bytes_max);
                            self.refuse_body(head, body, 413, cx)
                        }
                        _ => self.answer(head, body, cx),
                    }
                }
            },
            Stage::Running(_) => Next::More,
        }
    }

    fn resume(&mut self, done: Done, cx: &mut Context<'_>) -> Next {
        let Done::Ran { output, .. } = done else { return Next::More };
        let Stage::Running(running) = std::mem::replace(&mut self.stage, Stage::Head(Reader::default())) else { return Next::More };
        let (exchange, page) = *running;
        let site = self.site.clone();
        let values = Values { path: &exchange.path, host: exchange.host.as_bytes(), output: &output, ..Values::default() };
        let reply = match site.page(&page) {
            Some(page) => self.server().page(&exchange, page, &values),
            None => self.server().error(&site, &exchange, 500, Note::None),
        };
        self.send(&site, &exchange, reply, cx)
    }

    fn lapse(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Next {
        self.give_up(input, cx)
    }

    fn end(&mut self, input: &mut Input, cx: &mut Context<'_>) {
        // What the peer cut short is still a request, and often the whole exploit.
        match std::mem::replace(&mut self.stage, Stage::Head(Reader::default())) {
            Stage::Body(exchange) => {
                let (head, body, _) = *exchange;
                emit_request(head, body.kept, body.bytes, cx);
            }
            Stage::Head(reader) => {
                let head = reader.into_partial();
                if !head.method.is_empty() {
                    emit_request(head, Vec::new(), 0, cx);
                }
                if !input.is_empty() {
                    cx.malformed("unfinished request head", input.bytes());
                }
            }
            Stage::Running(_) => {}
        }
    }
}

fn line_bytes_max(cx: &Context<'_>) -> usize {
    cx.limits.line_bytes_max.min(LINE_BYTES_MAX)
}

fn emit_request(head: Head, body: Vec<u8>, body_bytes: u64, cx: &mut Context<'_>) {
    let Head { method, target, version, headers } = head;
    cx.emit(Detail::Request {
        method: method.into(),
        target: target.into(),
        version: version.into(),
        headers,
        body: body.into(),
        body_bytes,
    });
}
