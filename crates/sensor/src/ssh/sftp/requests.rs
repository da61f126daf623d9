//! The requests of SFTP version 3, each answered as OpenSSH's `sftp-server` does.

use super::handles::{Handles, Open};
use super::site::Site;
use super::wire::{Attributes, Fields, Packet, open, packet};
use crate::ssh::connection::Connection;
use crate::ssh::upload::Upload;
use model::Timestamp;
use shell::{Errno, Files, Kind, Metadata};
use std::sync::Arc;
use std::time::SystemTime;

/// Entries in one answer to SSH_FXP_READDIR; OpenSSH's number.
const ENTRIES_MAX: usize = 100;
/// The most bytes read at once: what OpenSSH announces as `limits@openssh.com`.
const READ_BYTES_MAX: usize = super::PACKET_BYTES_MAX - 1024;
/// The extensions of OpenSSH 8.9's server and their versions.
const EXTENSIONS: [(&str, &str); 8] = [
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
];

/// A status code of section 7 with OpenSSH's text for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok = 0,
    Eof = 1,
    NoSuchFile = 2,
    PermissionDenied = 3,
    Failure = 4,
    BadMessage = 5,
    Unsupported = 8,
}

impl Status {
    const fn text(self) -> &'static str {
        match self {
            Status::Ok => "Success",
            Status::Eof => "End of file",
            Status::NoSuchFile => "No such file",
            Status::PermissionDenied => "Permission denied",
            Status::Failure => "Failure",
            Status::BadMessage => "Bad message",
            Status::Unsupported => "Operation unsupported",
        }
    }
}

/// OpenSSH's `errno_to_portable`.
impl From<Errno> for Status {
    fn from(errno: Errno) -> Status {
        match errno {
            Errno::Enoent | Errno::Enotdir | Errno::Eloop => Status::NoSuchFile,
            Errno::Eperm | Errno::Eacces => Status::PermissionDenied,
            Errno::Einval => Status::BadMessage,
            _ => Status::Failure,
        }
    }
}

type Answer = Result<Packet, Status>;

/// One client's server.
pub(super) struct Server {
    files: Arc<Files>,
    site: Arc<Site>,
    connection: Arc<Connection>,
    handles: Handles,
    greeted: bool,
}

impl Server {
    pub(super) fn new(files: Files, site: Arc<Site>, connection: Arc<Connection>) -> Server {
        Server { files: Arc::new(files), site, connection, handles: Handles::default(), greeted: false }
    }

    /// Answers one packet. An error is a rule broken in such a way that OpenSSH's server exits.
    pub(super) fn answer(&mut self, bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut fields = Fields(bytes);
        let kind = fields.u8().ok_or("empty SFTP packet")?;
        if kind == packet::INIT {
            self.greeted = true;
            let greeting = Packet::new(packet::VERSION).u32(3);
            return Ok(EXTENSIONS
                .iter()
                .fold(greeting, |p, (name, version)| p.string(name.as_bytes()).string(version.as_bytes()))
                .finish());
        }
        if !self.greeted {
            return Err("SFTP request before INIT");
        }
        let id = fields.u32().ok_or("SFTP request without an id")?;
        let answer = match self.request(kind, id, &mut fields) {
            Some(answer) => answer,
            None => return Err("SFTP request too short"),
        };
        Ok(answer.unwrap_or_else(|status| status_packet(id, status)).finish())
    }

