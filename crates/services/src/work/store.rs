use serde_json::{Value, json};
use slipway_domain::{
    environment::EnvironmentState,
    id::{DraftId, EnvironmentId, JobId, RunId, StackId, TeamId},
    run::Operation,
};
use slipway_seal::PublicKey;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{Claim, Kind, Lease, Renewed, SealedInput, Stack, Worker};
use crate::{Error, Refusal, Result, draft};

pub async fn register(
    pool: &PgPool,
    name: &str,
    facts: &Value,
    key: (&str, &PublicKey),
    now: OffsetDateTime,
) -> Result<Worker> {
    let mut tx = pool.begin().await?;
    let id = sqlx::query_scalar!(
        "insert into worker (name, facts, started_at, seen_at, created_at) values ($1, $2, $3, $3, $3) returning id",
        name,
        facts,
        now,
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into worker_key (id, public_key, created_at) values ($1, $2, $3)
         on conflict (id) do update set created_at = excluded.created_at",
        key.0,
        &key.1.bytes()[..],
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Worker {
        id,
        name: name.to_owned(),
    })
}

pub async fn beat(pool: &PgPool, id: i64, now: OffsetDateTime, leaves: bool) -> Result<()> {
    sqlx::query!(
        "update worker set seen_at = $2, stopped_at = case when $3 then $2::timestamptz else null end where id = $1",
        id,
        now,
        leaves
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A job in somebody's hands.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub id: JobId,
    pub kind: Kind,
    pub run: RunId,
    pub fence: i64,
    pub lease_until: OffsetDateTime,
}

fn kind(word: &str) -> Result<Kind> {
    match word {
        "preview" => Ok(Kind::Preview),
        "apply" => Ok(Kind::Apply),
        "reconcile" => Ok(Kind::Reconcile),
        _ => Err(Error::broken("a kind of job is unknown")),
    }
}

/// One statement: the oldest job whose environment is not in its grace, claimed, with the run's fence raised.
pub async fn take(
    tx: &mut PgConnection,
    worker: i64,
    lease: Lease,
    now: OffsetDateTime,
) -> Result<Option<Job>> {
    let until = now + lease.length;
    let row = sqlx::query!(
        r#"with next as (
               select j.id, j.run_id from job j
               where j.state = 'queued'
                 and not exists (
                     select from run r join run o on o.environment_id = r.environment_id join job l on l.run_id = o.id
                     where r.id = j.run_id and l.state = 'lost' and l.grace_until > $2)
               order by j.id limit 1 for update of j skip locked),
           raised as (update run set fence = fence + 1 from next where run.id = next.run_id returning run.id, run.fence)
           update job set state = 'claimed', worker_id = $1, claimed_at = $2, lease_until = $3, grace_until = $4,
                  fence = raised.fence
           from next join raised on raised.id = next.run_id where job.id = next.id
           returning job.id, job.kind, job.run_id, job.fence"#,
        worker,
        now,
        until,
        until + lease.grace,
    )
    .fetch_optional(tx)
    .await?;
    row.map(|r| {
        Ok(Job {
            id: JobId::new(r.id),
            kind: kind(&r.kind)?,
            run: RunId::new(r.run_id),
            fence: r.fence,
            lease_until: until,
        })
    })
    .transpose()
}

/// The apply that a finished preview just queued, taken on by the same worker: one commit and one wake-up less.
pub async fn take_next(
    tx: &mut PgConnection,
    claim: &Claim,
    worker: i64,
    lease: Lease,
    now: OffsetDateTime,
) -> Result<Option<Job>> {
    let until = now + lease.length;
    let row = sqlx::query!(
        r#"with raised as (update run set fence = fence + 1 where id = $1 returning id, fence)
           update job set state = 'claimed', worker_id = $2, claimed_at = $3, lease_until = $4, grace_until = $5,
                  fence = raised.fence
           from raised where job.run_id = raised.id and job.state = 'queued' and job.kind = 'apply'
           returning job.id, job.kind, job.run_id, job.fence"#,
        claim.run.get(),
        worker,
        now,
        until,
        until + lease.grace,
    )
    .fetch_optional(tx)
    .await?;
    row.map(|r| {
        Ok(Job {
            id: JobId::new(r.id),
            kind: kind(&r.kind)?,
            run: RunId::new(r.run_id),
            fence: r.fence,
            lease_until: until,
        })
    })
    .transpose()
}

/// The fence rises with the loss: what the lost worker still sends is late from this moment on.
pub async fn take_lost(tx: &mut PgConnection, now: OffsetDateTime) -> Result<Option<Job>> {
    let row = sqlx::query!(
        r#"update job set state = 'lost', finished_at = $1 where id = (
               select id from job where state = 'claimed' and lease_until < $1 order by id limit 1 for update skip locked)
           returning id, kind, run_id, fence, lease_until as "lease_until!""#,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    sqlx::query!("update run set fence = fence + 1 where id = $1", row.run_id)
        .execute(tx)
        .await?;
    Ok(Some(Job {
        id: JobId::new(row.id),
        kind: kind(&row.kind)?,
        run: RunId::new(row.run_id),
        fence: row.fence,
        lease_until: row.lease_until,
    }))
}

