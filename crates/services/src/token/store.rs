use serde_json::json;
use slipway_domain::{
    id::{TokenId, UserId},
    role::Actor,
    token::{Bearer, Scope, Scopes},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{MOST, PREFIX, Token, text};
use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    live, session,
};

/// Characters after the prefix that are kept in clear: 24 of its 256 bits.
const SHOWN: usize = 4;

pub async fn insert(
    pool: &PgPool,
    ctx: &Ctx,
    user: UserId,
    name: &str,
    token: &str,
    scopes: Scopes,
    ends_at: OffsetDateTime,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    // One after the other, so that two at once cannot both be the last that fits.
    sqlx::query!(
        "select id from user_account where id = $1 and suspended_at is null for update",
        user.get()
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::SignIn)?;
    // What has ended by itself gives its name back.
    sqlx::query!(
        "update token set revoked_at = expires_at where user_id = $1 and revoked_at is null and expires_at <= $2",
        user.get(),
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    let names = sqlx::query_scalar!(
        "select name from token where user_id = $1 and revoked_at is null",
        user.get()
    )
    .fetch_all(&mut *tx)
    .await?;
    if names.iter().any(|n| n == name) {
        return Err(Error::Invalid(
            [(
                "name".into(),
                "You have a token of this name. Choose another one, or revoke that one first."
                    .into(),
            )]
            .into(),
        ));
    }
    if names.len() >= MOST {
        return Err(Error::refused(
            "No token was made.",
            format!("You have {MOST}, and that is as many as anybody may have."),
            "Revoke one that you do not need any more.",
        ));
    }
    let words: Vec<String> = scopes.iter().map(|s| s.word().to_owned()).collect();
    let hash = text::hash(token);
    let id =
        sqlx::query_scalar!(
        "insert into token (user_id, name, token_hash, starts_with, scopes, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7) returning id",
        user.get(),
        name,
        hash.as_slice(),
        token[PREFIX.len()..].chars().take(SHOWN).collect::<String>(),
        &words,
        ctx.now,
        ends_at,
    )
        .fetch_one(&mut *tx)
        .await?;
    let entry = Entry::new("token.create", "token", id, None)
        .after(json!({ "name": name, "scopes": words, "ends_at": ends_at.unix_timestamp() }));
    audit::record(&mut tx, ctx, entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Who bears a living token: by the hash of its text, or one that is known already.
pub async fn find(
    pool: &PgPool,
    hash: Option<&[u8; 32]>,
    known: Option<TokenId>,
    now: OffsetDateTime,
) -> Result<Option<Actor>> {
    let Some(row) = sqlx::query!(
        r#"select k.id, k.name as token_name, k.scopes, k.last_used_at, u.id as user_id, u.name,
               coalesce(array(select m.team_id from membership($2) m where m.user_id = u.id
                   group by m.team_id order by m.team_id), '{}') as "teams!",
               coalesce(array(select case when bool_or(m.role = 'lead') then 'lead' else 'member' end from membership($2) m
                   where m.user_id = u.id group by m.team_id order by m.team_id), '{}') as "roles!",
               coalesce(array(select o.role from org_role o where o.user_id = u.id order by o.role), '{}') as "org!"
           from token k join user_account u on u.id = k.user_id
           where (k.token_hash = $1 or k.id = $3) and k.revoked_at is null and k.expires_at > $2
             and u.suspended_at is null"#,
        hash.map(|h| &h[..]),
        now,
        known.map(TokenId::get),
    )
    .fetch_optional(pool)
    .await?
    else {
        return Ok(None);
    };
    if row
        .last_used_at
        .is_none_or(|at| now - at > time::Duration::minutes(1))
    {
        sqlx::query!(
            "update token set last_used_at = $2 where id = $1",
            row.id,
            now
        )
        .execute(pool)
        .await?;
    }
    let (teams, org) = session::places(row.teams, row.roles, &row.org);
    Ok(Some(Actor {
        user: UserId::new(row.user_id),
        name: row.name,
        session: None,
        token: Some(Bearer {
            id: TokenId::new(row.id),
            name: row.token_name,
            scopes: scopes(&row.scopes),
        }),
        teams,
        org,
    }))
}

fn scopes(words: &[String]) -> Scopes {
    words.iter().filter_map(|word| Scope::read(word)).collect()
}

pub async fn list(pool: &PgPool, of: UserId, now: OffsetDateTime) -> Result<Vec<Token>> {
    let rows = sqlx::query!(
        "select id, name, starts_with, scopes, created_at, last_used_at, expires_at from token
         where user_id = $1 and revoked_at is null and expires_at > $2 order by id desc limit 100",
        of.get(),
        now,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Token {
            id: TokenId::new(r.id),
            name: r.name,
            begins: format!("{PREFIX}{}", r.starts_with),
            scopes: scopes(&r.scopes),
            created_at: r.created_at,
            last_used_at: r.last_used_at,
            ends_at: r.expires_at,
        })
        .collect())
}

pub async fn owner(pool: &PgPool, token: TokenId) -> Result<Option<UserId>> {
    Ok(
        sqlx::query_scalar!("select user_id from token where id = $1", token.get())
            .fetch_optional(pool)
            .await?
            .map(UserId::new),
    )
}

pub async fn revoke(pool: &PgPool, ctx: &Ctx, token: TokenId) -> Result<()> {
    let mut tx = pool.begin().await?;
    let gone = sqlx::query!(
        "update token set revoked_at = $2, revoked_by = $3 where id = $1 and revoked_at is null
         returning user_id, name",
        token.get(),
        ctx.now,
        ctx.person()?.user.get(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(gone) = gone {
        let entry = Entry::new("token.revoke", "token", token.get(), None)
            .before(json!({ "name": gone.name, "person": gone.user_id }));
        audit::record(&mut tx, ctx, entry).await?;
        announce(&mut tx, UserId::new(gone.user_id)).await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn revoke_all(tx: &mut PgConnection, ctx: &Ctx, of: UserId) -> Result<u64> {
    let revoked = sqlx::query!(
        "update token set revoked_at = $2, revoked_by = $3 where user_id = $1 and revoked_at is null and expires_at > $2",
        of.get(),
        ctx.now,
        ctx.person()?.user.get(),
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if revoked > 0 {
        let entry = Entry::new("token.revoke_all", "user", of.get(), None)
            .after(json!({ "revoked": revoked }));
        audit::record(&mut *tx, ctx, entry).await?;
        announce(tx, of).await?;
    }
    Ok(revoked)
}

/// Streams that are open on a token of theirs end, and begin anew if they may.
async fn announce(tx: &mut PgConnection, of: UserId) -> Result<()> {
    live::notify(tx, &live::Event::Person { user: of }).await
}

pub async fn end_demo(pool: &PgPool, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update token set revoked_at = $1 where revoked_at is null
           and user_id in (select id from user_account where starts_with(subject, 'demo:'))",
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn is_alive(pool: &PgPool, token: TokenId, now: OffsetDateTime) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from token k join user_account u on u.id = k.user_id
           where k.id = $1 and k.revoked_at is null and k.expires_at > $2 and u.suspended_at is null) as "alive!""#,
        token.get(),
        now,
    )
    .fetch_one(pool)
    .await?)
}
