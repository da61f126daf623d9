//! The page Apache's mod_autoindex makes of a directory, with the options of Debian and Ubuntu (fancy, as an HTML table).

use super::exchange::Exchange;
use super::page::escape_html;
use super::site::Site;

/// The listing of the directory asked for.
pub fn page(site: &Site, exchange: &Exchange) -> Vec<u8> {
    let mut title = Vec::new();
    let shown = exchange.path.strip_suffix(b"/").filter(|p| !p.is_empty()).unwrap_or(&exchange.path);
    escape_html(shown, &mut title);
    let title = String::from_utf8_lossy(&title).into_owned();
    let mut page = format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<html>\n <head>\n  <title>Index of {title}</title>\n </head>\n <body>\n\
         <h1>Index of {title}</h1>\n  <table>\n   <tr><th valign=\"top\"><img src=\"/icons/blank.gif\" alt=\"[ICO]\"></th>\
         <th><a href=\"?C=N;O=D\">Name</a></th><th><a href=\"?C=M;O=A\">Last modified</a></th><th><a href=\"?C=S;O=A\">Size</a></th>\
         <th><a href=\"?C=D;O=A\">Description</a></th></tr>\n   <tr><th colspan=\"5\"><hr></th></tr>\n"
    );
    if let Some(parent) = memchr::memrchr(b'/', shown).filter(|_| shown != b"/") {
        let parent = String::from_utf8_lossy(&exchange.path[..=parent]).into_owned();
        row(&mut page, "back", "PARENTDIR", &parent, "Parent Directory", None, "  - ");
    }
    let mut newest = 0;
    let entries = site.list(&exchange.path);
    for (_, file) in &entries {
        newest = newest.max(file.map_or(0, |f| f.modified));
    }
    for (name, file) in entries {
        let mut text = Vec::new();
        escape_html(name, &mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        match file {
            Some(file) => {
                let (icon, alt) = icon(file.content_type);
                row(&mut page, icon, alt, &text, &text, Some(file.modified), &size(file.content.len()));
            }
            None => row(&mut page, "folder", "DIR", &text, &text, Some(newest), "  - "),
        }
    }
    let (server, host, port) = (&site.server, &exchange.host, exchange.port);
    page.push_str("   <tr><th colspan=\"5\"><hr></th></tr>\n</table>\n");
    page.push_str(&format!("<address>{server} Server at {host} Port {port}</address>\n</body></html>\n"));
    page.into_bytes()
}

fn row(page: &mut String, icon: &str, alt: &str, href: &str, name: &str, modified: Option<i64>, size: &str) {
    let modified = match modified.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()) {
        Some(time) => format!(" align=\"right\">{}  ", time.strftime("%Y-%m-%d %H:%M")),
        None => ">&nbsp;".into(),
    };
    page.push_str(&format!(
        "<tr><td valign=\"top\"><img src=\"/icons/{icon}.gif\" alt=\"[{alt}]\"></td><td><a href=\"{href}\">{name}</a></td>\
         <td{modified}</td><td align=\"right\">{size}</td><td>&nbsp;</td></tr>\n"
    ));
}

/// Four columns, as `apr_strfsize` writes them: `  3 `, `100 `, `1.2K`, `12K`.
fn size(bytes: usize) -> String {
    if bytes < 973 {
        return format!("{bytes:3} ");
    }
    let mut whole = bytes;
    for unit in ["K", "M", "G"] {
        let rest = whole % 1024;
        whole /= 1024;
        if whole >= 973 {
            continue;
        }
        if whole < 9 || whole == 9 && rest < 973 {
            let tenths = (rest * 5 + 256) / 512;
            let (whole, tenths) = if tenths >= 10 { (whole + 1, 0) } else { (whole, tenths) };
            return format!("{whole}.{tenths}{unit}");
        }
        let rounded = if rest >= 512 { whole + 1 } else { whole };
        return format!("{rounded:3}{unit}");
    }
    "****".into()
}

fn icon(content_type: &str) -> (&'static str, &'static str) {
    match content_type {
        "application/x-gzip" | "application/zip" => ("compressed", "   "),
        "application/x-tar" => ("tar", "   "),
        "application/pdf" => ("layout", "   "),
        "application/javascript" => ("text", "TXT"),
        kind if kind.starts_with("text/") => ("text", "TXT"),
        kind if kind.starts_with("image/") => ("image2", "IMG"),
        _ => ("unknown", "   "),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_four_columns() {
        for (bytes, expected) in
            [(3, "  3 "), (100, "100 "), (972, "972 "), (1024, "1.0K"), (1250, "1.2K"), (12_345, " 12K"), (1 << 20, "1.0M")]
        {
            assert_eq!(size(bytes), expected, "{bytes}");
        }
    }
}
