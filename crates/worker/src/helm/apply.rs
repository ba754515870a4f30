//! Releases exactly what was approved, and says how it goes, pod by pod.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use slipway_adapters::{
    helm::{Release, Rendered, Revision},
    kubernetes::{Object, PodNews},
    terraform::{Cancel, Failed},
};
use slipway_domain::{
    plan::{Output, Shown},
    run::{Operation, State},
};
use slipway_services::{
    Refusal,
    environment::Resource,
    work::{self, Claim, Upload, World},
};

use super::{
    Bench,
    end::{End, ended, report},
    look::look,
    mark, prepare,
    saved::Saved,
    words,
};
use crate::{
    Shared,
    lease::Hold,
    logging::{Lines, Log},
    now, patiently,
    terraform::{log, refusal, tie},
};

/// Releases, or takes away, what was approved; then looks whether it is well.
pub async fn apply(shared: &Shared, claim: &Claim, hold: &Hold) -> anyhow::Result<State> {
    let preview = claim.preview.clone().unwrap_or_default();
    let bench = match prepare(shared, claim).await? {
        Ok(bench) => bench,
        Err(refusal) => return report(shared, claim, End::NotBegun(refusal), &preview).await,
    };
    let saved = Saved::open(shared, claim)?;
    let log = log(shared, claim).await?;
    log.say(format!(
        "── release with Helm {}: {} in {} of {} ──",
        bench.helm.version, claim.environment, bench.namespace, bench.cluster.name
    ));
    let (cancel, tied) = tie(hold);
    let end = if claim.operation == Operation::Destroy {
        take_away(shared, &bench, claim, &saved, &cancel, &log).await
    } else {
        release(shared, &bench, claim, &saved, &cancel, &log).await
    };
    tied.abort();
    match &end {
        End::Done(_) => {}
        End::Stale(why) => log.say(format!("slipway: {why}")),
        End::NotBegun(why) | End::Failed(why) | End::RolledBack(why) | End::Vanished(why) => {
            log.say(format!("slipway: {} {}", why.message, why.detail));
        }
        End::Interrupted => log.say("slipway: interrupted."),
    }
    if !matches!(end, End::Done(_)) || claim.operation == Operation::Destroy {
        log.finish().await?;
        return report(shared, claim, end, &preview).await;
    }
    report(shared, claim, end, &preview).await?;
    log.say("── look again: every workload rolled out, every object as approved ──");
    let seen = look(&bench, claim, &log).await;
    log.finish().await?;
    let told = patiently("a verification", || async {
        work::verify(&shared.pool, &shared.me, claim, seen, None, now()).await
    });
    Ok(told.await?)
}

/// The release's history, if it stands where it stood when the preview was made.
async fn as_previewed(bench: &Bench, saved: &Saved) -> Result<Vec<Revision>, End> {
    let history = bench.release.history().await;
    let history = history.map_err(|failed| End::NotBegun(refusal(failed)))?;
    let revision = words::newest(&history).map_or(0, |r| r.revision);
    if revision == saved.revision {
        return Ok(history);
    }
    Err(End::Stale(format!(
        "The release stands at revision {revision}, and the preview was made at {}.",
        saved.revision
    )))
}

/// Goes back to a revision that was well; where there is none, takes the release away.
async fn go_back(bench: &Bench, to: Option<i64>, cancel: &Cancel, log: &Log) -> Result<(), Failed> {
    let (release, patience, mut lines) = (&bench.release, bench.patience, Lines::to(log));
    match to {
        Some(revision) => {
            release
                .rollback(revision, patience, cancel, &mut lines)
                .await
        }
        None => release.uninstall(patience, cancel, &mut lines).await,
    }
}

