//! Times as commands print and read them, in UTC.

use model::Timestamp;

/// Formats as `strftime(3)` in the C locale, with GNU's `%N` and the `-`, `_`, `0` flags.
pub(super) fn strftime(format: &str, time: Timestamp) -> String {
    let Ok(stamp) = jiff::Timestamp::from_microsecond(time.0) else { return time.0.to_string() };
    let zoned = stamp.to_zoned(jiff::tz::TimeZone::UTC);
    let mut out = String::with_capacity(format.len() + 16);
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flag = None;
        let mut letter = chars.next();
        while let Some(found @ ('-' | '_' | '0' | '^' | '#' | ':')) = letter {
            flag = Some(found);
            letter = chars.next();
        }
        let number = |value: i64, width: usize, pad: char| match flag.unwrap_or(pad) {
            '-' => value.to_string(),
            '_' | ' ' => format!("{value:>width$}"),
            _ => format!("{value:0>width$}"),
        };
        let hour12 = |hour: i8| i64::from(if hour % 12 == 0 { 12 } else { hour % 12 });
        let text = match letter {
            Some('a') => zoned.strftime("%a").to_string(),
            Some('A') => zoned.strftime("%A").to_string(),
            Some('b' | 'h') => zoned.strftime("%b").to_string(),
            Some('B') => zoned.strftime("%B").to_string(),
            Some('c') => strftime("%a %b %e %H:%M:%S %Y", time),
            Some('C') => number(i64::from(zoned.year()) / 100, 2, '0'),
            Some('d') => number(i64::from(zoned.day()), 2, '0'),
            Some('D' | 'x') => strftime("%m/%d/%y", time),
            Some('e') => number(i64::from(zoned.day()), 2, ' '),
            Some('F') => strftime("%Y-%m-%d", time),
            Some('H') => number(i64::from(zoned.hour()), 2, '0'),
            Some('I') => number(hour12(zoned.hour()), 2, '0'),
            Some('j') => number(i64::from(zoned.day_of_year()), 3, '0'),
            Some('k') => number(i64::from(zoned.hour()), 2, ' '),
            Some('l') => number(hour12(zoned.hour()), 2, ' '),
            Some('m') => number(i64::from(zoned.month()), 2, '0'),
            Some('M') => number(i64::from(zoned.minute()), 2, '0'),
            Some('n') => "\n".to_owned(),
            Some('N') => format!("{:09}", time.0.rem_euclid(1_000_000) * 1000),
            Some('p') => if zoned.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            Some('P') => if zoned.hour() < 12 { "am" } else { "pm" }.to_owned(),
            Some('r') => strftime("%I:%M:%S %p", time),
            Some('R') => strftime("%H:%M", time),
            Some('s') => time.seconds().to_string(),
            Some('S') => number(i64::from(zoned.second()), 2, '0'),
            Some('t') => "\t".to_owned(),
            Some('T' | 'X') => strftime("%H:%M:%S", time),
            Some('u') => zoned.weekday().to_monday_one_offset().to_string(),
            Some('w') => zoned.weekday().to_sunday_zero_offset().to_string(),
            Some('V') => format!("{:02}", zoned.date().iso_week_date().week()),
            Some('G') => zoned.date().iso_week_date().year().to_string(),
            Some('y') => number(i64::from(zoned.year()) % 100, 2, '0'),
            Some('Y') => zoned.year().to_string(),
            Some('z') => if flag == Some(':') { "+00:00" } else { "+0000" }.to_owned(),
            Some('Z') => "UTC".to_owned(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        };
        out.push_str(&if flag == Some('^') { text.to_uppercase() } else { text });
    }
    out
}

/// A date as people write it for `date -d` and `touch -d`: ISO 8601, `@SECONDS`, `now`, `today`, `yesterday`, `tomorrow`, and
/// `[+-]N UNIT[s] [ago]` alone or after one of these. `None` when it is none of them.
pub(super) fn parse_date(text: &str, now: Timestamp) -> Option<Timestamp> {
    const DAY: i64 = 86_400;
    let lower = text.trim().to_ascii_lowercase();
    let mut words: Vec<&str> = lower.split_whitespace().collect();
    let ago = words.last() == Some(&"ago");
    if ago {
        words.pop();
    }
    let mut base = now;
    let mut offset = 0i64;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let day_start = |days: i64| Timestamp::from_seconds((now.seconds().div_euclid(DAY) + days) * DAY + now.seconds().rem_euclid(DAY));
        match *word {
            "now" | "today" | "utc" | "z" => {}
            "yesterday" => base = day_start(-1),
            "tomorrow" => base = day_start(1),
            word => {
                if let Some(seconds) = word.strip_prefix('@') {
                    base = Timestamp::from_seconds(seconds.split('.').next()?.parse().ok()?);
                } else if let Some(time) = absolute(word, words.get(at).copied()) {
                    at += usize::from(words.get(at).is_some_and(|next| next.contains(':')));
                    base = time;
                } else {
                    let (count, unit) = match word.parse::<i64>() {
                        Ok(count) => {
                            at += 1;
                            (count, *words.get(at - 1)?)
                        }
                        Err(_) if word == "next" || word == "last" => {
                            at += 1;
                            (if word == "next" { 1 } else { -1 }, *words.get(at - 1)?)
                        }
                        Err(_) => (1, word),
                    };
                    let seconds = match unit.trim_end_matches('s') {
                        "second" | "sec" => 1,
                        "minute" | "min" => 60,
                        "hour" => 3600,
                        "day" => DAY,
                        "week" => 7 * DAY,
                        "month" => 30 * DAY,
                        "year" => 365 * DAY,
                        _ => return None,
                    };
                    offset = offset.checked_add(count.checked_mul(seconds)?)?;
                }
            }
        }
    }
    Some(Timestamp::from_seconds(base.seconds().checked_add(if ago { offset.checked_neg()? } else { offset })?))
}

fn absolute(word: &str, next: Option<&str>) -> Option<Timestamp> {
    if let Some(time) = Timestamp::parse(&word.to_ascii_uppercase()) {
        return Some(time);
    }
    let date = word.replace('/', "-");
    let date = if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) {
        format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])
    } else {
        date
    };
    let clock = match next {
        Some(next) if next.contains(':') => {
            if next.matches(':').count() == 1 {
                format!("{next}:00")
            } else {
                next.to_owned()
            }
        }
        _ => "00:00:00".to_owned(),
    };
    Timestamp::parse(&format!("{date}T{clock}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_printed() {
        let now = Timestamp::parse("2024-05-22T07:14:05.123456Z").unwrap();
        assert_eq!(strftime("%a %b %e %H:%M:%S %Z %Y", now), "Wed May 22 07:14:05 UTC 2024");
        assert_eq!(strftime("%j %-d %_H %I%p %s.%N %%", now), "143 22  7 07AM 1716362045.123456000 %");
        for (text, expected) in [
            ("2024-01-02", "2024-01-02T00:00:00Z"),
            ("2024-01-02 03:04:05", "2024-01-02T03:04:05Z"),
            ("20240102", "2024-01-02T00:00:00Z"),
            ("@0", "1970-01-01T00:00:00Z"),
            ("yesterday", "2024-05-21T07:14:05Z"),
            ("2 hours ago", "2024-05-22T05:14:05Z"),
            ("+1 day", "2024-05-23T07:14:05Z"),
        ] {
            assert_eq!(parse_date(text, now), Timestamp::parse(expected), "{text}");
        }
        assert_eq!(parse_date("gibberish", now), None);
    }
}
