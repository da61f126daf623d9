//! From a request to what is done about it: the fields a route reads, the files a request leaves, and paths without a file.

use super::cookie;
use super::exchange::Exchange;
use super::form::{self, Form};
use super::head::Head;
use super::reply::{Note, Reply, Server};
use super::site::{Action, Found, Route, Site};
use super::table::{Flavour, Login, Run};
use super::target::{self, Target};
use crate::{Captured, Context};

/// What a route needs of a request, read before the request goes into its event.
#[derive(Default)]
pub struct Fields {
    /// Who logs in.
    pub username: Vec<u8>,
    /// With what; `None` when the form lacks it.
    pub password: Option<Vec<u8>>,
    /// What is to be run.
    pub value: Option<Vec<u8>>,
    /// Whether the route's guard lets the request pass.
    pub is_admitted: bool,
}

/// What the route wants to know of the request.
pub fn read_fields(route: &Route, head: &Head, target: Option<&Target>, body: &[u8], cx: &Context<'_>) -> Fields {
    let mut fields = Fields::default();
    if let Some(guard) = &route.guard {
        fields.is_admitted = cookie::check(cx.instance.seed, &guard.cookie, head, cx.now);
    }
    let query = target.map(|t| t.query.as_slice()).unwrap_or_default();
    let of = |forms: &[Form], name: &str| forms.iter().find_map(|form| form.value(name)).map(<[u8]>::to_vec);
    match &route.action {
        Action::Page(_) => {}
        Action::Login(Login { username, password, user, .. }) => {
            let forms = [Form::body(head, body), Form::query(query)];
            fields.username = of(&forms, username).unwrap_or_else(|| user.as_bytes().to_vec());
            fields.password = of(&forms, password);
        }
        Action::Run(Run { field, .. }) => {
            fields.value = match field.is_empty() {
                true => Some(target::decode_form(query)),
                false => of(&[Form::query(query), Form::body(head, body)], field),
            }
        }
    }
    fields
}

/// The files a request leaves: what is PUT, and what a form uploads.
pub fn captures(site: &Site, head: &Head, path: &[u8], body: &[u8]) -> Vec<Captured> {
    if body.is_empty() {
        return Vec::new();
    }
    if head.method == b"PUT" {
        let path = [site.docroot.trim_end_matches('/').as_bytes(), path].concat();
        return vec![Captured { path, content: body.to_vec(), method: "put".into() }];
    }
    let uploads = form::uploads(head, body);
    uploads.into_iter().map(|upload| Captured { path: upload.filename, content: upload.content, method: "upload".into() }).collect()
}

/// Nothing is served at this path, or a directory is.
pub fn no_file<'a>(server: &dyn Server, site: &'a Site, exchange: &Exchange, target: &Target) -> Reply<'a> {
    match site.find(&exchange.path) {
        Found::Forbidden => server.error(site, exchange, 403, Note::None),
        Found::Directory => server.directory(site, exchange),
        Found::DirectoryWithoutSlash => {
            let path = location(&exchange.path);
            match site.flavour {
                Flavour::Busybox => server.error(site, exchange, 302, Note::Location(&format!("{path}/"))),
                Flavour::Apache => {
                    let query =
                        if target.query.is_empty() { String::new() } else { format!("?{}", String::from_utf8_lossy(&target.query)) };
                    server.error(site, exchange, 301, Note::Location(&format!("{}{path}/{query}", exchange.origin())))
                }
            }
        }
        _ => server.error(site, exchange, 404, Note::None),
    }
}

/// A path as a `Location` writes it: escaped again, so that a decoded line end cannot split the answer.
fn location(path: &[u8]) -> String {
    let mut escaped = String::with_capacity(path.len());
    for &byte in path {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'/'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'!'
            | b'$'
            | b'&'
            | b'\''
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b','
            | b';'
            | b'='
            | b':'
            | b'@' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02x}")),
        }
    }
    escaped
}
