//! Files under `/etc` and `/root` that follow from the host's facts, so that they agree with what commands print.

use persona::{Host, Instance, Userland};
use std::collections::BTreeMap;

/// A line of `/etc/group`.
pub(super) struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// Groups every Debian system has besides those of its users (base-passwd).
#[rustfmt::skip] // a table
const BASE_GROUPS: &[(&str, u32)] = &[
    ("root", 0), ("daemon", 1), ("bin", 2), ("sys", 3), ("adm", 4), ("tty", 5), ("disk", 6), ("lp", 7), ("mail", 8), ("news", 9), ("uucp", 10),
    ("man", 12), ("proxy", 13), ("kmem", 15), ("dialout", 20), ("fax", 21), ("voice", 22), ("cdrom", 24), ("floppy", 25), ("tape", 26), ("sudo", 27),
    ("audio", 29), ("dip", 30), ("www-data", 33), ("backup", 34), ("operator", 37), ("list", 38), ("irc", 39), ("src", 40), ("gnats", 41),
    ("shadow", 42), ("utmp", 43), ("video", 44), ("sasl", 45), ("plugdev", 46), ("staff", 50), ("games", 60), ("users", 100),
    ("systemd-journal", 101), ("crontab", 106), ("_ssh", 112), ("nogroup", 65534),
];

/// Groups, by id.
pub(super) fn groups(host: &Host) -> Vec<Group> {
    let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
    if host.userland == Userland::Gnu {
        for (name, gid) in BASE_GROUPS {
            groups.insert(*gid, Group { name: (*name).to_owned(), gid: *gid, members: Vec::new() });
        }
    }
    for user in &host.users {
        groups.entry(user.gid).or_insert_with(|| Group { name: user.name.clone(), gid: user.gid, members: Vec::new() });
    }
    for user in &host.users {
        for entry in &user.groups {
            let Some((name, gid)) = entry.rsplit_once(':') else { continue };
            let Ok(gid) = gid.parse() else { continue };
            let group = groups.entry(gid).or_insert_with(|| Group { name: name.to_owned(), gid, members: Vec::new() });
            group.members.push(user.name.clone());
        }
    }
    groups.into_values().collect()
}

/// Paths and contents.
pub(super) fn files(host: &Host, instance: &Instance) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![
        ("/etc/passwd", passwd(host)),
        ("/etc/shadow", shadow(host, instance)),
        ("/etc/group", group_lines(host, |group| format!("{}:x:{}:{}\n", group.name, group.gid, group.members.join(",")))),
        ("/etc/hostname", format!("{}\n", host.hostname)),
        ("/etc/hosts", hosts(host)),
        ("/etc/resolv.conf", resolv_conf(host)),
    ];
    if host.userland == Userland::Gnu {
        let os = &host.os;
        let title = if os.id == "debian" { format!("{} GNU/Linux {}", os.name, os.version) } else { os.pretty.clone() };
        files.extend([
            ("/etc/gshadow", group_lines(host, |group| format!("{}:*::{}\n", group.name, group.members.join(",")))),
            ("/etc/os-release", os_release(host)),
            ("/usr/lib/os-release", os_release(host)),
            (
                "/etc/lsb-release",
                format!(
                    "DISTRIB_ID={}\nDISTRIB_RELEASE={}\nDISTRIB_CODENAME={}\nDISTRIB_DESCRIPTION=\"{}\"\n",
                    os.name, os.version, os.codename, os.pretty
                ),
            ),
            ("/etc/issue", format!("{title} \\n \\l\n\n")),
            ("/etc/issue.net", format!("{title}\n")),
            ("/etc/fstab", fstab(host)),
            ("/etc/machine-id", format!("{:016x}{:016x}\n", spread(instance.seed, 1), spread(instance.seed, 2))),
            ("/etc/timezone", "Etc/UTC\n".to_owned()),
        ]);
    }
    files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
}

