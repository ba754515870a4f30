//! Evidence of an interrupted apply is in.

use slipway_domain::{
    plan::Outcome,
    run::{Command, Found, Seen, State},
};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{
    super::{Claim, Kind, Worker, store},
    apply::verified,
    keep::{World, held, keep_world, remember},
};
use crate::{Result, run};

/// Evidence of an interrupted apply is in. `Found::Applied` goes through verification at once, by what was seen.
///
/// # Errors
/// [`Error::Fenced`].
#[expect(
    clippy::too_many_arguments,
    reason = "one report, every part of it needed"
)]
pub async fn finish_reconcile(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    found: Found,
    outcome: &Outcome,
    world: Option<&World>,
    words: &str,
    now: OffsetDateTime,
) -> Result<State> {
    debug_assert_eq!(claim.kind, Kind::Reconcile);
    let ctx = worker.ctx(now);
    let mut tx = pool.begin().await?;
    let row = held(&mut tx, claim).await?;
    sqlx::query!(
        "update run_step set outcome = $2, fence = $3 where run_id = $1 and n = 1",
        claim.run.get(),
        serde_json::to_value(outcome)?,
        claim.fence
    )
    .execute(&mut *tx)
    .await?;
    keep_world(&mut tx, claim, world).await?;
    let mut row = run::advance(
        &mut tx,
        &ctx,
        &row,
        Command::Reconcile(found),
        "run.reconciled",
        words,
    )
    .await?;
    if row.state == State::Verifying {
        row = verified(&mut tx, &ctx, claim, &row, Seen::AsPlanned, true).await?;
    } else {
        store::finish_job(&mut tx, claim.job, "done", now).await?;
        if row.state.is_over() {
            remember(&mut tx, &ctx, &row).await?;
        }
    }
    tx.commit().await?;
    Ok(row.state)
}