    /// Handles a request; `None` when it lacks a field.
    fn request(&mut self, kind: u8, id: u32, fields: &mut Fields<'_>) -> Option<Answer> {
        let files = &self.files;
        let done = |result: Result<(), Errno>| result.map(|()| status_packet(id, Status::Ok)).map_err(Status::from);
        let attributes =
            |result: Result<Metadata, Errno>| result.map(|m| Packet::new(packet::ATTRS).u32(id).attributes(&m)).map_err(Status::from);
        Some(match kind {
            packet::OPEN => {
                let (path, flags, attributes) = (fields.string()?, fields.u32()?, fields.attributes()?);
                self.open(path, flags, attributes).and_then(|open| self.handle(id, open))
            }
            packet::CLOSE => match self.handles.remove(fields.string()?) {
                Some(Open::Write { upload, .. }) => done(upload.finish()),
                Some(_) => done(Ok(())),
                None => Err(Status::Failure),
            },
            packet::READ => self.read(id, fields.string()?, fields.u64()?, fields.u32()?),
            packet::WRITE => {
                let (handle, offset, data) = (fields.string()?, fields.u64()?, fields.string()?);
                match self.handles.get(handle) {
                    Some(Open::Write { upload, append }) => {
                        let offset = if *append { upload.content().len() as u64 } else { offset };
                        done(upload.write_at(offset, data))
                    }
                    _ => Err(Status::Failure),
                }
            }
            packet::LSTAT => attributes(files.lstat(&path(fields.string()?))),
            packet::STAT => attributes(files.stat(&path(fields.string()?))),
            packet::FSTAT => self.handle_metadata(fields.string()?).map(|m| Packet::new(packet::ATTRS).u32(id).attributes(&m)),
            packet::SETSTAT => {
                let (name, wanted) = (path(fields.string()?), fields.attributes()?);
                self.set_attributes(&name, wanted).map(|()| status_packet(id, Status::Ok))
            }
            packet::FSETSTAT => {
                let (handle, wanted) = (fields.string()?, fields.attributes()?);
                self.set_handle_attributes(handle, wanted).map(|()| status_packet(id, Status::Ok))
            }
            packet::OPENDIR => {
                let name = path(fields.string()?);
                self.open_directory(&name).and_then(|open| self.handle(id, open))
            }
            packet::READDIR => self.read_directory(id, fields.string()?),
            packet::REMOVE => done(files.remove(&path(fields.string()?))),
            packet::MKDIR => {
                let (name, wanted) = (path(fields.string()?), fields.attributes()?);
                done(files.make_directory(&name, wanted.mode.unwrap_or(0o777)))
            }
            packet::RMDIR => done(files.remove_directory(&path(fields.string()?))),
            packet::REALPATH => self.real_path(id, &path(fields.string()?)),
            packet::RENAME => {
                let (from, to) = (path(fields.string()?), path(fields.string()?));
                // Section 6.5: unlike rename(2), it does not replace.
                if files.lstat(&to).is_ok() { Err(Status::Failure) } else { done(files.rename(&from, &to)) }
            }
            packet::READLINK => files.read_link(&path(fields.string()?)).map(|target| name_packet(id, &target)).map_err(Status::from),
            packet::SYMLINK => {
                // OpenSSH has the two in the opposite order of the draft's, and all clients follow it (its PROTOCOL file, section 4.1).
                let (target, link) = (fields.string()?, path(fields.string()?));
                done(files.symlink(target, &link))
            }
            packet::EXTENDED => return self.extended(id, fields),
            _ => Err(Status::Unsupported),
        })
    }

    fn extended(&mut self, id: u32, fields: &mut Fields<'_>) -> Option<Answer> {
        let ok = |()| status_packet(id, Status::Ok);
        Some(match fields.string()? {
            b"posix-rename@openssh.com" => {
                let (from, to) = (path(fields.string()?), path(fields.string()?));
                self.files.rename(&from, &to).map(ok).map_err(Status::from)
            }
            b"statvfs@openssh.com" => self.file_system(id, &path(fields.string()?)),
            b"fstatvfs@openssh.com" => match self.handles.get(fields.string()?) {
                Some(Open::Read { path, .. }) => {
                    let path = path.clone();
                    self.file_system(id, &path)
                }
                Some(_) => self.file_system(id, b"/"),
                None => Err(Status::Failure),
            },
            b"hardlink@openssh.com" => {
                let (from, to) = (path(fields.string()?), path(fields.string()?));
                self.files.link(&from, &to).map(ok).map_err(Status::from)
            }
            b"fsync@openssh.com" => self.handles.get(fields.string()?).map(|_| ok(())).ok_or(Status::Failure),
            b"lsetstat@openssh.com" => {
                let (name, wanted) = (path(fields.string()?), fields.attributes()?);
                self.set_attributes(&name, wanted).map(ok)
            }
            b"limits@openssh.com" => {
                let read = READ_BYTES_MAX as u64;
                Ok(Packet::new(packet::EXTENDED_REPLY).u32(id).u64(super::PACKET_BYTES_MAX as u64).u64(read).u64(read).u64(OPEN_FILES))
            }
            b"expand-path@openssh.com" => match fields.string()? {
                b"~" => self.real_path(id, b"."),
                [b'~', b'/', rest @ ..] => self.real_path(id, rest),
                other => self.real_path(id, &path(other)),
            },
            _ => Err(Status::Unsupported),
        })
    }

