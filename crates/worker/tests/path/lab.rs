//! A house whose worker has a Helm and a cluster, and a chart that can be broken.

use std::{path::PathBuf, time::Duration};

use slipway_adapters::kubernetes::{Cluster, Object};
use slipway_services::template;
use tokio::process::Command;

use crate::house::House;

const CHART: &str = "apiVersion: v2\nname: greeter\nversion: 0.1.0\n";
pub const TEMPLATE: &str = r#"
title = "Greeter"
summary = "Greets."
owner = "platform"
class = "preview"
needs = ["kubernetes"]

[engine]
name = "helm"
version = ">= 4.1"

[life]
default = "8h"
greatest = "2d"

[request]
who = "member"

[release]
cluster = "lab"
namespace = "t-{environment}"
namespace_labels = { "pod-security.kubernetes.io/enforce" = "restricted" }
"#;
const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
  "properties": {
    "greeting": { "type": "string", "minLength": 2 },
    "crash": { "type": "boolean" },
    "password": { "type": "string", "writeOnly": true },
    "extra": { "type": "boolean" }
  }
}"#;
const VALUES: &str = "greeting: hello\ncrash: false\npassword: none\nextra: false\n";
pub const OBJECTS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: greeter}
data: {greeting: {{ .Values.greeting | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: greeter}
stringData: {password: {{ .Values.password | quote }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greeter}
spec:
  replicas: 2
  selector: {matchLabels: {app: greeter}}
  template:
    metadata: {labels: {app: greeter}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: app
          image: example.invalid/greeter@sha256:{{ .Values.crash | ternary "d" "a" | repeat 64 }}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
{{- if .Values.extra }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: extra}
{{- end }}
"#;

/// A house whose worker has a Helm and a cluster, and a catalog of one chart; `None`, said aloud, where there is none.
pub struct Lab {
    pub house: House,
    helm: PathBuf,
    pub clusters: PathBuf,
    pub cluster: Cluster,
    /// Of this test alone: the cluster is everybody's.
    pub name: String,
}

#[expect(clippy::print_stdout, reason = "a skip says why, and CI reads it")]
fn parts() -> Option<(PathBuf, PathBuf)> {
    let part = |name| std::env::var_os(name).map(PathBuf::from);
    let found = part("SLIPWAY_HELM").zip(part("SLIPWAY_CLUSTERS"));
    if found.is_none() {
        println!("skipped: neither SLIPWAY_HELM nor SLIPWAY_CLUSTERS (make lab)");
    }
    found
}

impl Lab {
    pub async fn new(lease: i64, objects: &str, template: &str) -> Option<Self> {
        let (helm, clusters) = parts()?;
        let house = House::without_worker(slipway_testkit::database().await).await?;
        let catalog = house.folder.with_extension("catalog");
        let files = [
            ("template.toml", template),
            ("Chart.yaml", CHART),
            ("values.schema.json", SCHEMA),
            ("values.yaml", VALUES),
            ("templates/all.yaml", objects),
        ];
        for (path, text) in files {
            let path = catalog.join("greeter").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        // Whatever an earlier life of these tests left in the cluster is another's.
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("rel-{}-{n}", std::process::id());
        let kubeconfig = std::fs::read(clusters.join("lab.kubeconfig")).unwrap();
        let cluster = Cluster::open("lab", &kubeconfig).await.unwrap();
        let mut lab = Self {
            helm,
            clusters,
            cluster,
            name,
            house,
        };
        lab.start(lease, catalog).await;
        lab.house
            .until("the chart", async |house| {
                let ctx = house.ctx("developer").await;
                !template::list(&house.db.web, &ctx)
                    .await
                    .unwrap()
                    .is_empty()
            })
            .await;
        Some(lab)
    }

    pub async fn start(&mut self, lease: i64, catalog: PathBuf) {
        let (helm, clusters) = (self.helm.clone(), self.clusters.clone());
        self.house
            .start(lease, |config| {
                config.catalog = Some(catalog);
                config.helm = Some(helm);
                config.clusters = Some(clusters);
                config.release_patience = Duration::from_secs(15);
            })
            .await;
    }

    pub fn namespace(&self) -> String {
        format!("t-{}", self.name)
    }

    /// Helm by hand.
    pub fn helm(&self, args: &[&str]) -> Command {
        let mut helm = Command::new(&self.helm);
        helm.args(args)
            .args(["--namespace", &self.namespace()])
            .env("KUBECONFIG", self.clusters.join("lab.kubeconfig"))
            .kill_on_drop(true);
        helm
    }

    pub async fn live(&self, kind: &str, name: &str) -> Option<serde_json::Value> {
        let api_version = if kind == "Deployment" {
            "apps/v1"
        } else {
            "v1"
        };
        let object = Object::of(serde_json::json!({
            "apiVersion": api_version, "kind": kind, "metadata": { "name": name },
        }));
        self.cluster
            .live(&object.unwrap(), &self.namespace())
            .await
            .unwrap()
    }

    pub async fn end(self) {
        let _ = std::fs::remove_dir_all(self.house.folder.with_extension("catalog"));
        self.house.end().await;
    }
}
