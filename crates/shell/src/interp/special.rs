//! Parameters and variables that the shell computes.

use super::message::Source;
use super::{Shell, Value, Variable};
use crate::parse::Dialect;

impl Shell {
    /// Sets what every shell has from the start.
    pub(super) fn prepare_variables(&mut self) {
        let directory = self.process.directory.to_vec();
        let mut defaults: Vec<(&[u8], Vec<u8>, bool)> = vec![(b"PWD", directory, true), (b"IFS", b" \t\n".to_vec(), false)];
        let level = self.variables.text(b"SHLVL").and_then(|t| std::str::from_utf8(t).ok()?.parse::<u32>().ok()).unwrap_or(0);
        defaults.push((b"OPTIND", b"1".to_vec(), false));
        if self.dialect == Dialect::Bash {
            defaults.push((b"SHLVL", (level + 1).to_string().into_bytes(), true));
            defaults.push((b"_", self.name.clone(), true));
        } else if self.dialect == Dialect::Ash {
            defaults.push((b"SHLVL", (level + 1).to_string().into_bytes(), true));
        }
        for (name, value, exported) in defaults {
            // A fresh shell has room for its first variables.
            let _ = self.variables.change(name, value.len(), |variable| {
                variable.value = Value::Scalar(value);
                variable.exported |= exported;
            });
        }
        if self.variables.get(b"PATH").is_none() {
            let _ = self.variables.set(b"PATH", crate::exec::DEFAULT_PATH.to_vec());
        }
        if self.dialect == Dialect::Bash {
            let uid = self.process.credentials.uid.to_string().into_bytes();
            for name in [&b"UID"[..], b"EUID"] {
                let _ = self.variables.change(name, 8, |v| {
                    *v = Variable { value: Value::Scalar(uid.clone()), readonly: true, integer: true, ..Variable::default() };
                });
            }
        }
    }

    /// A parameter or variable that is computed; `None` when it is not one, or not set.
    pub(super) fn special(&self, name: &[u8]) -> Option<Vec<u8>> {
        let number = |n: u64| Some(n.to_string().into_bytes());
        match name {
            b"?" => return number(self.status.into()),
            b"#" => return number(self.positional.len() as u64),
            b"$" => return number(self.pid.into()),
            b"!" => return self.last_background.map(|pid| pid.to_string().into_bytes()),
            b"-" => return Some(self.options.letters(self.source == Source::Argument, self.source == Source::Stdin)),
            b"_" if self.bash() => return Some(self.last_argument.clone()),
            b"PPID" => return number(self.parent_pid().into()),
            b"LINENO" => return number(self.line.into()),
            _ => {}
        }
        match (name, self.dialect) {
            (b"RANDOM", Dialect::Bash | Dialect::Ash) => number(u64::from(self.random >> 16 & 0x7fff)),
            (_, Dialect::Ash | Dialect::Dash) => None,
            (b"SECONDS", _) => number(self.process.now().since(self.seconds_from).as_secs()),
            (b"SRANDOM", _) => number(u64::from(self.random.rotate_left(11) ^ 0x5bd1_e995)),
            (b"EPOCHSECONDS", _) => number(self.process.now().seconds().unsigned_abs()),
            (b"EPOCHREALTIME", _) => {
                let now = self.process.now().0;
                Some(format!("{}.{:06}", now / 1_000_000, now % 1_000_000).into_bytes())
            }
            (b"BASHPID", _) => number(self.process.task.pid.into()),
            (b"BASH_SUBSHELL", _) => number(self.subshell.into()),
            (b"BASH", _) => Some(b"/bin/bash".to_vec()),
            (b"BASH_VERSION", _) => Some(self.version_text()),
            (b"BASH_VERSINFO" | b"PIPESTATUS" | b"FUNCNAME" | b"GROUPS" | b"DIRSTACK" | b"BASH_SOURCE", _) => {
                self.special_elements(name).into_iter().next()
            }
            (b"BASHOPTS", _) => {
                let names = super::options::SHOPT.iter().map(|(n, _)| *n).filter(|n| self.options.shopt(n) == Some(true));
                Some(names.collect::<Vec<_>>().join(":").into_bytes())
            }
            (b"SHELLOPTS", _) => {
                let names = super::options::SET.iter().map(|(n, _)| *n).filter(|n| self.options.on(n));
                Some(names.collect::<Vec<_>>().join(":").into_bytes())
            }
            (b"HOSTNAME", _) => Some(self.process.machine().hostname()),
            (b"HOSTTYPE", _) => Some(self.process.machine().host().persona().host.kernel.machine.clone().into_bytes()),
            (b"OSTYPE", _) => Some(b"linux-gnu".to_vec()),
            (b"MACHTYPE", _) => {
                let machine = &self.process.machine().host().persona().host.kernel.machine;
                Some(format!("{machine}-pc-linux-gnu").into_bytes())
            }
            (b"PS4", _) => Some(b"+ ".to_vec()),
            (b"PS2", _) if self.options.interactive => Some(b"> ".to_vec()),
            (b"OPTERR", _) => Some(b"1".to_vec()),
            (b"COLUMNS", _) if self.options.interactive => number(u64::from(self.process.session.terminal.as_ref()?.window().0)),
            (b"LINES", _) if self.options.interactive => number(u64::from(self.process.session.terminal.as_ref()?.window().1)),
            (b"HISTFILE", _) if self.options.interactive => Some([&self.text(b"HOME")[..], b"/.bash_history"].concat()),
            (b"HISTSIZE" | b"HISTFILESIZE", _) if self.options.interactive => Some(b"1000".to_vec()),
            _ => None,
        }
    }

