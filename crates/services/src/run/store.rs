use serde::Deserialize;
use serde_json::{Value, json};
use slipway_domain::{
    environment::{Class, EnvironmentState},
    id::{EnvironmentId, RunId, TeamId, UserId},
    run::{Operation, State},
    votes::VoterRole,
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{EventView, Link, New, Person, Step, View, Vote, advance};
use crate::{
    Ctx, Error, Result,
    audit::{self, Entry},
    ctx::Sight,
    live,
};

/// A worker that was not heard of for this long is not counted on.
const WORKER_GONE: time::Duration = time::Duration::seconds(60);

#[derive(Deserialize)]
struct VoteRow {
    user: i64,
    name: String,
    decision: String,
    reason: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    digest: String,
    roles: Vec<VoterRole>,
}

#[derive(Deserialize)]
struct EventRow {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    state: State,
    kind: String,
    by: Option<String>,
    detail: Value,
}

/// One query, whatever the run has been through: the run with its steps, votes and events.
/// Only what may be seen is looked for: for a stranger this is the same question with the same answer as for a thing that
/// is not there.
pub async fn find(pool: &PgPool, ctx: &Ctx, id: RunId) -> Result<Option<View>> {
    let sight = ctx.sight()?;
    let Some(r) = sqlx::query!(
        r#"select r.id, r.environment_id, e.name as environment, e.class, e.state as environment_state, e.team_id,
               t.name as team, r.operation, r.state, r.version, r.waiting, r.title, r.requested_by,
               u.name as "requester?", r.reason, v.name as template, r.template_digest, r.inputs, r.sensitive, r.digest,
               r.policy, r.failure, r.cancel_requested_at, r.cancel_force, r.touched, r.votes_until, r.created_at,
               r.finished_at,
               (select json_build_object('id', a.id, 'name', a.name, 'account', a.account, 'region', a.region,
                        'imitation', a.imitation, 'serves', a.serves, 'removed', a.removed_at is not null)
                from aws_account a where a.id = e.aws_account_id) as account,
               (select coalesce(max(c.start + c.size), 0) from log_chunk c
                where c.run_id = r.id and c.start = (select max(start) from log_chunk where run_id = r.id)) as "log_end!",
               (select w.name from job j join worker w on w.id = j.worker_id
                where j.run_id = r.id and j.state = 'claimed' limit 1) as worker,
               not exists (select from worker w where w.seen_at > $2 and w.stopped_at is null) as "no_worker!",
               case when r.waiting then
                   (select json_build_object('id', b.id, 'title', b.title, 'state', b.state, 'operation', b.operation,
                        'waiting', b.waiting, 'created_at', b.created_at, 'finished_at', b.finished_at,
                        'requested_by', null)
                    from run b where b.environment_id = r.environment_id and b.finished_at is null and b.id < r.id
                    order by b.id desc limit 1) end as behind,
               (select json_agg(json_build_object('user', a.user_id, 'name', au.name, 'decision', a.decision,
                        'reason', a.reason, 'at', a.created_at, 'digest', a.digest,
                        'roles', to_json(array(
                            select 'lead' from membership($5) m where m.user_id = a.user_id and m.team_id = e.team_id
                                and m.role = 'lead' and au.suspended_at is null
                            union all
                            select 'operator' from org_role o where o.user_id = a.user_id and o.role = 'operator'
                                and au.suspended_at is null))) order by a.id)
                from approval a join user_account au on au.id = a.user_id where a.run_id = r.id) as votes,
               (select json_agg(json_build_object('n', s.n, 'action', s.action, 'preview', s.preview, 'tally', s.tally,
                        'looks', s.looks, 'engine', s.engine, 'engine_version', s.engine_version,
                        'base_serial', s.base_serial, 'outcome', s.outcome) order by s.n)
                from run_step s where s.run_id = r.id) as steps,
               (select json_agg(json_build_object('at', x.at, 'state', x.state, 'kind', x.kind,
                        'by', coalesce(xu.name, x.worker), 'detail', x.detail) order by x.id)
                from (select * from run_event where run_id = r.id order by id desc limit 200) x
                left join user_account xu on xu.id = x.actor_id) as events
           from run r
           join environment e on e.id = r.environment_id
           join team t on t.id = e.team_id
           join template_version v on v.digest = r.template_digest
           left join user_account u on u.id = r.requested_by
           where r.id = $1 and ($3 or e.team_id = any($4))"#,
        id.get(),
        ctx.now - WORKER_GONE,
        sight.all,
        &sight.teams,
        ctx.now,
    )
    .fetch_optional(pool)
    .await?
    else {
        return Ok(None);
    };
    let steps: Vec<Step> = r
        .steps
        .map(serde_json::from_value)
        .transpose()?
        .unwrap_or_default();
    let votes: Vec<VoteRow> = r
        .votes
        .map(serde_json::from_value)
        .transpose()?
        .unwrap_or_default();
    let events: Vec<EventRow> = r
        .events
        .map(serde_json::from_value)
        .transpose()?
        .unwrap_or_default();
    let unknown = || Error::broken("a word in the table of runs is unknown");
    Ok(Some(View {
        id: RunId::new(r.id),
        environment_id: EnvironmentId::new(r.environment_id),
        environment: r.environment,
        class: Class::read(&r.class).ok_or_else(unknown)?,
        environment_state: EnvironmentState::read(&r.environment_state).ok_or_else(unknown)?,
        team_id: TeamId::new(r.team_id),
        team: r.team,
        operation: Operation::read(&r.operation).ok_or_else(unknown)?,
        state: State::read(&r.state).ok_or_else(unknown)?,
        version: r.version,
        behind: r.behind.map(serde_json::from_value::<Link>).transpose()?,
        title: r.title,
        requested_by: r.requested_by.map(|id| Person {
            id: UserId::new(id),
            name: r.requester.unwrap_or_default(),
        }),
        reason: r.reason,
        template: r.template,
        account: r.account.map(serde_json::from_value).transpose()?,
        template_digest: r.template_digest,
        inputs: serde_json::from_value(r.inputs)?,
        sensitive: r
            .sensitive
            .as_object()
            .map(|o| o.keys().cloned().collect())
            .unwrap_or_default(),
        steps,
        digest: r.digest,
        policy: r.policy.map(serde_json::from_value).transpose()?,
        votes: votes
            .into_iter()
            .map(|v| Vote {
                by: Person {
                    id: UserId::new(v.user),
                    name: v.name,
                },
                approve: v.decision == "approve",
                reason: v.reason,
                at: v.at,
                digest: v.digest,
                roles: v.roles,
            })
            .collect(),
        failure: r.failure.map(serde_json::from_value).transpose()?,
        cancel_requested_at: r.cancel_requested_at,
        cancel_force: r.cancel_force,
        touched: r.touched,
        votes_until: r.votes_until,
        created_at: r.created_at,
        finished_at: r.finished_at,
        events: events
            .into_iter()
            .map(|e| EventView {
                at: e.at,
                state: e.state,
                kind: e.kind,
                by: e.by,
                detail: e
                    .detail
                    .get("text")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            })
            .collect(),
        log_end: r.log_end,
        worker: r.worker,
        no_worker: r.no_worker,
    }))
}

/// Version and state of those runs of `ids` that may be seen.
pub async fn stands(pool: &PgPool, sight: &Sight, ids: &[i64]) -> Result<Vec<(RunId, i64, State)>> {
    let rows = sqlx::query!(
        "select r.id, r.version, r.state from run r join environment e on e.id = r.environment_id
         where r.id = any($1) and ($2 or e.team_id = any($3)) order by r.id",
        ids,
        sight.all,
        &sight.teams,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            let state = State::read(&r.state).ok_or_else(|| Error::broken("state"))?;
            Ok((RunId::new(r.id), r.version, state))
        })
        .collect()
}

