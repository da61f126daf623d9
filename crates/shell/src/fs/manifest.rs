//! `files.txt` of a persona: what is in its file system, a line each, so that people can review it.
//!
//! ```text
//! TYPE MODE OWNER GROUP SIZE TIME PATH [-> TARGET]
//! d 0755 root root 4096 2024-04-23T13:46:58 /etc/apache2
//! f 0755 root root 35328 2024-01-08T14:56:31 /usr/bin/echo
//! l 0777 root root 7 2023-08-10T00:17:02 /bin -> usr/bin
//! h 0755 root root 0 2023-08-10T00:17:02 /usr/bin/perl5.34.0 -> /usr/bin/perl
//! c 0666 root root 1,3 boot /dev/null
//! ```
//!
//! Types are `f`ile, `d`irectory, sym`l`ink, `h`ard link, `c`haracter and `b`lock device, `p`ipe and `s`ocket. A size is in bytes, or a
//! device's numbers. A time is UTC, or `boot` and an optional `+SECONDS`. Empty lines and lines that begin with `#` are ignored.

use super::{Body, Entries, Image, Inode, Kind};
use model::Timestamp;
use std::collections::HashMap;

/// Owners' and groups' numbers by name.
pub(super) struct Names {
    pub users: HashMap<String, u32>,
    pub groups: HashMap<String, u32>,
}

/// Adds everything a manifest lists. The error names the line.
pub(super) fn load(image: &mut Image, text: &str, names: &Names) -> Result<(), String> {
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        entry(image, line, names).map_err(|what| format!("line {}: {what}: {line}", number + 1))?;
    }
    Ok(())
}

fn entry(image: &mut Image, line: &str, names: &Names) -> Result<(), &'static str> {
    let mut fields = line.splitn(7, ' ');
    let mut next = || fields.next().ok_or("too few fields");
    let (kind, mode, owner, group, size, time, path) = (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
    let mode = u32::from_str_radix(mode, 8).map_err(|_| "the mode is not octal")?;
    let owner = names.users.get(owner).copied().or_else(|| owner.parse().ok()).ok_or("unknown owner")?;
    let group = names.groups.get(group).copied().or_else(|| group.parse().ok()).ok_or("unknown group")?;
    let time = parse_time(time, image.boot).ok_or("the time is neither YYYY-MM-DDTHH:MM:SS nor boot")?;
    let (path, target) = match path.split_once(" -> ") {
        Some((path, target)) => (path, Some(target)),
        None => (path, None),
    };
    if !path.starts_with('/') {
        return Err("the path is not absolute");
    }
    let numbers = || {
        let (major, minor) = size.split_once(',').ok_or("a device needs MAJOR,MINOR")?;
        Ok::<_, &'static str>(Body::Device(major.parse().map_err(|_| "bad major")?, minor.parse().map_err(|_| "bad minor")?))
    };
    let (kind, body) = match kind {
        "f" => {
            let size = size.parse().map_err(|_| "the size is no number")?;
            // A file of no bytes needs no contents made up for it.
            let body = if size == 0 { Body::Shared([].into()) } else { Body::Listed { size, origin: path.as_bytes().into() } };
            (Kind::File, body)
        }
        "d" => (Kind::Directory, Body::Directory(Entries::new())),
        "l" => (Kind::Symlink, Body::Symlink(target.ok_or("a link needs -> TARGET")?.as_bytes().into())),
        "h" => {
            image.hard_link(target.ok_or("a link needs -> TARGET")?.as_bytes(), path.as_bytes());
            return Ok(());
        }
        "c" => (Kind::CharacterDevice, numbers()?),
        "b" => (Kind::BlockDevice, numbers()?),
        "p" => (Kind::Fifo, Body::Endpoint),
        "s" => (Kind::Socket, Body::Endpoint),
        _ => return Err("unknown type"),
    };
    image.put(path.as_bytes(), Inode::new(kind, mode, (owner, group), time, body));
    Ok(())
}

/// `2024-04-23T13:46:58`, `boot` or `boot+12`.
fn parse_time(text: &str, boot: Timestamp) -> Option<Timestamp> {
    if let Some(after) = text.strip_prefix("boot") {
        let seconds: u64 = if after.is_empty() { 0 } else { after.strip_prefix('+')?.parse().ok()? };
        return Some(boot.plus(std::time::Duration::from_secs(seconds)));
    }
    let bytes = text.as_bytes();
    if bytes.len() != 19 {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        bytes.get(from..to)?.iter().try_fold(0, |value, b| b.is_ascii_digit().then(|| value * 10 + i64::from(b - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) {
        return None;
    }
    // Days since the epoch of the proleptic Gregorian calendar, counting years from March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    Some(Timestamp::from_seconds(((days * 24 + hour) * 60 + minute) * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_agree_with_a_calendar() {
        for text in ["1970-01-01T00:00:00", "2024-02-29T23:59:59", "2024-03-01T00:00:00", "2023-12-31T12:30:15", "2000-02-29T01:02:03"] {
            assert_eq!(parse_time(text, Timestamp(0)), Timestamp::parse(&format!("{text}Z")), "{text}");
        }
        assert_eq!(parse_time("boot+2", Timestamp(5)), Some(Timestamp(2_000_005)));
        assert_eq!(parse_time("yesterday", Timestamp(5)), None);
    }

    #[test]
    fn a_bad_line_is_named() {
        let names = Names { users: HashMap::from([("root".to_owned(), 0)]), groups: HashMap::from([("root".to_owned(), 0)]) };
        let mut image = Image::new(Timestamp(0), &[]);
        let good = "# comment\nd 0755 root root 4096 boot /a b\nl 0777 root root 1 boot /l -> a b\n";
        assert_eq!(load(&mut image, good, &names), Ok(()));
        assert!(image.lookup(b"/a b").is_some());
        let bad = format!("{good}f 0644 nobody root 1 boot /x\n");
        assert_eq!(load(&mut image, &bad, &names), Err("line 4: unknown owner: f 0644 nobody root 1 boot /x".to_owned()));
    }
}
