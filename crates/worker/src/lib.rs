//! ENGINE ROOM: the only part of the house that acts on the outside world.
//!
//! A worker claims jobs from the queue, carries each out under a lease that it renews, and reports with the fence that
//! it claimed with. It keeps the catalog published, seals the audit trail, and finds what other workers left behind.
//! Forbidden: applying anything twice, applying what was not approved, and going on when the lease is lost.

mod chores;
mod cloud;
mod directory;
mod helm;
mod lease;
mod logging;
mod post;
mod slots;
mod terraform;

use std::{path::PathBuf, sync::Arc};

use serde_json::json;
use slipway_seal::WorkerKey;
use slipway_services::{
    Error, PgPool, Refusal, account,
    live::{Event, Hub},
    work,
};
use time::{Duration, OffsetDateTime};
use tokio::{sync::watch, task::JoinHandle};

pub use cloud::{Imitation, Span, answers as account_answers};
pub use directory::{API as DIRECTORY_API, Groups, TOKEN as DIRECTORY_TOKEN};
pub use post::{MailBy, PostBy};

/// How a worker is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name, for people; unique enough to find it: host and process id.
    pub name: String,
    /// Where runs have their folders and the state spool lies; private to the worker (0700).
    pub folder: PathBuf,
    /// The catalog's folder; `None` if another worker publishes it.
    pub catalog: Option<PathBuf>,
    /// Path of the Terraform binary; `None` = `terraform` on the PATH.
    pub terraform: Option<PathBuf>,
    /// Path of the OpenTofu binary; `None` = `tofu` on the PATH.
    pub opentofu: Option<PathBuf>,
    /// Path of the Helm binary; `None` = `helm` on the PATH.
    pub helm: Option<PathBuf>,
    /// A folder with a kubeconfig for each cluster, `<name>.kubeconfig`; `None` = this worker acts on none.
    pub clusters: Option<PathBuf>,
    /// A release that is not well after so long is rolled back.
    pub release_patience: std::time::Duration,
    /// A folder with provider packages (a filesystem mirror), used instead of the network for what it holds.
    pub provider_mirror: Option<PathBuf>,
    /// AWS answered by an imitation, on this machine.
    pub imitation: Option<Imitation>,
    /// The region that the worker's own identity is asked in, and the imitation's.
    pub region: String,
    /// How long a run's credentials count before they are renewed.
    pub lend: Span,
    /// Runs carried out at the same time.
    pub slots: usize,
    /// How long a claim lives without renewal, and its children after that.
    pub lease: work::Lease,
    /// A run's engine is interrupted after so long.
    pub longest_run: Duration,
    /// Where each signature of the audit trail is noted outside of the database; `None` = nowhere.
    pub checkpoints: Option<PathBuf>,
    /// How to ask the directory for people's groups; `None` = nobody is asked.
    pub groups: Option<Groups>,
    /// How messages go.
    pub post: PostBy,
}

impl Config {
    /// Sensible settings for a folder.
    #[must_use]
    pub fn new(name: impl Into<String>, folder: PathBuf) -> Self {
        Self {
            name: name.into(),
            folder,
            catalog: None,
            terraform: None,
            opentofu: None,
            helm: None,
            clusters: None,
            release_patience: std::time::Duration::from_secs(300),
            provider_mirror: None,
            imitation: None,
            region: "eu-west-1".into(),
            lend: Span::default(),
            slots: 2,
            lease: work::Lease {
                length: Duration::seconds(30),
                grace: Duration::seconds(30),
            },
            longest_run: Duration::hours(2),
            checkpoints: None,
            groups: None,
            post: PostBy::default(),
        }
    }
}

/// What every part of a worker shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub config: Config,
    pub pool: PgPool,
    pub hub: Hub,
    pub key: WorkerKey,
    pub me: work::Worker,
    pub engines: terraform::Engines,
    /// Helm, or why there is none.
    pub helm: Result<slipway_adapters::helm::Helm, slipway_adapters::terraform::EngineMissing>,
    pub clusters: helm::Clusters,
    pub sts: slipway_adapters::aws::Sts,
    /// Why the worker should stop, if it should.
    pub leaving: watch::Receiver<Leaving>,
}

/// How urgently the worker should leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaving {
    /// It stays.
    #[default]
    No,
    /// Claim nothing more; interrupt what runs, once, and wait until it has saved its state.
    Gently,
    /// Kill what still runs; its runs become unknown.
    Now,
}

/// A running worker.
#[derive(Debug)]
pub struct Handle {
    leave: Arc<watch::Sender<Leaving>>,
    tasks: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// How long a worker that must leave at once takes: its engines have five seconds between SIGTERM and SIGKILL, and what
/// they did may take as long to be told.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(10);

/// The present moment: the engine room is where the house's clock stands.
pub(crate) fn now() -> OffsetDateTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "workers act in real time and pass it on"
    )]
    OffsetDateTime::now_utc()
}

