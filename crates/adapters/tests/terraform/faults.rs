//! What no real engine does on demand: a stand-in hangs, talks nonsense, dies.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use slipway_adapters::terraform::{
    Cancel, Constraint, End, Engine, EngineKind, Failed, Failure, KillReason, Limits, Mode,
    SavedPlan, Stop,
};
use slipway_domain::plan::Preview;

use crate::support::{Log, Memory, Shop, alive, boxes, said};

const SHOWN: &str = r#"{"format_version":"1.2","applyable":true,"resource_changes":[]}"#;

/// A stand-in for an engine: a script per command.
async fn stand_in(folder: &Path, plan: &str, show: &str, apply: &str) -> Engine {
    let script = format!(
        r#"#!/bin/bash
say() {{ printf '%s\n' "$1"; }}
hello() {{ say '{{"@level":"info","@message":"hello","type":"version","ui":"1.2"}}'; }}
case "$1" in
  version) say '{{"terraform_version":"1.11.4","platform":"linux_amd64"}}';;
  init) hello; mkdir -p .terraform;;
  plan) for arg; do case "$arg" in -out=*) say plan > "${{arg#-out=}}";; esac; done; cat "$TF_CLI_CONFIG_FILE" > /dev/null; {plan};;
  show) cat "$TF_CLI_CONFIG_FILE" > /dev/null; {show};;
  apply) {apply};;
esac
"#
    );
    let path = folder.join("terraform");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let any: Constraint = ">= 1.0".parse().unwrap();
    Engine::find(EngineKind::Terraform, Some(&path), &any)
        .await
        .unwrap()
}

fn saved() -> SavedPlan {
    let plan = slipway_adapters::terraform::Clear::new(b"plan".to_vec());
    SavedPlan {
        plan,
        lock_file: None,
        engine: "terraform".into(),
        engine_version: "1.11.4".into(),
        base: None,
    }
}

async fn plan(plan: &str, show: &str) -> (Result<Preview, Failed>, Log) {
    let folder = tempfile::tempdir().unwrap();
    let engine = stand_in(folder.path(), plan, show, "").await;
    let shop = Shop::open(&engine).await;
    let mut log = Log::default();
    let planned = shop
        .step(&boxes(1, "a"), &Memory::new())
        .plan(Mode::Change, &Cancel::new(), &mut log)
        .await;
    (planned.map(|planned| planned.preview), log)
}

#[tokio::test]
async fn another_interface_or_format_or_nonsense_is_refused_with_words() {
    let good = format!("say '{SHOWN}'");
    assert!(plan("hello", &good).await.0.is_ok());
    let (other, _) = plan(
        r#"say '{"@message":"hi","type":"version","ui":"2.0"}'"#,
        &good,
    )
    .await;
    let other = other.unwrap_err();
    assert_eq!(other.failure, Failure::Worker);
    assert!(other.message.contains("2.0"), "{other}");
    let (other, _) = plan("hello", r#"say '{"format_version":"2.0"}'"#).await;
    assert!(other.unwrap_err().detail.contains("format 2.0"));
    let (garbage, _) = plan("hello", "say '{\"format_version\": 1'").await;
    assert_eq!(garbage.unwrap_err().failure, Failure::Worker);
    let (code, log) = plan("hello; echo 'panic: oh no' >&2; exit 11", &good).await;
    let code = code.unwrap_err();
    assert_eq!(code.failure, Failure::Engine);
    assert!(
        code.message.contains("11") && code.detail.contains("oh no"),
        "{code:?}"
    );
    assert!(log.text().contains("panic: oh no"));
    let (dead, _) = plan("hello; kill -9 $$", &good).await;
    assert!(dead.unwrap_err().detail.contains("Signal 9"));
}

#[tokio::test]
async fn huge_and_strange_lines_pass_in_bounded_pieces() {
    let strange = r#"hello; head -c 200000 /dev/zero | tr '\0' x; say ''; printf '\377\376 not utf-8\n{"@message":"half'; say ''; say '{"@message":"new kind","type":"from_the_future"}'; head -c 9000000 /dev/zero | tr '\0' y"#;
    let (planned, log) = plan(strange, &format!("say '{SHOWN}'")).await;
    planned.unwrap();
    let lines = log.watch().borrow().clone();
    assert!(lines.iter().all(|line| line.len() <= 64 * 1024));
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with('x'))
            .map(String::len)
            .sum::<usize>(),
        200_000
    );
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with('y'))
            .map(String::len)
            .sum::<usize>(),
        9_000_000
    );
    assert!(lines.iter().any(|line| line.contains("not utf-8")));
    assert!(lines.iter().any(|line| line == "{\"@message\":\"half"));
    assert!(lines.iter().any(|line| line == "new kind"));
}

