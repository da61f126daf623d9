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

fn personas() -> Vec<String> {
    persona::builtin_names()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hurt(pieces in prop::collection::vec(piece(), 0..40), which in any::<prop::sample::Index>(), who in any::<prop::sample::Index>()) {
        let decoys = decoys();
        let definition = decoys[which.index(decoys.len())];
        let personas = personas();
        let persona = persona::builtin(&personas[who.index(personas.len())]).unwrap();
        let mut player = Player::open(definition, World::new(definition, persona));
        let mut sent = 0;
        for piece in &pieces {
            sent += piece.len() as u64;
            player.send(piece);
        }
        player.answer(Done::TerminalOutput(b"\xff".to_vec()));
        player.answer(Done::TerminalExited(0));
        player.end();
        // A call takes at least a byte, or is an answer to what one that did asked for.
        prop_assert!(player.calls() <= 4 * sent + 16, "{} calls for {sent} bytes", player.calls());
        let items = player.take();
        prop_assert!(items.len() as u64 <= 8 * sent + 16, "{} items for {sent} bytes", items.len());
        prop_assert!(!items.contains(&Item::Stalled), "the input was left full");
    }
}
