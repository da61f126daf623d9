//! `systemctl`, `service`, `iptables`, `ufw`, `sysctl`, `reboot` and kin, `lspci`, `dmidecode`, `lsof`: running the host.

use super::options::{Spec, Takes, parse};
use super::time::strftime;
use crate::Listing;
use crate::command::{Outcome, Process};

/// Units by name and a part of the command line of what they run.
const UNITS: &[(&str, &str, &str)] = &[
    ("apache2", "/usr/sbin/apache2", "The Apache HTTP Server"),
    ("cron", "/usr/sbin/cron", "Regular background program processing daemon"),
    ("dbus", "@dbus-daemon", "D-Bus System Message Bus"),
    ("irqbalance", "irqbalance", "irqbalance daemon"),
    ("mysql", "/usr/sbin/mysqld", "MySQL Community Server"),
    ("rsyslog", "rsyslogd", "System Logging Service"),
    ("ssh", "sshd: /usr/sbin/sshd", "OpenBSD Secure Shell server"),
    ("systemd-journald", "systemd-journald", "Journal Service"),
    ("systemd-logind", "systemd-logind", "User Login Management"),
    ("systemd-networkd", "systemd-networkd", "Network Configuration"),
    ("systemd-resolved", "systemd-resolved", "Network Name Resolution"),
    ("systemd-timesyncd", "systemd-timesyncd", "Network Time Synchronization"),
    ("systemd-udevd", "systemd-udevd", "Rule-based Manager for Device Events and Files"),
    ("ufw", "", "Uncomplicated firewall"),
    ("unattended-upgrades", "unattended-upgrade-shutdown", "Unattended Upgrades Shutdown"),
];

fn unit(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let base = name.trim_end_matches(".service");
    let base = match base {
        "sshd" => "ssh",
        "mysqld" => "mysql",
        "crond" => "cron",
        other => other,
    };
    UNITS.iter().find(|(unit, ..)| *unit == base)
}

fn main_process(process: &Process, part: &str) -> Option<Listing> {
    let all = process.machine().processes();
    all.into_iter().find(|l| !part.is_empty() && String::from_utf8_lossy(&l.command()).contains(part))
}

