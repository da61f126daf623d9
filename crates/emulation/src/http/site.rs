//! What a persona serves: `[services.http]`, its pages, its routes and its document root, read once.

use super::page::Page;
use super::static_file::{StaticFile, modified_times};
use super::table::{Flavour, Guard, Login, Realm, RouteTable, Run, Table};
use model::Timestamp;
use persona::{Persona, PersonaError};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What a route does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Answers a page.
    Page(String),
    /// Takes a login form.
    Login(Login),
    /// Runs a command.
    Run(Run),
}

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    path: Vec<u8>,
    is_prefix: bool,
    methods: Vec<String>,
    /// Who may come.
    pub guard: Option<Guard>,
    /// What happens.
    pub action: Action,
}

impl Route {
    fn matches(&self, method: &[u8], path: &[u8]) -> bool {
        let methods = || match self.methods.is_empty() {
            true => matches!(method, b"GET" | b"HEAD" | b"POST"),
            false => self.methods.iter().any(|m| m.as_bytes() == method),
        };
        (if self.is_prefix { path.starts_with(&self.path) } else { path == self.path }) && methods()
    }
}

/// What a path of the document root is.
pub enum Found<'a> {
    /// A file.
    File(&'a StaticFile),
    /// A directory named without its final slash.
    DirectoryWithoutSlash,
    /// A directory without an index page.
    Directory,
    /// Something the server never shows.
    Forbidden,
    /// Nothing.
    Nothing,
}

/// A persona's web site.
pub struct Site {
    /// Which server.
    pub flavour: Flavour,
    /// The `Server` header.
    pub server: String,
    /// The server's own name.
    pub server_name: String,
    /// The document root as the host names it, `/var/www/html`.
    pub docroot: String,
    /// Whether directories are listed.
    pub listing: bool,
    /// The most body bytes a request may have.
    pub request_body_bytes_max: u64,
    /// Requests a connection may carry.
    pub requests_max: u32,
    pages: BTreeMap<String, Page>,
    routes: Vec<Route>,
    realms: Vec<Realm>,
    forbidden: Vec<String>,
    files: HashMap<Vec<u8>, StaticFile>,
    directories: HashSet<Vec<u8>>,
}

impl Site {
    /// Reads `[services.http]` and what it names.
    pub fn read(persona: &Persona) -> Result<Site, PersonaError> {
        let table: Table = persona.service("http")?;
        let invalid = |message: String| PersonaError::Invalid { name: persona.host.hostname.clone(), message };
        let modified = Timestamp::parse(&table.modified)
            .ok_or_else(|| invalid(format!("[services.http] modified: \"{}\" is no RFC 3339 time", table.modified)))?;
        let mut pages = BTreeMap::new();
        for (name, page) in &table.pages {
            pages.insert(name.clone(), Page::read(page, persona).map_err(|e| invalid(format!("[services.http.pages.{name}]: {e}")))?);
        }
        let routes = table.routes.into_iter().map(Route::try_from).collect::<Result<Vec<_>, _>>().map_err(&invalid)?;
        let mut site = Site {
            flavour: table.flavour,
            server: table.server,
            server_name: table.server_name,
            docroot: format!("/{}", table.docroot.trim_start_matches("content/").trim_matches('/')),
            listing: table.listing,
            forbidden: table.forbidden,
            request_body_bytes_max: table.request_body_bytes_max,
            requests_max: table.requests_max.max(1),
            pages,
            routes,
            realms: table.realms,
            files: HashMap::new(),
            directories: HashSet::from([b"/".to_vec()]),
        };
        site.check_pages().map_err(&invalid)?;
        site.read_files(persona, &table.docroot, modified);
        Ok(site)
    }

    /// Every page that a route names must exist: a typing error is found at start, not by an attacker.
    fn check_pages(&self) -> Result<(), String> {
        for route in &self.routes {
            let named: Vec<&String> = match &route.action {
                Action::Page(page) => vec![page],
                Action::Login(login) => vec![&login.accepted, &login.refused],
                Action::Run(run) => std::iter::once(&run.page).chain(&run.without).collect(),
            };
            let named = named.into_iter().chain(route.guard.as_ref().map(|g| &g.otherwise));
            if let Some(missing) = named.into_iter().find(|name| !self.pages.contains_key(*name)) {
                return Err(format!("[[services.http.routes]] names the page \"{missing}\", which is not among [services.http.pages]"));
            }
        }
        Ok(())
    }

