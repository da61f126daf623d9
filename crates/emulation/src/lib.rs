//! The emulated protocols, one file (or folder) each: bytes in, bytes and events out.
//!
//! Nothing here opens a socket, waits, reads the clock or draws a random number except through [`Context`], so a session is a pure
//! function of the bytes it is given and of the answers to what it asked for. [`PROTOCOLS`] is the one list of them all.

mod context;
mod input;
mod policy;
mod protocols;
mod session;

pub use context::{Action, Context, Limits};
pub use input::{Input, Line};
pub use policy::{CredentialPolicy, Credentials, Pair};
pub use protocols::{Definition, Engine, Factory, PROTOCOLS, definition};
pub use session::{Captured, CommandLine, Done, Next, Session, TerminalRequest};
