//! Apache httpd 2.4 as Ubuntu ships it: order and spelling of headers and the built-in pages, measured on a real one.

use super::apache_listing;
use super::date;
use super::exchange::{Exchange, Persistence};
use super::gzip;
use super::page::{Page, Values, escape_html};
use super::reply::{Note, Reply, Server, reason};
use super::site::{Found, Site};
use super::static_file::{COMPRESSIBLE_BYTES_MIN, Selection, StaticFile};
use std::borrow::Cow;

/// Apache's manners.
pub struct Apache;

/// `Allow`, as the core and the default handler put it together.
const ALLOW: &str = "GET,POST,OPTIONS,HEAD";

/// Methods the core has registered: they get 405 where they are not allowed, all others 501.
const REGISTERED: &[&[u8]] = &[
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"VERSION-CONTROL",
    b"CHECKOUT",
    b"UNCHECKOUT",
    b"CHECKIN",
    b"UPDATE",
    b"LABEL",
    b"REPORT",
    b"MKWORKSPACE",
    b"MKACTIVITY",
    b"BASELINE-CONTROL",
    b"MERGE",
];

impl Server for Apache {
    fn error<'a>(&self, site: &'a Site, exchange: &Exchange, status: u16, note: Note<'_>) -> Reply<'a> {
        let body = error_page(site, exchange, status, note);
        let mut reply = Reply { status, content_type: "text/html; charset=iso-8859-1".into(), ..Reply::default() };
        match (note, status) {
            (Note::Realm(realm), _) => reply = reply.header("WWW-Authenticate", format!("Basic realm=\"{realm}\"")),
            (Note::Location(location), _) => reply = reply.header("Location", location),
            // TRACE is switched off as a whole, so there is nothing to allow instead.
            (_, 405) if exchange.method == b"TRACE" => reply = reply.header("Allow", ""),
            (_, 405 | 501) => reply = reply.header("Allow", ALLOW),
            _ => {}
        }
        // The error of a filter, or before the body was read, leaves without a length; and HEAD never learns it.
        reply.length_unknown = note == Note::MidBody || matches!(status, 413 | 416);
        if !reply.length_unknown && !exchange.is_head {
            reply = reply.header("Content-Length", body.len().to_string());
        }
        reply.body = Cow::Owned(body);
        reply
    }

    fn file<'a>(&self, site: &'a Site, exchange: &Exchange, file: &'a StaticFile, selection: &Selection) -> Reply<'a> {
        if file.is_program {
            return Reply { status: 200, content_type: "text/html; charset=UTF-8".into(), ..Reply::default() }
                .header("Content-Length", "0");
        }
        if *selection == Selection::Unsatisfiable {
            return self.error(site, exchange, 416, Note::None);
        }
        let content: &'a [u8] = &file.content;
        let (status, body) = match selection {
            Selection::Range(first, last) => (206, content.get(*first..=*last).unwrap_or_default()),
            Selection::NotModified => (304, &[][..]),
            Selection::PreconditionFailed => (412, &[][..]),
            _ => (200, content),
        };
        let mut reply = Reply { status, body: Cow::Borrowed(body), ..Reply::default() };
        reply.headers.push(("Last-Modified".into(), file.last_modified.as_bytes().into()));
        reply.headers.push(("ETag".into(), file.etag.as_bytes().into()));
        reply = reply.header("Accept-Ranges", "bytes");
        if status == 304 {
            return reply;
        }
        let range = match selection {
            Selection::Range(first, last) => Some(format!("bytes {first}-{last}/{}", content.len())),
            _ => None,
        };
        let has_variants = file.is_compressible && status != 412;
        if has_variants && file.is_compressed() {
            reply = reply.header("Vary", "Accept-Encoding").header("Content-Encoding", "gzip");
            reply.headers.extend(range.map(|range| ("Content-Range".into(), Cow::Owned(range.into_bytes()))));
            reply = reply.header("Content-Length", body.len().to_string());
        } else {
            reply = reply.header("Content-Length", body.len().to_string());
            if has_variants {
                reply = reply.header("Vary", "Accept-Encoding");
            }
            reply.headers.extend(range.map(|range| ("Content-Range".into(), Cow::Owned(range.into_bytes()))));
        }
        reply.content_type = file.content_type.into();
        reply
    }

    fn page<'a>(&self, exchange: &Exchange, page: &'a Page, values: &Values<'_>) -> Reply<'a> {
        let mut body = page.body(values);
        let mut reply = Reply { status: page.status, content_type: page.content_type.as_str().into(), ..Reply::default() };
        for (name, value) in page.headers(values) {
            reply.headers.push((name.into(), Cow::Owned(value)));
        }
        if page.content_type.starts_with("text/") && body.len() >= COMPRESSIBLE_BYTES_MIN {
            reply = reply.header("Vary", "Accept-Encoding");
            if exchange.takes_gzip {
                reply = reply.header("Content-Encoding", "gzip");
                body = gzip::compress(&body);
            }
        }
        if !exchange.is_head {
            reply = reply.header("Content-Length", body.len().to_string());
        }
        reply.body = Cow::Owned(body);
        reply
    }

