use slipway_domain::{id::UserId, role::Actor};
use slipway_seal::hex;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{
    Entry, Filter, Record, SignIn,
    chain::{Checkpoint, Link},
};
use crate::{Ctx, Result};

pub async fn insert(tx: &mut PgConnection, ctx: &Ctx, entry: Entry<'_>) -> Result<()> {
    let actor = ctx.actor.as_ref();
    // The worker acts by a rule: it has a name and no account.
    let user = actor.map(|a| a.user.get()).filter(|id| *id > 0);
    sqlx::query!(
        "insert into audit (at, actor_id, actor, session_id, action, noun, noun_id, team_id, allowed, before, after,
                            detail, request_id, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $1)",
        ctx.now,
        user,
        actor.map_or_else(|| "nobody".to_owned(), who),
        actor.and_then(|a| a.session).map(|s| s.get()),
        entry.action,
        entry.noun,
        entry.id,
        entry.team.map(|t| t.get()),
        entry.allowed,
        entry.before,
        entry.after,
        entry.detail,
        ctx.request_id,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Who did it, in words that the chain keeps: a person, or a program of theirs, on whose behalf it was.
fn who(actor: &Actor) -> String {
    match &actor.token {
        None => actor.name.clone(),
        Some(token) => format!("token {} ({}) of {}", token.name, token.id, actor.name),
    }
}

pub async fn list(pool: &PgPool, filter: &Filter, limit: i64) -> Result<Vec<Record>> {
    let rows = sqlx::query!(
        r#"select a.id, a.at, a.actor, a.action, a.noun, a.noun_id, a.allowed, a.before, a.after, a.detail, a.request_id,
                  s.seq as "seq?"
           from audit a left join audit_seal s on s.audit_id = a.id
           where a.id < $1
             and ($2::text is null or a.actor ilike '%' || $2 || '%')
             and ($3::text is null or a.noun = $3)
             and ($4::text is null or starts_with(a.action, $4))
             and ($6::bigint is null or a.noun_id = $6)
             and ($7::timestamptz is null or a.at >= $7) and ($8::timestamptz is null or a.at < $8)
           order by a.id desc limit $5"#,
        filter.before.unwrap_or(i64::MAX),
        filter.actor,
        filter.noun,
        filter.action,
        limit,
        filter.noun_id,
        filter.since,
        filter.until,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Record {
            id: r.id,
            at: r.at,
            actor: r.actor,
            action: r.action,
            noun: r.noun,
            noun_id: r.noun_id,
            allowed: r.allowed,
            before: r.before,
            after: r.after,
            detail: r.detail,
            request_id: r.request_id,
            sealed: r.seq,
        })
        .collect())
}

pub async fn sign_ins(pool: &PgPool, of: UserId, before: i64, limit: i64) -> Result<Vec<SignIn>> {
    let rows = sqlx::query!(
        r#"select a.id, a.at, a.action, a.actor, a.actor_id is not distinct from s.user_id as "own!", s.user_agent
           from session s join audit a on a.noun = 'session' and a.noun_id = s.id
           where s.user_id = $1 and a.id < $2 order by a.id desc limit $3"#,
        of.get(),
        before,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| SignIn {
            id: r.id,
            at: r.at,
            begun: r.action == "session.begin",
            by: (!r.own).then_some(r.actor),
            user_agent: r.user_agent,
        })
        .collect())
}

