//! `/proc` apart from its numbered directories, and the bits of `/sys` that tools read.

use super::generated::spread;
use super::{Body, Image, Inode, Kind};
use crate::Machine;
use persona::{Host, Userland};
use std::fmt::Write as _;

type Make = fn(&Machine) -> Vec<u8>;

/// Files of `/proc`, with their modes.
const FILES: &[(&str, u32, Make)] = &[
    ("/proc/cpuinfo", 0o444, cpuinfo),
    ("/proc/meminfo", 0o444, meminfo),
    ("/proc/uptime", 0o444, uptime),
    ("/proc/loadavg", 0o444, loadavg),
    ("/proc/version", 0o444, version),
    ("/proc/stat", 0o444, stat),
    ("/proc/swaps", 0o444, swaps),
    ("/proc/filesystems", 0o444, filesystems),
    ("/proc/partitions", 0o444, partitions),
    ("/proc/diskstats", 0o444, diskstats),
    ("/proc/cmdline", 0o444, kernel_command_line),
    ("/proc/modules", 0o444, modules),
    ("/proc/devices", 0o444, devices),
    ("/proc/interrupts", 0o444, interrupts),
    ("/proc/vmstat", 0o444, vmstat),
    ("/proc/kallsyms", 0o444, |_| Vec::new()),
    ("/proc/kmsg", 0o400, |_| Vec::new()),
    ("/proc/sysrq-trigger", 0o200, |_| Vec::new()),
    ("/proc/net/dev", 0o444, net_dev),
    ("/proc/net/route", 0o444, net_route),
    ("/proc/net/arp", 0o444, net_arp),
    ("/proc/net/tcp", 0o444, net_tcp),
    ("/proc/net/udp", 0o444, net_udp),
    ("/proc/net/tcp6", 0o444, |_| format!("{SOCKETS_HEAD6}\n").into_bytes()),
    ("/proc/net/unix", 0o444, |_| b"Num       RefCount Protocol Flags    Type St Inode Path\n".to_vec()),
    ("/proc/sys/kernel/hostname", 0o644, |m| line(&m.hostname())),
    ("/proc/sys/kernel/ostype", 0o444, |m| line(m.host().persona().host.kernel.name.as_bytes())),
    ("/proc/sys/kernel/osrelease", 0o444, |m| line(m.host().persona().host.kernel.release.as_bytes())),
    ("/proc/sys/kernel/version", 0o444, |m| line(m.host().persona().host.kernel.version.as_bytes())),
    ("/proc/sys/kernel/pid_max", 0o644, |_| line(b"4194304")),
    ("/proc/sys/kernel/randomize_va_space", 0o644, |_| line(b"2")),
    ("/proc/sys/kernel/core_pattern", 0o644, |_| line(b"core")),
    ("/proc/sys/kernel/random/entropy_avail", 0o444, |_| line(b"256")),
    ("/proc/sys/kernel/random/boot_id", 0o444, |m| line(uuid(m, 41, m.host().instance().booted.0 as u64).as_bytes())),
    ("/proc/sys/kernel/random/uuid", 0o444, |m| line(uuid(m, 42, m.now().0 as u64).as_bytes())),
    ("/proc/sys/net/ipv4/ip_forward", 0o644, |m| line(if busybox(m) { b"1" } else { b"0" })),
    ("/proc/sys/vm/swappiness", 0o644, |_| line(b"60")),
    ("/proc/sys/vm/overcommit_memory", 0o644, |_| line(b"0")),
    ("/proc/sys/vm/nr_hugepages", 0o644, |_| line(b"0")),
    ("/proc/sys/vm/drop_caches", 0o644, |_| line(b"0")),
    ("/proc/sys/fs/file-max", 0o644, |_| line(b"9223372036854775807")),
];

