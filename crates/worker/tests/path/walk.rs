//! Asked for, planned, approved, applied, changed, canceled, failed, destroyed.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use slipway_domain::{environment::EnvironmentState, run::State};
use slipway_services::{draft::Target, environment, run, template};
use slipway_worker::Leaving;

use crate::house::{House, shown};

/// Looks for a text in every process's environment and arguments, until it is told to end.
struct Watch {
    end: Arc<AtomicBool>,
    task: std::thread::JoinHandle<(u32, BTreeSet<String>)>,
}

impl Watch {
    fn start(text: &'static str) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let ended = end.clone();
        let task = std::thread::spawn(move || {
            let (mut rounds, mut seen) = (0, BTreeSet::new());
            while !ended.load(Ordering::Relaxed) {
                rounds += 1;
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    for part in ["environ", "cmdline"] {
                        let bytes = std::fs::read(process.path().join(part)).unwrap_or_default();
                        if bytes.windows(text.len()).any(|w| w == text.as_bytes()) {
                            let name = std::fs::read_to_string(process.path().join("comm"));
                            seen.insert(format!("{part} of {}", name.unwrap_or_default()));
                        }
                    }
                }
            }
            (rounds, seen)
        });
        Self { end, task }
    }

    fn end(self) -> (u32, BTreeSet<String>) {
        self.end.store(true, Ordering::Relaxed);
        self.task.join().unwrap()
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
    let watch = Watch::start(canary);
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
    // Every process on this machine was looked at, again and again, while the engine worked.
    let (rounds, seen) = watch.end();
    assert!(rounds > 3 && seen.is_empty(), "{rounds} rounds: {seen:?}");
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
    let view = house.ends(run).await;
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
    house.logs(run, "Creating...").await;
    run::cancel(&house.db.web, &dev, run, false).await.unwrap();
    let view = house.ends(run).await;
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
    house.logs(run, "Creating...").await;
    // The worker stops without a word: everything that it was doing is dropped, its children with it.
    let worker = house.worker.take().unwrap();
    worker.abandon();
    house.start(2, |_| {}).await;
    let view = house.reaches(run, State::Unknown).await;
    assert_eq!(
        house.environment(view.environment_id).await.state,
        EnvironmentState::Unknown
    );
    let lead = house.ctx("lead").await;
    run::reconcile(&house.db.web, &lead, run).await.unwrap();
    let view = house.ends(run).await;
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
async fn what_the_template_calls_data_is_destroyed_by_a_lead_and_an_operator_only() {
    let Some(house) = House::new(30).await else {
        return;
    };
    let fields = [("in.steps", "1"), ("in.seconds", "0")];
    let kept = [&fields[..], &[("in.keeps_data", "true")]].concat();
    let run = house.create("playground", "archive", &kept).await;
    let id = house.reaches(run, State::Succeeded).await.environment_id;
    let dev = house.ctx("developer").await;
    let run = environment::destroy(&house.db.web, &dev, id, "")
        .await
        .unwrap();
    house.reaches(run, State::AwaitingApproval).await;
    house.approve("lead", run).await;
    let view = run::find(&house.db.web, &dev, run).await.unwrap();
    assert_eq!(view.state, State::AwaitingApproval, "a lead is not enough");
    house.approve("operator", run).await;
    house.reaches(run, State::Succeeded).await;
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
    house.logs(run, "Creating...").await;
    let worker = house.worker.take().unwrap();
    worker.leave(Leaving::Gently);
    worker.done().await;
    let view = run::find(&house.db.web, &house.ctx("developer").await, run)
        .await
        .unwrap();
    assert_eq!(view.state, State::Canceled, "{:?}", view.failure);
    house.end().await;
}
