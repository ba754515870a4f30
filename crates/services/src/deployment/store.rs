use serde_json::Value;
use slipway_domain::{
    id::{DeploymentId, EnvironmentId, RunId},
    run::{Operation, State},
};
use sqlx::{PgConnection, PgPool};

use super::{Deployment, Filter};
use crate::{Ctx, Error, Result, ctx::Sight};

pub async fn list(
    pool: &PgPool,
    sight: &Sight,
    filter: &Filter,
    environment: Option<EnvironmentId>,
    limit: i64,
) -> Result<Vec<Deployment>> {
    let rows = sqlx::query!(
        r#"select d.id, d.run_id, d.environment_id, e.name as environment, t.name as team, d.operation, d.outcome, d.title,
               d.template_name, d.template_digest, d.tally, d.approved_by, d.finished_at, u.name as "requester?"
           from deployment d
           join environment e on e.id = d.environment_id
           join team t on t.id = d.team_id
           left join user_account u on u.id = d.requested_by
           where ($1 or d.team_id = any($2)) and d.id < $3
             and ($4::text is null or t.name = $4)
             and ($5::text is null or e.name ilike '%' || $5 || '%')
             and ($6::text is null or d.outcome = $6)
             and ($7::bigint is null or d.environment_id = $7)
           order by d.id desc limit $8"#,
        sight.all,
        &sight.teams,
        filter.before.unwrap_or(i64::MAX),
        filter.team,
        filter.environment,
        filter.outcome.map(State::word),
        environment.map(|e| e.get()),
        limit,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            let word = || Error::broken("a word in the table of deployments is unknown");
            Ok(Deployment {
                id: DeploymentId::new(r.id),
                run: RunId::new(r.run_id),
                environment_id: EnvironmentId::new(r.environment_id),
                environment: r.environment,
                team: r.team,
                operation: Operation::read(&r.operation).ok_or_else(word)?,
                outcome: State::read(&r.outcome).ok_or_else(word)?,
                title: r.title,
                template: r.template_name,
                template_digest: r.template_digest,
                tally: serde_json::from_value(r.tally)?,
                requested_by: r.requester,
                approved_by: serde_json::from_value(r.approved_by)?,
                finished_at: r.finished_at,
            })
        })
        .collect()
}

pub struct New {
    pub run: RunId,
    pub outcome: State,
    pub tally: Value,
    pub approved_by: Vec<String>,
}

pub async fn insert(tx: &mut PgConnection, ctx: &Ctx, new: New) -> Result<()> {
    sqlx::query!(
        "with made as (
             insert into deployment (environment_id, team_id, run_id, operation, outcome, title, template_name,
                                     template_digest, inputs, tally, requested_by, approved_by, finished_at, created_at)
             select r.environment_id, e.team_id, r.id, r.operation, $2, r.title, v.name, r.template_digest, r.inputs, $3,
                    r.requested_by, $4, $5, $5
             from run r join environment e on e.id = r.environment_id
             join template_version v on v.digest = r.template_digest
             where r.id = $1
             returning id, environment_id)
         update environment set last_deployment = made.id from made where environment.id = made.environment_id",
        new.run.get(),
        new.outcome.word(),
        new.tally,
        serde_json::to_value(new.approved_by)?,
        ctx.now,
    )
    .execute(tx)
    .await?;
    Ok(())
}
