//! A session's events as a story: one line for what matters, nothing for bytes that the other lines already tell.

use super::printable;
use model::{Blob, Detail, Event, Timestamp};

/// The longest piece of attacker's text shown; the whole is in `--json`.
const SHOWN_BYTES: usize = 2000;

/// One line for each event worth telling, with the seconds since the first.
pub fn story(events: &[Event]) -> String {
    let Some(begin) = events.iter().map(|e| e.time).min() else { return String::new() };
    let mut out = String::new();
    for event in events {
        if let Some(text) = tell(&event.detail) {
            for (number, line) in text.lines().enumerate() {
                let time = if number == 0 { offset(event.time, begin) } else { String::new() };
                out.push_str(&format!("  {time:>9}  {line}\n"));
            }
        }
    }
    out
}

fn offset(time: Timestamp, begin: Timestamp) -> String {
    format!("{:+.3}", time.since(begin).as_secs_f64())
}

fn text(blob: &Blob) -> String {
    let bytes = blob.as_bytes();
    match bytes.get(..SHOWN_BYTES) {
        Some(beginning) if bytes.len() > SHOWN_BYTES => format!("{}… ({} bytes)", printable(beginning), bytes.len()),
        _ => printable(bytes),
    }
}

fn tell(detail: &Detail) -> Option<String> {
    Some(match detail {
        Detail::Connect { peer, local, transport, tls, via } => {
            let tls = if *tls { ", TLS" } else { "" };
            let via = via.map(|v| format!(", through {v}")).unwrap_or_default();
            format!("connected from {peer} to {local} ({transport}{tls}{via})")
        }
        Detail::Fingerprint { method, value, .. } => format!("{method}: {}", text(value)),
        Detail::Auth { method, username, secret, accepted } => {
            let outcome = if *accepted { "let in" } else { "refused" };
            format!("login {} / {} ({method}): {outcome}", text(username), text(secret))
        }
        Detail::Command { line } => format!("$ {}", text(line)),
        Detail::Request { method, target, headers, body, .. } => {
            let mut out = format!("{} {}", text(method), text(target));
            for (name, value) in headers {
                out.push_str(&format!("\n    {}: {}", text(name), text(value)));
            }
            if !body.is_empty() {
                out.push_str(&format!("\n    {}", text(body)));
            }
            out
        }
        Detail::Query { text: query } => format!("query: {}", text(query)),
        Detail::Message { sender, recipients, body } => {
            let recipients: Vec<String> = recipients.iter().map(text).collect();
            format!("mail from {} to {} ({} bytes)", text(sender), recipients.join(", "), body.len())
        }
        Detail::Fetch { url, tool } => format!("{tool} asked for {} (not contacted)", text(url)),
        Detail::File { path, sha256, bytes, method, .. } => format!("file {} by {method}: {bytes} bytes, sha256 {sha256}", text(path)),
        Detail::Tunnel { host, port, data } if data.is_empty() => format!("tunnel to {}:{port} (not contacted)", text(host)),
        Detail::Tunnel { host, port, data } => format!("into the tunnel to {}:{port}: {}", text(host), text(data)),
        Detail::Malformed { reason, data } => format!("broke the protocol ({reason}): {}", text(data)),
        Detail::Limit { name, value } => format!("reached {name} = {value}"),
        Detail::Rx { .. } | Detail::Tx { .. } => return None,
        Detail::Close { reason, duration_us, rx_bytes, tx_bytes } => {
            format!("closed ({reason}) after {:.1} s, {rx_bytes} bytes in, {tx_bytes} out", *duration_us as f64 / 1e6)
        }
    })
}
