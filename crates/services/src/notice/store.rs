use slipway_domain::{
    id::{RunId, UserId},
    run::{Operation, State},
    votes::VoterRole,
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{CLAIM, Channel, KEEP, Means, TRIES};
use crate::{Error, Result, live, run};

pub async fn present(pool: &PgPool, means: &Means, now: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "insert into notifier (mail, chat, words, updated_at, created_at) values ($1, $2, $3, $4, $4)
         on conflict (one) do update set mail = excluded.mail, chat = excluded.chat, words = excluded.words,
             updated_at = excluded.updated_at",
        means.mail,
        means.chat,
        means.words,
        now
    )
    .execute(pool)
    .await?;
    sqlx::query!(
        "update notice set state = 'dropped', error = 'it cannot be sent any more: the settings changed', done_at = $3
         where state = 'queued' and ((channel = 'mail' and not $1) or (channel = 'chat' and not $2))",
        means.mail,
        means.chat,
        now
    )
    .execute(pool)
    .await?;
    sqlx::query!("delete from notice where done_at < $1", now - KEEP)
        .execute(pool)
        .await?;
    Ok(())
}

/// To everybody who may fill a seat that the policy asks for, and to the chat.
pub async fn waits(tx: &mut PgConnection, row: &run::Row, now: OffsetDateTime) -> Result<()> {
    let needs = row.policy.as_ref().map(|p| p.needs.as_slice());
    let asks = |role| needs.is_some_and(|n| n.iter().any(|n| n.role == role));
    let written = sqlx::query!(
        "insert into notice (channel, kind, run_id, user_id, cause, next_at, created_at)
         select 'mail', 'waits', $1::bigint, u.id, $2::text, $3::timestamptz, $3::timestamptz
         from user_account u, notifier n
         where n.mail and u.mail and u.email is not null and u.suspended_at is null and u.id is distinct from $4::bigint
           and ($5 and u.id in (select m.user_id from membership($3) m where m.team_id = $6 and m.role = 'lead')
             or $7 and u.id in (select o.user_id from org_role o where o.role = 'operator'))
         union all
         select 'chat', 'waits', $1, null, $2, $3, $3 from notifier n where n.chat
         on conflict do nothing",
        row.id.get(),
        row.digest.as_deref().unwrap_or_default(),
        now,
        row.requested_by.map(UserId::get),
        asks(VoterRole::Lead),
        row.team_id.get(),
        asks(VoterRole::Operator),
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    announce(tx, written).await
}

/// To whoever asked for it, unless they ended it themselves, and to the chat.
pub async fn ended(
    tx: &mut PgConnection,
    run: RunId,
    state: State,
    by: UserId,
    now: OffsetDateTime,
) -> Result<()> {
    let written = sqlx::query!(
        "insert into notice (channel, kind, run_id, user_id, cause, next_at, created_at)
         select 'mail', 'ended', $1::bigint, u.id, $2::text, $3::timestamptz, $3::timestamptz
         from run r join user_account u on u.id = r.requested_by, notifier n
         where r.id = $1 and n.mail and u.mail and u.email is not null and u.suspended_at is null and u.id <> $4
         union all
         select 'chat', 'ended', $1, null, $2, $3, $3 from notifier n where n.chat
         on conflict do nothing",
        run.get(),
        state.word(),
        now,
        by.get(),
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    announce(tx, written).await
}

async fn announce(tx: &mut PgConnection, written: u64) -> Result<()> {
    if written == 0 {
        return Ok(());
    }
    live::notify(tx, &live::Event::Notice).await
}

/// One that waits, in nobody else's hands.
pub async fn claim(pool: &PgPool, means: &Means, now: OffsetDateTime) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "update notice set claimed_until = $2, tries = tries + 1
         where id = (
             select id from notice
             where state = 'queued' and next_at <= $1 and (claimed_until is null or claimed_until <= $1)
               and (channel = 'mail' and $3 or channel = 'chat' and $4)
             order by next_at, id limit 1 for update skip locked)
         returning id",
        now,
        now + CLAIM,
        means.mail,
        means.chat,
    )
    .fetch_optional(pool)
    .await?)
}

/// What a message is about, as it stands at the moment of sending.
pub struct Facts {
    pub id: i64,
    pub channel: Channel,
    /// What waits; otherwise how it ended.
    pub waits: bool,
    pub cause: String,
    pub run: RunId,
    pub state: State,
    pub digest: Option<String>,
    pub operation: Operation,
    pub environment: String,
    pub team: String,
    pub class: String,
    pub requester: Option<String>,
    pub to: Option<String>,
    /// They want mail, are not suspended, and are no requester of what waits.
    pub reachable: bool,
    pub voted: bool,
    pub lead: bool,
    pub operator: bool,
    pub policy: Option<slipway_policy::Answer>,
}

