use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use slipway_domain::id::{AccountId, DraftId, EnvironmentId, RunId, TeamId, UserId};
use slipway_seal::{PublicKey, Sealed};
use sqlx::{PgConnection, PgPool};
use time::Duration;

use super::{About, Draft, Errors, TeamChoice, send};
use crate::{
    Ctx, Result,
    account::{self, Place},
    template,
};

/// The draft that somebody opened, and the version that its form is to be for.
pub struct Opened {
    pub id: DraftId,
    pub digest: String,
}

/// Finds or makes the person's draft for a new environment; `None` if the template cannot be asked for.
pub async fn open_template(
    pool: &PgPool,
    ctx: &Ctx,
    user: UserId,
    name: &str,
) -> Result<Option<Opened>> {
    let row = sqlx::query!(
        r#"with offered as (
               select name, digest from template where name = $2 and digest is not null and removed_at is null)
           insert into draft (user_id, template_name, template_digest, created_at, updated_at)
           select $1, name, digest, $3, $3 from offered
           on conflict (user_id, template_name, coalesce(environment_id, 0)) where run_id is null
           do update set updated_at = draft.updated_at
           returning id, (select digest from offered) as "digest!""#,
        user.get(),
        name,
        ctx.now,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|r| Opened {
        id: DraftId::new(r.id),
        digest: r.digest,
    }))
}

/// Finds or makes the person's draft for a change; `None` if the environment is over, or of none of these teams.
pub async fn open_environment(
    pool: &PgPool,
    ctx: &Ctx,
    user: UserId,
    environment: EnvironmentId,
    upgrade: bool,
    teams: &[i64],
) -> Result<Option<Opened>> {
    let row = sqlx::query!(
        r#"with held as (
               select e.id, e.template_name as name, coalesce((select c.digest from template c
                       where $4 and c.name = e.template_name and c.removed_at is null), e.template_digest) as digest
               from environment e
               where e.id = $2 and e.team_id = any($3) and e.state not in ('destroyed', 'withdrawn'))
           insert into draft (user_id, template_name, template_digest, environment_id, created_at, updated_at)
           select $1, name, digest, id, $5, $5 from held
           on conflict (user_id, template_name, coalesce(environment_id, 0)) where run_id is null
           do update set updated_at = draft.updated_at
           returning id, (select digest from held) as "digest!""#,
        user.get(),
        environment.get(),
        teams,
        upgrade,
        ctx.now,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|r| Opened {
        id: DraftId::new(r.id),
        digest: r.digest,
    }))
}

pub struct Row {
    pub version: template::Version,
    /// The teams that were asked for, by name.
    pub teams: Vec<TeamChoice>,
    pub environment: Option<(EnvironmentId, String)>,
    pub newer: Option<String>,
    /// `None` while nothing was typed.
    pub about: Option<About>,
    pub entered: Option<BTreeMap<String, String>>,
    pub errors: Errors,
    pub sensitive: BTreeMap<String, i64>,
    /// The environment's present inputs.
    pub current: Option<Map<String, Value>>,
    /// Names of its sensitive inputs in force.
    pub in_force: Vec<String>,
    pub run: Option<RunId>,
    /// The AWS accounts that there are.
    pub accounts: Vec<Place>,
    /// The one that the environment is in.
    pub account: Option<Place>,
}

#[derive(serde::Deserialize)]
struct TeamRow {
    id: i64,
    name: String,
    quota: i64,
    previews: i64,
}

