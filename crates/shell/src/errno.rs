//! Linux error numbers and what `strerror` says of them.

/// Linux error numbers, as SFTP, commands and the interpreter need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are errno(3)'s
pub enum Errno {
    E2big,
    Eacces,
    Eagain,
    Ebadf,
    Ebusy,
    Echild,
    Eexist,
    Efbig,
    Einval,
    Eio,
    Eisdir,
    Eloop,
    Emfile,
    Enametoolong,
    Enodev,
    Enoent,
    Enoexec,
    Enomem,
    Enospc,
    Enotdir,
    Enotempty,
    Enotty,
    Enxio,
    Eperm,
    Epipe,
    Erofs,
    Espipe,
    Esrch,
    Etxtbsy,
    Exdev,
}

impl Errno {
    /// The text of `strerror(3)` in the C locale.
    pub const fn message(self) -> &'static str {
        match self {
            Errno::E2big => "Argument list too long",
            Errno::Eacces => "Permission denied",
            Errno::Eagain => "Resource temporarily unavailable",
            Errno::Ebadf => "Bad file descriptor",
            Errno::Ebusy => "Device or resource busy",
            Errno::Echild => "No child processes",
            Errno::Eexist => "File exists",
            Errno::Efbig => "File too large",
            Errno::Einval => "Invalid argument",
            Errno::Eio => "Input/output error",
            Errno::Eisdir => "Is a directory",
            Errno::Eloop => "Too many levels of symbolic links",
            Errno::Emfile => "Too many open files",
            Errno::Enametoolong => "File name too long",
            Errno::Enodev => "No such device",
            Errno::Enoent => "No such file or directory",
            Errno::Enoexec => "Exec format error",
            Errno::Enomem => "Cannot allocate memory",
            Errno::Enospc => "No space left on device",
            Errno::Enotdir => "Not a directory",
            Errno::Enotempty => "Directory not empty",
            Errno::Enotty => "Inappropriate ioctl for device",
            Errno::Enxio => "No such device or address",
            Errno::Eperm => "Operation not permitted",
            Errno::Epipe => "Broken pipe",
            Errno::Erofs => "Read-only file system",
            Errno::Espipe => "Illegal seek",
            Errno::Esrch => "No such process",
            Errno::Etxtbsy => "Text file busy",
            Errno::Exdev => "Invalid cross-device link",
        }
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}