impl Facts {
    /// Whether it still concerns its reader; if not, why.
    pub fn concern(&self) -> std::result::Result<(), &'static str> {
        if self.waits
            && (self.state != State::AwaitingApproval
                || self.digest.as_deref() != Some(&self.cause))
        {
            return Err("it waits no longer");
        }
        if self.channel == Channel::Chat {
            return Ok(());
        }
        if !self.reachable {
            return Err("they want no mail, or are suspended");
        }
        if !self.waits {
            return Ok(());
        }
        let asks = |role| {
            self.policy
                .as_ref()
                .is_some_and(|p| p.needs.iter().any(|n| n.role == role))
        };
        let seat = self.lead && asks(VoterRole::Lead) || self.operator && asks(VoterRole::Operator);
        if !seat {
            return Err("they may not vote on it any more");
        }
        if self.voted {
            return Err("they have voted");
        }
        Ok(())
    }
}

pub async fn facts(pool: &PgPool, id: i64, now: OffsetDateTime) -> Result<Facts> {
    let r = sqlx::query!(
        r#"select n.id, n.channel, n.kind, n.cause, n.run_id, r.state, r.digest, r.operation, r.policy,
               e.name as environment, e.class, t.name as team, q.name as "requester?", u.email as "email?",
               coalesce(u.mail and u.suspended_at is null and u.email is not null, false) as "reachable!",
               exists (select from approval a where a.run_id = r.id and a.user_id = n.user_id and a.digest = r.digest) as "voted!",
               exists (select from membership($2) m where m.user_id = n.user_id and m.team_id = e.team_id and m.role = 'lead') as "lead!",
               exists (select from org_role o where o.user_id = n.user_id and o.role = 'operator') as "operator!"
           from notice n
           join run r on r.id = n.run_id
           join environment e on e.id = r.environment_id
           join team t on t.id = e.team_id
           left join user_account q on q.id = r.requested_by
           left join user_account u on u.id = n.user_id
           where n.id = $1"#,
        id,
        now,
    )
    .fetch_one(pool)
    .await?;
    Ok(Facts {
        id: r.id,
        channel: if r.channel == "mail" {
            Channel::Mail
        } else {
            Channel::Chat
        },
        waits: r.kind == "waits",
        cause: r.cause,
        run: RunId::new(r.run_id),
        state: State::read(&r.state).ok_or_else(|| Error::broken("state"))?,
        digest: r.digest,
        operation: Operation::read(&r.operation).ok_or_else(|| Error::broken("operation"))?,
        environment: r.environment,
        team: r.team,
        class: r.class,
        requester: r.requester,
        to: r.email,
        reachable: r.reachable,
        voted: r.voted,
        lead: r.lead,
        operator: r.operator,
        policy: r.policy.map(serde_json::from_value).transpose()?,
    })
}

pub async fn over(
    pool: &PgPool,
    id: i64,
    state: &str,
    why: Option<&str>,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update notice set state = $2, error = $3, claimed_until = null, done_at = $4 where id = $1 and state = 'queued'",
        id,
        state,
        why,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn failed(
    pool: &PgPool,
    id: i64,
    why: &str,
    hopeless: bool,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update notice set error = $2, claimed_until = null,
             state = case when $3 or tries >= $5 then 'failed' else 'queued' end,
             done_at = case when $3 or tries >= $5 then $4::timestamptz end,
             next_at = $4 + interval '30 seconds' * power(2, least(tries - 1, 7))
         where id = $1 and state = 'queued'",
        id,
        why,
        hopeless,
        now,
        TRIES,
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn wants(pool: &PgPool, of: UserId) -> Result<Option<bool>> {
    Ok(sqlx::query_scalar!(
        r#"select case when exists (select from notifier where mail) then u.mail end as mail
           from user_account u where u.id = $1"#,
        of.get()
    )
    .fetch_optional(pool)
    .await?
    .flatten())
}

pub async fn want(pool: &PgPool, of: UserId, on: bool) -> Result<()> {
    sqlx::query!(
        "update user_account set mail = $2 where id = $1",
        of.get(),
        on
    )
    .execute(pool)
    .await?;
    Ok(())
}
