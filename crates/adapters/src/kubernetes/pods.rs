//! How a rollout goes, pod by pod, in words.

use std::{collections::HashMap, future::ready};

use futures_util::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{
    api::{Api, LogParams},
    runtime::{WatchStreamExt, watcher},
};

use super::Cluster;

/// What is told of one pod, when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodNews {
    /// Its name.
    pub pod: String,
    /// How it stands: `1 of 1 ready`, `ImagePullBackOff: …`.
    pub words: String,
    /// True if it will not become ready by itself.
    pub trouble: bool,
    /// The container that crashed, if one did.
    pub crashed: Option<String>,
}

impl Cluster {
    /// Follows the pods of a namespace until dropped; each pod is told of when what there is to say changes. A lost
    /// connection is taken up again.
    pub fn watch_pods(&self, namespace: &str) -> impl Stream<Item = PodNews> + Send + use<> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let mut told: HashMap<String, String> = HashMap::new();
        watcher(api, watcher::Config::default())
            .default_backoff()
            .filter_map(|event| {
                ready(match event {
                    Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) => {
                        Some(news(&pod))
                    }
                    _ => None,
                })
            })
            .filter(move |news| {
                let new =
                    told.insert(news.pod.clone(), news.words.clone()).as_ref() != Some(&news.words);
                ready(new)
            })
    }

    /// The last lines of a container that crashed; none if they cannot be had.
    pub async fn last_lines(&self, namespace: &str, pod: &str, container: &str) -> Vec<String> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        for previous in [true, false] {
            let params = LogParams {
                container: Some(container.to_owned()),
                previous,
                tail_lines: Some(5),
                limit_bytes: Some(4_096),
                ..LogParams::default()
            };
            if let Ok(text) = self.ask("show a log", api.logs(pod, &params)).await
                && !text.trim().is_empty()
            {
                return text.lines().map(str::to_owned).collect();
            }
        }
        Vec::new()
    }
}

/// Waiting reasons that end by themselves.
const USUAL: [&str; 2] = ["ContainerCreating", "PodInitializing"];

pub(super) fn news(pod: &Pod) -> PodNews {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let status = pod.status.clone().unwrap_or_default();
    let all: Vec<ContainerStatus> = status
        .init_container_statuses
        .into_iter()
        .flatten()
        .chain(status.container_statuses.into_iter().flatten())
        .collect();
    for container in &all {
        let state = container.state.clone().unwrap_or_default();
        if let Some(waiting) = state.waiting {
            let reason = waiting.reason.unwrap_or_default();
            if !reason.is_empty() && !USUAL.contains(&reason.as_str()) {
                let crashed = reason.contains("CrashLoop").then(|| container.name.clone());
                let said = waiting.message.unwrap_or_default();
                return PodNews {
                    pod: name,
                    words: join(&container.name, &reason, &said),
                    trouble: true,
                    crashed,
                };
            }
        }
        if let Some(ended) = state.terminated
            && ended.exit_code != 0
        {
            let said = ended.message.or(ended.reason).unwrap_or_default();
            return PodNews {
                pod: name,
                words: join(
                    &container.name,
                    &format!("ended with {}", ended.exit_code),
                    &said,
                ),
                trouble: true,
                crashed: Some(container.name.clone()),
            };
        }
    }
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|c| c.type_ == "PodScheduled" && c.status == "False");
    if let Some(condition) = unscheduled {
        return PodNews {
            pod: name,
            words: format!(
                "no place found: {}",
                condition.message.clone().unwrap_or_default()
            ),
            trouble: true,
            crashed: None,
        };
    }
    let of = pod.spec.as_ref().map_or(0, |spec| spec.containers.len());
    let good = all.iter().filter(|c| c.ready).count().min(of);
    let words = if pod.metadata.deletion_timestamp.is_some() {
        "ends".to_owned()
    } else if status.phase.as_deref() == Some("Succeeded") {
        "done".to_owned()
    } else {
        format!("{good} of {of} ready")
    };
    PodNews {
        pod: name,
        words,
        trouble: false,
        crashed: None,
    }
}

fn join(container: &str, what: &str, said: &str) -> String {
    if said.is_empty() {
        format!("{container}: {what}")
    } else {
        format!("{container}: {what}: {said}")
    }
}
