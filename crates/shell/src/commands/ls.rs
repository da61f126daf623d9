//! `ls` and `dir`: list directory contents.

use super::accounts::Accounts;
use super::options::{Given, Spec, Takes, parse};
use super::time::strftime;
use crate::command::{Outcome, Process, STDOUT, Stop};
use crate::fs::Entry;
use crate::{Errno, Kind, Metadata};

const SPEC: Spec = Spec {
    short: "aAbBcCdDfFgGhHiI:klLmnNopqQrRsStT:uUvw:xXZ1",
    long: &[
        ("all", 'a', Takes::Nothing),
        ("almost-all", 'A', Takes::Nothing),
        ("author", '\u{2}', Takes::Nothing),
        ("classify", 'F', Takes::Optional),
        ("color", '\u{1}', Takes::Optional),
        ("directory", 'd', Takes::Nothing),
        ("full-time", '\u{3}', Takes::Nothing),
        ("group-directories-first", '\u{4}', Takes::Nothing),
        ("human-readable", 'h', Takes::Nothing),
        ("inode", 'i', Takes::Nothing),
        ("ignore", 'I', Takes::Value),
        ("dereference", 'L', Takes::Nothing),
        ("no-group", 'G', Takes::Nothing),
        ("numeric-uid-gid", 'n', Takes::Nothing),
        ("quote-name", 'Q', Takes::Nothing),
        ("recursive", 'R', Takes::Nothing),
        ("reverse", 'r', Takes::Nothing),
        ("size", 's', Takes::Nothing),
        ("sort", '\u{5}', Takes::Value),
        ("time-style", '\u{6}', Takes::Value),
    ],
    usage: "[OPTION]... [FILE]...\nList information about the FILEs (the current directory by default).\nSort entries alphabetically if none of -cftuvSUX nor --sort is specified.",
    error: 2,
};

/// Directories listed by one `ls -R`.
const DIRECTORIES_MAX: usize = 5_000;

struct Lister {
    given: Given,
    long: bool,
    all: bool,
    dots: bool,
    single: bool,
    colors: bool,
    width: usize,
    accounts: Option<Accounts>,
    status: u8,
}

pub(super) async fn run(process: &mut Process) -> Outcome {
    let given = parse(process, &SPEC).await?;
    let terminal = process.is_terminal(STDOUT);
    let long = ['l', 'g', 'o', 'n', '\u{3}'].iter().any(|letter| given.has(*letter));
    let colors = match given.value('\u{1}') {
        None => process.busybox() && terminal,
        Some(b"" | b"always" | b"yes") => true,
        Some(b"never" | b"no" | b"none") => false,
        Some(_) => terminal,
    };
    let width = given
        .value('w')
        .or_else(|| process.variable(b"COLUMNS"))
        .and_then(super::options::number)
        .map_or(80, |n| usize::try_from(n).unwrap_or(80).clamp(1, 10_000));
    let mut lister = Lister {
        long,
        all: given.has('a') || given.has('A') || given.has('f'),
        dots: (given.has('a') && given.last_of("aA") == Some('a')) || given.has('f'),
        single: given.has('1') || (!terminal && !given.has('C') && !given.has('x') && !given.has('m')),
        colors,
        width,
        accounts: long.then(|| Accounts::read(process)),
        status: 0,
        given,
    };
    let operands = if lister.given.operands.is_empty() { vec![b".".to_vec()] } else { lister.given.operands.clone() };
    lister.operands(process, operands).await?;
    Ok(lister.status)
}

