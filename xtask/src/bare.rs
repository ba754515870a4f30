//! `make test-bare`: that a bare machine really gets from a clone to an applied environment.
//!
//! Each route gets a minimal Debian of its own (debootstrap, copied), in which a fresh clone runs
//! `make run` while newcomer.rs, outside, does what a new user does in a browser.
//!
//! * `root`: git and make only, the superuser, everything by apt;
//! * `user`: uid 1000, rustup, a C compiler, npm and python, and no right to install anything;
//! * `image`: the steps of the Dockerfile, which are the same scripts.

use crate::ui::Step;
use crate::{Result, cmd, newcomer, tree};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROUTES: &[&str] = &["root", "user", "image"];
/// Building the house on two cores, with everything to download, and some more.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Runs the routes named in `args`, or all.
pub fn run(args: &[String]) -> Result<()> {
    if !cmd::is_root() {
        return Err("test-bare makes Debian roots, which only the superuser can".into());
    }
    let mut lines = Vec::new();
    for route in ROUTES
        .iter()
        .filter(|route| args.is_empty() || args.iter().any(|arg| arg == *route))
    {
        println!("\n━━ {route}");
        let began = Instant::now();
        let outcome = one(route);
        let took = began.elapsed().as_secs();
        lines.push((
            outcome.is_ok(),
            format!(
                "{route:<6} {} min {:02} s  {}",
                took / 60,
                took % 60,
                outcome.unwrap_or_else(|reason| format!("FAILED: {reason}"))
            ),
        ));
    }
    println!();
    lines.iter().for_each(|(_, line)| println!("{line}"));
    let failed = lines.iter().filter(|(good, _)| !good).count();
    println!("{} passed, {failed} failed", lines.len() - failed);
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} of {} routes failed", lines.len()))
    }
}

/// Where the Debian roots lie. Not beneath a home folder: PostgreSQL's user must be able to pass through.
fn workplace() -> PathBuf {
    std::env::var_os("SLIPWAY_BARE")
        .map_or_else(|| PathBuf::from("/var/tmp/slipway-bare"), PathBuf::from)
}

fn one(route: &str) -> Result<String> {
    let log = workplace().join(format!("{route}.log"));
    tree::write(&log, b"")?;
    let base = base(&log)?;
    let root = workplace().join(route);
    let mut step = Step::begin("a machine of its own");
    step.working("copying and preparing it");
    cmd::logged(
        Command::new("rm")
            .args(["-rf", "--one-file-system"])
            .arg(&root),
        &log,
    )?;
    cmd::logged(Command::new("cp").arg("-a").arg(&base).arg(&root), &log)?;
    let machine = Machine::prepare(route, root, log)?;
    step.done(if route == "user" {
        "uid 1000, rustup, cc, npm, python3"
    } else {
        "git and make"
    });
    if route == "image" {
        image(&machine)
    } else {
        portal(&machine)
    }
}

/// A minimal Debian, made once and kept.
fn base(log: &Path) -> Result<PathBuf> {
    let folder = workplace().join("base");
    let done = workplace().join("base.done");
    let mut step = Step::begin("minimal Debian 12");
    if done.exists() {
        step.done("kept from last time");
        return Ok(folder);
    }
    if cmd::find("debootstrap").is_none() {
        step.working("installing debootstrap by apt");
        cmd::apt(&["debootstrap"], log)?;
    }
    step.working("debootstrap");
    cmd::logged(
        Command::new("rm")
            .args(["-rf", "--one-file-system"])
            .arg(&folder),
        log,
    )?;
    let mut make = Command::new("debootstrap");
    make.args(["--variant=minbase", "bookworm"])
        .arg(&folder)
        .args(mirror());
    cmd::logged(&mut make, log)?;
    tree::write(&done, b"")?;
    step.done("made");
    Ok(folder)
}

/// The mirror that this machine's own apt uses, read at run time.
fn mirror() -> Option<String> {
    let sources = tree::files(&["/etc/apt/sources.list", "/etc/apt/sources.list.d"]);
    let texts = sources
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    let lines: Vec<String> = texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    lines
        .iter()
        .filter(|line| !line.trim_start().starts_with('#'))
        .find_map(|line| {
            line.split_whitespace()
                .find(|word| {
                    word.contains("://") && word.trim_end_matches('/').ends_with("/debian")
                })
                .map(str::to_owned)
        })
}