async fn release(
    shared: &Shared,
    bench: &Bench,
    claim: &Claim,
    saved: &Saved,
    cancel: &Cancel,
    log: &Log,
) -> End {
    let history = match as_previewed(bench, saved).await {
        Ok(history) => history,
        Err(end) => return end,
    };
    let newest = words::newest(&history);
    let stuck = newest.is_some_and(|r| r.is_stuck());
    let rendered = match bench.release.render(stuck, cancel).await {
        Ok(rendered) => rendered,
        Err(failed) if cancel.is_raised() => return End::Stale(failed.message),
        Err(failed) => return End::NotBegun(refusal(failed)),
    };
    if !saved.is(bench, &rendered) {
        return End::Stale("The chart renders something else than what was approved: it looks things up in the cluster.".into());
    }
    let made = bench
        .cluster
        .make_namespace(
            &bench.namespace,
            (&claim.environment, &bench.owner(shared, claim)),
            &bench.labels(),
        )
        .await;
    if let Err(failed) = made {
        return End::NotBegun(refusal(failed));
    }
    if stuck {
        let good = words::last_good(&history);
        if let Some(newest) = newest {
            log.say(format!("slipway: {}", words::stuck(newest, good)));
        }
        let put_aside = go_back(bench, good.map(|r| r.revision), cancel, log).await;
        if let Err(failed) = put_aside {
            return ended(failed, &BTreeMap::new());
        }
    }
    let mut news = BTreeMap::new();
    let released = follow(bench, claim, cancel, log, &mut news).await;
    if let Err(failed) = released {
        let troubles = troubles(bench, &news, log).await;
        let (failed, back) = rolled_back(&bench.release, failed, saved.revision).await;
        return match ended(failed, &troubles) {
            End::Failed(why) if back => End::RolledBack(why),
            end => end,
        };
    }
    match finished(shared, bench, claim, saved, &rendered, log, cancel).await {
        Ok(world) => End::Done(world),
        Err(end) => end,
    }
}

/// Runs Helm and says what the pods do meanwhile.
async fn follow(
    bench: &Bench,
    claim: &Claim,
    cancel: &Cancel,
    log: &Log,
    news: &mut BTreeMap<String, PodNews>,
) -> Result<(), Failed> {
    let pods = bench.cluster.watch_pods(&bench.namespace);
    tokio::pin!(pods);
    let (mark, mut lines) = (mark(claim), Lines::to(log));
    let upgrade = bench
        .release
        .upgrade(&mark, bench.patience, cancel, &mut lines);
    tokio::pin!(upgrade);
    loop {
        tokio::select! {
            biased;
            released = &mut upgrade => return released,
            Some(one) = pods.next() => {
                let words = bench.release.redactor().text(&one.words).into_owned();
                log.say(format!("pod {}: {words}", one.pod));
                news.insert(one.pod.clone(), PodNews { words, ..one });
            }
        }
    }
}

/// What the pods were in trouble with, with the last lines of those that crashed.
async fn troubles(
    bench: &Bench,
    news: &BTreeMap<String, PodNews>,
    log: &Log,
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for one in news.values().filter(|one| one.trouble).take(5) {
        let mut words = one.words.clone();
        if let Some(container) = &one.crashed {
            for line in bench
                .cluster
                .last_lines(&bench.namespace, &one.pod, container)
                .await
            {
                let line = bench.release.redactor().text(&line).into_owned();
                log.say(format!("pod {}: {container}: {line}", one.pod));
                words = format!("{words}\n    {line}");
            }
        }
        found.insert(one.pod.clone(), words);
    }
    found
}

/// Helm rolls back by itself; whether it did, its history says. The answer is true if what ran before runs again.
async fn rolled_back(release: &Release, mut failed: Failed, before: i64) -> (Failed, bool) {
    let Ok(history) = release.history().await else {
        failed.hint = "Look at the release; the cluster did not say what is there now.".into();
        return (failed, false);
    };
    let (words, back) = match words::newest(&history) {
        None => ("Nothing of it is left.".to_owned(), false),
        Some(newest) if newest.status == "deployed" && before > 0 && newest.revision > before => (
            format!(
                "It was rolled back: revision {} runs what ran before.",
                newest.revision
            ),
            true,
        ),
        Some(newest) => (
            format!("Revision {} is {} now.", newest.revision, newest.status),
            false,
        ),
    };
    failed.detail = format!("{words}\n{}", failed.detail);
    (failed, back)
}

