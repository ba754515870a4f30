use serde_json::json;
use slipway_adapters::terraform::{Cancel, End, Mode, ProgressState, state};
use slipway_domain::plan::{Action, Shown};

use crate::support::{Log, Memory, Shop, Template, boxes, engines};

#[tokio::test]
async fn ten_boxes_are_made_changed_and_destroyed() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();

        let (planned, applied, log) = shop.run(Mode::Change, &boxes(10, "a"), &store).await;
        assert_eq!(planned.preview.tally().create, 10);
        assert!(planned.preview.applyable);
        assert_eq!(planned.saved.base, None);
        assert_eq!(applied.end, End::Done);
        assert!(applied.alone);
        assert_eq!(applied.outcome.done.len(), 10);
        assert!(applied.outcome.failed.is_empty() && applied.outcome.untouched.is_empty());
        let Shown::Value(all) = &applied.outcome.outputs[0].value else {
            panic!("{:?}", applied.outcome.outputs)
        };
        assert_eq!(serde_json::from_str::<Vec<String>>(all).unwrap().len(), 10);
        assert_eq!(
            log.progress
                .iter()
                .filter(|p| p.state == ProgressState::Complete)
                .count(),
            10
        );
        assert!(
            log.text()
                .contains("terraform_data.x[3]: Creation complete"),
            "{}",
            log.text()
        );
        assert!(!store.is_locked() && *store.locks_taken.lock().unwrap() == 1);
        let first = applied.version.unwrap();
        let resources = state::resources(&store.current().unwrap()).unwrap();
        assert_eq!(resources.len(), 10);
        assert_eq!(resources[0].address, "terraform_data.x[0]");
        assert_eq!(resources[0].provider, "terraform.io/builtin/terraform");

        let (planned, applied, _) = shop.run(Mode::Change, &boxes(9, "b"), &store).await;
        assert_eq!(planned.saved.base, Some(first.clone()));
        let tally = planned.preview.tally();
        assert_eq!((tally.update, tally.delete, tally.total()), (9, 1, 10));
        let change = planned
            .preview
            .changes
            .iter()
            .find(|c| c.address == "terraform_data.x[2]")
            .unwrap();
        assert_eq!(change.action, Action::Update);
        let input = change
            .attributes
            .iter()
            .find(|a| a.path == "input")
            .unwrap();
        assert_eq!(
            (&input.before, &input.after),
            (
                &Shown::Value("\"a 2\"".into()),
                &Shown::Value("\"b 2\"".into())
            )
        );
        assert_eq!(applied.end, End::Done);
        let second = applied.version.unwrap();
        assert_eq!(second.lineage, first.lineage);
        assert!(second.serial > first.serial);

        let mut step = shop.step(&boxes(9, "b"), &store);
        let nothing = step
            .plan(Mode::Change, &Cancel::new(), &mut Log::default())
            .await
            .unwrap();
        assert!(nothing.preview.is_empty(), "{:?}", nothing.preview);
        assert_eq!(nothing.preview.unchanged, 9);
        let looked = step
            .plan(Mode::Refresh, &Cancel::new(), &mut Log::default())
            .await
            .unwrap();
        assert!(looked.preview.drift.is_empty());
        assert!(!step.has_world());
        drop(step);

        let (planned, applied, _) = shop.run(Mode::Destroy, &boxes(9, "b"), &store).await;
        assert_eq!(planned.preview.tally().delete, 9);
        assert_eq!((applied.end, applied.outcome.done.len()), (End::Done, 9));
        assert!(applied.outcome.outputs.is_empty());
        assert!(
            state::resources(&store.current().unwrap())
                .unwrap()
                .is_empty()
        );
        assert_eq!(shop.steps_left(), 0);
    }
}

#[tokio::test]
async fn a_replacement_says_what_forces_it() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        let template = |v: &str| {
            Template::new("variable \"v\" { type = string }\nresource \"terraform_data\" \"x\" { triggers_replace = { k = var.v } }\n").with("v", v)
        };
        shop.run(Mode::Change, &template("1"), &store).await;
        let (planned, applied, log) = shop.run(Mode::Change, &template("2"), &store).await;
        let change = &planned.preview.changes[0];
        assert_eq!(change.action, Action::Replace);
        assert_eq!(
            change.reason.as_deref(),
            Some("replace_because_cannot_update")
        );
        let forces: Vec<_> = change
            .attributes
            .iter()
            .filter(|a| a.forces_replacement)
            .map(|a| a.path.as_str())
            .collect();
        assert_eq!(forces, ["triggers_replace.k"]);
        assert_eq!(applied.end, End::Done);
        assert_eq!(applied.outcome.done.len(), 1);
        let actions: Vec<_> = log.progress.iter().map(|p| (p.action, p.state)).collect();
        assert!(
            actions.contains(&(Action::Delete, ProgressState::Complete))
                && actions.contains(&(Action::Create, ProgressState::Complete))
        );
    }
}