pub async fn force(tx: &mut PgConnection, id: RunId) -> Result<()> {
    sqlx::query!("update run set cancel_force = true where id = $1", id.get())
        .execute(tx)
        .await?;
    Ok(())
}

pub async fn create(tx: &mut PgConnection, ctx: &Ctx, new: New<'_>) -> Result<RunId> {
    let by = ctx
        .actor
        .as_ref()
        .map(|a| a.user.get())
        .filter(|id| *id > 0);
    let made = sqlx::query!(
        r#"with active as (select count(*) as n from run
                           where environment_id = $1 and not waiting and finished_at is null),
              made as (
               insert into run (environment_id, operation, state, waiting, title, requested_by, reason, template_digest,
                                inputs, sensitive, back_to, created_at)
               select $1, $2, 'queued', active.n > 0, $3, $4, $5, $6, $7, $8, $12, $9 from active
               returning id, waiting, version),
              stepped as (
               insert into run_step (run_id, n, action, stack_id, state, created_at)
               select made.id, 1, case k.engine when 'helm' then 'helm' else 'terraform' end, $10, 'queued', $9
               from made, stack k where k.id = $10),
              evented as (
               insert into run_event (run_id, at, state, kind, actor_id, worker, detail, created_at)
               select id, $9, 'queued', 'run.request', $4, $11, '{}', $9 from made)
           select made.id, made.waiting, made.version, e.team_id from made, environment e where e.id = $1"#,
        new.environment,
        new.operation.word(),
        new.title,
        by,
        new.reason,
        new.template_digest,
        new.inputs,
        new.sensitive,
        ctx.now,
        new.stack,
        ctx.actor.as_ref().filter(|a| a.user.get() <= 0).map(|a| a.name.clone()),
        new.back_to,
    )
    .fetch_one(&mut *tx)
    .await?;
    let id = RunId::new(made.id);
    let entry = Entry::new("run.request", "run", made.id, Some(TeamId::new(made.team_id)))
        .after(json!({ "operation": new.operation, "template": new.template_digest, "inputs": new.inputs }))
        .detail(new.reason);
    audit::record(tx, ctx, entry).await?;
    if !made.waiting {
        advance::queue(tx, id, "preview", ctx.now).await?;
    }
    live::notify(
        tx,
        &live::Event::Run {
            run: id,
            version: made.version,
            state: State::Queued,
        },
    )
    .await?;
    Ok(id)
}
