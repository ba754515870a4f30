use serde_json::json;
use slipway_domain::{
    environment::Class,
    id::{AccountId, EnvironmentId},
};
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;

use super::{Account, Answers, EVERY, Kind, New, Place};
use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    live,
};

/// Those that are not removed, by name; or one, even if it is.
pub async fn list(db: impl PgExecutor<'_>, only: Option<i64>) -> Result<Vec<Account>> {
    let rows = sqlx::query!(
        r#"select a.id, a.name, a.account, a.region, a.external_id, a.serves, a.plan_role, a.apply_role, a.destroy_role,
               a.pipeline_role, a.secrets_role, a.imitation, a.answers, a.checked_at, a.created_at, a.removed_at,
               coalesce(a.asked_at > coalesce(a.checked_at, '-infinity'), a.checked_at is null) as "asking!",
               (select count(*) from environment e where e.aws_account_id = a.id
                   and e.state not in ('destroyed', 'withdrawn')) as "environments!"
           from aws_account a
           where a.id = $1 or ($1 is null and a.removed_at is null) order by a.name"#,
        only,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|r| {
            let mut roles = std::collections::BTreeMap::from([
                (Kind::Plan, r.plan_role),
                (Kind::Apply, r.apply_role),
                (Kind::Destroy, r.destroy_role),
            ]);
            roles.extend(r.pipeline_role.map(|arn| (Kind::Pipeline, arn)));
            roles.extend(r.secrets_role.map(|arn| (Kind::Secrets, arn)));
            let answers: Answers = serde_json::from_value(r.answers)?;
            Ok(Account {
                id: AccountId::new(r.id),
                name: r.name,
                account: r.account,
                region: r.region,
                external_id: r.external_id,
                serves: r
                    .serves
                    .iter()
                    .map(|word| Class::read(word).ok_or_else(|| Error::broken("class")))
                    .collect::<Result<_>>()?,
                roles,
                imitation: r.imitation,
                answers,
                checked_at: r.checked_at,
                asking: r.asking,
                environments: r.environments,
                created_at: r.created_at,
                removed_at: r.removed_at,
            })
        })
        .collect()
}

/// Those that are not removed, in short.
pub async fn places(db: impl PgExecutor<'_>) -> Result<Vec<Place>> {
    let all = sqlx::query_scalar!(
        r#"select coalesce(json_agg(json_build_object('id', a.id, 'name', a.name, 'account', a.account, 'region', a.region,
                        'imitation', a.imitation, 'serves', a.serves, 'removed', a.removed_at is not null) order by a.name), '[]') as "all!"
           from aws_account a where a.removed_at is null"#
    )
    .fetch_one(db)
    .await?;
    Ok(serde_json::from_value(all)?)
}

