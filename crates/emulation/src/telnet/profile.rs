//! What a persona says about its Telnet service: `[services.telnet]`.

use persona::{Persona, PersonaError};
use serde::Deserialize;

/// Whose negotiation and login are imitated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Daemon {
    /// BusyBox `telnetd` and `login`, as on most embedded devices.
    #[default]
    Busybox,
    /// netkit-telnet's `in.telnetd` and shadow's `login`, as on Debian and Ubuntu.
    Netkit,
}

/// `[services.telnet]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// Whose behaviour.
    daemon: Daemon,
    /// The text before the first prompt (`/etc/issue.net`, `/etc/issue`); `{hostname}` and `{os}` are filled in.
    issue: String,
    /// The prompt for the user name; `{hostname}` is filled in.
    prompt: String,
    /// Attempts before the daemon hangs up.
    attempts: u32,
    /// How long a wrong password takes to be refused, in milliseconds.
    failure_delay_ms: u64,
    /// What is said when the attempts are used up, instead of what is said after every other.
    farewell: Option<String>,
}

impl Default for Table {
    fn default() -> Self {
        Table {
            daemon: Daemon::Busybox,
            issue: String::new(),
            prompt: "{hostname} login: ".into(),
            attempts: 3,
            failure_delay_ms: 3000,
            farewell: None,
        }
    }
}

/// The table with everything filled in.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Whose behaviour.
    pub daemon: Daemon,
    /// The text before the first prompt, as the terminal's driver is given it.
    pub issue: String,
    /// The prompt for the user name.
    pub prompt: String,
    /// Attempts before the daemon hangs up.
    pub attempts: u32,
    /// How long a wrong password takes to be refused, in milliseconds.
    pub failure_delay_ms: u64,
    /// What is said between a wrong password and the next prompt.
    pub failure: &'static str,
    /// What is said when the attempts are used up, if not the same.
    pub farewell: Option<String>,
    /// The host's name, for the answer to `AYT`.
    pub hostname: String,
}

impl Profile {
    /// Reads `[services.telnet]`.
    pub fn read(persona: &Persona) -> Result<Profile, PersonaError> {
        let table: Table = persona.service("telnet")?;
        let host = &persona.host;
        let fill = |text: &str| text.replace("{hostname}", &host.hostname).replace("{os}", &host.os.pretty);
        let issue = fill(&table.issue);
        let (issue, failure) = match table.daemon {
            // `print_login_issue` begins with `puts("\r")` and writes each line end as "\n\r".
            Daemon::Busybox => (format!("\r\n{}", issue.replace('\n', "\n\r")), "Login incorrect\n"),
            Daemon::Netkit => (issue, "\nLogin incorrect\n"),
        };
        Ok(Profile {
            daemon: table.daemon,
            issue,
            prompt: fill(&table.prompt),
            attempts: table.attempts.max(1),
            failure_delay_ms: table.failure_delay_ms,
            failure,
            farewell: table.farewell,
            hostname: host.hostname.clone(),
        })
    }
}
