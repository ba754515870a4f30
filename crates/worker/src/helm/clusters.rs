//! The clusters that this worker can act on: a folder with a kubeconfig for each.

use std::path::PathBuf;

use slipway_adapters::{helm::Helm, kubernetes::Cluster};
use slipway_services::{Refusal, cluster};

use crate::{Shared, now, terraform};

/// How a kubeconfig's file is called: `<name>.kubeconfig`.
const ENDING: &str = ".kubeconfig";

/// Where the kubeconfigs lie. They are read when they are needed, so that a new token needs no restart.
#[derive(Clone, Debug, Default)]
pub struct Clusters {
    folder: Option<PathBuf>,
}

impl Clusters {
    /// The clusters of a folder.
    pub fn of(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// One of them.
    pub async fn get(&self, name: &str) -> Result<Cluster, Refusal> {
        let missing = |why: String| {
            Refusal::new(
                format!("The cluster “{name}” is not connected."),
                why,
                format!(
                    "Put a kubeconfig as {name}{ENDING} into the folder that SLIPWAY_CLUSTERS names for the worker. \
                     On a laptop, “make lab” starts such a cluster."
                ),
            )
        };
        let Some(folder) = &self.folder else {
            return Err(missing("This worker has no clusters.".into()));
        };
        let path = folder.join(format!("{name}{ENDING}"));
        let bytes = match tokio::fs::read(&path).await {
            Ok(bytes) => bytes,
            Err(error) => return Err(missing(format!("{}: {error}.", path.display()))),
        };
        Cluster::open(name, &bytes)
            .await
            .map_err(terraform::refusal)
    }

    /// Their names.
    pub async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let Some(folder) = &self.folder else {
            return names;
        };
        let Ok(mut entries) = tokio::fs::read_dir(folder).await else {
            return names;
        };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let name = entry.file_name();
            if let Some(name) = name.to_str().and_then(|n| n.strip_suffix(ENDING)) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names
    }

    /// What each of them answers now: its server's address and version, or why it does not.
    async fn answers(&self) -> Vec<(String, Result<(String, String), Refusal>)> {
        let mut all = Vec::new();
        for name in self.names().await {
            let answer = match self.get(&name).await {
                Ok(cluster) => {
                    let version = cluster.version().await.map_err(terraform::refusal);
                    version.map(|version| (cluster.server.clone(), version))
                }
                Err(refusal) => Err(refusal),
            };
            all.push((name, answer));
        }
        all
    }
}

/// Asks each cluster whether it is there, and writes the answer down with its time: what the pages say comes from there.
pub async fn ask(shared: &Shared) -> anyhow::Result<()> {
    for (name, answer) in shared.clusters.answers().await {
        cluster::report(&shared.pool, &name, answer.as_ref(), now()).await?;
    }
    Ok(())
}

/// What there is to act with, asked now.
pub async fn answers(
    config: &crate::Config,
) -> (
    Result<String, Refusal>,
    Vec<(String, Result<String, Refusal>)>,
) {
    let helm = Helm::find(config.helm.as_deref(), PathBuf::new()).await;
    let helm = helm
        .map(|helm| helm.version)
        .map_err(|missing| Refusal::new(missing.message, "", missing.hint));
    let clusters = Clusters::of(config.clusters.clone()).answers().await;
    let versions = clusters
        .into_iter()
        .map(|(name, answer)| (name, answer.map(|(_, version)| version)));
    (helm, versions.collect())
}
