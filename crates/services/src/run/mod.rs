//! Runs: every change of the outside world, from the request to what came of it.
//!
//! Reading them, and the commands that people give: call off, plan again, look at what is there. Voting is
//! [`crate::approval`]'s; what workers do is [`crate::work`]'s. All three change a run's state through [`advance()`]
//! alone.

mod advance;
mod store;
mod view;

use slipway_domain::{
    id::RunId,
    rights::Right,
    run::{Command, Operation, State},
};
use sqlx::PgPool;

pub(crate) use advance::{Row, advance, load};
pub use view::{EventView, Link, Options, Person, Seat, Step, View, Vote};

use crate::{Ctx, Error, Result};

/// One run with everything that its page shows.
///
/// # Errors
/// [`Error::NotFound`] for a missing run and for one of another team alike.
pub async fn find(web: &PgPool, ctx: &Ctx, id: RunId) -> Result<View> {
    store::find(web, ctx, id).await?.ok_or(Error::NotFound)
}

/// Version and state of those of these runs that the actor may see: for streams, which ask again and again.
///
/// # Errors
/// [`Error::SignIn`] if nobody is signed in.
pub async fn stands(
    web: &PgPool,
    ctx: &Ctx,
    ids: impl IntoIterator<Item = RunId>,
) -> Result<Vec<(RunId, i64, State)>> {
    let ids: Vec<i64> = ids.into_iter().map(RunId::get).collect();
    store::stands(web, &ctx.sight()?, &ids).await
}

/// Calls a run off. What waits ends at once; what works is asked to stop and ends when it has stopped cleanly.
///
/// `force` asks the worker to kill what does not stop: state may be lost, and the page says so.
///
/// # Errors
/// [`Error::Stale`] if the run is beyond it; [`Error::Refused`] without the right.
pub async fn cancel(web: &PgPool, ctx: &Ctx, id: RunId, force: bool) -> Result<State> {
    let mut tx = web.begin().await?;
    let row = load(&mut tx, id).await?.ok_or(Error::NotFound)?;
    ctx.require_in(Right::SteerRun, row.team_id)?;
    let row = if row.cancel_requested_at.is_some() && row.state.is_working() {
        // The second press. It says nothing new, unless it says to use force.
        if force {
            store::force(&mut tx, id).await?;
            crate::audit::record(
                &mut tx,
                ctx,
                crate::audit::Entry::new("run.force_cancel", "run", id.get(), Some(row.team_id)),
            )
            .await?;
            advance::notify(&mut tx, &row).await?;
        }
        row
    } else {
        advance(&mut tx, ctx, &row, Command::Cancel, "run.cancel", "").await?
    };
    tx.commit().await?;
    Ok(row.state)
}

/// Has a run planned again: the votes stay only if the new plan is the same one.
///
/// # Errors
/// [`Error::Stale`] if the run is beyond it; [`Error::Refused`] without the right.
pub async fn replan(web: &PgPool, ctx: &Ctx, id: RunId) -> Result<State> {
    by_person(web, ctx, id, Right::SteerRun, Command::Replan, "run.replan").await
}

/// Has a worker look at what an interrupted apply really did.
///
/// # Errors
/// [`Error::Stale`] unless the run is unknown; [`Error::Refused`] without the right.
pub async fn reconcile(web: &PgPool, ctx: &Ctx, id: RunId) -> Result<State> {
    by_person(
        web,
        ctx,
        id,
        Right::SettleUnknown,
        Command::StartReconcile,
        "run.reconcile",
    )
    .await
}

async fn by_person(
    web: &PgPool,
    ctx: &Ctx,
    id: RunId,
    right: Right,
    command: Command,
    action: &str,
) -> Result<State> {
    let mut tx = web.begin().await?;
    let row = load(&mut tx, id).await?.ok_or(Error::NotFound)?;
    ctx.require_in(right, row.team_id)?;
    let row = advance(&mut tx, ctx, &row, command, action, "").await?;
    tx.commit().await?;
    Ok(row.state)
}

/// What the office needs to know to make a run.
pub(crate) struct New<'a> {
    pub environment: i64,
    pub operation: Operation,
    pub title: &'a str,
    pub reason: &'a str,
    pub template_digest: &'a str,
    pub inputs: &'a serde_json::Value,
    pub sensitive: &'a serde_json::Value,
    pub stack: i64,
    /// The deployment that it puts back.
    pub back_to: Option<i64>,
}

/// Makes a run and queues its preview, or lets it wait behind the environment's active one. The environment's row must
/// be locked by the caller's transaction, so that two requests cannot both find it free.
pub(crate) async fn create(tx: &mut sqlx::PgConnection, ctx: &Ctx, new: New<'_>) -> Result<RunId> {
    store::create(tx, ctx, new).await
}
