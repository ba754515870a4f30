//! What runs in the namespaces of environments, followed by watches: nothing is asked twice.

use std::{collections::HashSet, fmt::Debug};

use futures_util::{Stream, StreamExt, stream};
use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, StatefulSet},
    core::v1::{Namespace, Pod},
};
use kube::{
    Resource,
    api::Api,
    runtime::{WatchStreamExt, watcher},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Cluster, ENVIRONMENT, OWNER, Object, Workload, pods, workload::workload};

/// Something in the cluster is other than it was, or is seen for the first time.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A namespace that belongs to an environment.
    Namespace {
        /// Its name.
        name: String,
        /// The environment's.
        environment: String,
        /// Whose it is.
        owner: String,
    },
    /// A workload as it stands; a pod only while it is in trouble.
    Workload {
        /// Its namespace.
        namespace: String,
        /// The workload.
        workload: Workload,
    },
    /// Something is not there any more, or is a pod without trouble.
    Gone {
        /// Its namespace.
        namespace: String,
        /// `Deployment/web`.
        address: String,
    },
    /// A watch was interrupted; it is taken up again.
    Lost(String),
}

impl Cluster {
    /// Follows everything of all environments until dropped. After an interruption everything is told again, and what went
    /// meanwhile as gone.
    pub fn watch(&self) -> impl Stream<Item = News> + Send + use<> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespaces = watcher(namespaces, watcher::Config::default().labels(OWNER))
            .default_backoff()
            .filter_map(|event| {
                std::future::ready(match event {
                    Ok(watcher::Event::Apply(of) | watcher::Event::InitApply(of)) => {
                        let mut labels = of.metadata.labels.unwrap_or_default();
                        let environment = labels.remove(ENVIRONMENT);
                        let owner = labels.remove(OWNER).unwrap_or_default();
                        of.metadata
                            .name
                            .zip(environment)
                            .map(|(name, environment)| News::Namespace {
                                name,
                                environment,
                                owner,
                            })
                    }
                    Ok(_) => None,
                    Err(error) => Some(News::Lost(error.to_string())),
                })
            });
        stream::select_all([
            namespaces.boxed(),
            self.follow::<Deployment>("Deployment", rollout).boxed(),
            self.follow::<StatefulSet>("StatefulSet", rollout).boxed(),
            self.follow::<DaemonSet>("DaemonSet", rollout).boxed(),
            self.follow::<Pod>("Pod", troubled).boxed(),
        ])
    }

    fn follow<K>(
        &self,
        kind: &'static str,
        see: fn(&K, String) -> Option<Workload>,
    ) -> impl Stream<Item = News> + Send + use<K>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let api: Api<K> = Api::all(self.client.clone());
        let mut there: HashSet<(String, String)> = HashSet::new();
        let mut before: HashSet<(String, String)> = HashSet::new();
        watcher(api, watcher::Config::default())
            .default_backoff()
            .flat_map(move |event| {
                let gone = |(namespace, address)| News::Gone { namespace, address };
                let place = |of: &K| {
                    let meta = of.meta();
                    let name = meta.name.clone().unwrap_or_default();
                    (
                        meta.namespace.clone().unwrap_or_default(),
                        format!("{kind}/{name}"),
                    )
                };
                let news = match event {
                    Ok(watcher::Event::Init) => {
                        before = std::mem::take(&mut there);
                        Vec::new()
                    }
                    Ok(watcher::Event::InitDone) => before
                        .drain()
                        .filter(|place| !there.contains(place))
                        .map(gone)
                        .collect(),
                    Ok(watcher::Event::Apply(of) | watcher::Event::InitApply(of)) => {
                        let (namespace, address) = place(&of);
                        match see(&of, address.clone()) {
                            Some(workload) => {
                                there.insert((namespace.clone(), address));
                                vec![News::Workload {
                                    namespace,
                                    workload,
                                }]
                            }
                            None => {
                                let was = there.remove(&(namespace.clone(), address.clone()));
                                was.then(|| gone((namespace, address)))
                                    .into_iter()
                                    .collect()
                            }
                        }
                    }
                    Ok(watcher::Event::Delete(of)) => {
                        let place = place(&of);
                        there
                            .remove(&place)
                            .then(|| gone(place))
                            .into_iter()
                            .collect()
                    }
                    Err(error) => vec![News::Lost(error.to_string())],
                };
                stream::iter(news)
            })
    }
}

fn rollout<K: Serialize>(of: &K, address: String) -> Option<Workload> {
    let value = serde_json::to_value(of).ok()?;
    Some(Workload {
        address,
        ..workload(&Object::of(value.clone())?, &value)
    })
}

fn troubled(pod: &Pod, address: String) -> Option<Workload> {
    let news = pods::news(pod);
    news.trouble.then_some(Workload {
        address,
        wanted: 1,
        ready: 0,
        complete: false,
        trouble: Some(news.words),
    })
}
