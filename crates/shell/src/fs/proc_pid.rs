//! `/proc/PID`: made up from the process table when it is looked at.

use super::{Body, Entries, Ino, Inode, Kind, procfs};
use crate::Machine;
use crate::process::Listing;
use model::Timestamp;
use std::fmt::Write as _;

/// Inode numbers from here on are those of processes: the pid, then eight bits of which file.
const FIRST: Ino = 1 << 60;

type Make = fn(&Machine, u32) -> Vec<u8>;

enum Entry {
    File(u32, Make),
    /// A symbolic link and where it leads.
    Link(fn(&Machine, &Listing) -> Vec<u8>),
    /// The directory of open files.
    Descriptors,
}

/// The files of one process; the position, from 1, is in the inode's number.
const ENTRIES: &[(&str, Entry)] = &[
    ("cgroup", Entry::File(0o444, |_, _| b"0::/user.slice/user-0.slice/session-12.scope\n".to_vec())),
    ("cmdline", Entry::File(0o444, |machine, pid| of(machine, pid, |listing| listing.cmdline.clone()))),
    ("comm", Entry::File(0o644, |machine, pid| of(machine, pid, |listing| [&listing.comm[..], b"\n"].concat()))),
    ("cwd", Entry::Link(|_, _| b"/".to_vec())),
    ("environ", Entry::File(0o400, environ)),
    ("exe", Entry::Link(|_, listing| listing.exe.clone())),
    ("fd", Entry::Descriptors),
    (
        "io",
        Entry::File(0o400, |_, _| {
            b"rchar: 2012\nwchar: 0\nsyscr: 7\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n".to_vec()
        }),
    ),
    ("limits", Entry::File(0o444, |_, _| LIMITS.to_vec())),
    ("loginuid", Entry::File(0o644, |_, _| b"4294967295".to_vec())),
    ("maps", Entry::File(0o444, maps)),
    ("mounts", Entry::File(0o444, |machine, _| procfs::mounts(machine))),
    ("oom_score", Entry::File(0o444, |_, _| b"666\n".to_vec())),
    ("oom_score_adj", Entry::File(0o644, |_, _| b"0\n".to_vec())),
    ("root", Entry::Link(|_, _| b"/".to_vec())),
    ("stat", Entry::File(0o444, stat)),
    (
        "statm",
        Entry::File(0o444, |machine, pid| {
            of(machine, pid, |l| format!("{} {} {} 5 0 {} 0\n", l.vsz_kb / 4, l.rss_kb / 4, l.rss_kb / 5, l.vsz_kb / 30).into_bytes())
        }),
    ),
    ("status", Entry::File(0o444, status)),
    ("wchan", Entry::File(0o444, |_, _| b"0".to_vec())),
];

/// Descriptors 0 to 2, numbered after the entries.
const DESCRIPTORS: u64 = 3;

pub(super) fn owns(ino: Ino) -> bool {
    ino >= FIRST && ino != Ino::MAX
}

fn split(ino: Ino) -> (u32, usize) {
    (((ino - FIRST) >> 8) as u32, ((ino - FIRST) & 0xff) as usize)
}

fn join(pid: u32, index: usize) -> Ino {
    FIRST + (u64::from(pid) << 8) + index as u64
}

/// The directory of a process by its name in `/proc`.
pub(super) fn directory(machine: &Machine, name: &[u8]) -> Option<Ino> {
    let plain = (1..=7).contains(&name.len()) && name[0] != b'0' && name.iter().all(u8::is_ascii_digit);
    let pid = std::str::from_utf8(name).ok().filter(|_| plain)?.parse().ok()?;
    machine.process(pid).map(|_| join(pid, 0))
}

/// The directories of all processes.
pub(super) fn directories(machine: &Machine) -> Vec<(Vec<u8>, Ino)> {
    machine.processes().iter().map(|listing| (listing.pid.to_string().into_bytes(), join(listing.pid, 0))).collect()
}

/// An entry of a directory in here.
pub(super) fn child(directory: Ino, name: &[u8]) -> Option<Ino> {
    entries(directory).into_iter().find(|(entry, _)| entry == name).map(|(_, ino)| ino)
}

/// The entries of a directory in here.
pub(super) fn entries(directory: Ino) -> Vec<(Vec<u8>, Ino)> {
    if !owns(directory) {
        return Vec::new();
    }
    match split(directory) {
        (pid, 0) => ENTRIES.iter().enumerate().map(|(at, (name, _))| (name.as_bytes().to_vec(), join(pid, at + 1))).collect(),
        (pid, index) if matches!(ENTRIES.get(index - 1), Some((_, Entry::Descriptors))) => {
            (0..DESCRIPTORS).map(|fd| (fd.to_string().into_bytes(), join(pid, ENTRIES.len() + 1 + fd as usize))).collect()
        }
        _ => Vec::new(),
    }
}

