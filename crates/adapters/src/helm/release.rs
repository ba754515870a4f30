//! One release, as one step may use it.

use std::{
    collections::BTreeMap, fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::Duration,
};

use serde::Deserialize;
use tempfile::TempDir;

use super::Helm;
use crate::{
    kubernetes::{Cluster, Object, manifest},
    terraform::{Cancel, Clear, Failed, Failure, Redactor, Sink},
};

/// What belongs to a step.
#[derive(Debug)]
pub struct ReleaseSpec<'a> {
    /// The step, for people: `17-1`.
    pub step: &'a str,
    /// The chart's files by path.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// The values document, secret values included.
    pub values: Clear,
    /// The release's name.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Where it goes.
    pub cluster: &'a Cluster,
    /// Knows the step's secrets.
    pub redactor: Redactor,
}

/// A release with a private folder; dropping it takes the folder away.
#[derive(Debug)]
pub struct Release {
    helm: Helm,
    folder: TempDir,
    name: String,
    namespace: String,
    redactor: Redactor,
}

/// What a chart renders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// The objects that belong to the release.
    pub objects: Vec<Object>,
    /// The objects that it makes at certain events.
    pub hooks: Vec<Object>,
}

/// One revision of a release, as the cluster keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Revision {
    /// Its number, from 1.
    pub revision: i64,
    /// `deployed`, `superseded`, `failed`, `pending-install`, `pending-upgrade`, `pending-rollback`, `uninstalling`, …
    pub status: String,
    /// The chart with its version.
    pub chart: String,
    /// What was said when it was made; the portal's say which run.
    #[serde(default)]
    pub description: String,
}

impl Revision {
    /// True if a client died over it: nobody else can act until it is put aside.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.status.starts_with("pending-") || self.status == "uninstalling"
    }
}

impl Rendered {
    /// Objects and hooks.
    pub fn all(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().chain(&self.hooks)
    }
}

impl Helm {
    /// Makes a step's folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn prepare(&self, spec: ReleaseSpec<'_>) -> Result<Release, Failed> {
        let failed = |error| Failed::io("make the step's folder", &error);
        let folder = tempfile::Builder::new()
            .prefix(&format!("{}-", spec.step))
            .tempdir_in(&self.folders)
            .map_err(failed)?;
        let at = folder.path();
        for part in ["home", "tmp", "chart"] {
            fs::create_dir(at.join(part)).map_err(failed)?;
        }
        for (path, bytes) in spec.files {
            if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
                return Err(Failed::new(
                    Failure::Template,
                    "The chart cannot be released.",
                    "A path leaves it.",
                    "",
                ));
            }
            let target = at.join("chart").join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            private(&target, bytes).map_err(failed)?;
        }
        private(&at.join("values.json"), spec.values.expose()).map_err(failed)?;
        private(&at.join("kubeconfig"), spec.cluster.kubeconfig().expose()).map_err(failed)?;
        Ok(Release {
            helm: self.clone(),
            name: spec.name.to_owned(),
            namespace: spec.namespace.to_owned(),
            redactor: spec.redactor,
            folder,
        })
    }
}

fn private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(bytes)
}

#[derive(Deserialize)]
struct Dry {
    manifest: String,
    #[serde(default)]
    hooks: Vec<Hook>,
}

#[derive(Deserialize)]
struct Hook {
    manifest: String,
}

/// Reads what Helm says as JSON.
fn answer<T: for<'de> Deserialize<'de>>(out: &[u8]) -> Result<T, Failed> {
    serde_json::from_slice(out).map_err(|error| {
        Failed::new(
            Failure::Engine,
            "Helm's answer cannot be read.",
            // Of what kind and where: the reader's own words may quote a value.
            format!("{:?} error at column {}.", error.classify(), error.column()),
            "",
        )
    })
}

/// How long Helm may take to look something up.
const LOOK: Duration = Duration::from_secs(60);