/// Puts `/proc` and `/sys` into the image.
pub(super) fn fill(image: &mut Image, host: &Host) {
    let boot = image.boot;
    let mut put = |path: &str, kind, mode, body| image.put(path.as_bytes(), Inode::new(kind, mode, (0, 0), boot, body));
    for (path, mode, make) in FILES {
        put(path, Kind::File, *mode, Body::Generated(*make));
    }
    if host.userland == Userland::Busybox {
        put("/proc/mtd", Kind::File, 0o444, Body::Generated(mtd));
    }
    put("/proc/self", Kind::Symlink, 0o777, Body::SelfLink);
    put("/proc/mounts", Kind::Symlink, 0o777, Body::Symlink(b"self/mounts".as_slice().into()));
    for interface in &host.interfaces {
        let base = format!("/sys/class/net/{}", interface.name);
        let mtu = format!("{}\n", interface.mtu);
        put(&format!("{base}/mtu"), Kind::File, 0o644, Body::Shared(mtu.into_bytes().into()));
        put(&format!("{base}/operstate"), Kind::File, 0o444, Body::Shared(b"up\n".as_slice().into()));
        put(&format!("{base}/address"), Kind::File, 0o444, Body::Generated(first_mac));
    }
    for core in 0..host.cpu.count {
        let online = if core == 0 { continue } else { format!("/sys/devices/system/cpu/cpu{core}/online") };
        put(&online, Kind::File, 0o644, Body::Shared(b"1\n".as_slice().into()));
    }
    let range = if host.cpu.count > 1 { format!("0-{}\n", host.cpu.count - 1) } else { "0\n".to_owned() };
    for name in ["online", "possible", "present"] {
        put(&format!("/sys/devices/system/cpu/{name}"), Kind::File, 0o444, Body::Shared(range.clone().into_bytes().into()));
    }
    if host.userland == Userland::Gnu {
        for (name, value) in [
            ("sys_vendor", "QEMU"),
            ("product_name", "Standard PC (i440FX + PIIX, 1996)"),
            ("bios_vendor", "SeaBIOS"),
            ("chassis_vendor", "QEMU"),
        ] {
            put(&format!("/sys/class/dmi/id/{name}"), Kind::File, 0o444, Body::Shared(format!("{value}\n").into_bytes().into()));
        }
    }
}

fn line(text: &[u8]) -> Vec<u8> {
    [text, b"\n"].concat()
}

fn host(machine: &Machine) -> &Host {
    &machine.host().persona().host
}

fn busybox(machine: &Machine) -> bool {
    host(machine).userland == Userland::Busybox
}

fn uuid(machine: &Machine, purpose: u64, salt: u64) -> String {
    let (a, b) = (spread(machine.host().instance().seed ^ salt, purpose), spread(machine.host().instance().seed ^ salt, purpose + 100));
    format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xfff, (b >> 48) & 0xfff, b & 0xffff_ffff_ffff)
}

fn first_mac(machine: &Machine) -> Vec<u8> {
    host(machine).interfaces.first().map_or_else(Vec::new, |interface| line(machine.facts().mac(interface).as_bytes()))
}

fn cpuinfo(machine: &Machine) -> Vec<u8> {
    let cpu = &host(machine).cpu;
    let mut text = cpu.cpuinfo_head.clone();
    let tabs = if cpu.cpuinfo_head.is_empty() { "\t" } else { "\t\t" };
    for core in 0..cpu.count {
        let lines = cpu
            .cpuinfo
            .replace("{model}", &cpu.model)
            .replace("{mhz}", &cpu.mhz)
            .replace("{bogomips}", &cpu.bogomips)
            .replace("{core}", &core.to_string())
            .replace("{count}", &cpu.count.to_string());
        _ = write!(text, "processor{tabs}: {core}\n{lines}\n");
    }
    text.into_bytes()
}

