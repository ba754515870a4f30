//! What a worker reports, and what follows from it.

use std::collections::BTreeSet;

use serde_json::json;
use slipway_domain::{
    environment::Class,
    plan::{Outcome, Output, Preview},
    risk,
    run::{Command, Found, Operation, Seen, State, Verdict},
};
use slipway_seal::{Digest, Sealed};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use super::{Claim, Kind, Lease, Worker, store};
use crate::{Ctx, Error, Refusal, Result, approval, deployment, environment::Resource, run};

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

/// How an apply ended.
#[derive(Clone, Debug)]
pub enum Applied {
    /// All of it was done.
    Done,
    /// It stopped with an error.
    Failed(Refusal),
    /// It was interrupted, its state saved.
    Interrupted,
    /// The engine died or was killed: nobody knows what was done. The run becomes unknown.
    Vanished(Refusal),
}

/// What exists, read from the state.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Its outputs; sensitive ones without their value.
    pub outputs: Vec<Output>,
    /// Its resources.
    pub resources: Vec<Resource>,
}

/// Loads the run and checks that this claim still holds it.
async fn held(tx: &mut PgConnection, claim: &Claim) -> Result<run::Row> {
    let row = run::load(tx, claim.run).await?.ok_or(Error::NotFound)?;
    if row.fence == claim.fence && row.state.is_working() {
        Ok(row)
    } else {
        Err(Error::Fenced)
    }
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
        approval::suffices(&mut tx, &row, &digest, &answer.needs).await?
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
        None,
        None,
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
        None,
        None,
        now,
    )
    .await
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
        Applied::Failed(why) => (Command::FailApply, "run.fail_apply", Some(why)),
        Applied::Interrupted => (Command::InterruptApply, "run.interrupt_apply", None),
        Applied::Vanished(why) => (Command::LoseApply, "run.lose", Some(why)),
    };
    if let Some(why) = failure {
        sqlx::query!(
            "update run set failure = $2 where id = $1",
            claim.run.get(),
            json!(why)
        )
        .execute(&mut *tx)
        .await?;
    }
    let detail = failure.map(|f| f.detail.as_str()).unwrap_or_default();
    if !matches!(applied, Applied::Done) {
        store::finish_job(&mut tx, claim.job, "done", now).await?;
    }
    let mut row = run::advance(&mut tx, &ctx, &row, command, action, detail).await?;
    if row.state == State::Verifying
        && let Some(seen) = seen
    {
        row = verified(&mut tx, &ctx, claim, &row, seen).await?;
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
    let row = verified(&mut tx, &ctx, claim, &row, seen).await?;
    tx.commit().await?;
    Ok(row.state)
}

async fn verified(
    tx: &mut PgConnection,
    ctx: &Ctx,
    claim: &Claim,
    row: &run::Row,
    seen: Seen,
) -> Result<run::Row> {
    store::finish_job(tx, claim.job, "done", ctx.now).await?;
    keep_inputs(tx, claim).await?;
    let detail = match seen {
        Seen::AsPlanned => "",
        Seen::Differs => "What exists differs from what was planned.",
        Seen::NotSeen => "It was applied, and could not be looked at afterwards.",
    };
    let row = run::advance(tx, ctx, row, Command::Verify(seen), "run.verify", detail).await?;
    remember(tx, ctx, &row).await?;
    Ok(row)
}

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
        row = verified(&mut tx, &ctx, claim, &row, Seen::AsPlanned).await?;
    } else {
        store::finish_job(&mut tx, claim.job, "done", now).await?;
        if row.state.is_over() {
            remember(&mut tx, &ctx, &row).await?;
        }
    }
    tx.commit().await?;
    Ok(row.state)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one row of facts, used by three reports above"
)]
async fn end(
    pool: &PgPool,
    worker: &Worker,
    claim: &Claim,
    command: Command,
    action: &str,
    why: Option<&Refusal>,
    outcome: Option<&Outcome>,
    world: Option<&World>,
    now: OffsetDateTime,
) -> Result<State> {
    let mut tx = pool.begin().await?;
    let row = held(&mut tx, claim).await?;
    if let Some(why) = why {
        sqlx::query!(
            "update run set failure = $2 where id = $1",
            claim.run.get(),
            json!(why)
        )
        .execute(&mut *tx)
        .await?;
    }
    if let Some(outcome) = outcome {
        sqlx::query!(
            "update run_step set outcome = $2 where run_id = $1 and n = 1",
            claim.run.get(),
            serde_json::to_value(outcome)?
        )
        .execute(&mut *tx)
        .await?;
    }
    keep_world(&mut tx, claim, world).await?;
    store::finish_job(&mut tx, claim.job, "done", now).await?;
    let detail = why.map(|w| w.detail.as_str()).unwrap_or_default();
    let row = run::advance(&mut tx, &worker.ctx(now), &row, command, action, detail).await?;
    tx.commit().await?;
    Ok(row.state)
}

async fn keep_world(tx: &mut PgConnection, claim: &Claim, world: Option<&World>) -> Result<()> {
    if let Some(world) = world {
        sqlx::query!(
            "update environment set outputs = $2, resources = $3 where id = $1",
            claim.environment_id.get(),
            serde_json::to_value(&world.outputs)?,
            serde_json::to_value(&world.resources)?,
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query!(
        "update stack set engine_version = s.engine_version from run_step s
         where s.run_id = $1 and s.n = 1 and stack.id = s.stack_id and s.engine_version is not null",
        claim.run.get(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What the run was made with is what the environment runs now.
async fn keep_inputs(tx: &mut PgConnection, claim: &Claim) -> Result<()> {
    if claim.operation == Operation::Destroy {
        return Ok(());
    }
    sqlx::query!(
        "update environment e set inputs = r.inputs, sensitive = r.sensitive, template_digest = r.template_digest
         from run r where r.id = $1 and e.id = r.environment_id",
        claim.run.get(),
    )
    .execute(&mut *tx)
    .await?;
    // Values that nothing refers to any more are gone for good.
    sqlx::query!(
        "delete from input_secret i where i.environment_id = $1
           and not exists (select from environment e, jsonb_each(e.sensitive) s
               where e.id = $1 and s.value = to_jsonb(i.id))
           and not exists (select from run r, jsonb_each(r.sensitive) s
               where r.environment_id = $1 and (r.finished_at is null or r.id = $2) and s.value = to_jsonb(i.id))",
        claim.environment_id.get(),
        claim.run.get(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the history: one row per run that began to apply.
async fn remember(tx: &mut PgConnection, ctx: &Ctx, row: &run::Row) -> Result<()> {
    if !row.touched || !row.state.is_over() {
        return Ok(());
    }
    let tally = sqlx::query_scalar!(
        "select tally from run_step where run_id = $1 and n = 1",
        row.id.get()
    )
    .fetch_optional(&mut *tx)
    .await?
    .flatten()
    .unwrap_or_else(|| json!({ "create": 0, "update": 0, "replace": 0, "delete": 0 }));
    let digest = row.digest.as_deref().unwrap_or_default();
    let approved_by = approval::approvers(tx, row.id, digest)
        .await?
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    deployment::insert(
        tx,
        ctx,
        deployment::New {
            run: row.id,
            outcome: row.state,
            tally,
            approved_by,
        },
    )
    .await
}
