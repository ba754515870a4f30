//! What goes wrong outside: the database away, a worker that stalls, an engine that is missing or another one than before,
//! a full disk, a flood of output, a time that is over.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use slipway_domain::{
    environment::EnvironmentState,
    id::RunId,
    run::{Operation, State},
};
use slipway_services::{draft::Target, environment, log, run};

use crate::{
    house::{House, engine},
    process::Process,
};

/// A slow run: two steps of so many seconds.
async fn slow(house: &House, name: &str, seconds: &str) -> RunId {
    let fields = [("in.steps", "2"), ("in.seconds", seconds)];
    house.create("playground", name, &fields).await
}

/// The engine's processes for this run, by the folder that they work in.
fn engines_of(run: RunId, folder: &Path) -> Vec<String> {
    let steps = folder.join("steps/terraform");
    let mine = |pid: &str| {
        let at = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        let step = at.strip_prefix(&steps).ok()?.to_string_lossy().into_owned();
        step.starts_with(&format!("{run}-")).then(|| pid.to_owned())
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| mine(&entry.file_name().to_string_lossy()))
        .collect()
}

/// How often the run's apply was begun.
async fn begun(house: &House, id: RunId) -> usize {
    let view = run::find(&house.db.web, &house.ctx("lead").await, id)
        .await
        .unwrap();
    view.events
        .iter()
        .filter(|e| e.kind == "run.start_apply")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_restarts_in_mid_apply_costs_nothing() {
    let (cluster, db) = slipway_testkit::own_cluster("restart").await;
    let Some(house) = House::without_worker(db).await else {
        return;
    };
    let house = house.and_worker(30, |_| {}).await;
    let run = slow(&house, "restarted", "4").await;
    house.logs(run, "Creating...").await;
    cluster.stop().await.unwrap();
    // The engine goes on without it: the state of its first step is promised to it by the spool alone.
    let spool = house.folder.join("spool");
    let spooled = || {
        let files = std::fs::read_dir(&spool).into_iter().flatten().flatten();
        files.filter(|f| f.file_name() != "turn").count()
    };
    house
        .until("a state in the spool", async |_| spooled() > 0)
        .await;
    assert!(!engines_of(run, &house.folder).is_empty(), "it works on");
    cluster.start().await.unwrap();
    let view = house.reaches(run, State::Succeeded).await;
    assert_eq!(begun(&house, run).await, 1);
    let made = house.environment(view.environment_id).await;
    assert_eq!(made.state, EnvironmentState::Ready);
    let log = house.log(run).await;
    for step in ["module.step_1", "module.step_2"] {
        let done = log
            .lines()
            .filter(|l| l.contains(step) && l.contains("Creation complete"))
            .count();
        assert_eq!(done, 1, "{step} in\n{log}");
    }
    assert_eq!(spooled(), 0);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stays_away_does_not_keep_a_worker_that_must_leave() {
    let (cluster, db) = slipway_testkit::own_cluster("leave").await;
    let Some(house) = House::without_worker(db).await else {
        return;
    };
    let mut house = house.and_worker(5, |_| {}).await;
    let run = slow(&house, "left", "60").await;
    house.logs(run, "Creating...").await;
    let (folder, worker) = (house.folder.clone(), house.worker.take().unwrap());
    cluster.stop().await.unwrap();
    worker.leave(slipway_worker::Leaving::Now);
    let left = tokio::time::timeout(std::time::Duration::from_secs(30), worker.done()).await;
    assert!(left.is_ok(), "it waits for a database that does not come");
    assert_eq!(engines_of(run, &folder), Vec::<String>::new());
    // Another worker finds that nobody knows how far it came.
    cluster.start().await.unwrap();
    house.start(2, |_| {}).await;
    house.reaches(run, State::Unknown).await;
    house.end().await;
}

/// A program that waits for a file before it plans, and else is the engine.
fn hesitant(folder: &Path) -> PathBuf {
    let (started, go) = (folder.join("started"), folder.join("go"));
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = plan ]; then touch {}; while [ ! -e {} ]; do /bin/sleep 0.05; done; fi\nexec {} \"$@\"\n",
        started.display(),
        go.display(),
        engine().unwrap().display()
    );
    program(folder, &text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_ready_while_the_database_is_away_is_told_when_it_is_back() {
    let (cluster, db) = slipway_testkit::own_cluster("away").await;
    let Some(house) = House::without_worker(db).await else {
        return;
    };
    let folder = temp("hesitant");
    let engine = hesitant(&folder);
    let house = house
        .and_worker(30, |config| config.terraform = Some(engine))
        .await;
    let run = house
        .create("hello", "patient", &[("in.who", "quay")])
        .await;
    house
        .until("the plan's beginning", async |_| {
            folder.join("started").exists()
        })
        .await;
    cluster.stop().await.unwrap();
    std::fs::write(folder.join("go"), "").unwrap();
    house
        .until("the plan's end", async |house| {
            engines_of(run, &house.folder).is_empty()
        })
        .await;
    cluster.start().await.unwrap();
    let view = house.reaches(run, State::Succeeded).await;
    let plans = view.events.iter().filter(|e| e.kind == "run.start_preview");
    assert_eq!(plans.count(), 1, "planned once");
    house.end().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stalled_worker_sends_late_is_evidence_and_then_the_truth() {
    let db = slipway_testkit::database().await;
    let Some(house) = House::without_worker(db).await else {
        return;
    };
    let first = house.folder.join("first");
    let stalled = Process::start(&house.db, &first, 2);
    // Asked for when the catalog is there, which the first worker publishes.
    let ctx = house.ctx("developer").await;
    house
        .until("the catalog", async |house| {
            let all = slipway_services::template::list(&house.db.web, &ctx).await;
            all.unwrap().len() >= 4
        })
        .await;
    let run = slow(&house, "stalled", "3").await;
    house.logs(run, "Creating...").await;
    // The machine of the worker stands still; its engine happens not to.
    stalled.signal("STOP");
    let mut house = house;
    house.start(2, |config| config.folder.push("second")).await;
    let view = house.reaches(run, State::Unknown).await;
    assert_eq!(
        house.environment(view.environment_id).await.state,
        EnvironmentState::Unknown
    );
    let states = async || {
        let rows: Vec<(bool, i64)> =
            sqlx::query_as("select candidate, serial from state_version order by id")
                .fetch_all(&house.db.owner)
                .await
                .unwrap();
        rows
    };
    assert!(states().await.iter().all(|(candidate, _)| !candidate));
    stalled.signal("CONT");
    house
        .until("the late state", async |_| {
            engines_of(run, &first).is_empty() && states().await.iter().any(|(late, _)| *late)
        })
        .await;
    let view = run::find(&house.db.web, &house.ctx("lead").await, run)
        .await
        .unwrap();
    assert_eq!(view.state, State::Unknown, "a stale worker cannot end it");
    run::reconcile(&house.db.web, &house.ctx("lead").await, run)
        .await
        .unwrap();
    let view = house.ends(run).await;
    let words = &view.events.last().unwrap().detail;
    assert!(words.contains("it is in force now"), "{words}");
    assert_eq!(view.state, State::PartlyApplied, "{words}");
    let all = states().await;
    let newest = all.iter().map(|(_, serial)| *serial).max();
    let current = all.iter().rfind(|(late, _)| !late).map(|(_, s)| *s);
    assert_eq!(current, newest, "{all:?}");
    let made = house.environment(view.environment_id).await;
    assert!(!made.resources.is_empty(), "what was made is known");
    assert_eq!(begun(&house, run).await, 1, "nothing applies by itself");
    // And from here a person goes on: the rest is planned, and only the rest.
    let rest = [("in.seconds", "0")];
    let run = house
        .send(&Target::Environment(view.environment_id, false), &rest)
        .await;
    house.reaches(run, State::Succeeded).await;
    drop(stalled);
    house.end().await;
}

/// A program that says it is another version of the engine, and else is the engine.
fn pretender(folder: &Path, version: &str) -> PathBuf {
    let real = engine().unwrap();
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = version ]; then echo '{{\"terraform_version\":\"{version}\",\"platform\":\"linux_amd64\"}}'\n\
         else exec {} \"$@\"; fi\n",
        real.display()
    );
    program(folder, &text)
}

fn program(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("terraform");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file
}

fn temp(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("slipway-mishap-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_missing_or_too_old_is_said_and_the_form_comes_back() {
    let folder = temp("old");
    let old = pretender(&folder, "1.0.3");
    for (engine, words) in [
        (PathBuf::from("/nowhere/terraform"), "/nowhere/terraform"),
        (old, "1.0.3"),
    ] {
        let Some(house) = House::with(30, |config| config.terraform = Some(engine)).await else {
            return;
        };
        let run = house
            .create("hello", "engineless", &[("in.who", "quay")])
            .await;
        let view = house.ends(run).await;
        assert_eq!(view.state, State::Failed);
        let why = view.failure.unwrap();
        assert!(why.message.contains("engine"), "{why:?}");
        assert!(why.detail.contains(words), "{why:?}");
        assert!(!why.hint.is_empty(), "{why:?}");
        assert_eq!(
            house.environment(view.environment_id).await.state,
            EnvironmentState::Withdrawn,
            "its name is free again"
        );
        let dev = house.ctx("developer").await;
        let draft = slipway_services::draft::again(&house.db.web, &dev, run)
            .await
            .unwrap();
        let draft = slipway_services::draft::find(&house.db.web, &dev, draft)
            .await
            .unwrap();
        assert_eq!(draft.entered.get("in.who"), "quay");
        house.end().await;
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_another_engine_version_is_made_again_and_approved_again() {
    let Some(mut house) = House::new(30).await else {
        return;
    };
    let secret = "in.password";
    let run = house
        .create(
            "every-input",
            "moved-on",
            &[("in.title", "Harbour"), (secret, "long enough")],
        )
        .await;
    let before = house.reaches(run, State::AwaitingApproval).await.digest;
    let worker = house.worker.take().unwrap();
    worker.leave(slipway_worker::Leaving::Gently);
    worker.done().await;
    house.approve("lead", run).await;
    let folder = temp("newer");
    let newer = pretender(&folder, "1.13.9");
    house
        .start(30, |config| config.terraform = Some(newer))
        .await;
    house
        .until("another plan", async |house| {
            let view = run::find(&house.db.web, &house.ctx("lead").await, run)
                .await
                .unwrap();
            view.state == State::AwaitingApproval
        })
        .await;
    let view = run::find(&house.db.web, &house.ctx("lead").await, run)
        .await
        .unwrap();
    assert_ne!(view.digest, before, "another plan, without its votes");
    let said = view.events.iter().find(|e| e.kind == "run.outdate");
    let said = &said.unwrap().detail;
    assert!(said.contains("1.13.9"), "{said}");
    assert_eq!(
        house.environment(view.environment_id).await.state,
        EnvironmentState::Pending,
        "nothing was begun"
    );
    house.approve("lead", run).await;
    house.reaches(run, State::Succeeded).await;
    house.end().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// A file system of a few hundred kilobytes, which only the superuser can make.
struct Small(PathBuf);

impl Small {
    #[expect(clippy::print_stdout, reason = "a skip says why, and CI reads it")]
    fn mount(name: &str) -> Option<Self> {
        let folder = temp(name);
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(&folder)
            .stderr(std::process::Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        println!("skipped: only the superuser can make a small disk");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_while_planning_is_said_and_the_next_plan_works() {
    let Some(disk) = Small::mount("disk") else {
        return;
    };
    let place = disk.0.clone();
    let Some(house) = House::with(30, |config| config.folder = place.join("worker")).await else {
        return;
    };
    let filler = disk.0.join("filler");
    // Fills it to the last byte: a short write is an error only at the next one.
    let _ = std::fs::write(&filler, vec![1_u8; 4 << 20]);
    let run = house
        .create("hello", "cramped", &[("in.who", "quay")])
        .await;
    let view = house.ends(run).await;
    assert_eq!(view.state, State::Failed);
    let why = view.failure.unwrap();
    let all = format!("{} {} {}", why.message, why.detail, why.hint);
    assert!(
        all.contains("No space left") || all.contains("disk is full"),
        "{why:?}"
    );
    assert!(!why.hint.is_empty(), "{why:?}");
    std::fs::remove_file(filler).unwrap();
    let run = house
        .create("hello", "cramped", &[("in.who", "quay")])
        .await;
    house.reaches(run, State::Succeeded).await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_lines_arrive_each_once_and_the_tail_is_near() {
    let Some(house) = House::new(30).await else {
        return;
    };
    let fields = [
        ("in.steps", "1"),
        ("in.seconds", "0"),
        ("in.lines", "50000"),
    ];
    let run = house.create("playground", "loud", &fields).await;
    house.reaches(run, State::Succeeded).await;
    let log = house.log(run).await;
    let numbered: Vec<u32> = log
        .lines()
        .filter_map(|l| {
            l.split_once("line ")?
                .1
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert_eq!(numbered.len(), 50_000);
    assert!(numbered.iter().copied().eq(1..=50_000), "in order");
    let dev = house.ctx("developer").await;
    let tail = log::tail(&house.db.web, &dev, run, 100).await.unwrap();
    let tail: Vec<&str> = tail.lines.iter().map(|l| &**l).collect();
    assert!(
        log.trim_end().ends_with(&tail.join("\n")) && (100..5_000).contains(&tail.len()),
        "the tail is the end"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_destroyed_by_itself_as_policy_allows() {
    let Some(house) = House::new(30).await else {
        return;
    };
    let run = house.create("hello", "brief", &[("in.who", "quay")]).await;
    let id = house.reaches(run, State::Succeeded).await.environment_id;
    // Its time is over: the clock is the database's row here, for eight hours are long.
    sqlx::query("update environment set ends_at = now() - interval '1 second' where id = $1")
        .bind(id.get())
        .execute(&house.db.owner)
        .await
        .unwrap();
    house
        .until("its end", async |house| {
            house.environment(id).await.state == EnvironmentState::Destroyed
        })
        .await;
    let dev = house.ctx("developer").await;
    let runs = house.environment(id).await.deployments;
    assert_eq!(runs.len(), 2, "made and destroyed");
    let last = runs.iter().map(|d| d.run).max().unwrap();
    let view = run::find(&house.db.web, &dev, last).await.unwrap();
    assert_eq!(view.operation, Operation::Destroy);
    assert!(view.requested_by.is_none(), "nobody asked for it");
    let _ = environment::find(&house.db.web, &dev, id).await.unwrap();
    house.end().await;
}