/// `None` if the name is taken.
pub async fn add(web: &PgPool, ctx: &Ctx, new: &New) -> Result<Option<AccountId>> {
    let mut tx = web.begin().await?;
    let serves: Vec<String> = new.serves.iter().map(|c| c.word().to_owned()).collect();
    let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    let made = sqlx::query_scalar!(
        "insert into aws_account (name, account, region, external_id, serves, plan_role, apply_role, destroy_role,
                pipeline_role, secrets_role, added_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (name) where removed_at is null do nothing returning id",
        new.name,
        new.account,
        new.region,
        some(&new.external_id),
        &serves,
        new.plan,
        new.apply,
        new.destroy,
        some(&new.pipeline),
        some(&new.secrets),
        ctx.person()?.user.get(),
        ctx.now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = made else { return Ok(None) };
    // The same account as before, perhaps with other roles: what was made there is there.
    sqlx::query!(
        "update environment e set aws_account_id = $1 from aws_account old
         where old.id = e.aws_account_id and old.removed_at is not null and old.imitation is null
           and old.account = $2 and old.region = $3",
        id,
        new.account,
        new.region,
    )
    .execute(&mut *tx)
    .await?;
    let entry = Entry::new("account.add", "account", id, None).after(json!({
        "name": new.name, "account": new.account, "region": new.region, "serves": serves, "plan": new.plan,
        "apply": new.apply, "destroy": new.destroy, "pipeline": new.pipeline, "secrets": new.secrets,
        "external_id": !new.external_id.is_empty(),
    }));
    audit::record(&mut tx, ctx, entry).await?;
    live::notify(&mut tx, &live::Event::Account).await?;
    tx.commit().await?;
    Ok(Some(AccountId::new(id)))
}

pub async fn remove(web: &PgPool, ctx: &Ctx, id: AccountId) -> Result<()> {
    let mut tx = web.begin().await?;
    let gone = sqlx::query!(
        "update aws_account set removed_at = $2, removed_by = $3
         where id = $1 and removed_at is null and imitation is null returning name, account, region",
        id.get(),
        ctx.now,
        ctx.person()?.user.get(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound)?;
    let entry = Entry::new("account.remove", "account", id.get(), None)
        .before(json!({ "name": gone.name, "account": gone.account, "region": gone.region }));
    audit::record(&mut tx, ctx, entry).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn ask(web: &PgPool, ctx: &Ctx, id: AccountId) -> Result<()> {
    let mut tx = web.begin().await?;
    let asked = sqlx::query!(
        "update aws_account set asked_at = $2 where id = $1 and removed_at is null",
        id.get(),
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    if asked.rows_affected() == 0 {
        return Err(Error::NotFound);
    }
    live::notify(&mut tx, &live::Event::Account).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn of_environment(
    tx: &mut PgConnection,
    environment: EnvironmentId,
) -> Result<Option<AccountId>> {
    Ok(sqlx::query_scalar!(
        "select aws_account_id from environment where id = $1",
        environment.get()
    )
    .fetch_one(tx)
    .await?
    .map(AccountId::new))
}

pub async fn keep(tx: &mut PgConnection, environment: EnvironmentId, id: AccountId) -> Result<()> {
    sqlx::query!(
        "update environment set aws_account_id = $2 where id = $1 and aws_account_id is null",
        environment.get(),
        id.get()
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn imitate(
    pool: &PgPool,
    imitation: Option<(&str, &str)>,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "update aws_account set removed_at = $2
         where imitation is not null and removed_at is null and name is distinct from $1",
        imitation.map(|(name, _)| name),
        now,
    )
    .execute(&mut *tx)
    .await?;
    if let Some((name, region)) = imitation {
        // What was made in it before belongs to it again.
        let again = sqlx::query!(
            "update aws_account set removed_at = null, region = $2
             where id = (select max(id) from aws_account where name = $1 and imitation is not null)",
            name,
            region,
        )
        .execute(&mut *tx)
        .await?;
        if again.rows_affected() == 0 {
            let role =
                |kind: Kind| format!("arn:aws:iam::123456789012:role/slipway-{}", kind.word());
            sqlx::query!(
                "insert into aws_account (name, account, region, serves, plan_role, apply_role, destroy_role, imitation,
                        created_at)
                 values ($1, '123456789012', $2, '{preview,shared,production}', $3, $4, $5, $1, $6)
                 on conflict (name) where removed_at is null do nothing",
                name,
                region,
                role(Kind::Plan),
                role(Kind::Apply),
                role(Kind::Destroy),
                now,
            )
            .execute(&mut *tx)
            .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Those that somebody wants asked, and those whose last answer is old.
pub async fn claim(
    pool: &PgPool,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "update aws_account set claimed_until = $3 where id = (
             select id from aws_account
             where removed_at is null and coalesce(claimed_until, '-infinity') < $1
               and (checked_at is null or checked_at < $2 or asked_at > checked_at)
             order by coalesce(checked_at, '-infinity') limit 1 for update skip locked)
         returning id",
        now,
        now - EVERY,
        until,
    )
    .fetch_optional(pool)
    .await?)
}

pub async fn answered(
    pool: &PgPool,
    id: AccountId,
    answers: &Answers,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "update aws_account set answers = $2, checked_at = $3, claimed_until = null where id = $1",
        id.get(),
        serde_json::to_value(answers)?,
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