fn meminfo(machine: &Machine) -> Vec<u8> {
    let memory = machine.facts().memory();
    let used = memory.total_kb - memory.free_kb - memory.buffers_kb - memory.cached_kb;
    let slab = used / 6;
    let (active, inactive) = ((memory.cached_kb + used) / 3, (memory.cached_kb + used) / 2);
    let anonymous = used / 2;
    let rows: &[(&str, u64)] = &[
        ("MemTotal", memory.total_kb),
        ("MemFree", memory.free_kb),
        ("MemAvailable", memory.available_kb),
        ("Buffers", memory.buffers_kb),
        ("Cached", memory.cached_kb),
        ("SwapCached", (memory.swap_total_kb - memory.swap_free_kb) / 4),
        ("Active", active),
        ("Inactive", inactive),
        ("Active(anon)", memory.shared_kb),
        ("Inactive(anon)", anonymous),
        ("Active(file)", active - memory.shared_kb),
        ("Inactive(file)", inactive.saturating_sub(anonymous)),
        ("Unevictable", 0),
        ("Mlocked", 0),
        ("SwapTotal", memory.swap_total_kb),
        ("SwapFree", memory.swap_free_kb),
        ("Dirty", 40 + machine.now().0 as u64 / 5_000_000 % 60 * 4),
        ("Writeback", 0),
        ("AnonPages", anonymous),
        ("Mapped", memory.cached_kb / 14),
        ("Shmem", memory.shared_kb),
        ("KReclaimable", slab / 2),
        ("Slab", slab),
        // What `free` calls cache is Cached and this: it is kept in Cached alone, so that both agree to the kilobyte.
        ("SReclaimable", 0),
        ("SUnreclaim", slab),
        ("KernelStack", 2_944),
        ("PageTables", used / 90),
        ("NFS_Unstable", 0),
        ("Bounce", 0),
        ("WritebackTmp", 0),
        ("CommitLimit", memory.swap_total_kb + memory.total_kb / 2),
        ("Committed_AS", used * 2),
        ("VmallocTotal", 34_359_738_367),
        ("VmallocUsed", 15_124),
        ("VmallocChunk", 0),
    ];
    let mut text = String::new();
    for (name, kb) in rows {
        _ = writeln!(text, "{:<15} {kb:>8} kB", format!("{name}:"));
    }
    if !busybox(machine) {
        text.push_str("HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\nHugepagesize:       2048 kB\n");
    }
    text.into_bytes()
}

fn uptime(machine: &Machine) -> Vec<u8> {
    let facts = machine.facts();
    format!("{:.2} {:.2}\n", facts.uptime_seconds(), facts.idle_seconds()).into_bytes()
}

fn loadavg(machine: &Machine) -> Vec<u8> {
    let [one, five, fifteen] = machine.facts().load();
    let processes = machine.processes();
    let last = processes.iter().map(|p| p.pid).max().unwrap_or(1);
    format!("{one:.2} {five:.2} {fifteen:.2} 1/{} {last}\n", processes.len() + 71).into_bytes()
}

fn version(machine: &Machine) -> Vec<u8> {
    let kernel = &host(machine).kernel;
    let built = if busybox(machine) {
        "(jenkins@build-srv) (gcc version 4.6.3 (Buildroot 2012.11.1) )".to_owned()
    } else {
        "(buildd@lcy02-amd64-007) (gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0, GNU ld (GNU Binutils for Ubuntu) 2.38)".to_owned()
    };
    format!("{} version {} {built} {}\n", kernel.name, kernel.release, kernel.version).into_bytes()
}

fn stat(machine: &Machine) -> Vec<u8> {
    let facts = machine.facts();
    let cores = u64::from(host(machine).cpu.count);
    let up = facts.uptime_seconds() * 100.0;
    let idle = (facts.idle_seconds() * 100.0) as u64 / cores;
    let busy = (up as u64).saturating_sub(idle);
    let row =
        |n: u64| format!(" {} {} {} {} {} 0 {} 0 0 0\n", busy * n / 2, busy * n / 90, busy * n / 3, idle * n, busy * n / 9, busy * n / 40);
    let mut text = format!("cpu {}", row(cores));
    for core in 0..cores {
        _ = write!(text, "cpu{core}{}", row(1));
    }
    let ticks = up as u64;
    _ = write!(
        text,
        "intr {} 0 9 0 0 0 0 3 0 1\nctxt {}\nbtime {}\nprocesses {}\nprocs_running 1\nprocs_blocked 0\nsoftirq {} 1 {} 11 {} {} 0 4 {} 0 {}\n",
        ticks * 9 / 4,
        ticks * 4,
        machine.host().instance().booted.seconds(),
        machine.login_pid() + 1,
        ticks,
        ticks / 3,
        ticks / 9,
        ticks / 11,
        ticks / 5,
        ticks / 4
    );
    text.into_bytes()
}