    fn handle(&mut self, id: u32, open: Open) -> Answer {
        let handle = self.handles.insert(open).ok_or(Status::Failure)?;
        Ok(Packet::new(packet::HANDLE).u32(id).string(&handle))
    }

    fn open(&self, name: &[u8], flags: u32, wanted: Attributes) -> Result<Open, Status> {
        let name = path(name);
        let found = self.files.stat(&name);
        if found.as_ref().is_ok_and(|m| m.kind == Kind::Directory) {
            return Err(Status::Failure);
        }
        if flags & open::WRITE == 0 {
            return Ok(Open::Read { content: self.files.read(&name)?, path: name });
        }
        let mode = wanted.mode.unwrap_or(0o666);
        let content = match found {
            Ok(_) if flags & (open::CREATE | open::EXCLUSIVE) == open::CREATE | open::EXCLUSIVE => return Err(Status::Failure),
            Ok(_) if flags & open::TRUNCATE != 0 => Vec::new(),
            Ok(_) => self.files.read(&name)?.to_vec(),
            Err(Errno::Enoent) if flags & open::CREATE != 0 => {
                // The file is there from now on, and the client learns now if it may not be.
                self.files.write(&name, Vec::new(), mode)?;
                Vec::new()
            }
            Err(errno) => return Err(errno.into()),
        };
        let upload = Upload::new(&self.connection, &self.files, name, content, mode, "sftp")?;
        Ok(Open::Write { upload, append: flags & open::APPEND != 0 })
    }

    fn open_directory(&self, name: &[u8]) -> Result<Open, Status> {
        let mut entries = self.files.list(name)?;
        // readdir(3) gives these two first; what is listed is taken from the end.
        entries.reverse();
        for dots in [&b".."[..], b"."] {
            entries.push((dots.to_vec(), self.files.stat(&[name, b"/", dots].concat())?));
        }
        Ok(Open::Directory { entries })
    }

    fn read(&mut self, id: u32, handle: &[u8], offset: u64, length: u32) -> Answer {
        let content = match self.handles.get(handle) {
            Some(Open::Read { content, .. }) => &content[..],
            Some(Open::Write { upload, .. }) => upload.content(),
            _ => return Err(Status::Failure),
        };
        let rest = usize::try_from(offset).ok().and_then(|offset| content.get(offset..)).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or(Status::Eof)?;
        let count = usize::try_from(length).unwrap_or(READ_BYTES_MAX).min(READ_BYTES_MAX).min(rest.len());
        Ok(Packet::new(packet::DATA).u32(id).string(&rest[..count]))
    }

    fn read_directory(&mut self, id: u32, handle: &[u8]) -> Answer {
        let Some(Open::Directory { entries }) = self.handles.get(handle) else { return Err(Status::Failure) };
        if entries.is_empty() {
            return Err(Status::Eof);
        }
        let now = Timestamp::from(SystemTime::now());
        let count = entries.len().min(ENTRIES_MAX);
        let answer = Packet::new(packet::NAME).u32(id).u32(u32::try_from(count).unwrap_or(0));
        Ok(entries.drain(entries.len() - count..).rev().fold(answer, |answer, (name, metadata)| {
            answer.string(&name).string(&self.site.long_name(&name, &metadata, now)).attributes(&metadata)
        }))
    }

