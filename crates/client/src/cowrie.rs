//! Cowrie's JSON log, line by line, as events of ours.
//!
//! A line gives none, one or two events; a line that gives none has a [`Skip`] that says why. What an attacker sent is kept byte for byte:
//! Cowrie is written in Python, which logs bytes that are not UTF-8 as lone surrogates and forwarded data as the text of a bytes literal, and both
//! are undone here.
//!
//! The event identifiers are those of Cowrie's `docs/OUTPUT.rst` and `core/eventids.py`.

mod line;
mod map;
mod python;
mod sessions;
mod text;

pub use map::Mapper;
pub(crate) use sessions::digest;

use model::Event;
use std::borrow::Cow;

/// What a line gives.
#[derive(Debug)]
pub struct Mapped {
    /// Its events: none, one, or two.
    pub events: Vec<Event>,
    /// Why there are none, or fewer than the line's kind could give.
    pub skip: Option<Skip>,
    /// Whether these are the first events of their session.
    pub new_session: bool,
}

/// Why a line gives no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// It holds nothing.
    Blank,
    /// It is not a JSON object with the fields of a Cowrie event, or one of them has another type.
    NotAnEvent,
    /// It has no session, so it is not about an attacker.
    NoSession,
    /// Its time is missing or not RFC 3339.
    NoTime,
    /// Neither it nor its session names the attacker's address.
    NoSource,
    /// Its protocol is none of ours.
    Protocol(String),
    /// It says again what another event has said.
    Restates(&'static str),
    /// It describes the decoy rather than the attacker.
    AboutTheDecoy,
    /// It names a recording that the log does not hold.
    Recording,
    /// It lacks what its kind is about.
    Lacks(&'static str),
    /// Its kind is not known.
    Unknown(String),
}

impl Skip {
    /// The reason as shown to people, and counted by.
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            Skip::Blank => "blank line".into(),
            Skip::NotAnEvent => "not a Cowrie event".into(),
            Skip::NoSession => "no session".into(),
            Skip::NoTime => "no time".into(),
            Skip::NoSource => "no source address".into(),
            Skip::Protocol(name) => format!("protocol \"{name}\" is not known").into(),
            Skip::Restates(kind) => format!("restates {kind}").into(),
            Skip::AboutTheDecoy => "describes the decoy, not the attacker".into(),
            Skip::Recording => "names a terminal recording that the log does not hold".into(),
            Skip::Lacks(field) => format!("lacks {field}").into(),
            Skip::Unknown(kind) => format!("unknown event \"{kind}\"").into(),
        }
    }
}
