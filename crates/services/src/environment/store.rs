use serde_json::Value;
use slipway_domain::{
    environment::{Class, EnvironmentState},
    id::{DeploymentId, EnvironmentId, RunId, TeamId, UserId},
};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use super::{Filter, Listed, View};
use crate::{Error, Result, ctx::Sight, deployment, run::Person, template};

fn unknown() -> Error {
    Error::broken("a word in the table of environments is unknown")
}

pub async fn list(
    pool: &PgPool,
    sight: &Sight,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"select e.id, e.name, t.name as team, e.class, e.state, e.template_name, v.parsed->>'title' as title, e.ends_at,
               e.created_at,
               (select json_build_object('id', r.id, 'title', r.title, 'state', r.state, 'operation', r.operation,
                    'waiting', r.waiting, 'created_at', r.created_at, 'finished_at', r.finished_at,
                    'requested_by', (select name from user_account where id = r.requested_by))
                from run r where r.environment_id = e.id and r.finished_at is null and not r.waiting) as active,
               (select json_build_object('id', r.id, 'title', r.title, 'state', r.state, 'operation', r.operation,
                    'waiting', r.waiting, 'created_at', r.created_at, 'finished_at', r.finished_at,
                    'requested_by', (select name from user_account where id = r.requested_by))
                from run r where r.environment_id = e.id and r.finished_at is not null order by r.id desc limit 1) as last
           from environment e
           join team t on t.id = e.team_id
           join template_version v on v.digest = e.template_digest
           where ($1 or e.team_id = any($2)) and e.id < $3
             and ($4 or e.state not in ('destroyed', 'withdrawn'))
             and ($5::text is null or e.name ilike '%' || $5 || '%')
             and ($6::text is null or t.name = $6)
           order by e.id desc limit $7"#,
        sight.all,
        &sight.teams,
        filter.before.unwrap_or(i64::MAX),
        filter.over,
        filter.name,
        filter.team,
        limit,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Listed {
                id: EnvironmentId::new(r.id),
                name: r.name,
                team: r.team,
                class: Class::read(&r.class).ok_or_else(unknown)?,
                state: EnvironmentState::read(&r.state).ok_or_else(unknown)?,
                template: r.template_name,
                template_title: r.title.unwrap_or_default(),
                ends_at: r.ends_at,
                active: r.active.map(serde_json::from_value).transpose()?,
                last: r.last.map(serde_json::from_value).transpose()?,
                created_at: r.created_at,
            })
        })
        .collect()
}

/// Only what may be seen is looked for: for a stranger this is the same question with the same answer as for a thing that
/// is not there.
pub async fn find(pool: &PgPool, sight: &Sight, id: EnvironmentId) -> Result<Option<View>> {
    let Some(r) = sqlx::query!(
        r#"select e.id, e.name, e.team_id, t.name as team, e.class, e.state, e.template_name, e.template_digest, v.parsed,
               (select c.digest from template c where c.name = e.template_name and c.digest <> e.template_digest
                   and c.removed_at is null) as newer,
               e.inputs, e.sensitive, e.outputs, e.resources, e.ends_at, e.created_at, e.destroyed_at, e.created_by,
               u.name as creator,
               (select json_build_object('id', a.id, 'name', a.name, 'account', a.account, 'region', a.region,
                        'imitation', a.imitation, 'serves', a.serves, 'removed', a.removed_at is not null)
                from aws_account a where a.id = e.aws_account_id) as account,
               (select json_agg(json_build_object('id', r.id, 'title', r.title, 'state', r.state,
                    'operation', r.operation, 'waiting', r.waiting, 'created_at', r.created_at,
                    'finished_at', r.finished_at, 'requested_by', ru.name) order by r.id desc)
                from (select * from run where environment_id = e.id order by id desc limit 20) r
                left join user_account ru on ru.id = r.requested_by) as runs
           from environment e
           join team t on t.id = e.team_id
           join template_version v on v.digest = e.template_digest
           join user_account u on u.id = e.created_by
           where e.id = $1 and ($2 or e.team_id = any($3))"#,
        id.get(),
        sight.all,
        &sight.teams,
    )
    .fetch_optional(pool)
    .await?
    else {
        return Ok(None);
    };
    let deployments = deployment::of_environment(pool, id, 5).await?;
    let template: slipway_catalog::Template = serde_json::from_value(r.parsed)?;
    let greatest = template
        .life
        .greatest
        .and_then(|s| i64::try_from(s).ok())
        .map(Duration::seconds);
    Ok(Some(View {
        id: EnvironmentId::new(r.id),
        name: r.name,
        team_id: TeamId::new(r.team_id),
        team: r.team,
        class: Class::read(&r.class).ok_or_else(unknown)?,
        state: EnvironmentState::read(&r.state).ok_or_else(unknown)?,
        template: r.template_name.clone(),
        version: template::Version {
            name: r.template_name,
            digest: r.template_digest,
            template,
        },
        account: r.account.map(serde_json::from_value).transpose()?,
        newer: r.newer,
        inputs: serde_json::from_value(r.inputs)?,
        sensitive: r
            .sensitive
            .as_object()
            .map(|o| o.keys().cloned().collect())
            .unwrap_or_default(),
        outputs: serde_json::from_value(r.outputs)?,
        resources: serde_json::from_value(r.resources)?,
        ends_at: r.ends_at,
        greatest_end: greatest.map(|g| r.created_at + g),
        created_by: Person {
            id: UserId::new(r.created_by),
            name: r.creator,
        },
        created_at: r.created_at,
        destroyed_at: r.destroyed_at,
        runs: r
            .runs
            .map(serde_json::from_value)
            .transpose()?
            .unwrap_or_default(),
        deployments,
    }))
}

