//! What a worker does besides jobs: say that it is there, look for what others left behind, end what is over, seal the
//! audit trail, and keep the catalog published.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;

use slipway_services::{audit, environment, template, work};
use tokio::task::JoinHandle;

use crate::{Leaving, Shared, now};

/// Starts them all.
pub fn start(shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let third = (shared.config.lease.length / 3_i32).unsigned_abs();
    let mut tasks = vec![
        every(
            shared,
            third.clamp(Duration::from_millis(200), Duration::from_secs(10)),
            |shared| async move {
                work::beat(&shared.pool, &shared.me, now()).await?;
                for (run, state) in work::reap(&shared.pool, &shared.me, now()).await? {
                    tracing::warn!(%run, %state, "a worker that held this run is gone");
                }
                Ok(())
            },
        ),
        every(shared, Duration::from_secs(5), |shared| async move {
            work::expire_votes(&shared.pool, &shared.me, now()).await?;
            environment::end_expired(&shared.pool, &shared.me.ctx(now())).await?;
            Ok(())
        }),
        every(shared, Duration::from_millis(700), |shared| async move {
            while audit::seal(&shared.pool, now()).await? > 0 {}
            let signed = audit::chain::sign(&shared.pool, &shared.key, now()).await?;
            if let (Some(signed), Some(file)) = (signed, shared.config.checkpoints.clone()) {
                tokio::task::spawn_blocking(move || note(&file, signed)).await??;
            }
            Ok(())
        }),
    ];
    // A state that an earlier life of this worker spooled must not wait for the next run.
    tasks.push(every(shared, Duration::from_secs(5), |shared| async move {
        crate::terraform::drain(&shared.pool, &shared.config.folder).await;
        Ok(())
    }));
    if shared.config.clusters.is_some() {
        tasks.push(every(
            shared,
            Duration::from_secs(15),
            |shared| async move { crate::helm::ask(&shared).await },
        ));
        tasks.push(tokio::spawn(crate::helm::watch(shared.clone())));
    }
    if shared.config.catalog.is_some() {
        tasks.push(every(shared, Duration::from_secs(4), |shared| async move {
            publish(&shared).await
        }));
    }
    tasks
}

/// Notes a signature outside of the database: a line at the end of a file, on the disk before anything else is signed.
/// Whoever cuts off the trail's end together with the signature in the database leaves this one behind.
fn note(file: &Path, signed: audit::chain::Checkpoint) -> anyhow::Result<()> {
    use std::io::Write as _;
    let line = serde_json::to_string(&audit::chain::Line::Checkpoint(signed))? + "\n";
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

/// Repeats a chore until the worker leaves; a chore that fails is tried again the next time.
fn every<F, R>(shared: &Arc<Shared>, pause: Duration, chore: F) -> JoinHandle<()>
where
    F: Fn(Arc<Shared>) -> R + Send + 'static,
    R: Future<Output = anyhow::Result<()>> + Send,
{
    let shared = shared.clone();
    let mut leaving = shared.leaving.clone();
    tokio::spawn(async move {
        loop {
            if let Err(error) = chore(shared.clone()).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "a chore could not be done; it is tried again"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = leaving.changed() => {}
            }
            if *leaving.borrow() != Leaving::No {
                return;
            }
        }
    })
}

/// Reads the catalog's folders and publishes what changed.
pub async fn publish(shared: &Arc<Shared>) -> anyhow::Result<()> {
    let Some(folder) = shared.config.catalog.clone() else {
        return Ok(());
    };
    let found =
        tokio::task::spawn_blocking(move || slipway_catalog::read_catalog(&folder)).await??;
    let found: Vec<_> = found
        .into_iter()
        .map(|entry| (entry.name, entry.template))
        .collect();
    let changed = template::publish(&shared.pool, &found, now()).await?;
    if changed > 0 {
        tracing::info!(changed, "the catalog was published");
    }
    Ok(())
}
