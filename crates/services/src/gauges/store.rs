use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::Gauges;
use crate::Result;

pub async fn read(pool: &PgPool, now: OffsetDateTime) -> Result<Gauges> {
    let row = sqlx::query!(
        r#"select (select min(created_at) from job where state = 'queued') as queued,
                  (select count(*) from worker where seen_at > $1 and stopped_at is null) as "workers!",
                  (select min(a.at) from audit a
                   where a.id > coalesce((select max(audit_id) from audit_seal), 0) - 10000
                     and not exists (select from audit_seal s where s.audit_id = a.id)) as unsealed,
                  (select coalesce(success_at, created_at) from directory) as directory,
                  (select failures from directory) as directory_failures,
                  (select count(*) from notice where state = 'queued') as "notices!",
                  (select count(*) from notice where state = 'failed' and done_at > $2) as "notices_failed!""#,
        now - Duration::minutes(1),
        now - Duration::days(1),
    )
    .fetch_one(pool)
    .await?;
    let runs = sqlx::query!(
        r#"select state, count(*) as "count!" from run where finished_at is null group by state order by state"#
    )
    .fetch_all(pool)
    .await?;
    let age =
        |at: Option<OffsetDateTime>| at.map_or(0.0, |at| (now - at).as_seconds_f64().max(0.0));
    Ok(Gauges {
        queue_oldest: age(row.queued),
        workers: row.workers,
        runs: runs.into_iter().map(|r| (r.state, r.count)).collect(),
        unsealed_oldest: age(row.unsealed),
        directory: row
            .directory
            .map(|at| (age(Some(at)), row.directory_failures.unwrap_or_default())),
        notices: row.notices,
        notices_failed: row.notices_failed,
    })
}
