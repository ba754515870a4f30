//! Starting, and leaving in order.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use slipway_app::{
    App,
    assets::Assets,
    site::{Aws, DemoSite, Site},
};
use slipway_seal::WorkerKey;
use slipway_services::{Office, live::Hub, person, session, sign_in, token, work::Lease};
use slipway_worker::{Config, Handle, Leaving};
use sqlx::{PgPool, postgres::PgConnectOptions};
use time::{Duration, OffsetDateTime};
use tokio::{net::TcpListener, signal::unix, sync::watch, task::JoinHandle};

use crate::{
    config::Settings,
    database,
    door::{self, Door},
    folder::Folder,
    keys, listen,
    postgres::Cluster,
    say,
    sign_in::google::Google,
};

/// `slipway up`: everything in one process.
///
/// # Errors
/// What keeps it from starting, each with what to do.
pub async fn up(settings: Settings) -> anyhow::Result<()> {
    // From here on a Ctrl-C waits until what is being started can be stopped in order.
    let mut asked = Asked::listen();
    let folder = Folder::open(&settings.data)?;
    let listener = listen(&settings).await?;
    let demo = settings.demo(true)?;
    Google::from(&settings)?;
    let cluster = match &settings.database_url {
        Some(_) => None,
        None => Some(Cluster::start(&folder, settings.pg_bin.as_deref()).await?),
    };
    let options = match &cluster {
        Some(cluster) => cluster.options(),
        None => database::options(&settings)?,
    };
    let started = start(&settings, &folder, &options, listener, demo).await;
    let done = match started {
        Ok(running) => {
            welcome(&settings, &running, demo);
            leave(running, &mut asked).await;
            Ok(())
        }
        Err(error) => Err(error),
    };
    if let Some(cluster) = cluster {
        cluster.stop().await;
    }
    done
}

/// What runs.
struct Running {
    web: JoinHandle<()>,
    worker: Option<Handle>,
    leaving: watch::Sender<bool>,
    /// Told before that: not ready any more, and still answering for so long.
    stopping: (watch::Sender<bool>, std::time::Duration),
    pools: Vec<PgPool>,
    address: std::net::SocketAddr,
    engines: Vec<String>,
    changed: Option<String>,
}

async fn start(
    settings: &Settings,
    folder: &Folder,
    options: &PgConnectOptions,
    listener: TcpListener,
    demo: bool,
) -> anyhow::Result<Running> {
    database::migrate(options).await?;
    let web = database::pool(options, database::WEB, 10);
    let work = database::pool(options, database::WORKER, 10);
    if demo {
        #[expect(clippy::disallowed_methods, reason = "the process starts now")]
        person::seed_demo(&web, OffsetDateTime::now_utc()).await?;
    }
    prepare(settings, &web, demo).await?;
    let key_file = settings
        .key_file
        .clone()
        .unwrap_or_else(|| folder.path.join("worker.key"));
    let key = keys::load(&key_file, settings.key_file.is_none())?;
    let hub = Hub::start(web.clone());
    let (leaving, left) = watch::channel(false);
    let (stopping, stopped) = watch::channel(false);
    let address = listener.local_addr()?;
    // Pages are there at once; the worker still asks its engines for their versions.
    let web_task = start_web(
        settings,
        web.clone(),
        hub.clone(),
        listener,
        demo,
        (stopped, left),
    )?;
    let worker = start_worker(settings, &folder.path, work.clone(), hub, key).await;
    let mut running = Running {
        web: web_task,
        worker: None,
        leaving,
        stopping: (stopping, drain(settings)),
        pools: vec![web, work],
        address,
        engines: vec![],
        changed: None,
    };
    match worker {
        Ok(worker) => {
            running.engines = worker.engines();
            running.changed = folder.remember("engine", &running.engines.join(", "))?;
            running.worker = Some(worker);
            Ok(running)
        }
        Err(error) => {
            depart(running).await;
            Err(error)
        }
    }
}

/// `slipway serve`: the web process alone.
///
/// # Errors
/// What keeps it from starting.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let mut asked = Asked::listen();
    let demo = settings.demo(false)?;
    Google::from(&settings)?;
    let options = database::options(&settings)?;
    let listener = listen(&settings).await?;
    let address = listener.local_addr()?;
    let web = database::pool(&options, database::WEB, 20);
    let hub = Hub::start(web.clone());
    let (leaving, left) = watch::channel(false);
    let (stopping, stopped) = watch::channel(false);
    if demo {
        #[expect(clippy::disallowed_methods, reason = "the process starts now")]
        person::seed_demo(&web, OffsetDateTime::now_utc()).await?;
    }
    prepare(&settings, &web, demo).await?;
    let task = start_web(&settings, web.clone(), hub, listener, demo, (stopped, left))?;
    tracing::info!(%address, "serving");
    let running = Running {
        web: task,
        worker: None,
        leaving,
        stopping: (stopping, drain(&settings)),
        pools: vec![web],
        address,
        engines: vec![],
        changed: None,
    };
    leave(running, &mut asked).await;
    Ok(())
}

