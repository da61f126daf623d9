//! The contents of files that a persona lists by name and size only: the same bytes at every reading, of the right kind.

/// What is to be made up.
pub(super) struct Subject<'a> {
    /// The path it is listed by: it decides on the kind of contents and seeds them.
    pub path: &'a [u8],
    pub size: u64,
    /// The host's architecture as `uname -m` calls it.
    pub machine: &'a str,
}

const BLOCK_BYTES: u64 = 4096;

const WORDS: &[&str] = &[
    "the",
    "option",
    "default",
    "value",
    "is",
    "set",
    "to",
    "file",
    "for",
    "a",
    "list",
    "of",
    "system",
    "when",
    "this",
    "path",
    "and",
    "use",
    "service",
    "name",
    "with",
    "not",
    "if",
    "update",
    "package",
    "by",
    "see",
    "or",
    "entry",
    "version",
    "configuration",
    "local",
];

/// The bytes from `offset`, at most `count`, never beyond the file's size.
pub(super) fn range(subject: &Subject<'_>, offset: u64, count: usize) -> Vec<u8> {
    let end = offset.saturating_add(count as u64).min(subject.size);
    if offset >= end {
        return Vec::new();
    }
    let head = head(subject);
    let mut bytes = Vec::with_capacity((end - offset) as usize);
    let mut at = offset;
    while at < end {
        let block = at / BLOCK_BYTES;
        let content = block_bytes(subject, block, &head);
        let start = (at % BLOCK_BYTES) as usize;
        let stop = ((end - block * BLOCK_BYTES).min(BLOCK_BYTES)) as usize;
        bytes.extend_from_slice(&content[start..stop]);
        at = (block + 1) * BLOCK_BYTES;
    }
    bytes
}

enum Sort {
    Elf,
    Gzip,
    Png,
    Text,
    Binary,
}

fn sort(path: &[u8]) -> Sort {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
    let ends = |suffix: &[u8]| name.ends_with(suffix);
    let has = |part: &[u8]| memchr::memmem::find(path, part).is_some();
    if ends(b".gz") || ends(b".tgz") || ends(b".xz") || ends(b".img") || has(b"/initrd") {
        Sort::Gzip
    } else if ends(b".png") || ends(b".ico") || ends(b".jpg") {
        Sort::Png
    } else if memchr::memmem::find(name, b".so").is_some()
        || ends(b".ko")
        || has(b"/bin/")
        || has(b"/sbin/")
        || has(b"/lib/systemd/systemd")
    {
        Sort::Elf
    } else if ends(b".db") || ends(b".ibd") || ends(b".mo") || ends(b".cache") || ends(b".bin") || ends(b".squashfs") || has(b"/vmlinuz") {
        Sort::Binary
    } else {
        Sort::Text
    }
}

fn head(subject: &Subject<'_>) -> Vec<u8> {
    match sort(subject.path) {
        Sort::Elf => elf_header(subject),
        Sort::Gzip => vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3],
        Sort::Png => b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
        Sort::Text | Sort::Binary => Vec::new(),
    }
}

