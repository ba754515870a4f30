//! The engines that this worker has.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Value, json};
use slipway_adapters::terraform::{
    Backend, Constraint, Engine, EngineKind, EngineMissing, Limits, Rescued, Settings, Terraform,
};
use slipway_services::Refusal;

use crate::Config;

/// Terraform and OpenTofu, each found or not.
#[derive(Debug)]
pub struct Engines {
    found: Vec<Result<Engine, (EngineKind, EngineMissing)>>,
    ready: BTreeMap<&'static str, Terraform>,
    /// States that tools of an earlier life could upload to nobody.
    rescued: Vec<Rescued>,
}

impl Engines {
    /// Looks for both at once.
    pub async fn find(config: &Config) -> anyhow::Result<Self> {
        let any: Constraint = ">= 1.0".parse()?;
        let look = async |kind: EngineKind, named: &Option<PathBuf>| {
            Engine::find(kind, named.as_deref(), &any)
                .await
                .map_err(|missing| (kind, missing))
        };
        let (terraform, opentofu) = tokio::join!(
            look(EngineKind::Terraform, &config.terraform),
            look(EngineKind::OpenTofu, &config.opentofu)
        );
        Ok(Self {
            found: vec![terraform, opentofu],
            ready: BTreeMap::new(),
            rescued: vec![],
        })
    }

    /// Makes them ready for steps: one listener for states, private folders, and what an earlier life of this worker
    /// left running is ended.
    pub async fn ready(mut self, config: &Config) -> anyhow::Result<Self> {
        let backend = Backend::start().await?;
        for engine in self.found.iter().flatten() {
            let name = engine.kind.name();
            let limits = Limits {
                apply: config.longest_run.unsigned_abs(),
                plan: config.longest_run.unsigned_abs(),
                ..Limits::default()
            };
            let settings = Settings {
                engine: engine.clone(),
                backend: backend.clone(),
                folders: config.folder.join("steps").join(name),
                cache: config.folder.join("init").join(name),
                mirror: config.provider_mirror.clone(),
                limits,
            };
            let terraform = Terraform::new(settings)?;
            let swept = terraform.sweep()?;
            self.rescued.extend(swept.states);
            for orphan in swept.killed {
                tracing::warn!(
                    pid = orphan.pid,
                    program = orphan.program,
                    "a tool of an earlier life of this worker was ended"
                );
            }
            self.ready.insert(name, terraform);
        }
        Ok(self)
    }

    /// What was rescued; once.
    pub fn rescued(&mut self) -> Vec<Rescued> {
        std::mem::take(&mut self.rescued)
    }

    /// The engine for a template, if this worker has it in an accepted version.
    pub fn get(
        &self,
        name: &str,
        wanted: &slipway_catalog::Constraint,
    ) -> Result<&Terraform, Refusal> {
        let Some(terraform) = self.ready.get(name) else {
            let (message, hint) = self
                .found
                .iter()
                .filter_map(|f| f.as_ref().err())
                .find(|(kind, _)| kind.name() == name)
                .map(|(_, missing)| (missing.message.clone(), missing.hint.clone()))
                .unwrap_or_else(|| (format!("This worker has no {name}."), String::new()));
            return Err(Refusal::new("The engine is missing.", message, hint));
        };
        let version = terraform.engine().version.to_string();
        if wanted.accepts(&version) {
            return Ok(terraform);
        }
        Err(Refusal::new(
            "The engine has another version than the template wants.",
            format!("The template wants {name} {wanted}, and this worker has {version}."),
            "Give the worker that version, or change the template's [engine] version.",
        ))
    }

    /// For the worker's row.
    pub fn facts(&self) -> Value {
        self.found
            .iter()
            .flatten()
            .map(|e| json!({ "name": e.kind.name(), "version": e.version.to_string() }))
            .collect()
    }

    /// For the start-up message.
    pub fn words(&self) -> Vec<String> {
        self.found
            .iter()
            .flatten()
            .map(|e| format!("{} {}", e.kind.name(), e.version))
            .collect()
    }
}
