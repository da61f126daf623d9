//! The process table as `ps`, `kill` and `/proc` see it: the persona's residents, the login, and the session's live tasks.

use crate::Machine;
use crate::task::{Status, lock};
use model::Timestamp;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One process as tools list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Process id.
    pub pid: u32,
    /// Parent's id.
    pub ppid: u32,
    /// Process group.
    pub group: u32,
    /// Owner.
    pub uid: u32,
    /// Controlling terminal, `?` for none.
    pub tty: String,
    /// State letters as `ps` prints them.
    pub stat: String,
    /// When it started.
    pub started: Timestamp,
    /// Processor time used.
    pub cpu: Duration,
    /// Virtual size in kB.
    pub vsz_kb: u64,
    /// Resident size in kB.
    pub rss_kb: u64,
    /// Arguments, each ended by NUL; empty for a kernel thread.
    pub cmdline: Vec<u8>,
    /// The short name, at most 15 bytes but for kernel threads.
    pub comm: Vec<u8>,
    /// The program's path; empty for a kernel thread.
    pub exe: Vec<u8>,
}

impl Listing {
    /// The command line as `ps` prints it: arguments with spaces between, a kernel thread's name in brackets.
    pub fn command(&self) -> Vec<u8> {
        if self.cmdline.is_empty() {
            return [b"[", &self.comm[..], b"]"].concat();
        }
        let line = self.cmdline.strip_suffix(b"\0").unwrap_or(&self.cmdline);
        line.iter().map(|b| if *b == 0 { b' ' } else { *b }).collect()
    }

    /// Whether it belongs to the kernel.
    pub fn is_kernel(&self) -> bool {
        self.cmdline.is_empty()
    }
}

/// The persona's processes that this session has ended.
#[derive(Default)]
pub(crate) struct Ended(Mutex<BTreeSet<u32>>);

/// The most a session may end; a persona has far fewer.
const ENDED_MAX: usize = 10_000;

/// The name of a program as the kernel keeps it (`TASK_COMM_LEN` is 16 with its NUL).
fn comm(exe: &[u8]) -> Vec<u8> {
    let name = crate::fs::base_name(exe);
    name[..name.len().min(15)].to_vec()
}

/// The processes every session of a host begins with.
pub(crate) fn residents(persona: &persona::Persona, booted: Timestamp) -> Arc<[Listing]> {
    let host = &persona.host;
    let mut residents: Vec<Listing> = host
        .processes
        .iter()
        .map(|process| {
            let uid = host.users.iter().find(|user| user.name == process.user).map_or(0, |user| user.uid);
            let kernel = process.command.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
            let first = process.command.split(' ').next().unwrap_or_default();
            // `sshd: …` and `(sd-pam)` have written over their arguments; the program is named by the first word all the same.
            let program = first.trim_end_matches(':').trim_start_matches(['@', '(', '-']).trim_end_matches(')');
            let rewritten = first.ends_with(':') || first.starts_with('(');
            let cmdline = match kernel {
                Some(_) => Vec::new(),
                None if rewritten => [process.command.as_bytes(), b"\0"].concat(),
                None => process.command.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect(),
            };
            let exe = match kernel {
                Some(_) => Vec::new(),
                None if program == "/sbin/init" && host.userland == persona::Userland::Gnu => b"/usr/lib/systemd/systemd".to_vec(),
                None if program.starts_with('/') => program.as_bytes().to_vec(),
                None if program == "sshd" => b"/usr/sbin/sshd".to_vec(),
                None if program == "sd-pam" => b"/lib/systemd/systemd".to_vec(),
                None => [b"/usr/bin/", program.as_bytes()].concat(),
            };
            Listing {
                pid: process.pid,
                ppid: process.ppid,
                group: if kernel.is_some() { 0 } else { process.pid },
                uid,
                tty: process.tty.clone(),
                stat: process.stat.clone(),
                started: booted.plus(Duration::from_secs(process.started_seconds)),
                cpu: Duration::from_secs(process.cpu_seconds),
                vsz_kb: process.vsz_kb,
                rss_kb: process.rss_kb,
                comm: kernel.map_or_else(|| comm(&exe), |name| name.as_bytes().to_vec()),
                cmdline,
                exe,
            }
        })
        .collect();
    residents.sort_by_key(|listing| listing.pid);
    residents.into()
}

impl Machine {
    /// Every process there is, by pid.
    pub fn processes(&self) -> Vec<Listing> {
        let now = self.now();
        let mut all: Vec<Listing> = {
            let ended = lock(&self.ended().0);
            let residents = self.host().residents().iter();
            residents.filter(|listing| !ended.contains(&listing.pid) && listing.started <= now).cloned().collect()
        };
        all.extend(self.login_processes());
        all.extend(self.tasks().iter().filter(|task| !task.status().ended()).map(|task| self.listing_of(task)));
        all.sort_by_key(|listing| listing.pid);
        all.dedup_by_key(|listing| listing.pid);
        all
    }

