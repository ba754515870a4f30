//! Follows what runs in the clusters, and keeps it in the database for the pages.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use slipway_adapters::kubernetes::{Cluster, News};
use slipway_services::workload::{self, Workload};
use tokio::task::JoinHandle;

use crate::{Leaving, Shared, now};

/// The folder of clusters is looked at this often.
const LOOK: Duration = Duration::from_secs(15);

/// Follows each cluster that this worker has, by the kubeconfig that it has now: one that is added later, and with a new
/// token from when it is there.
pub async fn watch(shared: Arc<Shared>) {
    let mut leaving = shared.leaving.clone();
    let mut followed: HashMap<String, (Cluster, JoinHandle<()>)> = HashMap::new();
    while *leaving.borrow() == Leaving::No {
        let mut there = HashMap::new();
        for name in shared.clusters.names().await {
            let Ok(cluster) = shared.clusters.get(&name).await else {
                continue;
            };
            match followed.remove(&name) {
                Some((known, task)) if known.is_reached_like(&cluster) && !task.is_finished() => {
                    there.insert(name, (known, task));
                }
                old => {
                    old.inspect(|(_, task)| task.abort());
                    let task = tokio::spawn(follow(shared.clone(), cluster.clone()));
                    there.insert(name, (cluster, task));
                }
            }
        }
        for (_, task) in std::mem::replace(&mut followed, there).into_values() {
            task.abort();
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = leaving.changed() => {}
        }
    }
    for (_, task) in followed.into_values() {
        task.abort();
    }
}

/// What is seen of one cluster.
#[derive(Default)]
struct Seen {
    /// Namespace → environment.
    environments: HashMap<String, String>,
    /// Namespace → address → workload; of namespaces that are no environment's, too, until theirs is known.
    workloads: HashMap<String, BTreeMap<String, Workload>>,
}

async fn follow(shared: Arc<Shared>, cluster: Cluster) {
    let news = cluster.watch();
    tokio::pin!(news);
    let mut seen = Seen::default();
    while let Some(one) = news.next().await {
        let told = seen.hear(&shared, &cluster, one).await;
        // A database that is away: everything is told again from the beginning, by a new watch.
        if let Err(error) = told {
            tracing::warn!(cluster = cluster.name, %error, "what runs in a cluster could not be written down; looking again");
            tokio::time::sleep(Duration::from_secs(1)).await;
            return;
        }
    }
}

impl Seen {
    async fn hear(
        &mut self,
        shared: &Shared,
        cluster: &Cluster,
        news: News,
    ) -> slipway_services::Result<()> {
        match news {
            News::Namespace {
                name,
                environment,
                owner,
            } => {
                // Another portal's, on the same cluster.
                if !owner.starts_with(&format!("{}-", super::portal(shared))) {
                    return Ok(());
                }
                for of in self
                    .workloads
                    .get(&name)
                    .into_iter()
                    .flat_map(BTreeMap::values)
                {
                    workload::report(&shared.pool, &environment, of, now()).await?;
                }
                self.environments.insert(name, environment);
            }
            News::Workload {
                namespace,
                workload: of,
            } => {
                let of = Workload {
                    address: of.address,
                    wanted: of.wanted,
                    ready: of.ready,
                    complete: of.complete,
                    trouble: of.trouble,
                };
                let known = self.workloads.entry(namespace.clone()).or_default();
                if known.get(&of.address) == Some(&of) {
                    return Ok(());
                }
                if let Some(environment) = self.environments.get(&namespace) {
                    workload::report(&shared.pool, environment, &of, now()).await?;
                }
                known.insert(of.address.clone(), of);
            }
            News::Gone { namespace, address } => {
                if let Some(known) = self.workloads.get_mut(&namespace) {
                    known.remove(&address);
                }
                if let Some(environment) = self.environments.get(&namespace) {
                    workload::gone(&shared.pool, environment, &address).await?;
                }
            }
            News::Lost(why) => {
                tracing::debug!(cluster = cluster.name, why, "a watch was interrupted")
            }
        }
        Ok(())
    }
}
