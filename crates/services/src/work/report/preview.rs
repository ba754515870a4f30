//! A preview has ended.

use std::collections::BTreeSet;

use serde_json::json;
use slipway_domain::{
    environment::Class,
    plan::Preview,
    risk,
    run::{Command, Operation, State, Verdict},
};
use slipway_seal::{Digest, Sealed};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::{
    super::{Claim, Lease, Worker, store},
    keep::{held, keep_inputs},
};
use crate::{Error, Refusal, Result, approval, run};

/// A finished preview.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What would change, without sensitive values.
    pub preview: Preview,
    /// The digest over the unredacted projection.
    pub digest: Digest,
    /// The saved plan, sealed for `plan/<run>`.
    pub plan: Sealed,
    /// The dependency lock file.
    pub lock_file: Option<String>,
    /// The engine's version.
    pub engine_version: String,
    /// Lineage of the state that it was made on.
    pub base_lineage: Option<String>,
    /// Serial of that state; 0 if there was none.
    pub base_serial: i64,
}

/// What to do next.
#[derive(Debug)]
pub enum Next {
    /// The policy needed nobody: apply it now, under this claim.
    Apply(Box<Claim>),
    /// Nothing; the run stands here now.
    Done(State),
}

/// Stores a preview, asks the policy, and goes on from there: no changes, votes, or straight to the apply.
///
/// Votes on the very same digest, given before a re-plan, are carried over.
///
/// # Errors
/// [`Error::Fenced`]; [`Error::Broken`] if the policy cannot be evaluated (nothing is approved then).
pub async fn finish_preview(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    planned: Planned,
    lease: Lease,
    now: OffsetDateTime,
) -> Result<Next> {
    let ctx = worker.ctx(now);
    let mut tx = pool.begin().await?;
    let row = held(&mut tx, claim).await?;
    let facts = sqlx::query!(
        r#"select e.class, t.name as team, t.preview_quota, v.name as template,
               (select count(*) from environment p where p.team_id = t.id and p.class = 'preview'
                   and p.state not in ('destroyed', 'withdrawn')) as "previews!",
               array(select distinct x->>'kind' from environment o, jsonb_array_elements(o.resources) x
                   where o.team_id = t.id) as "known!: Vec<Option<String>>"
           from run r join environment e on e.id = r.environment_id join team t on t.id = e.team_id
           join template_version v on v.digest = r.template_digest where r.id = $1"#,
        claim.run.get(),
    )
    .fetch_one(&mut *tx)
    .await?;
    let known: BTreeSet<String> = facts.known.into_iter().flatten().collect();
    let preview = &planned.preview;
    let tally = preview.tally();
    let empty = preview.is_empty() && row.operation != Operation::Destroy;
    let input = slipway_policy::Input {
        environment: slipway_policy::Environment {
            name: claim.environment.clone(),
            class: Class::read(&facts.class).ok_or_else(|| Error::broken("class"))?,
            template: facts.template,
        },
        run: slipway_policy::Run {
            operation: row.operation,
            by_rule: row.requested_by.is_none(),
        },
        preview: slipway_policy::Preview {
            tally,
            destroys_data: risk::destroys_data(preview),
            applyable: preview.applyable || preview.is_empty(),
            types: preview
                .changes
                .iter()
                .map(|c| c.kind.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        },
        team: slipway_policy::Team {
            name: facts.team,
            previews: facts.previews,
            preview_quota: facts.preview_quota.into(),
        },
    };
    let answer = slipway_policy::decide(&input).map_err(Error::broken)?;
    let digest = planned.digest.to_string();
    sqlx::query!(
        "update run_step set preview = $2, tally = $3, looks = $4, digest = $5, fence = $6, sealed_plan = $7,
                lock_file = $8, engine_version = $9, base_lineage = $10, base_serial = $11, state = 'previewed',
                engine = (select engine from stack where id = stack_id)
         where run_id = $1 and n = 1",
        claim.run.get(),
        serde_json::to_value(preview)?,
        serde_json::to_value(tally)?,
        serde_json::to_value(risk::brief(preview, Some(&known)))?,
        digest,
        claim.fence,
        planned.plan.0,
        planned.lock_file,
        planned.engine_version,
        planned.base_lineage,
        planned.base_serial,
    )
    .execute(&mut *tx)
    .await?;
    let until = now + Duration::hours(answer.votes_live_hours.max(1));
    let denied = (answer.verdict() == Verdict::Denied).then(|| {
        json!(Refusal::new(
            "The policy forbids this.",
            answer.deny.join(" "),
            "Change the inputs, or ask the platform team.",
        ))
    });
    sqlx::query!(
        "update run set digest = $2, policy = $3, votes_until = $4, failure = coalesce($5, failure) where id = $1",
        claim.run.get(),
        digest,
        serde_json::to_value(&answer)?,
        until,
        denied,
    )
    .execute(&mut *tx)
    .await?;
    let carried = answer.verdict() == Verdict::NeedsVotes && {
        let row = run::Row {
            digest: Some(digest.clone()),
            ..row.clone()
        };
        approval::suffices(&mut tx, &row, &digest, &answer.needs, now).await?
    };
    store::finish_job(&mut tx, claim.job, "done", now).await?;
    let command = Command::FinishPreview {
        empty,
        verdict: answer.verdict(),
        carried,
    };
    let row = run::Row {
        digest: Some(digest),
        policy: Some(answer),
        ..row
    };
    let detail = match (&row.policy, carried) {
        (_, true) => "The same plan as before: its votes still count.".to_owned(),
        (Some(policy), _) => policy
            .rule
            .clone()
            .map(|r| format!("Needs nobody: {r}."))
            .unwrap_or_default(),
        _ => String::new(),
    };
    let row = run::advance(&mut tx, &ctx, &row, command, "run.preview", &detail).await?;
    if empty && row.state == State::NoChanges {
        keep_inputs(&mut tx, claim).await?;
    }
    let mut next = Next::Done(row.state);
    if row.state == State::Approved
        && let Some(job) = store::take_next(&mut tx, claim, worker.id, lease, now).await?
    {
        let row = run::Row {
            fence: job.fence,
            ..row
        };
        let command = Command::StartApply {
            votes: true,
            base: true,
        };
        run::advance(&mut tx, &ctx, &row, command, "run.start_apply", "").await?;
        next = Next::Apply(Box::new(store::load(&mut tx, &job).await?));
    }
    tx.commit().await?;
    Ok(next)
}

/// The preview could not be made: the run ends, with the reason on its page.
///
/// # Errors
/// [`Error::Fenced`].
pub async fn fail_preview(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    why: &Refusal,
    now: OffsetDateTime,
) -> Result<State> {
    end(
        pool,
        worker,
        claim,
        Command::FailPreview,
        "run.fail_preview",
        Some(why),
        now,
    )
    .await
}

/// The worker stopped previewing: somebody called the run off, or the worker itself has to leave.
///
/// # Errors
/// [`Error::Fenced`].
pub async fn stop_preview(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    now: OffsetDateTime,
) -> Result<State> {
    end(
        pool,
        worker,
        claim,
        Command::StopPreview,
        "run.stop_preview",
        None,
        now,
    )
    .await
}

async fn end(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    command: Command,
    action: &str,
    why: Option<&Refusal>,
    now: OffsetDateTime,
) -> Result<State> {
    let mut tx = pool.begin().await?;
    let row = held(&mut tx, claim).await?;
    if let Some(why) = why {
        store::keep_failure(&mut tx, claim.run, why).await?;
    }
    store::finish_job(&mut tx, claim.job, "done", now).await?;
    let detail = why.map(|w| w.detail.as_str()).unwrap_or_default();
    let row = run::advance(&mut tx, &worker.ctx(now), &row, command, action, detail).await?;
    tx.commit().await?;
    Ok(row.state)
}