/// Tells the database, and waits for it as long as it is away: a restart in mid-apply costs nothing. Whether the claim
/// still holds by then, the database says.
pub(crate) async fn patiently<T, F>(what: &str, tell: impl Fn() -> F) -> slipway_services::Result<T>
where
    F: Future<Output = slipway_services::Result<T>>,
{
    loop {
        match tell().await {
            Err(Error::Database(error)) if slipway_services::is_away(&error) => {
                tracing::warn!(%error, "{what} waits for the database");
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
            other => return other,
        }
    }
}

/// Waits until somebody announces what is wanted, or announcements were missed and it may be among them. Hints can be lost:
/// whoever waits for one looks by themselves now and then.
pub(crate) async fn heard(
    events: &mut tokio::sync::broadcast::Receiver<Event>,
    wanted: impl Fn(&Event) -> bool,
) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match events.recv().await {
            Ok(event) if event == Event::Missed || wanted(&event) => return,
            Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Starts a worker. Its pool's connections have the role `slipway_worker`.
///
/// # Errors
/// If the folder can't be made, or the database does not take the worker in. A missing engine is no error: runs that
/// need it fail with a message that names it.
pub async fn start(
    config: Config,
    pool: PgPool,
    hub: Hub,
    key: WorkerKey,
) -> anyhow::Result<Handle> {
    let groups = match &config.groups {
        Some(groups) => Some((groups.open()?, groups.keep)),
        None => None,
    };
    let post = config.post.open()?;
    let engines = terraform::Engines::find(&config).await?;
    let helm = helm::find(&config).await?;
    let facts = json!({ "engines": engines.facts(), "helm": helm.as_ref().ok().map(|h| &h.version), "key": key.id(), "slots": config.slots });
    let me = work::register(
        &pool,
        &config.name,
        &facts,
        (&key.id(), &key.public()),
        now(),
    )
    .await?;
    let imitation = config.imitation.as_ref().map(Imitation::account);
    let imitated = imitation
        .as_deref()
        .map(|name| (name, config.region.as_str()));
    account::imitate(&pool, imitated, now()).await?;
    let sts = cloud::sts(&config).await;
    let (leave, leaving) = watch::channel(Leaving::No);
    let mut engines = engines.ready(&config).await?;
    terraform::rescue(&pool, &key, &config.folder, engines.rescued()).await?;
    let shared = Arc::new(Shared {
        helm,
        clusters: helm::Clusters::of(config.clusters.clone()),
        config,
        pool,
        hub,
        key,
        me,
        engines,
        sts,
        leaving,
    });
    // Whoever is told that the worker is there finds its templates.
    if let Err(error) = chores::publish(&shared).await {
        tracing::warn!(
            error = format!("{error:#}"),
            "the catalog could not be published; it is tried again"
        );
    }
    let mut tasks = chores::start(&shared);
    if let Some((of, keep)) = groups {
        tasks.extend(directory::start(&shared, of, keep));
    }
    tasks.push(post::start(&shared, post));
    tasks.push(cloud::start(&shared));
    for slot in 0..shared.config.slots.max(1) {
        tasks.push(tokio::spawn(slots::work(shared.clone(), slot)));
    }
    Ok(Handle {
        leave: Arc::new(leave),
        tasks,
        shared,
    })
}

impl Handle {
    /// Asks the worker to leave, gently or at once; may be called again with more urgency.
    pub fn leave(&self, how: Leaving) {
        self.leave.send_if_modified(|now| {
            let more = how > *now;
            if more {
                *now = how;
            }
            more
        });
    }

    /// The switch itself, for whoever waits for [`Self::done`] and may lose patience.
    #[must_use]
    pub fn leaver(&self) -> Arc<watch::Sender<Leaving>> {
        self.leave.clone()
    }

    /// Waits until everything that it held has ended and been reported. Once it must leave at once, the database has
    /// [`LAST_WORDS`] to hear it: what it has not heard by then, its other workers find by the leases.
    pub async fn done(mut self) {
        let mut leaving = self.shared.leaving.clone();
        let patience = async {
            let _ = leaving.wait_for(|how| *how == Leaving::Now).await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        let farewell = async {
            for task in &mut self.tasks {
                let _ = task.await;
            }
            if let Err(error) = work::leave(&self.shared.pool, &self.shared.me, now()).await {
                tracing::warn!(%error, "the worker could not say that it left");
            }
        };
        tokio::select! {
            biased;
            () = farewell => {}
            () = patience => {
                tracing::warn!("the worker left without being heard; what it did shows when its leases run out");
                self.abandon();
            }
        }
    }

    /// Drops everything at once, without a word to the database: what a kill does.
    pub fn abandon(self) {
        for task in &self.tasks {
            task.abort();
        }
    }

    /// The engines that it found, in words, for the start-up message.
    #[must_use]
    pub fn engines(&self) -> Vec<String> {
        self.shared.engines.words()
    }
}

/// The engines that a worker with this configuration would find, in words.
///
/// # Errors
/// None that a person could cause.
pub async fn engines(config: &Config) -> anyhow::Result<Vec<String>> {
    Ok(terraform::Engines::find(config).await?.words())
}

/// The Helm that a worker with this configuration would find, and what each of its clusters answers: a version, or why
/// there is none. Nothing is written anywhere.
pub async fn clusters(
    config: &Config,
) -> (
    Result<String, Refusal>,
    Vec<(String, Result<String, Refusal>)>,
) {
    helm::answers(config).await
}
