//! The namespace of an environment: made before the first release, taken away after the last.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::api::core::v1::{Namespace as Ns, PersistentVolumeClaim};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use serde_json::json;

use super::Cluster;
use crate::terraform::{Failed, Failure};

/// Says, for people, which environment a namespace was made for.
pub const ENVIRONMENT: &str = "slipway.dev/environment";

/// Says whose it is, and no other portal's on the same cluster: nothing is released into, and nothing taken away with,
/// another's.
pub const OWNER: &str = "slipway.dev/owner";

/// What is known of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// It is there.
    pub exists: bool,
    /// It is being taken away.
    pub terminating: bool,
    /// The environment that it was made for, if one was.
    pub environment: Option<String>,
    /// Whose it is, if it is a portal's.
    pub owner: Option<String>,
}

impl Cluster {
    /// Looks at a namespace.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn namespace(&self, name: &str) -> Result<Namespace, Failed> {
        let api: Api<Ns> = Api::all(self.client.clone());
        let what = format!("show the namespace {name}");
        let Some(found) = self.ask(&what, api.get_opt(name)).await? else {
            return Ok(Namespace::default());
        };
        let terminating = found.metadata.deletion_timestamp.is_some();
        let mut labels = found.metadata.labels.unwrap_or_default();
        Ok(Namespace {
            exists: true,
            terminating,
            environment: labels.remove(ENVIRONMENT),
            owner: labels.remove(OWNER),
        })
    }

    /// Makes the namespace of an environment, or puts its labels right.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn make_namespace(
        &self,
        name: &str,
        (environment, owner): (&str, &str),
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Failed> {
        let mut labels = labels.clone();
        labels.insert(ENVIRONMENT.to_owned(), environment.to_owned());
        labels.insert(OWNER.to_owned(), owner.to_owned());
        labels.insert("app.kubernetes.io/managed-by".into(), "slipway".into());
        let wanted = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels },
        });
        let api: Api<Ns> = Api::all(self.client.clone());
        let params = PatchParams::apply("slipway").force();
        let what = format!("make the namespace {name}");
        self.ask(&what, api.patch(name, &params, &Patch::Apply(&wanted)))
            .await?;
        Ok(())
    }

    /// Takes the namespace of an environment away and waits until it is gone.
    ///
    /// # Errors
    /// When it is another's, or the server refuses, or it is still there after `patience`.
    pub async fn remove_namespace(
        &self,
        name: &str,
        owner: &str,
        patience: Duration,
    ) -> Result<(), Failed> {
        let api: Api<Ns> = Api::all(self.client.clone());
        let what = format!("take the namespace {name} away");
        let Some(found) = self.ask(&what, api.get_opt(name)).await? else {
            return Ok(());
        };
        let of = found.metadata.labels.as_ref().and_then(|l| l.get(OWNER));
        if of.map(String::as_str) != Some(owner) {
            return Err(Failed::new(
                Failure::Engine,
                format!("The namespace {name} is not this environment's."),
                format!("It does not carry the label {OWNER} = {owner}, so it stays."),
                "Ask the platform team whose it is.",
            ));
        }
        let params = DeleteParams {
            // Not one of the same name that was made meanwhile.
            preconditions: found.metadata.uid.clone().map(|uid| Preconditions {
                uid: Some(uid),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let gone = async { api.delete(name, &params).await.map(drop) };
        self.ask(&what, gone).await?;
        let until = tokio::time::Instant::now() + patience;
        let uid = found.metadata.uid.unwrap_or_default();
        let is_deleted = kube::runtime::conditions::is_deleted(&uid);
        let waited = kube::runtime::wait::await_condition(api.clone(), name, is_deleted);
        match tokio::time::timeout_at(until, waited).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failed::new(
                Failure::Worker,
                format!("It could not be seen whether the namespace {name} is gone."),
                error.to_string(),
                "Have it looked at again when the cluster is well.",
            )),
            Err(_) => {
                let left = self.ask(&what, api.get_opt(name)).await?;
                let why = left
                    .and_then(|n| n.status?.conditions)
                    .into_iter()
                    .flatten()
                    .filter(|c| c.status == "True")
                    .filter_map(|c| c.message)
                    .collect::<Vec<_>>()
                    .join(" ");
                Err(Failed::new(
                    Failure::Engine,
                    format!("The namespace {name} is still being taken away."),
                    why,
                    "Something in it does not let go (a finalizer): end that, then destroy again.",
                ))
            }
        }
    }

    /// The volumes that are claimed in a namespace: what is in them goes with it.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn volume_claims(&self, namespace: &str) -> Result<Vec<String>, Failed> {
        let api: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), namespace);
        let params = ListParams::default().limit(500);
        let found = self
            .ask("list its volume claims", api.list(&params))
            .await?;
        Ok(found
            .items
            .into_iter()
            .filter_map(|c| c.metadata.name)
            .collect())
    }
}
