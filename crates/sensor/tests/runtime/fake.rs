//! Protocols that do what the test says, one line a request.

use emulation::{CommandLine, Context, Definition, Done, Engine, Factory, Input, Line, Next, Session, TerminalRequest};
use model::{Detail, Protocol, Transport};
use persona::{Persona, PersonaError};
use std::time::Duration;

const LINES: Definition = Definition {
    name: "lines",
    protocol: Protocol::Ftp,
    transport: Transport::Tcp,
    port: 21,
    unprivileged_port: 2121,
    tls: false,
    engine: Engine::Session(lines),
};

pub static DECOYS: &[Definition] = &[
    LINES,
    Definition { name: "secure", protocol: Protocol::Http, tls: true, ..LINES },
    Definition { name: "secure-lines", tls: true, ..LINES },
    Definition { name: "datagrams", transport: Transport::Udp, engine: Engine::Session(silent), ..LINES },
    Definition { name: "ssh", protocol: Protocol::Ssh, engine: Engine::Ssh, ..LINES },
];

fn lines(_: &Persona) -> Result<Factory, PersonaError> {
    Ok(Box::new(|| Box::new(Lines::default())))
}

/// Speaks only when spoken to.
fn silent(_: &Persona) -> Result<Factory, PersonaError> {
    Ok(Box::new(|| Box::new(Lines { silent: true, ..Lines::default() })))
}

#[derive(Default)]
struct Lines {
    silent: bool,
    terminal: bool,
    attempts: u32,
    overlong: bool,
}

impl Session for Lines {
    fn open(&mut self, cx: &mut Context<'_>) -> Next {
        if !self.silent {
            cx.reply(if cx.tls { "hello, secure\n" } else { "hello\n" });
        }
        Next::More
    }

    fn receive(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Next {
        if self.terminal {
            let bytes = input.take_all();
            cx.terminal_input(bytes);
            return Next::More;
        }
        let line = match input.take_line(cx.limits.line_bytes_max) {
            Line::Incomplete => return Next::More,
            Line::Overlong(_) => {
                if !std::mem::replace(&mut self.overlong, true) {
                    cx.limit("line_bytes_max", cx.limits.line_bytes_max as u64);
                }
                return Next::More;
            }
            Line::Whole(line) => line,
        };
        let text = String::from_utf8_lossy(&line).into_owned();
        cx.emit(Detail::Query { text: line.into() });
        let (verb, argument) = text.split_once(' ').unwrap_or((&text, ""));
        match verb {
            "login" => {
                self.attempts += 1;
                let accepted = cx.authenticate("password", b"root", argument.as_bytes(), self.attempts);
                cx.reply(format!("{accepted}\n"));
            }
            "flood" => {
                for _ in 0..argument.parse().unwrap_or(0) {
                    cx.reply([b'x'; 1024]);
                }
            }
            "wait" => return Next::Wait(Duration::from_millis(argument.parse().unwrap_or(0))),
            "run" => return Next::Run(CommandLine { user: "root".into(), line: argument.into(), stdin: Vec::new() }),
            "tls" => {
                cx.reply("go\n");
                return Next::StartTls;
            }
            "terminal" => {
                self.terminal = true;
                return Next::Terminal(TerminalRequest { user: "root".into(), term: "xterm".into(), columns: 80, rows: 24 });
            }
            "listen" => return Next::Listen,
            "data" => cx.data_reply(argument),
            "keep" => cx.capture(emulation::Captured { path: b"/tmp/x".to_vec(), content: argument.into(), method: "upload".into() }),
            "panic" => panic!("as asked"),
            "quit" => {
                cx.reply("bye\n");
                return Next::Close;
            }
            _ => cx.reply(format!("{text}\n")),
        }
        Next::More
    }

    fn resume(&mut self, done: Done, cx: &mut Context<'_>) -> Next {
        match done {
            Done::Waited => cx.reply("waited\n"),
            Done::TlsStarted => cx.reply("secure\n"),
            Done::TlsFailed => {}
            Done::Ran { output, status } => {
                cx.reply(output);
                cx.reply(format!("status {status}\n"));
            }
            Done::TerminalOutput(bytes) => cx.reply(bytes),
            Done::TerminalExited(status) => {
                self.terminal = false;
                cx.reply(format!("exited {status}\n"));
            }
            Done::Listening(address) => cx.reply(format!("{address}\n")),
            Done::DataReceived(bytes) => cx.reply(format!("received {}\n", bytes.escape_ascii())),
            Done::DataSent(sent) => cx.reply(format!("sent {sent}\n")),
        }
        Next::More
    }

    fn end(&mut self, input: &mut Input, cx: &mut Context<'_>) {
        if !input.is_empty() {
            let data = input.take_all();
            cx.malformed("the last line has no end", &data);
        }
    }
}
