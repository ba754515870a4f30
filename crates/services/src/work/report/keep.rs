//! What every report does: check that its claim still holds, and keep what is known of the world.

use serde_json::json;
use slipway_domain::{plan::Output, run::Operation};
use sqlx::PgConnection;

use super::super::Claim;
use crate::{Ctx, Error, Result, approval, deployment, environment::Resource, run};

/// What exists, read from the state.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Its outputs; sensitive ones without their value.
    pub outputs: Vec<Output>,
    /// Its resources.
    pub resources: Vec<Resource>,
}

/// Loads the run and checks that this claim still holds it.
pub async fn held(tx: &mut PgConnection, claim: &Claim) -> Result<run::Row> {
    let row = run::load(tx, claim.run).await?.ok_or(Error::NotFound)?;
    if row.fence == claim.fence && row.state.is_working() {
        Ok(row)
    } else {
        Err(Error::Fenced)
    }
}

pub(super) async fn keep_world(
    tx: &mut PgConnection,
    claim: &Claim,
    world: Option<&World>,
) -> Result<()> {
    if let Some(world) = world {
        sqlx::query!(
            "update environment set outputs = $2, resources = $3 where id = $1",
            claim.environment_id.get(),
            serde_json::to_value(&world.outputs)?,
            serde_json::to_value(&world.resources)?,
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query!(
        "update stack set engine_version = s.engine_version from run_step s
         where s.run_id = $1 and s.n = 1 and stack.id = s.stack_id and s.engine_version is not null",
        claim.run.get(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What the run was made with is what the environment runs now.
pub(super) async fn keep_inputs(tx: &mut PgConnection, claim: &Claim) -> Result<()> {
    if claim.operation == Operation::Destroy {
        return Ok(());
    }
    sqlx::query!(
        "update environment e set inputs = r.inputs, sensitive = r.sensitive, template_digest = r.template_digest
         from run r where r.id = $1 and e.id = r.environment_id",
        claim.run.get(),
    )
    .execute(&mut *tx)
    .await?;
    // Values that nothing refers to any more are gone for good.
    sqlx::query!(
        "delete from input_secret i where i.environment_id = $1
           and not exists (select from environment e, jsonb_each(e.sensitive) s
               where e.id = $1 and s.value = to_jsonb(i.id))
           and not exists (select from run r, jsonb_each(r.sensitive) s
               where r.environment_id = $1 and (r.finished_at is null or r.id = $2) and s.value = to_jsonb(i.id))",
        claim.environment_id.get(),
        claim.run.get(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the history: one row per run that began to apply.
pub(super) async fn remember(tx: &mut PgConnection, ctx: &Ctx, row: &run::Row) -> Result<()> {
    if !row.touched || !row.state.is_over() {
        return Ok(());
    }
    let tally = sqlx::query_scalar!(
        "select tally from run_step where run_id = $1 and n = 1",
        row.id.get()
    )
    .fetch_optional(&mut *tx)
    .await?
    .flatten()
    .unwrap_or_else(|| json!({ "create": 0, "update": 0, "replace": 0, "delete": 0 }));
    let digest = row.digest.as_deref().unwrap_or_default();
    let approved_by = approval::approvers(tx, row.id, digest)
        .await?
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    deployment::insert(
        tx,
        ctx,
        deployment::New {
            run: row.id,
            outcome: row.state,
            tally,
            approved_by,
        },
    )
    .await
}
