//! The fake host's file system: one immutable image, and a copy-on-write overlay for each session.

mod build;
mod device;
mod files;
mod filler;
mod generated;
mod image;
mod inode;
mod manifest;
mod open;
mod overlay;
mod proc_pid;
pub(crate) mod procfs;
mod resolve;
mod types;

pub(crate) use build::build;
pub(crate) use files::base_name;
pub use files::{Entry, Files};
pub(crate) use filler::made_up_program;
pub(crate) use generated::spread;
pub(crate) use image::Image;
pub(crate) use inode::{Body, Entries, Ino, Inode};
pub use open::{Node, OpenOptions, Program};
pub(crate) use overlay::Overlay;
pub use types::{Credentials, Kind, Metadata};
