//! The audit trail: who decided what, when, from where. Append-only; written in the transaction that it belongs to.
//!
//! A record is written unchained; a sealer ([`seal`]) chains batches within a second. Forbidden: secrets in `before`,
//! `after` or `detail`.

pub mod chain;
mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_domain::{
    id::{TeamId, UserId},
    rights::Right,
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::{Ctx, Result};

/// Something worth remembering, before it is written.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub action: &'a str,
    pub noun: &'a str,
    pub id: Option<i64>,
    pub team: Option<TeamId>,
    pub allowed: bool,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub detail: &'a str,
}

impl<'a> Entry<'a> {
    pub fn new(action: &'a str, noun: &'a str, id: i64, team: Option<TeamId>) -> Self {
        Self {
            action,
            noun,
            id: Some(id),
            team,
            allowed: true,
            before: None,
            after: None,
            detail: "",
        }
    }
    pub fn detail(self, detail: &'a str) -> Self {
        Self { detail, ..self }
    }
    pub fn after(self, after: Value) -> Self {
        Self {
            after: Some(after),
            ..self
        }
    }
    pub fn before(self, before: Value) -> Self {
        Self {
            before: Some(before),
            ..self
        }
    }
    pub fn refused(self) -> Self {
        Self {
            allowed: false,
            ..self
        }
    }
}

/// Writes a record into the caller's transaction.
pub(crate) async fn record(tx: &mut PgConnection, ctx: &Ctx, entry: Entry<'_>) -> Result<()> {
    store::insert(tx, ctx, entry).await
}

/// One record, as a page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id: the order of writing.
    pub id: i64,
    /// When.
    pub at: OffsetDateTime,
    /// Who, as they were called then.
    pub actor: String,
    /// What they did: `run.approve`, `environment.request`, …
    pub action: String,
    /// On what sort of thing.
    pub noun: String,
    /// On which one.
    pub noun_id: Option<i64>,
    /// False for a refusal.
    pub allowed: bool,
    /// State before, if it was a change.
    pub before: Option<Value>,
    /// State after.
    pub after: Option<Value>,
    /// In words.
    pub detail: String,
    /// The request's id.
    pub request_id: String,
    /// Its place in the chain; `None` while it is not sealed yet.
    pub sealed: Option<i64>,
}

/// What to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only records whose actor's name contains this.
    pub actor: Option<String>,
    /// Only this noun.
    pub noun: Option<String>,
    /// Only actions that begin with this.
    pub action: Option<String>,
    /// Only on this one of its noun.
    pub noun_id: Option<i64>,
    /// Only from this moment on.
    pub since: Option<OffsetDateTime>,
    /// Only before this moment.
    pub until: Option<OffsetDateTime>,
    /// Only older than this id (the page before).
    pub before: Option<i64>,
}

/// A page of records, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// At most 50.
    pub records: Vec<Record>,
    /// The id to pass as `before` for older ones.
    pub older: Option<i64>,
}

/// Lists the trail.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn list(pool: &PgPool, ctx: &Ctx, filter: &Filter) -> Result<Page> {
    ctx.require(Right::SeeAudit)?;
    let mut records = store::list(pool, filter, 51).await?;
    let older = (records.len() > 50).then(|| {
        records.truncate(50);
        records[49].id
    });
    Ok(Page { records, older })
}

/// A session of somebody's that began or was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The record's id.
    pub id: i64,
    /// When.
    pub at: OffsetDateTime,
    /// True where it began.
    pub begun: bool,
    /// Who ended it, where that was somebody else.
    pub by: Option<String>,
    /// The browser, in its own words.
    pub user_agent: String,
}

/// A page of somebody's sign-ins, newest first, and the id to pass as `before` for older ones.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn sign_ins(
    pool: &PgPool,
    ctx: &Ctx,
    of: UserId,
    before: Option<i64>,
) -> Result<(Vec<SignIn>, Option<i64>)> {
    ctx.require(Right::SeePeople)?;
    let mut found = store::sign_ins(pool, of, before.unwrap_or(i64::MAX), 51).await?;
    let older = (found.len() > 50).then(|| {
        found.truncate(50);
        found[49].id
    });
    Ok((found, older))
}

/// Chains what was written since the last time; the worker calls it every second. Answers how many were sealed.
///
/// # Errors
/// Database errors.
pub async fn seal(worker: &PgPool, now: OffsetDateTime) -> Result<u64> {
    store::seal(worker, now).await
}
