use serde::Deserialize;
use serde_json::json;
use slipway_domain::{
    id::{TeamId, UserId},
    role::{OrgRole, TeamRole},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{Member, Person, Place, Team, org_word, team_word};
use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    session, token,
};

fn org(word: &str) -> Option<OrgRole> {
    match word {
        "operator" => Some(OrgRole::Operator),
        "auditor" => Some(OrgRole::Auditor),
        "admin" => Some(OrgRole::Admin),
        _ => None,
    }
}

fn in_team(word: &str) -> TeamRole {
    if word == "lead" {
        TeamRole::Lead
    } else {
        TeamRole::Member
    }
}

pub async fn list(
    pool: &PgPool,
    name: Option<&str>,
    before: i64,
    only: Option<i64>,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Vec<Person>> {
    let rows = sqlx::query!(
        r#"select u.id, u.name, u.email, u.created_at, u.suspended_at,
               (select max(s.last_seen_at) from session s where s.user_id = u.id) as last_seen_at,
               coalesce(array(select o.role from org_role o where o.user_id = u.id order by o.role), '{}') as "roles!",
               coalesce(array(select o.source from org_role o where o.user_id = u.id order by o.role), '{}') as "sources!",
               (select json_agg(json_build_object('team', m.team_id, 'name', t.name, 'role', m.role, 'source', m.source,
                        'confirmed_at', m.confirmed_at) order by t.name, m.source)
                from membership($5) m join team t on t.id = m.team_id where m.user_id = u.id) as places,
               coalesce(d.asked_at > coalesce(d.answered_at, '-infinity'), false) and exists (select from team_group) as "asking!", d.failure as "trouble?"
           from user_account u left join directory_person d on d.user_id = u.id
           where u.id < $2 and ($3::bigint is null or u.id = $3)
             and ($1::text is null or strpos(lower(u.name), lower($1)) > 0 or strpos(lower(coalesce(u.email, '')), lower($1)) > 0)
           order by u.id desc limit $4"#,
        name,
        before,
        only,
        limit,
        now,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Person {
                id: UserId::new(r.id),
                name: r.name,
                email: r.email,
                org: r
                    .roles
                    .iter()
                    .zip(r.sources)
                    .filter_map(|(role, source)| Some((org(role)?, source)))
                    .collect(),
                teams: r
                    .places
                    .map(serde_json::from_value::<Vec<PlaceRow>>)
                    .transpose()?
                    .unwrap_or_default()
                    .into_iter()
                    .map(|place| Place {
                        team: TeamId::new(place.team),
                        name: place.name,
                        role: in_team(&place.role),
                        source: place.source,
                        confirmed_at: place.confirmed_at,
                    })
                    .collect(),
                last_seen_at: r.last_seen_at,
                created_at: r.created_at,
                suspended_at: r.suspended_at,
                asking: r.asking,
                trouble: r.trouble,
            })
        })
        .collect()
}

#[derive(Deserialize)]
struct PlaceRow {
    team: i64,
    name: String,
    role: String,
    source: String,
    #[serde(with = "time::serde::rfc3339::option")]
    confirmed_at: Option<OffsetDateTime>,
}

/// Changes of admins happen one after the other, and by somebody who is one at that moment.
pub async fn as_admin(tx: &mut PgConnection, ctx: &Ctx) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(7266291)::text as done")
        .fetch_one(&mut *tx)
        .await?;
    let still = sqlx::query_scalar!(
        r#"select exists (select from org_role o join user_account u on u.id = o.user_id
           where o.user_id = $1 and o.role = 'admin' and u.suspended_at is null) as "still!""#,
        ctx.person()?.user.get()
    )
    .fetch_one(tx)
    .await?;
    if still { Ok(()) } else { Err(Error::NotFound) }
}

async fn name_of(tx: &mut PgConnection, of: UserId) -> Result<String> {
    sqlx::query_scalar!(
        "select name from user_account where id = $1 for update",
        of.get()
    )
    .fetch_optional(tx)
    .await?
    .ok_or(Error::NotFound)
}

async fn another_admin(tx: &mut PgConnection, than: UserId) -> Result<()> {
    let another = sqlx::query_scalar!(
        r#"select exists (select from org_role o join user_account u on u.id = o.user_id
           where o.user_id <> $1 and o.role = 'admin' and u.suspended_at is null) as "another!""#,
        than.get()
    )
    .fetch_one(tx)
    .await?;
    if another {
        return Ok(());
    }
    Err(Error::refused(
        "This is the last admin.",
        "Without one nobody could give roles any more.",
        "Make somebody else an admin first.",
    ))
}