fn swaps(machine: &Machine) -> Vec<u8> {
    let memory = host(machine).memory;
    let mut text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".to_owned();
    if memory.swap_total_kb > 0 {
        let used = memory.swap_total_kb - memory.swap_free_kb;
        _ = writeln!(text, "/swapfile                               file\t\t{}\t\t{used}\t\t-2", memory.swap_total_kb);
    }
    text.into_bytes()
}

/// `/proc/mounts`.
pub(crate) fn mounts(machine: &Machine) -> Vec<u8> {
    let lines = host(machine).mounts.iter().map(|m| format!("{} {} {} {} 0 0\n", m.device, m.path, m.kind, m.options));
    lines.collect::<String>().into_bytes()
}

fn filesystems(machine: &Machine) -> Vec<u8> {
    let disk: &[&str] = if busybox(machine) { &["squashfs", "vfat"] } else { &["ext3", "ext2", "ext4", "squashfs", "vfat"] };
    let mut text: String =
        ["sysfs", "tmpfs", "bdev", "proc", "cgroup", "cgroup2", "devtmpfs", "debugfs", "securityfs", "sockfs", "pipefs", "ramfs", "devpts"]
            .iter()
            .map(|name| format!("nodev\t{name}\n"))
            .collect();
    text.extend(disk.iter().map(|name| format!("\t{name}\n")));
    if busybox(machine) {
        text.push_str("nodev\tjffs2\n");
    }
    text.into_bytes()
}

/// Block devices: name, major, minor, size in kB.
pub(crate) fn block_devices(machine: &Machine) -> Vec<(String, u32, u32, u64)> {
    let host = host(machine);
    let mut devices: Vec<(String, u32, u32, u64)> = Vec::new();
    if host.userland == Userland::Busybox {
        for (index, (bytes, _)) in MTD.iter().enumerate() {
            devices.push((format!("mtdblock{index}"), 31, index as u32, bytes / 1024));
        }
        return devices;
    }
    let mut partitions: Vec<(String, u32, u64)> = Vec::new();
    for mount in host.mounts.iter().filter(|mount| mount.device.starts_with("/dev/vd") || mount.device.starts_with("/dev/sd")) {
        let name = mount.device.trim_start_matches("/dev/").to_owned();
        let number = name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(1);
        // A file system is a little smaller than its partition.
        partitions.push((name, number, mount.size_kb + mount.size_kb / 30 + 4));
    }
    partitions.sort_by_key(|(_, number, _)| *number);
    if let Some((first, ..)) = partitions.first() {
        let disk = first.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let all: u64 = partitions.iter().map(|(_, _, kb)| kb).sum();
        devices.push((disk, 252, 0, all.div_ceil(1 << 20) << 20));
    }
    devices.extend(partitions.into_iter().map(|(name, number, kb)| (name, 252, number, kb)));
    devices
}

fn partitions(machine: &Machine) -> Vec<u8> {
    let mut text = "major minor  #blocks  name\n\n".to_owned();
    for (name, major, minor, kb) in block_devices(machine) {
        _ = writeln!(text, "{major:>4} {minor:>8} {kb:>10} {name}");
    }
    text.into_bytes()
}

fn diskstats(machine: &Machine) -> Vec<u8> {
    let up = machine.facts().uptime_seconds() as u64;
    let mut text = String::new();
    for (name, major, minor, _) in block_devices(machine) {
        let reads = if busybox(machine) { 300 } else { 64_212 };
        _ = writeln!(
            text,
            "{major:>4} {minor:>7} {name} {reads} 1024 {} 18231 {} {} {} {} 0 {} {}",
            reads * 41,
            up,
            up / 2,
            up * 19,
            up / 3,
            up / 5,
            up / 2
        );
    }
    text.into_bytes()
}

fn kernel_command_line(machine: &Machine) -> Vec<u8> {
    if busybox(machine) {
        return line(b"console=ttyS1,57600n8 root=/dev/mtdblock3 rootfstype=squashfs");
    }
    let release = &host(machine).kernel.release;
    format!("BOOT_IMAGE=/boot/vmlinuz-{release} root=LABEL=cloudimg-rootfs ro console=tty1 console=ttyS0\n").into_bytes()
}

