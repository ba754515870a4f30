//! The one place where a run's state changes.

use serde_json::json;
use slipway_domain::{
    environment::EnvironmentState,
    id::{EnvironmentId, RunId, TeamId, UserId},
    run::{self, Command, Effect, Facts, Operation, State},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    live, notice,
};

/// A run as the machine needs it, locked by the transaction that loaded it.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: RunId,
    pub environment_id: EnvironmentId,
    pub environment_state: EnvironmentState,
    pub team_id: TeamId,
    pub operation: Operation,
    pub state: State,
    pub version: i64,
    pub fence: i64,
    pub waiting: bool,
    pub requested_by: Option<UserId>,
    pub digest: Option<String>,
    pub policy: Option<slipway_policy::Answer>,
    pub touched: bool,
    pub cancel_requested_at: Option<OffsetDateTime>,
    pub votes_until: Option<OffsetDateTime>,
}

/// Loads and locks.
pub async fn load(tx: &mut PgConnection, id: RunId) -> Result<Option<Row>> {
    let row = sqlx::query!(
        r#"select r.id, r.environment_id, e.state as environment_state, e.team_id, r.operation, r.state, r.version,
                  r.fence, r.waiting, r.requested_by, r.digest, r.policy, r.touched, r.cancel_requested_at,
                  r.votes_until
           from run r join environment e on e.id = r.environment_id
           where r.id = $1 for update of r"#,
        id.get(),
    )
    .fetch_optional(tx)
    .await?;
    row.map(|r| {
        Ok(Row {
            id: RunId::new(r.id),
            environment_id: EnvironmentId::new(r.environment_id),
            environment_state: EnvironmentState::read(&r.environment_state)
                .ok_or_else(|| Error::broken("state"))?,
            team_id: TeamId::new(r.team_id),
            operation: Operation::read(&r.operation).ok_or_else(|| Error::broken("operation"))?,
            state: State::read(&r.state).ok_or_else(|| Error::broken("state"))?,
            version: r.version,
            fence: r.fence,
            waiting: r.waiting,
            requested_by: r.requested_by.map(UserId::new),
            digest: r.digest,
            policy: r.policy.map(serde_json::from_value).transpose()?,
            touched: r.touched,
            cancel_requested_at: r.cancel_requested_at,
            votes_until: r.votes_until,
        })
    })
    .transpose()
}

