//! The shared cluster: found, or started by whoever comes first.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions,
};
use tokio::sync::OnceCell;

/// A running cluster with a migrated template database.
#[derive(Debug)]
pub struct Cluster {
    socket: PathBuf,
    template: String,
}

/// The cluster of this build folder; one look per process.
pub async fn get() -> anyhow::Result<&'static Cluster> {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER.get_or_try_init(start).await
}

impl Cluster {
    /// How to connect to one of its databases.
    pub fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .username("slipway")
            .database(database)
    }

    /// The same as an address.
    pub fn url(&self, database: &str) -> String {
        let socket = self.socket.to_string_lossy().replace('/', "%2F");
        format!("postgres://slipway@{socket}/{database}")
    }

    /// Clones the migrated template.
    pub async fn clone_template(&self, name: &str) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect_with(&self.options("postgres")).await?;
        let sql = format!(
            "create database {name} template {} strategy file_copy",
            self.template
        );
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        Ok(())
    }
}

/// A cluster of one test's own, which may be stopped and started; gone with this.
#[derive(Debug)]
pub struct Own {
    home: PathBuf,
    pub(crate) cluster: Cluster,
}

impl Own {
    /// Makes it; it forgets nothing that it promised, as one in production does.
    pub async fn make(name: &str) -> anyhow::Result<Self> {
        let home = std::env::temp_dir().join(format!("slipway-own-{name}"));
        fs::create_dir_all(&home)?;
        let made = home.clone();
        tokio::task::spawn_blocking(move || {
            boot(&made)?;
            halt(&made)?;
            launch(&made, true)
        })
        .await??;
        let cluster = Cluster {
            socket: home.join("pg"),
            template: String::new(),
        };
        let cluster = migrate(cluster, &root()).await?;
        Ok(Self { home, cluster })
    }

    /// Stops it at once.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let home = self.home.clone();
        tokio::task::spawn_blocking(move || halt(&home)).await?
    }

    /// Starts it again.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub async fn start(&self) -> anyhow::Result<()> {
        let home = self.home.clone();
        tokio::task::spawn_blocking(move || launch(&home, true)).await?
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = halt(&self.home);
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

async fn start() -> anyhow::Result<Cluster> {
    // A place that PostgreSQL's own user can reach (a build folder may lie below a closed home), one per build folder.
    let root = root().canonicalize()?;
    let key = root
        .to_string_lossy()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let home = std::env::temp_dir().join(format!("slipway-test-{key:016x}"));
    fs::create_dir_all(&home)?;
    let lock = File::create(home.join("lock"))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    let cluster = Cluster {
        socket: home.join("pg"),
        template: String::new(),
    };
    if !answers(&cluster, &home).await? {
        let home = home.clone();
        tokio::task::spawn_blocking(move || boot(&home)).await??;
    }
    let cluster = migrate(cluster, &root).await;
    drop(lock);
    cluster
}

