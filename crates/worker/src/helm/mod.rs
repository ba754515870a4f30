//! The Helm action: preview by what the API server would make of the chart, release of exactly that, verification by
//! looking at the rollout, recovery by the release's own history.
//!
//! An environment of a chart is one release in a namespace of its own. The namespace is the portal's: made before the
//! first revision, taken away after the last.

mod apply;
mod clusters;
mod end;
mod look;
mod preview;
mod reconcile;
mod saved;
mod watch;
mod words;

use std::collections::BTreeMap;

use slipway_adapters::{
    helm::{Helm, Release, ReleaseSpec},
    kubernetes::Cluster,
    terraform::{Clear, EngineMissing, Inputs, Redactor},
};
use slipway_catalog::Template;
use slipway_services::{Refusal, template, work, work::Claim};

pub use apply::apply;
pub use clusters::{Clusters, answers, ask};
pub use preview::preview;
pub use reconcile::reconcile;
pub use watch::watch;

use crate::{Shared, patiently, terraform};

/// The word for what carries such a step out, as stacks keep it.
pub const ENGINE: &str = "helm";

/// A step with all that belongs to carrying it out.
struct Bench {
    release: Release,
    template: Template,
    cluster: Cluster,
    namespace: String,
    helm: Helm,
    /// What the release was given, secret values included.
    values: Clear,
    /// A release that is not well after so long is rolled back.
    patience: std::time::Duration,
}

impl Bench {
    /// The release in its namespace.
    fn target<'a>(&'a self, claim: &'a Claim) -> (&'a str, &'a str) {
        (&claim.environment, &self.namespace)
    }

    fn volatile(&self) -> &[String] {
        self.template
            .release
            .as_ref()
            .map_or(&[], |release| &release.volatile)
    }

    fn labels(&self) -> BTreeMap<String, String> {
        self.template
            .release
            .as_ref()
            .map(|r| r.namespace_labels.clone())
            .unwrap_or_default()
    }

    /// Whose the namespace is: of this portal (its workers' key), this environment.
    fn owner(&self, shared: &Shared, claim: &Claim) -> String {
        format!("{}-{}", portal(shared), claim.environment_id)
    }

    /// Which history a revision number belongs to: another cluster or namespace is another release.
    fn lineage(&self, claim: &Claim) -> String {
        format!(
            "helm/{}/{}/{}",
            self.cluster.name, self.namespace, claim.environment
        )
    }
}

/// Looks for Helm, and ends what an earlier life of this worker left running.
pub async fn find(config: &crate::Config) -> anyhow::Result<Result<Helm, EngineMissing>> {
    let folders = config.folder.join("steps").join(ENGINE);
    let found = Helm::find(config.helm.as_deref(), folders).await;
    if let Ok(helm) = &found {
        for orphan in helm.sweep()? {
            tracing::warn!(
                pid = orphan.pid,
                program = orphan.program,
                "a tool of an earlier life of this worker was ended"
            );
        }
    }
    Ok(found)
}

/// Makes the step's folder. A refusal is for people: the run ends with it.
async fn prepare(shared: &Shared, claim: &Claim) -> anyhow::Result<Result<Bench, Refusal>> {
    let bundle = patiently("a step", || async {
        template::bundle(&shared.pool, &claim.template_digest).await
    })
    .await?;
    let template = match Template::parse(&bundle) {
        Ok(template) => template,
        Err(broken) => anyhow::bail!("the stored template cannot be read: {broken:?}"),
    };
    let Some(place) = template.release.clone() else {
        anyhow::bail!("a chart without a [release]");
    };
    let helm = match &shared.helm {
        Ok(helm) if template.engine.version.accepts(&helm.version) => helm.clone(),
        Ok(helm) => {
            return Ok(Err(Refusal::new(
                "Helm has another version than the template wants.",
                format!(
                    "The template wants {}, and this worker has {}.",
                    template.engine.version, helm.version
                ),
                "Give the worker that version, or change the template's [engine] version.",
            )));
        }
        Err(missing) => {
            return Ok(Err(Refusal::new(
                "Helm is missing.",
                missing.message.clone(),
                missing.hint.clone(),
            )));
        }
    };
    let cluster = match shared.clusters.get(&place.cluster).await {
        Ok(cluster) => cluster,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let inputs = Inputs {
        plain: claim.inputs.clone(),
        secret: work::open_inputs(claim, &shared.key)?,
    };
    let all = inputs
        .object()
        .map_err(|name| anyhow::anyhow!("the sensitive input {name} is no JSON"))?;
    let values = Clear::new(serde_json::to_vec(&slipway_catalog::values(
        &template, &all,
    ))?);
    let secrets = inputs.secret_texts();
    let files: BTreeMap<String, Vec<u8>> = bundle
        .iter()
        .filter(|(path, _)| *path != "template.toml")
        .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
        .collect();
    let namespace = place.namespace_for(&claim.team, &claim.environment);
    let step = format!("{}-1", claim.run);
    let spec = ReleaseSpec {
        step: &step,
        files: &files,
        values: values.clone(),
        name: &claim.environment,
        namespace: &namespace,
        cluster: &cluster,
        redactor: Redactor::new(secrets.iter().map(String::as_str)),
    };
    let release = match helm.prepare(spec) {
        Ok(release) => release,
        Err(failed) => return Ok(Err(terraform::refusal(failed))),
    };
    Ok(Ok(Bench {
        release,
        template,
        cluster,
        namespace,
        helm,
        values,
        patience: shared.config.release_patience,
    }))
}

/// What tells this portal's namespaces from another's on the same cluster.
fn portal(shared: &Shared) -> String {
    shared
        .key
        .id()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect()
}

/// What stands in the description of every revision that a run makes: how it is found again.
fn mark(claim: &Claim) -> String {
    format!("slipway run {}", claim.run)
}
