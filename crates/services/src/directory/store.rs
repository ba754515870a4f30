use std::collections::BTreeMap;

use serde_json::json;
use slipway_domain::id::{TeamId, UserId};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use super::{CLAIM, Due, EVERY, GONE};
use crate::{
    Ctx, Result,
    audit::{self, Entry},
    live, session,
};

pub async fn present(pool: &PgPool, keep: Duration, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "insert into directory (keep_seconds, seen_at, created_at) values ($1, $2, $2)
         on conflict (one) do update set keep_seconds = excluded.keep_seconds, seen_at = excluded.seen_at",
        keep.as_seconds_f64(),
        now
    )
    .execute(pool)
    .await?;
    // People of the demo have no key at any provider.
    sqlx::query!(
        "insert into directory_person (user_id, due_at, created_at)
         select id, $1, $1 from user_account where suspended_at is null and strpos(subject, '#') > 0
         on conflict do nothing",
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn claim(pool: &PgPool, waiting: bool, now: OffsetDateTime) -> Result<Option<Due>> {
    let row = sqlx::query!(
        r#"update directory_person set claimed_until = $2
           where user_id = (
               select d.user_id from directory_person d join user_account u on u.id = d.user_id
               where d.due_at <= $1 and (d.claimed_until is null or d.claimed_until <= $1) and u.suspended_at is null
                 and exists (select from team_group)
                 and (not $3 or d.asked_at > coalesce(d.answered_at, '-infinity'))
               order by d.asked_at > coalesce(d.answered_at, '-infinity') desc nulls last, d.due_at, d.user_id
               limit 1 for update of d skip locked)
           returning user_id, (select subject from user_account where id = user_id) as "subject!""#,
        now,
        now + CLAIM,
        waiting,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|r| Due {
        user: UserId::new(r.user_id),
        key: r
            .subject
            .rsplit_once('#')
            .map_or_else(String::new, |(_, key)| key.to_owned()),
        began: now,
    }))
}

/// The strongest role in each team that counts at this moment.
async fn roles(
    tx: &mut PgConnection,
    of: UserId,
    at: OffsetDateTime,
) -> Result<BTreeMap<i64, String>> {
    Ok(sqlx::query!(
        r#"select team_id as "team!", case when bool_or(role = 'lead') then 'lead' else 'member' end as "role!"
           from membership($2) where user_id = $1 group by team_id"#,
        of.get(),
        at
    )
    .fetch_all(tx)
    .await?
    .into_iter()
    .map(|r| (r.team, r.role))
    .collect())
}

pub async fn confirm(pool: &PgPool, ctx: &Ctx, due: &Due, groups: &[String]) -> Result<()> {
    let mut tx = pool.begin().await?;
    let known = sqlx::query_scalar!(
        "select confirmed_at from directory_person where user_id = $1 for update",
        due.user.get()
    )
    .fetch_optional(&mut *tx)
    .await?
    .flatten();
    if known.is_some_and(|known| known > due.began) {
        return Ok(());
    }
    let before = roles(&mut tx, due.user, ctx.now).await?;
    sqlx::query!(
        "delete from person_group where user_id = $1
           and not (address = any($2) and address in (select address from team_group))",
        due.user.get(),
        groups,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into person_group (user_id, address, created_at)
         select distinct $1::bigint, address, $3::timestamptz from team_group where address = any($2) on conflict do nothing",
        due.user.get(),
        groups,
        ctx.now,
    )
    .execute(&mut *tx)
    .await?;
    // Whoever came meanwhile is asked for once more. A group that was added meanwhile waits for this row, and makes it
    // due again.
    sqlx::query!(
        "update directory_person set confirmed_at = $2, answered_at = $2, claimed_until = null, failures = 0, failure = null,
             due_at = case when asked_at > $2 then asked_at else $3 end
         where user_id = $1",
        due.user.get(),
        due.began,
        ctx.now + EVERY,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("update directory set success_at = $1", ctx.now)
        .execute(&mut *tx)
        .await?;
    let after = roles(&mut tx, due.user, ctx.now).await?;
    if before != after {
        told(&mut tx, ctx, due.user, &before, &after).await?;
        session::rights_changed(&mut tx, due.user, ctx.now).await?;
    }
    live::notify(&mut tx, &live::Event::Answered { user: due.user }).await?;
    tx.commit().await?;
    Ok(())
}

/// A record for each team in which something changed.
async fn told(
    tx: &mut PgConnection,
    ctx: &Ctx,
    user: UserId,
    before: &BTreeMap<i64, String>,
    after: &BTreeMap<i64, String>,
) -> Result<()> {
    let name = sqlx::query_scalar!("select name from user_account where id = $1", user.get())
        .fetch_one(&mut *tx)
        .await?;
    for team in before
        .keys()
        .chain(after.keys().filter(|t| !before.contains_key(t)))
    {
        let (was, is) = (before.get(team), after.get(team));
        if was == is {
            continue;
        }
        let entry = Entry::new("team.by_group", "team", *team, Some(TeamId::new(*team)))
            .before(json!({ "user": user, "name": name, "role": was }))
            .after(json!({ "user": user, "name": name, "role": is }));
        audit::record(tx, ctx, entry).await?;
    }
    Ok(())
}

pub async fn fail(pool: &PgPool, due: &Due, why: &str, now: OffsetDateTime) -> Result<()> {
    let why: String = why.chars().take(300).collect();
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "update directory_person set answered_at = $2, claimed_until = null, failures = failures + 1, failure = $3,
             due_at = case when asked_at > $2 then asked_at
                 else $4::timestamptz + least(interval '30 seconds' * power(2, least(failures, 6)), interval '15 minutes') end
         where user_id = $1",
        due.user.get(),
        due.began,
        why,
        now,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update directory set failures = failures + 1, failure_at = $1, failure = $2",
        now,
        why
    )
    .execute(&mut *tx)
    .await?;
    live::notify(&mut tx, &live::Event::Answered { user: due.user }).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn ask(pool: &PgPool, user: UserId, now: OffsetDateTime) -> Result<bool> {
    let mut tx = pool.begin().await?;
    // Where nobody asks, nobody is waited for; whoever asks one day finds them due.
    let asked = sqlx::query_scalar!(
        r#"insert into directory_person as d (user_id, asked_at, due_at, created_at)
           select id, case when exists (select from team_group) and exists (select from directory where seen_at > $3)
                      then $2::timestamptz end, $2, $2
           from user_account where id = $1 and strpos(subject, '#') > 0
           on conflict (user_id) do update set asked_at = coalesce(excluded.asked_at, d.asked_at), due_at = $2
           returning d.asked_at = $2 as "asked""#,
        user.get(),
        now,
        now - GONE
    )
    .fetch_optional(&mut *tx)
    .await?
    .flatten();
    live::notify(&mut tx, &live::Event::Ask).await?;
    tx.commit().await?;
    Ok(asked.unwrap_or_default())
}

pub async fn answered(pool: &PgPool, user: UserId, since: OffsetDateTime) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce((select answered_at >= $2 from directory_person where user_id = $1), false) as "answered!""#,
        user.get(),
        since
    )
    .fetch_one(pool)
    .await?)
}
