use std::time::Duration;

use slipway_adapters::terraform::{Cancel, End, Failure, KillReason, Limits, Mode, Stop, state};

use crate::support::{Log, Memory, Shop, Template, alive, engines, said};

/// Made, then stuck in a program that starts a program of its own.
fn stuck(marker: &str) -> Template {
    Template::new(&format!(
        r#"
resource "terraform_data" "first" {{ input = 1 }}
resource "terraform_data" "stuck" {{
  input = terraform_data.first.output
  provisioner "local-exec" {{
    command = "sleep {marker} & setsid sleep {marker} & echo now stuck; wait"
  }}
}}
resource "terraform_data" "never" {{ input = terraform_data.stuck.output }}
"#
    ))
}

/// Waits until both programs of [`stuck`] run: the one in the group, and the one that left it.
async fn asleep(marker: &str) {
    let asleep = async {
        while alive(&format!("sleep {marker}"))
            .iter()
            .filter(|args| args.starts_with("sleep"))
            .count()
            < 2
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asleep)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_apply_saves_its_state_and_leaves_no_process() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        let marker = format!("9{}", std::process::id());
        let mut step = shop.step(&stuck(&marker), &store);
        let mut log = Log::default();
        let planned = step
            .plan(Mode::Change, &Cancel::new(), &mut log)
            .await
            .unwrap();
        let cancel = Cancel::new();
        let watch = log.watch();
        let (applied, ()) = tokio::join!(
            step.apply(&planned.saved, &planned.preview, &cancel, &mut log),
            async {
                said(watch, "now stuck").await;
                asleep(&marker).await;
                cancel.interrupt(Stop::Canceled);
            }
        );
        let applied = applied.unwrap();
        let End::Interrupted(failed) = &applied.end else {
            panic!("{:?}\n{}", applied.end, log.text())
        };
        assert_eq!(
            failed.failure,
            Failure::Killed(KillReason::Asked {
                stop: Stop::Canceled,
                forced: false
            })
        );
        assert!(applied.alone);
        assert_eq!(alive(&format!("sleep {marker}")), Vec::<String>::new());
        let names = |list: &[slipway_domain::plan::Done]| {
            list.iter().map(|d| d.address.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&applied.outcome.done), ["terraform_data.first"]);
        assert_eq!(names(&applied.outcome.failed), ["terraform_data.stuck"]);
        assert_eq!(names(&applied.outcome.untouched), ["terraform_data.never"]);
        let resources = state::resources(&store.current().unwrap()).unwrap();
        let tainted: Vec<_> = resources
            .iter()
            .map(|r| (r.address.as_str(), r.tainted))
            .collect();
        assert_eq!(
            tainted,
            [
                ("terraform_data.first", false),
                ("terraform_data.stuck", true)
            ]
        );
        assert!(!store.is_locked());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_killed_leaves_no_process_and_a_doubt() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        let marker = format!("8{}", std::process::id());
        let mut step = shop.step(&stuck(&marker), &store);
        let mut log = Log::default();
        let planned = step
            .plan(Mode::Change, &Cancel::new(), &mut log)
            .await
            .unwrap();
        let watch = log.watch();
        let cancel = Cancel::new();
        let (applied, ()) = tokio::join!(
            step.apply(&planned.saved, &planned.preview, &cancel, &mut log),
            async {
                said(watch, "now stuck").await;
                asleep(&marker).await;
                let steps = std::fs::read_dir(shop.folder.path().join("steps")).unwrap();
                let record =
                    std::fs::read(steps.flatten().next().unwrap().path().join("process.json"))
                        .unwrap();
                let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
                let pid = rustix::process::Pid::from_raw(
                    i32::try_from(record["pid"].as_i64().unwrap()).unwrap(),
                )
                .unwrap();
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            }
        );
        let applied = applied.unwrap();
        assert!(matches!(applied.end, End::Vanished(_)), "{:?}", applied.end);
        assert!(applied.alone);
        assert_eq!(alive(&format!("sleep {marker}")), Vec::<String>::new());
        // The engine could not give its lock back: that is the worker's to decide.
        assert!(store.is_locked());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_interrupts_and_a_lost_worker_s_children_are_found() {
    let engine = &engines().await[0];
    let limits = Limits {
        apply: Duration::from_millis(1500),
        ..Limits::default()
    };
    let shop = Shop::with(engine, None, limits).await;
    let store = Memory::new();
    let marker = format!("7{}", std::process::id());
    let mut log = Log::default();
    let mut step = shop.step(&stuck(&marker), &store);
    let planned = step
        .plan(Mode::Change, &Cancel::new(), &mut log)
        .await
        .unwrap();
    let applied = step
        .apply(&planned.saved, &planned.preview, &Cancel::new(), &mut log)
        .await
        .unwrap();
    let End::Interrupted(failed) = &applied.end else {
        panic!("{:?}", applied.end)
    };
    assert_eq!(
        failed.failure,
        Failure::Killed(KillReason::Deadline { forced: false })
    );
    assert_eq!(alive(&format!("sleep {marker}")), Vec::<String>::new());
}

#[tokio::test]
async fn a_program_that_slips_away_in_silence_is_ended_too() {
    let engine = &engines().await[0];
    let shop = Shop::open(engine).await;
    let marker = format!("4{}", std::process::id());
    let template = Template::new(&format!(
        "resource \"terraform_data\" \"x\" {{\n  provisioner \"local-exec\" {{ command = \"setsid -f sleep {marker} > /dev/null 2>&1 < /dev/null\" }}\n}}\n"
    ));
    let (_, applied, _) = shop.run(Mode::Change, &template, &Memory::new()).await;
    assert_eq!(applied.end, End::Done);
    assert!(applied.alone);
    assert_eq!(alive(&format!("sleep {marker}")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_of_an_earlier_life_are_found_and_ended() {
    let engine = &engines().await[0];
    let shop = Shop::open(engine).await;
    let folder = shop.folder.path().join("steps/42-1-dead");
    std::fs::create_dir_all(folder.join("home")).unwrap();
    let marker = format!("6{}", std::process::id());
    // Its parent is gone, it leads no group and has a session of its own: only its HOME tells whose it is.
    let mut child = std::process::Command::new("setsid")
        .args(["--fork", "sleep", &marker])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder.join("home"))
        .spawn()
        .unwrap();
    child.wait().unwrap();
    // … and it left a state that it could upload to nobody, in a folder of another step.
    let other = shop.folder.path().join("steps/43-1-cafe");
    std::fs::create_dir_all(other.join("work")).unwrap();
    std::fs::write(other.join("work/errored.tfstate"), b"state").unwrap();
    let swept = shop.terraform.sweep().unwrap();
    assert_eq!(swept.killed.len(), 1, "{swept:?}");
    let gone = async {
        while !alive(&format!("sleep {marker}")).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .unwrap();
    assert_eq!(shop.steps_left(), 1, "a state that nobody has kept stays");
    for rescued in swept.states {
        assert_eq!(
            (&*rescued.step, rescued.state.expose()),
            ("43-1-cafe", &b"state"[..])
        );
        rescued.kept();
    }
    assert_eq!(shop.steps_left(), 0);
}

#[tokio::test]
async fn a_cancel_before_the_beginning_begins_nothing() {
    let engine = &engines().await[0];
    let shop = Shop::open(engine).await;
    let store = Memory::new();
    let cancel = Cancel::new();
    let mut step = shop.step(&stuck("1"), &store);
    let planned = step
        .plan(Mode::Change, &cancel, &mut Log::default())
        .await
        .unwrap();
    cancel.interrupt(Stop::Canceled);
    let refused = step
        .apply(
            &planned.saved,
            &planned.preview,
            &cancel,
            &mut Log::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(refused.failure, Failure::Canceled);
    let refused = step
        .plan(Mode::Change, &cancel, &mut Log::default())
        .await
        .unwrap_err();
    assert!(
        matches!(refused.failure, Failure::Killed(_) | Failure::Canceled),
        "{refused:?}"
    );
    assert!(store.current().is_none());
}
