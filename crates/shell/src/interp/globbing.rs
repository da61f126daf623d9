//! File names for wildcards.

use super::{Field, Flow, Shell};
use crate::fs::Kind;
use crate::glob::Pattern;

/// File names one word may become.
const NAMES_MAX: usize = 65_536;

/// Directories one word may look into.
const DIRECTORIES_MAX: usize = 4_096;

impl Shell {
    /// The file names a field stands for, else the field itself.
    pub(super) async fn file_names(&mut self, field: Field, all: &mut Vec<Vec<u8>>) -> Result<(), Flow> {
        let extended = self.options.shopt("extglob").unwrap_or(false);
        if self.options.on("noglob") || !(field.has_wildcards() || extended && field.text.contains(&b'(')) {
            all.push(field.text);
            return Ok(());
        }
        let mut names = self.matching(&field, extended).await?;
        if names.is_empty() {
            if self.options.shopt("failglob") == Some(true) {
                self.complain([b"no match: ", &field.text[..]].concat()).await?;
                return Err(Flow::Abort(1));
            }
            if self.options.shopt("nullglob") != Some(true) {
                all.push(field.text);
            }
            return Ok(());
        }
        names.sort();
        all.append(&mut names);
        Ok(())
    }

    async fn matching(&mut self, field: &Field, extended: bool) -> Result<Vec<Vec<u8>>, Flow> {
        let files = self.process.files();
        let dots = self.options.shopt("dotglob") == Some(true);
        let deep = self.options.shopt("globstar") == Some(true);
        let (text, quoted) = (&field.text, &field.quoted);
        let mut found: Vec<Vec<u8>> = vec![Vec::new()];
        let mut at = 0;
        let mut looked = 0;
        while at < text.len() {
            // Slashes are kept as written.
            let slashes = text[at..].iter().take_while(|b| **b == b'/').count();
            for path in &mut found {
                path.extend_from_slice(&text[at..at + slashes]);
            }
            at += slashes;
            let length = text[at..].iter().take_while(|b| **b != b'/').count();
            if length == 0 {
                break;
            }
            let component = &text[at..at + length];
            let pattern = Pattern::new(component, &quoted[at.min(quoted.len())..(at + length).min(quoted.len())], extended);
            at += length;
            let last = at == text.len();
            let everything = deep && component == b"**";
            let mut next = Vec::new();
            for path in found {
                if let Some(literal) = pattern.literal() {
                    let path = [&path[..], &literal].concat();
                    if files.lstat(&path).is_ok() {
                        next.push(path);
                    }
                    continue;
                }
                looked += 1;
                if looked > DIRECTORIES_MAX || next.len() > NAMES_MAX {
                    break;
                }
                if everything {
                    descend(&files, &path, last, &mut next, &mut looked);
                    continue;
                }
                let directory: &[u8] = if path.is_empty() { b"." } else { &path };
                let Ok(entries) = files.list(directory) else { continue };
                self.process.charge(1 + entries.len() as u64 / 16).await?;
                for (name, metadata) in entries {
                    let hidden = name.starts_with(b".") && (pattern.begins_wild() && !dots);
                    let enterable = last || matches!(metadata.kind, Kind::Directory | Kind::Symlink);
                    if !hidden && enterable && pattern.matches(&name) {
                        next.push([&path[..], &name].concat());
                    }
                }
            }
            found = next;
        }
        Ok(found)
    }
}

/// `**`: everything below a directory.
fn descend(files: &crate::Files, path: &[u8], leaves: bool, next: &mut Vec<Vec<u8>>, looked: &mut usize) {
    let mut open = vec![path.to_vec()];
    if !leaves {
        next.push(path.to_vec());
    }
    while let Some(path) = open.pop() {
        *looked += 1;
        if *looked > DIRECTORIES_MAX || next.len() > NAMES_MAX {
            return;
        }
        let directory: &[u8] = if path.is_empty() { b"." } else { &path };
        for (name, metadata) in files.list(directory).unwrap_or_default() {
            if name.starts_with(b".") {
                continue;
            }
            let child = [&path[..], &name].concat();
            if metadata.kind == Kind::Directory {
                open.push([&child[..], b"/"].concat());
            }
            if leaves || metadata.kind == Kind::Directory {
                next.push(child);
            }
        }
    }
}
