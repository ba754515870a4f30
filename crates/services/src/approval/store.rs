use serde::Deserialize;
use slipway_domain::{
    environment::Class,
    id::{EnvironmentId, RunId, TeamId, UserId},
    plan::Tally,
    risk::Look,
    role::Actor,
    run::{Operation, State},
    votes::{self, Voter, VoterRole},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{Decided, Decision, Ending, Inbox, Waiting, roles_of};
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
    now: OffsetDateTime,
) -> Result<Vec<(Voter, bool)>> {
    let rows = sqlx::query!(
        r#"select a.user_id, a.decision,
               u.suspended_at is null and exists (select from membership($4) m where m.user_id = a.user_id
                   and m.team_id = $2 and m.role = 'lead') as "lead!",
               u.suspended_at is null and exists (select from org_role o where o.user_id = a.user_id
                   and o.role = 'operator') as "operator!"
           from approval a join user_account u on u.id = a.user_id
           where a.run_id = $1 and a.digest = $3 order by a.id"#,
        run.get(),
        team.get(),
        digest,
        now,
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

#[derive(Deserialize)]
struct WaitingRow {
    id: i64,
    title: String,
    operation: String,
    environment_id: i64,
    environment: String,
    class: String,
    team_id: i64,
    team: String,
    requested_by: Option<i64>,
    requester: Option<String>,
    reason: String,
    #[serde(with = "time::serde::rfc3339::option")]
    votes_until: Option<OffsetDateTime>,
    digest: String,
    policy: Option<slipway_policy::Answer>,
    tally: Option<Tally>,
    looks: Vec<Look>,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    votes: Option<Vec<VoteRow>>,
}

#[derive(Deserialize)]
struct VoteRow {
    user: i64,
    lead: bool,
    operator: bool,
}

#[derive(Deserialize)]
struct EndingRow {
    id: i64,
    name: String,
    team: String,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
}

#[derive(Deserialize)]
struct DecidedRow {
    run_id: i64,
    title: String,
    environment: String,
    decision: String,
    reason: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    state: State,
}

/// One query for the whole inbox, with the ends that are near as `domain::environment::ends_soon` has it; without `whole` it gathers what waits alone, for the number in the rail.
pub async fn inbox(
    pool: &PgPool,
    actor: &Actor,
    sight: &Sight,
    now: OffsetDateTime,
    whole: bool,
) -> Result<Inbox> {
    let row = sqlx::query!(
        r#"select
           (select json_agg(w order by w.id) from (
               select r.id, r.title, r.operation, r.environment_id, e.name as environment, e.class, e.team_id,
                   t.name as team, r.requested_by, u.name as requester, r.reason, r.votes_until, r.digest, r.policy,
                   s.tally, s.looks,
                   coalesce((select max(x.at) from run_event x where x.run_id = r.id and x.state = 'awaiting_approval'
                       and x.kind = 'run.preview'), r.created_at) as since,
                   (select json_agg(json_build_object('user', a.user_id, 'lead', u2.suspended_at is null and exists (
                            select from membership($3) m where m.user_id = a.user_id and m.team_id = e.team_id and m.role = 'lead'),
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
               order by r.id limit 100) w) as waiting,
           case when $5 then (select json_agg(w order by w.ends_at) from (
               select e.id, e.name, t.name as team, e.ends_at from environment e join team t on t.id = e.team_id
               where e.ends_at is not null and e.state not in ('destroyed', 'withdrawn')
                 and e.ends_at - $3::timestamptz < least((e.ends_at - e.created_at) / 4, interval '1 day')
                 and e.team_id = any($2)
               order by e.ends_at limit 50) w) end as ending,
           case when $5 then (select json_agg(w order by w.id desc) from (
               select a.id, a.run_id, r.title, e.name as environment, a.decision, a.reason, a.created_at, r.state
               from approval a join run r on r.id = a.run_id join environment e on e.id = r.environment_id
               where a.user_id = $4 order by a.id desc limit 10) w) end as decided,
           coalesce((select d.asked_at > coalesce(d.answered_at, '-infinity') from directory_person d
                     where d.user_id = $4 and exists (select from team_group)), false) as "asking!""#,
        sight.all,
        &sight.teams,
        now,
        actor.user.get(),
        whole,
    )
    .fetch_one(pool)
    .await?;
    let mut inbox = Inbox {
        asking: row.asking,
        ending: list::<EndingRow>(row.ending)?
            .into_iter()
            .map(ending)
            .collect(),
        decided: list::<DecidedRow>(row.decided)?
            .into_iter()
            .map(decided)
            .collect(),
        ..Inbox::default()
    };
    for row in list::<WaitingRow>(row.waiting)? {
        let waiting = waiting(row, actor)?;
        if waiting.yours {
            inbox.yours.push(waiting);
        } else {
            inbox.others.push(waiting);
        }
    }
    Ok(inbox)
}

fn list<T: serde::de::DeserializeOwned>(json: Option<serde_json::Value>) -> Result<Vec<T>> {
    Ok(json
        .map(serde_json::from_value)
        .transpose()?
        .unwrap_or_default())
}

fn waiting(r: WaitingRow, actor: &Actor) -> Result<Waiting> {
    let team_id = TeamId::new(r.team_id);
    let voters: Vec<Voter> = r
        .votes
        .unwrap_or_default()
        .into_iter()
        .map(|vote| Voter {
            user: UserId::new(vote.user),
            roles: roles(vote.lead, vote.operator),
        })
        .collect();
    let requester = r.requested_by.map(UserId::new);
    let seats = votes::seats(&r.policy.unwrap_or_default().needs, &voters, requester);
    let own = requester == Some(actor.user);
    let mine = roles_of(actor, team_id);
    let voted = voters.iter().any(|v| v.user == actor.user);
    Ok(Waiting {
        run: RunId::new(r.id),
        title: r.title,
        operation: Operation::read(&r.operation).ok_or_else(|| Error::broken("operation"))?,
        environment_id: EnvironmentId::new(r.environment_id),
        environment: r.environment,
        class: Class::read(&r.class).ok_or_else(|| Error::broken("class"))?,
        team: r.team,
        requested_by: r.requester,
        reason: r.reason,
        since: r.since,
        until: r.votes_until,
        digest: r.digest,
        tally: r.tally.unwrap_or_default(),
        looks: r.looks,
        votes: (seats.iter().filter(|s| s.by.is_some()).count(), seats.len()),
        yours: !own
            && !voted
            && seats
                .iter()
                .any(|s| s.by.is_none() && mine.contains(&s.role)),
        own,
    })
}

fn ending(r: EndingRow) -> Ending {
    Ending {
        id: EnvironmentId::new(r.id),
        name: r.name,
        team: r.team,
        ends_at: r.ends_at,
    }
}

fn decided(r: DecidedRow) -> Decided {
    Decided {
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
        state: r.state,
    }
}