/// An inode in here.
pub(super) fn inode(machine: &Machine, ino: Ino, boot: Timestamp) -> Option<Inode> {
    if !owns(ino) {
        return None;
    }
    let (pid, index) = split(ino);
    let listing = machine.process(pid)?;
    let owner = (listing.uid, listing.uid);
    let time = listing.started.max(boot);
    let link = |target: Vec<u8>| Inode::new(Kind::Symlink, 0o777, owner, time, Body::Symlink(target.into()));
    if index == 0 {
        return Some(Inode::new(Kind::Directory, 0o555, owner, time, Body::Directory(Entries::new())));
    }
    Some(match ENTRIES.get(index - 1) {
        Some((_, Entry::File(mode, make))) => Inode::new(Kind::File, *mode, owner, time, Body::OfProcess(pid, *make)),
        Some((_, Entry::Link(target))) => link(if listing.is_kernel() { Vec::new() } else { target(machine, &listing) }),
        Some((_, Entry::Descriptors)) => Inode::new(Kind::Directory, 0o500, owner, time, Body::Directory(Entries::new())),
        None => link(if listing.tty == "?" { b"/dev/null".to_vec() } else { format!("/dev/{}", listing.tty).into_bytes() }),
    })
}

fn of(machine: &Machine, pid: u32, make: impl Fn(&Listing) -> Vec<u8>) -> Vec<u8> {
    machine.process(pid).map_or_else(Vec::new, |listing| make(&listing))
}

fn environ(machine: &Machine, pid: u32) -> Vec<u8> {
    let Some(listing) = machine.process(pid) else { return Vec::new() };
    if machine.task(pid).is_none() {
        return if listing.is_kernel() {
            Vec::new()
        } else {
            b"LANG=C.UTF-8\0PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\0".to_vec()
        };
    }
    let account = machine.account();
    let mut text = Vec::new();
    for (name, value) in
        [("USER", account.name.as_bytes()), ("LOGNAME", account.name.as_bytes()), ("HOME", &account.home), ("SHELL", &account.shell)]
    {
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value);
        text.push(0);
    }
    text
}

fn state_word(listing: &Listing) -> (&str, &str) {
    match listing.stat.as_bytes().first() {
        Some(b'R') => ("R", "running"),
        Some(b'I') => ("I", "idle"),
        Some(b'T') => ("T", "stopped"),
        Some(b'D') => ("D", "disk sleep"),
        Some(b'Z') => ("Z", "zombie"),
        _ => ("S", "sleeping"),
    }
}

/// `/proc/PID/stat` (proc_pid_stat(5)); times in ticks of 1/100 s.
fn stat(machine: &Machine, pid: u32) -> Vec<u8> {
    of(machine, pid, |l| {
        let started = l.started.since(machine.host().instance().booted).as_millis() / 10;
        let ticks = l.cpu.as_millis() / 10;
        let terminal = if l.tty == "?" { 0 } else { 34_816 };
        let foreground = if l.tty == "?" { -1 } else { i64::from(l.group) };
        let comm = String::from_utf8_lossy(&l.comm).into_owned();
        format!(
            "{} ({comm}) {} {} {} {} {terminal} {foreground} 4194304 1027 0 0 0 {} {} 0 0 20 0 1 0 {started} {} {} 18446744073709551615 1 1 0 0 0 0 0 0 65536 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
            l.pid, state_word(&l.clone()).0, l.ppid, l.group, l.group, ticks * 2 / 3, ticks / 3, l.vsz_kb * 1024, l.rss_kb / 4
        )
        .into_bytes()
    })
}

fn status(machine: &Machine, pid: u32) -> Vec<u8> {
    of(machine, pid, |l| {
        let (letter, word) = state_word(l);
        let mut text = format!(
            "Name:\t{}\nUmask:\t0022\nState:\t{letter} ({word})\nTgid:\t{pid}\nNgid:\t0\nPid:\t{pid}\nPPid:\t{}\nTracerPid:\t0\nUid:\t{u}\t{u}\t{u}\t{u}\nGid:\t{u}\t{u}\t{u}\t{u}\nFDSize:\t64\nGroups:\t{u} \nNStgid:\t{pid}\nNSpid:\t{pid}\nNSpgid:\t{}\nNSsid:\t{}\n",
            String::from_utf8_lossy(&l.comm),
            l.ppid,
            l.group,
            l.group,
            u = l.uid
        );
        if !l.is_kernel() {
            let (vsz, rss) = (l.vsz_kb, l.rss_kb);
            _ = write!(
                text,
                "VmPeak:\t{vsz:>8} kB\nVmSize:\t{vsz:>8} kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\nVmHWM:\t{rss:>8} kB\nVmRSS:\t{rss:>8} kB\nVmData:\t{:>8} kB\nVmStk:\t     132 kB\nVmExe:\t     888 kB\nVmLib:\t{:>8} kB\nVmSwap:\t       0 kB\n",
                vsz / 9,
                vsz / 5
            );
        }
        text.push_str("Threads:\t1\nSigQ:\t0/15519\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\nCapInh:\t0000000000000000\n");
        let capabilities = if l.uid == 0 { "000001ffffffffff" } else { "0000000000000000" };
        _ = write!(
            text,
            "CapPrm:\t{capabilities}\nCapEff:\t{capabilities}\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t1\n"
        );
        text.into_bytes()
    })
}

