//! `free`, `nproc`, `lscpu`, `top`, `vmstat`, `lsmod`, `dmesg`: the machine's resources.

use super::accounts::Accounts;
use super::options::{Spec, Takes, number, parse, usage_error};
use crate::command::{Outcome, Process, STDOUT};
use std::time::Duration;

const FREE: Spec = Spec {
    short: "bkmghtlwvs:c:",
    long: &[
        ("bytes", 'b', Takes::Nothing),
        ("kilo", 'k', Takes::Nothing),
        ("kibi", 'k', Takes::Nothing),
        ("mega", 'm', Takes::Nothing),
        ("mebi", 'm', Takes::Nothing),
        ("giga", 'g', Takes::Nothing),
        ("gibi", 'g', Takes::Nothing),
        ("human", 'h', Takes::Nothing),
        ("total", 't', Takes::Nothing),
        ("wide", 'w', Takes::Nothing),
    ],
    usage: "[options]",
    error: 1,
};

/// A size as `free -h` prints it: `3.8Gi`, `241Mi`, `0B`.
fn human(kb: u64) -> String {
    if kb == 0 {
        return "0B".to_owned();
    }
    let mut value = kb as f64;
    for unit in ["Ki", "Mi", "Gi", "Ti"] {
        if value < 10.0 && unit != "Ki" {
            return format!("{value:.1}{unit}");
        }
        if value < 1024.0 {
            return format!("{value:.0}{unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1}Pi")
}

pub(super) async fn free(process: &mut Process) -> Outcome {
    let given = parse(process, &FREE).await?;
    let memory = process.machine().facts().memory();
    let unit = given.last_of("bkmgh").unwrap_or('k');
    let show = |kb: u64| match unit {
        'b' => (kb * 1024).to_string(),
        'm' => (kb / 1024).to_string(),
        'g' => (kb / 1024 / 1024).to_string(),
        'h' => human(kb),
        _ => kb.to_string(),
    };
    let cache = memory.buffers_kb + memory.cached_kb;
    let used = memory.total_kb - memory.free_kb - cache;
    let (swap_used, swap) = (memory.swap_total_kb - memory.swap_free_kb, memory.swap_total_kb);
    let mut text = String::new();
    if process.busybox() {
        text.push_str("              total        used        free      shared  buff/cache   available\n");
        let row =
            [memory.total_kb, used, memory.free_kb, memory.shared_kb, cache, memory.available_kb].map(|kb| format!("{:>12}", show(kb)));
        text.push_str(&format!("Mem:  {}\n", row.join("")));
        let row = [swap, swap_used, memory.swap_free_kb].map(|kb| format!("{:>12}", show(kb)));
        text.push_str(&format!("Swap: {}\n", row.join("")));
    } else if given.has('w') {
        text.push_str("               total        used        free      shared     buffers       cache   available\n");
        let row = [memory.total_kb, used, memory.free_kb, memory.shared_kb, memory.buffers_kb, memory.cached_kb, memory.available_kb];
        text.push_str(&format!(
            "Mem:   {}\n",
            row.map(|kb| format!("{:>13}", show(kb)))[..].join("").trim_start_matches(' ').to_owned().as_str()
        ));
    } else {
        text.push_str("               total        used        free      shared  buff/cache   available\n");
        let row =
            [memory.total_kb, used, memory.free_kb, memory.shared_kb, cache, memory.available_kb].map(|kb| format!("{:>12}", show(kb)));
        text.push_str(&format!("Mem:    {}\n", row.join("")));
        let row = [swap, swap_used, memory.swap_free_kb].map(|kb| format!("{:>12}", show(kb)));
        text.push_str(&format!("Swap:   {}\n", row.join("")));
    }
    if given.has('t') && !process.busybox() {
        let row = [memory.total_kb + swap, used + swap_used, memory.free_kb + memory.swap_free_kb].map(|kb| format!("{:>12}", show(kb)));
        text.push_str(&format!("Total:  {}\n", row.join("")));
    }
    process.out(text).await?;
    Ok(0)
}

pub(super) async fn nproc(process: &mut Process) -> Outcome {
    const NPROC: Spec =
        Spec { short: "", long: &[("all", 'a', Takes::Nothing), ("ignore", 'i', Takes::Value)], usage: "[OPTION]...", error: 1 };
    let given = parse(process, &NPROC).await?;
    if let Some(extra) = given.operands.first() {
        let message = [b"extra operand \xe2\x80\x98", &extra[..], b"\xe2\x80\x99"].concat();
        return Err(usage_error(process, &NPROC, message).await?);
    }
    let count = u64::from(process.machine().host().persona().host.cpu.count);
    let ignored = given.value('i').and_then(number).unwrap_or(0);
    process.out(format!("{}\n", count.saturating_sub(ignored).max(1))).await?;
    Ok(0)
}

pub(super) async fn lscpu(process: &mut Process) -> Outcome {
    let machine = process.machine().clone();
    let host = &machine.host().persona().host;
    // What `/proc/cpuinfo` says of the first processor.
    let info = |name: &str| -> String {
        let line = host.cpu.cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        let value = line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim());
        value.replace("{model}", &host.cpu.model).replace("{mhz}", &host.cpu.mhz).replace("{bogomips}", &host.cpu.bogomips)
    };
    let count = host.cpu.count;
    let range = if count > 1 { format!("0-{}", count - 1) } else { "0".to_owned() };
    let rows = [
        ("Architecture:", host.kernel.machine.clone()),
        ("  CPU op-mode(s):", "32-bit, 64-bit".to_owned()),
        ("  Address sizes:", info("address sizes")),
        ("  Byte Order:", "Little Endian".to_owned()),
        ("CPU(s):", count.to_string()),
        ("  On-line CPU(s) list:", range.clone()),
        ("Vendor ID:", info("vendor_id")),
        ("  Model name:", info("model name")),
        ("    CPU family:", info("cpu family")),
        ("    Model:", info("model")),
        ("    Thread(s) per core:", "1".to_owned()),
        ("    Core(s) per socket:", "1".to_owned()),
        ("    Socket(s):", count.to_string()),
        ("    Stepping:", info("stepping")),
        ("    BogoMIPS:", info("bogomips")),
        ("    Flags:", info("flags")),
        ("Virtualization features:", String::new()),
        ("  Hypervisor vendor:", "KVM".to_owned()),
        ("  Virtualization type:", "full".to_owned()),
        ("Caches (sum of all):", String::new()),
        ("  L1d:", format!("{} KiB ({count} instances)", 32 * count)),
        ("  L1i:", format!("{} KiB ({count} instances)", 32 * count)),
        ("  L2:", format!("{} MiB ({count} instances)", 4 * count)),
        ("  L3:", format!("{} MiB ({count} instances)", 16 * count)),
        ("NUMA:", String::new()),
        ("  NUMA node(s):", "1".to_owned()),
        ("  NUMA node0 CPU(s):", range),
    ];
    for (label, value) in rows {
        let line = if value.is_empty() { label.to_owned() } else { format!("{label:<25}{value}") };
        process.out(line + "\n").await?;
    }
    Ok(0)
}

pub(super) async fn top(process: &mut Process) -> Outcome {
    const TOP: Spec = Spec {
        short: "bcd:Hin:o:p:sSu:w::1Em",
        long: &[("batch", 'b', Takes::Nothing)],
        usage: "-hv | -bcEeHiOSs1 -d secs -n max -u|U user -p pid(s) -o field -w [cols]",
        error: 1,
    };
    let given = parse(process, &TOP).await?;
    let interactive = process.is_terminal(STDOUT) && !given.has('b');
    if !interactive && !given.has('b') && !process.busybox() {
        let message = if process.variable(b"TERM").is_none() { "TERM environment variable not set.\n" } else { "top: failed tty get\n" };
        process.err(message).await?;
        return Ok(1);
    }
    let delay = given.value('d').and_then(number).unwrap_or(3).clamp(1, 3600);
    let mut left = given.value('n').and_then(number).unwrap_or(u64::MAX);
    while left > 0 {
        let screen = screen(process, interactive);
        if interactive {
            process.out("\x1b[H\x1b[2J").await?;
        }
        process.out(screen).await?;
        process.flush().await?;
        left -= 1;
        if left == 0 {
            break;
        }
        if interactive {
            // A key ends the wait; `q` ends the program.
            let key = tokio::time::timeout(Duration::from_secs(delay), process.read()).await;
            if let Ok(bytes) = key {
                let bytes = bytes?;
                if bytes.is_empty() || bytes.contains(&b'q') {
                    break;
                }
            }
        } else {
            process.out("\n").await?;
            process.sleep(Duration::from_secs(delay)).await;
        }
    }
    Ok(0)
}

fn screen(process: &Process, interactive: bool) -> String {
    let machine = process.machine();
    let facts = machine.facts();
    let accounts = Accounts::read(process);
    let memory = facts.memory();
    let mut processes = machine.processes();
    let total = processes.len();
    let running = processes.iter().filter(|l| l.stat.starts_with('R')).count().max(1);
    let cache = memory.buffers_kb + memory.cached_kb;
    let used = memory.total_kb - memory.free_kb - cache;
    let name = |uid: u32| String::from_utf8_lossy(&accounts.user_name(uid)).chars().take(8).collect::<String>();
    let mut text;
    if process.busybox() {
        let [one, five, fifteen] = facts.load();
        text = format!(
            "Mem: {used_all}K used, {}K free, {}K shrd, {}K buff, {}K cached\nCPU:   0% usr   1% sys   0% nic  98% idle   0% io   0% irq   0% sirq\nLoad average: {one:.2} {five:.2} {fifteen:.2} {running}/{total} {}\n  PID  PPID USER     STAT   VSZ %VSZ %CPU COMMAND\n",
            memory.free_kb,
            memory.shared_kb,
            memory.buffers_kb,
            memory.cached_kb,
            process.task.pid,
            used_all = memory.total_kb - memory.free_kb
        );
        processes.sort_by_key(|l| (std::cmp::Reverse(l.cpu), l.pid));
        for l in processes.iter().take(if interactive { 20 } else { usize::MAX }) {
            let share = l.vsz_kb * 100 / memory.total_kb.max(1);
            text.push_str(&format!(
                "{:>5} {:>5} {:<8} {:<4} {:>5} {share:>3}%   0% {}\n",
                l.pid,
                l.ppid,
                name(l.uid),
                l.stat,
                l.vsz_kb,
                String::from_utf8_lossy(&l.command())
            ));
        }
        return text;
    }
    let mib = |kb: u64| kb as f64 / 1024.0;
    text = format!(
        "top -{}\nTasks: {total:>3} total, {running:>3} running, {:>3} sleeping,   0 stopped,   0 zombie\n%Cpu(s):  0.3 us,  0.7 sy,  0.0 ni, 98.7 id,  0.0 wa,  0.0 hi,  0.3 si,  0.0 st\nMiB Mem : {:>8.1} total, {:>8.1} free, {:>8.1} used, {:>8.1} buff/cache\nMiB Swap: {:>8.1} total, {:>8.1} free, {:>8.1} used. {:>8.1} avail Mem \n\n    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n",
        super::id::uptime_line(process),
        total - running,
        mib(memory.total_kb),
        mib(memory.free_kb),
        mib(used),
        mib(cache),
        mib(memory.swap_total_kb),
        mib(memory.swap_free_kb),
        mib(memory.swap_total_kb - memory.swap_free_kb),
        mib(memory.available_kb)
    );
    processes.sort_by_key(|l| (!l.stat.starts_with('R'), std::cmp::Reverse(if l.is_kernel() { 0 } else { l.cpu.as_secs() / 600 }), l.pid));
    for l in processes.iter().take(if interactive { 17 } else { usize::MAX }) {
        let nice = if l.stat.contains('<') {
            -20
        } else if l.stat.contains('N') {
            5
        } else {
            0
        };
        let state = l.stat.chars().next().unwrap_or('S');
        let seconds = l.cpu.as_secs();
        text.push_str(&format!(
            "{:>7} {:<8} {:>3} {nice:>3} {:>7} {:>6} {:>6} {state} {:>5.1} {:>5.1} {:>9} {}\n",
            l.pid,
            name(l.uid),
            20 + nice,
            l.vsz_kb,
            l.rss_kb,
            l.rss_kb * 2 / 3,
            if state == 'R' { 5.9 } else { 0.0 },
            l.rss_kb as f64 * 100.0 / memory.total_kb.max(1) as f64,
            format!("{}:{:02}.{:02}", seconds / 60, seconds % 60, l.pid % 100),
            String::from_utf8_lossy(&l.comm)
        ));
    }
    text
}

pub(super) async fn lsmod(process: &mut Process) -> Outcome {
    let modules = process.files().read(b"/proc/modules").unwrap_or_else(|_| [].into());
    let mut text = if process.busybox() {
        "Module                  Size  Used by    Not tainted\n"
    } else {
        "Module                  Size  Used by\n"
    }
    .to_owned();
    for line in String::from_utf8_lossy(&modules).lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if let [name, size, used, by, ..] = fields[..] {
            let by = by.trim_end_matches(',');
            text.push_str(format!("{name:<22} {size:>6}  {used} {}", if by == "-" { "" } else { by }).trim_end());
            text.push('\n');
        }
    }
    process.out(text).await?;
    Ok(0)
}

pub(super) async fn dmesg(process: &mut Process) -> Outcome {
    if process.credentials.uid != 0 {
        process.complain("read kernel buffer failed: Operation not permitted").await?;
        return Ok(1);
    }
    let log = process.files().read(b"/var/log/dmesg").unwrap_or_else(|_| [].into());
    let text = String::from_utf8_lossy(&log).replace("] kernel: ", "] ");
    process.out(text).await?;
    Ok(0)
}
