use slipway_domain::{
    id::{SessionId, TeamId, UserId},
    role::{Actor, OrgRole, TeamRole},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{ABSOLUTE, GRACE, IDLE, Over, Session};
use crate::{
    Ctx, Result,
    audit::{self, Entry},
    live,
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
        token: None,
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

/// Who, and whether their token is due to change.
pub async fn find(
    pool: &PgPool,
    hash: &[u8; 32],
    now: OffsetDateTime,
) -> Result<Option<(Actor, bool)>> {
    let Some(row) = sqlx::query_as!(
        Row,
        r#"select s.id, s.last_seen_at, u.id as user_id, u.name, (s.rotate_at is not null and s.token_hash = $1) as "due!",
               coalesce(array(select m.team_id from membership($2) m where m.user_id = u.id
                   group by m.team_id order by m.team_id), '{}') as "teams!",
               coalesce(array(select case when bool_or(m.role = 'lead') then 'lead' else 'member' end from membership($2) m
                   where m.user_id = u.id group by m.team_id order by m.team_id), '{}') as "roles!",
               coalesce(array(select o.role from org_role o where o.user_id = u.id order by o.role), '{}') as "org!"
           from session s join user_account u on u.id = s.user_id
           where (s.token_hash = $1 or (s.previous_hash = $1 and s.previous_until > $2))
             and s.ended_at is null and s.expires_at > $2 and s.last_seen_at > $3 and u.suspended_at is null"#,
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
    let due = row.due;
    Ok(Some((row.actor(), due)))
}

/// Who, of a session that is known already; looking is no use of it.
pub async fn by_id(
    pool: &PgPool,
    session: SessionId,
    now: OffsetDateTime,
) -> Result<Option<Actor>> {
    let row = sqlx::query_as!(
        Row,
        r#"select s.id, s.last_seen_at, u.id as user_id, u.name, false as "due!",
               coalesce(array(select m.team_id from membership($2) m where m.user_id = u.id
                   group by m.team_id order by m.team_id), '{}') as "teams!",
               coalesce(array(select case when bool_or(m.role = 'lead') then 'lead' else 'member' end from membership($2) m
                   where m.user_id = u.id group by m.team_id order by m.team_id), '{}') as "roles!",
               coalesce(array(select o.role from org_role o where o.user_id = u.id order by o.role), '{}') as "org!"
           from session s join user_account u on u.id = s.user_id
           where s.id = $1 and s.ended_at is null and s.expires_at > $2 and s.last_seen_at > $3
             and u.suspended_at is null"#,
        session.get(),
        now,
        now - IDLE,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Row::actor))
}

struct Row {
    id: i64,
    last_seen_at: OffsetDateTime,
    user_id: i64,
    name: String,
    due: bool,
    teams: Vec<i64>,
    roles: Vec<String>,
    org: Vec<String>,
}

impl Row {
    fn actor(self) -> Actor {
        let (teams, org) = places(self.teams, self.roles, &self.org);
        Actor {
            user: UserId::new(self.user_id),
            name: self.name,
            session: Some(SessionId::new(self.id)),
            token: None,
            teams,
            org,
        }
    }
}

/// Somebody's places, from the words in the database.
pub fn places(
    teams: Vec<i64>,
    roles: Vec<String>,
    org: &[String],
) -> (Vec<(TeamId, TeamRole)>, Vec<OrgRole>) {
    let teams = teams
        .into_iter()
        .zip(roles)
        .map(|(team, role)| {
            let role = match role.as_str() {
                "lead" => TeamRole::Lead,
                _ => TeamRole::Member,
            };
            (TeamId::new(team), role)
        })
        .collect();
    let org = org
        .iter()
        .filter_map(|role| match role.as_str() {
            "operator" => Some(OrgRole::Operator),
            "auditor" => Some(OrgRole::Auditor),
            "admin" => Some(OrgRole::Admin),
            _ => None,
        })
        .collect();
    (teams, org)
}

/// False if somebody else was faster.
pub async fn replace(
    pool: &PgPool,
    session: SessionId,
    old: &[u8; 32],
    new: &[u8; 32],
    now: OffsetDateTime,
) -> Result<bool> {
    let replaced = sqlx::query!(
        "update session set token_hash = $3, previous_hash = $2, previous_until = $4, rotate_at = null
         where id = $1 and token_hash = $2 and rotate_at is not null",
        session.get(),
        old,
        new,
        now + GRACE,
    )
    .execute(pool)
    .await?;
    Ok(replaced.rows_affected() == 1)
}

pub async fn end(pool: &PgPool, ctx: &Ctx, session: SessionId) -> Result<()> {
    let mut tx = pool.begin().await?;
    let user = sqlx::query_scalar!(
        "update session set ended_at = $2 where id = $1 and ended_at is null returning user_id",
        session.get(),
        ctx.now
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(user) = user {
        let entry = Entry::new("session.end", "session", session.get(), None);
        audit::record(&mut tx, ctx, entry).await?;
        announce(&mut tx, UserId::new(user)).await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn end_all(
    tx: &mut PgConnection,
    ctx: &Ctx,
    of: UserId,
    keep: Option<SessionId>,
) -> Result<u64> {
    let ended = sqlx::query!(
        "update session set ended_at = $2 where user_id = $1 and ended_at is null and expires_at > $2
           and id is distinct from $3",
        of.get(),
        ctx.now,
        keep.map(SessionId::get),
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    let entry = Entry::new("session.end_all", "user", of.get(), None)
        .after(serde_json::json!({ "ended": ended }));
    audit::record(&mut *tx, ctx, entry).await?;
    announce(tx, of).await?;
    Ok(ended)
}

pub async fn end_demo(pool: &PgPool, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update session set ended_at = $1 where ended_at is null
           and user_id in (select id from user_account where starts_with(subject, 'demo:'))",
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn rights_changed(tx: &mut PgConnection, of: UserId, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update session set rotate_at = $2 where user_id = $1 and ended_at is null",
        of.get(),
        now
    )
    .execute(&mut *tx)
    .await?;
    announce(tx, of).await
}

async fn announce(tx: &mut PgConnection, of: UserId) -> Result<()> {
    live::notify(tx, &live::Event::Person { user: of }).await
}

pub async fn owner(pool: &PgPool, session: SessionId) -> Result<Option<UserId>> {
    Ok(
        sqlx::query_scalar!("select user_id from session where id = $1", session.get())
            .fetch_optional(pool)
            .await?
            .map(UserId::new),
    )
}

pub async fn list(
    pool: &PgPool,
    of: UserId,
    current: Option<SessionId>,
    now: OffsetDateTime,
) -> Result<Vec<Session>> {
    let rows = sqlx::query!(
        "select id, user_agent, created_at, last_seen_at, expires_at from session
         where user_id = $1 and ended_at is null and expires_at > $2 and last_seen_at > $3
         order by last_seen_at desc, id desc limit 100",
        of.get(),
        now,
        now - IDLE,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Session {
            id: SessionId::new(r.id),
            user_agent: r.user_agent,
            begun_at: r.created_at,
            last_seen_at: r.last_seen_at,
            ends_at: r.expires_at.min(r.last_seen_at + IDLE),
            current: current == Some(SessionId::new(r.id)),
        })
        .collect())
}

pub async fn why_over(
    pool: &PgPool,
    session: SessionId,
    now: OffsetDateTime,
) -> Result<Option<Over>> {
    let row = sqlx::query!(
        r#"select u.suspended_at is not null as "suspended!", s.ended_at is not null as "ended!",
               (s.expires_at <= $2 or s.last_seen_at <= $3) as "expired!"
           from session s join user_account u on u.id = s.user_id where s.id = $1"#,
        session.get(),
        now,
        now - IDLE,
    )
    .fetch_optional(pool)
    .await?;
    Ok(match row {
        Some(r) if r.suspended => Some(Over::Suspended),
        Some(r) if r.ended => Some(Over::Ended),
        Some(r) if r.expired => Some(Over::Expired),
        Some(_) => None,
        None => Some(Over::Ended),
    })
}
