use serde_json::{Value, json};
use slipway_adapters::terraform::{Cancel, End, Failure, Mode};

use crate::support::{Log, Memory, Shop, Template, boxes, engines};

#[tokio::test]
async fn a_plan_for_another_state_or_engine_is_refused_before_anything_begins() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        let template = boxes(1, "a");
        let first = shop
            .step(&template, &store)
            .plan(Mode::Change, &Cancel::new(), &mut Log::default())
            .await
            .unwrap();
        shop.run(Mode::Change, &template, &store).await;
        let template = boxes(1, "b");
        let planned = shop
            .step(&template, &store)
            .plan(Mode::Change, &Cancel::new(), &mut Log::default())
            .await
            .unwrap();
        let real: Value = serde_json::from_slice(&store.current().unwrap()).unwrap();

        let apply = async |saved| {
            let mut step = shop.step(&template, &store);
            step.apply(saved, &planned.preview, &Cancel::new(), &mut Log::default())
                .await
        };
        // The engine itself would apply this one: a first plan names no lineage.
        assert_eq!(
            apply(&first.saved).await.unwrap_err().failure,
            Failure::Stale
        );
        let mut moved = real.clone();
        moved["serial"] = json!(real["serial"].as_u64().unwrap() + 1);
        store.put(&moved);
        let refused = apply(&planned.saved).await.unwrap_err();
        assert_eq!(refused.failure, Failure::Stale);
        assert!(refused.detail.contains("serial"), "{refused}");
        let mut other = real.clone();
        other["lineage"] = json!("00000000-0000-0000-0000-000000000000");
        store.put(&other);
        assert!(
            apply(&planned.saved)
                .await
                .unwrap_err()
                .detail
                .contains("lineage")
        );
        store.saved.lock().unwrap().clear();
        assert_eq!(
            apply(&planned.saved).await.unwrap_err().failure,
            Failure::Stale
        );
        store.put(&real);
        let mut newer = planned.saved.clone();
        newer.engine_version = "1.99.0".to_owned();
        assert_eq!(apply(&newer).await.unwrap_err().failure, Failure::Stale);
        assert_eq!(apply(&planned.saved).await.unwrap().end, End::Done);
    }
}

#[tokio::test]
async fn a_value_that_the_template_refuses_names_its_variable() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let template = Template::new(
            r#"
variable "size" {
  type = number
  validation {
    condition     = var.size < 10
    error_message = "Ten is too many."
  }
}
variable "pw" {
  type      = string
  sensitive = true
  validation {
    condition     = length(var.pw) > 20
    error_message = "Too short."
  }
}
resource "terraform_data" "x" { input = var.size }
"#,
        );
        let failed = async |template: Template| {
            let failed = shop
                .step(&template, &Memory::new())
                .plan(Mode::Change, &Cancel::new(), &mut Log::default())
                .await
                .unwrap_err();
            assert!(!format!("{failed:?}").contains("canary"), "{failed:?}");
            failed
        };
        let refused = failed(
            template
                .clone()
                .with("size", 12)
                .secret("pw", &json!("canary")),
        )
        .await;
        assert_eq!(refused.failure, Failure::Input, "{refused:?}");
        let named: Vec<_> = refused
            .diagnostics
            .iter()
            .filter_map(|d| d.address.as_deref())
            .collect();
        assert!(
            named.contains(&"var.size") && named.contains(&"var.pw"),
            "{named:?}"
        );
        assert!(
            refused
                .diagnostics
                .iter()
                .any(|d| d.detail.contains("Ten is too many."))
        );

        let refused = failed(
            template
                .clone()
                .with("size", "many")
                .secret("pw", &json!("canary-canary-canary-canary")),
        )
        .await;
        assert_eq!(refused.failure, Failure::Input, "{refused:?}");
        let refused = failed(template.clone().with("size", 1)).await;
        assert_eq!(refused.failure, Failure::Input, "{refused:?}");
        assert_eq!(
            refused.diagnostics[0].address.as_deref(),
            Some("var.pw"),
            "{refused:?}"
        );

        let broken = failed(template.file("bad.tf", "resource \"terraform_data\" {\n")).await;
        assert_eq!(broken.failure, Failure::Engine);
        assert!(
            broken
                .diagnostics
                .iter()
                .any(|d| d.at.as_deref() == Some("bad.tf:1")),
            "{broken:?}"
        );
    }
}

