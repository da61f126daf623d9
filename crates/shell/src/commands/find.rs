//! `find`: search a directory tree.

use super::accounts::Accounts;
use super::glob;
use super::options::number;
use super::pattern::{Syntax, compile};
use super::source::quoted;
use super::time::strftime;
use crate::command::{Launch, Outcome, Process, Stop};
use crate::{Errno, Kind, Metadata, Status};
use regex::bytes::Regex;

/// Files one `find` looks at.
const FILES_MAX: usize = 100_000;
/// Tests and actions of one expression.
const TERMS_MAX: usize = 1_000;
/// Paths one `-exec … +` gathers.
const GATHERED_MAX: usize = 10_000;

/// A number with `+` (more) or `-` (less) before it.
#[derive(Clone, Copy)]
struct Compare {
    sign: i8,
    value: i64,
}

impl Compare {
    fn parse(text: &[u8]) -> Option<Compare> {
        let (sign, digits) = match text.first()? {
            b'+' => (1, &text[1..]),
            b'-' => (-1, &text[1..]),
            _ => (0, text),
        };
        Some(Compare { sign, value: i64::try_from(number(digits)?).ok()? })
    }

    fn fits(self, value: i64) -> bool {
        match self.sign {
            1 => value > self.value,
            -1 => value < self.value,
            _ => value == self.value,
        }
    }
}

enum Test {
    Always(bool),
    Name(Vec<u8>, bool),
    Path(Vec<u8>, bool),
    Regex(Regex),
    Kind(Vec<Kind>),
    Permissions(u32, u8),
    Size(Compare, u64),
    Age(Compare, char, i64),
    Newer(i64),
    User(u32),
    Group(u32),
    Links(Compare),
    Inode(Compare),
    Empty,
    Access(u32),
    Orphan,
    Print(u8),
    Format(Vec<u8>),
    List,
    Delete,
    Prune,
    Quit,
    Exec(Vec<Vec<u8>>, bool),
    Gather(Vec<Vec<u8>>, usize),
}

/// An expression as a tree in a vector: children by index, so that no nesting recurses deeply in memory we do not bound.
enum Node {
    Test(Test),
    Not(usize),
    And(usize, usize),
    Or(usize, usize),
    Comma(usize, usize),
}

struct Parser<'a> {
    words: &'a [Vec<u8>],
    at: usize,
    nodes: Vec<Node>,
    depth: usize,
    gathers: usize,
    acts: bool,
    depth_first: bool,
    depth_min: usize,
    depth_max: usize,
    now: i64,
    accounts: Accounts,
    process: &'a Process,
}

type Wrong = Vec<u8>;