/// A number that belongs to this host and this purpose.
pub(crate) fn spread(seed: u64, purpose: u64) -> u64 {
    let value = seed.wrapping_add(purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn passwd(host: &Host) -> String {
    host.users.iter().map(|u| format!("{}:x:{}:{}:{}:{}:{}\n", u.name, u.uid, u.gid, u.gecos, u.home, u.shell)).collect()
}

fn shadow(host: &Host, instance: &Instance) -> String {
    // Passwords were last changed when the host was installed: some weeks before it booted.
    let day = instance.booted.day() - 40 - (spread(instance.seed, 3) % 200) as i64;
    host.users.iter().map(|u| format!("{}:{}:{day}:0:99999:7:::\n", u.name, u.shadow)).collect()
}

fn group_lines(host: &Host, line: impl Fn(&Group) -> String) -> String {
    groups(host).iter().map(line).collect()
}

fn hosts(host: &Host) -> String {
    let name = &host.hostname;
    let names = if host.domain.is_empty() { name.clone() } else { format!("{name}.{} {name}", host.domain) };
    match host.userland {
        Userland::Busybox => format!("127.0.0.1 localhost {names}\n"),
        Userland::Gnu => format!(
            "127.0.0.1 localhost\n127.0.1.1 {names}\n\n# The following lines are desirable for IPv6 capable hosts\n::1 ip6-localhost ip6-loopback\n\
             fe00::0 ip6-localnet\nff00::0 ip6-mcastprefix\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n"
        ),
    }
}

fn resolv_conf(host: &Host) -> String {
    let mut text: String = host.nameservers.iter().map(|server| format!("nameserver {server}\n")).collect();
    if host.userland == Userland::Gnu {
        text.push_str("options edns0 trust-ad\n");
    }
    if !host.domain.is_empty() {
        text.push_str(&format!("search {}\n", host.domain));
    }
    text
}

fn os_release(host: &Host) -> String {
    let os = &host.os;
    // Ubuntu's and Debian's wordings differ only here.
    let (full, home, support, bugs) = match os.id.as_str() {
        "ubuntu" => (
            format!("{} LTS (Jammy Jellyfish)", os.pretty.trim_start_matches("Ubuntu ").trim_end_matches(" LTS")),
            "https://www.ubuntu.com/",
            "https://help.ubuntu.com/",
            "https://bugs.launchpad.net/ubuntu/",
        ),
        _ => (
            format!("{} ({})", os.version, os.codename),
            "https://www.debian.org/",
            "https://www.debian.org/support",
            "https://bugs.debian.org/",
        ),
    };
    let mut text = format!(
        "PRETTY_NAME=\"{}\"\nNAME=\"{}\"\nVERSION_ID=\"{}\"\nVERSION=\"{full}\"\nVERSION_CODENAME={}\nID={}\n",
        os.pretty, os.name, os.version, os.codename, os.id
    );
    if os.id != "debian" {
        text.push_str("ID_LIKE=debian\n");
    }
    text.push_str(&format!("HOME_URL=\"{home}\"\nSUPPORT_URL=\"{support}\"\nBUG_REPORT_URL=\"{bugs}\"\n"));
    if os.id == "ubuntu" {
        text.push_str("PRIVACY_POLICY_URL=\"https://www.ubuntu.com/legal/terms-and-policies/privacy-policy\"\nUBUNTU_CODENAME=jammy\n");
    }
    text
}

fn fstab(host: &Host) -> String {
    let mut text = String::new();
    for mount in host.mounts.iter().filter(|mount| mount.device.starts_with("/dev/")) {
        let label = match mount.path.as_str() {
            "/" => "LABEL=cloudimg-rootfs".to_owned(),
            "/boot/efi" => "LABEL=UEFI".to_owned(),
            _ => mount.device.clone(),
        };
        let (options, pass) = if mount.path == "/" { ("discard,errors=remount-ro", 1) } else { ("umask=0077", 1) };
        text.push_str(&format!("{label}\t{}\t {}\t{options}\t0 {pass}\n", mount.path, mount.kind));
    }
    if host.memory.swap_total_kb > 0 {
        text.push_str("/swapfile\tnone\t swap\tsw\t0 0\n");
    }
    text
}
