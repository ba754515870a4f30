//! Does exactly what was approved, then looks whether the world is as it should be.

use anyhow::Context;
use slipway_adapters::aws::Denied;
use slipway_adapters::terraform::{
    self, Clear, End, Failure, Mode, SavedPlan, StateVersion, state,
};
use slipway_domain::{
    plan::{Change, Outcome, Preview},
    run::{Operation, Seen, State},
};
use slipway_seal::Digest;
use slipway_services::{
    Refusal,
    account::Kind,
    environment::Resource,
    work::{self, Applied, Claim, World},
};

use super::{Bench, head, log, prepare, preview::place, refusal, store, tie};
use crate::{
    Shared,
    cloud::{Cloud, carries_out},
    lease::Hold,
    logging::{Lines, Log},
    now, patiently,
};

/// Applies the saved plan as it was saved; on the bench where it was planned, if this worker planned it just now.
pub async fn apply(
    shared: &Shared,
    claim: &Claim,
    hold: &Hold,
    planned: Option<Bench>,
) -> anyhow::Result<State> {
    let kind = carries_out(claim.operation);
    let prepared = match planned {
        Some(bench) => bench.hand_over(shared, claim, kind).await,
        None => prepare(shared, claim, kind).await?,
    };
    let mut bench = match prepared {
        Ok(bench) => bench,
        Err(refusal) => return nothing_begun(shared, claim, refusal).await,
    };
    let saved = match saved(shared, claim, bench.cloud.as_ref())? {
        Ok(saved) => saved,
        Err(refusal) => return nothing_begun(shared, claim, refusal).await,
    };
    let preview = claim.preview.clone().unwrap_or_default();
    let log = log(shared, claim).await?;
    if let Ok(terraform) = shared
        .engines
        .get(&claim.stack.engine, &bench.template.engine.version)
    {
        log.say(head(terraform, "apply the approved plan"));
    }
    bench.introduce(&log);
    tracing::debug!(run = %claim.run, "prepared");
    let (cancel, tied) = tie(hold);
    let applied = bench
        .step
        .apply(&saved, &preview, &cancel, &mut Lines::to(&log))
        .await;
    tied.abort();
    tracing::debug!(run = %claim.run, good = applied.is_ok(), "applied");
    let lent = bench.lent(&log);
    // What is spooled must be in the database before the run says what exists.
    store::drain(&shared.pool, &shared.config.folder).await;
    let applied = match applied {
        Ok(applied) => applied,
        Err(failed) => {
            log.say(format!("slipway: {failed}"));
            log.finish().await?;
            // Somebody called it off, or the worker leaves: the office knows which, and what follows.
            if matches!(failed.failure, Failure::Stale | Failure::Canceled) {
                let why = format!("{} {}", failed.message, failed.detail);
                let told = patiently("an outdated plan", || async {
                    work::outdate(&shared.pool, &shared.me, claim, why.trim(), now()).await
                });
                return Ok(told.await?);
            }
            return nothing_begun(shared, claim, refusal(failed)).await;
        }
    };
    if let Some(state) = &applied.errored_state {
        bench
            .store
            .rescue(state.expose())
            .await
            .context("keep a state that could not be uploaded")?;
    }
    let world = applied
        .state
        .as_ref()
        .map(|state| world(&applied.outcome, state));
    let (end, seen) = match &applied.end {
        End::Done if bench.step.has_world() => (Applied::Done, None),
        // There is no world beside the state: what the engine recorded is what exists.
        End::Done => (Applied::Done, Some(Seen::AsPlanned)),
        End::Failed(failed) => {
            let why = what_failed(failed, &applied.outcome, lent.as_ref());
            (Applied::Failed(why), None)
        }
        End::Interrupted(_) => (Applied::Interrupted, None),
        End::Vanished(failed) => (Applied::Vanished(refusal(failed.clone())), None),
    };
    if !applied.alone {
        log.say("slipway: a process that this run started could not be ended; see the worker's machine.");
    }
    match &end {
        Applied::Done if seen.is_none() => {
            log.say("── look again: a new plan must have nothing to do ──")
        }
        Applied::Done => {}
        Applied::NotBegun(why)
        | Applied::Failed(why)
        | Applied::RolledBack(why)
        | Applied::Vanished(why) => log.say(format!("slipway: {}", why.message)),
        Applied::Interrupted => log.say("slipway: interrupted; the state is saved."),
    }
    let look = matches!(end, Applied::Done) && seen.is_none();
    if !look {
        log.finish().await?;
        return finish(shared, claim, &end, &applied.outcome, world.as_ref(), seen).await;
    }
    finish(shared, claim, &end, &applied.outcome, world.as_ref(), None).await?;
    if let Err(refusal) = bench.act_as(claim, Kind::Plan).await {
        log.say(format!(
            "slipway: it could not be looked at: {} {}",
            refusal.message, refusal.detail
        ));
        log.finish().await?;
        let told = patiently("a verification", || async {
            let seen = Seen::NotSeen;
            work::verify(&shared.pool, &shared.me, claim, seen, None, now()).await
        });
        return Ok(told.await?);
    }
    let (cancel, tied) = tie(hold);
    // A new plan, and not only a refresh: providers fill in attributes that nobody set a moment later (a bucket learns of
    // its policy, a route table of its routes), and that is no difference to what was asked for.
    let mode = if claim.operation == Operation::Destroy {
        Mode::Destroy
    } else {
        Mode::Change
    };
    let looked = bench.step.plan(mode, &cancel, &mut Lines::to(&log)).await;
    tied.abort();
    let seen = match looked {
        Ok(planned) if planned.preview.changes.is_empty() => Seen::AsPlanned,
        Ok(planned) => {
            for change in &planned.preview.changes {
                let paths: Vec<&str> = change.attributes.iter().map(|a| &*a.path).collect();
                log.say(format!(
                    "slipway: {} is not as it was planned: {}",
                    change.address,
                    paths.join(", ")
                ));
            }
            Seen::Differs
        }
        Err(failed) => {
            log.say(format!("slipway: it could not be looked at: {failed}"));
            Seen::NotSeen
        }
    };
    log.finish().await?;
    let told = patiently("a verification", || async {
        work::verify(&shared.pool, &shared.me, claim, seen, None, now()).await
    });
    Ok(told.await?)
}