pub async fn finish_job(
    tx: &mut PgConnection,
    id: JobId,
    state: &str,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update job set state = $2, finished_at = $3 where id = $1",
        id.get(),
        state,
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes a job out of the queue undone; false if somebody has claimed it meanwhile.
pub async fn drop_job(tx: &mut PgConnection, id: JobId, now: OffsetDateTime) -> Result<bool> {
    let dropped = sqlx::query!(
        "update job set state = 'dropped', finished_at = $2 where id = $1 and state = 'queued'",
        id.get(),
        now
    )
    .execute(tx)
    .await?;
    Ok(dropped.rows_affected() == 1)
}

/// Writes down why a run came to nothing.
pub async fn keep_failure(tx: &mut PgConnection, run: RunId, why: &Refusal) -> Result<()> {
    sqlx::query!(
        "update run set failure = $2 where id = $1",
        run.get(),
        json!(why)
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Everything that the worker needs for the job.
pub async fn load(tx: &mut PgConnection, job: &Job) -> Result<Claim> {
    let r = sqlx::query!(
        r#"select r.environment_id, e.name as environment, e.state as environment_state, e.team_id, t.name as team,
               r.operation, r.template_digest, r.inputs, r.sensitive, r.digest,
               s.stack_id as "stack_id!", k.engine, k.engine_version as stack_engine_version, k.lineage, k.serial,
               s.sealed_plan, s.lock_file, s.engine_version, s.base_lineage, s.base_serial, s.preview
           from run r
           join environment e on e.id = r.environment_id
           join team t on t.id = e.team_id
           join run_step s on s.run_id = r.id and s.n = 1
           join stack k on k.id = s.stack_id
           where r.id = $1"#,
        job.run.get(),
    )
    .fetch_one(&mut *tx)
    .await?;
    let ids: Vec<i64> = r
        .sensitive
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, id)| id.as_i64())
        .collect();
    let secrets = sqlx::query!(
        r#"select name, draft_id as "draft_id!", sealed_value from input_secret where id = any($1) order by name"#,
        &ids
    )
    .fetch_all(tx)
    .await?;
    if secrets.len() != ids.len() {
        return Err(Error::broken(format_args!(
            "run {} misses a sensitive input",
            job.run
        )));
    }
    Ok(Claim {
        job: job.id,
        kind: job.kind,
        run: job.run,
        fence: job.fence,
        environment_id: EnvironmentId::new(r.environment_id),
        environment: r.environment,
        environment_state: EnvironmentState::read(&r.environment_state)
            .ok_or_else(|| Error::broken("state"))?,
        team_id: TeamId::new(r.team_id),
        team: r.team,
        operation: Operation::read(&r.operation).ok_or_else(|| Error::broken("operation"))?,
        template_digest: r.template_digest,
        inputs: serde_json::from_value(r.inputs)?,
        secrets: secrets
            .into_iter()
            .map(|s| SealedInput {
                place: draft::place(DraftId::new(s.draft_id), &s.name),
                name: s.name,
                sealed: s.sealed_value,
            })
            .collect(),
        stack: Stack {
            id: StackId::new(r.stack_id),
            engine: r.engine,
            engine_version: r.stack_engine_version,
            lineage: r.lineage,
            serial: r.serial,
        },
        sealed_plan: r.sealed_plan,
        lock_file: r.lock_file,
        digest: r.digest,
        engine_version: r.engine_version,
        base: (r.base_lineage, r.base_serial.unwrap_or_default()),
        preview: r.preview.map(serde_json::from_value).transpose()?,
        lease_until: job.lease_until,
    })
}

pub async fn renew(
    pool: &PgPool,
    claim: &Claim,
    lease: Lease,
    now: OffsetDateTime,
) -> Result<Renewed> {
    let until = now + lease.length;
    let row = sqlx::query!(
        "update job set lease_until = $4, grace_until = $5 from run
         where job.id = $1 and job.state = 'claimed' and job.fence = $2 and run.id = job.run_id and run.fence = $2
           and job.lease_until >= $3
         returning run.cancel_requested_at, run.cancel_force",
        claim.job.get(),
        claim.fence,
        now,
        until,
        until + lease.grace,
    )
    .fetch_optional(pool)
    .await?
    .ok_or(Error::Fenced)?;
    Ok(Renewed {
        cancel: row.cancel_requested_at.is_some(),
        force: row.cancel_force,
        lease_until: Some(until),
    })
}

pub async fn overdue(pool: &PgPool, now: OffsetDateTime) -> Result<Vec<RunId>> {
    let ids = sqlx::query_scalar!(
        "select id from run where state = 'awaiting_approval' and votes_until <= $1 order by id limit 20",
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(RunId::new).collect())
}