pub(super) async fn systemctl(process: &mut Process) -> Outcome {
    const SYSTEMCTL: Spec = Spec {
        short: "t:p:alqfHn:o:M:",
        long: &[
            ("no-pager", '\u{1}', Takes::Nothing),
            ("now", '\u{2}', Takes::Nothing),
            ("type", 't', Takes::Value),
            ("state", '\u{3}', Takes::Value),
            ("all", 'a', Takes::Nothing),
            ("quiet", 'q', Takes::Nothing),
            ("user", '\u{4}', Takes::Nothing),
            ("failed", '\u{5}', Takes::Nothing),
            ("force", 'f', Takes::Nothing),
            ("no-legend", '\u{6}', Takes::Nothing),
        ],
        usage: "[OPTIONS...] COMMAND ...",
        error: 1,
    };
    let given = parse(process, &SYSTEMCTL).await?;
    let words: Vec<String> = given.operands.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let verb = words.first().map_or("list-units", String::as_str);
    let names = words.get(1..).unwrap_or_default();
    let root = process.credentials.uid == 0;
    let mut status = 0;
    match verb {
        "daemon-reload" | "daemon-reexec" | "reset-failed" => {}
        "list-units" | "list-unit-files" => {
            let mut text = if verb == "list-units" {
                "  UNIT                        LOAD   ACTIVE SUB     DESCRIPTION\n"
            } else {
                "UNIT FILE                   STATE   VENDOR PRESET\n"
            }
            .to_owned();
            let mut count = 0;
            for (name, part, description) in UNITS {
                let running = part.is_empty() || main_process(process, part).is_some();
                if verb == "list-unit-files" {
                    text.push_str(&format!("{:<27} enabled enabled\n", format!("{name}.service")));
                } else if running {
                    let sub = if part.is_empty() { "exited " } else { "running" };
                    text.push_str(&format!("  {:<27} loaded active {sub} {description}\n", format!("{name}.service")));
                }
                count += 1;
            }
            text.push_str(&if verb == "list-units" { format!("\nLOAD   = Reflects whether the unit definition was properly loaded.\nACTIVE = The high-level unit activation state, i.e. generalization of SUB.\nSUB    = The low-level unit activation state, values depend on unit type.\n{count} loaded units listed. Pass --all to see loaded but inactive units, too.\nTo show all installed unit files use 'systemctl list-unit-files'.\n") } else { format!("\n{count} unit files listed.\n") });
            process.out(text).await?;
        }
        "is-active" | "is-enabled" => {
            for name in names {
                let word = match (unit(name), verb) {
                    (Some((_, part, _)), "is-active") if part.is_empty() || main_process(process, part).is_some() => "active",
                    (Some(_), "is-enabled") => "enabled",
                    (_, "is-active") => "inactive",
                    _ => {
                        process.err(format!("Failed to get unit file state for {name}.service: No such file or directory\n")).await?;
                        status = 1;
                        continue;
                    }
                };
                if word == "inactive" {
                    status = 3;
                }
                if !given.has('q') {
                    process.out(format!("{word}\n")).await?;
                }
            }
        }
        "status" => {
            for name in names {
                status = status.max(unit_status(process, name).await?);
            }
        }
        "start" | "stop" | "restart" | "reload" | "enable" | "disable" | "mask" | "unmask" | "try-restart" | "kill" => {
            if !root {
                process
                    .err(format!("Failed to {verb} {}: Interactive authentication required.\n", names.first().map_or("", String::as_str)))
                    .await?;
                return Ok(1);
            }
            for name in names {
                let full = if name.contains('.') { name.clone() } else { format!("{name}.service") };
                let written = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"]
                    .iter()
                    .any(|folder| process.files().stat(format!("{folder}/{full}").as_bytes()).is_ok());
                match unit(name) {
                    None if !written => {
                        process
                            .err(match verb {
                                "start" | "restart" | "reload" | "stop" | "kill" => {
                                    format!("Failed to {verb} {full}: Unit {full} not found.\n")
                                }
                                _ => format!("Failed to {verb} unit: Unit file {full} does not exist.\n"),
                            })
                            .await?;
                        status = if matches!(verb, "enable" | "disable" | "mask" | "unmask") { 1 } else { 5 };
                    }
                    Some((_, part, _)) if verb == "stop" => {
                        for l in process
                            .machine()
                            .processes()
                            .into_iter()
                            .filter(|l| !part.is_empty() && String::from_utf8_lossy(&l.command()).contains(part))
                        {
                            process.machine().end_resident(l.pid);
                        }
                    }
                    _ if verb == "enable" => {
                        process
                            .err(format!(
                                "Created symlink /etc/systemd/system/multi-user.target.wants/{full} → /etc/systemd/system/{full}.\n"
                            ))
                            .await?
                    }
                    _ if verb == "disable" => process.err(format!("Removed /etc/systemd/system/multi-user.target.wants/{full}.\n")).await?,
                    _ => {}
                }
            }
        }
        "reboot" | "poweroff" | "halt" => return shutdown(process).await,
        "cat" | "show" | "edit" => {}
        other => {
            process.err(format!("Unknown command verb {other}.\n")).await?;
            return Ok(1);
        }
    }
    Ok(status)
}

async fn unit_status(process: &mut Process, name: &str) -> Outcome {
    let Some((unit, part, description)) = unit(name) else {
        let full = if name.contains('.') { name.to_owned() } else { format!("{name}.service") };
        process.err(format!("Unit {full} could not be found.\n")).await?;
        return Ok(4);
    };
    let Some(listing) = main_process(process, part) else {
        process.out(format!("○ {unit}.service - {description}\n     Loaded: loaded (/lib/systemd/system/{unit}.service; enabled; vendor preset: enabled)\n     Active: inactive (dead)\n")).await?;
        return Ok(3);
    };
    let since = strftime("%a %Y-%m-%d %H:%M:%S UTC", listing.started);
    let age = process.now().since(listing.started).as_secs();
    let ago = if age >= 86_400 * 7 {
        format!("{} weeks {} days ago", age / 604_800, age / 86_400 % 7)
    } else {
        format!("{} days ago", age / 86_400)
    };
    let comm = String::from_utf8_lossy(&listing.comm).into_owned();
    let command = String::from_utf8_lossy(&listing.command()).into_owned();
    process.out(format!("● {unit}.service - {description}\n     Loaded: loaded (/lib/systemd/system/{unit}.service; enabled; vendor preset: enabled)\n     Active: active (running) since {since}; {ago}\n   Main PID: {} ({comm})\n      Tasks: 1 (limit: 4558)\n     Memory: {:.1}M\n        CPU: {}min {:.3}s\n     CGroup: /system.slice/{unit}.service\n             └─{} \"{command}\"\n", listing.pid, listing.rss_kb as f64 / 1024.0, listing.cpu.as_secs() / 60, listing.cpu.as_secs_f64() % 60.0, listing.pid)).await?;
    Ok(0)
}