    /// The parent of the shell proper.
    fn parent_pid(&self) -> u32 {
        let machine = self.process.machine();
        if self.subshell == 0 { self.process.task.ppid } else { machine.task(self.pid).map_or(self.process.task.ppid, |task| task.ppid) }
    }

    /// The elements of an array that is computed.
    pub(super) fn special_elements(&self, name: &[u8]) -> Vec<Vec<u8>> {
        match name {
            _ if !self.bash() => Vec::new(),
            b"PIPESTATUS" => self.pipe_statuses.iter().map(|s| s.to_string().into_bytes()).collect(),
            b"FUNCNAME" => self.calls.iter().rev().map(|(name, _)| name.clone()).collect(),
            b"BASH_SOURCE" if self.source == Source::Script => vec![self.name.clone()],
            b"GROUPS" => std::iter::once(&self.process.credentials.gid)
                .chain(self.process.credentials.groups.iter().filter(|g| **g != self.process.credentials.gid))
                .map(|gid| gid.to_string().into_bytes())
                .collect(),
            b"DIRSTACK" => std::iter::once(self.process.directory.to_vec()).chain(self.directories.iter().cloned()).collect(),
            b"BASH_VERSINFO" => {
                let version = self.version_text();
                let text = String::from_utf8_lossy(&version).into_owned();
                let number = text.split(['(', '-']).next().unwrap_or_default().to_owned();
                let mut pieces: Vec<Vec<u8>> = number.split('.').map(|p| p.as_bytes().to_vec()).collect();
                pieces.push(b"1".to_vec());
                pieces.push(b"release".to_vec());
                pieces.push(self.special(b"MACHTYPE").unwrap_or_default());
                pieces
            }
            _ => Vec::new(),
        }
    }

    /// Bash's version, by the distribution's release.
    pub(crate) fn version_text(&self) -> Vec<u8> {
        let os = &self.process.machine().host().persona().host.os;
        let text: &[u8] = match (os.id.as_str(), os.version.as_str()) {
            ("ubuntu", "20.04") => b"5.0.17(1)-release",
            ("ubuntu", "22.04") => b"5.1.16(1)-release",
            ("ubuntu", "24.04") => b"5.2.21(1)-release",
            ("debian", "10") => b"5.0.3(1)-release",
            ("debian", "11") => b"5.1.4(1)-release",
            _ => b"5.2.15(1)-release",
        };
        text.to_vec()
    }

    /// Draws the next `$RANDOM`; called after a word that named it was expanded.
    pub(super) fn stir(&mut self) {
        self.random = self.random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
    }

    /// `RANDOM=n` and `SECONDS=n` are no ordinary variables; whether the name was one of these.
    pub(super) fn assign_special(&mut self, name: &[u8], value: &[u8]) -> bool {
        let number = || std::str::from_utf8(value).ok().and_then(|t| t.trim().parse::<i64>().ok()).unwrap_or(0);
        match name {
            b"RANDOM" if self.dialect != Dialect::Dash => self.random = number() as u32,
            b"SECONDS" if self.bash() => {
                let ago = number().clamp(0, i64::from(u32::MAX));
                self.seconds_from = model::Timestamp(self.process.now().0.saturating_sub(ago * 1_000_000));
            }
            b"LINENO" | b"BASHPID" | b"FUNCNAME" | b"GROUPS" | b"EPOCHSECONDS" | b"EPOCHREALTIME" | b"BASH_SUBSHELL" if self.bash() => {}
            _ => return false,
        }
        true
    }
}