#[tokio::test]
async fn too_much_log_is_dropped_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let engine = stand_in(
        folder.path(),
        "hello; seq 1 100000",
        &format!("say '{SHOWN}'"),
        "",
    )
    .await;
    let shop = Shop::with(
        &engine,
        None,
        Limits {
            log: 1000,
            ..Limits::default()
        },
    )
    .await;
    let mut log = Log::default();
    let planned = shop
        .step(&boxes(1, "a"), &Memory::new())
        .plan(Mode::Change, &Cancel::new(), &mut log)
        .await;
    planned.unwrap();
    let text = log.text();
    assert!(text.len() < 1200, "{}", text.len());
    assert!(
        text.ends_with("What follows is not kept; the run goes on."),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_ignores_the_interrupt_is_killed_only_when_forced() {
    let folder = tempfile::tempdir().unwrap();
    let marker = format!("5{}", std::process::id());
    let begun = r#"{"@message":"x: Creating...","type":"apply_start","hook":{"resource":{"addr":"x"},"action":"create"}}"#;
    let apply = format!(
        "trap 'say interrupted' INT; trap 'say asked' TERM; hello; say '{begun}'; say working; sleep {marker} & while :; do sleep 0.1; done"
    );
    let engine = stand_in(folder.path(), "", "", &apply).await;
    let shop = Shop::open(&engine).await;
    let mut log = Log::default();
    let watch = log.watch();
    let cancel = Cancel::new();
    let mut step = shop.step(&boxes(1, "a"), &Memory::new());
    let (saved, preview) = (saved(), Preview::default());
    let (applied, ()) = tokio::join!(step.apply(&saved, &preview, &cancel, &mut log), async {
        said(watch.clone(), "working").await;
        cancel.interrupt(Stop::Canceled);
        said(watch.clone(), "interrupted").await;
        cancel.interrupt(Stop::Shutdown);
        cancel.force(Stop::Canceled);
        said(watch.clone(), "asked").await;
    });
    let End::Vanished(failed) = applied.unwrap().end else {
        panic!()
    };
    assert_eq!(
        failed.failure,
        Failure::Killed(KillReason::Asked {
            stop: Stop::Canceled,
            forced: true
        })
    );
    assert_eq!(
        log.text().matches("interrupted").count(),
        1,
        "one interrupt only"
    );
    assert_eq!(alive(&format!("sleep {marker}")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_plan_is_ended_at_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let engine = stand_in(
        folder.path(),
        "trap '' INT TERM; hello; while :; do read -t 1 < <(:); done",
        "",
        "",
    )
    .await;
    let limits = Limits {
        plan: Duration::from_millis(200),
        grace: Duration::from_millis(200),
        ..Limits::default()
    };
    let shop = Shop::with(&engine, None, limits).await;
    let failed = shop
        .step(&boxes(1, "a"), &Memory::new())
        .plan(Mode::Change, &Cancel::new(), &mut Log::default())
        .await
        .unwrap_err();
    assert_eq!(
        failed.failure,
        Failure::Killed(KillReason::Deadline { forced: true })
    );
}
