//! The protocols a sensor speaks.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! protocols {
    ($($variant:ident $name:literal $title:literal,)*) => {
        /// An emulated protocol. TLS is a property of the session, not another protocol: HTTPS is `Http`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Protocol {
            $(#[doc = $title] $variant,)*
        }

        impl Protocol {
            /// Every protocol, in the order of declaration.
            pub const ALL: &'static [Protocol] = &[$(Protocol::$variant,)*];

            /// The lower-case name used in events, configuration and APIs.
            pub const fn name(self) -> &'static str {
                match self { $(Protocol::$variant => $name,)* }
            }

            /// The name as people write it.
            pub const fn title(self) -> &'static str {
                match self { $(Protocol::$variant => $title,)* }
            }
        }
    };
}

protocols! {
    Ssh "ssh" "SSH",
    Telnet "telnet" "Telnet",
    Http "http" "HTTP",
    Ftp "ftp" "FTP",
    Smtp "smtp" "SMTP",
    Imap "imap" "IMAP",
    Redis "redis" "Redis",
    Docker "docker" "Docker",
    Elasticsearch "elasticsearch" "Elasticsearch",
    Rtsp "rtsp" "RTSP",
    Sip "sip" "SIP",
    Mysql "mysql" "MySQL",
    Postgresql "postgresql" "PostgreSQL",
    Mongodb "mongodb" "MongoDB",
    Mssql "mssql" "MSSQL",
    Smb "smb" "SMB",
    Rdp "rdp" "RDP",
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no protocol of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown protocol \"{0}\"")]
pub struct UnknownProtocol(pub String);

impl FromStr for Protocol {
    type Err = UnknownProtocol;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Protocol::ALL.iter().copied().find(|p| p.name() == text).ok_or_else(|| UnknownProtocol(text.to_owned()))
    }
}

/// What carries a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A byte stream.
    Tcp,
    /// Datagrams.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        })
    }
}
