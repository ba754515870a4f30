//! How what was released stands, as a worker's watch of the cluster saw it last. The web process asks no cluster: what it
//! shows has an age, and where the cluster does not answer, since when.

mod store;

use serde::{Deserialize, Serialize};
use slipway_domain::{id::EnvironmentId, rights::Right};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Ctx, Error, Result, cluster::Cluster};

/// One workload, or a pod in trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// `Deployment/web`.
    pub address: String,
    /// Pods that are wanted.
    pub wanted: i64,
    /// Pods that are ready.
    pub ready: i64,
    /// The newest version is rolled out, and all of it is ready.
    pub complete: bool,
    /// What is wrong, in the cluster's own words.
    pub trouble: Option<String>,
}

/// What is known of an environment in a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// The cluster's name.
    pub cluster: String,
    /// Whether it answers; `None` if no worker has it.
    pub answers: Option<Cluster>,
    /// The workloads, those in trouble first.
    pub workloads: Vec<Workload>,
    /// When one of them last changed.
    pub changed_at: Option<OffsetDateTime>,
}

/// Writes down how a workload of an environment stands; whoever shows it hears of it. Nothing is written if nothing
/// differs.
///
/// # Errors
/// Database errors.
pub async fn report(
    worker: &PgPool,
    environment: &str,
    of: &Workload,
    now: OffsetDateTime,
) -> Result<()> {
    store::report(worker, environment, of, now).await
}

/// A workload of an environment is not there any more.
///
/// # Errors
/// Database errors.
pub async fn gone(worker: &PgPool, environment: &str, address: &str) -> Result<()> {
    store::gone(worker, environment, address).await
}

/// How an environment stands in this cluster.
///
/// # Errors
/// [`Error::NotFound`] for whoever does not see the environment.
pub async fn of(web: &PgPool, ctx: &Ctx, id: EnvironmentId, cluster: &str) -> Result<Health> {
    let (team, health) = store::of(web, id, cluster).await?.ok_or(Error::NotFound)?;
    ctx.require_in(Right::SeeEnvironment, team)?;
    Ok(health)
}
