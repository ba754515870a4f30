//! Finds out what an interrupted apply did, by evidence: what the state records, what a new plan would still have to
//! change, and states that came too late. It changes nothing.

use std::collections::BTreeSet;

use slipway_adapters::terraform::{Clear, Mode, StateStore, state};
use slipway_domain::{
    plan::{Change, Outcome},
    run::{Found, Operation, State},
};
use slipway_services::{
    account::Kind,
    work::{self, Claim},
};

use super::{apply, head, log, prepare, store, tie};
use crate::{Shared, lease::Hold, logging::Lines, now};

/// Gathers evidence and says what it means.
pub async fn reconcile(shared: &Shared, claim: &Claim, hold: &Hold) -> anyhow::Result<State> {
    store::drain(&shared.pool, &shared.config.folder).await;
    let preview = claim.preview.clone().unwrap_or_default();
    let mut bench = match prepare(shared, claim, Kind::Plan).await? {
        Ok(bench) => bench,
        Err(refusal) => return unclear(shared, claim, &refusal.detail).await,
    };
    let log = log(shared, claim).await?;
    if let Ok(terraform) = shared
        .engines
        .get(&claim.stack.engine, &bench.template.engine.version)
    {
        log.say(head(terraform, "look what was applied"));
    }
    bench.introduce(&log);
    let late = late(shared, claim).await?;
    let mode = if claim.operation == Operation::Destroy {
        Mode::Destroy
    } else {
        Mode::Change
    };
    let (cancel, tied) = tie(hold);
    let planned = bench.step.plan(mode, &cancel, &mut Lines::to(&log)).await;
    tied.abort();
    let planned = match planned {
        Ok(planned) => planned,
        Err(failed) => {
            log.finish().await?;
            return unclear(shared, claim, &failed.to_string()).await;
        }
    };
    let still: BTreeSet<&str> = planned
        .preview
        .changes
        .iter()
        .map(|c| c.address.as_str())
        .collect();
    let (left, done): (Vec<_>, Vec<_>) = preview
        .changes
        .iter()
        .partition(|c| still.contains(c.address.as_str()));
    let recorded = bench.store.load().await?;
    let serial = recorded
        .as_ref()
        .and_then(|s| state::lineage_serial(s).ok())
        .map_or(0, |v| v.serial);
    let moved = i64::try_from(serial).unwrap_or(i64::MAX) > claim.base.1;
    let (found, words) = match (left.len(), done.len()) {
        (0, _) => (
            Found::Applied,
            format!(
                "Nothing is left to change: all {} changes are there.",
                done.len()
            ),
        ),
        (left, 0) if !moved && !bench.step.has_world() => (
            Found::NotApplied,
            format!("The state is what it was: none of the {left} changes was made."),
        ),
        (left, 0) if !moved => (
            Found::Partly,
            format!(
                "The state records none of the {left} changes, but the engine may have made something before it could \
                 record it: look in the account for the tag slipway:environment = {}.",
                claim.environment
            ),
        ),
        (left, done) => (
            Found::Partly,
            format!(
                "{done} of {} changes are there, {left} are not.",
                done + left
            ),
        ),
    };
    let words = format!("{late}{words}");
    log.say(format!("slipway: {words}"));
    log.finish().await?;
    let mut outcome = Outcome {
        done: done.into_iter().map(Change::untimed).collect(),
        untouched: left.into_iter().map(Change::untimed).collect(),
        ..Outcome::default()
    };
    let world = recorded.map(|bytes| {
        outcome.outputs = state::outputs(&bytes, bench.step.redactor()).unwrap_or_default();
        apply::world(&outcome, &Clear::new(bytes.to_vec()))
    });
    Ok(work::finish_reconcile(
        &shared.pool,
        &shared.me,
        claim,
        found,
        &outcome,
        world.as_ref(),
        &words,
        now(),
    )
    .await?)
}

/// Looks at the states that came in after the lease was lost. By now nothing of the lost worker runs any more, so the one
/// that records more than the state in force does is the truth and takes its place; the others stay as evidence. Says
/// what it did, or nothing if there are none.
async fn late(shared: &Shared, claim: &Claim) -> anyhow::Result<String> {
    let late = work::candidates(&shared.pool, claim.stack.id, claim.run).await?;
    let Some(newest) = late.iter().max_by_key(|state| (state.serial, state.id)) else {
        return Ok(String::new());
    };
    let current = work::current_state(&shared.pool, claim.stack.id).await?;
    let adds = current
        .as_ref()
        .is_none_or(|c| c.lineage == newest.lineage && newest.serial > c.serial);
    if !adds {
        return Ok(format!(
            "{} state(s) that came in late say nothing new and are kept as evidence. ",
            late.len()
        ));
    }
    work::promote(&shared.pool, claim, newest, now()).await?;
    Ok(format!(
        "A state that came in after the worker was lost (serial {}) records more than the one before it ({}): it is in \
         force now. ",
        newest.serial,
        current.map_or_else(|| "none".to_owned(), |c| c.serial.to_string()),
    ))
}

async fn unclear(shared: &Shared, claim: &Claim, why: &str) -> anyhow::Result<State> {
    let words = format!("It still can't be said: {why}");
    let outcome = Outcome::default();
    Ok(work::finish_reconcile(
        &shared.pool,
        &shared.me,
        claim,
        Found::Unclear,
        &outcome,
        None,
        &words,
        now(),
    )
    .await?)
}
