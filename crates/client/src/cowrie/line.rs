//! The fields of a log line that any of its kinds needs; others are passed over.

use super::text::{Number, Text};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub eventid: Text<'a>,
    #[serde(borrow, default)]
    pub session: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub timestamp: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub sensor: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub protocol: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub src_ip: Option<Text<'a>>,
    #[serde(default)]
    pub src_port: Option<Number>,
    #[serde(borrow, default)]
    pub dst_ip: Option<Text<'a>>,
    #[serde(default)]
    pub dst_port: Option<Number>,
    #[serde(borrow, default)]
    pub username: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub password: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub key: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub fingerprint: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub input: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub version: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub hassh: Option<Text<'a>>,
    #[serde(borrow, default, rename = "hasshAlgorithms")]
    pub hassh_algorithms: Option<Text<'a>>,
    #[serde(default)]
    pub width: Option<Number>,
    #[serde(default)]
    pub height: Option<Number>,
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub value: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub shasum: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub destfile: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub filename: Option<Text<'a>>,
    #[serde(default)]
    pub size: Option<Number>,
    #[serde(borrow, default)]
    pub data: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub ja4: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub ja4h: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub command: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub option_name: Option<Text<'a>>,
    #[serde(default)]
    pub option_byte: Option<Number>,
    #[serde(default)]
    pub duration: Option<Number>,
    #[serde(default)]
    pub duration_ms: Option<Number>,
}
