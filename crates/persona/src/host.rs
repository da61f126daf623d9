//! The host a persona describes. Every field is required: a persona that leaves one out is not complete.

use serde::Deserialize;

/// `[host]` of `persona.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The host name, without a domain.
    pub hostname: String,
    /// The domain, possibly empty.
    pub domain: String,
    /// Which shell and userland the host has.
    pub userland: Userland,
    /// How long the host had been up when the sensor first started, in seconds.
    pub uptime_seconds: u64,
    /// What `/etc/os-release` and its kin say.
    pub os: Os,
    /// What `uname` says.
    pub kernel: Kernel,
    /// What `/proc/cpuinfo` says.
    pub cpu: Cpu,
    /// What `/proc/meminfo` says.
    pub memory: Memory,
    /// Mounted file systems in the order of `/proc/mounts`.
    pub mounts: Vec<Mount>,
    /// Network interfaces besides `lo`.
    pub interfaces: Vec<Interface>,
    /// The default gateway's address.
    pub gateway: String,
    /// Name servers.
    pub nameservers: Vec<String>,
    /// Accounts in the order of `/etc/passwd`.
    pub users: Vec<User>,
    /// The processes that run without an attacker, by pid.
    pub processes: Vec<Process>,
}

/// Which family of tools a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Userland {
    /// bash and the GNU tools.
    Gnu,
    /// BusyBox's ash and applets.
    Busybox,
}

/// The distribution.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Os {
    /// `ubuntu`
    pub id: String,
    /// `Ubuntu`
    pub name: String,
    /// `22.04`
    pub version: String,
    /// `jammy`
    pub codename: String,
    /// `Ubuntu 22.04.4 LTS`
    pub pretty: String,
}

/// `uname`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// `Linux`
    pub name: String,
    /// `5.15.0-105-generic`
    pub release: String,
    /// `#115-Ubuntu SMP Mon Apr 15 09:52:04 UTC 2024`
    pub version: String,
    /// `x86_64`
    pub machine: String,
    /// `GNU/Linux`
    pub operating_system: String,
}

/// The processor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// How many.
    pub count: u32,
    /// The model's name.
    pub model: String,
    /// Clock in MHz, as `/proc/cpuinfo` prints it.
    pub mhz: String,
    /// BogoMIPS, as `/proc/cpuinfo` prints it.
    pub bogomips: String,
    /// The lines of one processor in `/proc/cpuinfo` after `processor : N`, in order; `{model}`, `{mhz}`, `{bogomips}`, `{core}` and `{count}` are filled in.
    pub cpuinfo: String,
    /// The lines before the first processor, as architectures other than x86 have them.
    #[serde(default)]
    pub cpuinfo_head: String,
}

/// Memory, in kB.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// All.
    pub total_kb: u64,
    /// Unused.
    pub free_kb: u64,
    /// Available to new programs.
    pub available_kb: u64,
    /// Buffers.
    pub buffers_kb: u64,
    /// Page cache.
    pub cached_kb: u64,
    /// Shared.
    pub shared_kb: u64,
    /// Swap, all.
    pub swap_total_kb: u64,
    /// Swap, unused.
    pub swap_free_kb: u64,
}

/// One mounted file system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// `/dev/sda1`
    pub device: String,
    /// `/`
    pub path: String,
    /// `ext4`
    pub kind: String,
    /// `rw,relatime`
    pub options: String,
    /// Size in 1-kB blocks; 0 hides it from `df`.
    pub size_kb: u64,
    /// Used 1-kB blocks.
    pub used_kb: u64,
}

/// One network interface.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// `eth0`
    pub name: String,
    /// The first three bytes of the hardware address, `52:54:00`; the rest comes from the sensor's seed.
    pub mac_prefix: String,
    /// The prefix length of its IPv4 network.
    pub prefix: u8,
    /// Its MTU in bytes.
    pub mtu: u32,
}

/// One account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id; the group of the same id is named like the user unless `groups` of another says otherwise.
    pub gid: u32,
    /// GECOS.
    pub gecos: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Supplementary groups, as `name:gid`.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The password field of `/etc/shadow`: a hash, `*` or `!`.
    pub shadow: String,
}

/// One process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Parent.
    pub ppid: u32,
    /// Owner.
    pub user: String,
    /// Controlling terminal, `?` for none.
    pub tty: String,
    /// State letters as `ps` prints them.
    pub stat: String,
    /// Seconds after boot when it started.
    pub started_seconds: u64,
    /// Processor time used, in seconds.
    pub cpu_seconds: u64,
    /// Virtual size in kB.
    pub vsz_kb: u64,
    /// Resident size in kB.
    pub rss_kb: u64,
    /// The command line; in brackets for a kernel thread.
    pub command: String,
}
