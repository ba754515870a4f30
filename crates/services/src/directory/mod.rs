//! What the directory says of people's groups: who is to be asked about, and what came of it.
//!
//! The worker asks; the web process only says that somebody is waiting, and for how long they wait is its own business.
//! Whether a membership counts is judged when it is read (`membership` in migration 4): the directory's last word is in
//! force for as long as it is young enough, and then what groups gave is gone, whoever sweeps or does not.
//!
//! Forbidden: storing a group of anybody's that no team uses, and taking half an answer for a whole one.

mod store;

use slipway_domain::id::UserId;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::{Result, work::Worker};

/// Everybody's groups are asked for so often.
pub const EVERY: Duration = Duration::minutes(15);
/// An answer takes no longer; then another worker may ask.
pub const CLAIM: Duration = Duration::minutes(2);

/// A worker that was not heard of for so long does not ask.
pub(crate) const GONE: Duration = Duration::minutes(1);

/// Somebody to ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Who.
    pub user: UserId,
    /// Their key at Google.
    pub key: String,
    /// When the question was asked.
    pub began: OffsetDateTime,
}

/// A worker that asks is there; memberships count for `keep` after they were confirmed. Whoever has come since is put on
/// the list.
///
/// # Errors
/// Database errors.
pub async fn present(worker: &PgPool, keep: Duration, now: OffsetDateTime) -> Result<()> {
    store::present(worker, keep, now).await
}

/// Takes somebody to ask about: first those who wait at the door, and with `waiting` nobody else. Nobody while no team
/// has a group.
///
/// # Errors
/// Database errors.
pub async fn claim(worker: &PgPool, waiting: bool, now: OffsetDateTime) -> Result<Option<Due>> {
    store::claim(worker, waiting, now).await
}

/// What the directory answered: all groups of somebody. What is new or gone is in force at once, in the trail, and their
/// sessions and streams begin anew. An answer that is older than the one in force changes nothing.
///
/// # Errors
/// Database errors.
pub async fn confirm(
    pool: &PgPool,
    worker: &Worker,
    due: &Due,
    groups: &[String],
    now: OffsetDateTime,
) -> Result<()> {
    store::confirm(pool, &worker.ctx(now), due, groups).await
}

/// The directory gave no usable answer, and why; asked again after a while that grows. What it last said stays.
///
/// # Errors
/// Database errors.
pub async fn fail(worker: &PgPool, due: &Due, why: &str, now: OffsetDateTime) -> Result<()> {
    store::fail(worker, due, why, now).await
}

/// Asks for the groups of somebody who is signing in. False if there is nothing to wait for: no team has a group, no
/// worker asks, or they are a person of the demo.
///
/// # Errors
/// Database errors.
pub async fn ask(web: &PgPool, user: UserId, now: OffsetDateTime) -> Result<bool> {
    store::ask(web, user, now).await
}

/// True once the question that [`ask`] put at this moment is answered, well or not.
///
/// # Errors
/// Database errors.
pub async fn answered(web: &PgPool, user: UserId, since: OffsetDateTime) -> Result<bool> {
    store::answered(web, user, since).await
}

/// How asking goes, for the page of settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// A worker that asks is there.
    pub present: bool,
    /// For how long memberships count after they were confirmed.
    pub keep: Option<Duration>,
    /// The last good answer about anybody.
    pub success_at: Option<OffsetDateTime>,
    /// The last bad one, and why, if no good one came since.
    pub trouble: Option<(OffsetDateTime, String)>,
}
