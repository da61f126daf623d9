//! `[services.http]` of a persona as it is written: which server, which pages, what is answered where. [`super::site`] makes a site of it.

use super::page::PageTable;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which server is imitated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// Apache httpd 2.4 with PHP.
    #[default]
    Apache,
    /// BusyBox `httpd` up to 1.32, as embedded devices have it: HTTP/1.0, one request a connection.
    Busybox,
}

/// `[services.http]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    /// Which server.
    pub flavour: Flavour,
    /// The `Server` header and the signature of error pages.
    pub server: String,
    /// The name the server has for itself, when the client names none.
    pub server_name: String,
    /// The folder of the persona that holds the static files, `content/var/www/html`.
    pub docroot: String,
    /// When the static files were last changed, unless the persona's manifest says.
    pub modified: String,
    /// Whether a directory without an index page is listed.
    pub listing: bool,
    /// Beginnings of paths that are answered with 403.
    pub forbidden: Vec<String>,
    /// The most body bytes a request may have; more is answered with 413.
    pub request_body_bytes_max: u64,
    /// Requests a connection may carry.
    pub requests_max: u32,
    /// Pages made for a request, by name.
    pub pages: BTreeMap<String, PageTable>,
    /// What is answered where, first match first; everything else comes from the document root.
    pub routes: Vec<RouteTable>,
    /// What asks for basic credentials.
    pub realms: Vec<Realm>,
}

impl Default for Table {
    fn default() -> Self {
        Table {
            flavour: Flavour::Apache,
            server: "Apache".into(),
            server_name: "127.0.1.1".into(),
            docroot: String::new(),
            modified: "2024-01-01T00:00:00Z".into(),
            listing: false,
            forbidden: Vec::new(),
            request_body_bytes_max: 1 << 30,
            requests_max: 100,
            pages: BTreeMap::new(),
            routes: Vec::new(),
            realms: Vec::new(),
        }
    }
}

/// `[[services.http.routes]]`: where, and exactly one of `page`, `login` and `run`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTable {
    /// The path, decoded; a final `*` stands for anything.
    pub path: String,
    /// The methods; empty for GET, HEAD and POST.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Only for who has logged in.
    #[serde(default)]
    pub guard: Option<Guard>,
    /// Answers a page.
    #[serde(default)]
    pub page: Option<String>,
    /// Takes a login form.
    #[serde(default)]
    pub login: Option<Login>,
    /// Runs a command: a hole.
    #[serde(default)]
    pub run: Option<Run>,
}

/// Lets in only who carries the cookie that a login gave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// The cookie's name.
    pub cookie: String,
    /// The page for everybody else.
    pub otherwise: String,
}

/// A login form's receiver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The field of the user name; without one, `user` below is taken.
    #[serde(default)]
    pub username: String,
    /// The field of the password.
    pub password: String,
    /// Who logs in where the form asks only for a password.
    #[serde(default)]
    pub user: String,
    /// The cookie that the accepted page may set with `{{cookie}}`.
    #[serde(default)]
    pub cookie: String,
    /// The page for who is let in.
    pub accepted: String,
    /// The page for everybody else.
    pub refused: String,
}

/// A command-injection hole: part of the request becomes part of a shell line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The account the line runs as.
    pub user: String,
    /// The field, of the query or the form, whose value is taken; empty for the whole decoded query.
    #[serde(default)]
    pub field: String,
    /// The shell line; `{{value}}` is replaced by the value as it is.
    #[serde(default = "just_the_value")]
    pub line: String,
    /// The page around the output, `{{output}}`.
    pub page: String,
    /// The page when the field is missing; a command of nothing is not run.
    #[serde(default)]
    pub without: Option<String>,
}

fn just_the_value() -> String {
    "{{value}}".into()
}

/// `[[services.http.realms]]`: a part of the site behind basic authentication (RFC 7617).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Realm {
    /// What the path begins with.
    pub path: String,
    /// The realm's name.
    pub name: String,
    /// Beginnings of paths inside that are open to all.
    #[serde(default)]
    pub except: Vec<String>,
}
