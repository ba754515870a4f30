//! The database of `slipway up`: a private PostgreSQL in the data folder, reached by a socket in a folder that is its
//! user's alone. Durable, stopped with us, and recovered after a kill.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail};
use sqlx::postgres::PgConnectOptions;
use tokio::process::Command;

use crate::folder::Folder;

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    user: Option<User>,
}

/// Whom PostgreSQL runs as when we are root, whom it refuses.
#[derive(Clone, Copy, Debug)]
struct User {
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Makes the cluster if it is missing, and starts it.
    ///
    /// # Errors
    /// If PostgreSQL is missing, the folder is another major version's, or it does not start; each with what to do.
    pub async fn start(folder: &Folder, named: Option<&Path>) -> anyhow::Result<Self> {
        let bin = binaries(named)?;
        let version = output(Command::new(bin.join("postgres")).arg("--version"))
            .await
            .context("PostgreSQL does not say its version")?;
        let version = version
            .split_whitespace()
            .nth(2)
            .unwrap_or_default()
            .to_owned();
        let major = version.split('.').next().unwrap_or_default().to_owned();
        folder.same(
            "postgresql",
            &major,
            &format!("Install PostgreSQL's old version again, or name its programs with SLIPWAY_PG_BIN (now {}). Or move the data over with pg_dump.", bin.display()),
        )?;
        folder.remember("postgresql_programs", &bin.display().to_string())?;
        let user = other_user()?;
        let home = home(&folder.path, user)?;
        let data = home.join("data");
        if let Ok(made) = fs::read_to_string(data.join("PG_VERSION"))
            && made.trim() != major
        {
            bail!(
                "The database in {} is PostgreSQL {}'s, and {} is version {major}.\n  Install PostgreSQL {} again, or name its programs with SLIPWAY_PG_BIN.",
                data.display(),
                made.trim(),
                bin.display(),
                made.trim()
            );
        }
        let cluster = Self {
            socket: socket(&home, user)?,
            bin,
            data,
            user,
        };
        if !cluster.data.join("PG_VERSION").exists() {
            cluster.init().await?;
        }
        cluster.boot().await?;
        Ok(cluster)
    }

    /// How to connect to it as its owner.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .username("slipway")
            .database("postgres")
    }

    /// Stops it; what was committed is on the disk.
    pub async fn stop(&self) {
        let mut stop = self.tool("pg_ctl");
        stop.arg("-D")
            .arg(&self.data)
            .args(["-m", "fast", "-w", "-t", "60", "stop"]);
        if let Err(error) = output(&mut stop).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "PostgreSQL did not stop in order; it recovers at the next start"
            );
        }
        let _ = fs::remove_dir(&self.socket);
    }

    async fn init(&self) -> anyhow::Result<()> {
        let mut init = self.tool("initdb");
        init.arg("-D").arg(&self.data).args([
            "-U",
            "slipway",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]);
        if let Err(first) = output(&mut init).await {
            // Not every system has C.UTF-8.
            let _ = fs::remove_dir_all(&self.data);
            let mut init = self.tool("initdb");
            init.arg("-D").arg(&self.data).args([
                "-U",
                "slipway",
                "--auth=trust",
                "-E",
                "UTF8",
                "--no-locale",
            ]);
            output(&mut init)
                .await
                .map_err(|_| first)
                .context("The database could not be made")?;
        }
        Ok(())
    }

    async fn boot(&self) -> anyhow::Result<()> {
        // A server that an earlier life of ours left behind (it was killed) goes first: two must never share a folder.
        if self.data.join("postmaster.pid").exists() {
            let mut stop = self.tool("pg_ctl");
            stop.arg("-D")
                .arg(&self.data)
                .args(["-m", "fast", "-w", "-t", "30", "stop"]);
            let _ = output(&mut stop).await;
        }
        let settings = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c unix_socket_permissions=0700 -c fsync=on \
             -c synchronous_commit=on -c full_page_writes=on -c shared_buffers=32MB -c max_connections=60 \
             -c log_min_messages=warning -c jit=off",
            self.socket.display()
        );
        let log = self.data.with_file_name("postgresql.log");
        let mut start = self.tool("pg_ctl");
        start
            .arg("-D")
            .arg(&self.data)
            .args(["-w", "-t", "60", "-l"])
            .arg(&log)
            .arg("-o")
            .arg(settings)
            .arg("start");
        output(&mut start).await.with_context(|| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last: Vec<&str> = said.lines().rev().take(3).collect();
            format!(
                "PostgreSQL did not start; it says: {}",
                last.into_iter().rev().collect::<Vec<_>>().join(" / ")
            )
        })?;
        Ok(())
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        // PostgreSQL must not take its settings from our environment, nor keep our folder in use.
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// Runs a tool to its end; its words are the error.
async fn output(command: &mut Command) -> anyhow::Result<String> {
    // A pipe would stay open in the server that pg_ctl leaves behind, so both go to a file.
    let path = std::env::temp_dir().join(format!(
        "slipway-pg-{}-{}",
        std::process::id(),
        slipway_seal::hex(&slipway_seal::random::<4>())
    ));
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    let status = command
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()
        .await;
    let said = fs::read_to_string(&path).unwrap_or_default();
    let _ = fs::remove_file(&path);
    if status?.success() {
        return Ok(said);
    }
    bail!(
        "{}",
        said.trim()
            .lines()
            .rev()
            .take(4)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join(" / ")
    )
}