pub(super) async fn service(process: &mut Process) -> Outcome {
    let words: Vec<Vec<u8>> = process.operands().to_vec();
    let [name, rest @ ..] = &words[..] else {
        process.out("Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n").await?;
        return Ok(1);
    };
    if name == b"--status-all" {
        for (unit, ..) in UNITS.iter().filter(|(unit, ..)| !unit.starts_with("systemd")) {
            process.out(format!(" [ + ]  {unit}\n")).await?;
        }
        return Ok(0);
    }
    let verb = rest.first().map_or_else(|| b"status".to_vec(), Clone::clone);
    let old = std::mem::replace(&mut process.args, vec![b"systemctl".to_vec(), verb, name.clone()]);
    let outcome = systemctl(process).await;
    process.args = old;
    outcome
}

pub(super) async fn iptables(process: &mut Process) -> Outcome {
    if process.credentials.uid != 0 {
        process.err("iptables v1.8.7 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n").await?;
        return Ok(4);
    }
    let words: Vec<String> = process.operands().iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    let lists = words
        .iter()
        .any(|word| word.starts_with("-L") || word == "-nL" || word == "-vnL" || word == "-nvL" || word == "--list" || word == "-S");
    if words.is_empty() {
        process
            .err("iptables v1.8.7 (nf_tables): no command specified\nTry `iptables -h' or 'iptables --help' for more information.\n")
            .await?;
        return Ok(2);
    }
    if words.iter().any(|word| word == "-V" || word == "--version") {
        process.out("iptables v1.8.7 (nf_tables)\n").await?;
    } else if words.iter().any(|word| word == "-S") {
        process.out("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n").await?;
    } else if lists {
        process.out("Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination         \n\nChain FORWARD (policy ACCEPT)\ntarget     prot opt source               destination         \n\nChain OUTPUT (policy ACCEPT)\ntarget     prot opt source               destination         \n").await?;
    } else if process.name().ends_with(b"-save") {
        process
            .out("# Generated by iptables-save v1.8.7\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n")
            .await?;
    }
    Ok(0)
}

pub(super) async fn ufw(process: &mut Process) -> Outcome {
    if process.credentials.uid != 0 {
        process.err("ERROR: You need to be root to run this script\n").await?;
        return Ok(1);
    }
    let words: Vec<String> = process.operands().iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    let text = match words.first().map(String::as_str) {
        Some("status") => "Status: inactive\n",
        Some("disable") => "Firewall stopped and disabled on system startup\n",
        Some("enable") => "Firewall is active and enabled on system startup\n",
        Some("allow" | "deny" | "reject" | "limit" | "delete") => "Rules updated\nRules updated (v6)\n",
        Some("reload") => "Firewall not enabled (skipping reload)\n",
        Some("reset" | "default" | "logging") => "",
        Some(_) => "ERROR: Invalid syntax\n",
        None => "ERROR: not enough args\n",
    };
    process.out(text).await?;
    Ok(u8::from(text.starts_with("ERROR")))
}

pub(super) async fn sysctl(process: &mut Process) -> Outcome {
    let words: Vec<String> =
        process.operands().iter().filter(|arg| !arg.starts_with(b"-")).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    let values_only = process.operands().iter().any(|arg| arg == b"-n");
    let mut status = 0;
    for word in words {
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name.trim(), Some(value.trim())));
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        if let Some(value) = value {
            if process.credentials.uid != 0 {
                process.err(format!("sysctl: permission denied on key \"{name}\", ignoring\n")).await?;
                status = 1;
            } else {
                process.out(format!("{name} = {value}\n")).await?;
            }
            continue;
        }
        match process.files().read(path.as_bytes()) {
            Ok(content) => {
                let content = String::from_utf8_lossy(content.trim_ascii()).into_owned();
                process.out(if values_only { format!("{content}\n") } else { format!("{name} = {content}\n") }).await?;
            }
            Err(_) => {
                process.err(format!("sysctl: cannot stat {path}: No such file or directory\n")).await?;
                status = 1;
            }
        }
    }
    Ok(status)
}

