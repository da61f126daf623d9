//! Users and groups as `/etc/passwd` and `/etc/group` of this session have them.

use crate::command::Process;

/// A line of `/etc/passwd`.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub name: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
    pub gecos: Vec<u8>,
    pub home: Vec<u8>,
    pub shell: Vec<u8>,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub name: Vec<u8>,
    pub gid: u32,
    pub members: Vec<Vec<u8>>,
}

/// Both files, read once.
pub(super) struct Accounts {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
}

fn number(text: &[u8]) -> Option<u32> {
    super::options::number(text).and_then(|n| u32::try_from(n).ok())
}

impl Accounts {
    /// Reads both; an unreadable file has no lines, a bad line is skipped.
    pub fn read(process: &Process) -> Accounts {
        let root = crate::Credentials { uid: 0, gid: 0, groups: [].into() };
        let files = process.machine().files_of(root, b"/".as_slice().into(), 0o022, process.task.pid);
        let lines = |path: &[u8]| -> Vec<Vec<Vec<u8>>> {
            let content = files.read(path).unwrap_or_else(|_| [].into());
            content.split(|b| *b == b'\n').map(|line| line.split(|b| *b == b':').map(<[u8]>::to_vec).collect()).collect()
        };
        let users = lines(b"/etc/passwd")
            .into_iter()
            .filter_map(|fields| match <[Vec<u8>; 7]>::try_from(fields).ok()? {
                [name, _, uid, gid, gecos, home, shell] => Some(User { name, uid: number(&uid)?, gid: number(&gid)?, gecos, home, shell }),
            })
            .collect();
        let groups = lines(b"/etc/group")
            .into_iter()
            .filter_map(|fields| match <[Vec<u8>; 4]>::try_from(fields).ok()? {
                [name, _, gid, members] => {
                    let members = members.split(|b| *b == b',').filter(|m| !m.is_empty()).map(<[u8]>::to_vec).collect();
                    Some(Group { name, gid: number(&gid)?, members })
                }
            })
            .collect();
        Accounts { users, groups }
    }

    pub fn user(&self, name: &[u8]) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    pub fn by_uid(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// The name of a user, or the number when it has none.
    pub fn user_name(&self, uid: u32) -> Vec<u8> {
        self.by_uid(uid).map_or_else(|| uid.to_string().into_bytes(), |user| user.name.clone())
    }

    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The name of a group, or the number when it has none.
    pub fn group_name(&self, gid: u32) -> Vec<u8> {
        self.groups.iter().find(|group| group.gid == gid).map_or_else(|| gid.to_string().into_bytes(), |group| group.name.clone())
    }

    /// The ids of the groups a user is in besides its own.
    pub fn supplementary(&self, user: &User) -> Vec<u32> {
        self.groups.iter().filter(|group| group.gid != user.gid && group.members.contains(&user.name)).map(|group| group.gid).collect()
    }
}