fn block_bytes(subject: &Subject<'_>, block: u64, head: &[u8]) -> Vec<u8> {
    let mut state = mix(seed(subject.path) ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bytes = Vec::with_capacity(BLOCK_BYTES as usize + 8);
    if let Sort::Text = sort(subject.path) {
        let mut column = 0;
        while bytes.len() < BLOCK_BYTES as usize {
            state = mix(state);
            let word = WORDS[(state % WORDS.len() as u64) as usize];
            bytes.extend_from_slice(word.as_bytes());
            column += word.len() + 1;
            bytes.push(if column > 66 { b'\n' } else { b' ' });
            column = if column > 66 { 0 } else { column };
        }
    } else {
        while bytes.len() < BLOCK_BYTES as usize {
            state = mix(state);
            bytes.extend_from_slice(&state.to_le_bytes());
        }
    }
    bytes.truncate(BLOCK_BYTES as usize);
    if block == 0 {
        let count = head.len().min(bytes.len());
        bytes[..count].copy_from_slice(&head[..count]);
    }
    bytes
}

/// SplitMix64's finalizer (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A program that does not exist: an ELF header and noise, the same for the same name.
pub(crate) fn made_up_program(name: &[u8], size: u64, machine: &str) -> Vec<u8> {
    let path = [b"/bin/", &hex::encode(name).into_bytes()[..]].concat();
    range(&Subject { path: &path, size, machine }, 0, usize::MAX)
}

/// FNV-1a of the path.
fn seed(path: &[u8]) -> u64 {
    path.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// An ELF file header (System V ABI, chapter 4) and the interpreter's name: what bots read to learn the architecture.
fn elf_header(subject: &Subject<'_>) -> Vec<u8> {
    // (class, byte order, e_machine, e_flags, interpreter)
    let (class, big, machine, flags, interpreter): (u8, bool, u16, u32, &str) = match subject.machine {
        "x86_64" => (2, false, 62, 0, "/lib64/ld-linux-x86-64.so.2"),
        "aarch64" => (2, false, 183, 0, "/lib/ld-linux-aarch64.so.1"),
        "i686" | "i586" | "i386" => (1, false, 3, 0, "/lib/ld-linux.so.2"),
        "mips" => (1, true, 8, 0x7000_1005, "/lib/ld-uClibc.so.0"),
        "mipsel" => (1, false, 8, 0x7000_1005, "/lib/ld-uClibc.so.0"),
        m if m.starts_with("arm") => (1, false, 40, 0x0500_0200, "/lib/ld-uClibc.so.0"),
        _ => (1, false, 40, 0x0500_0200, "/lib/ld-linux.so.3"),
    };
    let u16b = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let u32b = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let wide = class == 2;
    let word = |value: u64| -> Vec<u8> {
        match (wide, big) {
            (true, true) => value.to_be_bytes().to_vec(),
            (true, false) => value.to_le_bytes().to_vec(),
            (false, _) => u32b(value as u32).to_vec(),
        }
    };
    let position_independent = wide;
    let (header_bytes, program_bytes, section_bytes): (u16, u16, u16) = if wide { (64, 56, 64) } else { (52, 32, 40) };
    let sections = 28u16;
    let section_offset = subject.size.saturating_sub(u64::from(sections) * u64::from(section_bytes)) & !7;
    let entry = 0x1000 + (seed(subject.path) & 0x3ff0) + if position_independent { 0 } else { 0x0040_0000 };
    let mut header = vec![0x7f, b'E', b'L', b'F', class, if big { 2 } else { 1 }, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header.extend(u16b(if position_independent { 3 } else { 2 }));
    header.extend(u16b(machine));
    header.extend(u32b(1));
    header.extend(word(entry));
    header.extend(word(u64::from(header_bytes)));
    header.extend(word(section_offset));
    header.extend(u32b(flags));
    for value in [header_bytes, program_bytes, 9, section_bytes, sections, sections - 1] {
        header.extend(u16b(value));
    }
    // The rest of the first page: program headers are left zero, the interpreter's name is where `strings` expects it.
    header.resize(0x238, 0);
    header.extend_from_slice(interpreter.as_bytes());
    header.push(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(machine: &'static str) -> Subject<'static> {
        Subject { path: b"/bin/echo", size: 10_000, machine }
    }

    #[test]
    fn ranges_agree_with_the_whole() {
        let subject = subject("x86_64");
        let whole = range(&subject, 0, usize::MAX);
        assert_eq!(whole.len(), 10_000);
        for (offset, count) in [(0, 52), (4090, 20), (9_990, 100), (10_000, 1)] {
            let end = (offset + count).min(whole.len());
            assert_eq!(range(&subject, offset as u64, count), whole[offset..end]);
        }
    }

    #[test]
    fn the_header_tells_the_architecture() {
        for (machine, class, order, code) in
            [("x86_64", 2, 1, [62, 0]), ("mips", 1, 2, [0, 8]), ("mipsel", 1, 1, [8, 0]), ("armv7l", 1, 1, [40, 0])]
        {
            let header = range(&subject(machine), 0, 52);
            assert_eq!(&header[..6], [0x7f, b'E', b'L', b'F', class, order], "{machine}");
            assert_eq!(header[18..20], code, "{machine}");
        }
    }
}