async fn is_admin(tx: &mut PgConnection, of: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from org_role where user_id = $1 and role = 'admin') as "is!""#,
        of.get()
    )
    .fetch_one(tx)
    .await?)
}

pub async fn give_role(pool: &PgPool, ctx: &Ctx, to: UserId, role: OrgRole) -> Result<()> {
    let mut tx = pool.begin().await?;
    as_admin(&mut tx, ctx).await?;
    let name = name_of(&mut tx, to).await?;
    let word = org_word(role);
    let given = sqlx::query!(
        "insert into org_role (user_id, role, source, created_at) values ($1, $2, 'hand', $3) on conflict do nothing",
        to.get(),
        word,
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    if given.rows_affected() == 1 {
        let entry = Entry::new("role.give", "user", to.get(), None)
            .after(json!({ "role": word, "to": name }));
        audit::record(&mut tx, ctx, entry).await?;
        session::rights_changed(&mut tx, to, ctx.now).await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn take_role(pool: &PgPool, ctx: &Ctx, from: UserId, role: OrgRole) -> Result<()> {
    let mut tx = pool.begin().await?;
    as_admin(&mut tx, ctx).await?;
    let name = name_of(&mut tx, from).await?;
    if role == OrgRole::Admin {
        another_admin(&mut tx, from).await?;
    }
    let word = org_word(role);
    let taken = sqlx::query!(
        "delete from org_role where user_id = $1 and role = $2",
        from.get(),
        word
    )
    .execute(&mut *tx)
    .await?;
    if taken.rows_affected() == 1 {
        let entry = Entry::new("role.take", "user", from.get(), None)
            .before(json!({ "role": word, "from": name }));
        audit::record(&mut tx, ctx, entry).await?;
        session::rights_changed(&mut tx, from, ctx.now).await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn suspend(pool: &PgPool, ctx: &Ctx, of: UserId) -> Result<()> {
    let mut tx = pool.begin().await?;
    as_admin(&mut tx, ctx).await?;
    let name = name_of(&mut tx, of).await?;
    if is_admin(&mut tx, of).await? {
        another_admin(&mut tx, of).await?;
    }
    sqlx::query!(
        "update user_account set suspended_at = $2 where id = $1 and suspended_at is null",
        of.get(),
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    let entry = Entry::new("person.suspend", "user", of.get(), None).after(json!({ "name": name }));
    audit::record(&mut tx, ctx, entry).await?;
    session::end_all_in(&mut tx, ctx, of, None).await?;
    token::revoke_all_in(&mut tx, ctx, of).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn resume(pool: &PgPool, ctx: &Ctx, of: UserId) -> Result<()> {
    let mut tx = pool.begin().await?;
    as_admin(&mut tx, ctx).await?;
    let name = name_of(&mut tx, of).await?;
    sqlx::query!(
        "update user_account set suspended_at = null where id = $1",
        of.get()
    )
    .execute(&mut *tx)
    .await?;
    let entry = Entry::new("person.resume", "user", of.get(), None).after(json!({ "name": name }));
    audit::record(&mut tx, ctx, entry).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn refused(pool: &PgPool, ctx: &Ctx, action: &str, on: UserId, why: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    let entry = Entry::new(action, "user", on.get(), None);
    audit::record(&mut tx, ctx, entry.refused().detail(why)).await?;
    tx.commit().await?;
    Ok(())
}

// Teams.

pub async fn teams(
    pool: &PgPool,
    all: bool,
    mine: &[i64],
    now: OffsetDateTime,
) -> Result<Vec<Team>> {
    let rows = sqlx::query!(
        r#"select t.id, t.name, t.preview_quota,
               (select count(distinct m.user_id) from membership($3) m where m.team_id = t.id) as "members!"
           from team t where $1 or t.id = any($2) order by t.name limit 200"#,
        all,
        mine,
        now,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Team {
            id: TeamId::new(r.id),
            name: r.name,
            quota: r.preview_quota,
            count: r.members,
            members: vec![],
            groups: vec![],
            unasked: 0,
        })
        .collect())
}

pub async fn members(pool: &PgPool, of: TeamId, now: OffsetDateTime) -> Result<Vec<Member>> {
    let rows = sqlx::query!(
        r#"select u.id, u.name, u.email, u.suspended_at, m.role as "role!", m.source as "source!", m.confirmed_at
           from membership($2) m join user_account u on u.id = m.user_id
           where m.team_id = $1 order by m.role, u.name, m.source limit 500"#,
        of.get(),
        now,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Member {
            user: UserId::new(r.id),
            name: r.name,
            email: r.email,
            suspended: r.suspended_at.is_some(),
            role: in_team(&r.role),
            source: r.source,
            confirmed_at: r.confirmed_at,
        })
        .collect())
}

pub async fn add_team(pool: &PgPool, ctx: &Ctx, name: &str) -> Result<Option<TeamId>> {
    let mut tx = pool.begin().await?;
    as_admin(&mut tx, ctx).await?;
    let made = sqlx::query_scalar!(
        "insert into team (name, preview_quota, created_at) values ($1, 5, $2)
         on conflict (name) do nothing returning id",
        name,
        ctx.now
    )
    .fetch_optional(&mut *tx)
    .await?
    .map(TeamId::new);
    if let Some(team) = made {
        let entry =
            Entry::new("team.new", "team", team.get(), Some(team)).after(json!({ "name": name }));
        audit::record(&mut tx, ctx, entry).await?;
    }
    tx.commit().await?;
    Ok(made)
}

/// Everybody who is not suspended and last came with this address.
pub async fn by_address(pool: &PgPool, address: &str) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        "select id from user_account where lower(email) = lower($1) and suspended_at is null limit 2",
        address
    )
    .fetch_all(pool)
    .await?
    .into_iter()
    .map(UserId::new)
    .collect())
}

/// Changes of a team happen one after the other, and by somebody who may at that moment.
async fn may_manage(tx: &mut PgConnection, ctx: &Ctx, team: TeamId) -> Result<()> {
    sqlx::query!("select id from team where id = $1 for update", team.get())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound)?;
    let still = sqlx::query_scalar!(
        r#"select exists (select from user_account u where u.id = $1 and u.suspended_at is null
             and (exists (select from org_role o where o.user_id = u.id and o.role = 'admin')
               or exists (select from membership($3) m where m.user_id = u.id and m.team_id = $2 and m.role = 'lead'))) as "still!""#,
        ctx.person()?.user.get(),
        team.get(),
        ctx.now,
    )
    .fetch_one(tx)
    .await?;
    if still { Ok(()) } else { Err(Error::NotFound) }
}

pub async fn put_member(
    pool: &PgPool,
    ctx: &Ctx,
    team: TeamId,
    user: UserId,
    role: TeamRole,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    may_manage(&mut tx, ctx, team).await?;
    let name = name_of(&mut tx, user).await?;
    let before = sqlx::query!(
        "select role, source from team_member where team_id = $1 and user_id = $2",
        team.get(),
        user.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into team_member (team_id, user_id, role, source, created_at) values ($1, $2, $3, 'hand', $4)
         on conflict (team_id, user_id) do update set role = excluded.role, source = 'hand'",
        team.get(),
        user.get(),
        team_word(role),
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    let entry = Entry::new("team.put_member", "team", team.get(), Some(team))
        .before(json!(
            before.map(|b| json!({ "role": b.role, "source": b.source }))
        ))
        .after(json!({ "user": user, "name": name, "role": team_word(role) }));
    audit::record(&mut tx, ctx, entry).await?;
    session::rights_changed(&mut tx, user, ctx.now).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn remove_member(pool: &PgPool, ctx: &Ctx, team: TeamId, user: UserId) -> Result<()> {
    let mut tx = pool.begin().await?;
    may_manage(&mut tx, ctx, team).await?;
    let name = name_of(&mut tx, user).await?;
    let gone = sqlx::query!(
        "delete from team_member where team_id = $1 and user_id = $2 returning role, source",
        team.get(),
        user.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(gone) = gone else {
        let by_group = sqlx::query_scalar!(
            "select source from membership($3) where team_id = $1 and user_id = $2 limit 1",
            team.get(),
            user.get(),
            ctx.now,
        )
        .fetch_optional(&mut *tx)
        .await?
        .flatten();
        return Err(by_group.map_or(Error::NotFound, |source| {
            let group = source.strip_prefix("group:").unwrap_or(&source);
            Error::refused(
                format!("{name} was not removed."),
                format!("The membership comes from the group {group}, which gives it again at the next look."),
                "Have them taken out of the group, or have an admin take the group off this team.",
            )
        }));
    };
    let entry = Entry::new("team.remove_member", "team", team.get(), Some(team))
        .before(json!({ "user": user, "name": name, "role": gone.role, "source": gone.source }));
    audit::record(&mut tx, ctx, entry).await?;
    session::rights_changed(&mut tx, user, ctx.now).await?;
    tx.commit().await?;
    Ok(())
}