/// `slipway work`: a worker alone.
///
/// # Errors
/// What keeps it from starting.
pub async fn work(settings: Settings) -> anyhow::Result<()> {
    let mut asked = Asked::listen();
    let options = database::options(&settings)?;
    let folder = Folder::open(&settings.data)?;
    let key_file = settings.key_file.clone().context("A worker needs the workers' key.\n  Name its file with SLIPWAY_KEY_FILE; every worker needs the same")?;
    let key = keys::load(&key_file, false)?;
    let pool = database::pool(&options, database::WORKER, 10);
    let hub = Hub::start(pool.clone());
    let worker = start_worker(&settings, &folder.path, pool.clone(), hub, key).await?;
    if worker.engines().is_empty() {
        worker.leave(Leaving::Now);
        worker.done().await;
        bail!(
            "No engine: neither Terraform nor OpenTofu was found.\n  Install one, or name it with SLIPWAY_ENGINE."
        );
    }
    tracing::info!(engines = worker.engines().join(", "), "working");
    let (leaving, _) = watch::channel(false);
    let address = settings.listen;
    let running = Running {
        web: tokio::spawn(async {}),
        worker: Some(worker),
        leaving,
        stopping: (watch::channel(false).0, std::time::Duration::ZERO),
        pools: vec![pool],
        address,
        engines: vec![],
        changed: None,
    };
    leave(running, &mut asked).await;
    Ok(())
}

fn drain(settings: &Settings) -> std::time::Duration {
    std::time::Duration::from_secs(settings.drain_seconds.into())
}

/// Before the door opens: invented people are out where there is no demo, and without an admin there is a link.
async fn prepare(settings: &Settings, web: &PgPool, demo: bool) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the process starts now")]
    let now = OffsetDateTime::now_utc();
    if demo {
        return Ok(());
    }
    session::end_demo(web, now).await?;
    token::end_demo(web, now).await?;
    let Some(google) = Google::from(settings)? else {
        return Ok(());
    };
    if let Some(token) = sign_in::setup_link(web, &google.admins, now).await? {
        say::line(&format!(
            "\n  Nobody is an admin yet. Whoever opens this link and signs in becomes the first; it works once, within a day:\n\n    {}/setup/{}\n",
            google.public(),
            token.expose()
        ));
    }
    Ok(())
}

async fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    TcpListener::bind(settings.listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "The address {} is taken by another program.\n  Stop that one, or choose another with --listen 127.0.0.1:PORT (or SLIPWAY_LISTEN).",
            settings.listen
        ),
        _ => anyhow::Error::from(error).context(format!("It is not possible to listen on {}", settings.listen)),
    })
}

fn start_web(
    settings: &Settings,
    web: PgPool,
    hub: Hub,
    listener: TcpListener,
    demo: bool,
    (stopping, leaving): (watch::Receiver<bool>, watch::Receiver<bool>),
) -> anyhow::Result<JoinHandle<()>> {
    let assets = Assets::read(&settings.site).unwrap_or_else(|error| {
        tracing::warn!(site = %settings.site.display(), %error, "the browser side is not built: pages have no style and do not move");
        Assets::default()
    });
    let address = listener.local_addr()?;
    let google = Google::from(settings)?.map(Arc::new);
    let aws = match (&settings.aws_endpoint, &settings.provider_mirror) {
        (Some(endpoint), Some(_)) => Aws::Imitation(
            settings
                .aws_imitation
                .clone()
                .unwrap_or_else(|| endpoint.clone()),
        ),
        (Some(_), None) => Aws::Missing("the AWS provider (SLIPWAY_PROVIDER_MIRROR)".into()),
        // Which accounts there are is in the database; each form says where it would be made, or why nowhere.
        (None, _) => Aws::Unsaid,
    };
    let site = Site {
        assets: Arc::new(assets),
        demo: demo.then_some(DemoSite {
            port: address.port(),
        }),
        google: google.as_ref().map(|g| g.site()),
        aws,
    };
    let door = Door {
        app: App {
            office: Office { web },
            site: Arc::new(site),
        },
        hub,
        hosts: settings.hosts.clone().into(),
        tls: settings.tls,
        loopback: address.ip().is_loopback(),
        leaving: leaving.clone(),
        streams: door::no_streams(),
        google,
        stopping,
        metrics: Arc::default(),
        limits: Arc::default(),
        hops: settings.trusted_hops,
        patience: door::PATIENCE_FOR_GROUPS,
    };
    let router = door.router(&settings.site);
    Ok(tokio::spawn(listen::serve(listener, router, leaving)))
}

