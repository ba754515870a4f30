use slipway_domain::{
    id::{SessionId, TeamId, UserId},
    role::{Actor, OrgRole, TeamRole},
};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{ABSOLUTE, IDLE};
use crate::{
    Ctx, Result,
    audit::{self, Entry},
};

pub async fn insert(
    pool: &PgPool,
    hash: &[u8; 32],
    user: UserId,
    user_agent: &str,
    request_id: &str,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    let row = sqlx::query!(
        "with made as (
             insert into session (token_hash, user_id, user_agent, created_at, last_seen_at, expires_at)
             values ($1, $2, $3, $4, $4, $5) returning id, user_id)
         select made.id, user_account.name from made join user_account on user_account.id = made.user_id",
        hash,
        user.get(),
        user_agent.chars().take(200).collect::<String>(),
        now,
        now + ABSOLUTE,
    )
    .fetch_one(&mut *tx)
    .await?;
    let session = SessionId::new(row.id);
    let actor = Actor {
        user,
        name: row.name,
        session: Some(session),
        teams: vec![],
        org: vec![],
    };
    let ctx = Ctx {
        actor: Some(actor),
        request_id: request_id.into(),
        now,
    };
    audit::record(
        &mut tx,
        &ctx,
        Entry::new("session.begin", "session", row.id, None),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn find(pool: &PgPool, hash: &[u8; 32], now: OffsetDateTime) -> Result<Option<Actor>> {
    let Some(row) = sqlx::query!(
        r#"select s.id, s.last_seen_at, u.id as user_id, u.name,
               coalesce(array(select m.team_id from team_member m where m.user_id = u.id order by m.team_id), '{}') as "teams!",
               coalesce(array(select m.role from team_member m where m.user_id = u.id order by m.team_id), '{}') as "roles!",
               coalesce(array(select o.role from org_role o where o.user_id = u.id), '{}') as "org!"
           from session s join user_account u on u.id = s.user_id
           where s.token_hash = $1 and s.ended_at is null and s.expires_at > $2 and s.last_seen_at > $3
             and u.suspended_at is null"#,
        hash,
        now,
        now - IDLE,
    )
    .fetch_optional(pool)
    .await?
    else {
        return Ok(None);
    };
    // Once a minute is enough to know when somebody was last here, and spares a commit per page.
    if now - row.last_seen_at > time::Duration::minutes(1) {
        sqlx::query!(
            "update session set last_seen_at = $2 where id = $1",
            row.id,
            now
        )
        .execute(pool)
        .await?;
    }
    Ok(Some(Actor {
        user: UserId::new(row.user_id),
        name: row.name,
        session: Some(SessionId::new(row.id)),
        teams: row
            .teams
            .into_iter()
            .zip(row.roles)
            .map(|(team, role)| {
                (
                    TeamId::new(team),
                    if role == "lead" {
                        TeamRole::Lead
                    } else {
                        TeamRole::Member
                    },
                )
            })
            .collect(),
        org: row
            .org
            .iter()
            .filter_map(|role| match role.as_str() {
                "operator" => Some(OrgRole::Operator),
                "auditor" => Some(OrgRole::Auditor),
                "admin" => Some(OrgRole::Admin),
                _ => None,
            })
            .collect(),
    }))
}

pub async fn end(pool: &PgPool, ctx: &Ctx, session: SessionId) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "update session set ended_at = $2 where id = $1 and ended_at is null",
        session.get(),
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    audit::record(
        &mut tx,
        ctx,
        Entry::new("session.end", "session", session.get(), None),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn is_alive(pool: &PgPool, session: SessionId, now: OffsetDateTime) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from session s join user_account u on u.id = s.user_id
           where s.id = $1 and s.ended_at is null and s.expires_at > $2 and u.suspended_at is null) as "alive!""#,
        session.get(),
        now,
    )
    .fetch_one(pool)
    .await?)
}
