//! What the fuzz targets share. They derive from [`emulation::PROTOCOLS`]: `session` reaches every decoy there is and ever will be, the
//! targets named after a protocol spend all their time on one.
//!
//! `cargo +nightly fuzz run session`, or on stable `cargo fuzz run --sanitizer none session`.

use emulation::{Definition, Done, Engine, PROTOCOLS};
use std::sync::LazyLock;
use testkit::{Item, Player, World};

static PERSONAS: LazyLock<Vec<persona::Persona>> =
    LazyLock::new(|| persona::builtin_names().iter().map(|name| persona::builtin(name).expect("built-in personas are complete")).collect());

/// The decoys a session drives.
pub fn decoys() -> Vec<&'static Definition> {
    PROTOCOLS.iter().filter(|definition| matches!(definition.engine, Engine::Session(_))).collect()
}

/// Plays `data` to a decoy: the first byte picks the persona, then each piece is a length and so many bytes. What happens must not depend
/// on the pieces, must be bounded by the bytes, and must not panic.
pub fn session(definition: &Definition, data: &[u8]) {
    let Some((&who, mut rest)) = data.split_first() else { return };
    let persona = &PERSONAS[usize::from(who) % PERSONAS.len()];
    let mut pieces = Vec::new();
    while let Some((&length, tail)) = rest.split_first() {
        let (piece, tail) = tail.split_at(usize::from(length).min(tail.len()));
        pieces.push(piece);
        rest = tail;
    }
    let whole = pieces.concat();
    let split = play(definition, persona, &pieces);
    assert!(split.len() <= 8 * whole.len() + 16, "{} items for {} bytes", split.len(), whole.len());
    assert_eq!(split, play(definition, persona, &[&whole]), "the outcome depends on how the bytes are split");
}

fn play(definition: &Definition, persona: &persona::Persona, pieces: &[&[u8]]) -> Vec<Item> {
    let mut player = Player::open(definition, World::new(definition, persona.clone()));
    pieces.iter().for_each(|piece| player.send(piece));
    player.answer(Done::TerminalOutput(b"\xff".to_vec()));
    player.end();
    player.take()
}
