use serde_json::json;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::Cluster;
use crate::Refusal;

type Result<T, E = crate::Error> = std::result::Result<T, E>;

pub async fn report(
    pool: &PgPool,
    name: &str,
    heard: Result<&(String, String), &Refusal>,
    now: OffsetDateTime,
) -> Result<()> {
    let (server, version) = heard.ok().cloned().unzip();
    let failure = heard.err().map(|why| json!(why));
    sqlx::query!(
        "insert into cluster as c (name, server, version, seen_at, failed_since, failure, asked_at, created_at)
         values ($1, $2, $3, case when $4::jsonb is null then $5::timestamptz end,
                 case when $4::jsonb is not null then $5::timestamptz end, $4, $5, $5)
         on conflict (name) do update set
             server = coalesce(excluded.server, c.server), version = coalesce(excluded.version, c.version),
             seen_at = coalesce(excluded.seen_at, c.seen_at), failure = excluded.failure,
             failed_since = case when excluded.failure is not null then coalesce(c.failed_since, excluded.failed_since) end,
             asked_at = excluded.asked_at",
        name,
        server,
        version,
        failure,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn list(pool: &PgPool, name: Option<&str>) -> Result<Vec<Cluster>> {
    let rows = sqlx::query!(
        "select name, server, version, seen_at, failed_since, failure, asked_at from cluster
         where $1::text is null or name = $1 order by name limit 200",
        name,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            let failure = r.failure.map(serde_json::from_value).transpose()?;
            Ok(Cluster {
                name: r.name,
                server: r.server,
                version: r.version,
                seen_at: r.seen_at,
                failing: r.failed_since.zip(failure),
                asked_at: r.asked_at,
            })
        })
        .collect()
}