/// One query: the draft, the template in its version, and these of the person's teams.
pub async fn find(
    pool: impl sqlx::PgExecutor<'_>,
    user: UserId,
    id: DraftId,
    teams: &[i64],
) -> Result<Option<Row>> {
    let row = sqlx::query!(
        r#"select d.template_name, d.template_digest, v.parsed, d.environment_id, e.name as "environment_name?", d.entered,
               d.errors, d.sensitive, d.run_id, e.inputs as "inputs?", e.sensitive as "in_force?",
               (select c.digest from template c where c.name = d.template_name and c.digest <> d.template_digest
                   and c.removed_at is null) as newer,
               (select json_agg(json_build_object('id', t.id, 'name', t.name, 'quota', t.preview_quota,
                        'previews', (select count(*) from environment p where p.team_id = t.id and p.class = 'preview'
                            and p.state not in ('destroyed', 'withdrawn'))) order by t.name)
                from team t where t.id = any($3)) as teams,
               (select json_agg(json_build_object('id', a.id, 'name', a.name, 'account', a.account, 'region', a.region,
                        'imitation', a.imitation, 'serves', a.serves, 'removed', a.removed_at is not null) order by a.name)
                from aws_account a where a.removed_at is null) as accounts,
               (select json_build_object('id', a.id, 'name', a.name, 'account', a.account, 'region', a.region,
                        'imitation', a.imitation, 'serves', a.serves, 'removed', a.removed_at is not null)
                from aws_account a where a.id = e.aws_account_id) as account
           from draft d
           join template_version v on v.digest = d.template_digest
           left join environment e on e.id = d.environment_id
           where d.id = $1 and d.user_id = $2"#,
        id.get(),
        user.get(),
        teams,
    )
    .fetch_optional(pool)
    .await?;
    row.map(|r| {
        let mut kept: Map<String, Value> = serde_json::from_value(r.entered)?;
        Ok(Row {
            version: template::Version {
                name: r.template_name,
                digest: r.template_digest,
                template: serde_json::from_value(r.parsed)?,
            },
            teams: r
                .teams
                .map(serde_json::from_value::<Vec<TeamRow>>)
                .transpose()?
                .unwrap_or_default()
                .into_iter()
                .map(|t| TeamChoice {
                    id: TeamId::new(t.id),
                    name: t.name,
                    previews: (t.previews, t.quota),
                })
                .collect(),
            environment: r.environment_id.map(|e| {
                (
                    EnvironmentId::new(e),
                    r.environment_name.unwrap_or_default(),
                )
            }),
            newer: r.newer.filter(|_| r.environment_id.is_some()),
            about: kept
                .remove("about")
                .map(serde_json::from_value)
                .transpose()?,
            entered: kept
                .remove("entered")
                .map(serde_json::from_value)
                .transpose()?,
            errors: serde_json::from_value(r.errors)?,
            sensitive: serde_json::from_value(r.sensitive)?,
            current: r.inputs.map(serde_json::from_value).transpose()?,
            in_force: r
                .in_force
                .as_ref()
                .and_then(Value::as_object)
                .map(|o| o.keys().cloned().collect())
                .unwrap_or_default(),
            run: r.run_id.map(RunId::new),
            accounts: r
                .accounts
                .map(serde_json::from_value)
                .transpose()?
                .unwrap_or_default(),
            account: r.account.map(serde_json::from_value).transpose()?,
        })
    })
    .transpose()
}

/// What a run was asked with, beside what its page shows.
pub struct Asked {
    /// How long its environment was to live.
    pub life: Option<Duration>,
    /// Sensitive inputs whose value is not in force, so that no draft can keep it.
    pub typed_again: BTreeSet<String>,
}

pub async fn asked(pool: &PgPool, run: RunId) -> Result<Asked> {
    let row = sqlx::query!(
        r#"select e.ends_at, e.created_at,
               array(select s.key from jsonb_each(r.sensitive) s
                   where e.state in ('destroyed', 'withdrawn') or e.sensitive->s.key is distinct from s.value)
                   as "typed_again!"
           from run r join environment e on e.id = r.environment_id where r.id = $1"#,
        run.get(),
    )
    .fetch_one(pool)
    .await?;
    Ok(Asked {
        life: row.ends_at.map(|end| end - row.created_at),
        typed_again: row.typed_again.into_iter().collect(),
    })
}

/// Nothing was ever typed into it.
pub async fn is_blank(pool: &PgPool, id: DraftId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select entered = '{}' as "blank!" from draft where id = $1"#,
        id.get()
    )
    .fetch_one(pool)
    .await?)
}

