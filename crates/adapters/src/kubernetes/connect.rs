//! A cluster, by a kubeconfig that needs nothing beside itself.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kube::{
    Client, Config,
    api::{Api, ApiResource, DynamicObject, GroupVersionKind},
    config::{KubeConfigOptions, Kubeconfig},
    discovery::{self, Scope},
};
use tokio::sync::Mutex;

use super::Object;
use crate::terraform::{Clear, Failed, Failure};

/// How long the API server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// One cluster, as the worker's account may use it; clones share their connections.
#[derive(Clone)]
pub struct Cluster {
    /// Its name, as templates say it.
    pub name: String,
    /// Its API server's address.
    pub server: String,
    pub(crate) client: Client,
    kubeconfig: Clear,
    kinds: Arc<Mutex<HashMap<GroupVersionKind, (ApiResource, bool)>>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cluster({} at {})", self.name, self.server)
    }
}

impl Cluster {
    /// Reads a kubeconfig. Nothing is asked of the cluster yet.
    ///
    /// # Errors
    /// [`Failure::Worker`] when it is no kubeconfig, or names a program or a file.
    pub async fn open(name: &str, kubeconfig: &[u8]) -> Result<Self, Failed> {
        let bad = |why: String| {
            Failed::new(
                Failure::Worker,
                format!("The kubeconfig of the cluster “{name}” cannot be used."),
                why,
                "Write one that holds the server's address, its certificate authority and the account's token or \
                 certificate as data.",
            )
        };
        let text = std::str::from_utf8(kubeconfig).map_err(|_| bad("It is no text.".into()))?;
        // The reader's own words quote the lines around, which may hold a token.
        let read = Kubeconfig::from_yaml(text)
            .map_err(|_| bad("It is no kubeconfig: its YAML does not read as one.".into()))?;
        if let Some(why) = refused(&read) {
            return Err(bad(why.into()));
        }
        let mut config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
            .await
            .map_err(|_| bad("Its context, certificate or key cannot be used.".into()))?;
        config.connect_timeout = Some(Duration::from_secs(5));
        config.read_timeout = None;
        let server = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| bad(error.to_string()))?;
        Ok(Self {
            name: name.to_owned(),
            server: server.trim_end_matches('/').to_owned(),
            client,
            kubeconfig: Clear::new(kubeconfig.to_vec()),
            kinds: Arc::default(),
        })
    }

    /// True if the other is reached by the very same kubeconfig.
    #[must_use]
    pub fn is_reached_like(&self, other: &Self) -> bool {
        self.kubeconfig == other.kubeconfig
    }

    /// The kubeconfig itself, for a tool that is started for one step.
    pub(crate) fn kubeconfig(&self) -> &Clear {
        &self.kubeconfig
    }

    /// Asks for the server's version, such as `v1.36.1`.
    ///
    /// # Errors
    /// When it does not answer, or not us.
    pub async fn version(&self) -> Result<String, Failed> {
        let asked = self.client.apiserver_version();
        Ok(self.ask("say its version", asked).await?.git_version)
    }

    /// One question with an end to its waiting, and its failure in words.
    pub(crate) async fn ask<T>(
        &self,
        what: &str,
        asked: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failed> {
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(what, &error)),
            Err(_) => Err(Failed::new(
                Failure::Worker,
                format!("The cluster “{}” does not answer.", self.name),
                format!(
                    "It was to {what}, and took longer than {} s.",
                    PATIENCE.as_secs()
                ),
                "Try again when the cluster is well: nothing was lost.",
            )),
        }
    }

    pub(crate) fn failed(&self, what: &str, error: &kube::Error) -> Failed {
        let name = &self.name;
        match error {
            kube::Error::Api(status) => {
                let (message, hint) = match status.code {
                    401 => (
                        format!(
                            "The cluster “{name}” does not know the worker's account any more."
                        ),
                        "Give the worker a new kubeconfig: its token or certificate has ended or was revoked.",
                    ),
                    403 => (
                        format!("The cluster “{name}” does not let the worker {what}."),
                        "Bind the worker's account to a role that may do this (docs/operating.md).",
                    ),
                    429 | 500..=599 => (
                        format!("The cluster “{name}” is in trouble."),
                        "Try again when the cluster is well: nothing was lost.",
                    ),
                    _ => (
                        format!("The cluster “{name}” refused to {what}."),
                        "The words are the API server's own; change what they are about.",
                    ),
                };
                Failed::new(Failure::Engine, message, status.message.clone(), hint)
            }
            other => Failed::new(
                Failure::Worker,
                format!("The cluster “{name}” cannot be reached."),
                chain(other),
                "Try again when it is there: nothing was lost.",
            ),
        }
    }

    /// Where objects of a kind are found; a kind that the server does not know is a refusal.
    pub(crate) async fn api(
        &self,
        object: &Object,
        namespace: &str,
    ) -> Result<Api<DynamicObject>, Failed> {
        let kind = object.kind_of();
        let known = self.kinds.lock().await.get(&kind).cloned();
        let (resource, namespaced) = match known {
            Some(known) => known,
            None => {
                let asked = discovery::pinned_kind(&self.client, &kind);
                let what = format!("say where {} of {} are", object.kind, object.api_version);
                let (resource, about) = self.ask(&what, asked).await.map_err(|mut failed| {
                    if failed.failure == Failure::Engine {
                        failed.message = format!(
                            "The cluster “{}” knows no {} of {}.",
                            self.name, object.kind, object.api_version
                        );
                        failed.hint =
                            "The API was removed, or its definition (CRD) is not installed there."
                                .into();
                    }
                    failed
                })?;
                let found = (resource, about.scope == Scope::Namespaced);
                self.kinds.lock().await.insert(kind, found.clone());
                found
            }
        };
        Ok(if namespaced {
            let namespace = object.namespace.as_deref().unwrap_or(namespace);
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        })
    }
}