    fn read_files(&mut self, persona: &Persona, docroot: &str, modified: Timestamp) {
        if docroot.is_empty() {
            return;
        }
        let prefix = format!("{}/", docroot.trim_end_matches('/'));
        let times = modified_times(persona, &self.docroot);
        for (path, content) in persona.files.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix)) {
            let url = format!("/{}", &path[prefix.len()..]);
            let time = times.get(url.as_str()).copied().unwrap_or(modified);
            for (at, _) in url.match_indices('/') {
                self.directories.insert(url.as_bytes()[..=at].to_vec());
            }
            let file = StaticFile::new(&url, content.clone(), time);
            self.files.insert(url.into_bytes(), file);
        }
    }

    /// The route of a request, if it has one.
    pub fn route(&self, method: &[u8], path: &[u8]) -> Option<&Route> {
        self.routes.iter().find(|route| route.matches(method, path))
    }

    /// The realm a path lies in.
    pub fn realm(&self, path: &[u8]) -> Option<&Realm> {
        let begins = |text: &String| path.starts_with(text.as_bytes());
        self.realms.iter().find(|realm| begins(&realm.path) && !realm.except.iter().any(begins))
    }

    /// A page by name. Those that routes name exist, see [`Site::read`].
    pub fn page(&self, name: &str) -> Option<&Page> {
        self.pages.get(name)
    }

    /// Looks a path up in the document root.
    pub fn find(&self, path: &[u8]) -> Found<'_> {
        // Every Apache configuration hides `.htaccess` and `.htpasswd`.
        let hidden = self.flavour == Flavour::Apache && path.split(|&b| b == b'/').any(|name| name.starts_with(b".ht"));
        if hidden || self.forbidden.iter().any(|begin| path.starts_with(begin.as_bytes())) {
            return Found::Forbidden;
        }
        if path.ends_with(b"/") {
            if !self.directories.contains(path) {
                return Found::Nothing;
            }
            return match self.files.get(&[path, b"index.html"].concat()) {
                Some(file) => Found::File(file),
                None => Found::Directory,
            };
        }
        match self.files.get(path) {
            Some(file) => Found::File(file),
            None if self.directories.contains(&[path, b"/"].concat()) => Found::DirectoryWithoutSlash,
            None => Found::Nothing,
        }
    }

    /// The names in a directory, sorted; directories end with a slash.
    pub fn list<'a>(&'a self, directory: &'a [u8]) -> Vec<(&'a [u8], Option<&'a StaticFile>)> {
        let mut names: BTreeMap<&[u8], Option<&StaticFile>> = BTreeMap::new();
        for (path, file) in &self.files {
            let Some(inside) = path.strip_prefix(directory) else { continue };
            match memchr::memchr(b'/', inside) {
                Some(at) => names.insert(&inside[..=at], None),
                None => names.insert(inside, Some(file)),
            };
        }
        names.into_iter().filter(|(name, _)| !name.starts_with(b".ht")).collect()
    }
}

impl TryFrom<RouteTable> for Route {
    type Error = String;
    fn try_from(table: RouteTable) -> Result<Route, String> {
        let action = match (table.page, table.login, table.run) {
            (Some(page), None, None) => Action::Page(page),
            (None, Some(login), None) => Action::Login(login),
            (None, None, Some(run)) => Action::Run(run),
            _ => return Err(format!("[[services.http.routes]] {}: exactly one of page, login and run is expected", table.path)),
        };
        let (path, is_prefix) = match table.path.strip_suffix('*') {
            Some(prefix) => (prefix.to_owned(), true),
            None => (table.path, false),
        };
        Ok(Route { path: path.into_bytes(), is_prefix, methods: table.methods, guard: table.guard, action })
    }
}
