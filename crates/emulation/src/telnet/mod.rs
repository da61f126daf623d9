//! Telnet (RFC 854): a daemon's option negotiation, a login prompt, and the terminal of the fake host behind it.

mod codec;
mod line;
mod options;
mod profile;

use crate::{Context, Done, Factory, Input, Next, Session, TerminalRequest};
use codec::{AYT, BREAK, Decoder, EC, EL, EOF, IP, SB, Token};
use line::{Line, Typed};
use model::{Blob, Detail};
use options::{ENVIRONMENT, Negotiation, TERMINAL_TYPE, WINDOW_SIZE};
use persona::{Persona, PersonaError};
use profile::{Daemon, Profile};
use std::sync::Arc;
use std::time::Duration;

/// Reads the persona and returns what makes sessions.
pub fn factory(persona: &Persona) -> Result<Factory, PersonaError> {
    let profile = Arc::new(Profile::read(persona)?);
    Ok(Box::new(move || Box::new(Telnet::new(profile.clone()))))
}

/// The longest terminal type, in bytes (RFC 1091: "up to 40 characters").
const TERMINAL_TYPE_BYTES_MAX: usize = 40;

/// The longest account name (`useradd` allows 32 bytes).
const ACCOUNT_BYTES_MAX: usize = 32;

/// How long both login programs wait for a login (`TIMEOUT` in BusyBox's `login.c`, `LOGIN_TIMEOUT` in `login.defs`).
const LOGIN_TIME: Duration = Duration::from_secs(60);

struct Telnet {
    profile: Arc<Profile>,
    decoder: Decoder,
    negotiation: Option<Negotiation>,
    stage: Stage,
    line: Line,
    term: String,
    size: (u16, u16),
    /// A user name the client's environment named (`telnet -l`).
    user: Option<Vec<u8>>,
    attempts: u32,
    /// Option commands recorded so far.
    recorded: u32,
}

/// What the next bytes are for.
enum Stage {
    /// Options; the prompt has not been shown.
    Opening,
    /// The user name.
    Username,
    /// The password of this user.
    Password(Vec<u8>),
    /// The login program thinks before it refuses.
    Refusing,
    /// The shell.
    Terminal {
        /// Whether the last byte was a CR, whose LF or NUL is to be dropped.
        after_cr: bool,
    },
}

impl Telnet {
    fn new(profile: Arc<Profile>) -> Telnet {
        Telnet {
            profile,
            decoder: Decoder::default(),
            negotiation: None,
            stage: Stage::Opening,
            line: Line::default(),
            term: "network".into(),
            size: (80, 24),
            user: None,
            attempts: 0,
            recorded: 0,
        }
    }

    /// Writes text through the terminal driver: LF becomes CR LF.
    fn print(cx: &mut Context<'_>, text: &str) {
        cx.reply(text.replace('\n', "\r\n"));
    }

    fn begin_login(&mut self, cx: &mut Context<'_>) {
        cx.expect_within(Some(LOGIN_TIME));
        Self::print(cx, &self.profile.issue);
        match self.user.take() {
            // netkit passes the user of the environment on to login, which then asks for the password only.
            Some(user) if self.profile.daemon == Daemon::Netkit => self.ask_password(user, cx),
            _ => self.ask_username(cx),
        }
    }

    fn ask_username(&mut self, cx: &mut Context<'_>) {
        Self::print(cx, &self.profile.prompt);
        self.stage = Stage::Username;
    }

    fn ask_password(&mut self, user: Vec<u8>, cx: &mut Context<'_>) {
        cx.reply("Password: ");
        self.stage = Stage::Password(user);
    }

    fn token(&mut self, token: Token, cx: &mut Context<'_>) -> Next {
        match token {
            Token::Data(byte) => return self.data(byte, cx),
            Token::Command(command) => return self.command(command, cx),
            Token::Option(verb, option) => {
                self.record(&[codec::IAC, verb, option], options::describe(verb, option), cx);
                self.negotiate(cx, |negotiation, out| negotiation.option(verb, option, out));
            }
            Token::Subnegotiation(option, data) => {
                self.record(&data, options::describe(SB, option), cx);
                self.value(option, &data, cx);
                self.negotiate(cx, |negotiation, out| negotiation.value(option, out));
            }
            Token::Overlong(_, data) if self.may_record(cx) => cx.malformed("telnet subnegotiation too long", &data),
            Token::Unknown(byte) if self.may_record(cx) => cx.malformed("unknown telnet command", &[codec::IAC, byte]),
            Token::Overlong(..) | Token::Unknown(_) => {}
        }
        Next::More
    }

