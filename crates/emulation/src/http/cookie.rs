//! The cookie that proves a login. Any connection can check it without remembering anything, so that a browser's next connection is still logged in.

use super::head::Head;
use model::Timestamp;
use sha2::{Digest, Sha256};

/// How long a login lasts, as WordPress has it.
const LIFETIME_SECONDS: i64 = 2 * 24 * 3600;

/// A cookie's value: user, expiry and proof, separated by an escaped `|`.
pub fn issue(seed: u64, name: &str, user: &[u8], now: Timestamp) -> String {
    let expiry = now.seconds().saturating_add(LIFETIME_SECONDS);
    let user = escape(user);
    format!("{user}%7C{expiry}%7C{}", proof(seed, name, &user, expiry))
}

/// Whether a request carries a cookie of ours that has not expired.
pub fn check(seed: u64, name: &str, head: &Head, now: Timestamp) -> bool {
    let cookies = head.values("cookie").flat_map(|value| value.split(|&b| b == b';'));
    let pairs = cookies.filter_map(|cookie| std::str::from_utf8(cookie).ok()?.trim().split_once('='));
    pairs.filter(|(n, _)| *n == name).any(|(_, value)| {
        // From the end: a user name may hold the separator itself.
        let mut parts = value.rsplitn(3, "%7C");
        let (Some(given), Some(expiry), Some(user)) = (parts.next(), parts.next(), parts.next()) else { return false };
        expiry.parse::<i64>().is_ok_and(|expiry| expiry >= now.seconds() && given == proof(seed, name, user, expiry))
    })
}

fn proof(seed: u64, name: &str, user: &str, expiry: i64) -> String {
    hex::encode(Sha256::digest(format!("{seed}\n{name}\n{user}\n{expiry}")))
}

fn escape(user: &[u8]) -> String {
    let mut escaped = String::with_capacity(user.len());
    for &byte in user {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_fresh_cookies_count() {
        let now = Timestamp::from_seconds(1_700_000_000);
        let value = issue(7, "session", b"ad|min\r\n", now);
        assert!(value.bytes().all(|b| b > b' ' && b != b';'));
        let head = |cookie: String| Head { headers: vec![("Cookie".into(), cookie.into())], ..Head::default() };
        let good = head(format!("a=b; session={value}"));
        assert!(check(7, "session", &good, now));
        assert!(!check(8, "session", &good, now));
        assert!(!check(7, "other", &good, now));
        assert!(!check(7, "session", &good, Timestamp::from_seconds(1_700_000_000 + LIFETIME_SECONDS + 1)));
        assert!(!check(7, "session", &head("session=admin%7C9999999999%7Cx".into()), now));
    }
}
