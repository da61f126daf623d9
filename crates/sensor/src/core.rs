//! One session of the `emulation` crate with everything it may see, apart from what carries its bytes.

use crate::decoy::Decoy;
use crate::meter::Meter;
use crate::recorder::Recorder;
use emulation::{Action, CommandLine, Context, Done, Next, Session};
use model::Timestamp;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The session and its surroundings.
pub(crate) struct Core {
    pub(crate) decoy: Arc<Decoy>,
    pub(crate) recorder: Recorder,
    pub(crate) meter: Arc<Meter>,
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) tls: bool,
    session: Box<dyn Session>,
    rng: SmallRng,
    /// The attacker's view of the fake host, made when it is first needed, and whose login it is.
    machine: Option<(String, shell::Machine)>,
}

impl Core {
    pub(crate) fn new(
        decoy: Arc<Decoy>,
        session: Box<dyn Session>,
        recorder: Recorder,
        meter: Arc<Meter>,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Core {
        // A version 7 UUID ends in 62 random bits: a seed that a replay of the session's events can use again.
        let (_, seed) = recorder.session().0.as_u64_pair();
        let rng = SmallRng::seed_from_u64(seed ^ decoy.shared.instance.seed);
        Core { decoy, recorder, meter, peer, local, tls: false, session, rng, machine: None }
    }

    /// Calls the session; what it wants done is returned beside what it wants next.
    pub(crate) fn call(&mut self, call: impl FnOnce(&mut dyn Session, &mut Context<'_>) -> Next) -> (Next, Vec<Action>) {
        let shared = &*self.decoy.shared;
        let mut context = Context {
            now: Timestamp::from(SystemTime::now()),
            rng: &mut self.rng,
            persona: &shared.persona,
            instance: &shared.instance,
            limits: &shared.protocol_limits,
            policy: &self.decoy.policy,
            peer: self.peer,
            local: self.local,
            tls: self.tls,
            actions: Vec::new(),
        };
        let next = call(&mut *self.session, &mut context);
        (next, context.actions)
    }

    /// The fake host as `user` sees it.
    pub(crate) fn machine(&mut self, user: &str) -> shell::Machine {
        match &self.machine {
            Some((login, machine)) if login == user => machine.clone(),
            _ => {
                let machine = self.decoy.shared.host.login(shell::Login {
                    user: user.to_owned(),
                    peer: self.peer,
                    local: self.local,
                    now: Timestamp::from(SystemTime::now()),
                    observer: Arc::new(self.recorder.clone()),
                });
                self.machine = Some((user.to_owned(), machine.clone()));
                machine
            }
        }
    }

    /// Runs a command on the fake host for as long as it may.
    pub(crate) async fn run(&mut self, command: CommandLine) -> Done {
        let limits = self.decoy.shared.limits;
        let machine = self.machine(&command.user);
        let running = machine.run_to_end(&command.line, command.stdin, limits.command_output_bytes_max);
        match tokio::time::timeout(Duration::from_secs(limits.command_seconds_max), running).await {
            Ok((output, status)) => Done::Ran { output, status },
            Err(_) => {
                self.meter.limit("command_seconds_max", limits.command_seconds_max);
                Done::Ran { output: Vec::new(), status: KILLED }
            }
        }
    }
}

/// The status a shell reports for a process killed by SIGKILL: 128 + 9.
const KILLED: u8 = 137;
