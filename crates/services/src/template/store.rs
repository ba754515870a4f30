use sqlx::PgPool;
use time::OffsetDateTime;

use super::{Found, Listed};
use crate::Result;

pub async fn list(pool: &PgPool, name: Option<&str>) -> Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"select t.name, t.digest, t.broken, t.updated_at, v.parsed as "parsed?",
               (select count(*) from environment e where e.template_name = t.name
                   and e.state not in ('destroyed', 'withdrawn')) as "environments!"
           from template t left join template_version v on v.digest = t.digest
           where t.removed_at is null and ($1::text is null or t.name = $1) order by t.name"#,
        name,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Listed {
                name: r.name,
                digest: r.digest,
                template: r.parsed.map(serde_json::from_value).transpose()?,
                broken: r.broken.map(serde_json::from_value).transpose()?,
                environments: r.environments,
                updated_at: r.updated_at,
            })
        })
        .collect()
}

pub async fn bundle(pool: &PgPool, digest: &str) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        "select bundle from template_version where digest = $1",
        digest
    )
    .fetch_optional(pool)
    .await?)
}

pub async fn publish(pool: &PgPool, found: &[Found], now: OffsetDateTime) -> Result<u64> {
    let mut changed = 0;
    let mut tx = pool.begin().await?;
    // Two workers may read two states of the catalog at once: one after the other, then.
    sqlx::query!("select pg_advisory_xact_lock(7266291) as done")
        .fetch_one(&mut *tx)
        .await?;
    for (name, result) in found {
        let (digest, broken) = match result {
            Ok((bundle, template)) => {
                let digest = bundle.digest();
                // What was read from a bundle may be read better by a newer Slipway; the bundle itself never changes.
                sqlx::query!(
                    "insert into template_version (digest, name, bundle, parsed, created_at) values ($1, $2, $3, $4, $5)
                     on conflict (digest) do update set parsed = excluded.parsed
                     where template_version.parsed is distinct from excluded.parsed",
                    digest,
                    name,
                    bundle.encode(),
                    serde_json::to_value(template)?,
                    now,
                )
                .execute(&mut *tx)
                .await?;
                (Some(digest), None)
            }
            Err(broken) => (None, Some(serde_json::to_value(broken)?)),
        };
        changed += sqlx::query!(
            "insert into template (name, digest, broken, updated_at, created_at) values ($1, $2, $3, $4, $4)
             on conflict (name) do update
             set digest = coalesce(excluded.digest, template.digest), broken = excluded.broken, removed_at = null,
                 updated_at = excluded.updated_at
             where template.digest is distinct from coalesce(excluded.digest, template.digest)
                or template.broken is distinct from excluded.broken or template.removed_at is not null",
            name,
            digest,
            broken,
            now,
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
    }
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    changed += sqlx::query!(
        "update template set removed_at = $2 where removed_at is null and name <> all($1)",
        &names,
        now
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(changed)
}
