//! What workers do with the queue: claim, renew, report, and find what others left behind.
//!
//! Each claim raises the run's fence, and every write of a worker carries the fence that it claimed with: a worker whose
//! lease ran out cannot write ([`Error::Fenced`]), whatever it still believes. Nothing here applies anything by itself:
//! a run whose worker vanished while applying becomes `unknown` and waits for a person.

mod report;
mod stacks;
mod store;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use slipway_domain::{
    environment::EnvironmentState,
    id::{EnvironmentId, JobId, RunId, StackId, TeamId, UserId},
    role::Actor,
    run::{Command, Operation, State},
};
use slipway_seal::PublicKey;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

pub(crate) use report::held;
pub use report::{
    Applied, Next, Planned, World, fail_preview, finish_apply, finish_preview, finish_reconcile,
    outdate, stop_preview, verify,
};
pub use stacks::{
    Lock, StoredState, Upload, candidates, current_state, lock_state, promote, save_state,
    stack_of, unlock_state,
};

use crate::{Ctx, Error, Result, run};

/// A worker, as the database knows it.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its id.
    pub id: i64,
    /// Its name, for people.
    pub name: String,
}

impl Worker {
    /// The context in which the worker writes: it acts by a rule, not as a person.
    #[must_use]
    pub fn ctx(&self, now: OffsetDateTime) -> Ctx {
        let actor = Actor {
            user: UserId::new(0),
            name: self.name.clone(),
            session: None,
            token: None,
            teams: vec![],
            org: vec![],
        };
        Ctx {
            actor: Some(actor),
            request_id: format!("worker/{}", self.id),
            now,
        }
    }
}

/// How long a claim lives without being renewed, and how long its children may outlive it.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// A claim that is not renewed for so long is lost.
    pub length: Duration,
    /// The worker kills its children so long after that at the latest; nothing new starts before.
    pub grace: Duration,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Work out what would change.
    Preview,
    /// Do exactly what was approved.
    Apply,
    /// Find out what an interrupted apply did.
    Reconcile,
}

/// A sensitive input, sealed by the web process.
#[derive(Clone, Debug)]
pub struct SealedInput {
    /// Its name.
    pub name: String,
    /// The place that it was sealed for.
    pub place: String,
    /// Its bytes.
    pub sealed: Vec<u8>,
}

/// The stack of a claimed step.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its id.
    pub id: StackId,
    /// `terraform` or `opentofu`.
    pub engine: String,
    /// Version of the engine that last wrote its state.
    pub engine_version: Option<String>,
    /// The state's lineage; `None` before the first.
    pub lineage: Option<String>,
    /// The state's serial; 0 before the first.
    pub serial: i64,
}

/// A claimed run, with all that a worker needs to carry its step out.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The job.
    pub job: JobId,
    /// What is to be done.
    pub kind: Kind,
    /// The run.
    pub run: RunId,
    /// The fence that this claim raised.
    pub fence: i64,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The environment's name.
    pub environment: String,
    /// What is known to exist.
    pub environment_state: EnvironmentState,
    /// Its team.
    pub team_id: TeamId,
    /// The team's name.
    pub team: String,
    /// What the run does.
    pub operation: Operation,
    /// The template's version.
    pub template_digest: String,
    /// Inputs without the sensitive ones.
    pub inputs: Map<String, Value>,
    /// The sensitive ones.
    pub secrets: Vec<SealedInput>,
    /// The stack.
    pub stack: Stack,
    /// The saved plan, sealed (apply only).
    pub sealed_plan: Option<Vec<u8>>,
    /// The dependency lock file of the preview.
    pub lock_file: Option<String>,
    /// The approved digest (apply only).
    pub digest: Option<String>,
    /// The engine's version at preview.
    pub engine_version: Option<String>,
    /// The state that the preview was made on.
    pub base: (Option<String>, i64),
    /// What the preview would change (apply and reconcile).
    pub preview: Option<slipway_domain::plan::Preview>,
    /// When the lease ends unless it is renewed.
    pub lease_until: OffsetDateTime,
}

/// What a renewal says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Somebody called the run off: stop cleanly.
    pub cancel: bool,
    /// Stop at once, whatever it costs.
    pub force: bool,
    /// The new end of the lease.
    pub lease_until: Option<OffsetDateTime>,
}

