//! The command as a client, against a real portal with a real engine.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A person's machine: a folder for what the command keeps.
struct Machine {
    server: String,
    config: PathBuf,
}

/// What a command said, and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Machine {
    fn run_with(&self, args: &[&str], input: &str) -> Said {
        let mut child = slipway(args)
            .env("XDG_CONFIG_HOME", &self.config)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, "")
    }

    /// Runs to a good end.
    fn good(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}: {} {}", said.out, said.err);
        said
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.good(args).out).unwrap()
    }
}

impl Up {
    fn post(&self, host: &str, path: &str, cookie: &str, form: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {host}:{0}\r\norigin: http://{host}:{0}\r\ncookie: {cookie}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {1}\r\nconnection: close\r\n\r\n{form}",
            self.port,
            form.len(),
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A token, made on the page as a persona.
    fn token(&self, who: &str, scopes: &str) -> String {
        let host = format!("{who}.localhost");
        let signed = self.post(&host, "/sign-in", "", &format!("persona={who}&next=/"));
        let cookie = signed.split("set-cookie: ").nth(1).unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let made = self.post(
            &host,
            "/tokens",
            cookie,
            &format!("name=command{scopes}&for=1d"),
        );
        let text = made.split("value=\"slipway_").nth(1).expect("a token");
        format!("slipway_{}", text.split('"').next().unwrap())
    }

    fn machine(&self, who: &str, scopes: &str) -> Machine {
        let machine = Machine {
            server: format!("http://127.0.0.1:{}", self.port),
            config: temp(&format!("config-{}-{who}", self.port)),
        };
        std::fs::create_dir_all(&machine.config).unwrap();
        let token = self.token(who, scopes);
        let said = machine.run_with(
            &["login", "--server", &machine.server],
            &format!("{token}\n"),
        );
        assert_eq!(said.code, 0, "{} {}", said.out, said.err);
        assert!(!said.out.contains(&token) && !said.err.contains(&token));
        machine
    }
}

/// A catalog with the shipped greeting, and a template that needs a lead's vote and takes a secret.
fn catalog() -> PathBuf {
    let folder = temp("catalog");
    let hello = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/catalog/hello");
    for (name, from) in [("hello", Some(hello)), ("shared", None)] {
        let to = folder.join(name);
        std::fs::create_dir_all(&to).unwrap();
        match from {
            Some(from) => {
                for file in std::fs::read_dir(from).unwrap().flatten() {
                    if file.path().is_file() {
                        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
                    }
                }
            }
            None => {
                let toml = "title = \"Shared\"\nsummary = \"For tests.\"\nowner = \"platform\"\nclass = \"shared\"\n\
                    needs = []\n[engine]\nname = \"terraform\"\nversion = \">= 1.5\"\n[life]\ndefault = \"8h\"\n\
                    greatest = \"7d\"\n[request]\nwho = \"member\"\n";
                std::fs::write(to.join("template.toml"), toml).unwrap();
                let tf = "variable \"password\" {\n  type      = string\n  sensitive = true\n}\n\
                    resource \"terraform_data\" \"it\" {\n  input = var.password\n}\n";
                std::fs::write(to.join("main.tf"), tf).unwrap();
            }
        }
    }
    folder
}

#[expect(clippy::print_stdout, reason = "a skip says why, and CI reads it")]
#[test]
fn a_program_asks_follows_decides_and_destroys() {
    let engine =
        std::env::var("SLIPWAY_ENGINE").unwrap_or_else(|_| "/usr/local/bin/terraform".into());
    if !Path::new(&engine).exists() {
        println!("skipped: no engine on this machine");
        return;
    }
    let (data, folder) = (temp("client"), catalog());
    let env = [
        ("SLIPWAY_ENGINE", engine.as_str()),
        ("SLIPWAY_CATALOG", folder.to_str().unwrap()),
    ];
    let mut up = Up::start_with(&data, &env);
    let dev = up.machine("developer", "&write=1");
    let lead = up.machine("lead", "&approve=1");
    let stranger = up.machine("other", "&write=1&approve=1");

    // Asked for, followed to its end, listed.
    let made = dev.good(&[
        "env", "create", "hello", "greeting", "--set", "who=you", "--set", "copies=1", "--watch",
    ]);
    assert!(
        made.out.contains("Apply complete") || made.out.contains("Creation complete"),
        "{}",
        made.out
    );
    assert!(made.err.contains("succeeded"), "{}", made.err);
    let list = dev.json(&["env", "list", "--json"]);
    assert_eq!(list["environments"][0]["name"], "greeting");
    assert_eq!(list["environments"][0]["state"], "ready");
    let table = dev.good(&["env", "list"]).out;
    assert!(
        table.starts_with("ID") && table.contains("greeting"),
        "{table}"
    );
    assert!(!stranger.good(&["env", "list"]).out.contains("greeting"));

    // What is wrong is said, and how it ended.
    let wrong = dev.run(&[
        "env",
        "create",
        "hello",
        "other-one",
        "--set",
        "copies=99",
        "--set",
        "whom=x",
    ]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("inputs.whom"), "{}", wrong.err);
    assert_eq!(dev.run(&["env", "create", "hello"]).code, 2);
    assert_eq!(
        dev.run(&["env", "create", "shared", "x", "--set", "password=x"])
            .code,
        2,
        "arguments are no place for it"
    );
    assert_eq!(lead.run(&["env", "create", "hello", "no-write"]).code, 1);

    // What is shared needs the lead, and exactly this plan.
    let args = ["env", "create", "shared", "ours", "--values", "-", "--json"];
    let asked = dev.run_with(&args, "{\"password\": \"canary-of-the-client\"}");
    assert_eq!(asked.code, 0, "{}", asked.err);
    let run = serde_json::from_str::<serde_json::Value>(&asked.out).unwrap()["run"].to_string();
    let mut watch = slipway(&["run", "watch", &run, "--json"])
        .env("XDG_CONFIG_HOME", &lead.config)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let waits = lines
        .by_ref()
        .map(Result::unwrap)
        .any(|line| line.contains("awaiting_approval"));
    assert!(waits, "it never waited for a vote");
    let digest = |said: &Said| {
        let text = said.err.split("Plan ").nth(1).expect("a digest");
        text.split_whitespace().next().unwrap().to_owned()
    };
    let nobody_there = lead.run(&["run", "approve", &run]);
    assert_eq!(nobody_there.code, 2, "{}", nobody_there.err);
    assert!(
        nobody_there.err.contains("terraform_data.it"),
        "{}",
        nobody_there.err
    );
    let digest = digest(&nobody_there);
    let own = dev.run(&["run", "approve", &run, "--digest", &digest]);
    assert_eq!(own.code, 1);
    let other = lead.run(&[
        "run",
        "approve",
        &run,
        "--digest",
        &digest.replace(|c: char| c.is_ascii_digit(), "f"),
    ]);
    assert_eq!(other.code, 1);
    assert!(other.err.contains("replaced by another"), "{}", other.err);
    assert_eq!(
        stranger
            .run(&["run", "approve", &run, "--digest", &digest])
            .code,
        1
    );
    lead.good(&["run", "approve", &run, "--digest", &digest]);
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(
        rest.iter().any(|line| line.contains("\"succeeded\"")),
        "{rest:?}"
    );
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    assert!(!rest.join("").contains("canary-of-the-client"));

    // A run that came to nothing says so by its end.
    let again = dev.run_with(
        &[
            "env", "create", "shared", "not-ours", "--values", "-", "--json",
        ],
        "{\"password\": \"x\"}",
    );
    let run = serde_json::from_str::<serde_json::Value>(&again.out).unwrap()["run"].to_string();
    dev.good(&["run", "cancel", &run]);
    assert_eq!(dev.run(&["run", "watch", &run]).code, 3);
    assert_eq!(dev.run(&["run", "cancel", &run]).code, 1, "it is too late");

    // Destroyed: the name is asked for.
    assert_eq!(dev.run(&["env", "destroy", "greeting"]).code, 2);
    assert_eq!(
        dev.run(&["env", "destroy", "greeting", "--confirm", "greetings"])
            .code,
        1
    );
    let gone = dev.good(&[
        "env",
        "destroy",
        "greeting",
        "--confirm",
        "greeting",
        "--watch",
    ]);
    assert!(gone.err.contains("succeeded"), "{}", gone.err);
    let list = dev.json(&["env", "list", "--json"]);
    let left = list["environments"].as_array().unwrap();
    assert!(left.iter().all(|e| e["name"] != "greeting"), "{left:?}");
    up.signal("INT");
    assert!(up.child.wait().unwrap().success());
    for folder in [data, folder, dev.config, lead.config, stranger.config] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_token_is_kept_for_its_owner_alone() {
    let data = temp("kept");
    let mut up = Up::start(&data);
    let dev = up.machine("developer", "");
    let file = dev.config.join("slipway/credentials.json");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    dev.good(&["env", "list"]);
    // Others could read it: it is not used, and not written over.
    set(&file, 0o644);
    let said = dev.run(&["env", "list"]);
    assert!(said.code == 1 && said.err.contains("chmod"), "{}", said.err);
    let token = up.token("lead", "");
    let login = ["login", "--server", &dev.server];
    assert_eq!(dev.run_with(&login, &token).code, 1);
    set(&file, 0o600);
    set(file.parent().unwrap(), 0o777);
    assert_eq!(
        dev.run_with(&login, &token).code,
        1,
        "others could put another file there"
    );
    set(file.parent().unwrap(), 0o700);
    // What is no token is not even sent; what is none any more is not kept.
    let before = std::fs::read_to_string(&file).unwrap();
    assert_eq!(dev.run_with(&login, &token[..56]).code, 1);
    assert_eq!(
        dev.run_with(&["login", "--server", "http://slipway.example"], &token)
            .code,
        2
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    assert_eq!(dev.run_with(&login, &token).code, 0);
    up.signal("INT");
    assert!(up.child.wait().unwrap().success());
    // A portal that is away is said, and is no success.
    let said = dev.run(&["env", "list"]);
    assert!(
        said.code == 1 && said.err.contains("cannot be reached"),
        "{}",
        said.err
    );
    for folder in [data, dev.config] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}
