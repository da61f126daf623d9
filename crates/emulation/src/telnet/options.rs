//! Option negotiation as the two daemons do it (RFC 855 and the options' own RFCs), and what it tells about the client.

use super::codec::{DO, DONT, IAC, SB, SE, WILL, WONT};
use super::profile::Daemon;

/// RFC 857.
pub const ECHO: u8 = 1;
/// RFC 858.
pub const SUPPRESS_GO_AHEAD: u8 = 3;
/// RFC 859.
const STATUS: u8 = 5;
/// RFC 860.
const TIMING_MARK: u8 = 6;
/// RFC 1091.
pub const TERMINAL_TYPE: u8 = 24;
/// RFC 1073.
pub const WINDOW_SIZE: u8 = 31;
/// RFC 1079.
const TERMINAL_SPEED: u8 = 32;
/// RFC 1372.
const FLOW_CONTROL: u8 = 33;
/// RFC 1096.
const X_DISPLAY: u8 = 35;
/// RFC 1572.
pub const ENVIRONMENT: u8 = 39;
/// RFC 856.
const BINARY: u8 = 0;

/// What netkit-telnetd asks first, in its order. A client that answers none of them never sees its prompt, unless it types a line.
const ASKED_FIRST: [u8; 4] = [TERMINAL_TYPE, TERMINAL_SPEED, X_DISPLAY, ENVIRONMENT];
/// The order in which it asks for the values of those the client has.
const ASKED_VALUES: [u8; 4] = [TERMINAL_SPEED, X_DISPLAY, ENVIRONMENT, TERMINAL_TYPE];
/// What it offers and asks after that.
const SECOND_FLIGHT: [(u8, u8); 5] = [(WILL, SUPPRESS_GO_AHEAD), (DO, ECHO), (DO, WINDOW_SIZE), (WILL, STATUS), (DO, FLOW_CONTROL)];
/// What BusyBox telnetd sends before anything else (`networking/telnetd.c`); it never answers an option afterwards.
const BUSYBOX_FLIGHT: [(u8, u8); 4] = [(DO, ECHO), (DO, WINDOW_SIZE), (WILL, ECHO), (WILL, SUPPRESS_GO_AHEAD)];
/// What netkit agrees to do when asked, and what it lets the client do when offered.
const OURS: [u8; 5] = [BINARY, ECHO, SUPPRESS_GO_AHEAD, STATUS, TIMING_MARK];
const THEIRS: [u8; 8] = [BINARY, SUPPRESS_GO_AHEAD, TERMINAL_TYPE, WINDOW_SIZE, TERMINAL_SPEED, FLOW_CONTROL, X_DISPLAY, ENVIRONMENT];

/// A set of options. Those from 128 on are never supported, so never members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set(u128);

impl Set {
    fn of(options: &[u8]) -> Set {
        let mut set = Set(0);
        options.iter().for_each(|&o| set.insert(o));
        set
    }
    fn has(self, option: u8) -> bool {
        option < 128 && self.0 >> option & 1 == 1
    }
    fn insert(&mut self, option: u8) {
        if option < 128 {
            self.0 |= 1 << option;
        }
    }
    fn remove(&mut self, option: u8) -> bool {
        let had = self.has(option);
        if had {
            self.0 &= !(1 << option);
        }
        had
    }
}

/// How far netkit's opening has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// Waits for an answer to each of [`ASKED_FIRST`].
    Options(Set),
    /// Waits for the values of those the client has.
    Values(Set),
    /// Waits for the answer to `DO NAWS`.
    Window,
    /// The login prompt may be shown.
    Done,
}

/// One connection's options.
#[derive(Debug)]
pub struct Negotiation {
    daemon: Daemon,
    opening: Opening,
    /// Options we use or have offered.
    ours: Set,
    /// Options the client uses.
    theirs: Set,
    /// Options we have asked the client to use and not heard about.
    asked: Set,
    /// Whether we still mean to offer to echo, once the opening is done.
    echo_due: bool,
}

impl Negotiation {
    /// Begins; `out` receives what the daemon sends first.
    pub fn open(daemon: Daemon, out: &mut Vec<u8>) -> Negotiation {
        let mut negotiation = Negotiation {
            daemon,
            opening: Opening::Done,
            ours: Set::default(),
            theirs: Set::default(),
            asked: Set::default(),
            echo_due: daemon == Daemon::Netkit,
        };
        match daemon {
            Daemon::Busybox => BUSYBOX_FLIGHT.iter().for_each(|&(verb, option)| negotiation.send(verb, option, out)),
            Daemon::Netkit => {
                ASKED_FIRST.iter().for_each(|&option| negotiation.send(DO, option, out));
                negotiation.opening = Opening::Options(Set::of(&ASKED_FIRST));
            }
        }
        negotiation
    }

    /// Whether the login prompt may be shown.
    pub fn is_open(&self) -> bool {
        self.opening == Opening::Done
    }

    /// Whether we echo.
    pub fn echoes(&self) -> bool {
        self.ours.has(ECHO)
    }

