//! How what was released stands.

use serde_json::Value;

use super::{Cluster, Object};
use crate::terraform::Failed;

/// One workload, as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// `Deployment/web`.
    pub address: String,
    /// Pods that are wanted.
    pub wanted: i64,
    /// Pods that are ready.
    pub ready: i64,
    /// True once the newest version is rolled out and all of it is ready.
    pub complete: bool,
    /// The failing condition, in the server's words, if there is one.
    pub trouble: Option<String>,
}

/// Kinds that roll out.
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

impl Cluster {
    /// The workloads among these objects, each as it stands; one that is missing has no pods.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn health(
        &self,
        objects: &[Object],
        namespace: &str,
    ) -> Result<Vec<Workload>, Failed> {
        let mut found = Vec::new();
        for object in objects.iter().filter(|o| KINDS.contains(&o.kind.as_str())) {
            let api = self.api(object, namespace).await?;
            let what = format!("show {}", object.address());
            let live = self.ask(&what, api.get_opt(&object.name)).await?;
            let value = live
                .and_then(|live| serde_json::to_value(live).ok())
                .unwrap_or_default();
            found.push(workload(object, &value));
        }
        Ok(found)
    }
}

pub(super) fn workload(object: &Object, live: &Value) -> Workload {
    let number = |pointer: &str| live.pointer(pointer).and_then(Value::as_i64);
    let daemon = object.kind == "DaemonSet";
    let wanted = if daemon {
        number("/status/desiredNumberScheduled").unwrap_or(0)
    } else {
        number("/spec/replicas").unwrap_or(1)
    };
    let ready = number(if daemon {
        "/status/numberReady"
    } else {
        "/status/readyReplicas"
    })
    .unwrap_or(0);
    let updated = number(if daemon {
        "/status/updatedNumberScheduled"
    } else {
        "/status/updatedReplicas"
    });
    let seen = number("/status/observedGeneration") >= number("/metadata/generation");
    let trouble = live
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|c| {
            let (kind, status) = (c["type"].as_str(), c["status"].as_str());
            kind == Some("ReplicaFailure") && status == Some("True")
                || kind == Some("Progressing") && status == Some("False")
        })
        .map(|c| c["message"].as_str().unwrap_or_default().to_owned());
    Workload {
        address: object.address(),
        wanted,
        ready,
        complete: !live.is_null()
            && seen
            && trouble.is_none()
            && updated.unwrap_or(0) >= wanted
            && ready >= wanted,
        trouble: if live.is_null() {
            Some("It is not there.".into())
        } else {
            trouble
        },
    }
}