    /// Records an option command, up to a limit.
    fn record(&mut self, raw: &[u8], value: String, cx: &mut Context<'_>) {
        if self.may_record(cx) {
            cx.emit(Detail::Fingerprint { method: "telnet_option".into(), value: value.into(), raw: raw.into() });
        }
    }

    /// Counts a command that is worth an event; false beyond the limit: a peer could send them without end.
    fn may_record(&mut self, cx: &mut Context<'_>) -> bool {
        self.recorded = self.recorded.saturating_add(1);
        let limit = cx.limits.negotiations_max;
        if self.recorded == limit.saturating_add(1) {
            cx.limit("negotiations_max", u64::from(limit));
        }
        self.recorded <= limit
    }

    /// Lets the negotiation react, and shows the prompt when it has become possible.
    fn negotiate(&mut self, cx: &mut Context<'_>, react: impl FnOnce(&mut Negotiation, &mut Vec<u8>)) {
        let Some(negotiation) = &mut self.negotiation else { return };
        let mut out = Vec::new();
        react(negotiation, &mut out);
        let open = negotiation.is_open();
        if !out.is_empty() {
            cx.reply(out);
        }
        if open && matches!(self.stage, Stage::Opening) {
            self.begin_login(cx);
        }
    }

    /// An option's value arrived.
    fn value(&mut self, option: u8, data: &[u8], cx: &mut Context<'_>) {
        match (option, data) {
            (WINDOW_SIZE, &[w1, w0, h1, h0]) => {
                self.size = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
                if matches!(self.stage, Stage::Terminal { .. }) {
                    cx.terminal_size(self.size.0, self.size.1);
                }
            }
            (TERMINAL_TYPE, [0, name @ ..]) => {
                if self.recorded <= cx.limits.negotiations_max {
                    cx.emit(Detail::Fingerprint { method: "terminal".into(), value: name.into(), raw: Blob::default() });
                }
                // RFC 1091 names are in capitals; the terminal database has them small.
                let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-+._/".contains(b);
                if !name.is_empty() && name.len() <= TERMINAL_TYPE_BYTES_MAX && name.iter().all(plain) {
                    self.term = name.iter().map(|b| char::from(b.to_ascii_lowercase())).collect();
                }
            }
            (ENVIRONMENT, [0 | 2, ..]) => {
                for (name, value) in options::environment(data) {
                    if name == b"USER" {
                        self.user = Some(value.clone());
                    }
                    if self.recorded <= cx.limits.negotiations_max {
                        let value = [name.as_slice(), b"=", &value].concat();
                        cx.emit(Detail::Fingerprint { method: "environment".into(), value: value.into(), raw: Blob::default() });
                    }
                }
            }
            _ => {}
        }
    }

    /// A command without operand: most stand for a key.
    fn command(&mut self, command: u8, cx: &mut Context<'_>) -> Next {
        let key = match command {
            IP | BREAK => 0x03,
            EC => 0x7f,
            EL => 0x15,
            EOF => 0x04,
            AYT if self.profile.daemon == Daemon::Netkit => {
                cx.reply(format!("\r\n[{} : yes]\r\n", self.profile.hostname));
                return Next::More;
            }
            // BusyBox drops all commands; NOP, DM, AO and GA mean nothing here.
            _ => return Next::More,
        };
        match self.profile.daemon {
            Daemon::Netkit => self.data(key, cx),
            Daemon::Busybox => Next::More,
        }
    }

