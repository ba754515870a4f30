//! Where Terraform's states go: sealed into the worker's spool with fsync, answered, and drained to PostgreSQL, so that
//! a database that restarts in mid-apply costs nothing.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use slipway_adapters::terraform::{
    Entry, Locked, Rescued, Spool, StateStore, StateVersion, StoreError,
};
use slipway_domain::id::{RunId, StackId};
use slipway_seal::{Sealed, WorkerKey};
use slipway_services::{
    Error, PgPool,
    work::{self, Claim, Lock, Upload},
};

use crate::{Shared, now};

type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The state of one stack, as one claim may use it.
#[derive(Debug)]
pub struct Store {
    pool: PgPool,
    key: WorkerKey,
    claim: Claim,
    folder: std::path::PathBuf,
    /// The last state that was spooled: what a read must answer while the database has not got it yet.
    last: Mutex<Option<Bytes>>,
}

fn place(stack: StackId) -> String {
    format!("state/{stack}")
}

fn away(error: Error) -> StoreError {
    match error {
        Error::Fenced => StoreError::Fenced,
        error => StoreError::Unavailable(error.to_string()),
    }
}

impl Store {
    /// For a claim.
    pub fn new(shared: &Shared, claim: &Claim) -> Self {
        Self {
            pool: shared.pool.clone(),
            key: shared.key.clone(),
            claim: claim.clone(),
            folder: shared.config.folder.clone(),
            last: Mutex::new(None),
        }
    }

    /// Keeps a state that could not be uploaded: evidence for people, never current by itself.
    pub async fn rescue(&self, state: &[u8]) -> anyhow::Result<()> {
        let version = slipway_adapters::terraform::state::lineage_serial(state)?;
        self.spool(&version, state, true)?;
        drain(&self.pool, &self.folder).await;
        Ok(())
    }

    fn spool(&self, version: &StateVersion, state: &[u8], candidate: bool) -> std::io::Result<()> {
        let sealed = self.key.seal(state, &place(self.claim.stack.id));
        let upload = Upload {
            stack: self.claim.stack.id,
            run: self.claim.run,
            fence: self.claim.fence,
            serial: i64::try_from(version.serial).unwrap_or(i64::MAX),
            lineage: version.lineage.clone(),
            candidate,
        };
        open(&self.folder)?
            .put(&label(&upload), &sealed.0)
            .map(drop)
    }
}

impl StateStore for Store {
    fn load(&self) -> Boxed<'_, Option<Bytes>> {
        Box::pin(async {
            if let Some(last) = self
                .last
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
            {
                return Ok(Some(last));
            }
            let Some(stored) = work::current_state(&self.pool, self.claim.stack.id)
                .await
                .map_err(away)?
            else {
                return Ok(None);
            };
            let state = self
                .key
                .open(&stored.sealed, &place(self.claim.stack.id))
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            Ok(Some(state.into()))
        })
    }

    fn save(&self, version: StateVersion, state: Bytes) -> Boxed<'_, ()> {
        Box::pin(async move {
            self.spool(&version, &state, false)
                .map_err(|error| StoreError::Unavailable(format!("spool: {error}")))?;
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
            // Durable by now. The database gets it at once if it is there, else when it is back.
            let (pool, folder) = (self.pool.clone(), self.folder.clone());
            tokio::spawn(async move { drain(&pool, &folder).await });
            Ok(())
        })
    }

    fn lock(&self, id: String, info: Bytes) -> Boxed<'_, Locked> {
        Box::pin(async move {
            let told = serde_json::from_slice(&info).unwrap_or_default();
            match work::lock_state(&self.pool, &self.claim, &id, &told)
                .await
                .map_err(away)?
            {
                Lock::Held => Ok(Locked::Taken),
                Lock::Taken(other) => Ok(Locked::Held(other.to_string().into_bytes().into())),
            }
        })
    }

    fn unlock(&self, id: String) -> Boxed<'_, ()> {
        Box::pin(async move {
            work::unlock_state(&self.pool, &self.claim, Some(&id))
                .await
                .map_err(away)
        })
    }
}

/// Keeps the states that tools of an earlier life of this worker could upload to nobody: sealed, as candidates, for the
/// reconcile of their runs. What belongs to no run of this database stays where it lies.
///
/// # Errors
/// If the database or the spool cannot take them; they stay where they lie, too.
pub async fn rescue(
    pool: &PgPool,
    key: &WorkerKey,
    folder: &Path,
    rescued: Vec<Rescued>,
) -> anyhow::Result<()> {
    for state in rescued {
        let run = state.step.split('-').next().and_then(|id| id.parse().ok());
        let Some(run) = run.map(RunId::new) else {
            continue;
        };
        let Some(stack) = work::stack_of(pool, run).await? else {
            continue;
        };
        let bytes = state.state.expose();
        let Ok(version) = slipway_adapters::terraform::state::lineage_serial(bytes) else {
            tracing::warn!(%run, "an unreadable state of an earlier life stays where it lies");
            continue;
        };
        let upload = Upload {
            stack,
            run,
            fence: 0,
            serial: i64::try_from(version.serial).unwrap_or(i64::MAX),
            lineage: version.lineage,
            candidate: true,
        };
        let sealed = key.seal(bytes, &place(stack));
        open(folder)?.put(&label(&upload), &sealed.0)?;
        tracing::warn!(%run, "a state of an earlier life was kept as evidence");
        state.kept();
    }
    Ok(())
}

fn open(folder: &Path) -> std::io::Result<Spool> {
    Spool::open(&folder.join("spool"))
}

/// The label of a spooled state: all that the database must know of it, in the spool's alphabet.
fn label(upload: &Upload) -> String {
    let kind = if upload.candidate {
        "candidate"
    } else {
        "state"
    };
    format!(
        "{kind}_{}_{}_{}_{}_{}",
        upload.stack, upload.run, upload.fence, upload.serial, upload.lineage
    )
}

fn read_label(label: &str) -> Option<Upload> {
    let mut parts = label.splitn(6, '_');
    let candidate = parts.next()? == "candidate";
    Some(Upload {
        stack: StackId::new(parts.next()?.parse().ok()?),
        run: RunId::new(parts.next()?.parse().ok()?),
        fence: parts.next()?.parse().ok()?,
        serial: parts.next()?.parse().ok()?,
        lineage: parts.next()?.to_owned(),
        candidate,
    })
}

/// Brings everything that is spooled to the database, oldest first; waits while the database is away. What an earlier
/// life of this worker left behind comes as well: under an old fence it becomes a candidate.
pub async fn drain(pool: &PgPool, folder: &Path) {
    /// One at a time: the order of states matters.
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _one = ONE.lock().await;
    let Ok(spool) = open(folder) else { return };
    let spool = Arc::new(spool);
    for entry in spool.entries().unwrap_or_default() {
        while let Err(error) = carry(pool, &spool, &entry).await {
            let away = error
                .downcast_ref()
                .is_some_and(|e| matches!(e, Error::Database(e) if slipway_services::is_away(e)));
            tracing::warn!(
                label = entry.label,
                error = format!("{error:#}"),
                "a state waits in the spool"
            );
            if !away {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

async fn carry(pool: &PgPool, spool: &Spool, entry: &Entry) -> anyhow::Result<()> {
    let Some(upload) = read_label(&entry.label) else {
        anyhow::bail!("a label of another kind")
    };
    let sealed = Sealed(spool.read(entry)?);
    if !work::save_state(pool, &upload, &sealed, now()).await? {
        tracing::warn!(run = %upload.run, serial = upload.serial, "a late state was kept as evidence");
    }
    spool.remove(entry)?;
    Ok(())
}