    /// One process.
    pub fn process(&self, pid: u32) -> Option<Listing> {
        if let Some(task) = self.task(pid) {
            return (!task.status().ended()).then(|| self.listing_of(&task));
        }
        let residents = self.host().residents();
        match residents.binary_search_by_key(&pid, |listing| listing.pid) {
            Ok(at) if !lock(&self.ended().0).contains(&pid) => residents.get(at).cloned(),
            _ => self.login_processes().into_iter().find(|listing| listing.pid == pid),
        }
    }

    /// Ends a process of the persona's; whether there was one.
    pub(crate) fn end_resident(&self, pid: u32) -> bool {
        let known = self.host().residents().binary_search_by_key(&pid, |listing| listing.pid).is_ok();
        let mut ended = lock(&self.ended().0);
        known && ended.len() < ENDED_MAX && ended.insert(pid)
    }

    /// The server's process for this login, with the privileged half where the server has one.
    fn login_processes(&self) -> Vec<Listing> {
        let pid = self.login_pid();
        let account = self.account();
        let daemon = |name: &[u8]| self.host().residents().iter().find(|l| l.exe.ends_with(name)).map_or(1, |l| l.pid);
        let base = Listing {
            pid,
            ppid: 1,
            group: pid,
            uid: 0,
            tty: "?".to_owned(),
            stat: "S".to_owned(),
            started: self.login().now,
            cpu: Duration::ZERO,
            vsz_kb: 17_180,
            rss_kb: 10_912,
            cmdline: Vec::new(),
            comm: b"sshd".to_vec(),
            exe: b"/usr/sbin/sshd".to_vec(),
        };
        if self.host().persona().host.userland == persona::Userland::Busybox {
            let cmdline = b"/usr/sbin/dropbear\0-p\x0022\0-R\0".to_vec();
            let (exe, comm) = (b"/usr/sbin/dropbear".to_vec(), b"dropbear".to_vec());
            return vec![Listing { ppid: daemon(b"/dropbear"), vsz_kb: 1_456, rss_kb: 784, cmdline, comm, exe, ..base }];
        }
        let terminal = self.tasks().iter().any(|task| task.terminal);
        let place = if terminal { "pts/0" } else { "notty" };
        let privileged = pid.saturating_sub(97).max(300);
        vec![
            Listing {
                pid: privileged,
                ppid: daemon(b"/sshd"),
                group: privileged,
                stat: "Ss".to_owned(),
                cmdline: format!("sshd: {} [priv]\0", account.name).into_bytes(),
                ..base.clone()
            },
            Listing {
                ppid: privileged,
                group: privileged,
                uid: account.credentials.uid,
                rss_kb: 7_924,
                cmdline: format!("sshd: {}@{place}\0", account.name).into_bytes(),
                ..base
            },
        ]
    }

    fn listing_of(&self, task: &crate::Task) -> Listing {
        let args = task.args();
        let first = args.first().map_or(&b""[..], Vec::as_slice);
        let program = first.strip_prefix(b"-").unwrap_or(first);
        let busybox = self.host().persona().host.userland == persona::Userland::Busybox;
        let exe = if busybox {
            b"/bin/busybox".to_vec()
        } else if program.starts_with(b"/") {
            program.to_vec()
        } else {
            [b"/usr/bin/", crate::fs::base_name(program)].concat()
        };
        let leader = task.pid == task.group;
        let shell = matches!(crate::fs::base_name(program), b"bash" | b"sh" | b"dash" | b"ash");
        let mut stat = match task.status() {
            Status::Stopped(_) => "T",
            _ if shell => "S",
            _ => "R",
        }
        .to_owned();
        if !busybox {
            if task.ppid == self.login_pid() {
                stat.push('s');
            }
            if task.terminal && !(shell && leader && task.ppid == self.login_pid()) {
                stat.push('+');
            }
        }
        let (vsz_kb, rss_kb) = match (busybox, shell) {
            (true, _) => (1_612, 548),
            (false, true) => (8_848, 5_452),
            (false, false) => (10_072, 3_352),
        };
        Listing {
            pid: task.pid,
            ppid: task.ppid,
            group: task.group,
            uid: task.uid,
            tty: if task.terminal { "pts/0".to_owned() } else { "?".to_owned() },
            stat,
            started: task.started,
            cpu: Duration::ZERO,
            vsz_kb,
            rss_kb,
            cmdline: args.iter().flat_map(|arg| [&arg[..], b"\0"].concat()).collect(),
            comm: comm(program),
            exe,
        }
    }
}
