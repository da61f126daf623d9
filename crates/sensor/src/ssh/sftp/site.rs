//! What the SFTP server knows of the host besides its files: names of accounts, sizes of file systems.

use model::Timestamp;
use persona::{Host, Mount};
use shell::{Kind, Metadata};
use std::collections::HashMap;

/// Made once per sensor.
pub(in crate::ssh) struct Site {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
    mounts: Vec<Mount>,
}

impl Site {
    /// From the persona's host.
    pub(in crate::ssh) fn new(host: &Host) -> Site {
        let users = host.users.iter().map(|u| (u.uid, u.name.clone())).collect();
        let supplementary = host.users.iter().flat_map(|u| &u.groups).filter_map(|group| {
            let (name, gid) = group.rsplit_once(':')?;
            Some((gid.parse().ok()?, name.to_owned()))
        });
        let primary = host.users.iter().map(|u| (u.gid, u.name.clone()));
        // Later pairs win: a group that someone names is not merely its user's.
        Site { users, groups: primary.chain(supplementary).collect(), mounts: host.mounts.clone() }
    }

    /// One line as `ls -l` and OpenSSH's `ls_file` print it.
    pub(super) fn long_name(&self, name: &[u8], metadata: &Metadata, now: Timestamp) -> Vec<u8> {
        let user = self.users.get(&metadata.uid).cloned().unwrap_or_else(|| metadata.uid.to_string());
        let group = self.groups.get(&metadata.gid).cloned().unwrap_or_else(|| metadata.gid.to_string());
        let columns = format!(
            "{} {:>3} {user:<8} {group:<8} {:>8} {} ",
            mode_text(metadata),
            metadata.links,
            metadata.size,
            time_text(metadata.modified, now),
        );
        [columns.as_bytes(), name].concat()
    }

    /// The file system that holds a canonical path.
    pub(super) fn mount(&self, path: &[u8]) -> Option<&Mount> {
        let holds = |mount: &&Mount| {
            let prefix = mount.path.trim_end_matches('/').as_bytes();
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        self.mounts.iter().filter(holds).max_by_key(|mount| mount.path.len())
    }
}

/// The mode as `strmode(3)` prints it: eleven characters, the last a blank.
fn mode_text(metadata: &Metadata) -> String {
    let kind = match metadata.kind {
        Kind::File => '-',
        Kind::Directory => 'd',
        Kind::Symlink => 'l',
        Kind::CharacterDevice => 'c',
        Kind::BlockDevice => 'b',
        Kind::Fifo => 'p',
        Kind::Socket => 's',
    };
    let mut text = String::from(kind);
    let special = [(0o4000, 's', 'S'), (0o2000, 's', 'S'), (0o1000, 't', 'T')];
    for (shift, (bit, with_execute, without)) in [6, 3, 0].into_iter().zip(special) {
        let bits = metadata.mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, metadata.mode & bit != 0) {
            (true, true) => with_execute,
            (false, true) => without,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text.push(' ');
    text
}

/// `%b %e %H:%M`, or `%b %e  %Y` for what is older than half a year, in UTC.
fn time_text(time: Timestamp, now: Timestamp) -> String {
    const HALF_YEAR_SECONDS: i64 = 365 * 24 * 60 * 60 / 2;
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // RFC 3339: 2024-05-01T12:34:56.000000Z
    let text = time.to_string();
    let part = |from, to| text.get(from..to).unwrap_or("");
    let month = part(5, 7).parse::<usize>().ok().and_then(|m| MONTHS.get(m.wrapping_sub(1))).unwrap_or(&"Jan");
    let day = part(8, 10).trim_start_matches('0');
    if now.seconds() - HALF_YEAR_SECONDS < time.seconds() {
        format!("{month} {day:>2} {}", part(11, 16))
    } else {
        format!("{month} {day:>2}  {}", part(0, 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_look_like_those_of_openssh() {
        let site = Site {
            users: HashMap::from([(0, "root".to_owned())]),
            groups: HashMap::from([(33, "www-data".to_owned())]),
            mounts: Vec::new(),
        };
        let now = Timestamp::parse("2024-06-01T00:00:00Z").unwrap();
        let line = |kind, mode, uid, gid, size, modified: &str| {
            let modified = Timestamp::parse(modified).unwrap();
            let (accessed, changed) = (modified, modified);
            let metadata =
                Metadata { kind, mode, uid, gid, size, links: 2, modified, accessed, changed, inode: 2, device: (0, 0), attributes: 0 };
            String::from_utf8(site.long_name(b"x", &metadata, now)).unwrap()
        };
        assert_eq!(
            line(Kind::File, 0o644, 0, 33, 3771, "2022-01-06T16:23:00Z"),
            "-rw-r--r--    2 root     www-data     3771 Jan  6  2022 x"
        );
        assert_eq!(
            line(Kind::Directory, 0o1777, 0, 0, 4096, "2024-05-31T08:01:59Z"),
            "drwxrwxrwt    2 root     0            4096 May 31 08:01 x"
        );
        assert_eq!(
            line(Kind::File, 0o4655, 1000, 0, 1, "2024-05-01T00:00:00Z"),
            "-rwSr-xr-x    2 1000     0               1 May  1 00:00 x"
        );
    }

    #[test]
    fn the_deepest_mount_holds_a_path() {
        let mount = |path: &str| Mount {
            device: path.into(),
            path: path.into(),
            kind: "ext4".into(),
            options: "rw".into(),
            size_kb: 1,
            used_kb: 1,
        };
        let site = Site { users: HashMap::new(), groups: HashMap::new(), mounts: vec![mount("/"), mount("/var"), mount("/var/lib")] };
        for (path, expected) in [("/", "/"), ("/etc/x", "/"), ("/var", "/var"), ("/variable", "/"), ("/var/lib/x", "/var/lib")] {
            assert_eq!(site.mount(path.as_bytes()).map(|m| m.path.as_str()), Some(expected), "{path}");
        }
    }
}
