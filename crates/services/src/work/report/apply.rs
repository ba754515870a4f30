//! An apply has ended, or its verification.

use slipway_domain::{
    plan::Outcome,
    run::{Command, Seen, State},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{
    super::{Claim, Worker, store},
    keep::{World, held, keep_inputs, keep_world, remember},
};
use crate::{Ctx, Refusal, Result, run};

/// How an apply ended.
#[derive(Clone, Debug)]
pub enum Applied {
    /// All of it was done.
    Done,
    /// It could not be begun; nothing was changed.
    NotBegun(Refusal),
    /// It stopped with an error.
    Failed(Refusal),
    /// It stopped with an error, and what was there before is there again.
    RolledBack(Refusal),
    /// It was interrupted, its state saved.
    Interrupted,
    /// The engine died or was killed: nobody knows what was done. The run becomes unknown.
    Vanished(Refusal),
}

/// The apply has ended. With `seen`, verification has an answer already and is recorded in the same transaction;
/// without it the run stands in `verifying`, still held by this claim, until [`verify`].
///
/// # Errors
/// [`Error::Fenced`].
#[expect(
    clippy::too_many_arguments,
    reason = "one report, every part of it needed"
)]
pub async fn finish_apply(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    applied: &Applied,
    outcome: &Outcome,
    world: Option<&World>,
    seen: Option<Seen>,
    now: OffsetDateTime,
) -> Result<State> {
    let ctx = worker.ctx(now);
    let mut tx = pool.begin().await?;
    let row = held(&mut tx, claim).await?;
    sqlx::query!(
        "update run_step set outcome = $2, fence = $3, state = 'applied' where run_id = $1 and n = 1",
        claim.run.get(),
        serde_json::to_value(outcome)?,
        claim.fence
    )
    .execute(&mut *tx)
    .await?;
    keep_world(&mut tx, claim, world).await?;
    let (command, action, failure) = match applied {
        Applied::Done => (Command::FinishApply, "run.finish_apply", None),
        Applied::NotBegun(why) => (Command::RefuseApply, "run.refuse_apply", Some(why)),
        Applied::Failed(why) => (Command::FailApply, "run.fail_apply", Some(why)),
        Applied::RolledBack(why) => (Command::RollBackApply, "run.roll_back_apply", Some(why)),
        Applied::Interrupted => (Command::InterruptApply, "run.interrupt_apply", None),
        Applied::Vanished(why) => (Command::LoseApply, "run.lose", Some(why)),
    };
    if let Some(why) = failure {
        store::keep_failure(&mut tx, claim.run, why).await?;
    }
    let detail = failure.map(|f| f.detail.as_str()).unwrap_or_default();
    if !matches!(applied, Applied::Done) {
        store::finish_job(&mut tx, claim.job, "done", now).await?;
    }
    let mut row = run::advance(&mut tx, &ctx, &row, command, action, detail).await?;
    if row.state == State::Verifying
        && let Some(seen) = seen
    {
        row = verified(&mut tx, &ctx, claim, &row, seen, false).await?;
    } else if row.state.is_over() {
        remember(&mut tx, &ctx, &row).await?;
    }
    tx.commit().await?;
    Ok(row.state)
}

/// Verification has an answer.
///
/// # Errors
/// [`Error::Fenced`].
pub async fn verify(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    seen: Seen,
    world: Option<&World>,
    now: OffsetDateTime,
) -> Result<State> {
    let ctx = worker.ctx(now);
    let mut tx = pool.begin().await?;
    let row = held(&mut tx, claim).await?;
    keep_world(&mut tx, claim, world).await?;
    let row = verified(&mut tx, &ctx, claim, &row, seen, true).await?;
    tx.commit().await?;
    Ok(row.state)
}

pub(super) async fn verified(
    tx: &mut PgConnection,
    ctx: &Ctx,
    claim: &Claim,
    row: &run::Row,
    seen: Seen,
    looked: bool,
) -> Result<run::Row> {
    store::finish_job(tx, claim.job, "done", ctx.now).await?;
    keep_inputs(tx, claim).await?;
    let detail = match seen {
        Seen::AsPlanned if looked => "Looked again: nothing differs.",
        Seen::AsPlanned => {
            "What the engine recorded is all that exists; there was nothing else to look at."
        }
        Seen::Differs => "What exists differs from what was planned.",
        Seen::NotSeen => "It was applied, and could not be looked at afterwards.",
    };
    let row = run::advance(tx, ctx, row, Command::Verify(seen), "run.verify", detail).await?;
    remember(tx, ctx, &row).await?;
    Ok(row)
}

/// Nothing was begun: the engine, the template or the state is not what the preview was made with, or the worker has to
/// leave. The run is planned again; an identical plan keeps its votes.
///
/// # Errors
/// [`Error::Fenced`](crate::Error::Fenced).
pub async fn outdate(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    why: &str,
    now: OffsetDateTime,
) -> Result<State> {
    let mut tx = pool.begin().await?;
    let row = held(&mut tx, claim).await?;
    store::finish_job(&mut tx, claim.job, "done", now).await?;
    let ctx = worker.ctx(now);
    let row = run::advance(&mut tx, &ctx, &row, Command::Outdate, "run.outdate", why).await?;
    tx.commit().await?;
    Ok(row.state)
}
