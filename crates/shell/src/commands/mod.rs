//! The programs of the fake host, one file each (closely related ones share), all in [`COMMANDS`].

mod accounts;
mod cat;
mod copy;
mod create;
mod curl;
mod cut;
mod dd;
mod encode;
mod fetch;
mod filters;
mod find;
mod glob;
mod grep;
mod head;
mod id;
mod kill;
mod ls;
mod memory;
mod modes;
mod mounts;
mod net;
mod options;
mod pattern;
mod ps;
mod remove;
mod run;
mod shells;
mod sort;
mod source;
mod time;
mod tr;
mod transfer;
mod uname;
mod wc;
mod wget;

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
    "arch" Both ["/usr/bin"] uname::arch;
    "arp" Both ["/usr/sbin"] net::arp;
    "ash" Busybox ["/bin"] shells::sh;
    "base64" Both ["/usr/bin"] encode::base64;
    "bash" Gnu ["/bin"] shells::bash;
    "busybox" Both ["/bin"] run::busybox;
    "cat" Both ["/bin"] cat::run;
    "chattr" Both ["/usr/bin"] modes::chattr;
    "chgrp" Both ["/bin"] modes::chown;
    "chmod" Both ["/bin"] modes::chmod;
    "chown" Both ["/bin"] modes::chown;
    "chroot" Both ["/usr/sbin"] run::prefix;
    "cp" Both ["/bin"] copy::cp;
    "curl" Gnu ["/usr/bin"] curl::run;
    "cut" Both ["/usr/bin"] cut::run;
    "dash" Gnu ["/bin"] shells::sh;
    "dd" Both ["/bin"] dd::run;
    "df" Both ["/bin"] mounts::df;
    "dir" Gnu ["/bin"] ls::run;
    "dmesg" Both ["/bin"] memory::dmesg;
    "du" Both ["/usr/bin"] mounts::du;
    "egrep" Both ["/bin"] grep::run;
    "env" Both ["/usr/bin"] run::env;
    "fgrep" Both ["/bin"] grep::run;
    "find" Both ["/usr/bin"] find::run;
    "fold" Both ["/usr/bin"] filters::fold;
    "free" Both ["/usr/bin"] memory::free;
    "ftp" Gnu ["/usr/bin"] transfer::ftp;
    "ftpget" Busybox ["/usr/bin"] transfer::ftpget;
    "ftpput" Busybox ["/usr/bin"] transfer::ftpget;
    "grep" Both ["/bin"] grep::run;
    "groups" Both ["/usr/bin"] id::groups;
    "head" Both ["/usr/bin"] head::head;
    "hexdump" Both ["/usr/bin"] encode::hexdump;
    "hostname" Both ["/bin"] uname::hostname;
    "hostnamectl" Gnu ["/usr/bin"] uname::hostnamectl;
    "id" Both ["/usr/bin"] id::id;
    "ifconfig" Both ["/sbin"] net::ifconfig;
    "ionice" Both ["/usr/bin"] run::prefix;
    "ip" Both ["/sbin"] net::ip;
    "kill" Both ["/bin"] kill::kill;
    "killall" Both ["/usr/bin"] kill::killall;
    "last" Both ["/usr/bin"] id::last;
    "lastlog" Gnu ["/usr/bin"] id::lastlog;
    "ln" Both ["/bin"] copy::ln;
    "logname" Both ["/usr/bin"] id::logname;
    "ls" Both ["/bin"] ls::run;
    "lsattr" Both ["/usr/bin"] modes::lsattr;
    "lsb_release" Gnu ["/usr/bin"] uname::lsb_release;
    "lsblk" Gnu ["/usr/bin"] mounts::lsblk;
    "lscpu" Gnu ["/usr/bin"] memory::lscpu;
    "lsmod" Both ["/sbin"] memory::lsmod;
    "md5sum" Both ["/usr/bin"] encode::checksum;
    "mkdir" Both ["/bin"] create::mkdir;
    "mkfifo" Both ["/usr/bin"] create::mkfifo;
    "mknod" Both ["/bin"] create::mknod;
    "mktemp" Both ["/bin"] create::mktemp;
    "mount" Both ["/bin"] mounts::mount;
    "mv" Both ["/bin"] copy::mv;
    "netstat" Both ["/bin"] net::netstat;
    "nice" Both ["/usr/bin"] run::prefix;
    "nl" Gnu ["/usr/bin"] filters::nl;
    "nohup" Both ["/usr/bin"] run::nohup;
    "nproc" Both ["/usr/bin"] memory::nproc;
    "od" Both ["/usr/bin"] encode::hexdump;
    "paste" Both ["/usr/bin"] filters::paste;
    "pgrep" Both ["/usr/bin"] kill::pgrep;
    "pidof" Both ["/bin"] ps::pidof;
    "pkill" Both ["/usr/bin"] kill::pkill;
    "printenv" Both ["/usr/bin"] run::printenv;
    "ps" Both ["/bin"] ps::ps;
    "rev" Both ["/usr/bin"] filters::rev;
    "rm" Both ["/bin"] remove::rm;
    "rmdir" Both ["/bin"] remove::rmdir;
    "route" Both ["/sbin"] net::route;
    "rsync" Gnu ["/usr/bin"] transfer::scp;
    "scp" Both ["/usr/bin"] transfer::scp;
    "seq" Both ["/usr/bin"] filters::seq;
    "setsid" Both ["/usr/bin"] run::prefix;
    "sh" Both ["/bin"] shells::sh;
    "sha1sum" Both ["/usr/bin"] encode::checksum;
    "sha224sum" Gnu ["/usr/bin"] encode::checksum;
    "sha256sum" Both ["/usr/bin"] encode::checksum;
    "sha384sum" Gnu ["/usr/bin"] encode::checksum;
    "sha512sum" Both ["/usr/bin"] encode::checksum;
    "shred" Both ["/usr/bin"] remove::shred;
    "sort" Both ["/usr/bin"] sort::sort;
    "ss" Gnu ["/bin"] net::ss;
    "stdbuf" Gnu ["/usr/bin"] run::prefix;
    "strings" Both ["/usr/bin"] encode::strings;
    "su" Both ["/bin"] run::su;
    "sudo" Gnu ["/usr/bin"] run::sudo;
    "tac" Both ["/usr/bin"] filters::tac;
    "tail" Both ["/usr/bin"] head::tail;
    "taskset" Both ["/usr/bin"] run::prefix;
    "tee" Both ["/usr/bin"] filters::tee;
    "tftp" Both ["/usr/bin"] transfer::tftp;
    "time" Both ["/usr/bin"] run::time;
    "timeout" Both ["/usr/bin"] run::timeout;
    "top" Both ["/usr/bin"] memory::top;
    "touch" Both ["/bin"] create::touch;
    "tr" Both ["/usr/bin"] tr::run;
    "truncate" Both ["/usr/bin"] create::truncate;
    "tty" Both ["/usr/bin"] id::tty;
    "umount" Both ["/bin"] mounts::umount;
    "uname" Both ["/bin"] uname::uname;
    "uniq" Both ["/usr/bin"] sort::uniq;
    "unlink" Both ["/usr/bin"] remove::unlink;
    "uptime" Both ["/usr/bin"] id::uptime;
    "users" Both ["/usr/bin"] id::users;
    "w" Both ["/usr/bin"] id::w;
    "wc" Both ["/usr/bin"] wc::run;
    "wget" Both ["/usr/bin"] wget::run;
    "who" Both ["/usr/bin"] id::who;
    "whoami" Both ["/usr/bin"] id::whoami;
    "xargs" Both ["/usr/bin"] run::xargs;
    "xxd" Both ["/usr/bin"] encode::xxd;
    "yes" Both ["/usr/bin"] filters::yes;
}
