//! Sessions: an opaque token of 256 bits in a cookie, its SHA-256 in the database. Ended here, it is ended everywhere.
//!
//! A token changes at sign-in and when its person's rights change. Whoever ends a session, or changes what somebody may
//! do, announces it: streams that are open on it end at once, and otherwise within [`DOUBT`].

mod store;

pub(crate) use store::places;

use slipway_domain::{
    id::{SessionId, UserId},
    rights::Right,
    role::Actor,
};
use slipway_seal::Secret;
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::{Ctx, Result};

/// A session ends after this, however much it is used.
pub const ABSOLUTE: Duration = Duration::days(7);
/// A session ends after this without use. An open stream is no use: somebody may have left it open.
pub const IDLE: Duration = Duration::hours(24);
/// A token that was replaced counts for this much longer, for requests that were under way.
pub const GRACE: Duration = Duration::seconds(30);
/// A stream goes on for at most this long when the database cannot say whether its session lives.
pub const DOUBT: Duration = Duration::seconds(30);

/// A new session's token, for the cookie. 64 hexadecimal digits.
#[derive(Debug)]
pub struct Token(pub Secret);

/// Who came, and with which token they go on.
#[derive(Debug)]
pub struct Found {
    /// Who, with the roles that they hold at this moment.
    pub actor: Actor,
    /// Another token, if theirs was due to change.
    pub fresh: Option<Token>,
}

/// Why a session is over. The sign-in page says it in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Its person is suspended.
    Suspended,
    /// Somebody ended it: its person, by signing out or from another browser, or an admin.
    Ended,
    /// It was not used for too long, or is too old.
    Expired,
}

impl Over {
    /// The word that an address carries.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Ended => "ended",
            Self::Expired => "expired",
        }
    }
}

/// A session, as its owner or an admin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The browser, in its own words.
    pub user_agent: String,
    /// Since when.
    pub begun_at: OffsetDateTime,
    /// Last used, to the minute.
    pub last_seen_at: OffsetDateTime,
    /// When it ends by itself, unless it is used.
    pub ends_at: OffsetDateTime,
    /// True for the one that asks.
    pub current: bool,
}

/// Begins a session. The caller has proven who it is.
///
/// # Errors
/// Database errors.
pub async fn begin(
    web: &PgPool,
    user: UserId,
    user_agent: &str,
    request_id: &str,
    now: OffsetDateTime,
) -> Result<Token> {
    let token = random();
    store::insert(web, &hash(&token), user, user_agent, request_id, now).await?;
    Ok(Token(Secret::new(token)))
}

/// Who a token belongs to, with the roles that they hold at this moment; `None` if the session has ended, was never,
/// or its person is suspended.
///
/// # Errors
/// Database errors.
pub async fn find(web: &PgPool, token: &str, now: OffsetDateTime) -> Result<Option<Actor>> {
    if token.len() != 64 {
        return Ok(None);
    }
    Ok(store::find(web, &hash(token), now).await?.map(|f| f.0))
}

/// As [`find`], and gives another token if this one is due to change.
///
/// # Errors
/// Database errors.
pub async fn enter(web: &PgPool, token: &str, now: OffsetDateTime) -> Result<Option<Found>> {
    if token.len() != 64 {
        return Ok(None);
    }
    let old = hash(token);
    let Some((actor, due)) = store::find(web, &old, now).await? else {
        return Ok(None);
    };
    let mut fresh = None;
    if due && let Some(session) = actor.session {
        let token = random();
        // Of two requests at once one gets the new token; the other goes on with the old one for a moment.
        if store::replace(web, session, &old, &hash(&token), now).await? {
            fresh = Some(Token(Secret::new(token)));
        }
    }
    Ok(Some(Found { actor, fresh }))
}

/// Ends the actor's session (sign out).
///
/// # Errors
/// Database errors.
pub async fn end(web: &PgPool, ctx: &Ctx) -> Result<()> {
    match ctx.actor.as_ref().and_then(|actor| actor.session) {
        Some(session) => store::end(web, ctx, session).await,
        None => Ok(()),
    }
}

/// Sessions of somebody: one's own, or anybody's for an admin.
///
/// # Errors
/// [`crate::Error::NotFound`] for everybody else.
pub async fn list(web: &PgPool, ctx: &Ctx, of: UserId) -> Result<Vec<Session>> {
    let actor = ctx.in_person()?;
    if actor.user != of {
        ctx.require(Right::ManagePeople)?;
    }
    store::list(web, of, actor.session, ctx.now).await
}

/// Ends one session: one's own, or anybody's for an admin.
///
/// # Errors
/// [`crate::Error::NotFound`] for somebody else's.
pub async fn end_one(web: &PgPool, ctx: &Ctx, session: SessionId) -> Result<()> {
    let actor = ctx.in_person()?;
    let owner = store::owner(web, session).await?;
    if owner != Some(actor.user) {
        ctx.require(Right::ManagePeople)?;
    }
    if owner.is_none() {
        return Err(crate::Error::NotFound);
    }
    store::end(web, ctx, session).await
}

/// Ends all sessions of somebody; of one's own all but the one that asks.
///
/// # Errors
/// [`crate::Error::NotFound`] for somebody else's.
pub async fn end_all(web: &PgPool, ctx: &Ctx, of: UserId) -> Result<u64> {
    let actor = ctx.in_person()?;
    let keep = if actor.user == of {
        actor.session
    } else {
        ctx.require(Right::ManagePeople)?;
        None
    };
    let mut tx = web.begin().await?;
    let ended = end_all_in(&mut tx, ctx, of, keep).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends all sessions of somebody within the caller's transaction.
pub(crate) async fn end_all_in(
    tx: &mut PgConnection,
    ctx: &Ctx,
    of: UserId,
    keep: Option<SessionId>,
) -> Result<u64> {
    store::end_all(tx, ctx, of, keep).await
}

/// Ends every session of an invented person. A portal without the demo calls it when it starts.
///
/// # Errors
/// Database errors.
pub async fn end_demo(web: &PgPool, now: OffsetDateTime) -> Result<()> {
    store::end_demo(web, now).await
}

/// Somebody's rights changed: their sessions get another token, and their streams begin anew.
pub(crate) async fn rights_changed(
    tx: &mut PgConnection,
    of: UserId,
    now: OffsetDateTime,
) -> Result<()> {
    store::rights_changed(tx, of, now).await
}

/// True while the session may go on: streams ask from time to time.
///
/// # Errors
/// Database errors.
pub async fn is_alive(web: &PgPool, session: SessionId, now: OffsetDateTime) -> Result<bool> {
    Ok(why_over(web, session, now).await?.is_none())
}

/// Why a session may not go on; `None` while it may.
///
/// # Errors
/// Database errors.
pub async fn why_over(
    web: &PgPool,
    session: SessionId,
    now: OffsetDateTime,
) -> Result<Option<Over>> {
    store::why_over(web, session, now).await
}

/// True while the session lives and its person may do what they could when `actor` was read: streams ask from time to
/// time. What a group gives ends by itself when the directory was silent for too long, and nobody announces that.
///
/// # Errors
/// Database errors.
pub async fn still(web: &PgPool, actor: &Actor, now: OffsetDateTime) -> Result<bool> {
    let Some(session) = actor.session else {
        return Ok(false);
    };
    Ok(store::by_id(web, session, now)
        .await?
        .is_some_and(|found| found.teams == actor.teams && found.org == actor.org))
}

fn random() -> String {
    slipway_seal::hex(&slipway_seal::random::<32>())
}

fn hash(token: &str) -> [u8; 32] {
    slipway_seal::sha256(token.as_bytes())
}
