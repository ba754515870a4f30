use slipway_domain::id::{EnvironmentId, TeamId};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{Health, Workload};
use crate::{Result, cluster::Cluster, live};

pub async fn report(
    pool: &PgPool,
    environment: &str,
    of: &Workload,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    let changed = sqlx::query_scalar!(
        "insert into workload as w (environment_id, address, wanted, ready, complete, trouble, changed_at, created_at)
         select id, $2, $3, $4, $5, $6, $7, $7 from environment
         where name = $1 and state not in ('destroyed', 'withdrawn')
         on conflict (environment_id, address) do update set wanted = $3, ready = $4, complete = $5, trouble = $6, changed_at = $7
             where (w.wanted, w.ready, w.complete, w.trouble) is distinct from ($3, $4, $5, $6)
         returning environment_id",
        environment,
        of.address,
        of.wanted,
        of.ready,
        of.complete,
        of.trouble,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if changed.is_some() {
        live::notify(&mut tx, &live::Event::Workload).await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn gone(pool: &PgPool, environment: &str, address: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    let gone = sqlx::query!(
        "delete from workload w using environment e
         where e.id = w.environment_id and e.name = $1 and e.state not in ('destroyed', 'withdrawn') and w.address = $2",
        environment,
        address,
    )
    .execute(&mut *tx)
    .await?;
    if gone.rows_affected() > 0 {
        live::notify(&mut tx, &live::Event::Workload).await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn of(
    pool: &PgPool,
    id: EnvironmentId,
    cluster: &str,
) -> Result<Option<(TeamId, Health)>> {
    let row = sqlx::query!(
        r#"select e.team_id, c.name as "name?", c.server, c.version, c.seen_at, c.failed_since, c.failure,
               c.asked_at as "asked_at?",
               (select jsonb_agg(jsonb_build_object('address', w.address, 'wanted', w.wanted, 'ready', w.ready,
                       'complete', w.complete, 'trouble', w.trouble) order by w.complete, w.address)
                from (select * from workload where environment_id = e.id order by complete, address limit 200) w) as workloads,
               (select max(changed_at) from workload where environment_id = e.id) as changed_at
           from environment e left join cluster c on c.name = $2 where e.id = $1"#,
        id.get(),
        cluster,
    )
    .fetch_optional(pool)
    .await?;
    row.map(|r| {
        let failure = r.failure.map(serde_json::from_value).transpose()?;
        let answers = r.name.zip(r.asked_at).map(|(name, asked_at)| Cluster {
            name,
            server: r.server,
            version: r.version,
            seen_at: r.seen_at,
            failing: r.failed_since.zip(failure),
            asked_at,
        });
        let workloads: Option<Vec<Workload>> =
            r.workloads.map(serde_json::from_value).transpose()?;
        let health = Health {
            cluster: cluster.to_owned(),
            answers,
            workloads: workloads.unwrap_or_default(),
            changed_at: r.changed_at,
        };
        Ok((TeamId::new(r.team_id), health))
    })
    .transpose()
}
