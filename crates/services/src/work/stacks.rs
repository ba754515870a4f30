//! The Terraform states of stacks: every version kept, sealed; one lock each; a late upload kept as a candidate.

use serde_json::Value;
use slipway_domain::id::{RunId, StackId};
use slipway_seal::Sealed;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::Claim;
use crate::{Error, Result};

/// A stored state.
#[derive(Clone, Debug)]
pub struct StoredState {
    /// Its own number.
    pub id: i64,
    /// Its serial.
    pub serial: i64,
    /// Its lineage.
    pub lineage: String,
    /// The state itself, sealed by a worker for `state/<stack>`.
    pub sealed: Vec<u8>,
    /// The run that wrote it.
    pub run: Option<RunId>,
    /// When.
    pub at: OffsetDateTime,
}

/// Who holds a state's lock.
#[derive(Clone, Debug)]
pub enum Lock {
    /// The caller does, now.
    Held,
    /// Somebody else does: Terraform's own lock info.
    Taken(Value),
}

/// The state in force.
///
/// # Errors
/// Database errors.
pub async fn current_state(worker: &PgPool, stack: StackId) -> Result<Option<StoredState>> {
    let row = sqlx::query!(
        "select id, serial, lineage, sealed_state, run_id, created_at from state_version
         where stack_id = $1 and not candidate order by id desc limit 1",
        stack.get(),
    )
    .fetch_optional(worker)
    .await?;
    Ok(row.map(|r| StoredState {
        id: r.id,
        serial: r.serial,
        lineage: r.lineage,
        sealed: r.sealed_state,
        run: r.run_id.map(RunId::new),
        at: r.created_at,
    }))
}

/// Late uploads of a run, newest first: evidence, never current by themselves.
///
/// # Errors
/// Database errors.
pub async fn candidates(worker: &PgPool, stack: StackId, run: RunId) -> Result<Vec<StoredState>> {
    let rows = sqlx::query!(
        "select id, serial, lineage, sealed_state, run_id, created_at from state_version
         where stack_id = $1 and run_id = $2 and candidate order by id desc limit 10",
        stack.get(),
        run.get(),
    )
    .fetch_all(worker)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| StoredState {
            id: r.id,
            serial: r.serial,
            lineage: r.lineage,
            sealed: r.sealed_state,
            run: r.run_id.map(RunId::new),
            at: r.created_at,
        })
        .collect())
}

