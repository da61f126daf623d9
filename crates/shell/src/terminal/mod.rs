//! The terminal: what sits between the bytes a client types and the programs that read them.

mod discipline;
pub(crate) mod editor;

pub use discipline::Mode;

use crate::machine::Machine;
use crate::task::lock;
use crate::{Errno, Input, Stream};
use discipline::{Discipline, Effect};
use std::future::poll_fn;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use tokio::sync::mpsc;

/// Unread input kept before the terminal stops taking more from its client, in bytes.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// A pseudo-terminal and its line discipline.
pub struct Terminal {
    state: Mutex<State>,
    output: mpsc::Sender<(Stream, Vec<u8>)>,
    /// `$TERM` as the client named it.
    pub kind: String,
}

struct State {
    receiver: mpsc::Receiver<Input>,
    discipline: Discipline,
    columns: u16,
    rows: u16,
    /// The process group that typed signals go to; 0 for none.
    foreground: u32,
    hung_up: bool,
    /// Echo produced by a reader, to be sent by the pump.
    echo: Vec<u8>,
    readers: Vec<Waker>,
    pump: Option<Waker>,
}

impl State {
    fn wake_readers(&mut self) {
        for waker in self.readers.drain(..) {
            waker.wake();
        }
    }

    fn wake_pump(&mut self) {
        if let Some(waker) = self.pump.take() {
            waker.wake();
        }
    }
}

/// What the pump found to do.
enum Work {
    Echo(Vec<u8>, Vec<u8>),
    HungUp,
}

impl Terminal {
    pub(crate) fn new(
        kind: &str,
        columns: u16,
        rows: u16,
        receiver: mpsc::Receiver<Input>,
        output: mpsc::Sender<(Stream, Vec<u8>)>,
    ) -> Terminal {
        let state = State {
            receiver,
            discipline: Discipline::default(),
            columns,
            rows,
            foreground: 0,
            hung_up: false,
            echo: Vec::new(),
            readers: Vec::new(),
            pump: None,
        };
        Terminal { state: Mutex::new(state), output, kind: kind.to_owned() }
    }

    /// Columns and rows.
    pub fn window(&self) -> (u16, u16) {
        let state = lock(&self.state);
        (state.columns, state.rows)
    }

    /// How input and output are treated.
    pub fn mode(&self) -> Mode {
        lock(&self.state).discipline.mode()
    }

    /// `tcsetattr`. What was typed and not read stays to be read.
    pub fn set_mode(&self, mode: Mode) {
        let mut state = lock(&self.state);
        state.discipline.set_mode(mode);
        state.wake_readers();
    }

    /// `TIOCSPGRP`: the process group that Ctrl-C and Ctrl-Z reach.
    pub fn set_foreground(&self, group: u32) {
        lock(&self.state).foreground = group;
    }

    /// `TIOCGPGRP`.
    pub fn foreground(&self) -> u32 {
        lock(&self.state).foreground
    }

    /// Whether the client is gone.
    pub fn hung_up(&self) -> bool {
        lock(&self.state).hung_up
    }

    /// What has been typed and not read, where that can be taken at once; for editors that redraw only when idle.
    pub fn has_input(&self) -> bool {
        lock(&self.state).discipline.has_input()
    }

    pub(crate) fn poll_read(&self, bytes_max: usize, until: Option<u8>, cx: &Context<'_>) -> Poll<Result<Vec<u8>, Errno>> {
        let mut state = lock(&self.state);
        let mut effect = Effect::default();
        let taken = state.discipline.read(bytes_max, until, &mut effect);
        if !effect.echo.is_empty() {
            state.echo.append(&mut effect.echo);
        }
        state.wake_pump();
        match taken {
            Some(bytes) => Poll::Ready(Ok(bytes)),
            None if state.hung_up => Poll::Ready(Ok(Vec::new())),
            None => {
                if !state.readers.iter().any(|w| w.will_wake(cx.waker())) {
                    state.readers.push(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// Prints, with line ends mapped as the mode says. `Eio` when the client is gone.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        let map = self.mode().output;
        for part in bytes.chunks(16 * 1024) {
            let part = if map { discipline::with_carriage_returns(part) } else { part.to_vec() };
            self.output.send((Stream::Out, part)).await.map_err(|_| Errno::Eio)?;
        }
        Ok(())
    }

    /// Takes what the client types, echoes it and turns Ctrl-C and its like into signals, until the client is gone (`true`) or types no more
    /// (`false`): then what it typed is still read and run, as when a script is piped into `ssh -tt`.
    pub(crate) async fn pump(&self, machine: &Machine) -> bool {
        loop {
            match poll_fn(|cx| self.poll_work(cx)).await {
                Work::HungUp => return false,
                Work::Echo(echo, signals) => {
                    let group = self.foreground();
                    for signal in signals {
                        machine.signal_group(group, signal);
                    }
                    if !echo.is_empty() && self.output.send((Stream::Out, echo)).await.is_err() {
                        self.hang_up();
                        return true;
                    }
                }
            }
        }
    }

    fn hang_up(&self) {
        let mut state = lock(&self.state);
        state.hung_up = true;
        state.wake_readers();
    }

    fn poll_work(&self, cx: &mut Context<'_>) -> Poll<Work> {
        let mut state = lock(&self.state);
        if !state.echo.is_empty() {
            return Poll::Ready(Work::Echo(std::mem::take(&mut state.echo), Vec::new()));
        }
        if state.discipline.held_bytes() >= INPUT_BYTES_MAX {
            state.pump = Some(cx.waker().clone());
            return Poll::Pending;
        }
        match state.receiver.poll_recv(cx) {
            Poll::Pending => {
                state.pump = Some(cx.waker().clone());
                Poll::Pending
            }
            Poll::Ready(None) => {
                state.hung_up = true;
                state.wake_readers();
                Poll::Ready(Work::HungUp)
            }
            Poll::Ready(Some(Input::Resize(columns, rows))) => {
                (state.columns, state.rows) = (columns, rows);
                Poll::Ready(Work::Echo(Vec::new(), vec![crate::task::signal::WINCH]))
            }
            Poll::Ready(Some(Input::Bytes(bytes))) => {
                let mut effect = Effect::default();
                state.discipline.typed(&bytes, &mut effect);
                state.wake_readers();
                Poll::Ready(Work::Echo(effect.echo, effect.signals))
            }
        }
    }
}
