//! Input made to hurt: whatever it is, the host answers or refuses, in bounded time and memory.

mod common;

use common::{answer, machine};
use proptest::prelude::*;

async fn run(line: &[u8]) -> (String, u8, Vec<String>) {
    let (machine, recorded) = machine("ubuntu-web", "root");
    let (printed, status) = answer(&machine, line).await;
    (String::from_utf8_lossy(&printed).into_owned(), status, recorded.limits())
}

#[tokio::test(start_paused = true)]
async fn deep_nesting_is_an_error() {
    let openers = [
        "(",
        "{ ",
        "((",
        "$(",
        "$((",
        "`",
        "${a:-",
        "if ",
        "while ",
        "case a in a) ",
        "[[ (",
        "[[ ! ",
        "f() { ",
        "\"$(",
        "a=(",
        "a[",
        "{a,",
        "<(",
        "! ",
        "eval ",
    ];
    for opener in openers {
        // Short enough to be one argument, as a real host takes it.
        let line = opener.repeat(130_000 / opener.len());
        let (_, status, _) = run(line.as_bytes()).await;
        let harmless = ["a[", "{a,", "eval "].contains(&opener);
        assert!(status != 0 || harmless, "{opener}");
    }
}

#[tokio::test(start_paused = true)]
async fn endless_work_ends() {
    let lines = [
        "while :; do :; done",
        "for ((;;)); do x=1; done",
        "f() { f; }; f",
        "f() { f | f & }; f; wait",
        ":(){ :|:& };:",
        "eval 'x=\"eval $x\"; eval \"$x\"'; a() { eval a; }; a",
        "x=x; while :; do x=$x$x; done",
        "x=(); while :; do x+=(aaaaaaaaaaaaaaaaaaaaaaaa); done",
        "yes > /dev/null",
        "cat /dev/zero > /dev/null",
        "yes | cat > /dev/null",
        "echo {1..9999999}",
        "echo {1..9}{1..9}{1..9}{1..9}{1..9}{1..9}{1..9}",
        "x=$(yes)",
        "printf '%9999999999d' 1",
        "trap 'kill -INT $$' INT; kill -INT $$; while :; do :; done",
        "while :; do sleep 1000000 & done",
        "exec 3<> /tmp/f; while :; do echo x >&3; done",
        "alias a='b ' b='a '; shopt -s expand_aliases; a",
        "sh -c 'while :; do sh -c : ; done'",
        "until false; do cat <<< x; done",
        "read x < <(yes); while read y; do :; done < <(yes)",
    ];
    for line in lines {
        let began = std::time::Instant::now();
        let (printed, _, _) = run(line.as_bytes()).await;
        assert!(printed.len() < 70_000_000, "{line}");
        // Generous: these are debug builds on shared machines.
        assert!(began.elapsed().as_secs() < 60, "{line}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn limits_are_events_and_look_like_a_loaded_host() {
    let (_, status, limits) = run(b"while :; do :; done").await;
    assert_eq!((status, &limits[..]), (137, &["shell_steps_max".to_owned()][..]));
    let (printed, _, limits) = run(b":(){ :|:& };:; wait").await;
    assert!(printed.contains("fork: retry: Resource temporarily unavailable"), "{}", &printed[..printed.len().min(500)]);
    assert!(limits.contains(&"shell_processes_max".to_owned()), "{limits:?}");
    let (_, status, limits) = run(b"f() { f; }; f").await;
    assert_eq!((status, &limits[..]), (139, &["shell_depth_max".to_owned()][..]));
    let (printed, status, limits) = run(b"x=x; while :; do x=$x$x; done").await;
    assert!(printed.contains("xrealloc: cannot allocate"), "{printed}");
    assert_eq!((status, &limits[..]), (2, &["shell_memory_bytes_max".to_owned()][..]));
    let long = vec![b'a'; 10_000_000];
    let (printed, status, limits) = run(&long).await;
    assert_eq!((&printed[..], status, &limits[..]), ("/bin/bash: Argument list too long\n", 126, &["shell_line_bytes_max".to_owned()][..]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_when_a_session_is_dropped() {
    let (machine, _) = machine("ubuntu-web", "root");
    let dropped = tokio::time::timeout(
        std::time::Duration::from_secs(1),
        answer(&machine, b"sleep 1000 | cat & (sleep 1000; sleep 1) & cat <(sleep 1000)"),
    )
    .await;
    assert!(dropped.is_err());
    assert_eq!(machine.tasks().len(), 0);
}

/// Pieces that shells give a meaning.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static str> = vec![
        " ", "\n", ";", "&", "&&", "||", "|", "|&", "(", ")", "{", "}", "((", "))", "[[", "]]", "[", "]", "$", "$(", "`", "${", "$((",
        "\"", "'", "$'", "\\", "#", "<", ">", ">>", "<<", "<<-", "<<<", ">&", "<&", "2>&1", "&>", "<(", ">(", "if", "then", "else", "elif",
        "fi", "for", "in", "do", "done", "while", "until", "case", "esac", ";;", "select", "function", "f()", "!", "time", "x=", "x+=",
        "x=(", "x[1]=", "${x:-", "${x#", "${x/", "${#x}", "${!x}", "${x^^}", "${x:1:2}", "${x@Q}", "${x[@]}", "$@", "$*", "$#", "$?", "$!",
        "$x", "*", "?", "{a,b}", "{1..3}", "~", "=", "==", "=~", "-eq", "-z", "-f", "echo", "cat", "true", "false", "read", "x", "y", "1",
        "0", "-1", "EOF", "set", "-e", "-u", "shift", "eval", "trap", "exit", "return", "break", "local", "declare", "-A", "export",
        "unset", "printf", "%s", "%d", "%*d", "test", "let", "x++", "1/0", "exec", "3>", "3<&-", "wait", "kill", "%1", "$$", "\x00",
        "\u{fffd}", "é",
    ];
    let piece = prop_oneof![
        6 => proptest::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| {
        pieces
            .into_iter()
            .flat_map(|mut piece| {
                piece.push(b' ');
                piece
            })
            .collect()
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_line_is_answered(line in fragment(), shell in 0..3usize) {
        runtime().block_on(async {
            let (persona, wrap) = [("ubuntu-web", false), ("ubuntu-web", true), ("busybox-router", false)][shell];
            let (machine, recorded) = machine(persona, "root");
            let line = if wrap { [b"sh <<'~~~'\n", &line[..], b"\n~~~\n"].concat() } else { line };
            let (printed, _) = tokio::time::timeout(std::time::Duration::from_secs(100_000), answer(&machine, &line)).await.expect("it ends");
            prop_assert!(printed.len() < 10_000_000);
            prop_assert!(!recorded.limits().contains(&"command_panic".to_owned()), "{}", line.escape_ascii());
            Ok(())
        })?;
    }

    #[test]
    fn any_typing_is_answered(pieces in prop::collection::vec(prop_oneof![fragment(), prop::collection::vec(any::<u8>(), 0..12)], 0..8)) {
        runtime().block_on(async {
            let (machine, recorded) = machine("ubuntu-web", "root");
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).chain([&b"\r"[..]]).collect();
            let _ = tokio::time::timeout(std::time::Duration::from_secs(100_000), common::type_at(&machine, &pieces)).await.expect("it ends");
            prop_assert!(!recorded.limits().contains(&"command_panic".to_owned()), "{pieces:?}");
            Ok(())
        })?;
    }
}
