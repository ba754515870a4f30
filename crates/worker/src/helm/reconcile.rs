//! Finds out what an interrupted release did, by the history that the cluster keeps of it. It changes nothing.

use slipway_domain::{
    plan::{Change, Outcome},
    run::{Found, Operation, State},
};
use slipway_services::work::{self, Claim};

use super::{Bench, mark, prepare, saved::Saved, words};
use crate::{Shared, now, patiently, terraform::log};

/// Gathers evidence and says what it means.
pub async fn reconcile(shared: &Shared, claim: &Claim) -> anyhow::Result<State> {
    let preview = claim.preview.clone().unwrap_or_default();
    let bench = match prepare(shared, claim).await? {
        Ok(bench) => bench,
        Err(refusal) => {
            return report(
                shared,
                claim,
                Found::Unclear,
                &Outcome::default(),
                &refusal.detail,
            )
            .await;
        }
    };
    let log = log(shared, claim).await?;
    log.say(format!(
        "── look what was released: {} in {} of {} ──",
        claim.environment, bench.namespace, bench.cluster.name
    ));
    let looked = look(shared, &bench, claim).await;
    let (found, words) = looked
        .unwrap_or_else(|failed| (Found::Unclear, format!("It still can't be said: {failed}")));
    log.say(format!("slipway: {words}"));
    log.finish().await?;
    let all = preview.changes.iter().map(Change::untimed).collect();
    let outcome = match found {
        Found::Applied => Outcome {
            done: all,
            ..Outcome::default()
        },
        Found::Partly => Outcome {
            failed: all,
            ..Outcome::default()
        },
        _ => Outcome {
            untouched: all,
            ..Outcome::default()
        },
    };
    report(shared, claim, found, &outcome, &words).await
}

async fn look(
    shared: &Shared,
    bench: &Bench,
    claim: &Claim,
) -> Result<(Found, String), slipway_adapters::terraform::Failed> {
    let history = bench.release.history().await?;
    if claim.operation == Operation::Destroy {
        let namespace = bench.cluster.namespace(&bench.namespace).await?;
        return Ok(match (history.is_empty(), namespace.exists) {
            (true, false) => (
                Found::Applied,
                "The release and its namespace are gone.".into(),
            ),
            (true, true) => (
                Found::Partly,
                "The release is gone; its namespace is still there.".into(),
            ),
            (false, _) => {
                let newest = words::newest(&history);
                let status = newest.map_or("there", |r| r.status.as_str());
                (Found::Partly, format!("The release is still {status}."))
            }
        });
    }
    let mark = mark(claim);
    let Some(ours) = history.iter().rev().find(|r| r.description == mark) else {
        // A failed revision has Helm's words instead of ours: what came after the preview is ours all the same.
        let saved = Saved::open(shared, claim).ok().map(|saved| saved.revision);
        let newer =
            words::newest(&history).filter(|r| saved.is_some_and(|before| r.revision > before));
        return Ok(match newer {
            None => (
                Found::NotApplied,
                "The release has no revision of this run: nothing was released.".into(),
            ),
            Some(r) if r.is_stuck() => (Found::Partly, words::stuck(r, words::last_good(&history))),
            Some(r) => (
                Found::Partly,
                format!("Revision {} is {}: {}", r.revision, r.status, r.description),
            ),
        });
    };
    if ours.is_stuck() {
        return Ok((
            Found::Partly,
            words::stuck(ours, words::last_good(&history)),
        ));
    }
    if ours.status != "deployed" {
        return Ok((
            Found::Partly,
            format!("Revision {} of this run is {}.", ours.revision, ours.status),
        ));
    }
    let objects = bench.release.manifest(ours.revision).await?;
    let workloads = bench.cluster.health(&objects, &bench.namespace).await?;
    let bad: Vec<String> = workloads
        .iter()
        .filter(|w| !w.complete)
        .map(|w| format!("{} ({} of {} ready)", w.address, w.ready, w.wanted))
        .collect();
    Ok(if bad.is_empty() {
        (
            Found::Applied,
            format!(
                "Revision {} of this run is deployed, and every workload is ready.",
                ours.revision
            ),
        )
    } else {
        (
            Found::Partly,
            format!(
                "Revision {} of this run is deployed, but not rolled out: {}.",
                ours.revision,
                words::few(&bad, 5)
            ),
        )
    })
}

async fn report(
    shared: &Shared,
    claim: &Claim,
    found: Found,
    outcome: &Outcome,
    words: &str,
) -> anyhow::Result<State> {
    Ok(patiently("what was found", || async {
        work::finish_reconcile(
            &shared.pool,
            &shared.me,
            claim,
            found,
            outcome,
            None,
            words,
            now(),
        )
        .await
    })
    .await?)
}