fn modules(machine: &Machine) -> Vec<u8> {
    let list: &[(&str, u32, u32, &str)] = if busybox(machine) {
        &[
            ("rt2860v2_ap", 892_416, 1, "-"),
            ("hw_nat", 30_112, 0, "-"),
            ("nf_conntrack_ftp", 5_920, 0, "-"),
            ("ipt_REDIRECT", 1_168, 2, "-"),
        ]
    } else {
        &[
            ("tls", 114_688, 0, "-"),
            ("nls_iso8859_1", 16_384, 1, "-"),
            ("dm_multipath", 40_960, 0, "-"),
            ("scsi_dh_rdac", 20_480, 0, "-"),
            ("scsi_dh_emc", 16_384, 0, "-"),
            ("scsi_dh_alua", 20_480, 0, "-"),
            ("joydev", 32_768, 0, "-"),
            ("input_leds", 16_384, 0, "-"),
            ("serio_raw", 20_480, 0, "-"),
            ("qemu_fw_cfg", 20_480, 0, "-"),
            ("efi_pstore", 16_384, 0, "-"),
            ("ip_tables", 32_768, 0, "-"),
            ("x_tables", 53_248, 1, "ip_tables,"),
            ("autofs4", 49_152, 2, "-"),
            ("crct10dif_pclmul", 16_384, 1, "-"),
            ("virtio_net", 61_440, 0, "-"),
            ("net_failover", 20_480, 1, "virtio_net,"),
            ("failover", 16_384, 1, "net_failover,"),
        ]
    };
    list.iter()
        .map(|(name, size, used, by)| format!("{name} {size} {used} {by} Live 0x0000000000000000\n"))
        .collect::<String>()
        .into_bytes()
}

fn devices(machine: &Machine) -> Vec<u8> {
    let mut text =
        "Character devices:\n  1 mem\n  4 /dev/vc/0\n  4 tty\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n 10 misc\n"
            .to_owned();
    if busybox(machine) {
        text.push_str(" 90 mtd\n128 ptm\n136 pts\n\nBlock devices:\n 31 mtdblock\n");
    } else {
        text.push_str(" 13 input\n 29 fb\n128 ptm\n136 pts\n180 usb\n226 drm\n\nBlock devices:\n  7 loop\n  8 sd\n  9 md\n252 virtblk\n253 device-mapper\n");
    }
    text.into_bytes()
}

fn interrupts(machine: &Machine) -> Vec<u8> {
    let cores = host(machine).cpu.count as usize;
    let ticks = (machine.facts().uptime_seconds() * 31.0) as u64;
    let mut text = format!("    {}\n", (0..cores).map(|core| format!("{:>11}", format!("CPU{core}"))).collect::<String>());
    let rows: &[(&str, u64, &str)] = if busybox(machine) {
        &[("  5", 3, "MIPS  Ralink Ethernet"), ("  7", 8, "MIPS  timer"), (" 12", 900, "INTC  serial")]
    } else {
        &[
            ("  1", 90_000, "IO-APIC   1-edge      i8042"),
            ("  8", 900_000, "IO-APIC   8-edge      rtc0"),
            (" 25", 9, "PCI-MSI 49152-edge      virtio1-req.0"),
        ]
    };
    for (name, divisor, what) in rows {
        let counts: String = (0..cores as u64).map(|core| format!("{:>11}", ticks / divisor / (core + 1))).collect();
        _ = writeln!(text, "{name}:{counts}   {what}");
    }
    text.into_bytes()
}

fn vmstat(machine: &Machine) -> Vec<u8> {
    let memory = machine.facts().memory();
    format!(
        "nr_free_pages {}\nnr_inactive_anon {}\nnr_mapped {}\nnr_file_pages {}\nnr_dirty 21\nnr_writeback 0\npgpgin 5312244\npgpgout 39810123\n",
        memory.free_kb / 4,
        memory.shared_kb / 4,
        memory.cached_kb / 56,
        (memory.cached_kb + memory.buffers_kb) / 4
    )
    .into_bytes()
}

fn net_dev(machine: &Machine) -> Vec<u8> {
    let facts = machine.facts();
    let mut text = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n".to_owned();
    for name in std::iter::once("lo").chain(host(machine).interfaces.iter().map(|interface| interface.name.as_str())) {
        let t = facts.traffic(name);
        _ = writeln!(
            text,
            "{name:>6}: {:>7} {:>7}    0    0    0     0          0         0 {:>8} {:>7}    0    0    0     0       0          0",
            t.received_bytes, t.received_packets, t.sent_bytes, t.sent_packets
        );
    }
    text.into_bytes()
}

