//! Charts, released into a real cluster by a real Helm: previewed, approved, followed, broken, rolled back, taken away.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use slipway_domain::{
    environment::EnvironmentState,
    plan::{Action, Shown},
    run::State,
};
use slipway_services::{draft::Target, environment, run, workload};
use tokio::process::Command;

use crate::{
    house::{House, shown},
    lab::{Lab, OBJECTS, TEMPLATE},
};

fn changed(view: &run::View) -> Vec<(String, Action)> {
    let preview = view.steps[0].preview.clone().unwrap_or_default();
    preview
        .changes
        .into_iter()
        .map(|c| (c.address, c.action))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn released_changed_broken_rolled_back_and_taken_away() {
    let Some(lab) = Lab::new(30, OBJECTS, TEMPLATE).await else {
        return;
    };
    let house = &lab.house;
    let canary = "canary-5b1d7e02cc";
    let run = house
        .create(
            "greeter",
            &lab.name,
            &[("in.greeting", "ahoy"), ("in.password", canary)],
        )
        .await;
    let view = house.reaches(run, State::Succeeded).await;
    let made: Vec<_> = changed(&view);
    let namespace = format!("Namespace/{}", lab.namespace());
    for address in [
        namespace.as_str(),
        "ConfigMap/greeter",
        "Secret/greeter",
        "Deployment/greeter",
    ] {
        assert!(
            made.contains(&(address.into(), Action::Create)),
            "{address} in {made:?}"
        );
    }
    let env = house.environment(view.environment_id).await;
    assert_eq!(
        (env.state, shown(&env, "revision")),
        (EnvironmentState::Ready, "1".into())
    );
    assert_eq!(
        lab.live("ConfigMap", "greeter").await.unwrap()["data"]["greeting"],
        "ahoy"
    );
    let labels =
        lab.live("Namespace", &lab.namespace()).await.unwrap()["metadata"]["labels"].clone();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    let log = house.log(run).await;
    assert!(
        log.contains("Deployment/greeter: 2 of 2 ready") && log.contains("1 of 1 ready"),
        "{log}"
    );
    // The password is where it belongs, and nowhere else.
    let secret = lab.live("Secret", "greeter").await.unwrap();
    assert_eq!(secret["data"]["password"], "Y2FuYXJ5LTViMWQ3ZTAyY2M=");
    let told = format!(
        "{log}{}",
        serde_json::to_string(&view.steps[0].preview).unwrap()
    );
    assert!(
        !told.contains(canary) && !told.contains("Y2FuYXJ5"),
        "{told}"
    );

    // What runs is seen by a watch: two pods are ready; then somebody deletes the workload by hand.
    let dev = house.ctx("developer").await;
    let stands = async |house: &House| {
        let health = workload::of(&house.db.web, &dev, view.environment_id, "lab")
            .await
            .unwrap();
        health
            .workloads
            .iter()
            .map(|w| format!("{} {}/{} {}", w.address, w.ready, w.wanted, w.complete))
            .collect::<Vec<_>>()
    };
    house
        .until("the watch", async |house| {
            stands(house).await == ["Deployment/greeter 2/2 true"]
        })
        .await;
    let scaled = Command::new("kubectl")
        .args([
            "--kubeconfig",
            lab.clusters.join("lab.kubeconfig").to_str().unwrap(),
            "-n",
            &lab.namespace(),
        ])
        .args(["scale", "deployment/greeter", "--replicas=3"])
        .status()
        .await;
    let scaled = scaled.is_ok_and(|status| status.success());
    if scaled {
        house
            .until("the third pod", async |house| {
                stands(house).await == ["Deployment/greeter 3/3 true"]
            })
            .await;
    }

    // A change shows what differs from what is live, and only that.
    let id = view.environment_id;
    let target = Target::Environment(id, false);
    let run = house
        .send(
            &target,
            &[("in.greeting", "farewell"), ("in.extra", "true")],
        )
        .await;
    let view = house.reaches(run, State::Succeeded).await;
    let mut wanted = vec![
        ("ConfigMap/extra".to_owned(), Action::Create),
        ("ConfigMap/greeter".to_owned(), Action::Update),
    ];
    // What somebody else set is taken over, and that is said.
    wanted.extend(scaled.then(|| ("Deployment/greeter".to_owned(), Action::Update)));
    let mut found = changed(&view);
    found.sort();
    assert_eq!(found, wanted);
    let warned = &view.steps[0].preview.as_ref().unwrap().warnings;
    assert_eq!(
        scaled,
        warned
            .iter()
            .any(|w| w.detail.contains("spec.replicas") && w.detail.contains("kubectl")),
        "{warned:?}"
    );
    let preview = view.steps[0].preview.clone().unwrap();
    let update = &preview
        .changes
        .iter()
        .find(|c| c.address == "ConfigMap/greeter")
        .unwrap()
        .attributes;
    assert_eq!(update.len(), 1, "{update:?}");
    assert_eq!(
        (&*update[0].path, &update[0].before, &update[0].after),
        (
            "data.greeting",
            &Shown::Value("\"ahoy\"".into()),
            &Shown::Value("\"farewell\"".into())
        )
    );
    assert_eq!(preview.unchanged, if scaled { 1 } else { 2 });

    // Pods that crash: it says so, with their words, and what ran before runs again.
    let run = house
        .send(&target, &[("in.crash", "true"), ("in.extra", "false")])
        .await;
    let view = house.reaches(run, State::Failed).await;
    assert!(changed(&view).contains(&("ConfigMap/extra".into(), Action::Delete)));
    let why = view.failure.unwrap();
    assert!(
        why.detail.contains("CrashLoopBackOff") && why.detail.contains("rolled back"),
        "{why:?}"
    );
    let image = lab.live("Deployment", "greeter").await.unwrap();
    let image = image["spec"]["template"]["spec"]["containers"][0]["image"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(image.ends_with(&"a".repeat(64)), "{image}");
    assert!(lab.live("ConfigMap", "extra").await.is_some());
    // Nothing of it is half-made.
    assert_eq!(house.environment(id).await.state, EnvironmentState::Ready);

    // An earlier deployment is put back by a run like any other, from what the portal keeps.
    let dev = house.ctx("developer").await;
    let first = house.environment(id).await.deployments.last().unwrap().id;
    let back = environment::put_back(&house.db.web, &dev, id, first, "it was better")
        .await
        .unwrap();
    let again = environment::put_back(&house.db.web, &dev, id, first, "")
        .await
        .unwrap();
    let view = house.reaches(back, State::Succeeded).await;
    assert!(changed(&view).contains(&("ConfigMap/greeter".into(), Action::Update)));
    assert!(again == back || house.ends(again).await.state == State::NoChanges);
    assert_eq!(
        lab.live("ConfigMap", "greeter").await.unwrap()["data"]["greeting"],
        "ahoy"
    );
    let secret = lab.live("Secret", "greeter").await.unwrap();
    assert_eq!(secret["data"]["password"], "Y2FuYXJ5LTViMWQ3ZTAyY2M=");

    let run = environment::destroy(&house.db.web, &dev, id, "done with it")
        .await
        .unwrap();
    let view = house.reaches(run, State::Succeeded).await;
    let gone = changed(&view);
    assert!(
        gone.iter().all(|(_, action)| *action == Action::Delete),
        "{gone:?}"
    );
    assert!(gone.contains(&(namespace, Action::Delete)));
    assert_eq!(lab.live("Namespace", &lab.namespace()).await, None);
    let env = house.environment(id).await;
    assert_eq!(
        (env.state, env.deployments.len()),
        (EnvironmentState::Destroyed, 5)
    );
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_one_each_time_is_refused_unless_it_is_declared() {
    let random = OBJECTS.replace(
        "stringData: {password: {{ .Values.password | quote }}}",
        "data: {password: {{ randAlphaNum 12 | b64enc | quote }}}",
    );
    let Some(lab) = Lab::new(30, &random, TEMPLATE).await else {
        return;
    };
    let run = lab.house.create("greeter", &lab.name, &[]).await;
    let why = lab.house.reaches(run, State::Failed).await.failure.unwrap();
    assert!(
        why.detail.contains("Secret/greeter:data.password"),
        "{why:?}"
    );
    assert_eq!(lab.live("Namespace", &lab.namespace()).await, None);
    lab.end().await;

    let declared = format!("{TEMPLATE}volatile = [\"Secret/greeter:data.password\"]\n");
    let Some(lab) = Lab::new(30, &random, &declared).await else {
        return;
    };
    let run = lab.house.create("greeter", &lab.name, &[]).await;
    let view = lab.house.reaches(run, State::Succeeded).await;
    let dev = lab.house.ctx("developer").await;
    let run = environment::destroy(&lab.house.db.web, &dev, view.environment_id, "")
        .await
        .unwrap();
    lab.house.reaches(run, State::Succeeded).await;
    lab.end().await;
}

/// A revision that somebody's Helm began and did not end: made by hand and killed.
async fn stick(lab: &Lab) {
    let chart = lab.house.folder.with_extension("catalog").join("greeter");
    let chart = chart.to_str().unwrap();
    let mut child = lab
        .helm(&[
            "upgrade",
            &lab.name,
            chart,
            "--set",
            "crash=true,password=x",
            "--wait",
            "--timeout",
            "300s",
        ])
        .spawn()
        .unwrap();
    lab.house
        .until("a stuck revision", async |_| {
            let said = lab
                .helm(&["history", &lab.name, "--output", "json"])
                .output()
                .await
                .unwrap();
            String::from_utf8_lossy(&said.stdout).contains("pending-upgrade")
        })
        .await;
    child.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_whose_client_died_is_explained_and_brought_back() {
    let Some(lab) = Lab::new(30, OBJECTS, TEMPLATE).await else {
        return;
    };
    let house = &lab.house;
    let run = house.create("greeter", &lab.name, &[]).await;
    let id = house.reaches(run, State::Succeeded).await.environment_id;
    stick(&lab).await;
    let run = house
        .send(&Target::Environment(id, false), &[("in.greeting", "again")])
        .await;
    let view = house.reaches(run, State::Succeeded).await;
    let warned = &view.steps[0].preview.as_ref().unwrap().warnings;
    assert!(
        warned.iter().any(|w| w.detail.contains("pending-upgrade")
            && w.detail.contains("Revision 1 is put back first")),
        "{warned:?}"
    );
    assert_eq!(
        lab.live("ConfigMap", "greeter").await.unwrap()["data"]["greeting"],
        "again"
    );
    let dev = house.ctx("developer").await;
    let run = environment::destroy(&house.db.web, &dev, id, "")
        .await
        .unwrap();
    house.reaches(run, State::Succeeded).await;
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_a_release_leaves_unknown_and_the_history_tells() {
    let Some(mut lab) = Lab::new(2, OBJECTS, TEMPLATE).await else {
        return;
    };
    let run = lab.house.create("greeter", &lab.name, &[]).await;
    let id = lab
        .house
        .reaches(run, State::Succeeded)
        .await
        .environment_id;
    let run = lab
        .house
        .send(&Target::Environment(id, false), &[("in.crash", "true")])
        .await;
    lab.house.logs(run, "CrashLoopBackOff").await;
    lab.house.worker.take().unwrap().abandon();
    let catalog = lab.house.folder.with_extension("catalog");
    lab.start(2, catalog).await;
    let house = &lab.house;
    house.reaches(run, State::Unknown).await;
    let dev = house.ctx("developer").await;
    let lead = house.ctx("lead").await;
    run::reconcile(&house.db.web, &lead, run).await.unwrap();
    let view = house.reaches(run, State::PartlyApplied).await;
    let log = house.log(run).await;
    assert!(log.contains("pending-upgrade"), "{log}");
    assert_eq!(view.state, State::PartlyApplied);
    let run = environment::destroy(&house.db.web, &dev, id, "")
        .await
        .unwrap();
    house.reaches(run, State::Succeeded).await;
    assert_eq!(lab.live("Namespace", &lab.namespace()).await, None);
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_portal_made_under_the_same_name_is_neither_taken_over_nor_taken_away() {
    let Some(lab) = Lab::new(30, OBJECTS, TEMPLATE).await else {
        return;
    };
    let labels = std::collections::BTreeMap::new();
    let (namespace, theirs) = (lab.namespace(), "another-1");
    lab.cluster
        .make_namespace(&namespace, (&lab.name, theirs), &labels)
        .await
        .unwrap();
    let run = lab.house.create("greeter", &lab.name, &[]).await;
    let why = lab.house.reaches(run, State::Failed).await.failure.unwrap();
    assert!(why.message.contains("is not this environment's"), "{why:?}");
    let patience = Duration::from_secs(30);
    let ours = lab
        .cluster
        .remove_namespace(&namespace, "ours-1", patience)
        .await;
    assert!(ours.is_err(), "{ours:?}");
    lab.cluster
        .remove_namespace(&namespace, theirs, patience)
        .await
        .unwrap();
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_in_a_release_has_helm_put_back_what_ran_before() {
    let Some(lab) = Lab::new(30, OBJECTS, TEMPLATE).await else {
        return;
    };
    let house = &lab.house;
    let run = house.create("greeter", &lab.name, &[]).await;
    let id = house.reaches(run, State::Succeeded).await.environment_id;
    let run = house
        .send(&Target::Environment(id, false), &[("in.crash", "true")])
        .await;
    house.logs(run, "CrashLoopBackOff").await;
    let dev = house.ctx("developer").await;
    run::cancel(&house.db.web, &dev, run, false).await.unwrap();
    house.reaches(run, State::Canceled).await;
    let live = lab.live("Deployment", "greeter").await.unwrap();
    let image = live["spec"]["template"]["spec"]["containers"][0]["image"]
        .as_str()
        .unwrap();
    assert!(image.ends_with(&"a".repeat(64)), "{image}");
    let said = lab
        .helm(&["history", &lab.name, "--output", "json"])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(!said.contains("pending"), "nobody is locked out: {said}");
    let run = environment::destroy(&house.db.web, &dev, id, "")
        .await
        .unwrap();
    house.reaches(run, State::Succeeded).await;
    lab.end().await;
}

fn kubeconfig(folder: &Path, text: &str) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("lab.kubeconfig"), text).unwrap();
    folder.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_away_or_not_connected_is_said_and_nothing_is_lost() {
    let Some(mut lab) = Lab::new(30, OBJECTS, TEMPLATE).await else {
        return;
    };
    let real = lab.clusters.clone();
    let folder = lab.house.folder.with_extension("clusters");
    let catalog = lab.house.folder.with_extension("catalog");
    let away = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n\
                clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {token: x}}]\n";
    for (clusters, words) in [
        (kubeconfig(&folder, away), "cannot be reached"),
        (folder.join("none"), "is not connected"),
    ] {
        let worker = lab.house.worker.take().unwrap();
        worker.leave(slipway_worker::Leaving::Gently);
        worker.done().await;
        lab.clusters = clusters;
        lab.start(30, catalog.clone()).await;
        let run = lab.house.create("greeter", &lab.name, &[]).await;
        let why = lab.house.reaches(run, State::Failed).await.failure.unwrap();
        assert!(
            why.message.contains(words) && why.message.contains("lab"),
            "{why:?}"
        );
        assert!(!why.hint.is_empty());
    }
    lab.clusters = real;
    let _ = std::fs::remove_dir_all(folder);
    lab.end().await;
}
