use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use slipway_domain::id::{DraftId, EnvironmentId, RunId, TeamId, UserId};
use slipway_seal::{PublicKey, Sealed};
use sqlx::{PgConnection, PgPool};
use time::Duration;

use super::{About, Draft, Errors, TeamChoice, send::Place};
use crate::{Ctx, Result};

pub async fn find_or_create(
    pool: &PgPool,
    ctx: &Ctx,
    user: UserId,
    name: &str,
    digest: &str,
    environment: Option<EnvironmentId>,
) -> Result<DraftId> {
    let id = sqlx::query_scalar!(
        "insert into draft (user_id, template_name, template_digest, environment_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5)
         on conflict (user_id, template_name, coalesce(environment_id, 0)) where run_id is null
         do update set updated_at = draft.updated_at returning id",
        user.get(),
        name,
        digest,
        environment.map(|e| e.get()),
        ctx.now,
    )
    .fetch_one(pool)
    .await?;
    Ok(DraftId::new(id))
}

pub struct Row {
    pub template_digest: String,
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
}

pub async fn find(pool: &PgPool, user: UserId, id: DraftId) -> Result<Option<Row>> {
    let row = sqlx::query!(
        r#"select d.template_digest, d.environment_id, e.name as "environment_name?", d.entered, d.errors, d.sensitive,
               d.run_id, e.inputs as "inputs?", e.sensitive as "in_force?",
               (select c.digest from template c where c.name = d.template_name and c.digest <> d.template_digest
                   and c.removed_at is null) as newer
           from draft d left join environment e on e.id = d.environment_id
           where d.id = $1 and d.user_id = $2"#,
        id.get(),
        user.get(),
    )
    .fetch_optional(pool)
    .await?;
    row.map(|r| {
        let mut kept: Map<String, Value> = serde_json::from_value(r.entered)?;
        Ok(Row {
            template_digest: r.template_digest,
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
        })
    })
    .transpose()
}

pub async fn teams(pool: &PgPool, ids: &[i64]) -> Result<Vec<TeamChoice>> {
    let rows = sqlx::query!(
        r#"select t.id, t.name, t.preview_quota,
               (select count(*) from environment e where e.team_id = t.id and e.class = 'preview'
                   and e.state not in ('destroyed', 'withdrawn')) as "previews!"
           from team t where t.id = any($1) order by t.name"#,
        ids,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| TeamChoice {
            id: TeamId::new(r.id),
            name: r.name,
            previews: (r.previews, r.preview_quota.into()),
        })
        .collect())
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

pub async fn public_key(pool: &PgPool) -> Result<Option<PublicKey>> {
    let key =
        sqlx::query_scalar!("select public_key from worker_key order by created_at desc limit 1")
            .fetch_optional(pool)
            .await?;
    Ok(key
        .and_then(|k| <[u8; 32]>::try_from(k).ok())
        .map(PublicKey::new))
}

pub async fn put_secret(
    pool: &PgPool,
    ctx: &Ctx,
    draft: DraftId,
    name: &str,
    sealed: &Sealed,
) -> Result<()> {
    let mut tx = pool.begin().await?;
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
    tx.commit().await?;
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
    place: &Place,
    inputs: &Value,
    sensitive: &Value,
) -> Result<Option<(EnvironmentId, i64)>> {
    let template = &draft.version.template;
    let by = ctx.person()?.user.get();
    let made = sqlx::query!(
        r#"with made as (
             insert into environment (team_id, name, class, state, template_name, template_digest, inputs, sensitive, ends_at,
                                      created_by, created_at)
             values ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10)
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