/// Where a program and its libraries lie in memory. Addresses differ between processes, as address-space randomization makes them.
fn maps(machine: &Machine, pid: u32) -> Vec<u8> {
    of(machine, pid, |l| {
        if l.is_kernel() {
            return Vec::new();
        }
        let exe = String::from_utf8_lossy(&l.exe).into_owned();
        let salt = super::generated::spread(machine.host().instance().seed, u64::from(pid));
        let row = |text: &mut String, start: u64, pages: u64, mode: &str, offset: u64, inode: u64, path: &str| {
            let range = format!(
                "{start:08x}-{:08x} {mode} {offset:08x} {} {inode}",
                start + pages * 4096,
                if inode == 0 { "00:00" } else { "fc:01" }
            );
            _ = writeln!(text, "{range:<72} {path}");
        };
        let mut text = String::new();
        if machine.host().persona().host.userland == persona::Userland::Busybox {
            let base = 0x7700_0000 + (salt & 0x3f_f000);
            row(&mut text, 0x0040_0000, 173, "r-xp", 0, 217, &exe);
            row(&mut text, 0x004b_d000, 1, "rw-p", 0xad000, 217, &exe);
            row(&mut text, 0x004b_e000, 3, "rwxp", 0, 0, "[heap]");
            row(&mut text, base, 103, "r-xp", 0, 341, "/lib/libuClibc-0.9.33.2.so");
            row(&mut text, base + 0x8_0000, 7, "r-xp", 0, 339, "/lib/ld-uClibc-0.9.33.2.so");
            row(&mut text, 0x7fd0_0000 + (salt >> 20 & 0xf_f000), 33, "rwxp", 0, 0, "[stack]");
            return text.into_bytes();
        }
        let image = 0x5500_0000_0000 + (salt & 0x2a_ffff_f000);
        let library = 0x7f00_0000_0000 + (salt >> 12 & 0x7f_ffff_f000);
        let inode = 1_300 + (salt >> 32 & 0xfff);
        row(&mut text, image, 12, "r--p", 0, inode, &exe);
        row(&mut text, image + 0xc000, 60, "r-xp", 0xc000, inode, &exe);
        row(&mut text, image + 0x4_8000, 20, "r--p", 0x4_8000, inode, &exe);
        row(&mut text, image + 0x5_d000, 2, "rw-p", 0x5_c000, inode, &exe);
        row(&mut text, image + 0x100_0000, 33, "rw-p", 0, 0, "[heap]");
        let libc = "/usr/lib/x86_64-linux-gnu/libc.so.6";
        row(&mut text, library, 40, "r--p", 0, 3_802, libc);
        row(&mut text, library + 0x2_8000, 405, "r-xp", 0x2_8000, 3_802, libc);
        row(&mut text, library + 0x1b_d000, 88, "r--p", 0x1b_d000, 3_802, libc);
        row(&mut text, library + 0x21_6000, 4, "rw-p", 0x21_5000, 3_802, libc);
        let loader = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
        row(&mut text, library + 0x25_0000, 42, "r-xp", 0x2000, 3_799, loader);
        row(&mut text, library + 0x28_7000, 2, "rw-p", 0x3_9000, 3_799, loader);
        row(&mut text, 0x7ffc_0000_0000 + (salt >> 8 & 0xffff_f000), 33, "rw-p", 0, 0, "[stack]");
        text.into_bytes()
    })
}

const LIMITS: &[u8] = b"Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max file size             unlimited            unlimited            bytes     
Max data size             unlimited            unlimited            bytes     
Max stack size            8388608              unlimited            bytes     
Max core file size        0                    unlimited            bytes     
Max resident set          unlimited            unlimited            bytes     
Max processes             15519                15519                processes 
Max open files            1024                 1048576              files     
Max locked memory         514326528            514326528            bytes     
Max address space         unlimited            unlimited            bytes     
";
