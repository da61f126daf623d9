//! The account an attacker logs in to.

use crate::Credentials;
use persona::{Persona, Userland};

/// An account of the persona, or one made up for a name it does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User and groups.
    pub credentials: Credentials,
    /// Home directory.
    pub home: Vec<u8>,
    /// Login shell.
    pub shell: Vec<u8>,
    /// Whether the persona has it; `/etc/passwd` must list it otherwise.
    pub known: bool,
}

/// The user id of an account that the persona does not have.
const STRANGER_UID: u32 = 1_005;

impl Account {
    /// The account of that name. A stranger on a GNU host is an ordinary user with a home of its own; on an embedded device, and when
    /// the name is not one `useradd` would take, it is root.
    pub fn of(persona: &Persona, name: &str) -> Account {
        let users = &persona.host.users;
        let own = |user: &persona::User, name: &str, known: bool| Account {
            name: name.to_owned(),
            credentials: Credentials {
                uid: user.uid,
                gid: user.gid,
                groups: user.groups.iter().filter_map(|group| group.rsplit_once(':')?.1.parse().ok()).collect(),
            },
            home: user.home.clone().into_bytes(),
            shell: user.shell.clone().into_bytes(),
            known,
        };
        if let Some(user) = users.iter().find(|user| user.name == name) {
            return own(user, name, true);
        }
        let root = users.iter().find(|user| user.uid == 0);
        let plausible = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b))
            && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
        match (persona.host.userland, root) {
            (Userland::Busybox, Some(root)) => own(root, &root.name, true),
            (Userland::Gnu, Some(root)) if !plausible => own(root, &root.name, true),
            _ => Account {
                name: name.to_owned(),
                credentials: Credentials { uid: STRANGER_UID, gid: STRANGER_UID, groups: [].into() },
                home: format!("/home/{name}").into_bytes(),
                shell: root.map_or_else(|| b"/bin/sh".to_vec(), |user| user.shell.clone().into_bytes()),
                known: false,
            },
        }
    }
}
