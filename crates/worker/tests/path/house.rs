//! A database and a worker of a test's own, and the people who ask it for something.

use std::{path::PathBuf, time::Duration};

use slipway_domain::{
    id::{EnvironmentId, RunId},
    plan::Shown,
    run::State,
};
use slipway_seal::WorkerKey;
use slipway_services::{
    Ctx, approval,
    draft::{self, Sent, Target},
    environment, live, log, person, run, session, template, work,
};
use slipway_testkit::Database;
use slipway_worker::{Config, Handle, Leaving};

/// No fact takes longer than this, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct House {
    pub db: Database,
    pub folder: PathBuf,
    pub worker: Option<Handle>,
}

#[expect(clippy::disallowed_methods, reason = "workers act in real time")]
pub fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc()
}

/// `None`, said aloud, where there is no engine.
#[expect(clippy::print_stdout, reason = "a skip says why, and CI reads it")]
pub fn engine() -> Option<PathBuf> {
    let named = std::env::var_os("SLIPWAY_ENGINE").map(PathBuf::from);
    let found = named.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|p| p.join("terraform"))
            .find(|p| p.is_file())
    });
    if found.is_none() {
        println!("skipped: neither SLIPWAY_ENGINE nor terraform on the PATH");
    }
    found
}

/// The worker's usual settings.
pub fn config(folder: PathBuf, lease: i64) -> Config {
    let catalog = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../infra/catalog");
    Config {
        catalog: Some(catalog),
        terraform: engine(),
        lease: work::Lease {
            length: time::Duration::seconds(lease),
            grace: time::Duration::seconds(1),
        },
        ..Config::new("w", folder)
    }
}

/// A worker with the key that all workers of these tests have.
pub async fn worker(config: Config, pool: sqlx::PgPool) -> Handle {
    let hub = live::Hub::start(pool.clone());
    let key = WorkerKey::from_master(&[3; 32]);
    slipway_worker::start(config, pool, hub, key).await.unwrap()
}

impl House {
    pub async fn new(lease: i64) -> Option<Self> {
        Self::with(lease, |_| {}).await
    }

    /// With another worker than usual.
    pub async fn with(lease: i64, set: impl FnOnce(&mut Config)) -> Option<Self> {
        let house = Self::without_worker(slipway_testkit::database().await).await?;
        Some(house.and_worker(lease, set).await)
    }

    /// Only the database, with its people.
    pub async fn without_worker(db: Database) -> Option<Self> {
        engine()?;
        person::seed_demo(&db.web, now()).await.unwrap();
        let folder = std::env::temp_dir().join(format!("slipway-worker-{}", db.name));
        Some(Self {
            db,
            folder,
            worker: None,
        })
    }

    /// With a worker, and the catalog that it publishes.
    pub async fn and_worker(mut self, lease: i64, set: impl FnOnce(&mut Config)) -> Self {
        self.start(lease, set).await;
        self.until("the catalog", async |house| {
            let ctx = house.ctx("developer").await;
            template::list(&house.db.web, &ctx).await.unwrap().len() >= 4
        })
        .await;
        self
    }

    /// Starts a worker: the first, or another one on the same folder.
    pub async fn start(&mut self, lease: i64, set: impl FnOnce(&mut Config)) {
        let mut config = config(self.folder.clone(), lease);
        set(&mut config);
        self.worker = Some(worker(config, self.db.worker.clone()).await);
    }

    pub async fn ctx(&self, who: &str) -> Ctx {
        let user = person::persona(&self.db.web, who).await.unwrap().unwrap();
        let token = session::begin(&self.db.web, user, "test", "test", now())
            .await
            .unwrap();
        let actor = session::find(&self.db.web, token.0.expose(), now())
            .await
            .unwrap();
        Ctx {
            actor,
            request_id: "test".into(),
            now: now(),
        }
    }

    /// Waits for a fact.
    pub async fn until(&self, what: &str, fact: impl AsyncFn(&Self) -> bool) {
        let found = tokio::time::timeout(PATIENCE, async {
            while !fact(self).await {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        });
        assert!(found.await.is_ok(), "waited in vain for {what}");
    }

    /// Waits until it is there; another end is shown with what the run's log said last.
    pub async fn reaches(&self, id: RunId, state: State) -> run::View {
        let dev = self.ctx("developer").await;
        self.until(state.word(), async |house| {
            let now = run::find(&house.db.web, &dev, id).await.unwrap();
            now.state == state || now.state.is_over()
        })
        .await;
        let view = run::find(&self.db.web, &dev, id).await.unwrap();
        let log = self.log(id).await;
        let last: Vec<&str> = log.lines().rev().take(40).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        assert_eq!(
            view.state,
            state,
            "it ended with {:?}\n{}",
            view.failure,
            last.join("\n")
        );
        view
    }

    /// Waits for its end, whatever it is.
    pub async fn ends(&self, id: RunId) -> run::View {
        let dev = self.ctx("developer").await;
        self.until("its end", async |house| {
            let now = run::find(&house.db.web, &dev, id).await.unwrap();
            now.state.is_over()
        })
        .await;
        run::find(&self.db.web, &dev, id).await.unwrap()
    }

    /// Waits for words in its log.
    pub async fn logs(&self, id: RunId, words: &str) {
        self.until(words, async |house| house.log(id).await.contains(words))
            .await;
    }

    pub async fn send(&self, target: &Target, fields: &[(&str, &str)]) -> RunId {
        let dev = self.ctx("developer").await;
        let draft = draft::open(&self.db.web, &dev, target).await.unwrap();
        let mut pairs: Vec<(String, String)> = draft
            .entered
            .iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        pairs.push(("do".into(), "send".into()));
        pairs.extend(
            fields
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        );
        match draft::post(&self.db.web, &dev, draft.id, pairs)
            .await
            .unwrap()
        {
            Sent::Run(run) => run,
            other => panic!("{other:?}"),
        }
    }

    pub async fn create(&self, template: &str, name: &str, fields: &[(&str, &str)]) -> RunId {
        let about = [("name", name), ("life", "8h"), ("reason", "to see it")];
        self.send(
            &Target::Template(template.into()),
            &[&about[..], fields].concat(),
        )
        .await
    }

    pub async fn environment(&self, id: EnvironmentId) -> environment::View {
        environment::find(&self.db.web, &self.ctx("developer").await, id)
            .await
            .unwrap()
    }

    pub async fn approve(&self, who: &str, id: RunId) {
        let ctx = self.ctx(who).await;
        let digest = run::find(&self.db.web, &ctx, id)
            .await
            .unwrap()
            .digest
            .unwrap();
        approval::vote(
            &self.db.web,
            &ctx,
            id,
            &digest,
            approval::Decision::Approve,
            "",
        )
        .await
        .unwrap();
    }

    pub async fn log(&self, id: RunId) -> String {
        log::whole(&self.db.web, &self.ctx("developer").await, id)
            .await
            .unwrap()
    }

    pub async fn end(mut self) {
        if let Some(worker) = self.worker.take() {
            worker.leave(Leaving::Gently);
            worker.done().await;
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn shown(view: &environment::View, output: &str) -> String {
    match &view
        .outputs
        .iter()
        .find(|o| o.name == output)
        .unwrap()
        .value
    {
        Shown::Value(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}
