//! How a release ended, and what that means for its run.

use std::collections::BTreeMap;

use slipway_adapters::terraform::{Failed, Failure, KillReason};
use slipway_domain::{
    plan::{Change, Outcome, Preview},
    run::{Operation, Seen, State},
};
use slipway_services::{
    Refusal,
    work::{self, Applied, Claim, World},
};

use crate::{Shared, now, patiently, terraform::refusal};

/// What happened.
pub enum End {
    Done(World),
    /// The world moved on since the preview: nothing was begun.
    Stale(String),
    NotBegun(Refusal),
    Failed(Refusal),
    /// What ran before runs again.
    RolledBack(Refusal),
    Interrupted,
    Vanished(Refusal),
}

/// What Helm's end means for the run.
pub fn ended(failed: Failed, troubles: &BTreeMap<String, String>) -> End {
    let kind = failed.failure;
    let mut why = refusal(failed);
    if !troubles.is_empty() {
        let words: Vec<String> = troubles
            .iter()
            .map(|(pod, words)| format!("{pod}: {words}"))
            .collect();
        why.detail = format!("{}\n{}", words.join("\n"), why.detail)
            .trim()
            .to_owned();
        why.hint = "Mend what the pods say, then send it again.".into();
    }
    match kind {
        Failure::Killed(KillReason::Asked { forced: false, .. }) => End::Interrupted,
        Failure::Killed(reason) if reason.forced() => End::Vanished(why),
        // Helm went away without a word of its own, or the cluster in the middle of it.
        Failure::Worker => End::Vanished(why),
        _ => End::Failed(why),
    }
}

/// Every change in one of the three lists.
fn outcome(end: &End, preview: &Preview) -> Outcome {
    let all = preview.changes.iter().map(Change::untimed).collect();
    match end {
        End::Done(world) => Outcome {
            done: all,
            outputs: world.outputs.clone(),
            ..Outcome::default()
        },
        End::Failed(_) | End::RolledBack(_) => Outcome {
            failed: all,
            ..Outcome::default()
        },
        _ => Outcome {
            untouched: all,
            ..Outcome::default()
        },
    }
}

/// Tells the office.
pub async fn report(
    shared: &Shared,
    claim: &Claim,
    end: End,
    preview: &Preview,
) -> anyhow::Result<State> {
    let outcome = outcome(&end, preview);
    let (applied, world) = match end {
        End::Stale(why) => {
            let told = patiently("an outdated preview", || async {
                work::outdate(&shared.pool, &shared.me, claim, &why, now()).await
            });
            return Ok(told.await?);
        }
        End::Done(world) => (Applied::Done, Some(world)),
        End::NotBegun(mut why) => {
            why.detail = format!("{} Nothing was begun.", why.detail)
                .trim()
                .to_owned();
            (Applied::NotBegun(why), None)
        }
        End::Failed(why) => (Applied::Failed(why), None),
        End::RolledBack(why) => (Applied::RolledBack(why), None),
        End::Interrupted => (Applied::Interrupted, None),
        End::Vanished(why) => (Applied::Vanished(why), None),
    };
    // What is gone cannot be looked at again: that it is gone was seen.
    let seen = (matches!(applied, Applied::Done) && claim.operation == Operation::Destroy)
        .then_some(Seen::AsPlanned);
    Ok(patiently("an end", || async {
        work::finish_apply(
            &shared.pool,
            &shared.me,
            claim,
            &applied,
            &outcome,
            world.as_ref(),
            seen,
            now(),
        )
        .await
    })
    .await?)
}