/// An IPv4 address as `/proc/net` prints it: the number of its bytes in host order, little-endian on every persona but a big-endian one.
fn hex_address(machine: &Machine, address: std::net::Ipv4Addr) -> String {
    let bytes = address.octets();
    let number = if host(machine).kernel.machine == "mips" { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    format!("{number:08X}")
}

fn net_route(machine: &Machine) -> Vec<u8> {
    let host = host(machine);
    let mut text = format!("{:<127}\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
    let Some(interface) = host.interfaces.first() else { return text.into_bytes() };
    let mask = u32::MAX.checked_shl(32 - u32::from(interface.prefix)).unwrap_or(0);
    let network = u32::from(machine.facts().address()) & mask;
    let gateway = machine.facts().gateway();
    let hex = |address: std::net::Ipv4Addr| hex_address(machine, address);
    for (destination, via, flags, mask) in [(0, hex(gateway), "0003", 0), (network, "00000000".to_owned(), "0001", mask)] {
        let row = format!("{}\t{}\t{via}\t{flags}\t0\t0\t0\t{}\t0\t0\t0", interface.name, hex(destination.into()), hex(mask.into()));
        _ = writeln!(text, "{row:<127}");
    }
    text.into_bytes()
}

fn net_arp(machine: &Machine) -> Vec<u8> {
    let mut text = "IP address       HW type     Flags       HW address            Mask     Device\n".to_owned();
    if let Some(interface) = host(machine).interfaces.first() {
        _ = writeln!(
            text,
            "{:<16} 0x1         0x2         {:<21} *        {}",
            machine.facts().gateway().to_string(),
            gateway_mac(machine),
            interface.name
        );
    }
    text.into_bytes()
}

/// The gateway's hardware address.
pub(crate) fn gateway_mac(machine: &Machine) -> String {
    let tail = spread(machine.host().instance().seed, 34);
    format!("fe:00:00:{:02x}:{:02x}:01", tail as u8, (tail >> 8) as u8)
}

const SOCKETS_HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const SOCKETS_HEAD6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

fn net_tcp(machine: &Machine) -> Vec<u8> {
    sockets(machine, "tcp")
}

fn net_udp(machine: &Machine) -> Vec<u8> {
    sockets(machine, "udp")
}

fn sockets(machine: &Machine, protocol: &str) -> Vec<u8> {
    let mut text = format!("{SOCKETS_HEAD:<149}\n");
    for (slot, socket) in crate::sockets::all(machine).iter().filter(|socket| socket.protocol == protocol).enumerate() {
        let end = |address: std::net::SocketAddr| match address.ip() {
            std::net::IpAddr::V4(ip) => format!("{}:{:04X}", hex_address(machine, ip), address.port()),
            std::net::IpAddr::V6(_) => format!("00000000:{:04X}", address.port()),
        };
        let state = match (protocol, socket.listening) {
            ("udp", _) => "07",
            (_, true) => "0A",
            (_, false) => "01",
        };
        let row = format!(
            "{slot:>4}: {} {} {state} 00000000:00000000 00:00000000 00000000 {:>5}        0 {} 1 0000000000000000 100 0 0 10 0",
            end(socket.local),
            end(socket.peer),
            socket.uid,
            20_000 + slot * 37
        );
        _ = writeln!(text, "{row:<149}");
    }
    text.into_bytes()
}

/// Flash partitions of an embedded device: bytes and name.
const MTD: &[(u64, &str)] = &[
    (0x0080_0000, "ALL"),
    (0x0003_0000, "Bootloader"),
    (0x0001_0000, "Config"),
    (0x0098_0000, "Kernel"),
    (0x0010_0000, "etc"),
    (0x0040_0000, "storage"),
];

fn mtd(_: &Machine) -> Vec<u8> {
    let mut text = "dev:    size   erasesize  name\n".to_owned();
    for (index, (bytes, name)) in MTD.iter().enumerate() {
        _ = writeln!(text, "mtd{index}: {bytes:08x} 00010000 \"{name}\"");
    }
    text.into_bytes()
}
