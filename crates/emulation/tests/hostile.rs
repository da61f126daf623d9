//! Arbitrary bytes in arbitrary pieces: no session may panic, spin, or do without bound more than it was given.

use emulation::{Definition, Done, Engine, PROTOCOLS};
use proptest::prelude::*;
use testkit::{Item, Player, World};

fn decoys() -> Vec<&'static Definition> {
    PROTOCOLS.iter().filter(|d| matches!(d.engine, Engine::Session(_))).collect()
}

/// Words that lead deeper into the protocols than random bytes would; one list for all of them, because a peer may mix them up too.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b":",
    b"/",
    b"%",
    b"..",
    b"\xff",
    b"\xff\xfa",
    b"\xff\xf0",
    b"\xff\xfb\x1f",
    b"\xff\xfd\x01",
    b"\xff\xfa\x27\x00\x00USER\x01root\xff\xf0",
    b"\xff\xfc\x18",
    b"\xff\xfc\x20",
    b"\xff\xfc\x23",
    b"\xff\xfc\x27",
    b"root\r\n",
    b"GET / HTTP/1.1\r\n",
    b"POST /wp-login.php HTTP/1.1\r\n",
    b"Host: a\r\n",
    b"HEAD ",
    b"OPTIONS * ",
    b"CONNECT a:1 ",
    b"HTTP/1.0\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"5\r\nabcde\r\n",
    b"0\r\n\r\n",
    b"Expect: 100-continue\r\n",
    b"Range: bytes=0-\r\n",
    b"Range: bytes=-1\r\n",
    b"If-None-Match: *\r\n",
    b"Authorization: Basic YTpi\r\n",
    b"Connection: keep-alive\r\n",
    b"Content-Type: multipart/form-data; boundary=b\r\n",
    b"--b\r\n",
    b"--b--",
    b"log=a&pwd=b",
    b"/admin/",
    b"?cmd=id",
    b"http://a/",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => prop::sample::select(WORDS).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 1..10_000_usize).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

/// Plays the pieces, each in bites of the given size, and returns what happened and how often the session was called.
fn play(definition: &'static Definition, persona: &str, pieces: &[Vec<u8>], bite: usize) -> (Vec<Item>, u64) {
    let mut player = Player::open(definition, World::new(definition, persona::builtin(persona).unwrap()));
    for piece in pieces {
        piece.chunks(bite).for_each(|bytes| player.send(bytes));
    }
    player.answer(Done::TerminalOutput(b"\xff".to_vec()));
    player.answer(Done::TerminalExited(0));
    player.end();
    let calls = player.calls();
    (player.take(), calls)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hurt(pieces in prop::collection::vec(piece(), 0..40), which in any::<prop::sample::Index>(), who in any::<prop::sample::Index>()) {
        let (decoys, personas) = (decoys(), persona::builtin_names());
        let (definition, persona) = (decoys[which.index(decoys.len())], &personas[who.index(personas.len())]);
        let sent: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let (items, calls) = play(definition, persona, &pieces, usize::MAX);
        // A call takes at least a byte, or is an answer to what one that did asked for.
        prop_assert!(calls <= 4 * sent + 16, "{calls} calls for {sent} bytes");
        prop_assert!(items.len() as u64 <= 8 * sent + 16, "{} items for {sent} bytes", items.len());
        prop_assert!(!items.contains(&Item::Stalled), "the input was left full");

        // However the bytes come in, the same happens.
        let whole = vec![pieces.concat()];
        prop_assert_eq!(&play(definition, persona, &whole, usize::MAX).0, &items);
        let bite = if sent > 20_000 { 997 } else { 1 };
        prop_assert_eq!(&play(definition, persona, &whole, bite).0, &items);
    }
}