pub async fn set_version(pool: &PgPool, ctx: &Ctx, id: DraftId, digest: &str) -> Result<()> {
    sqlx::query!(
        "update draft set template_digest = $2, errors = '{}', updated_at = $3 where id = $1 and run_id is null",
        id.get(),
        digest,
        ctx.now
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn save(pool: &PgPool, ctx: &Ctx, draft: &Draft) -> Result<()> {
    let kept = json!({
        "about": draft.about,
        "entered": draft.entered.for_draft(&draft.version.template.fields),
    });
    sqlx::query!(
        "update draft set entered = $2, errors = $3, updated_at = $4 where id = $1 and run_id is null",
        draft.id.get(),
        kept,
        serde_json::to_value(&draft.errors)?,
        ctx.now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn discard(pool: &PgPool, ctx: &Ctx, id: DraftId) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "delete from input_secret where draft_id = $1 and environment_id is null",
        id.get()
    )
    .execute(&mut *tx)
    .await?;
    // The row stays: its id may be in a page that is still open, and must not become another draft's.
    sqlx::query!(
        "update draft set entered = '{}', errors = '{}', sensitive = '{}', updated_at = $2 where id = $1 and run_id is null",
        id.get(),
        ctx.now
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn public_key(pool: impl sqlx::PgExecutor<'_>) -> Result<Option<PublicKey>> {
    let key =
        sqlx::query_scalar!("select public_key from worker_key order by created_at desc limit 1")
            .fetch_optional(pool)
            .await?;
    Ok(key
        .and_then(|k| <[u8; 32]>::try_from(k).ok())
        .map(PublicKey::new))
}

pub async fn put_secret(
    tx: &mut PgConnection,
    ctx: &Ctx,
    draft: DraftId,
    name: &str,
    sealed: &Sealed,
) -> Result<()> {
    sqlx::query!(
        "delete from input_secret where draft_id = $1 and name = $2 and environment_id is null",
        draft.get(),
        name
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "with made as (insert into input_secret (draft_id, name, sealed_value, created_at) values ($1, $2, $3, $4) returning id)
         update draft set sensitive = sensitive || jsonb_build_object($2::text, made.id) from made where draft.id = $1",
        draft.get(),
        name,
        sealed.0,
        ctx.now,
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub struct Locked {
    pub run: Option<RunId>,
    pub sensitive: BTreeMap<String, i64>,
}

pub async fn lock(tx: &mut PgConnection, id: DraftId) -> Result<Option<Locked>> {
    let row = sqlx::query!(
        "select run_id, sensitive from draft where id = $1 for update",
        id.get()
    )
    .fetch_optional(tx)
    .await?;
    row.map(|r| {
        Ok(Locked {
            run: r.run_id.map(RunId::new),
            sensitive: serde_json::from_value(r.sensitive)?,
        })
    })
    .transpose()
}

/// `None` if the name is taken.
pub async fn create_environment(
    tx: &mut PgConnection,
    ctx: &Ctx,
    draft: &Draft,
    place: &send::Place,
    inputs: &Value,
    sensitive: &Value,
) -> Result<Option<(EnvironmentId, i64)>> {
    let template = &draft.version.template;
    let by = ctx.person()?.user.get();
    let account = account::settle(tx, template, None)
        .await?
        .map(AccountId::get);
    let made = sqlx::query!(
        r#"with made as (
             insert into environment (team_id, name, class, state, template_name, template_digest, inputs, sensitive, ends_at,
                                      created_by, created_at, aws_account_id)
             values ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10, $12)
             on conflict (name) where state not in ('destroyed', 'withdrawn') do nothing
             returning id)
         insert into stack (environment_id, name, engine, created_at)
         select id, 'main', $11, $10 from made
         returning id, environment_id"#,
        place.team.get(),
        place.name.as_str(),
        template.class.word(),
        draft.version.name,
        draft.version.digest,
        inputs,
        sensitive,
        place.ends_at,
        by,
        ctx.now,
        template.engine.name.word(),
        account,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(made) = made else { return Ok(None) };
    let environment = EnvironmentId::new(made.environment_id);
    adopt_secrets(tx, draft.id, environment).await?;
    Ok(Some((environment, made.id)))
}

pub async fn adopt_secrets(
    tx: &mut PgConnection,
    draft: DraftId,
    environment: EnvironmentId,
) -> Result<()> {
    sqlx::query!(
        "update input_secret set environment_id = $2 where draft_id = $1 and environment_id is null",
        draft.get(),
        environment.get()
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn finish(tx: &mut PgConnection, ctx: &Ctx, id: DraftId, run: RunId) -> Result<()> {
    sqlx::query!(
        "update draft set run_id = $2, errors = '{}', updated_at = $3 where id = $1",
        id.get(),
        run.get(),
        ctx.now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A draft that no form ever shows: it is made, sent and finished within one transaction. Run 0 stands for the one that
/// it becomes, so that it is not the open draft that the person may be filling in meanwhile. `None` if the template
/// cannot be asked for.
pub async fn open_direct(
    tx: &mut PgConnection,
    ctx: &Ctx,
    user: UserId,
    name: &str,
) -> Result<Option<DraftId>> {
    Ok(sqlx::query_scalar!(
        "insert into draft (user_id, template_name, template_digest, run_id, created_at, updated_at)
         select $1, name, digest, 0, $3, $3 from template
         where name = $2 and digest is not null and removed_at is null returning id",
        user.get(),
        name,
        ctx.now,
    )
    .fetch_optional(tx)
    .await?
    .map(DraftId::new))
}

/// Remembers a request by its key for a day. `None` if it is new; else the digest and the run of the one that has this
/// key. Of two at once the second waits here until the first is done.
pub async fn remember(
    tx: &mut PgConnection,
    user: UserId,
    key: &str,
    request: &[u8; 32],
    now: time::OffsetDateTime,
) -> Result<Option<(Vec<u8>, RunId, EnvironmentId)>> {
    let fresh = sqlx::query!(
        "insert into idempotency (user_id, key, request, created_at) values ($1, $2, $3, $4)
         on conflict (user_id, key) do update set request = excluded.request, run_id = null, created_at = excluded.created_at
         where idempotency.created_at < $5",
        user.get(),
        key,
        request.as_slice(),
        now,
        now - Duration::DAY,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if fresh == 1 {
        return Ok(None);
    }
    let row = sqlx::query!(
        "select i.request, r.id, r.environment_id from idempotency i join run r on r.id = i.run_id
         where i.user_id = $1 and i.key = $2",
        user.get(),
        key,
    )
    .fetch_one(tx)
    .await?;
    Ok(Some((
        row.request,
        RunId::new(row.id),
        EnvironmentId::new(row.environment_id),
    )))
}

/// What the request became.
pub async fn became(tx: &mut PgConnection, user: UserId, key: &str, run: RunId) -> Result<()> {
    sqlx::query!(
        "update idempotency set run_id = $3 where user_id = $1 and key = $2",
        user.get(),
        key,
        run.get(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
