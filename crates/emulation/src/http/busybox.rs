//! BusyBox `httpd` up to 1.32 (`networking/httpd.c`): HTTP/1.0 answers, one request a connection, CGI programs under `/cgi-bin/`.

use super::date;
use super::exchange::Exchange;
use super::page::{Page, Values};
use super::reply::{Note, Reply, Server, reason};
use super::site::Site;
use super::static_file::{Selection, StaticFile};
use std::borrow::Cow;

/// BusyBox's manners.
pub struct Busybox;

impl Server for Busybox {
    fn error<'a>(&self, _site: &'a Site, _exchange: &Exchange, status: u16, note: Note<'_>) -> Reply<'a> {
        let info = match status {
            400 => "Unsupported method",
            408 => "No request appeared within 60 seconds",
            404 => "The requested URL was not found",
            500 => "Internal Server Error",
            501 => "The requested method is not recognized",
            _ => "",
        };
        let reason = reason(status);
        let reply = Reply { status, content_type: "text/html".into(), ..Reply::default() };
        let mut reply = match note {
            Note::Realm(realm) => reply.header("WWW-Authenticate", format!("Basic realm=\"{realm}\"")),
            Note::Location(location) => return reply.header("Location", location),
            _ => reply,
        };
        let page =
            format!("<HTML><HEAD><TITLE>{status} {reason}</TITLE></HEAD>\n<BODY><H1>{status} {reason}</H1>\n{info}\n</BODY></HTML>\n");
        reply.body = Cow::Owned(page.into_bytes());
        reply
    }

    fn file<'a>(&self, _site: &'a Site, _exchange: &Exchange, file: &'a StaticFile, selection: &Selection) -> Reply<'a> {
        // It knows ranges but no conditions.
        let content: &'a [u8] = &file.content;
        let (status, body) = match selection {
            Selection::Range(first, last) => (206, content.get(*first..=*last).unwrap_or_default()),
            _ => (200, content),
        };
        let content_type = match file.content_type {
            // The type of a file is only told with 200.
            _ if status != 200 => "text/html",
            "" => "application/octet-stream",
            "application/javascript" => "application/x-javascript",
            known => known,
        };
        let mut reply = Reply { status, content_type: content_type.into(), body: Cow::Borrowed(body), ..Reply::default() };
        if let Selection::Range(first, last) = selection {
            reply = reply.header("Content-Range", format!("bytes {first}-{last}/{}", content.len()));
        }
        reply = reply.header("Accept-Ranges", "bytes");
        reply.headers.push(("Last-Modified".into(), file.last_modified.as_bytes().into()));
        reply.header("Content-length", body.len().to_string())
    }

    fn page<'a>(&self, _exchange: &Exchange, page: &'a Page, values: &Values<'_>) -> Reply<'a> {
        let mut reply = Reply { status: page.status, body: Cow::Owned(page.body(values)), length_unknown: true, ..Reply::default() };
        for (name, value) in page.headers(values) {
            reply.headers.push((name.into(), Cow::Owned(value)));
        }
        if !page.content_type.is_empty() {
            reply = reply.header("Content-type", page.content_type.as_bytes());
        }
        reply
    }

    fn directory<'a>(&self, site: &'a Site, exchange: &Exchange) -> Reply<'a> {
        self.error(site, exchange, 404, Note::None)
    }

    fn method<'a>(&self, site: &'a Site, exchange: &Exchange, target: &[u8]) -> Option<Reply<'a>> {
        // The path is looked at before the method, and HTTP/0.9 is unknown.
        if exchange.is_simple || target.first() != Some(&b'/') {
            return Some(self.error(site, exchange, 400, Note::None));
        }
        match exchange.method.as_slice() {
            b"GET" | b"HEAD" | b"POST" => None,
            _ => Some(self.error(site, exchange, 501, Note::None)),
        }
    }

    fn method_on_file<'a>(&self, site: &'a Site, exchange: &Exchange) -> Option<Reply<'a>> {
        (exchange.method == b"POST").then(|| self.error(site, exchange, 501, Note::None))
    }

    fn write(&self, _site: &Site, exchange: &Exchange, reply: Reply<'_>, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(format!("HTTP/1.0 {} {}\r\n", reply.status, reason(reply.status)).as_bytes());
        // A CGI program writes its own head; the server only puts the status before it.
        if !reply.length_unknown {
            let (kind, date) = (&reply.content_type, date::format(exchange.now));
            out.extend_from_slice(format!("Content-type: {kind}\r\nDate: {date}\r\nConnection: close\r\n").as_bytes());
        }
        for (name, value) in &reply.headers {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        if !exchange.is_head {
            out.extend_from_slice(&reply.body);
        }
        false
    }
}
