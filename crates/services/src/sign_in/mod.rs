//! The office's half of signing in: flows that are under way, who a verified passport belongs to, and who is first.
//!
//! Whoever calls these functions has verified the passport (`slipway-oidc`). People are keyed on issuer and subject: an
//! e-mail address is a label that follows them, and gives nobody anything. Forbidden: looking anybody up by an address.

mod store;

use slipway_domain::{
    id::UserId,
    role::{Actor, OrgRole},
};
use slipway_seal::Secret;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::{Ctx, Error, Result};

/// A sign-in that takes longer has been forgotten.
pub const FLOW: Duration = Duration::minutes(10);
/// A printed set-up link that nobody used is dead after this; the next start prints another one.
pub const SETUP: Duration = Duration::hours(24);

/// Begins a sign-in; the token is for a cookie of this browser.
///
/// # Errors
/// Database errors.
pub async fn start(web: &PgPool, now: OffsetDateTime) -> Result<Secret> {
    let token = slipway_seal::hex(&slipway_seal::random::<32>());
    store::start(web, &hash(&token), now).await?;
    Ok(Secret::new(token))
}

/// Ends a sign-in that was begun with this token: true once, and never again.
///
/// # Errors
/// Database errors.
pub async fn finish(web: &PgPool, token: &str, now: OffsetDateTime) -> Result<bool> {
    store::finish(web, &hash(token), now).await
}

/// What a verified token says about its bearer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passport {
    /// Who vouches for them.
    pub issuer: String,
    /// Their key there.
    pub subject: String,
    /// Their verified address.
    pub email: String,
    /// What to call them.
    pub name: String,
}

impl Passport {
    /// The key of the person: no issuer's address has a `#` in it.
    fn key(&self) -> String {
        format!("{}#{}", self.issuer, self.subject)
    }
}

/// The account of a passport's bearer, made if it is their first time. `admins` are the configured addresses: each
/// makes its first bearer an admin, once.
///
/// # Errors
/// [`Error::Refused`] for somebody who is suspended.
pub async fn arrive(
    web: &PgPool,
    passport: &Passport,
    admins: &[String],
    request_id: &str,
    now: OffsetDateTime,
) -> Result<UserId> {
    store::arrive(web, passport, &passport.key(), admins, request_id, now).await
}

/// Remembers that somebody was not let in, and why; the reason names nobody.
///
/// # Errors
/// Database errors.
pub async fn refused(
    web: &PgPool,
    reason: &str,
    request_id: &str,
    now: OffsetDateTime,
) -> Result<()> {
    let ctx = Ctx {
        actor: None,
        request_id: request_id.into(),
        now,
    };
    store::refused(web, &ctx, None, reason).await
}

/// A link's token, if nobody is an admin yet and nobody is configured to become one; `None` otherwise.
///
/// # Errors
/// Database errors.
pub async fn setup_link(
    web: &PgPool,
    admins: &[String],
    now: OffsetDateTime,
) -> Result<Option<Secret>> {
    if !admins.is_empty() || store::has_admin(web).await? {
        return Ok(None);
    }
    let token = slipway_seal::hex(&slipway_seal::random::<32>());
    store::print(web, &hash(&token), now).await?;
    Ok(Some(Secret::new(token)))
}

/// Whether the printed link still works, for whoever is signed in.
///
/// # Errors
/// [`Error::NotFound`] if it does not: a used link is a missing page.
pub async fn look_at_setup(web: &PgPool, ctx: &Ctx, token: &str) -> Result<()> {
    ctx.in_person()?;
    if store::has_admin(web).await? || !store::is_open(web, &hash(token), ctx.now).await? {
        return Err(Error::NotFound);
    }
    Ok(())
}

/// Makes whoever asks the first admin.
///
/// # Errors
/// [`Error::NotFound`] if the link was used, is old, or somebody is an admin already.
pub async fn set_up(web: &PgPool, ctx: &Ctx, token: &str) -> Result<()> {
    ctx.in_person()?;
    store::set_up(web, ctx, &hash(token)).await
}

pub(crate) fn acting(user: UserId, name: &str, request_id: &str, now: OffsetDateTime) -> Ctx {
    Ctx {
        actor: Some(Actor {
            user,
            name: name.into(),
            session: None,
            token: None,
            teams: vec![],
            org: Vec::<OrgRole>::new(),
        }),
        request_id: request_id.into(),
        now,
    }
}

fn hash(token: &str) -> [u8; 32] {
    slipway_seal::sha256(token.as_bytes())
}
