//! Plays the transcripts under `testdata`: what is typed, what is answered.
//!
//! `$ line` is run as by `ssh host line` (a line beginning with `> ` continues it); the lines below are what it prints, standard output and
//! error as they come; `? N` is its exit status, 0 when it is not given. `\` alone at the end means that the last line has no newline.
//! `% persona NAME`, `% user NAME` and `% shell sh` begin anew as another account; all lines of one part share one machine.

use model::event::Name;
use model::{Detail, Timestamp};
use shell::{Host, Io, Login, Machine, Observer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

#[derive(Default)]
struct Recorded(Mutex<Vec<Detail>>);

impl Observer for Recorded {
    fn observe(&self, detail: Detail) {
        self.0.lock().unwrap().push(detail);
    }

    fn capture(&self, _: &[u8], _: &[u8], _: Name) {}
}

const NOW: i64 = 1_774_138_481_000_000;

static HOSTS: LazyLock<BTreeMap<String, Host>> = LazyLock::new(|| {
    let names = persona::builtin_names();
    let host = |name: &String| {
        let instance = persona::Instance { seed: 7, booted: Timestamp(NOW - 86_400_000_000 * 12), address: "192.0.2.10".parse().unwrap() };
        Host::new(Arc::new(persona::builtin(name).unwrap()), instance).unwrap()
    };
    names.iter().map(|name| (name.clone(), host(name))).collect()
});

fn machine(persona: &str, user: &str) -> Machine {
    HOSTS[persona].login(Login {
        user: user.to_owned(),
        peer: "198.51.100.7:40022".parse().unwrap(),
        local: "192.0.2.10:22".parse().unwrap(),
        now: Timestamp(NOW),
        observer: Arc::new(Recorded::default()),
    })
}

/// Runs one line; what it printed and its status.
async fn answer(machine: &Machine, line: &[u8]) -> (Vec<u8>, u8) {
    let (_feed, stdin) = tokio::sync::mpsc::channel(1);
    let (output, mut printed) = tokio::sync::mpsc::channel(64);
    drop(_feed);
    let run = machine.run(line, Io { stdin, output });
    let gather = async {
        let mut all = Vec::new();
        while let Some((_, bytes)) = printed.recv().await {
            all.extend(bytes);
        }
        all
    };
    let (status, all) = tokio::join!(run, gather);
    (all, status)
}

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
    let mut parts: Vec<(Machine, Option<String>, Vec<Case>)> = vec![(machine(&persona, &user), None, Vec::new())];
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
            parts.push((machine(&persona, &user), shell.clone(), Vec::new()));
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