async fn start_worker(
    settings: &Settings,
    data: &Path,
    pool: PgPool,
    hub: Hub,
    key: WorkerKey,
) -> anyhow::Result<Handle> {
    let (terraform, opentofu) = settings.engines();
    let name = format!("{}-{}", host(), std::process::id());
    let config = Config {
        catalog: settings.catalog.clone(),
        terraform,
        opentofu,
        helm: settings.helm.clone(),
        clusters: settings.clusters.clone(),
        provider_mirror: settings.provider_mirror.clone(),
        imitation: settings.imitation(),
        region: settings.aws_region.clone(),
        slots: settings.slots,
        lease: Lease {
            length: Duration::seconds(settings.lease_seconds.into()),
            grace: Duration::seconds(settings.grace_seconds.into()),
        },
        longest_run: Duration::minutes(settings.longest_run_minutes.into()),
        checkpoints: Some(
            settings
                .audit_checkpoints
                .clone()
                .unwrap_or_else(|| data.join("audit-checkpoints.jsonl")),
        ),
        groups: settings.groups(),
        post: settings.post()?,
        ..Config::new(name, data.join("worker"))
    };
    slipway_worker::start(config, pool, hub, key)
        .await
        .context("The worker could not be started")
}

fn host() -> String {
    std::fs::read_to_string("/etc/hostname")
        .ok()
        .map(|h| h.trim().to_owned())
        .filter(|h| !h.is_empty())
        .unwrap_or_else(|| "worker".into())
}

fn welcome(settings: &Settings, running: &Running, demo: bool) {
    let port = running.address.port();
    let mut text = format!("\n  Slipway is up: http://localhost:{port}\n");
    if demo {
        text += "\n  Everything here is a demo: you choose who you are, and each person has an address of their own,\n  so that two of them fit into one browser.\n\n";
        for persona in &person::PERSONAS {
            text += &format!(
                "    http://{}.localhost:{port}  {}\n",
                persona.word, persona.about
            );
        }
    }
    match (running.engines.is_empty(), &running.changed) {
        (true, _) => {
            text += "\n  No engine was found: nothing can be planned. Install Terraform or OpenTofu, or name one with SLIPWAY_ENGINE.\n"
        }
        (false, None) => text += &format!("\n  Engine: {}\n", running.engines.join(", ")),
        (false, Some(before)) => {
            text += &format!(
                "\n  Engine: {} (this data folder last had {before})\n",
                running.engines.join(", ")
            )
        }
    }
    if let Some(endpoint) = &settings.aws_endpoint {
        text += &format!(
            "  AWS is imitated by {} at {endpoint}: nothing real is made.\n",
            settings.aws_imitation.as_deref().unwrap_or("something")
        );
    }
    text += &format!("  Data: {}\n  Stop with Ctrl-C.\n", settings.data.display());
    say::line(&text);
}

/// Ctrl-C, or a termination: remembered from the moment that somebody listens.
struct Asked {
    interrupts: Option<unix::Signal>,
    terminations: Option<unix::Signal>,
}

impl Asked {
    fn listen() -> Self {
        Self {
            interrupts: unix::signal(unix::SignalKind::interrupt()).ok(),
            terminations: unix::signal(unix::SignalKind::terminate()).ok(),
        }
    }

    /// Waits for the next one.
    async fn again(&mut self) {
        async fn next(signal: &mut Option<unix::Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = next(&mut self.interrupts) => {}
            () = next(&mut self.terminations) => {}
        }
    }
}

/// Waits to be told to leave, and leaves: no new work, what runs is interrupted once and saves its state, open pages
/// are told, and only then does the database stop.
async fn leave(mut running: Running, asked: &mut Asked) {
    asked.again().await;
    let _ = running.stopping.0.send(true);
    tokio::select! {
        () = tokio::time::sleep(running.stopping.1) => {}
        () = asked.again() => {}
    }
    if let Some(worker) = running.worker.take() {
        worker.leave(Leaving::Gently);
        let leave = worker.leaver();
        let mut done = tokio::spawn(worker.done());
        let soon = tokio::time::sleep(std::time::Duration::from_millis(400));
        tokio::pin!(soon);
        let mut said = false;
        let mut times = 1;
        loop {
            tokio::select! {
                _ = &mut done => break,
                () = &mut soon, if !said => {
                    said = true;
                    say::line("\n  Stopping: what is being applied was interrupted and saves its state. This can take a while.");
                }
                () = asked.again() => {
                    times += 1;
                    if times == 2 {
                        say::line("\n  The engine is still saving. Once more Ctrl-C kills it: what it made may then be unknown to its state,\n  and its run becomes “unknown” until somebody has looked.");
                    } else {
                        say::line("\n  Killing what still runs.");
                        leave.send_modify(|l| *l = Leaving::Now);
                    }
                }
            }
        }
    }
    depart(running).await;
}

/// Closes the pages and the database's connections.
async fn depart(running: Running) {
    let Running {
        web,
        leaving,
        pools,
        ..
    } = running;
    let _ = leaving.send(true);
    if tokio::time::timeout(std::time::Duration::from_secs(5), web)
        .await
        .is_err()
    {
        tracing::info!("some pages were still open");
    }
    for pool in pools {
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), pool.close()).await;
    }
}
