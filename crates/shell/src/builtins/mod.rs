//! The shells' own commands, in one table.

mod describe;
mod directory;
mod flow;
mod input;
mod jobs;
pub(crate) mod printf;
mod set;
pub(crate) mod test;
pub(crate) mod text;
mod trap;
mod variables;

use crate::interp::{Ran, Shell};
use crate::parse::Dialect;
use crate::session::BoxFuture;

/// A builtin.
pub(crate) struct Builtin {
    pub name: &'static str,
    /// One of POSIX's special builtins (2.14): errors in it end the ashes, assignments before it stay.
    pub special: bool,
    shells: Shells,
    pub run: for<'a> fn(&'a mut Shell, Vec<Vec<u8>>) -> BoxFuture<'a, Ran>,
}

/// Which shells have a builtin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shells {
    All,
    /// Bash and BusyBox's ash.
    NotDash,
    Bash,
    /// The ashes only.
    Ashes,
}

macro_rules! builtins {
    ($($name:literal $special:literal $shells:ident $run:path,)*) => {
        /// Every builtin, by name.
        static BUILTINS: &[Builtin] = &[
            $(Builtin { name: $name, special: $special, shells: Shells::$shells, run: |shell, args| Box::pin($run(shell, args)) },)*
        ];
    };
}

builtins! {
    "." true All flow::source,
    ":" true All flow::succeed,
    "[" false All test::bracket,
    "[[" false Ashes test::bracket,
    "alias" false All describe::alias,
    "bg" false All jobs::background,
    "bind" false Bash flow::succeed,
    "break" true All flow::leave,
    "builtin" false Bash describe::builtin,
    "caller" false Bash flow::fail,
    "cd" false All directory::change,
    "chdir" false Ashes directory::change,
    "command" false All describe::command,
    "compgen" false Bash describe::compgen,
    "complete" false Bash flow::succeed,
    "compopt" false Bash flow::succeed,
    "continue" true All flow::next,
    "declare" false Bash variables::declare,
    "dirs" false Bash directory::dirs,
    "disown" false Bash jobs::disown,
    "echo" false All text::echo,
    "enable" false Bash describe::enable,
    "eval" true All flow::eval,
    "exec" true All flow::exec,
    "exit" true All flow::exit,
    "export" true All variables::export,
    "false" false All flow::fail,
    "fc" false Bash flow::succeed,
    "fg" false All jobs::foreground,
    "getopts" false All input::getopts,
    "hash" false All describe::hash,
    "help" false NotDash describe::help,
    "history" false NotDash describe::history,
    "jobs" false All jobs::list,
    "kill" false All jobs::kill,
    "let" false NotDash set::arithmetic,
    "local" false All variables::local,
    "logout" false Bash flow::exit,
    "mapfile" false Bash input::mapfile,
    "popd" false Bash directory::pop,
    "printf" false All printf::run,
    "pushd" false Bash directory::push,
    "pwd" false All directory::print,
    "read" false All input::read,
    "readarray" false Bash input::mapfile,
    "readonly" true All variables::readonly,
    "return" true All flow::back,
    "set" true All set::set,
    "shift" true All set::shift,
    "shopt" false Bash set::shopt,
    "source" true NotDash flow::source,
    "suspend" false Bash flow::succeed,
    "test" false All test::test,
    "times" true All jobs::times,
    "trap" true All trap::trap,
    "true" false All flow::succeed,
    "type" false All describe::kind,
    "typeset" false Bash variables::declare,
    "ulimit" false All jobs::limits,
    "umask" false All jobs::mask,
    "unalias" false All describe::unalias,
    "unset" true All variables::unset,
    "wait" false All jobs::wait,
}

impl Shells {
    fn has(self, dialect: Dialect) -> bool {
        match self {
            Shells::All => true,
            Shells::NotDash => dialect != Dialect::Dash,
            Shells::Bash => dialect == Dialect::Bash,
            Shells::Ashes => dialect == Dialect::Ash,
        }
    }
}

/// A builtin by name, as a shell has it.
pub(crate) fn find(name: &[u8], dialect: Dialect) -> Option<&'static Builtin> {
    let at = BUILTINS.binary_search_by(|builtin| builtin.name.as_bytes().cmp(name)).ok()?;
    BUILTINS.get(at).filter(|builtin| builtin.shells.has(dialect))
}

/// Whether a name is a special builtin's.
pub(crate) fn is_special(name: &[u8]) -> bool {
    find(name, Dialect::Bash).is_some_and(|builtin| builtin.special)
}

/// The names of a shell's builtins, sorted.
pub(crate) fn names(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().filter(move |builtin| builtin.shells.has(dialect)).map(|builtin| builtin.name)
}

/// A number written in decimal, with a sign and blanks around it.
fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::BUILTINS.is_sorted_by_key(|builtin| builtin.name));
    }
}
