//! Drives a session of the `emulation` crate over a byte stream.
//!
//! The order is always: `rx` recorded, session called, its events recorded, `tx` recorded, bytes sent. A session that asks for something
//! gets no bytes until it is answered; nobody reads the socket meanwhile, so the peer is slowed by TCP itself.

mod data_channel;
mod secure;
mod terminal;

use crate::CloseReason;
use crate::core::Core;
use crate::meter::Meter;
use crate::watch::Watch;
use crate::wire::Wire;
use data_channel::DataChannel;
use emulation::{Action, Context, Done, Input, Next, Session};
use std::io;
use std::time::Duration;
use terminal::Terminal;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// One session on one stream.
pub(crate) struct Driver<S> {
    core: Core,
    wire: Wire<S>,
    watch: Watch,
    input: Input,
    /// The session has seen all of `input` and left it: only more bytes, or an answer, make it worth another look.
    seen: bool,
    /// The peer has closed its side.
    ended: bool,
    /// When the session's patience with its peer ends.
    deadline: Option<Instant>,
    terminal: Option<Box<Terminal>>,
    data: Option<DataChannel>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Driver<S> {
    /// `input` is what was read already, behind a PROXY header; it is recorded here.
    pub(crate) fn new(core: Core, stream: S, watch: Watch, input: &[u8]) -> Driver<S> {
        let mut driver = Driver {
            core,
            wire: Wire::Plain(stream),
            watch,
            input: Input::default(),
            seen: true,
            ended: false,
            deadline: None,
            terminal: None,
            data: None,
        };
        driver.input.extend(input);
        driver.seen = input.is_empty();
        driver
    }

    /// Runs the session to its end; the connection is given back to be closed.
    pub(crate) async fn run(mut self) -> (CloseReason, Wire<S>) {
        let reason = match self.drive().await {
            Ok(never) => match never {},
            Err(reason) => reason,
        };
        (reason, self.wire)
    }

    async fn drive(&mut self) -> Result<std::convert::Infallible, CloseReason> {
        if self.core.decoy.tls {
            // TLS reads the bytes itself, and they are recorded once they are plain.
            self.secure().await?;
        } else if !self.input.is_empty() {
            self.core.meter.received(self.input.bytes());
        }
        let mut next = self.call(|session, _, cx| session.open(cx)).await?;
        loop {
            next = match next {
                Next::More => self.more().await?,
                Next::Close => return Err(CloseReason::Server),
                Next::StartTls => match self.secure().await {
                    Ok(()) => self.resume(Done::TlsStarted).await?,
                    Err(reason) => {
                        self.resume(Done::TlsFailed).await?;
                        return Err(reason);
                    }
                },
                Next::Wait(time) => {
                    self.unless_over(tokio::time::sleep(time)).await?;
                    self.resume(Done::Waited).await?
                }
                Next::Run(command) => {
                    let done = tokio::select! {
                        biased;
                        reason = &mut self.watch => return Err(reason),
                        done = Box::pin(self.core.run(command)) => done,
                    };
                    self.resume(done).await?
                }
                Next::Terminal(request) => {
                    let next = Box::pin(self.run_terminal(request)).await;
                    self.terminal = None;
                    next?
                }
                Next::Listen => {
                    let limits = &self.core.decoy.shared.limits;
                    let (address, data) = DataChannel::open(self.core.local.ip(), self.core.peer.ip(), limits).map_err(|error| {
                        tracing::warn!(%error, decoy = self.core.decoy.name, "a data channel could not listen");
                        CloseReason::Error
                    })?;
                    self.data = Some(data);
                    self.resume(Done::Listening(address)).await?
                }
            };
        }
    }

    /// Gives the session what there is and waits for more, until it wants something else than bytes.
    async fn more(&mut self) -> Result<Next, CloseReason> {
        loop {
            match self.offer().await? {
                Next::More => {}
                next => return Ok(next),
            }
            if self.ended {
                self.call(|session, input, cx| {
                    session.end(input, cx);
                    Next::Close
                })
                .await?;
                return Err(CloseReason::Peer);
            }
            let room = self.room()?;
            let deadline = self.deadline;
            let done = tokio::select! {
                biased;
                reason = &mut self.watch => return Err(reason),
                done = DataChannel::done(&mut self.data) => Some(done),
                read = receive(&mut self.wire, room, &self.core.meter, &mut self.input) => {
                    self.received(read)?;
                    None
                }
                () = at(deadline) => {
                    self.deadline = None;
                    match self.call(|session, input, cx| session.lapse(input, cx)).await? {
                        Next::More => None,
                        next => return Ok(next),
                    }
                }
            };
            if let Some(done) = done {
                if let Done::DataReceived(bytes) = &done {
                    let max = self.core.decoy.shared.limits.data_channel_bytes_max;
                    if bytes.len() >= max {
                        self.core.meter.limit("data_channel_bytes_max", max as u64);
                    }
                }
                match self.resume(done).await? {
                    Next::More => {}
                    next => return Ok(next),
                }
            }
        }
    }

    /// Calls the session for as long as it takes something and wants nothing else.
    async fn offer(&mut self) -> Result<Next, CloseReason> {
        while !self.seen && !self.input.is_empty() {
            let before = self.input.len();
            let next = self.call(|session, input, cx| session.receive(input, cx)).await?;
            self.seen = self.input.len() == before;
            if next != Next::More {
                return Ok(next);
            }
        }
        Ok(Next::More)
    }

    /// How many bytes may be read now. A full input that the session does not take will never be taken.
    fn room(&self) -> Result<usize, CloseReason> {
        let max = self.core.decoy.shared.limits.input_bytes_max;
        match max.saturating_sub(self.input.len()) {
            0 => {
                self.core.meter.limit("input_bytes_max", max as u64);
                Err(CloseReason::Limit)
            }
            room => Ok(room),
        }
    }

    fn received(&mut self, read: io::Result<usize>) -> Result<(), CloseReason> {
        match read {
            Ok(0) => self.ended = true,
            Ok(_) if self.core.meter.is_exhausted() => return Err(self.core.meter.exhausted()),
            Ok(_) => self.seen = false,
            // A reset, or TLS cut off without its farewell: the peer is gone either way.
            Err(error) => {
                tracing::trace!(%error, "reading failed");
                self.ended = true;
            }
        }
        Ok(())
    }

    async fn resume(&mut self, done: Done) -> Result<Next, CloseReason> {
        self.seen = false;
        self.call(|session, _, cx| session.resume(done, cx)).await
    }

    /// Calls the session and does what it wants done, in order.
    async fn call(&mut self, call: impl FnOnce(&mut dyn Session, &mut Input, &mut Context<'_>) -> Next) -> Result<Next, CloseReason> {
        let input = &mut self.input;
        let (next, actions) = self.core.call(|session, cx| call(session, input, cx));
        for action in actions {
            match action {
                Action::Emit(detail) => self.core.recorder.record(detail),
                Action::Capture(file) => self.core.recorder.capture(&file.path, &file.content, file.method),
                Action::Reply(bytes) => self.send(&bytes).await?,
                Action::TerminalInput(bytes) => {
                    if let Some(terminal) = &mut self.terminal {
                        terminal.push(shell::Input::Bytes(bytes));
                    }
                }
                Action::TerminalSize(columns, rows) => {
                    if let Some(terminal) = &mut self.terminal {
                        terminal.push(shell::Input::Resize(columns, rows));
                    }
                }
                Action::DataReply(bytes) => {
                    if let Some(data) = &mut self.data {
                        data.reply(bytes);
                    }
                }
                Action::Deadline(time) => self.deadline = time.and_then(|time| Instant::now().checked_add(time)),
            }
        }
        Ok(next)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), CloseReason> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.core.meter.sending(bytes);
        if self.core.meter.is_exhausted() {
            return Err(self.core.meter.exhausted());
        }
        // Writing first: nearly always it does not have to wait, and then the watch is not touched.
        let sent = tokio::select! {
            biased;
            sent = self.wire.write(bytes) => sent,
            reason = &mut self.watch => return Err(reason),
        };
        sent.map_err(|_| CloseReason::Peer)
    }

    async fn unless_over<T>(&mut self, work: impl Future<Output = T>) -> Result<T, CloseReason> {
        tokio::select! {
            biased;
            reason = &mut self.watch => Err(reason),
            done = work => Ok(done),
        }
    }

    /// How long a session goes on after the peer has closed its side.
    fn half_closed(&self) -> Duration {
        Duration::from_secs(self.core.decoy.shared.limits.half_closed_seconds_max)
    }
}

/// Waits for a moment that may never come.
async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Reads once into `input`, recording first.
async fn receive<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    room: usize,
    meter: &Meter,
    input: &mut Input,
) -> io::Result<usize> {
    wire.read(room, |bytes| {
        meter.received(bytes);
        input.extend(bytes);
    })
    .await
}