/// An environment, locked until the transaction ends: two requests for it come one after the other.
#[derive(Debug)]
pub struct Locked {
    pub id: EnvironmentId,
    pub name: String,
    pub team_id: TeamId,
    pub state: EnvironmentState,
    pub template_digest: String,
    pub inputs: Value,
    pub sensitive: Value,
    pub ends_at: Option<OffsetDateTime>,
    pub stack: i64,
}

pub async fn lock(tx: &mut PgConnection, id: EnvironmentId) -> Result<Option<Locked>> {
    let row = sqlx::query!(
        r#"select e.id, e.name, e.team_id, e.state, e.template_digest, e.inputs, e.sensitive, e.ends_at,
               (select s.id from stack s where s.environment_id = e.id order by s.id limit 1) as "stack!"
           from environment e where e.id = $1 for update"#,
        id.get(),
    )
    .fetch_optional(tx)
    .await?;
    row.map(|r| {
        Ok(Locked {
            id: EnvironmentId::new(r.id),
            name: r.name,
            team_id: TeamId::new(r.team_id),
            state: EnvironmentState::read(&r.state).ok_or_else(unknown)?,
            template_digest: r.template_digest,
            inputs: r.inputs,
            sensitive: r.sensitive,
            ends_at: r.ends_at,
            stack: r.stack,
        })
    })
    .transpose()
}

pub async fn open_destroy(tx: &mut PgConnection, id: EnvironmentId) -> Result<Option<RunId>> {
    Ok(sqlx::query_scalar!(
        "select id from run where environment_id = $1 and operation = 'destroy' and finished_at is null order by id limit 1",
        id.get()
    )
    .fetch_optional(tx)
    .await?
    .map(RunId::new))
}

pub async fn team(conn: &mut PgConnection, id: EnvironmentId) -> Result<Option<TeamId>> {
    let team = sqlx::query_scalar!("select team_id from environment where id = $1", id.get());
    Ok(team.fetch_optional(conn).await?.map(TeamId::new))
}

/// An earlier deployment, for a run that puts it back.
#[derive(Clone, Debug)]
pub struct Back {
    /// Its run.
    pub run: RunId,
    /// The version of the template that it was made with.
    pub template_digest: String,
    /// Its inputs without the sensitive ones.
    pub inputs: Value,
    /// Names of its template's sensitive inputs.
    pub sensitive: Vec<String>,
    /// It came to its end, and made something.
    pub made: bool,
    /// When.
    pub finished_at: OffsetDateTime,
}

pub async fn back(
    tx: &mut PgConnection,
    id: EnvironmentId,
    of: DeploymentId,
) -> Result<Option<Back>> {
    let row = sqlx::query!(
        r#"select d.run_id, d.template_digest, d.inputs, d.finished_at,
               d.operation <> 'destroy' and d.outcome in ('succeeded', 'degraded') as "made!",
               array(select f->>'name' from jsonb_array_elements(v.parsed->'fields') f
                     where (f->>'sensitive')::boolean) as "sensitive!: Vec<Option<String>>"
           from deployment d join template_version v on v.digest = d.template_digest
           where d.id = $1 and d.environment_id = $2"#,
        of.get(),
        id.get(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|r| Back {
        run: RunId::new(r.run_id),
        template_digest: r.template_digest,
        inputs: r.inputs,
        sensitive: r.sensitive.into_iter().flatten().collect(),
        made: r.made,
        finished_at: r.finished_at,
    }))
}

pub async fn open_back(
    tx: &mut PgConnection,
    id: EnvironmentId,
    to: DeploymentId,
) -> Result<Option<RunId>> {
    Ok(sqlx::query_scalar!(
        "select id from run where environment_id = $1 and back_to = $2 and finished_at is null order by id limit 1",
        id.get(),
        to.get(),
    )
    .fetch_optional(tx)
    .await?
    .map(RunId::new))
}

pub async fn set_end(
    tx: &mut PgConnection,
    id: EnvironmentId,
    old: OffsetDateTime,
    new: OffsetDateTime,
) -> Result<bool> {
    Ok(sqlx::query!(
        "update environment set ends_at = $3, warned_at = null, version = version + 1 where id = $1 and ends_at = $2",
        id.get(),
        old,
        new
    )
    .execute(tx)
    .await?
    .rows_affected()
        == 1)
}

/// Environments past their end without an open destroy run. One whose destroy run a person rejected, canceled or let
/// expire, or which failed, is asked about again after a day, not every few seconds.
pub async fn expired(pool: &PgPool, now: OffsetDateTime) -> Result<Vec<EnvironmentId>> {
    let ids = sqlx::query_scalar!(
        "select e.id from environment e
         where e.ends_at <= $1 and e.state in ('ready', 'incomplete')
           and not exists (select from run r where r.environment_id = e.id and r.operation = 'destroy'
               and (r.finished_at is null or r.created_at > greatest($2, e.ends_at)))
         order by e.ends_at limit 20",
        now,
        now - Duration::days(1),
    )
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(EnvironmentId::new).collect())
}
