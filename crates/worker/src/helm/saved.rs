//! What is kept between the preview and the apply: what was approved, sealed.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use slipway_adapters::{
    helm::Rendered,
    kubernetes::{Object, manifest},
    terraform::Clear,
};
use slipway_seal::Digest;
use slipway_services::work::Claim;

use super::Bench;
use crate::Shared;

/// An approved release.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    /// The newest revision when the preview was made; 0 if there was none.
    pub revision: i64,
    /// Every object without its volatile fields; the hooks too.
    pub objects: Vec<Value>,
    /// Addresses of what goes away.
    pub gone: Vec<String>,
}

impl Saved {
    /// Of a rendering.
    pub fn of(bench: &Bench, rendered: &Rendered, gone: Vec<String>, revision: i64) -> Self {
        Self {
            revision,
            objects: steady(bench, rendered.all()),
            gone,
        }
    }

    /// True if a rendering is what was approved.
    pub fn is(&self, bench: &Bench, rendered: &Rendered) -> bool {
        self.objects == steady(bench, rendered.all())
    }

    /// The canonical, unredacted text that a vote's digest is taken of.
    pub fn projection(&self, bench: &Bench, claim: &Claim) -> anyhow::Result<Clear> {
        let values: Value = serde_json::from_slice(bench.values.expose())?;
        let text = serde_json::to_vec(&json!({
            "action": "helm",
            "operation": claim.operation.word(),
            "template": claim.template_digest,
            "helm": bench.helm.version,
            "target": {
                "server": bench.cluster.server,
                "cluster": bench.cluster.name,
                "namespace": bench.namespace,
                "release": claim.environment,
            },
            "values": sorted(values),
            "revision": self.revision,
            "objects": self.objects.iter().cloned().map(sorted).collect::<Vec<_>>(),
            "gone": self.gone,
        }))?;
        Ok(Clear::new(text))
    }

    /// Opens what was approved: for this run and this digest only.
    pub fn open(shared: &Shared, claim: &Claim) -> anyhow::Result<Self> {
        let digest: Digest = claim
            .digest
            .as_deref()
            .and_then(|d| d.parse().ok())
            .context("an approved run without a digest")?;
        let sealed = claim
            .sealed_plan
            .as_deref()
            .context("an approved run without its objects")?;
        let plain = shared
            .key
            .open(sealed, &crate::terraform::place(claim, &digest, None))
            .context("open what was approved")?;
        let plain = Clear::new(plain);
        Ok(serde_json::from_slice(plain.expose())?)
    }
}

fn steady<'a>(bench: &Bench, objects: impl Iterator<Item = &'a Object>) -> Vec<Value> {
    objects
        .map(|object| manifest::steady(object, bench.volatile()))
        .collect()
}

/// With keys in order at every depth, whatever order they came in.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().map(|(k, v)| (k, sorted(v))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
