//! Dates as HTTP writes them (RFC 9110 section 5.6.7).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// `Sun, 06 Nov 1994 08:49:37 GMT`, from seconds since the epoch; the epoch itself when out of range.
pub fn format(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Seconds since the epoch, from any of the three forms RFC 9110 makes servers read; `None` for anything else. Servers do not look at the
/// day of the week, so neither do we.
pub fn parse(text: &[u8]) -> Option<i64> {
    let (_, text) = std::str::from_utf8(text).ok()?.trim().split_once(' ')?;
    ["%d %b %Y %H:%M:%S GMT", "%d-%b-%y %H:%M:%S GMT", "%b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())
        .and_then(|time| time.to_zoned(TimeZone::UTC).ok())
        .map(|time| time.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse(text.as_bytes()), Some(784_111_777), "{text}");
        }
        assert_eq!(format(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse(b"Mon, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse(b"\xff"), None);
        assert_eq!(parse(b"yesterday"), None);
    }
}
