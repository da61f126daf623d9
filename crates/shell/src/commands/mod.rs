//! The programs of the fake host, one file each (closely related ones share), all in [`COMMANDS`].

mod accounts;
mod cat;
mod copy;
mod create;
mod cut;
mod filters;
mod glob;
mod grep;
mod head;
mod ls;
mod modes;
mod options;
mod pattern;
mod remove;
mod shells;
mod sort;
mod source;
mod time;
mod tr;
mod wc;

use crate::command::{Command, Tools};

/// A line for each program: name, kind of host, directories, code. On a host whose `/bin` is `/usr/bin` the two are one.
macro_rules! commands {
    ($($name:literal $tools:ident $directories:tt $($code:ident)::+;)*) => {
        /// Every program. The file system's image has a file for each, in each of its directories.
        pub const COMMANDS: &[Command] = &[
            $(Command {
                name: $name,
                directories: &$directories,
                userland: Tools::$tools,
                run: |process| Box::pin($($code)::+(process)),
            },)*
        ];
    };
}

commands! {
    "ash" Busybox ["/bin"] shells::sh;
    "bash" Gnu ["/bin"] shells::bash;
    "cat" Both ["/bin"] cat::run;
    "chattr" Both ["/usr/bin"] modes::chattr;
    "chgrp" Both ["/bin"] modes::chown;
    "chmod" Both ["/bin"] modes::chmod;
    "chown" Both ["/bin"] modes::chown;
    "cp" Both ["/bin"] copy::cp;
    "cut" Both ["/usr/bin"] cut::run;
    "dash" Gnu ["/bin"] shells::sh;
    "dir" Gnu ["/bin"] ls::run;
    "egrep" Both ["/bin"] grep::run;
    "fgrep" Both ["/bin"] grep::run;
    "fold" Both ["/usr/bin"] filters::fold;
    "grep" Both ["/bin"] grep::run;
    "head" Both ["/usr/bin"] head::head;
    "ln" Both ["/bin"] copy::ln;
    "ls" Both ["/bin"] ls::run;
    "lsattr" Both ["/usr/bin"] modes::lsattr;
    "mkdir" Both ["/bin"] create::mkdir;
    "mkfifo" Both ["/usr/bin"] create::mkfifo;
    "mknod" Both ["/bin"] create::mknod;
    "mktemp" Both ["/bin"] create::mktemp;
    "mv" Both ["/bin"] copy::mv;
    "nl" Gnu ["/usr/bin"] filters::nl;
    "paste" Both ["/usr/bin"] filters::paste;
    "rev" Both ["/usr/bin"] filters::rev;
    "rm" Both ["/bin"] remove::rm;
    "rmdir" Both ["/bin"] remove::rmdir;
    "seq" Both ["/usr/bin"] filters::seq;
    "sh" Both ["/bin"] shells::sh;
    "shred" Both ["/usr/bin"] remove::shred;
    "sort" Both ["/usr/bin"] sort::sort;
    "tac" Both ["/usr/bin"] filters::tac;
    "tail" Both ["/usr/bin"] head::tail;
    "tee" Both ["/usr/bin"] filters::tee;
    "touch" Both ["/bin"] create::touch;
    "tr" Both ["/usr/bin"] tr::run;
    "truncate" Both ["/usr/bin"] create::truncate;
    "uniq" Both ["/usr/bin"] sort::uniq;
    "unlink" Both ["/usr/bin"] remove::unlink;
    "wc" Both ["/usr/bin"] wc::run;
    "yes" Both ["/usr/bin"] filters::yes;
}
