//! A session in a world of our own making: it is fed bytes and answers, and everything it does is written down.

use emulation::{Action, Context, CredentialPolicy, Definition, Done, Engine, Input, Limits, Next, Session};
use model::{Detail, Timestamp};
use persona::{Instance, Persona};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// What a session sees of the world; the clock moves only when the session waits.
pub struct World {
    /// The time.
    pub now: Timestamp,
    /// The source of randomness.
    pub rng: SmallRng,
    /// Who the decoy pretends to be.
    pub persona: Persona,
    /// Which one of those it is.
    pub instance: Instance,
    /// The limits.
    pub limits: Limits,
    /// Which credentials are let in.
    pub policy: CredentialPolicy,
    /// The peer.
    pub peer: SocketAddr,
    /// Our own address.
    pub local: SocketAddr,
    /// Whether the bytes travel inside TLS.
    pub tls: bool,
}

impl World {
    /// A world at a fixed time, with a fixed seed, default limits, and addresses from the documentation blocks (RFC 5737).
    pub fn new(definition: &Definition, persona: Persona) -> World {
        let now = Timestamp::from_seconds(1_774_173_600);
        let address = |last, port| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), port);
        World {
            now,
            rng: SmallRng::seed_from_u64(1),
            instance: Instance { seed: 1, booted: Timestamp::from_seconds(1_774_000_000), address: address(10, 0).ip() },
            persona,
            limits: Limits::default(),
            policy: CredentialPolicy::Any,
            peer: address(99, 40_000),
            local: address(10, definition.port),
            tls: definition.tls,
        }
    }
}

/// One thing a session did, or asked for.
#[derive(Debug, PartialEq)]
pub enum Item {
    /// An event.
    Event(Detail),
    /// Anything else the runtime is told to do; neighbouring replies and terminal input are joined.
    Action(Action),
    /// Anything but [`Next::More`].
    Asked(Next),
    /// The peer's end of input was told.
    Ended,
    /// The session left its input full and untouched, so the runtime would give up.
    Stalled,
}

/// Plays bytes to a session.
pub struct Player {
    /// The world it lives in.
    pub world: World,
    /// Answers to [`Next::Run`], in order: status and output. When there is none, the command prints nothing.
    pub commands: VecDeque<(u8, Vec<u8>)>,
    session: Box<dyn Session>,
    input: Input,
    items: Vec<Item>,
    is_closed: bool,
    calls: u64,
    deadline: Option<Duration>,
}

impl Player {
    /// Opens a session of a decoy that has one.
    pub fn open(definition: &Definition, world: World) -> Player {
        let Engine::Session(factory) = &definition.engine else { panic!("{} is not driven by a session", definition.name) };
        let session = factory(&world.persona).unwrap_or_else(|e| panic!("{}: {e}", definition.name))();
        let commands = VecDeque::new();
        let mut player =
            Player { world, commands, session, input: Input::default(), items: Vec::new(), is_closed: false, calls: 0, deadline: None };
        let next = player.call(|session, _, cx| session.open(cx));
        player.settle(next);
        player
    }

    /// Sends bytes, as many at once as the input takes.
    pub fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_closed {
            let room = self.world.limits.input_bytes_max.saturating_sub(self.input.len());
            if room == 0 {
                self.items.push(Item::Stalled);
                self.is_closed = true;
                return;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.input.extend(now);
            bytes = later;
            self.settle(Next::More);
        }
    }

    /// Gives an answer, or lets the terminal say something.
    pub fn answer(&mut self, done: Done) {
        if !self.is_closed {
            let next = self.call(|session, _, cx| session.resume(done, cx));
            self.settle(next);
        }
    }

    /// The peer hangs up.
    pub fn end(&mut self) {
        if !self.is_closed {
            self.items.push(Item::Ended);
            self.call(|session, input, cx| {
                session.end(input, cx);
                Next::More
            });
            self.is_closed = true;
        }
    }

    /// How long the session waits for the peer, from when it said so.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Lets that time pass.
    pub fn lapse(&mut self) {
        if !self.is_closed {
            let next = self.call(|session, input, cx| session.lapse(input, cx));
            self.settle(next);
        }
    }

    /// Whether the session has hung up.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// How often the session was called.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Takes what was written down so far.
    pub fn take(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }

    fn settle(&mut self, mut next: Next) {
        loop {
            if next != Next::More {
                self.items.push(Item::Asked(match &next {
                    Next::Wait(duration) => Next::Wait(*duration),
                    Next::Run(command) => Next::Run(command.clone()),
                    Next::Terminal(request) => Next::Terminal(request.clone()),
                    Next::StartTls => Next::StartTls,
                    Next::Listen => Next::Listen,
                    Next::Close | Next::More => Next::Close,
                }));
            }
            let done = match next {
                Next::Close => {
                    self.is_closed = true;
                    return;
                }
                // A terminal is outstanding while bytes go on being received.
                Next::More | Next::Terminal(_) => {
                    let waiting = self.input.len();
                    if waiting == 0 {
                        return;
                    }
                    next = self.call(|session, input, cx| session.receive(input, cx));
                    if next == Next::More && self.input.len() == waiting {
                        return;
                    }
                    continue;
                }
                Next::Wait(duration) => {
                    self.world.now = self.world.now.plus(duration.min(Duration::from_secs(3600)));
                    Done::Waited
                }
                Next::Run(_) => {
                    let (status, output) = self.commands.pop_front().unwrap_or_default();
                    Done::Ran { output, status }
                }
                Next::StartTls => {
                    self.world.tls = true;
                    Done::TlsStarted
                }
                Next::Listen => Done::Listening(SocketAddr::new(self.world.local.ip(), 50_000)),
            };
            next = self.call(|session, _, cx| session.resume(done, cx));
        }
    }

    fn call(&mut self, call: impl FnOnce(&mut dyn Session, &mut Input, &mut Context<'_>) -> Next) -> Next {
        self.calls += 1;
        let World { now, rng, persona, instance, limits, policy, peer, local, tls } = &mut self.world;
        let mut cx =
            Context { now: *now, rng, persona, instance, limits, policy, peer: *peer, local: *local, tls: *tls, actions: Vec::new() };
        let next = call(&mut *self.session, &mut self.input, &mut cx);
        for action in cx.actions {
            match (self.items.last_mut(), action) {
                (Some(Item::Action(Action::Reply(last))), Action::Reply(more)) => last.extend(more),
                (Some(Item::Action(Action::TerminalInput(last))), Action::TerminalInput(more)) => last.extend(more),
                // It depends on how the bytes were cut, which nothing else that is written down does.
                (_, Action::Deadline(time)) => self.deadline = time,
                (_, Action::Emit(detail)) => self.items.push(Item::Event(detail)),
                (_, action) => self.items.push(Item::Action(action)),
            }
        }
        next
    }
}
