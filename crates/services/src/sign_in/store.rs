use serde_json::json;
use slipway_domain::id::UserId;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{FLOW, Passport, SETUP, acting};
use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    session,
};

pub async fn start(pool: &PgPool, hash: &[u8; 32], now: OffsetDateTime) -> Result<()> {
    let mut tx = pool.begin().await?;
    // Whoever begins tidies up after those who never ended.
    sqlx::query!(
        "delete from sign_in_flow where token_hash in
             (select token_hash from sign_in_flow where expires_at < $1 limit 100 for update skip locked)",
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into sign_in_flow (token_hash, expires_at, created_at) values ($1, $2, $3)",
        hash,
        now + FLOW,
        now
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn finish(pool: &PgPool, hash: &[u8; 32], now: OffsetDateTime) -> Result<bool> {
    let row = sqlx::query!(
        "delete from sign_in_flow where token_hash = $1 returning expires_at",
        hash
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.is_some_and(|row| row.expires_at > now))
}

pub async fn arrive(
    pool: &PgPool,
    passport: &Passport,
    key: &str,
    admins: &[String],
    request_id: &str,
    now: OffsetDateTime,
) -> Result<UserId> {
    let mut tx = pool.begin().await?;
    let made = sqlx::query_scalar!(
        "insert into user_account (subject, email, name, created_at) values ($1, $2, $3, $4)
         on conflict (subject) do nothing returning id",
        key,
        passport.email,
        passport.name,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let row = sqlx::query!(
        "select id, email, name, suspended_at from user_account where subject = $1 for update",
        key
    )
    .fetch_one(&mut *tx)
    .await?;
    let user = UserId::new(row.id);
    let ctx = acting(user, &passport.name, request_id, now);
    if row.suspended_at.is_some() {
        drop(tx);
        refused(pool, &ctx, Some(row.id), "the account is suspended").await?;
        return Err(Error::refused(
            "This account is suspended.",
            "An admin suspended it; nothing of it was deleted.",
            "Ask an admin.",
        ));
    }
    if made.is_some() {
        let entry = Entry::new("person.new", "user", row.id, None)
            .after(json!({ "email": passport.email, "name": passport.name }));
        audit::record(&mut tx, &ctx, entry).await?;
    } else if row.email.as_deref() != Some(&passport.email) || row.name != passport.name {
        sqlx::query!(
            "update user_account set email = $2, name = $3 where id = $1",
            row.id,
            passport.email,
            passport.name
        )
        .execute(&mut *tx)
        .await?;
        let entry = Entry::new("person.renamed", "user", row.id, None)
            .before(json!({ "email": row.email, "name": row.name }))
            .after(json!({ "email": passport.email, "name": passport.name }));
        audit::record(&mut tx, &ctx, entry).await?;
    }
    if admins
        .iter()
        .any(|a| a.eq_ignore_ascii_case(&passport.email))
    {
        claim(&mut tx, &ctx, user, &passport.email).await?;
    }
    tx.commit().await?;
    Ok(user)
}

/// The address counts for whoever comes with it first, and for nobody after.
async fn claim(tx: &mut PgConnection, ctx: &Ctx, user: UserId, address: &str) -> Result<()> {
    let first = sqlx::query!(
        "insert into admin_claim (address, user_id, created_at) values ($1, $2, $3) on conflict do nothing",
        address,
        user.get(),
        ctx.now
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if first == 1 {
        give_admin(tx, ctx, user, "configured").await?;
    }
    Ok(())
}

async fn give_admin(tx: &mut PgConnection, ctx: &Ctx, user: UserId, source: &str) -> Result<()> {
    sqlx::query!(
        "insert into org_role (user_id, role, source, created_at) values ($1, 'admin', $2, $3) on conflict do nothing",
        user.get(),
        source,
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    let entry = Entry::new("role.give", "user", user.get(), None)
        .after(json!({ "role": "admin", "source": source }));
    audit::record(&mut *tx, ctx, entry).await?;
    session::rights_changed(tx, user, ctx.now).await
}

pub async fn refused(pool: &PgPool, ctx: &Ctx, user: Option<i64>, reason: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    let entry = Entry {
        id: user,
        ..Entry::new("sign_in.refused", "user", 0, None)
    };
    audit::record(&mut tx, ctx, entry.refused().detail(reason)).await?;
    tx.commit().await?;
    Ok(())
}

/// The demo's admin is nobody here: without the demo no one can sign in as them.
pub async fn has_admin(pool: &PgPool) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from org_role o join user_account u on u.id = o.user_id
           where o.role = 'admin' and u.suspended_at is null and o.source <> 'demo') as "has!""#
    )
    .fetch_one(pool)
    .await?)
}

pub async fn print(pool: &PgPool, hash: &[u8; 32], now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "insert into setup_link (token_hash, expires_at, created_at) values ($1, $2, $3)",
        hash,
        now + SETUP,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn is_open(pool: &PgPool, hash: &[u8; 32], now: OffsetDateTime) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from setup_link where token_hash = $1 and used_at is null and expires_at > $2) as "open!""#,
        hash,
        now
    )
    .fetch_one(pool)
    .await?)
}

pub async fn set_up(pool: &PgPool, ctx: &Ctx, hash: &[u8; 32]) -> Result<()> {
    let user = ctx.person()?.user;
    let mut tx = pool.begin().await?;
    // Two links at once must not make two first admins.
    sqlx::query!("select pg_advisory_xact_lock(7266291)::text as done")
        .fetch_one(&mut *tx)
        .await?;
    let used = sqlx::query!(
        "update setup_link set used_at = $2, used_by = $3
         where token_hash = $1 and used_at is null and expires_at > $2
           and not exists (select from org_role o join user_account u on u.id = o.user_id
               where o.role = 'admin' and u.suspended_at is null and o.source <> 'demo')",
        hash,
        ctx.now,
        user.get()
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if used != 1 {
        return Err(Error::NotFound);
    }
    give_admin(&mut tx, ctx, user, "set-up link").await?;
    tx.commit().await?;
    Ok(())
}
