//! `scp -f`: files go out.

use super::{Broken, DEPTH_MAX, Transfer, Wire, join};
use shell::{Errno, Files, Kind, Metadata};

/// How much of a file is moved at once.
const PIECE_BYTES: usize = 32 * 1024;

/// What is still to be sent, last first.
enum Step {
    Enter(Vec<u8>, usize),
    Leave,
}

/// Sends the files asked for. Directories are walked with a list of what is left, not by recursion: their depth is the attacker's choice.
pub(super) async fn run(transfer: &Transfer, files: &Files, wire: &mut Wire) -> Result<(), Broken> {
    wire.answer().await?;
    let mut steps: Vec<Step> = transfer.paths.iter().rev().map(|path| Step::Enter(path.clone(), 0)).collect();
    while let Some(step) = steps.pop() {
        let (path, depth) = match step {
            Step::Leave => {
                wire.send(*b"E\n").await?;
                wire.answer().await?;
                continue;
            }
            Step::Enter(path, depth) => (path, depth),
        };
        let metadata = match files.stat(&path) {
            Ok(metadata) => metadata,
            Err(errno) => {
                wire.complain_of(&path, errno).await?;
                continue;
            }
        };
        match metadata.kind {
            Kind::File => file(transfer, files, &path, &metadata, wire).await?,
            Kind::Directory if transfer.recursive && depth < DEPTH_MAX => match files.list(&path) {
                Err(errno) => wire.complain_of(&path, errno).await?,
                Ok(entries) => {
                    if announce(transfer, b'D', &path, &metadata, 0, wire).await? {
                        steps.push(Step::Leave);
                        let names = entries.into_iter().map(|(name, _)| name).filter(|name| !matches!(&name[..], b"." | b".."));
                        let children: Vec<Step> = names.map(|name| Step::Enter(join(&path, &name), depth + 1)).collect();
                        steps.extend(children.into_iter().rev());
                    }
                }
            },
            _ => wire.complain(&[&path[..], b": not a regular file"].concat()).await?,
        }
    }
    Ok(())
}

async fn file(transfer: &Transfer, files: &Files, path: &[u8], metadata: &Metadata, wire: &mut Wire) -> Result<(), Broken> {
    let content = match files.read(path) {
        Ok(content) => content,
        Err(errno @ (Errno::Enoent | Errno::Eacces)) => return wire.complain_of(path, errno).await,
        Err(_) => return wire.complain_of(path, Errno::Einval).await,
    };
    if !announce(transfer, b'C', path, metadata, content.len(), wire).await? {
        return Ok(());
    }
    for piece in content.chunks(PIECE_BYTES) {
        wire.send(piece).await?;
    }
    wire.acknowledge().await?;
    wire.answer().await?;
    Ok(())
}

/// Sends the control records of a file or directory; whether the peer wants it.
async fn announce(transfer: &Transfer, kind: u8, path: &[u8], metadata: &Metadata, size: usize, wire: &mut Wire) -> Result<bool, Broken> {
    if transfer.preserve {
        let seconds = metadata.modified.seconds();
        wire.send(format!("T{seconds} 0 {seconds} 0\n")).await?;
        if !wire.answer().await? {
            return Ok(false);
        }
    }
    let name = path.rsplit(|&b| b == b'/').find(|part| !part.is_empty()).unwrap_or(b"/");
    wire.send([&[kind], format!("{:04o} {size} ", metadata.mode & 0o7777).as_bytes(), name, b"\n"].concat()).await?;
    wire.answer().await
}
