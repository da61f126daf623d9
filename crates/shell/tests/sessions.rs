//! Plays the transcripts under `testdata`: what is typed, what is answered.
//!
//! `$ line` is run as by `ssh host line` (a line beginning with `> ` continues it); the lines below are what it prints, standard output and
//! error as they come; `? N` is its exit status, 0 when it is not given. `\` alone at the end means that the last line has no newline.
//! `% persona NAME`, `% user NAME` and `% shell sh` begin anew as another account; all lines of one part share one machine.

mod common;

use common::{answer, machine};
use shell::Machine;
use std::path::{Path, PathBuf};

struct Case {
    line: usize,
    command: String,
    expected: String,
    status: u8,
}

fn flush(cases: &mut Vec<Case>, case: Option<Case>) {
    if let Some(mut case) = case {
        if let Some(bare) = case.expected.strip_suffix("\\\n") {
            case.expected = bare.to_owned();
        }
        cases.push(case);
    }
}

async fn play(path: &Path) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut persona, mut user, mut shell) = ("ubuntu-web".to_owned(), "root".to_owned(), None::<String>);
    let mut parts: Vec<(Machine, Option<String>, Vec<Case>)> = vec![(machine(&persona, &user).0, None, Vec::new())];
    let mut case: Option<Case> = None;
    for (n, line) in text.lines().enumerate() {
        let cases = &mut parts.last_mut().unwrap().2;
        if let Some(command) = line.strip_prefix("$ ") {
            flush(cases, case.take());
            case = Some(Case { line: n + 1, command: command.to_owned(), expected: String::new(), status: 0 });
        } else if let Some(more) = line.strip_prefix("> ").filter(|_| case.as_ref().is_some_and(|c| c.expected.is_empty())) {
            let case = case.as_mut().unwrap();
            case.command += "\n";
            case.command += more;
        } else if let (Some(case), Some(Ok(status))) =
            (case.as_mut().filter(|c| c.expected.is_empty()), line.strip_prefix("? ").map(str::parse))
        {
            case.status = status;
        } else if let Some(setting) = line.strip_prefix("% ") {
            flush(cases, case.take());
            match setting.split_once(' ').unwrap() {
                ("persona", name) => persona = name.to_owned(),
                ("user", name) => user = name.to_owned(),
                ("shell", name) => shell = (name != "login").then(|| name.to_owned()),
                (other, _) => panic!("{}:{}: unknown setting {other}", path.display(), n + 1),
            }
            parts.push((machine(&persona, &user).0, shell.clone(), Vec::new()));
        } else if line.starts_with("# ") && case.is_none() {
        } else if let Some(case) = &mut case {
            case.expected += line;
            case.expected += "\n";
        }
    }
    flush(&mut parts.last_mut().unwrap().2, case.take());
    let mut wrong = Vec::new();
    let mut count = 0;
    for (machine, shell, cases) in parts {
        for case in cases {
            count += 1;
            let command = match &shell {
                Some(shell) => format!("{shell} -c '{}'", case.command.replace('\'', "'\\''")),
                None => case.command.clone(),
            };
            let (printed, status) = answer(&machine, command.as_bytes()).await;
            let printed = String::from_utf8_lossy(&printed);
            if printed != case.expected || status != case.status {
                let place = format!("{}:{}", path.display(), case.line);
                wrong.push(format!(
                    "{place}: $ {}\n--- expected ({})\n{}--- got ({status})\n{printed}",
                    case.command, case.status, case.expected
                ));
            }
        }
    }
    (count, wrong)
}

fn transcripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            transcripts(&path, found);
        } else if path.extension().is_some_and(|e| e == "session") {
            found.push(path);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_transcript_is_answered_as_written() {
    let mut found = Vec::new();
    transcripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"), &mut found);
    found.sort();
    let (mut total, mut wrong) = (0, Vec::new());
    for path in &found {
        let (count, failures) = play(path).await;
        total += count;
        wrong.extend(failures);
    }
    assert!(total >= 80, "only {total} cases were found");
    assert!(wrong.is_empty(), "{} of {total} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