/// The folder with PostgreSQL's programs.
fn binaries(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let complete = |folder: &Path| {
        ["initdb", "pg_ctl", "postgres"]
            .iter()
            .all(|tool| folder.join(tool).exists())
    };
    if let Some(named) = named {
        if complete(named) {
            return Ok(named.to_owned());
        }
        bail!(
            "{} does not hold PostgreSQL's programs (initdb, pg_ctl, postgres).\n  Correct SLIPWAY_PG_BIN.",
            named.display()
        );
    }
    let mut places = Vec::new();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        let mut found: Vec<PathBuf> = versions.flatten().map(|v| v.path().join("bin")).collect();
        found.sort();
        places.extend(found.into_iter().rev());
    }
    places.extend(
        std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths),
    );
    places.into_iter().find(|p| complete(p)).context(
        "PostgreSQL was not found.\n  Install it (Debian: postgresql-15), name its programs' folder with SLIPWAY_PG_BIN, or name a running one with SLIPWAY_DATABASE_URL",
    )
}

/// As root: the user `postgres`, else `nobody`.
fn other_user() -> anyhow::Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("The list of users cannot be read")?;
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut parts = line.split(':');
            (parts.next()? == name).then_some(())?;
            let uid = parts.nth(1)?.parse().ok()?;
            Some(User {
                uid,
                gid: parts.next()?.parse().ok()?,
            })
        })
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .map(Some)
        .context(
            "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody",
        )
}

/// Where the cluster lives: in the data folder, unless its user could not reach it there.
fn home(folder: &Path, user: Option<User>) -> anyhow::Result<PathBuf> {
    let home = folder.join("postgresql");
    let Some(user) = user else {
        private(&home, None)?;
        return Ok(home);
    };
    let reachable = home.ancestors().skip(1).all(|parent| {
        fs::metadata(parent).is_ok_and(|m| {
            let mode = m.permissions().mode();
            mode & 0o001 != 0
                || (m.uid() == user.uid && mode & 0o100 != 0)
                || (m.gid() == user.gid && mode & 0o010 != 0)
        })
    });
    let home = if reachable {
        home
    } else {
        let key =
            slipway_seal::hex(&slipway_seal::sha256(folder.as_os_str().as_encoded_bytes())[..6]);
        let place = Path::new("/var/lib/slipway").join(key);
        fs::create_dir_all(&place)?;
        // So that whoever looks into the data folder finds it.
        fs::write(
            folder.join("postgresql.is-in"),
            format!("{}\n", place.display()),
        )?;
        place.join("postgresql")
    };
    private(&home, Some(user))?;
    Ok(home)
}

/// A short path for the socket: its length is limited to about a hundred bytes.
fn socket(home: &Path, user: Option<User>) -> anyhow::Result<PathBuf> {
    let key = slipway_seal::hex(&slipway_seal::sha256(home.as_os_str().as_encoded_bytes())[..6]);
    let path = Path::new("/tmp").join(format!("slipway-{key}"));
    private(&path, user)?;
    Ok(path)
}

/// A folder for its owner alone. One that somebody else put there is refused.
fn private(path: &Path, user: Option<User>) -> anyhow::Result<()> {
    let owner = user.map_or_else(|| rustix::process::geteuid().as_raw(), |u| u.uid);
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            if let Some(user) = user {
                chown(path, Some(user.uid), Some(user.gid))?;
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => {
            return Err(error)
                .with_context(|| format!("The folder {} could not be made", path.display()));
        }
    }
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() || found.uid() != owner || found.permissions().mode() & 0o077 != 0 {
        bail!(
            "{} is there already and belongs to somebody else.\n  Remove it if it is left over.",
            path.display()
        );
    }
    Ok(())
}
