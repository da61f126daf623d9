//! What `set -o` and `shopt` change.

/// The options of a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Reads commands from a person.
    pub interactive: bool,
    /// Started as a login shell.
    pub login: bool,
    /// Letters of `set -o` that are on, a bit each.
    set: u32,
    /// Names of `shopt` that are on, a bit each.
    shopt: u64,
}

/// `set -o`'s names with their letters, in the order in which they are listed; `\0` has none.
pub(crate) const SET: [(&str, u8); 27] = [
    ("allexport", b'a'),
    ("braceexpand", b'B'),
    ("emacs", 0),
    ("errexit", b'e'),
    ("errtrace", b'E'),
    ("functrace", b'T'),
    ("hashall", b'h'),
    ("histexpand", b'H'),
    ("history", 0),
    ("ignoreeof", 0),
    ("interactive-comments", 0),
    ("keyword", b'k'),
    ("monitor", b'm'),
    ("noclobber", b'C'),
    ("noexec", b'n'),
    ("noglob", b'f'),
    ("nolog", 0),
    ("notify", b'b'),
    ("nounset", b'u'),
    ("onecmd", b't'),
    ("physical", b'P'),
    ("pipefail", 0),
    ("posix", 0),
    ("privileged", b'p'),
    ("verbose", b'v'),
    ("vi", 0),
    ("xtrace", b'x'),
];

/// `shopt`'s names, and whether they are on at first.
pub(crate) const SHOPT: [(&str, bool); 53] = [
    ("autocd", false),
    ("assoc_expand_once", false),
    ("cdable_vars", false),
    ("cdspell", false),
    ("checkhash", false),
    ("checkjobs", false),
    ("checkwinsize", true),
    ("cmdhist", true),
    ("compat31", false),
    ("compat32", false),
    ("compat40", false),
    ("compat41", false),
    ("compat42", false),
    ("compat43", false),
    ("compat44", false),
    ("complete_fullquote", true),
    ("direxpand", false),
    ("dirspell", false),
    ("dotglob", false),
    ("execfail", false),
    ("expand_aliases", false),
    ("extdebug", false),
    ("extglob", false),
    ("extquote", true),
    ("failglob", false),
    ("force_fignore", true),
    ("globasciiranges", true),
    ("globstar", false),
    ("gnu_errfmt", false),
    ("histappend", false),
    ("histreedit", false),
    ("histverify", false),
    ("hostcomplete", true),
    ("huponexit", false),
    ("inherit_errexit", false),
    ("interactive_comments", true),
    ("lastpipe", false),
    ("lithist", false),
    ("localvar_inherit", false),
    ("localvar_unset", false),
    ("login_shell", false),
    ("mailwarn", false),
    ("no_empty_cmd_completion", false),
    ("nocaseglob", false),
    ("nocasematch", false),
    ("nullglob", false),
    ("progcomp", true),
    ("progcomp_alias", false),
    ("promptvars", true),
    ("restricted_shell", false),
    ("shift_verbose", false),
    ("sourcepath", true),
    ("xpg_echo", false),
];

impl Default for Options {
    fn default() -> Options {
        let mut options = Options { interactive: false, login: false, set: 0, shopt: 0 };
        for (name, on) in SHOPT {
            options.set_shopt(name, on);
        }
        for name in ["braceexpand", "hashall", "interactive-comments"] {
            options.set_named(name, true);
        }
        options
    }
}

impl Options {
    /// Whether an option of `set -o` is on; `false` for a name it does not have.
    pub fn on(&self, name: &str) -> bool {
        SET.iter().position(|(known, _)| *known == name).is_some_and(|n| self.set & (1 << n) != 0)
    }

    /// Switches an option of `set -o`; whether there is one of that name.
    pub fn set_named(&mut self, name: &str, on: bool) -> bool {
        let Some(n) = SET.iter().position(|(known, _)| *known == name) else { return false };
        self.set = if on { self.set | 1 << n } else { self.set & !(1 << n) };
        true
    }

    /// Switches an option by its letter; whether there is one.
    pub fn set_letter(&mut self, letter: u8, on: bool) -> bool {
        let Some((name, _)) = SET.iter().find(|(_, known)| *known == letter && letter != 0) else { return false };
        self.set_named(name, on)
    }

    /// Whether an option of `shopt` is on; `None` for a name it does not have.
    pub fn shopt(&self, name: &str) -> Option<bool> {
        SHOPT.iter().position(|(known, _)| *known == name).map(|n| self.shopt & (1 << n) != 0)
    }

    /// Switches an option of `shopt`; whether there is one of that name.
    pub fn set_shopt(&mut self, name: &str, on: bool) -> bool {
        let Some(n) = SHOPT.iter().position(|(known, _)| *known == name) else { return false };
        self.shopt = if on { self.shopt | 1 << n } else { self.shopt & !(1 << n) };
        true
    }

    /// `$-`
    pub fn letters(&self, by_argument: bool, by_stdin: bool) -> Vec<u8> {
        let mut letters: Vec<u8> = SET.iter().filter(|(name, letter)| *letter != 0 && self.on(name)).map(|(_, letter)| *letter).collect();
        if self.interactive {
            letters.push(b'i');
        }
        letters.sort_by_key(|b| (b.is_ascii_uppercase(), *b));
        letters.extend(by_argument.then_some(b'c').into_iter().chain(by_stdin.then_some(b's')));
        letters
    }
}