/// Enters the house: the worker's row, and its public key for the web side to seal with.
///
/// # Errors
/// Database errors.
pub async fn register(
    worker: &PgPool,
    name: &str,
    facts: &Value,
    key: (&str, &PublicKey),
    now: OffsetDateTime,
) -> Result<Worker> {
    store::register(worker, name, facts, key, now).await
}

/// Says that the worker is there.
///
/// # Errors
/// Database errors.
pub async fn beat(pool: &PgPool, worker: &Worker, now: OffsetDateTime) -> Result<()> {
    store::beat(pool, worker.id, now, false).await
}

/// Says that the worker leaves.
///
/// # Errors
/// Database errors.
pub async fn leave(pool: &PgPool, worker: &Worker, now: OffsetDateTime) -> Result<()> {
    store::beat(pool, worker.id, now, true).await
}

/// Claims the oldest job that can be done, if there is one. In the same transaction the run's fence rises and its state
/// changes; for an apply the votes are judged again first, by the roles that their casters hold now, and the base is
/// compared. A job whose run turns out not to be ready is done with that, and the next one is tried.
///
/// # Errors
/// Database errors.
pub async fn claim(
    pool: &PgPool,
    worker: &Worker,
    lease: Lease,
    now: OffsetDateTime,
) -> Result<Option<Claim>> {
    loop {
        let mut tx = pool.begin().await?;
        let Some(job) = store::take(&mut tx, worker.id, lease, now).await? else {
            return Ok(None);
        };
        let claimed = start(&mut tx, &worker.ctx(now), job).await;
        match claimed {
            Ok(Some(claim)) => {
                tx.commit().await?;
                return Ok(Some(claim));
            }
            Ok(None) => tx.commit().await?,
            // Somebody changed the run between the queueing and now, and the job has lost its meaning.
            Err(Error::Stale(why)) => {
                tracing::info!(run = %job.run, why = %why.detail, "a job was dropped");
                tx.rollback().await?;
                store::drop_job(&mut *pool.acquire().await?, job.id, now).await?;
            }
            Err(error) if cannot_be_begun(&error) => {
                tracing::error!(run = %job.run, %error, "a job cannot be begun");
                tx.rollback().await?;
                give_up(pool, worker, job, &error, now).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// True for what is wrong with this one job, and will be the next time too.
fn cannot_be_begun(error: &Error) -> bool {
    use sqlx::Error as E;
    matches!(
        error,
        Error::Broken(_) | Error::NotFound | Error::Database(E::ColumnDecode { .. } | E::Decode(_))
    )
}

/// One job that cannot be begun must not hold up all that stand behind it: its run ends, and says why.
async fn give_up(
    pool: &PgPool,
    worker: &Worker,
    job: store::Job,
    error: &Error,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    if !store::drop_job(&mut tx, job.id, now).await? {
        return Ok(());
    }
    // A run that cannot even be read stays as it is, for whoever mends it.
    if let Ok(Some(mut row)) = run::load(&mut tx, job.run).await {
        let held = Command::StartApply {
            votes: true,
            base: true,
        };
        let commands: &[Command] = match job.kind {
            Kind::Preview => &[Command::StartPreview, Command::FailPreview],
            Kind::Apply => &[held, Command::RefuseApply],
            Kind::Reconcile => &[Command::LoseReconcile],
        };
        let why = crate::Refusal::new(
            "This run could not be begun.",
            error.to_string(),
            "Ask for it again; if that comes to the same, the platform team has to look.",
        );
        store::keep_failure(&mut tx, job.run, &why).await?;
        for command in commands {
            row = run::advance(
                &mut tx,
                &worker.ctx(now),
                &row,
                *command,
                "run.give_up",
                &why.detail,
            )
            .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn start(tx: &mut sqlx::PgConnection, ctx: &Ctx, job: store::Job) -> Result<Option<Claim>> {
    let row = run::load(tx, job.run).await?.ok_or(Error::NotFound)?;
    let (command, action) = match job.kind {
        Kind::Preview => (Command::StartPreview, "run.start_preview"),
        Kind::Reconcile => return store::load(tx, &job).await.map(Some),
        Kind::Apply => {
            let digest = row.digest.clone().unwrap_or_default();
            let needs = row
                .policy
                .as_ref()
                .map(|p| p.needs.clone())
                .unwrap_or_default();
            let votes = crate::approval::suffices(tx, &row, &digest, &needs, ctx.now).await?;
            let base = stacks::base_holds(tx, job.run).await?;
            (Command::StartApply { votes, base }, "run.start_apply")
        }
    };
    let detail = match command {
        Command::StartApply { base: false, .. } => {
            "The state has moved on since the plan was made: planned again."
        }
        Command::StartApply { votes: false, .. } => {
            "A vote no longer counts: its caster lost the role, or left."
        }
        _ => "",
    };
    // Before the run starts, so that a re-plan can queue its own job.
    let moves_on = matches!(
        command,
        Command::StartPreview
            | Command::StartApply {
                votes: true,
                base: true
            }
    );
    if !moves_on {
        store::finish_job(tx, job.id, "done", ctx.now).await?;
    }
    let row = run::advance(tx, ctx, &row, command, action, detail).await?;
    if !row.state.is_working() {
        return Ok(None);
    }
    store::load(tx, &job).await.map(Some)
}

/// Renews a claim.
///
/// # Errors
/// [`Error::Fenced`] if the lease was lost: stop the children, write nothing.
pub async fn renew(
    pool: &PgPool,
    claim: &Claim,
    lease: Lease,
    now: OffsetDateTime,
) -> Result<Renewed> {
    store::renew(pool, claim, lease, now).await
}

/// Finds claims whose lease ran out: previews are queued again, applies become unknown. Answers the runs.
///
/// # Errors
/// Database errors.
pub async fn reap(
    pool: &PgPool,
    worker: &Worker,
    now: OffsetDateTime,
) -> Result<Vec<(RunId, State)>> {
    let mut reaped = Vec::new();
    for _ in 0..100 {
        let mut tx = pool.begin().await?;
        let Some(job) = store::take_lost(&mut tx, now).await? else {
            break;
        };
        let row = run::load(&mut tx, job.run).await?.ok_or(Error::NotFound)?;
        let command = match (job.kind, row.state) {
            (Kind::Preview, _) => Command::LosePreview,
            (Kind::Reconcile, State::Reconciling) => Command::LoseReconcile,
            (Kind::Apply | Kind::Reconcile, _) => Command::LoseApply,
        };
        let detail = "The worker that held it was not heard of any more.";
        let lost = run::advance(&mut tx, &worker.ctx(now), &row, command, "run.lose", detail).await;
        match lost {
            Ok(row) => reaped.push((row.id, row.state)),
            // The run stands somewhere else by now; the job is lost all the same, and the next one is looked at.
            Err(Error::Stale(why)) => {
                tracing::warn!(run = %row.id, why = %why.detail, "a lost job had no run any more");
            }
            Err(error) => return Err(error),
        }
        tx.commit().await?;
    }
    Ok(reaped)
}

/// Ends runs whose votes were not given in time. Answers how many.
///
/// # Errors
/// Database errors.
pub async fn expire_votes(pool: &PgPool, worker: &Worker, now: OffsetDateTime) -> Result<usize> {
    let mut expired = 0;
    for id in store::overdue(pool, now).await? {
        let mut tx = pool.begin().await?;
        if let Some(row) = run::load(&mut tx, id).await?
            && row.state == State::AwaitingApproval
            && row.votes_until.is_some_and(|until| until <= now)
        {
            run::advance(
                &mut tx,
                &worker.ctx(now),
                &row,
                Command::Expire,
                "run.expire",
                "Nobody decided in time.",
            )
            .await?;
            tx.commit().await?;
            expired += 1;
        }
    }
    Ok(expired)
}

/// Opens the sealed inputs of a claim.
///
/// # Errors
/// [`Error::Broken`] if one does not open: another key, or changed bytes.
pub fn open_inputs(
    claim: &Claim,
    key: &slipway_seal::WorkerKey,
) -> Result<BTreeMap<String, slipway_seal::Secret>> {
    claim
        .secrets
        .iter()
        .map(|input| {
            let secret = key
                .open_input(&input.sealed, &input.place)
                .map_err(|error| {
                    Error::broken(format_args!("the sensitive input {}: {error}", input.name))
                })?;
            Ok((input.name.clone(), secret))
        })
        .collect()
}
