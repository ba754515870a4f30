//! Works out what a run would change, without changing it.

use slipway_adapters::terraform::{Failure, Mode};
use slipway_domain::run::Operation;
use slipway_seal::Digest;
use slipway_services::{
    Refusal,
    account::Kind,
    work::{self, Claim, Next, Planned},
};

use super::{Bench, head, log, prepare, refusal, tie};
use crate::{Shared, cloud::Cloud, lease::Hold, logging::Lines, now, patiently};

/// Plans, stores the plan sealed and the preview redacted, and goes on as the policy says.
///
/// If nobody has to vote, the step is handed on to its apply.
pub async fn preview(
    shared: &Shared,
    claim: &Claim,
    hold: &Hold,
) -> anyhow::Result<(Next, Option<Bench>)> {
    let mut bench = match prepare(shared, claim, Kind::Plan).await? {
        Ok(bench) => bench,
        Err(refusal) => return fail(shared, claim, &refusal).await,
    };
    let log = log(shared, claim).await?;
    let terraform = match shared
        .engines
        .get(&claim.stack.engine, &bench.template.engine.version)
    {
        Ok(terraform) => terraform,
        Err(refusal) => return fail(shared, claim, &refusal).await,
    };
    tracing::debug!(run = %claim.run, "prepared");
    log.say(head(terraform, "plan"));
    bench.introduce(&log);
    let mode = if claim.operation == Operation::Destroy {
        Mode::Destroy
    } else {
        Mode::Change
    };
    let (cancel, tied) = tie(hold);
    let planned = bench.step.plan(mode, &cancel, &mut Lines::to(&log)).await;
    tied.abort();
    tracing::debug!(run = %claim.run, good = planned.is_ok(), "planned");
    match planned {
        Ok(mut planned) => {
            for change in &mut planned.preview.changes {
                change.keeps_data = bench.template.keeps_data_in(&change.address);
            }
            let digest = shared.key.digest([planned.projection.expose()]);
            log.say(format!("slipway: this plan is {}", digest.short()));
            log.finish().await?;
            tracing::debug!(run = %claim.run, "logged");
            let sealed = shared.key.seal(
                planned.saved.plan.expose(),
                &place(claim, &digest, bench.cloud.as_ref()),
            );
            let base = planned.saved.base;
            let planned = Planned {
                preview: planned.preview,
                digest,
                plan: sealed,
                lock_file: planned.saved.lock_file,
                engine_version: planned.saved.engine_version,
                base_serial: base
                    .as_ref()
                    .map_or(0, |b| i64::try_from(b.serial).unwrap_or(i64::MAX)),
                base_lineage: base.map(|b| b.lineage),
            };
            let next = patiently("a plan", || async {
                work::finish_preview(
                    &shared.pool,
                    &shared.me,
                    claim,
                    planned.clone(),
                    shared.config.lease,
                    now(),
                )
                .await
            })
            .await?;
            Ok(match next {
                Next::Apply(_) => (next, Some(bench)),
                Next::Done(_) => {
                    bench.clear();
                    (next, None)
                }
            })
        }
        Err(failed) if cancel.is_raised() => {
            log.say(format!("slipway: {}", failed.message));
            log.finish().await?;
            let told = patiently("a stop", || async {
                work::stop_preview(&shared.pool, &shared.me, claim, now()).await
            });
            Ok((Next::Done(told.await?), None))
        }
        Err(failed) => {
            let input = failed.failure == Failure::Input;
            let mut refusal = refusal(failed);
            if input {
                refusal.hint =
                    "Change the input and send the form again: what you typed is kept.".into();
            }
            log.finish().await?;
            fail(shared, claim, &refusal).await
        }
    }
}

/// Where a saved plan belongs: to one run and one digest, so that no other plan can be put in its place; and to the account
/// that it was made in, so that it opens for no other.
pub fn place(claim: &Claim, digest: &Digest, cloud: Option<&Cloud>) -> String {
    let account = cloud.map(|c| format!("/aws/{}", c.binding()));
    format!("plan/{}/{digest}{}", claim.run, account.unwrap_or_default())
}

async fn fail(
    shared: &Shared,
    claim: &Claim,
    refusal: &Refusal,
) -> anyhow::Result<(Next, Option<Bench>)> {
    let told = patiently("a refusal", || async {
        work::fail_preview(&shared.pool, &shared.me, claim, refusal, now()).await
    });
    Ok((Next::Done(told.await?), None))
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench")
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
