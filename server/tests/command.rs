//! The command itself, as somebody types it: what it refuses, and how it starts, dies and starts again.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

mod client;

fn slipway(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    // Only what a test says counts, not what this machine has set.
    for (name, _) in std::env::vars()
        .filter(|(name, _)| name.starts_with("SLIPWAY_") && name != "SLIPWAY_PG_BIN")
    {
        command.env_remove(name);
    }
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end; gives success, and everything it said.
fn run(args: &[&str]) -> (bool, String) {
    let output = slipway(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

fn temp(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("slipway-command-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A running `slipway up`.
struct Up {
    child: Child,
    port: u16,
}

impl Up {
    /// Starts it, and returns when it has said that it is up.
    fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    #[expect(
        clippy::zombie_processes,
        reason = "a test that panics here takes its process group down with it"
    )]
    fn start_with(data: &Path, env: &[(&str, &str)]) -> Self {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut child = slipway(&["up", "--listen", &listen, "--data", data.to_str().unwrap()])
            .envs(env.iter().copied())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        for line in out.lines() {
            let line = line.unwrap();
            said += &line;
            if line.contains("Stop with Ctrl-C") {
                return Self { child, port };
            }
        }
        let mut error = String::new();
        let _ = child.stderr.take().unwrap().read_to_string(&mut error);
        panic!("it did not come up: {said} {error}");
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\r\n",
            self.port
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, name: &str) {
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }
}

#[test]
fn it_starts_is_killed_and_starts_again_and_stops_in_order() {
    let data = temp("life");
    let mut up = Up::start(&data);
    assert!(up.get("/health/ready").contains("ready"));
    assert!(up.get("/sign-in").starts_with("HTTP/1.1 200"));
    let (ok, said) = run(&[
        "up",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ]);
    assert!(
        !ok && said.contains("in use") && said.contains(&up.child.id().to_string()),
        "{said}"
    );
    let key = std::fs::read(data.join("worker.key")).unwrap();
    up.signal("KILL");
    up.child.wait().unwrap();
    let mut up = Up::start(&data);
    assert!(up.get("/health/ready").contains("ready"));
    assert_eq!(std::fs::read(data.join("worker.key")).unwrap(), key);
    up.signal("INT");
    assert!(up.child.wait().unwrap().success());
    assert!(
        !data.join("postgresql/data/postmaster.pid").exists(),
        "the database went with it"
    );
    std::fs::remove_dir_all(&data).unwrap();
}

#[test]
fn a_taken_port_is_said_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let (ok, said) = run(&[
        "up",
        "--listen",
        &listen,
        "--data",
        temp("port").to_str().unwrap(),
    ]);
    assert!(
        !ok && said.contains("taken") && said.contains("--listen"),
        "{said}"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_said_with_the_way_out() {
    let (ok, said) = run(&["up", "--listen", "127.0.0.1:0", "--data", "/proc/nowhere"]);
    assert!(
        !ok && said.contains("/proc/nowhere") && said.contains("--data"),
        "{said}"
    );
}

#[test]
fn missing_postgresql_is_named() {
    let data = temp("nopg");
    let (ok, said) = run(&[
        "up",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
        "--pg-bin",
        "/nowhere",
    ]);
    assert!(
        !ok && said.contains("/nowhere") && said.contains("SLIPWAY_PG_BIN"),
        "{said}"
    );
}

#[test]
fn an_address_that_is_none_does_not_repeat_its_password() {
    let (ok, said) = run(&[
        "migrate",
        "--database-url",
        "postgresql//me:hunter2secret@x",
    ]);
    assert!(
        !ok && said.contains("SLIPWAY_DATABASE_URL") && !said.contains("hunter2secret"),
        "{said}"
    );
}

#[test]
fn check_names_everything_that_would_stop_a_production_start() {
    let (ok, said) = run(&[
        "check",
        "--listen",
        "0.0.0.0:7070",
        "--demo",
        "true",
        "--engine",
        "/nowhere/terraform",
        "--engine-tofu",
        "/nowhere/tofu",
        "--site",
        "/nowhere",
    ]);
    assert!(!ok);
    for what in [
        "No database",
        "No engine",
        "No key file",
        "Google",
        "demo sign-in",
        "without TLS",
        "No host name",
        "browser side",
    ] {
        assert!(said.contains(what), "{what} is not named:\n{said}");
    }
}

/// A kubeconfig that would run something here is named with the reason, and so is a cluster that is away, and a Helm.
#[test]
fn check_names_the_clusters_that_cannot_be_acted_on() {
    let folder = std::env::temp_dir().join(format!("slipway-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let kubeconfig = |user: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
        )
    };
    let plugin = kubeconfig("exec: {apiVersion: client.authentication.k8s.io/v1, command: id}");
    std::fs::write(folder.join("plugin.kubeconfig"), plugin).unwrap();
    std::fs::write(folder.join("away.kubeconfig"), kubeconfig("token: x")).unwrap();
    let clusters = folder.to_str().unwrap();
    let (ok, said) = run(&[
        "check",
        "--for",
        "work",
        "--clusters",
        clusters,
        "--helm",
        "/nowhere/helm",
    ]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(!ok);
    for what in [
        "“plugin” cannot be used",
        "starts a program",
        "“away” cannot be reached",
        "/nowhere/helm",
    ] {
        assert!(said.contains(what), "{what} is not named:\n{said}");
    }
}

/// A web process holds neither key nor engine, and must not be asked for them; a worker lets nobody in.
#[test]
fn check_asks_a_process_for_what_it_needs() {
    let bad = [
        "--listen",
        "0.0.0.0:7070",
        "--engine",
        "/nowhere/terraform",
        "--engine-tofu",
        "/nowhere/tofu",
        "--site",
        "/nowhere",
    ];
    for (part, asked, not_asked) in [
        (
            "serve",
            vec![
                "No database",
                "Google",
                "without TLS",
                "No host name",
                "browser side",
            ],
            vec!["No engine", "No key file"],
        ),
        (
            "work",
            vec!["No database", "No engine", "No key file"],
            vec!["Google", "without TLS", "No host name", "browser side"],
        ),
    ] {
        let (ok, said) = run(&[&["check", "--for", part], &bad[..]].concat());
        assert!(!ok);
        for what in asked {
            assert!(said.contains(what), "{part}: {what} is not named:\n{said}");
        }
        for what in not_asked {
            assert!(
                !said.contains(what),
                "{part}: {what} is none of its business:\n{said}"
            );
        }
    }
}

#[expect(clippy::print_stdout, reason = "a skip says why, and CI reads it")]
#[tokio::test]
async fn check_is_content_with_what_production_needs() {
    let db = slipway_testkit::database().await;
    let key = temp("key");
    std::fs::write(&key, [7; 32]).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let site = temp("site");
    std::fs::create_dir_all(&site).unwrap();
    std::fs::write(site.join("assets.json"), "{}").unwrap();
    let engine =
        std::env::var("SLIPWAY_ENGINE").unwrap_or_else(|_| "/usr/local/bin/terraform".into());
    if !Path::new(&engine).exists() {
        println!("skipped: no engine on this machine");
        return;
    }
    let args = [
        "check",
        "--database-url",
        &db.url,
        "--key-file",
        key.to_str().unwrap(),
        "--site",
        site.to_str().unwrap(),
        "--engine",
        &engine,
        "--google-client-id",
        "x",
        "--google-client-secret",
        "x",
        "--google-domains",
        "example.com",
    ];
    let args = args.map(str::to_owned);
    let (ok, said) = tokio::task::spawn_blocking(move || run(&args.each_ref().map(String::as_str)))
        .await
        .unwrap();
    assert!(ok, "{said}");
}

#[test]
fn told_to_stop_it_says_that_it_is_not_ready_before_it_stops_answering() {
    let data = temp("drain");
    let mut up = Up::start_with(&data, &[("SLIPWAY_DRAIN_SECONDS", "4")]);
    assert!(up.get("/health/ready").contains("200"));
    up.signal("TERM");
    let mut ready = up.get("/health/ready");
    while ready.contains(" 200 ") {
        ready = up.get("/health/ready");
    }
    assert!(
        ready.contains(" 503 ") && ready.contains("leaving"),
        "{ready}"
    );
    assert!(up.get("/sign-in").starts_with("HTTP/1.1 200"));
    assert!(up.child.wait().unwrap().success());
    std::fs::remove_dir_all(&data).unwrap();
}

#[test]
fn with_google_configured_by_half_it_does_not_start_and_says_what_is_missing() {
    let google = |more: &[&str]| {
        let data = temp("google");
        let args = [
            &["serve", "--database-url", "postgres://nobody@127.0.0.1:1/x"][..],
            &["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"],
            &["--google-client-id", "x"],
            more,
        ]
        .concat();
        run(&args)
    };
    let secret = ["--google-client-secret", "hunter2secret"];
    for (more, missing) in [
        (vec![], "SLIPWAY_GOOGLE_CLIENT_SECRET"),
        (secret.to_vec(), "SLIPWAY_GOOGLE_DOMAINS"),
        (
            [&secret[..], &["--google-domains", "example.com"]].concat(),
            "SLIPWAY_PUBLIC_URL",
        ),
        (
            [
                &secret[..],
                &["--google-domains", "example.com"],
                &["--public-url", "http://portal.example.com/path"],
            ]
            .concat(),
            "SLIPWAY_PUBLIC_URL",
        ),
        (
            [
                &secret[..],
                &["--google-domains", "example.com"],
                &["--public-url", "http://localhost:7070"],
                &["--google-issuer", "http://accounts.example"],
            ]
            .concat(),
            "SLIPWAY_GOOGLE_ISSUER",
        ),
    ] {
        let (ok, said) = google(&more);
        assert!(
            !ok && said.contains(missing) && !said.contains("hunter2secret"),
            "{missing}: {said}"
        );
    }
    // Beside it the demo is refused, loudly.
    let (ok, said) = google(&["--demo", "true"]);
    assert!(!ok && said.contains("could be anybody"), "{said}");
}

#[test]
fn a_trail_that_is_none_is_refused_by_the_command() {
    let file = temp("trail");
    std::fs::write(&file, "{}\n").unwrap();
    let (ok, said) = run(&["audit", "verify", file.to_str().unwrap()]);
    assert!(!ok && said.contains("Line 1"), "{said}");
    let (ok, said) = run(&["audit", "verify", "/nowhere/trail"]);
    assert!(!ok && said.contains("/nowhere/trail"), "{said}");
    std::fs::remove_file(&file).unwrap();
}
