//! A page made for a request: a template of the persona with a few values filled in.

use persona::Persona;
use serde::Deserialize;

/// `[services.http.pages.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageTable {
    /// The status code.
    #[serde(default = "ok")]
    status: u16,
    /// Headers in order, besides those the server itself writes.
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// The content type; empty for none.
    #[serde(default = "html")]
    content_type: String,
    /// The file of the persona that is the body.
    #[serde(default)]
    file: Option<String>,
    /// The body itself, instead of a file.
    #[serde(default)]
    text: Option<String>,
}

fn ok() -> u16 {
    200
}

fn html() -> String {
    "text/html; charset=UTF-8".into()
}

/// A page ready to be filled in.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// The content type; empty for none.
    pub content_type: String,
    headers: Vec<(String, Template)>,
    body: Template,
}

/// The values a page may show.
#[derive(Clone, Debug, Default)]
pub struct Values<'a> {
    /// `{{username}}`: who tried to log in.
    pub username: &'a [u8],
    /// `{{path}}`: the path asked for.
    pub path: &'a [u8],
    /// `{{host}}`: the host asked for.
    pub host: &'a [u8],
    /// `{{cookie}}`: the proof of a login.
    pub cookie: &'a [u8],
    /// `{{output}}`: what a command printed; not escaped, as in the holes this imitates.
    pub output: &'a [u8],
}

#[derive(Clone, Debug)]
enum Segment {
    Text(Vec<u8>),
    Username,
    Path,
    Host,
    Cookie,
    Output,
}

#[derive(Clone, Debug)]
struct Template(Vec<Segment>);

impl Page {
    /// Reads a page; an error says what is wrong with its table.
    pub fn read(table: &PageTable, persona: &Persona) -> Result<Page, String> {
        let body = match (&table.file, &table.text) {
            (Some(file), None) => {
                persona.files.get(file).map(AsRef::as_ref).ok_or_else(|| format!("the file \"{file}\" does not exist"))?
            }
            (None, Some(text)) => text.as_bytes(),
            (None, None) => &[],
            _ => return Err("file and text exclude each other".into()),
        };
        let headers = table.headers.iter().map(|(name, value)| Ok((name.clone(), Template::read(value.as_bytes())?)));
        Ok(Page {
            status: table.status,
            content_type: table.content_type.clone(),
            headers: headers.collect::<Result<_, String>>()?,
            body: Template::read(body)?,
        })
    }

    /// The headers, filled in. Control characters of a value are dropped, so that it cannot add a header.
    pub fn headers(&self, values: &Values<'_>) -> Vec<(&str, Vec<u8>)> {
        let fill = |template: &Template| {
            let mut value = template.fill(values, false);
            value.retain(|&b| b >= b' ');
            value
        };
        self.headers.iter().map(|(name, template)| (name.as_str(), fill(template))).collect()
    }

    /// The body, filled in and escaped for HTML.
    pub fn body(&self, values: &Values<'_>) -> Vec<u8> {
        self.body.fill(values, true)
    }
}

impl Template {
    fn read(text: &[u8]) -> Result<Template, String> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(at) = memchr::memmem::find(rest, b"{{") {
            let end = memchr::memmem::find(&rest[at..], b"}}").ok_or("\"{{\" without \"}}\"")?;
            let segment = match &rest[at + 2..at + end] {
                b"username" => Segment::Username,
                b"path" => Segment::Path,
                b"host" => Segment::Host,
                b"cookie" => Segment::Cookie,
                b"output" => Segment::Output,
                other => return Err(format!("unknown value \"{}\"", other.escape_ascii())),
            };
            segments.push(Segment::Text(rest[..at].to_vec()));
            segments.push(segment);
            rest = &rest[at + end + 2..];
        }
        segments.push(Segment::Text(rest.to_vec()));
        Ok(Template(segments))
    }

    fn fill(&self, values: &Values<'_>, escape: bool) -> Vec<u8> {
        let mut filled = Vec::new();
        for segment in &self.0 {
            match segment {
                Segment::Text(text) => filled.extend_from_slice(text),
                Segment::Output => filled.extend_from_slice(values.output),
                Segment::Username => put(values.username, escape, &mut filled),
                Segment::Path => put(values.path, escape, &mut filled),
                Segment::Host => put(values.host, escape, &mut filled),
                Segment::Cookie => put(values.cookie, escape, &mut filled),
            }
        }
        filled
    }
}

fn put(value: &[u8], escape: bool, out: &mut Vec<u8>) {
    if escape { escape_html(value, out) } else { out.extend_from_slice(value) }
}

/// Escapes what would be markup, as Apache's `ap_escape_html` does.
pub fn escape_html(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            b'&' => out.extend(b"&amp;"),
            b'"' => out.extend(b"&quot;"),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_and_escaped() {
        let template = Template::read(b"<b>{{username}}</b>{{output}}").unwrap();
        let values = Values { username: b"<x>\r\n", output: b"<raw>", ..Values::default() };
        assert_eq!(template.fill(&values, true), b"<b>&lt;x&gt;\r\n</b><raw>");
        assert!(Template::read(b"{{nonsense}}").is_err());
        assert!(Template::read(b"{{output").is_err());
    }
}