/// Compares what is released with what was approved, and keeps what is known of it.
async fn finished(
    shared: &Shared,
    bench: &Bench,
    claim: &Claim,
    saved: &Saved,
    rendered: &Rendered,
    log: &Log,
    cancel: &Cancel,
) -> Result<World, End> {
    let unsure = |failed: Failed| End::Vanished(refusal(failed));
    let history = bench.release.history().await.map_err(unsure)?;
    let Some(newest) = words::newest(&history) else {
        return Err(End::Vanished(Refusal::new(
            "The release is gone again.",
            "",
            "Look at the cluster.",
        )));
    };
    let released = bench
        .release
        .manifest(newest.revision)
        .await
        .map_err(unsure)?;
    let is = Rendered {
        objects: released.clone(),
        hooks: rendered.hooks.clone(),
    };
    if !saved.is(bench, &is) {
        log.say("slipway: what was released is not what was approved; it is rolled back.");
        let back = go_back(bench, Some(saved.revision).filter(|r| *r > 0), cancel, log).await;
        let back = back.map_or_else(
            |f| format!("It could not be rolled back: {f}"),
            |()| "It was rolled back.".into(),
        );
        return Err(End::Failed(Refusal::new(
            "What was released is not what was approved.",
            format!("The chart rendered something else at the last moment. {back}"),
            "Ask the template's owner: the chart must render the same each time.",
        )));
    }
    let upload = Upload {
        stack: claim.stack.id,
        run: claim.run,
        fence: claim.fence,
        serial: newest.revision,
        lineage: bench.lineage(claim),
        candidate: false,
    };
    let manifest = released
        .iter()
        .map(|object| &object.value)
        .collect::<Vec<_>>();
    let manifest = serde_json::to_vec(&manifest).unwrap_or_default();
    let sealed = shared
        .key
        .seal(&manifest, &format!("state/{}", claim.stack.id));
    let kept = patiently("a revision", || async {
        work::save_state(&shared.pool, &upload, &sealed, now()).await
    });
    if let Err(error) = kept.await {
        tracing::warn!(run = %claim.run, %error, "a revision could not be recorded");
    }
    Ok(world(bench, claim, newest.revision, &released))
}

fn world(bench: &Bench, claim: &Claim, revision: i64, objects: &[Object]) -> World {
    let output = |name: &str, value: serde_json::Value| Output {
        name: name.into(),
        value: Shown::Value(value.to_string()),
    };
    let mut outputs = vec![
        output("cluster", bench.cluster.name.clone().into()),
        output("namespace", bench.namespace.clone().into()),
        output("release", claim.environment.clone().into()),
        output("revision", revision.into()),
    ];
    let hosts = objects
        .iter()
        .filter(|o| o.kind == "Ingress")
        .flat_map(|o| {
            let rules = o
                .value
                .pointer("/spec/rules")
                .and_then(serde_json::Value::as_array);
            rules
                .into_iter()
                .flatten()
                .filter_map(|rule| rule["host"].as_str())
        });
    outputs.extend(hosts.map(|host| output("address", format!("https://{host}/").into())));
    World {
        outputs,
        resources: objects
            .iter()
            .map(|object| Resource {
                address: object.address(),
                kind: object.kind.clone(),
                id: Some(format!("{}/{}", bench.namespace, object.name)),
            })
            .collect(),
    }
}

async fn take_away(
    shared: &Shared,
    bench: &Bench,
    claim: &Claim,
    saved: &Saved,
    cancel: &Cancel,
    log: &Log,
) -> End {
    if let Err(end) = as_previewed(bench, saved).await {
        return end;
    }
    if cancel.is_raised() {
        return End::Stale("It was called off before anything was begun.".into());
    }
    log.say("slipway: first the release, and what it made; then the namespace.");
    if let Err(failed) = bench
        .release
        .uninstall(bench.patience, cancel, &mut Lines::to(log))
        .await
    {
        return ended(failed, &BTreeMap::new());
    }
    log.say(format!(
        "slipway: the release is gone; the namespace {} is taken away.",
        bench.namespace
    ));
    match bench
        .cluster
        .remove_namespace(
            &bench.namespace,
            &bench.owner(shared, claim),
            bench.patience,
        )
        .await
    {
        Ok(()) => End::Done(World::default()),
        Err(failed) => End::Failed(refusal(failed)),
    }
}