impl Parser<'_> {
    fn push(&mut self, node: Node) -> Result<usize, Wrong> {
        if self.nodes.len() >= TERMS_MAX {
            return Err(b"too many expressions".to_vec());
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn peek(&self) -> Option<&[u8]> {
        self.words.get(self.at).map(Vec::as_slice)
    }

    fn comma(&mut self) -> Result<usize, Wrong> {
        let mut left = self.or()?;
        while self.peek() == Some(b",") {
            self.at += 1;
            let right = self.or()?;
            left = self.push(Node::Comma(left, right))?;
        }
        Ok(left)
    }

    fn or(&mut self) -> Result<usize, Wrong> {
        let mut left = self.and()?;
        while matches!(self.peek(), Some(b"-o" | b"-or")) {
            self.at += 1;
            let right = self.and()?;
            left = self.push(Node::Or(left, right))?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<usize, Wrong> {
        let mut left = self.not()?;
        while let Some(word) = self.peek() {
            match word {
                b"-o" | b"-or" | b"," | b")" => break,
                b"-a" | b"-and" => self.at += 1,
                _ => {}
            }
            let right = self.not()?;
            left = self.push(Node::And(left, right))?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<usize, Wrong> {
        self.depth += 1;
        if self.depth > 100 {
            return Err(b"expression nested too deeply".to_vec());
        }
        let node = match self.peek() {
            Some(b"!" | b"-not") => {
                self.at += 1;
                let inner = self.not()?;
                self.push(Node::Not(inner))
            }
            Some(b"(") => {
                self.at += 1;
                let inner = self.comma()?;
                if self.peek() != Some(b")") {
                    return Err(b"invalid expression; I was expecting to find a ')' somewhere but did not see one.".to_vec());
                }
                self.at += 1;
                Ok(inner)
            }
            Some(b")") => Err(b"invalid expression; you have too many ')'".to_vec()),
            _ => self.primary(),
        };
        self.depth -= 1;
        node
    }

    fn value(&mut self, name: &[u8]) -> Result<Vec<u8>, Wrong> {
        let value = self.words.get(self.at).cloned().ok_or_else(|| [b"missing argument to `", name, b"'"].concat())?;
        self.at += 1;
        Ok(value)
    }

    fn compare(&mut self, name: &[u8]) -> Result<Compare, Wrong> {
        let value = self.value(name)?;
        Compare::parse(&value).ok_or_else(|| [b"invalid argument `", &value[..], b"' to `", name, b"'"].concat())
    }

    fn primary(&mut self) -> Result<usize, Wrong> {
        let Some(name) = self.words.get(self.at).cloned() else { return Err(b"expected an expression".to_vec()) };
        self.at += 1;
        let name = &name[..];
        let invalid = |value: &[u8]| [b"invalid argument `", value, b"' to `", name, b"'"].concat();
        let test = match name {
            b"-true" | b"-noleaf" | b"-follow" | b"-daystart" | b"-ignore_readdir_race" | b"-nowarn" | b"-warn" | b"-xdev" | b"-mount" => {
                Test::Always(true)
            }
            b"-false" => Test::Always(false),
            b"-name" | b"-lname" => Test::Name(self.value(name)?, false),
            b"-iname" => Test::Name(self.value(name)?.to_ascii_lowercase(), true),
            b"-path" | b"-wholename" => Test::Path(self.value(name)?, false),
            b"-ipath" | b"-iwholename" => Test::Path(self.value(name)?.to_ascii_lowercase(), true),
            b"-regextype" => {
                self.value(name)?;
                Test::Always(true)
            }
            b"-regex" | b"-iregex" => {
                let text = [b"^", &self.value(name)?[..], b"$"].concat();
                Test::Regex(compile(&text, Syntax::Basic, name == b"-iregex").map_err(|message| message.as_bytes().to_vec())?)
            }
            b"-type" | b"-xtype" => {
                let value = self.value(name)?;
                let kinds = value.split(|b| *b == b',').map(|letter| match letter {
                    b"f" => Some(Kind::File),
                    b"d" => Some(Kind::Directory),
                    b"l" => Some(Kind::Symlink),
                    b"c" => Some(Kind::CharacterDevice),
                    b"b" => Some(Kind::BlockDevice),
                    b"p" => Some(Kind::Fifo),
                    b"s" => Some(Kind::Socket),
                    _ => None,
                });
                Test::Kind(kinds.collect::<Option<_>>().ok_or_else(|| [b"Unknown argument to ", name, b": ", &value].concat())?)
            }
            b"-perm" => {
                let value = self.value(name)?;
                let (how, text) = match value.first() {
                    Some(b'-') => (b'-', &value[1..]),
                    Some(b'/' | b'+') => (b'/', &value[1..]),
                    _ => (b'=', &value[..]),
                };
                Test::Permissions(
                    super::modes::apply_mode(text, 0, false, 0).ok_or_else(|| [b"invalid mode ", &quoted(&value)[..]].concat())?,
                    how,
                )
            }
            b"-size" => {
                let value = self.value(name)?;
                let (digits, unit) = match value.last() {
                    Some(b'c') => (&value[..value.len() - 1], 1),
                    Some(b'w') => (&value[..value.len() - 1], 2),
                    Some(b'k') => (&value[..value.len() - 1], 1 << 10),
                    Some(b'M') => (&value[..value.len() - 1], 1 << 20),
                    Some(b'G') => (&value[..value.len() - 1], 1 << 30),
                    Some(b'b') => (&value[..value.len() - 1], 512),
                    _ => (&value[..], 512),
                };
                Test::Size(Compare::parse(digits).ok_or_else(|| invalid(&value))?, unit)
            }
            b"-mtime" => Test::Age(self.compare(name)?, 'm', 86_400),
            b"-atime" => Test::Age(self.compare(name)?, 'a', 86_400),
            b"-ctime" => Test::Age(self.compare(name)?, 'c', 86_400),
            b"-mmin" => Test::Age(self.compare(name)?, 'm', 60),
            b"-amin" => Test::Age(self.compare(name)?, 'a', 60),
            b"-cmin" => Test::Age(self.compare(name)?, 'c', 60),
            b"-newer" | b"-anewer" | b"-cnewer" => {
                let path = self.value(name)?;
                let metadata =
                    self.process.files().stat(&path).map_err(|errno| [&quoted(&path)[..], b": ", errno.message().as_bytes()].concat())?;
                Test::Newer(metadata.modified.0)
            }
            b"-newermt" => {
                let value = self.value(name)?;
                let time = super::time::parse_date(&String::from_utf8_lossy(&value), self.process.now()).ok_or_else(|| invalid(&value))?;
                Test::Newer(time.0)
            }
            b"-user" | b"-uid" => {
                let value = self.value(name)?;
                let id = self.accounts.user(&value).map(|user| user.uid).or_else(|| number(&value).and_then(|n| u32::try_from(n).ok()));
                Test::User(id.ok_or_else(|| [b"\xe2\x80\x98", &value[..], b"\xe2\x80\x99 is not the name of a known user"].concat())?)
            }
            b"-group" | b"-gid" => {
                let value = self.value(name)?;
                let id = self.accounts.group(&value).map(|group| group.gid).or_else(|| number(&value).and_then(|n| u32::try_from(n).ok()));
                Test::Group(id.ok_or_else(|| [b"\xe2\x80\x98", &value[..], b"\xe2\x80\x99 is not the name of an existing group"].concat())?)
            }
            b"-links" => Test::Links(self.compare(name)?),
            b"-inum" => Test::Inode(self.compare(name)?),
            b"-empty" => Test::Empty,
            b"-readable" => Test::Access(4),
            b"-writable" => Test::Access(2),
            b"-executable" => Test::Access(1),
            b"-nouser" | b"-nogroup" => Test::Orphan,
            b"-depth" | b"-d" => {
                self.depth_first = true;
                Test::Always(true)
            }
            b"-maxdepth" | b"-mindepth" => {
                let value = self.value(name)?;
                let depth = number(&value)
                    .and_then(|n| usize::try_from(n).ok())
                    .ok_or_else(|| [b"Expected a positive decimal integer argument to ", name, b", but got ", &quoted(&value)].concat())?;
                if name == b"-maxdepth" {
                    self.depth_max = depth;
                } else {
                    self.depth_min = depth;
                }
                Test::Always(true)
            }
            b"-print" | b"-print0" => {
                self.acts = true;
                Test::Print(if name == b"-print" { b'\n' } else { 0 })
            }
            b"-printf" => {
                self.acts = true;
                Test::Format(self.value(name)?)
            }
            b"-ls" => {
                self.acts = true;
                Test::List
            }
            b"-delete" => {
                self.acts = true;
                self.depth_first = true;
                Test::Delete
            }
            b"-prune" => Test::Prune,
            b"-quit" => Test::Quit,
            b"-exec" | b"-execdir" | b"-ok" => {
                self.acts = true;
                let mut command = Vec::new();
                loop {
                    let word = self.value(name)?;
                    if word == b";" {
                        break Test::Exec(command, name == b"-ok");
                    }
                    if word == b"+" && command.last().is_some_and(|last: &Vec<u8>| last == b"{}") {
                        command.pop();
                        self.gathers += 1;
                        break Test::Gather(command, self.gathers - 1);
                    }
                    command.push(word);
                }
            }
            _ if name.starts_with(b"-") && self.process.busybox() => return Err([b"unrecognized: ", name].concat()),
            _ if name.starts_with(b"-") => return Err([b"unknown predicate `", name, b"'"].concat()),
            _ => return Err([b"paths must precede expression: `", name, b"'"].concat()),
        };
        self.push(Node::Test(test))
    }
}

struct Walk {
    nodes: Vec<Node>,
    accounts: Accounts,
    gathered: Vec<Vec<Vec<u8>>>,
    prints: bool,
    now: i64,
    status: u8,
    quit: bool,
    prune: bool,
}

struct Item {
    path: Vec<u8>,
    depth: usize,
    metadata: Metadata,
    done: bool,
}

pub(super) async fn run(process: &mut Process) -> Outcome {
    let args: Vec<Vec<u8>> =
        process.operands().iter().skip_while(|arg| matches!(&arg[..], b"-H" | b"-L" | b"-P" | b"-O3")).cloned().collect();
    let follow = process.operands().first().is_some_and(|arg| arg == b"-L");
    let first =
        args.iter().position(|arg| (arg.starts_with(b"-") && arg.len() > 1) || matches!(&arg[..], b"!" | b"(")).unwrap_or(args.len());
    let mut roots = args[..first].to_vec();
    if roots.is_empty() {
        roots.push(b".".to_vec());
    }
    let parsed = {
        let mut parser = Parser {
            words: &args[first..],
            at: 0,
            nodes: Vec::new(),
            depth: 0,
            gathers: 0,
            acts: false,
            depth_first: false,
            depth_min: 0,
            depth_max: usize::MAX,
            now: process.now().seconds(),
            accounts: Accounts::read(process),
            process,
        };
        let root = if first < args.len() { parser.comma() } else { parser.push(Node::Test(Test::Always(true))) };
        let root = root.and_then(|root| {
            if parser.at < parser.words.len() { Err(b"invalid expression; you have too many ')'".to_vec()) } else { Ok(root) }
        });
        root.map(|root| {
            let Parser { nodes, acts, depth_first, depth_min, depth_max, gathers, accounts, now, .. } = parser;
            let walk =
                Walk { nodes, accounts, gathered: vec![Vec::new(); gathers], prints: !acts, now, status: 0, quit: false, prune: false };
            (walk, root, depth_first, depth_min, depth_max)
        })
    };
    let (mut walk, root, depth_first, depth_min, depth_max) = match parsed {
        Ok(parsed) => parsed,
        Err(message) => {
            process.complain(message).await?;
            return Ok(1);
        }
    };
    let mut seen = 0;
    for start in roots {
        let metadata = match if follow { process.files().stat(&start) } else { process.files().lstat(&start) } {
            Ok(metadata) => metadata,
            Err(errno) => {
                complain(process, &start, errno).await?;
                walk.status = 1;
                continue;
            }
        };
        let mut pending = vec![Item { path: start, depth: 0, metadata, done: false }];
        while let Some(item) = pending.pop() {
            process.charge(1).await?;
            seen += 1;
            if walk.quit || seen > FILES_MAX {
                break;
            }
            let directory = item.metadata.kind == Kind::Directory;
            if item.done || !depth_first || !directory {
                walk.prune = false;
                if item.depth >= depth_min {
                    walk.visit(process, root, &item).await?;
                }
            }
            if directory && !item.done && item.depth < depth_max && (depth_first || !walk.prune) {
                let entries = match process.files().list(&item.path) {
                    Ok(entries) => entries,
                    Err(errno) => {
                        complain(process, &item.path, errno).await?;
                        walk.status = 1;
                        Vec::new()
                    }
                };
                let (path, depth) = (item.path.clone(), item.depth);
                if depth_first {
                    pending.push(Item { done: true, ..item });
                }
                let slash: &[u8] = if path.ends_with(b"/") { b"" } else { b"/" };
                pending.extend(entries.into_iter().rev().map(|(name, metadata)| Item {
                    path: [&path[..], slash, &name].concat(),
                    depth: depth + 1,
                    metadata,
                    done: false,
                }));
            } else if directory && !item.done && depth_first {
                pending.push(Item { done: true, ..item });
            }
        }
    }
    walk.finish(process).await?;
    Ok(walk.status)
}

async fn complain(process: &mut Process, path: &[u8], errno: Errno) -> Result<(), Stop> {
    process.flush().await?;
    let message = if process.busybox() {
        [path, b": ", errno.message().as_bytes()].concat()
    } else {
        [b"\xe2\x80\x98", path, b"\xe2\x80\x99: ", errno.message().as_bytes()].concat()
    };
    process.complain(message).await
}

impl Walk {
    /// Evaluates the expression for one file, printing it when nothing else is done with it.
    async fn visit(&mut self, process: &mut Process, root: usize, item: &Item) -> Result<(), Stop> {
        // Evaluation by hand: what is left to do, and the value of what was done last.
        enum Step {
            Value(usize),
            Negate,
            AndThen(usize),
            OrElse(usize),
        }
        let mut steps = vec![Step::Value(root)];
        let mut value = true;
        while let Some(step) = steps.pop() {
            match step {
                Step::Negate => value = !value,
                Step::AndThen(right) if value => steps.push(Step::Value(right)),
                Step::OrElse(right) if !value => steps.push(Step::Value(right)),
                Step::AndThen(_) | Step::OrElse(_) => {}
                Step::Value(index) => match self.nodes.get(index) {
                    Some(Node::Not(inner)) => steps.extend([Step::Negate, Step::Value(*inner)]),
                    Some(Node::And(left, right)) => steps.extend([Step::AndThen(*right), Step::Value(*left)]),
                    Some(Node::Or(left, right)) => steps.extend([Step::OrElse(*right), Step::Value(*left)]),
                    Some(Node::Comma(left, right)) => steps.extend([Step::Value(*right), Step::Value(*left)]),
                    Some(Node::Test(_)) => value = self.test(process, index, item).await?,
                    None => {}
                },
            }
        }
        if value && self.prints {
            process.out([&item.path[..], b"\n"].concat()).await?;
        }
        Ok(())
    }

    async fn test(&mut self, process: &mut Process, index: usize, item: &Item) -> Result<bool, Stop> {
        let Some(Node::Test(test)) = self.nodes.get(index) else { return Ok(true) };
        let metadata = &item.metadata;
        let trimmed = item.path.strip_suffix(b"/").filter(|path| !path.is_empty()).unwrap_or(&item.path);
        let name = crate::fs::base_name(trimmed);
        Ok(match test {
            Test::Always(value) => *value,
            Test::Name(pattern, true) => glob::matches(pattern, &name.to_ascii_lowercase()),
            Test::Name(pattern, false) => glob::matches(pattern, name),
            Test::Path(pattern, true) => glob::matches(pattern, &item.path.to_ascii_lowercase()),
            Test::Path(pattern, false) => glob::matches(pattern, &item.path),
            Test::Regex(regex) => regex.is_match(&item.path),
            Test::Kind(kinds) => kinds.contains(&metadata.kind),
            Test::Permissions(bits, b'-') => metadata.mode & bits == *bits,
            Test::Permissions(bits, b'/') => *bits == 0 || metadata.mode & bits != 0,
            Test::Permissions(bits, _) => metadata.mode == *bits,
            Test::Size(compare, unit) => compare.fits(i64::try_from(metadata.size.div_ceil(*unit)).unwrap_or(i64::MAX)),
            Test::Age(compare, which, unit) => {
                let time = match which {
                    'a' => metadata.accessed,
                    'c' => metadata.changed,
                    _ => metadata.modified,
                };
                compare.fits((self.now - time.seconds()).div_euclid(*unit))
            }
            Test::Newer(than) => metadata.modified.0 > *than,
            Test::User(uid) => metadata.uid == *uid,
            Test::Group(gid) => metadata.gid == *gid,
            Test::Links(compare) => compare.fits(i64::from(metadata.links)),
            Test::Inode(compare) => compare.fits(i64::try_from(metadata.inode).unwrap_or(i64::MAX)),
            Test::Empty => match metadata.kind {
                Kind::Directory => process.files().list(&item.path).is_ok_and(|entries| entries.is_empty()),
                Kind::File => metadata.size == 0,
                _ => false,
            },
            Test::Access(bits) => process.files().access(&item.path, *bits).is_ok(),
            Test::Orphan => self.accounts.by_uid(metadata.uid).is_none(),
            Test::Print(end) => {
                let line = [&item.path[..], &[*end]].concat();
                process.out(line).await?;
                true
            }
            Test::Format(format) => {
                let text = self.format(process, format, item);
                process.out(text).await?;
                true
            }
            Test::List => {
                let size = super::ls::blocks_kb(metadata);
                let link = if metadata.kind == Kind::Symlink {
                    process.files().read_link(&item.path).map(|t| [b" -> ", &t[..]].concat()).unwrap_or_default()
                } else {
                    Vec::new()
                };
                let head = format!(
                    "{:>9} {size:>6} {} {:>3} {:<8} {:<8} {:>8} {} ",
                    metadata.inode,
                    metadata.mode_text(),
                    metadata.links,
                    String::from_utf8_lossy(&self.accounts.user_name(metadata.uid)),
                    String::from_utf8_lossy(&self.accounts.group_name(metadata.gid)),
                    metadata.size,
                    strftime("%b %e %H:%M", metadata.modified)
                );
                process.out([head.as_bytes(), &item.path, &link, b"\n"].concat()).await?;
                true
            }
            Test::Delete => {
                let files = process.files();
                let result = if metadata.kind == Kind::Directory { files.remove_directory(&item.path) } else { files.remove(&item.path) };
                if let Err(errno) = result
                    && item.path != b"."
                {
                    let message = [b"cannot delete \xe2\x80\x98", &item.path[..], b"\xe2\x80\x99: ", errno.message().as_bytes()].concat();
                    process.complain(message).await?;
                    self.status = 1;
                }
                result.is_ok()
            }
            Test::Prune => {
                self.prune = true;
                true
            }
            Test::Quit => {
                self.quit = true;
                true
            }
            Test::Exec(command, asks) => {
                let args: Vec<Vec<u8>> = command.iter().map(|word| fill(word, &item.path)).collect();
                if *asks {
                    let question = [b"< ", &args.join(&b' ')[..], b" > ? "].concat();
                    process.err(question).await?;
                    if !process.read_line().await?.is_some_and(|line| matches!(line.first(), Some(b'y' | b'Y'))) {
                        return Ok(false);
                    }
                }
                execute(process, args).await?
            }
            Test::Gather(command, slot) => {
                let (command, slot) = (command.clone(), *slot);
                let full = match self.gathered.get_mut(slot) {
                    Some(paths) => {
                        paths.push(item.path.clone());
                        paths.len() >= GATHERED_MAX
                    }
                    None => false,
                };
                if full {
                    let paths = self.gathered.get_mut(slot).map(std::mem::take).unwrap_or_default();
                    execute(process, [command, paths].concat()).await?;
                }
                true
            }
        })
    }

    /// Runs what `-exec … +` has gathered.
    async fn finish(&mut self, process: &mut Process) -> Result<(), Stop> {
        let commands: Vec<(Vec<Vec<u8>>, usize)> = self
            .nodes
            .iter()
            .filter_map(|node| match node {
                Node::Test(Test::Gather(command, slot)) => Some((command.clone(), *slot)),
                _ => None,
            })
            .collect();
        for (command, slot) in commands {
            let paths = self.gathered.get_mut(slot).map(std::mem::take).unwrap_or_default();
            if !paths.is_empty() && !execute(process, [command, paths].concat()).await? {
                self.status = 1;
            }
        }
        Ok(())
    }

    /// `-printf`.
    fn format(&self, process: &Process, format: &[u8], item: &Item) -> Vec<u8> {
        let metadata = &item.metadata;
        let mut out = Vec::new();
        let mut bytes = format.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' => match bytes.next() {
                    Some(b'n') => out.push(b'\n'),
                    Some(b't') => out.push(b'\t'),
                    Some(b'0') => out.push(0),
                    Some(b'\\') | None => out.push(b'\\'),
                    Some(other) => out.extend([b'\\', other]),
                },
                b'%' => {
                    let mut width = Vec::new();
                    while bytes.peek().is_some_and(|b| b.is_ascii_digit() || *b == b'-') && width.len() < 4 {
                        width.extend(bytes.next());
                    }
                    let name = crate::fs::base_name(&item.path);
                    let parent = item.path.strip_suffix(name).and_then(|p| p.strip_suffix(b"/")).unwrap_or(b".");
                    let text = match bytes.next() {
                        Some(b'p') => item.path.clone(),
                        Some(b'P') => item.path.splitn(2, |b| *b == b'/').nth(1).unwrap_or_default().to_vec(),
                        Some(b'f') => name.to_vec(),
                        Some(b'h') => parent.to_vec(),
                        Some(b's') => metadata.size.to_string().into_bytes(),
                        Some(b'k') => super::ls::blocks_kb(metadata).to_string().into_bytes(),
                        Some(b'm') => format!("{:o}", metadata.mode).into_bytes(),
                        Some(b'M') => metadata.mode_text().into_bytes(),
                        Some(b'u') => self.accounts.user_name(metadata.uid),
                        Some(b'g') => self.accounts.group_name(metadata.gid),
                        Some(b'U') => metadata.uid.to_string().into_bytes(),
                        Some(b'G') => metadata.gid.to_string().into_bytes(),
                        Some(b'y') => match metadata.kind {
                            Kind::File => b"f".to_vec(),
                            kind => kind.letter().to_string().into_bytes(),
                        },
                        Some(b'l') => process.files().read_link(&item.path).unwrap_or_default(),
                        Some(b'd') => item.depth.to_string().into_bytes(),
                        Some(b'n') => metadata.links.to_string().into_bytes(),
                        Some(b'i') => metadata.inode.to_string().into_bytes(),
                        Some(b't') => strftime("%a %b %e %H:%M:%S.%N %Y", metadata.modified).into_bytes(),
                        Some(b'T') => match bytes.next() {
                            Some(b'@') => {
                                format!("{}.{:06}0000", metadata.modified.seconds(), metadata.modified.0.rem_euclid(1_000_000)).into_bytes()
                            }
                            Some(b'+') => strftime("%F+%T.%N", metadata.modified).into_bytes(),
                            Some(letter) => strftime(&format!("%{}", char::from(letter)), metadata.modified).into_bytes(),
                            None => Vec::new(),
                        },
                        Some(b'%') => b"%".to_vec(),
                        Some(other) => vec![b'%', other],
                        None => b"%".to_vec(),
                    };
                    let (left, digits) = match width.strip_prefix(b"-") {
                        Some(digits) => (true, digits.to_vec()),
                        None => (false, width),
                    };
                    let gap = number(&digits).map_or(0, |width| usize::try_from(width).unwrap_or(0).min(1000).saturating_sub(text.len()));
                    let pad = vec![b' '; gap];
                    out.extend(if left { [text, pad].concat() } else { [pad, text].concat() });
                }
                other => out.push(other),
            }
        }
        out
    }
}

fn fill(word: &[u8], path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word;
    while let Some(at) = memchr::memmem::find(rest, b"{}") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(path);
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    out
}

async fn execute(process: &mut Process, args: Vec<Vec<u8>>) -> Result<bool, Stop> {
    let Some(program) = args.first().cloned() else { return Ok(false) };
    match process.launch(Launch::new(args)).await {
        Ok(task) => Ok(process.wait(&task).await == Status::Exited(0)),
        Err(errno) => {
            let message = [b"\xe2\x80\x98", &program[..], b"\xe2\x80\x99: ", errno.message().as_bytes()].concat();
            process.complain(message).await?;
            Ok(false)
        }
    }
}