#[tokio::test]
async fn a_plan_is_applied_by_another_worker_on_another_folder() {
    for engine in engines().await {
        let (one, other) = (Shop::open(&engine).await, Shop::open(&engine).await);
        let store = Memory::new();
        let template = boxes(3, "a").file("note.txt", "hello").file(
            "use.tf",
            "resource \"terraform_data\" \"file\" {\n  input = file(\"${path.module}/note.txt\")\n  provisioner \"local-exec\" { command = \"cat note.txt\" }\n}\nmodule \"m\" { source = \"./m\" }\n",
        ).file("m/main.tf", "resource \"terraform_data\" \"inner\" {}\n");
        let planned = one
            .step(&template, &store)
            .plan(Mode::Change, &Cancel::new(), &mut Log::default())
            .await
            .unwrap();
        drop(one);
        let mut log = Log::default();
        let applied = other
            .step(&template, &store)
            .apply(&planned.saved, &planned.preview, &Cancel::new(), &mut log)
            .await
            .unwrap();
        assert_eq!(applied.end, End::Done, "{}", log.text());
        assert_eq!(applied.outcome.done.len(), 5);
        assert!(
            applied
                .outcome
                .done
                .iter()
                .any(|d| d.address == "module.m.terraform_data.inner")
        );
        assert!(log.text().contains("(local-exec): hello"), "{}", log.text());
    }
}

#[tokio::test]
async fn the_same_plan_again_has_the_same_projection_and_any_other_has_not() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        let template = |v: &str, pw: &str| {
            boxes(4, v)
                .file("s.tf", "variable \"pw\" {\n  type = string\n  sensitive = true\n}\nresource \"terraform_data\" \"s\" {\n  provisioner \"local-exec\" {\n    command = \"true\"\n    environment = { PW = var.pw }\n  }\n}\n")
                .secret("pw", &json!(pw))
        };
        let project = async |template: Template, mode| {
            let mut step = shop.step(&template, &store);
            step.plan(mode, &Cancel::new(), &mut Log::default())
                .await
                .unwrap()
                .projection
                .expose()
                .to_vec()
        };
        let first = project(template("a", "canary-one"), Mode::Change).await;
        assert_eq!(
            first,
            project(template("a", "canary-one"), Mode::Change).await
        );
        assert_ne!(
            first,
            project(template("b", "canary-one"), Mode::Change).await,
            "another input"
        );
        assert_ne!(
            first,
            project(template("a", "canary-two"), Mode::Change).await,
            "another secret, which no attribute holds"
        );
        assert_ne!(
            first,
            project(template("a", "canary-one").file("x.txt", ""), Mode::Change).await,
            "another template"
        );
        assert_ne!(
            first,
            project(template("a", "canary-one"), Mode::Destroy).await,
            "another mode"
        );
        // Only Terraform 1.10 and OpenTofu 1.11 on know them; the plan itself does not hold their values.
        let passing = |token: &str| {
            boxes(1, "a")
                .file(
                    "e.tf",
                    "variable \"token\" {\n  type = string\n  ephemeral = true\n}\n",
                )
                .secret("token", &json!(token))
        };
        assert_ne!(
            project(passing("canary-three"), Mode::Change).await,
            project(passing("canary-four"), Mode::Change).await,
            "another ephemeral value"
        );
        shop.run(Mode::Change, &boxes(0, "a"), &store).await;
        assert_ne!(
            first,
            project(template("a", "canary-one"), Mode::Change).await,
            "another state"
        );
    }
}

#[tokio::test]
async fn a_warm_step_skips_init_and_a_spoilt_cache_is_repaired() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let execs = async |template: &Template| {
            let store = Memory::new();
            let mut step = shop.step(template, &store);
            let planned = step
                .plan(Mode::Change, &Cancel::new(), &mut Log::default())
                .await
                .unwrap();
            let applied = step
                .apply(
                    &planned.saved,
                    &planned.preview,
                    &Cancel::new(),
                    &mut Log::default(),
                )
                .await
                .unwrap();
            assert_eq!(applied.end, End::Done);
            step.execs()
        };
        let template = boxes(2, "a")
            .file("m/main.tf", "")
            .file("use.tf", "module \"m\" { source = \"./m\" }\n");
        assert_eq!(execs(&template).await, 4);
        assert_eq!(execs(&template).await, 3);
        for entry in std::fs::read_dir(shop.folder.path().join("cache")).unwrap() {
            let entry = entry.unwrap().path();
            std::fs::remove_file(entry.join("terraform/modules/modules.json")).unwrap();
        }
        // Planner and shower of the failed try, then init, planner, shower, apply.
        assert_eq!(execs(&template).await, 6);
        assert_eq!(execs(&template).await, 3);
    }
}
