use serde::Deserialize;
use serde_json::json;
use slipway_domain::{
    id::{TeamId, UserId},
    role::TeamRole,
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::Group;
use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    live,
    people::{Team, store as people, team_word},
    session,
};

#[derive(Deserialize)]
struct Row {
    address: String,
    role: TeamRole,
    count: i64,
}

/// A team with its groups, in one query.
pub async fn team(pool: &PgPool, team: TeamId, now: OffsetDateTime) -> Result<Option<Team>> {
    let row = sqlx::query!(
        r#"select t.id, t.name, t.preview_quota,
               (select count(distinct m.user_id) from membership($2) m where m.team_id = t.id) as "members!",
               (select json_agg(json_build_object('address', g.address, 'role', g.role, 'count',
                        (select count(*) from membership($2) m
                         where m.team_id = t.id and m.source = 'group:' || g.address)) order by g.address)
                from team_group g where g.team_id = t.id) as groups,
               (select count(*) from directory_person d join user_account u on u.id = d.user_id
                where u.suspended_at is null and d.due_at <= $2) as "unasked!"
           from team t where t.id = $1"#,
        team.get(),
        now,
    )
    .fetch_optional(pool)
    .await?;
    row.map(|r| {
        Ok(Team {
            id: TeamId::new(r.id),
            name: r.name,
            quota: r.preview_quota,
            count: r.members,
            members: vec![],
            groups: r
                .groups
                .map(serde_json::from_value::<Vec<Row>>)
                .transpose()?
                .unwrap_or_default()
                .into_iter()
                .map(|row| Group {
                    address: row.address,
                    role: row.role,
                    count: row.count,
                })
                .collect(),
            unasked: r.unasked,
        })
    })
    .transpose()
}

async fn lock(tx: &mut PgConnection, team: TeamId) -> Result<()> {
    sqlx::query!("select id from team where id = $1 for update", team.get())
        .fetch_optional(tx)
        .await?
        .ok_or(Error::NotFound)?;
    Ok(())
}

pub async fn add(
    pool: &PgPool,
    ctx: &Ctx,
    team: TeamId,
    address: &str,
    role: TeamRole,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    people::as_admin(&mut tx, ctx).await?;
    lock(&mut tx, team).await?;
    let before = sqlx::query_scalar!(
        "delete from team_group where team_id = $1 and address = $2 returning role",
        team.get(),
        address
    )
    .fetch_optional(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into team_group (team_id, address, role, added_by, created_at) values ($1, $2, $3, $4, $5)",
        team.get(),
        address,
        team_word(role),
        ctx.person()?.user.get(),
        ctx.now,
    )
    .execute(&mut *tx)
    .await?;
    let entry = Entry::new("team.add_group", "team", team.get(), Some(team))
        .before(json!(before))
        .after(json!({ "group": address, "role": team_word(role) }));
    audit::record(&mut tx, ctx, entry).await?;
    // Before any session is touched, as the worker does it: two who lock in one order do not wait for each other.
    sqlx::query!(
        "update directory_person set due_at = least(due_at, $1)",
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    // Of some it is known already, because another team has the group; the others are asked for.
    reach(&mut tx, ctx, address).await?;
    live::notify(&mut tx, &live::Event::Ask).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn remove(pool: &PgPool, ctx: &Ctx, team: TeamId, address: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    people::as_admin(&mut tx, ctx).await?;
    lock(&mut tx, team).await?;
    let gone = sqlx::query_scalar!(
        "delete from team_group where team_id = $1 and address = $2 returning role",
        team.get(),
        address
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let entry = Entry::new("team.remove_group", "team", team.get(), Some(team))
        .before(json!({ "group": address, "role": gone }));
    audit::record(&mut tx, ctx, entry).await?;
    reach(&mut tx, ctx, address).await?;
    tx.commit().await?;
    Ok(())
}

/// The rights of everybody who is in a group change.
async fn reach(tx: &mut PgConnection, ctx: &Ctx, address: &str) -> Result<()> {
    let reached = sqlx::query_scalar!(
        "select user_id from person_group where address = $1 order by user_id",
        address
    )
    .fetch_all(&mut *tx)
    .await?;
    for user in reached {
        session::rights_changed(tx, UserId::new(user), ctx.now).await?;
    }
    Ok(())
}