/// Why a kubeconfig may not be used, if it may not.
fn refused(config: &Kubeconfig) -> Option<&'static str> {
    for user in config
        .auth_infos
        .iter()
        .filter_map(|u| u.auth_info.as_ref())
    {
        if user.exec.is_some() || user.auth_provider.is_some() {
            return Some("It starts a program to sign in, which the worker does not do.");
        }
        let files = [&user.token_file, &user.client_certificate, &user.client_key];
        if files.iter().any(|file| file.is_some()) {
            return Some("It names a file of a key or token instead of holding it.");
        }
    }
    for cluster in config.clusters.iter().filter_map(|c| c.cluster.as_ref()) {
        if cluster.certificate_authority.is_some() {
            return Some("It names a file of the certificate authority instead of holding it.");
        }
        if cluster.insecure_skip_tls_verify == Some(true) {
            return Some("It does not check whom it speaks to (insecure-skip-tls-verify).");
        }
        if cluster.proxy_url.is_some() {
            return Some("It goes through a proxy, which the worker does not do.");
        }
    }
    None
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(user: &str, cluster: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1', {cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
        )
    }

    #[tokio::test]
    async fn what_would_run_or_read_something_here_is_refused() {
        assert!(
            Cluster::open("lab", kubeconfig("token: x", "").as_bytes())
                .await
                .is_ok()
        );
        for (user, cluster, why) in [
            (
                "exec: {apiVersion: client.authentication.k8s.io/v1, command: id}",
                "",
                "starts a program",
            ),
            ("auth-provider: {name: gcp}", "", "starts a program"),
            ("tokenFile: /etc/passwd", "", "names a file of a key"),
            (
                "client-certificate: /etc/passwd, client-key-data: eA==",
                "",
                "names a file of a key",
            ),
            ("client-key: /etc/passwd", "", "names a file of a key"),
            (
                "token: x",
                "certificate-authority: /etc/passwd",
                "certificate authority",
            ),
            (
                "token: x",
                "insecure-skip-tls-verify: true",
                "does not check",
            ),
            ("token: x", "proxy-url: 'http://127.0.0.1:1'", "proxy"),
        ] {
            let refused = Cluster::open("lab", kubeconfig(user, cluster).as_bytes()).await;
            let said = refused.unwrap_err().detail;
            assert!(said.contains(why), "{user}{cluster}: {said}");
        }
        for broken in [
            "users: [{name: u, user: {token: canary77",
            "users: [{name: u, user: {token: [canary77]}}]",
        ] {
            let failed = Cluster::open("lab", broken.as_bytes()).await.unwrap_err();
            assert!(!format!("{failed:?}").contains("canary77"), "{failed:?}");
        }
        for bad in [&b"\xff"[..], b"", b"[", b"kind: Config"] {
            assert!(Cluster::open("lab", bad).await.is_err(), "{bad:?}");
        }
    }
}