    fn directory<'a>(&self, site: &'a Site, exchange: &Exchange) -> Reply<'a> {
        if !site.listing {
            return self.error(site, exchange, 403, Note::None);
        }
        let mut body = apache_listing::page(site, exchange);
        let mut reply = Reply { status: 200, content_type: "text/html;charset=UTF-8".into(), ..Reply::default() };
        reply = reply.header("Vary", "Accept-Encoding");
        if exchange.takes_gzip {
            reply = reply.header("Content-Encoding", "gzip");
            body = gzip::compress(&body);
        }
        if !exchange.is_head {
            reply = reply.header("Content-Length", body.len().to_string());
        }
        reply.body = Cow::Owned(body);
        reply
    }

    fn method<'a>(&self, site: &'a Site, exchange: &Exchange, target: &[u8]) -> Option<Reply<'a>> {
        match exchange.method.as_slice() {
            b"GET" | b"HEAD" | b"POST" => None,
            b"OPTIONS" if target == b"*" => Some(Reply { status: 200, ..Reply::default() }.header("Content-Length", "0")),
            b"OPTIONS" => None,
            b"TRACE" | b"CONNECT" => Some(self.error(site, exchange, 405, Note::None)),
            method if REGISTERED.contains(&method) => None,
            _ => Some(self.error(site, exchange, 501, Note::None)),
        }
    }

    fn method_on_file<'a>(&self, site: &'a Site, exchange: &Exchange) -> Option<Reply<'a>> {
        match exchange.method.as_slice() {
            b"GET" | b"HEAD" | b"POST" => None,
            b"OPTIONS" => {
                let content_type = match site.find(&exchange.path) {
                    Found::File(file) => file.content_type,
                    Found::Directory => "httpd/unix-directory",
                    _ => "",
                };
                let reply = Reply { status: 200, content_type: content_type.into(), ..Reply::default() };
                Some(reply.header("Allow", ALLOW).header("Content-Length", "0"))
            }
            _ => Some(self.error(site, exchange, 405, Note::None)),
        }
    }

    fn write(&self, site: &Site, exchange: &Exchange, reply: Reply<'_>, out: &mut Vec<u8>) -> bool {
        // `ap_status_drops_connection`; an HTTP/1.0 client can only learn an unknown length by the end of the connection.
        let drops = matches!(reply.status, 400 | 408 | 411 | 413 | 414 | 500 | 501 | 503);
        let stays = exchange.stays() && !drops && (exchange.is_modern || !reply.length_unknown);
        let is_chunked = reply.length_unknown && stays && !exchange.is_head;
        if !exchange.is_simple {
            out.extend_from_slice(format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status)).as_bytes());
            let mut line = |name: &str, value: &[u8]| {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b": ");
                out.extend_from_slice(value);
                out.extend_from_slice(b"\r\n");
            };
            line("Date", date::format(exchange.now).as_bytes());
            line("Server", site.server.as_bytes());
            for (name, value) in &reply.headers {
                line(name, value);
            }
            match exchange.persistence {
                _ if !stays => line("Connection", b"close"),
                Persistence::Explicit(left) => {
                    line("Keep-Alive", format!("timeout=5, max={left}").as_bytes());
                    line("Connection", b"Keep-Alive");
                }
                _ => {}
            }
            if is_chunked {
                line("Transfer-Encoding", b"chunked");
            }
            if !reply.content_type.is_empty() {
                line("Content-Type", reply.content_type.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        }
        if exchange.is_head {
            return stays;
        }
        match is_chunked {
            true => {
                out.extend_from_slice(format!("{:x}\r\n", reply.body.len()).as_bytes());
                out.extend_from_slice(&reply.body);
                out.extend_from_slice(b"\r\n0\r\n\r\n");
            }
            false => out.extend_from_slice(&reply.body),
        }
        stays
    }
}

/// The page of `ap_send_error_response`, with the document type it had before 2.4.6x.
fn error_page(site: &Site, exchange: &Exchange, status: u16, note: Note<'_>) -> Vec<u8> {
    let mut method = Vec::new();
    escape_html(&exchange.method, &mut method);
    let method = String::from_utf8_lossy(&method);
    let text = match status {
        301 | 302 => match note {
            Note::Location(location) => {
                let mut escaped = Vec::new();
                escape_html(location.as_bytes(), &mut escaped);
                format!("<p>The document has moved <a href=\"{}\">here</a>.</p>\n", String::from_utf8_lossy(&escaped))
            }
            _ => String::new(),
        },
        400 => {
            let note = if let Note::Text(text) = note { text } else { "" };
            format!("<p>Your browser sent a request that this server could not understand.<br />\n{note}</p>\n")
        }
        401 => {
            "<p>This server could not verify that you\nare authorized to access the document\nrequested.  Either you supplied the wrong\n\
                credentials (e.g., bad password), or your\nbrowser doesn't understand how to supply\nthe credentials required.</p>\n"
                .into()
        }
        403 => "<p>You don't have permission to access this resource.</p>\n".into(),
        404 => "<p>The requested URL was not found on this server.</p>\n".into(),
        405 => format!("<p>The requested method {method} is not allowed for this URL.</p>\n"),
        408 => "<p>Server timeout waiting for the HTTP request from the client.</p>\n".into(),
        413 => format!(
            "The requested resource does not allow request data with {method} requests, or the amount of data provided in\n\
             the request exceeds the capacity limit.\n"
        ),
        414 => "<p>The requested URL's length exceeds the capacity\nlimit for this server.<br />\n</p>\n".into(),
        416 => "<p>None of the range-specifier values in the Range\nrequest-header field overlap the current extent\n\
                of the selected resource.</p>\n"
            .into(),
        501 => format!("<p>{method} not supported for current URL.<br />\n</p>\n"),
        _ => String::new(),
    };
    let reason = reason(status);
    let (server, host, port) = (&site.server, &exchange.host, exchange.port);
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{status} {reason}</title>\n</head><body>\n\
         <h1>{reason}</h1>\n{text}<hr>\n<address>{server} Server at {host} Port {port}</address>\n</body></html>\n"
    )
    .into_bytes()
}
