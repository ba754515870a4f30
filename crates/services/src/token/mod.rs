//! Personal tokens: what lets a program act on somebody's behalf, for a while, with a part of what they may.
//!
//! 256 random bits, shown once and stored as SHA-256. A token is judged anew at every request: it has its person's rights
//! of that moment, cut down to its scopes ([`slipway_domain::rights::may`]), and is dead when it has ended, was revoked,
//! or its person is suspended. Forbidden: a token that makes, lists or revokes tokens.

mod store;
mod text;

use slipway_domain::{
    id::{TokenId, UserId},
    rights::Right,
    role::Actor,
    token::{Scopes, name},
};
use slipway_seal::Secret;
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::{Ctx, Error, Result};

pub use text::{PREFIX, is_token};

/// How long a token lives unless somebody says otherwise.
pub const USUAL: Duration = Duration::days(30);
/// How long a token may live.
pub const LONGEST: Duration = Duration::days(365);
/// Tokens that one person may have at a time.
pub const MOST: usize = 20;

/// A token, as its owner or an admin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// How it begins, for finding out which one somebody found.
    pub begins: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Since when.
    pub created_at: OffsetDateTime,
    /// Last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it ends by itself.
    pub ends_at: OffsetDateTime,
}

/// Makes a token for the person who asks. The text is in the answer and nowhere else.
///
/// # Errors
/// [`Error::Invalid`] by `name` or `for`; [`Error::Refused`] for a program, or for one too many.
pub async fn create(
    web: &PgPool,
    ctx: &Ctx,
    called: &str,
    scopes: Scopes,
    life: Duration,
) -> Result<Secret> {
    let actor = ctx.in_person()?;
    let mut errors = std::collections::BTreeMap::new();
    let called = name(called).map_err(|why| errors.insert("name".to_owned(), why.to_owned()));
    if !(Duration::HOUR..=LONGEST).contains(&life) {
        errors.insert("for".into(), "At least an hour, at most a year.".into());
    }
    let Ok(called) = called else {
        return Err(Error::Invalid(errors));
    };
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let token = text::new();
    store::insert(web, ctx, actor.user, called, &token, scopes, ctx.now + life).await?;
    Ok(Secret::new(token))
}

/// Who a token acts for, with the roles that they hold at this moment; `None` for whatever is no living token.
///
/// # Errors
/// Database errors.
pub async fn enter(web: &PgPool, token: &str, now: OffsetDateTime) -> Result<Option<Actor>> {
    if !is_token(token) {
        return Ok(None);
    }
    store::find(web, Some(&text::hash(token)), None, now).await
}

/// True if the actor's token lives, and its person has the same places as when it came.
///
/// # Errors
/// Database errors.
pub async fn still(web: &PgPool, actor: &Actor, now: OffsetDateTime) -> Result<bool> {
    let Some(token) = &actor.token else {
        return Ok(false);
    };
    Ok(store::find(web, None, Some(token.id), now)
        .await?
        .is_some_and(|found| found.teams == actor.teams && found.org == actor.org))
}

/// Living tokens of somebody: one's own, or anybody's for an admin.
///
/// # Errors
/// [`Error::NotFound`] for everybody else; [`Error::Refused`] for a program.
pub async fn list(web: &PgPool, ctx: &Ctx, of: UserId) -> Result<Vec<Token>> {
    if ctx.in_person()?.user != of {
        ctx.require(Right::ManagePeople)?;
    }
    store::list(web, of, ctx.now).await
}

/// Revokes a token: one's own, or anybody's for an admin. Streams that it opened end at once.
///
/// # Errors
/// [`Error::NotFound`] for somebody else's; [`Error::Refused`] for a program.
pub async fn revoke(web: &PgPool, ctx: &Ctx, token: TokenId) -> Result<()> {
    let actor = ctx.in_person()?;
    let owner = store::owner(web, token).await?;
    if owner != Some(actor.user) {
        ctx.require(Right::ManagePeople)?;
    }
    if owner.is_none() {
        return Err(Error::NotFound);
    }
    store::revoke(web, ctx, token).await
}

/// Revokes all tokens of somebody within the caller's transaction: they were suspended.
pub(crate) async fn revoke_all_in(tx: &mut PgConnection, ctx: &Ctx, of: UserId) -> Result<u64> {
    store::revoke_all(tx, ctx, of).await
}

/// Revokes every token of an invented person. A portal without the demo calls it when it starts.
///
/// # Errors
/// Database errors.
pub async fn end_demo(web: &PgPool, now: OffsetDateTime) -> Result<()> {
    store::end_demo(web, now).await
}

/// True while the token may go on: streams ask from time to time.
///
/// # Errors
/// Database errors.
pub async fn is_alive(web: &PgPool, token: TokenId, now: OffsetDateTime) -> Result<bool> {
    store::is_alive(web, token, now).await
}