impl Release {
    /// Knows the step's secrets.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    async fn call(
        &self,
        args: &[&str],
        deadline: Duration,
        cancel: &Cancel,
        sink: Option<&mut dyn Sink>,
    ) -> Result<super::run::Said, Failed> {
        let mut all = args.to_vec();
        all.extend(["--namespace", self.namespace.as_str()]);
        self.helm
            .call(
                self.folder.path(),
                &all,
                deadline,
                cancel,
                &self.redactor,
                sink,
            )
            .await
    }

    fn read(&self, text: &str) -> Result<Vec<Object>, Failed> {
        Ok(manifest::within(manifest::read(text)?, &self.namespace))
    }

    /// What the chart is with these values, on this cluster. Nothing is made. Of a release that is `stuck` Helm does not
    /// say it by itself; then the chart is rendered beside it.
    ///
    /// # Errors
    /// With Helm's own words: a value that the schema refuses, a template that breaks.
    pub async fn render(&self, stuck: bool, cancel: &Cancel) -> Result<Rendered, Failed> {
        if stuck {
            let args = [
                "template",
                &self.name,
                "chart",
                "--dry-run=server",
                "--is-upgrade",
                "--skip-tests",
                "--values",
                "values.json",
            ];
            let said = self.call(&args, LOOK, cancel, None).await?;
            let out = Clear::new(said.good("render the chart")?);
            let all = self.read(&String::from_utf8_lossy(out.expose()))?;
            let (hooks, objects) = all.into_iter().partition(|object| object.hook.is_some());
            return Ok(Rendered { objects, hooks });
        }
        let args = [
            "upgrade",
            &self.name,
            "chart",
            "--install",
            "--dry-run=server",
            "--hide-notes",
            "--values",
            "values.json",
            "--output",
            "json",
        ];
        let said = self.call(&args, LOOK, cancel, None).await?;
        let out = Clear::new(said.good("render the chart")?);
        let dry: Dry = answer(out.expose())?;
        let mut hooks = Vec::new();
        for hook in dry.hooks {
            hooks.extend(self.read(&hook.manifest)?);
        }
        Ok(Rendered {
            objects: self.read(&dry.manifest)?,
            hooks,
        })
    }

    /// Its revisions, oldest first; none if it was never released, or taken away.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub async fn history(&self) -> Result<Vec<Revision>, Failed> {
        let args = ["history", &self.name, "--output", "json"];
        let said = self.call(&args, LOOK, &Cancel::new(), None).await?;
        if !said.ended.status.success() && said.err.contains("release: not found") {
            return Ok(Vec::new());
        }
        let out = said.good("list the release's revisions")?;
        answer(&out)
    }

    /// The objects of a revision, as the cluster keeps them.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub async fn manifest(&self, revision: i64) -> Result<Vec<Object>, Failed> {
        let revision = revision.to_string();
        let args = ["get", "manifest", &self.name, "--revision", &revision];
        let said = self.call(&args, LOOK, &Cancel::new(), None).await?;
        let out = Clear::new(said.good("read what is released")?);
        self.read(&String::from_utf8_lossy(out.expose()))
    }

    /// Releases the chart, waits until it is well, and rolls back by itself if it does not become so.
    ///
    /// # Errors
    /// With Helm's own words.
    pub async fn upgrade(
        &self,
        description: &str,
        patience: Duration,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<(), Failed> {
        let timeout = format!("{}s", patience.as_secs());
        let args = [
            "upgrade",
            &self.name,
            "chart",
            "--install",
            "--values",
            "values.json",
            "--description",
            description,
            "--rollback-on-failure",
            "--wait",
            "--wait-for-jobs",
            "--timeout",
            &timeout,
            "--history-max",
            "20",
            "--server-side",
            "true",
            "--force-conflicts",
            "--hide-notes",
            "--output",
            "json",
        ];
        // Helm waits for the release, and once more for the roll-back.
        let said = self.call(&args, patience * 3, cancel, Some(sink)).await?;
        said.good("release the chart")
            .map(|out| drop(Clear::new(out)))
    }

    /// Goes back to a revision: by ourselves, where Helm did not.
    ///
    /// # Errors
    /// With Helm's own words.
    pub async fn rollback(
        &self,
        to: i64,
        patience: Duration,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<(), Failed> {
        let (to, timeout) = (to.to_string(), format!("{}s", patience.as_secs()));
        let args = [
            "rollback",
            &self.name,
            &to,
            "--wait",
            "--timeout",
            &timeout,
            "--server-side",
            "true",
            "--force-conflicts",
        ];
        let said = self.call(&args, patience * 2, cancel, Some(sink)).await?;
        said.good("roll back").map(drop)
    }

    /// Takes the release away and waits until its objects are gone. One that is gone already is no failure.
    ///
    /// # Errors
    /// With Helm's own words.
    pub async fn uninstall(
        &self,
        patience: Duration,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<(), Failed> {
        let timeout = format!("{}s", patience.as_secs());
        let args = [
            "uninstall",
            &self.name,
            "--ignore-not-found",
            "--wait",
            "--cascade",
            "foreground",
            "--timeout",
            &timeout,
        ];
        let said = self.call(&args, patience * 2, cancel, Some(sink)).await?;
        said.good("take the release away").map(drop)
    }
}