#[tokio::test]
async fn a_template_cannot_bring_its_own_backend() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        let template = boxes(1, "a")
            .file("versions.tf", "terraform {\n  required_version = \">= 1.5\"\n  backend \"local\" { path = \"/tmp/slipway-must-not-exist\" }\n}\n")
            .file("zz_slipwa_override.tf", "terraform {\n  backend \"local\" { path = \"/tmp/slipway-must-not-exist\" }\n}\n");
        let (_, applied, _) = shop.run(Mode::Change, &template, &store).await;
        assert_eq!(applied.end, End::Done);
        assert!(store.current().is_some());
        let later = boxes(1, "a").file(
            "zzz_override.tf",
            "terraform {\n  backend \"local\" {}\n}\n",
        );
        assert_eq!(
            shop.try_step(&later, &store).unwrap_err().failure,
            Failure::Template
        );
        assert_eq!(shop.steps_left(), 0);
    }
}

#[tokio::test]
async fn a_failed_apply_says_what_was_done_and_what_was_not() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        let template = Template::new(
            r#"
resource "terraform_data" "good" { input = 1 }
resource "terraform_data" "bad" {
  input = terraform_data.good.output
  provisioner "local-exec" { command = "echo last words; exit 7" }
}
resource "terraform_data" "after" { input = terraform_data.bad.output }
output "good" { value = terraform_data.good.output }
"#,
        );
        let (_, applied, log) = shop.run(Mode::Change, &template, &store).await;
        let End::Failed(failed) = &applied.end else {
            panic!("{:?}", applied.end)
        };
        assert!(failed.message.contains("local-exec"), "{failed:?}");
        let names = |list: &[slipway_domain::plan::Done]| {
            list.iter().map(|d| d.address.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&applied.outcome.done), ["terraform_data.good"]);
        assert_eq!(names(&applied.outcome.failed), ["terraform_data.bad"]);
        assert_eq!(names(&applied.outcome.untouched), ["terraform_data.after"]);
        assert_eq!(
            applied.outcome.diagnostics[0].address.as_deref(),
            Some("terraform_data.bad")
        );
        assert_eq!(
            applied.outcome.diagnostics[0].at.as_deref(),
            Some("main.tf:5")
        );
        assert!(log.text().contains("(local-exec): last words"));
    }
}

#[tokio::test]
async fn a_locked_state_is_not_applied_to() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        *store.lock.lock().unwrap() = Some((
            "x".into(),
            json!({ "ID": "x", "Who": "somebody", "Created": "2026-01-01T00:00:00Z" })
                .to_string()
                .into(),
        ));
        let (_, applied, _) = shop.run(Mode::Change, &boxes(1, "a"), &store).await;
        let End::Failed(failed) = applied.end else {
            panic!("{:?}", applied.end)
        };
        assert_eq!(failed.failure, Failure::Locked);
        assert!(store.current().is_none());
        assert!(store.is_locked());
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_uploaded_is_handed_over() {
    let engine = &engines().await[0];
    let shop = Shop::open(engine).await;
    let store = Memory::new();
    *store.fenced.lock().unwrap() = true;
    let (_, applied, _) = shop.run(Mode::Change, &boxes(1, "a"), &store).await;
    assert!(matches!(applied.end, End::Vanished(_)), "{:?}", applied.end);
    let left = applied.errored_state.unwrap();
    assert_eq!(
        slipway_adapters::terraform::state::resources(left.expose())
            .unwrap()
            .len(),
        1
    );
}