    /// The client sent a verb and an option.
    pub fn option(&mut self, verb: u8, option: u8, out: &mut Vec<u8>) {
        if self.daemon == Daemon::Busybox {
            return;
        }
        match verb {
            WILL => {
                if self.asked.remove(option) {
                    self.theirs.insert(option);
                    // A client that offers to echo is told not to: the daemon asked only to unmask 4.2BSD clients.
                    if option == ECHO {
                        self.theirs.remove(ECHO);
                        self.send(DONT, ECHO, out);
                    }
                } else if THEIRS.contains(&option) && !self.theirs.has(option) {
                    self.theirs.insert(option);
                    self.send(DO, option, out);
                } else if !self.theirs.has(option) {
                    self.send(DONT, option, out);
                }
            }
            WONT => {
                if !self.asked.remove(option) && self.theirs.remove(option) {
                    self.send(DONT, option, out);
                }
            }
            DO => {
                if option == TIMING_MARK {
                    out.extend([IAC, WILL, option]);
                } else if OURS.contains(&option) && !self.ours.has(option) {
                    self.send(WILL, option, out);
                } else if !self.ours.has(option) {
                    self.send(WONT, option, out);
                }
            }
            _ => {
                if self.ours.remove(option) {
                    self.send(WONT, option, out);
                }
            }
        }
        match &mut self.opening {
            Opening::Options(pending) if matches!(verb, WILL | WONT) => {
                pending.remove(option);
            }
            Opening::Window if option == WINDOW_SIZE && matches!(verb, WILL | WONT) => self.opening = Opening::Done,
            _ => {}
        }
        self.advance(out);
    }

    /// The client sent an option's value.
    pub fn value(&mut self, option: u8, out: &mut Vec<u8>) {
        if let Opening::Values(pending) = &mut self.opening {
            pending.remove(option);
            self.advance(out);
        }
    }

    /// The client types without having answered: go on as if it had refused everything still open.
    pub fn skip_opening(&mut self, out: &mut Vec<u8>) {
        while !self.is_open() {
            match &mut self.opening {
                Opening::Options(pending) | Opening::Values(pending) => *pending = Set::default(),
                Opening::Window => self.opening = Opening::Done,
                Opening::Done => {}
            }
            self.advance(out);
        }
    }

    fn advance(&mut self, out: &mut Vec<u8>) {
        if self.opening == Opening::Options(Set::default()) {
            let mut pending = Set::default();
            for option in ASKED_VALUES.into_iter().filter(|&o| self.theirs.has(o)) {
                pending.insert(option);
                out.extend([IAC, SB, option, 1 /* SEND */, IAC, SE]);
            }
            self.opening = Opening::Values(pending);
        }
        if self.opening == Opening::Values(Set::default()) {
            for (verb, option) in SECOND_FLIGHT {
                // What the client asked for or told by itself has been settled already.
                if !(verb == WILL && self.ours.has(option) || verb == DO && self.theirs.has(option)) {
                    self.send(verb, option, out);
                }
            }
            self.opening = if self.theirs.has(WINDOW_SIZE) { Opening::Done } else { Opening::Window };
        }
        if self.opening == Opening::Done && std::mem::take(&mut self.echo_due) && !self.ours.has(ECHO) {
            self.send(WILL, ECHO, out);
        }
    }

    fn send(&mut self, verb: u8, option: u8, out: &mut Vec<u8>) {
        match verb {
            WILL => self.ours.insert(option),
            DO if !self.theirs.has(option) => self.asked.insert(option),
            _ => {}
        }
        out.extend([IAC, verb, option]);
    }
}

/// What a client told about an option, for people: `WILL NAWS`.
pub fn describe(verb: u8, option: u8) -> String {
    let verb = match verb {
        WILL => "WILL",
        WONT => "WONT",
        DO => "DO",
        DONT => "DONT",
        _ => "SB",
    };
    match name(option) {
        Some(name) => format!("{verb} {name}"),
        None => format!("{verb} {option}"),
    }
}

/// The name of an option in IANA's registry, shortened as telnet clients print it.
fn name(option: u8) -> Option<&'static str> {
    Some(match option {
        BINARY => "BINARY",
        ECHO => "ECHO",
        SUPPRESS_GO_AHEAD => "SGA",
        STATUS => "STATUS",
        TIMING_MARK => "TM",
        TERMINAL_TYPE => "TTYPE",
        25 => "EOR",
        WINDOW_SIZE => "NAWS",
        TERMINAL_SPEED => "TSPEED",
        FLOW_CONTROL => "LFLOW",
        34 => "LINEMODE",
        X_DISPLAY => "XDISPLOC",
        36 => "OLD-ENVIRON",
        37 => "AUTHENTICATION",
        38 => "ENCRYPT",
        ENVIRONMENT => "NEW-ENVIRON",
        _ => return None,
    })
}

/// The variables of a `NEW-ENVIRON IS` or `INFO` (RFC 1572): names and values, at most what the subnegotiation's own limit lets in.
pub fn environment(data: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    const VALUE: u8 = 1;
    const ESCAPE: u8 = 2;
    let mut variables: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut in_value = false;
    let mut bytes = data.iter().copied().skip(1);
    while let Some(byte) = bytes.next() {
        let literal = match byte {
            0 | 3 => {
                variables.push(Default::default());
                in_value = false;
                continue;
            }
            VALUE => {
                in_value = true;
                continue;
            }
            ESCAPE => match bytes.next() {
                Some(escaped) => escaped,
                None => break,
            },
            _ => byte,
        };
        if let Some((name, value)) = variables.last_mut() {
            if in_value { value.push(literal) } else { name.push(literal) }
        }
    }
    variables
}