/// One prepared Debian root with a clone in it.
struct Machine {
    route: String,
    root: PathBuf,
    home: &'static str,
    log: PathBuf,
}

impl Machine {
    fn prepare(route: &str, root: PathBuf, log: PathBuf) -> Result<Self> {
        let user = route == "user";
        let machine = Machine {
            route: route.to_owned(),
            root,
            home: if user { "/home/dev" } else { "/root" },
            log,
        };
        machine.give_network()?;
        let mut packages = "git make".to_owned();
        if user {
            packages.push_str(" gcc libc6-dev npm python3-venv");
        }
        machine.inside("0", &format!(
            "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {packages}"
        ))?;
        if user {
            machine.inside("0", "useradd --create-home --uid 1000 --home-dir /home/dev dev && mkdir -p /home/dev/.cargo/bin /home/dev/.rustup")?;
            let cargo =
                std::env::var_os("CARGO_HOME").map_or_else(|| home().join(".cargo"), PathBuf::from);
            // rustup's commands are links to one program.
            for name in ["rustup", "cargo", "rustc"] {
                let to = machine.path("/home/dev/.cargo/bin").join(name);
                fs::copy(cargo.join("bin").join(name), &to)
                    .map_err(|error| format!("rustup: {error}"))?;
            }
        }
        let clone = machine.path(machine.home).join("slipway");
        cmd::logged(
            Command::new("git")
                .args(["clone", "--quiet", "--no-hardlinks"])
                .arg(tree::root())
                .arg(&clone),
            &machine.log,
        )?;
        if user {
            // All of it but rustup's own folder, which is mounted for reading, perhaps from the same device.
            machine.inside(
                "0",
                "find /home/dev -path /home/dev/.rustup -prune -o -exec chown -h 1000:1000 {} +",
            )?;
        }
        Ok(machine)
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside.trim_start_matches('/'))
    }

    /// What lets apt, cargo, npm and pip reach their registries as they do outside: name resolution,
    /// certificates, and the clients' settings. Read from this machine, never written down in the tree.
    fn give_network(&self) -> Result<()> {
        let mut files: Vec<PathBuf> = [
            "/etc/resolv.conf",
            "/etc/hosts",
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/apt/sources.list",
            "/etc/apt/sources.list.d/debian.sources",
            "/etc/pip.conf",
            "/etc/npmrc",
            "/usr/etc/npmrc",
        ]
        .map(PathBuf::from)
        .to_vec();
        files.extend(tree::files(&[
            "/etc/apt/auth.conf.d",
            "/usr/local/share/ca-certificates",
        ]));
        let settings = tree::files(&["/etc/apt/apt.conf.d"]);
        files.extend(
            settings.into_iter().filter(|file| {
                fs::read_to_string(file).is_ok_and(|text| text.contains("Acquire::"))
            }),
        );
        for file in files.iter().filter(|file| file.is_file()) {
            self.copy(file, &self.path(&file.to_string_lossy()))?;
        }
        for name in [
            ".cargo/config",
            ".cargo/config.toml",
            ".npmrc",
            ".config/pip/pip.conf",
            ".config/go/env",
        ] {
            let from = home().join(name);
            if from.is_file() {
                self.copy(&from, &self.path(self.home).join(name))?;
            }
        }
        Ok(())
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let bytes = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
        tree::write(to, &bytes)
    }

    /// Runs a line in it to its end.
    fn inside(&self, uid: &str, line: &str) -> Result<()> {
        cmd::logged(&mut self.command(uid, line, &[]), &self.log)
    }

    /// A command in a process and mount namespace of its own: killing it ends everything in it.
    fn command(&self, uid: &str, line: &str, env: &[(&str, String)]) -> Command {
        let root = self.root.to_string_lossy().into_owned();
        let mut enter =
            format!("mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev && ");
        if self.route == "user" {
            let rustup = std::env::var_os("RUSTUP_HOME")
                .map_or_else(|| home().join(".rustup"), PathBuf::from);
            let (from, to) = (rustup.display(), format!("{root}/home/dev/.rustup"));
            enter.push_str(&format!(
                "mkdir -p {to} && mount --bind {from} {to} && mount -o remount,bind,ro {to} && "
            ));
        }
        enter.push_str(&format!(
            "exec chroot --userspec={uid}:{uid} {root} /bin/sh -c \"$1\""
        ));
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            &enter,
            "sh",
            line,
        ]);
        command
            .env_clear()
            .envs(network_env())
            .env("HOME", self.home)
            .env("LANG", "C.UTF-8");
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        command
            .env("PATH", path)
            .envs(env.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn home() -> PathBuf {
    std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default()
}

/// Variables by which clients find proxies, mirrors and certificates.
fn network_env() -> Vec<(String, String)> {
    let wanted = [
        "PROXY",
        "SSL_CERT_",
        "CA_BUNDLE",
        "CA_CERTS",
        "CAINFO",
        "PIP_",
        "NPM_CONFIG_",
        "GOPROXY",
        "GOFLAGS",
        "RUSTUP_",
        "CARGO_REGISTR",
    ];
    std::env::vars()
        .filter(|(name, _)| {
            wanted.iter().any(|part| name.to_uppercase().contains(part)) && name != "RUSTUP_HOME"
        })
        .collect()
}

/// `make run` in the machine, and what a new user does, outside.
fn portal(machine: &Machine) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = listener.map_err(|error| format!("no free port: {error}"))?;
    let uid = if machine.route == "user" { "1000" } else { "0" };
    let line = "cd ~/slipway && exec make run";
    let began = Instant::now();
    let (out, err) = (cmd::append(&machine.log)?, cmd::append(&machine.log)?);
    let mut command = machine.command(uid, line, &[("SLIPWAY_LISTEN", address.to_string())]);
    let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
    let mut running = Running(child.map_err(|error| format!("unshare did not start: {error}"))?);
    let mut step = Step::begin("make run, from nothing to the first page");
    step.working(&format!("see {}", machine.log.display()));
    loop {
        let asked = Command::new("curl")
            .args(["-s", "-o", "/dev/null", &format!("http://{address}/")])
            .status();
        if asked.is_ok_and(|status| status.success()) {
            break;
        }
        if running.0.try_wait().ok().flatten().is_some() || began.elapsed() > PATIENCE {
            let said = fs::read_to_string(&machine.log).unwrap_or_default();
            return Err(format!("no portal:\n{}", cmd::tail(&said, 20)));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let page = began.elapsed().as_secs();
    step.done("answers");
    let step = Step::begin("sign in, request, see it applied");
    step.done(&newcomer::first(address.port(), "hello")?);
    let all = began.elapsed().as_secs();
    Ok(format!(
        "first page after {} min {:02} s, first applied environment after {} min {:02} s",
        page / 60,
        page % 60,
        all / 60,
        all % 60
    ))
}

/// The Dockerfile's steps: the build stage, then the run stage on a machine of its own, where the server
/// and its engine answer as the image's user.
fn image(machine: &Machine) -> Result<String> {
    let step = Step::begin("the build stage");
    machine.inside(
        "0",
        "cd ~/slipway && sh xtask/run.sh image-build /srv/slipway",
    )?;
    step.done("built /srv/slipway");
    let step = Step::begin("the run stage");
    let root = workplace().join("image-run");
    let log = &machine.log;
    cmd::logged(
        Command::new("rm")
            .args(["-rf", "--one-file-system"])
            .arg(&root),
        log,
    )?;
    cmd::logged(
        Command::new("cp")
            .arg("-a")
            .arg(workplace().join("base"))
            .arg(&root),
        log,
    )?;
    let last = Machine {
        route: "image-run".into(),
        root,
        home: "/root",
        log: log.clone(),
    };
    last.give_network()?;
    last.copy(Path::new("xtask/image-run.sh"), &last.path("/image-run.sh"))?;
    last.inside("0", "sh /image-run.sh")?;
    cmd::logged(
        Command::new("cp")
            .arg("-a")
            .arg(machine.path("/srv/slipway"))
            .arg(last.path("/srv")),
        log,
    )?;
    last.inside(
        "10001",
        "/srv/slipway/bin/slipway --version && /srv/slipway/engine/terraform version",
    )?;
    step.done("slipway and its engine answer as uid 10001");
    Ok("the steps of the Dockerfile ran outside a container engine".into())
}

/// Ends the namespace, and with it everything in it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