/// Opens the saved plan: for this run, this digest and this account only.
fn saved(
    shared: &Shared,
    claim: &Claim,
    cloud: Option<&Cloud>,
) -> anyhow::Result<Result<SavedPlan, Refusal>> {
    let digest: Digest = claim
        .digest
        .as_deref()
        .and_then(|d| d.parse().ok())
        .context("an approved run without a digest")?;
    let sealed = claim
        .sealed_plan
        .as_deref()
        .context("an approved run without a saved plan")?;
    let plan = match (
        shared.key.open(sealed, &place(claim, &digest, cloud)),
        cloud,
    ) {
        (Ok(plan), _) => plan,
        (Err(error), None) => return Err(error).context("open the saved plan"),
        (Err(_), Some(cloud)) => {
            return Ok(Err(Refusal::new(
                "The approved plan was not made for this AWS account.",
                format!("It does not open for the {}.", cloud.words()),
                "Plan it again, and have it approved there.",
            )));
        }
    };
    Ok(Ok(SavedPlan {
        plan: Clear::new(plan),
        lock_file: claim.lock_file.clone(),
        engine: claim.stack.engine.clone(),
        engine_version: claim.engine_version.clone().unwrap_or_default(),
        base: claim.base.0.clone().map(|lineage| StateVersion {
            lineage,
            serial: u64::try_from(claim.base.1).unwrap_or_default(),
        }),
    }))
}

impl Bench {
    /// How the lending of credentials went: said in the log if they were renewed, and why they could not be.
    fn lent(&self, log: &Log) -> Option<Denied> {
        let lending = &self.step.aws()?.lending;
        if lending.times() > 1 {
            log.say(format!(
                "slipway: its credentials were renewed {} times",
                lending.times() - 1
            ));
        }
        lending.trouble()
    }
}

/// What exists, from the state.
pub fn world(outcome: &Outcome, recorded: &Clear) -> World {
    let resources = state::resources(recorded.expose()).unwrap_or_default();
    World {
        outputs: outcome.outputs.clone(),
        resources: resources
            .into_iter()
            .map(|r: state::Resource| Resource {
                address: r.address,
                kind: r.kind,
                id: r.id,
            })
            .collect(),
    }
}

/// Everything planned, none of it begun.
fn untouched(preview: &Preview) -> Outcome {
    Outcome {
        untouched: preview.changes.iter().map(Change::untimed).collect(),
        ..Outcome::default()
    }
}

fn what_failed(failed: &terraform::Failed, outcome: &Outcome, lent: Option<&Denied>) -> Refusal {
    let mut why = refusal(failed.clone());
    if let Some(denied) = lent {
        why.detail = format!(
            "{}\nThe credentials ended while it was applied, and could not be renewed: {denied}",
            why.detail
        );
    }
    why.detail = format!("{}\n{}", why.message, why.detail).trim().to_owned();
    why.message = match (
        outcome.done.len(),
        outcome.failed.len(),
        outcome.untouched.len(),
    ) {
        (0, _, _) => "The apply failed before anything was changed.".into(),
        (done, failed, untouched) => {
            format!("The apply stopped: {done} done, {failed} failed, {untouched} not begun.")
        }
    };
    why.hint = "Change the inputs and send them again: what exists is kept, and only the rest is planned. Or destroy it.".into();
    why
}

async fn nothing_begun(shared: &Shared, claim: &Claim, mut why: Refusal) -> anyhow::Result<State> {
    why.detail = format!("{} Nothing was begun.", why.detail)
        .trim()
        .to_owned();
    let outcome = untouched(&claim.preview.clone().unwrap_or_default());
    finish(shared, claim, &Applied::NotBegun(why), &outcome, None, None).await
}

async fn finish(
    shared: &Shared,
    claim: &Claim,
    end: &Applied,
    outcome: &Outcome,
    world: Option<&World>,
    seen: Option<Seen>,
) -> anyhow::Result<State> {
    Ok(patiently("an end", || async {
        work::finish_apply(
            &shared.pool,
            &shared.me,
            claim,
            end,
            outcome,
            world,
            seen,
            now(),
        )
        .await
    })
    .await?)
}
