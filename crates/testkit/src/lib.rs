//! What tests share: a world for a session to live in, and transcripts to play to it. It never ships.

mod player;
mod text;
mod transcript;

pub use player::{Item, Player, World};
pub use text::{escape, unescape};
pub use transcript::{Outcome, play};