    fn data(&mut self, byte: u8, cx: &mut Context<'_>) -> Next {
        if let Stage::Opening = self.stage {
            self.negotiate(cx, |negotiation, out| negotiation.skip_opening(out));
        }
        if let Stage::Terminal { after_cr } = &mut self.stage {
            if !(std::mem::replace(after_cr, byte == b'\r') && matches!(byte, b'\n' | 0)) {
                cx.terminal_input([byte]);
            }
            return Next::More;
        }
        let mut echo = Vec::new();
        let outcome = self.line.push(byte, cx.limits.line_bytes_max, &mut echo);
        let visible = self.negotiation.as_ref().is_some_and(Negotiation::echoes);
        match (&self.stage, &outcome) {
            // Only the line end of a password shows.
            (Stage::Password(_), Typed::Line(_)) => cx.reply("\r\n"),
            (Stage::Password(_), _) => {}
            _ if visible && !echo.is_empty() => cx.reply(echo),
            _ => {}
        }
        match outcome {
            Typed::Edited => Next::More,
            Typed::Full => {
                cx.limit("line_bytes_max", cx.limits.line_bytes_max as u64);
                cx.malformed("telnet line too long", self.line.bytes());
                Next::More
            }
            Typed::Ended => Next::Close,
            Typed::Line(line) => self.line(line, cx),
        }
    }

    /// A line was entered at a prompt.
    fn line(&mut self, line: Vec<u8>, cx: &mut Context<'_>) -> Next {
        match std::mem::replace(&mut self.stage, Stage::Username) {
            Stage::Password(user) => {
                self.attempts += 1;
                if cx.authenticate("password", &user, &line, self.attempts) {
                    self.stage = Stage::Terminal { after_cr: self.line.is_after_cr() };
                    cx.expect_within(None);
                    let user = account(&user);
                    return Next::Terminal(TerminalRequest { user, term: self.term.clone(), columns: self.size.0, rows: self.size.1 });
                }
                self.stage = Stage::Refusing;
                Next::Wait(Duration::from_millis(self.profile.failure_delay_ms))
            }
            _ if line.is_empty() => {
                self.ask_username(cx);
                Next::More
            }
            _ => {
                self.ask_password(line, cx);
                Next::More
            }
        }
    }
}

/// The account a typed name means: login programs stop reading at the first byte that does not print.
fn account(user: &[u8]) -> String {
    user.iter().take_while(|b| b.is_ascii_graphic()).take(ACCOUNT_BYTES_MAX).map(|&b| char::from(b)).collect()
}

impl Session for Telnet {
    fn open(&mut self, cx: &mut Context<'_>) -> Next {
        let mut out = Vec::new();
        self.negotiation = Some(Negotiation::open(self.profile.daemon, &mut out));
        cx.reply(out);
        self.negotiate(cx, |_, _| {});
        Next::More
    }

    fn receive(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Next {
        let mut taken = 0;
        let mut next = Next::More;
        for &byte in input.bytes() {
            taken += 1;
            if let Some(token) = self.decoder.push(byte) {
                next = self.token(token, cx);
                if next != Next::More {
                    break;
                }
            }
        }
        input.skip(taken);
        next
    }

    fn resume(&mut self, done: Done, cx: &mut Context<'_>) -> Next {
        match done {
            Done::Waited => {
                if self.attempts >= self.profile.attempts.min(cx.limits.auth_attempts_max) {
                    Self::print(cx, self.profile.farewell.as_deref().unwrap_or(self.profile.failure));
                    return Next::Close;
                }
                Self::print(cx, self.profile.failure);
                self.ask_username(cx);
                Next::More
            }
            Done::TerminalOutput(output) => {
                cx.reply(codec::escape(output));
                Next::More
            }
            Done::TerminalExited(_) => Next::Close,
            _ => Next::More,
        }
    }

    fn lapse(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Next {
        self.end(input, cx);
        let seconds = LOGIN_TIME.as_secs();
        match self.profile.daemon {
            Daemon::Busybox => cx.reply(format!("\r\nLogin timed out after {seconds} seconds\r\n")),
            Daemon::Netkit => Self::print(cx, &format!("\nLogin timed out after {seconds} seconds.\n")),
        }
        Next::Close
    }

    fn end(&mut self, _input: &mut Input, cx: &mut Context<'_>) {
        // A user name is worth keeping even when its password never came.
        if let Stage::Password(user) = &self.stage {
            cx.emit(Detail::Auth {
                method: "none".into(),
                username: user.as_slice().into(),
                secret: self.line.bytes().into(),
                accepted: false,
            });
        }
    }
}
