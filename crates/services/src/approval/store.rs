use slipway_domain::{
    environment::Class,
    id::{EnvironmentId, RunId, TeamId, UserId},
    role::Actor,
    run::{Operation, State},
    votes::{self, Voter, VoterRole},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{Decided, Decision, Ending, Waiting, roles_of};
use crate::{Ctx, Error, Result, ctx::Sight};

fn roles(lead: bool, operator: bool) -> Vec<VoterRole> {
    [(lead, VoterRole::Lead), (operator, VoterRole::Operator)]
        .into_iter()
        .filter(|(has, _)| *has)
        .map(|(_, r)| r)
        .collect()
}

/// Votes on a digest with the roles that their casters hold now, and whether they say yes.
pub async fn on_digest(
    tx: &mut PgConnection,
    run: RunId,
    team: TeamId,
    digest: &str,
) -> Result<Vec<(Voter, bool)>> {
    let rows = sqlx::query!(
        r#"select a.user_id, a.decision,
               u.suspended_at is null and exists (select from team_member m where m.user_id = a.user_id
                   and m.team_id = $2 and m.role = 'lead') as "lead!",
               u.suspended_at is null and exists (select from org_role o where o.user_id = a.user_id
                   and o.role = 'operator') as "operator!"
           from approval a join user_account u on u.id = a.user_id
           where a.run_id = $1 and a.digest = $3 order by a.id"#,
        run.get(),
        team.get(),
        digest,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            (
                Voter {
                    user: UserId::new(r.user_id),
                    roles: roles(r.lead, r.operator),
                },
                r.decision == "approve",
            )
        })
        .collect())
}

pub async fn approvers(
    tx: &mut PgConnection,
    run: RunId,
    digest: &str,
) -> Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!(
        "select u.id, u.name from approval a join user_account u on u.id = a.user_id
         where a.run_id = $1 and a.digest = $2 and a.decision = 'approve' order by a.id",
        run.get(),
        digest,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| (UserId::new(r.id), r.name))
        .collect())
}

pub async fn insert(
    tx: &mut PgConnection,
    ctx: &Ctx,
    run: RunId,
    digest: &str,
    user: UserId,
    decision: Decision,
    reason: &str,
) -> Result<()> {
    let done = sqlx::query!(
        "insert into approval (run_id, digest, user_id, decision, reason, created_at) values ($1, $2, $3, $4, $5, $6)
         on conflict on constraint approval_once do nothing",
        run.get(),
        digest,
        user.get(),
        decision.word(),
        reason,
        ctx.now,
    )
    .execute(tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::refused(
            "Your vote was not counted.",
            "You have decided about this very plan already.",
            "To stop it after all, cancel the run or ask somebody to reject it.",
        ));
    }
    Ok(())
}

pub async fn waiting(pool: &PgPool, actor: &Actor, sight: &Sight) -> Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        r#"select r.id, r.title, r.operation, r.environment_id, e.name as environment, e.class, e.team_id,
               t.name as team, r.requested_by, u.name as "requester?", r.reason, r.votes_until, r.digest as "digest!",
               r.policy, s.tally, s.looks,
               (select max(x.at) from run_event x where x.run_id = r.id and x.state = 'awaiting_approval'
                   and x.kind = 'run.preview') as since,
               r.created_at,
               (select json_agg(json_build_object('user', a.user_id, 'lead', u2.suspended_at is null and exists (
                        select from team_member m where m.user_id = a.user_id and m.team_id = e.team_id and m.role = 'lead'),
                        'operator', u2.suspended_at is null and exists (
                        select from org_role o where o.user_id = a.user_id and o.role = 'operator')) order by a.id)
                from approval a join user_account u2 on u2.id = a.user_id
                where a.run_id = r.id and a.digest = r.digest and a.decision = 'approve') as votes
           from run r
           join environment e on e.id = r.environment_id
           join team t on t.id = e.team_id
           join run_step s on s.run_id = r.id and s.n = 1
           left join user_account u on u.id = r.requested_by
           where r.state = 'awaiting_approval' and r.digest is not null and ($1 or e.team_id = any($2))
           order by r.id limit 100"#,
        sight.all,
        &sight.teams,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            let team_id = TeamId::new(r.team_id);
            let policy: slipway_policy::Answer = r
                .policy
                .map(serde_json::from_value)
                .transpose()?
                .unwrap_or_default();
            let mut voters = Vec::new();
            for vote in r
                .votes
                .as_ref()
                .and_then(serde_json::Value::as_array)
                .into_iter()
                .flatten()
            {
                let flag = |name: &str| {
                    vote.get(name)
                        .and_then(serde_json::Value::as_bool)
                        .unwrap_or(false)
                };
                let user = vote
                    .get("user")
                    .and_then(serde_json::Value::as_i64)
                    .unwrap_or_default();
                voters.push(Voter {
                    user: UserId::new(user),
                    roles: roles(flag("lead"), flag("operator")),
                });
            }
            let requester = r.requested_by.map(UserId::new);
            let seats = votes::seats(&policy.needs, &voters, requester);
            let own = requester == Some(actor.user);
            let mine = roles_of(actor, team_id);
            let voted = voters.iter().any(|v| v.user == actor.user);
            Ok(Waiting {
                run: RunId::new(r.id),
                title: r.title,
                operation: Operation::read(&r.operation)
                    .ok_or_else(|| Error::broken("operation"))?,
                environment_id: EnvironmentId::new(r.environment_id),
                environment: r.environment,
                class: Class::read(&r.class).ok_or_else(|| Error::broken("class"))?,
                team: r.team,
                requested_by: r.requester,
                reason: r.reason,
                since: r.since.unwrap_or(r.created_at),
                until: r.votes_until,
                digest: r.digest,
                tally: r
                    .tally
                    .map(serde_json::from_value)
                    .transpose()?
                    .unwrap_or_default(),
                looks: serde_json::from_value(r.looks)?,
                votes: (seats.iter().filter(|s| s.by.is_some()).count(), seats.len()),
                yours: !own
                    && !voted
                    && seats
                        .iter()
                        .any(|s| s.by.is_none() && mine.contains(&s.role)),
                own,
            })
        })
        .collect()
}

pub async fn ending(pool: &PgPool, sight: &Sight, now: OffsetDateTime) -> Result<Vec<Ending>> {
    let rows = sqlx::query!(
        r#"select e.id, e.name, t.name as team, e.ends_at as "ends_at!" from environment e join team t on t.id = e.team_id
           where e.ends_at is not null and e.state not in ('destroyed', 'withdrawn') and e.ends_at < $1
             and e.team_id = any($2)
           order by e.ends_at limit 50"#,
        now + time::Duration::days(1),
        &sight.teams,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Ending {
            id: EnvironmentId::new(r.id),
            name: r.name,
            team: r.team,
            ends_at: r.ends_at,
        })
        .collect())
}

pub async fn decided(pool: &PgPool, user: UserId) -> Result<Vec<Decided>> {
    let rows = sqlx::query!(
        "select a.run_id, r.title, e.name as environment, a.decision, a.reason, a.created_at, r.state
         from approval a join run r on r.id = a.run_id join environment e on e.id = r.environment_id
         where a.user_id = $1 order by a.id desc limit 10",
        user.get(),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Decided {
                run: RunId::new(r.run_id),
                title: r.title,
                environment: r.environment,
                decision: if r.decision == "approve" {
                    Decision::Approve
                } else {
                    Decision::Reject
                },
                reason: r.reason,
                at: r.created_at,
                state: State::read(&r.state).ok_or_else(|| Error::broken("state"))?,
            })
        })
        .collect()
}