impl Lister {
    async fn operands(&mut self, process: &mut Process, operands: Vec<Vec<u8>>) -> Result<(), Stop> {
        let many = operands.len() > 1;
        let (mut files, mut directories): (Vec<Entry>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
        for name in operands {
            let follow = !self.long && !self.given.has('d') && !self.given.has('F')
                || self.given.has('L')
                || self.given.has('H')
                || name.ends_with(b"/");
            let metadata =
                if follow { process.files().stat(&name).or_else(|_| process.files().lstat(&name)) } else { process.files().lstat(&name) };
            match metadata {
                Ok(metadata) if metadata.kind == Kind::Directory && !self.given.has('d') => directories.push(name),
                Ok(metadata) => files.push((name, metadata)),
                Err(errno) => {
                    self.status = if process.busybox() { 1 } else { 2 };
                    self.complain(process, b"cannot access ", &name, errno).await?;
                }
            }
        }
        self.sort(&mut files);
        directories.sort();
        if self.given.has('r') {
            directories.reverse();
        }
        let some_files = !files.is_empty();
        if some_files {
            self.print(process, b"", &files).await?;
        }
        let titled = many || self.given.has('R');
        let mut pending: Vec<Vec<u8>> = directories.into_iter().rev().collect();
        let mut listed = 0;
        while let Some(directory) = pending.pop() {
            let entries = match process.files().list(&directory) {
                Ok(entries) => entries,
                Err(errno) => {
                    self.status = self.status.max(if process.busybox() { 1 } else { 2 });
                    self.complain(process, b"cannot open directory ", &directory, errno).await?;
                    continue;
                }
            };
            process.charge(1 + entries.len() as u64 / 16).await?;
            if titled {
                let gap = if listed > 0 || some_files { "\n" } else { "" };
                process.out([gap.as_bytes(), &directory, b":\n"].concat()).await?;
            }
            listed += 1;
            let entries = self.chosen(process, &directory, entries);
            if self.given.has('R') && listed < DIRECTORIES_MAX {
                let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
                let below =
                    entries.iter().rev().filter(|(name, metadata)| metadata.kind == Kind::Directory && name != b"." && name != b"..");
                pending.extend(below.map(|(name, _)| [&directory[..], slash, name].concat()));
            }
            if self.long || self.given.has('s') {
                let blocks: u64 = entries.iter().map(|(_, metadata)| blocks_kb(metadata)).sum();
                let total = if self.given.has('h') { human(blocks * 1024) } else { blocks.to_string() };
                process.out(format!("total {total}\n")).await?;
            }
            self.print(process, &directory, &entries).await?;
        }
        Ok(())
    }

    async fn complain(&self, process: &mut Process, verb: &[u8], name: &[u8], errno: Errno) -> Result<(), Stop> {
        process.flush().await?;
        let reason = errno.message().as_bytes();
        if process.busybox() {
            let verb: &[u8] = if verb.starts_with(b"cannot open") { b"can't open '" } else { b"" };
            let quote: &[u8] = if verb.is_empty() { b"" } else { b"'" };
            process.complain([verb, name, quote, b": ", reason].concat()).await
        } else {
            process.complain([verb, &super::source::quoted(name), b": ", reason].concat()).await
        }
    }

    fn chosen(&self, process: &Process, directory: &[u8], entries: Vec<Entry>) -> Vec<Entry> {
        let mut chosen: Vec<Entry> = entries.into_iter().filter(|(name, _)| self.all || !name.starts_with(b".")).collect();
        if let Some(glob) = self.given.value('I') {
            chosen.retain(|(name, _)| !super::glob::matches(glob, name));
        }
        if self.given.has('L') {
            for (name, metadata) in &mut chosen {
                if let Ok(followed) = process.files().stat(&[directory, b"/", name].concat()) {
                    *metadata = followed;
                }
            }
        }
        self.sort(&mut chosen);
        if self.dots {
            let dot = |name: &[u8]| process.files().stat(&[directory, b"/", name].concat()).ok().map(|metadata| (name.to_vec(), metadata));
            let at = if self.given.has('r') { chosen.len() } else { 0 };
            chosen.splice(at..at, [dot(b"."), dot(b"..")].into_iter().flatten());
        }
        chosen
    }

    fn sort(&self, entries: &mut [Entry]) {
        if self.given.has('U') || self.given.has('f') {
            return;
        }
        let sort_key = self.given.value('\u{5}').unwrap_or_default();
        // The C.UTF-8 locale sorts by byte, which is what both personas have.
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        if self.given.has('t') || sort_key == b"time" {
            entries.sort_by_key(|(_, metadata)| std::cmp::Reverse(metadata.modified));
        } else if self.given.has('S') || sort_key == b"size" {
            entries.sort_by_key(|(_, metadata)| std::cmp::Reverse(metadata.size));
        } else if self.given.has('X') || sort_key == b"extension" {
            entries.sort_by_key(|(name, _)| name.iter().rposition(|b| *b == b'.').map(|at| name[at..].to_vec()));
        }
        if self.given.has('r') {
            entries.reverse();
        }
        if self.given.has('\u{4}') {
            entries.sort_by_key(|(_, metadata)| metadata.kind != Kind::Directory);
        }
    }

    async fn print(&self, process: &mut Process, directory: &[u8], entries: &[Entry]) -> Result<(), Stop> {
        if self.long {
            return self.print_long(process, directory, entries).await;
        }
        let cells: Vec<(Vec<u8>, usize)> = entries.iter().map(|(name, metadata)| self.cell(name, metadata)).collect();
        if self.single {
            for (text, _) in cells {
                process.out([&text[..], b"\n"].concat()).await?;
            }
            return Ok(());
        }
        if self.given.has('m') {
            let texts: Vec<Vec<u8>> = cells.into_iter().map(|(text, _)| text).collect();
            return process.out([&texts.join(&b", "[..])[..], b"\n"].concat()).await;
        }
        process.out(columns(&cells, self.width)).await
    }

    /// A name as shown, and its width on the screen.
    fn cell(&self, name: &[u8], metadata: &Metadata) -> (Vec<u8>, usize) {
        let mut text = Vec::new();
        if self.given.has('i') {
            text.extend_from_slice(format!("{:>7} ", metadata.inode).as_bytes());
        }
        if self.given.has('s') {
            text.extend_from_slice(format!("{} ", blocks_kb(metadata)).as_bytes());
        }
        let mut shown = if self.given.has('Q') { [b"\"", name, b"\""].concat() } else { name.to_vec() };
        let mut width = text.len() + String::from_utf8_lossy(&shown).chars().count();
        if self.colors
            && let Some(code) = color(name, metadata)
        {
            shown = [format!("\x1b[{code}m").as_bytes(), &shown, b"\x1b[0m"].concat();
        }
        text.extend_from_slice(&shown);
        let mark = match metadata.kind {
            Kind::Directory => Some(b'/'),
            _ if self.given.has('p') && !self.given.has('F') => None,
            Kind::Symlink => Some(b'@'),
            Kind::Fifo => Some(b'|'),
            Kind::Socket => Some(b'='),
            Kind::File if metadata.mode & 0o111 != 0 => Some(b'*'),
            _ => None,
        };
        if (self.given.has('F') || self.given.has('p')) && !(self.long && metadata.kind == Kind::Symlink) {
            text.extend(mark);
            width += usize::from(mark.is_some());
        }
        (text, width)
    }

    async fn print_long(&self, process: &mut Process, directory: &[u8], entries: &[Entry]) -> Result<(), Stop> {
        let Some(accounts) = &self.accounts else { return Ok(()) };
        let numeric = self.given.has('n');
        let user = |uid: u32| if numeric { uid.to_string().into_bytes() } else { accounts.user_name(uid) };
        let group = |gid: u32| if numeric { gid.to_string().into_bytes() } else { accounts.group_name(gid) };
        let size = |metadata: &Metadata| match metadata.kind {
            Kind::CharacterDevice | Kind::BlockDevice => format!("{}, {:>3}", metadata.device.0, metadata.device.1),
            _ if self.given.has('h') => human(metadata.size),
            _ => metadata.size.to_string(),
        };
        let busybox = process.busybox();
        let widest = |f: &dyn Fn(&Metadata) -> usize| entries.iter().map(|(_, metadata)| f(metadata)).max().unwrap_or(0);
        let (links, users, groups, sizes) = if busybox {
            (4, 8, 8, 9)
        } else {
            (
                widest(&|m| m.links.to_string().len()),
                widest(&|m| user(m.uid).len()),
                widest(&|m| group(m.gid).len()),
                widest(&|m| size(m).len()),
            )
        };
        for (name, metadata) in entries {
            let mut line = Vec::new();
            if self.given.has('i') {
                line.extend_from_slice(format!("{:>7} ", metadata.inode).as_bytes());
            }
            if self.given.has('s') {
                line.extend_from_slice(format!("{:>4} ", blocks_kb(metadata)).as_bytes());
            }
            line.extend_from_slice(format!("{} {:>links$} ", metadata.mode_text(), metadata.links).as_bytes());
            if !self.given.has('g') {
                pad(&mut line, &user(metadata.uid), users);
            }
            if !self.given.has('o') && !self.given.has('G') {
                pad(&mut line, &group(metadata.gid), groups);
            }
            line.extend_from_slice(format!("{:>sizes$} {} ", size(metadata), self.time(process, metadata)).as_bytes());
            line.extend_from_slice(&self.name_only(name, metadata));
            if metadata.kind == Kind::Symlink {
                let path = if directory.is_empty() { name.clone() } else { [directory, b"/", name].concat() };
                match process.files().read_link(&path) {
                    Ok(target) => line.extend_from_slice(&[b" -> ", &target[..]].concat()),
                    Err(errno) => {
                        if directory.is_empty() || errno == Errno::Eacces {
                            self.complain(process, b"cannot read symbolic link ", &path, errno).await?;
                        }
                    }
                }
            }
            line.push(b'\n');
            process.out(line).await?;
        }
        Ok(())
    }

    fn name_only(&self, name: &[u8], metadata: &Metadata) -> Vec<u8> {
        let (text, _) = self.cell(name, metadata);
        let prefix =
            if self.given.has('i') { 8 } else { 0 } + if self.given.has('s') { blocks_kb(metadata).to_string().len() + 1 } else { 0 };
        text.get(prefix..).unwrap_or_default().to_vec()
    }

    fn time(&self, process: &Process, metadata: &Metadata) -> String {
        let time = if self.given.has('u') {
            metadata.accessed
        } else if self.given.has('c') {
            metadata.changed
        } else {
            metadata.modified
        };
        if self.given.has('\u{3}') || self.given.value('\u{6}') == Some(b"full-iso") {
            return strftime("%Y-%m-%d %H:%M:%S.%N %z", time);
        }
        if self.given.value('\u{6}') == Some(b"long-iso") {
            return strftime("%Y-%m-%d %H:%M", time);
        }
        let age = process.now().seconds() - time.seconds();
        // Half a Gregorian year: older files, and those of the future, show the year.
        if (-60..15_778_476).contains(&age) { strftime("%b %e %H:%M", time) } else { strftime("%b %e  %Y", time) }
    }
}

fn pad(line: &mut Vec<u8>, text: &[u8], width: usize) {
    line.extend_from_slice(text);
    line.resize(line.len() + width.saturating_sub(text.len()) + 1, b' ');
}

/// Names in columns, down then across, two spaces between, as narrow as fits.
fn columns(cells: &[(Vec<u8>, usize)], width: usize) -> Vec<u8> {
    let mut out = Vec::new();
    if cells.is_empty() {
        return out;
    }
    let layout = |rows: usize| -> Vec<usize> {
        cells.chunks(rows).map(|column| column.iter().map(|(_, width)| *width).max().unwrap_or(0) + 2).collect()
    };
    let total: usize = cells.iter().map(|(_, width)| width + 2).sum();
    let mut rows = (total / width.max(1)).max(1).min(cells.len());
    while rows < cells.len() && layout(rows).iter().sum::<usize>() > width + 2 {
        rows += 1;
    }
    let widths = layout(rows);
    for row in 0..rows {
        for (column, cell_width) in widths.iter().enumerate() {
            let Some((text, shown)) = cells.get(column * rows + row) else { continue };
            out.extend_from_slice(text);
            if cells.get((column + 1) * rows + row).is_some() {
                out.resize(out.len() + cell_width - shown, b' ');
            }
        }
        out.push(b'\n');
    }
    out
}

/// `dircolors`' defaults.
fn color(name: &[u8], metadata: &Metadata) -> Option<&'static str> {
    Some(match metadata.kind {
        Kind::Directory if metadata.mode & 0o1002 == 0o1002 => "30;42",
        Kind::Directory => "01;34",
        Kind::Symlink => "01;36",
        Kind::Fifo => "40;33",
        Kind::Socket => "01;35",
        Kind::CharacterDevice | Kind::BlockDevice => "40;33;01",
        Kind::File if metadata.mode & 0o4000 != 0 => "37;41",
        Kind::File if metadata.mode & 0o111 != 0 => "01;32",
        Kind::File if [&b".gz"[..], b".tar", b".tgz", b".zip", b".bz2", b".xz"].iter().any(|end| name.ends_with(end)) => "01;31",
        Kind::File => return None,
    })
}

/// The space a file takes, in kB, in blocks of 4 kB.
pub(super) fn blocks_kb(metadata: &Metadata) -> u64 {
    match metadata.kind {
        Kind::File | Kind::Directory => metadata.size.div_ceil(4096) * 4,
        _ => 0,
    }
}

/// A size as `-h` prints it: one decimal below ten, rounded up.
pub(super) fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut value = bytes as f64;
    for unit in ["K", "M", "G", "T", "P"] {
        value /= 1024.0;
        let tenths = (value * 10.0).ceil();
        if tenths < 100.0 {
            return format!("{:.1}{unit}", tenths / 10.0);
        }
        if value.ceil() < 1024.0 {
            return format!("{}{unit}", value.ceil());
        }
    }
    format!("{}E", (value / 1024.0).ceil())
}