/// Carries a command out: the next state (compare-and-set on the version), the event, the audit record, the jobs, and
/// what follows for the environment, all in the caller's transaction.
///
/// `action` is the audit trail's and the event's word, `detail` what a person said or what was found.
pub async fn advance(
    tx: &mut PgConnection,
    ctx: &Ctx,
    row: &Row,
    command: Command,
    action: &str,
    detail: &str,
) -> Result<Row> {
    let facts = Facts {
        cancel_requested: row.cancel_requested_at.is_some(),
    };
    let step = run::apply(row.state, command, facts).map_err(|refused| {
        Error::stale(
            "Nothing was changed.",
            refused.why,
            "The page shows where the run stands now.",
        )
    })?;
    let over = step.state.is_over();
    let mut next = Row {
        state: step.state,
        version: row.version + 1,
        touched: (row.touched || step.state == State::Applying) && !command.nothing_begun(),
        cancel_requested_at: if step.effects.contains(&Effect::AskToStop) {
            Some(ctx.now)
        } else {
            row.cancel_requested_at
        },
        waiting: row.waiting && !over,
        ..row.clone()
    };
    let changed = sqlx::query!(
        "update run set state = $3, version = version + 1, touched = $4, cancel_requested_at = $5, waiting = $6,
                finished_at = case when $7 then $8::timestamptz else null end
         where id = $1 and version = $2",
        row.id.get(),
        row.version,
        next.state.word(),
        next.touched,
        next.cancel_requested_at,
        next.waiting,
        over,
        ctx.now,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if changed != 1 {
        return Err(Error::stale(
            "Nothing was changed.",
            "Somebody was a moment faster.",
            "Look again.",
        ));
    }
    tell(tx, ctx, row.id, next.state, action, detail).await?;
    let entry = Entry::new(action, "run", row.id.get(), Some(row.team_id))
        .before(json!({ "state": row.state }))
        .after(json!({ "state": next.state, "digest": row.digest }))
        .detail(detail);
    audit::record(tx, ctx, entry).await?;

    for effect in &step.effects {
        match effect {
            Effect::QueuePreview if next.waiting => {}
            Effect::QueuePreview => queue(tx, row.id, "preview", ctx.now).await?,
            Effect::QueueApply => queue(tx, row.id, "apply", ctx.now).await?,
            Effect::QueueReconcile => queue(tx, row.id, "reconcile", ctx.now).await?,
            Effect::DropJobs => {
                sqlx::query!(
                    "update job set state = 'dropped', finished_at = $2 where run_id = $1 and state = 'queued'",
                    row.id.get(),
                    ctx.now
                )
                .execute(&mut *tx)
                .await?;
            }
            Effect::AskToStop => {}
            Effect::Finish => finish(tx, ctx, &mut next, command.as_before()).await?,
        }
    }
    if next.state == State::Unknown {
        set_environment(tx, &mut next, EnvironmentState::Unknown, ctx.now).await?;
    }
    if next.state != row.state {
        notice::changed(tx, ctx, &next).await?;
    }
    notify(tx, &next).await?;
    Ok(next)
}

/// Writes the event that the run's page shows.
async fn tell(
    tx: &mut PgConnection,
    ctx: &Ctx,
    run: RunId,
    state: State,
    action: &str,
    detail: &str,
) -> Result<()> {
    let actor = ctx.actor.as_ref();
    sqlx::query!(
        "insert into run_event (run_id, at, state, kind, actor_id, worker, detail, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $2)",
        run.get(),
        ctx.now,
        state.word(),
        action,
        actor.map(|a| a.user.get()).filter(|id| *id > 0),
        actor.filter(|a| a.user.get() <= 0).map(|a| a.name.as_str()),
        json!({ "text": detail }),
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Queues a job; at most one is open per run, by a unique index.
pub async fn queue(
    tx: &mut PgConnection,
    run: RunId,
    kind: &str,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into job (kind, run_id, state, created_at) values ($1, $2, 'queued', $3)",
        kind,
        run.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    live::notify(tx, &live::Event::Job).await
}

/// Tells open pages that a run changed.
pub async fn notify(tx: &mut PgConnection, row: &Row) -> Result<()> {
    live::notify(
        tx,
        &live::Event::Run {
            run: row.id,
            version: row.version,
            state: row.state,
        },
    )
    .await
}

async fn set_environment(
    tx: &mut PgConnection,
    row: &mut Row,
    state: EnvironmentState,
    now: OffsetDateTime,
) -> Result<()> {
    if state == row.environment_state {
        return Ok(());
    }
    sqlx::query!(
        "update environment set state = $2, version = version + 1,
                destroyed_at = case when $3 then $4::timestamptz else null end
         where id = $1",
        row.environment_id.get(),
        state.word(),
        state.is_over(),
        now,
    )
    .execute(&mut *tx)
    .await?;
    row.environment_state = state;
    Ok(())
}

/// The run is over: the environment is what it now is, the saved plan goes, and the next run in the row gets its turn.
///
/// `as_before`: whatever the run began, the world is what it was.
async fn finish(tx: &mut PgConnection, ctx: &Ctx, row: &mut Row, as_before: bool) -> Result<()> {
    // A request that is being made right now has found the environment taken: it must be seen below, or nobody would ever
    // give it its turn. Requests hold this lock until they are committed.
    sqlx::query!(
        "select id from environment where id = $1 for update",
        row.environment_id.get()
    )
    .fetch_one(&mut *tx)
    .await?;
    let state = row
        .environment_state
        .after(row.operation, row.state, row.touched && !as_before);
    set_environment(tx, row, state, ctx.now).await?;
    sqlx::query!(
        "update run_step set sealed_plan = null, state = $2 where run_id = $1",
        row.id.get(),
        row.state.word()
    )
    .execute(&mut *tx)
    .await?;
    if state.is_over() {
        // What waited for an environment that is gone can never happen.
        const WHY: &str = "It ended before this run had its turn.";
        let orphans = sqlx::query!(
            "update run set state = 'canceled', version = version + 1, finished_at = $2, waiting = false,
                    failure = $3
             where environment_id = $1 and waiting returning id, version",
            row.environment_id.get(),
            ctx.now,
            json!({ "message": "The environment is gone.", "detail": WHY, "hint": "" }),
        )
        .fetch_all(&mut *tx)
        .await?;
        for orphan in orphans {
            let run = RunId::new(orphan.id);
            tell(tx, ctx, run, State::Canceled, "run.cancel", WHY).await?;
            let entry = Entry::new("run.cancel", "run", orphan.id, Some(row.team_id))
                .detail("the environment is gone");
            audit::record(tx, ctx, entry).await?;
            let canceled = live::Event::Run {
                run,
                version: orphan.version,
                state: State::Canceled,
            };
            live::notify(tx, &canceled).await?;
            notice::orphaned(tx, ctx, run).await?;
        }
        sqlx::query!(
            "update environment set sensitive = '{}' where id = $1",
            row.environment_id.get()
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "delete from input_secret where environment_id = $1",
            row.environment_id.get()
        )
        .execute(&mut *tx)
        .await?;
        return Ok(());
    }
    let next = sqlx::query_scalar!(
        "update run set waiting = false, version = version + 1
         where id = (select id from run where environment_id = $1 and waiting order by id limit 1)
           and not exists (select from run r where r.environment_id = $1 and not r.waiting and r.finished_at is null)
         returning id",
        row.environment_id.get(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(next) = next {
        queue(tx, RunId::new(next), "preview", ctx.now).await?;
    }
    Ok(())
}