    fn real_path(&self, id: u32, name: &[u8]) -> Answer {
        Ok(name_packet(id, &self.files.real_path(name)?))
    }

    fn handle_metadata(&mut self, handle: &[u8]) -> Result<Metadata, Status> {
        match self.handles.get(handle) {
            Some(Open::Read { path, .. }) => Ok(self.files.stat(path)?),
            Some(Open::Write { upload, .. }) => {
                let metadata = self.files.stat(upload.path())?;
                Ok(Metadata { size: upload.content().len() as u64, ..metadata })
            }
            _ => Err(Status::Failure),
        }
    }

    fn set_attributes(&self, name: &[u8], wanted: Attributes) -> Result<(), Status> {
        let metadata = self.files.stat(name)?;
        if let Some(size) = wanted.size {
            let mut upload =
                Upload::new(&self.connection, &self.files, name.to_vec(), self.files.read(name)?.to_vec(), metadata.mode, "sftp")?;
            upload.set_size(size)?;
            upload.finish()?;
        }
        self.set_mode_and_time(name, wanted)
    }

    fn set_handle_attributes(&mut self, handle: &[u8], wanted: Attributes) -> Result<(), Status> {
        let name = match self.handles.get(handle) {
            Some(Open::Write { upload, .. }) => {
                if let Some(size) = wanted.size {
                    upload.set_size(size)?;
                }
                upload.path().to_vec()
            }
            Some(Open::Read { path, .. }) => path.clone(),
            _ => return Err(Status::Failure),
        };
        self.set_mode_and_time(&name, wanted)
    }

    fn set_mode_and_time(&self, name: &[u8], wanted: Attributes) -> Result<(), Status> {
        if let Some(mode) = wanted.mode {
            self.files.set_mode(name, mode)?;
        }
        if let Some(seconds) = wanted.modified {
            self.files.set_modified(name, Timestamp::from_seconds(i64::from(seconds)))?;
        }
        if let Some((uid, gid)) = wanted.owner {
            self.files.set_owner(name, Some(uid), Some(gid), true)?;
        }
        Ok(())
    }

    /// `struct statvfs` in the order of OpenSSH's PROTOCOL file, section 4.5.
    fn file_system(&self, id: u32, name: &[u8]) -> Answer {
        const BLOCK_BYTES: u64 = 4096;
        const READ_ONLY: u64 = 1;
        let name = self.files.real_path(name)?;
        self.files.stat(&name)?;
        let mount = self.site.mount(&name).ok_or(Status::Failure)?;
        let blocks = mount.size_kb / 4;
        let free = mount.size_kb.saturating_sub(mount.used_kb) / 4;
        // ext4 has a file for 16 kB, and keeps a twentieth for root.
        let (inodes, inodes_free) = (mount.size_kb / 16, mount.size_kb.saturating_sub(mount.used_kb) / 16);
        let read_only = mount.options.split(',').any(|option| option == "ro");
        let numbers = [
            BLOCK_BYTES,
            BLOCK_BYTES,
            blocks,
            free,
            free.saturating_sub(blocks / 20),
            inodes,
            inodes_free,
            inodes_free,
            u64::from(blocks as u32) << 8,
            if read_only { READ_ONLY } else { 0 },
            255,
        ];
        Ok(numbers.into_iter().fold(Packet::new(packet::EXTENDED_REPLY).u32(id), Packet::u64))
    }
}

/// `max-open-handles` under the usual limit of 1024 open files: those that are not the server's own.
const OPEN_FILES: u64 = 1019;

/// An empty path is the home directory.
fn path(name: &[u8]) -> Vec<u8> {
    if name.is_empty() { b".".to_vec() } else { name.to_vec() }
}

fn status_packet(id: u32, status: Status) -> Packet {
    Packet::new(packet::STATUS).u32(id).u32(status as u32).string(status.text().as_bytes()).string(b"")
}

/// One name, as REALPATH and READLINK answer: the long name is the name, the attributes are none.
fn name_packet(id: u32, name: &[u8]) -> Packet {
    Packet::new(packet::NAME).u32(id).u32(1).string(name).string(name).u32(0)
}
