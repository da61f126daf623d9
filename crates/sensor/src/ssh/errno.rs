//! What a failed file operation is called on the wire.

use shell::Errno;

/// The text of `strerror(3)` in the GNU C library.
pub(super) fn text(errno: Errno) -> &'static str {
    match errno {
        Errno::Enoent => "No such file or directory",
        Errno::Eacces => "Permission denied",
        Errno::Eexist => "File exists",
        Errno::Enotdir => "Not a directory",
        Errno::Eisdir => "Is a directory",
        Errno::Enotempty => "Directory not empty",
        Errno::Einval => "Invalid argument",
        Errno::Enospc => "No space left on device",
        Errno::Eloop => "Too many levels of symbolic links",
        Errno::Erofs => "Read-only file system",
        Errno::Eperm => "Operation not permitted",
    }
}
