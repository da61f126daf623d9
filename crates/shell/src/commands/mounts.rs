//! `df`, `mount`, `umount`, `du`, `lsblk`, `blkid`, `fdisk`: disks.

use super::ls::blocks_kb;
use super::options::{Spec, Takes, number, parse};
use super::source::quoted;
use crate::Kind;
use crate::command::{Outcome, Process};
use crate::fs::procfs;

const DF: Spec = Spec {
    short: "ahHiklPTt:x:B:mv",
    long: &[
        ("all", 'a', Takes::Nothing),
        ("human-readable", 'h', Takes::Nothing),
        ("si", 'H', Takes::Nothing),
        ("inodes", 'i', Takes::Nothing),
        ("local", 'l', Takes::Nothing),
        ("portability", 'P', Takes::Nothing),
        ("print-type", 'T', Takes::Nothing),
        ("type", 't', Takes::Value),
        ("exclude-type", 'x', Takes::Value),
        ("block-size", 'B', Takes::Value),
        ("total", '\u{1}', Takes::Nothing),
    ],
    usage: "[OPTION]... [FILE]...\nShow information about the file system on which each FILE resides,\nor all file systems by default.",
    error: 1,
};

struct Disk {
    cells: Vec<String>,
    path: String,
}

pub(super) async fn df(process: &mut Process) -> Outcome {
    let given = parse(process, &DF).await?;
    let machine = process.machine().clone();
    let mounts = &machine.host().persona().host.mounts;
    let written = machine.overlay().written_bytes() / 1024;
    let busybox = process.busybox();
    let mut chosen = Vec::new();
    let mut status = 0;
    if given.operands.is_empty() {
        let listed = mounts.iter().filter(|mount| given.has('a') || mount.size_kb > 0);
        let typed = listed.filter(|mount| given.value('t').is_none_or(|kind| mount.kind.as_bytes() == kind));
        chosen.extend(typed.filter(|mount| given.value('x').is_none_or(|kind| mount.kind.as_bytes() != kind)));
    }
    for path in &given.operands {
        match process.files().stat(path).and_then(|_| process.files().real_path(path)) {
            Ok(real) => {
                let real = String::from_utf8_lossy(&real).into_owned();
                let holds = |mount: &&persona::Mount| {
                    mount.path == "/" || real == mount.path || real.starts_with(&format!("{}/", mount.path)) || real == mount.device
                };
                chosen.extend(mounts.iter().filter(holds).max_by_key(|mount| mount.path.len()));
            }
            Err(errno) => {
                status = 1;
                let message = if busybox {
                    [b"", &path[..], b": can't find mount point"].concat()
                } else {
                    [&path[..], b": ", errno.message().as_bytes()].concat()
                };
                process.complain(message).await?;
            }
        }
    }
    if chosen.is_empty() {
        if status == 0 {
            process.complain("no file systems processed").await?;
        }
        return Ok(1);
    }
    let human = given.has('h') || given.has('H');
    let block = if human {
        0
    } else if given.has('m') {
        1024
    } else {
        given.value('B').and_then(super::options::size).map_or(1, |b| (b / 1024).max(1))
    };
    let show = |kb: u64| match block {
        0 if busybox => busybox_human(kb),
        0 => {
            if kb == 0 {
                "0".to_owned()
            } else {
                super::ls::human(kb * 1024)
            }
        }
        block => kb.div_ceil(block).to_string(),
    };
    let size_title = match block {
        0 => "Size",
        1 if given.has('P') => "1024-blocks",
        1 => "1K-blocks",
        1024 => "1M-blocks",
        _ => "1G-blocks",
    };
    let mut rows: Vec<Disk> = Vec::new();
    for mount in chosen {
        // What a session wrote fills the disk it was written to: the root, or the tmpfs everything writable is on.
        let extra = if mount.path == "/" || (busybox && mount.path == "/tmp") { written } else { 0 };
        let used = mount.used_kb + if mount.options.split(',').any(|o| o == "ro") { 0 } else { extra };
        // ext4 keeps a share of itself for root.
        let reserved = if mount.kind == "ext4" { 16_384 } else { 0 };
        let available = mount.size_kb.saturating_sub(used + reserved);
        let percent = if used + available == 0 { "-".to_owned() } else { format!("{}%", (used * 100).div_ceil(used + available)) };
        let mut cells = vec![mount.device.clone()];
        if given.has('T') {
            cells.push(mount.kind.clone());
        }
        if given.has('i') {
            let inodes = mount.size_kb / 16 + 1;
            let taken = used / 110 + 1;
            cells.extend([
                inodes.to_string(),
                taken.to_string(),
                (inodes - taken.min(inodes)).to_string(),
                format!("{}%", (taken * 100).div_ceil(inodes)),
            ]);
        } else {
            cells.extend([show(mount.size_kb), show(used), show(available), percent]);
        }
        rows.push(Disk { cells, path: mount.path.clone() });
    }
    let mut titles = vec!["Filesystem".to_owned()];
    if given.has('T') {
        titles.push("Type".to_owned());
    }
    let figures: [&str; 4] = if given.has('i') {
        ["Inodes", "IUsed", "IFree", "IUse%"]
    } else {
        [size_title, "Used", if human && !busybox { "Avail" } else { "Available" }, if given.has('P') { "Capacity" } else { "Use%" }]
    };
    titles.extend(figures.map(str::to_owned));
    let numeric = titles.len() - 4;
    let widths: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(index, title)| {
            let widest = rows.iter().map(|row| row.cells[index].len()).max().unwrap_or(0).max(title.len());
            match (busybox, index) {
                (true, 0) => widest.max(20),
                (true, _) if index >= numeric && index < numeric + 3 => widest.max(9),
                (false, 0) => widest.max(14),
                (false, _) if index >= numeric && index < numeric + 3 && !human => widest.max(5),
                (false, _) if index >= numeric && index < numeric + 3 => widest.max(5),
                _ => widest,
            }
        })
        .collect();
    let line = |cells: &[String], path: &str| {
        let mut text = String::new();
        for (index, cell) in cells.iter().enumerate() {
            let width = widths.get(index).copied().unwrap_or(0);
            if index > 0 {
                text.push(' ');
            }
            text.push_str(&if index >= numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
        }
        text.push(' ');
        text.push_str(path);
        text.push('\n');
        text
    };
    process.out(line(&titles, "Mounted on")).await?;
    for row in &rows {
        process.out(line(&row.cells, &row.path)).await?;
    }
    Ok(status)
}

