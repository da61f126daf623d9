//! `uname`, `arch`, `hostname`, `dnsdomainname`, `hostnamectl` and `lsb_release`: what the host is.

use super::options::{Spec, Takes, parse, usage_error};
use crate::command::{Outcome, Process};

const UNAME: Spec = Spec {
    short: "asnrvmpio",
    long: &[
        ("all", 'a', Takes::Nothing),
        ("kernel-name", 's', Takes::Nothing),
        ("nodename", 'n', Takes::Nothing),
        ("kernel-release", 'r', Takes::Nothing),
        ("kernel-version", 'v', Takes::Nothing),
        ("machine", 'm', Takes::Nothing),
        ("processor", 'p', Takes::Nothing),
        ("hardware-platform", 'i', Takes::Nothing),
        ("operating-system", 'o', Takes::Nothing),
    ],
    usage: "[OPTION]...\nPrint certain system information.  With no OPTION, same as -s.",
    error: 1,
};

pub(super) async fn uname(process: &mut Process) -> Outcome {
    let given = parse(process, &UNAME).await?;
    if let Some(extra) = given.operands.first() {
        let message = [b"extra operand \xe2\x80\x98", &extra[..], b"\xe2\x80\x99"].concat();
        return Err(usage_error(process, &UNAME, message).await?);
    }
    let machine = process.machine().clone();
    let kernel = &machine.host().persona().host.kernel;
    let busybox = process.busybox();
    let node = String::from_utf8_lossy(&machine.hostname()).into_owned();
    // Debian's coreutils know the processor and platform as the machine; BusyBox leaves unknown ones out of `-a`.
    let hardware = if busybox { "unknown" } else { &kernel.machine };
    let all = given.has('a');
    let fields: Vec<&str> = [
        ('s', kernel.name.as_str(), true),
        ('n', &node, true),
        ('r', &kernel.release, true),
        ('v', &kernel.version, true),
        ('m', &kernel.machine, true),
        ('p', hardware, !busybox),
        ('i', hardware, !busybox),
        ('o', &kernel.operating_system, true),
    ]
    .into_iter()
    .filter(|(letter, _, in_all)| given.has(*letter) || (all && *in_all) || (*letter == 's' && given.all().next().is_none()))
    .map(|(_, text, _)| text)
    .collect();
    process.out(fields.join(" ") + "\n").await?;
    Ok(0)
}

pub(super) async fn arch(process: &mut Process) -> Outcome {
    let machine = process.machine().host().persona().host.kernel.machine.clone();
    process.out(machine + "\n").await?;
    Ok(0)
}

pub(super) async fn hostname(process: &mut Process) -> Outcome {
    const HOSTNAME: Spec = Spec {
        short: "aAdfiIsyF:bv",
        long: &[
            ("fqdn", 'f', Takes::Nothing),
            ("long", 'f', Takes::Nothing),
            ("short", 's', Takes::Nothing),
            ("domain", 'd', Takes::Nothing),
            ("ip-address", 'i', Takes::Nothing),
            ("all-ip-addresses", 'I', Takes::Nothing),
            ("file", 'F', Takes::Value),
        ],
        usage: "[-b] {hostname|-F file}         set host name (from file)",
        error: 255,
    };
    let given = parse(process, &HOSTNAME).await?;
    let machine = process.machine().clone();
    let domain = machine.host().persona().host.domain.clone();
    let from_file = match given.value('F') {
        Some(path) => process.files().read(path).ok().map(|text| text.trim_ascii().to_vec()),
        None => None,
    };
    if let Some(name) = given.operands.first().cloned().or(from_file) {
        if process.credentials.uid != 0 {
            let message =
                if process.busybox() { "sethostname: Operation not permitted" } else { "you must be root to change the host name" };
            process.complain(message).await?;
            return Ok(1);
        }
        if name.len() > 64 {
            process.complain("name too long").await?;
            return Ok(1);
        }
        machine.set_hostname(name);
        return Ok(0);
    }
    let name = String::from_utf8_lossy(&machine.hostname()).into_owned();
    let text = if given.has('I') {
        format!("{} ", machine.facts().address())
    } else if given.has('i') {
        if process.busybox() { machine.facts().address().to_string() } else { "127.0.1.1".to_owned() }
    } else if given.has('d') {
        domain
    } else if given.has('f') && !domain.is_empty() {
        format!("{name}.{domain}")
    } else if given.has('s') {
        name.split('.').next().unwrap_or_default().to_owned()
    } else {
        name
    };
    process.out(text + "\n").await?;
    Ok(0)
}

pub(super) async fn hostnamectl(process: &mut Process) -> Outcome {
    let machine = process.machine().clone();
    let host = &machine.host().persona().host;
    let name = String::from_utf8_lossy(&machine.hostname()).into_owned();
    let id =
        process.files().read(b"/etc/machine-id").map(|text| String::from_utf8_lossy(text.trim_ascii()).into_owned()).unwrap_or_default();
    let boot = process
        .files()
        .read(b"/proc/sys/kernel/random/boot_id")
        .map(|t| String::from_utf8_lossy(t.trim_ascii()).replace('-', ""))
        .unwrap_or_default();
    process
        .out(format!(
            " Static hostname: {name}\n       Icon name: computer-vm\n         Chassis: vm\n      Machine ID: {id}\n         Boot ID: {boot}\n  Virtualization: kvm\nOperating System: {}              \n          Kernel: {} {}\n    Architecture: {}\n Hardware Vendor: QEMU\n  Hardware Model: Standard PC _i440FX + PIIX, 1996_\n",
            host.os.pretty,
            host.kernel.name,
            host.kernel.release,
            host.kernel.machine.replace('_', "-")
        ))
        .await?;
    Ok(0)
}

pub(super) async fn lsb_release(process: &mut Process) -> Outcome {
    const LSB: Spec = Spec {
        short: "vidrcas",
        long: &[
            ("id", 'i', Takes::Nothing),
            ("description", 'd', Takes::Nothing),
            ("release", 'r', Takes::Nothing),
            ("codename", 'c', Takes::Nothing),
            ("all", 'a', Takes::Nothing),
            ("short", 's', Takes::Nothing),
        ],
        usage: "[options]",
        error: 2,
    };
    let given = parse(process, &LSB).await?;
    let os = process.machine().host().persona().host.os.clone();
    let rows =
        [('i', "Distributor ID", os.name), ('d', "Description", os.pretty), ('r', "Release", os.version), ('c', "Codename", os.codename)];
    if !given.has('s') {
        process.err("No LSB modules are available.\n").await?;
    }
    let chosen: Vec<_> = rows.into_iter().filter(|(letter, ..)| given.has('a') || given.has(*letter)).collect();
    for (_, label, text) in chosen {
        process.out(if given.has('s') { format!("{text}\n") } else { format!("{label}:\t{text}\n") }).await?;
    }
    Ok(0)
}
