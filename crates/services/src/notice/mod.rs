//! Messages about runs: to whoever may vote, what waits; to whoever asked, how it ended.
//!
//! A message is a row, written in the transaction that it tells of, once for each person and cause. What it says is put
//! together when it is sent, and whether it still concerns its reader is judged then: a lead who is one no longer gets
//! none. It leads to the page of the run and decides nothing. Forbidden in it: inputs, outputs, reasons, anything that
//! somebody typed freely; the page has them, behind the door.

mod store;
mod words;

use slipway_domain::{
    id::{RunId, UserId},
    run::State,
};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::{Ctx, Result, run};

/// A message that could not be sent so often is given up: after an hour, about.
pub const TRIES: i32 = 8;
/// Sending takes no longer; then another worker may try.
pub const CLAIM: Duration = Duration::minutes(2);
/// What is over is kept for so long.
pub const KEEP: Duration = Duration::days(90);

/// The way that a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// To a person's address.
    Mail,
    /// Into a room.
    Chat,
}

/// What a worker can send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Means {
    /// Mail.
    pub mail: bool,
    /// Chat.
    pub chat: bool,
    /// How, for the page of settings: through which server, from which address. Never a secret.
    pub words: String,
}

/// A message, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: i64,
    /// Which way.
    pub channel: Channel,
    /// To which address; empty for the chat.
    pub to: String,
    /// Its subject, a line; empty for the chat.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Says what can be sent, and drops what cannot be sent any more. Without any means nothing is queued.
///
/// # Errors
/// Database errors.
pub async fn present(worker: &PgPool, means: &Means, now: OffsetDateTime) -> Result<()> {
    store::present(worker, means, now).await
}

/// Takes the next message that these means can send. One that concerns nobody any more is dropped on the way. `base` is
/// where browsers reach the portal, without a slash at its end.
///
/// # Errors
/// Database errors.
pub async fn claim(
    worker: &PgPool,
    means: &Means,
    base: &str,
    now: OffsetDateTime,
) -> Result<Option<Message>> {
    while let Some(id) = store::claim(worker, means, now).await? {
        let facts = store::facts(worker, id, now).await?;
        match facts.concern() {
            Ok(()) => return Ok(Some(words::message(&facts, base))),
            Err(why) => store::over(worker, id, "dropped", Some(why), now).await?,
        }
    }
    Ok(None)
}

/// It was sent.
///
/// # Errors
/// Database errors.
pub async fn sent(worker: &PgPool, id: i64, now: OffsetDateTime) -> Result<()> {
    store::over(worker, id, "sent", None, now).await
}

/// It could not be sent: tried again after a while that grows, or given up when `hopeless` or after [`TRIES`].
///
/// # Errors
/// Database errors.
pub async fn failed(
    worker: &PgPool,
    id: i64,
    why: &str,
    hopeless: bool,
    now: OffsetDateTime,
) -> Result<()> {
    let why: String = why.chars().take(300).collect();
    store::failed(worker, id, &why, hopeless, now).await
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Failed {
    /// About which run.
    pub run: RunId,
    /// To whom; `None` for the chat.
    pub to: Option<String>,
    /// How often it was tried.
    pub tries: i32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When it was given up.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// How sending goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Post {
    /// What can be sent; `None` if no worker ever said.
    pub means: Option<Means>,
    /// How many wait.
    pub queued: i64,
    /// The last that were given up, newest first.
    pub failed: Vec<Failed>,
}

/// Whether whoever asks gets mail; `None` where none can be sent.
///
/// # Errors
/// If nobody is signed in.
pub async fn wants(web: &PgPool, ctx: &Ctx) -> Result<Option<bool>> {
    store::wants(web, ctx.person()?.user).await
}

/// Switches one's own mail on or off.
///
/// # Errors
/// If nobody is signed in.
pub async fn want(web: &PgPool, ctx: &Ctx, on: bool) -> Result<()> {
    store::want(web, ctx.person()?.user, on).await
}

/// A run has another state: whoever that concerns is told, in the caller's transaction.
pub(crate) async fn changed(tx: &mut PgConnection, ctx: &Ctx, row: &run::Row) -> Result<()> {
    if row.state == State::AwaitingApproval {
        return store::waits(tx, row, ctx.now).await;
    }
    if row.state.is_over() || row.state == State::Unknown {
        let by = ctx.actor.as_ref().map_or(UserId::new(0), |a| a.user);
        return store::ended(tx, row.id, row.state, by, ctx.now).await;
    }
    Ok(())
}

/// A run that waited was called off because its environment is gone.
pub(crate) async fn orphaned(tx: &mut PgConnection, ctx: &Ctx, run: RunId) -> Result<()> {
    let by = ctx.actor.as_ref().map_or(UserId::new(0), |a| a.user);
    store::ended(tx, run, State::Canceled, by, ctx.now).await
}
