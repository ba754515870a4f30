use slipway_domain::{
    id::UserId,
    role::{OrgRole, TeamRole},
};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{PERSONAS, subject};
use crate::Result;

pub async fn seed_demo(pool: &PgPool, now: OffsetDateTime) -> Result<()> {
    let mut tx = pool.begin().await?;
    for persona in &PERSONAS {
        let user = sqlx::query_scalar!(
            "insert into user_account (subject, name, created_at) values ($1, $2, $3)
             on conflict (subject) do update set name = excluded.name returning id",
            subject(persona),
            persona.name,
            now,
        )
        .fetch_one(&mut *tx)
        .await?;
        if let Some((team, role)) = persona.team {
            let team = sqlx::query_scalar!(
                "insert into team (name, preview_quota, created_at) values ($1, 5, $2)
                 on conflict (name) do update set name = excluded.name returning id",
                team,
                now,
            )
            .fetch_one(&mut *tx)
            .await?;
            let role = match role {
                TeamRole::Member => "member",
                TeamRole::Lead => "lead",
            };
            sqlx::query!(
                "insert into team_member (team_id, user_id, role, source, created_at) values ($1, $2, $3, 'demo', $4)
                 on conflict do nothing",
                team,
                user,
                role,
                now,
            )
            .execute(&mut *tx)
            .await?;
        }
        if let Some(role) = persona.org {
            let role = match role {
                OrgRole::Operator => "operator",
                OrgRole::Auditor => "auditor",
                OrgRole::Admin => "admin",
            };
            sqlx::query!(
                "insert into org_role (user_id, role, source, created_at) values ($1, $2, 'demo', $3) on conflict do nothing",
                user,
                role,
                now,
            )
            .execute(&mut *tx)
            .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

pub async fn by_subject(pool: &PgPool, subject: &str) -> Result<Option<UserId>> {
    Ok(sqlx::query_scalar!(
        "select id from user_account where subject = $1 and suspended_at is null",
        subject
    )
    .fetch_optional(pool)
    .await?
    .map(UserId::new))
}
