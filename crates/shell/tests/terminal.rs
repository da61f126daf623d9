//! The interactive shell: what a person, or a bot that pretends to be one, types and sees.

mod common;

use common::{machine, type_at};

/// The screen without carriage returns.
async fn screen(persona: &str, pieces: &[&[u8]]) -> (String, u8, std::sync::Arc<common::Recorded>) {
    let (machine, recorded) = machine(persona, "root");
    let (screen, status) = type_at(&machine, pieces).await;
    (screen.replace('\r', ""), status, recorded)
}

#[tokio::test(start_paused = true)]
async fn lines_are_prompted_for_echoed_and_answered() {
    let (screen, status, recorded) = screen("ubuntu-web", &[b"echo hi\r", b"nope\r", b"false; exit\r"]).await;
    let host = persona::builtin("ubuntu-web").unwrap().host.hostname;
    let prompt = format!("root@{host}:~# ");
    assert!(
        screen.ends_with(&format!("{prompt}echo hi\nhi\n{prompt}nope\n-bash: nope: command not found\n{prompt}false; exit\nlogout\n")),
        "{screen}"
    );
    assert_eq!(status, 1);
    assert_eq!(recorded.commands(), ["echo hi", "nope", "false; exit"]);
}

#[tokio::test(start_paused = true)]
async fn busybox_has_its_own_prompt_and_words() {
    let (screen, status, _) = screen("busybox-router", &[b"cd /\r", b"nope\r", b"cd /nope\r", b"exit\r"]).await;
    let expected =
        "~ # cd /\n/ # nope\n-sh: nope: not found\n/ # cd /nope\n-sh: cd: can't cd to /nope: No such file or directory\n/ # exit\n";
    assert!(screen.ends_with(expected), "{screen}");
    assert_eq!(status, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_ahead_is_kept() {
    let (screen, _, recorded) = screen("ubuntu-web", &[b"read a\rfirst\recho got $a\recho done\r"]).await;
    assert!(screen.contains("\ngot first\n") && screen.contains("\ndone\n"), "{screen}");
    assert_eq!(recorded.commands(), ["read a", "echo got $a", "echo done"]);
}

#[tokio::test(start_paused = true)]
async fn unfinished_commands_get_the_second_prompt() {
    let (screen, _, recorded) =
        screen("ubuntu-web", &[b"for i in 1 2\r", b"do echo n$i\r", b"done\r", b"cat <<E\r", b"body\r", b"E\r"]).await;
    assert!(screen.contains("for i in 1 2\n> do echo n$i\n> done\nn1\nn2\n"), "{screen}");
    assert!(screen.contains("cat <<E\n> body\n> E\nbody\n"), "{screen}");
    assert_eq!(recorded.commands(), ["for i in 1 2\ndo echo n$i\ndone", "cat <<E\nbody\nE"]);
}

#[tokio::test(start_paused = true)]
async fn control_keys_interrupt_stop_and_end() {
    let pieces: &[&[u8]] = &[b"sleep 1000\r", b"\x03", b"echo $?\r", b"cat\r", b"typed\r", b"\x1a", b"jobs\r", b"fg\r", b"\x04", b"\x04"];
    let (screen, status, _) = screen("ubuntu-web", pieces).await;
    assert!(screen.contains("sleep 1000\n^C\n"), "{screen}");
    assert!(screen.contains("echo $?\n130\n"), "{screen}");
    assert!(screen.contains("cat\ntyped\ntyped\n^Z\n[1]+  Stopped                 cat\n"), "{screen}");
    assert!(screen.ends_with("logout\n"), "{screen}");
    assert_eq!(status, 0);
}

#[tokio::test(start_paused = true)]
async fn a_busy_loop_can_be_interrupted_and_the_shell_lives_on() {
    let (screen, _, recorded) = screen("ubuntu-web", &[b"while :; do :; done\r", b"\x03", b"echo alive\r"]).await;
    assert!(screen.contains("^C\n") && screen.contains("echo alive\nalive\n"), "{screen}");
    assert_eq!(recorded.limits(), ["shell_steps_max"]);
}

#[tokio::test(start_paused = true)]
async fn lines_are_edited_and_recalled() {
    let pieces: &[&[u8]] = &[
        b"echo onw\x7fe\r",
        b"echo tow\x02\x02\x0b\x7f\x7f\x7fx two\r",
        b"\x1b[A\x1b[A\r",
        b"xx\x15echo ctrl\x01\x05-u\r",
        b"ech\t tab\r",
    ];
    let (screen, _, recorded) = screen("ubuntu-web", pieces).await;
    assert_eq!(recorded.commands(), ["echo one", "echx two", "echo one", "echo ctrl-u", "echo  tab"], "{screen}");
}

#[tokio::test(start_paused = true)]
async fn a_line_without_an_end_is_bounded() {
    let piece = vec![b'a'; 20_000];
    let pieces: Vec<&[u8]> = std::iter::repeat_n(&piece[..], 50).chain([&b"\r"[..], b"echo alive\r"]).collect();
    let (screen, _, recorded) = screen("ubuntu-web", &pieces).await;
    assert!(screen.contains("\nalive\n"));
    assert!(recorded.commands()[0].len() <= 32 * 1024);
    assert_eq!(recorded.limits(), ["shell_line_bytes_max"]);
}

#[tokio::test(start_paused = true)]
async fn hanging_up_ends_everything() {
    let (machine, _) = machine("ubuntu-web", "root");
    let (_, status) = type_at(&machine, &[b"sleep 100000 & cat\r"]).await;
    assert_eq!(status, 129);
    assert_eq!(machine.tasks().len(), 0);
}
