//! An answer before it is bytes, and what a server flavour makes of things.

use super::exchange::Exchange;
use super::page::{Page, Values};
use super::site::Site;
use super::static_file::{Selection, StaticFile};
use std::borrow::Cow;

/// An answer. The flavour adds the headers that are the same for all.
#[derive(Debug, Default)]
pub struct Reply<'a> {
    /// The status code.
    pub status: u16,
    /// Headers in order, spelled as sent.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, [u8]>)>,
    /// The content type; empty for none.
    pub content_type: Cow<'a, str>,
    /// The body.
    pub body: Cow<'a, [u8]>,
    /// Whether the head does not tell the body's length.
    pub length_unknown: bool,
}

impl<'a> Reply<'a> {
    /// Adds a header.
    pub fn header(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Vec<u8>>) -> Reply<'a> {
        self.headers.push((name.into(), Cow::Owned(value.into())));
        self
    }
}

/// Why an error is answered, beyond its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note<'a> {
    /// Nothing more.
    None,
    /// A sentence of the server.
    Text(&'static str),
    /// The body could not be read to its end, so the answer began before its length was known.
    MidBody,
    /// Credentials for this realm are wanted.
    Realm(&'a str),
    /// The thing is somewhere else.
    Location(&'a str),
}

/// One web server's manners.
pub trait Server: Sync {
    /// An error page, or a redirection by the server itself.
    fn error<'a>(&self, site: &'a Site, exchange: &Exchange, status: u16, note: Note<'_>) -> Reply<'a>;
    /// A file of the document root.
    fn file<'a>(&self, site: &'a Site, exchange: &Exchange, file: &'a StaticFile, selection: &Selection) -> Reply<'a>;
    /// A page made for the request.
    fn page<'a>(&self, exchange: &Exchange, page: &'a Page, values: &Values<'_>) -> Reply<'a>;
    /// A directory without an index page.
    fn directory<'a>(&self, site: &'a Site, exchange: &Exchange) -> Reply<'a>;
    /// The answer to a method that has one of its own, before anything is looked up; `None` for the methods that fetch things.
    fn method<'a>(&self, site: &'a Site, exchange: &Exchange, target: &[u8]) -> Option<Reply<'a>>;
    /// The answer to a method that files do not have, after authentication.
    fn method_on_file<'a>(&self, site: &'a Site, exchange: &Exchange) -> Option<Reply<'a>>;
    /// The bytes, and whether the connection stays.
    fn write(&self, site: &Site, exchange: &Exchange, reply: Reply<'_>, out: &mut Vec<u8>) -> bool;
}

/// The reason phrase of a status.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        416 => "Requested Range Not Satisfiable",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
