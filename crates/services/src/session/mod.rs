//! Sessions: an opaque token of 256 bits in a cookie, its SHA-256 in the database. Ended here, it is ended everywhere.

mod store;

use slipway_domain::{
    id::{SessionId, UserId},
    role::Actor,
};
use slipway_seal::Secret;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::{Ctx, Result};

/// A session ends after this, however much it is used.
pub const ABSOLUTE: Duration = Duration::days(7);
/// A session ends after this without use.
pub const IDLE: Duration = Duration::hours(24);

/// A new session's token, for the cookie. 64 hexadecimal digits.
#[derive(Debug)]
pub struct Token(pub Secret);

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
    let token = slipway_seal::hex(&slipway_seal::random::<32>());
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
    store::find(web, &hash(token), now).await
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

/// True while the session may go on: streams ask from time to time.
///
/// # Errors
/// Database errors.
pub async fn is_alive(web: &PgPool, session: SessionId, now: OffsetDateTime) -> Result<bool> {
    store::is_alive(web, session, now).await
}

fn hash(token: &str) -> [u8; 32] {
    slipway_seal::sha256(token.as_bytes())
}
