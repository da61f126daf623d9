//! Why a session ended.

use model::event::Name;

/// The `reason` of a `close` event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer closed the connection.
    Peer,
    /// The emulated service ended it, as the real one would have.
    Server,
    /// Nothing was heard for too long.
    Idle,
    /// A limit was reached.
    Limit,
    /// The connection failed, or the code that served it did.
    Error,
    /// The sensor is stopping.
    Shutdown,
}

impl CloseReason {
    /// The word recorded.
    pub const fn name(self) -> Name {
        Name::Borrowed(match self {
            CloseReason::Peer => "peer",
            CloseReason::Server => "server",
            CloseReason::Idle => "idle",
            CloseReason::Limit => "limit",
            CloseReason::Error => "error",
            CloseReason::Shutdown => "shutdown",
        })
    }
}