/// One statement: the lock keeps sealers apart, the hashes are made by the database over its own canonical text.
///
/// A transaction may commit after one with a higher id: the window of 10,000 ids looks back for such late ones.
pub async fn seal(pool: &PgPool, now: OffsetDateTime) -> Result<u64> {
    let mut tx = pool.begin().await?;
    let mine = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(7266290) as "mine!""#)
        .fetch_one(&mut *tx)
        .await?;
    if !mine {
        return Ok(0);
    }
    let sealed = sqlx::query!(
        r#"with recursive
           last as (select seq, audit_id, chain from audit_seal order by seq desc limit 1),
           fresh as (
               select a.id,
                      sha256(convert_to(jsonb_build_array(a.id, a.at, a.actor_id, a.actor, a.session_id, a.action,
                          a.noun, a.noun_id, a.team_id, a.allowed, a.before, a.after, a.detail, a.request_id)::text,
                          'UTF8')) as record,
                      row_number() over (order by a.id) as n
               from audit a
               where a.id > coalesce((select max(audit_id) from audit_seal), 0) - 10000
                 and not exists (select from audit_seal s where s.audit_id = a.id)
               order by a.id limit 1000),
           chained as (
               select f.n, f.id, f.record,
                      sha256(coalesce((select chain from last), ''::bytea) || f.record) as chain
               from fresh f where f.n = 1
               union all
               select f.n, f.id, f.record, sha256(c.chain || f.record)
               from chained c join fresh f on f.n = c.n + 1)
           insert into audit_seal (seq, audit_id, record, chain, created_at)
           select coalesce((select seq from last), 0) + n, id, record, chain, $1 from chained"#,
        now,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(sealed)
}

/// The end of the chain: its place and its hash.
pub async fn end_of_chain(pool: &PgPool) -> Result<Option<(i64, Vec<u8>)>> {
    Ok(
        sqlx::query!("select seq, chain from audit_seal order by seq desc limit 1")
            .fetch_optional(pool)
            .await?
            .map(|r| (r.seq, r.chain)),
    )
}

/// The last signature: its place, the chain there, when, and by which key.
pub async fn last_checkpoint(
    pool: &PgPool,
) -> Result<Option<(i64, Vec<u8>, OffsetDateTime, Vec<u8>)>> {
    Ok(sqlx::query!(
        "select seq, chain, at, public_key from audit_checkpoint order by id desc limit 1"
    )
    .fetch_optional(pool)
    .await?
    .map(|r| (r.seq, r.chain, r.at, r.public_key)))
}

pub async fn insert_checkpoint(
    pool: &PgPool,
    seq: i64,
    chain: &[u8],
    signature: &[u8],
    key: &[u8],
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into audit_checkpoint (seq, chain, at, signature, public_key, created_at) values ($1, $2, $3, $4, $5, $3)",
        seq,
        chain,
        now,
        signature,
        key
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Links after `after` up to `until`; with a run only its records' texts.
pub async fn links(
    pool: &PgPool,
    after: i64,
    until: i64,
    run: Option<i64>,
    limit: i64,
) -> Result<Vec<Link>> {
    let rows = sqlx::query!(
        r#"select s.seq, s.record, s.chain,
                  case when $3::bigint is null or (a.noun = 'run' and a.noun_id = $3) then
                      jsonb_build_array(a.id, a.at, a.actor_id, a.actor, a.session_id, a.action, a.noun, a.noun_id,
                          a.team_id, a.allowed, a.before, a.after, a.detail, a.request_id)::text end as text
           from audit_seal s join audit a on a.id = s.audit_id
           where s.seq > $1 and s.seq <= $2 order by s.seq limit $4"#,
        after,
        until,
        run,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Link {
            seq: r.seq,
            text: r.text,
            record: hex(&r.record),
            chain: hex(&r.chain),
        })
        .collect())
}

pub async fn checkpoints(pool: &PgPool, first: i64, last: i64) -> Result<Vec<Checkpoint>> {
    let rows = sqlx::query!(
        "select seq, chain, at, signature, public_key from audit_checkpoint where seq between $1 and $2 order by seq, id",
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Checkpoint {
            seq: r.seq,
            chain: hex(&r.chain),
            at: r.at.unix_timestamp(),
            signature: hex(&r.signature),
            key: hex(&r.public_key),
        })
        .collect())
}

pub async fn unsealed(pool: &PgPool, run: Option<i64>, limit: i64) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"select jsonb_build_array(a.id, a.at, a.actor_id, a.actor, a.session_id, a.action, a.noun, a.noun_id,
               a.team_id, a.allowed, a.before, a.after, a.detail, a.request_id)::text as "text!"
           from audit a
           where a.id > coalesce((select max(audit_id) from audit_seal), 0) - 10000
             and not exists (select from audit_seal s where s.audit_id = a.id)
             and ($1::bigint is null or (a.noun = 'run' and a.noun_id = $1))
           order by a.id limit $2"#,
        run,
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// The first and the last place of a run's records in the chain.
pub async fn span(pool: &PgPool, run: i64) -> Result<Option<(i64, i64)>> {
    let row = sqlx::query!(
        "select min(s.seq) as first, max(s.seq) as last from audit a join audit_seal s on s.audit_id = a.id
         where a.noun = 'run' and a.noun_id = $1",
        run
    )
    .fetch_one(pool)
    .await?;
    Ok(row.first.zip(row.last))
}

/// The first signed place at or after this one.
pub async fn signed_from(pool: &PgPool, seq: i64) -> Result<Option<i64>> {
    Ok(
        sqlx::query_scalar!("select min(seq) from audit_checkpoint where seq >= $1", seq)
            .fetch_one(pool)
            .await?,
    )
}

/// The chain at a place, in hexadecimal; empty before the first.
pub async fn chain_at(pool: &PgPool, seq: i64) -> Result<String> {
    Ok(
        sqlx::query_scalar!("select chain from audit_seal where seq = $1", seq)
            .fetch_optional(pool)
            .await?
            .map(|chain| hex(&chain))
            .unwrap_or_default(),
    )
}

pub async fn exported(pool: &PgPool, ctx: &Ctx, what: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    let entry = Entry {
        id: None,
        ..Entry::new("audit.export", "audit", 0, None)
    };
    insert(&mut tx, ctx, entry.detail(what)).await?;
    tx.commit().await?;
    Ok(())
}
