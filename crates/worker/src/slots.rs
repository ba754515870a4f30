//! A slot carries out one job at a time: claim, hold the lease, act, report.

use std::{sync::Arc, time::Duration};

use slipway_services::{
    Error,
    live::Event,
    work::{self, Claim, Kind, Next},
};

use crate::{Leaving, Shared, heard, helm, lease::Hold, now, terraform};

/// Without a hint the queue is looked at this often: notifications can be lost, jobs can't.
const POLL: Duration = Duration::from_secs(2);

/// Works until the worker leaves.
pub async fn work(shared: Arc<Shared>, slot: usize) {
    let mut leaving = shared.leaving.clone();
    let mut events = shared.hub.subscribe();
    loop {
        if *leaving.borrow() != Leaving::No {
            return;
        }
        match work::claim(&shared.pool, &shared.me, shared.config.lease, now()).await {
            Ok(Some(claim)) => {
                tracing::debug!(run = %claim.run, "claimed");
                carry_out(&shared, claim).await;
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, slot, "the queue could not be read; trying again"),
        }
        tokio::select! {
            () = heard(&mut events, |event| *event == Event::Job) => {}
            () = tokio::time::sleep(POLL) => {}
            _ = leaving.changed() => {}
        }
    }
}

async fn carry_out(shared: &Arc<Shared>, mut claim: Claim) {
    let mut planned = None;
    loop {
        let run = claim.run;
        let hold = Hold::start(shared.clone(), claim.clone());
        let of_helm = claim.stack.engine == helm::ENGINE;
        let done = match claim.kind {
            Kind::Preview if of_helm => helm::preview(shared, &claim, &hold).await,
            Kind::Apply if of_helm => helm::apply(shared, &claim, &hold).await.map(Next::Done),
            Kind::Reconcile if of_helm => helm::reconcile(shared, &claim).await.map(Next::Done),
            Kind::Preview => match terraform::preview(shared, &claim, &hold).await {
                Ok((next, bench)) => {
                    planned = bench;
                    Ok(next)
                }
                Err(error) => Err(error),
            },
            Kind::Apply => terraform::apply(shared, &claim, &hold, planned.take())
                .await
                .map(Next::Done),
            Kind::Reconcile => terraform::reconcile(shared, &claim, &hold)
                .await
                .map(Next::Done),
        };
        hold.release().await;
        match done {
            Ok(Next::Apply(next)) => claim = *next,
            Ok(Next::Done(state)) => {
                tracing::info!(%run, %state, "done");
                return;
            }
            // Another worker has it, or a person decides: whatever is true is in the database, and not ours to change.
            Err(error) if matches!(error.downcast_ref(), Some(Error::Fenced)) => {
                tracing::warn!(%run, "the lease was lost; what was found out is kept as evidence");
                return;
            }
            Err(error) => {
                tracing::error!(%run, error = format!("{error:#}"), "a job broke");
                if claim.kind == Kind::Preview {
                    // Nothing was changed in the world, so the run may end here with the reason.
                    let why = slipway_services::Refusal::new(
                        "The preview could not be made.",
                        format!("{error:#}"),
                        "Ask the platform team; plan it again when the cause is gone.",
                    );
                    if let Err(error) =
                        work::fail_preview(&shared.pool, &shared.me, &claim, &why, now()).await
                    {
                        tracing::warn!(%run, %error, "and could not be reported; its lease will run out");
                    }
                }
                // An apply that could not report stays silent: its lease runs out and the run becomes unknown.
                return;
            }
        }
    }
}
