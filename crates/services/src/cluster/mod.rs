//! Clusters, as the workers find them: whether each answers, and since when it does not. Credentials are the workers'.

mod store;

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Ctx, Refusal};

type Result<T, E = crate::Error> = std::result::Result<T, E>;

/// A worker that asks this seldom is not there: what it said last is old.
pub const STALE: time::Duration = time::Duration::minutes(2);

/// One cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name, as templates say it.
    pub name: String,
    /// Its API server's address.
    pub server: Option<String>,
    /// The server's version.
    pub version: Option<String>,
    /// When it last answered.
    pub seen_at: Option<OffsetDateTime>,
    /// Since when it does not, and why.
    pub failing: Option<(OffsetDateTime, Refusal)>,
    /// When a worker last asked it.
    pub asked_at: OffsetDateTime,
}

impl Cluster {
    /// True if it answered when it was asked, and it was asked not long ago.
    #[must_use]
    pub fn is_well(&self, now: OffsetDateTime) -> bool {
        self.failing.is_none() && now - self.asked_at < STALE
    }
}

/// Writes down what a worker heard: the server's address and version, or why it heard nothing.
///
/// # Errors
/// Database errors.
pub async fn report(
    worker: &PgPool,
    name: &str,
    heard: Result<&(String, String), &Refusal>,
    now: OffsetDateTime,
) -> Result<()> {
    store::report(worker, name, heard, now).await
}

/// One cluster; `None` if no worker has it. Whoever is signed in may know: templates name it.
///
/// # Errors
/// [`Error::SignIn`](crate::Error) for nobody; database errors.
pub async fn find(web: &PgPool, ctx: &Ctx, name: &str) -> Result<Option<Cluster>> {
    ctx.person()?;
    Ok(store::list(web, Some(name)).await?.pop())
}

/// All of them, by name.
///
/// # Errors
/// As [`find`].
pub async fn list(web: &PgPool, ctx: &Ctx) -> Result<Vec<Cluster>> {
    ctx.person()?;
    store::list(web, None).await
}