/// The host goes down: the session ends, as the connection would.
pub(super) async fn shutdown(process: &mut Process) -> Outcome {
    if process.credentials.uid != 0 {
        let name = String::from_utf8_lossy(process.name()).into_owned();
        process.err(if process.busybox() { format!("{name}: Operation not permitted\n") } else { "Failed to set wall message, ignoring: Interactive authentication required.\nFailed to reboot system via logind: Interactive authentication required.\n".to_owned() }).await?;
        return Ok(1);
    }
    let tasks = process.machine().tasks();
    let own = process.task.pid;
    process.flush().await?;
    tasks.iter().filter(|task| task.pid != own).for_each(|task| task.signal(crate::signal::HUP));
    process.sleep(std::time::Duration::from_secs(1)).await;
    tasks.iter().filter(|task| task.pid != own).for_each(|task| task.signal(crate::signal::KILL));
    Ok(0)
}

pub(super) async fn lspci(process: &mut Process) -> Outcome {
    process.out("00:00.0 Host bridge: Intel Corporation 440FX - 82441FX PMC [Natoma] (rev 02)\n00:01.0 ISA bridge: Intel Corporation 82371SB PIIX3 ISA [Natoma/Triton II]\n00:01.1 IDE interface: Intel Corporation 82371SB PIIX3 IDE [Natoma/Triton II]\n00:01.2 USB controller: Intel Corporation 82371SB PIIX3 USB [Natoma/Triton II] (rev 01)\n00:01.3 Bridge: Intel Corporation 82371AB/EB/MB PIIX4 ACPI (rev 03)\n00:02.0 VGA compatible controller: Red Hat, Inc. QXL paravirtual graphic card (rev 04)\n00:03.0 Ethernet controller: Red Hat, Inc. Virtio network device\n00:05.0 SCSI storage controller: Red Hat, Inc. Virtio block device\n00:07.0 Unclassified device [00ff]: Red Hat, Inc. Virtio memory balloon\n").await?;
    Ok(0)
}

pub(super) async fn dmidecode(process: &mut Process) -> Outcome {
    if process.credentials.uid != 0 {
        process.err("/sys/firmware/dmi/tables/smbios_entry_point: Permission denied\nScanning /dev/mem for entry point.\n/dev/mem: Permission denied\n").await?;
        return Ok(1);
    }
    let read = |name: &str| {
        process
            .files()
            .read(format!("/sys/class/dmi/id/{name}").as_bytes())
            .map(|text| String::from_utf8_lossy(text.trim_ascii()).into_owned())
            .unwrap_or_default()
    };
    let (vendor, product, bios) = (read("sys_vendor"), read("product_name"), read("bios_vendor"));
    let keyword = process.operands().iter().skip_while(|arg| *arg != b"-s").nth(1).cloned();
    let text = match keyword.as_deref() {
        Some(b"system-manufacturer") => format!("{vendor}\n"),
        Some(b"system-product-name") => format!("{product}\n"),
        Some(b"bios-vendor") => format!("{bios}\n"),
        Some(_) => "Not Specified\n".to_owned(),
        None => format!(
            "# dmidecode 3.3\nGetting SMBIOS data from sysfs.\nSMBIOS 2.8 present.\n\nHandle 0x0000, DMI type 0, 24 bytes\nBIOS Information\n\tVendor: {bios}\n\tVersion: 1.14.0-2\n\tRelease Date: 04/01/2014\n\nHandle 0x0100, DMI type 1, 27 bytes\nSystem Information\n\tManufacturer: {vendor}\n\tProduct Name: {product}\n\tVersion: pc-i440fx-6.2\n\tSerial Number: Not Specified\n"
        ),
    };
    process.out(text).await?;
    Ok(0)
}