/// Whether the cluster runs. One that runs and does not take another connection (too many, or still starting) is waited
/// for: it is in use, and must not be made anew.
async fn answers(cluster: &Cluster, home: &Path) -> anyhow::Result<bool> {
    for _ in 0..100 {
        let refused = match PgConnection::connect_with(&cluster.options("postgres")).await {
            Ok(connection) => {
                connection.close().await?;
                return Ok(true);
            }
            Err(error) => error,
        };
        let pid = fs::read_to_string(home.join("pg/data/postmaster.pid")).ok();
        let pid = pid.as_deref().and_then(|text| text.lines().next());
        let lives = pid.is_some_and(|pid| Path::new("/proc").join(pid.trim()).exists());
        if !lives {
            return Ok(false);
        }
        if refused.as_database_error().is_none() {
            // A process with that number that does not listen here is not this cluster.
            return Ok(false);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    bail!(
        "the test cluster in {} takes no more connections",
        home.display()
    )
}

/// Makes a new cluster and starts it. Nothing of an older one is kept.
fn boot(home: &Path) -> anyhow::Result<()> {
    let bin = binaries()?;
    let folder = home.join("pg");
    if folder.exists() {
        let _ = halt(home);
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    if let Some(user) = other_user()? {
        std::os::unix::fs::chown(&folder, Some(user), None)?;
    }
    let data = path(&folder.join("data"));
    let locale = [
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ];
    run(
        &bin,
        "initdb",
        &[&["-D", &data, "-U", "slipway"][..], &locale].concat(),
    )?;
    launch(home, false)
}

/// Stops a cluster as if its machine had lost power.
fn halt(home: &Path) -> anyhow::Result<()> {
    let data = path(&home.join("pg/data"));
    run(
        &binaries()?,
        "pg_ctl",
        &["-D", &data, "-m", "immediate", "stop"],
    )
}

/// Starts a cluster that was made. A durable one keeps what it said it has kept, when it is killed.
fn launch(home: &Path, durable: bool) -> anyhow::Result<()> {
    let bin = binaries()?;
    let folder = home.join("pg");
    let data = path(&folder.join("data"));
    let settings = format!(
        "-h '' -k {} -c fsync=off -c synchronous_commit={} -c full_page_writes=off -c max_connections=400 \
         -c shared_buffers=64MB -c autovacuum=off",
        path(&folder),
        if durable { "on" } else { "off" },
    );
    run(
        &bin,
        "pg_ctl",
        &[
            "-D",
            &data,
            "-w",
            "-l",
            &path(&folder.join("log")),
            "-o",
            &settings,
            "start",
        ],
    )
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The folder with PostgreSQL's programs.
fn binaries() -> anyhow::Result<PathBuf> {
    let mut places: Vec<PathBuf> = std::env::var_os("SLIPWAY_PG_BIN")
        .into_iter()
        .map(PathBuf::from)
        .collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<_> = versions.flatten().map(|v| v.path().join("bin")).collect();
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    places.extend(
        std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths),
    );
    places
        .into_iter()
        .find(|place| place.join("initdb").is_file() && place.join("pg_ctl").is_file())
        .context(
            "PostgreSQL was not found: install postgresql, or say where it is with SLIPWAY_PG_BIN",
        )
}

/// As root, PostgreSQL runs as somebody else: `postgres`, else `nobody`.
fn other_user() -> anyhow::Result<Option<u32>> {
    let number = |args: &[&str]| -> anyhow::Result<u32> {
        let out = Command::new("id").args(args).output()?;
        if !out.status.success() {
            bail!("id {} failed", args.join(" "));
        }
        Ok(String::from_utf8(out.stdout)?.trim().parse()?)
    };
    if number(&["-u"])? != 0 {
        return Ok(None);
    }
    Ok(Some(
        number(&["-u", "postgres"]).or_else(|_| number(&["-u", "nobody"]))?,
    ))
}

fn run(bin: &Path, tool: &str, args: &[&str]) -> anyhow::Result<()> {
    let tool = bin.join(tool);
    let mut command = match other_user()? {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command
                .args([
                    format!("--reuid={user}"),
                    format!("--regid={user}"),
                    "--clear-groups".into(),
                ])
                .arg(&tool);
            command
        }
        None => Command::new(&tool),
    };
    // pg_ctl leaves the server with its output: a pipe would never end.
    let log = tempfile()?;
    let status = command
        .args(args)
        .current_dir("/")
        .stdin(std::process::Stdio::null())
        .stdout(log.0.try_clone()?)
        .stderr(log.0)
        .status()?;
    if !status.success() {
        bail!(
            "{} failed: {}",
            tool.display(),
            fs::read_to_string(&log.1).unwrap_or_default()
        );
    }
    let _ = fs::remove_file(log.1);
    Ok(())
}

fn tempfile() -> anyhow::Result<(File, PathBuf)> {
    let path = std::env::temp_dir().join(format!("slipway-testkit-{}.log", std::process::id()));
    Ok((File::create(&path)?, path))
}

/// Migrates a template database once per state of the migrations, and sweeps databases of tests that are over.
async fn migrate(mut cluster: Cluster, root: &Path) -> anyhow::Result<Cluster> {
    let migrator = Migrator::new(root.join("migrations")).await?;
    let key = migrator.iter().fold(String::new(), |key, m| {
        key + &format!("{:02x}{:02x}", m.checksum[0], m.checksum[1])
    });
    cluster.template = format!("template_{key}");
    let mut connection = PgConnection::connect_with(&cluster.options("postgres")).await?;
    let names: Vec<String> = sqlx::query_scalar("select datname from pg_database")
        .fetch_all(&mut connection)
        .await?;
    for name in &names {
        let process = name
            .strip_prefix('t')
            .and_then(|n| n.split('_').next()?.parse::<u32>().ok());
        if process.is_some_and(|p| {
            !Path::new("/proc").join(p.to_string()).exists() && Path::new("/proc/self").exists()
        }) {
            let _ = sqlx::query(AssertSqlSafe(format!(
                "drop database if exists {name} with (force)"
            )))
            .execute(&mut connection)
            .await;
        }
    }
    if names.contains(&cluster.template) {
        return Ok(cluster);
    }
    let making = format!("making_{key}");
    sqlx::query(AssertSqlSafe(format!(
        "drop database if exists {making} with (force)"
    )))
    .execute(&mut connection)
    .await?;
    sqlx::query(AssertSqlSafe(format!("create database {making}")))
        .execute(&mut connection)
        .await?;
    let mut inside = PgConnection::connect_with(&cluster.options(&making)).await?;
    migrator.run(&mut inside).await?;
    inside.close().await?;
    sqlx::query(AssertSqlSafe(format!(
        "alter database {making} rename to {}",
        cluster.template
    )))
    .execute(&mut connection)
    .await?;
    Ok(cluster)
}
