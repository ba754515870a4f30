//! The walking path with the real engine and a real database: asked for, planned, approved, applied, changed, canceled,
//! failed, lost and found, destroyed.

use std::{path::PathBuf, time::Duration};

use slipway_domain::{
    environment::EnvironmentState,
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

struct House {
    db: Database,
    folder: PathBuf,
    worker: Option<Handle>,
}

#[expect(clippy::disallowed_methods, reason = "workers act in real time")]
fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc()
}

/// `None`, said aloud, where there is no engine.
#[expect(clippy::print_stdout, reason = "a skip says why, and CI reads it")]
fn engine() -> Option<PathBuf> {
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

impl House {
    async fn new(lease: i64) -> Option<Self> {
        let engine = engine()?;
        let db = slipway_testkit::database().await;
        person::seed_demo(&db.web, now()).await.unwrap();
        let folder = std::env::temp_dir().join(format!("slipway-worker-{}", db.name));
        let mut house = Self {
            db,
            folder,
            worker: None,
        };
        house.start(engine, lease).await;
        house
            .until("the catalog", async |house| {
                let ctx = house.ctx("developer").await;
                template::list(&house.db.web, &ctx).await.unwrap().len() >= 4
            })
            .await;
        Some(house)
    }

    async fn start(&mut self, engine: PathBuf, lease: i64) {
        let catalog = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../infra/catalog");
        let config = Config {
            catalog: Some(catalog),
            terraform: Some(engine),
            lease: work::Lease {
                length: time::Duration::seconds(lease),
                grace: time::Duration::seconds(1),
            },
            ..Config::new("w", self.folder.clone())
        };
        let hub = live::Hub::start(self.db.worker.clone());
        let key = WorkerKey::from_master(&[3; 32]);
        self.worker = Some(
            slipway_worker::start(config, self.db.worker.clone(), hub, key)
                .await
                .unwrap(),
        );
    }

    async fn ctx(&self, who: &str) -> Ctx {
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
    async fn until(&self, what: &str, fact: impl AsyncFn(&Self) -> bool) {
        let found = tokio::time::timeout(PATIENCE, async {
            while !fact(self).await {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        });
        assert!(found.await.is_ok(), "waited in vain for {what}");
    }

    async fn reaches(&self, id: RunId, state: State) -> run::View {
        let dev = self.ctx("developer").await;
        self.until(state.word(), async |house| {
            let now = run::find(&house.db.web, &dev, id).await.unwrap();
            assert!(
                now.state == state || !now.state.is_over(),
                "it ended {}: {:?}",
                now.state,
                now.failure
            );
            now.state == state
        })
        .await;
        run::find(&self.db.web, &dev, id).await.unwrap()
    }

    async fn send(&self, target: &Target, fields: &[(&str, &str)]) -> RunId {
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

    async fn create(&self, template: &str, name: &str, fields: &[(&str, &str)]) -> RunId {
        let about = [("name", name), ("life", "8h"), ("reason", "to see it")];
        self.send(
            &Target::Template(template.into()),
            &[&about[..], fields].concat(),
        )
        .await
    }

    async fn environment(&self, id: EnvironmentId) -> environment::View {
        environment::find(&self.db.web, &self.ctx("developer").await, id)
            .await
            .unwrap()
    }

    async fn approve(&self, who: &str, id: RunId) {
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

    async fn log(&self, id: RunId) -> String {
        log::whole(&self.db.web, &self.ctx("developer").await, id)
            .await
            .unwrap()
    }

    async fn end(mut self) {
        if let Some(worker) = self.worker.take() {
            worker.leave(Leaving::Gently);
            worker.done().await;
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn shown(view: &environment::View, output: &str) -> String {
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

#[tokio::test(flavor = "multi_thread")]
async fn made_changed_in_place_and_destroyed() {
    let Some(house) = House::new(30).await else {
        return;
    };
    let run = house
        .create(
            "hello",
            "path",
            &[("in.who", "harbour"), ("in.copies", "2")],
        )
        .await;
    let view = house.reaches(run, State::Succeeded).await;
    assert_eq!(view.steps[0].tally.unwrap().create, 3);
    let id = view.environment_id;
    let made = house.environment(id).await;
    assert_eq!(
        (made.state, made.resources.len()),
        (EnvironmentState::Ready, 3)
    );
    assert!(shown(&made, "greeting").contains("harbour"));
    let log = house.log(run).await;
    assert!(
        log.contains("terraform_data.greeting: Creation complete"),
        "{log}"
    );

    let run = house
        .send(&Target::Environment(id, false), &[("in.who", "quay")])
        .await;
    let view = house.reaches(run, State::Succeeded).await;
    let tally = view.steps[0].tally.unwrap();
    assert!(
        tally.update > 0 && tally.create == 0 && tally.delete == 0,
        "{tally:?}"
    );
    assert!(shown(&house.environment(id).await, "greeting").contains("quay"));

    let dev = house.ctx("developer").await;
    let run = environment::destroy(&house.db.web, &dev, id, "done with it")
        .await
        .unwrap();
    let view = house.reaches(run, State::Succeeded).await;
    assert_eq!(view.steps[0].tally.unwrap().delete, 3);
    let gone = house.environment(id).await;
    assert_eq!(
        (gone.state, gone.resources.len(), gone.deployments.len()),
        (EnvironmentState::Destroyed, 0, 3)
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_is_what_is_applied_and_a_secret_stays_one() {
    let Some(house) = House::new(30).await else {
        return;
    };
    let canary = "canary-0c4f7d19aa";
    let template = template::find(&house.db.web, &house.ctx("developer").await, "every-input")
        .await
        .unwrap();
    let secret = template
        .template
        .unwrap()
        .fields
        .into_iter()
        .find(|f| f.sensitive)
        .unwrap();
    let run = house
        .create(
            "every-input",
            "sealed",
            &[
                ("in.title", "Harbour"),
                (&format!("in.{}", secret.name), canary),
            ],
        )
        .await;
    let waiting = house.reaches(run, State::AwaitingApproval).await;
    assert!(waiting.steps[0].tally.unwrap().create > 0);
    // Planned again, it is the same plan, under the same digest.
    run::replan(&house.db.web, &house.ctx("developer").await, run)
        .await
        .unwrap();
    house
        .until("the second plan", async |house| {
            let view = run::find(&house.db.web, &house.ctx("developer").await, run)
                .await
                .unwrap();
            view.state == State::AwaitingApproval
                && view
                    .events
                    .iter()
                    .filter(|e| e.kind == "run.preview")
                    .count()
                    == 2
        })
        .await;
    let again = run::find(&house.db.web, &house.ctx("lead").await, run)
        .await
        .unwrap();
    assert_eq!(again.digest, waiting.digest);
    house.approve("lead", run).await;
    let done = house.reaches(run, State::Succeeded).await;
    assert_eq!(done.digest, waiting.digest);
    // The canary: in no table (as text or as bytes), no log, no file of the worker, no environment of this process.
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables where table_schema = 'public'",
    )
    .fetch_all(&house.db.owner)
    .await
    .unwrap();
    for table in tables {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&house.db.owner)
            .await
            .unwrap();
        assert!(
            !text.contains(canary) && !text.contains(&slipway_seal::hex(canary.as_bytes())),
            "{table} holds it"
        );
    }
    assert!(!house.log(run).await.contains(canary));
    let found = std::process::Command::new("grep")
        .args(["-ra", "--binary-files=text", "-l", canary])
        .arg(&house.folder)
        .output()
        .unwrap();
    assert!(
        found.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&found.stdout)
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_apply_says_what_was_made_and_the_rest_is_planned_next() {
    let Some(house) = House::new(30).await else {
        return;
    };
    let run = house
        .create(
            "playground",
            "fails",
            &[("in.steps", "3"), ("in.seconds", "0"), ("in.fail_at", "2")],
        )
        .await;
    let dev = house.ctx("developer").await;
    house
        .until("its end", async |house| {
            run::find(&house.db.web, &dev, run)
                .await
                .unwrap()
                .state
                .is_over()
        })
        .await;
    let view = run::find(&house.db.web, &dev, run).await.unwrap();
    assert_eq!(view.state, State::Failed);
    let outcome = view.steps[0].outcome.clone().unwrap();
    assert!(
        !outcome.done.is_empty() && outcome.failed.len() == 1,
        "{outcome:?}"
    );
    assert_eq!(
        house.environment(view.environment_id).await.state,
        EnvironmentState::Incomplete
    );
    let planned = view.steps[0].tally.unwrap().create;
    let run = house
        .send(
            &Target::Environment(view.environment_id, false),
            &[("in.fail_at", "0")],
        )
        .await;
    let view = house.reaches(run, State::Succeeded).await;
    let tally = view.steps[0].tally.unwrap();
    assert!(
        tally.create < planned,
        "what was made is not made again: {tally:?} of {planned}"
    );
    assert_eq!(
        house.environment(view.environment_id).await.state,
        EnvironmentState::Ready
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_while_applying_saves_the_state_and_a_destroy_cleans_up() {
    let Some(house) = House::new(30).await else {
        return;
    };
    let run = house
        .create(
            "playground",
            "stopped",
            &[("in.steps", "3"), ("in.seconds", "20"), ("in.fail_at", "0")],
        )
        .await;
    let dev = house.ctx("developer").await;
    house
        .until("its first step", async |house| {
            house.log(run).await.contains("Creating...")
        })
        .await;
    run::cancel(&house.db.web, &dev, run, false).await.unwrap();
    house
        .until("its end", async |house| {
            run::find(&house.db.web, &dev, run)
                .await
                .unwrap()
                .state
                .is_over()
        })
        .await;
    let view = run::find(&house.db.web, &dev, run).await.unwrap();
    assert_eq!(view.state, State::Canceled);
    assert!(!view.steps[0].outcome.clone().unwrap().untouched.is_empty());
    let id = view.environment_id;
    assert_eq!(
        house.environment(id).await.state,
        EnvironmentState::Incomplete
    );
    let run = environment::destroy(&house.db.web, &dev, id, "")
        .await
        .unwrap();
    house.reaches(run, State::Succeeded).await;
    assert_eq!(
        house.environment(id).await.state,
        EnvironmentState::Destroyed
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_applying_leaves_unknown_until_a_person_has_it_looked_at() {
    let Some(mut house) = House::new(2).await else {
        return;
    };
    let run = house
        .create(
            "playground",
            "lost",
            &[("in.steps", "2"), ("in.seconds", "6"), ("in.fail_at", "0")],
        )
        .await;
    house
        .until("its first step", async |house| {
            house.log(run).await.contains("Creating...")
        })
        .await;
    // The worker stops without a word: everything that it was doing is dropped, its children with it.
    let worker = house.worker.take().unwrap();
    worker.abandon();
    let engine = engine().unwrap();
    house.start(engine, 2).await;
    let view = house.reaches(run, State::Unknown).await;
    assert_eq!(
        house.environment(view.environment_id).await.state,
        EnvironmentState::Unknown
    );
    let lead = house.ctx("lead").await;
    run::reconcile(&house.db.web, &lead, run).await.unwrap();
    let dev = house.ctx("developer").await;
    house
        .until("the evidence", async |house| {
            run::find(&house.db.web, &dev, run)
                .await
                .unwrap()
                .state
                .is_over()
        })
        .await;
    let view = run::find(&house.db.web, &dev, run).await.unwrap();
    assert!(
        matches!(view.state, State::NotApplied | State::PartlyApplied),
        "{}",
        view.state
    );
    let words = &view
        .events
        .iter()
        .find(|e| e.kind == "run.reconciled")
        .unwrap()
        .detail;
    assert!(words.contains("changes"), "{words}");
    assert_eq!(
        view.events
            .iter()
            .filter(|e| e.state == State::Applying)
            .count(),
        1,
        "nothing applies by itself"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_leaves_gently_ends_its_apply_in_order() {
    let Some(mut house) = House::new(30).await else {
        return;
    };
    let run = house
        .create(
            "playground",
            "evening",
            &[("in.steps", "3"), ("in.seconds", "20"), ("in.fail_at", "0")],
        )
        .await;
    house
        .until("its first step", async |house| {
            house.log(run).await.contains("Creating...")
        })
        .await;
    let worker = house.worker.take().unwrap();
    worker.leave(Leaving::Gently);
    worker.done().await;
    let view = run::find(&house.db.web, &house.ctx("developer").await, run)
        .await
        .unwrap();
    assert_eq!(view.state, State::Canceled, "{:?}", view.failure);
    house.end().await;
}