fn busybox_human(kb: u64) -> String {
    let mut value = kb as f64;
    for unit in ["K", "M", "G"] {
        if value < 1024.0 {
            return if kb == 0 { "0".to_owned() } else { format!("{value:.1}{unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1}T")
}

pub(super) async fn mount(process: &mut Process) -> Outcome {
    const MOUNT: Spec = Spec {
        short: "afFt:o:rwvnlBRM",
        long: &[("bind", 'B', Takes::Nothing), ("all", 'a', Takes::Nothing)],
        usage: "[-lhV]\n mount -a [options]\n mount [options] [--source] <source> | [--target] <directory>\n mount [options] <source> <directory>",
        error: 1,
    };
    let given = parse(process, &MOUNT).await?;
    if given.operands.is_empty() {
        let machine = process.machine().clone();
        for mount in &machine.host().persona().host.mounts {
            if given.value('t').is_some_and(|kind| mount.kind.as_bytes() != kind) {
                continue;
            }
            process.out(format!("{} on {} type {} ({})\n", mount.device, mount.path, mount.kind, mount.options)).await?;
        }
        return Ok(0);
    }
    if process.credentials.uid != 0 {
        process.complain(if process.busybox() { "permission denied (are you root?)" } else { "only root can do that" }).await?;
        return Ok(1);
    }
    let target = given.operands.last().cloned().unwrap_or_default();
    let remount = given.value('o').is_some_and(|options| options.split(|b| *b == b',').any(|o| o == b"remount"));
    if remount || given.has('a') {
        return Ok(0);
    }
    if process.files().stat(&target).is_err() {
        let message = if process.busybox() {
            [b"mounting ", &given.operands[0][..], b" on ", &target, b" failed: No such file or directory"].concat()
        } else {
            [&target[..], b": mount point does not exist."].concat()
        };
        process.complain(message).await?;
        return Ok(if process.busybox() { 255 } else { 32 });
    }
    Ok(0)
}

pub(super) async fn umount(process: &mut Process) -> Outcome {
    const UMOUNT: Spec = Spec {
        short: "alfrvnt:dR",
        long: &[("lazy", 'l', Takes::Nothing), ("force", 'f', Takes::Nothing)],
        usage: "[options] <source> | <directory>",
        error: 1,
    };
    let given = parse(process, &UMOUNT).await?;
    let machine = process.machine().clone();
    let mut status = 0;
    for path in &given.operands {
        let mounted =
            machine.host().persona().host.mounts.iter().any(|mount| mount.path.as_bytes() == path || mount.device.as_bytes() == path);
        let message = match (mounted, process.busybox()) {
            (true, false) => [&path[..], b": target is busy."].concat(),
            (true, true) => [b"can't unmount ", &path[..], b": Device or resource busy"].concat(),
            (false, false) if process.files().stat(path).is_err() => [&path[..], b": no mount point specified."].concat(),
            (false, false) => [&path[..], b": not mounted."].concat(),
            (false, true) => [b"can't unmount ", &path[..], b": Invalid argument"].concat(),
        };
        if !(mounted && given.has('l')) {
            process.complain(message).await?;
            status = if process.busybox() { 1 } else { 32 };
        }
    }
    Ok(status)
}

pub(super) async fn du(process: &mut Process) -> Outcome {
    const DU: Spec = Spec {
        short: "abcd:hkLmsSx",
        long: &[
            ("all", 'a', Takes::Nothing),
            ("bytes", 'b', Takes::Nothing),
            ("total", 'c', Takes::Nothing),
            ("max-depth", 'd', Takes::Value),
            ("human-readable", 'h', Takes::Nothing),
            ("summarize", 's', Takes::Nothing),
        ],
        usage: "[OPTION]... [FILE]...\nSummarize disk usage of the set of FILEs, recursively for directories.",
        error: 1,
    };
    let given = parse(process, &DU).await?;
    let names = if given.operands.is_empty() { vec![b".".to_vec()] } else { given.operands.clone() };
    let depth_max =
        if given.has('s') { 0 } else { given.value('d').and_then(number).map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)) };
    let cost = |metadata: &crate::Metadata| if given.has('b') { metadata.size } else { blocks_kb(metadata) };
    let show = |amount: u64| {
        if given.has('h') {
            super::ls::human(if given.has('b') { amount } else { amount * 1024 })
        } else if given.has('m') {
            amount.div_ceil(1024).to_string()
        } else {
            amount.to_string()
        }
    };
    let (mut status, mut grand) = (0, 0);
    for name in names {
        let files = process.files();
        let top = match files.lstat(&name) {
            Ok(metadata) => metadata,
            Err(errno) => {
                let message = if process.busybox() {
                    [&name[..], b": ", errno.message().as_bytes()].concat()
                } else {
                    [b"cannot access ", &quoted(&name)[..], b": ", errno.message().as_bytes()].concat()
                };
                process.complain(message).await?;
                status = 1;
                continue;
            }
        };
        // Directories on the way down, each with what is left of it and its sum so far; a directory is printed when it is left.
        struct Level {
            path: Vec<u8>,
            rest: std::vec::IntoIter<crate::fs::Entry>,
            sum: u64,
        }
        let mut sum = cost(&top);
        if top.kind == Kind::Directory {
            let mut levels = vec![Level { path: name.clone(), rest: files.list(&name).unwrap_or_default().into_iter(), sum }];
            sum = 0;
            while let Some(level) = levels.last_mut() {
                process.charge(1).await?;
                match level.rest.next() {
                    Some((entry, metadata)) => {
                        let slash: &[u8] = if level.path.ends_with(b"/") { b"" } else { b"/" };
                        let path = [&level.path[..], slash, &entry].concat();
                        if metadata.kind == Kind::Directory {
                            let rest = files.list(&path).unwrap_or_default().into_iter();
                            levels.push(Level { path, rest, sum: cost(&metadata) });
                        } else {
                            level.sum += cost(&metadata);
                            if given.has('a') && levels.len() <= depth_max {
                                process.out([show(cost(&metadata)).as_bytes(), b"\t", &path, b"\n"].concat()).await?;
                            }
                        }
                    }
                    None => {
                        let Some(done) = levels.pop() else { break };
                        if levels.len() <= depth_max {
                            process.out([show(done.sum).as_bytes(), b"\t", &done.path, b"\n"].concat()).await?;
                        }
                        match levels.last_mut() {
                            Some(above) => above.sum += done.sum,
                            None => sum = done.sum,
                        }
                    }
                }
            }
        } else {
            process.out([show(sum).as_bytes(), b"\t", &name, b"\n"].concat()).await?;
        }
        grand += sum;
    }
    if given.has('c') {
        process.out(format!("{}\ttotal\n", show(grand))).await?;
    }
    Ok(status)
}

pub(super) async fn lsblk(process: &mut Process) -> Outcome {
    let machine = process.machine().clone();
    let mounts = &machine.host().persona().host.mounts;
    let devices = procfs::block_devices(&machine);
    process.out("NAME    MAJ:MIN RM   SIZE RO TYPE MOUNTPOINTS\n").await?;
    for (index, (name, major, minor, kb)) in devices.iter().enumerate() {
        let place = mounts.iter().find(|mount| mount.device == format!("/dev/{name}")).map_or("", |mount| mount.path.as_str());
        let disk = index == 0;
        let branch = if disk {
            ""
        } else if index + 1 == devices.len() {
            "└─"
        } else {
            "├─"
        };
        let shown = format!("{branch}{name}");
        let pad = 7usize.saturating_sub(shown.chars().count());
        let kind = if disk { "disk" } else { "part" };
        let line = format!("{shown}{} {:>3}:{minor:<3} 0 {:>6}  0 {kind} {place}", " ".repeat(pad), major, super::ls::human(kb * 1024));
        process.out(line.trim_end().to_owned() + "\n").await?;
    }
    Ok(0)
}