/// Puts a candidate in force: it records more than the state in force does, and the claim that found so holds. Who calls
/// this has compared the two; the candidate itself stays as it came.
///
/// # Errors
/// [`Error::Fenced`] if the claim was lost.
pub async fn promote(
    worker: &PgPool,
    claim: &Claim,
    candidate: &StoredState,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = worker.begin().await?;
    super::report::held(&mut tx, claim).await?;
    sqlx::query!(
        "insert into state_version (stack_id, serial, lineage, sealed_state, run_id, fence, candidate, created_at)
         select stack_id, serial, lineage, sealed_state, run_id, $3, false, $4 from state_version
         where id = $2 and stack_id = $1 and candidate",
        claim.stack.id.get(),
        candidate.id,
        claim.fence,
        now,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update stack set serial = $2, lineage = $3 where id = $1",
        claim.stack.id.get(),
        candidate.serial,
        candidate.lineage,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The stack that a run's step works on; `None` if there is no such run.
///
/// # Errors
/// Database errors.
pub async fn stack_of(worker: &PgPool, run: RunId) -> Result<Option<StackId>> {
    Ok(sqlx::query_scalar!(
        "select stack_id from run_step where run_id = $1 and n = 1",
        run.get()
    )
    .fetch_optional(worker)
    .await?
    .flatten()
    .map(StackId::new))
}

/// An uploaded state on its way to the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Whose state.
    pub stack: StackId,
    /// The run that wrote it.
    pub run: RunId,
    /// The fence that its worker claimed with.
    pub fence: i64,
    /// Its serial.
    pub serial: i64,
    /// Its lineage.
    pub lineage: String,
    /// Known to be late or rescued: never current by itself.
    pub candidate: bool,
}

/// Keeps an uploaded state: as the current one if the claim that it was written under still holds, else as a candidate.
/// Answers whether it is current.
///
/// # Errors
/// Database errors.
pub async fn save_state(
    worker: &PgPool,
    upload: &Upload,
    sealed: &Sealed,
    now: OffsetDateTime,
) -> Result<bool> {
    let mut tx = worker.begin().await?;
    let fence = sqlx::query_scalar!(
        "select fence from run where id = $1 for update",
        upload.run.get()
    )
    .fetch_one(&mut *tx)
    .await?;
    let current = fence == upload.fence && !upload.candidate;
    sqlx::query!(
        "insert into state_version (stack_id, serial, lineage, sealed_state, run_id, fence, candidate, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        upload.stack.get(),
        upload.serial,
        upload.lineage,
        sealed.0,
        upload.run.get(),
        upload.fence,
        !current,
        now,
    )
    .execute(&mut *tx)
    .await?;
    if current {
        sqlx::query!(
            "update stack set serial = $2, lineage = $3 where id = $1",
            upload.stack.get(),
            upload.serial,
            upload.lineage
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(current)
}

/// Locks a stack's state for the claim's run. A lock that a lost claim of the same environment left behind is taken
/// over: its children are dead by then (the queue waits for their grace).
///
/// # Errors
/// [`Error::Fenced`] if the claim was lost.
pub async fn lock_state(
    worker: &PgPool,
    claim: &Claim,
    lock_id: &str,
    info: &Value,
) -> Result<Lock> {
    let mut tx = worker.begin().await?;
    let row = sqlx::query!(
        "select k.lock_id, k.lock_info, k.locked_by_run, r.fence from stack k, run r where k.id = $1 and r.id = $2
         for update of k",
        claim.stack.id.get(),
        claim.run.get(),
    )
    .fetch_one(&mut *tx)
    .await?;
    if row.fence != claim.fence {
        return Err(Error::Fenced);
    }
    let held_by_working_run = match row.locked_by_run {
        Some(run) if row.lock_id.is_some() => {
            sqlx::query_scalar!(
                r#"select exists (select from job where run_id = $1 and state = 'claimed' and id <> $2) as "holds!""#,
                run,
                claim.job.get(),
            )
            .fetch_one(&mut *tx)
            .await?
        }
        _ => false,
    };
    if held_by_working_run {
        return Ok(Lock::Taken(row.lock_info.unwrap_or_default()));
    }
    sqlx::query!(
        "update stack set lock_id = $2, lock_info = $3, locked_by_run = $4 where id = $1",
        claim.stack.id.get(),
        lock_id,
        info,
        claim.run.get(),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Lock::Held)
}

/// Gives the lock back; of somebody else's it takes nothing.
///
/// # Errors
/// Database errors.
pub async fn unlock_state(worker: &PgPool, claim: &Claim, lock_id: Option<&str>) -> Result<()> {
    sqlx::query!(
        "update stack set lock_id = null, lock_info = null, locked_by_run = null
         where id = $1 and locked_by_run = $2 and ($3::text is null or lock_id = $3)",
        claim.stack.id.get(),
        claim.run.get(),
        lock_id,
    )
    .execute(worker)
    .await?;
    Ok(())
}

/// True if the state is the one that the run's preview was made on.
pub async fn base_holds(tx: &mut PgConnection, run: RunId) -> Result<bool> {
    sqlx::query_scalar!(
        r#"select s.base_serial is not null and s.base_serial = k.serial and s.base_lineage is not distinct from k.lineage
           as "holds!" from run_step s join stack k on k.id = s.stack_id where s.run_id = $1 and s.n = 1"#,
        run.get(),
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| Error::broken("a run without a step"))
}
